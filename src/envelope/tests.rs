//! The rules of both formats, on envelopes that are made here: each test starts
//! from a good one and changes one thing.

use ciborium::Value as Cbor;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value as Json, json};

use super::*;
use crate::crypto::Provider;
use crate::time::Time;
use crate::wire::base64;

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
    let certificate = include_bytes!("../../tests/keys/code-signing.der");
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

fn int(number: i64) -> Cbor {
    Cbor::from(number)
}

fn text(text: &str) -> Cbor {
    Cbor::from(text)
}

fn time(content: impl Into<Cbor>) -> Cbor {
    Cbor::Tag(1, Box::new(content.into()))
}

fn crit(names: &[&str]) -> Cbor {
    Cbor::Array(names.iter().copied().map(text).collect())
}

fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// The parts of a COSE envelope, to be changed before [`Cose::sign`].
struct Cose {
    protected: Vec<(Cbor, Cbor)>,
    unprotected: Vec<(Cbor, Cbor)>,
    payload: Cbor,
}

impl Cose {
    fn good() -> Self {
        Self {
            protected: vec![
                (int(1), int(-7)),
                (int(2), crit(&[SCHEME])),
                (int(3), text(PAYLOAD_MEDIA_TYPE)),
                (text(SCHEME), text("notary.x509")),
                (text(TIME), time(1_700_000_000)),
            ],
            unprotected: vec![(int(33), Cbor::Array(vec![Cbor::Bytes(vec![0x30, 0x00])]))],
            payload: Cbor::Bytes(PAYLOAD.to_vec()),
        }
    }

    fn authority() -> Self {
        Self::good()
            .set(int(2), crit(&[SCHEME, AUTHENTIC_TIME]))
            .set(text(SCHEME), text("notary.x509.signingAuthority"))
            .drop(&text(TIME))
            .set(text(AUTHENTIC_TIME), time(1_700_000_000))
    }

    fn set(mut self, label: Cbor, value: Cbor) -> Self {
        self = self.drop(&label);
        self.protected.push((label, value));
        self
    }

    fn drop(mut self, label: &Cbor) -> Self {
        self.protected.retain(|(candidate, _)| candidate != label);
        self
    }

    fn unprotected(mut self, label: Cbor, value: Cbor) -> Self {
        self.unprotected
            .retain(|(candidate, _)| *candidate != label);
        self.unprotected.push((label, value));
        self
    }

    fn sign(self) -> Vec<u8> {
        let protected = encode(&Cbor::Map(self.protected));
        let to_be_signed = encode(&Cbor::Array(vec![
            text("Signature1"),
            Cbor::Bytes(protected.clone()),
            Cbor::Bytes(vec![]),
            self.payload.clone(),
        ]));
        let signature: Signature = signing_key().sign(&to_be_signed);
        encode(&Cbor::Tag(
            18,
            Box::new(Cbor::Array(vec![
                Cbor::Bytes(protected),
                Cbor::Map(self.unprotected),
                self.payload,
                Cbor::Bytes(signature.to_bytes().to_vec()),
            ])),
        ))
    }

    fn open(self) -> Result<Content, Rejection> {
        open(MediaType::Cose, &self.sign())
    }
}

/// The parts of a JWS envelope, to be changed before [`Jws::sign`].
struct Jws {
    protected: Json,
    header: Json,
    payload: Vec<u8>,
}

impl Jws {
    fn good() -> Self {
        Self {
            protected: json!({
                "alg": "ES256",
                "cty": PAYLOAD_MEDIA_TYPE,
                "crit": [SCHEME],
                SCHEME: "notary.x509",
                TIME: "2024-03-15T10:20:30Z",
            }),
            header: json!({"x5c": ["MAA="]}),
            payload: PAYLOAD.to_vec(),
        }
    }

    fn set(mut self, name: &str, value: Json) -> Self {
        self.protected[name] = value;
        self
    }

    fn header(mut self, name: &str, value: Json) -> Self {
        self.header[name] = value;
        self
    }

