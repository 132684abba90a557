//! Corners of signature verification, the same for every provider.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/signing.rs"]
mod signing;

use notation_verifier::crypto::{
    Curve, HashAlgorithm, KeyError, KeyKind, Provider, Scheme, SignatureError,
};
use random::Random;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pss, RsaPrivateKey};
use sha2::{Digest as _, Sha256};
use signing::{CURVES, SigningKey, ecdsa_der, spki};

const MESSAGE: &[u8] = b"message";

fn providers() -> impl Iterator<Item = Provider> {
    [Some(Provider::PORTABLE), Provider::fast()]
        .into_iter()
        .flatten()
}

/// The orders of the four curves (SEC 2 version 2).
fn order(curve: Curve) -> Vec<u8> {
    let text = match curve {
        Curve::P224 => "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
        Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Curve::P384 => {
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
        }
        Curve::P521 => {
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        }
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// `left - right`, big-endian, of one length.
fn subtract(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = left
        .iter()
        .zip(right)
        .rev()
        .map(|(left, right)| {
            let value = i16::from(*left) - i16::from(*right) - borrow;
            borrow = i16::from(value < 0);
            u8::try_from(value.rem_euclid(256)).unwrap()
        })
        .collect();
    difference.reverse();
    difference
}

#[test]
fn preferred_is_the_fast_one_where_there_is_one() {
    let expected = Provider::fast().map_or("portable", |provider| provider.name);
    assert_eq!(Provider::preferred().name, expected);
}

#[test]
fn ecdsa_takes_high_and_low_s_and_bounds_both_numbers() {
    let mut random = Random(3);
    let hash = HashAlgorithm::Sha256;
    for (curve, provider) in CURVES
        .into_iter()
        .flat_map(|curve| providers().map(move |provider| (curve, provider)))
    {
        let key = SigningKey::ec(curve, &mut random);
        let public = provider.load_key(&key.spki()).unwrap();
        assert_eq!(public.kind(), KeyKind::Ec(curve));
        let good = key.sign(Scheme::EcdsaFixed(hash), MESSAGE, &mut random);
        assert_eq!(good.len(), 2 * curve.field_len());
        let (r, s) = good.split_at(curve.field_len());
        let order = order(curve);
        let zero = vec![0; curve.field_len()];
        let all_ones = vec![0xff; curve.field_len()];

        let other_s = subtract(&order, s);
        for (name, r, s, expected) in [
            ("as signed", r, s, true),
            ("the other s", r, &*other_s, true),
            ("r of zero", &zero, s, false),
            ("s of zero", r, &zero, false),
            ("both zero", &zero, &zero, false),
            ("r of n", &order, s, false),
            ("s of n", r, &order, false),
            ("r beyond n", &all_ones, s, false),
            ("s beyond n", r, &all_ones, false),
            ("exchanged", s, r, false),
        ] {
            let fixed = [r, s].concat();
            // Twice: a key that is used again may be verified with in another way.
            for _ in 0..2 {
                for (scheme, signature) in [
                    (Scheme::EcdsaFixed(hash), &fixed),
                    (Scheme::EcdsaDer(hash), &ecdsa_der(&fixed)),
                ] {
                    let verified = public.verify(scheme, MESSAGE, signature).is_ok();
                    assert_eq!(verified, expected, "{} {curve:?} {name}", provider.name);
                }
            }
        }
        for (scheme, signature) in [
            (Scheme::EcdsaFixed(hash), ecdsa_der(&good)),
            (Scheme::EcdsaDer(hash), good.clone()),
            (Scheme::EcdsaFixed(hash), [&good[..], &[0]].concat()),
            (Scheme::EcdsaFixed(hash), good[1..].to_vec()),
            (Scheme::EcdsaFixed(hash), Vec::new()),
        ] {
            assert_eq!(
                public.verify(scheme, MESSAGE, &signature),
                Err(SignatureError::Mismatch)
            );
        }
    }
}

#[test]
fn points_off_their_curve_are_malformed() {
    let mut random = Random(4);
    for (curve, provider) in CURVES
        .into_iter()
        .flat_map(|curve| providers().map(move |provider| (curve, provider)))
    {
        let good = SigningKey::ec(curve, &mut random).spki();
        let point_len = 2 * curve.field_len();
        for change in [
            |point: &mut [u8]| *point.last_mut().unwrap() ^= 1,
            |point: &mut [u8]| point.fill(0),
            |point: &mut [u8]| point.fill(0xff),
        ] {
            let mut bad = good.clone();
            let start = bad.len() - point_len;
            change(&mut bad[start..]);
            let error = provider.load_key(&bad).unwrap_err();
            assert_eq!(error, KeyError::Malformed, "{} {curve:?}", provider.name);
        }
    }
}

#[test]
fn edwards_keys_are_points() {
    // y = 2 is on no point of the curve.
    let mut octets = [0; 32];
    octets[0] = 2;
    let key = spki(&[0x06, 3, 0x2b, 0x65, 0x70], &octets);
    for provider in providers() {
        assert_eq!(provider.load_key(&key).unwrap_err(), KeyError::Malformed);
    }
}

#[test]
fn rsa_signatures_are_as_long_as_the_modulus() {
    let mut random = Random(5);
    for (bits, provider) in [1024, 2047, 2048]
        .into_iter()
        .flat_map(|bits| providers().map(move |provider| (bits, provider)))
    {
        let key = SigningKey::rsa(bits);
        let public = provider.load_key(&key.spki()).unwrap();
        assert_eq!(public.kind(), KeyKind::Rsa { bits });
        for scheme in key.schemes() {
            let good = key.sign(scheme, MESSAGE, &mut random);
            assert_eq!(good.len(), bits.div_ceil(8));
            assert_eq!(public.verify(scheme, MESSAGE, &good), Ok(()));
            for bad in [
                [&[0], &good[..]].concat(),
                [&good[..], &[0]].concat(),
                good[1..].to_vec(),
                vec![0xff; good.len()],
                vec![0; good.len()],
                Vec::new(),
            ] {
                assert_eq!(
                    public.verify(scheme, MESSAGE, &bad),
                    Err(SignatureError::Mismatch)
                );
            }
        }
    }
}

#[test]
fn a_modulus_too_short_for_the_padding_is_a_mismatch() {
    let key = SigningKey::rsa(1024);
    for provider in providers() {
        let public = provider.load_key(&key.spki()).unwrap();
        let scheme = Scheme::RsaPss(HashAlgorithm::Sha512);
        assert_eq!(
            public.verify(scheme, MESSAGE, &[1; 128]),
            Err(SignatureError::Mismatch)
        );
    }
}

#[test]
fn a_salt_is_as_long_as_the_hash() {
    let mut random = Random(6);
    let private = RsaPrivateKey::from_pkcs8_pem(include_str!("keys/rsa-2048.pem")).unwrap();
    let spki = SigningKey::rsa(2048).spki();
    let digest = Sha256::digest(MESSAGE);
    for provider in providers() {
        let public = provider.load_key(&spki).unwrap();
        for salt in [0, 20, 31, 32, 33, 222] {
            let padding = Pss::<Sha256>::new_with_salt(salt);
            let signature = private
                .sign_with_rng(&mut random, padding, &digest)
                .unwrap();
            let scheme = Scheme::RsaPss(HashAlgorithm::Sha256);
            let verified = public.verify(scheme, MESSAGE, &signature).is_ok();
            assert_eq!(verified, salt == 32, "{} {salt}", provider.name);
        }
    }
}

#[test]
fn a_scheme_of_another_key_is_told_apart() {
    let mut random = Random(7);
    let hash = HashAlgorithm::Sha256;
    let schemes = [
        Scheme::RsaPss(hash),
        Scheme::RsaPkcs1(hash),
        Scheme::EcdsaFixed(hash),
        Scheme::EcdsaDer(hash),
        Scheme::Ed25519,
    ];
    let mut keys = vec![SigningKey::rsa(2048), SigningKey::ed25519(&mut random)];
    keys.extend(CURVES.map(|curve| SigningKey::ec(curve, &mut random)));
    for (key, provider) in keys
        .iter()
        .flat_map(|key| providers().map(move |provider| (key, provider)))
    {
        let public = provider.load_key(&key.spki()).unwrap();
        for scheme in schemes {
            let expected = if key.schemes().contains(&scheme) {
                SignatureError::Mismatch
            } else {
                SignatureError::UnsupportedScheme
            };
            assert_eq!(public.verify(scheme, MESSAGE, &[1; 64]), Err(expected));
        }
    }
}
