//! [`Token`]: CMS `SignedData` (RFC 5652 section 5) around a `TSTInfo`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use const_oid::ObjectIdentifier;

use super::path::{self, ChainOf};
use super::signer::Signer;
use super::tst_info::TstInfo;
use super::{Problem, invalid, too_many};
use crate::crypto::Provider;
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;
use crate::wire::ber;
use crate::wire::der::{Element, tag};
use crate::wire::oid;
use crate::x509::{Certificate, Chain};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// A time-stamp token that was read, not yet verified.
#[derive(Clone)]
pub struct Token {
    /// DER of the `TSTInfo`: what the signers' digests are of.
    content: Box<[u8]>,
    info: TstInfo,
    certificates: Vec<Certificate>,
    signers: Vec<Signer>,
    provider: Provider,
    limits: Limits,
}

/// A time that an authority of a `tsa` trust store states for a signature.
#[derive(Clone, Debug)]
pub struct Timestamp {
    time: Time,
    accuracy: Duration,
    chain: Arc<Chain>,
}

impl Token {
    /// Reads a `TimeStampToken`, in DER or BER.
    ///
    /// # Errors
    /// [`Reason::TimestampInvalid`] where it is not well-formed, not a `TSTInfo`
    /// of version 1 in a `SignedData` of version 3, or where its imprint is made
    /// with another hash function than SHA-256, SHA-384 or SHA-512;
    /// [`Reason::LimitExceeded`] where it is larger than `limits` allow.
    pub fn parse(bytes: &[u8], provider: &Provider, limits: &Limits) -> Result<Self, Rejection> {
        if bytes.len() > limits.token_bytes {
            return Err(too_many("octets", bytes.len(), limits.token_bytes));
        }
        let der = ber::to_der(bytes, limits.token_nesting)
            .map_err(|error| Problem::Der(error).of("the time-stamp"))?;
        Self::read(&der, provider, limits).map_err(|problem| problem.of("the time-stamp"))
    }

    fn read(der: &[u8], provider: &Provider, limits: &Limits) -> Result<Self, Problem> {
        let outer = Element::only(der)?;
        if outer.tag() != tag::SEQUENCE {
            return Err(outer.error("something that is no sequence").into());
        }
        let mut fields = outer.reader();
        let content_type = fields
            .expect(tag::OBJECT_IDENTIFIER, "no content type")?
            .oid()?;
        if content_type != SIGNED_DATA.as_bytes() {
            return Err(invalid(format!(
                "the time-stamp is no signed data: its content type is `{}`",
                oid::to_dotted(content_type)
            ))
            .into());
        }
        let signed = fields.expect(tag::context_constructed(0), "no content")?;
        fields.finish()?;
        let signed = Element::only(signed.value()).map_err(|_| signed.error("no signed data"))?;
        if signed.tag() != tag::SEQUENCE {
            return Err(signed.error("signed data that is no sequence").into());
        }

        let mut fields = signed.reader();
        // The version that RFC 5652 section 5.1 gives to content that is not
        // id-data with X.509 certificates and nothing newer.
        let version = fields.expect(tag::INTEGER, "no version")?.integer()?;
        if version != [3] {
            return Err(invalid("the time-stamp's signed data has a version other than 3").into());
        }
        fields.expect(tag::SET, "no digest algorithms")?;
        let content = content(&fields.expect(tag::SEQUENCE, "no encapsulated content")?)?;
        let certificates = fields
            .optional(tag::context_constructed(0))?
            .map(|set| certificates(&set, provider, limits))
            .transpose()?
            .unwrap_or_default();
        // Revocation lists that an attacker could choose are of no use.
        fields.optional(tag::context_constructed(1))?;
        let signers = signers(&fields.expect(tag::SET, "no signers")?, limits)?;
        fields.finish()?;
        Ok(Self {
            info: TstInfo::parse(content)?,
            content: content.into(),
            certificates,
            signers,
            provider: *provider,
            limits: limits.clone(),
        })
    }

    /// What the token says, verified or not.
    #[must_use]
    pub const fn info(&self) -> &TstInfo {
        &self.info
    }

    /// The certificates in the token, in its order.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether the time-stamp is of `message`: for an envelope, the octets of
    /// its signature.
    ///
    /// # Errors
    /// [`Reason::TimestampInvalid`] where it is of something else.
    pub fn covers(&self, message: &[u8]) -> Result<(), Rejection> {
        let imprint = self.info.imprint();
        let digest = self.provider.hash(imprint.algorithm(), message);
        if digest == imprint {
            Ok(())
        } else {
            Err(invalid(format!(
                "the time-stamp is of something else than this signature: it is of {imprint:?}, \
                 the signature is {digest:?}"
            )))
        }
    }

    /// Verifies the token: signed attributes, `signing-certificate-v2`, a chain
    /// from the signer to one of `anchors` that meets the certificate
    /// requirements and was valid at the stamp's time, and the signature. One
    /// good signer is enough, as for the reference.
    ///
    /// # Errors
    /// [`Reason::TimestampInvalid`] where there is no good signer; the rejection
    /// tells what is wrong with the last one.
    pub fn verify(&self, anchors: &[Certificate]) -> Result<Timestamp, Rejection> {
        self.verify_with(anchors, &|path| {
            Chain::time_stamping(path.to_vec(), &self.limits).map(Arc::new)
        })
    }

