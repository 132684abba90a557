//! JWS in its flattened JSON serialization (RFC 7515 section 7.2.2), and what
//! signature-envelope-jws adds.

mod members;

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use self::members::{Chain, Members, Protected, Text};
use super::attributes::{Attribute, AttributeKey, Claims, Stated};
use super::names::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_SCHEME, SIGNING_TIME, TIMESTAMP_SIGNATURE,
};
use super::{
    Content, at_most, no_certificates, quoted, too_many_certificates, too_many_parameters,
    verify_primitive,
};
use crate::crypto::{PublicKey, SignatureAlgorithm};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;
use crate::wire::{base64, json};

const ALG: &str = "alg";
const CTY: &str = "cty";
const CRIT: &str = "crit";
const X5C: &str = "x5c";

/// The header parameters of RFC 7515 section 4.1: they must not be critical
/// (section 4.1.11).
const REGISTERED: [&str; 11] = [
    ALG, "jku", "jwk", "kid", "x5u", X5C, "x5t", "x5t#S256", "typ", CTY, CRIT,
];

/// What the signature does not cover.
pub(super) struct Unprotected {
    pub certificates: Vec<Cow<'static, [u8]>>,
    pub timestamp_token: Option<Cow<'static, [u8]>>,
    pub signing_agent: Option<Cow<'static, str>>,
}

/// The signed part, decoded.
#[derive(Debug)]
pub(super) struct Flattened {
    /// The texts of protected header and payload as they came, with a full stop
    /// between: the signature covers these octets.
    signing_input: Vec<u8>,
    protected: Map<String, Value>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Decodes an envelope. The chain comes first: without one nothing else
/// matters.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<(Unprotected, Flattened), Rejection> {
    let text = json::text(bytes).map_err(|error| malformed(&error))?;
    let members = Members::read(&text, limits).map_err(|error| malformed(&error))?;
    let header = members.header.unwrap_or_default();
    if header.too_many {
        return Err(too_many_parameters(limits.header_parameters));
    }
    let certificates = certificates(header.x5c, limits)?;
    let timestamp_token = match header.timestamp_signature {
        Some(Text(text)) => {
            let token = base64::decode_standard(&text)
                .ok_or_else(|| malformed(&format_args!("`{TIMESTAMP_SIGNATURE}` is not base64")))?;
            Some(token).filter(|token| !token.is_empty())
        }
        None => None,
    };

    let Text(protected_text) = members
        .protected
        .ok_or_else(|| malformed(&"`protected` is missing"))?;
    at_most(
        "the protected header",
        protected_text.len() / 4 * 3,
        limits.protected_header_bytes,
    )?;
    let protected = protected_header(&protected_text)?;
    if protected.len() > limits.header_parameters {
        return Err(too_many_parameters(limits.header_parameters));
    }
    // RFC 7515 section 7.2.1: the names in the two headers are disjoint.
    if let Some(Text(name)) = header
        .names
        .iter()
        .find(|Text(name)| protected.contains_key(name.as_ref()))
    {
        return Err(malformed(&format_args!(
            "the header parameter {} is in both `protected` and `header`",
            quoted(name)
        )));
    }

    let Text(signature_text) = members.signature.unwrap_or_default();
    let signature = base64url("signature", &signature_text)?;
    let Text(payload_text) = members.payload.unwrap_or_default();
    let payload = base64url("payload", &payload_text)?;
    at_most("the payload", payload.len(), limits.payload_bytes)?;

    let mut signing_input = Vec::with_capacity(protected_text.len() + 1 + payload_text.len());
    signing_input.extend_from_slice(protected_text.as_bytes());
    signing_input.push(b'.');
    signing_input.extend_from_slice(payload_text.as_bytes());

    Ok((
        Unprotected {
            certificates,
            timestamp_token: timestamp_token.map(Cow::Owned),
            signing_agent: header
                .signing_agent
                .filter(|agent| !agent.is_empty())
                .map(|agent| Cow::Owned(agent.into_owned())),
        },
        Flattened {
            signing_input,
            protected,
            payload,
            signature,
        },
    ))
}

