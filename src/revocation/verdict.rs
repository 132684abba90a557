//! The statuses of a chain folded into one result.

use std::borrow::Cow;

use super::{Answer, Attempt, CertificateStatus, Revocation, Status};
use crate::outcome::{Reason, Rejection};
use crate::x509::Certificate;

/// What the statuses of `chain`, as [`evaluate`](super::evaluate) gave them, say
/// about the chain: a text for a person where nothing is revoked.
///
/// # Errors
/// [`Reason::CertRevoked`] where a certificate is revoked, the one nearest to
/// the root; else [`Reason::RevocationUnknown`] where a status could not be
/// determined.
pub fn conclude(
    chain: &[Certificate],
    statuses: &[CertificateStatus],
) -> Result<Cow<'static, str>, Rejection> {
    // "Starting from Root to leaf certificate."
    let from_root = || chain.iter().zip(statuses).enumerate().rev();
    for (position, (certificate, found)) in from_root() {
        if let Status::Revoked(revocation) = &found.status {
            return Err(revoked(position, certificate, revocation, &found.attempts));
        }
    }
    for (position, (certificate, found)) in from_root() {
        if found.status == Status::Unknown {
            return Err(unknown(position, certificate, &found.attempts));
        }
    }
    if statuses
        .iter()
        .all(|found| found.status == Status::NotRevocable)
    {
        return Ok(Cow::Borrowed(
            "no certificate of the chain can be revoked: none has OCSP or CRL addresses",
        ));
    }
    let good = chain
        .iter()
        .zip(statuses)
        .zip(0_usize..)
        .filter_map(|((_, found), position)| {
            let by = found.attempts.last()?;
            Some(format!(
                "certificate {position} is not revoked ({} at `{}`)",
                by.method, by.url
            ))
        });
    Ok(Cow::Owned(good.collect::<Vec<_>>().join("; ")))
}

fn revoked(
    position: usize,
    certificate: &Certificate,
    revocation: &Revocation,
    attempts: &[Attempt],
) -> Rejection {
    let mut detail = format!(
        "certificate {position} (`{}`) is {revocation}",
        certificate.subject()
    );
    let by = attempts
        .iter()
        .find(|attempt| matches!(attempt.answer, Answer::Revoked(_)));
    if let Some(by) = by {
        detail.push_str(&format!(", says {} at `{}`", by.method, by.url));
    }
    let mut rejection = Rejection::new(Reason::CertRevoked, detail)
        .about(certificate.summary(Some(position)))
        .remedy("do not use the artifact; ask its publisher for one that is signed anew");
    rejection.url = by.map(|by| by.url.clone());
    rejection
}

fn unknown(position: usize, certificate: &Certificate, attempts: &[Attempt]) -> Rejection {
    let causes = attempts.iter().filter_map(|attempt| match &attempt.answer {
        Answer::Unknown(why) => Some(format!("{} at `{}`: {why}", attempt.method, attempt.url)),
        Answer::Good | Answer::Revoked(_) => None,
    });
    let mut rejection = Rejection::new(
        Reason::RevocationUnknown,
        format!(
            "the revocation status of certificate {position} (`{}`) could not be determined: {}",
            certificate.subject(),
            causes.collect::<Vec<_>>().join("; ")
        ),
    )
    .about(certificate.summary(Some(position)))
    .remedy(
        "make the addresses reachable, provide their answers, or set `revocation` to `log` or \
         `skip` in the policy if you accept the risk",
    );
    rejection.url = attempts.last().map(|attempt| attempt.url.clone());
    rejection
}
