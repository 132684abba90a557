//! [`TrustedSubject`]: an `x509.subject` identity of a trust policy, and its
//! match with a certificate's subject (trust-store-trust-policy, "Trusted
//! Identities Constraints").

use std::fmt::{self, Write as _};

use super::Name;
use super::attribute::{self, MANDATORY};
use super::name::write_escaped;
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::wire::oid;

/// A distinguished name in a trust policy: all or some of the attributes that a
/// subject must have.
///
/// Attributes are compared decoded: types by object identifier (so `S` and `ST`,
/// `CN` and `2.5.4.3` are the same), values octet by octet as UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedSubject {
    attributes: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    value: String,
}

/// An attribute type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The DER contents of its object identifier.
    Oid(Vec<u8>),
    /// A name that is not known here, in upper case. No certificate has it.
    Unknown(String),
}

/// Why a text is no trusted subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityError {
    kind: IdentityErrorKind,
    detail: String,
}

/// The class of an [`IdentityError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityErrorKind {
    /// Not a distinguished name in the form of RFC 4514.
    Syntax,
    /// `C`, `ST` or `O` is missing or empty.
    MandatoryAttribute,
    /// A type is there twice.
    DuplicateAttribute,
    /// An RDN with several attributes (`+`).
    MultiValued,
    /// A value in hexadecimal (`=#`).
    HexValue,
    /// Longer, or with more attributes, than the limits.
    Limit,
}

impl IdentityErrorKind {
    /// The stable name: `dn-syntax`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "dn-syntax",
            Self::MandatoryAttribute => "dn-mandatory-attribute",
            Self::DuplicateAttribute => "dn-duplicate-attribute",
            Self::MultiValued => "dn-multi-valued",
            Self::HexValue => "dn-hex-value",
            Self::Limit => "dn-limit",
        }
    }
}

