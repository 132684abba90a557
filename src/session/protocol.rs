//! What a session and its host say to each other.

use std::collections::BTreeMap;

use crate::crypto::{self, HashAlgorithm};
use crate::evidence::{EvidenceReply, EvidenceRequest};
use crate::report::Report;
use crate::time::Time;
use crate::wire::Descriptor;

/// Names one [`Need`] of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeedId(pub u64);

/// Something that the host should fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// For [`Session::supply`](super::Session::supply).
    pub id: NeedId,
    /// What to fetch.
    pub request: Request,
    /// The most octets that the answer may have; stop reading there.
    pub max_bytes: usize,
}

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// The manifest that a tag or digest names: [`Reply::Content`] with its
    /// media type, or [`Reply::Resolved`].
    Resolve {
        /// Tag or digest.
        reference: String,
    },
    /// Manifests whose subject is `subject` and whose artifact type is that of
    /// Notary Project signatures: [`Reply::Referrers`].
    Referrers {
        /// Digest of the artifact.
        subject: String,
        /// Where to go on, from the reply before.
        page: Option<String>,
    },
    /// A signature manifest: [`Reply::Content`].
    Manifest(Descriptor),
    /// A signature envelope: [`Reply::Content`].
    Envelope(Descriptor),
    /// The digest of the blob that is verified: [`Reply::BlobDigest`].
    BlobDigest(HashAlgorithm),
    /// An OCSP answer or a CRL: [`Reply::Content`].
    Evidence(EvidenceRequest),
}

/// What the host brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Bytes, with the media type that came with them, if one did.
    Content {
        /// Media type.
        media_type: Option<String>,
        /// The bytes; the session hashes them itself.
        bytes: Vec<u8>,
    },
    /// The artifact's descriptor, from a host whose own index names it.
    Resolved(Descriptor),
    /// One page of referrers.
    Referrers {
        /// Descriptors on this page.
        descriptors: Vec<Descriptor>,
        /// Where the next page is.
        next: Option<String>,
        /// What could not be looked at and might have been a signature. Where no
        /// signature is trusted, the look-up then counts as failed.
        problems: Vec<String>,
    },
    /// A blob that was hashed as it was read.
    BlobDigest {
        /// With the algorithm that was asked for.
        digest: crypto::Digest,
        /// Octets.
        size: u64,
    },
    /// Evidence, from a host that keeps it: what was parsed of it is shared with
    /// other sessions.
    Evidence(EvidenceReply),
    /// It is not there: the other side said so.
    NotFound,
    /// It could not be fetched; the text says why, for a person.
    Failed(String),
}

/// Where a session stands.
#[derive(Debug)]
pub enum Step {
    /// It needs all of these, in any order.
    Needs(Vec<Need>),
    /// It is done.
    Done(Box<Report>),
}

/// An artifact whose signatures are to be found and verified.
#[derive(Clone, Debug)]
pub struct ImageRequest {
    /// What a person calls the artifact; for the report.
    pub name: String,
    /// What selects the policy statement: `registry/repository`.
    pub scope: String,
    /// Tag or digest.
    pub reference: String,
    /// Annotations that the signed payload must have.
    pub user_metadata: BTreeMap<String, String>,
    /// The most signatures to evaluate; `None` is the bound of
    /// [`Limits`](crate::limits::Limits).
    pub max_signatures: Option<usize>,
    /// Evaluate the signatures after a trusted one too.
    pub all_signatures: bool,
    /// What of an index counts.
    pub platforms: Platforms,
    /// The moment of verification.
    pub now: Time,
}

/// What of an index counts for its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// The artifact that is named, index or not, as the specification has it.
    #[default]
    Named,
    /// The index, the indexes in it, and every manifest that they list: each must
    /// be trusted on its own. What is for the platform `unknown/unknown` is no
    /// image and does not count.
    All,
}

/// A blob and its detached signature.
#[derive(Clone, Debug)]
pub struct BlobRequest {
    /// What a person calls the blob; for the report.
    pub name: String,
    /// The statement of the blob trust policy; `None` is the global one.
    pub policy_name: Option<String>,
    /// The envelope's media type.
    pub envelope_media_type: String,
    /// The envelope.
    pub envelope: Vec<u8>,
    /// The media type that the signature must state, if any.
    pub media_type: Option<String>,
    /// Annotations that the signed payload must have.
    pub user_metadata: BTreeMap<String, String>,
    /// The moment of verification.
    pub now: Time,
}
