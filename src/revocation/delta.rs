//! Delta lists (trust-store-trust-policy, "Revocation Checking with Delta
//! CRLs"; RFC 5280 sections 5.2.4 and 6.3.3 step c).

use std::cmp::Ordering;

use super::{Pending, Subject};
use crate::evidence::{Content, ListKind};
use crate::x509::RevocationList;

/// What came of the addresses of delta lists.
pub(super) enum Deltas {
    /// There are no addresses.
    None,
    /// The first list that could be read.
    List(Content),
    /// None could be had; why.
    Unavailable(String),
}

impl Subject<'_> {
    /// The delta list of `base`: from the addresses in its `freshestCRL`, else
    /// from those in the certificate's. They lead to the same list (RFC 5280
    /// section 5.2.6) and are tried in turn.
    pub(super) fn deltas(self, base: &RevocationList) -> Result<Deltas, Pending> {
        let mut urls = base.freshest_crl_urls();
        if urls.is_empty() {
            urls = self.certificate.freshest_crl_urls();
            if urls.is_empty() && !self.certificate.has_freshest_crl() {
                return Ok(Deltas::None);
            }
        }
        let limit = self.context.limits.revocation_addresses;
        if urls.len() > limit {
            return Ok(Deltas::Unavailable(format!(
                "there are {} addresses, the limit is {limit}",
                urls.len()
            )));
        }
        let mut causes = Vec::new();
        for url in urls {
            let why = match self.fetched(url, ListKind::Delta)? {
                Ok(content) => match content.revocation_list() {
                    Ok(_) => return Ok(Deltas::List(content)),
                    Err(error) => error.to_string(),
                },
                Err(why) => why,
            };
            causes.push(format!("`{url}`: {why}"));
        }
        if causes.is_empty() {
            causes.push("freshestCRL has no address".to_owned());
        }
        Ok(Deltas::Unavailable(causes.join("; ")))
    }
}

/// Whether `delta` can be read on top of `base`; both are authentic and of one
/// issuer.
pub(super) fn goes_with(delta: &RevocationList, base: &RevocationList) -> Result<(), String> {
    let Some(indicator) = delta.delta_indicator() else {
        return Err("it is not a delta list".to_owned());
    };
    let Some(base_number) = base.number() else {
        return Err("the base list has no CRL number".to_owned());
    };
    let Some(number) = delta.number() else {
        return Err("it has no CRL number".to_owned());
    };
    if compare(number, base_number) != Ordering::Greater {
        return Err("its CRL number is not greater than that of the base list".to_owned());
    }
    // RFC 5280 section 5.2.4 would also take an older indicator. The specification
    // does not ("Revocation Checking with Delta CRLs": one that is "less than the
    // current base CRL" is "revocation unavailable").
    match compare(indicator, base_number) {
        Ordering::Equal => {}
        Ordering::Greater => {
            return Err("it goes with a newer base list than the one that was received".to_owned());
        }
        Ordering::Less => {
            return Err(
                "it goes with an older base list than the one that was received".to_owned(),
            );
        }
    }
    let same_scope = match (
        base.issuing_distribution_point(),
        delta.issuing_distribution_point(),
    ) {
        (Some(ours), Some(theirs)) => ours.same_scope(&theirs),
        (None, None) => true,
        _ => false,
    };
    if same_scope {
        Ok(())
    } else {
        Err("it covers other certificates than the base list".to_owned())
    }
}

/// Compares magnitudes: big-endian octets without zeros in front.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        assert_eq!(compare(&[], &[1]), Ordering::Less);
        assert_eq!(compare(&[1, 0], &[0xff]), Ordering::Greater);
        assert_eq!(compare(&[2, 1], &[2, 1]), Ordering::Equal);
        assert_eq!(compare(&[2, 1], &[2, 2]), Ordering::Less);
    }
}
