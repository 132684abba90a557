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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Provider;

    /// A certificate's key is read here without cryptography and again where it is
    /// used. The second reading must never take what the first refuses, nor see
    /// another key in it.
    #[test]
    fn a_key_that_loads_is_the_one_that_was_read() {
        const RSA_FRAME: &[u8] = &[
            0x30, 0x81, 0x9f, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0, 3,
            0x81, 0x8d, 0, 0x30, 0x81, 0x89, 2, 0x81, 0x81, 0,
        ];
        const P256_FRAME: &[u8] = &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
            0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4,
        ];
        /// The generator of P-256.
        const POINT: &[u8] = &[
            0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
            0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45,
            0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
            0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
            0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
        ];
        let keys = [
            [RSA_FRAME, &[0xff; 128], &[2, 3, 1, 0, 1]].concat(),
            [P256_FRAME, POINT].concat(),
            [
                [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0].as_slice(),
                [1; 32].as_slice(),
            ]
            .concat(),
        ];
        let (mut loaded, mut refused) = (0, 0);
        for key in keys {
            let ends = (0..34.min(key.len())).chain(key.len().saturating_sub(8)..key.len());
            for at in ends {
                for octet in 0..=u8::MAX {
                    let mut key = key.clone();
                    key[at] = octet;
                    let read = Element::only(&key).and_then(|element| kind(&element));
                    match (read, Provider::preferred().load_key(&key)) {
                        (Ok(Some(read)), Ok(key)) => {
                            assert_eq!(read, key.kind());
                            loaded += 1;
                        }
                        // Malformed, of a kind or size that is not served, or not on its
                        // curve.
                        (_, Err(_)) => refused += 1,
                        (read, Ok(_)) => panic!("{read:?} and loads: {key:02x?}"),
                    }
                }
            }
        }
        assert!(loaded > 1_000 && refused > 10_000, "{loaded}, {refused}");
    }
}
