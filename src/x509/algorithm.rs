//! `AlgorithmIdentifier`s of signatures: certificates, CRLs, OCSP, CMS.

use const_oid::ObjectIdentifier;

use crate::crypto::{HashAlgorithm, Scheme};
use crate::wire::der::{DerError, Element, tag};
use crate::wire::oid;

/// A signature algorithm as an `AlgorithmIdentifier` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureIdentifier {
    /// One that can be verified.
    Scheme(Scheme),
    /// One with SHA-1, which no certificate of a chain may have
    /// (signature-specification, "Certificate Requirements").
    Sha1,
    /// Anything else: the dotted object identifier.
    Unknown(String),
}

const fn known(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SHA256_WITH_RSA: ObjectIdentifier = known("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = known("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = known("1.2.840.113549.1.1.13");
const RSASSA_PSS: ObjectIdentifier = known("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = known("1.2.840.113549.1.1.8");
const ECDSA_WITH_SHA256: ObjectIdentifier = known("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = known("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = known("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = known("1.3.101.112");
const SHA256: ObjectIdentifier = known("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = known("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = known("2.16.840.1.101.3.4.2.3");

/// sha1WithRSAEncryption, its twin of OIW, ecdsa-with-SHA1, dsa-with-sha1.
const WITH_SHA1: [ObjectIdentifier; 4] = [
    known("1.2.840.113549.1.1.5"),
    known("1.3.14.3.2.29"),
    known("1.2.840.10045.4.1"),
    known("1.2.840.10040.4.3"),
];

impl SignatureIdentifier {
    /// Reads the contents of an `AlgorithmIdentifier`.
    pub(crate) fn parse(identifier: &Element<'_>) -> Result<Self, DerError> {
        let mut fields = identifier.reader();
        let algorithm = fields
            .expect(tag::OBJECT_IDENTIFIER, "an algorithm without identifier")?
            .oid()?;
        let parameters = if fields.is_empty() {
            None
        } else {
            Some(fields.element()?)
        };
        fields.finish()?;

        let is = |known: ObjectIdentifier| algorithm == known.as_bytes();
        let scheme = if is(RSASSA_PSS) {
            parameters.as_ref().and_then(pss)
        } else if is(ED25519) {
            // RFC 8410 section 3: the parameters must be absent.
            parameters.is_none().then_some(Scheme::Ed25519)
        } else if parameters.is_some_and(|element| !is_null(&element)) {
            None
        } else if is(SHA256_WITH_RSA) {
            Some(Scheme::RsaPkcs1(HashAlgorithm::Sha256))
        } else if is(SHA384_WITH_RSA) {
            Some(Scheme::RsaPkcs1(HashAlgorithm::Sha384))
        } else if is(SHA512_WITH_RSA) {
            Some(Scheme::RsaPkcs1(HashAlgorithm::Sha512))
        } else if is(ECDSA_WITH_SHA256) {
            Some(Scheme::EcdsaDer(HashAlgorithm::Sha256))
        } else if is(ECDSA_WITH_SHA384) {
            Some(Scheme::EcdsaDer(HashAlgorithm::Sha384))
        } else if is(ECDSA_WITH_SHA512) {
            Some(Scheme::EcdsaDer(HashAlgorithm::Sha512))
        } else {
            None
        };
        Ok(match scheme {
            Some(scheme) => Self::Scheme(scheme),
            None if WITH_SHA1.into_iter().any(is) => Self::Sha1,
            None => Self::Unknown(oid::to_dotted(algorithm)),
        })
    }

    /// The scheme, where it can be verified.
    #[must_use]
    pub const fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::Scheme(scheme) => Some(*scheme),
            Self::Sha1 | Self::Unknown(_) => None,
        }
    }
}

/// A hash function's `AlgorithmIdentifier`: parameters absent or `NULL`
/// (RFC 5754 section 2).
pub(crate) fn hash(identifier: &Element<'_>) -> Option<HashAlgorithm> {
    let mut fields = identifier.reader();
    let algorithm = fields.expect(tag::OBJECT_IDENTIFIER, "").ok()?.value();
    if !fields.is_empty() && !is_null(&fields.element().ok()?) {
        return None;
    }
    fields.finish().ok()?;
    [
        (SHA256, HashAlgorithm::Sha256),
        (SHA384, HashAlgorithm::Sha384),
        (SHA512, HashAlgorithm::Sha512),
    ]
    .into_iter()
    .find_map(|(known, hash)| (algorithm == known.as_bytes()).then_some(hash))
}

/// The identifier of a hash function.
pub(crate) const fn hash_oid(hash: HashAlgorithm) -> ObjectIdentifier {
    match hash {
        HashAlgorithm::Sha256 => SHA256,
        HashAlgorithm::Sha384 => SHA384,
        HashAlgorithm::Sha512 => SHA512,
    }
}

/// `RSASSA-PSS-params` (RFC 4055 section 3.1), where they say what
/// [`Scheme::RsaPss`] means: one hash for both, a salt as long as it, trailer
/// field 1. The defaults all mean SHA-1, so none of the first three may be
/// absent.
fn pss(parameters: &Element<'_>) -> Option<Scheme> {
    if parameters.tag() != tag::SEQUENCE {
        return None;
    }
    let mut fields = parameters.reader();
    let mut explicit = |number: u8| -> Option<Element<'_>> {
        let field = fields
            .optional(tag::context_constructed(number))
            .ok()
            .flatten()?;
        Element::only(field.value()).ok()
    };
    let (hash_of_message, mask, salt, trailer) =
        (explicit(0)?, explicit(1)?, explicit(2)?, explicit(3));
    if !fields.is_empty() || trailer.is_some_and(|trailer| trailer.value() != [1]) {
        return None;
    }
    let message_hash = sequence(&hash_of_message).and_then(hash)?;
    let mut mask = sequence(&mask)?.reader();
    let is_mgf1 = mask.element().ok()?.value() == MGF1.as_bytes();
    let mask_hash = sequence(&mask.element().ok()?).and_then(hash)?;
    let salt_length = salt.small_unsigned().ok()?;
    let fits = is_mgf1
        && mask.is_empty()
        && mask_hash == message_hash
        && usize::try_from(salt_length).ok()? == message_hash.output_len();
    fits.then_some(Scheme::RsaPss(message_hash))
}

fn sequence<'e, 'a>(element: &'e Element<'a>) -> Option<&'e Element<'a>> {
    (element.tag() == tag::SEQUENCE).then_some(element)
}

fn is_null(element: &Element<'_>) -> bool {
    element.tag() == tag::NULL && element.value().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(text: &[u8]) -> SignatureIdentifier {
        SignatureIdentifier::parse(&Element::only(text).unwrap()).unwrap()
    }

    #[test]
    fn null_and_absent_parameters_are_the_same() {
        let rsa = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 5, 0,
        ];
        let expected = Some(Scheme::RsaPkcs1(HashAlgorithm::Sha256));
        assert_eq!(identifier(&rsa).scheme(), expected);
        let mut absent = rsa[..13].to_vec();
        absent[1] = 0x0b;
        assert_eq!(identifier(&absent).scheme(), expected);
        let mut sha1 = rsa;
        sha1[12] = 5;
        assert_eq!(identifier(&sha1), SignatureIdentifier::Sha1);
        let mut other = rsa;
        other[13] = 4;
        assert_eq!(
            identifier(&other),
            SignatureIdentifier::Unknown("1.2.840.113549.1.1.11".to_owned())
        );
    }

    #[test]
    fn pss_with_defaults_is_unknown() {
        let defaults = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0,
        ];
        assert_eq!(identifier(&defaults).scheme(), None);
    }
}
