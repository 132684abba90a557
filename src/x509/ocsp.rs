//! OCSP: the request for one certificate and the parts of a response
//! (RFC 6960 section 4).

use const_oid::ObjectIdentifier;

use super::crl::{RevocationReason, invalidity_date, is_invalidity_date};
use super::extensions::visit_extensions;
use super::{Certificate, IssuerMismatch, MalformedEvidence, SignatureIdentifier};
use crate::crypto::{HashAlgorithm, Provider, sha1};
use crate::time::Time;
use crate::wire::der::{DerError, Element, tag};
use crate::wire::oid;

const ID_PKIX_OCSP_BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The DER of an `OCSPRequest` for `certificate`, issued by `issuer`.
///
/// Names are hashed with SHA-1, as the reference does: several public
/// responders know nothing else. There is no nonce: answers are cached by the
/// responders, and their age is bounded by `nextUpdate`.
#[must_use]
pub(crate) fn request(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
    let algorithm = sequence(&[
        &encode(tag::OBJECT_IDENTIFIER, SHA1.as_bytes()),
        &encode(tag::NULL, &[]),
    ]);
    let cert_id = sequence(&[
        &algorithm,
        &encode(tag::OCTET_STRING, &sha1::hash(certificate.issuer().der())),
        &encode(tag::OCTET_STRING, &sha1::hash(issuer.public_key_octets())),
        &encode(tag::INTEGER, certificate.serial_number()),
    ]);
    let request_list = sequence(&[&sequence(&[&cert_id])]);
    sequence(&[&sequence(&[&request_list])])
}

pub(super) fn sequence(fields: &[&[u8]]) -> Vec<u8> {
    encode(tag::SEQUENCE, &fields.concat())
}

/// One element in DER.
pub(super) fn encode(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let start = length.iter().take_while(|octet| **octet == 0).count();
    let length = length.get(start..).unwrap_or(&[]);
    let mut element = vec![tag];
    match *length {
        [] => element.push(0),
        [short @ 0..=0x7f] => element.push(short),
        _ => {
            // At most eight octets of length.
            element.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
            element.extend_from_slice(length);
        }
    }
    element.extend_from_slice(contents);
    element
}

/// An `OCSPResponse` that was successful: its `BasicOCSPResponse`.
///
/// Borrowed from the DER. Parsing says that the encoding is right; who signed
/// and what it means is for [`revocation`](crate::revocation).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OcspResponse<'a> {
    tbs: &'a [u8],
    algorithm: SignatureIdentifier,
    signature: &'a [u8],
    /// When the response was signed.
    pub produced_at: Time,
    /// The answers, in encoded order.
    pub responses: Vec<SingleResponse<'a>>,
    /// The DER of the certificates that came along, in encoded order.
    pub certificates: Vec<&'a [u8]>,
    /// The dotted object identifier of a critical extension that is not
    /// understood.
    pub unknown_critical: Option<String>,
}

/// The answer about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SingleResponse<'a> {
    /// Which certificate.
    pub id: CertId<'a>,
    /// What about it.
    pub status: OcspStatus,
    /// Since when the status is known to be right.
    pub this_update: Time,
    /// Until when.
    pub next_update: Option<Time>,
    /// Since when the key is not to be trusted, where the answer says so
    /// (RFC 5280 section 5.3.2, allowed here by RFC 6960 section 4.4.5).
    pub invalidity_date: Option<Time>,
    /// The dotted object identifier of a critical extension that is not
    /// understood.
    pub unknown_critical: Option<String>,
}

/// `CertStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// Not revoked.
    Good,
    /// Revoked, or on hold.
    Revoked {
        /// When.
        date: Time,
        /// Why, where the answer says so.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// `CertID`: a certificate by its issuer's hashes and its serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertId<'a> {
    hash: &'a [u8],
    issuer_name_hash: &'a [u8],
    issuer_key_hash: &'a [u8],
    serial_number: &'a [u8],
}

