//! [`Chain`]: the certificate requirements of the specification
//! (signature-specification, "Certificate Requirements").

use std::fmt;
use std::sync::Arc;

use super::Certificate;
use super::extensions::{Purpose, Usage};
use crate::crypto::{KeyError, SignatureAlgorithm};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;

/// A chain that meets the certificate requirements: ordered from the signing
/// certificate to a self-signed root, every signature verified.
///
/// Being a chain says nothing about trust or time. Whether one of the
/// certificates is in a trust store, and whether all were valid at some moment,
/// are checks of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct Chain {
    certificates: Arc<[Certificate]>,
    algorithm: SignatureAlgorithm,
}

/// What the leaf of a chain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    CodeSigning,
    TimeStamping,
}

impl Chain {
    /// A chain of a signing certificate, leaf first.
    ///
    /// # Errors
    /// [`Reason::CertChainMissing`] for no certificates,
    /// [`Reason::LimitExceeded`] for too many, [`Reason::KeyUnsupported`] where
    /// the leaf's key is not one of the specification,
    /// [`Reason::CertMalformed`] where the leaf's key is malformed, and
    /// [`Reason::CertChainInvalid`] for every other rule.
    pub fn code_signing(
        certificates: Vec<Certificate>,
        limits: &Limits,
    ) -> Result<Self, Rejection> {
        Self::build(certificates, Role::CodeSigning, limits)
    }

    /// A chain of a time-stamping certificate, leaf first.
    ///
    /// # Errors
    /// As for [`Chain::code_signing`].
    pub fn time_stamping(
        certificates: Vec<Certificate>,
        limits: &Limits,
    ) -> Result<Self, Rejection> {
        Self::build(certificates, Role::TimeStamping, limits)
    }

    fn build(
        certificates: Vec<Certificate>,
        role: Role,
        limits: &Limits,
    ) -> Result<Self, Rejection> {
        let Some(leaf) = certificates.first() else {
            return Err(Rejection::new(
                Reason::CertChainMissing,
                "there is no certificate chain",
            ));
        };
        if certificates.len() > limits.chain_certificates {
            return Err(Rejection::new(
                Reason::LimitExceeded,
                format!(
                    "the chain has {} certificates, more than the limit of {}",
                    certificates.len(),
                    limits.chain_certificates
                ),
            ));
        }
        let algorithm = leaf.signing_algorithm()?;
        leaf.key().map_err(|error| unusable_leaf_key(leaf, error))?;
        // From the root down, as RFC 5280 section 6.1 goes: what is wrong at the
        // top explains what is wrong below it.
        for (position, certificate) in certificates.iter().enumerate().rev() {
            match certificates.get(position + 1) {
                Some(issuer) => issued_by(certificate, issuer),
                None => self_signed(certificate),
            }
            .and_then(|()| match position {
                0 => leaf_rules(certificate, role),
                _ => authority_rules(certificate, position, role),
            })
            .map_err(|problem| problem.about(certificate, position))?;
        }
        Ok(Self {
            certificates: certificates.into(),
            algorithm,
        })
    }

    /// The certificates, leaf first. At least one.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The signing certificate.
    #[must_use]
    #[allow(clippy::indexing_slicing)] // `build` lets no empty chain pass
    pub fn leaf(&self) -> &Certificate {
        &self.certificates[0]
    }

    /// The self-signed certificate at the end; that of a single-certificate chain
    /// is the leaf.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.certificates.last().unwrap_or_else(|| self.leaf())
    }

    /// The algorithm that the leaf's key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The first certificate, leaf first, that is not valid at `at`, with its
    /// position.
    #[must_use]
    pub fn first_outside_validity(&self, at: Time) -> Option<(&Certificate, usize)> {
        self.certificates
            .iter()
            .zip(0..)
            .find(|(certificate, _)| !certificate.is_valid_at(at))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("algorithm", &self.algorithm)
            .field("certificates", &self.certificates)
            .finish()
    }
}

/// A broken rule: what is wrong, and what to change.
struct Problem {
    what: String,
    remedy: &'static str,
}

impl Problem {
    fn new(what: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            what: what.into(),
            remedy,
        }
    }

    fn about(self, certificate: &Certificate, position: usize) -> Rejection {
        Rejection::new(
            Reason::CertChainInvalid,
            format!(
                "certificate {position} of the chain, `{}`: {}",
                certificate.subject(),
                self.what
            ),
        )
        .remedy(self.remedy)
        .about(certificate.summary(Some(position)))
    }
}

const ISSUE_ANEW: &str = "have the certificate issued with the extensions that the Notary Project specification requires";
const ORDER: &str =
    "put the complete chain into the signature: signing certificate, intermediates, root";

fn unusable_leaf_key(leaf: &Certificate, error: KeyError) -> Rejection {
    let reason = match error {
        KeyError::Malformed => Reason::CertMalformed,
        KeyError::Unsupported => Reason::KeyUnsupported,
    };
    Rejection::new(
        reason,
        format!("the key of `{}` cannot be used: {error}", leaf.subject()),
    )
    .about(leaf.summary(Some(0)))
}

