//! `SignerInfo` (RFC 5652 section 5.3), and what a good one looks like.

use const_oid::ObjectIdentifier;

use super::attributes::SignedAttributes;
use super::signing_certificate::{self, IssuerAndSerial, SignerReference};
use super::tst_info::algorithm_name;
use super::{Problem, invalid};
use crate::crypto::{Digest, HashAlgorithm, Provider, Scheme};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::time::Time;
use crate::wire::der::{Element, tag};
use crate::x509::{self, Certificate, SignatureIdentifier};

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// One signer of a token. What is wrong with it beyond its encoding is told
/// when it is verified: another signer may be good.
#[derive(Clone)]
pub(super) struct Signer {
    version: u64,
    /// `None` for a signer that is named by a key identifier.
    identifier: Option<IssuerAndSerial>,
    digest_algorithm: Algorithm<HashAlgorithm>,
    attributes: Option<SignedAttributes>,
    signature_algorithm: Algorithm<Scheme>,
    signature: Box<[u8]>,
}

/// An algorithm that can be used, or the object identifier of one that cannot.
type Algorithm<T> = Result<T, String>;

impl Signer {
    /// Reads a `SignerInfo`.
    pub(super) fn parse(element: &Element<'_>, limits: &Limits) -> Result<Self, Problem> {
        let mut fields = element.reader();
        let version = fields.expect(tag::INTEGER, "no version of a signer")?;
        let identifier = match fields.optional(tag::context(0))? {
            Some(_key_identifier) => None,
            None => Some(issuer_and_serial(
                &fields.expect(tag::SEQUENCE, "no identifier of a signer")?,
            )?),
        };
        let digest = fields.expect(tag::SEQUENCE, "no digest algorithm")?;
        let digest_algorithm = x509::hash_algorithm(&digest).ok_or_else(|| algorithm_name(&digest));
        let attributes = fields
            .optional(tag::context_constructed(0))?
            .map(|attributes| SignedAttributes::parse(&attributes, limits))
            .transpose()?;
        let signature_algorithm = scheme(
            &fields.expect(tag::SEQUENCE, "no signature algorithm")?,
            &digest_algorithm,
        )?;
        let signature = fields.expect(tag::OCTET_STRING, "no signature")?;
        // Not signed, so of no use here.
        fields.optional(tag::context_constructed(1))?;
        fields.finish()?;
        Ok(Self {
            version: version.small_unsigned()?,
            identifier,
            digest_algorithm,
            attributes,
            signature_algorithm,
            signature: signature.value().into(),
        })
    }

