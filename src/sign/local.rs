//! A key in memory. For tests and small users: a key that matters is in an HSM
//! or a signing service, behind [`Signer`].
//!
//! RSA signs with graviola, whose private-key operations take constant time; the
//! portable RSA implementation does not promise that (RUSTSEC-2023-0071), so
//! where graviola is missing an RSA key cannot sign. The curves sign with
//! deterministic nonces (RFC 6979).

use ecdsa::signature::hazmat::PrehashSigner as _;
use ecdsa::{EcdsaCurve, Signature};
use p256::pkcs8::DecodePrivateKey as _;

use super::{Signer, refused};
use crate::crypto::{Curve, KeyKind, Provider, SignatureAlgorithm};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::pem;
use crate::x509::Certificate;

/// A private key and its certificate chain.
pub struct LocalSigner {
    certificates: Vec<Vec<u8>>,
    algorithm: SignatureAlgorithm,
    key: Key,
}

enum Key {
    #[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
    Rsa(Box<graviola::signing::rsa::SigningKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl std::fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalSigner")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl LocalSigner {
    /// A signer from PEM: the private key in PKCS#8 (`PRIVATE KEY`), and the
    /// certificate chain, signing certificate first.
    ///
    /// # Errors
    /// [`ErrorKind::Signing`] where the key is missing, encrypted or in another
    /// form, or not the one of the first certificate's kind;
    /// [`ErrorKind::LimitExceeded`] for input that no key or chain needs.
    pub fn from_pem(key: &[u8], certificates: &[u8], limits: &Limits) -> Result<Self, Error> {
        let most = limits.trust_store_file_bytes;
        if key.len() > most || certificates.len() > most {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "a key or chain of more than {most} octets is not read \
                     (`trust_store_file_bytes`)"
                ),
            ));
        }
        let certificates: Vec<Vec<u8>> = pem::blocks(certificates)
            .into_iter()
            .filter(|block| block.label == "CERTIFICATE")
            .map(|block| block.contents)
            .collect();
        let leaf = certificates
            .first()
            .ok_or_else(|| refused("there is no certificate: give the chain in PEM"))?;
        let leaf = Certificate::parse(leaf, &Provider::preferred(), limits)
            .map_err(super::because("the signing certificate cannot be read"))?;
        let algorithm = leaf
            .signing_algorithm()
            .map_err(super::because("the signing certificate cannot sign"))?;

        let blocks = pem::blocks(key);
        let block = blocks
            .iter()
            .find(|block| block.label.ends_with("PRIVATE KEY"))
            .ok_or_else(|| refused("there is no private key: give it as `PRIVATE KEY` in PEM"))?;
        if block.label != "PRIVATE KEY" {
            return Err(refused(format!(
                "the private key is in the form `{}`: convert it with `openssl pkcs8 -topk8 \
                 -nocrypt`",
                block.label
            )));
        }
        Ok(Self {
            key: Key::load(&block.contents, leaf.key_kind())?,
            certificates,
            algorithm,
        })
    }
}

impl Key {
    /// A key in PKCS#8 of the kind that the certificate has.
    fn load(der: &[u8], kind: Option<KeyKind>) -> Result<Self, Error> {
        let not_that = |_| {
            refused("the private key is malformed or not of the kind that the certificate names")
        };
        Ok(match kind {
            Some(KeyKind::Rsa { .. }) => return Self::load_rsa(der),
            Some(KeyKind::Ec(Curve::P256)) => {
                Self::P256(p256::ecdsa::SigningKey::from_pkcs8_der(der).map_err(not_that)?)
            }
            Some(KeyKind::Ec(Curve::P384)) => {
                Self::P384(p384::ecdsa::SigningKey::from_pkcs8_der(der).map_err(not_that)?)
            }
            Some(KeyKind::Ec(Curve::P521)) => {
                Self::P521(p521::ecdsa::SigningKey::from_pkcs8_der(der).map_err(not_that)?)
            }
            Some(KeyKind::Ec(Curve::P224) | KeyKind::Ed25519) | None => {
                return Err(refused("the signing certificate's key cannot sign"));
            }
        })
    }

    #[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn load_rsa(der: &[u8]) -> Result<Self, Error> {
        if Provider::fast().is_none() {
            return Err(refused(
                "this processor lacks the instructions for signing with RSA in constant time: use \
                 a key on a curve, or a signer of your own",
            ));
        }
        graviola::signing::rsa::SigningKey::from_pkcs8_der(der)
            .map(|key| Self::Rsa(Box::new(key)))
            .map_err(|_| {
                refused(
                    "the private key is malformed or not of the kind that the certificate names",
                )
            })
    }

    #[cfg(not(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    fn load_rsa(_der: &[u8]) -> Result<Self, Error> {
        Err(refused(
            "this build cannot sign with RSA in constant time: use a key on a curve, or a signer \
             of your own",
        ))
    }
}

impl Signer for LocalSigner {
    fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        if algorithm != self.algorithm {
            return Err(refused(format!(
                "the key signs with {}, not with {}",
                self.algorithm.as_str(),
                algorithm.as_str()
            )));
        }
        let digest = Provider::preferred().hash(algorithm.hash(), message);
        let digest = digest.as_bytes();
        match &self.key {
            #[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
            Key::Rsa(key) => sign_rsa(key, algorithm, message),
            Key::P256(key) => fixed(key.sign_prehash(digest)),
            Key::P384(key) => fixed(key.sign_prehash(digest)),
            Key::P521(key) => fixed(key.sign_prehash(digest)),
        }
    }
}

fn fixed<C: EcdsaCurve>(signature: Result<Signature<C>, ecdsa::Error>) -> Result<Vec<u8>, Error> {
    signature
        .map(|signature| signature.to_bytes().to_vec())
        .map_err(|_| refused("the key could not sign"))
}

#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn sign_rsa(
    key: &graviola::signing::rsa::SigningKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    use crate::crypto::HashAlgorithm::{Sha256, Sha384, Sha512};

    // graviola 0.4.4 checks its result and gives none where the check fails: with keys
    // of 3072 and 4096 bits, for 4 to 7 messages of 1,000. Another salt makes another
    // message of it.
    const ATTEMPTS: usize = 16;
    for _ in 0..ATTEMPTS {
        let mut signature = vec![0; key.modulus_len_bytes()];
        let signed = match algorithm.hash() {
            Sha256 => key.sign_pss_sha256(&mut signature, message),
            Sha384 => key.sign_pss_sha384(&mut signature, message),
            Sha512 => key.sign_pss_sha512(&mut signature, message),
        };
        if let Ok(signature) = signed {
            return Ok(signature.to_vec());
        }
    }
    Err(refused("the key could not sign"))
}
