//! A [`Verifier`] from a configuration directory.

use std::fmt;

use crate::crypto::Provider;
use crate::error::Error;
use crate::limits::Limits;
use crate::policy::{BlobPolicy, OciPolicy, PolicyError, Selection};
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

    /// A verifier for whatever there are policies for: artifacts, blobs, or both,
    /// with every trust store that they name.
    ///
    /// # Errors
    /// Where there is no policy, or one that is there breaks a rule. Trust stores
    /// as for [`oci_verifier`](Self::oci_verifier).
    pub fn verifier(&self, provider: Provider, limits: Limits) -> Result<Configured, Error> {
        let (oci, blob) = match (self.oci_policy(&limits), self.blob_policy(&limits)) {
            // What is wrong with a policy says more than that the other is missing.
            (Err(oci), Err(blob)) if is_missing(&oci) && !is_missing(&blob) => {
                return Err(blob.into());
            }
            (Err(oci), Err(_)) => return Err(oci.into()),
            (oci, blob) => (unless_missing(oci)?, unless_missing(blob)?),
        };
        let statements = oci.iter().flat_map(OciPolicy::statements);
        let statements = statements.chain(blob.iter().flat_map(BlobPolicy::statements));
        let loaded = self.stores(statements, &provider, &limits);
        let mut builder = Verifier::builder()
            .provider(provider)
            .limits(limits)
            .trust_store(loaded.stores);
        if let Some(policy) = oci {
            builder = builder.oci_policy(policy);
        }
        if let Some(policy) = blob {
            builder = builder.blob_policy(policy);
        }
        Ok(Configured {
            verifier: builder.build(),
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

/// A policy, or `None` where there is no such file.
fn unless_missing<T>(policy: Result<T, PolicyError>) -> Result<Option<T>, PolicyError> {
    match policy {
        Ok(policy) => Ok(Some(policy)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &PolicyError) -> bool {
    error.category() == "policy-missing"
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
