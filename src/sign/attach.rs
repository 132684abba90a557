//! What is checked before a signature goes to a registry.

use super::manifest::{ManifestForm, SignatureManifestDocument, signature_manifest};
use super::{because, refused, thumbprints};
use crate::error::Error;
use crate::oci::excerpt;
use crate::time::Time;
use crate::verifier::Verifier;
use crate::wire::Descriptor;

/// The signature manifest that attaches `envelope` to `subject`, once the envelope
/// is intact and its payload names `subject`: media type, digest and size.
///
/// The manifest's time of creation is the signing time, so that the same envelope
/// makes the same manifest whoever attaches it, and however often: attached twice
/// it is one signature.
///
/// # Errors
/// [`ErrorKind::Signing`](crate::ErrorKind::Signing) where the envelope is
/// malformed, its signature or its certificates are bad, or it is of something
/// else.
pub fn checked_manifest(
    subject: &Descriptor,
    media_type: &str,
    envelope: &[u8],
    form: ManifestForm,
    verifier: &Verifier,
) -> Result<SignatureManifestDocument, Error> {
    let signed = verifier
        .integrity(media_type, envelope)
        .map_err(because("the signature is not a good one"))?;
    let payload = signed
        .payload()
        .map_err(because("the signature's payload is none"))?;
    let target = payload.target_artifact;
    if !target.same_content(subject) {
        return Err(refused(format!(
            "the signature is of `{}` ({}, {} octets) and not of `{}` ({}, {} octets)",
            excerpt(&target.digest),
            excerpt(&target.media_type),
            target.size,
            subject.digest,
            subject.media_type,
            subject.size
        )));
    }
    // Each scheme has one of them.
    let created = signed
        .signing_time()
        .or_else(|| signed.authentic_signing_time())
        .unwrap_or(Time::from_unix(0));
    Ok(signature_manifest(
        subject,
        &signed,
        envelope,
        created,
        form,
        verifier.provider(),
    ))
}

/// The thumbprints of the certificate chain of `envelope`, as its signature manifest
/// states them: see [`thumbprints`].
///
/// # Errors
/// [`ErrorKind::Signing`](crate::ErrorKind::Signing) where the envelope is not
/// intact: thumbprints of a chain that signed nothing say nothing.
pub fn envelope_thumbprints(envelope: &[u8], verifier: &Verifier) -> Result<Vec<String>, Error> {
    let signed = verifier
        .integrity(envelope_media_type(envelope), envelope)
        .map_err(because("the signature is not a good one"))?;
    Ok(thumbprints(signed.chain()))
}

/// The media type of an envelope, from its first octet: a JWS is a JSON object, a
/// COSE envelope starts with the tag 18.
#[must_use]
pub fn envelope_media_type(envelope: &[u8]) -> &'static str {
    match envelope.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => crate::oci::media_type::JWS_ENVELOPE,
        _ => crate::oci::media_type::COSE_ENVELOPE,
    }
}