impl IdentityError {
    fn new(kind: IdentityErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    fn syntax(detail: impl Into<String>) -> Self {
        Self::new(IdentityErrorKind::Syntax, detail)
    }

    /// The class.
    #[must_use]
    pub const fn kind(&self) -> IdentityErrorKind {
        self.kind
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for IdentityError {}

impl TrustedSubject {
    /// Parses what follows `x509.subject:` in a trusted identity.
    ///
    /// # Errors
    /// Where it is not a distinguished name of RFC 4514 or breaks a rule of the
    /// specification.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, IdentityError> {
        if text.len() > limits.name_bytes {
            return Err(IdentityError::new(
                IdentityErrorKind::Limit,
                format!(
                    "the distinguished name has {} octets, more than the limit of {}",
                    text.len(),
                    limits.name_bytes
                ),
            ));
        }
        // The reference looks for these two characters anywhere.
        if text.contains("=#") {
            return Err(hex_value());
        }
        let mut attributes: Vec<Wanted> = Vec::new();
        if !text.trim().is_empty() {
            let mut rest = Scanner { rest: text };
            loop {
                if attributes.len() >= limits.name_attributes {
                    return Err(IdentityError::new(
                        IdentityErrorKind::Limit,
                        format!(
                            "the distinguished name has more than {} attributes",
                            limits.name_attributes
                        ),
                    ));
                }
                attributes.push(Wanted {
                    kind: rest.kind()?,
                    value: rest.value()?,
                });
                match rest.next() {
                    None => break,
                    Some(',') => {}
                    Some(_) => {
                        return Err(IdentityError::new(
                            IdentityErrorKind::MultiValued,
                            "an RDN has several attributes; write one attribute in each RDN, or `\\+` for a plus sign",
                        ));
                    }
                }
            }
        }
        let subject = Self { attributes };
        subject.check_duplicates()?;
        subject.check_mandatory()?;
        Ok(subject)
    }

    fn check_duplicates(&self) -> Result<(), IdentityError> {
        for (index, wanted) in self.attributes.iter().enumerate() {
            let earlier = self.attributes.iter().take(index);
            if earlier.into_iter().any(|other| other.kind == wanted.kind) {
                return Err(IdentityError::new(
                    IdentityErrorKind::DuplicateAttribute,
                    format!(
                        "the attribute `{}` is there twice; each may be there once",
                        wanted.kind
                    ),
                ));
            }
        }
        Ok(())
    }

    fn check_mandatory(&self) -> Result<(), IdentityError> {
        for (name, oid) in MANDATORY {
            let there = self.attributes.iter().any(|wanted| {
                matches!(&wanted.kind, Kind::Oid(kind) if kind == oid.as_bytes())
                    && !wanted.value.is_empty()
            });
            if !there {
                return Err(IdentityError::new(
                    IdentityErrorKind::MandatoryAttribute,
                    format!(
                        "the attribute `{name}` is missing or empty; `C`, `ST` (or `S`) and `O` are needed"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The attributes in the order in which they were written: the name or dotted
    /// identifier of the type, and the decoded value.
    pub fn attributes(&self) -> impl Iterator<Item = (String, &str)> {
        self.attributes
            .iter()
            .map(|wanted| (wanted.kind.to_string(), wanted.value.as_str()))
    }

    /// Whether `subject` has all attributes of this identity. One that a subject
    /// has several times matches where one of them is equal.
    #[must_use]
    pub fn matches(&self, subject: &Name) -> bool {
        self.attributes.iter().all(|wanted| match &wanted.kind {
            Kind::Oid(oid) => subject.texts(oid).any(|text| text == wanted.value),
            Kind::Unknown(_) => false,
        })
    }

    /// Whether one of the two has all attributes of the other, so that every
    /// subject of one is a subject of the other.
    ///
    /// The specification says that identities overlap where any certificate could
    /// match both; taken literally, `CN=a` and `OU=b` overlap. Like the reference
    /// this finds subsets.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_subset(other) || other.is_subset(self)
    }

    fn is_subset(&self, other: &Self) -> bool {
        self.attributes
            .iter()
            .all(|wanted| other.attributes.contains(wanted))
    }
}

/// RFC 4514 text, in the order in which it was written.
impl fmt::Display for TrustedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, wanted) in self.attributes.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            wanted.kind.fmt(f)?;
            f.write_char('=')?;
            write_escaped(f, &wanted.value)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oid(oid) => f.write_str(&attribute::name(oid)),
            Self::Unknown(name) => f.write_str(name),
        }
    }
}

/// Whether a certificate's subject can be compared with trusted identities: as
/// they, it must have `C`, `ST` and `O`.
///
/// # Errors
/// [`Reason::IdentitySubjectUnusable`] where it lacks one.
pub fn check_identity_subject(subject: &Name) -> Result<(), Rejection> {
    for (name, oid) in MANDATORY {
        if !subject.texts(oid.as_bytes()).any(|text| !text.is_empty()) {
            return Err(Rejection::new(
                Reason::IdentitySubjectUnusable,
                format!("the subject `{subject}` of the signing certificate has no `{name}`"),
            )
            .remedy(
                "sign with a certificate whose subject has C, ST and O, or trust every subject (`*`)",
            ));
        }
    }
    Ok(())
}

fn hex_value() -> IdentityError {
    IdentityError::new(
        IdentityErrorKind::HexValue,
        "values in hexadecimal (`=#`) are not supported; write the text, with `\\#` for a leading number sign",
    )
}

/// Reads the text of a distinguished name (RFC 4514 section 3, and blanks around
/// types and values, as RFC 2253 section 4 has them).
struct Scanner<'a> {
    rest: &'a str,
}

impl Iterator for Scanner<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }
}

impl<'a> Scanner<'a> {
    /// An attribute type and the equals sign after it.
    fn kind(&mut self) -> Result<Kind, IdentityError> {
        let shown = self.rest;
        let (text, rest) = shown
            .find(['=', ',', '+', ';'])
            .and_then(|end| shown.split_at_checked(end))
            .and_then(|(text, rest)| Some((text, rest.strip_prefix('=')?)))
            .ok_or_else(|| {
                IdentityError::syntax(format!(
                    "`{}` has no equals sign; write `TYPE=value`, with `\\,` for a comma in a value",
                    shown.escape_debug()
                ))
            })?;
        self.rest = rest;
        Kind::parse(text.trim_matches(' '))
    }

