//! Trusted identities (trust-store-trust-policy, "Trusted Identities
//! Constraints"): the signing certificate's subject has every attribute of one
//! identity of the policy.

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{Reason, Rejection};
use crate::policy::Identities;
use crate::x509::check_identity_subject;

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    Checked::from_result(match_identity(facts).map(Into::into))
}

fn match_identity(facts: &Facts<'_>) -> Result<&'static str, Rejection> {
    let statement = facts.statement;
    let subjects = match statement.identities() {
        Identities::Any => return Ok("the policy trusts any identity of its trust stores"),
        Identities::Subjects(subjects) => subjects,
    };
    if subjects.is_empty() {
        return Err(Rejection::new(
            Reason::IdentityNoneConfigured,
            format!(
                "trust policy statement `{}` has no identity of type `x509.subject`",
                statement.name()
            ),
        )
        .remedy("add an `x509.subject` identity to `trustedIdentities`, or `*`"));
    }
    let leaf = facts.signed.chain().leaf();
    check_identity_subject(leaf.subject())
        .map_err(|rejection| rejection.about(leaf.summary(Some(0))))?;
    if subjects
        .iter()
        .any(|identity| identity.matches(leaf.subject()))
    {
        return Ok("the signing certificate's subject is a trusted identity");
    }
    Err(Rejection::new(
        Reason::IdentityNotTrusted,
        format!(
            "the signing certificate's subject `{}` matches none of the {} trusted identities of \
             trust policy statement `{}`",
            leaf.subject(),
            subjects.len(),
            statement.name()
        ),
    )
    .about(leaf.summary(Some(0)))
    .remedy("if you trust this signer, add its subject to `trustedIdentities`"))
}
