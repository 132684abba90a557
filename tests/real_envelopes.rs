//! Envelopes that other programs made: the history and the test data of the
//! reference implementation, and its command's.
//!
//! Integrity only: the table's independent check says whether the signature
//! verifies, and here the rules for chains and signed attributes apply too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::sync::Arc;

use notation_verifier::crypto::Provider;
use notation_verifier::envelope::{Envelope, Signed};
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Rejection;
use notation_verifier::time::Time;
use notation_verifier::x509::{Certificate, Chain};
use serde_json::Value;

#[test]
fn real_envelopes() {
    let Some(folder) = shared::folder("vectors/notation-signatures") else {
        return;
    };
    let table = std::fs::read(folder.join("expected.json")).unwrap();
    let table: Value = serde_json::from_slice(&table).unwrap();
    let (mut good, mut bad) = (0, 0);
    for row in table["envelopes"].as_array().unwrap() {
        let name = row["file"].as_str().unwrap();
        let check = &row["independent_check"];
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let media_type = match check["format"].as_str().unwrap() {
            "cose" => "application/cose",
            _ => "application/jose+json",
        };
        let found = open(media_type, &bytes);
        if check["signature"] == "OK" {
            same_as_table(&found.expect(name), check);
            good += 1;
        } else {
            found.expect_err(name);
            bad += 1;
        }
    }
    assert_eq!((good, bad), (35, 5));
}

fn open(media_type: &str, bytes: &[u8]) -> Result<Signed, Rejection> {
    let limits = Limits::default();
    let envelope = Envelope::parse(media_type, bytes, &limits)?;
    let certificates = envelope
        .certificates()
        .iter()
        .map(|der| Certificate::parse(der, &Provider::preferred(), &limits))
        .collect::<Result<_, _>>()?;
    envelope.verify(Arc::new(Chain::code_signing(certificates, &limits)?))
}

fn same_as_table(signed: &Signed, check: &Value) {
    let text = |name: &str| check[name].as_str();
    assert_eq!(Some(signed.algorithm().as_str()), text("alg"));
    assert_eq!(Some(signed.scheme().as_str()), text("signingScheme"));
    assert_eq!(
        signed.verification_plugin().unwrap(),
        text("verificationPlugin")
    );
    // Some of the times have a space in place of the `T`.
    let time = |name: &str| {
        text(name).map(|text| Time::parse_rfc3339(&text.replace(' ', "T")).expect(text))
    };
    assert_eq!(signed.signing_time(), time("signingTime"));
    assert_eq!(
        signed.authentic_signing_time(),
        time("authenticSigningTime")
    );
    assert_eq!(signed.expiry(), time("expiry"));
    assert_eq!(
        signed.timestamp_token().is_some(),
        check.get("tst_time").is_some()
    );
    signed.payload().unwrap();
}
