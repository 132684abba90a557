//! CBOR (RFC 8949) as COSE envelopes use it: one strict scan of the raw bytes,
//! then values that borrow from them.
//!
//! General decoders let pass what a signed format must not: duplicate keys,
//! trailing bytes, indefinite lengths. [`scan`] refuses these before anything
//! is allocated from a length that the input claims. Heads are decoded by
//! `ciborium-ll`.

use std::fmt;

use ciborium_ll::{Decoder, Header};

use crate::limits::Limits;
use crate::time::Time;

/// `undefined` (RFC 8949 section 3.3).
const SIMPLE_UNDEFINED: u8 = 23;
const SIMPLE_NULL: u8 = 22;
const SIMPLE_TRUE: u8 = 21;
const SIMPLE_FALSE: u8 = 20;

/// Checks that `bytes` are exactly one well-formed data item within the
/// bounds, and gives it.
///
/// Beyond well-formedness: definite lengths only; no key twice in a map, where
/// the number 1 in two encodings is one key; no array or map as a key; text is
/// UTF-8; tags 0 to 3 hold what RFC 8949 section 3.4 says.
///
/// # Errors
/// The first problem and where it is.
pub fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Value<'a>, CborError> {
    let mut scanner = Scanner {
        bytes,
        at: 0,
        items: 0,
        max_items: limits.cbor_items,
        max_depth: limits.cbor_nesting,
    };
    scanner.item(0)?;
    if scanner.at != bytes.len() {
        return Err(CborError::new(scanner.at, Problem::Trailing));
    }
    split(bytes)
        .map(|(value, _)| value)
        .ok_or(CborError::new(0, Problem::Truncated))
}

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

    /// What this is, for messages: `text string`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::Negative(_) => "integer",
            Self::Bytes(_) => "byte string",
            Self::Text(_) => "text string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Tag(..) => "tagged value",
            Self::Simple(SIMPLE_NULL) => "null",
            Self::Simple(SIMPLE_UNDEFINED) => "undefined value",
            Self::Simple(SIMPLE_TRUE | SIMPLE_FALSE) => "boolean",
            Self::Simple(_) => "simple value",
            Self::Float(_) => "floating-point number",
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

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    items: usize,
    max_items: usize,
    max_depth: usize,
}

/// A map key by which duplicates are found.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Integer(i128),
    Bytes(&'a [u8]),
    Text(&'a [u8]),
    Float(u64),
    Simple(u8),
    /// A tagged key, as it is encoded.
    Tagged(&'a [u8]),
}

impl<'a> Scanner<'a> {
    /// Scans one item that stands in `depth` others.
    fn item(&mut self, depth: usize) -> Result<Header, CborError> {
        let start = self.at;
        self.items += 1;
        if self.items > self.max_items {
            return Err(CborError::new(start, Problem::Items(self.max_items)));
        }
        let rest = self.bytes.get(start..).unwrap_or_default();
        let (head, content) =
            head(rest).ok_or_else(|| CborError::new(start, head_problem(rest)))?;
        self.at = self.bytes.len() - content.len();
        match head {
            Header::Bytes(Some(length)) => {
                self.take(start, length)?;
            }
            Header::Text(Some(length)) => {
                if str::from_utf8(self.take(start, length)?).is_err() {
                    return Err(CborError::new(start, Problem::Utf8));
                }
            }
            Header::Array(Some(count)) => {
                self.enter(start, depth, count)?;
                for _ in 0..count {
                    self.item(depth + 1)?;
                }
            }
            Header::Map(Some(count)) => {
                self.enter(start, depth, count.saturating_mul(2))?;
                self.map(depth, count)?;
            }
            Header::Tag(number) => {
                self.enter(start, depth, 1)?;
                let content_at = self.at;
                let content = self.item(depth + 1)?;
                if !self.tag_is_valid(number, content, content_at) {
                    return Err(CborError::new(start, Problem::TagContent(number)));
                }
            }
            Header::Bytes(None) | Header::Text(None) | Header::Array(None) | Header::Map(None) => {
                return Err(CborError::new(start, Problem::Indefinite));
            }
            Header::Break => return Err(CborError::new(start, Problem::Malformed)),
            Header::Positive(_) | Header::Negative(_) | Header::Float(_) | Header::Simple(_) => {}
        }
        Ok(head)
    }

    fn map(&mut self, depth: usize, count: usize) -> Result<(), CborError> {
        let mut keys = Vec::new();
        for _ in 0..count {
            let start = self.at;
            let head = self.item(depth + 1)?;
            let encoded = self.bytes.get(start..self.at).unwrap_or_default();
            let key = key(head, encoded).ok_or(CborError::new(start, Problem::Key))?;
            keys.push((key, start));
            self.item(depth + 1)?;
        }
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(first, _), (second, at)] = pair
                && first == second
            {
                return Err(CborError::new(*at, Problem::Duplicate));
            }
        }
        Ok(())
    }

    /// The `length` octets of a string.
    fn take(&mut self, start: usize, length: usize) -> Result<&'a [u8], CborError> {
        let octets = self
            .at
            .checked_add(length)
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or(CborError::new(start, Problem::Truncated))?;
        self.at += length;
        Ok(octets)
    }

    /// Checks a claim of `count` items before any of them is read: each takes
    /// an octet or more.
    fn enter(&self, start: usize, depth: usize, count: usize) -> Result<(), CborError> {
        if depth >= self.max_depth {
            return Err(CborError::new(start, Problem::Nesting(self.max_depth)));
        }
        if count > self.bytes.len() - self.at {
            return Err(CborError::new(start, Problem::Truncated));
        }
        if count > self.max_items - self.items {
            return Err(CborError::new(start, Problem::Items(self.max_items)));
        }
        Ok(())
    }

    /// RFC 8949 sections 3.4.1 to 3.4.3.
    fn tag_is_valid(&self, number: u64, content: Header, at: usize) -> bool {
        match number {
            0 => {
                matches!(content, Header::Text(_))
                    && self
                        .bytes
                        .get(at..)
                        .and_then(split)
                        .and_then(|(value, _)| Time::parse_rfc3339(value.as_text()?))
                        .is_some()
            }
            1 => matches!(
                content,
                Header::Positive(_) | Header::Negative(_) | Header::Float(_)
            ),
            2 | 3 => matches!(content, Header::Bytes(_)),
            _ => true,
        }
    }
}

