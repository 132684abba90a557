//! COSE_Sign1 (RFC 9052 section 4.2), and what signature-envelope-cose adds.

mod bucket;

use std::borrow::Cow;

use coset::{ProtectedHeader, SignatureContext, sig_structure_data};

use self::bucket::{ALG, Bucket, CONTENT_TYPE, CRIT, Label, X5CHAIN, check_disjoint};
use super::attributes::{Attribute, AttributeKey, Claims, Stated};
use super::names::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    TIMESTAMP_SIGNATURE,
};
use super::{Content, at_most, no_certificates, quoted, too_many_certificates, verify_primitive};
use crate::crypto::{PublicKey, SignatureAlgorithm};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;
use crate::wire::cbor::{self, CborError, Value};

/// Tag 18 in its one-byte form.
const SIGN1_TAG: u8 = 0xd2;
/// The head of an array of four items.
const ARRAY_OF_FOUR: u8 = 0x84;

/// A well-formed `COSE_Sign1_Tagged`, without the rules that the Notary Project
/// adds: those come with [`Envelope`](super::Envelope).
#[derive(Debug)]
pub struct Sign1<'a> {
    /// The protected header as it came: the signature covers these octets.
    protected_bytes: &'a [u8],
    protected: Bucket<'a>,
    unprotected: Bucket<'a>,
    /// `None` is a detached payload.
    payload: Option<&'a [u8]>,
    signature: &'a [u8],
}

impl<'a> Sign1<'a> {
    /// Decodes a message and checks the rules of RFC 9052 section 3 for its
    /// header parameters.
    ///
    /// # Errors
    /// [`Reason::EnvelopeMalformed`] where `bytes` are not exactly one such
    /// message, and [`Reason::LimitExceeded`].
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, Rejection> {
        let [SIGN1_TAG, message @ ..] = bytes else {
            return Err(malformed(
                "it does not start with the CBOR tag 18 in its one-byte form",
            ));
        };
        if message.first() != Some(&ARRAY_OF_FOUR) {
            return Err(malformed("tag 18 is not on an array of four items"));
        }
        let Value::Array(mut items) = scan(message, limits)? else {
            return Err(malformed("tag 18 is not on an array of four items"));
        };
        let protected = items.next();
        let Some(Value::Bytes(protected_bytes)) = protected else {
            return Err(wrong_kind(
                "the protected header",
                "a byte string",
                protected,
            ));
        };
        at_most(
            "the protected header",
            protected_bytes.len(),
            limits.protected_header_bytes,
        )?;
        let protected = if protected_bytes.is_empty() {
            Bucket::default()
        } else {
            Bucket::read(
                "the protected header",
                scan(protected_bytes, limits)?,
                limits,
            )?
        };
        protected.check_parameters(true)?;

        let unprotected = match items.next() {
            Some(map) => Bucket::read("the unprotected header", map, limits)?,
            None => return Err(wrong_kind("the unprotected header", "a map", None)),
        };
        unprotected.check_parameters(false)?;
        check_disjoint(&protected, &unprotected)?;

        let payload = match items.next() {
            Some(Value::Bytes(payload)) => Some(payload),
            Some(Value::Simple(22)) => None,
            other => return Err(wrong_kind("the payload", "a byte string", other)),
        };
        let payload_bytes = payload.map_or(0, <[u8]>::len);
        at_most("the payload", payload_bytes, limits.payload_bytes)?;
        let signature = match items.next() {
            Some(Value::Bytes(signature)) if !signature.is_empty() => signature,
            Some(Value::Bytes(_) | Value::Simple(22)) => {
                return Err(malformed("the signature is empty"));
            }
            other => return Err(wrong_kind("the signature", "a byte string", other)),
        };
        Ok(Self {
            protected_bytes,
            protected,
            unprotected,
            payload,
            signature,
        })
    }