    /// The same for a caller that keeps chains.
    pub(crate) fn verify_with(
        &self,
        anchors: &[Certificate],
        chain_of: ChainOf<'_>,
    ) -> Result<Timestamp, Rejection> {
        let mut failure = invalid("the time-stamp has no signer");
        for signer in &self.signers {
            match self.verify_signer(signer, anchors, chain_of) {
                Ok(chain) => {
                    return Ok(Timestamp {
                        time: self.info.time(),
                        accuracy: self.info.accuracy(),
                        chain,
                    });
                }
                Err(rejection) => failure = rejection,
            }
        }
        Err(failure)
    }

    fn verify_signer(
        &self,
        signer: &Signer,
        anchors: &[Certificate],
        chain_of: ChainOf<'_>,
    ) -> Result<Arc<Chain>, Rejection> {
        let certificate = signer.certificate(&self.certificates, &self.provider)?;
        signer.check_content(TST_INFO, &self.content, &self.provider)?;
        let chain = path::build(
            certificate,
            &self.certificates,
            anchors,
            self.info.time(),
            chain_of,
            &self.limits,
        )?;
        // A chain that was kept has its keys loaded.
        signer.check_signature(chain.leaf())?;
        // Nobody needs this attribute, but one that contradicts the chain is not
        // the mark of a sound authority; the reference refuses it too.
        if let Some(time) = signer.signing_time()?
            && let Some((certificate, position)) = chain.first_outside_validity(time)
        {
            return Err(invalid(format!(
                "certificate {position} of the time-stamping authority, `{}`, was not valid at \
                 the time-stamp's signing-time {time}",
                certificate.subject()
            ))
            .about(certificate.summary(Some(position))));
        }
        Ok(chain)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("info", &self.info)
            .field("certificates", &self.certificates)
            .field("signers", &self.signers.len())
            .finish_non_exhaustive()
    }
}

impl Timestamp {
    /// When the authority made the stamp.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.time
    }

    /// How far the true time may be from [`Timestamp::time`], to either side.
    #[must_use]
    pub const fn accuracy(&self) -> Duration {
        self.accuracy
    }

    /// The lower limit of the time (RFC 3161 section 2.4.2).
    #[must_use]
    pub fn earliest(&self) -> Time {
        self.time.saturating_sub(self.accuracy)
    }

    /// The upper limit of the time.
    #[must_use]
    pub fn latest(&self) -> Time {
        self.time.saturating_add(self.accuracy)
    }

    /// The chain of the authority, to a root of a `tsa` trust store.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// Time, accuracy and authority, for people.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", self.time)?;
        if !self.accuracy.is_zero() {
            // Durations print as `1s`, `500ms`, `1.5s`.
            write!(f, " (\u{b1}{:?})", self.accuracy)?;
        }
        write!(f, " by `{}`", self.chain.leaf().subject())
    }
}

/// The octets of the `TSTInfo` in an `EncapsulatedContentInfo`.
fn content<'a>(element: &Element<'a>) -> Result<&'a [u8], Problem> {
    let mut fields = element.reader();
    let content_type = fields
        .expect(
            tag::OBJECT_IDENTIFIER,
            "no type of the encapsulated content",
        )?
        .oid()?;
    if content_type != TST_INFO.as_bytes() {
        return Err(invalid(format!(
            "the time-stamp's content is of type `{}`, not a TSTInfo",
            oid::to_dotted(content_type)
        ))
        .into());
    }
    let explicit = fields.expect(tag::context_constructed(0), "no encapsulated content")?;
    fields.finish()?;
    let mut content = explicit.reader();
    let octets = content.expect(tag::OCTET_STRING, "content that is no octet string")?;
    content.finish()?;
    Ok(octets.value())
}

/// `CertificateSet`: X.509 certificates and none of the other choices.
fn certificates(
    set: &Element<'_>,
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<Certificate>, Problem> {
    let mut elements = set.reader();
    let mut certificates = Vec::new();
    while !elements.is_empty() {
        if certificates.len() == limits.token_certificates {
            let count = limits.token_certificates.saturating_add(1);
            return Err(too_many("certificates", count, limits.token_certificates).into());
        }
        let element = elements.expect(tag::SEQUENCE, "a certificate that is not X.509")?;
        let certificate = Certificate::parse(element.raw(), provider, limits).map_err(|error| {
            if error.reason == Reason::LimitExceeded {
                error
            } else {
                invalid(format!("in the time-stamp, {}", error.detail))
            }
        })?;
        certificates.push(certificate);
    }
    Ok(certificates)
}

fn signers(set: &Element<'_>, limits: &Limits) -> Result<Vec<Signer>, Problem> {
    let mut elements = set.reader();
    let mut signers = Vec::new();
    while !elements.is_empty() {
        if signers.len() == limits.token_signers {
            let count = limits.token_signers.saturating_add(1);
            return Err(too_many("signers", count, limits.token_signers).into());
        }
        let element = elements.expect(tag::SEQUENCE, "a signer that is no sequence")?;
        signers.push(Signer::parse(&element, limits)?);
    }
    Ok(signers)
}