fn key(head: Header, encoded: &[u8]) -> Option<Key<'_>> {
    let string = |length: usize| encoded.get(encoded.len().checked_sub(length)?..);
    Some(match head {
        Header::Positive(n) => Key::Integer(i128::from(n)),
        Header::Negative(n) => Key::Integer(-1 - i128::from(n)),
        Header::Bytes(length) => Key::Bytes(string(length?)?),
        Header::Text(length) => Key::Text(string(length?)?),
        Header::Float(n) => Key::Float(n.to_bits()),
        Header::Simple(n) => Key::Simple(n),
        Header::Tag(_) => Key::Tagged(encoded),
        Header::Array(_) | Header::Map(_) | Header::Break => return None,
    })
}

/// Why `rest` does not start with a head.
fn head_problem(rest: &[u8]) -> Problem {
    let Some(first) = rest.first() else {
        return Problem::Truncated;
    };
    let argument = match first & 0x1f {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => 0,
    };
    if rest.len() <= argument {
        Problem::Truncated
    } else {
        Problem::Malformed
    }
}

/// Why bytes are not what [`scan`] accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CborError {
    offset: usize,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Truncated,
    Malformed,
    Trailing,
    Indefinite,
    Utf8,
    Duplicate,
    Key,
    TagContent(u64),
    Nesting(usize),
    Items(usize),
}

impl CborError {
    const fn new(offset: usize, problem: Problem) -> Self {
        Self { offset, problem }
    }

    /// The position of the item in question, in octets from the start.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// Whether a bound stopped the scan, and not the form of the input.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(self.problem, Problem::Nesting(_) | Problem::Items(_))
    }
}

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Truncated => f.write_str("the CBOR ends within an item"),
            Problem::Malformed => f.write_str("the CBOR is not well-formed"),
            Problem::Trailing => f.write_str("there are bytes after the CBOR item"),
            Problem::Indefinite => f.write_str("an indefinite length is not allowed"),
            Problem::Utf8 => f.write_str("a text string is not UTF-8"),
            Problem::Duplicate => f.write_str("a map has the same key twice"),
            Problem::Key => f.write_str("an array or map as a map key is not allowed"),
            Problem::TagContent(number) => {
                write!(f, "tag {number} is on a value that it is not for")
            }
            Problem::Nesting(limit) => write!(f, "CBOR items are nested deeper than {limit}"),
            Problem::Items(limit) => write!(f, "there are more than {limit} CBOR items"),
        }?;
        write!(f, " (at byte {})", self.offset)
    }
}