    /// An attribute value, up to the separator that ends it.
    fn value(&mut self) -> Result<String, IdentityError> {
        self.rest = self.rest.trim_start_matches(' ');
        match self.rest.chars().next() {
            // RFC 4514 section 2.4: a leading number sign is escaped.
            Some('#') => return Err(hex_value()),
            Some('"') => {
                return Err(IdentityError::syntax(
                    "a value in quotation marks; escape its characters with `\\` instead (RFC 4514)",
                ));
            }
            _ => {}
        }
        // As octets: an escaped pair may be a part of a character.
        let mut value: Vec<u8> = Vec::new();
        // What to keep: blanks at the end go, escaped ones stay.
        let mut length = 0;
        loop {
            match self.rest.chars().next() {
                None | Some(',' | '+') => break,
                Some('\\') => {
                    self.next();
                    value.push(self.escaped()?);
                    length = value.len();
                }
                Some(' ') => {
                    self.next();
                    value.push(b' ');
                }
                Some(unescaped @ (';' | '<' | '>' | '\0')) => {
                    return Err(IdentityError::syntax(format!(
                        "`{0}` in a value must be escaped: `\\{1}`; RDNs are separated by commas",
                        unescaped.escape_default(),
                        if unescaped == '\0' {
                            "00".to_owned()
                        } else {
                            unescaped.to_string()
                        }
                    )));
                }
                Some(character) => {
                    self.next();
                    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    length = value.len();
                }
            }
        }
        value.truncate(length);
        String::from_utf8(value)
            .map_err(|_| IdentityError::syntax("the escaped octets of a value are not UTF-8"))
    }

    /// What follows a backslash (RFC 4514 `pair`).
    fn escaped(&mut self) -> Result<u8, IdentityError> {
        let first = self.next();
        if let Some(special) = first
            .filter(|first| " \"#+,;<=>\\".contains(*first))
            .and_then(|first| u8::try_from(first).ok())
        {
            return Ok(special);
        }
        let digit = |digit: Option<char>| digit?.to_digit(16);
        digit(first)
            .zip(digit(self.next()))
            .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            .ok_or_else(|| {
                IdentityError::syntax(
                    "a backslash must be followed by a special character or two hexadecimal digits",
                )
            })
    }
}

