//! The portable backend: p224, p256, p384, p521, rsa, ed25519-dalek and sha2.

use sha2::Digest as _;

use super::{Backend, Digest, HashAlgorithm, Hasher, KeyError, PublicKey};

/// The backend.
pub(super) struct RustCrypto;

impl Backend for RustCrypto {
    fn load_key(&self, _spki: &[u8]) -> Option<Result<PublicKey, KeyError>> {
        None
    }

    fn hasher(&self, algorithm: HashAlgorithm) -> Option<Box<dyn Hasher>> {
        Some(hasher(algorithm))
    }

    fn hash(&self, algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Digest> {
        Some(hash(algorithm, bytes))
    }
}

enum Running {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher for Running {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    fn finish(self: Box<Self>) -> Digest {
        match *self {
            Self::Sha256(state) => digest(HashAlgorithm::Sha256, &state.finalize()),
            Self::Sha384(state) => digest(HashAlgorithm::Sha384, &state.finalize()),
            Self::Sha512(state) => digest(HashAlgorithm::Sha512, &state.finalize()),
        }
    }
}

fn digest(algorithm: HashAlgorithm, octets: &[u8]) -> Digest {
    let mut bytes = [0; 64];
    for (to, from) in bytes.iter_mut().zip(octets) {
        *to = *from;
    }
    Digest { algorithm, bytes }
}

pub(super) fn hash(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
    match algorithm {
        HashAlgorithm::Sha256 => digest(algorithm, &sha2::Sha256::digest(bytes)),
        HashAlgorithm::Sha384 => digest(algorithm, &sha2::Sha384::digest(bytes)),
        HashAlgorithm::Sha512 => digest(algorithm, &sha2::Sha512::digest(bytes)),
    }
}

pub(super) fn hasher(algorithm: HashAlgorithm) -> Box<dyn Hasher> {
    Box::new(match algorithm {
        HashAlgorithm::Sha256 => Running::Sha256(sha2::Sha256::new()),
        HashAlgorithm::Sha384 => Running::Sha384(sha2::Sha384::new()),
        HashAlgorithm::Sha512 => Running::Sha512(sha2::Sha512::new()),
    })
}