impl std::error::Error for CborError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> Problem {
        scan(bytes, &Limits::default()).unwrap_err().problem
    }

    fn accepted(bytes: &[u8]) -> bool {
        scan(bytes, &Limits::default()).is_ok()
    }

    #[test]
    fn keys_are_compared_by_value() {
        // {1: 0, 1 in two octets: 0}
        assert_eq!(
            refused(&[0xa2, 0x01, 0x00, 0x18, 0x01, 0x00]),
            Problem::Duplicate
        );
        // {"a": 0, "a" with a long length: 0}
        assert_eq!(
            refused(&[0xa2, 0x61, b'a', 0x00, 0x78, 0x01, b'a', 0x00]),
            Problem::Duplicate
        );
        // {1: 0, "1": 0, h'31': 0, 1.0: 0, -1: 0}
        assert!(accepted(&[
            0xa5, 0x01, 0x00, 0x61, b'1', 0x00, 0x41, b'1', 0x00, 0xf9, 0x3c, 0x00, 0x00, 0x20,
            0x00
        ]));
        // Half and single precision 1.0 are one key.
        assert_eq!(
            refused(&[
                0xa2, 0xf9, 0x3c, 0x00, 0x00, 0xfa, 0x3f, 0x80, 0x00, 0x00, 0x00
            ]),
            Problem::Duplicate
        );
        assert_eq!(refused(&[0xa1, 0x80, 0x00]), Problem::Key);
        // In an inner map, too.
        assert_eq!(
            refused(&[0x81, 0xa2, 0x01, 0x00, 0x01, 0x00]),
            Problem::Duplicate
        );
    }

    #[test]
    fn claims_fail_before_anything_is_read() {
        for head in [0x5b_u8, 0x7b, 0x9b, 0xbb] {
            for count in [1_u64 << 30, 1 << 63, u64::MAX] {
                let mut bytes = vec![head];
                bytes.extend(count.to_be_bytes());
                bytes.extend([0; 16]);
                assert_eq!(refused(&bytes), Problem::Truncated, "{head:x} {count}");
            }
        }
    }

    #[test]
    fn bounds_stop_at_their_number() {
        let limits = Limits::default();
        let nested = |depth: usize| {
            let mut bytes = vec![0x81; depth];
            bytes.push(0x00);
            bytes
        };
        assert!(accepted(&nested(limits.cbor_nesting)));
        assert_eq!(
            refused(&nested(limits.cbor_nesting + 1)),
            Problem::Nesting(limits.cbor_nesting)
        );
        assert!(matches!(
            refused(&vec![0x81; 1_000_000]),
            Problem::Nesting(_)
        ));
        assert!(matches!(
            refused(&vec![0xc9; 1_000_000]),
            Problem::Nesting(_)
        ));

        let flat = |count: u32| {
            let mut bytes = vec![0x9a];
            bytes.extend(count.to_be_bytes());
            bytes.resize(5 + usize::try_from(count).unwrap(), 0x00);
            bytes
        };
        let items = u32::try_from(limits.cbor_items).unwrap();
        assert!(accepted(&flat(items - 1)));
        let error = scan(&flat(items), &limits).map(|_| ()).unwrap_err();
        assert!(error.is_limit(), "{error}");
    }

    #[test]
    fn form_is_checked() {
        assert_eq!(refused(&[]), Problem::Truncated);
        assert_eq!(refused(&[0x00, 0x00]), Problem::Trailing);
        assert_eq!(refused(&[0x9f, 0xff]), Problem::Indefinite);
        assert_eq!(refused(&[0xff]), Problem::Malformed);
        assert_eq!(refused(&[0x62, 0xff, 0xfe]), Problem::Utf8);
        assert_eq!(refused(&[0xf8, 0x18]), Problem::Malformed);
        assert_eq!(refused(&[0x1c]), Problem::Malformed);
        assert!(accepted(&[0xf8, 0xff]));
        assert_eq!(refused(&[0xc1, 0x60]), Problem::TagContent(1));
        assert_eq!(refused(&[0xc0, 0x60]), Problem::TagContent(0));
        assert_eq!(refused(&[0xc2, 0x00]), Problem::TagContent(2));
    }

    #[test]
    fn values_are_those_of_the_bytes() {
        // [-1, [1, {2: h'03'}], 9("x"), 1.5]
        let bytes = [
            0x84, 0x20, 0x82, 0x01, 0xa1, 0x02, 0x41, 0x03, 0xc9, 0x61, b'x', 0xf9, 0x3e, 0x00,
        ];
        let value = scan(&bytes, &Limits::default()).unwrap();
        assert_eq!(
            value.to_json(),
            serde_json::json!([-1, [1, {"2": "Aw=="}], {"tag": 9, "value": "x"}, 1.5])
        );
        assert!(value.integers_fit_i64());
        let huge = [
            0x82, 0x00, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        assert!(!scan(&huge, &Limits::default()).unwrap().integers_fit_i64());
    }
}
