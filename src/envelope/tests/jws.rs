//! The rules of JWS envelopes.

use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer;
use serde_json::{Value as Json, json};

use super::*;
use crate::wire::base64;

/// The parts of a JWS envelope, to be changed before [`Jws::sign`].
pub(super) struct Jws {
    pub(super) protected: Json,
    pub(super) header: Json,
    pub(super) payload: Vec<u8>,
}

impl Jws {
    pub(super) fn good() -> Self {
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

    pub(super) fn set(mut self, name: &str, value: Json) -> Self {
        self.protected[name] = value;
        self
    }

    pub(super) fn header(mut self, name: &str, value: Json) -> Self {
        self.header[name] = value;
        self
    }

    pub(super) fn sign(&self) -> Json {
        self.sign_protected(&serde_json::to_string(&self.protected).unwrap())
    }

    pub(super) fn sign_protected(&self, protected: &str) -> Json {
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

    pub(super) fn open(&self) -> Result<Content, Rejection> {
        open_json(&self.sign())
    }
}

pub(super) fn open_json(envelope: &Json) -> Result<Content, Rejection> {
    open(MediaType::Jws, envelope.to_string().as_bytes())
}

#[test]
fn header_rules() {
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
fn form() {
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
