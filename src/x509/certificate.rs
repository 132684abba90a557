//! [`Certificate`]: one X.509 certificate, parsed strictly and kept as it came.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::distribution_point::DistributionPoint;
use super::extensions::{
    BasicConstraints, CRL_DISTRIBUTION_POINTS, ExtendedKeyUsage, Extension, Extensions,
    FRESHEST_CRL, KeyUsage, Purpose,
};
use super::{MalformedEvidence, Name, SignatureIdentifier, key, malformed, name};
use crate::crypto::sha1::{self, Sha1Error};
use crate::crypto::{
    Digest, HashAlgorithm, KeyError, KeyKind, Provider, PublicKey, SignatureAlgorithm,
    SignatureError,
};
use crate::limits::Limits;
use crate::outcome::{CertificateSummary, Reason, Rejection};
use crate::time::Time;
use crate::wire::der::{DerError, Element, tag};

/// A certificate (RFC 5280 section 4.1). Cloning it shares it.
///
/// Parsing says that the encoding is right, not that the certificate may do
/// anything: that is for [`Chain`](super::Chain). Two certificates are equal
/// where their DER is.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Inner>,
}

struct Inner {
    der: Arc<[u8]>,
    fields: Fields,
    issuer: Name,
    subject: Name,
    /// Whether the key is within the limits and may be loaded.
    key_is_loadable: bool,
    provider: Provider,
    key: OnceLock<Result<PublicKey, KeyError>>,
    sha256: OnceLock<Digest>,
}

/// The parts of a certificate, as ranges into its DER where they are octets.
struct Fields {
    tbs: Range<usize>,
    serial_number: Range<usize>,
    signature_algorithm: SignatureIdentifier,
    issuer: Range<usize>,
    not_before: Time,
    not_after: Time,
    subject: Range<usize>,
    spki: Range<usize>,
    key_kind: Option<KeyKind>,
    extensions: Extensions,
    signature: Range<usize>,
}

