//! [`Name`]: a distinguished name as a certificate encodes it.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{attribute, malformed, string};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::wire::der::{DerError, Element, tag};
use crate::wire::oid;

/// A distinguished name (X.501 `Name`).
///
/// Equality is that of the DER octets, which is how chains compare issuer and
/// subject. `Display` is RFC 4514: the last RDN first, characters that could
/// mislead a reader escaped.
#[derive(Clone)]
pub struct Name {
    buffer: Arc<[u8]>,
    range: Range<usize>,
    attributes: OnceLock<Box<[Attribute]>>,
}

/// One attribute of a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// The DER contents of the type's object identifier.
    pub oid: Box<[u8]>,
    /// The decoded value.
    pub value: AttributeValue,
    /// Which RDN it belongs to, counted from 0 in encoded order. Attributes of
    /// one multi-valued RDN have the same.
    pub rdn: usize,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A string of any of the string types.
    Text(String),
    /// Something else: its DER, tag and length included.
    Other(Box<[u8]>),
}

impl Attribute {
    /// The value, where it is a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Other(_) => None,
        }
    }

    /// The type's object identifier, dotted.
    #[must_use]
    pub fn dotted_oid(&self) -> String {
        oid::to_dotted(&self.oid)
    }
}

impl Name {
    /// Parses the DER of a `Name`.
    ///
    /// # Errors
    /// [`Reason::CertMalformed`] where it is malformed,
    /// [`Reason::LimitExceeded`] where it is larger than `limits` allow.
    pub fn parse(der: &[u8], limits: &Limits) -> Result<Self, Rejection> {
        let element =
            Element::only(der).map_err(|error| malformed("the distinguished name", error))?;
        check(&element, limits)?;
        Ok(Self::of(Arc::from(der), 0..der.len()))
    }

    /// The name at `range` of `buffer`, which [`check`] has seen.
    pub(super) const fn of(buffer: Arc<[u8]>, range: Range<usize>) -> Self {
        Self {
            buffer,
            range,
            attributes: OnceLock::new(),
        }
    }

    /// The DER octets, as they came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or(&[])
    }

    /// Whether there is no RDN.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes().is_empty()
    }

    /// The attributes, in encoded order.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        self.attributes.get_or_init(|| {
            let mut attributes = Vec::new();
            let visited = Element::only(self.der()).and_then(|name| {
                visit(&name, |rdn, oid, value| {
                    attributes.push(Attribute {
                        oid: oid.into(),
                        value: match string::text(value)? {
                            Some(text) => AttributeValue::Text(text),
                            None => AttributeValue::Other(value.raw().into()),
                        },
                        rdn,
                    });
                    Ok(())
                })
            });
            debug_assert!(visited.is_ok(), "checked before");
            attributes.into_boxed_slice()
        })
    }

    /// The texts of the attributes of one type.
    pub(super) fn texts(&self, oid: &[u8]) -> impl Iterator<Item = &str> {
        self.attributes()
            .iter()
            .filter(move |attribute| *attribute.oid == *oid)
            .filter_map(Attribute::text)
    }
}

/// Whether `name` is a well-formed `Name` within the limits.
pub(super) fn check(name: &Element<'_>, limits: &Limits) -> Result<(), Rejection> {
    if name.raw().len() > limits.name_bytes {
        return Err(Rejection::new(
            Reason::LimitExceeded,
            format!(
                "a distinguished name has {} octets, more than the limit of {}",
                name.raw().len(),
                limits.name_bytes
            ),
        ));
    }
    let mut count = 0_usize;
    visit(name, |_, _, value| {
        count += 1;
        string::check(value)
    })
    .map_err(|error| malformed("a distinguished name", error))?;
    if count > limits.name_attributes {
        return Err(Rejection::new(
            Reason::LimitExceeded,
            format!(
                "a distinguished name has {count} attributes, more than the limit of {}",
                limits.name_attributes
            ),
        ));
    }
    Ok(())
}