    /// The certificate that this signer says is its own: the one that the signer
    /// identifier names, whose hash is in `signing-certificate-v2`, and which that
    /// attribute names too where it names one (RFC 5816 section 2.2.1).
    ///
    /// Signers that are named by a key identifier (version 3) are refused, as
    /// the reference does.
    pub(super) fn certificate<'c>(
        &self,
        certificates: &'c [Certificate],
        provider: &Provider,
    ) -> Result<&'c Certificate, Rejection> {
        let Some(identifier) = self.identifier.as_ref().filter(|_| self.version == 1) else {
            return Err(invalid(
                "the time-stamp names its signer by a key identifier, not by issuer and serial \
                 number",
            ));
        };
        let attribute = self
            .attributes()?
            .required(signing_certificate::OID, signing_certificate::NAME)?;
        let reference = SignerReference::parse(&attribute)?;
        let certificate = certificates
            .iter()
            .find(|certificate| identifier.names(certificate))
            .ok_or_else(|| {
                invalid("the certificate of the time-stamp's signer is not in the time-stamp")
                    .remedy("ask the authority for time-stamps with its certificate (`certReq`)")
            })?;
        if let Some(other) = reference.issuer_and_serial
            && other != *identifier
        {
            return Err(invalid(
                "the time-stamp's signing-certificate-v2 and its signer identifier name two \
                 certificates",
            ));
        }
        if provider.hash(reference.hash.algorithm(), certificate.der()) == reference.hash {
            Ok(certificate)
        } else {
            Err(invalid(format!(
                "the time-stamp's signing-certificate-v2 has the hash of another certificate than \
                 `{}`",
                certificate.subject()
            ))
            .about(certificate.summary(None)))
        }
    }

    /// Whether the signed attributes are about this content (RFC 5652 sections
    /// 5.4, 11.1 and 11.2).
    pub(super) fn check_content(
        &self,
        content_type: ObjectIdentifier,
        content: &[u8],
        provider: &Provider,
    ) -> Result<(), Rejection> {
        let attributes = self.attributes()?;
        let stated = attributes.required(CONTENT_TYPE, "content-type")?;
        if stated.tag() != tag::OBJECT_IDENTIFIER || stated.value() != content_type.as_bytes() {
            return Err(invalid(
                "the time-stamp's signed content-type is not that of its content",
            ));
        }
        let hash = self.digest_algorithm.as_ref().map_err(|oid| {
            invalid(format!(
                "the time-stamp uses the digest algorithm `{oid}`: only SHA-256, SHA-384 and \
                 SHA-512 are accepted"
            ))
        })?;
        let stated = attributes.required(MESSAGE_DIGEST, "message-digest")?;
        let stated = (stated.tag() == tag::OCTET_STRING)
            .then(|| Digest::new(*hash, stated.value()))
            .flatten();
        if stated == Some(provider.hash(*hash, content)) {
            Ok(())
        } else {
            Err(invalid(
                "the time-stamp's signed message-digest is not that of its content",
            ))
        }
    }

    /// The `signing-time` attribute, where there is one.
    pub(super) fn signing_time(&self) -> Result<Option<Time>, Rejection> {
        self.attributes()?
            .single(SIGNING_TIME, "signing-time")?
            .map(|element| element.time())
            .transpose()
            .map_err(|error| Problem::Der(error).of("the time-stamp's signing-time"))
    }

    /// Whether the signature is one of `certificate`'s key.
    pub(super) fn check_signature(&self, certificate: &Certificate) -> Result<(), Rejection> {
        let scheme = self.signature_algorithm.as_ref().map_err(|oid| {
            invalid(format!(
                "the time-stamp is signed with the algorithm `{oid}`, which is not accepted"
            ))
        })?;
        let about = |problem: String| {
            invalid(format!(
                "the time-stamp's signature is not one of `{}`: {problem}",
                certificate.subject()
            ))
            .about(certificate.summary(Some(0)))
        };
        certificate
            .key()
            .map_err(|error| about(error.to_string()))?
            .verify(*scheme, self.attributes()?.to_be_signed(), &self.signature)
            .map_err(|error| about(error.to_string()))
    }

    /// Only content of type id-data may be signed without attributes (RFC 5652
    /// section 5.3).
    fn attributes(&self) -> Result<&SignedAttributes, Rejection> {
        self.attributes
            .as_ref()
            .ok_or_else(|| invalid("the time-stamp has no signed attributes"))
    }
}

fn issuer_and_serial(element: &Element<'_>) -> Result<IssuerAndSerial, Problem> {
    let mut fields = element.reader();
    let issuer = fields.expect(tag::SEQUENCE, "no issuer of a signer's certificate")?;
    let serial_number =
        fields.expect(tag::INTEGER, "no serial number of a signer's certificate")?;
    fields.finish()?;
    Ok(IssuerAndSerial {
        issuer: issuer.raw().into(),
        serial_number: serial_number.integer()?.into(),
    })
}

/// The signature algorithm. `rsaEncryption` stands for PKCS #1 v1.5 with the
/// digest algorithm (RFC 3370 section 3.2); others name their hash.
fn scheme(
    identifier: &Element<'_>,
    digest: &Algorithm<HashAlgorithm>,
) -> Result<Algorithm<Scheme>, Problem> {
    let oid = algorithm_name(identifier);
    let first = identifier.reader().element()?;
    if first.value() == RSA_ENCRYPTION.as_bytes() {
        return Ok(digest.clone().map(Scheme::RsaPkcs1));
    }
    Ok(match SignatureIdentifier::parse(identifier)? {
        SignatureIdentifier::Scheme(scheme) => Ok(scheme),
        SignatureIdentifier::Sha1 | SignatureIdentifier::Unknown(_) => Err(oid),
    })
}
