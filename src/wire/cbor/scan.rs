//! [`scan`]: the strict look at raw bytes before anything is read from them.

use std::fmt;

use ciborium_ll::Header;

use super::{Value, head, split};
use crate::limits::Limits;
use crate::time::Time;

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