impl CertId<'_> {
    /// The serial number, as it is encoded.
    #[must_use]
    pub const fn serial_number(&self) -> &[u8] {
        self.serial_number
    }

    /// Whether this and `other` may be the same certificate. Hashes of different
    /// functions cannot be compared: then the serial number decides.
    #[must_use]
    pub fn may_be(&self, other: &CertId<'_>) -> bool {
        self == other || self.serial_number == other.serial_number && self.hash != other.hash
    }

    /// Whether this is `certificate`, issued by `issuer`. A hash function that is
    /// not known matches nothing.
    #[must_use]
    pub fn is_of(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        provider: &Provider,
    ) -> bool {
        // The cheapest first: most of a long response is about other ones.
        if self.serial_number != certificate.serial_number() {
            return false;
        }
        let sha2 = |algorithm| {
            let is_hash = |hash: &[u8], of: &[u8]| provider.hash(algorithm, of).as_bytes() == hash;
            is_hash(self.issuer_name_hash, certificate.issuer().der())
                && is_hash(self.issuer_key_hash, issuer.public_key_octets())
        };
        match self.hash {
            oid if oid == SHA1.as_bytes() => {
                sha1::hash(certificate.issuer().der()) == *self.issuer_name_hash
                    && sha1::hash(issuer.public_key_octets()) == *self.issuer_key_hash
            }
            oid if oid == SHA256.as_bytes() => sha2(HashAlgorithm::Sha256),
            oid if oid == SHA384.as_bytes() => sha2(HashAlgorithm::Sha384),
            oid if oid == SHA512.as_bytes() => sha2(HashAlgorithm::Sha512),
            _ => false,
        }
    }
}

