//! Signatures for tests and benchmarks; the library itself never signs.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use ed25519_dalek::Signer as _;
use notation_verifier::crypto::{Curve, HashAlgorithm, KeyKind, Provider, Scheme};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use super::random::Random;

/// Bits of the RSA keys in `tests/keys`.
pub(crate) const RSA_BITS: [usize; 5] = [1024, 2047, 2048, 3072, 4096];
pub(crate) const CURVES: [Curve; 4] = [Curve::P224, Curve::P256, Curve::P384, Curve::P521];
pub(crate) const HASHES: [HashAlgorithm; 3] = [
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
];

/// A private key.
pub(crate) enum SigningKey {
    Rsa(Box<RsaPrivateKey>),
    P224(p224::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// The key of `tests/keys`.
    pub(crate) fn rsa(bits: usize) -> Self {
        let pem = match bits {
            1024 => include_str!("../keys/rsa-1024.pem"),
            2047 => include_str!("../keys/rsa-2047.pem"),
            2048 => include_str!("../keys/rsa-2048.pem"),
            3072 => include_str!("../keys/rsa-3072.pem"),
            4096 => include_str!("../keys/rsa-4096.pem"),
            other => panic!("no RSA key of {other} bits"),
        };
        Self::Rsa(Box::new(RsaPrivateKey::from_pkcs8_pem(pem).unwrap()))
    }

    /// A random key on `curve`.
    pub(crate) fn ec(curve: Curve, random: &mut Random) -> Self {
        // Nearly all numbers below 2^bits are below the order too.
        loop {
            let mut secret = random.octets(curve.field_len());
            if curve == Curve::P521 {
                secret[0] &= 1;
            }
            let key = match curve {
                Curve::P224 => p224::ecdsa::SigningKey::from_slice(&secret).map(Self::P224),
                Curve::P256 => p256::ecdsa::SigningKey::from_slice(&secret).map(Self::P256),
                Curve::P384 => p384::ecdsa::SigningKey::from_slice(&secret).map(Self::P384),
                Curve::P521 => p521::ecdsa::SigningKey::from_slice(&secret).map(Self::P521),
            };
            if let Ok(key) = key {
                return key;
            }
        }
    }

    /// A random key.
    pub(crate) fn ed25519(random: &mut Random) -> Self {
        let secret: [u8; 32] = random.octets(32).try_into().unwrap();
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&secret))
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => RsaPublicKey::from(key.as_ref())
                .to_public_key_der()
                .unwrap()
                .into_vec(),
            Self::P224(key) => ec_spki(
                &[0x06, 5, 0x2b, 0x81, 4, 0, 0x21],
                key.verifying_key().to_sec1_point(false).as_bytes(),
            ),
            Self::P256(key) => ec_spki(
                &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
                key.verifying_key().to_sec1_point(false).as_bytes(),
            ),
            Self::P384(key) => ec_spki(
                &[0x06, 5, 0x2b, 0x81, 4, 0, 0x22],
                key.verifying_key().to_sec1_point(false).as_bytes(),
            ),
            Self::P521(key) => ec_spki(
                &[0x06, 5, 0x2b, 0x81, 4, 0, 0x23],
                key.verifying_key().to_sec1_point(false).as_bytes(),
            ),
            Self::Ed25519(key) => {
                spki(&[0x06, 3, 0x2b, 0x65, 0x70], key.verifying_key().as_bytes())
            }
        }
    }

    pub(crate) fn kind(&self) -> KeyKind {
        Provider::PORTABLE.load_key(&self.spki()).unwrap().kind()
    }

    /// The schemes that the key can be used with.
    pub(crate) fn schemes(&self) -> Vec<Scheme> {
        match self {
            // PSS with SHA-512 needs 130 octets.
            Self::Rsa(key) => HASHES
                .into_iter()
                .flat_map(|hash| [Scheme::RsaPkcs1(hash), Scheme::RsaPss(hash)])
                .filter(|scheme| {
                    rsa::traits::PublicKeyParts::size(key.as_ref()) > 128
                        || *scheme != Scheme::RsaPss(HashAlgorithm::Sha512)
                })
                .collect(),
            Self::Ed25519(_) => vec![Scheme::Ed25519],
            _ => HASHES
                .into_iter()
                .flat_map(|hash| [Scheme::EcdsaFixed(hash), Scheme::EcdsaDer(hash)])
                .collect(),
        }
    }

    pub(crate) fn sign(&self, scheme: Scheme, message: &[u8], random: &mut Random) -> Vec<u8> {
        match scheme {
            Scheme::RsaPkcs1(hash) => {
                let Self::Rsa(key) = self else {
                    panic!("{scheme:?} needs an RSA key")
                };
                let padding = match hash {
                    HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    HashAlgorithm::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    HashAlgorithm::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.sign(padding, &digest(hash, message)).unwrap()
            }
            Scheme::RsaPss(hash) => {
                let Self::Rsa(key) = self else {
                    panic!("{scheme:?} needs an RSA key")
                };
                let digest = digest(hash, message);
                match hash {
                    HashAlgorithm::Sha256 => {
                        key.sign_with_rng(random, Pss::<Sha256>::new(), &digest)
                    }
                    HashAlgorithm::Sha384 => {
                        key.sign_with_rng(random, Pss::<Sha384>::new(), &digest)
                    }
                    HashAlgorithm::Sha512 => {
                        key.sign_with_rng(random, Pss::<Sha512>::new(), &digest)
                    }
                }
                .unwrap()
            }
            Scheme::EcdsaFixed(hash) => self.sign_fixed(&digest(hash, message)),
            Scheme::EcdsaDer(hash) => ecdsa_der(&self.sign_fixed(&digest(hash, message))),
            Scheme::Ed25519 => {
                let Self::Ed25519(key) = self else {
                    panic!("{scheme:?} needs an Ed25519 key")
                };
                key.sign(message).to_bytes().to_vec()
            }
        }
    }

    fn sign_fixed(&self, digest: &[u8]) -> Vec<u8> {
        match self {
            Self::P224(key) => {
                let signature: p224::ecdsa::Signature = key.sign_prehash(digest).unwrap();
                signature.to_bytes().to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(digest).unwrap();
                signature.to_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(digest).unwrap();
                signature.to_bytes().to_vec()
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign_prehash(digest).unwrap();
                signature.to_bytes().to_vec()
            }
            Self::Rsa(_) | Self::Ed25519(_) => panic!("ECDSA needs a curve"),
        }
    }
}

fn digest(hash: HashAlgorithm, message: &[u8]) -> Vec<u8> {
    Provider::PORTABLE.hash(hash, message).as_bytes().to_vec()
}

/// The DER of a signature of fixed length.
pub(crate) fn ecdsa_der(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    tlv(0x30, &[integer(r), integer(s)].concat())
}

fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    let mut value = number[zeros..].to_vec();
    if value.first().is_none_or(|first| first & 0x80 != 0) {
        value.insert(0, 0);
    }
    tlv(2, &value)
}

fn ec_spki(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let key_type = [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    spki(&[&key_type, curve].concat(), point)
}

/// A `SubjectPublicKeyInfo` of an algorithm (what its `SEQUENCE` holds) and a key.
pub(crate) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    tlv(0x30, &[tlv(0x30, algorithm), tlv(3, &bits)].concat())
}

/// One DER value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let start = length.iter().take_while(|octet| **octet == 0).count();
    let length = &length[start.min(length.len() - 1)..];
    let mut der = vec![tag];
    if value.len() >= 128 {
        der.push(0x80 | u8::try_from(length.len()).unwrap());
    }
    der.extend(length);
    der.extend(value);
    der
}
