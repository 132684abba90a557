//! Object identifiers: their DER contents and their dotted text.

/// Whether `contents` is well-formed: complete arcs without padding (X.690
/// section 8.19), each of at most 128 bits, as the arcs below 2.25 have (X.667).
pub(crate) fn is_valid(contents: &[u8]) -> bool {
    let mut arc: u128 = 0;
    let mut starts = true;
    for octet in contents {
        if (starts && *octet == 0x80) || arc > u128::MAX >> 7 {
            return false;
        }
        starts = octet & 0x80 == 0;
        arc = if starts {
            0
        } else {
            arc << 7 | u128::from(octet & 0x7f)
        };
    }
    starts && !contents.is_empty()
}

/// The dotted text of well-formed contents.
pub(crate) fn to_dotted(contents: &[u8]) -> String {
    let mut text = String::with_capacity(contents.len() * 3);
    let mut arc: u128 = 0;
    for octet in contents {
        arc = arc << 7 | u128::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            // The first two arcs share one number (X.690 section 8.19.4).
            let first = (arc / 40).min(2);
            text = format!("{first}.{}", arc - first * 40);
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    text
}

/// The contents of an object identifier in dotted text: at least two arcs,
/// decimal without leading zeros (RFC 4512 `numericoid`).
pub(crate) fn from_dotted(text: &str) -> Option<Vec<u8>> {
    let mut arcs = text.split('.').map(|arc| {
        let plain = arc.bytes().all(|octet| octet.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'));
        plain.then(|| arc.parse::<u128>().ok()).flatten()
    });
    let (first, second) = (arcs.next()??, arcs.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut contents = Vec::new();
    push_arc(&mut contents, second.checked_add(first * 40)?);
    for arc in arcs {
        push_arc(&mut contents, arc?);
    }
    is_valid(&contents).then_some(contents)
}

fn push_arc(contents: &mut Vec<u8>, arc: u128) {
    let mut shift = (u128::BITS - arc.leading_zeros()).div_ceil(7).max(1);
    while shift > 0 {
        shift -= 1;
        let [.., low] = (arc >> (shift * 7)).to_be_bytes();
        contents.push(low & 0x7f | if shift == 0 { 0 } else { 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_contents_round_trip() {
        for text in [
            "0.0",
            "1.39.127.128",
            "2.5.4.3",
            "2.999.1",
            "1.2.840.113549.1.9.1",
            "2.25.340282366920938463463374607431768211455",
        ] {
            let contents = from_dotted(text).unwrap();
            assert_eq!(to_dotted(&contents), text);
        }
    }

    #[test]
    fn malformed_ones_are_refused() {
        for text in [
            "",
            "1",
            "1.",
            ".1",
            "1..2",
            "3.1",
            "1.40",
            "01.2",
            "1.02",
            "1.-2",
            "1.+2",
            "1. 2",
            "1.2.340282366920938463463374607431768211456",
            "2.340282366920938463463374607431768211455",
        ] {
            assert_eq!(from_dotted(text), None, "{text}");
        }
        for contents in [
            &[][..],
            &[0x80],
            &[0x55, 0x84],
            &[0x55, 0x80, 0x01],
            &[0xff; 40],
        ] {
            assert!(!is_valid(contents), "{contents:02x?}");
        }
    }
}
