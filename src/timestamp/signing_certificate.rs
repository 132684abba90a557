//! `signing-certificate-v2` (RFC 5035 section 3, RFC 5816 section 2.2.1): which
//! certificate the signer means, under the signature.

use const_oid::ObjectIdentifier;

use super::tst_info::algorithm_name;
use super::{Problem, invalid};
use crate::crypto::{Digest, HashAlgorithm};
use crate::outcome::Rejection;
use crate::wire::der::{Element, tag};
use crate::x509::{self, Certificate};

pub(super) const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
pub(super) const NAME: &str = "signing-certificate-v2";

/// Issuer and serial number, as CMS and ESS name a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct IssuerAndSerial {
    /// DER of the issuer's `Name`.
    pub(super) issuer: Box<[u8]>,
    /// Octets of the serial number, as they are encoded.
    pub(super) serial_number: Box<[u8]>,
}

impl IssuerAndSerial {
    /// Whether these are issuer and serial number of `certificate`.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        certificate.issuer().der() == &*self.issuer
            && certificate.serial_number() == &*self.serial_number
    }
}

/// The first `ESSCertIDv2`: that of the signer.
pub(super) struct SignerReference {
    pub(super) hash: Digest,
    pub(super) issuer_and_serial: Option<IssuerAndSerial>,
}

impl SignerReference {
    /// Reads a `SigningCertificateV2`. Entries after the first one only restrict
    /// the certificates of a path, which the trust store does here: they need
    /// not resolve to anything.
    pub(super) fn parse(element: &Element<'_>) -> Result<Self, Rejection> {
        Self::read(element).map_err(|problem| problem.of("the time-stamp's signing-certificate-v2"))
    }

    fn read(element: &Element<'_>) -> Result<Self, Problem> {
        if element.tag() != tag::SEQUENCE {
            return Err(element.error("something that is no sequence").into());
        }
        let mut fields = element.reader();
        let mut certificates = fields
            .expect(tag::SEQUENCE, "no list of certificates")?
            .reader();
        fields.optional(tag::SEQUENCE)?;
        fields.finish()?;
        let first = certificates.expect(tag::SEQUENCE, "a list that names no certificate")?;
        while !certificates.is_empty() {
            certificates.expect(tag::SEQUENCE, "an entry that is no sequence")?;
        }

        let mut fields = first.reader();
        let algorithm = match fields.optional(tag::SEQUENCE)? {
            // DEFAULT {algorithm id-sha256}
            None => HashAlgorithm::Sha256,
            Some(identifier) => x509::hash_algorithm(&identifier).ok_or_else(|| {
                invalid(format!(
                    "the time-stamp's signing-certificate-v2 is made with the hash algorithm \
                     `{}`: only SHA-256, SHA-384 and SHA-512 are accepted",
                    algorithm_name(&identifier)
                ))
            })?,
        };
        let hash = fields.expect(tag::OCTET_STRING, "no certificate hash")?;
        let issuer_and_serial = fields
            .optional(tag::SEQUENCE)?
            .map(|element| issuer_serial(&element))
            .transpose()?;
        fields.finish()?;
        Ok(Self {
            hash: Digest::new(algorithm, hash.value())
                .ok_or_else(|| hash.error("a certificate hash of the wrong length"))?,
            issuer_and_serial,
        })
    }
}

/// `IssuerSerial`: "the issuer MUST be a directory name", and nothing else.
fn issuer_serial(element: &Element<'_>) -> Result<IssuerAndSerial, Problem> {
    let mut fields = element.reader();
    let mut names = fields.expect(tag::SEQUENCE, "no issuer")?.reader();
    let directory = names.expect(
        tag::context_constructed(4),
        "an issuer that is no directory name",
    )?;
    names.finish()?;
    let issuer = Element::only(directory.value())?;
    let serial_number = fields.expect(tag::INTEGER, "no serial number")?;
    fields.finish()?;
    Ok(IssuerAndSerial {
        issuer: issuer.raw().into(),
        serial_number: serial_number.integer()?.into(),
    })
}
