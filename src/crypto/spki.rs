//! `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7) to the numbers in it: one
//! strict reader for all backends, so that they cannot disagree about a key.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader as _};

use super::{Curve, KeyError, KeyKind};
use crate::limits::{RSA_EXPONENT_MAX, RSA_MODULUS_MAX_BITS, RSA_MODULUS_MIN_BITS};

/// rsaEncryption (RFC 8017 appendix C).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-Ed25519 (RFC 8410 section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Named curves (RFC 5480 section 2.1.1.1).
const CURVES: [(ObjectIdentifier, Curve); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), Curve::P224),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Octets of an RSA exponent that is read at all: those of 63 bits, as in the
/// reference implementation's library.
const RSA_EXPONENT_OCTETS: usize = 8;

/// The number or point of a public key, checked in form; whether a point is on
/// its curve is left to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyParts<'a> {
    /// RSA.
    Rsa(RsaParts<'a>),
    /// A curve, and an uncompressed point of its length (SEC 1 section 2.3.4):
    /// 4, then both coordinates.
    Ec(Curve, &'a [u8]),
    /// Ed25519.
    Ed25519(&'a [u8; 32]),
}

/// Modulus and exponent within the bounds of `limits`, both odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RsaParts<'a> {
    /// Big-endian, without leading zero octets.
    pub(super) modulus: &'a [u8],
    /// Bits of the modulus.
    pub(super) bits: usize,
    /// At least 3.
    pub(super) exponent: u32,
    /// The DER of `RSAPublicKey` (RFC 8017 appendix A.1.1) that both came from.
    pub(super) pkcs1: &'a [u8],
}

impl<'a> KeyParts<'a> {
    /// Reads the DER of a `SubjectPublicKeyInfo`.
    pub(super) fn from_der(spki: &'a [u8]) -> Result<Self, KeyError> {
        let (algorithm, parameters, key) = split(spki).map_err(|_| KeyError::Malformed)?;
        match algorithm {
            RSA_ENCRYPTION => {
                // RFC 3279 section 2.3.1: the parameters must be NULL.
                if !parameters.is_some_and(AnyRef::is_null) {
                    return Err(KeyError::Malformed);
                }
                rsa(octets(key)?).map(Self::Rsa)
            }
            EC_PUBLIC_KEY => {
                let curve: ObjectIdentifier = parameters
                    .ok_or(KeyError::Malformed)?
                    .decode_as()
                    .map_err(|_| KeyError::Malformed)?;
                let (_, curve) = CURVES
                    .into_iter()
                    .find(|(oid, _)| *oid == curve)
                    .ok_or(KeyError::Unsupported)?;
                ec_point(curve, octets(key)?).map(|point| Self::Ec(curve, point))
            }
            ED25519 => {
                // RFC 8410 section 3: the parameters must be absent.
                if parameters.is_some() {
                    return Err(KeyError::Malformed);
                }
                octets(key)?
                    .try_into()
                    .map(Self::Ed25519)
                    .map_err(|_| KeyError::Malformed)
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Algorithm and size.
    pub(super) const fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa(parts) => KeyKind::Rsa { bits: parts.bits },
            Self::Ec(curve, _) => KeyKind::Ec(*curve),
            Self::Ed25519(_) => KeyKind::Ed25519,
        }
    }
}

type Split<'a> = (ObjectIdentifier, Option<AnyRef<'a>>, BitStringRef<'a>);

fn split(spki: &[u8]) -> der::Result<Split<'_>> {
    AnyRef::from_der(spki)?.sequence(|reader| {
        let (algorithm, parameters) =
            reader.sequence(|reader| Ok::<_, der::Error>((reader.decode()?, reader.decode()?)))?;
        Ok((algorithm, parameters, reader.decode()?))
    })
}

/// The octets of a bit string of whole octets.
fn octets<'a>(bits: BitStringRef<'a>) -> Result<&'a [u8], KeyError> {
    bits.as_bytes().ok_or(KeyError::Malformed)
}

