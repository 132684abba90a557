//! The extensions of a certificate.
//!
//! The specification honours basic constraints, key usage and extended key
//! usage, and says that all others "MUST NOT be evaluated" in a chain
//! (signature-specification, "Certificate Requirements"), critical or not. The
//! addresses for revocation are read because revocation needs them; they must
//! be well-formed, so that a certificate with addresses that cannot be read is
//! not taken for one without.

use std::collections::HashSet;
use std::ops::Range;

use const_oid::ObjectIdentifier;

use crate::wire::der::{DerError, Element, Reader, tag};

const fn id_ce(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = id_ce("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = id_ce("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = id_ce("2.5.29.19");
pub(super) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = id_ce("2.5.29.31");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = id_ce("2.5.29.35");
const EXTENDED_KEY_USAGE: ObjectIdentifier = id_ce("2.5.29.37");
pub(super) const FRESHEST_CRL: ObjectIdentifier = id_ce("2.5.29.46");
const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier = id_ce("1.3.6.1.5.5.7.1.1");
const ACCESS_OCSP: ObjectIdentifier = id_ce("1.3.6.1.5.5.7.48.1");

/// Basic constraints (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicConstraints {
    /// Whether the extension is marked critical.
    pub critical: bool,
    /// The `cA` field.
    pub ca: bool,
    /// The `pathLenConstraint` field.
    pub path_length: Option<u64>,
}

/// Key usage (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUsage {
    /// Whether the extension is marked critical.
    pub critical: bool,
    bits: u16,
}

/// One bit of [`KeyUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `digitalSignature`
    DigitalSignature,
    /// `nonRepudiation`, renamed `contentCommitment`
    ContentCommitment,
    /// `keyEncipherment`
    KeyEncipherment,
    /// `dataEncipherment`
    DataEncipherment,
    /// `keyAgreement`
    KeyAgreement,
    /// `keyCertSign`
    KeyCertSign,
    /// `cRLSign`
    CrlSign,
    /// `encipherOnly`
    EncipherOnly,
    /// `decipherOnly`
    DecipherOnly,
}

impl Usage {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 9] = [
        Self::DigitalSignature,
        Self::ContentCommitment,
        Self::KeyEncipherment,
        Self::DataEncipherment,
        Self::KeyAgreement,
        Self::KeyCertSign,
        Self::CrlSign,
        Self::EncipherOnly,
        Self::DecipherOnly,
    ];

    const fn mask(self) -> u16 {
        match self {
            Self::DigitalSignature => 1,
            Self::ContentCommitment => 1 << 1,
            Self::KeyEncipherment => 1 << 2,
            Self::DataEncipherment => 1 << 3,
            Self::KeyAgreement => 1 << 4,
            Self::KeyCertSign => 1 << 5,
            Self::CrlSign => 1 << 6,
            Self::EncipherOnly => 1 << 7,
            Self::DecipherOnly => 1 << 8,
        }
    }

    /// The name in RFC 5280: `keyCertSign`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::ContentCommitment => "contentCommitment",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
            Self::EncipherOnly => "encipherOnly",
            Self::DecipherOnly => "decipherOnly",
        }
    }
}

impl KeyUsage {
    /// Whether the bit of `usage` is set.
    #[must_use]
    pub const fn has(self, usage: Usage) -> bool {
        self.bits & usage.mask() != 0
    }
}

/// Extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedKeyUsage {
    /// Whether the extension is marked critical.
    pub critical: bool,
    /// The purposes, in encoded order.
    pub purposes: Vec<Purpose>,
}

/// One purpose of [`ExtendedKeyUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// `anyExtendedKeyUsage`
    Any,
    /// `serverAuth`
    ServerAuth,
    /// `clientAuth`
    ClientAuth,
    /// `codeSigning`
    CodeSigning,
    /// `emailProtection`
    EmailProtection,
    /// `timeStamping`
    TimeStamping,
    /// `OCSPSigning`
    OcspSigning,
    /// Any other.
    Other,
}

impl Purpose {
    const KNOWN: [(ObjectIdentifier, Self); 7] = [
        (id_ce("2.5.29.37.0"), Self::Any),
        (id_ce("1.3.6.1.5.5.7.3.1"), Self::ServerAuth),
        (id_ce("1.3.6.1.5.5.7.3.2"), Self::ClientAuth),
        (id_ce("1.3.6.1.5.5.7.3.3"), Self::CodeSigning),
        (id_ce("1.3.6.1.5.5.7.3.4"), Self::EmailProtection),
        (id_ce("1.3.6.1.5.5.7.3.8"), Self::TimeStamping),
        (id_ce("1.3.6.1.5.5.7.3.9"), Self::OcspSigning),
    ];

