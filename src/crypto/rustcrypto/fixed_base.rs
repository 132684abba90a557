//! Multiples of a point that is used again and again.
//!
//! A scalar is cut into pieces of 48 bits, and the multiples `2^(48 i) P` are kept
//! with a window each. A product then needs 47 doublings instead of 520; that of
//! two points shares them (Straus's method). All of it takes time that depends on
//! the numbers, which are public.

use std::array;

use p521::elliptic_curve::Scalar;
use p521::elliptic_curve::array::typenum::{U5, Unsigned as _};
use p521::elliptic_curve::{FieldBytesSize, Group as _};
use primeorder::wnaf::{WnafBase, WnafScalar};
use primeorder::{PrimeCurveParams, PrimeFieldExt as _, ProjectivePoint};

/// Octets of a piece. Fewer make the table larger and slower to build.
const PIECE: usize = 6;
/// Pieces of the longest scalar, that of P-521: 66 octets.
const PIECES: usize = 11;
/// Bits of a window, 8 points each: P-521 takes 19 KB for a key.
type Window = U5;

/// The table of one point.
pub(super) struct FixedBase<C: PrimeCurveParams> {
    pieces: Vec<WnafBase<ProjectivePoint<C>, Window>>,
}

impl<C: PrimeCurveParams> FixedBase<C> {
    pub(super) fn new(mut point: ProjectivePoint<C>) -> Self {
        let octets = FieldBytesSize::<C>::USIZE;
        let pieces = (0..octets.div_ceil(PIECE))
            .map(|_| {
                let piece = WnafBase::new(&point);
                for _ in 0..PIECE * 8 {
                    point = point.double();
                }
                piece
            })
            .collect();
        Self { pieces }
    }

    /// `a A + b B`.
    pub(super) fn sum_of_two(
        (point_a, a): (&Self, &Scalar<C>),
        (point_b, b): (&Self, &Scalar<C>),
    ) -> ProjectivePoint<C> {
        let (a, b) = (cut::<C>(a), cut::<C>(b));
        let a = point_a.pieces.iter().zip(&a);
        let b = point_b.pieces.iter().zip(&b);
        WnafBase::multiscalar_mul(a.chain(b))
    }
}

type Piece<C> = WnafScalar<Scalar<C>, Window>;

fn cut<C: PrimeCurveParams>(scalar: &Scalar<C>) -> [Piece<C>; PIECES] {
    let octets = scalar.to_le_repr();
    let mut pieces = octets.chunks(PIECE);
    array::from_fn(|_| WnafScalar::from_le_bytes(pieces.next().unwrap_or(&[])))
}
