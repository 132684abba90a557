//! The checks of the specification, one file each.
//!
//! Every check is a pure function from [`Facts`] and
//! [`Evidence`] to a [`Checked`]. The order is that
//! of trust-store-trust-policy, "Signature Verification", "Steps".

pub mod authentic_timestamp;
pub mod authenticity;
mod chain_cache;
pub(crate) mod countersignature;
pub mod critical_attributes;
pub mod expiry;
pub mod integrity;
pub mod plugin;
pub mod revocation;
pub mod target_descriptor;
pub mod trusted_identity;
pub mod user_metadata;

pub use chain_cache::ChainCache;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::crypto::{Digest, Provider};
use crate::envelope::Signed;
use crate::evidence::{Evidence, EvidenceRequest};
use crate::limits::Limits;
use crate::outcome::{Action, Check, CheckResult, Finding, Rejection};
use crate::policy::Statement;
use crate::time::Time;
use crate::trust::TrustStore;
use crate::wire::Descriptor;

/// What is known when the checks after integrity run.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The envelope whose integrity was verified.
    pub signed: &'a Signed,
    /// The statement of the trust policy that applies.
    pub statement: &'a Statement,
    /// The trust stores.
    pub trust: &'a TrustStore,
    /// What the signature should be of.
    pub target: Target<'a>,
    /// Annotations that the caller requires in the signed payload.
    pub user_metadata: &'a BTreeMap<String, String>,
    /// The moment of verification.
    pub now: Time,
    /// The upper limit of the signature's time-stamp: `None` until the check of
    /// the authentic time-stamp has verified one.
    pub stamped: Option<Time>,
    /// Chains of time-stamping authorities that were seen before.
    pub authorities: &'a ChainCache,
    /// Cryptography.
    pub provider: &'a Provider,
    /// Bounds.
    pub limits: &'a Limits,
}

/// What a signature should be of.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An artifact in a registry or layout, by its descriptor.
    Artifact(&'a Descriptor),
    /// A blob, by what its bytes hash to.
    Blob {
        /// The media type that the signature must state, where the caller asks
        /// for one.
        media_type: Option<&'a str>,
        /// Digest with the hash of the signing key's algorithm.
        digest: &'a Digest,
        /// Octets.
        size: u64,
    },
}

/// How far a check came.
#[derive(Clone, Debug)]
pub enum Checked {
    /// To a result.
    Done(CheckResult),
    /// To a pass that also shows when the artifact was signed at the latest.
    Dated {
        /// What was found.
        found: String,
        /// The upper limit of a verified time-stamp.
        time: Time,
    },
    /// It needs this first, all of it at the same time.
    Needs(Vec<EvidenceRequest>),
}

impl Checked {
    fn passed(found: impl Into<Cow<'static, str>>) -> Self {
        Self::Done(CheckResult::Passed(found.into()))
    }

    fn from_result(result: Result<Cow<'static, str>, Rejection>) -> Self {
        Self::Done(match result {
            Ok(found) => CheckResult::Passed(found),
            Err(rejection) => CheckResult::Failed(rejection),
        })
    }
}

/// One check.
pub type CheckFn = fn(&Facts<'_>, &Evidence) -> Checked;

/// The checks after integrity, in order.
pub const AFTER_INTEGRITY: &[(Check, CheckFn)] = &[
    (Check::Plugin, plugin::check),
    (Check::CriticalAttributes, critical_attributes::check),
    (Check::Authenticity, authenticity::check),
    (Check::TrustedIdentity, trusted_identity::check),
    (Check::Expiry, expiry::check),
    (Check::AuthenticTimestamp, authentic_timestamp::check),
    (Check::Revocation, revocation::check),
    (Check::UserMetadata, user_metadata::check),
    (Check::TargetDescriptor, target_descriptor::check),
];

/// Runs every check after integrity. An enforced failure ends the work: what
/// comes after it is `NotEvaluated`, and nothing is fetched for it.
///
/// # Errors
/// The evidence that a check needs before it can come to a result.
pub fn run(facts: &Facts<'_>, evidence: &Evidence) -> Result<Vec<Finding>, Vec<EvidenceRequest>> {
    let mut facts = *facts;
    let mut findings = Vec::with_capacity(AFTER_INTEGRITY.len() + 1);
    findings.push(integrity::passed());
    let mut rejected = false;
    for (check, function) in AFTER_INTEGRITY {
        let action = facts.statement.action(*check);
        let result = if action == Action::Skip {
            CheckResult::Skipped
        } else if rejected {
            CheckResult::NotEvaluated
        } else {
            match function(&facts, evidence) {
                Checked::Done(result) => result,
                Checked::Dated { found, time } => {
                    facts.stamped = Some(time);
                    CheckResult::Passed(found.into())
                }
                Checked::Needs(requests) => return Err(requests),
            }
        };
        let finding = Finding {
            check: *check,
            action,
            result,
        };
        rejected = rejected || finding.rejects();
        findings.push(finding);
    }
    Ok(findings)
}

/// The findings of a signature whose integrity check failed with `rejection`.
#[must_use]
pub fn integrity_failed(statement: &Statement, rejection: Rejection) -> Vec<Finding> {
    let mut findings = Vec::with_capacity(AFTER_INTEGRITY.len() + 1);
    findings.push(integrity::failed(rejection));
    findings.extend(AFTER_INTEGRITY.iter().map(|(check, _)| {
        let action = statement.action(*check);
        Finding {
            check: *check,
            action,
            result: if action == Action::Skip {
                CheckResult::Skipped
            } else {
                CheckResult::NotEvaluated
            },
        }
    }));
    findings
}
