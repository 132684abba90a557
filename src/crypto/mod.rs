//! Signature verification and hashing behind one plain struct, [`Provider`].
//!
//! Nothing here knows of certificates or envelopes: a key comes as the DER of a
//! `SubjectPublicKeyInfo`, a message as bytes.

mod algorithm;
mod ecdsa_signature;
#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod graviola;
mod rustcrypto;
pub(crate) mod sha1;
mod spki;

pub use algorithm::{Curve, HashAlgorithm, KeyKind, Scheme, SignatureAlgorithm};

use std::fmt;

/// A public key that can verify. Parsed once, used often, shared by threads.
pub trait VerifyingKey: Send + Sync {
    /// Whether `signature` over `message` verifies under `scheme`.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] where it does not, and
    /// [`SignatureError::UnsupportedScheme`] where this key cannot be used so.
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

/// Why a signature did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature is not one of this key over this message.
    #[error("the signature does not match the key and the signed bytes")]
    Mismatch,
    /// The scheme does not go with the key.
    #[error("the signature scheme cannot be used with this kind of key")]
    UnsupportedScheme,
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The `SubjectPublicKeyInfo` or the key in it is malformed.
    #[error("the public key is malformed")]
    Malformed,
    /// An algorithm, curve or size that no backend serves.
    #[error("the public key's algorithm is not supported")]
    Unsupported,
}

/// A parsed public key with its kind.
pub struct PublicKey {
    kind: KeyKind,
    verifier: Box<dyn VerifyingKey>,
}

impl PublicKey {
    /// A key of `kind` that verifies with `verifier`; for [`Backend`]s.
    #[must_use]
    pub fn new(kind: KeyKind, verifier: Box<dyn VerifyingKey>) -> Self {
        Self { kind, verifier }
    }

    /// Algorithm and size.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// See [`VerifyingKey::verify`].
    ///
    /// # Errors
    /// As there.
    pub fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.verifier.verify(scheme, message, signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// One implementation of cryptography, or a part of one.
pub trait Backend: Send + Sync {
    /// Parses the DER of a `SubjectPublicKeyInfo`; `None` leaves the key to the
    /// next backend of the provider.
    fn load_key(&self, spki: &[u8]) -> Option<Result<PublicKey, KeyError>>;

    /// Starts a hash; `None` leaves it to the next backend.
    fn hasher(&self, algorithm: HashAlgorithm) -> Option<Box<dyn Hasher>>;

    /// Hashes `bytes` at once, without allocation; `None` leaves it to the next.
    fn hash(&self, algorithm: HashAlgorithm, bytes: &[u8]) -> Option<Digest>;
}

/// A hash in progress.
pub trait Hasher: Send {
    /// Takes more bytes.
    fn update(&mut self, bytes: &[u8]);
    /// The digest.
    fn finish(self: Box<Self>) -> Digest;
}

/// The octets of a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: HashAlgorithm,
    bytes: [u8; 64],
}

impl Digest {
    /// A digest from its octets, or `None` where their number is not that of
    /// `algorithm`.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm, octets: &[u8]) -> Option<Self> {
        let mut bytes = [0; 64];
        if octets.len() != algorithm.output_len() {
            return None;
        }
        bytes.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self { algorithm, bytes })
    }

    /// For backends, whose output has the right length by construction.
    fn of_output(algorithm: HashAlgorithm, octets: &[u8]) -> Self {
        let mut bytes = [0; 64];
        for (to, from) in bytes.iter_mut().zip(octets) {
            *to = *from;
        }
        Self { algorithm, bytes }
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The octets: 32, 48 or 64.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.output_len()).unwrap_or(&[])
    }

    /// Lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(128);
        for byte in self.as_bytes() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(
                    DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?'),
                ));
            }
        }
        text
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.to_hex())
    }
}

/// Backends in order of preference, as plain data: build your own to replace
/// one.
#[derive(Clone, Copy)]
pub struct Provider {
    /// The name in reports and benchmarks.
    pub name: &'static str,
    /// Asked one after the other; the first that serves a request wins.
    pub backends: &'static [&'static dyn Backend],
}

impl Provider {
    /// RustCrypto alone: runs everywhere, WebAssembly included.
    pub const PORTABLE: Self = Self {
        name: "portable",
        backends: &[&rustcrypto::RustCrypto],
    };

    /// graviola for what it serves, RustCrypto for the rest: with the feature
    /// `fast`, on x86_64 and aarch64, where the processor has what it needs.
    #[must_use]
    pub fn fast() -> Option<Self> {
        #[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
        if graviola::is_supported() {
            return Some(Self {
                name: "fast",
                backends: &[&graviola::Graviola, &rustcrypto::RustCrypto],
            });
        }
        None
    }

    /// The fastest provider that this processor and this build have.
    #[must_use]
    pub fn preferred() -> Self {
        Self::fast().unwrap_or(Self::PORTABLE)
    }

    /// Parses the DER of a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Where it is malformed or no backend serves it.
    pub fn load_key(&self, spki: &[u8]) -> Result<PublicKey, KeyError> {
        self.backends
            .iter()
            .find_map(|backend| backend.load_key(spki))
            .unwrap_or(Err(KeyError::Unsupported))
    }

    /// Hashes `bytes`.
    #[must_use]
    pub fn hash(&self, algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
        self.backends
            .iter()
            .find_map(|backend| backend.hash(algorithm, bytes))
            .unwrap_or_else(|| rustcrypto::hash(algorithm, bytes))
    }

    /// Starts a hash.
    #[must_use]
    pub fn hasher(&self, algorithm: HashAlgorithm) -> Box<dyn Hasher> {
        self.backends
            .iter()
            .find_map(|backend| backend.hasher(algorithm))
            .unwrap_or_else(|| rustcrypto::hasher(algorithm))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