/// Calls `each` with the RDN's number, the type and the value of every
/// attribute.
fn visit<'a>(
    name: &Element<'a>,
    mut each: impl FnMut(usize, &'a [u8], &Element<'a>) -> Result<(), DerError>,
) -> Result<(), DerError> {
    if name.tag() != tag::SEQUENCE {
        return Err(name.error("a name that is no sequence"));
    }
    let mut rdns = name.reader();
    let mut number = 0;
    while !rdns.is_empty() {
        let rdn = rdns.expect(tag::SET, "a relative name that is no set")?;
        let mut attributes = rdn.reader();
        if attributes.is_empty() {
            return Err(rdn.error("a relative name without attributes"));
        }
        while !attributes.is_empty() {
            let attribute = attributes.expect(tag::SEQUENCE, "an attribute that is no sequence")?;
            let mut fields = attribute.reader();
            let oid = fields
                .expect(tag::OBJECT_IDENTIFIER, "an attribute without type")?
                .oid()?;
            let value = fields.element()?;
            fields.finish()?;
            each(number, oid, &value)?;
        }
        number += 1;
    }
    Ok(())
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rdns = self.attributes().chunk_by(|a, b| a.rdn == b.rdn).rev();
        for (index, rdn) in rdns.enumerate() {
            for (position, attribute) in rdn.iter().enumerate() {
                f.write_str(match (index, position) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                })?;
                attribute.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// `TYPE=value`. RFC 4514 section 2.4 writes values of types without a short
/// name in hexadecimal; here they are text where they are strings, as RFC 4514
/// section 3 lets readers expect and as a trust policy would state them.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&attribute::name(&self.oid))?;
        f.write_char('=')?;
        match &self.value {
            AttributeValue::Text(text) => write_escaped(f, text),
            AttributeValue::Other(der) => {
                f.write_char('#')?;
                der.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

/// RFC 4514 section 2.4, and hexadecimal for what a terminal would obey or hide.
/// `=#`, which trusted identities may not have, does not occur.
pub(super) fn write_escaped(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    // The equals sign before the value.
    let mut previous = '=';
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if previous == '=' => f.write_str("\\#")?,
            ' ' if index == 0 || characters.peek().is_none() => f.write_str("\\ ")?,
            _ if is_hidden(character) => {
                let mut octets = [0; 4];
                for octet in character.encode_utf8(&mut octets).bytes() {
                    write!(f, "\\{octet:02X}")?;
                }
            }
            _ => f.write_char(character)?,
        }
        previous = character;
    }
    Ok(())
}

/// Controls, and marks that change the order or the look of the text around them.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        let content = [element(tag::OBJECT_IDENTIFIER, oid), element(tag, value)].concat();
        element(tag::SEQUENCE, &content)
    }

    fn element(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(value.len()).unwrap()][..], value].concat()
    }

    fn name(rdns: &[Vec<u8>]) -> Result<Name, Rejection> {
        let sets: Vec<u8> = rdns.iter().flat_map(|rdn| element(tag::SET, rdn)).collect();
        Name::parse(&element(tag::SEQUENCE, &sets), &Limits::default())
    }

    const CN: &[u8] = &[0x55, 4, 3];
    const O: &[u8] = &[0x55, 4, 10];

    #[test]
    fn display_is_rfc_4514() {
        let both = [
            attribute(O, tag::UTF8_STRING, b"A+B"),
            attribute(&[0x2a, 3], tag::INTEGER, &[7]),
        ]
        .concat();
        let parsed = name(&[
            both,
            attribute(CN, tag::UTF8_STRING, " #\0\u{202e}é ".as_bytes()),
            attribute(&[0x2a, 3, 4], tag::PRINTABLE_STRING, b"x"),
        ])
        .unwrap();
        assert_eq!(
            parsed.to_string(),
            "1.2.3.4=x,CN=\\ #\\00\\E2\\80\\AEé\\ ,O=A\\+B+1.2.3=#020107"
        );
        assert_eq!(name(&[]).unwrap().to_string(), "");
        assert!(name(&[]).unwrap().is_empty());
    }

    #[test]
    fn string_types_are_decoded() {
        for (tag, value, text) in [
            (tag::TELETEX_STRING, &b"M\xfcller"[..], "Müller"),
            (tag::BMP_STRING, &[0, b'A', 0x68, 0x2a], "A株"),
            (tag::BMP_STRING, &[0, b'A', 0, 0], "A"),
            (
                tag::UNIVERSAL_STRING,
                &[0, 0, 0, b'A', 0, 1, 0xf6, 0],
                "A😀",
            ),
            (tag::PRINTABLE_STRING, b"*&", "*&"),
            (tag::IA5_STRING, b"a@b", "a@b"),
            (tag::NUMERIC_STRING, b"1 2", "1 2"),
        ] {
            let parsed = name(&[attribute(CN, tag, value)]).unwrap();
            assert_eq!(parsed.attributes()[0].text(), Some(text));
        }
        for (tag, value) in [
            (tag::UTF8_STRING, &b"\xff"[..]),
            (tag::PRINTABLE_STRING, b"a@b"),
            (tag::NUMERIC_STRING, b"1x"),
            (tag::IA5_STRING, b"\x80"),
            (tag::BMP_STRING, b"a"),
            (tag::BMP_STRING, b"\xd8\x00"),
            (tag::UNIVERSAL_STRING, b"\x00\x11\x00\x00"),
        ] {
            let error = name(&[attribute(CN, tag, value)]).unwrap_err();
            assert_eq!(error.reason, Reason::CertMalformed, "{tag} {value:02x?}");
        }
    }

    #[test]
    fn limits_are_checked() {
        let many: Vec<_> = (0..30)
            .map(|_| attribute(CN, tag::UTF8_STRING, b""))
            .collect();
        let der = {
            let sets: Vec<u8> = many
                .iter()
                .take(9)
                .flat_map(|rdn| element(tag::SET, rdn))
                .collect();
            element(tag::SEQUENCE, &sets)
        };
        let parse = |name_attributes, name_bytes| {
            let limits = Limits {
                name_attributes,
                name_bytes,
                ..Limits::default()
            };
            Name::parse(&der, &limits).map_err(|rejection| rejection.reason)
        };
        assert_eq!(parse(8, der.len()), Err(Reason::LimitExceeded));
        assert_eq!(parse(9, der.len() - 1), Err(Reason::LimitExceeded));
        assert!(parse(9, der.len()).is_ok());
    }
}
