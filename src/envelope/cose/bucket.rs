//! The two buckets of header parameters (RFC 9052 section 3).

use super::super::attributes::AttributeKey;
use super::super::names::{AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_SCHEME, SIGNING_TIME};
use super::super::{quoted, too_many_parameters};
use super::{malformed, wrong_kind};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::wire::cbor::Value;

// Labels of the IANA registry "COSE Header Parameters".
pub(super) const ALG: Label<'_> = Label::Int(1);
pub(super) const CRIT: Label<'_> = Label::Int(2);
pub(super) const CONTENT_TYPE: Label<'_> = Label::Int(3);
pub(super) const KID: Label<'_> = Label::Int(4);
pub(super) const IV: Label<'_> = Label::Int(5);
pub(super) const PARTIAL_IV: Label<'_> = Label::Int(6);
pub(super) const COUNTER_SIGNATURE: Label<'_> = Label::Int(7);
pub(super) const COUNTER_SIGNATURE_0: Label<'_> = Label::Int(9);
pub(super) const COUNTER_SIGNATURE_V2: Label<'_> = Label::Int(11);
pub(super) const COUNTER_SIGNATURE_0_V2: Label<'_> = Label::Int(12);
pub(super) const TYP: Label<'_> = Label::Int(16);
pub(super) const X5CHAIN: Label<'_> = Label::Int(33);

/// The name of a header parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label<'a> {
    Int(i64),
    Text(&'a str),
}

impl<'a> Label<'a> {
    pub(super) fn read(value: &Value<'a>) -> Option<Self> {
        value
            .as_i64()
            .map(Self::Int)
            .or_else(|| value.as_text().map(Self::Text))
    }

    pub(super) fn to_key(self) -> AttributeKey {
        match self {
            Self::Int(number) => AttributeKey::Int(number),
            Self::Text(text) => AttributeKey::Text(text.to_owned()),
        }
    }

    /// Whether this verifier itself understands the parameter.
    pub(super) fn is_standard(self) -> bool {
        match self {
            ALG | CRIT | CONTENT_TYPE | X5CHAIN => true,
            Self::Int(_) => false,
            Self::Text(text) => matches!(
                text,
                SIGNING_SCHEME | SIGNING_TIME | AUTHENTIC_SIGNING_TIME | EXPIRY
            ),
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Int(number) => format!("`{number}`"),
            Self::Text(text) => quoted(text),
        }
    }
}

/// The parameters of one bucket, ordered by label.
#[derive(Debug, Default)]
pub(super) struct Bucket<'a> {
    pub(super) parameters: Vec<(Label<'a>, Value<'a>)>,
}

impl<'a> Bucket<'a> {
    pub(super) fn read(name: &str, value: Value<'a>, limits: &Limits) -> Result<Self, Rejection> {
        let Value::Map(mut items) = value else {
            return Err(wrong_kind(name, "a map", Some(value)));
        };
        if items.len() / 2 > limits.header_parameters {
            return Err(too_many_parameters(limits.header_parameters));
        }
        let mut parameters = Vec::with_capacity(items.len() / 2);
        while let (Some(label), Some(value)) = (items.next(), items.next()) {
            let Some(label) = Label::read(&label) else {
                return Err(malformed(&format!(
                    "a label of {name} is {}, and must be an integer of 64 bits or a text \
                     string",
                    label.kind()
                )));
            };
            // As wide as the reference implementation reads them.
            if !value.integers_fit_i64() {
                return Err(malformed(&format!(
                    "the parameter {} of {name} has an integer that does not fit 64 bits with a \
                     sign",
                    label.shown()
                )));
            }
            parameters.push((label, value));
        }
        parameters.sort_unstable_by_key(|(label, _)| *label);
        Ok(Self { parameters })
    }