fn rsa(pkcs1: &[u8]) -> Result<RsaParts<'_>, KeyError> {
    let (modulus, exponent) = rsa_numbers(pkcs1).map_err(|_| KeyError::Malformed)?;
    let bits = bit_len(modulus.as_bytes());
    if bits == 0 || exponent.as_bytes().len() > RSA_EXPONENT_OCTETS {
        return Err(KeyError::Malformed);
    }
    let exponent = exponent
        .as_bytes()
        .iter()
        .fold(0, |value, octet| value << 8 | u64::from(*octet));
    if exponent == 0 || i64::try_from(exponent).is_err() {
        return Err(KeyError::Malformed);
    }

    // From here on the key is well-formed, and cannot be used.
    let is_odd = modulus
        .as_bytes()
        .last()
        .is_some_and(|octet| octet & 1 == 1);
    let usable = is_odd
        && (RSA_MODULUS_MIN_BITS..=RSA_MODULUS_MAX_BITS).contains(&bits)
        && (3..=RSA_EXPONENT_MAX).contains(&exponent)
        && exponent & 1 == 1;
    if !usable {
        return Err(KeyError::Unsupported);
    }
    Ok(RsaParts {
        modulus: modulus.as_bytes(),
        bits,
        exponent: u32::try_from(exponent).map_err(|_| KeyError::Unsupported)?,
        pkcs1,
    })
}

fn rsa_numbers(pkcs1: &[u8]) -> der::Result<(UintRef<'_>, UintRef<'_>)> {
    AnyRef::from_der(pkcs1)?.sequence(|reader| Ok((reader.decode()?, reader.decode()?)))
}

/// Bits of a big-endian number without leading zero octets.
fn bit_len(number: &[u8]) -> usize {
    number.split_first().map_or(0, |(first, rest)| {
        rest.len() * 8 + 8 - usize::try_from(first.leading_zeros()).unwrap_or(8)
    })
}

