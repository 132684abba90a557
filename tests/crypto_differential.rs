//! The providers against each other: what one accepts the other accepts, for
//! signatures and keys that are good, and for those that were tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/signing.rs"]
mod signing;

use notation_verifier::crypto::{KeyKind, Provider, PublicKey};
use random::Random;
use signing::{CURVES, HASHES, RSA_BITS, SigningKey};

const SEED: u64 = 0x6e6f_7461_7469_6f6e;
/// Signatures for each key and scheme.
const SIGNATURES: usize = 8;
/// Tampered inputs for each signature.
const TAMPERED: usize = 16;
/// Tampered encodings of each key.
const TAMPERED_KEYS: usize = 400;

fn providers() -> (Provider, Provider) {
    let Some(fast) = Provider::fast() else {
        println!("this build or processor has no fast provider: portable against itself");
        return (Provider::PORTABLE, Provider::PORTABLE);
    };
    (Provider::PORTABLE, fast)
}

fn keys(random: &mut Random) -> Vec<SigningKey> {
    let mut keys: Vec<SigningKey> = RSA_BITS.into_iter().map(SigningKey::rsa).collect();
    keys.extend(
        CURVES
            .into_iter()
            .map(|curve| SigningKey::ec(curve, random)),
    );
    keys.push(SigningKey::ed25519(random));
    keys
}

/// One random change; rarely it changes nothing.
fn tamper(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len());
    match random.below(8) {
        0 => input.truncate(at),
        1 => {
            let count = 1 + random.below(3);
            input.extend(random.octets(count));
        }
        2 => input.insert(at, 0),
        3 if !input.is_empty() => drop(input.remove(at)),
        4 => input.iter_mut().skip(at).for_each(|octet| *octet = 0),
        5 => input.iter_mut().skip(at).for_each(|octet| *octet = 0xff),
        _ => {
            if let Some(octet) = input.get_mut(at) {
                *octet ^= 1 << random.below(8);
            }
        }
    }
}

#[test]
fn signatures() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let (portable, fast) = providers();
    let (mut schemes, mut good, mut bad, mut still_good) = (0, 0, 0, 0);

    for key in keys(&mut random) {
        let spki = key.spki();
        let one = portable.load_key(&spki).unwrap();
        let other = fast.load_key(&spki).unwrap();
        assert_eq!(one.kind(), other.kind());
        let agree = |scheme, message: &[u8], signature: &[u8]| -> bool {
            let verdict = one.verify(scheme, message, signature);
            assert_eq!(
                verdict,
                other.verify(scheme, message, signature),
                "{:?} {scheme:?} {message:02x?} {signature:02x?}",
                one.kind()
            );
            verdict.is_ok()
        };
        for scheme in key.schemes() {
            schemes += 1;
            for _ in 0..SIGNATURES {
                let count = random.below(500);
                let message = random.octets(count);
                let signature = key.sign(scheme, &message, &mut random);
                assert!(agree(scheme, &message, &signature), "{scheme:?}");
                good += 1;
                for _ in 0..TAMPERED {
                    let (mut message, mut signature) = (message.clone(), signature.clone());
                    if random.below(4) == 0 {
                        tamper(&mut message, &mut random);
                    } else {
                        tamper(&mut signature, &mut random);
                    }
                    match agree(scheme, &message, &signature) {
                        true => still_good += 1,
                        false => bad += 1,
                    }
                }
                // Under every other scheme of this and other keys.
                for scheme in every_scheme().filter(|other| *other != scheme) {
                    assert!(!agree(scheme, &message, &signature), "{scheme:?}");
                    bad += 1;
                }
            }
        }
    }

    println!("{schemes} keys with schemes, {good} good, {bad} bad, {still_good} unchanged");
    assert_eq!(schemes, 29 + 24 + 1);
    assert_eq!(good, schemes * SIGNATURES);
    assert_eq!(bad + still_good, good * (TAMPERED + 12));
    assert!(still_good * 20 < bad);
}

fn every_scheme() -> impl Iterator<Item = notation_verifier::crypto::Scheme> {
    use notation_verifier::crypto::Scheme;
    HASHES
        .into_iter()
        .flat_map(|hash| {
            [
                Scheme::RsaPkcs1(hash),
                Scheme::RsaPss(hash),
                Scheme::EcdsaFixed(hash),
                Scheme::EcdsaDer(hash),
            ]
        })
        .chain([Scheme::Ed25519])
}

#[test]
fn keys_that_were_tampered_with() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let (portable, fast) = providers();
    let (mut loaded, mut refused) = (0, 0);

    for key in keys(&mut random) {
        let spki = key.spki();
        let scheme = key.schemes()[0];
        let signature = key.sign(scheme, b"message", &mut random);
        for _ in 0..TAMPERED_KEYS {
            let mut tampered = spki.clone();
            tamper(&mut tampered, &mut random);
            let verdict = |key: PublicKey| -> (KeyKind, bool) {
                let ok = key.verify(scheme, b"message", &signature).is_ok();
                (key.kind(), ok)
            };
            let one = portable.load_key(&tampered).map(verdict);
            let other = fast.load_key(&tampered).map(verdict);
            assert_eq!(one, other, "{tampered:02x?}");
            match one {
                Ok((_, verified)) => {
                    assert!(!verified || tampered == spki, "{tampered:02x?}");
                    loaded += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }

    println!("{loaded} loaded, {refused} refused");
    assert_eq!(
        loaded + refused,
        (RSA_BITS.len() + CURVES.len() + 1) * TAMPERED_KEYS
    );
    assert!(loaded > 100 && refused > 1_000);
}

#[test]
fn hashes() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let (portable, fast) = providers();
    let mut compared = 0;
    for algorithm in HASHES {
        for length in (0..300).chain([1_000, 65_537, 1 << 20]) {
            let bytes = random.octets(length);
            let expected = portable.hash(algorithm, &bytes);
            assert_eq!(expected.as_bytes().len(), algorithm.output_len());
            assert_eq!(fast.hash(algorithm, &bytes), expected);
            for provider in [portable, fast] {
                let mut hasher = provider.hasher(algorithm);
                let (left, right) = bytes.split_at(random.below(length + 1));
                hasher.update(left);
                hasher.update(&[]);
                hasher.update(right);
                assert_eq!(hasher.finish(), expected);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 3 * 303);
}