    /// Verifies the signature over the attached payload and `external_aad`,
    /// after comparing the `alg` of the protected header with `algorithm`.
    ///
    /// # Errors
    /// [`Reason::AlgorithmMismatch`], [`Reason::PayloadInvalid`] where the
    /// payload is detached, and [`Reason::SignatureMismatch`].
    pub fn verify(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        external_aad: &[u8],
    ) -> Result<(), Rejection> {
        self.check_algorithm(algorithm)?;
        let payload = self.payload.ok_or_else(|| {
            Rejection::new(
                Reason::PayloadInvalid,
                "the envelope has no payload: detached payloads are not supported",
            )
        })?;
        let protected = ProtectedHeader {
            original_data: Some(self.protected_bytes.to_vec()),
            ..ProtectedHeader::default()
        };
        let to_be_signed = sig_structure_data(
            SignatureContext::CoseSign1,
            protected,
            None,
            external_aad,
            payload,
        );
        verify_primitive(key, algorithm, &to_be_signed, self.signature)
    }

    fn check_algorithm(&self, algorithm: SignatureAlgorithm) -> Result<(), Rejection> {
        let stated = match self.protected.get(ALG) {
            Some(value) if value.as_i64() == Some(algorithm.cose()) => return Ok(()),
            Some(value) => match (value.as_i64(), value.as_text()) {
                (Some(number), _) => format!("the protected header's `alg` is {number}"),
                (None, Some(text)) => {
                    format!("the protected header's `alg` is {}", quoted(text))
                }
                (None, None) => format!("the protected header's `alg` is {}", value.kind()),
            },
            None => "the protected header has no `alg`".to_owned(),
        };
        Err(Rejection::new(
            Reason::AlgorithmMismatch,
            format!(
                "{stated}; the signing certificate's key requires {} ({})",
                algorithm.cose(),
                algorithm.as_str()
            ),
        ))
    }