/// Why a certificate was not signed by another one's key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerMismatch {
    /// SHA-1 is banned.
    #[error("it is signed with SHA-1, which is not allowed")]
    Sha1,
    /// An algorithm that is not known; its object identifier.
    #[error("it is signed with the algorithm `{0}`, which is not supported")]
    UnknownAlgorithm(String),
    /// An RSA key of fewer than 1,024 bits.
    #[error("the issuer's RSA key has {0} bits, fewer than 1024")]
    WeakKey(usize),
    /// The issuer's key cannot be used.
    #[error("the issuer's key cannot be used: {0}")]
    Key(#[source] KeyError),
    /// The signature does not verify.
    #[error("its signature does not verify with the issuer's key")]
    Signature(#[source] SignatureError),
}

/// Bits of the smallest RSA key whose signatures count anywhere. The
/// specification bounds signing keys only; the reference's library refuses keys
/// below this one.
const MIN_RSA_BITS: usize = 1_024;

impl Certificate {
    /// Parses the DER of one certificate. Keys and hashes are computed with
    /// `provider` when they are first asked for.
    ///
    /// # Errors
    /// [`Reason::CertMalformed`] where it is not well-formed,
    /// [`Reason::LimitExceeded`] where it is larger than `limits` allow.
    pub fn parse(der: &[u8], provider: &Provider, limits: &Limits) -> Result<Self, Rejection> {
        if der.len() > limits.certificate_bytes {
            return Err(Rejection::new(
                Reason::LimitExceeded,
                format!(
                    "a certificate has {} octets, more than the limit of {}",
                    der.len(),
                    limits.certificate_bytes
                ),
            ));
        }
        let fields = Fields::parse(der, limits)?;
        let key_is_loadable = match fields.key_kind {
            Some(KeyKind::Rsa { bits }) => bits.div_ceil(8) <= limits.rsa_modulus_bytes,
            Some(KeyKind::Ec(_) | KeyKind::Ed25519) => true,
            None => false,
        };
        let der: Arc<[u8]> = Arc::from(der);
        Ok(Self {
            inner: Arc::new(Inner {
                issuer: Name::of(Arc::clone(&der), fields.issuer.clone()),
                subject: Name::of(Arc::clone(&der), fields.subject.clone()),
                der,
                fields,
                key_is_loadable,
                provider: *provider,
                key: OnceLock::new(),
                sha256: OnceLock::new(),
            }),
        })
    }

    fn octets(&self, range: &Range<usize>) -> &[u8] {
        self.inner.der.get(range.clone()).unwrap_or(&[])
    }

    /// The whole certificate, as it came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// The `tbsCertificate`, as it came: what the issuer signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.octets(&self.inner.fields.tbs)
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.inner.subject
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.inner.issuer
    }

    /// The octets of the serial number as they are encoded: big-endian, not
    /// negative, with a zero octet in front where the first bit is set.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        self.octets(&self.inner.fields.serial_number)
    }

    /// Start of validity.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.inner.fields.not_before
    }

    /// End of validity, inclusive.
    #[must_use]
    pub fn not_after(&self) -> Time {
        self.inner.fields.not_after
    }

    /// Whether `at` is within the validity, ends included.
    #[must_use]
    pub fn is_valid_at(&self, at: Time) -> bool {
        (self.not_before()..=self.not_after()).contains(&at)
    }

    /// Basic constraints, where the certificate has them.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.inner.fields.extensions.basic_constraints
    }

    /// Key usage, where the certificate has it.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.inner.fields.extensions.key_usage
    }

    /// Extended key usage, where the certificate has it.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.inner.fields.extensions.extended_key_usage.as_ref()
    }

    /// Whether extended key usage names `purpose`.
    #[must_use]
    pub fn has_purpose(&self, purpose: Purpose) -> bool {
        self.extended_key_usage()
            .is_some_and(|usage| usage.purposes.contains(&purpose))
    }

    /// All extensions, not interpreted, in encoded order.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.inner.fields.extensions.iter(&self.inner.der)
    }

    /// The extension whose object identifier has the DER contents `oid`.
    #[must_use]
    pub fn extension(&self, oid: &[u8]) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.oid == oid)
    }

    /// The subject key identifier, where there is a well-formed one.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.inner.fields.extensions.subject_key_id(&self.inner.der)
    }

    /// The key identifier of the authority key identifier, where there is one.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.inner
            .fields
            .extensions
            .authority_key_id(&self.inner.der)
    }

    /// The addresses of OCSP responders, in encoded order.
    #[must_use]
    pub fn ocsp_urls(&self) -> Vec<&str> {
        self.inner.fields.extensions.ocsp_urls(&self.inner.der)
    }

    /// The addresses of certificate revocation lists, in encoded order.
    #[must_use]
    pub fn crl_urls(&self) -> Vec<&str> {
        self.inner.fields.extensions.crl_urls(&self.inner.der)
    }

    /// Where the lists are that can revoke this certificate, in encoded order.
    ///
    /// # Errors
    /// Where the extension is malformed.
    pub fn crl_distribution_points(&self) -> Result<Vec<DistributionPoint<'_>>, MalformedEvidence> {
        match self.extension(CRL_DISTRIBUTION_POINTS.as_bytes()) {
            Some(extension) => DistributionPoint::parse_all(extension.value)
                .map_err(|error| MalformedEvidence::new("extension cRLDistributionPoints", error)),
            None => Ok(Vec::new()),
        }
    }

    /// The addresses of delta lists (`freshestCRL`), in encoded order.
    #[must_use]
    pub fn freshest_crl_urls(&self) -> Vec<&str> {
        self.inner
            .fields
            .extensions
            .freshest_crl_urls(&self.inner.der)
    }

    /// Whether there is an extension `freshestCRL`, with addresses or without.
    #[must_use]
    pub fn has_freshest_crl(&self) -> bool {
        self.extension(FRESHEST_CRL.as_bytes()).is_some()
    }

    /// The `SubjectPublicKeyInfo`, as it came.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.octets(&self.inner.fields.spki)
    }

    /// The octets of the `subjectPublicKey`, without tag, length and the count
    /// of unused bits: what OCSP and key identifiers hash.
    #[must_use]
    pub fn public_key_octets(&self) -> &[u8] {
        let octets = || {
            let mut fields = Element::only(self.spki()).ok()?.reader();
            fields.element().ok()?;
            fields.element().ok()?.bit_octets().ok()
        };
        octets().unwrap_or(&[])
    }

    /// Algorithm and size of the key, or `None` where the algorithm is not one
    /// of ours.
    #[must_use]
    pub fn key_kind(&self) -> Option<KeyKind> {
        self.inner.fields.key_kind
    }

    /// The public key, loaded when it is first asked for and kept.
    ///
    /// # Errors
    /// Where it is malformed, larger than the limits, or of an algorithm that no
    /// backend serves.
    pub fn key(&self) -> Result<&PublicKey, KeyError> {
        if !self.inner.key_is_loadable {
            return Err(KeyError::Unsupported);
        }
        self.inner
            .key
            .get_or_init(|| self.inner.provider.load_key(self.spki()))
            .as_ref()
            .map_err(|error| *error)
    }

    /// The algorithm that this certificate's key signs envelopes with
    /// (signature-specification, "Algorithm Selection"). Looks at the key's kind
    /// only.
    ///
    /// # Errors
    /// [`Reason::KeyUnsupported`] where the specification does not allow the key.
    pub fn signing_algorithm(&self) -> Result<SignatureAlgorithm, Rejection> {
        self.key_kind()
            .and_then(SignatureAlgorithm::for_key)
            .ok_or_else(|| {
                let key = match self.key_kind() {
                    Some(KeyKind::Rsa { bits }) => format!("an RSA key of {bits} bits"),
                    Some(KeyKind::Ec(curve)) => {
                        format!("an elliptic curve key of {} bits", curve.bits())
                    }
                    Some(KeyKind::Ed25519) => "an Ed25519 key".to_owned(),
                    None => "a key of another algorithm than RSA and ECDSA".to_owned(),
                };
                Rejection::new(
                    Reason::KeyUnsupported,
                    format!("the signing certificate `{}` has {key}", self.subject()),
                )
                .remedy("sign with RSA 2048, 3072 or 4096, or with ECDSA on P-256, P-384 or P-521")
                .about(self.summary(Some(0)))
            })
    }

    /// The algorithm of the certificate's own signature.
    #[must_use]
    pub fn signature_algorithm(&self) -> &SignatureIdentifier {
        &self.inner.fields.signature_algorithm
    }

    /// The octets of the certificate's own signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.octets(&self.inner.fields.signature)
    }

    /// Whether this certificate is signed with the key of `issuer`. Names,
    /// constraints and time are not looked at.
    ///
    /// # Errors
    /// Where it is not.
    pub fn is_issued_by_signature(&self, issuer: &Self) -> Result<(), IssuerMismatch> {
        issuer.verify(self.signature_algorithm(), self.tbs(), self.signature())
    }

    /// Whether `signature` is one of this certificate's key over `message`:
    /// certificates, CRLs and OCSP responses.
    ///
    /// # Errors
    /// Where it is not.
    pub fn verify(
        &self,
        algorithm: &SignatureIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), IssuerMismatch> {
        let scheme = match algorithm {
            SignatureIdentifier::Scheme(scheme) => *scheme,
            SignatureIdentifier::Sha1 => return Err(IssuerMismatch::Sha1),
            SignatureIdentifier::Unknown(oid) => {
                return Err(IssuerMismatch::UnknownAlgorithm(oid.clone()));
            }
        };
        if let Some(KeyKind::Rsa { bits }) = self.key_kind()
            && bits < MIN_RSA_BITS
        {
            return Err(IssuerMismatch::WeakKey(bits));
        }
        self.key()
            .map_err(IssuerMismatch::Key)?
            .verify(scheme, message, signature)
            .map_err(IssuerMismatch::Signature)
    }

    /// The same for CRLs and OCSP responses, where SHA-1 is allowed too, as in the
    /// reference implementation: the specification bans it for certificates.
    ///
    /// # Errors
    /// Where it is not.
    pub(crate) fn verify_allowing_sha1(
        &self,
        algorithm: &SignatureIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), IssuerMismatch> {
        if *algorithm != SignatureIdentifier::Sha1 {
            return self.verify(algorithm, message, signature);
        }
        sha1::verify(self.spki(), message, signature).map_err(|error| match error {
            Sha1Error::Key(error) => IssuerMismatch::Key(error),
            Sha1Error::Signature(error) => IssuerMismatch::Signature(error),
        })
    }

    /// Whether this certificate's key signed `other`, with SHA-1 allowed: the
    /// certificates of OCSP responders are no part of a chain.
    ///
    /// # Errors
    /// Where it did not.
    pub(crate) fn verify_signature_on(&self, other: &Self) -> Result<(), IssuerMismatch> {
        self.verify_allowing_sha1(other.signature_algorithm(), other.tbs(), other.signature())
    }

    /// SHA-256 of the DER, computed when it is first asked for and kept.
    #[must_use]
    pub fn sha256(&self) -> &Digest {
        self.inner.sha256.get_or_init(|| {
            self.inner
                .provider
                .hash(HashAlgorithm::Sha256, &self.inner.der)
        })
    }

    /// What a person needs to recognise this certificate; `position` is its place
    /// in a chain.
    #[must_use]
    pub fn summary(&self, position: Option<usize>) -> CertificateSummary {
        let serial_number = match self.serial_number() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            octets => octets,
        };
        CertificateSummary {
            position,
            subject: self.subject().to_string(),
            issuer: self.issuer().to_string(),
            serial_number: serial_number
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect(),
            sha256: self.sha256().to_hex(),
            not_before: self.not_before(),
            not_after: self.not_after(),
        }
    }
}

