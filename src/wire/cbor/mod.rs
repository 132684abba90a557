//! CBOR (RFC 8949) as COSE envelopes use it: one strict scan of the raw bytes,
//! then values that borrow from them.
//!
//! General decoders let pass what a signed format must not: duplicate keys,
//! trailing bytes, indefinite lengths. [`scan`] refuses these before anything
//! is allocated from a length that the input claims. Heads are decoded by
//! `ciborium-ll`.

mod scan;

use std::fmt;

use ciborium_ll::{Decoder, Header};

use crate::time::Time;

pub use scan::{CborError, scan};

/// `undefined` (RFC 8949 section 3.3).
const SIMPLE_UNDEFINED: u8 = 23;
const SIMPLE_NULL: u8 = 22;
const SIMPLE_TRUE: u8 = 21;
const SIMPLE_FALSE: u8 = 20;

/// One data item of scanned bytes.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// Major type 0.
    Unsigned(u64),
    /// Major type 1: the number is −1 minus this.
    Negative(u64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text string.
    Text(&'a str),
    /// An array.
    Array(Items<'a>),
    /// A map: keys and values, alternating.
    Map(Items<'a>),
    /// A tag and the one item that it is for.
    Tag(u64, Items<'a>),
    /// A simple value; 20 to 23 are false, true, null and undefined.
    Simple(u8),
    /// A floating-point number.
    Float(f64),
}

impl<'a> Value<'a> {
    /// The number, where this is an integer of 64 bits with a sign.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Unsigned(n) => i64::try_from(*n).ok(),
            Self::Negative(n) => i64::try_from(*n).ok().map(|n| -1 - n),
            _ => None,
        }
    }

    /// The octets of a byte string.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of a text string.
    #[must_use]
    pub const fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether every integer in this value fits 64 bits with a sign.
    #[must_use]
    pub fn integers_fit_i64(&self) -> bool {
        match self {
            Self::Unsigned(_) | Self::Negative(_) => self.as_i64().is_some(),
            Self::Array(items) | Self::Map(items) | Self::Tag(_, items) => {
                items.clone().all(|item| item.integers_fit_i64())
            }
            Self::Bytes(_) | Self::Text(_) | Self::Simple(_) | Self::Float(_) => true,
        }
    }

    /// What this is, for messages: `a text string`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::Negative(_) => "an integer",
            Self::Bytes(_) => "a byte string",
            Self::Text(_) => "a text string",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Tag(..) => "a tagged value",
            Self::Simple(SIMPLE_NULL) => "null",
            Self::Simple(SIMPLE_UNDEFINED) => "undefined",
            Self::Simple(SIMPLE_TRUE | SIMPLE_FALSE) => "a boolean",
            Self::Simple(_) => "a simple value",
            Self::Float(_) => "a floating-point number",
        }
    }

    /// The same as JSON, for people and plugins. Not reversible: byte strings
    /// become base64, times RFC 3339, and other tags an object with `tag` and
    /// `value`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Value as Json, json};
        match self {
            Self::Unsigned(n) => json!(n),
            Self::Negative(n) => self
                .as_i64()
                .map_or_else(|| json!(format!("-1-{n}")), |n| json!(n)),
            Self::Bytes(bytes) => json!(crate::wire::base64::encode_standard(bytes)),
            Self::Text(text) => json!(text),
            Self::Array(items) => Json::Array(items.clone().map(|item| item.to_json()).collect()),
            Self::Map(items) => {
                let mut object = serde_json::Map::new();
                let mut items = items.clone();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    let key = match key.to_json() {
                        Json::String(text) => text,
                        other => other.to_string(),
                    };
                    object.insert(key, value.to_json());
                }
                Json::Object(object)
            }
            Self::Tag(number, content) => {
                let content = content.clone().next();
                if let (1, Some(time)) = (*number, content.as_ref().and_then(Self::epoch_time)) {
                    return json!(time.to_string());
                }
                let content = content.map_or(Json::Null, |content| content.to_json());
                match number {
                    0 => content,
                    _ => json!({"tag": number, "value": content}),
                }
            }
            Self::Simple(SIMPLE_FALSE) => Json::Bool(false),
            Self::Simple(SIMPLE_TRUE) => Json::Bool(true),
            Self::Simple(SIMPLE_NULL | SIMPLE_UNDEFINED) => Json::Null,
            Self::Simple(n) => json!(format!("simple({n})")),
            Self::Float(n) => {
                serde_json::Number::from_f64(*n).map_or_else(|| json!(n.to_string()), Json::Number)
            }
        }
    }

    /// The instant that this number of seconds is, where it is an integer or a
    /// finite float (RFC 8949 section 3.4.2).
    #[must_use]
    pub fn epoch_time(&self) -> Option<Time> {
        match self {
            Self::Float(seconds) => Time::from_unix_f64(*seconds),
            other => other.as_i64().map(Time::from_unix),
        }
    }
}

/// Data items one after the other, of scanned bytes.
#[derive(Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (value, rest) = split(self.rest)?;
        self.rest = rest;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Of a map each entry counts as two.
impl ExactSizeIterator for Items<'_> {}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The first item of scanned bytes, and what follows it.
fn split(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (head, content) = head(bytes)?;
    let value = match head {
        Header::Positive(n) => Value::Unsigned(n),
        Header::Negative(n) => Value::Negative(n),
        Header::Float(n) => Value::Float(n),
        Header::Simple(n) => Value::Simple(n),
        Header::Bytes(length) => {
            let (octets, rest) = content.split_at_checked(length?)?;
            return Some((Value::Bytes(octets), rest));
        }
        Header::Text(length) => {
            let (octets, rest) = content.split_at_checked(length?)?;
            return Some((Value::Text(str::from_utf8(octets).ok()?), rest));
        }
        Header::Array(count) => Value::Array(Items {
            rest: content,
            left: count?,
        }),
        Header::Map(count) => Value::Map(Items {
            rest: content,
            left: count?.checked_mul(2)?,
        }),
        Header::Tag(number) => Value::Tag(
            number,
            Items {
                rest: content,
                left: 1,
            },
        ),
        Header::Break => return None,
    };
    let rest = match &value {
        Value::Array(items) | Value::Map(items) | Value::Tag(_, items) => skip(items)?,
        _ => content,
    };
    Some((value, rest))
}

/// What follows `items`.
fn skip<'a>(items: &Items<'a>) -> Option<&'a [u8]> {
    let mut rest = items.rest;
    let mut left = items.left;
    while left > 0 {
        left -= 1;
        let (head, content) = head(rest)?;
        rest = content;
        match head {
            Header::Bytes(length) | Header::Text(length) => rest = rest.get(length?..)?,
            Header::Array(count) => left = left.checked_add(count?)?,
            Header::Map(count) => left = left.checked_add(count?.checked_mul(2)?)?,
            Header::Tag(_) => left = left.checked_add(1)?,
            Header::Break => return None,
            _ => {}
        }
    }
    Some(rest)
}

/// The head of the first item, and what follows the head.
fn head(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let mut decoder = Decoder::from(bytes);
    let head = decoder.pull().ok()?;
    let content = bytes.get(decoder.offset()..)?;
    // RFC 8949 section 3.3: a simple value below 32 has no two-byte encoding.
    let two_byte_simple = bytes.first() == Some(&0xf8);
    if two_byte_simple && matches!(head, Header::Simple(n) if n < 32) {
        return None;
    }
    Some((head, content))
}
