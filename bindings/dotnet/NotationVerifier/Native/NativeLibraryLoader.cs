using System.Reflection;
using System.Runtime.InteropServices;

namespace NotationVerifier;

/// <summary>Finds the native library, and refuses one that does not belong to this assembly.</summary>
internal static class NativeLibraryLoader
{
    private static readonly Lazy<Exception?> Problem = new(Check);

    /// <summary>Call before the first use of the native library.</summary>
    /// <exception cref="DllNotFoundException">It is missing: says where it was looked for.</exception>
    /// <exception cref="VerificationException">It is of another version.</exception>
    internal static void Ensure()
    {
        if (Problem.Value is { } problem)
        {
            throw problem is VerificationException version
                ? new VerificationException(version.Kind, version.Message)
                : new DllNotFoundException(problem.Message, problem.InnerException);
        }
    }

    private static Exception? Check()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLoader).Assembly, Resolve);
            return NativeAbi.Check();
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            return new DllNotFoundException(
                error is EntryPointNotFoundException
                    ? $"the native library of NotationVerifier is of another version: {error.Message}"
                    : error.Message,
                error);
        }
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != NativeMethods.Library)
        {
            return IntPtr.Zero;
        }

        var tried = new List<string>();
        foreach (string path in Candidates())
        {
            tried.Add(path);
            if (File.Exists(path))
            {
                // A file that is there and cannot be loaded is not passed over: the error says why.
                return NativeLibrary.Load(path);
            }
        }

        // Packages of an application that was not published: the host knows their folders.
        return NativeLibrary.TryLoad(name, assembly, DllImportSearchPath.AssemblyDirectory, out IntPtr handle)
            ? handle
            : throw new DllNotFoundException(
                $"the native library of NotationVerifier for `{RuntimeInformation.RuntimeIdentifier}` is missing: looked for {string.Join(", ", tried.Select(path => $"`{path}`"))}. "
                + "The NuGet package has it for linux-x64, linux-arm64, linux-musl-x64, linux-musl-arm64, osx-x64, osx-arm64, win-x64 and win-arm64; "
                + "publish with the runtime identifier of the target, or put the library beside the application");
    }

    /// <summary>Where a published application has it, and where a package keeps it.</summary>
    private static IEnumerable<string> Candidates()
    {
        string file = OperatingSystem.IsWindows() ? $"{NativeMethods.Library}.dll"
            : OperatingSystem.IsMacOS() ? $"lib{NativeMethods.Library}.dylib"
            : $"lib{NativeMethods.Library}.so";
        string folder = AppContext.BaseDirectory;
        foreach (string identifier in Identifiers().Distinct())
        {
            yield return Path.Combine(folder, "runtimes", identifier, "native", file);
        }

        yield return Path.Combine(folder, file);
    }

    private static IEnumerable<string> Identifiers()
    {
        string processor = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        string system = OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal) || RuntimeInformation.RuntimeIdentifier.StartsWith("alpine", StringComparison.Ordinal) ? "linux-musl"
            : "linux";
        yield return $"{system}-{processor}";
        yield return RuntimeInformation.RuntimeIdentifier;
    }
}
