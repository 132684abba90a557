//! Expiry (trust-store-trust-policy, "Validate Expiry"): the signer's own "best
//! by use" time.

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{CheckResult, Reason, Rejection};

/// The check. The appendix of the signature specification counts the moment of
/// expiry itself as expired.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    match facts.signed.expiry() {
        None => Checked::passed("the signature has no expiry"),
        Some(expiry) if facts.now < expiry => {
            Checked::passed(format!("the signature expires at {expiry}"))
        }
        Some(expiry) => Checked::Done(CheckResult::Failed(
            Rejection::new(
                Reason::SignatureExpired,
                format!("the signature expired at {expiry}, and it is {}", facts.now),
            )
            .remedy("ask the signer for a new signature, or set `expiry` to `log` in the policy"),
        )),
    }
}
