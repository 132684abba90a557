//! Encodings without policy: CBOR, JSON, PEM, base64, descriptors.

pub mod base64;
pub(crate) mod ber;
pub mod cbor;
pub(crate) mod der;
pub mod descriptor;
pub mod json;
pub(crate) mod oid;
pub(crate) mod pem;

pub use descriptor::Descriptor;
