//! Revocation (trust-store-trust-policy, "Certificate Revocation Evaluation").
//!
//! A certificate without OCSP or CRL addresses cannot be revoked and passes.

use super::{Checked, Facts};
use crate::evidence::Evidence;
use crate::outcome::{CheckResult, Reason, Rejection};

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    let chain = facts.signed.chain().certificates();
    // The root's status is not looked up: nobody above it could revoke it.
    let revocable = chain.len().saturating_sub(1);
    for (position, certificate) in chain.iter().enumerate().take(revocable).rev() {
        if !certificate.ocsp_urls().is_empty() || !certificate.crl_urls().is_empty() {
            let mut rejection = Rejection::new(
                Reason::EvidenceUnsupported,
                format!(
                    "the revocation status of certificate {position} (`{}`) could not be \
                     determined: this version does not ask OCSP responders or read CRLs",
                    certificate.subject()
                ),
            )
            .about(certificate.summary(Some(position)))
            .remedy("set `revocation` to `log` or `skip` in the policy if you accept that");
            rejection.url = certificate
                .ocsp_urls()
                .first()
                .or(certificate.crl_urls().first())
                .map(|url| (*url).to_string());
            return Checked::Done(CheckResult::Failed(rejection));
        }
    }
    Checked::passed("no certificate of the chain can be revoked: none has OCSP or CRL addresses")
}
