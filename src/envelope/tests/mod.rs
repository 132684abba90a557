//! The rules of both formats, on envelopes that are made here: each test starts
//! from a good one and changes one thing.

use ciborium::Value as Cbor;
use p256::ecdsa::SigningKey;
use serde_json::json;

mod cose;
mod jws;

use self::cose::{Cose, crit, int, text, time};
use self::jws::Jws;
use super::*;
use crate::crypto::Provider;
use crate::time::Time;

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Es256;
const PAYLOAD: &[u8] = br#"{"targetArtifact":{"mediaType":"m","digest":"d","size":1}}"#;
const SCHEME: &str = "io.cncf.notary.signingScheme";
const TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";

/// The key of `tests/keys/code-signing.der`.
fn signing_key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn open(media_type: MediaType, bytes: &[u8]) -> Result<Content, Rejection> {
    let certificate = include_bytes!("../../../tests/keys/code-signing.der");
    let certificate =
        Certificate::parse(certificate, &Provider::PORTABLE, &Limits::default()).unwrap();
    let key = certificate.key().unwrap();
    let envelope = Envelope::parse(media_type.as_str(), bytes, &Limits::default())?;
    assert_eq!(envelope.media_type(), media_type);
    envelope.body.open(key, ALGORITHM)
}

fn reason(result: Result<Content, Rejection>) -> Reason {
    result.unwrap_err().reason
}

#[test]
fn good_envelopes_are_read() {
    let content = Cose::good()
        .set(int(2), crit(&[SCHEME, EXPIRY, "x"]))
        .set(text(EXPIRY), time(Cbor::Float(1_800_000_000.5)))
        .set(text("x"), Cbor::Bytes(vec![1]))
        .set(int(99), int(5))
        .open()
        .unwrap();
    assert_eq!(content.payload, PAYLOAD);
    assert_eq!(content.signature.len(), 64);
    assert_eq!(content.attributes.scheme, SigningScheme::X509);
    assert_eq!(content.attributes.time, Time::from_unix(1_700_000_000));
    assert_eq!(
        content.attributes.expiry,
        Some(Time::from_unix_parts(1_800_000_000, 500_000_000))
    );
    let attribute = |key, critical, value| Attribute {
        key,
        critical,
        value,
    };
    assert_eq!(
        content.attributes.extended,
        [
            attribute(AttributeKey::Int(99), false, json!(5)),
            attribute(AttributeKey::Text("x".into()), true, json!("AQ==")),
        ]
    );

    let content = Jws::good()
        .set("crit", json!([SCHEME, EXPIRY, "x"]))
        .set(EXPIRY, json!("2030-01-01T00:00:00Z"))
        .set("x", json!({"a": 1}))
        .open()
        .unwrap();
    assert_eq!(content.payload, PAYLOAD);
    assert_eq!(content.attributes.time.to_string(), "2024-03-15T10:20:30Z");
    assert_eq!(
        content.attributes.extended,
        [attribute(
            AttributeKey::Text("x".into()),
            true,
            json!({"a": 1})
        )]
    );
    Cose::authority().open().unwrap();
}

#[test]
fn unsigned_attributes_are_read_and_never_fail() {
    let token = text("io.cncf.notary.timestampSignature");
    let agent = text("io.cncf.notary.signingAgent");
    let bytes = Cose::good()
        .unprotected(token.clone(), Cbor::Bytes(vec![9]))
        .unprotected(agent.clone(), text("a/1"))
        .sign();
    let envelope = Envelope::parse("application/cose", &bytes, &Limits::default()).unwrap();
    assert_eq!(envelope.timestamp_token.as_deref(), Some(&[9][..]));
    assert_eq!(envelope.signing_agent.as_deref(), Some("a/1"));
    assert_eq!(envelope.certificates(), [vec![0x30, 0x00]]);

    let bytes = Cose::good()
        .unprotected(token, int(1))
        .unprotected(agent, int(1))
        .sign();
    let envelope = Envelope::parse("application/cose", &bytes, &Limits::default()).unwrap();
    assert_eq!(
        (envelope.timestamp_token, envelope.signing_agent),
        (None, None)
    );

    let agent = "io.cncf.notary.signingAgent";
    for (value, expected) in [
        (json!("a/1"), Some("a/1")),
        (json!(""), None),
        (json!(null), None),
        (json!(1), None),
        (json!([{}]), None),
    ] {
        let bytes = Jws::good().header(agent, value).sign().to_string();
        let envelope = Envelope::parse(
            "application/jose+json",
            bytes.as_bytes(),
            &Limits::default(),
        );
        assert_eq!(envelope.unwrap().signing_agent.as_deref(), expected);
    }
    let bytes = Jws::good().header(agent, json!("@")).sign().to_string();
    open(MediaType::Jws, bytes.replace("\"@\"", "1e999").as_bytes()).unwrap();
}

#[test]
fn the_gate_takes_the_chain_of_the_envelope_only() {
    let limits = Limits::default();
    let certificate = include_bytes!("../../../tests/keys/code-signing.der");
    let parsed = Certificate::parse(certificate, &Provider::PORTABLE, &limits).unwrap();
    let chain = Arc::new(Chain::code_signing(vec![parsed], &limits).unwrap());
    let own = || Cose::good().unprotected(int(33), Cbor::Array(vec![Cbor::from(&certificate[..])]));

    let bytes = own()
        .set(int(2), crit(&[SCHEME, "io.cncf.notary.verificationPlugin"]))
        .set(text("io.cncf.notary.verificationPlugin"), text("p"))
        .set(
            text("io.cncf.notary.verificationPluginMinVersion"),
            text("1.0.0"),
        )
        .sign();
    let envelope = Envelope::parse("application/cose", &bytes, &limits).unwrap();
    let signed = envelope.verify(Arc::clone(&chain)).unwrap();
    assert_eq!(signed.media_type(), MediaType::Cose);
    assert_eq!(signed.algorithm(), ALGORITHM);
    assert!(Arc::ptr_eq(signed.chain(), &chain));
    assert_eq!(signed.signing_time(), Some(Time::from_unix(1_700_000_000)));
    assert_eq!(signed.authentic_signing_time(), None);
    assert_eq!(signed.payload_bytes(), PAYLOAD);
    assert_eq!(signed.payload().unwrap().target_artifact.size, 1);
    assert_eq!(signed.verification_plugin().unwrap(), Some("p"));
    let rejection = signed.verification_plugin_min_version().unwrap_err();
    assert_eq!(rejection.reason, Reason::PluginRequired);

    let bytes = Cose::good().sign();
    let envelope = Envelope::parse("application/cose", &bytes, &limits).unwrap();
    let rejection = envelope.verify(chain).unwrap_err();
    assert_eq!(rejection.reason, Reason::CertChainInvalid);
}

#[test]
fn media_types_are_exact() {
    for bad in [
        "",
        "application/COSE",
        "application/cose ",
        "application/jose",
        "application/cose;a=b",
    ] {
        let rejection = Envelope::parse(bad, &[], &Limits::default()).unwrap_err();
        assert_eq!(rejection.reason, Reason::EnvelopeMediaType, "{bad}");
    }
    assert!(quoted(&"x".repeat(1_000)).len() < 100);
    assert_eq!(quoted("a\n\u{1b}"), "`a\\n\\u{1b}`");
}
