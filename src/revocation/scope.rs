//! Whether a list covers a certificate (RFC 5280 section 6.3.3 steps b and d).

use crate::x509::{
    Certificate, DistributionPoint, IssuingDistributionPoint, PointName, ReasonFlags,
    RevocationList,
};

/// The reasons that `list` covers for `certificate`, asked for at `point`.
///
/// A list says in a signed extension which part of an authority's certificates
/// it covers. Without this check, whoever controls the network could answer with
/// another part's list, where the certificate cannot be.
///
/// # Errors
/// Why it does not cover the certificate.
pub(super) fn covers(
    list: &RevocationList,
    certificate: &Certificate,
    point: Option<&DistributionPoint<'_>>,
) -> Result<ReasonFlags, String> {
    let reasons = point
        .and_then(|point| point.reasons)
        .unwrap_or(ReasonFlags::ALL);
    let Some(scope) = list.issuing_distribution_point() else {
        return Ok(reasons);
    };
    if scope.only_attribute_certificates {
        return Err("the list covers attribute certificates only".to_owned());
    }
    let is_authority = certificate
        .basic_constraints()
        .is_some_and(|basic| basic.ca);
    if scope.only_user_certificates && is_authority {
        return Err(
            "the list covers end-entity certificates only, and this is an authority's".to_owned(),
        );
    }
    if scope.only_authority_certificates && !is_authority {
        return Err("the list covers authorities' certificates only, and this is none".to_owned());
    }
    if !is_for(&scope, point) {
        return Err(
            "the list is for another distribution point than the certificate names".to_owned(),
        );
    }
    Ok(reasons & scope.only_some_reasons.unwrap_or(ReasonFlags::ALL))
}

/// Whether the list's distribution point is that of the certificate (step b 2 i).
/// A list without one covers all.
fn is_for(scope: &IssuingDistributionPoint<'_>, point: Option<&DistributionPoint<'_>>) -> bool {
    let Some(listed) = &scope.name else {
        return true;
    };
    let Some(point) = point else {
        return false;
    };
    match (&point.name, &point.crl_issuer) {
        (Some(name), _) => listed.overlaps(name),
        (None, Some(issuers)) => listed.overlaps(&PointName::Full(issuers.clone())),
        (None, None) => false,
    }
}