impl Fields {
    fn parse(der: &[u8], limits: &Limits) -> Result<Self, Rejection> {
        let names = |name: &Element<'_>| name::check(name, limits);
        Self::read(der, names).map_err(|error| match error {
            Problem::Der(error) => malformed("the certificate", error),
            Problem::Rejected(rejection) => *rejection,
        })
    }

    fn read(
        der: &[u8],
        check_name: impl Fn(&Element<'_>) -> Result<(), Rejection>,
    ) -> Result<Self, Problem> {
        let certificate = Element::only(der)?;
        if certificate.tag() != tag::SEQUENCE {
            return Err(certificate.error("something that is no sequence").into());
        }
        let mut outer = certificate.reader();
        let tbs = outer.expect(tag::SEQUENCE, "no tbsCertificate")?;
        let outer_algorithm = outer.expect(tag::SEQUENCE, "no signatureAlgorithm")?;
        let signature = outer.expect(tag::BIT_STRING, "no signatureValue")?;
        outer.finish()?;

        let mut fields = tbs.reader();
        let version = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) => Element::only(explicit.value())
                .ok()
                .filter(|version| version.tag() == tag::INTEGER)
                .and_then(|version| version.small_unsigned().ok())
                .filter(|version| *version <= 2)
                .ok_or_else(|| explicit.error("a version that is not 1, 2 or 3"))?,
            None => 0,
        };
        let serial_number = fields.expect(tag::INTEGER, "no serial number")?;
        serial_number.unsigned()?;
        let algorithm = fields.expect(tag::SEQUENCE, "no signature algorithm")?;
        // RFC 5280 section 4.1.1.2, parameters included: the outer one is not
        // signed.
        if algorithm.raw() != outer_algorithm.raw() {
            return Err(algorithm
                .error("a signature algorithm other than the outer one")
                .into());
        }
        let issuer = fields.expect(tag::SEQUENCE, "no issuer")?;
        check_name(&issuer).map_err(Problem::rejected)?;
        let validity = fields.expect(tag::SEQUENCE, "no validity")?;
        let mut times = validity.reader();
        let not_before = times.element()?.time()?;
        let not_after = times.element()?.time()?;
        times.finish()?;
        let subject = fields.expect(tag::SEQUENCE, "no subject")?;
        check_name(&subject).map_err(Problem::rejected)?;
        let spki = fields.expect(tag::SEQUENCE, "no public key")?;
        // Unique identifiers came with version 2, extensions with version 3.
        if version >= 1 {
            fields.optional(tag::context(1))?;
            fields.optional(tag::context(2))?;
        }
        let extensions = match fields.optional(tag::context_constructed(3))? {
            Some(extensions) if version == 2 => Extensions::parse(der, &extensions)?,
            Some(extensions) => {
                return Err(extensions
                    .error("extensions in a certificate that is not of version 3")
                    .into());
            }
            None => Extensions::default(),
        };
        fields.finish()?;

        signature.bit_octets()?;
        Ok(Self {
            tbs: tbs.raw_range(),
            serial_number: serial_number.range(),
            signature_algorithm: SignatureIdentifier::parse(&algorithm)?,
            issuer: issuer.raw_range(),
            not_before,
            not_after,
            subject: subject.raw_range(),
            spki: spki.raw_range(),
            key_kind: key::kind(&spki)?,
            extensions,
            // After the count of unused bits, which is zero.
            signature: signature.range().start.saturating_add(1)..signature.range().end,
        })
    }
}

/// Why a certificate could not be read.
enum Problem {
    Der(DerError),
    Rejected(Box<Rejection>),
}

impl Problem {
    fn rejected(rejection: Rejection) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

impl From<DerError> for Problem {
    fn from(error: DerError) -> Self {
        Self::Der(error)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", self.subject())
            .field("sha256", &self.sha256())
            .finish_non_exhaustive()
    }
}
