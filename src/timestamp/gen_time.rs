//! `genTime`: a `GeneralizedTime` with the rules of RFC 3161 section 2.4.2.

use crate::time::Time;
use crate::wire::der::{DerError, Element, tag};

/// `YYYYMMDDhhmmss[.s...]Z`: seconds are there, the time zone is `Z`, a fraction
/// has digits and ends in none that is zero. Digits past nanoseconds are cut.
pub(super) fn parse(element: &Element<'_>) -> Result<Time, DerError> {
    if element.tag() != tag::GENERALIZED_TIME {
        return Err(element.error("a genTime that is no GeneralizedTime"));
    }
    time(element.value()).ok_or_else(|| element.error("a malformed or impossible genTime"))
}

fn time(text: &[u8]) -> Option<Time> {
    let (digits, rest) = text.split_at_checked(14)?;
    let mut pairs = digits.chunks_exact(2).map(decimal);
    let mut pair = || pairs.next().flatten();
    let year = pair()? * 100 + pair()?;
    let whole = Time::from_civil(year, pair()?, pair()?, pair()?, pair()?, pair()?)?;
    let nanoseconds = match rest {
        [b'Z'] => 0,
        [b'.', fraction @ .., b'Z'] => nanoseconds(fraction)?,
        _ => return None,
    };
    Some(Time::from_unix_parts(whole.unix_seconds(), nanoseconds))
}

fn nanoseconds(fraction: &[u8]) -> Option<u32> {
    if !fraction.iter().all(u8::is_ascii_digit) || matches!(fraction, [] | [.., b'0']) {
        return None;
    }
    let mut scale = 1_000_000_000;
    Some(fraction.iter().fold(0, |sum, digit| {
        scale /= 10;
        sum + u32::from(digit - b'0') * scale
    }))
}

fn decimal(pair: &[u8]) -> Option<i64> {
    match *pair {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => {
            Some(i64::from(a - b'0') * 10 + i64::from(b - b'0'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_rfc_are_read() {
        for (text, expected) in [
            ("19990609001326.34352Z", "1999-06-09T00:13:26.34352Z"),
            ("19990609001326Z", "1999-06-09T00:13:26Z"),
            ("19990609000000Z", "1999-06-09T00:00:00Z"),
            (
                "20240229235959.9999999999999Z",
                "2024-02-29T23:59:59.999999999Z",
            ),
        ] {
            let found = time(text.as_bytes()).map(|time| time.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Z",
            "19990609001326",
            "199906090013Z",
            "1999060900132Z",
            "19990609001326.Z",
            "19990609001326.340Z",
            "19990609001326.0Z",
            "19990609001326,34Z",
            "19990609001326.3 Z",
            "19990609001326.3",
            "19990609001326+0000",
            "19990609001326+0100",
            "19990609001326.5+0100",
            "19990609001326z",
            "19990609001326ZZ",
            "19990631001326Z",
            "20230229000000Z",
            "19990609240000Z",
            "19990609001360Z",
            "1999060900132\u{661}Z",
        ] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }
}
