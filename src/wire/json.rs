//! JSON (RFC 8259), strict in form: policies, JWS envelopes, payloads,
//! manifests.
//!
//! No byte order mark, no comments, nothing after the value, bounded nesting.
//! Of members with one name the last counts; names are case-sensitive. Octets
//! that are not UTF-8 and surrogates without their other half become U+FFFD, as
//! in the reference implementation.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

/// Parses one JSON document.
///
/// # Errors
/// Where `bytes` are not exactly one JSON value within the parser's nesting
/// bound of 128.
pub fn parse(bytes: &[u8]) -> Result<serde_json::Value, JsonError> {
    from_text(&text(bytes)?)
}

/// Parses one JSON document into a type that does not borrow from it.
///
/// # Errors
/// As [`parse`], and where the document does not have the form of the type.
pub fn from_slice<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, JsonError> {
    from_text(&text(bytes)?)
}

/// Parses one JSON document into a type that may borrow from it.
///
/// # Errors
/// As [`from_slice`].
pub(crate) fn from_text<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, JsonError> {
    Ok(serde_json::from_str(text)?)
}

/// How many values a document has, at most: brackets and commas announce them.
/// For a bound on what a parsed document takes, before it is parsed.
pub(crate) fn count_values(bytes: &[u8]) -> usize {
    let mut count = 1;
    let mut octets = bytes.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'[' | b'{' | b',' => count += 1,
            b'"' => skip_text(&mut octets),
            _ => {}
        }
    }
    count
}

/// Up to and with the quotation mark that ends a text.
fn skip_text(octets: &mut std::slice::Iter<'_, u8>) {
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => return,
            b'\\' => _ = octets.next(),
            _ => {}
        }
    }
}

/// Keeps the value of a member in `slot`: the last one, where a `null` counts as
/// no member.
pub(crate) fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// The text of a document, with U+FFFD for what is no Unicode text.
///
/// # Errors
/// Where the document starts with a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError {
            message: "there is a byte order mark before the value; save the file without one"
                .into(),
            line: 1,
            column: 1,
        });
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(replace_invalid_utf8(bytes)),
    };
    Ok(match replace_lone_surrogates(&text) {
        Some(replaced) => Cow::Owned(replaced),
        None => text,
    })
}

fn replace_invalid_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// `text` with `\ufffd` for each `\ud800` to `\udfff` that is not half of a
/// pair, or `None` where there is none. Positions stay as they are.
fn replace_lone_surrogates(text: &str) -> Option<String> {
    let mut replaced: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(found) = bytes.get(at..)?.iter().position(|byte| *byte == b'\\') {
        let escape = at + found;
        at = escape + 2;
        match surrogate(bytes, escape) {
            Some(Surrogate::High)
                if matches!(surrogate(bytes, escape + 6), Some(Surrogate::Low)) =>
            {
                at = escape + 12;
            }
            Some(_) => {
                let output = replaced.get_or_insert_with(|| String::with_capacity(text.len()));
                output.push_str(text.get(copied..escape)?);
                output.push_str("\\ufffd");
                at = escape + 6;
                copied = at;
            }
            None => {}
        }
        if at >= bytes.len() {
            break;
        }
    }
    let mut output = replaced?;
    output.push_str(text.get(copied..)?);
    Some(output)
}

enum Surrogate {
    High,
    Low,
}

/// The surrogate that the escape at `at` is, if it is one.
fn surrogate(bytes: &[u8], at: usize) -> Option<Surrogate> {
    match bytes.get(at..at.checked_add(6)?)? {
        [b'\\', b'u', b'd' | b'D', second, third, fourth]
            if third.is_ascii_hexdigit() && fourth.is_ascii_hexdigit() =>
        {
            match second {
                b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Surrogate::High),
                b'c'..=b'f' | b'C'..=b'F' => Some(Surrogate::Low),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Characters of a message.
const MAX_MESSAGE: usize = 200;

/// Why a document is not JSON, or not of the expected form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    message: String,
    line: usize,
    column: usize,
}

impl JsonError {
    /// The line, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column in octets, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the position.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let mut message = error.to_string();
        // The position is told once, by `Display` below.
        if let Some(end) = message.rfind(" at line ") {
            message.truncate(end);
        }
        // A text of the wrong type is told in full, however long it is.
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            message,
            line,
            column,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (line {}, column {})",
            self.message, self.line, self.column
        )
    }
}

impl std::error::Error for JsonError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn form_is_strict() {
        for bad in [
            &b""[..],
            b"\xef\xbb\xbf{}",
            b"{} {}",
            b"{}x",
            b"{/**/}",
            b"// c\n{}",
            b"{\"a\":1,}",
            b"[1,]",
            b"{'a':1}",
            b"\"\n\"",
            b"01",
            b"nul",
            b"\xff{}",
            b"{\x00\"\x00}",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert_eq!(parse(b" \t\r\n{} \n").unwrap(), json!({}));
        assert_eq!(parse(b"null").unwrap(), json!(null));
    }

    #[test]
    fn values_are_counted_outside_of_texts() {
        assert_eq!(count_values(b"0"), 1);
        assert_eq!(count_values(br#"{"a":[1,"x,[{",{}],"b\\\",":0}"#), 7);
        assert_eq!(count_values(br#""[\"[,"#), 1);
    }

    #[test]
    fn last_member_counts_and_names_have_case() {
        assert_eq!(
            parse(b"{\"a\":1,\"A\":2,\"a\":3}").unwrap(),
            json!({"a": 3, "A": 2})
        );
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(
            parse(b"\"\xff\xfea\xe2\x82\"").unwrap(),
            json!("\u{fffd}\u{fffd}a\u{fffd}\u{fffd}")
        );
        assert_eq!(parse(br#""\ud83d\ude00""#).unwrap(), json!("\u{1f600}"));
        assert_eq!(parse(br#""\ud83dx""#).unwrap(), json!("\u{fffd}x"));
        assert_eq!(
            parse(br#""\ude00\ud83d""#).unwrap(),
            json!("\u{fffd}\u{fffd}")
        );
        assert_eq!(
            parse(br#""\ud83d\ud83d\ude00""#).unwrap(),
            json!("\u{fffd}\u{1f600}")
        );
        // An escaped backslash before a `u` starts no escape.
        assert_eq!(parse(br#""\\ud83d""#).unwrap(), json!("\\ud83d"));
        assert!(parse(br#""\ud83"#).is_err());
        assert!(parse(br#""\"#).is_err());
        assert!(parse("\"\\ud83dé\"".as_bytes()).is_ok());
    }

    #[test]
    fn nesting_is_bounded_and_positions_are_told() {
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
        let error = parse(b"{\n  \"a\": x\n}").unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 8));
        assert_eq!(error.to_string().matches("line").count(), 1, "{error}");
        let long = format!("\"{}\"", "é".repeat(100_000));
        let error = from_slice::<u8>(long.as_bytes()).unwrap_err();
        assert!(error.to_string().len() < 500, "{error}");
    }
}
