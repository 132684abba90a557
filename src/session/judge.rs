//! Small judgements on what hosts bring.

use super::Session;
use super::protocol::Reply;
use crate::crypto::{HashAlgorithm, Provider};
use crate::error::quote;
use crate::evidence::EvidenceReply;
use crate::oci::{self, media_type};
use crate::outcome::{Reason, Rejection};
use crate::wire::Descriptor;

/// The media type that a manifest or index states of itself, if it does.
fn stated_media_type(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stated {
        media_type: Option<String>,
    }
    serde_json::from_slice::<Stated>(bytes).ok()?.media_type
}

/// An artifact's descriptor, and its bytes where they came.
pub(crate) type Resolved = (Descriptor, Option<Vec<u8>>);

/// The artifact that `reference` names, from bytes that are hashed here.
pub(crate) fn resolved(
    reference: &str,
    reply: Reply,
    provider: &Provider,
) -> Result<Resolved, String> {
    let (header, bytes) = match reply {
        Reply::Content { media_type, bytes } => (media_type, bytes),
        Reply::Resolved(descriptor) => {
            return Ok((same_digest(reference, descriptor)?, None));
        }
        Reply::NotFound => return Err(format!("the artifact `{reference}` does not exist")),
        Reply::Failed(why) => {
            return Err(format!(
                "the artifact `{reference}` could not be resolved: {why}"
            ));
        }
        _ => return Err(wrong_reply("the artifact")),
    };
    let algorithm = match oci::Digest::parse(reference) {
        Ok(digest) if !digest.verify(provider, &bytes) => {
            return Err(other_bytes(reference));
        }
        Ok(digest) => digest.algorithm(),
        Err(_) => HashAlgorithm::Sha256,
    };
    let media_type = one_story(reference, header, stated_media_type(&bytes))?
        .unwrap_or_else(|| media_type::OCI_MANIFEST.to_owned());
    let digest = provider.hash(algorithm, &bytes);
    let descriptor = Descriptor {
        media_type,
        digest: format!("{}:{}", algorithm.as_str(), digest.to_hex()),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        ..Descriptor::default()
    };
    Ok((descriptor, Some(bytes)))
}

impl Session {
    /// What an index lists as `descriptor`, from bytes that are hashed here: it
    /// must be what the index says.
    pub(super) fn as_listed(
        &self,
        descriptor: Descriptor,
        reply: Reply,
    ) -> Result<Resolved, String> {
        let digest = &descriptor.digest;
        let (header, bytes) = match reply {
            Reply::Content { media_type, bytes } => (media_type, bytes),
            Reply::NotFound => {
                return Err(format!(
                    "the manifest `{digest}` is listed in the index and does not exist"
                ));
            }
            Reply::Failed(why) => {
                return Err(format!(
                    "the manifest `{digest}` of the index could not be fetched: {why}"
                ));
            }
            _ => return Err(wrong_reply("the manifest")),
        };
        let genuine = usize::try_from(descriptor.size).is_ok_and(|size| size == bytes.len())
            && oci::Digest::parse(digest)
                .is_ok_and(|digest| digest.verify(self.verifier.provider(), &bytes));
        if !genuine {
            return Err(other_bytes(digest));
        }
        match one_story(digest, header, stated_media_type(&bytes))? {
            Some(media_type) if media_type != descriptor.media_type => Err(format!(
                "the manifest `{digest}` is listed as {} in the index and is {}",
                quote(&descriptor.media_type),
                quote(&media_type)
            )),
            _ => Ok((descriptor, Some(bytes))),
        }
    }
}

fn other_bytes(reference: &str) -> String {
    format!("the bytes that came for the artifact `{reference}` have another digest or size")
}

/// The media type of the registry's header and of the document, which must not
/// tell two stories.
fn one_story(
    reference: &str,
    header: Option<String>,
    stated: Option<String>,
) -> Result<Option<String>, String> {
    match (header, stated) {
        (Some(header), Some(stated)) if header != stated => Err(format!(
            "the artifact `{reference}` came as `{header}`, and its manifest says `{stated}`"
        )),
        (header, stated) => Ok(header.or(stated)),
    }
}

pub(super) fn evidence_of(reply: Reply) -> EvidenceReply {
    match reply {
        Reply::Content { bytes, .. } => EvidenceReply::Content(bytes.into()),
        Reply::Evidence(reply) => reply,
        Reply::NotFound => EvidenceReply::Unavailable("the server does not have it".to_owned()),
        Reply::Failed(why) => EvidenceReply::Unavailable(why),
        _ => EvidenceReply::Unavailable(wrong_reply("evidence")),
    }
}

/// What a host's own index names for `reference`: a digest is found under no
/// other one.
fn same_digest(reference: &str, found: Descriptor) -> Result<Descriptor, String> {
    match oci::Digest::parse(reference) {
        Ok(_) if found.digest != reference => Err(format!(
            "the artifact `{reference}` was resolved to another digest, {}",
            quote(&found.digest)
        )),
        _ => Ok(found),
    }
}

pub(super) fn wrong_reply(what: &str) -> String {
    format!("the host answered the request for {what} with something else")
}

/// The size that a descriptor claims, where it is one that may be fetched.
pub(super) fn bounded_size(descriptor: &Descriptor, most: usize) -> Result<usize, Rejection> {
    match usize::try_from(descriptor.size) {
        Ok(size) if size <= most => Ok(size),
        _ => Err(Rejection::new(
            Reason::LimitExceeded,
            format!(
                "`{}` claims {} octets, and from 0 to {most} are allowed",
                descriptor.digest, descriptor.size
            ),
        )),
    }
}
