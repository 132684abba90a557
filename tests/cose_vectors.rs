//! COSE messages of other projects: go-cose, the COSE working group, Microsoft.
//!
//! None of them is an envelope of the Notary Project. The COSE layer verifies
//! those that their projects call good, and every one is refused as an
//! envelope.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::path::Path;
use std::sync::Arc;

use coset::{CoseSign, TaggedCborSerializable};
use notation_verifier::crypto::{Provider, PublicKey, SignatureAlgorithm};
use notation_verifier::envelope::Envelope;
use notation_verifier::envelope::cose::Sign1;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Reason;
use notation_verifier::wire::base64;
use notation_verifier::x509::{Certificate, Chain};
use serde_json::Value;

/// Vectors that verify for their project and not here, each with its reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "sign1-sign-0000.json",
        "the file's key did not make the signature; sign1-verify-0000.json has the same message \
         with the right key",
    ),
    (
        "sign-pass-01.json",
        "`alg` stands only in the unprotected header, where nothing protects it",
    ),
    (
        "sign-pass-03.json",
        "the message has no tag; envelopes are COSE_Sign1_Tagged",
    ),
];

#[test]
fn go_cose() {
    let Some(folder) = shared::folder("vectors/cose/go-cose") else {
        return;
    };
    let (mut good, mut bad, mut excepted) = (0, 0, 0);
    for path in shared::files(&folder, "json") {
        let vector = read(&path);
        let key = key(&vector["key"]);
        let algorithm = algorithm(vector["alg"].as_str().unwrap());
        let (case, message, verifies) = match vector.get("sign1::sign") {
            Some(case) => (case, &case["expectedOutput"], true),
            None => {
                let case = &vector["sign1::verify"];
                let verifies = case["shouldVerify"].as_bool().unwrap();
                (case, &case["taggedCOSESign1"], verifies)
            }
        };
        let message = octets(message["cborHex"].as_str().unwrap());
        let external = octets(case["external"].as_str().unwrap_or_default());
        let found = verify(&message, &key, algorithm, &external);
        refused_as_envelope(&message, None);
        if is_excepted(&path, &found) {
            excepted += 1;
            continue;
        }
        assert_eq!(found.is_ok(), verifies, "{}: {found:?}", path.display());
        *(if verifies { &mut good } else { &mut bad }) += 1;
    }
    assert_eq!((good, bad, excepted), (13, 2, 1));
}

#[test]
fn working_group() {
    let Some(folder) = shared::folder("vectors/cose/cose-wg-examples") else {
        return;
    };
    let (mut good, mut bad, mut excepted, mut many_signers) = (0, 0, 0, 0);
    for part in [
        "RFC8152",
        "ecdsa-examples",
        "rsa-pss-examples",
        "sign1-tests",
    ] {
        for path in shared::files(&folder.join(part), "json") {
            let vector = read(&path);
            let message = octets(vector["output"]["cbor"].as_str().unwrap());
            refused_as_envelope(&message, None);
            let input = &vector["input"];
            let Some(signer) = input.get("sign0") else {
                // COSE_Sign is another message; its signatures are as ours.
                verify_signers(&message, &input["sign"]["signers"]);
                many_signers += 1;
                continue;
            };
            let key = key(&signer["key"]);
            let algorithm = algorithm(signer["alg"].as_str().unwrap());
            let external = octets(signer["external"].as_str().unwrap_or_default());
            let found = verify(&message, &key, algorithm, &external);
            let verifies = vector["fail"] != true;
            if is_excepted(&path, &found) {
                excepted += 1;
                continue;
            }
            assert_eq!(found.is_ok(), verifies, "{}: {found:?}", path.display());
            *(if verifies { &mut good } else { &mut bad }) += 1;
        }
    }
    assert_eq!((good, bad, excepted, many_signers), (6, 3, 2, 7));
}

#[test]
fn microsoft() {
    let Some(folder) = shared::folder("vectors/microsoft-cose") else {
        return;
    };
    let table = read(&folder.join("expected.json"));
    let cases = table["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    let (mut verified, mut without_chain) = (0, 0);
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let message = std::fs::read(folder.join(name)).unwrap();
        let limits = Limits::default();
        let sign1 = Sign1::parse(&message, &limits).expect(name);
        if !case["cose"].as_str().unwrap().starts_with("ok") {
            let rejection = sign1.certificates(&limits).expect_err(name);
            assert_eq!(rejection.reason, Reason::CertChainMissing, "{name}");
            refused_as_envelope(&message, None);
            without_chain += 1;
            continue;
        }
        let chain = sign1.certificates(&limits).expect(name);
        let chain = parse_all(&chain);
        let key = chain[0].key().expect(name);
        let algorithm = algorithm(case["alg"].as_str().unwrap());
        sign1.verify(key, algorithm, &[]).expect(name);
        refused_as_envelope(&message, Some(chain));
        verified += 1;
    }
    assert_eq!((verified, without_chain), (8, 4));
}

