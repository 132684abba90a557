//! Encodings without policy: CBOR, JSON, PEM, base64, descriptors.

pub mod base64;
pub mod cbor;
pub mod descriptor;
pub mod json;

pub use descriptor::Descriptor;