    fn sign(&self) -> Json {
        self.sign_protected(&serde_json::to_string(&self.protected).unwrap())
    }

    fn sign_protected(&self, protected: &str) -> Json {
        let protected = base64::encode_url(protected.as_bytes());
        let payload = base64::encode_url(&self.payload);
        let signature: Signature = signing_key().sign(format!("{protected}.{payload}").as_bytes());
        json!({
            "payload": payload,
            "protected": protected,
            "header": self.header,
            "signature": base64::encode_url(&signature.to_bytes()),
        })
    }

    fn open(&self) -> Result<Content, Rejection> {
        open_json(&self.sign())
    }
}

fn open_json(envelope: &Json) -> Result<Content, Rejection> {
    open(MediaType::Jws, envelope.to_string().as_bytes())
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
fn cose_header_rules() {
    let good = Cose::good;
    let cases: Vec<(Cose, Reason)> = vec![
        (good().set(int(1), int(-35)), Reason::AlgorithmMismatch),
        (good().set(int(1), text("ES256")), Reason::AlgorithmMismatch),
        (good().drop(&int(1)), Reason::AlgorithmMismatch),
        (good().set(int(1), Cbor::Null), Reason::EnvelopeMalformed),
        (good().drop(&int(2)), Reason::CritInvalid),
        (good().set(int(2), crit(&[TIME])), Reason::CritInvalid),
        (good().set(int(2), crit(&[])), Reason::EnvelopeMalformed),
        (good().set(int(2), crit(&["x"])), Reason::EnvelopeMalformed),
        (
            good().set(int(2), Cbor::Array(vec![text(SCHEME), int(3)])),
            Reason::CritInvalid,
        ),
        (
            good().set(int(2), Cbor::Array(vec![text(SCHEME), Cbor::Null])),
            Reason::EnvelopeMalformed,
        ),
        (good().drop(&int(3)), Reason::PayloadInvalid),
        (good().set(int(3), int(50)), Reason::PayloadInvalid),
        (good().set(int(3), text("a/b")), Reason::PayloadContentType),
        (good().set(int(3), text("a/b ")), Reason::EnvelopeMalformed),
        (good().set(int(3), text("ab")), Reason::EnvelopeMalformed),
        (good().set(int(4), text("kid")), Reason::EnvelopeMalformed),
        (
            good()
                .set(int(5), Cbor::Bytes(vec![1]))
                .set(int(6), Cbor::Bytes(vec![1])),
            Reason::EnvelopeMalformed,
        ),
        (
            good()
                .set(int(6), Cbor::Bytes(vec![1]))
                .unprotected(int(5), Cbor::Bytes(vec![1])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(int(7), Cbor::Array(vec![])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(7), Cbor::Array(vec![])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(2), crit(&[SCHEME])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(1), int(-7)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(text(TIME), time(1)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(Cbor::Float(1.5), int(1)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(text("x"), Cbor::from(u64::MAX)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(text(SCHEME), text("notary.x509.v2")),
            Reason::SigningSchemeInvalid,
        ),
        (
            good().set(text(SCHEME), Cbor::Bytes(b"notary.x509".to_vec())),
            Reason::SigningSchemeInvalid,
        ),
        (
            good().set(int(2), crit(&[TIME])).drop(&text(SCHEME)),
            Reason::SigningSchemeInvalid,
        ),
    ];
    for (position, (envelope, expected)) in cases.into_iter().enumerate() {
        assert_eq!(reason(envelope.open()), expected, "case {position}");
    }
    // Twice in `crit`, and the untrusted time there, are tolerated.
    good()
        .set(int(2), crit(&[SCHEME, SCHEME, TIME]))
        .open()
        .unwrap();
}

#[test]
fn cose_times() {
    let cases = [
        (int(1), Reason::SigningTimeInvalid),
        (Cbor::Null, Reason::SigningTimeInvalid),
        (time(f64::NAN), Reason::SigningTimeInvalid),
        (time(f64::INFINITY), Reason::SigningTimeInvalid),
        (time(1e300), Reason::SigningTimeInvalid),
        (
            Cbor::Tag(0, Box::new(text("2024-03-15T10:20:30Z"))),
            Reason::SigningTimeInvalid,
        ),
        (time(text("x")), Reason::EnvelopeMalformed),
        (time(u64::MAX), Reason::EnvelopeMalformed),
    ];
    for (value, expected) in cases {
        let found = Cose::good().set(text(TIME), value.clone()).open();
        assert_eq!(reason(found), expected, "{value:?}");
    }
    let expiring = |value: Cbor| {
        Cose::good()
            .set(int(2), crit(&[SCHEME, EXPIRY]))
            .set(text(EXPIRY), value)
            .open()
    };
    assert_eq!(
        reason(expiring(time(1_700_000_000))),
        Reason::ExpiryBeforeSigningTime
    );
    assert_eq!(reason(expiring(time(1e300))), Reason::ExpiryInvalid);
    assert_eq!(reason(expiring(Cbor::Null)), Reason::ExpiryInvalid);
    expiring(time(1_700_000_001)).unwrap();
    expiring(time(i64::MAX)).unwrap();
    let not_critical = Cose::good().set(text(EXPIRY), time(1_800_000_000)).open();
    assert_eq!(reason(not_critical), Reason::CritInvalid);

    let both = Cose::good().set(text(AUTHENTIC_TIME), time(1)).open();
    assert_eq!(reason(both), Reason::SigningTimeInvalid);
    let both = Cose::authority().set(text(TIME), time(1)).open();
    assert_eq!(reason(both), Reason::SigningTimeInvalid);
    let missing = Cose::authority()
        .set(int(2), crit(&[SCHEME]))
        .drop(&text(AUTHENTIC_TIME))
        .open();
    assert_eq!(reason(missing), Reason::SigningTimeInvalid);
    let not_critical = Cose::authority().set(int(2), crit(&[SCHEME])).open();
    assert_eq!(reason(not_critical), Reason::CritInvalid);
}

#[test]
fn cose_chain_forms() {
    let chain = |value: Cbor| Cose::good().unprotected(int(33), value).open();
    let certificate = || Cbor::Bytes(vec![0x30, 0x00]);
    assert_eq!(reason(chain(certificate())), Reason::CertChainMissing);
    assert_eq!(reason(chain(Cbor::Array(vec![]))), Reason::CertChainMissing);
    assert_eq!(
        reason(chain(Cbor::Array(vec![certificate(), Cbor::Null]))),
        Reason::CertMalformed
    );
    assert_eq!(
        reason(chain(Cbor::Array(vec![certificate(); 21]))),
        Reason::LimitExceeded
    );
    chain(Cbor::Array(vec![certificate(); 20])).unwrap();

    let mut protected = Cose::good().set(int(33), Cbor::Array(vec![certificate()]));
    assert_eq!(
        reason(
            Cose {
                unprotected: protected.unprotected.clone(),
                ..Cose::good()
            }
            .set(int(33), Cbor::Array(vec![certificate()]))
            .open()
        ),
        Reason::EnvelopeMalformed
    );
    protected.unprotected.clear();
    let content = protected.open().unwrap();
    assert!(content.attributes.extended.is_empty());
}

#[test]
fn cose_form() {
    let good = Cose::good().sign();
    open(MediaType::Cose, &good).unwrap();
    let malformed = |bytes: &[u8]| {
        assert_eq!(
            reason(open(MediaType::Cose, bytes)),
            Reason::EnvelopeMalformed
        );
    };
    malformed(&[]);
    malformed(&good[1..]);
    malformed(&[&[0xd8, 0x12], &good[1..]].concat());
    malformed(&[&[0xd2], &good[..]].concat());
    malformed(&[&good[..], &[0]].concat());
    for length in 0..good.len() {
        malformed(&good[..length]);
    }
    let payload = |payload: Cbor| {
        Cose {
            payload,
            ..Cose::good()
        }
        .open()
    };
    assert_eq!(reason(payload(Cbor::Null)), Reason::PayloadInvalid);
    assert_eq!(reason(payload(Cbor::Bytes(vec![]))), Reason::PayloadInvalid);
    assert_eq!(reason(payload(text("x"))), Reason::EnvelopeMalformed);
}

#[test]
fn jws_header_rules() {
    let good = Jws::good;
    let cases: Vec<(Jws, Reason)> = vec![
        (good().set("alg", json!("ES384")), Reason::AlgorithmMismatch),
        (good().set("alg", json!("none")), Reason::AlgorithmMismatch),
        (good().set("alg", json!("es256")), Reason::AlgorithmMismatch),
        (good().set("alg", json!(-7)), Reason::AlgorithmMismatch),
        (good().set("alg", json!(null)), Reason::AlgorithmMismatch),
        (good().set("cty", json!(null)), Reason::PayloadInvalid),
        (good().set("cty", json!(1)), Reason::PayloadInvalid),
        (good().set("cty", json!("a/b")), Reason::PayloadContentType),
        (good().set("crit", json!(null)), Reason::CritInvalid),
        (good().set("crit", json!([])), Reason::CritInvalid),
        (good().set("crit", json!(SCHEME)), Reason::CritInvalid),
        (good().set("crit", json!([SCHEME, 1])), Reason::CritInvalid),
        (
            good().set("crit", json!([SCHEME, SCHEME])),
            Reason::CritInvalid,
        ),
        (
            good().set("crit", json!([SCHEME, "x"])),
            Reason::CritInvalid,
        ),
        (
            good().set("crit", json!([SCHEME, "alg"])),
            Reason::CritInvalid,
        ),
        (
            good().set("crit", json!([SCHEME, TIME])),
            Reason::CritInvalid,
        ),
        (
            good().set("crit", json!(["x"])).set("x", json!(1)),
            Reason::CritInvalid,
        ),
        (
            good().set(EXPIRY, json!("2030-01-01T00:00:00Z")),
            Reason::CritInvalid,
        ),
        (
            good()
                .set("crit", json!([SCHEME, EXPIRY]))
                .set(EXPIRY, json!(null)),
            Reason::CritInvalid,
        ),
        (good().set(EXPIRY, json!("tomorrow")), Reason::ExpiryInvalid),
        (good().set(EXPIRY, json!(1)), Reason::ExpiryInvalid),
        (
            good()
                .set("crit", json!([SCHEME, EXPIRY]))
                .set(EXPIRY, json!("2024-03-15T10:20:30Z")),
            Reason::ExpiryBeforeSigningTime,
        ),
        (good().set(SCHEME, json!("x")), Reason::SigningSchemeInvalid),
        (good().set(SCHEME, json!(1)), Reason::SigningSchemeInvalid),
        (
            good().set(SCHEME, json!(null)),
            Reason::SigningSchemeInvalid,
        ),
        (good().set(TIME, json!(null)), Reason::SigningTimeInvalid),
        (good().set(TIME, json!(1)), Reason::SigningTimeInvalid),
        (
            good().set(TIME, json!("2024-03-15")),
            Reason::SigningTimeInvalid,
        ),
        (
            good().set(AUTHENTIC_TIME, json!("2024-03-15T10:20:30Z")),
            Reason::SigningTimeInvalid,
        ),
        (
            good().header("alg", json!("ES256")),
            Reason::EnvelopeMalformed,
        ),
        (good().set("x5c", json!([])), Reason::EnvelopeMalformed),
    ];
    for (position, (envelope, expected)) in cases.into_iter().enumerate() {
        assert_eq!(reason(envelope.open()), expected, "case {position}");
    }
    // A null that follows a value takes nothing away.
    let twice = format!(
        "{{\"alg\":\"ES256\",\"cty\":\"{PAYLOAD_MEDIA_TYPE}\",\"crit\":[\"x\"],\
         \"{SCHEME}\":\"notary.x509\",\"{SCHEME}\":null,\"{TIME}\":\"2024-03-15T10:20:30Z\",\
         \"crit\":[\"{SCHEME}\"]}}"
    );
    open_json(&good().sign_protected(&twice)).unwrap();
}

#[test]
fn jws_form() {
    let good = Jws::good().sign();
    open_json(&good).unwrap();
    let set = |name: &str, value: Json| {
        let mut envelope = good.clone();
        envelope[name] = value;
        reason(open_json(&envelope))
    };
    assert_eq!(set("header", json!(null)), Reason::CertChainMissing);
    assert_eq!(set("header", json!({})), Reason::CertChainMissing);
    assert_eq!(set("header", json!([])), Reason::EnvelopeMalformed);
    assert_eq!(set("payload", json!(null)), Reason::SignatureMismatch);
    assert_eq!(set("payload", json!({})), Reason::EnvelopeMalformed);
    assert_eq!(set("payload", json!("a.b")), Reason::EnvelopeMalformed);
    assert_eq!(set("protected", json!(null)), Reason::EnvelopeMalformed);
    assert_eq!(
        set("protected", json!("bnVsbA")),
        Reason::ProtectedHeaderMalformed
    );
    assert_eq!(
        set("protected", json!("=")),
        Reason::ProtectedHeaderMalformed
    );
    assert_eq!(set("signature", json!(null)), Reason::SignatureMismatch);
    assert_eq!(set("signature", json!("")), Reason::SignatureMismatch);
    assert_eq!(set("signature", json!("AAAA\n")), Reason::EnvelopeMalformed);
    assert_eq!(set("signatures", json!([])), Reason::EnvelopeMalformed);
    assert_eq!(
        set("Payload", good["payload"].clone()),
        Reason::EnvelopeMalformed
    );

    let chain = |value: Json| open_json(&Jws::good().header("x5c", value).sign());
    assert_eq!(reason(chain(json!([]))), Reason::CertChainMissing);
    assert_eq!(reason(chain(json!(null))), Reason::CertChainMissing);
    assert_eq!(reason(chain(json!("MAA="))), Reason::EnvelopeMalformed);
    assert_eq!(reason(chain(json!(["MAA"]))), Reason::EnvelopeMalformed);
    assert_eq!(reason(chain(json!(["-_8="]))), Reason::EnvelopeMalformed);
    assert_eq!(reason(chain(json!(["MAA=", null]))), Reason::CertMalformed);
    assert_eq!(
        reason(chain(json!(vec!["MAA="; 21]))),
        Reason::LimitExceeded
    );
    chain(json!(vec!["MA\nA="; 20])).unwrap();

    // Escapes and octets that are no text change nothing.
    let escaped = good.to_string().replace("\"payload\"", "\"pa\\u0079load\"");
    open(MediaType::Jws, escaped.as_bytes()).unwrap();
    let mut bytes = Jws::good()
        .header("x", json!("@"))
        .sign()
        .to_string()
        .into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
    bytes[at] = 0xff;
    open(MediaType::Jws, &bytes).unwrap();

    for (payload, expected) in [
        (&b""[..], Reason::PayloadInvalid),
        (b"[]", Reason::PayloadMalformed),
        (b"x", Reason::PayloadMalformed),
    ] {
        let envelope = Jws {
            payload: payload.to_vec(),
            ..Jws::good()
        };
        assert_eq!(reason(envelope.open()), expected);
    }
}

#[test]
fn the_gate_takes_the_chain_of_the_envelope_only() {
    let limits = Limits::default();
    let certificate = include_bytes!("../../tests/keys/code-signing.der");
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
fn every_bit_of_the_signed_part_counts() {
    let good = Cose::good().sign();
    let chain = good.windows(2).position(|octets| octets == [0x30, 0x00]);
    let chain = chain.unwrap()..chain.unwrap() + 2;
    for position in 0..good.len() {
        let mut bytes = good.clone();
        bytes[position] ^= 1 << (position % 8);
        let result = open(MediaType::Cose, &bytes);
        // Only the chain's octets are outside the signature here.
        assert_eq!(result.is_ok(), chain.contains(&position), "{position}");
    }
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
