//! COSE_Sign1 (RFC 9052 section 4.2) as signature-envelope-cose has it.

use ciborium::Value;
use coset::{ProtectedHeader, SignatureContext, sig_structure_data};

use super::{Attributes, Unsigned, not_encoded};
use crate::envelope::names::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    TIMESTAMP_SIGNATURE,
};
use crate::envelope::{PAYLOAD_MEDIA_TYPE, SigningScheme};
use crate::error::Error;
use crate::time::Time;

// Labels of the registry "COSE Header Parameters".
const ALG: i64 = 1;
const CRIT: i64 = 2;
const CONTENT_TYPE: i64 = 3;
const X5CHAIN: i64 = 33;

/// `COSE_Sign1_Tagged`.
const SIGN1: u64 = 18;
/// Epoch-based date/time (RFC 8949 section 3.4.2).
const EPOCH_TIME: u64 = 1;

/// The signed parts.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    protected: Vec<u8>,
    payload: Vec<u8>,
}

/// The signed parts, and the `Sig_structure` over them.
pub(super) fn frame(attributes: &Attributes, payload: &[u8]) -> Result<(Frame, Vec<u8>), Error> {
    let (time_name, time_is_critical) = match attributes.scheme {
        SigningScheme::X509 => (SIGNING_TIME, false),
        SigningScheme::SigningAuthority => (AUTHENTIC_SIGNING_TIME, true),
    };
    let mut critical = vec![text(SIGNING_SCHEME)];
    if time_is_critical {
        critical.push(text(time_name));
    }
    let mut members = vec![
        (number(ALG), number(attributes.algorithm.cose())),
        (number(CONTENT_TYPE), text(PAYLOAD_MEDIA_TYPE)),
        (text(SIGNING_SCHEME), text(attributes.scheme.as_str())),
        (text(time_name), time(attributes.time)),
    ];
    if let Some(expiry) = attributes.expiry {
        critical.push(text(EXPIRY));
        members.push((text(EXPIRY), time(expiry)));
    }
    members.push((number(CRIT), Value::Array(critical)));
    let protected = encode(&deterministic(members)?)?;

    let header = ProtectedHeader {
        original_data: Some(protected.clone()),
        ..ProtectedHeader::default()
    };
    let bytes = sig_structure_data(SignatureContext::CoseSign1, header, None, &[], payload);
    let payload = payload.to_vec();
    Ok((Frame { protected, payload }, bytes))
}

impl Frame {
    /// The envelope.
    pub(super) fn envelope(
        &self,
        signature: &[u8],
        unsigned: &Unsigned<'_>,
    ) -> Result<Vec<u8>, Error> {
        let chain = unsigned.chain.certificates().iter();
        let chain = chain.map(|one| Value::Bytes(one.der().to_vec())).collect();
        let mut members = vec![(number(X5CHAIN), Value::Array(chain))];
        if let Some(token) = unsigned.token {
            members.push((text(TIMESTAMP_SIGNATURE), Value::Bytes(token.to_vec())));
        }
        if let Some(agent) = unsigned.agent {
            members.push((text(SIGNING_AGENT), text(agent)));
        }
        encode(&Value::Tag(
            SIGN1,
            Box::new(Value::Array(vec![
                Value::Bytes(self.protected.clone()),
                deterministic(members)?,
                Value::Bytes(self.payload.clone()),
                Value::Bytes(signature.to_vec()),
            ])),
        ))
    }
}

/// A map in the order of RFC 8949 section 4.2.1: by the octets of the keys.
fn deterministic(members: Vec<(Value, Value)>) -> Result<Value, Error> {
    let mut keyed = members
        .into_iter()
        .map(|member| Ok((encode(&member.0)?, member)))
        .collect::<Result<Vec<_>, Error>>()?;
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(Value::Map(
        keyed.into_iter().map(|(_, member)| member).collect(),
    ))
}

fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|error| not_encoded(&error))?;
    Ok(bytes)
}

fn number(number: i64) -> Value {
    Value::Integer(number.into())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn time(time: Time) -> Value {
    Value::Tag(EPOCH_TIME, Box::new(number(time.unix_seconds())))
}
