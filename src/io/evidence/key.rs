//! What makes two requests the same for caches.

use std::time::Duration;

use super::options::FetchOptions;
use crate::evidence::EvidenceRequest;

/// One thing that can be fetched. Who wants it does not matter: a list is the
/// same for every authority that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A list, by its address.
    Crl { url: String },
    /// An answer, by address and request.
    Ocsp { url: String, request: Vec<u8> },
}

impl Key {
    pub fn of(request: &EvidenceRequest) -> Self {
        match request {
            EvidenceRequest::Crl { url, .. } => Self::Crl { url: url.clone() },
            EvidenceRequest::Ocsp { url, request } => Self::Ocsp {
                url: url.clone(),
                request: request.clone(),
            },
        }
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Crl { url } | Self::Ocsp { url, .. } => url,
        }
    }

    /// The OCSP request; empty for lists.
    pub fn request(&self) -> &[u8] {
        match self {
            Self::Crl { .. } => &[],
            Self::Ocsp { request, .. } => request,
        }
    }

    /// `crl` or `ocsp`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crl { .. } => "crl",
            Self::Ocsp { .. } => "ocsp",
        }
    }

    pub const fn timeout(&self, options: &FetchOptions) -> Duration {
        match self {
            Self::Crl { .. } => options.crl_timeout,
            Self::Ocsp { .. } => options.ocsp_timeout,
        }
    }
}
