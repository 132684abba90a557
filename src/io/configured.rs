//! A [`Verifier`] from a configuration directory.

use std::fmt;

use crate::crypto::Provider;
use crate::error::Error;
use crate::limits::Limits;
use crate::policy::Selection;
use crate::verifier::Verifier;

use super::config::{ConfigDirectory, LoadedStores, StoreWarning};

/// A verifier, and what a person should look at in its configuration.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The verifier.
    pub verifier: Verifier,
    /// What was passed over in the trust stores.
    pub warnings: Vec<StoreWarning>,
}

impl ConfigDirectory {
    /// A verifier for artifacts of registries and layouts: the OCI trust policy
    /// and every trust store that it names.
    ///
    /// # Errors
    /// Where the policy is missing or breaks a rule. A trust store that cannot be
    /// used is no error here: the level of the policy decides when it is needed.
    pub fn oci_verifier(&self, provider: Provider, limits: Limits) -> Result<Configured, Error> {
        let policy = self.oci_policy(&limits)?;
        let loaded = self.stores(policy.statements(), &provider, &limits);
        Ok(Configured {
            verifier: Verifier::builder()
                .provider(provider)
                .limits(limits)
                .oci_policy(policy)
                .trust_store(loaded.stores)
                .build(),
            warnings: loaded.warnings,
        })
    }

    /// A verifier for blobs: the blob trust policy and every trust store that it
    /// names.
    ///
    /// # Errors
    /// As [`oci_verifier`](Self::oci_verifier).
    pub fn blob_verifier(&self, provider: Provider, limits: Limits) -> Result<Configured, Error> {
        let policy = self.blob_policy(&limits)?;
        let loaded = self.stores(policy.statements(), &provider, &limits);
        Ok(Configured {
            verifier: Verifier::builder()
                .provider(provider)
                .limits(limits)
                .blob_policy(policy)
                .trust_store(loaded.stores)
                .build(),
            warnings: loaded.warnings,
        })
    }

    fn stores<'a>(
        &self,
        statements: impl Iterator<Item = Selection<'a>>,
        provider: &Provider,
        limits: &Limits,
    ) -> LoadedStores {
        let names = statements.flat_map(|selection| match selection {
            Selection::Skip { .. } => [].iter(),
            Selection::Verify(statement) => statement.trust_stores().iter(),
        });
        self.trust_store_for(names, provider, limits)
    }
}

impl fmt::Display for StoreWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` in trust store `{}` does not count: {}",
            self.item, self.store, self.reason
        )
    }
}
