//! Revocation (trust-store-trust-policy, "Certificate Revocation Evaluation"):
//! OCSP first, CRLs where that does not say.
//!
//! Nothing is fetched here. [`evaluate`] says what it needs, for all
//! certificates of a chain at the same time, and runs again when the host has
//! brought it. What it does not say is never asked for twice: a failed fetch is
//! [`Evidence`] too.

mod address;
pub mod crl;
mod delta;
pub mod ocsp;
mod scope;
mod verdict;

pub use verdict::conclude;

use std::fmt;

use crate::crypto::Provider;
use crate::evidence::{Evidence, EvidenceRequest};
use crate::limits::Limits;
use crate::time::Time;
use crate::x509::{Certificate, RevocationReason};

/// What an evaluation is about, besides certificates and evidence.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The moment of verification.
    pub now: Time,
    /// When the artifact was signed, where that is known from somebody who may
    /// say so: a signing authority, or the upper end of a verified time-stamp.
    /// An invalidity date after it does not revoke.
    pub authentic_signing_time: Option<Time>,
    /// Cryptography.
    pub provider: &'a Provider,
    /// Bounds.
    pub limits: &'a Limits,
}

impl<'a> Context<'a> {
    /// A context without an authentic signing time: every revocation counts.
    #[must_use]
    pub const fn new(now: Time, provider: &'a Provider, limits: &'a Limits) -> Self {
        Self {
            now,
            authentic_signing_time: None,
            provider,
            limits,
        }
    }
}

/// How a status is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Online Certificate Status Protocol (RFC 6960).
    Ocsp,
    /// A certificate revocation list (RFC 5280).
    Crl,
}

impl Method {
    /// `OCSP` or `CRL`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ocsp => "OCSP",
            Self::Crl => "CRL",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one source says about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revocation),
    /// Nothing; the text says why.
    Unknown(String),
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When.
    pub date: Time,
    /// Why, where the source says so.
    pub reason: Option<RevocationReason>,
    /// Since when the key is not to be trusted, where the source says so.
    pub invalidity_date: Option<Time>,
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revoked at {}", self.date)?;
        if let Some(reason) = self.reason {
            write!(f, " with the reason `{reason}`")?;
        }
        if let Some(date) = self.invalidity_date {
            write!(f, ", invalid since {date}")?;
        }
        Ok(())
    }
}

impl Revocation {
    /// Whether the artifact was signed before the certificate became invalid:
    /// then this revocation does not count.
    fn is_after_signing(&self, context: &Context<'_>) -> bool {
        matches!(
            (context.authentic_signing_time, self.invalidity_date),
            (Some(signed), Some(invalid)) if signed < invalid
        )
    }
}

/// One source that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// How.
    pub method: Method,
    /// The address, as the certificate has it.
    pub url: String,
    /// What it said.
    pub answer: Answer,
}

/// The status of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has no addresses, or it is the root: nobody can revoke it.
    NotRevocable,
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revocation),
    /// The sources did not say.
    Unknown,
}

/// The status of one certificate, and the sources that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateStatus {
    /// The status.
    pub status: Status,
    /// What was looked at, in order. The last one decided, where one did.
    pub attempts: Vec<Attempt>,
}

/// What must be fetched before there is an answer.
type Pending = Vec<EvidenceRequest>;

/// The status of every certificate of `chain` (signing certificate first, root
/// last, each issued by the next).
///
/// Where one certificate is found to be revoked nothing more is asked for: the
/// status of others may then be [`Status::Unknown`] without attempts.
///
/// # Errors
/// What must be fetched first, all of it at the same time. Insert what came of
/// each request into `evidence` and call again.
pub fn evaluate(
    chain: &[Certificate],
    context: &Context<'_>,
    evidence: &Evidence,
) -> Result<Vec<CertificateStatus>, Vec<EvidenceRequest>> {
    let mut statuses = Vec::with_capacity(chain.len());
    let mut pending = Vec::new();
    let mut revoked = false;
    for (position, certificate) in chain.iter().enumerate() {
        // Nobody above the root could revoke it.
        let status = match chain.get(position.saturating_add(1)) {
            Some(issuer) => certificate_status(certificate, issuer, context, evidence),
            None => Ok(CertificateStatus {
                status: Status::NotRevocable,
                attempts: Vec::new(),
            }),
        };
        statuses.push(status.unwrap_or_else(|requests| {
            pending.extend(requests);
            CertificateStatus {
                status: Status::Unknown,
                attempts: Vec::new(),
            }
        }));
        revoked |= statuses
            .last()
            .is_some_and(|last| matches!(last.status, Status::Revoked(_)));
    }
    if pending.is_empty() || revoked {
        return Ok(statuses);
    }
    pending.sort_unstable();
    pending.dedup();
    Err(pending)
}

fn certificate_status(
    certificate: &Certificate,
    issuer: &Certificate,
    context: &Context<'_>,
    evidence: &Evidence,
) -> Result<CertificateStatus, Pending> {
    let subject = Subject {
        certificate,
        issuer,
        context,
        evidence,
    };
    let mut attempts = Vec::new();
    let ocsp = subject.by_ocsp(&mut attempts)?;
    let status = match ocsp {
        // "If revocation status cannot be determined using OCSP because of any
        // reason such as unavailability then fallback to using CRLs".
        Status::NotRevocable | Status::Unknown => match subject.by_crl(&mut attempts)? {
            Status::NotRevocable => ocsp,
            crl => crl,
        },
        Status::Good | Status::Revoked(_) => ocsp,
    };
    Ok(CertificateStatus { status, attempts })
}

/// One certificate under evaluation.
#[derive(Clone, Copy)]
struct Subject<'a> {
    certificate: &'a Certificate,
    issuer: &'a Certificate,
    context: &'a Context<'a>,
    evidence: &'a Evidence,
}
