//! Whole calls: they read files and fetch evidence themselves, and return the
//! verdict.

use std::ffi::c_char;
use std::fs::File;
use std::io::Read;

use notation::evidence::EvidenceSource;
use notation::io::evidence::WithEvidence;
use notation::io::{BlobHost, Layout, LayoutHost, drive};
use notation::report::{Report, Subject};
use notation::{Error, ErrorKind};

use crate::error::nv_error;
use crate::ffi::{Out, guard, handle, octets, text};
use crate::options::parse;
use crate::report::nv_report;
use crate::request::{Blob, Envelope, InLayout};
use crate::status::nv_status;
use crate::verifier::{Moment, nv_verifier};

/// The end of a whole call: the report for the caller, or the error with what it
/// is about.
fn finish(
    verifier: &nv_verifier,
    moment: &Moment,
    subject: &Subject,
    result: Result<Report, Error>,
    out: Out<*mut nv_report>,
) -> Result<nv_status, nv_error> {
    let report = result.map_err(|error| nv_error::about(subject, &error))?;
    let report = nv_report::new(report.with_warnings(verifier.warnings()), moment.given);
    let status = report.status();
    out.give(report);
    Ok(status)
}

/// Verifies an artifact in an OCI image layout, a directory or a tar archive.
///
/// `request` is a JSON object; the first three members are needed:
///
///     {"path": "...", "scope": "registry.example/app", "reference": "v1" or digest,
///      "userMetadata": {"key": "value"}, "maxSignatures": 100,
///      "allSignatures": false, "platforms": "named" or "all" (an index with all that
///      it lists), "name": "for the report", "at": "2026-01-31T12:00:00Z"}
///
/// Returns the verdict with `*report`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_layout(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    report: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                Out::new(report, "report")?,
            )
        };
        let request: InLayout = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let subject = Subject::Artifact(request.name());
        let result = layout(verifier, request, &moment);
        finish(verifier, &moment, &subject, result, out)
    })
}

fn layout(verifier: &nv_verifier, request: InLayout, moment: &Moment) -> Result<Report, Error> {
    let core = verifier.core();
    let path = request.path.clone();
    let session = core.verify_image(request.at(moment.time))?;
    let layout = Layout::open(path, core.limits())?;
    let mut host = WithEvidence::new(LayoutHost::new(&layout), verifier.fetcher(moment));
    drive(session, &mut host)
}

/// Verifies a blob in memory with its detached signature.
///
/// `request` is a JSON object; the first member is needed:
///
///     {"envelopeMediaType": "application/cose" or "application/jose+json",
///      "policyName": "a statement; the global one where it is left out",
///      "mediaType": "what the signature must say of the blob",
///      "name": "for the report", "userMetadata": {...}, "at": "..."}
///
/// Returns the verdict with `*report`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_blob(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    envelope: *const u8,
    envelope_len: usize,
    blob: *const u8,
    blob_len: usize,
    report: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, envelope, blob, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                octets(envelope, envelope_len, "envelope")?,
                octets(blob, blob_len, "blob")?,
                Out::new(report, "report")?,
            )
        };
        let request: Blob = parse(request, "request")?;
        blob_of(verifier, request, envelope, || Ok(blob), out)
    })
}

/// Verifies a blob in a file, which is read as a stream; the rest as for
/// `nv_verify_blob`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_blob_file(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    envelope: *const u8,
    envelope_len: usize,
    path: *const c_char,
    path_len: usize,
    report: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, envelope, path, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                octets(envelope, envelope_len, "envelope")?,
                text(path, path_len, "path")?,
                Out::new(report, "report")?,
            )
        };
        let request: Blob = parse(request, "request")?;
        let open = || {
            File::open(path).map_err(|error| {
                let told = format!("the blob `{path}` cannot be read: {error}");
                Error::with_source(ErrorKind::Io, told, error)
            })
        };
        blob_of(verifier, request, envelope, open, out)
    })
}

/// `open` is called once the policy has been found to apply, as the command does.
fn blob_of<R: Read>(
    verifier: &nv_verifier,
    request: Blob,
    envelope: &[u8],
    open: impl FnOnce() -> Result<R, Error>,
    out: Out<*mut nv_report>,
) -> Result<nv_status, nv_error> {
    let moment = verifier.moment(request.at.as_deref())?;
    let subject = Subject::Blob(request.name().to_owned());
    let result = || {
        let core = verifier.core();
        let session = core.verify_blob(request.at(envelope, moment.time))?;
        let host = BlobHost::new(open()?, core.provider(), core.limits().blob_bytes);
        drive(
            session,
            &mut WithEvidence::new(host, verifier.fetcher(&moment)),
        )
    };
    finish(verifier, &moment, &subject, result(), out)
}

/// Verifies an envelope at hand against a descriptor.
///
/// `request` is a JSON object; the first three members are needed:
///
///     {"reference": "registry.example/app:v1"    or "scope": "registry.example/app",
///      "target": {"mediaType": "...", "digest": "sha256:...", "size": 123},
///      "envelopeMediaType": "application/cose" or "application/jose+json",
///      "userMetadata": {...}, "at": "..."}
///
/// Returns the verdict with `*report`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_envelope(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    envelope: *const u8,
    envelope_len: usize,
    report: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, envelope, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                octets(envelope, envelope_len, "envelope")?,
                Out::new(report, "report")?,
            )
        };
        let mut request: Envelope = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let subject = Subject::Artifact(request.name().to_owned());
        let mut fetcher = verifier.fetcher(&moment);
        let evidence: &mut dyn EvidenceSource = &mut fetcher;
        let result = request
            .at(envelope, moment.time)
            .and_then(|request| verifier.core().verify_envelope(&request, evidence));
        finish(verifier, &moment, &subject, result, out)
    })
}