/// Why there is no [`OcspResponse`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OcspResponseError {
    /// The encoding is wrong.
    #[error(transparent)]
    Malformed(#[from] MalformedEvidence),
    /// The responder says that it could not answer: the name of the status in
    /// RFC 6960 section 4.2.1.
    #[error("the responder answered `{0}`")]
    Unsuccessful(&'static str),
    /// Not an `id-pkix-ocsp-basic`, but of the dotted object identifier.
    #[error("the response is of the type `{0}`, which is not supported")]
    UnknownType(String),
}

impl<'a> OcspResponse<'a> {
    /// Parses the DER of an `OCSPResponse`.
    ///
    /// # Errors
    /// Where it is malformed, not successful or of another type than basic.
    pub fn parse(der: &'a [u8]) -> Result<Self, OcspResponseError> {
        let malformed = |error| MalformedEvidence::new("OCSP response", error);
        match envelope(der).map_err(malformed)? {
            Envelope::Basic(basic) => Ok(Self::parse_basic(basic).map_err(malformed)?),
            Envelope::Unsuccessful(status) => Err(OcspResponseError::Unsuccessful(status)),
            Envelope::Other(oid) => Err(OcspResponseError::UnknownType(oid)),
        }
    }

    fn parse_basic(der: &'a [u8]) -> Result<Self, DerError> {
        let basic = Element::only(der)?;
        if basic.tag() != tag::SEQUENCE {
            return Err(basic.error("a basic response that is no sequence"));
        }
        let mut outer = basic.reader();
        let data = outer.expect(tag::SEQUENCE, "no tbsResponseData")?;
        let algorithm = outer.expect(tag::SEQUENCE, "no signatureAlgorithm")?;
        let signature = outer.expect(tag::BIT_STRING, "no signature")?;
        let mut certificates = Vec::new();
        if let Some(explicit) = outer.optional(tag::context_constructed(0))? {
            let list = explicit.inner()?;
            if list.tag() != tag::SEQUENCE {
                return Err(list.error("certificates that are no sequence"));
            }
            let mut rest = list.reader();
            while !rest.is_empty() {
                certificates.push(rest.element()?.raw());
            }
        }
        outer.finish()?;

        let mut fields = data.reader();
        if let Some(explicit) = fields.optional(tag::context_constructed(0))? {
            // DER leaves the default out; some responders write it.
            let version = explicit.inner()?;
            if version.tag() != tag::INTEGER || version.small_unsigned()? != 0 {
                return Err(version.error("a version that is not 1"));
            }
        }
        // Who signed is found by trying the keys that may have: the responder's
        // name for itself adds nothing, and the reference ignores it.
        let responder = fields.element()?;
        if responder.tag() != tag::context_constructed(1)
            && responder.tag() != tag::context_constructed(2)
        {
            return Err(responder.error("no responder identifier"));
        }
        let produced_at = generalized_time(&fields.element()?)?;
        let list = fields.expect(tag::SEQUENCE, "no responses")?;
        let mut unknown_critical = None;
        if let Some(explicit) = fields.optional(tag::context_constructed(1))? {
            visit_extensions(&extensions(&explicit)?, |oid, critical, _| {
                if critical && unknown_critical.is_none() {
                    unknown_critical = Some(oid::to_dotted(oid.value()));
                }
                Ok(())
            })?;
        }
        fields.finish()?;
        let mut responses = Vec::new();
        let mut rest = list.reader();
        while !rest.is_empty() {
            let single = rest.expect(tag::SEQUENCE, "an answer that is no sequence")?;
            responses.push(SingleResponse::parse(&single)?);
        }
        Ok(Self {
            tbs: data.raw(),
            algorithm: SignatureIdentifier::parse(&algorithm)?,
            signature: signature.bit_octets()?,
            produced_at,
            responses,
            certificates,
            unknown_critical,
        })
    }

    /// Whether the response is signed with the key of `signer`; whether that one
    /// may sign is not looked at.
    ///
    /// # Errors
    /// Where it is not.
    pub fn is_signed_by(&self, signer: &Certificate) -> Result<(), IssuerMismatch> {
        signer.verify_allowing_sha1(&self.algorithm, self.tbs, self.signature)
    }
}

enum Envelope<'a> {
    Basic(&'a [u8]),
    Unsuccessful(&'static str),
    Other(String),
}

fn envelope(der: &[u8]) -> Result<Envelope<'_>, DerError> {
    let response = Element::only(der)?;
    if response.tag() != tag::SEQUENCE {
        return Err(response.error("something that is no sequence"));
    }
    let mut fields = response.reader();
    let status = fields.expect(tag::ENUMERATED, "no response status")?;
    let unsuccessful = match status.value() {
        [0] => None,
        [1] => Some("malformedRequest"),
        [2] => Some("internalError"),
        [3] => Some("tryLater"),
        [5] => Some("sigRequired"),
        [6] => Some("unauthorized"),
        _ => return Err(status.error("an unknown response status")),
    };
    if let Some(status) = unsuccessful {
        return Ok(Envelope::Unsuccessful(status));
    }
    let explicit = fields.expect(
        tag::context_constructed(0),
        "a successful response without contents",
    )?;
    fields.finish()?;
    let bytes = explicit.inner()?;
    if bytes.tag() != tag::SEQUENCE {
        return Err(bytes.error("response bytes that are no sequence"));
    }
    let mut fields = bytes.reader();
    let oid = fields
        .expect(tag::OBJECT_IDENTIFIER, "no response type")?
        .oid()?;
    let contents = fields.expect(tag::OCTET_STRING, "no response contents")?;
    fields.finish()?;
    Ok(if oid == ID_PKIX_OCSP_BASIC.as_bytes() {
        Envelope::Basic(contents.value())
    } else {
        Envelope::Other(oid::to_dotted(oid))
    })
}

impl<'a> SingleResponse<'a> {
    fn parse(single: &Element<'a>) -> Result<Self, DerError> {
        let mut fields = single.reader();
        let id = CertId::parse(&fields.expect(tag::SEQUENCE, "an answer without CertID")?)?;
        let status = OcspStatus::parse(&fields.element()?)?;
        let this_update = generalized_time(&fields.element()?)?;
        let next_update = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) => Some(generalized_time(&explicit.inner()?)?),
            None => None,
        };
        let mut parsed = Self {
            id,
            status,
            this_update,
            next_update,
            invalidity_date: None,
            unknown_critical: None,
        };
        if let Some(explicit) = fields.optional(tag::context_constructed(1))? {
            visit_extensions(&extensions(&explicit)?, |oid, critical, value| {
                if is_invalidity_date(oid.value()) {
                    if parsed.invalidity_date.is_some() {
                        return Err(value.error("a second invalidity date"));
                    }
                    parsed.invalidity_date = Some(invalidity_date(value)?);
                } else if critical && parsed.unknown_critical.is_none() {
                    parsed.unknown_critical = Some(oid::to_dotted(oid.value()));
                }
                Ok(())
            })?;
        }
        fields.finish()?;
        Ok(parsed)
    }
}

