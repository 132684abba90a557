//! The authentic time of signing (trust-store-trust-policy, "Validate Authentic
//! Timestamp").
//!
//! Under `notary.x509.signingAuthority` the signing authority's time must lie in
//! the validity of every certificate of the chain. Under `notary.x509` the chain
//! must be valid now, unless the policy asks for a time-stamp countersignature.

use std::borrow::Cow;

use super::{Checked, Facts};
use crate::envelope::SigningScheme;
use crate::evidence::Evidence;
use crate::outcome::{Reason, Rejection};
use crate::policy::VerifyTimestamp;
use crate::time::Time;
use crate::trust::StoreKind;

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    Checked::from_result(match facts.signed.scheme() {
        SigningScheme::SigningAuthority => signing_authority_time(facts),
        SigningScheme::X509 if needs_timestamp(facts) => timestamp(facts),
        SigningScheme::X509 => valid_now(facts),
    })
}

/// When the artifact was signed, as somebody says whom the policy trusts to say
/// so: revocations that take effect later do not count.
pub(super) fn authentic_signing_time(facts: &Facts<'_>, _evidence: &Evidence) -> Option<Time> {
    match facts.signed.scheme() {
        SigningScheme::SigningAuthority => facts.signed.authentic_signing_time(),
        // The signing time under this scheme is the signer's own word.
        SigningScheme::X509 => None,
    }
}

/// Whether the conditions for verifying a countersignature are met
/// ("Timestamp Countersignature Verification Details"): the policy names a `tsa`
/// store, and either wants it always or a certificate of the chain has expired.
fn needs_timestamp(facts: &Facts<'_>) -> bool {
    let statement = facts.statement;
    statement.trust_stores_of(StoreKind::Tsa).next().is_some()
        && match statement.verify_timestamp() {
            VerifyTimestamp::Always => true,
            VerifyTimestamp::AfterCertExpiry => facts
                .signed
                .chain()
                .certificates()
                .iter()
                .any(|certificate| facts.now > certificate.not_after()),
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

fn timestamp(facts: &Facts<'_>) -> Result<Cow<'static, str>, Rejection> {
    if facts.signed.timestamp_token().is_none_or(<[u8]>::is_empty) {
        return Err(Rejection::new(
            Reason::TimestampMissing,
            format!(
                "trust policy statement `{}` asks for a time-stamp, and the signature has none",
                facts.statement.name()
            ),
        )
        .remedy(
            "ask the signer for a time-stamped signature, or set `verifyTimestamp` to \
             `afterCertExpiry`",
        ));
    }
    Err(Rejection::new(
        Reason::EvidenceUnsupported,
        "this version cannot verify RFC 3161 time-stamps, and the policy asks for it",
    )
    .remedy("set `verifyTimestamp` to `afterCertExpiry` while the certificates are valid"))
}