fn is_excepted(path: &Path, found: &Result<(), String>) -> bool {
    let excepted = EXCEPTIONS.iter().find(|(name, _)| path.ends_with(name));
    if let Some((name, reason)) = excepted {
        assert!(found.is_err(), "{name} agrees after all: {reason}");
    }
    excepted.is_some()
}

fn verify(
    message: &[u8],
    key: &PublicKey,
    algorithm: SignatureAlgorithm,
    external: &[u8],
) -> Result<(), String> {
    Sign1::parse(message, &Limits::default())
        .and_then(|sign1| sign1.verify(key, algorithm, external))
        .map_err(|rejection| rejection.to_string())
}

/// Where there is a chain, either it is not one for signing code or the signed
/// attributes are not those of the specification.
fn refused_as_envelope(message: &[u8], chain: Option<Vec<Certificate>>) {
    let limits = Limits::default();
    match (Envelope::parse("application/cose", message, &limits), chain) {
        (Err(rejection), None) => {
            let expected = [Reason::EnvelopeMalformed, Reason::CertChainMissing];
            assert!(expected.contains(&rejection.reason), "{rejection}");
        }
        (Ok(envelope), Some(chain)) => {
            let rejection = Chain::code_signing(chain, &limits)
                .and_then(|chain| envelope.verify(Arc::new(chain)))
                .unwrap_err();
            let expected = [Reason::CertChainInvalid, Reason::SigningSchemeInvalid];
            assert!(expected.contains(&rejection.reason), "{rejection}");
            println!("refused: {rejection}");
        }
        (parsed, _) => panic!("{:?}", parsed.map(|_| ())),
    }
}

fn parse_all<T: AsRef<[u8]>>(ders: &[T]) -> Vec<Certificate> {
    ders.iter()
        .map(|der| {
            Certificate::parse(der.as_ref(), &Provider::preferred(), &Limits::default()).unwrap()
        })
        .collect()
}

/// Verifies each signature of a COSE_Sign message with its signer's key.
fn verify_signers(message: &[u8], signers: &Value) {
    let message = CoseSign::from_tagged_slice(message).unwrap();
    let signers = signers.as_array().unwrap();
    assert_eq!(message.signatures.len(), signers.len());
    for (position, signer) in signers.iter().enumerate() {
        let key = key(&signer["key"]);
        let algorithm = algorithm(signer["protected"]["alg"].as_str().unwrap());
        message
            .verify_signature(position, &[], |signature, signed| {
                key.verify(algorithm.scheme(), signed, signature)
            })
            .unwrap();
    }
}

fn algorithm(name: &str) -> SignatureAlgorithm {
    let name = name.replace("RSA-PSS-", "PS");
    SignatureAlgorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.as_str() == name)
        .expect(&name)
}

/// The public key of a JWK as `SubjectPublicKeyInfo`, loaded.
fn key(jwk: &Value) -> PublicKey {
    // The working group's files have some members in hexadecimal.
    let member = |name: &str| match jwk[format!("{name}_hex")].as_str() {
        Some(hex) => octets(hex),
        None => base64::decode_url(jwk[name].as_str().unwrap()).unwrap(),
    };
    let (algorithm, key) = match jwk["kty"].as_str().unwrap() {
        "EC" => {
            let (curve, length) = match jwk["crv"].as_str().unwrap() {
                "P-256" => ("06082a8648ce3d030107", 32),
                "P-384" => ("06052b81040022", 48),
                "P-521" => ("06052b81040023", 66),
                other => panic!("{other}"),
            };
            let mut point = vec![4];
            for coordinate in [member("x"), member("y")] {
                point.resize(point.len() + length - coordinate.len(), 0);
                point.extend(coordinate);
            }
            (format!("06072a8648ce3d0201{curve}"), point)
        }
        "RSA" => {
            let integer = |octets: Vec<u8>| tlv(0x02, &[vec![0], octets].concat());
            let modulus = [integer(member("n")), tlv(0x02, &member("e"))].concat();
            ("06092a864886f70d0101010500".to_owned(), tlv(0x30, &modulus))
        }
        other => panic!("{other}"),
    };
    let bit_string = tlv(0x03, &[vec![0], key].concat());
    let spki = tlv(0x30, &[tlv(0x30, &octets(&algorithm)), bit_string].concat());
    Provider::preferred().load_key(&spki).unwrap()
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let head = match u16::try_from(content.len()).unwrap().to_be_bytes() {
        [0, length @ 0..0x80] => vec![tag, length],
        [0, length] => vec![tag, 0x81, length],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
