//! [`TrustStore`]: named stores in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::anchor;
use super::error::{StoreError, StoreErrorKind};
use super::name::{StoreKind, StoreName};
use crate::crypto::{Digest, Provider};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::x509::Certificate;

/// Named stores of trust anchors.
///
/// A store that could not be read is kept with its error: it only matters to a
/// signature whose policy names it, and there the policy's level decides.
/// Cloning shares the certificates.
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    stores: Arc<BTreeMap<StoreName, Entry>>,
}

#[derive(Clone, Debug)]
enum Entry {
    Usable(Anchors),
    Unusable(Rejection),
}

#[derive(Clone, Debug, Default)]
struct Anchors {
    certificates: Vec<Certificate>,
    digests: HashSet<Digest>,
}

impl TrustStore {
    /// An empty set of stores to add to.
    #[must_use]
    pub fn builder() -> TrustStoreBuilder {
        TrustStoreBuilder::default()
    }

    /// The certificates of `store`, in the order in which they were added.
    ///
    /// # Errors
    /// Where there is no such store, or it cannot be used: what the check that
    /// needs the store reports.
    pub fn get(&self, store: &StoreName) -> Result<&[Certificate], Rejection> {
        self.anchors(store)
            .map(|anchors| anchors.certificates.as_slice())
    }

    /// Whether `certificate` is, octet for octet, in one of `stores`.
    ///
    /// # Errors
    /// Where one of them cannot be used, even if another one has the
    /// certificate: a store that a policy names is meant to be there.
    pub fn contains<'a>(
        &self,
        stores: impl IntoIterator<Item = &'a StoreName>,
        certificate: &Certificate,
    ) -> Result<bool, Rejection> {
        let mut found = false;
        for store in stores {
            let anchors = self.anchors(store)?;
            found = found || anchors.digests.contains(certificate.sha256());
        }
        Ok(found)
    }

    /// The names of all stores, those that cannot be used included.
    pub fn names(&self) -> impl Iterator<Item = &StoreName> {
        self.stores.keys()
    }

    fn anchors(&self, store: &StoreName) -> Result<&Anchors, Rejection> {
        match self.stores.get(store) {
            Some(Entry::Usable(anchors)) => Ok(anchors),
            Some(Entry::Unusable(rejection)) => Err(rejection.clone()),
            None => Err(missing(store).into()),
        }
    }
}

/// The store that a policy names is not there.
pub(crate) fn missing(store: &StoreName) -> StoreError {
    StoreError::new(
        StoreErrorKind::Missing,
        store,
        "does not exist",
        "add the store, or name another one in the trust policy",
    )
}

/// Makes a [`TrustStore`].
#[derive(Clone, Debug, Default)]
pub struct TrustStoreBuilder {
    stores: BTreeMap<StoreName, Entry>,
}

impl TrustStoreBuilder {
    /// Adds `certificates` to the store `name` of `kind`.
    ///
    /// # Errors
    /// Where the name is not allowed, there is no certificate, or one of them
    /// cannot be an anchor: it must be one of a CA or self-signed, in a `tsa`
    /// store one of a root CA.
    pub fn add(
        mut self,
        kind: StoreKind,
        name: &str,
        certificates: Vec<Certificate>,
    ) -> Result<Self, StoreError> {
        let store = store_name(kind, name)?;
        if certificates.is_empty() {
            return Err(empty(&store, ""));
        }
        anchor::check_all(&store, None, &certificates)?;
        self.insert(store, certificates);
        Ok(self)
    }

    /// Adds the certificates of a file's contents: PEM, or DER certificates one
    /// after the other.
    ///
    /// # Errors
    /// As [`add`](Self::add), and where the contents are malformed or larger
    /// than [`Limits::trust_store_file_bytes`].
    pub fn add_pem(
        mut self,
        kind: StoreKind,
        name: &str,
        contents: &[u8],
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Self, StoreError> {
        let store = store_name(kind, name)?;
        let certificates = anchor::parse(&store, None, contents, provider, limits)?;
        self.insert(store, certificates);
        Ok(self)
    }

    /// Notes that the store `name` of `kind` cannot be used, and why. It stays
    /// unusable whatever is added to it.
    ///
    /// # Errors
    /// Where the name is not allowed.
    pub fn add_unusable(
        mut self,
        kind: StoreKind,
        name: &str,
        rejection: impl Into<Rejection>,
    ) -> Result<Self, StoreError> {
        let store = store_name(kind, name)?;
        self.stores.insert(store, Entry::Unusable(rejection.into()));
        Ok(self)
    }

    /// The stores.
    #[must_use]
    pub fn build(self) -> TrustStore {
        TrustStore {
            stores: Arc::new(self.stores),
        }
    }

    /// Whether `store` is there already.
    #[cfg(feature = "io")]
    pub(crate) fn has(&self, store: &StoreName) -> bool {
        self.stores.contains_key(store)
    }

    #[cfg(feature = "io")]
    pub(crate) fn insert_unusable(&mut self, store: StoreName, error: StoreError) {
        self.stores.insert(store, Entry::Unusable(error.into()));
    }

    /// Certificates that may be anchors in `store`.
    pub(crate) fn insert(&mut self, store: StoreName, certificates: Vec<Certificate>) {
        let entry = self
            .stores
            .entry(store)
            .or_insert_with(|| Entry::Usable(Anchors::default()));
        if let Entry::Usable(anchors) = entry {
            anchors
                .digests
                .extend(certificates.iter().map(Certificate::sha256).copied());
            anchors.certificates.extend(certificates);
        }
    }
}

fn store_name(kind: StoreKind, name: &str) -> Result<StoreName, StoreError> {
    StoreName::new(kind, name).map_err(|error| StoreError::name(format!("{kind}:{name}"), error))
}

/// There is no certificate in `store`; `why` goes on from that.
pub(crate) fn empty(store: &StoreName, why: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Empty,
        store,
        format!("has no certificate{why}"),
        "add certificates in files whose names end in `.pem`, `.crt` or `.cer`",
    )
}
