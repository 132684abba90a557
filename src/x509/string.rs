//! The string types of attribute values (RFC 5280 appendix A.1,
//! `DirectoryString` and `IA5String`).

use crate::wire::der::{DerError, Element, tag};

/// The text of a string, `None` for a value of another type.
///
/// What a string type does not allow is an error, as in the reference, with its
/// two concessions: `*` and `&` in a `PrintableString`, and TeletexString read
/// as Latin-1.
pub(super) fn text(value: &Element<'_>) -> Result<Option<String>, DerError> {
    let octets = value.value();
    let decoded = match value.tag() {
        tag::UTF8_STRING => std::str::from_utf8(octets).ok().map(str::to_owned),
        tag::PRINTABLE_STRING => ascii(octets, is_printable),
        tag::NUMERIC_STRING => ascii(octets, |octet| octet.is_ascii_digit() || octet == b' '),
        tag::IA5_STRING | tag::VISIBLE_STRING => ascii(octets, |octet| octet.is_ascii()),
        tag::TELETEX_STRING => Some(octets.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => bmp(octets),
        tag::UNIVERSAL_STRING => universal(octets),
        _ => return Ok(None),
    };
    decoded
        .map(Some)
        .ok_or_else(|| value.error("a string with characters that its type does not have"))
}

/// Checks what [`text`] checks, without building the text.
pub(super) fn check(value: &Element<'_>) -> Result<(), DerError> {
    let octets = value.value();
    let valid = match value.tag() {
        tag::UTF8_STRING => std::str::from_utf8(octets).is_ok(),
        tag::PRINTABLE_STRING => octets.iter().copied().all(is_printable),
        _ => return text(value).map(|_| ()),
    };
    if valid {
        Ok(())
    } else {
        Err(value.error("a string with characters that its type does not have"))
    }
}

fn ascii(octets: &[u8], allowed: impl Fn(u8) -> bool) -> Option<String> {
    octets
        .iter()
        .map(|octet| allowed(*octet).then(|| char::from(*octet)))
        .collect()
}

const fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b' ' | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b'-'
                | b'.'
                | b'/'
                | b':'
                | b'='
                | b'?'
                | b'*'
                | b'&'
        )
}

/// UCS-2 without surrogates and non-characters; a terminating NUL, which some
/// certificates have, is not part of the text.
fn bmp(octets: &[u8]) -> Option<String> {
    let octets = octets.strip_suffix(&[0, 0]).unwrap_or(octets);
    let (pairs, rest) = octets.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
        .map(|point| match point {
            0xfdd0..=0xfdef | 0xfffe | 0xffff => None,
            point => char::from_u32(point),
        })
        .collect()
}

fn universal(octets: &[u8]) -> Option<String> {
    let (quads, rest) = octets.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    quads
        .iter()
        .map(|quad| char::from_u32(u32::from_be_bytes(*quad)))
        .collect()
}
