//! Extended signed attributes that are marked critical and not understood
//! (signature-specification, "Extended attributes": MUST cause verification to
//! fail). Attributes of plugins are judged by [`plugin`](super::plugin) where a
//! plugin is named; a minimum version without a plugin is not understood.

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{CheckResult, Reason, Rejection};

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    let unknown: Vec<String> = facts
        .signed
        .extended_attributes()
        .iter()
        .filter(|attribute| attribute.critical)
        .map(|attribute| format!("`{}`", attribute.key))
        .collect();
    if unknown.is_empty() {
        return Checked::passed("every critical attribute is understood");
    }
    Checked::Done(CheckResult::Failed(
        Rejection::new(
            Reason::CriticalAttributeUnknown,
            format!(
                "the signature marks attributes as critical that this verifier does not know: {}",
                unknown.join(", ")
            ),
        )
        .remedy("ask the signer what the attributes mean, or for a signature without them"),
    ))
}
