using System.Runtime.InteropServices;

namespace NotationVerifier;

/// <summary>Something of the native library that is freed once, and not while a call uses it.</summary>
internal abstract class NativeHandle : SafeHandle
{
    protected NativeHandle(IntPtr pointer)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        SetHandle(pointer);
    }

    public override bool IsInvalid => handle == IntPtr.Zero;
}

/// <summary><c>nv_verifier</c>: any number of threads may use it.</summary>
internal sealed unsafe class VerifierHandle(IntPtr pointer) : NativeHandle(pointer)
{
    private GCHandle credentials;

    /// <summary>Keeps the target of the native callback as long as the verifier.</summary>
    internal void Keep(GCHandle target) => credentials = target;

    protected override bool ReleaseHandle()
    {
        IntPtr pointer = handle;
        NativeMethods.nv_verifier_free(&pointer);
        if (credentials.IsAllocated)
        {
            credentials.Free();
        }

        return true;
    }
}

/// <summary><c>nv_cancel</c>: ends native calls from another thread.</summary>
internal sealed unsafe class CancelHandle : NativeHandle
{
    internal CancelHandle()
        : base(New())
    {
    }

    internal void Cancel() => NativeMethods.nv_cancel_now(this);

    protected override bool ReleaseHandle()
    {
        IntPtr pointer = handle;
        NativeMethods.nv_cancel_free(&pointer);
        return true;
    }

    private static IntPtr New()
    {
        IntPtr cancel = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status = NativeMethods.nv_cancel_new(&cancel, &error);
        return status == NativeStatus.Done ? cancel : throw NativeFailure.Take(status, error);
    }
}

/// <summary><c>nv_report</c>: it does not change.</summary>
internal sealed unsafe class ReportHandle(IntPtr pointer) : NativeHandle(pointer)
{
    protected override bool ReleaseHandle()
    {
        IntPtr pointer = handle;
        NativeMethods.nv_report_free(&pointer);
        return true;
    }

    /// <summary>The report. What the library says by number and what its document says must agree.</summary>
    internal VerificationReport Read(uint returned)
    {
        uint status = NativeMethods.nv_report_status(this);
        NativeText text = NativeMethods.nv_report_json(this);
        byte[] json = text.Octets.ToArray();
        GC.KeepAlive(this);
        VerificationReport report = ReportReader.Read(json);
        uint stated = report.Status switch
        {
            ArtifactStatus.Verified => NativeStatus.Trusted,
            ArtifactStatus.Unsigned => NativeStatus.Unsigned,
            ArtifactStatus.LookupFailed => NativeStatus.LookupFailed,
            ArtifactStatus.Skipped => NativeStatus.Skipped,
            _ => NativeStatus.Rejected,
        };
        return status == stated && returned == stated
            ? report
            : throw new VerificationException(
                VerificationErrorKind.Internal,
                $"the native library returned {returned}, its report has {status}, and its document says {stated}");
    }
}