impl Kind {
    /// A name, or an object identifier, plain or after `OID.` (RFC 1779).
    fn parse(text: &str) -> Result<Self, IdentityError> {
        let dotted = match text.split_at_checked(4) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("oid.") => rest,
            _ => text,
        };
        if dotted.starts_with(|first: char| first.is_ascii_digit()) {
            return oid::from_dotted(dotted).map(Self::Oid).ok_or_else(|| {
                IdentityError::syntax(format!("`{}` is no object identifier", text.escape_debug()))
            });
        }
        if let Some(oid) = attribute::by_name(text) {
            return Ok(Self::Oid(oid.to_vec()));
        }
        // RFC 4512 `keystring`.
        let well_formed = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if well_formed {
            Ok(Self::Unknown(text.to_ascii_uppercase()))
        } else {
            Err(IdentityError::syntax(format!(
                "`{}` is no attribute type",
                text.escape_debug()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TrustedSubject, &'static str> {
        TrustedSubject::parse(text, &Limits::default()).map_err(|error| error.kind().as_str())
    }

    fn value(text: &str) -> Result<String, &'static str> {
        parse(&format!("C=US,ST=WA,O=a,CN={text}"))
            .map(|subject| subject.attributes[3].value.clone())
    }

    #[test]
    fn values_are_unescaped_and_trimmed() {
        for (text, expected) in [
            ("", ""),
            ("  a b  ", "a b"),
            (r"\ a\ ", " a "),
            (r"a\\  ", r"a\"),
            (r"a\\\ ", r"a\ "),
            (r"\, \+\;\<\>\#\=\ \22", ", +;<>#= \""),
            (r"Lu\C4\8Di\c4\87", "Lučić"),
            ("M\u{fc}ller", "Müller"),
            ("a=b", "a=b"),
            (r"a\00b", "a\0b"),
            ("a#b", "a#b"),
            ("say \"hi\"", "say \"hi\""),
            ("x\n", "x\n"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in [
            r"a\zb", r"a\4", r"a\", r"\C4", "a;b", "a<b", "a>b", "a\0b", "\"a\"",
        ] {
            assert_eq!(value(bad), Err("dn-syntax"), "{bad}");
        }
        for bad in ["#04", " #04", "a=#b"] {
            assert_eq!(value(bad), Err("dn-hex-value"), "{bad}");
        }
    }

    #[test]
    fn types_are_compared_by_what_they_mean() {
        for same in [
            "c=US,s=WA,o=a",
            "countryName=US, stateOrProvinceName=WA, organizationName=a",
            "2.5.4.6=US,oid.2.5.4.8=WA,OID.2.5.4.10=a",
            "O=a,ST=WA,C=US",
        ] {
            assert!(
                parse(same)
                    .unwrap()
                    .overlaps(&parse("C=US,ST=WA,O=a").unwrap()),
                "{same}"
            );
        }
        for duplicate in [
            "C=US,ST=WA,O=a,S=WA",
            "C=US,ST=WA,O=a,CN=x,2.5.4.3=y",
            "C=US,ST=WA,O=a,foo=1,FOO=2",
            "C=US,ST=WA,O=a,O=b",
        ] {
            assert_eq!(
                parse(duplicate),
                Err("dn-duplicate-attribute"),
                "{duplicate}"
            );
        }
        for bad in [
            "é=x", "a b=x", "1=x", "1.2.=x", "oid.=x", "=x", "-a=x", "a_b=x",
        ] {
            let text = format!("C=US,ST=WA,O=a,{bad}");
            assert_eq!(parse(&text), Err("dn-syntax"), "{text}");
        }
    }

    #[test]
    fn other_rules() {
        for missing in ["", "  ", "C=US,ST=WA", "C=US,ST=WA,O=", "C=US,ST= ,O=a"] {
            assert_eq!(parse(missing), Err("dn-mandatory-attribute"), "{missing:?}");
        }
        for bad in [",", "C=US,", "C=US,,ST=WA", "*", "C=US,ST=WA,O", "a,C=US"] {
            assert_eq!(parse(bad), Err("dn-syntax"), "{bad}");
        }
        assert_eq!(parse("C=US+ST=WA,O=a"), Err("dn-multi-valued"));
        let many: String = (0..300).map(|index| format!("x{index}=1,")).collect();
        assert_eq!(parse(&many), Err("dn-limit"));
        assert_eq!(parse(&"x".repeat(70_000)), Err("dn-limit"));
    }

    #[test]
    fn overlap_is_subset_in_either_direction() {
        let of = |text| parse(text).unwrap();
        let (base, more) = (of("C=US,ST=WA,O=a"), of("C=US,ST=WA,O=a,OU=x"));
        assert!(base.overlaps(&more) && more.overlaps(&base) && base.overlaps(&base));
        assert!(!more.overlaps(&of("C=US,ST=WA,O=a,L=y")));
        assert!(!base.overlaps(&of("C=us,ST=WA,O=a")));
    }

    #[test]
    fn text_of_an_identity_parses_back() {
        for text in [
            r"C=US,ST=WA,O=\ a\,\00\#\ ,foo-1=x,1.2.3=y",
            r#"C=\#,ST=a\=\#,O=b\"\20,E=\E2\80\AE"#,
        ] {
            let subject = parse(text).unwrap();
            assert_eq!(parse(&subject.to_string()), Ok(subject));
        }
    }
}
