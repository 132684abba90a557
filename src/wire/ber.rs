//! BER into DER, as far as CMS needs it (ITU-T X.690).
//!
//! RFC 5652 lets a `SignedData` come in BER, and time-stamping services make use
//! of that: lengths that are indefinite or not in their shortest form, octet
//! strings in pieces. What is inside primitive elements is not touched.

use std::borrow::Cow;

use super::der::{DerError, Element, Reader, tag};

/// The bit that says that an element holds elements.
const CONSTRUCTED: u8 = 0x20;
/// The tag of what ends an indefinite length.
const END_OF_CONTENTS: u8 = 0;
const CONSTRUCTED_OCTET_STRING: u8 = tag::OCTET_STRING | CONSTRUCTED;

/// The one element that `input` is, in DER; borrowed where it was DER already.
/// Elements nest at most `max_depth` deep.
pub(crate) fn to_der(input: &[u8], max_depth: usize) -> Result<Cow<'_, [u8]>, DerError> {
    if Element::only(input).is_ok() && is_der(Reader::new(input), max_depth) {
        return Ok(Cow::Borrowed(input));
    }
    let mut converter = Converter {
        input,
        at: 0,
        max_depth,
    };
    let mut output = Vec::new();
    converter.element(input.len(), 0, &mut output)?;
    if converter.at == input.len() {
        Ok(Cow::Owned(output))
    } else {
        Err(converter.error("data after the end"))
    }
}

/// Whether nothing needs to be rewritten.
fn is_der(mut reader: Reader<'_>, depth: usize) -> bool {
    while !reader.is_empty() {
        let Ok(element) = reader.element() else {
            return false;
        };
        let constructed = element.tag() & CONSTRUCTED != 0;
        if matches!(element.tag(), END_OF_CONTENTS | CONSTRUCTED_OCTET_STRING)
            || constructed && (depth == 0 || !is_der(element.reader(), depth - 1))
        {
            return false;
        }
    }
    true
}

struct Converter<'a> {
    input: &'a [u8],
    at: usize,
    max_depth: usize,
}

impl Converter<'_> {
    const fn error(&self, what: &'static str) -> DerError {
        DerError {
            what,
            offset: self.at,
        }
    }

    /// Reads the element that starts here and ends at `end` or before it, and
    /// writes it to `output`.
    fn element(&mut self, end: usize, depth: usize, output: &mut Vec<u8>) -> Result<(), DerError> {
        let tag = self.tag(end)?;
        let length = self.length(end)?;
        if tag & CONSTRUCTED == 0 {
            let length = length.ok_or_else(|| {
                self.error("an indefinite length of an element that is not constructed")
            })?;
            write_header(tag, length, output);
            output.extend_from_slice(self.take(length)?);
            return Ok(());
        }
        let mut contents = Vec::new();
        self.children(tag, length, end, depth, &mut contents)?;
        write_header(
            if tag == CONSTRUCTED_OCTET_STRING {
                tag::OCTET_STRING
            } else {
                tag
            },
            contents.len(),
            output,
        );
        output.append(&mut contents);
        Ok(())
    }

    /// The contents of a constructed element. Those of an octet string are its
    /// pieces, joined.
    fn children(
        &mut self,
        tag: u8,
        length: Option<usize>,
        end: usize,
        depth: usize,
        contents: &mut Vec<u8>,
    ) -> Result<(), DerError> {
        if depth >= self.max_depth {
            return Err(self.error("elements that nest too deep"));
        }
        let last = length.map(|length| self.at.saturating_add(length));
        loop {
            match last {
                Some(last) if self.at >= last => return Ok(()),
                None if self.is_end_of_contents(end) => {
                    self.at = self.at.saturating_add(2);
                    return Ok(());
                }
                _ => {}
            }
            let end = last.unwrap_or(end);
            if tag == CONSTRUCTED_OCTET_STRING {
                self.piece(end, depth, contents)?;
            } else {
                self.element(end, depth + 1, contents)?;
            }
        }
    }

    /// One piece of an octet string, which may be in pieces itself.
    fn piece(&mut self, end: usize, depth: usize, contents: &mut Vec<u8>) -> Result<(), DerError> {
        let tag = self.tag(end)?;
        let length = self.length(end)?;
        match (tag, length) {
            (tag::OCTET_STRING, Some(length)) => {
                contents.extend_from_slice(self.take(length)?);
                Ok(())
            }
            (CONSTRUCTED_OCTET_STRING, length) => {
                self.children(tag, length, end, depth + 1, contents)
            }
            _ => Err(self.error("an octet string with a piece that is none")),
        }
    }

    fn is_end_of_contents(&self, end: usize) -> bool {
        self.input
            .get(self.at..end)
            .is_some_and(|rest| rest.starts_with(&[0, 0]))
    }

    fn tag(&mut self, end: usize) -> Result<u8, DerError> {
        match self.octet(end)? {
            END_OF_CONTENTS => Err(self.error("an end of contents where there is none")),
            tag if tag & 0x1f == 0x1f => Err(self.error("a tag of more than one octet")),
            tag => Ok(tag),
        }
    }

    /// A length that fits before `end`; `None` is indefinite.
    fn length(&mut self, end: usize) -> Result<Option<usize>, DerError> {
        let length = match self.octet(end)? {
            0x80 => return Ok(None),
            short @ 0..=0x7f => usize::from(short),
            long => {
                let mut length = 0_usize;
                for _ in 0..long & 0x7f {
                    let octet = self.octet(end)?;
                    length = length
                        .checked_mul(256)
                        .ok_or_else(|| self.error("a length that is too large"))?
                        | usize::from(octet);
                }
                length
            }
        };
        if self.at.saturating_add(length) > end {
            return Err(self.error("an element that is longer than what holds it"));
        }
        Ok(Some(length))
    }

    fn octet(&mut self, end: usize) -> Result<u8, DerError> {
        let octet = self
            .input
            .get(self.at..end)
            .and_then(|rest| rest.first().copied())
            .ok_or_else(|| self.error("an element is missing"))?;
        self.at = self.at.saturating_add(1);
        Ok(octet)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], DerError> {
        let end = self.at.saturating_add(length);
        let octets = self.input.get(self.at..end).ok_or(DerError {
            what: "an element is missing",
            offset: self.at,
        })?;
        self.at = end;
        Ok(octets)
    }
}

