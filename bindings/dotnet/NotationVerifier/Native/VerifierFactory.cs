using System.Text;

namespace NotationVerifier;

/// <summary>Makes native verifiers.</summary>
internal static unsafe class VerifierFactory
{
    internal static VerifierHandle FromDirectory(string? directory, VerifierOptions options, CredentialCallback? credentials)
    {
        NativeLibraryLoader.Ensure();
        byte[] path = Encoding.UTF8.GetBytes(directory ?? string.Empty);
        byte[] json = OptionsJson.Verifier(options);
        IntPtr verifier = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        fixed (byte* pathAt = path, jsonAt = json)
        {
            Expect(NativeMethods.nv_verifier_from_directory(pathAt, (nuint)path.Length, jsonAt, (nuint)json.Length, &verifier, &error), error);
        }

        return Made(verifier, credentials);
    }

    internal static VerifierHandle FromMemory(TrustMaterial material, VerifierOptions options, CredentialCallback? credentials)
    {
        NativeLibraryLoader.Ensure();
        byte[] json = OptionsJson.Verifier(options);
        IntPtr builder = IntPtr.Zero;
        IntPtr verifier = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        fixed (byte* jsonAt = json)
        {
            Expect(NativeMethods.nv_verifier_builder_new(jsonAt, (nuint)json.Length, &builder, &error), error);
        }

        try
        {
            if (material.OciPolicy is { } oci)
            {
                fixed (byte* at = oci.Span)
                {
                    Expect(NativeMethods.nv_verifier_builder_set_oci_policy(builder, at, (nuint)oci.Length, &error), error);
                }
            }

            if (material.BlobPolicy is { } blob)
            {
                fixed (byte* at = blob.Span)
                {
                    Expect(NativeMethods.nv_verifier_builder_set_blob_policy(builder, at, (nuint)blob.Length, &error), error);
                }
            }

            foreach ((string store, byte[] certificates) in material.Stores)
            {
                byte[] name = Encoding.UTF8.GetBytes(store);
                fixed (byte* nameAt = name, at = certificates)
                {
                    Expect(NativeMethods.nv_verifier_builder_add_certificates(builder, nameAt, (nuint)name.Length, at, (nuint)certificates.Length, &error), error);
                }
            }

            Expect(NativeMethods.nv_verifier_builder_build(builder, &verifier, &error), error);
            return Made(verifier, credentials);
        }
        finally
        {
            NativeMethods.nv_verifier_builder_free(&builder);
        }
    }

    internal static VerificationReport VerifyLayout(VerifierHandle verifier, ReadOnlySpan<byte> request)
    {
        IntPtr report = IntPtr.Zero;
        IntPtr error = IntPtr.Zero;
        uint status;
        fixed (byte* at = request)
        {
            status = NativeMethods.nv_verify_layout(verifier, at, (nuint)request.Length, &report, &error);
        }

        if (report == IntPtr.Zero)
        {
            throw NativeFailure.Take(status, error);
        }

        using var handle = new ReportHandle(report);
        return handle.Read(status);
    }

    private static VerifierHandle Made(IntPtr verifier, CredentialCallback? credentials)
    {
        var handle = new VerifierHandle(verifier);
        credentials?.AnswerFor(handle);
        return handle;
    }

    private static void Expect(uint status, IntPtr error)
    {
        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }
    }
}
