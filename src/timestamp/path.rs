//! From the certificate of a time-stamping authority to a root of the `tsa`
//! stores, by way of the certificates in the token.
//!
//! A token carries a set of certificates, not an ordered chain (RFC 5652 section
//! 10.2.3), often without the root and sometimes with cross certificates. Each
//! way from issuer to issuer is tried until one meets the certificate
//! requirements of the specification.

use std::sync::Arc;

use super::invalid;
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;
use crate::x509::{Certificate, Chain, Purpose};

/// Certificates, leaf first, as the chain of a time-stamping authority: checked
/// by [`Chain::time_stamping`], now or before.
pub(crate) type ChainOf<'a> = &'a dyn Fn(&[Certificate]) -> Result<Arc<Chain>, Rejection>;

/// The chain of `leaf`, valid at `at`.
pub(super) fn build(
    leaf: &Certificate,
    certificates: &[Certificate],
    anchors: &[Certificate],
    at: Time,
    chain_of: ChainOf<'_>,
    limits: &Limits,
) -> Result<Arc<Chain>, Rejection> {
    let mut search = Search {
        certificates,
        anchors,
        at,
        chain_of,
        limits,
        steps: 0,
        failure: None,
    };
    let mut path = vec![leaf.clone()];
    if anchors.contains(leaf)
        && let Some(chain) = search.complete(&path)
    {
        return Ok(chain);
    }
    search.extend(&mut path).ok_or_else(|| {
        search.failure.unwrap_or_else(|| {
            invalid(format!(
                "the time-stamping authority `{}` (issued by `{}`) does not lead to a certificate \
                 that is trusted for time-stamps (`tsa` trust stores)",
                leaf.subject(),
                leaf.issuer()
            ))
            .about(leaf.summary(Some(0)))
            .remedy("if you trust this authority, add its root certificate to a `tsa` trust store")
        })
    })
}

struct Search<'a> {
    certificates: &'a [Certificate],
    anchors: &'a [Certificate],
    at: Time,
    chain_of: ChainOf<'a>,
    limits: &'a Limits,
    /// Certificates tried so far: a set of certificates that issue each other in
    /// every direction has more paths than anyone can try.
    steps: usize,
    /// Why the path that came furthest is no chain.
    failure: Option<Rejection>,
}

impl Search<'_> {
    /// Tries every issuer of the path's last certificate: roots first, so that
    /// the shortest way wins.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<Arc<Chain>> {
        let last = path.last()?.clone();
        for anchor in issuers(&last, self.anchors) {
            if !self.step(path) {
                return None;
            }
            path.push(anchor.clone());
            let chain = self.complete(path);
            path.pop();
            if chain.is_some() {
                return chain;
            }
        }
        for issuer in issuers(&last, self.certificates) {
            if path.contains(issuer) || self.anchors.contains(issuer) {
                continue;
            }
            if !self.step(path) {
                return None;
            }
            path.push(issuer.clone());
            let chain = self.extend(path);
            path.pop();
            if chain.is_some() {
                return chain;
            }
        }
        None
    }

    /// Whether there may be one more certificate.
    fn step(&mut self, path: &[Certificate]) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps > self.limits.token_path_steps {
            self.failure = Some(Rejection::new(
                Reason::LimitExceeded,
                format!(
                    "no chain of the time-stamping authority was found after {} certificates were \
                     tried",
                    self.limits.token_path_steps
                ),
            ));
            return false;
        }
        path.len() < self.limits.chain_certificates
    }

    /// The path as a chain, or why it is none.
    fn complete(&mut self, path: &[Certificate]) -> Option<Arc<Chain>> {
        let chain = self
            .check_time_and_purpose(path)
            .and_then(|()| (self.chain_of)(path).map_err(for_timestamp));
        match chain {
            Ok(chain) => Some(chain),
            Err(rejection) => {
                self.failure = Some(rejection);
                None
            }
        }
    }

    /// "The certificates in the certificate chain MUST be valid at signing time"
    /// (signature-specification, "Other requirements"). The purposes of an
    /// authority restrict those of the certificates below it: not a rule of
    /// RFC 5280, but of the reference and of every library that is in use.
    fn check_time_and_purpose(&self, path: &[Certificate]) -> Result<(), Rejection> {
        for (position, certificate) in path.iter().enumerate() {
            let about = |problem: String| {
                invalid(format!(
                    "certificate {position} of the time-stamping authority, `{}`, {problem}",
                    certificate.subject()
                ))
                .about(certificate.summary(Some(position)))
            };
            if !certificate.is_valid_at(self.at) {
                return Err(about(format!(
                    "is valid from {} to {}, and the time-stamp is of {}",
                    certificate.not_before(),
                    certificate.not_after(),
                    self.at
                )));
            }
            if certificate.extended_key_usage().is_some()
                && !certificate.has_purpose(Purpose::TimeStamping)
                && !certificate.has_purpose(Purpose::Any)
            {
                return Err(about(
                    "is not for time-stamping (extendedKeyUsage lacks timeStamping)".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// The certificates among `candidates` that bear the name of `certificate`'s
/// issuer, those first whose key identifier is the right one. Key identifiers
/// only order: "rest of the extensions MUST NOT be evaluated or honored".
fn issuers<'c>(certificate: &Certificate, candidates: &'c [Certificate]) -> Vec<&'c Certificate> {
    let mut found: Vec<&Certificate> = candidates
        .iter()
        .filter(|candidate| candidate.subject() == certificate.issuer())
        .collect();
    found.sort_by_key(|candidate| {
        match (certificate.authority_key_id(), candidate.subject_key_id()) {
            (Some(wanted), Some(found)) if wanted == found => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        }
    });
    found
}

/// A broken rule of a time-stamping chain makes the time-stamp bad, not the
/// signature's own chain.
fn for_timestamp(mut rejection: Rejection) -> Rejection {
    if rejection.reason != Reason::LimitExceeded {
        rejection.reason = Reason::TimestampInvalid;
        rejection.detail = format!("the time-stamping authority: {}", rejection.detail);
    }
    rejection
}