/// "Leaf Certificates".
fn leaf_rules(leaf: &Certificate, role: Role) -> Result<(), Problem> {
    if leaf.basic_constraints().is_some_and(|basic| basic.ca) {
        return Err(Problem::new(
            "a certificate authority's certificate cannot sign artifacts or time-stamps (basicConstraints has cA)",
            "sign with an end-entity certificate",
        ));
    }
    let usage = key_usage(leaf, role)?;
    if !usage.has(Usage::DigitalSignature) {
        return Err(Problem::new("keyUsage lacks digitalSignature", ISSUE_ANEW));
    }
    let forbidden = [
        Usage::KeyEncipherment,
        Usage::DataEncipherment,
        Usage::KeyAgreement,
        Usage::KeyCertSign,
        Usage::CrlSign,
        Usage::EncipherOnly,
        Usage::DecipherOnly,
    ];
    if let Some(found) = forbidden.into_iter().find(|bit| usage.has(*bit)) {
        return Err(Problem::new(
            format!(
                "keyUsage has {}, which a signing certificate must not have",
                found.as_str()
            ),
            ISSUE_ANEW,
        ));
    }
    match role {
        Role::CodeSigning => code_signing_purposes(leaf),
        Role::TimeStamping => time_stamping_purpose(leaf),
    }
}

/// The forbidden purposes of the specification, and `OCSPSigning`, which the
/// reference forbids too.
fn code_signing_purposes(leaf: &Certificate) -> Result<(), Problem> {
    let forbidden = [
        Purpose::Any,
        Purpose::ServerAuth,
        Purpose::ClientAuth,
        Purpose::EmailProtection,
        Purpose::TimeStamping,
        Purpose::OcspSigning,
    ];
    match forbidden
        .into_iter()
        .find(|purpose| leaf.has_purpose(*purpose))
    {
        Some(found) => Err(Problem::new(
            format!(
                "extendedKeyUsage has {}, which a code signing certificate must not have",
                found.as_str()
            ),
            ISSUE_ANEW,
        )),
        None => Ok(()),
    }
}

/// RFC 3161 section 2.3: critical, and nothing else.
fn time_stamping_purpose(leaf: &Certificate) -> Result<(), Problem> {
    match leaf.extended_key_usage() {
        Some(usage) if usage.purposes == [Purpose::TimeStamping] && usage.critical => Ok(()),
        _ => Err(Problem::new(
            "a time-stamping certificate needs extendedKeyUsage, critical, with timeStamping and nothing else",
            "use a time-stamping authority that follows RFC 3161",
        )),
    }
}

/// "Root and Intermediate CA Certificates".
fn authority_rules(authority: &Certificate, position: usize, role: Role) -> Result<(), Problem> {
    let Some(basic) = authority.basic_constraints() else {
        return Err(Problem::new("basicConstraints is missing", ISSUE_ANEW));
    };
    if !basic.ca {
        return Err(Problem::new(
            "it is not a certificate authority's (basicConstraints lacks cA)",
            ORDER,
        ));
    }
    if !basic.critical {
        return Err(Problem::new(
            "basicConstraints is not marked critical",
            ISSUE_ANEW,
        ));
    }
    // Authorities between this one and the leaf. Self-issued ones count, as in
    // the reference; the specification speaks of the depth of the chain.
    let below = position.saturating_sub(1);
    if let Some(allowed) = basic.path_length
        && u64::try_from(below).is_ok_and(|below| below > allowed)
    {
        return Err(Problem::new(
            format!("its path length allows {allowed} authorities below it, the chain has {below}"),
            "shorten the chain or have the authority's certificate issued with a larger path length",
        ));
    }
    if key_usage(authority, role)?.has(Usage::KeyCertSign) {
        Ok(())
    } else {
        Err(Problem::new("keyUsage lacks keyCertSign", ISSUE_ANEW))
    }
}

/// Key usage is there; for code signing it is critical.
fn key_usage(certificate: &Certificate, role: Role) -> Result<super::KeyUsage, Problem> {
    match certificate.key_usage() {
        None => Err(Problem::new("keyUsage is missing", ISSUE_ANEW)),
        Some(usage) if role == Role::CodeSigning && !usage.critical => {
            Err(Problem::new("keyUsage is not marked critical", ISSUE_ANEW))
        }
        Some(usage) => Ok(usage),
    }
}

/// Names first: they cost nothing. SHA-1 is refused with the signature.
fn issued_by(certificate: &Certificate, issuer: &Certificate) -> Result<(), Problem> {
    if certificate.issuer() != issuer.subject() {
        return Err(Problem::new(
            format!(
                "its issuer is `{}`, the next certificate's subject is `{}` (names are compared octet by octet)",
                certificate.issuer(),
                issuer.subject()
            ),
            ORDER,
        ));
    }
    // A root ends the chain: nothing follows it, not even itself.
    if certificate.issuer() == certificate.subject()
        && certificate.is_issued_by_signature(certificate).is_ok()
    {
        return Err(Problem::new(
            "it is self-signed, and another certificate follows it",
            ORDER,
        ));
    }
    certificate
        .is_issued_by_signature(issuer)
        .map_err(|mismatch| {
            Problem::new(
                format!(
                    "it was not issued by the next certificate, `{}`: {mismatch}",
                    issuer.subject()
                ),
                ORDER,
            )
        })
}

fn self_signed(root: &Certificate) -> Result<(), Problem> {
    if root.issuer() != root.subject() {
        return Err(Problem::new(
            format!(
                "it ends the chain and must be a self-signed root, but its issuer is `{}`",
                root.issuer()
            ),
            ORDER,
        ));
    }
    root.is_issued_by_signature(root).map_err(|mismatch| {
        Problem::new(
            format!("it ends the chain and must be a self-signed root: {mismatch}"),
            ORDER,
        )
    })
}
