#if !LIBRARY_IMPORT
using System.Runtime.InteropServices;

namespace NotationVerifier;

/// <summary>The functions of <c>notation_verifier.h</c>; the runtime binds them.</summary>
internal static unsafe partial class NativeMethods
{
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_abi_version();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_error_free(IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_error_status(IntPtr error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_error_message(IntPtr error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_error_json(IntPtr error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_from_directory(byte* path, nuint pathLength, byte* options, nuint optionsLength, IntPtr* verifier, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_builder_new(byte* options, nuint optionsLength, IntPtr* builder, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_builder_set_oci_policy(IntPtr builder, byte* document, nuint documentLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_builder_set_blob_policy(IntPtr builder, byte* document, nuint documentLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_builder_add_certificates(IntPtr builder, byte* store, nuint storeLength, byte* certificates, nuint certificatesLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_builder_build(IntPtr builder, IntPtr* verifier, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_verifier_builder_free(IntPtr* builder);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_verifier_description_json(VerifierHandle verifier);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_verifier_free(IntPtr* verifier);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verify_layout(VerifierHandle verifier, byte* request, nuint requestLength, IntPtr* report, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_for_image(VerifierHandle verifier, byte* request, nuint requestLength, IntPtr* session, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_for_blob(VerifierHandle verifier, byte* request, nuint requestLength, byte* envelope, nuint envelopeLength, IntPtr* session, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_for_envelope(VerifierHandle verifier, byte* request, nuint requestLength, byte* envelope, nuint envelopeLength, IntPtr* session, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_step(SessionHandle session, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern nuint nv_session_need_count(SessionHandle session);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_need(SessionHandle session, nuint index, NativeNeed* need, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_supply_http(SessionHandle session, ulong need, uint status, byte* headers, nuint headersLength, byte* body, nuint bodyLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_supply_content(SessionHandle session, ulong need, byte* mediaType, nuint mediaTypeLength, byte* content, nuint contentLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_supply_failed(SessionHandle session, ulong need, byte* why, nuint whyLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_supply_blob_digest(SessionHandle session, ulong need, byte* digest, nuint digestLength, ulong blobSize, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_session_report(SessionHandle session, IntPtr* report, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_session_free(IntPtr* session);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_report_status(ReportHandle report);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_report_json(ReportHandle report);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_report_free(IntPtr* report);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_verifier_set_credential_callback(VerifierHandle verifier, IntPtr callback, IntPtr context, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_credential_set_password(IntPtr credential, byte* userName, nuint userNameLength, byte* password, nuint passwordLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_credential_set_identity_token(IntPtr credential, byte* token, nuint tokenLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_credential_set_failed(IntPtr credential, byte* why, nuint whyLength, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_cancel_new(IntPtr* cancel, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_cancel_now(CancelHandle cancel);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_cancel_free(IntPtr* cancel);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_resolve_image(VerifierHandle verifier, byte* request, nuint requestLength, CancelHandle cancel, IntPtr* descriptor, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_descriptor_reference(IntPtr descriptor);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_descriptor_media_type(IntPtr descriptor);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_descriptor_digest(IntPtr descriptor);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern long nv_descriptor_size(IntPtr descriptor);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_descriptor_free(IntPtr* descriptor);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_envelope_thumbprints(VerifierHandle verifier, byte* envelope, nuint envelopeLength, IntPtr* thumbprints, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern nuint nv_thumbprints_count(IntPtr thumbprints);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_thumbprints_at(IntPtr thumbprints, nuint index);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_thumbprints_free(IntPtr* thumbprints);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_write_payloads(VerifierHandle verifier, byte* request, nuint requestLength, CancelHandle cancel, IntPtr callback, IntPtr context, IntPtr* report, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint nv_attach_signatures(VerifierHandle verifier, byte* request, nuint requestLength, CancelHandle cancel, IntPtr callback, IntPtr context, IntPtr* report, IntPtr* error);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern NativeText nv_signing_report_json(IntPtr report);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void nv_signing_report_free(IntPtr* report);
}
#endif
