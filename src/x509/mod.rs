//! X.509: certificates, linear chains, distinguished names, trusted identities.
//!
//! Chains are linear: an envelope carries the ordered chain, and trust is
//! membership of one of its certificates in a store. There is no path building
//! here, and no clock.

mod algorithm;
mod attribute;
mod bundle;
mod certificate;
mod chain;
mod extensions;
mod identity;
mod key;
mod name;
mod string;

pub use algorithm::SignatureIdentifier;
pub(crate) use algorithm::hash as hash_algorithm;
pub use bundle::parse_certificates;
pub use certificate::{Certificate, IssuerMismatch};
pub use chain::Chain;
pub use extensions::{BasicConstraints, ExtendedKeyUsage, Extension, KeyUsage, Purpose, Usage};
pub use identity::{IdentityError, IdentityErrorKind, TrustedSubject, check_identity_subject};
pub use name::{Attribute, AttributeValue, Name};

use crate::outcome::{Reason, Rejection};
use crate::wire::der::DerError;

/// `what` is malformed: the one way in which encodings are refused here.
fn malformed(what: &str, error: DerError) -> Rejection {
    Rejection::new(
        Reason::CertMalformed,
        format!("{what} is malformed: {error}"),
    )
}