fn certificates(
    chain: Option<Chain<'_>>,
    limits: &Limits,
) -> Result<Vec<Cow<'static, [u8]>>, Rejection> {
    let chain = match chain {
        Some(Chain { too_many: true, .. }) => {
            return Err(too_many_certificates(limits.chain_certificates));
        }
        Some(chain) if !chain.items.is_empty() => chain.items,
        _ => return Err(no_certificates(X5C)),
    };
    let mut certificates = Vec::with_capacity(chain.len());
    for (position, item) in chain.into_iter().enumerate() {
        let Some(Text(text)) = item else {
            return Err(Rejection::new(
                Reason::CertMalformed,
                format!("item {position} of `{X5C}` is null, and must be a certificate in base64"),
            ));
        };
        let der = base64::decode_standard(&text).ok_or_else(|| {
            malformed(&format_args!(
                "item {position} of `{X5C}` is not base64 with padding"
            ))
        })?;
        certificates.push(Cow::Owned(der));
    }
    Ok(certificates)
}

fn protected_header(text: &str) -> Result<Map<String, Value>, Rejection> {
    let rejection = |why: &dyn fmt::Display| {
        Rejection::new(
            Reason::ProtectedHeaderMalformed,
            format!("the protected header is malformed: {why}"),
        )
    };
    let bytes = base64::decode_url(text)
        .ok_or_else(|| rejection(&"it is not base64url without padding"))?;
    let Protected(members) = json::from_slice(&bytes).map_err(|error| rejection(&error))?;
    Ok(members)
}

fn base64url(name: &str, text: &str) -> Result<Vec<u8>, Rejection> {
    base64::decode_url(text).ok_or_else(|| {
        malformed(&format_args!(
            "`{name}` is not base64url without padding or line breaks"
        ))
    })
}

impl Flattened {
    /// Verifies the signature and applies the rules of the specification.
    pub(super) fn open(
        self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Content, Rejection> {
        self.check_algorithm(algorithm)?;
        if self.signature.is_empty() {
            return Err(Rejection::new(
                Reason::SignatureMismatch,
                "the envelope has no signature: `signature` is missing or empty",
            ));
        }
        verify_primitive(key, algorithm, &self.signing_input, &self.signature)?;
        let attributes = self.claims().judge()?;
        if self.payload.is_empty() {
            return Err(Rejection::new(
                Reason::PayloadInvalid,
                "the payload is empty",
            ));
        }
        // The reference reads a JWS payload as a set of claims.
        if !starts_with_claims(&self.payload) {
            return Err(Rejection::new(
                Reason::PayloadMalformed,
                "the payload of a JWS envelope is not a JSON object",
            ));
        }
        Ok(Content {
            attributes,
            payload: self.payload,
            signature: self.signature,
        })
    }

    fn check_algorithm(&self, algorithm: SignatureAlgorithm) -> Result<(), Rejection> {
        let stated = match self.protected.get(ALG) {
            Some(Value::String(alg)) if alg == algorithm.as_str() => return Ok(()),
            Some(Value::String(alg)) => {
                format!("the protected header's `alg` is {}", quoted(alg))
            }
            Some(_) => "the protected header's `alg` is not a text".to_owned(),
            None => "the protected header has no `alg`".to_owned(),
        };
        Err(Rejection::new(
            Reason::AlgorithmMismatch,
            format!(
                "{stated}; the signing certificate's key requires `{}`",
                algorithm.as_str()
            ),
        ))
    }

    fn claims(&self) -> Claims<'_> {
        let critical = self.critical();
        let is_critical = |name: &str| {
            critical
                .as_ref()
                .is_ok_and(|names| names.binary_search(&name).is_ok())
        };
        let extended = self
            .protected
            .iter()
            .filter(|(name, _)| !is_standard(name))
            .map(|(name, value)| Attribute {
                critical: is_critical(name),
                key: AttributeKey::Text(name.clone()),
                value: value.clone(),
            })
            .collect();
        let to_key = |name: &str| AttributeKey::Text(name.to_owned());
        Claims {
            content_type: self.text(CTY),
            scheme: self.text(SIGNING_SCHEME),
            signing_time: self.time(SIGNING_TIME),
            authentic_signing_time: self.time(AUTHENTIC_SIGNING_TIME),
            expiry: self.time(EXPIRY),
            critical: critical.map(|names| names.into_iter().map(to_key).collect()),
            extended,
        }
    }

