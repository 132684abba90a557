using System.Text;

namespace NotationVerifier;

/// <summary><c>nv_session</c>: one verification under way. One call at a time.</summary>
internal sealed unsafe class SessionHandle(IntPtr pointer) : NativeHandle(pointer)
{
    protected override bool ReleaseHandle()
    {
        IntPtr pointer = handle;
        NativeMethods.nv_session_free(&pointer);
        return true;
    }

    internal static SessionHandle ForImage(VerifierHandle verifier, ReadOnlySpan<byte> request)
    {
        IntPtr session = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        fixed (byte* requestAt = request)
        {
            Expect(NativeMethods.nv_session_for_image(verifier, requestAt, (nuint)request.Length, &session, &error), error);
        }

        return new SessionHandle(session);
    }

    internal static SessionHandle ForBlob(VerifierHandle verifier, ReadOnlySpan<byte> request, ReadOnlySpan<byte> envelope)
    {
        IntPtr session = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        fixed (byte* requestAt = request, envelopeAt = envelope)
        {
            Expect(NativeMethods.nv_session_for_blob(verifier, requestAt, (nuint)request.Length, envelopeAt, (nuint)envelope.Length, &session, &error), error);
        }

        return new SessionHandle(session);
    }

    internal static SessionHandle ForEnvelope(VerifierHandle verifier, ReadOnlySpan<byte> request, ReadOnlySpan<byte> envelope)
    {
        IntPtr session = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        fixed (byte* requestAt = request, envelopeAt = envelope)
        {
            Expect(NativeMethods.nv_session_for_envelope(verifier, requestAt, (nuint)request.Length, envelopeAt, (nuint)envelope.Length, &session, &error), error);
        }

        return new SessionHandle(session);
    }

    /// <summary>Goes as far as it can: whether it needs something. If not, it is done.</summary>
    internal bool Step(out uint status)
    {
        IntPtr error = IntPtr.Zero;
        status = NativeMethods.nv_session_step(this, &error);
        return status switch
        {
            NativeStatus.Needs => true,
            NativeStatus.Trusted or NativeStatus.Rejected or NativeStatus.Unsigned or NativeStatus.LookupFailed or NativeStatus.Skipped => false,
            _ => throw NativeFailure.Take(status, error),
        };
    }

    /// <summary>What it needs now.</summary>
    internal Need[] Needs()
    {
        nuint count = NativeMethods.nv_session_need_count(this);
        var needs = new Need[checked((int)count)];
        for (int at = 0; at < needs.Length; at++)
        {
            IntPtr error = IntPtr.Zero;
            NativeNeed need = default;
            Expect(NativeMethods.nv_session_need(this, (nuint)at, &need, &error), error);
            needs[at] = new Need(in need);
        }

        return needs;
    }

    internal void SupplyHttp(ulong need, int status, string headers, ReadOnlySpan<byte> body)
    {
        IntPtr error = IntPtr.Zero;
        byte[] lines = Encoding.UTF8.GetBytes(headers);
        fixed (byte* headersAt = lines, bodyAt = body)
        {
            Expect(NativeMethods.nv_session_supply_http(this, need, (uint)status, headersAt, (nuint)lines.Length, bodyAt, (nuint)body.Length, &error), error);
        }
    }

    internal void SupplyContent(ulong need, ReadOnlySpan<byte> content)
    {
        IntPtr error = IntPtr.Zero;
        fixed (byte* contentAt = content)
        {
            Expect(NativeMethods.nv_session_supply_content(this, need, null, 0, contentAt, (nuint)content.Length, &error), error);
        }
    }

    internal void SupplyFailed(ulong need, string why)
    {
        IntPtr error = IntPtr.Zero;
        byte[] text = Encoding.UTF8.GetBytes(why);
        fixed (byte* textAt = text)
        {
            Expect(NativeMethods.nv_session_supply_failed(this, need, textAt, (nuint)text.Length, &error), error);
        }
    }

    internal void SupplyBlobDigest(ulong need, ReadOnlySpan<byte> digest, long size)
    {
        IntPtr error = IntPtr.Zero;
        fixed (byte* digestAt = digest)
        {
            Expect(NativeMethods.nv_session_supply_blob_digest(this, need, digestAt, (nuint)digest.Length, (ulong)size, &error), error);
        }
    }

    internal VerificationReport Report(uint status)
    {
        IntPtr report = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint returned = NativeMethods.nv_session_report(this, &report, &error);
        if (report == IntPtr.Zero)
        {
            throw NativeFailure.Take(returned, error);
        }

        using var handle = new ReportHandle(report);
        if (returned != status)
        {
            throw new VerificationException(VerificationErrorKind.Internal, $"the native session ended with {status} and its report with {returned}");
        }

        return handle.Read(returned);
    }

    private static void Expect(uint status, IntPtr error)
    {
        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }
    }
}