impl<'a> CertId<'a> {
    /// The certificate that the DER of an `OCSPRequest` asks about first.
    #[must_use]
    pub fn of_request(der: &'a [u8]) -> Option<Self> {
        let request = Element::only(der).ok()?;
        let tbs = request.reader().expect(tag::SEQUENCE, "").ok()?;
        let mut fields = tbs.reader();
        // Version and the name of who asks may come first.
        let list = loop {
            let field = fields.element().ok()?;
            if field.tag() == tag::SEQUENCE {
                break field;
            }
        };
        let first = list.reader().expect(tag::SEQUENCE, "").ok()?;
        let id = first.reader().expect(tag::SEQUENCE, "").ok()?;
        Self::parse(&id).ok()
    }

    fn parse(id: &Element<'a>) -> Result<Self, DerError> {
        let mut fields = id.reader();
        let algorithm = fields.expect(tag::SEQUENCE, "a CertID without hash algorithm")?;
        let hash = algorithm
            .reader()
            .expect(
                tag::OBJECT_IDENTIFIER,
                "a hash algorithm without identifier",
            )?
            .oid()?;
        let issuer_name_hash = fields.expect(tag::OCTET_STRING, "a CertID without name hash")?;
        let issuer_key_hash = fields.expect(tag::OCTET_STRING, "a CertID without key hash")?;
        let serial_number = fields
            .expect(tag::INTEGER, "a CertID without serial number")?
            .integer()?;
        fields.finish()?;
        Ok(Self {
            hash,
            issuer_name_hash: issuer_name_hash.value(),
            issuer_key_hash: issuer_key_hash.value(),
            serial_number,
        })
    }
}

impl OcspStatus {
    fn parse(status: &Element<'_>) -> Result<Self, DerError> {
        const GOOD: u8 = tag::context(0);
        const REVOKED: u8 = tag::context_constructed(1);
        const UNKNOWN: u8 = tag::context(2);
        match (status.tag(), status.value()) {
            (GOOD, []) => Ok(Self::Good),
            (UNKNOWN, []) => Ok(Self::Unknown),
            (REVOKED, _) => {
                let mut fields = status.reader();
                let date = generalized_time(&fields.element()?)?;
                let reason = match fields.optional(tag::context_constructed(0))? {
                    Some(explicit) => {
                        let code = explicit.inner()?;
                        if code.tag() != tag::ENUMERATED {
                            return Err(code.error("a malformed reason"));
                        }
                        Some(RevocationReason::parse(&code)?)
                    }
                    None => None,
                };
                fields.finish()?;
                Ok(Self::Revoked { date, reason })
            }
            _ => Err(status.error("a malformed status")),
        }
    }
}

fn extensions<'a>(explicit: &Element<'a>) -> Result<Element<'a>, DerError> {
    let sequence = explicit.inner()?;
    if sequence.tag() == tag::SEQUENCE {
        Ok(sequence)
    } else {
        Err(sequence.error("extensions that are no sequence"))
    }
}

fn generalized_time(element: &Element<'_>) -> Result<Time, DerError> {
    if element.tag() == tag::GENERALIZED_TIME {
        element.time()
    } else {
        Err(element.error("a time that is no GeneralizedTime"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(encode(4, &[]), [4, 0]);
        assert_eq!(encode(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(encode(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(encode(4, &[7; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn a_refusal_is_named() {
        let status = |code| OcspResponse::parse(&[0x30, 3, 0x0a, 1, code]).map(|_| ());
        assert_eq!(
            status(6),
            Err(OcspResponseError::Unsuccessful("unauthorized"))
        );
        assert_eq!(status(3), Err(OcspResponseError::Unsuccessful("tryLater")));
        for bad in [0, 4, 7] {
            assert!(matches!(status(bad), Err(OcspResponseError::Malformed(_))));
        }
    }
}