    /// The names in `crit`, ordered, by the rules of RFC 7515 section 4.1.11.
    fn critical(&self) -> Result<Vec<&str>, Rejection> {
        let rejection = |detail: String| Rejection::new(Reason::CritInvalid, detail);
        let names = match self.protected.get(CRIT) {
            None => {
                return Err(rejection(
                    "the protected header has no list of critical headers (`crit`)".to_owned(),
                ));
            }
            Some(Value::Array(names)) if !names.is_empty() => names,
            Some(_) => {
                return Err(rejection(
                    "the list of critical headers (`crit`) must be an array with one name or more"
                        .to_owned(),
                ));
            }
        };
        let mut critical: Vec<&str> = Vec::with_capacity(names.len());
        for name in names {
            let Some(name) = name.as_str() else {
                return Err(rejection(
                    "the list of critical headers (`crit`) holds something that is not a text"
                        .to_owned(),
                ));
            };
            let problem = if REGISTERED.contains(&name) {
                "must not be in the list of critical headers: RFC 7515 defines it"
            } else if name == SIGNING_TIME {
                "must not be in the list of critical headers: it is not a critical attribute"
            } else if !self.protected.contains_key(name) {
                "is in the list of critical headers, and not in the protected header"
            } else {
                critical.push(name);
                continue;
            };
            return Err(rejection(format!("{} {problem}", quoted(name))));
        }
        critical.sort_unstable();
        for pair in critical.windows(2) {
            if let [first, second] = pair
                && first == second
            {
                return Err(rejection(format!(
                    "{} is in the list of critical headers twice",
                    quoted(first)
                )));
            }
        }
        Ok(critical)
    }

    fn text(&self, name: &str) -> Stated<&str> {
        match self.protected.get(name) {
            None => Stated::Absent,
            Some(Value::String(text)) => Stated::Value(text),
            Some(_) => Stated::Malformed("is not a text".to_owned()),
        }
    }

    fn time(&self, name: &str) -> Stated<Time> {
        match self.text(name) {
            Stated::Value(text) => match Time::parse_rfc3339(text) {
                Some(time) => Stated::Value(time),
                None => {
                    Stated::Malformed(format!("is {}, which is no RFC 3339 time", quoted(text)))
                }
            },
            Stated::Absent => Stated::Absent,
            Stated::Malformed(why) => Stated::Malformed(why),
        }
    }
}

/// Whether this verifier itself understands the parameter.
fn is_standard(name: &str) -> bool {
    matches!(
        name,
        ALG | CTY | CRIT | SIGNING_SCHEME | SIGNING_TIME | AUTHENTIC_SIGNING_TIME | EXPIRY
    )
}

/// Whether the first JSON value of `payload` is an object, or null.
fn starts_with_claims(payload: &[u8]) -> bool {
    struct Claims;

    impl<'de> Visitor<'de> for Claims {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_unit<E>(self) -> Result<Self, E> {
            Ok(Self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(self)
        }
    }

    let Ok(text) = json::text(payload) else {
        return false;
    };
    serde_json::Deserializer::from_str(&text)
        .deserialize_any(Claims)
        .is_ok()
}

fn malformed(why: &dyn fmt::Display) -> Rejection {
    Rejection::new(
        Reason::EnvelopeMalformed,
        format!("the JWS envelope is malformed: {why}"),
    )
}
