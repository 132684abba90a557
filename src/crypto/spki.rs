//! `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7) to the numbers in it: one
//! strict reader for all backends, so that they cannot disagree about a key.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader as _};

use super::{Curve, KeyError, KeyKind};

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

/// The smallest RSA modulus that a signature is accepted from: what the
/// reference implementation's library takes. Such keys occur in old authorities;
/// for signing keys the specification asks for 2048 bits and more.
const RSA_MIN_BITS: usize = 1024;
/// The largest RSA modulus. The work of a verification grows with its square.
const RSA_MAX_BITS: usize = 8192;
/// The largest RSA exponent that is used: it fits 31 bits, as in the reference
/// implementation's library. The work grows with the exponent's length.
const RSA_MAX_EXPONENT: u64 = (1 << 31) - 1;
/// Octets of an exponent that is read at all: 63 bits, as there.
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

/// Modulus and exponent within the bounds above, both odd.
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
        && (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits)
        && (3..=RSA_MAX_EXPONENT).contains(&exponent)
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