    /// The certificates of `x5chain` in DER, in whichever bucket it is.
    ///
    /// # Errors
    /// [`Reason::CertChainMissing`] where there is no array with one or more,
    /// [`Reason::CertMalformed`] where an item is not a byte string, and
    /// [`Reason::LimitExceeded`].
    pub fn certificates(&self, limits: &Limits) -> Result<Vec<Cow<'a, [u8]>>, Rejection> {
        const MEMBER: &str = "x5chain (33)";
        let chain = self
            .unprotected
            .get(X5CHAIN)
            .or_else(|| self.protected.get(X5CHAIN));
        let items = match chain {
            None => return Err(no_certificates(MEMBER)),
            Some(Value::Array(items)) => items.clone(),
            Some(other) => {
                return Err(Rejection::new(
                    Reason::CertChainMissing,
                    format!(
                        "`{MEMBER}` is {}, and must be an array of byte strings",
                        other.kind()
                    ),
                ));
            }
        };
        if items.len() > limits.chain_certificates {
            return Err(too_many_certificates(limits.chain_certificates));
        }
        let mut certificates = Vec::with_capacity(items.len());
        for (position, item) in items.enumerate() {
            let Some(der) = item.as_bytes() else {
                return Err(Rejection::new(
                    Reason::CertMalformed,
                    format!(
                        "item {position} of `{MEMBER}` is {}, and must be a byte string",
                        item.kind()
                    ),
                ));
            };
            certificates.push(Cow::Borrowed(der));
        }
        if certificates.is_empty() {
            return Err(no_certificates(MEMBER));
        }
        Ok(certificates)
    }

    /// The time-stamp token; one of another type is not there.
    pub(super) fn timestamp_token(&self) -> Option<Cow<'a, [u8]>> {
        self.unprotected
            .get(Label::Text(TIMESTAMP_SIGNATURE))
            .and_then(Value::as_bytes)
            .filter(|token| !token.is_empty())
            .map(Cow::Borrowed)
    }

    /// The signing agent; one of another type is not there
    /// (signature-specification, "Unsigned Attributes": never a failure).
    pub(super) fn signing_agent(&self) -> Option<Cow<'a, str>> {
        self.unprotected
            .get(Label::Text(SIGNING_AGENT))
            .and_then(Value::as_text)
            .filter(|agent| !agent.is_empty())
            .map(Cow::Borrowed)
    }

    /// Verifies the signature and applies the rules of the specification.
    pub(super) fn open(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Content, Rejection> {
        self.verify(key, algorithm, &[])?;
        let attributes = self.claims().judge()?;
        let payload = self.payload.unwrap_or_default();
        if payload.is_empty() {
            return Err(Rejection::new(
                Reason::PayloadInvalid,
                "the payload is empty",
            ));
        }
        Ok(Content {
            attributes,
            payload: payload.to_vec(),
            signature: self.signature.to_vec(),
        })
    }

    fn claims(&self) -> Claims<'a> {
        let critical = self.critical();
        let mut extended = Vec::new();
        for (label, value) in &self.protected.parameters {
            if label.is_standard() {
                continue;
            }
            let key = label.to_key();
            extended.push(Attribute {
                critical: critical
                    .as_ref()
                    .is_ok_and(|keys| keys.binary_search(&key).is_ok()),
                key,
                value: value.to_json(),
            });
        }
        Claims {
            content_type: self.text(CONTENT_TYPE),
            scheme: self.text(Label::Text(SIGNING_SCHEME)),
            signing_time: self.time(SIGNING_TIME),
            authentic_signing_time: self.time(AUTHENTIC_SIGNING_TIME),
            expiry: self.time(EXPIRY),
            critical,
            extended,
        }
    }

    /// The labels in `crit`, ordered. That each is in the protected header was checked
    /// when the message was decoded.
    fn critical(&self) -> Result<Vec<AttributeKey>, Rejection> {
        let Some(Value::Array(items)) = self.protected.get(CRIT) else {
            return Err(Rejection::new(
                Reason::CritInvalid,
                "the protected header has no list of critical headers (`crit`)",
            ));
        };
        let mut critical = Vec::with_capacity(items.len());
        for label in items.clone().filter_map(|item| Label::read(&item)) {
            // signature-envelope-cose, "Protected Header".
            if let Label::Int(number @ 0..=8) = label {
                return Err(Rejection::new(
                    Reason::CritInvalid,
                    format!("the list of critical headers must not name the label {number}"),
                ));
            }
            critical.push(label.to_key());
        }
        critical.sort_unstable();
        Ok(critical)
    }

    fn text(&self, label: Label<'_>) -> Stated<&'a str> {
        match self.protected.get(label) {
            None => Stated::Absent,
            Some(Value::Text(text)) => Stated::Value(text),
            Some(other) => {
                Stated::Malformed(format!("is {}, and must be a text string", other.kind()))
            }
        }
    }

    /// An epoch-based date/time (RFC 8949 section 3.4.2): tag 1 on a number.
    fn time(&self, name: &str) -> Stated<Time> {
        match self.protected.get(Label::Text(name)) {
            None => Stated::Absent,
            Some(Value::Tag(1, content)) => {
                match content.clone().next().and_then(|value| value.epoch_time()) {
                    Some(time) => Stated::Value(time),
                    None => Stated::Malformed("is not a time that can be represented".to_owned()),
                }
            }
            Some(Value::Tag(number, _)) => Stated::Malformed(format!(
                "has the tag {number}, and must be an epoch-based time with the tag 1"
            )),
            Some(other) => Stated::Malformed(format!(
                "is {}, and must be an epoch-based time with the tag 1",
                other.kind()
            )),
        }
    }
}

fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Value<'a>, Rejection> {
    cbor::scan(bytes, limits).map_err(|error: CborError| {
        let reason = if error.is_limit() {
            Reason::LimitExceeded
        } else {
            Reason::EnvelopeMalformed
        };
        Rejection::new(reason, format!("the COSE envelope is malformed: {error}"))
    })
}

fn malformed(why: &str) -> Rejection {
    Rejection::new(
        Reason::EnvelopeMalformed,
        format!("the COSE envelope is malformed: {why}"),
    )
}

fn wrong_kind(what: &str, expected: &str, found: Option<Value<'_>>) -> Rejection {
    match found {
        Some(found) => malformed(&format!(
            "{what} is {}, and must be a {expected}",
            found.kind()
        )),
        None => malformed(&format!("{what} is missing")),
    }
}
