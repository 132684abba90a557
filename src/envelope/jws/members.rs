//! The JSON objects of an envelope, read into borrowed texts: nothing is decoded
//! and no more than the allowed certificates are kept.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::names::{SIGNING_AGENT, TIMESTAMP_SIGNATURE};
use super::super::quoted;
use super::{X5C, is_standard};
use crate::limits::Limits;
use crate::wire::json::{self, keep};

/// The members of a protected header. Of members with one name the last counts
/// (RFC 7515 section 4); a standard one that is `null` is not there.
pub(super) struct Protected(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Protected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Protected;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Protected, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if !(value.is_null() && is_standard(&name)) {
                        members.insert(name, value);
                    }
                }
                Ok(Protected(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The members of an envelope, as texts. Of members with one name the last
/// counts; one that is `null` is not there.
#[derive(Default)]
pub(super) struct Members<'t> {
    pub(super) payload: Option<Text<'t>>,
    pub(super) protected: Option<Text<'t>>,
    pub(super) signature: Option<Text<'t>>,
    pub(super) header: Option<Header<'t>>,
}

/// The members of `header` that matter here, and the names of all, as many as
/// the bound allows.
#[derive(Default)]
pub(super) struct Header<'t> {
    pub(super) x5c: Option<Chain<'t>>,
    pub(super) timestamp_signature: Option<Text<'t>>,
    pub(super) signing_agent: Option<Cow<'t, str>>,
    pub(super) names: Vec<Text<'t>>,
    pub(super) too_many: bool,
}

/// The items of `x5c`, as many as the bound allows.
pub(super) struct Chain<'t> {
    pub(super) items: Vec<Option<Text<'t>>>,
    pub(super) too_many: bool,
}

impl<'t> Members<'t> {
    pub(super) fn read(text: &'t str, limits: &Limits) -> Result<Self, json::JsonError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = MembersSeed { limits }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(members)
    }
}

struct MembersSeed<'l> {
    limits: &'l Limits,
}

impl<'de> DeserializeSeed<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object in flattened JWS form")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                "payload" => keep(&mut members.payload, map.next_value()?),
                "protected" => keep(&mut members.protected, map.next_value()?),
                "signature" => keep(&mut members.signature, map.next_value()?),
                "header" => {
                    let seed = HeaderSeed {
                        limits: self.limits,
                    };
                    keep(&mut members.header, map.next_value_seed(seed)?);
                }
                // signature-envelope-jws, "Signature Envelope".
                _ => {
                    return Err(A::Error::custom(format!(
                        "the member {} is not allowed beside `payload`, `protected`, `header` and \
                         `signature`",
                        quoted(&name)
                    )));
                }
            }
        }
        Ok(members)
    }
}

struct HeaderSeed<'l> {
    limits: &'l Limits,
}

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = Option<Header<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = Option<Header<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object in `header`")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match name.0.as_ref() {
                X5C => {
                    let seed = ChainSeed {
                        limits: self.limits,
                    };
                    keep(&mut header.x5c, map.next_value_seed(seed)?);
                }
                TIMESTAMP_SIGNATURE => keep(&mut header.timestamp_signature, map.next_value()?),
                SIGNING_AGENT => header.signing_agent = map.next_value::<TextOrOther<'de>>()?.0,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if header.names.len() < self.limits.header_parameters {
                header.names.push(name);
            } else {
                header.too_many = true;
            }
        }
        Ok(Some(header))
    }
}

struct ChainSeed<'l> {
    limits: &'l Limits,
}

impl<'de> DeserializeSeed<'de> for ChainSeed<'_> {
    type Value = Option<Chain<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ChainSeed<'_> {
    type Value = Option<Chain<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of texts in `x5c`")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut chain = Chain {
            items: Vec::new(),
            too_many: false,
        };
        while chain.items.len() < self.limits.chain_certificates {
            match items.next_element()? {
                Some(item) => chain.items.push(item),
                None => return Ok(Some(chain)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            chain.too_many = true;
        }
        Ok(Some(chain))
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Clone, Default)]
pub(super) struct Text<'t>(pub(super) Cow<'t, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Texts)
    }
}

/// A text; a value of another type is dropped unread.
struct TextOrOther<'t>(Option<Cow<'t, str>>);

impl<'de> Deserialize<'de> for TextOrOther<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <&RawValue>::deserialize(deserializer)?;
        let text = json::from_text::<Text<'_>>(value.get()).ok();
        Ok(Self(text.map(|Text(text)| text)))
    }
}