    pub(super) fn get(&self, label: Label<'_>) -> Option<&Value<'a>> {
        let at = self
            .parameters
            .binary_search_by(|(candidate, _)| candidate.cmp(&label))
            .ok()?;
        self.parameters.get(at).map(|(_, value)| value)
    }

    /// The rules for the common header parameters (RFC 9052 section 3.1,
    /// RFC 9338 section 3, RFC 9596).
    pub(super) fn check_parameters(&self, protected: bool) -> Result<(), Rejection> {
        let needs = |label: Label<'_>, what: &str, good: bool| {
            if good {
                Ok(())
            } else {
                Err(malformed(&format!(
                    "the header parameter {} must be {what}",
                    label.shown()
                )))
            }
        };
        for (label, value) in &self.parameters {
            match *label {
                ALG => needs(
                    *label,
                    "an integer or a text string",
                    matches!(
                        value,
                        Value::Unsigned(_) | Value::Negative(_) | Value::Text(_)
                    ),
                )?,
                CRIT => {
                    needs(*label, "in the protected header", protected)?;
                    self.check_crit(value)?;
                }
                CONTENT_TYPE | TYP => needs(
                    *label,
                    "an unsigned integer or a text of the form `type/subtype`",
                    match value {
                        Value::Unsigned(_) => true,
                        Value::Text(text) => {
                            text.matches('/').count() == 1
                                && !text.starts_with(' ')
                                && !text.ends_with(' ')
                        }
                        _ => false,
                    },
                )?,
                KID => needs(*label, "a byte string", value.as_bytes().is_some())?,
                IV | PARTIAL_IV => {
                    needs(*label, "a byte string", value.as_bytes().is_some())?;
                    let both = self.get(IV).is_some() && self.get(PARTIAL_IV).is_some();
                    needs(*label, "alone: IV and Partial IV exclude each other", !both)?;
                }
                COUNTER_SIGNATURE | COUNTER_SIGNATURE_V2 => {
                    needs(*label, "in the unprotected header", !protected)?;
                    needs(
                        *label,
                        "a countersignature or an array of them",
                        is_countersignatures(value),
                    )?;
                }
                COUNTER_SIGNATURE_0 | COUNTER_SIGNATURE_0_V2 => {
                    needs(*label, "in the unprotected header", !protected)?;
                    needs(*label, "a byte string", value.as_bytes().is_some())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `crit` is a non-empty array of labels of this bucket.
    fn check_crit(&self, value: &Value<'a>) -> Result<(), Rejection> {
        let Value::Array(items) = value else {
            return Err(wrong_kind("`crit`", "an array", Some(value.clone())));
        };
        if items.len() == 0 {
            return Err(malformed("the list of critical headers (`crit`) is empty"));
        }
        for item in items.clone() {
            let Some(label) = Label::read(&item) else {
                return Err(malformed(&format!(
                    "the list of critical headers (`crit`) holds {}, which is no label",
                    item.kind()
                )));
            };
            if self.get(label).is_none() {
                return Err(malformed(&format!(
                    "the critical header {} is not in the protected header",
                    label.shown()
                )));
            }
        }
        Ok(())
    }
}

/// One `COSE_Countersignature`, or some (RFC 9338 section 3.1).
fn is_countersignatures(value: &Value<'_>) -> bool {
    let is_one = |value: &Value<'_>| {
        let Value::Array(items) = value else {
            return false;
        };
        let mut items = items.clone();
        items.len() == 3
            && matches!(items.next(), Some(Value::Bytes(_)))
            && matches!(items.next(), Some(Value::Map(_)))
            && matches!(items.next(), Some(Value::Bytes(signature)) if !signature.is_empty())
    };
    let is_some = |value: &Value<'_>| {
        matches!(value, Value::Array(items)
            if items.len() > 0 && items.clone().all(|item| is_one(&item)))
    };
    is_one(value) || is_some(value)
}

/// RFC 9052 section 3: a label must not be in both buckets; section 3.1: nor
/// IV in one and Partial IV in the other.
pub(super) fn check_disjoint(
    protected: &Bucket<'_>,
    unprotected: &Bucket<'_>,
) -> Result<(), Rejection> {
    for (label, _) in &unprotected.parameters {
        if protected.get(*label).is_some() {
            return Err(malformed(&format!(
                "the header parameter {} is in both the protected and the unprotected header",
                label.shown()
            )));
        }
    }
    for (first, second) in [(IV, PARTIAL_IV), (PARTIAL_IV, IV)] {
        if protected.get(first).is_some() && unprotected.get(second).is_some() {
            return Err(malformed("IV and Partial IV exclude each other"));
        }
    }
    Ok(())
}
