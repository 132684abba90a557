//! [`StoreError`]: why a trust store cannot be used.

use std::borrow::Cow;
use std::fmt;

use super::{StoreKind, StoreName, StoreNameError};
use crate::error::{Error, ErrorKind, quote};
use crate::outcome::{CertificateSummary, Reason, Rejection};

/// Why a trust store cannot be used.
///
/// While a signature is verified this is a failed check ([`Rejection`]), which
/// the policy judges; when a store is set up it is an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: StoreErrorKind,
    store: String,
    store_kind: Option<StoreKind>,
    detail: String,
    remedy: Cow<'static, str>,
    certificate: Option<CertificateSummary>,
}

/// The class of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The type is none of `ca`, `signingAuthority` and `tsa`.
    Type,
    /// The name cannot be that of a store.
    Name,
    /// There is no such store.
    Missing,
    /// The store is a symbolic link or no directory.
    NotDirectory,
    /// A certificate file is a symbolic link or no ordinary file.
    NotRegularFile,
    /// Reading from the file system failed.
    Unreadable,
    /// A file has something that is no certificate.
    Malformed,
    /// A certificate is neither one of a CA nor self-signed.
    NotCa,
    /// A certificate of a `tsa` store is not one of a root CA.
    NotRoot,
    /// There is no certificate.
    Empty,
    /// A bound of [`Limits`](crate::limits::Limits) was reached.
    Limit,
}

impl StoreErrorKind {
    /// The stable name: `trust-store-missing`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "trust-store-type",
            Self::Name => "trust-store-name",
            Self::Missing => "trust-store-missing",
            Self::NotDirectory => "trust-store-not-directory",
            Self::NotRegularFile => "trust-store-not-regular-file",
            Self::Unreadable => "trust-store-unreadable",
            Self::Malformed => "trust-store-malformed",
            Self::NotCa => "trust-store-not-ca",
            Self::NotRoot => "trust-store-not-root",
            Self::Empty => "trust-store-empty",
            Self::Limit => "trust-store-limit",
        }
    }
}

impl StoreError {
    /// `detail` about `store`; `remedy` says what to change.
    pub(crate) fn new(
        kind: StoreErrorKind,
        store: &StoreName,
        detail: impl Into<String>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                store: store.to_string(),
                store_kind: Some(store.kind()),
                detail: detail.into(),
                remedy: remedy.into(),
                certificate: None,
            }),
        }
    }

    /// `store` is no name of a store.
    pub(crate) fn name(store: impl Into<String>, error: StoreNameError) -> Self {
        let kind = match error {
            StoreNameError::Kind => StoreErrorKind::Type,
            StoreNameError::Separator | StoreNameError::Name => StoreErrorKind::Name,
        };
        Self {
            inner: Box::new(Inner {
                kind,
                store: store.into(),
                store_kind: None,
                detail: error.to_string(),
                remedy: error.allowed().into(),
                certificate: None,
            }),
        }
    }

    /// The same, about a certificate.
    pub(crate) fn about(mut self, certificate: CertificateSummary) -> Self {
        self.inner.certificate = Some(certificate);
        self
    }

    /// The class.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.inner.kind
    }

    /// A stable slug for programs, for example `trust-store-missing`.
    #[must_use]
    pub fn category(&self) -> &'static str {
        self.inner.kind.as_str()
    }

    /// The store, `type:name`.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.inner.store
    }

    /// What to change.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.inner.remedy
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { store, detail, .. } = &*self.inner;
        write!(f, "trust store {} {detail}", quote(store))
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Limit => ErrorKind::LimitExceeded,
            _ => ErrorKind::TrustStore,
        };
        let message = format!("{error}; {}", error.remedy());
        Self::with_source(kind, message, error)
    }
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        let reason = match error.inner.store_kind {
            Some(StoreKind::Tsa) => Reason::TimestampTrustStore,
            _ => Reason::TrustStoreUnusable,
        };
        let detail = error.to_string();
        let Inner {
            remedy,
            certificate,
            ..
        } = *error.inner;
        let rejection = Self::new(reason, detail).remedy(remedy);
        match certificate {
            Some(certificate) => rejection.about(certificate),
            None => rejection,
        }
    }
}
