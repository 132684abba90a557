//! Base64 (RFC 4648) as envelopes use it.
//!
//! `base64ct` refuses non-zero bits after the last octet. RFC 4648 section 3.5
//! leaves that to the reader, and the reference implementation ignores them, so
//! they are cleared here first.

use std::borrow::Cow;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Decodes base64url without padding, white space or line breaks (RFC 7515
/// section 2). `None` where `text` is not that.
#[must_use]
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(&clear_tail(text, text.len(), URL)?).ok()
}

/// Decodes base64 with padding; line breaks anywhere are skipped, as decoders
/// of PEM-like text do (a certificate in `x5c` may be wrapped). `None` where
/// `text` is not that.
#[must_use]
pub fn decode_standard(text: &str) -> Option<Vec<u8>> {
    let text = if text.bytes().any(is_line_break) {
        Cow::Owned(text.replace(['\r', '\n'], ""))
    } else {
        Cow::Borrowed(text)
    };
    let digits = text.trim_end_matches('=').len();
    Base64::decode_vec(&clear_tail(&text, digits, STANDARD)?).ok()
}

/// Encodes with the standard alphabet and padding.
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Encodes with the URL-safe alphabet, without padding.
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// `text`, whose first `digits` characters are of `alphabet`, with the bits
/// after the last octet set to zero.
fn clear_tail<'a>(text: &'a str, digits: usize, alphabet: &[u8; 64]) -> Option<Cow<'a, str>> {
    let unused_bits = match digits % 4 {
        0 => return Some(Cow::Borrowed(text)),
        2 => 4,
        3 => 2,
        _ => return None,
    };
    let last = digits.checked_sub(1)?;
    let digit = text.as_bytes().get(last)?;
    let value = alphabet.iter().position(|character| character == digit)?;
    let cleared = *alphabet.get(value >> unused_bits << unused_bits)?;
    if cleared == *digit {
        return Some(Cow::Borrowed(text));
    }
    let mut owned = String::with_capacity(text.len());
    owned.push_str(text.get(..last)?);
    owned.push(char::from(cleared));
    owned.push_str(text.get(digits..)?);
    Some(Cow::Owned(owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_takes_no_padding_and_no_line_breaks() {
        assert_eq!(decode_url(""), Some(vec![]));
        assert_eq!(decode_url("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(decode_url("AQ"), Some(vec![1]));
        // Bits after the last octet do not matter.
        assert_eq!(decode_url("AR"), Some(vec![1]));
        assert_eq!(decode_url("AAF"), Some(vec![0, 1]));
        for bad in [
            "A", "AQ==", "AQ=", "A Q", "AQ\n", "A\nQ", "+/8", "AQ.", "é", "AAAé",
        ] {
            assert_eq!(decode_url(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn standard_takes_line_breaks_and_needs_padding() {
        assert_eq!(decode_standard(""), Some(vec![]));
        assert_eq!(decode_standard("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(decode_standard("A\r\nQ=\n=\n"), Some(vec![1]));
        assert_eq!(decode_standard("AR=="), Some(vec![1]));
        for bad in [
            "AQ", "AQ=", "AQ===", "-_8=", "AQ= =", "=", "A===", "AQ==AQ==",
        ] {
            assert_eq!(decode_standard(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn round_trip() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            assert_eq!(decode_url(&encode_url(&bytes)).as_deref(), Some(&*bytes));
            assert_eq!(
                decode_standard(&encode_standard(&bytes)).as_deref(),
                Some(&*bytes)
            );
        }
    }
}
