//! The signed attributes: what they mean is the same in both formats
//! (signature-specification, "Signed Attributes").

use std::fmt;

use super::names::{AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_SCHEME, SIGNING_TIME};
use super::{PAYLOAD_MEDIA_TYPE, SigningScheme, quoted};
use crate::outcome::{Reason, Rejection};
use crate::time::Time;

/// The name of a signed attribute. COSE also has numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeKey {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

impl AttributeKey {
    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Int(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

impl fmt::Display for AttributeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A signed attribute that is not one of the specification's standard ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub key: AttributeKey,
    /// Whether a verifier that does not know it must refuse the signature.
    pub critical: bool,
    /// Its value, for display and for plugins. From COSE, byte strings are in
    /// base64 and times in RFC 3339.
    pub value: serde_json::Value,
}

/// What a protected header says of one attribute.
pub(super) enum Stated<T> {
    /// Nothing.
    Absent,
    /// Something that cannot be the attribute's value; the text says why.
    Malformed(String),
    /// A value.
    Value(T),
}

/// What a format read from its protected header, before any rule is applied.
pub(super) struct Claims<'a> {
    pub content_type: Stated<&'a str>,
    pub scheme: Stated<&'a str>,
    pub signing_time: Stated<Time>,
    pub authentic_signing_time: Stated<Time>,
    pub expiry: Stated<Time>,
    /// Every name in `crit`, or which rule of the format it breaks.
    pub critical: Result<Vec<AttributeKey>, Rejection>,
    pub extended: Vec<Attribute>,
}

/// Signed attributes that follow the rules.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    pub scheme: SigningScheme,
    /// The signing time, or the authentic signing time, as the scheme says.
    pub time: Time,
    pub expiry: Option<Time>,
    pub extended: Vec<Attribute>,
}

impl Claims<'_> {
    /// Applies the rules that both formats share.
    pub(super) fn judge(self) -> Result<Attributes, Rejection> {
        let scheme = self.scheme()?;
        let expiry = match self.expiry {
            Stated::Absent => None,
            Stated::Value(time) => Some(time),
            Stated::Malformed(why) => {
                return Err(Rejection::new(
                    Reason::ExpiryInvalid,
                    format!("`{EXPIRY}` {why}"),
                ));
            }
        };
        let (name, time, other_name, other_time) = match scheme {
            SigningScheme::X509 => (
                SIGNING_TIME,
                self.signing_time,
                AUTHENTIC_SIGNING_TIME,
                self.authentic_signing_time,
            ),
            SigningScheme::SigningAuthority => (
                AUTHENTIC_SIGNING_TIME,
                self.authentic_signing_time,
                SIGNING_TIME,
                self.signing_time,
            ),
        };
        let time = signing_time(scheme, name, time)?;
        if !matches!(other_time, Stated::Absent) {
            return Err(Rejection::new(
                Reason::SigningTimeInvalid,
                format!("`{other_name}` is not allowed with the signing scheme `{scheme}`"),
            ));
        }

        let must_be_critical = [
            Some(SIGNING_SCHEME),
            (scheme == SigningScheme::SigningAuthority).then_some(AUTHENTIC_SIGNING_TIME),
            expiry.map(|_| EXPIRY),
        ];
        let critical = self.critical?;
        for name in must_be_critical.into_iter().flatten() {
            if !critical.iter().any(|key| key.as_text() == Some(name)) {
                return Err(Rejection::new(
                    Reason::CritInvalid,
                    format!("`{name}` must be in the list of critical headers, and is not"),
                ));
            }
        }
        if let Some(expiry) = expiry.filter(|expiry| *expiry <= time) {
            return Err(Rejection::new(
                Reason::ExpiryBeforeSigningTime,
                format!("the expiry {expiry} is not after the signing time {time}"),
            ));
        }
        content_type(&self.content_type)?;
        Ok(Attributes {
            scheme,
            time,
            expiry,
            extended: self.extended,
        })
    }

    fn scheme(&self) -> Result<SigningScheme, Rejection> {
        let detail = match self.scheme {
            Stated::Value(text) => {
                let known = SigningScheme::ALL
                    .into_iter()
                    .find(|scheme| scheme.as_str() == text);
                match known {
                    Some(scheme) => return Ok(scheme),
                    None => format!("the signing scheme {} is not known", quoted(text)),
                }
            }
            Stated::Absent => format!("`{SIGNING_SCHEME}` is missing"),
            Stated::Malformed(ref why) => format!("`{SIGNING_SCHEME}` {why}"),
        };
        Err(Rejection::new(Reason::SigningSchemeInvalid, detail))
    }
}

fn signing_time(scheme: SigningScheme, name: &str, time: Stated<Time>) -> Result<Time, Rejection> {
    let detail = match time {
        Stated::Value(time) => return Ok(time),
        Stated::Absent => {
            format!("`{name}` is missing; the signing scheme `{scheme}` requires it")
        }
        Stated::Malformed(why) => format!("`{name}` {why}"),
    };
    Err(Rejection::new(Reason::SigningTimeInvalid, detail))
}

fn content_type(stated: &Stated<&str>) -> Result<(), Rejection> {
    let (reason, detail) = match stated {
        Stated::Value(PAYLOAD_MEDIA_TYPE) => return Ok(()),
        Stated::Value(other) => (
            Reason::PayloadContentType,
            format!(
                "the payload's content type is {}, and must be `{PAYLOAD_MEDIA_TYPE}`",
                quoted(other)
            ),
        ),
        Stated::Absent => (
            Reason::PayloadInvalid,
            "the payload's content type is missing".to_owned(),
        ),
        Stated::Malformed(why) => (
            Reason::PayloadInvalid,
            format!("the payload's content type {why}"),
        ),
    };
    Err(Rejection::new(reason, detail))
}