    fn of(oid: &[u8]) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|(known, _)| known.as_bytes() == oid)
            .map_or(Self::Other, |(_, purpose)| purpose)
    }

    /// The name in RFC 5280: `codeSigning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "anyExtendedKeyUsage",
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::CodeSigning => "codeSigning",
            Self::EmailProtection => "emailProtection",
            Self::TimeStamping => "timeStamping",
            Self::OcspSigning => "OCSPSigning",
            Self::Other => "another purpose",
        }
    }
}

/// One extension, not interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// The DER contents of its object identifier.
    pub oid: &'a [u8],
    /// Whether it is marked critical.
    pub critical: bool,
    /// The contents of its `extnValue`.
    pub value: &'a [u8],
}

struct Entry {
    oid: Range<usize>,
    critical: bool,
    value: Range<usize>,
}

/// All extensions of a certificate: ranges into its DER, and the decoded ones.
#[derive(Default)]
pub(super) struct Extensions {
    entries: Vec<Entry>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
}

impl Extensions {
    /// Reads the `Extensions` in an element `[3]` of `der`.
    pub(super) fn parse(der: &[u8], explicit: &Element<'_>) -> Result<Self, DerError> {
        let mut outer = explicit.reader();
        let sequence = outer.expect(tag::SEQUENCE, "extensions that are no sequence")?;
        outer.finish()?;
        if sequence.value().is_empty() {
            return Err(sequence.error("an empty list of extensions"));
        }
        let mut extensions = Self::default();
        visit_extensions(&sequence, |oid, critical, value| {
            extensions
                .interpret(oid.value(), critical, value.value())
                .map_err(|error| value.error(error.what))?;
            extensions.entries.push(Entry {
                oid: oid.range(),
                critical,
                value: value.range(),
            });
            Ok(())
        })?;
        if extensions.has_duplicate(der) {
            return Err(sequence.error("an extension that is there twice"));
        }
        Ok(extensions)
    }

    fn interpret(&mut self, oid: &[u8], critical: bool, value: &[u8]) -> Result<(), DerError> {
        let is = |known: ObjectIdentifier| oid == known.as_bytes();
        if is(BASIC_CONSTRAINTS) {
            self.basic_constraints = Some(basic_constraints(critical, value)?);
        } else if is(KEY_USAGE) {
            self.key_usage = Some(key_usage(critical, value)?);
        } else if is(EXTENDED_KEY_USAGE) {
            self.extended_key_usage = Some(extended_key_usage(critical, value)?);
        } else if is(AUTHORITY_INFORMATION_ACCESS) {
            visit_access(value, |_, _| ())?;
        } else if is(CRL_DISTRIBUTION_POINTS) || is(FRESHEST_CRL) {
            visit_distribution_points(value, |_| ())?;
        }
        Ok(())
    }

    fn has_duplicate(&self, der: &[u8]) -> bool {
        let oids = || {
            self.entries
                .iter()
                .map(|entry| der.get(entry.oid.clone()).unwrap_or(&[]))
        };
        if self.entries.len() > 32 {
            // Many: in linear time.
            let mut seen = HashSet::with_capacity(self.entries.len());
            return !oids().all(|oid| seen.insert(oid));
        }
        oids()
            .enumerate()
            .any(|(index, oid)| oids().take(index).any(|earlier| earlier == oid))
    }

    /// The extensions in encoded order; `der` is what they were parsed from.
    pub(super) fn iter<'a>(&'a self, der: &'a [u8]) -> impl Iterator<Item = Extension<'a>> {
        self.entries.iter().map(|entry| Extension {
            oid: der.get(entry.oid.clone()).unwrap_or(&[]),
            critical: entry.critical,
            value: der.get(entry.value.clone()).unwrap_or(&[]),
        })
    }

    fn value<'a>(&'a self, der: &'a [u8], oid: ObjectIdentifier) -> Option<&'a [u8]> {
        self.iter(der)
            .find(|extension| extension.oid == oid.as_bytes())
            .map(|extension| extension.value)
    }

    pub(super) fn ocsp_urls<'a>(&'a self, der: &'a [u8]) -> Vec<&'a str> {
        let mut urls = Vec::new();
        if let Some(value) = self.value(der, AUTHORITY_INFORMATION_ACCESS) {
            let _ = visit_access(value, |method, url| {
                if method == ACCESS_OCSP.as_bytes() {
                    urls.push(url);
                }
            });
        }
        urls
    }

