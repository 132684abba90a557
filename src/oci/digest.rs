//! [`Digest`]: the name of content.

use std::fmt;
use std::str::FromStr;

use crate::crypto::{self, HashAlgorithm, Provider};

/// A digest that can be checked: `sha256:`, `sha384:` or `sha512:` and lower-case
/// hexadecimal of the right length (image-spec, descriptor, "Registered
/// algorithms"; SHA-384 as the Go libraries of this field know it).
///
/// There is one text for each digest, so equal digests are equal texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    value: crypto::Digest,
}

/// Why a text is not a [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not `algorithm:encoded`.
    #[error("a digest is `sha256:` and 64 lower-case hexadecimal digits")]
    Malformed,
    /// Well-formed, with an algorithm that cannot be checked here.
    #[error("the digest algorithm is not one of `sha256`, `sha384`, `sha512`")]
    UnsupportedAlgorithm,
    /// The number of digits is not that of the algorithm.
    #[error("the digest has the wrong number of digits for its algorithm")]
    WrongLength,
    /// Something else than `0` to `9` and `a` to `f`.
    #[error("the digest has a character that is not a lower-case hexadecimal digit")]
    NotLowerCaseHex,
}

impl Digest {
    /// Parses `algorithm:hex`.
    ///
    /// # Errors
    /// Where it is not such a text, or the algorithm is another.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::Malformed)?;
        let algorithm = match algorithm {
            "sha256" => HashAlgorithm::Sha256,
            "sha384" => HashAlgorithm::Sha384,
            "sha512" => HashAlgorithm::Sha512,
            _ if is_grammatical(text) => return Err(DigestError::UnsupportedAlgorithm),
            _ => return Err(DigestError::Malformed),
        };
        if hex.len() != 2 * algorithm.output_len() {
            return Err(DigestError::WrongLength);
        }
        let mut octets = [0_u8; 64];
        for (octet, digits) in octets.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            for digit in digits {
                *octet = (*octet << 4) | nibble(*digit).ok_or(DigestError::NotLowerCaseHex)?;
            }
        }
        octets
            .get(..algorithm.output_len())
            .and_then(|octets| crypto::Digest::new(algorithm, octets))
            .map(|value| Self { value })
            .ok_or(DigestError::WrongLength)
    }

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(provider: &Provider, algorithm: HashAlgorithm, bytes: &[u8]) -> Self {
        provider.hash(algorithm, bytes).into()
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.value.algorithm()
    }

    /// The part after the colon.
    #[must_use]
    pub fn hex(&self) -> String {
        self.value.to_hex()
    }

    /// Whether this is the digest of `bytes`.
    #[must_use]
    pub fn verify(&self, provider: &Provider, bytes: &[u8]) -> bool {
        provider.hash(self.algorithm(), bytes) == self.value
    }
}

/// Whether `text` is a digest by the grammar of the image specification, with
/// any algorithm. Descriptors may name content that cannot be checked here, as
/// long as nobody asks for it.
#[must_use]
pub fn is_grammatical(text: &str) -> bool {
    text.parse::<oci_spec::image::Digest>().is_ok()
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl From<crypto::Digest> for Digest {
    fn from(value: crypto::Digest) -> Self {
        Self { value }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().as_str(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_OBJECT: &str =
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn verifies_and_prints() {
        let digest = Digest::parse(EMPTY_OBJECT).unwrap();
        assert_eq!(digest.to_string(), EMPTY_OBJECT);
        assert_eq!(digest.algorithm(), HashAlgorithm::Sha256);
        assert!(digest.verify(&Provider::PORTABLE, b"{}"));
        assert!(!digest.verify(&Provider::PORTABLE, b"{ }"));
    }

    #[test]
    fn other_algorithms_round_trip() {
        for algorithm in [HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
            let digest = Digest::of(&Provider::PORTABLE, algorithm, b"{}");
            assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        }
    }

    #[test]
    fn refuses_everything_else() {
        let upper = EMPTY_OBJECT.replace("aaff8a", "AAFF8A");
        let long = format!("{EMPTY_OBJECT}0");
        let wide = format!("sha256:{}", "é".repeat(32));
        for (text, error) in [
            ("", DigestError::Malformed),
            ("sha256", DigestError::Malformed),
            (":", DigestError::Malformed),
            ("SHA256:00", DigestError::Malformed),
            ("sha1:00", DigestError::UnsupportedAlgorithm),
            ("sha256+b64:00", DigestError::UnsupportedAlgorithm),
            ("sha256:", DigestError::WrongLength),
            ("sha256:../../etc/passwd", DigestError::WrongLength),
            (&long, DigestError::WrongLength),
            (&upper, DigestError::NotLowerCaseHex),
            (&wide, DigestError::NotLowerCaseHex),
        ] {
            assert_eq!(Digest::parse(text), Err(error), "{text}");
        }
    }
}
