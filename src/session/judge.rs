//! Small judgements on what hosts bring.

use super::protocol::Reply;
use crate::error::quote;
use crate::evidence::EvidenceReply;
use crate::oci;
use crate::outcome::{Reason, Rejection};
use crate::wire::Descriptor;

/// The media type that a manifest or index states of itself, if it does.
pub(super) fn stated_media_type(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stated {
        media_type: Option<String>,
    }
    serde_json::from_slice::<Stated>(bytes).ok()?.media_type
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
pub(super) fn same_digest(reference: &str, found: Descriptor) -> Result<Descriptor, String> {
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