    pub(super) fn crl_urls<'a>(&'a self, der: &'a [u8]) -> Vec<&'a str> {
        self.distribution_urls(der, CRL_DISTRIBUTION_POINTS)
    }

    pub(super) fn freshest_crl_urls<'a>(&'a self, der: &'a [u8]) -> Vec<&'a str> {
        self.distribution_urls(der, FRESHEST_CRL)
    }

    fn distribution_urls<'a>(&'a self, der: &'a [u8], oid: ObjectIdentifier) -> Vec<&'a str> {
        let mut urls = Vec::new();
        if let Some(value) = self.value(der, oid) {
            let _ = visit_distribution_points(value, |url| urls.push(url));
        }
        urls
    }

    pub(super) fn subject_key_id<'a>(&'a self, der: &'a [u8]) -> Option<&'a [u8]> {
        let value = Element::only(self.value(der, SUBJECT_KEY_IDENTIFIER)?).ok()?;
        (value.tag() == tag::OCTET_STRING).then(|| value.value())
    }

    pub(super) fn authority_key_id<'a>(&'a self, der: &'a [u8]) -> Option<&'a [u8]> {
        let value = Element::only(self.value(der, AUTHORITY_KEY_IDENTIFIER)?).ok()?;
        let id = value.reader().optional(tag::context(0)).ok()??;
        Some(id.value())
    }
}

/// Calls `each` for every element of an `Extensions`, of a certificate, a CRL,
/// one of its entries or an OCSP response: identifier, criticality, `extnValue`.
pub(super) fn visit_extensions<'a>(
    sequence: &Element<'a>,
    mut each: impl FnMut(&Element<'a>, bool, &Element<'a>) -> Result<(), DerError>,
) -> Result<(), DerError> {
    let mut rest = sequence.reader();
    while !rest.is_empty() {
        let extension = rest.expect(tag::SEQUENCE, "an extension that is no sequence")?;
        let mut fields = extension.reader();
        let oid = fields.expect(tag::OBJECT_IDENTIFIER, "an extension without identifier")?;
        oid.oid()?;
        let critical = match fields.optional(tag::BOOLEAN)? {
            Some(critical) => critical.boolean()?,
            None => false,
        };
        let value = fields.expect(tag::OCTET_STRING, "an extension without value")?;
        fields.finish()?;
        each(&oid, critical, &value)?;
    }
    Ok(())
}

/// The fields of a value that is one `SEQUENCE`.
fn sequence(value: &[u8]) -> Result<Reader<'_>, DerError> {
    let element = Element::only(value)?;
    if element.tag() == tag::SEQUENCE {
        Ok(element.reader())
    } else {
        Err(element.error("an extension value that is no sequence"))
    }
}

fn basic_constraints(critical: bool, value: &[u8]) -> Result<BasicConstraints, DerError> {
    let mut fields = sequence(value)?;
    let ca = match fields.optional(tag::BOOLEAN)? {
        // FALSE is the default, which DER leaves out. It occurs, and does no harm.
        Some(ca) => ca.boolean()?,
        None => false,
    };
    let path_length = match fields.optional(tag::INTEGER)? {
        Some(length) => Some(length.small_unsigned()?),
        None => None,
    };
    fields.finish()?;
    Ok(BasicConstraints {
        critical,
        ca,
        path_length,
    })
}

fn key_usage(critical: bool, value: &[u8]) -> Result<KeyUsage, DerError> {
    let element = Element::only(value)?;
    if element.tag() != tag::BIT_STRING {
        return Err(element.error("a key usage that is no bit string"));
    }
    // The first bit is the highest of the first octet; bits past the ninth have
    // no meaning.
    let (octets, _) = element.bits()?;
    let first = octets.first().copied().unwrap_or(0).reverse_bits();
    let second = octets.get(1).copied().unwrap_or(0).reverse_bits();
    Ok(KeyUsage {
        critical,
        bits: u16::from_le_bytes([first, second & 1]),
    })
}

fn extended_key_usage(critical: bool, value: &[u8]) -> Result<ExtendedKeyUsage, DerError> {
    let mut rest = sequence(value)?;
    let mut purposes = Vec::new();
    while !rest.is_empty() {
        let oid = rest.expect(tag::OBJECT_IDENTIFIER, "a purpose that is no identifier")?;
        purposes.push(Purpose::of(oid.oid()?));
    }
    Ok(ExtendedKeyUsage { critical, purposes })
}

