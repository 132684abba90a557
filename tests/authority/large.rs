//! A CRL as large as one wants, written once and in place: what measures memory
//! must not spend it.

use p256::ecdsa::Signature;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;

use super::{CA, CA_KEY, algorithm, certificate, extension, generalized_time, sequence, tlv};

/// Octets of an entry: a serial number of 16 octets and a `UTCTime`.
const ENTRY: usize = 35;

/// The serial number of entry `index`, as it is encoded.
pub(crate) fn serial(index: u64) -> [u8; 16] {
    let mut octets = [0; 16];
    for (half, to) in octets.chunks_exact_mut(8).enumerate() {
        // SplitMix64.
        let step = index * 2 + u64::try_from(half).unwrap() + 1;
        let mut z = step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        to.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes());
    }
    // Positive, and in its shortest form.
    octets[0] = octets[0] & 0x7f | 0x40;
    octets
}

/// A list of the authority with `count` entries, at least 500,000: all lengths
/// of four octets.
pub(crate) fn list(count: u64) -> Vec<u8> {
    let entries = usize::try_from(count).unwrap() * ENTRY;
    let issuer = certificate(CA);
    let head = [
        &[2, 1, 1][..],
        &algorithm(),
        issuer.subject().der(),
        &generalized_time("20240101000000Z"),
        &generalized_time("20690101000000Z"),
        &long(entries),
    ]
    .concat();
    let number = extension(&[0x55, 0x1d, 20], false, &[2, 1, 1]);
    let tail = tlv(0xa0, &[&sequence(&[&number])]);
    let tbs = head.len() + entries + tail.len();

    let mut list = Vec::with_capacity(tbs + 200);
    list.extend(long(0));
    list.extend(long(tbs));
    list.extend(head);
    for index in 0..count {
        list.extend([0x30, 33, 2, 16]);
        list.extend(serial(index));
        list.extend(b"\x17\x0d240102030405Z");
    }
    list.extend(tail);
    let signature: Signature = SigningKey::from_slice(&CA_KEY).unwrap().sign(&list[6..]);
    list.extend(algorithm());
    list.extend(tlv(3, &[&[0], &super::der_signature(&signature)]));
    let outer = long(list.len() - 6);
    list[..6].copy_from_slice(&outer);
    list
}

/// The head of a `SEQUENCE` with a length of four octets.
fn long(length: usize) -> [u8; 6] {
    let [a, b, c, d] = u32::try_from(length).unwrap().to_be_bytes();
    [0x30, 0x84, a, b, c, d]
}
