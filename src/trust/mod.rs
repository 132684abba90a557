//! Trust stores: named sets of certificates that are trusted for one purpose
//! (trust-store-trust-policy, "Trust Store").
//!
//! Trust is membership: a chain is trusted where one of its certificates is in
//! a store that the policy names.

pub(crate) mod anchor;
mod error;
mod name;
pub(crate) mod store;

pub use error::{StoreError, StoreErrorKind};
pub use name::{StoreKind, StoreName, StoreNameError};
pub use store::{TrustStore, TrustStoreBuilder};
