//! [`RevocationList`]: a CRL (RFC 5280 section 5), read without copies.
//!
//! A list can have millions of entries. They stay in the DER; what is kept
//! beside it is one small table of offsets, so that a serial number is found
//! without a walk through the file.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use const_oid::ObjectIdentifier;

use super::crl_index::SerialIndex;
use super::distribution_point::{DistributionPoint, IssuingDistributionPoint};
use super::extensions::visit_extensions;
use super::{Certificate, IssuerMismatch, MalformedEvidence, SignatureIdentifier};
use crate::time::Time;
use crate::wire::der::{DerError, Element, Reader, tag};
use crate::wire::oid;

const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
const FRESHEST_CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.46");

/// `CRLReason` (RFC 5280 section 5.3.1): the number, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationReason(pub i64);

impl RevocationReason {
    /// Revoked for the time being; can be taken back.
    pub const CERTIFICATE_HOLD: Self = Self(6);
    /// Not revoked any more, in delta lists.
    pub const REMOVE_FROM_CRL: Self = Self(8);

    /// Reads an `ENUMERATED` (RFC 5280 gives it small numbers).
    pub(super) fn parse(element: &Element<'_>) -> Result<Self, DerError> {
        let octets = element.integer()?;
        let Some(first) = octets.first().filter(|_| octets.len() <= 8) else {
            return Err(element.error("a reason code of more than 64 bits"));
        };
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(Self(
            octets
                .iter()
                .fold(sign, |value, octet| value << 8 | i64::from(*octet)),
        ))
    }

    /// The name in RFC 5280, where it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => return None,
        })
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokedEntry<'a> {
    /// The octets of the serial number as they are encoded.
    pub serial_number: &'a [u8],
    /// When it was revoked.
    pub revocation_date: Time,
    /// Why, where the entry says so.
    pub reason: Option<RevocationReason>,
    /// Since when the key is not to be trusted, where the entry says so.
    pub invalidity_date: Option<Time>,
    /// Whether it names the issuer of the certificate (indirect lists).
    pub names_issuer: bool,
    /// Where the object identifier of a critical extension is that is not
    /// understood.
    pub(super) unknown_critical: Option<(usize, usize)>,
}

impl<'a> RevokedEntry<'a> {
    pub(super) fn parse(entry: &Element<'a>) -> Result<Self, DerError> {
        let mut fields = entry.reader();
        let serial_number = fields
            .expect(tag::INTEGER, "an entry without serial number")?
            .integer()?;
        let mut parsed = Self {
            serial_number,
            revocation_date: fields.element()?.time()?,
            reason: None,
            invalidity_date: None,
            names_issuer: false,
            unknown_critical: None,
        };
        if let Some(extensions) = fields.optional(tag::SEQUENCE)? {
            visit_extensions(&extensions, |oid, critical, value| {
                parsed.interpret(oid, critical, value)
            })?;
        }
        fields.finish()?;
        Ok(parsed)
    }

    fn interpret(
        &mut self,
        oid: &Element<'a>,
        critical: bool,
        value: &Element<'a>,
    ) -> Result<(), DerError> {
        let is = |known: ObjectIdentifier| oid.value() == known.as_bytes();
        if is(REASON_CODE) {
            let code = value.inner()?;
            if code.tag() != tag::ENUMERATED || self.reason.is_some() {
                return Err(value.error("a malformed or second reason code"));
            }
            self.reason = Some(RevocationReason::parse(&code)?);
        } else if is(INVALIDITY_DATE) {
            if self.invalidity_date.is_some() {
                return Err(value.error("a second invalidity date"));
            }
            self.invalidity_date = Some(invalidity_date(value)?);
        } else if is(CERTIFICATE_ISSUER) {
            self.names_issuer = true;
        } else if critical && self.unknown_critical.is_none() {
            self.unknown_critical = Some((oid.range().start, oid.range().end));
        }
        Ok(())
    }
}

/// The value of the extension `invalidityDate`, of a CRL entry or an OCSP answer
/// (RFC 5280 section 5.3.2).
pub(super) fn invalidity_date(value: &Element<'_>) -> Result<Time, DerError> {
    let date = value.inner()?;
    if date.tag() == tag::GENERALIZED_TIME {
        date.time()
    } else {
        Err(date.error("an invalidity date that is no GeneralizedTime"))
    }
}

/// Whether `oid` is that of the extension `invalidityDate`.
pub(super) fn is_invalidity_date(oid: &[u8]) -> bool {
    oid == INVALIDITY_DATE.as_bytes()
}

