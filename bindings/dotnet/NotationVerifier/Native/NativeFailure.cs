using System.Text.Json;

namespace NotationVerifier;

/// <summary>Turns a failed call into an exception.</summary>
internal static unsafe class NativeFailure
{
    /// <summary>Takes <paramref name="error"/>, frees it, and says what it says.</summary>
    internal static Exception Take(uint status, IntPtr error)
    {
        if (error == IntPtr.Zero)
        {
            return New(status, "the native library gave no reason", Array.Empty<string>());
        }

        try
        {
            return Read(status, error);
        }
        finally
        {
            NativeMethods.nv_error_free(&error);
        }
    }

    /// <summary>What <paramref name="error"/> says, which is only lent.</summary>
    internal static Exception Read(uint status, IntPtr error) =>
        New(status, NativeMethods.nv_error_message(error).ToString(), Causes(NativeMethods.nv_error_json(error).ToString()));

    /// <summary>The same, with the status that the error has.</summary>
    internal static Exception Read(IntPtr error) => Read(NativeMethods.nv_error_status(error), error);

    private static Exception New(uint status, string message, string[] causes) =>
        status == NativeStatus.ErrorCancelled
            ? new OperationCanceledException(message)
            : new VerificationException(Kind(status), message) { Causes = causes };

    private static VerificationErrorKind Kind(uint status) => status switch
    {
        NativeStatus.ErrorArgument or NativeStatus.ErrorUsage => VerificationErrorKind.Usage,
        NativeStatus.ErrorTrustPolicy => VerificationErrorKind.TrustPolicy,
        NativeStatus.ErrorPolicyNotApplicable => VerificationErrorKind.PolicyNotApplicable,
        NativeStatus.ErrorTrustStore => VerificationErrorKind.TrustStore,
        NativeStatus.ErrorArtifact => VerificationErrorKind.Artifact,
        NativeStatus.ErrorLimitExceeded => VerificationErrorKind.LimitExceeded,
        NativeStatus.ErrorIo => VerificationErrorKind.Io,
        NativeStatus.ErrorSigning => VerificationErrorKind.Signing,
        _ => VerificationErrorKind.Internal,
    };

    private static string[] Causes(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty("error").GetProperty("causes").EnumerateArray()
                .Select(cause => cause.GetString() ?? string.Empty)
                .ToArray();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // The message is what counts.
            return Array.Empty<string>();
        }
    }
}
