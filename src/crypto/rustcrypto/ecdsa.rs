//! ECDSA (FIPS 186-5 section 6.4.2). `s` may be high: X.509 and COSE do not ask
//! for the low one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ecdsa::signature::hazmat::PrehashVerifier as _;
use ecdsa::{EcdsaCurve, Signature};
use p224::NistP224;
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use p521::elliptic_curve::ops::Invert as _;
use p521::elliptic_curve::point::AffineCoordinates as _;
use p521::elliptic_curve::{FieldBytes, Scalar, ops::Reduce};
use primeorder::PrimeCurveParams;

use super::fixed_base::FixedBase;
use super::hash;
use crate::crypto::ecdsa_signature::FixedSignature;
use crate::crypto::{Curve, KeyError, Scheme, SignatureError, VerifyingKey};

/// Loads a point; refused where it is not on its curve or at infinity.
pub(super) fn load(curve: Curve, point: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError> {
    Ok(match curve {
        Curve::P224 => Box::new(Key::<NistP224>::new(point)?),
        Curve::P256 => Box::new(Key::<NistP256>::new(point)?),
        Curve::P384 => Box::new(Key::<NistP384>::new(point)?),
        Curve::P521 => Box::new(Key::<NistP521>::new(point)?),
    })
}

/// Whether `signature`, as DER, is one over `digest`, which has the length of
/// the curve's field. For keys that are used once.
pub(super) fn verify_der_digest(
    curve: Curve,
    point: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, KeyError> {
    fn verify<C: ServedCurve>(
        point: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, KeyError> {
        let key = Key::<C>::new(point)?;
        Ok(FixedSignature::from_der(C::CURVE, signature)
            .and_then(|signature| key.verify_digest(digest, signature.as_bytes()))
            .is_some())
    }
    match curve {
        Curve::P224 => verify::<NistP224>(point, digest, signature),
        Curve::P256 => verify::<NistP256>(point, digest, signature),
        Curve::P384 => verify::<NistP384>(point, digest, signature),
        Curve::P521 => verify::<NistP521>(point, digest, signature),
    }
}

/// A curve of this backend.
trait ServedCurve: EcdsaCurve + PrimeCurveParams {
    const CURVE: Curve;

    /// The generator's table, made when the first key needs one.
    fn generator() -> &'static FixedBase<Self>;
}

macro_rules! serve {
    ($($type:ty = $curve:expr;)+) => { $(
        impl ServedCurve for $type {
            const CURVE: Curve = $curve;

            fn generator() -> &'static FixedBase<Self> {
                static TABLE: OnceLock<FixedBase<$type>> = OnceLock::new();
                TABLE.get_or_init(|| FixedBase::new(primeorder::ProjectivePoint::GENERATOR))
            }
        }
    )+ };
}

serve! {
    NistP224 = Curve::P224;
    NistP256 = Curve::P256;
    NistP384 = Curve::P384;
    NistP521 = Curve::P521;
}

/// A key, and from its second use on a table of its multiples.
///
/// The table costs about one verification and makes the later ones three times
/// as fast, so it pays from the second on, and a key that is used once (a command
/// that verifies one signature) does not pay for it.
struct Key<C: ServedCurve> {
    key: ecdsa::VerifyingKey<C>,
    used: AtomicBool,
    table: OnceLock<FixedBase<C>>,
}

impl<C: ServedCurve> Key<C> {
    fn new(point: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            key: ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| KeyError::Malformed)?,
            used: AtomicBool::new(false),
            table: OnceLock::new(),
        })
    }

    fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Option<()> {
        // Refuses another length, and `r` and `s` outside 1 to n - 1.
        let signature = Signature::<C>::from_slice(signature).ok()?;
        match self.table() {
            Some(table) => verify_with_table(table, digest, &signature),
            None => self.key.verify_prehash(digest, &signature).ok(),
        }
    }

    fn table(&self) -> Option<&FixedBase<C>> {
        if !self.used.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(
            self.table
                .get_or_init(|| FixedBase::new((*self.key.as_affine()).into())),
        )
    }
}

/// FIPS 186-5 section 6.4.2, from step 2 on.
fn verify_with_table<C: ServedCurve>(
    key: &FixedBase<C>,
    digest: &[u8],
    signature: &Signature<C>,
) -> Option<()> {
    let (r, s) = signature.split_scalars();
    let s_inverse: Scalar<C> = *s.invert_vartime();
    let u1 = leftmost_bits::<C>(digest) * s_inverse;
    let u2 = *r * s_inverse;
    let point = FixedBase::sum_of_two((C::generator(), &u1), (key, &u2)).to_affine();
    // The point at infinity has no x; its encoding here is 0, which no r equals.
    let x = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&point.x());
    (*r == x).then_some(())
}

/// The digest's leftmost bits, as many as the order has, as a number: whole
/// octets on all four curves, P-521 being longer than every digest.
fn leftmost_bits<C: ServedCurve>(digest: &[u8]) -> Scalar<C> {
    let mut octets = FieldBytes::<C>::default();
    let start = octets.len().saturating_sub(digest.len());
    for (to, from) in octets.iter_mut().skip(start).zip(digest) {
        *to = *from;
    }
    <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&octets)
}

impl<C: ServedCurve> VerifyingKey for Key<C> {
    fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match scheme {
            Scheme::EcdsaFixed(algorithm) => {
                self.verify_digest(hash(algorithm, message).as_bytes(), signature)
            }
            Scheme::EcdsaDer(algorithm) => {
                FixedSignature::from_der(C::CURVE, signature).and_then(|signature| {
                    self.verify_digest(hash(algorithm, message).as_bytes(), signature.as_bytes())
                })
            }
            Scheme::RsaPss(_) | Scheme::RsaPkcs1(_) | Scheme::Ed25519 => {
                return Err(SignatureError::UnsupportedScheme);
            }
        }
        .ok_or(SignatureError::Mismatch)
    }
}
