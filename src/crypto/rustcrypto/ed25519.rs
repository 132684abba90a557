//! Ed25519 (RFC 8032 section 5.1.7), without the cofactor, as in the reference
//! implementation's library.

use ed25519_dalek::{Signature, Verifier as _};

use crate::crypto::{KeyError, Scheme, SignatureError, VerifyingKey};

pub(super) struct Key(ed25519_dalek::VerifyingKey);

impl Key {
    pub(super) fn new(octets: &[u8; 32]) -> Result<Self, KeyError> {
        ed25519_dalek::VerifyingKey::from_bytes(octets)
            .map(Self)
            .map_err(|_| KeyError::Malformed)
    }
}

impl VerifyingKey for Key {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if scheme != Scheme::Ed25519 {
            return Err(SignatureError::UnsupportedScheme);
        }
        Signature::from_slice(signature)
            .and_then(|signature| self.0.verify(message, &signature))
            .map_err(|_| SignatureError::Mismatch)
    }
}
