//! User metadata: annotations of the signed payload that the caller requires
//! (trust-store-trust-policy, "Signature Verification", last steps). The level
//! does not matter: who asks for metadata wants it.

use std::borrow::Cow;

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{Reason, Rejection};

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    Checked::from_result(compare(facts))
}

fn compare(facts: &Facts<'_>) -> Result<Cow<'static, str>, Rejection> {
    if facts.user_metadata.is_empty() {
        return Ok(Cow::Borrowed("no metadata is required"));
    }
    let signed = &facts.signed.payload()?.target_artifact.annotations;
    for (key, value) in facts.user_metadata {
        match signed.get(key) {
            Some(found) if found == value => {}
            Some(found) => {
                return Err(mismatch(format!(
                    "the signed payload has the metadata `{key}={found}`, not `{key}={value}`"
                )));
            }
            None => {
                return Err(mismatch(format!(
                    "the signed payload has no metadata `{key}`, and `{key}={value}` is required"
                )));
            }
        }
    }
    Ok(Cow::Borrowed(
        "the signed payload has the required metadata",
    ))
}

fn mismatch(detail: String) -> Rejection {
    Rejection::new(Reason::UserMetadataMismatch, detail)
        .remedy("ask for other metadata, or for a signature with it")
}
