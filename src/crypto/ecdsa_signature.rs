//! The two encodings of an ECDSA signature, brought to one for all backends.

use der::asn1::{AnyRef, UintRef};
use der::{Decode as _, Reader as _};

use super::Curve;

/// Octets of the longest fixed-length signature: two numbers of P-521.
const MAX_LEN: usize = 132;

/// `r` and `s` as octet strings of the curve's size one after the other
/// (RFC 9053 section 2.1, RFC 7518 section 3.4).
#[derive(Clone, Copy)]
pub(super) struct FixedSignature {
    octets: [u8; MAX_LEN],
    len: usize,
}

impl FixedSignature {
    /// Reads the DER of an `ECDSA-Sig-Value` (RFC 3279 section 2.2.3); `None`
    /// where it is not DER, or a number is negative or longer than the curve's.
    pub(super) fn from_der(curve: Curve, der: &[u8]) -> Option<Self> {
        let (r, s): (UintRef<'_>, UintRef<'_>) = AnyRef::from_der(der)
            .ok()?
            .sequence(|reader| Ok::<_, der::Error>((reader.decode()?, reader.decode()?)))
            .ok()?;
        let len = 2 * curve.field_len();
        let mut octets = [0; MAX_LEN];
        let (r_octets, s_octets) = octets.get_mut(..len)?.split_at_mut(curve.field_len());
        put_right(r_octets, r.as_bytes())?;
        put_right(s_octets, s.as_bytes())?;
        Some(Self { octets, len })
    }

    /// The octets: twice the curve's field length.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or(&[])
    }
}

fn put_right(to: &mut [u8], number: &[u8]) -> Option<()> {
    let start = to.len().checked_sub(number.len())?;
    to.get_mut(start..)?.copy_from_slice(number);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(der: &[u8]) -> Option<Vec<u8>> {
        FixedSignature::from_der(Curve::P256, der).map(|signature| signature.as_bytes().to_vec())
    }

    #[test]
    fn numbers_are_put_right() {
        let mut expected = vec![0; 64];
        expected[31] = 1;
        expected[62..].copy_from_slice(&[0xff, 0x02]);
        let der = [0x30, 8, 2, 1, 1, 2, 3, 0, 0xff, 2];
        assert_eq!(fixed(&der), Some(expected));
    }

    #[test]
    fn other_than_der_is_refused() {
        let cases: [(&str, &[u8]); 8] = [
            ("empty", &[]),
            ("trailing byte", &[0x30, 6, 2, 1, 1, 2, 1, 1, 0]),
            ("third number", &[0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1]),
            ("one number", &[0x30, 3, 2, 1, 1]),
            ("negative", &[0x30, 6, 2, 1, 0x81, 2, 1, 1]),
            ("padded number", &[0x30, 7, 2, 2, 0, 1, 2, 1, 1]),
            (
                "long form of a short length",
                &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1],
            ),
            ("indefinite length", &[0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0]),
        ];
        for (name, der) in cases {
            assert_eq!(fixed(der), None, "{name}");
        }
        let mut long = vec![0x30, 38, 2, 33, 1];
        long.extend([0; 32]);
        long.extend([2, 1, 1]);
        assert_eq!(fixed(&long), None, "33 octets for P-256");
    }
}
