//! The payload of a signature: one descriptor, in JSON
//! (signature-specification, "Payload").

use serde_json::{Map, Value, json};

use super::refused;
use crate::error::{Error, quote};
use crate::limits::MAX_ANNOTATIONS;
use crate::oci::{Digest, media_type};
use crate::wire::Descriptor;

/// Annotations with this prefix are for the specification alone.
const RESERVED: &str = "io.cncf.notary";

/// The payload that names `target`, with its annotations as user metadata:
/// compact JSON, the same octets for the same descriptor.
///
/// # Errors
/// [`ErrorKind::Signing`](crate::ErrorKind::Signing) where the descriptor is not
/// one (media type, digest, size), or an annotation has the reserved prefix
/// `io.cncf.notary`.
pub fn payload(target: &Descriptor) -> Result<Vec<u8>, Error> {
    if !media_type::is_well_formed(&target.media_type) {
        return Err(refused(format!(
            "{} is not a media type: it has the form `type/subtype`",
            quote(&target.media_type)
        )));
    }
    Digest::parse(&target.digest).map_err(|error| refused(error.to_string()))?;
    if target.size < 0 {
        return Err(refused(format!(
            "the size of `{}` is {}: it cannot be negative",
            target.digest, target.size
        )));
    }
    if target.annotations.len() > MAX_ANNOTATIONS {
        return Err(refused(format!(
            "there are more than {MAX_ANNOTATIONS} annotations"
        )));
    }
    if let Some(key) = target
        .annotations
        .keys()
        .find(|key| key.is_empty() || key.starts_with(RESERVED))
    {
        return Err(refused(format!(
            "the annotation {} cannot be signed: it must not be empty, and `{RESERVED}` is \
             reserved; choose another name",
            quote(key)
        )));
    }

    let mut members = Map::new();
    members.insert("mediaType".to_owned(), target.media_type.as_str().into());
    members.insert("digest".to_owned(), target.digest.as_str().into());
    members.insert("size".to_owned(), target.size.into());
    if let Some(artifact_type) = &target.artifact_type {
        members.insert("artifactType".to_owned(), artifact_type.as_str().into());
    }
    if !target.annotations.is_empty() {
        members.insert("annotations".to_owned(), json!(target.annotations));
    }
    Ok(json!({ "targetArtifact": Value::Object(members) })
        .to_string()
        .into_bytes())
}
