//! Verification of Notary Project ("Notation") signatures.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod checks;
pub mod crypto;
pub mod envelope;
pub mod error;
pub mod evidence;
#[cfg(feature = "io")]
pub mod io;
pub mod limits;
pub mod oci;
pub mod outcome;
pub mod policy;
pub mod report;
pub mod session;
pub mod time;
pub mod timestamp;
pub mod trust;
pub mod verifier;
pub mod wire;
pub mod x509;

pub use crypto::Provider;
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use policy::{BlobPolicy, OciPolicy};
pub use report::Report;
pub use time::Time;
pub use trust::TrustStore;
pub use verifier::Verifier;