/// `AuthorityInfoAccessSyntax` (RFC 5280 section 4.2.2.1): calls `each` with the
/// method and the address of every description that has an address.
fn visit_access<'a>(
    value: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a str),
) -> Result<(), DerError> {
    let mut descriptions = sequence(value)?;
    while !descriptions.is_empty() {
        let description = descriptions.expect(tag::SEQUENCE, "a malformed access description")?;
        let mut fields = description.reader();
        let method = fields
            .expect(
                tag::OBJECT_IDENTIFIER,
                "an access description without method",
            )?
            .oid()?;
        let location = fields.element()?;
        fields.finish()?;
        if location.tag() == UNIFORM_RESOURCE_IDENTIFIER {
            each(method, address(&location)?);
        }
    }
    Ok(())
}

/// `CRLDistributionPoints` (RFC 5280 section 4.2.1.13): calls `each` with every
/// address.
fn visit_distribution_points<'a>(
    value: &'a [u8],
    mut each: impl FnMut(&'a str),
) -> Result<(), DerError> {
    let mut points = sequence(value)?;
    while !points.is_empty() {
        let point = points.expect(tag::SEQUENCE, "a malformed distribution point")?;
        let Some(name) = point.reader().optional(tag::context_constructed(0))? else {
            continue;
        };
        let Some(full_name) = name.reader().optional(tag::context_constructed(0))? else {
            continue;
        };
        let mut names = full_name.reader();
        while !names.is_empty() {
            let name = names.element()?;
            if name.tag() == UNIFORM_RESOURCE_IDENTIFIER {
                each(address(&name)?);
            }
        }
    }
    Ok(())
}

/// `uniformResourceIdentifier` of a `GeneralName` (RFC 5280 section 4.2.1.6).
const UNIFORM_RESOURCE_IDENTIFIER: u8 = tag::context(6);

fn address<'a>(element: &Element<'a>) -> Result<&'a str, DerError> {
    std::str::from_utf8(element.value())
        .ok()
        .filter(|address| address.is_ascii())
        .ok_or_else(|| element.error("an address that is not ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_bits_are_counted_from_the_front() {
        let both = key_usage(true, &[3, 3, 7, 0x81, 0x80]).unwrap();
        let set: Vec<_> = Usage::ALL
            .into_iter()
            .filter(|usage| both.has(*usage))
            .collect();
        assert_eq!(
            set,
            [
                Usage::DigitalSignature,
                Usage::EncipherOnly,
                Usage::DecipherOnly
            ]
        );
        let none = key_usage(true, &[3, 1, 0]).unwrap();
        assert!(Usage::ALL.into_iter().all(|usage| !none.has(usage)));
        assert!(key_usage(true, &[3, 2, 1, 1]).is_err());
        assert!(key_usage(true, &[4, 1, 0]).is_err());
    }

    #[test]
    fn basic_constraints_fields_are_optional() {
        let of = |value: &[u8]| basic_constraints(true, value);
        assert_eq!(of(&[0x30, 0]).unwrap().path_length, None);
        assert!(of(&[0x30, 3, 1, 1, 0xff]).unwrap().ca);
        assert!(!of(&[0x30, 3, 1, 1, 0]).unwrap().ca);
        assert_eq!(of(&[0x30, 3, 2, 1, 0]).unwrap().path_length, Some(0));
        assert!(of(&[0x30, 3, 2, 1, 0xff]).is_err());
        assert!(of(&[0x30, 3, 1, 1, 1]).is_err());
        assert!(of(&[0x30, 3, 4, 1, 1]).is_err());
        assert!(of(&[0x31, 0]).is_err());
    }

    #[test]
    fn addresses_after_other_names_are_found() {
        // [0]{[0]{[2] "d", [6] "http://x"}}
        let value = [
            0x30, 0x13, 0x30, 0x11, 0xa0, 0x0f, 0xa0, 0x0d, 0x82, 1, b'd', 0x86, 8, b'h', b't',
            b't', b'p', b':', b'/', b'/', b'x',
        ];
        let mut urls = Vec::new();
        visit_distribution_points(&value, |url| urls.push(url)).unwrap();
        assert_eq!(urls, ["http://x"]);
        let mut not_ascii = value;
        not_ascii[20] = 0xe9;
        assert!(visit_distribution_points(&not_ascii, |_| ()).is_err());
    }
}
