//! The fast backend for x86_64 and aarch64: graviola, for what it does well.
//!
//! Everything else (other curves and sizes, Ed25519, malformed keys) is left to
//! the next backend. Its functions panic on a processor without the needed
//! instructions, so that this backend is reached through [`is_supported`] only.

use ::graviola::Error;
use ::graviola::hashing::{Hash, HashContext, HashOutput, Sha256, Sha384, Sha512};
use ::graviola::signing::{ecdsa, rsa};

use super::ecdsa_signature::FixedSignature;
use super::spki::{KeyParts, RsaParts};
use super::{
    Backend, Curve, Digest, HashAlgorithm, Hasher, KeyError, PublicKey, Scheme, SignatureError,
    VerifyingKey,
};

/// The backend.
pub(super) struct Graviola;

/// Whether the processor has the instructions that graviola needs: on x86_64
/// those of 2014 and later, on aarch64 the cryptographic extension. The answer
/// is kept by the standard library.
pub(super) fn is_supported() -> bool {
    ::graviola::util::is_cpu_supported()
}

impl Backend for Graviola {
    fn load_key(&self, spki: &[u8]) -> Option<Result<PublicKey, KeyError>> {
        let parts = KeyParts::from_der(spki).ok()?;
        let verifier: Box<dyn VerifyingKey> = match &parts {
            KeyParts::Rsa(parts) => Box::new(RsaKey::new(parts)?),
            KeyParts::Ec(Curve::P256, point) => Box::new(P256Key(
                ecdsa::VerifyingKey::from_x962_uncompressed(point).ok()?,
            )),
            KeyParts::Ec(Curve::P384, point) => Box::new(P384Key(
                ecdsa::VerifyingKey::from_x962_uncompressed(point).ok()?,
            )),
            KeyParts::Ec(Curve::P224 | Curve::P521, _) | KeyParts::Ed25519(_) => return None,
        };
        Some(Ok(PublicKey::new(parts.kind(), verifier)))
    }

    fn hasher(&self, algorithm: HashAlgorithm) -> Option<Box<dyn Hasher>> {
        Some(match algorithm {
            HashAlgorithm::Sha256 => Box::new(Running::<Sha256>::new(algorithm)),
            HashAlgorithm::Sha384 => Box::new(Running::<Sha384>::new(algorithm)),
            HashAlgorithm::Sha512 => Box::new(Running::<Sha512>::new(algorithm)),
        })
    }

    fn hash(&self, algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Digest> {
        let output: HashOutput = match algorithm {
            HashAlgorithm::Sha256 => Sha256::hash(bytes),
            HashAlgorithm::Sha384 => Sha384::hash(bytes),
            HashAlgorithm::Sha512 => Sha512::hash(bytes),
        };
        Some(Digest::of_output(algorithm, output.as_ref()))
    }
}

struct RsaKey(rsa::VerifyingKey);

impl RsaKey {
    /// The sizes that Wycheproof and the differential test cover; others are so
    /// rare that speed does not matter.
    const BITS: [usize; 4] = [2048, 3072, 4096, 8192];

    fn new(parts: &RsaParts<'_>) -> Option<Self> {
        if !Self::BITS.contains(&parts.bits) {
            return None;
        }
        rsa::VerifyingKey::from_pkcs1_der(parts.pkcs1)
            .ok()
            .map(Self)
    }
}

impl VerifyingKey for RsaKey {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        match scheme {
            Scheme::RsaPss(Sha256) => self.0.verify_pss_sha256(signature, message),
            Scheme::RsaPss(Sha384) => self.0.verify_pss_sha384(signature, message),
            Scheme::RsaPss(Sha512) => self.0.verify_pss_sha512(signature, message),
            Scheme::RsaPkcs1(Sha256) => self.0.verify_pkcs1_sha256(signature, message),
            Scheme::RsaPkcs1(Sha384) => self.0.verify_pkcs1_sha384(signature, message),
            Scheme::RsaPkcs1(Sha512) => self.0.verify_pkcs1_sha512(signature, message),
            Scheme::EcdsaFixed(_) | Scheme::EcdsaDer(_) | Scheme::Ed25519 => {
                return Err(SignatureError::UnsupportedScheme);
            }
        }
        .map_err(|_| SignatureError::Mismatch)
    }
}

struct P256Key(ecdsa::VerifyingKey<ecdsa::P256>);

impl VerifyingKey for P256Key {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        verify_ecdsa(&self.0, Curve::P256, scheme, message, signature)
    }
}

struct P384Key(ecdsa::VerifyingKey<ecdsa::P384>);

impl VerifyingKey for P384Key {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        verify_ecdsa(&self.0, Curve::P384, scheme, message, signature)
    }
}

fn verify_ecdsa<C: ecdsa::Curve>(
    key: &ecdsa::VerifyingKey<C>,
    curve: Curve,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let verify = |algorithm, signature: &[u8]| -> Result<(), Error> {
        match algorithm {
            HashAlgorithm::Sha256 => key.verify::<Sha256>(&[message], signature),
            HashAlgorithm::Sha384 => key.verify::<Sha384>(&[message], signature),
            HashAlgorithm::Sha512 => key.verify::<Sha512>(&[message], signature),
        }
    };
    match scheme {
        Scheme::EcdsaFixed(algorithm) => verify(algorithm, signature),
        Scheme::EcdsaDer(algorithm) => {
            let signature =
                FixedSignature::from_der(curve, signature).ok_or(SignatureError::Mismatch)?;
            verify(algorithm, signature.as_bytes())
        }
        Scheme::RsaPss(_) | Scheme::RsaPkcs1(_) | Scheme::Ed25519 => {
            return Err(SignatureError::UnsupportedScheme);
        }
    }
    .map_err(|_| SignatureError::Mismatch)
}

struct Running<H: Hash> {
    algorithm: HashAlgorithm,
    context: H::Context,
}

impl<H: Hash> Running<H> {
    fn new(algorithm: HashAlgorithm) -> Self {
        Self {
            algorithm,
            context: H::new(),
        }
    }
}

impl<H: Hash> Hasher for Running<H>
where
    H::Context: Send,
{
    fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    fn finish(self: Box<Self>) -> Digest {
        Digest::of_output(self.algorithm, self.context.finish().as_ref())
    }
}
