//! Verification of Notary Project ("Notation") signatures.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

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
pub mod time;
pub mod timestamp;
pub mod trust;
pub mod wire;
pub mod x509;
