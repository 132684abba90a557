//! What a `SubjectPublicKeyInfo` says of itself, without cryptography.

use const_oid::ObjectIdentifier;

use crate::crypto::{Curve, KeyKind};
use crate::wire::der::{DerError, Element, tag};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, Curve); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), Curve::P224),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Algorithm and size of the key in `spki`; `None` for an algorithm that is not
/// one of ours.
///
/// A key of our algorithms must be well-formed even where nobody uses it, as in
/// the reference: RSA with `NULL` parameters and an exponent of at most 63 bits
/// (RFC 3279 section 2.3.1), EC on a named curve of ours with an uncompressed
/// point (RFC 5480 section 2.2). Whether the point is on the curve is seen when
/// the key is loaded.
pub(super) fn kind(spki: &Element<'_>) -> Result<Option<KeyKind>, DerError> {
    let mut fields = spki.reader();
    let identifier = fields.expect(tag::SEQUENCE, "a public key without algorithm")?;
    let key = fields.expect(tag::BIT_STRING, "a public key that is no bit string")?;
    fields.finish()?;
    let octets = key.bit_octets()?;

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

    if algorithm == RSA.as_bytes() {
        if parameters.is_none_or(|element| element.raw() != [tag::NULL, 0]) {
            return Err(identifier.error("an RSA key whose parameters are not NULL"));
        }
        rsa(octets).map_err(|error| key.error(error.what)).map(Some)
    } else if algorithm == EC.as_bytes() {
        let curve = parameters
            .filter(|element| element.tag() == tag::OBJECT_IDENTIFIER)
            .and_then(|element| {
                CURVES
                    .into_iter()
                    .find(|(oid, _)| element.value() == oid.as_bytes())
            })
            .ok_or_else(|| identifier.error("an elliptic curve that is not supported"))?
            .1;
        let field_octets = curve.bits().div_ceil(8);
        if octets.first() != Some(&4) || octets.len() != 1 + 2 * field_octets {
            return Err(key.error("an elliptic curve point that is not in uncompressed form"));
        }
        Ok(Some(KeyKind::Ec(curve)))
    } else if algorithm == ED25519.as_bytes() {
        if parameters.is_some() || octets.len() != 32 {
            return Err(key.error("a malformed Ed25519 key"));
        }
        Ok(Some(KeyKind::Ed25519))
    } else {
        Ok(None)
    }
}

/// `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa(octets: &[u8]) -> Result<KeyKind, DerError> {
    let key = Element::only(octets)?;
    if key.tag() != tag::SEQUENCE {
        return Err(key.error("a malformed RSA key"));
    }
    let mut fields = key.reader();
    let modulus = fields
        .expect(tag::INTEGER, "an RSA key without modulus")?
        .unsigned()?;
    let exponent = fields.expect(tag::INTEGER, "an RSA key without exponent")?;
    fields.finish()?;
    let too_large = exponent.small_unsigned()? > i64::MAX.unsigned_abs();
    if too_large || exponent.unsigned()?.is_empty() {
        return Err(exponent.error("an RSA exponent that is zero or has more than 63 bits"));
    }
    let Some(first) = modulus.first() else {
        return Err(key.error("an RSA modulus that is zero"));
    };
    let unused = usize::try_from(first.leading_zeros()).unwrap_or(0);
    Ok(KeyKind::Rsa {
        bits: modulus.len() * 8 - unused,
    })
}
