//! Distribution points: where a certificate's CRLs are, and what a CRL covers
//! (RFC 5280 sections 4.2.1.13 and 5.2.5).

use std::ops::{BitAnd, BitOr};

use crate::wire::der::{DerError, Element, Reader, tag};

/// `GeneralName` of the choices `directoryName` and `uniformResourceIdentifier`
/// (RFC 5280 section 4.2.1.6).
const DIRECTORY_NAME: u8 = tag::context_constructed(4);
const UNIFORM_RESOURCE_IDENTIFIER: u8 = tag::context(6);

/// A set of revocation reasons (`ReasonFlags`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonFlags(u8);

impl ReasonFlags {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// The eight reasons of RFC 5280, `keyCompromise` to `aACompromise`.
    pub const ALL: Self = Self(0xff);

    /// Reads the contents of a `ReasonFlags`. Its first bit is unused; the
    /// following eight are kept.
    fn parse(element: &Element<'_>) -> Result<Self, DerError> {
        let (octets, _) = element.bits()?;
        let octet = |index: usize| octets.get(index).copied().unwrap_or(0);
        Ok(Self(octet(0) << 1 | octet(1) >> 7))
    }
}

impl BitAnd for ReasonFlags {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for ReasonFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `DistributionPointName`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointName<'a> {
    /// The DER of every `GeneralName`.
    Full(Vec<&'a [u8]>),
    /// The contents of the name relative to the CRL issuer.
    Relative(&'a [u8]),
}

impl<'a> PointName<'a> {
    /// Reads what the explicit tag around the choice holds.
    fn parse(explicit: &Element<'a>) -> Result<Self, DerError> {
        let mut outer = explicit.reader();
        let choice = outer.element()?;
        outer.finish()?;
        match choice.tag() {
            full if full == tag::context_constructed(0) => general_names(&choice).map(Self::Full),
            relative if relative == tag::context_constructed(1) => {
                Ok(Self::Relative(choice.value()))
            }
            _ => Err(choice.error("a distribution point name of an unknown kind")),
        }
    }

    /// The addresses among the names, in encoded order.
    pub fn urls(&self) -> impl Iterator<Item = &'a str> {
        let names: &[&'a [u8]] = match self {
            Self::Full(names) => names,
            Self::Relative(_) => &[],
        };
        names.iter().filter_map(|name| url(name))
    }

    /// Whether one of the names is in both. A relative and a full name are not
    /// compared: nobody writes the same point both ways.
    #[must_use]
    pub fn overlaps(&self, other: &PointName<'_>) -> bool {
        match (self, other) {
            (Self::Full(ours), PointName::Full(theirs)) => {
                ours.iter().any(|name| theirs.contains(name))
            }
            (Self::Relative(ours), PointName::Relative(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

/// One `DistributionPoint` of a certificate, or of a base list for its deltas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionPoint<'a> {
    /// Where the list is.
    pub name: Option<PointName<'a>>,
    /// The reasons that the list covers; absent means all.
    pub reasons: Option<ReasonFlags>,
    /// The DER of the names of the list's issuer, where it is not the
    /// certificate's.
    pub crl_issuer: Option<Vec<&'a [u8]>>,
}

impl<'a> DistributionPoint<'a> {
    /// Reads the value of the extension `cRLDistributionPoints` or
    /// `freshestCRL`.
    pub(crate) fn parse_all(value: &'a [u8]) -> Result<Vec<Self>, DerError> {
        let sequence = Element::only(value)?;
        if sequence.tag() != tag::SEQUENCE {
            return Err(sequence.error("distribution points that are no sequence"));
        }
        let mut points = Vec::new();
        let mut rest = sequence.reader();
        while !rest.is_empty() {
            let point = rest.expect(tag::SEQUENCE, "a malformed distribution point")?;
            points.push(Self::parse(&point)?);
        }
        Ok(points)
    }

    fn parse(point: &Element<'a>) -> Result<Self, DerError> {
        let mut fields = point.reader();
        let name = match fields.optional(tag::context_constructed(0))? {
            Some(name) => Some(PointName::parse(&name)?),
            None => None,
        };
        let reasons = match fields.optional(tag::context(1))? {
            Some(reasons) => Some(ReasonFlags::parse(&reasons)?),
            None => None,
        };
        let crl_issuer = match fields.optional(tag::context_constructed(2))? {
            Some(names) => Some(general_names(&names)?),
            None => None,
        };
        fields.finish()?;
        Ok(Self {
            name,
            reasons,
            crl_issuer,
        })
    }

    /// The addresses of this point, in encoded order: different ways to one list.
    pub fn urls(&self) -> impl Iterator<Item = &'a str> {
        self.name.iter().flat_map(PointName::urls)
    }

    /// Whether the list of this point may be issued by the authority with the
    /// DER of the name `issuer`: it is, unless the point names others.
    #[must_use]
    pub fn is_issued_by(&self, issuer: &[u8]) -> bool {
        self.crl_issuer.as_ref().is_none_or(|names| {
            names.iter().any(|name| {
                Element::only(name)
                    .is_ok_and(|name| name.tag() == DIRECTORY_NAME && name.value() == issuer)
            })
        })
    }
}

/// `IssuingDistributionPoint`: what a list covers (RFC 5280 section 5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint<'a> {
    /// Where the list is.
    pub name: Option<PointName<'a>>,
    /// It covers end-entity certificates only.
    pub only_user_certificates: bool,
    /// It covers certificates of authorities only.
    pub only_authority_certificates: bool,
    /// The reasons that it covers; absent means all.
    pub only_some_reasons: Option<ReasonFlags>,
    /// It may have entries about certificates of other issuers.
    pub indirect: bool,
    /// It covers attribute certificates only.
    pub only_attribute_certificates: bool,
}

impl<'a> IssuingDistributionPoint<'a> {
    /// Reads the value of the extension.
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, DerError> {
        let sequence = Element::only(value)?;
        if sequence.tag() != tag::SEQUENCE {
            return Err(sequence.error("an issuing distribution point that is no sequence"));
        }
        let mut fields = sequence.reader();
        let name = match fields.optional(tag::context_constructed(0))? {
            Some(name) => Some(PointName::parse(&name)?),
            None => None,
        };
        let only_user_certificates = flag(&mut fields, 1)?;
        let only_authority_certificates = flag(&mut fields, 2)?;
        let only_some_reasons = match fields.optional(tag::context(3))? {
            Some(reasons) => Some(ReasonFlags::parse(&reasons)?),
            None => None,
        };
        let indirect = flag(&mut fields, 4)?;
        let only_attribute_certificates = flag(&mut fields, 5)?;
        fields.finish()?;
        Ok(Self {
            name,
            only_user_certificates,
            only_authority_certificates,
            only_some_reasons,
            indirect,
            only_attribute_certificates,
        })
    }

    /// Whether a delta list with the scope `other` goes with a base list of this
    /// one (RFC 5280 section 6.3.3 step c 2).
    #[must_use]
    pub fn same_scope(&self, other: &IssuingDistributionPoint<'_>) -> bool {
        let same_name = match (&self.name, &other.name) {
            (Some(ours), Some(theirs)) => ours.overlaps(theirs),
            (None, None) => true,
            _ => false,
        };
        same_name
            && self.only_user_certificates == other.only_user_certificates
            && self.only_authority_certificates == other.only_authority_certificates
            && self.only_some_reasons == other.only_some_reasons
            && self.indirect == other.indirect
            && self.only_attribute_certificates == other.only_attribute_certificates
    }
}

/// An implicitly tagged `BOOLEAN DEFAULT FALSE`.
fn flag(fields: &mut Reader<'_>, number: u8) -> Result<bool, DerError> {
    match fields.optional(tag::context(number))? {
        Some(value) => value.boolean(),
        None => Ok(false),
    }
}

/// The DER of every element of a `GeneralNames`. Their kinds are not looked at,
/// except that an address must be a text: one that cannot be read must not look
/// like one that is not there.
fn general_names<'a>(names: &Element<'a>) -> Result<Vec<&'a [u8]>, DerError> {
    let mut all = Vec::new();
    let mut rest = names.reader();
    while !rest.is_empty() {
        let name = rest.element()?;
        if name.tag() == UNIFORM_RESOURCE_IDENTIFIER && !name.value().is_ascii() {
            return Err(name.error("an address that is not ASCII"));
        }
        all.push(name.raw());
    }
    Ok(all)
}

/// The address in the DER of a `GeneralName`, where it is one.
fn url(name: &[u8]) -> Option<&str> {
    let name = Element::only(name).ok()?;
    (name.tag() == UNIFORM_RESOURCE_IDENTIFIER)
        .then(|| str::from_utf8(name.value()).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI_A: &[u8] = &[0x86, 1, b'a'];
    const URI_B: &[u8] = &[0x86, 1, b'b'];

    fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u8::try_from(contents.len()).unwrap();
        assert!(length < 0x80);
        [&[tag, length], contents].concat()
    }

    fn full_name(names: &[&[u8]]) -> Vec<u8> {
        wrap(0xa0, &wrap(0xa0, &names.concat()))
    }

    #[test]
    fn points_keep_their_parts() {
        let fields = [
            full_name(&[URI_A, URI_B]),
            wrap(0x81, &[6, 0x40]),
            wrap(0xa2, &wrap(0xa4, &[0x30, 0])),
        ]
        .concat();
        let value = wrap(0x30, &[wrap(0x30, &fields), wrap(0x30, &[])].concat());
        let points = DistributionPoint::parse_all(&value).unwrap();
        let [first, second] = &*points else {
            panic!("{points:?}")
        };
        assert_eq!(first.urls().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(first.reasons, Some(ReasonFlags(0x80)));
        assert!(first.is_issued_by(&[0x30, 0]));
        assert!(!first.is_issued_by(&[0x30, 2, 5, 0]));
        assert_eq!(second.urls().count(), 0);
        assert!(second.is_issued_by(&[0x30, 0]));
    }

    #[test]
    fn all_reasons_are_eight_bits_after_the_first() {
        let bits = [3, 3, 7, 0x7f, 0x80];
        assert_eq!(
            ReasonFlags::parse(&Element::only(&bits).unwrap()).unwrap(),
            ReasonFlags::ALL
        );
    }

    #[test]
    fn scopes_match_by_name_and_flags() {
        let parse = |fields: &[u8]| wrap(0x30, fields);
        let (a, b, users) = (
            parse(&full_name(&[URI_A])),
            parse(&full_name(&[URI_B, URI_A])),
            parse(&wrap(0x81, &[0xff])),
        );
        let scope = |value| IssuingDistributionPoint::parse(value).unwrap();
        assert!(scope(&a).same_scope(&scope(&b)));
        assert!(!scope(&a).same_scope(&scope(&users)));
        assert!(scope(&users).only_user_certificates);
        for bad in [&[0x30, 3, 0x81, 1, 1][..], &[0x30, 2, 0x86, 0], &[0x31, 0]] {
            assert!(IssuingDistributionPoint::parse(bad).is_err(), "{bad:02x?}");
        }
    }
}
