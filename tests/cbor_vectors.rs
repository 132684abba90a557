//! The examples of RFC 8949: Appendix A is accepted and Appendix F refused by
//! the strict scan. What the scan refuses on purpose is counted here by reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeMap;

use notation_verifier::limits::Limits;
use notation_verifier::wire::cbor;
use serde_json::Value;

/// Well-formed input that the scan refuses, with the text of the refusal.
const REFUSED_ON_PURPOSE: [(&str, usize); 2] = [
    // COSE in Notary Project envelopes, as the reference implementation reads
    // it, has no streaming encodings.
    ("an indefinite length is not allowed", 11),
    // f818: RFC 7049 had it as an example, RFC 8949 says that it is not
    // well-formed.
    ("the CBOR is not well-formed", 1),
];

#[test]
fn appendix_a_is_accepted() {
    let Some(folder) = shared::folder("vectors/cbor") else {
        return;
    };
    let cases = read(&folder.join("appendix_a.json"));
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 82);

    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let (mut accepted, mut compared) = (0, 0);
    for case in cases {
        let hex = case["hex"].as_str().unwrap();
        let bytes = octets(hex);
        match cbor::scan(&bytes, &Limits::default()) {
            Ok(value) => {
                accepted += 1;
                // Integers and floats of one value are one number in JSON.
                if let Some(expected) = case.get("decoded").filter(|_| !is_large(&bytes)) {
                    compared += 1;
                    let found = value.to_json();
                    let equal = match (expected.as_f64(), found.as_f64()) {
                        (Some(expected), Some(found)) => expected == found,
                        _ => *expected == found,
                    };
                    assert!(equal, "{hex}: {found} is not {expected}");
                }
            }
            Err(error) => {
                let text = error.to_string();
                let reason = text.split(" (at").next().unwrap().to_owned();
                *refused.entry(reason).or_default() += 1;
            }
        }
    }
    let expected = REFUSED_ON_PURPOSE.map(|(reason, count)| (reason.to_owned(), count));
    assert_eq!(refused, BTreeMap::from(expected));
    assert_eq!((accepted, compared), (70, 46));
}

#[test]
fn appendix_f_is_refused() {
    let Some(folder) = shared::folder("vectors/cbor") else {
        return;
    };
    let document = read(&folder.join("rfc8949-appendix-f-not-well-formed.json"));
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 94);
    for case in cases {
        let hex = case["hex"].as_str().unwrap();
        assert_eq!(case["expect"], "error", "{hex}");
        let bytes = octets(hex);
        let result = cbor::scan(&bytes, &Limits::default());
        assert!(result.is_err(), "{hex} ({})", case["category"]);
    }
}

/// Bignums and the integers past 64 bits with a sign have no number in
/// `to_json`.
fn is_large(bytes: &[u8]) -> bool {
    matches!(bytes[0], 0xc2 | 0xc3 | 0x3b)
}

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
