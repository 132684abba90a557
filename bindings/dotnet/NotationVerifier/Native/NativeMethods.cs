using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace NotationVerifier;

/// <summary>The native library: names, numbers and structures of <c>notation_verifier.h</c>.</summary>
internal static partial class NativeMethods
{
    /// <summary>The name of the library, as in <c>libnotation_verifier.so</c> and <c>notation_verifier.dll</c>.</summary>
    internal const string Library = "notation_verifier";
}

/// <summary><c>nv_str</c>: text that somebody else owns.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct NativeText
{
    private readonly byte* data;
    private readonly nuint length;

    internal ReadOnlySpan<byte> Octets => new(data, checked((int)length));

    public override string ToString() => Encoding.UTF8.GetString(Octets);
}

/// <summary><c>nv_slice</c>: octets that somebody else owns.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct NativeOctets
{
    private readonly byte* data;
    private readonly nuint length;

    internal byte[] ToArray() => new ReadOnlySpan<byte>(data, checked((int)length)).ToArray();
}

/// <summary><c>nv_need</c>: what a session needs. The texts live until the session changes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NativeNeed
{
    internal readonly ulong Id;
    internal readonly ulong MostOctets;
    internal readonly uint Kind;
    private readonly uint reserved;
    internal readonly NativeText What;
    internal readonly NativeText Method;
    internal readonly NativeText Url;
    internal readonly NativeText Headers;
    internal readonly NativeOctets Body;
}

/// <summary><c>nv_signing_result</c>: what one image came to. It is lent until the callback returns.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NativeSigningResult
{
    internal readonly ulong Index;
    internal readonly ulong ElapsedNanoseconds;
    internal readonly uint State;
    private readonly uint reserved;
    internal readonly NativeText Reference;
    internal readonly NativeText Digest;
    internal readonly NativeText Payload;
    internal readonly NativeText Signature;
    internal readonly IntPtr Error;
}

/// <summary><c>NV_SIGNING_…</c>.</summary>
internal static class NativeSigningState
{
    internal const uint Written = 1;
    internal const uint Kept = 2;
    internal const uint Signed = 3;
    internal const uint Valid = 4;
    internal const uint Attached = 16;
    internal const uint AlreadyAttached = 17;
    internal const uint WouldAttach = 18;
    internal const uint Failed = 64;
    internal const uint NotDone = 65;
}

/// <summary><c>NV_NEED_…</c>.</summary>
internal static class NativeNeedKind
{
    internal const uint BlobDigest = 5;
    internal const uint Ocsp = 6;
    internal const uint Crl = 7;
}

/// <summary><c>nv_status</c>. Only <see cref="Trusted"/> says that something may be used.</summary>
internal static class NativeStatus
{
    internal const uint Trusted = 0;
    internal const uint Done = 1;
    internal const uint Needs = 2;
    internal const uint Rejected = 16;
    internal const uint Unsigned = 17;
    internal const uint LookupFailed = 18;
    internal const uint Skipped = 19;
    internal const uint NotAllDone = 21;
    internal const uint ErrorArgument = 64;
    internal const uint ErrorUsage = 65;
    internal const uint ErrorState = 66;
    internal const uint ErrorTrustPolicy = 67;
    internal const uint ErrorPolicyNotApplicable = 68;
    internal const uint ErrorTrustStore = 69;
    internal const uint ErrorArtifact = 70;
    internal const uint ErrorLimitExceeded = 71;
    internal const uint ErrorIo = 72;
    internal const uint ErrorCancelled = 73;
    internal const uint ErrorSigning = 74;
}

/// <summary>Whether the native library is the one that this assembly was written for.</summary>
internal static class NativeAbi
{
    /// <summary><c>NV_ABI_VERSION</c>: the major number in the upper 16 bits, the minor one in the lower.</summary>
    internal const uint Version = 2;

    internal static Exception? Check() => Check(NativeMethods.nv_abi_version());

    internal static Exception? Check(uint version)
    {
        if (version >> 16 != Version >> 16 || (version & 0xffff) < (Version & 0xffff))
        {
            return new VerificationException(
                VerificationErrorKind.Internal,
                $"the native library has version {version >> 16}.{version & 0xffff} of the interface, and this assembly needs {Version >> 16}.{Version & 0xffff}: use the two of one package");
        }

        // The other side asserts the same sizes.
        bool same = Unsafe.SizeOf<NativeText>() == 2 * IntPtr.Size
            && Unsafe.SizeOf<NativeOctets>() == 2 * IntPtr.Size
            && Unsafe.SizeOf<NativeNeed>() == 24 + (10 * IntPtr.Size)
            && Unsafe.SizeOf<NativeSigningResult>() == 24 + (9 * IntPtr.Size);
        return same
            ? null
            : new VerificationException(VerificationErrorKind.Internal, "the structures of this assembly are not those of the native library");
    }
}
