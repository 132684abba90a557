//! What stands at the two ends of signing: [`nv_descriptor`], what a registry has
//! under a reference, and [`nv_thumbprints`] of an envelope.

use std::ffi::c_char;

use notation::ErrorKind;
use notation::io::resolve;
use notation::oci::Reference;
use notation::report::Subject;
use notation::sign::attach::envelope_thumbprints;
use serde::Deserialize;
use serde_json::json;

use crate::cancel::{nv_cancel, run};
use crate::error::nv_error;
use crate::ffi::{Out, Text, free, guard, guard_or, handle, no_text, nv_str, octets, text};
use crate::options::parse;
use crate::signing::stopped;
use crate::status::{NV_DONE, nv_status};
use crate::verifier::nv_verifier;

/// What a registry has under a reference. It does not change: any number of threads may
/// read it. The caller owns it.
pub struct nv_descriptor {
    reference: Text,
    media_type: Text,
    digest: Text,
    size: i64,
    json: Text,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resolve {
    reference: String,
    timeout_ms: Option<u64>,
}

/// Asks a registry what it has under a reference: a manifest or a list of manifests,
/// whose octets are hashed here. It says nothing about signatures.
///
/// `request` is a JSON object; the first member is needed:
///
///     {"reference": "registry.example/app:v1" or "registry.example/app@sha256:...",
///      "timeoutMs": 60000}
///
/// `cancel` may be NULL. Returns `NV_DONE` or an error: `NV_ERROR_ARTIFACT` where the
/// registry says that there is no such image, `NV_ERROR_IO` where the look-up failed,
/// which says nothing of the image.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_resolve_image(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    cancel: *const nv_cancel,
    descriptor: *mut *mut nv_descriptor,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, cancel, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                cancel.as_ref(),
                Out::new(descriptor, "descriptor")?,
            )
        };
        let request: Resolve = parse(request, "request")?;
        let reference = Reference::parse(&request.reference)?;
        let (run, _) = run(request.timeout_ms, cancel);
        let client = verifier.registries().client();
        let host = client.host(&reference).in_run(run.clone());
        let core = verifier.core();
        let (reference, found) = resolve(&host, &reference, core.provider(), core.limits())
            .map_err(|error| match run.check() {
                Err(why) if error.kind() == ErrorKind::Io => stopped(why),
                _ => nv_error::about(&Subject::Artifact(request.reference), &error),
            })?;
        let reference = reference.to_string();
        let document = json!({
            "reference": reference,
            "mediaType": found.media_type,
            "digest": found.digest,
            "size": found.size,
        });
        out.give(nv_descriptor {
            reference: Text::new(reference),
            media_type: Text::new(found.media_type),
            digest: Text::new(found.digest),
            size: found.size,
            json: Text::new(document.to_string()),
        });
        Ok(NV_DONE)
    })
}

/// Reads a text of the descriptor; no text where there is none.
///
/// # Safety
/// `descriptor` is NULL or a descriptor that nobody frees meanwhile.
unsafe fn text_of(
    descriptor: *const nv_descriptor,
    read: impl FnOnce(&nv_descriptor) -> &Text,
) -> nv_str {
    // SAFETY: as the caller promises.
    let descriptor = unsafe { descriptor.as_ref() };
    guard_or(no_text(), || {
        descriptor.map_or(no_text(), |descriptor| read(descriptor).lend())
    })
}

/// The reference by digest: use this, and not the tag, for whatever comes next. It
/// lives as long as the descriptor, as do the texts below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_reference(descriptor: *const nv_descriptor) -> nv_str {
    // SAFETY: NULL, or a descriptor that the caller keeps.
    unsafe { text_of(descriptor, |descriptor| &descriptor.reference) }
}

/// The media type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_media_type(descriptor: *const nv_descriptor) -> nv_str {
    // SAFETY: NULL, or a descriptor that the caller keeps.
    unsafe { text_of(descriptor, |descriptor| &descriptor.media_type) }
}

