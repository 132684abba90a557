//! Which certificates may be trust anchors, and reading them
//! (trust-store-trust-policy, "Trust Store").

use super::error::{StoreError, StoreErrorKind};
use super::name::{StoreKind, StoreName};
use super::store::empty;
use crate::crypto::Provider;
use crate::error::quote;
use crate::limits::Limits;
use crate::outcome::Reason;
use crate::x509::{Certificate, Usage, parse_certificates};

/// The certificates in `contents`, which all may be anchors in `store`; `file`
/// is the name of the file, for errors.
pub(crate) fn parse(
    store: &StoreName,
    file: Option<&str>,
    contents: &[u8],
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<Certificate>, StoreError> {
    if contents.len() > limits.trust_store_file_bytes {
        return Err(too_large(store, file, limits));
    }
    let certificates = parse_certificates(contents, provider, limits).map_err(|rejection| {
        let kind = match rejection.reason {
            Reason::LimitExceeded => StoreErrorKind::Limit,
            _ => StoreErrorKind::Malformed,
        };
        StoreError::new(
            kind,
            store,
            format!("{}: {rejection}", in_file("cannot be read", file)),
            "replace the file with certificates in PEM or DER, and nothing else",
        )
    })?;
    if certificates.is_empty() {
        return Err(empty(store, &in_file("", file)));
    }
    check_all(store, file, &certificates)?;
    Ok(certificates)
}

/// Whether all of `certificates` may be anchors in `store`.
pub(crate) fn check_all(
    store: &StoreName,
    file: Option<&str>,
    certificates: &[Certificate],
) -> Result<(), StoreError> {
    certificates
        .iter()
        .try_for_each(|certificate| check(store, file, certificate))
}

/// A file of more than [`Limits::trust_store_file_bytes`].
pub(crate) fn too_large(store: &StoreName, file: Option<&str>, limits: &Limits) -> StoreError {
    StoreError::new(
        StoreErrorKind::Limit,
        store,
        in_file(
            &format!(
                "has more than {} bytes of certificates",
                limits.trust_store_file_bytes
            ),
            file,
        ),
        "split the file, or raise the limit `trust_store_file_bytes`",
    )
}

fn check(
    store: &StoreName,
    file: Option<&str>,
    certificate: &Certificate,
) -> Result<(), StoreError> {
    let is_ca = certificate
        .basic_constraints()
        .is_some_and(|constraints| constraints.ca);
    let subject = quote(&certificate.subject().to_string());
    let refuse = |kind, problem: &str, remedy: &'static str| {
        Err(StoreError::new(
            kind,
            store,
            in_file(&format!("has the certificate {subject}, {problem}"), file),
            remedy,
        )
        .about(certificate.summary(None)))
    };
    if !is_ca && certificate.is_issued_by_signature(certificate).is_err() {
        return refuse(
            StoreErrorKind::NotCa,
            "which is neither one of a certificate authority nor self-signed",
            "use the root certificate of the chain",
        );
    }
    if store.kind() != StoreKind::Tsa {
        return Ok(());
    }
    // A `tsa` store anchors a path, so that what is in it must be able to issue.
    const ROOT: &str = "use the root certificate of the time-stamping authority";
    let may_sign_certificates = certificate
        .key_usage()
        .is_none_or(|usage| usage.has(Usage::KeyCertSign));
    if !is_ca || !may_sign_certificates {
        return refuse(
            StoreErrorKind::NotRoot,
            "which is no certificate authority",
            ROOT,
        );
    }
    if certificate.subject() != certificate.issuer() {
        return refuse(StoreErrorKind::NotRoot, "whose issuer is another one", ROOT);
    }
    match certificate.is_issued_by_signature(certificate) {
        Ok(()) => Ok(()),
        Err(error) => refuse(
            StoreErrorKind::NotRoot,
            &format!("which is not self-signed: {error}"),
            ROOT,
        ),
    }
}

fn in_file(text: &str, file: Option<&str>) -> String {
    match file {
        Some(file) => format!("{text} (file {})", quote(file)),
        None => text.to_owned(),
    }
}