/// A certificate revocation list, complete or delta.
///
/// Parsing says that the encoding is right; whether the list may be used, and
/// for which certificates, is for [`revocation`](crate::revocation).
pub struct RevocationList {
    der: Arc<Vec<u8>>,
    fields: Fields,
    index: SerialIndex,
    /// The issuer that the signature was last verified for, and how that ended:
    /// a list is asked about many certificates of one issuer.
    verified: OnceLock<(Certificate, Result<(), IssuerMismatch>)>,
}

/// The parts of a list, as ranges into its DER where they are octets.
struct Fields {
    tbs: Range<usize>,
    algorithm: SignatureIdentifier,
    signature: Range<usize>,
    issuer: Range<usize>,
    this_update: Time,
    next_update: Option<Time>,
    entries: Range<usize>,
    extensions: ListExtensions,
}

#[derive(Default)]
struct ListExtensions {
    number: Option<Range<usize>>,
    delta_indicator: Option<Range<usize>>,
    issuing_distribution_point: Option<Range<usize>>,
    freshest: Option<Range<usize>>,
    unknown_critical: Option<Range<usize>>,
}

impl RevocationList {
    /// Parses the DER of a list. Octets after it are left alone, as in the
    /// reference implementation: they are not signed and mean nothing.
    ///
    /// # Errors
    /// Where it is malformed, not of version 2, or larger than 4 GiB.
    pub fn parse(der: Arc<Vec<u8>>) -> Result<Self, MalformedEvidence> {
        let malformed = |error: DerError| MalformedEvidence::new("revocation list", error);
        let fields = Fields::parse(&der).map_err(malformed)?;
        let index = SerialIndex::build(&der, fields.entries.clone()).map_err(malformed)?;
        Ok(Self {
            der,
            fields,
            index,
            verified: OnceLock::new(),
        })
    }

    fn octets(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or(&[])
    }

    fn optional(&self, range: Option<&Range<usize>>) -> Option<&[u8]> {
        range.map(|range| self.octets(range))
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.octets(&self.fields.issuer)
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> Time {
        self.fields.this_update
    }

    /// When the next one is due at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<Time> {
        self.fields.next_update
    }

    /// The octets of the CRL number: big-endian, not negative, without zeros in
    /// front.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.optional(self.fields.extensions.number.as_ref())
    }

    /// The number of the base list that a delta list goes with, or `None` where
    /// this is no delta list. Octets as for [`RevocationList::number`].
    #[must_use]
    pub fn delta_indicator(&self) -> Option<&[u8]> {
        self.optional(self.fields.extensions.delta_indicator.as_ref())
    }

    /// What the list covers, where it says so.
    #[must_use]
    pub fn issuing_distribution_point(&self) -> Option<IssuingDistributionPoint<'_>> {
        let value = self.optional(self.fields.extensions.issuing_distribution_point.as_ref())?;
        // `Fields::parse` has seen it.
        IssuingDistributionPoint::parse(value).ok()
    }

    /// The addresses of delta lists (`freshestCRL`), in encoded order.
    #[must_use]
    pub fn freshest_crl_urls(&self) -> Vec<&str> {
        let value = self.optional(self.fields.extensions.freshest.as_ref());
        let points = value.and_then(|value| DistributionPoint::parse_all(value).ok());
        let points = points.unwrap_or_default();
        points.iter().flat_map(DistributionPoint::urls).collect()
    }

    /// The dotted object identifier of a critical extension, of the list or of
    /// any entry, that is not understood.
    #[must_use]
    pub fn unknown_critical_extension(&self) -> Option<String> {
        self.fields
            .extensions
            .unknown_critical
            .as_ref()
            .or(self.index.unknown_critical())
            .map(|range| oid::to_dotted(self.octets(range)))
    }

    /// Whether entries name issuers of certificates (indirect lists).
    #[must_use]
    pub fn names_issuers(&self) -> bool {
        self.index.names_issuers()
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries of a serial number, given as it is encoded, in the order of
    /// the list.
    #[must_use]
    pub fn entries(&self, serial_number: &[u8]) -> Vec<RevokedEntry<'_>> {
        self.index
            .find(&self.der, self.fields.entries.end, serial_number)
    }

    /// Whether the list is signed with the key of `issuer`. Names, key usage and
    /// time are not looked at.
    ///
    /// # Errors
    /// Where it is not.
    pub fn is_signed_by(&self, issuer: &Certificate) -> Result<(), IssuerMismatch> {
        let verify = || {
            issuer.verify_allowing_sha1(
                &self.fields.algorithm,
                self.octets(&self.fields.tbs),
                self.octets(&self.fields.signature),
            )
        };
        let (last, result) = self.verified.get_or_init(|| (issuer.clone(), verify()));
        if last == issuer {
            result.clone()
        } else {
            verify()
        }
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("this_update", &self.this_update())
            .field("next_update", &self.next_update())
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

impl Fields {
    fn parse(der: &[u8]) -> Result<Self, DerError> {
        let list = Reader::new(der).expect(tag::SEQUENCE, "something that is no sequence")?;
        let mut outer = list.reader();
        let tbs = outer.expect(tag::SEQUENCE, "no tbsCertList")?;
        let outer_algorithm = outer.expect(tag::SEQUENCE, "no signatureAlgorithm")?;
        let signature = outer.expect(tag::BIT_STRING, "no signatureValue")?;
        outer.finish()?;
        signature.bit_octets()?;

        let mut fields = tbs.reader();
        // Version 1 has no extensions and no version; RFC 5280 section 5.1.2.1
        // asks for version 2, and the reference reads nothing else.
        let version = fields.expect(tag::INTEGER, "no version, which makes it version 1")?;
        if version.small_unsigned()? != 1 {
            return Err(version.error("a version that is not 2"));
        }
        let algorithm = fields.expect(tag::SEQUENCE, "no signature algorithm")?;
        // RFC 5280 section 5.1.1.2: the outer one is not signed.
        if algorithm.raw() != outer_algorithm.raw() {
            return Err(algorithm.error("a signature algorithm other than the outer one"));
        }
        let issuer = fields.expect(tag::SEQUENCE, "no issuer")?;
        let this_update = fields.element()?.time()?;
        let next_update = match fields.peek_tag() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(fields.element()?.time()?),
            _ => None,
        };
        // RFC 5280 section 5.1.2.6: absent where there are no entries. An empty
        // one is common, and the reference reads it.
        let entries = match fields.optional(tag::SEQUENCE)? {
            Some(entries) => entries.range(),
            None => 0..0,
        };
        let extensions = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) => ListExtensions::parse(&explicit)?,
            None => ListExtensions::default(),
        };
        fields.finish()?;
        Ok(Self {
            tbs: tbs.raw_range(),
            algorithm: SignatureIdentifier::parse(&algorithm)?,
            // After the count of unused bits, which is zero.
            signature: signature.range().start.saturating_add(1)..signature.range().end,
            issuer: issuer.raw_range(),
            this_update,
            next_update,
            entries,
            extensions,
        })
    }
}