/// The digest, `algorithm:hex`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_digest(descriptor: *const nv_descriptor) -> nv_str {
    // SAFETY: NULL, or a descriptor that the caller keeps.
    unsafe { text_of(descriptor, |descriptor| &descriptor.digest) }
}

/// The size in octets; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_size(descriptor: *const nv_descriptor) -> i64 {
    // SAFETY: NULL, or a descriptor that the caller keeps.
    let descriptor = unsafe { descriptor.as_ref() };
    guard_or(-1, || descriptor.map_or(-1, |descriptor| descriptor.size))
}

/// The same as a JSON object: `reference`, `mediaType`, `digest`, `size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_json(descriptor: *const nv_descriptor) -> nv_str {
    // SAFETY: NULL, or a descriptor that the caller keeps.
    unsafe { text_of(descriptor, |descriptor| &descriptor.json) }
}

/// Frees `*descriptor` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_descriptor_free(descriptor: *mut *mut nv_descriptor) {
    // SAFETY: a descriptor of this library, as the header asks.
    unsafe { free(descriptor) };
}

/// The thumbprints of the certificates of an envelope. It does not change: any number
/// of threads may read it. The caller owns it.
pub struct nv_thumbprints {
    each: Vec<Text>,
    json: Text,
}

/// Computes the thumbprints of the certificate chain of an envelope (COSE or JWS, told
/// apart by the first octet), as its signature manifest states them under
/// "io.cncf.notary.x509chain.thumbprint#S256". The envelope must be intact: well-formed,
/// certificate rules, signature; whether anybody trusts it is not looked at. Of the
/// verifier only cryptography and bounds are used. Returns `NV_DONE` or an error,
/// `NV_ERROR_SIGNING` where it is not intact.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_envelope_thumbprints(
    verifier: *const nv_verifier,
    envelope: *const u8,
    envelope_len: usize,
    thumbprints: *mut *mut nv_thumbprints,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, envelope, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                octets(envelope, envelope_len, "envelope")?,
                Out::new(thumbprints, "thumbprints")?,
            )
        };
        let found = envelope_thumbprints(envelope, verifier.core())?;
        out.give(nv_thumbprints {
            json: Text::new(json!(found).to_string()),
            each: found.into_iter().map(Text::new).collect(),
        });
        Ok(NV_DONE)
    })
}

/// How many there are: one for each certificate of the chain; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_thumbprints_count(thumbprints: *const nv_thumbprints) -> usize {
    // SAFETY: NULL, or thumbprints that the caller keeps.
    let thumbprints = unsafe { thumbprints.as_ref() };
    guard_or(0, || thumbprints.map_or(0, |all| all.each.len()))
}

/// The one at `index`, from 0, the signing certificate's first: SHA-256 over the DER, in
/// lower-case hexadecimal; empty where there is none. It lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_thumbprints_at(
    thumbprints: *const nv_thumbprints,
    index: usize,
) -> nv_str {
    // SAFETY: NULL, or thumbprints that the caller keeps.
    let thumbprints = unsafe { thumbprints.as_ref() };
    guard_or(no_text(), || {
        thumbprints
            .and_then(|all| all.each.get(index))
            .map_or(no_text(), Text::lend)
    })
}

/// All of them as a JSON array of texts: the value of the annotation. It lives as long
/// as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_thumbprints_json(thumbprints: *const nv_thumbprints) -> nv_str {
    // SAFETY: NULL, or thumbprints that the caller keeps.
    let thumbprints = unsafe { thumbprints.as_ref() };
    guard_or(no_text(), || {
        thumbprints.map_or(no_text(), |all| all.json.lend())
    })
}

/// Frees `*thumbprints` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_thumbprints_free(thumbprints: *mut *mut nv_thumbprints) {
    // SAFETY: thumbprints of this library, as the header asks.
    unsafe { free(thumbprints) };
}
