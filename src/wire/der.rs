//! DER, read strictly and without copies (ITU-T X.690).
//!
//! A [`Reader`] knows its place in the whole input, so that certificates can
//! keep ranges into one shared buffer instead of copies of their parts. It
//! accepts what DER allows and nothing else: shortest lengths, one-octet tags
//! (X.509 and CMS use no others), minimal integers, `TRUE` as `FF`.

use std::ops::Range;

use crate::time::Time;

/// Identifier octets (X.690 section 8.1.2).
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[number]`, primitive: an implicitly tagged string or integer.
    pub(crate) const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed: explicit tags, and implicit ones of sequences.
    pub(crate) const fn context_constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// What is wrong with an encoding, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at octet {offset}")]
pub(crate) struct DerError {
    /// What is wrong.
    pub(crate) what: &'static str,
    /// Octets from the start of the input.
    pub(crate) offset: usize,
}

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    end: usize,
}

/// One element: tag, length, contents.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    input: &'a [u8],
    start: usize,
    contents: usize,
    end: usize,
    tag: u8,
}

impl<'a> Reader<'a> {
    /// A reader of all of `input`.
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            end: input.len(),
        }
    }

    /// A reader of the elements in `range` of `input`.
    pub(crate) fn within(input: &'a [u8], range: Range<usize>) -> Self {
        Self {
            input,
            at: range.start,
            end: range.end.min(input.len()),
        }
    }

    /// Octets from the start of the input to the next element.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// Whether everything has been read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// An error at the next octet.
    pub(crate) const fn error(&self, what: &'static str) -> DerError {
        DerError {
            what,
            offset: self.at,
        }
    }

    /// The tag of the next element, without reading it.
    pub(crate) fn peek_tag(&self) -> Option<u8> {
        self.input
            .get(self.at..self.end)
            .and_then(|rest| rest.first().copied())
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, DerError> {
        let rest = self.input.get(self.at..self.end).unwrap_or(&[]);
        let (tag, header, length) = match *rest {
            [tag, length @ 0..=0x7f, ..] => (tag, 2_usize, usize::from(length)),
            // Long form, only where the short one, or a shorter long one, does
            // not do (X.690 section 10.1).
            [tag, 0x81, a @ 0x80..=0xff, ..] => (tag, 3, usize::from(a)),
            [tag, 0x82, a @ 1..=0xff, b, ..] => (tag, 4, usize::from(u16::from_be_bytes([a, b]))),
            [tag, 0x83, a @ 1..=0xff, b, c, ..] => (tag, 5, length_of([0, a, b, c])),
            [tag, 0x84, a @ 1..=0xff, b, c, d, ..] => (tag, 6, length_of([a, b, c, d])),
            [] | [_] => return Err(self.error("an element is missing")),
            [_, 0x80, ..] => return Err(self.error("an indefinite length, which DER forbids")),
            _ => return Err(self.error("a length that is cut or not in its shortest form")),
        };
        if tag & 0x1f == 0x1f {
            return Err(self.error("a tag of more than one octet"));
        }
        let start = self.at;
        let contents = start.saturating_add(header);
        let end = contents.saturating_add(length);
        if end > self.end {
            return Err(self.error("an element that is longer than what holds it"));
        }
        self.at = end;
        Ok(Element {
            input: self.input,
            start,
            contents,
            end,
            tag,
        })
    }

    /// The next element, which has `tag`; `what` says so where it has not.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, DerError> {
        if self.peek_tag() == Some(tag) {
            self.element()
        } else {
            Err(self.error(what))
        }
    }

    /// The next element, where it has `tag`.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.peek_tag() == Some(tag) {
            self.element().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), DerError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error("data after the last field"))
        }
    }
}

/// A length that may not fit the platform's `usize`: then it is longer than any
/// input, and the caller refuses it.
fn length_of(octets: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(octets)).unwrap_or(usize::MAX)
}

impl<'a> Element<'a> {
    /// The only element of `input`.
    pub(crate) fn only(input: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(input);
        let element = reader.element()?;
        reader.finish()?;
        Ok(element)
    }

    /// The identifier octet.
    pub(crate) const fn tag(&self) -> u8 {
        self.tag
    }

    /// Tag, length and contents, as they came.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.input.get(self.raw_range()).unwrap_or(&[])
    }

    /// Where [`Element::raw`] is in the input.
    pub(crate) const fn raw_range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The contents octets.
    pub(crate) fn value(&self) -> &'a [u8] {
        self.input.get(self.range()).unwrap_or(&[])
    }

    /// Where [`Element::value`] is in the input.
    pub(crate) const fn range(&self) -> Range<usize> {
        self.contents..self.end
    }

    /// A reader of the contents.
    pub(crate) const fn reader(&self) -> Reader<'a> {
        Reader {
            input: self.input,
            at: self.contents,
            end: self.end,
        }
    }

    /// The only element in the contents: what an explicit tag or an octet string
    /// holds.
    pub(crate) fn inner(&self) -> Result<Self, DerError> {
        let mut reader = self.reader();
        let inner = reader.element()?;
        reader.finish()?;
        Ok(inner)
    }

    /// An error at this element.
    pub(crate) const fn error(&self, what: &'static str) -> DerError {
        DerError {
            what,
            offset: self.start,
        }
    }

    /// A `BOOLEAN` (X.690 sections 8.2, 11.1).
    pub(crate) fn boolean(&self) -> Result<bool, DerError> {
        match self.value() {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(self.error("a boolean that is neither 00 nor FF")),
        }
    }

    /// The octets of an `INTEGER`, two's complement, in their shortest form
    /// (X.690 section 8.3.2).
    pub(crate) fn integer(&self) -> Result<&'a [u8], DerError> {
        match self.value() {
            [] => Err(self.error("an integer without octets")),
            [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => {
                Err(self.error("an integer that is not in its shortest form"))
            }
            octets => Ok(octets),
        }
    }

    /// The magnitude of an `INTEGER` that is not negative, without a leading
    /// zero octet; zero has no octets.
    pub(crate) fn unsigned(&self) -> Result<&'a [u8], DerError> {
        match self.integer()? {
            [0x80..=0xff, ..] => Err(self.error("a negative integer")),
            [0x00, rest @ ..] => Ok(rest),
            octets => Ok(octets),
        }
    }

    /// A small `INTEGER` that is not negative.
    pub(crate) fn small_unsigned(&self) -> Result<u64, DerError> {
        let octets = self.unsigned()?;
        if octets.len() > 8 {
            return Err(self.error("an integer of more than 64 bits"));
        }
        Ok(octets
            .iter()
            .fold(0, |value, octet| value << 8 | u64::from(*octet)))
    }

    /// The contents of an `OBJECT IDENTIFIER`, well-formed (see
    /// [`oid::is_valid`](super::oid::is_valid)).
    pub(crate) fn oid(&self) -> Result<&'a [u8], DerError> {
        if super::oid::is_valid(self.value()) {
            Ok(self.value())
        } else {
            Err(self.error("a malformed object identifier"))
        }
    }

    /// The octets of a `BIT STRING` and the number of unused bits in the last
    /// one, which are zero (X.690 sections 8.6, 11.2.1).
    pub(crate) fn bits(&self) -> Result<(&'a [u8], u8), DerError> {
        match self.value() {
            [0] => Ok((&[], 0)),
            [unused @ 0..=7, octets @ ..]
                if octets
                    .last()
                    .is_some_and(|last| last & ((1 << unused) - 1) == 0) =>
            {
                Ok((octets, *unused))
            }
            _ => Err(self.error("a malformed bit string")),
        }
    }

    /// A `BIT STRING` that holds whole octets: keys and signatures.
    pub(crate) fn bit_octets(&self) -> Result<&'a [u8], DerError> {
        match self.bits()? {
            (octets, 0) => Ok(octets),
            _ => Err(self.error("a bit string that does not hold whole octets")),
        }
    }

    /// A `UTCTime` (years 1950 to 2049) or `GeneralizedTime`, as RFC 5280
    /// section 4.1.2.5 reads them, without fractions. RFC 5280 wants `Z`, and
    /// seconds also in a `UTCTime`; old certificates have neither, the
    /// reference reads them, and so does this.
    pub(crate) fn time(&self) -> Result<Time, DerError> {
        parse_time(self.tag, self.value())
            .ok_or_else(|| self.error("a malformed or impossible time"))
    }
}

fn parse_time(tag: u8, text: &[u8]) -> Option<Time> {
    let mut digits = text;
    let mut two = || -> Option<i64> {
        let (pair, rest) = digits.split_first_chunk::<2>()?;
        digits = rest;
        decimal(pair)
    };
    let year = match tag {
        tag::GENERALIZED_TIME => two()? * 100 + two()?,
        tag::UTC_TIME => match two()? {
            year @ 50.. => 1900 + year,
            year => 2000 + year,
        },
        _ => return None,
    };
    let (month, day, hour, minute) = (two()?, two()?, two()?, two()?);
    let second = match digits.first()? {
        b'0'..=b'9' => {
            let (pair, rest) = digits.split_first_chunk::<2>()?;
            digits = rest;
            decimal(pair)?
        }
        _ if tag == tag::UTC_TIME => 0,
        _ => return None,
    };
    let offset = match digits {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), a, b, c, d] => {
            let (hours, minutes) = (decimal(&[*a, *b])?, decimal(&[*c, *d])?);
            // No offset is written `Z`.
            if hours > 23 || minutes > 59 || (hours, minutes) == (0, 0) {
                return None;
            }
            let offset = hours * 3_600 + minutes * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    Some(Time::from_civil(year, month, day, hour, minute, second)?.saturating_add_seconds(-offset))
}

fn decimal(pair: &[u8; 2]) -> Option<i64> {
    let [a, b] = *pair;
    (a.is_ascii_digit() && b.is_ascii_digit())
        .then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<String> {
        parse_time(tag, text.as_bytes()).map(|time| time.to_string())
    }

    #[test]
    fn lengths_have_one_form() {
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Element::only(&long).unwrap().value(), &[7; 128]);
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0x05],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85, 1, 0, 0, 0, 0],
            &[0x30, 0xff],
            &[0x1f, 0x01, 0x00],
            &[0x30, 0x00, 0x00],
        ] {
            assert!(Element::only(bad).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn a_child_ends_with_its_parent() {
        let mut inner = Element::only(&[0x30, 0x03, 0x02, 0x02, 0x01])
            .unwrap()
            .reader();
        assert!(inner.element().is_err());
        let mut reader = Reader::new(&[0x30, 0x02, 0x02, 0x05, 1, 2, 3]);
        let mut inner = reader.element().unwrap().reader();
        assert!(inner.element().is_err());
    }

    #[test]
    fn primitives_are_minimal() {
        let of = |bytes: &'static [u8]| Element::only(bytes).unwrap();
        assert_eq!(of(&[2, 2, 0, 0x80]).unsigned().unwrap(), &[0x80]);
        assert_eq!(of(&[2, 1, 0]).small_unsigned().unwrap(), 0);
        assert!(of(&[2, 2, 0, 0x7f]).integer().is_err());
        assert!(of(&[2, 2, 0xff, 0x80]).integer().is_err());
        assert!(of(&[2, 1, 0xff]).unsigned().is_err());
        assert!(of(&[2, 0]).integer().is_err());
        assert!(of(&[1, 1, 1]).boolean().is_err());
        assert_eq!(of(&[3, 1, 0]).bits().unwrap(), (&[][..], 0));
        assert_eq!(of(&[3, 2, 7, 0x80]).bits().unwrap(), (&[0x80][..], 7));
        for bad in [&[3, 0][..], &[3, 1, 1], &[3, 2, 8, 0], &[3, 2, 1, 1]] {
            assert!(Element::only(bad).unwrap().bits().is_err(), "{bad:02x?}");
        }
        assert!(of(&[3, 2, 1, 2]).bit_octets().is_err());
    }

    #[test]
    fn times_of_both_types() {
        let utc = |text| time(tag::UTC_TIME, text);
        let generalized = |text| time(tag::GENERALIZED_TIME, text);
        assert_eq!(utc("491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(utc("500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(utc("2401020304Z").unwrap(), "2024-01-02T03:04:00Z");
        assert_eq!(utc("240102030405+0130").unwrap(), "2024-01-02T01:34:05Z");
        assert_eq!(
            generalized("20200101000000Z").unwrap(),
            "2020-01-01T00:00:00Z"
        );
        assert_eq!(
            generalized("99991231235959Z").unwrap(),
            "9999-12-31T23:59:59Z"
        );
        for bad in [
            "",
            "Z",
            "240230000000Z",
            "240101240000Z",
            "240101000000",
            "240101000000+0000",
            "240101000000z",
            "2401010000000Z",
        ] {
            assert_eq!(utc(bad), None, "{bad}");
        }
        for bad in [
            "240101000000Z",
            "202001010000Z",
            "20200101000000.5Z",
            "20200101000060Z",
            "20201301000000Z",
        ] {
            assert_eq!(generalized(bad), None, "{bad}");
        }
    }
}
