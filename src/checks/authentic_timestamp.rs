//! The authentic time of signing (trust-store-trust-policy, "Validate Authentic
//! Timestamp").
//!
//! Under `notary.x509.signingAuthority` the signing authority's time must lie in
//! the validity of every certificate of the chain. Under `notary.x509` the chain
//! must be valid now, unless the policy asks for a time-stamp countersignature.

use std::borrow::Cow;

use super::countersignature::{self, Unverified, Verified};
use super::{Checked, Facts};
use crate::envelope::SigningScheme;
use crate::evidence::Evidence;
use crate::outcome::{CheckResult, Reason, Rejection};
use crate::time::Time;

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, evidence: &Evidence) -> Checked {
    Checked::from_result(match facts.signed.scheme() {
        SigningScheme::SigningAuthority => signing_authority_time(facts),
        SigningScheme::X509 if countersignature::is_needed(facts) => {
            return countersigned(facts, evidence);
        }
        SigningScheme::X509 => valid_now(facts),
    })
}

/// When the artifact was signed, as somebody says whom the policy trusts to say
/// so: the signing authority, or a time-stamping authority whose stamp passed
/// this check. Revocations that take effect later do not count.
pub(super) fn authentic_signing_time(facts: &Facts<'_>) -> Option<Time> {
    match facts.signed.scheme() {
        SigningScheme::SigningAuthority => facts.signed.authentic_signing_time(),
        // The signing time under this scheme is the signer's own word.
        SigningScheme::X509 => facts.stamped,
    }
}

fn signing_authority_time(facts: &Facts<'_>) -> Result<Cow<'static, str>, Rejection> {
    let Some(time) = facts.signed.authentic_signing_time() else {
        return Err(Rejection::new(
            Reason::SigningTimeInvalid,
            "the signature has no authentic signing time",
        ));
    };
    match facts.signed.chain().first_outside_validity(time) {
        None => Ok(Cow::Owned(format!(
            "every certificate was valid at the authentic signing time {time}"
        ))),
        Some((certificate, position)) => Err(Rejection::new(
            Reason::TimestampOutsideValidity,
            format!(
                "certificate {position} (`{}`) was not valid at the authentic signing time {time}: \
                 it is valid from {} to {}",
                certificate.subject(),
                certificate.not_before(),
                certificate.not_after()
            ),
        )
        .about(certificate.summary(Some(position)))),
    }
}

fn valid_now(facts: &Facts<'_>) -> Result<Cow<'static, str>, Rejection> {
    match facts.signed.chain().first_outside_validity(facts.now) {
        None => Ok(Cow::Borrowed("every certificate of the chain is valid now")),
        Some((certificate, position)) => {
            let what = if facts.now < certificate.not_before() {
                format!("is not valid before {}", certificate.not_before())
            } else {
                format!("expired at {}", certificate.not_after())
            };
            Err(Rejection::new(
                Reason::CertOutsideValidity,
                format!(
                    "certificate {position} (`{}`) {what}, and it is {}",
                    certificate.subject(),
                    facts.now
                ),
            )
            .about(certificate.summary(Some(position)))
            .remedy(
                "a time-stamped signature outlives its certificates: ask the signer for one, and \
                 name a `tsa` trust store in the policy",
            ))
        }
    }
}

fn countersigned(facts: &Facts<'_>, evidence: &Evidence) -> Checked {
    match countersignature::verify(facts, evidence) {
        Ok(Verified { stamp, revocation }) => Checked::Dated {
            found: format!(
                "the signature was time-stamped {stamp}, when every certificate of its chain was \
                 valid; the time-stamping authority: {revocation}"
            ),
            time: stamp.latest(),
        },
        Err(Unverified::Rejected(rejection)) => Checked::Done(CheckResult::Failed(rejection)),
        Err(Unverified::Needs(requests)) => Checked::Needs(requests),
    }
}
