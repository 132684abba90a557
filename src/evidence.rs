//! What a check needs from outside the signature, and what the host brought.
//!
//! A check never fetches. Where it lacks evidence it says which, the host
//! fetches however it likes, and the check runs again with more
//! [`Evidence`]. A failed fetch is evidence too: the check judges it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::x509::{MalformedEvidence, RevocationList};

/// Something to fetch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EvidenceRequest {
    /// An OCSP exchange (RFC 6960 appendix A): `request` is the DER of the
    /// `OCSPRequest`.
    Ocsp {
        /// Address of the responder, from the certificate.
        url: String,
        /// DER of the request.
        request: Vec<u8>,
    },
    /// A certificate revocation list (RFC 5280).
    Crl {
        /// Address of the list, from the certificate or a base list.
        url: String,
        /// Which list is expected there.
        kind: ListKind,
        /// DER of the certificate of the authority that must have signed it: for
        /// hosts that have lists of their own.
        issuer: Vec<u8>,
    },
}

/// Which kind of certificate revocation list is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    /// All revoked certificates of its scope.
    Complete,
    /// What changed since a complete list (RFC 5280 section 5.2.4).
    Delta,
}

impl EvidenceRequest {
    /// The address to ask.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Ocsp { url, .. } | Self::Crl { url, .. } => url,
        }
    }
}

/// What came of an [`EvidenceRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceReply {
    /// The body of a successful answer.
    Content(Content),
    /// No answer; the text says why, for a person.
    Unavailable(String),
}

/// Where a host that is called for each request gets evidence from. Closures of
/// the same signature are sources too.
pub trait EvidenceSource {
    /// Fetches `request`, or says why it cannot be had.
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply;

    /// Fetches all of `requests`, at the same time where that is possible, and
    /// answers in their order.
    fn fetch_all(&mut self, requests: &[EvidenceRequest]) -> Vec<EvidenceReply> {
        requests.iter().map(|request| self.fetch(request)).collect()
    }
}

impl<F: FnMut(&EvidenceRequest) -> EvidenceReply> EvidenceSource for F {
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply {
        self(request)
    }
}

/// Fetches nothing: every piece of evidence is unavailable.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvidence;

impl EvidenceSource for NoEvidence {
    fn fetch(&mut self, _request: &EvidenceRequest) -> EvidenceReply {
        EvidenceReply::Unavailable("nothing is fetched here".to_owned())
    }
}

/// The body of an answer.
///
/// Clones share the octets and what was parsed from them: a host that keeps the
/// same `Content` for many verifications has a large CRL parsed, and its
/// signature verified, once.
#[derive(Clone)]
pub struct Content {
    inner: Arc<ContentInner>,
}

struct ContentInner {
    bytes: Arc<Vec<u8>>,
    revocation_list: OnceLock<Result<RevocationList, MalformedEvidence>>,
}

impl Content {
    /// The octets.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The octets as a CRL, parsed when they are first asked for as one.
    ///
    /// # Errors
    /// Where they are none.
    pub fn revocation_list(&self) -> Result<&RevocationList, &MalformedEvidence> {
        self.inner
            .revocation_list
            .get_or_init(|| RevocationList::parse(Arc::clone(&self.inner.bytes)))
            .as_ref()
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            inner: Arc::new(ContentInner {
                bytes: Arc::new(bytes),
                revocation_list: OnceLock::new(),
            }),
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.bytes() == other.bytes()
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} octets)", self.bytes().len())
    }
}

/// Everything fetched so far for one signature.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    replies: BTreeMap<EvidenceRequest, EvidenceReply>,
}

impl Evidence {
    /// No evidence.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            replies: BTreeMap::new(),
        }
    }

    /// Adds what came of `request`; a later reply replaces an earlier one.
    pub fn insert(&mut self, request: EvidenceRequest, reply: EvidenceReply) {
        self.replies.insert(request, reply);
    }

    /// What came of `request`, or `None` where it was not asked yet.
    #[must_use]
    pub fn get(&self, request: &EvidenceRequest) -> Option<&EvidenceReply> {
        self.replies.get(request)
    }

    /// Replies held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.replies.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }
}
