//! The portable backend: p224, p256, p384, p521, rsa, ed25519-dalek and sha2.

mod ecdsa;
mod ed25519;
mod fixed_base;
mod hash;
mod rsa;
mod sha1;

pub(super) use hash::{hash, hasher};
pub(super) use sha1::verify as verify_sha1;

use super::spki::KeyParts;
use super::{Backend, Digest, HashAlgorithm, Hasher, KeyError, PublicKey, VerifyingKey};

/// The backend; it serves every key that is served at all.
pub(super) struct RustCrypto;

impl Backend for RustCrypto {
    fn load_key(&self, spki: &[u8]) -> Option<Result<PublicKey, KeyError>> {
        Some(load_key(spki))
    }

    fn hasher(&self, algorithm: HashAlgorithm) -> Option<Box<dyn Hasher>> {
        Some(hasher(algorithm))
    }

    fn hash(&self, algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Digest> {
        Some(hash(algorithm, bytes))
    }
}

fn load_key(spki: &[u8]) -> Result<PublicKey, KeyError> {
    let parts = KeyParts::from_der(spki)?;
    let verifier: Box<dyn VerifyingKey> = match &parts {
        KeyParts::Rsa(parts) => Box::new(rsa::Key::new(parts)?),
        KeyParts::Ec(curve, point) => ecdsa::load(*curve, point)?,
        KeyParts::Ed25519(octets) => Box::new(ed25519::Key::new(octets)?),
    };
    Ok(PublicKey::new(parts.kind(), verifier))
}