/// RFC 5480 section 2.2 makes compressed points optional; like the reference
/// implementation's library, none is taken here, nor the point at infinity.
fn ec_point(curve: Curve, point: &[u8]) -> Result<&[u8], KeyError> {
    match point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 2 * curve.field_len() => Ok(point),
        _ => Err(KeyError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    const PSS: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    const EC: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const P256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const SECP256K1: &[u8] = &[0x06, 5, 0x2b, 0x81, 4, 0, 0x0a];
    const ED25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];
    const X25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x6e];
    const NULL: &[u8] = &[5, 0];

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut der = vec![tag];
        match u8::try_from(value.len()) {
            Ok(length @ 0..128) => der.push(length),
            Ok(length) => der.extend([0x81, length]),
            Err(_) => {
                der.push(0x82);
                der.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            }
        }
        der.extend(value);
        der
    }

    fn spki(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
        let bits = tlv(3, &[&[0], key].concat());
        tlv(0x30, &[tlv(0x30, &algorithm.concat()), bits].concat())
    }

    /// An odd modulus of `bits`, from 1,025 up, and `exponent`.
    fn rsa_key(bits: usize, exponent: &[u8]) -> Vec<u8> {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        let top = (bits - 1) % 8;
        modulus[0] = 0xff >> (7 - top);
        rsa_numbers(&modulus, exponent)
    }

    fn rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let integer = |number: &[u8]| match number.first() {
            Some(first) if first & 0x80 != 0 => tlv(2, &[&[0], number].concat()),
            _ => tlv(2, number),
        };
        tlv(0x30, &[integer(modulus), integer(exponent)].concat())
    }

    fn kind(der: &[u8]) -> Result<KeyKind, KeyError> {
        KeyParts::from_der(der).map(|parts| parts.kind())
    }

    const F4: &[u8] = &[1, 0, 1];
    const MALFORMED: Result<KeyKind, KeyError> = Err(KeyError::Malformed);
    const UNSUPPORTED: Result<KeyKind, KeyError> = Err(KeyError::Unsupported);

    #[test]
    fn rsa_parameters_are_null() {
        let key = rsa_key(2048, F4);
        let good = Ok(KeyKind::Rsa { bits: 2048 });
        assert_eq!(kind(&spki(&[RSA, NULL], &key)), good);
        assert_eq!(kind(&spki(&[RSA], &key)), MALFORMED);
        assert_eq!(kind(&spki(&[RSA, P256], &key)), MALFORMED);
        assert_eq!(kind(&spki(&[RSA, &[5, 1, 0]], &key)), MALFORMED);
        assert_eq!(kind(&spki(&[RSA, NULL, NULL], &key)), MALFORMED);
    }

    #[test]
    fn rsa_modulus_has_bounds() {
        for bits in [1024, 1025, 2047, 2048, 2049, 3072, 4096, 8192] {
            let key = spki(&[RSA, NULL], &rsa_key(bits, F4));
            assert_eq!(kind(&key), Ok(KeyKind::Rsa { bits }), "{bits}");
        }
        for bits in [512, 1023, 8193, 16_384] {
            let key = spki(&[RSA, NULL], &rsa_key(bits, F4));
            assert_eq!(kind(&key), UNSUPPORTED, "{bits}");
        }
        let even = [vec![0x80], vec![0; 255]].concat();
        let key = spki(&[RSA, NULL], &rsa_numbers(&even, F4));
        assert_eq!(kind(&key), UNSUPPORTED);
        let key = spki(&[RSA, NULL], &rsa_numbers(&[0], F4));
        assert_eq!(kind(&key), MALFORMED, "zero");
        let negative = tlv(0x30, &[tlv(2, &[0x80; 256]), tlv(2, F4)].concat());
        assert_eq!(kind(&spki(&[RSA, NULL], &negative)), MALFORMED);
    }

    #[test]
    fn rsa_exponent_has_bounds() {
        let with = |exponent: &[u8]| kind(&spki(&[RSA, NULL], &rsa_key(2048, exponent)));
        let good = Ok(KeyKind::Rsa { bits: 2048 });
        assert_eq!(with(&[3]), good);
        assert_eq!(with(&[0x7f, 0xff, 0xff, 0xff]), good, "31 bits");
        assert_eq!(with(&[1]), UNSUPPORTED);
        assert_eq!(with(&[2]), UNSUPPORTED);
        assert_eq!(with(&[1, 0, 0]), UNSUPPORTED, "even");
        assert_eq!(with(&[0x80, 0, 0, 1]), UNSUPPORTED, "32 bits");
        assert_eq!(with(&[0x7f; 8]), UNSUPPORTED, "63 bits");
        assert_eq!(with(&[0]), MALFORMED);
        assert_eq!(with(&[0x81; 8]), MALFORMED, "64 bits");
        assert_eq!(with(&[1; 9]), MALFORMED, "65 bits");
        assert_eq!(with(&[0x7f; 256]), MALFORMED, "2047 bits");
    }

    #[test]
    fn curves_are_named() {
        let point = [vec![4], vec![1; 64]].concat();
        assert_eq!(
            kind(&spki(&[EC, P256], &point)),
            Ok(KeyKind::Ec(Curve::P256))
        );
        assert_eq!(kind(&spki(&[EC, SECP256K1], &point)), UNSUPPORTED);
        assert_eq!(kind(&spki(&[EC], &point)), MALFORMED);
        assert_eq!(kind(&spki(&[EC, NULL], &point)), MALFORMED);
        assert_eq!(
            kind(&spki(&[EC, &[0x30, 3, 2, 1, 1]], &point)),
            MALFORMED,
            "explicit"
        );
    }

    #[test]
    fn points_are_uncompressed() {
        let with = |point: &[u8]| kind(&spki(&[EC, P256], point));
        assert_eq!(
            with(&[[2].as_slice(), &[1; 32]].concat()),
            MALFORMED,
            "compressed"
        );
        assert_eq!(
            with(&[[3].as_slice(), &[1; 32]].concat()),
            MALFORMED,
            "compressed"
        );
        assert_eq!(
            with(&[[6].as_slice(), &[1; 64]].concat()),
            MALFORMED,
            "hybrid"
        );
        assert_eq!(
            with(&[[4].as_slice(), &[1; 63]].concat()),
            MALFORMED,
            "short"
        );
        assert_eq!(
            with(&[[4].as_slice(), &[1; 65]].concat()),
            MALFORMED,
            "long"
        );
        assert_eq!(with(&[0]), MALFORMED, "infinity");
        assert_eq!(with(&[]), MALFORMED, "empty");
    }

    #[test]
    fn edwards_parameters_are_absent() {
        let good = Ok(KeyKind::Ed25519);
        assert_eq!(kind(&spki(&[ED25519], &[1; 32])), good);
        assert_eq!(kind(&spki(&[ED25519, NULL], &[1; 32])), MALFORMED);
        assert_eq!(kind(&spki(&[ED25519], &[1; 31])), MALFORMED);
        assert_eq!(kind(&spki(&[ED25519], &[1; 33])), MALFORMED);
    }

    #[test]
    fn other_algorithms_are_not_served() {
        let key = rsa_key(2048, F4);
        assert_eq!(kind(&spki(&[PSS], &key)), UNSUPPORTED);
        assert_eq!(kind(&spki(&[PSS, NULL], &key)), UNSUPPORTED);
        assert_eq!(kind(&spki(&[X25519], &[1; 32])), UNSUPPORTED);
    }

    #[test]
    fn the_frame_is_strict() {
        let good = spki(&[ED25519], &[1; 32]);
        assert_eq!(
            kind(&[good.clone(), vec![0]].concat()),
            MALFORMED,
            "trailing byte"
        );
        assert_eq!(kind(&good[..good.len() - 1]), MALFORMED, "cut off");
        assert_eq!(kind(&[]), MALFORMED, "empty");

        let algorithm = tlv(0x30, ED25519);
        let unused_bits = tlv(3, &[&[1], [2; 32].as_slice()].concat());
        let key = tlv(0x30, &[algorithm.clone(), unused_bits].concat());
        assert_eq!(kind(&key), MALFORMED, "unused bits");

        let bits = tlv(3, &[&[0], [1; 32].as_slice()].concat());
        let third = tlv(
            0x30,
            &[algorithm.clone(), bits.clone(), NULL.to_vec()].concat(),
        );
        assert_eq!(kind(&third), MALFORMED, "third element");

        let content = [algorithm, bits].concat();
        let long_length = [
            vec![0x30, 0x81, u8::try_from(content.len()).unwrap()],
            content,
        ]
        .concat();
        assert_eq!(kind(&long_length), MALFORMED, "long form of a short length");

        let inner = [rsa_key(2048, F4), vec![0]].concat();
        assert_eq!(
            kind(&spki(&[RSA, NULL], &inner)),
            MALFORMED,
            "after the key"
        );
        let numbers = [
            tlv(2, &[&[0], [0xff; 256].as_slice()].concat()),
            tlv(2, F4),
            tlv(2, F4),
        ];
        assert_eq!(
            kind(&spki(&[RSA, NULL], &tlv(0x30, &numbers.concat()))),
            MALFORMED,
            "third number"
        );
        let padded = tlv(
            0x30,
            &[
                tlv(2, &[&[0, 0], [0xff; 256].as_slice()].concat()),
                tlv(2, F4),
            ]
            .concat(),
        );
        assert_eq!(
            kind(&spki(&[RSA, NULL], &padded)),
            MALFORMED,
            "padded modulus"
        );
    }
}
