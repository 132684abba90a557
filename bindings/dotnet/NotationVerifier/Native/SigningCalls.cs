using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace NotationVerifier;

/// <summary>The native calls around a signing service.</summary>
internal static unsafe class SigningCalls
{
    internal static ResolvedImage Resolve(VerifierHandle verifier, ReadOnlySpan<byte> request, CancelHandle cancel)
    {
        IntPtr descriptor = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status;
        fixed (byte* at = request)
        {
            status = NativeMethods.nv_resolve_image(verifier, at, (nuint)request.Length, cancel, &descriptor, &error);
        }

        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }

        try
        {
            return new ResolvedImage(
                NativeMethods.nv_descriptor_reference(descriptor).ToString(),
                new ArtifactDescriptor(
                    NativeMethods.nv_descriptor_media_type(descriptor).ToString(),
                    NativeMethods.nv_descriptor_digest(descriptor).ToString(),
                    NativeMethods.nv_descriptor_size(descriptor)));
        }
        finally
        {
            NativeMethods.nv_descriptor_free(&descriptor);
        }
    }

    internal static IReadOnlyList<string> Thumbprints(VerifierHandle verifier, ReadOnlySpan<byte> envelope)
    {
        IntPtr thumbprints = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status;
        fixed (byte* at = envelope)
        {
            status = NativeMethods.nv_envelope_thumbprints(verifier, at, (nuint)envelope.Length, &thumbprints, &error);
        }

        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }

        try
        {
            var all = new string[checked((int)NativeMethods.nv_thumbprints_count(thumbprints))];
            for (int at = 0; at < all.Length; at++)
            {
                all[at] = NativeMethods.nv_thumbprints_at(thumbprints, (nuint)at).ToString();
            }

            return all;
        }
        finally
        {
            NativeMethods.nv_thumbprints_free(&thumbprints);
        }
    }

    internal static SigningReport WritePayloads(VerifierHandle verifier, byte[] request, IProgress<SigningProgress>? progress, CancelHandle cancel)
    {
        var run = new Run(progress, cancel);
        IntPtr report = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status;
        using (var target = new Target(run))
        {
            fixed (byte* at = request)
            {
                status = NativeMethods.nv_write_payloads(verifier, at, (nuint)request.Length, cancel, Function, target.Context, &report, &error);
            }
        }

        return run.End(status, report, error);
    }

    internal static SigningReport Attach(VerifierHandle verifier, byte[] request, IProgress<SigningProgress>? progress, CancelHandle cancel)
    {
        var run = new Run(progress, cancel);
        IntPtr report = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status;
        using (var target = new Target(run))
        {
            fixed (byte* at = request)
            {
                status = NativeMethods.nv_attach_signatures(verifier, at, (nuint)request.Length, cancel, Function, target.Context, &report, &error);
            }
        }

        return run.End(status, report, error);
    }

    private static IntPtr Function => (IntPtr)(delegate* unmanaged[Cdecl]<IntPtr, NativeSigningResult*, void>)&Tell;

    /// <summary>Called for each image, on the thread that made the call. Nothing is thrown through it.</summary>
    [UnmanagedCallersOnly(CallConvs = new[] { typeof(CallConvCdecl) })]
    private static void Tell(IntPtr context, NativeSigningResult* result)
    {
        var run = (Run)GCHandle.FromIntPtr(context).Target!;
        try
        {
            run.Take(Read(in *result));
        }
        catch (Exception error)
        {
            run.Fail(error);
        }
    }

    private static SigningResult Read(in NativeSigningResult result)
    {
        SigningStatus status = result.State switch
        {
            NativeSigningState.Written => SigningStatus.Written,
            NativeSigningState.Kept => SigningStatus.Kept,
            NativeSigningState.Signed => SigningStatus.Signed,
            NativeSigningState.Valid => SigningStatus.Valid,
            NativeSigningState.Attached => SigningStatus.Attached,
            NativeSigningState.AlreadyAttached => SigningStatus.AlreadyAttached,
            NativeSigningState.WouldAttach => SigningStatus.WouldAttach,
            NativeSigningState.NotDone => SigningStatus.NotDone,
            _ => SigningStatus.Failed,
        };
        Exception? error = result.Error == IntPtr.Zero ? null : NativeFailure.Read(result.Error);
        return new SigningResult
        {
            Index = checked((int)result.Index),
            Reference = result.Reference.ToString(),
            Digest = TextOf(result.Digest),
            Status = status,
            PayloadFile = TextOf(result.Payload),
            SignatureDigest = TextOf(result.Signature),
            Error = error as VerificationException,
            Reason = error?.Message ?? string.Empty,
            Elapsed = TimeSpan.FromTicks((long)Math.Min(result.ElapsedNanoseconds / 100, long.MaxValue)),
        };
    }

    private static string? TextOf(NativeText text) => text.Octets.Length == 0 ? null : text.ToString();

    /// <summary>Keeps a run where native code can name it.</summary>
    private readonly struct Target(Run run) : IDisposable
    {
        private readonly GCHandle handle = GCHandle.Alloc(run);

        internal IntPtr Context => GCHandle.ToIntPtr(handle);

        public void Dispose() => handle.Free();
    }

    /// <summary>One call, and what it was told.</summary>
    private sealed class Run(IProgress<SigningProgress>? progress, CancelHandle cancel)
    {
        private readonly List<SigningResult> images = new();
        private int missing;
        private ExceptionDispatchInfo? failure;

        internal void Take(SigningResult image)
        {
            images.Add(image);
            missing += image.IsDone ? 0 : 1;
            if (failure is null)
            {
                progress?.Report(new SigningProgress(images.Count, missing, image));
            }
        }

        /// <summary>The program's own code threw: the run ends, and the caller gets it.</summary>
        internal void Fail(Exception error)
        {
            failure ??= ExceptionDispatchInfo.Capture(error);
            cancel.Cancel();
        }

        internal SigningReport End(uint status, IntPtr report, IntPtr error)
        {
            try
            {
                failure?.Throw();
                if (report == IntPtr.Zero)
                {
                    IntPtr taken = error;
                    error = IntPtr.Zero;
                    throw NativeFailure.Take(status, taken);
                }

                SigningReport read = Read(NativeMethods.nv_signing_report_json(report).ToString());
                return read.IsComplete == (status == NativeStatus.Done)
                    ? read
                    : throw new VerificationException(VerificationErrorKind.Internal, $"the native library returned {status}, and its results say something else");
            }
            finally
            {
                NativeMethods.nv_error_free(&error);
                NativeMethods.nv_signing_report_free(&report);
            }
        }

        private SigningReport Read(string json)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(json);
                JsonElement root = document.RootElement;
                SigningResult[] inOrder = images.OrderBy(image => image.Index).ToArray();
                if (root.GetProperty("images").GetArrayLength() != inOrder.Length)
                {
                    throw new FormatException("it has another number of images than were told");
                }

                return new SigningReport
                {
                    Images = inOrder,
                    Json = json,
                    MapPath = root.TryGetProperty("map", out JsonElement map) ? map.GetString() : null,
                    Warnings = root.TryGetProperty("warnings", out JsonElement warnings)
                        ? warnings.EnumerateArray().Select(one => one.GetString() ?? string.Empty).ToArray()
                        : Array.Empty<string>(),
                };
            }
            catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new VerificationException(VerificationErrorKind.Internal, $"the native library gave a report that this version cannot read: {error.Message}", error);
            }
        }
    }
}
