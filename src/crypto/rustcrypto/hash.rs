//! SHA-2.

use sha2::Digest as _;

use crate::crypto::{Digest, HashAlgorithm, Hasher};

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
            Self::Sha256(state) => Digest::of_output(HashAlgorithm::Sha256, &state.finalize()),
            Self::Sha384(state) => Digest::of_output(HashAlgorithm::Sha384, &state.finalize()),
            Self::Sha512(state) => Digest::of_output(HashAlgorithm::Sha512, &state.finalize()),
        }
    }
}

pub(in crate::crypto) fn hash(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
    match algorithm {
        HashAlgorithm::Sha256 => Digest::of_output(algorithm, &sha2::Sha256::digest(bytes)),
        HashAlgorithm::Sha384 => Digest::of_output(algorithm, &sha2::Sha384::digest(bytes)),
        HashAlgorithm::Sha512 => Digest::of_output(algorithm, &sha2::Sha512::digest(bytes)),
    }
}

pub(in crate::crypto) fn hasher(algorithm: HashAlgorithm) -> Box<dyn Hasher> {
    Box::new(match algorithm {
        HashAlgorithm::Sha256 => Running::Sha256(sha2::Sha256::new()),
        HashAlgorithm::Sha384 => Running::Sha384(sha2::Sha384::new()),
        HashAlgorithm::Sha512 => Running::Sha512(sha2::Sha512::new()),
    })
}
