//! Revocation (trust-store-trust-policy, "Validate Revocation Status").

use super::{Checked, Facts, authentic_timestamp};
use crate::evidence::Evidence;
use crate::revocation::{self, Context};

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, evidence: &Evidence) -> Checked {
    let chain = facts.signed.chain().certificates();
    let context = Context {
        now: facts.now,
        authentic_signing_time: authentic_timestamp::authentic_signing_time(facts),
        provider: facts.provider,
        limits: facts.limits,
    };
    match revocation::evaluate(chain, &context, evidence) {
        Ok(statuses) => Checked::from_result(revocation::conclude(chain, &statuses)),
        Err(requests) => Checked::Needs(requests),
    }
}
