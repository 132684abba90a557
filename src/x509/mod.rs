//! X.509: certificates, linear chains, distinguished names, trusted identities,
//! revocation lists, OCSP.
//!
//! Chains are linear: an envelope carries the ordered chain, and trust is
//! membership of one of its certificates in a store. There is no path building
//! here, and no clock.

mod algorithm;
mod attribute;
mod bundle;
mod certificate;
mod chain;
mod crl;
mod crl_index;
mod distribution_point;
mod extensions;
mod identity;
mod key;
mod name;
mod ocsp;
mod string;

pub use algorithm::SignatureIdentifier;
pub(crate) use algorithm::{hash as hash_algorithm, hash_oid as hash_algorithm_oid};
pub use bundle::parse_certificates;
pub use certificate::{Certificate, IssuerMismatch};
pub use chain::Chain;
pub use crl::{RevocationList, RevocationReason, RevokedEntry};
pub use distribution_point::{DistributionPoint, IssuingDistributionPoint, PointName, ReasonFlags};
pub use extensions::{BasicConstraints, ExtendedKeyUsage, Extension, KeyUsage, Purpose, Usage};
pub use identity::{IdentityError, IdentityErrorKind, TrustedSubject, check_identity_subject};
pub use name::{Attribute, AttributeValue, Name};
pub(crate) use ocsp::request as ocsp_request;
pub use ocsp::{CertId, OcspResponse, OcspResponseError, OcspStatus, SingleResponse};

use crate::outcome::{Reason, Rejection};
use crate::wire::der::DerError;

/// `what` is malformed: the one way in which encodings are refused here.
fn malformed(what: &str, error: DerError) -> Rejection {
    Rejection::new(
        Reason::CertMalformed,
        format!("{what} is malformed: {error}"),
    )
}

/// A CRL, an OCSP response or an address of one is not well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} is malformed: {problem}")]
pub struct MalformedEvidence {
    what: &'static str,
    problem: DerError,
}

impl MalformedEvidence {
    const fn new(what: &'static str, problem: DerError) -> Self {
        Self { what, problem }
    }
}