impl ListExtensions {
    fn parse(explicit: &Element<'_>) -> Result<Self, DerError> {
        let mut outer = explicit.reader();
        let sequence = outer.expect(tag::SEQUENCE, "extensions that are no sequence")?;
        outer.finish()?;
        let mut extensions = Self::default();
        visit_extensions(&sequence, |oid, critical, value| {
            extensions.interpret(oid, critical, value)
        })?;
        Ok(extensions)
    }

    fn interpret(
        &mut self,
        oid: &Element<'_>,
        critical: bool,
        value: &Element<'_>,
    ) -> Result<(), DerError> {
        let is = |known: ObjectIdentifier| oid.value() == known.as_bytes();
        let refuse = |error: DerError| value.error(error.what);
        let (slot, found, may_be_critical) = if is(CRL_NUMBER) {
            (&mut self.number, Some(number(value)?), false)
        } else if is(DELTA_CRL_INDICATOR) {
            (&mut self.delta_indicator, Some(number(value)?), true)
        } else if is(ISSUING_DISTRIBUTION_POINT) {
            IssuingDistributionPoint::parse(value.value()).map_err(refuse)?;
            let slot = &mut self.issuing_distribution_point;
            (slot, Some(value.range()), true)
        } else if is(FRESHEST_CRL) {
            DistributionPoint::parse_all(value.value()).map_err(refuse)?;
            (&mut self.freshest, Some(value.range()), false)
        } else {
            (&mut self.unknown_critical, None, false)
        };
        if let Some(found) = found {
            if slot.is_some() {
                return Err(value.error("an extension that is there twice"));
            }
            *slot = Some(found);
        }
        // Two are critical by definition; a critical one of the others asks for
        // more than is done with it (RFC 5280 section 5.2).
        if critical && !may_be_critical && self.unknown_critical.is_none() {
            self.unknown_critical = Some(oid.range());
        }
        Ok(())
    }
}

/// Where the magnitude of the `INTEGER` in the octet string `value` is.
fn number(value: &Element<'_>) -> Result<Range<usize>, DerError> {
    let number = value.inner()?;
    if number.tag() != tag::INTEGER {
        return Err(number.error("a CRL number that is no integer"));
    }
    let magnitude = number.unsigned()?.len();
    let end = number.range().end;
    Ok(end.saturating_sub(magnitude)..end)
}
