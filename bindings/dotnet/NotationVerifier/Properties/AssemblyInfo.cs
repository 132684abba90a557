using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NotationVerifier.Tests")]

#if LIBRARY_IMPORT
// What the source generator writes needs no help of the runtime.
[assembly: DisableRuntimeMarshalling]
#endif
