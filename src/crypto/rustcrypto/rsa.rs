//! RSASSA-PSS and RSASSA-PKCS1-v1_5 (RFC 8017 section 8).
//!
//! Both check first that the signature is as long as the modulus, and less.

use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use super::hash;
use crate::crypto::spki::RsaParts;
use crate::crypto::{HashAlgorithm, KeyError, Scheme, SignatureError, VerifyingKey};

pub(super) struct Key(RsaPublicKey);

impl Key {
    pub(super) fn new(parts: &RsaParts<'_>) -> Result<Self, KeyError> {
        let modulus = BoxedUint::from_be_slice_vartime(parts.modulus);
        RsaPublicKey::new(modulus, BoxedUint::from(parts.exponent))
            .map(Self)
            .map_err(|_| KeyError::Malformed)
    }

    /// RSASSA-PKCS1-v1_5 over a SHA-1 digest.
    pub(super) fn verify_sha1(&self, digest: &[u8], signature: &[u8]) -> bool {
        let padding = Pkcs1v15Sign::new::<sha1::Sha1>();
        self.0.verify(padding, digest, signature).is_ok()
    }
}

impl VerifyingKey for Key {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let verified = match scheme {
            Scheme::RsaPss(algorithm) => {
                let digest = hash(algorithm, message);
                let digest = digest.as_bytes();
                // `Pss::new` asks for a salt as long as the hash.
                match algorithm {
                    HashAlgorithm::Sha256 => self.0.verify(Pss::<Sha256>::new(), digest, signature),
                    HashAlgorithm::Sha384 => self.0.verify(Pss::<Sha384>::new(), digest, signature),
                    HashAlgorithm::Sha512 => self.0.verify(Pss::<Sha512>::new(), digest, signature),
                }
            }
            Scheme::RsaPkcs1(algorithm) => {
                let digest = hash(algorithm, message);
                let padding = match algorithm {
                    HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    HashAlgorithm::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    HashAlgorithm::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                self.0.verify(padding, digest.as_bytes(), signature)
            }
            Scheme::EcdsaFixed(_) | Scheme::EcdsaDer(_) | Scheme::Ed25519 => {
                return Err(SignatureError::UnsupportedScheme);
            }
        };
        verified.map_err(|_| SignatureError::Mismatch)
    }
}
