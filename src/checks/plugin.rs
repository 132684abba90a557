//! Verification plugins (plugin-extensibility; signature-specification,
//! "Guidelines for implementations").
//!
//! A signature that names a plugin cannot be judged without it. This verifier
//! runs no plugins, so such a signature is refused, whatever the level.

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{CheckResult, Reason, Rejection};

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    let rejection = match facts.signed.verification_plugin() {
        Ok(None) => return Checked::passed("the signature names no verification plugin"),
        Ok(Some(plugin)) => {
            let version = match facts.signed.verification_plugin_min_version() {
                Ok(Some(version)) => format!(", version {version} or later"),
                Ok(None) => String::new(),
                Err(rejection) => return Checked::Done(CheckResult::Failed(rejection)),
            };
            Rejection::new(
                Reason::PluginRequired,
                format!("the signature needs the verification plugin `{plugin}`{version}"),
            )
            .remedy(
                "this verifier runs no plugins: verify this signature with a tool that has the \
                 plugin, or ask the signer for a signature without one",
            )
        }
        Err(rejection) => rejection,
    };
    Checked::Done(CheckResult::Failed(rejection))
}
