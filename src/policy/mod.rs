//! Trust policies: which statement applies to an artifact, and what it asks
//! (trust-store-trust-policy, version 1.0 of both documents).
//!
//! A parsed policy is a valid one: every rule of the specification is checked
//! when the document is read, so that selecting cannot meet a broken statement.

mod blob;
mod document;
mod error;
mod identities;
mod level;
mod oci;
mod scope;
mod statement;

pub use blob::BlobPolicy;
pub use error::{DocumentKind, PolicyError};
pub use identities::Identities;
pub use level::{Level, VerifyTimestamp};
pub use oci::OciPolicy;
pub use statement::{Selection, Statement};

#[cfg(feature = "io")]
pub(crate) use document::too_large;
#[cfg(feature = "io")]
pub(crate) use error::Place;

#[cfg(test)]
mod tests;
