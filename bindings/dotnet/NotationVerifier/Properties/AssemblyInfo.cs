using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("NotationVerifier.Tests")]
