//! [`nv_status`]: the result of a call as a number.

use notation::ErrorKind;
use notation::report::ArtifactStatus;

/// The result of a call. Only `NV_TRUSTED` says that something may be used.
///
/// Numbers are never given another meaning and never used again. New ones will
/// be added: treat a number that you do not know as a failure. From 64 on they are
/// errors: nothing was evaluated, and the `error` parameter tells why.
pub type nv_status = u32;

/// Evaluated and trusted, and nothing else: no function that does not evaluate
/// returns 0.
pub const NV_TRUSTED: nv_status = 0;
/// The call did what it is for. It says nothing about trust.
pub const NV_DONE: nv_status = 1;
/// The session needs something: see `nv_session_need_count`.
pub const NV_NEEDS: nv_status = 2;

/// There are signatures, and none is trusted.
pub const NV_REJECTED: nv_status = 16;
/// The look-up worked, and there is no signature.
pub const NV_UNSIGNED: nv_status = 17;
/// A look-up failed, so nothing is known. It is not the same as unsigned.
pub const NV_LOOKUP_FAILED: nv_status = 18;
/// The trust policy exempts the artifact (level `skip`): nothing was verified.
pub const NV_SKIPPED: nv_status = 19;
/// Of several artifacts at least one is not trusted.
pub const NV_NOT_ALL_TRUSTED: nv_status = 20;
/// Of several images at least one does not have what the call is for: a payload, its
/// signature. The report tells which, and why.
pub const NV_NOT_ALL_DONE: nv_status = 21;

/// A parameter is wrong: NULL where that is not allowed, an impossible length,
/// text that is not UTF-8.
pub const NV_ERROR_ARGUMENT: nv_status = 64;
/// A value is wrong: a reference, an option, a member that is not known.
pub const NV_ERROR_USAGE: nv_status = 65;
/// The call does not fit the state of its handle: an answer that nobody asked
/// for, a report that is not there yet, a handle that another call is using, a
/// session in which a call failed inside.
pub const NV_ERROR_STATE: nv_status = 66;
/// A trust policy document is missing, malformed or breaks a rule.
pub const NV_ERROR_TRUST_POLICY: nv_status = 67;
/// No statement of the trust policy applies to the artifact.
pub const NV_ERROR_POLICY_NOT_APPLICABLE: nv_status = 68;
/// A trust store or a certificate cannot be read.
pub const NV_ERROR_TRUST_STORE: nv_status = 69;
/// The artifact, a manifest or a blob cannot be had or is malformed.
pub const NV_ERROR_ARTIFACT: nv_status = 70;
/// A bound stopped the work.
pub const NV_ERROR_LIMIT_EXCEEDED: nv_status = 71;
/// Reading from the file system or the network failed.
pub const NV_ERROR_IO: nv_status = 72;
/// The call was cancelled.
pub const NV_ERROR_CANCELLED: nv_status = 73;
/// A payload or a signature cannot be used for signing: it is malformed, not intact, or
/// of something else.
pub const NV_ERROR_SIGNING: nv_status = 74;
/// Something failed for which there is no number yet.
pub const NV_ERROR_OTHER: nv_status = 126;
/// The library failed inside (a panic, which stopped there). Please report it.
pub const NV_ERROR_INTERNAL: nv_status = 127;

pub(crate) const fn of_artifact(status: ArtifactStatus) -> nv_status {
    match status {
        ArtifactStatus::Verified => NV_TRUSTED,
        ArtifactStatus::Unsigned => NV_UNSIGNED,
        ArtifactStatus::Rejected => NV_REJECTED,
        ArtifactStatus::LookupFailed => NV_LOOKUP_FAILED,
        ArtifactStatus::Skipped => NV_SKIPPED,
    }
}

pub(crate) const fn of_error(kind: ErrorKind) -> nv_status {
    match kind {
        ErrorKind::Usage => NV_ERROR_USAGE,
        ErrorKind::TrustPolicy => NV_ERROR_TRUST_POLICY,
        ErrorKind::PolicyNotApplicable => NV_ERROR_POLICY_NOT_APPLICABLE,
        ErrorKind::TrustStore => NV_ERROR_TRUST_STORE,
        ErrorKind::Artifact => NV_ERROR_ARTIFACT,
        ErrorKind::LimitExceeded => NV_ERROR_LIMIT_EXCEEDED,
        ErrorKind::Io => NV_ERROR_IO,
        ErrorKind::Signing => NV_ERROR_SIGNING,
        ErrorKind::Internal => NV_ERROR_INTERNAL,
        _ => NV_ERROR_OTHER,
    }
}

/// The name of a status, such as "rejected" or "error-usage", with a NUL at its
/// end; "unknown" where there is none. It lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn nv_status_name(status: nv_status) -> *const std::ffi::c_char {
    let name: &'static str = match status {
        NV_TRUSTED => "trusted\0",
        NV_DONE => "done\0",
        NV_NEEDS => "needs\0",
        NV_REJECTED => "rejected\0",
        NV_UNSIGNED => "unsigned\0",
        NV_LOOKUP_FAILED => "lookup-failed\0",
        NV_SKIPPED => "skipped\0",
        NV_NOT_ALL_TRUSTED => "not-all-trusted\0",
        NV_NOT_ALL_DONE => "not-all-done\0",
        NV_ERROR_ARGUMENT => "error-argument\0",
        NV_ERROR_USAGE => "error-usage\0",
        NV_ERROR_STATE => "error-state\0",
        NV_ERROR_TRUST_POLICY => "error-trust-policy\0",
        NV_ERROR_POLICY_NOT_APPLICABLE => "error-policy-not-applicable\0",
        NV_ERROR_TRUST_STORE => "error-trust-store\0",
        NV_ERROR_ARTIFACT => "error-artifact\0",
        NV_ERROR_LIMIT_EXCEEDED => "error-limit-exceeded\0",
        NV_ERROR_IO => "error-io\0",
        NV_ERROR_CANCELLED => "error-cancelled\0",
        NV_ERROR_SIGNING => "error-signing\0",
        NV_ERROR_OTHER => "error-other\0",
        NV_ERROR_INTERNAL => "error-internal\0",
        _ => "unknown\0",
    };
    name.as_ptr().cast()
}