/// Tag and length in their shortest form (X.690 section 10.1).
pub(crate) fn write_header(tag: u8, length: usize, output: &mut Vec<u8>) {
    output.push(tag);
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => output.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let octets = octets
                .iter()
                .position(|octet| *octet != 0)
                .and_then(|first| octets.get(first..))
                .unwrap_or(&[]);
            // A length has at most eight octets.
            output.push(0x80 | u8::try_from(octets.len()).unwrap_or(0));
            output.extend_from_slice(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_is_left_alone() {
        let der = [0x30, 0x05, 0x04, 0x03, 0x30, 0x80, 0x00];
        assert!(matches!(to_der(&der, 8).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn lengths_become_short_and_definite() {
        for (ber, der) in [
            (
                &[0x30, 0x81, 0x02, 0x05, 0x00][..],
                &[0x30, 0x02, 0x05, 0x00][..],
            ),
            (
                &[0x30, 0x80, 0x05, 0x00, 0x00, 0x00],
                &[0x30, 0x02, 0x05, 0x00],
            ),
            (
                &[
                    0x30, 0x80, 0x31, 0x80, 0x05, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00,
                ],
                &[0x30, 0x04, 0x31, 0x02, 0x05, 0x00],
            ),
            (&[0x30, 0x80, 0x00, 0x00], &[0x30, 0x00]),
        ] {
            assert_eq!(to_der(ber, 8).unwrap(), der, "{ber:02x?}");
        }
        let long = [
            &[0x30, 0x80, 0x04, 0x82, 0x01, 0x00][..],
            &[7; 256],
            &[0, 0],
        ]
        .concat();
        let short = [
            &[0x30, 0x82, 0x01, 0x04, 0x04, 0x82, 0x01, 0x00][..],
            &[7; 256],
        ]
        .concat();
        assert_eq!(to_der(&long, 8).unwrap(), short);
    }

    #[test]
    fn octet_strings_are_joined() {
        let pieces = [
            0x24, 0x80, 0x04, 0x01, 0xaa, 0x24, 0x05, 0x04, 0x00, 0x04, 0x01, 0xbb, 0x00, 0x00,
        ];
        assert_eq!(to_der(&pieces, 8).unwrap(), &[0x04, 0x02, 0xaa, 0xbb][..]);
        assert!(to_der(&[0x24, 0x03, 0x02, 0x01, 0x00], 8).is_err());
    }

    #[test]
    fn what_is_no_element_is_refused() {
        for bad in [
            &[][..],
            &[0x30, 0x00, 0x30, 0x00],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x80, 0x00],
            &[0x30, 0x80, 0x05, 0x00, 0x00],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x30, 0x02, 0x00, 0x00],
            &[0x30, 0x03, 0x04, 0x02, 0x01],
            &[0x30, 0x81, 0x00, 0x00],
            &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[0x30, 0xff, 0x01],
            &[0x3f, 0x81, 0x01, 0x00],
        ] {
            assert!(to_der(bad, 8).is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [[0x30, 0x80].repeat(depth), vec![0; depth * 2]].concat();
        assert!(to_der(&nested(8), 8).is_ok());
        assert!(to_der(&nested(9), 8).is_err());
        assert!(to_der(&nested(100_000), 8).is_err());
        let strings = [[0x24, 0x80].repeat(9), vec![0; 18]].concat();
        assert!(to_der(&strings, 8).is_err());
        // Definite lengths go the other way.
        let mut definite = Vec::new();
        for _ in 0..9 {
            let inner = std::mem::take(&mut definite);
            write_header(0x30, inner.len(), &mut definite);
            definite.extend(inner);
        }
        assert!(to_der(&definite, 9).is_ok());
        assert!(to_der(&definite, 8).is_err());
    }
}
