//! ECDSA (FIPS 186-5 section 6.4.2). `s` may be high: X.509 and COSE do not ask
//! for the low one.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

use super::hash;
use crate::crypto::ecdsa_signature::FixedSignature;
use crate::crypto::{Curve, KeyError, Scheme, SignatureError, VerifyingKey};

/// A point that is on its curve and not at infinity.
pub(super) enum Key {
    P224(p224::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl Key {
    pub(super) fn new(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        match curve {
            Curve::P224 => p224::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P224),
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P256),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P384),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P521),
        }
        .map_err(|_| KeyError::Malformed)
    }

    const fn curve(&self) -> Curve {
        match self {
            Self::P224(_) => Curve::P224,
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::P521(_) => Curve::P521,
        }
    }

    /// `from_slice` refuses another length, and `r` and `s` outside 1 to n - 1.
    fn verify_prehash(&self, digest: &[u8], signature: &[u8]) -> Option<()> {
        match self {
            Self::P224(key) => p224::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify_prehash(digest, &signature)),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify_prehash(digest, &signature)),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify_prehash(digest, &signature)),
            Self::P521(key) => p521::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify_prehash(digest, &signature)),
        }
        .ok()
    }
}

impl VerifyingKey for Key {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match scheme {
            Scheme::EcdsaFixed(algorithm) => {
                self.verify_prehash(hash(algorithm, message).as_bytes(), signature)
            }
            Scheme::EcdsaDer(algorithm) => FixedSignature::from_der(self.curve(), signature)
                .and_then(|signature| {
                    self.verify_prehash(hash(algorithm, message).as_bytes(), signature.as_bytes())
                }),
            Scheme::RsaPss(_) | Scheme::RsaPkcs1(_) | Scheme::Ed25519 => {
                return Err(SignatureError::UnsupportedScheme);
            }
        }
        .ok_or(SignatureError::Mismatch)
    }
}
