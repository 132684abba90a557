//! Encodings without policy: CBOR, JSON, PEM, base64, descriptors.

pub mod descriptor;

pub use descriptor::Descriptor;
