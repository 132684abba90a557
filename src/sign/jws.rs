//! JWS in flattened JSON form (RFC 7515 section 7.2.2) as signature-envelope-jws
//! has it.

use serde_json::{Map, Value, json};

use super::{Attributes, Unsigned};
use crate::envelope::names::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    TIMESTAMP_SIGNATURE,
};
use crate::envelope::{PAYLOAD_MEDIA_TYPE, SigningScheme};
use crate::wire::base64;

/// The signed parts, in base64url.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    protected: String,
    payload: String,
}

/// The signed parts, and the signing input over them.
pub(super) fn frame(attributes: &Attributes, payload: &[u8]) -> (Frame, Vec<u8>) {
    let mut critical = vec![SIGNING_SCHEME];
    let time_name = match attributes.scheme {
        SigningScheme::X509 => SIGNING_TIME,
        SigningScheme::SigningAuthority => {
            critical.push(AUTHENTIC_SIGNING_TIME);
            AUTHENTIC_SIGNING_TIME
        }
    };
    let mut header = Map::new();
    header.insert("alg".to_owned(), attributes.algorithm.as_str().into());
    header.insert("cty".to_owned(), PAYLOAD_MEDIA_TYPE.into());
    header.insert(SIGNING_SCHEME.to_owned(), attributes.scheme.as_str().into());
    header.insert(time_name.to_owned(), attributes.time.to_string().into());
    if let Some(expiry) = attributes.expiry {
        critical.push(EXPIRY);
        header.insert(EXPIRY.to_owned(), expiry.to_string().into());
    }
    header.insert("crit".to_owned(), critical.into());

    let frame = Frame {
        protected: base64::encode_url(Value::Object(header).to_string().as_bytes()),
        payload: base64::encode_url(payload),
    };
    let bytes = format!("{}.{}", frame.protected, frame.payload).into_bytes();
    (frame, bytes)
}

impl Frame {
    /// The envelope.
    pub(super) fn envelope(&self, signature: &[u8], unsigned: &Unsigned<'_>) -> Vec<u8> {
        let chain = unsigned.chain.certificates().iter();
        let chain: Vec<String> = chain
            .map(|certificate| base64::encode_standard(certificate.der()))
            .collect();
        let mut header = Map::new();
        header.insert("x5c".to_owned(), chain.into());
        if let Some(token) = unsigned.token {
            let token = base64::encode_standard(token);
            header.insert(TIMESTAMP_SIGNATURE.to_owned(), token.into());
        }
        if let Some(agent) = unsigned.agent {
            header.insert(SIGNING_AGENT.to_owned(), agent.into());
        }
        json!({
            "payload": self.payload,
            "protected": self.protected,
            "header": header,
            "signature": base64::encode_url(signature),
        })
        .to_string()
        .into_bytes()
    }
}
