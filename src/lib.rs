//! Verification of Notary Project ("Notation") signatures.
//!
//! A [`Verifier`] holds policies, trust stores, cryptography and bounds, and is
//! shared by all verifications of a process. There are three ways in:
//!
//! - [`Verifier::verify_envelope`]: an envelope at hand against a descriptor.
//! - [`Verifier::verify_image`]: an artifact whose signatures are yet to be found.
//!   It gives a [`session::Session`], which says what it needs; with the feature
//!   `io`, [`io::drive()`] answers from an OCI layout.
//! - [`Verifier::verify_blob`]: a blob with its detached signature.
//!
//! Each ends with a [`Report`]. A rejection is a value there; an [`Error`] means
//! that nothing could be evaluated.
//!
//! # Trust in memory, an envelope at hand
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use notation_verifier::evidence::NoEvidence;
//! use notation_verifier::outcome::Verdict;
//! use notation_verifier::verifier::{EnvelopeRequest, Scope};
//! use notation_verifier::wire::Descriptor;
//! use notation_verifier::{Limits, OciPolicy, Time, TrustStore, Verifier};
//!
//! let policy = br#"{"version": "1.0", "trustPolicies": [{
//!     "name": "all", "registryScopes": ["*"],
//!     "signatureVerification": {"level": "strict"},
//!     "trustStores": ["ca:acme"], "trustedIdentities": ["*"]}]}"#;
//! let verifier = Verifier::builder()
//!     .oci_policy(OciPolicy::parse(policy, &Limits::default())?)
//!     .trust_store(TrustStore::builder().build())
//!     .build();
//! let report = verifier.verify_envelope(
//!     &EnvelopeRequest {
//!         scope: Scope::Repository("registry.example/app"),
//!         media_type: "application/cose",
//!         envelope: b"not an envelope",
//!         target: &Descriptor::default(),
//!         user_metadata: &BTreeMap::new(),
//!         now: Time::from_unix(1_800_000_000),
//!     },
//!     &mut NoEvidence,
//! )?;
//! assert_eq!(report.verdict(), Verdict::Rejected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `fast` (default): faster cryptography on x86_64 and aarch64, chosen at run
//! time. `io` (default): configuration directory, OCI layouts, the driving loop.
//! `http`: registries (`io::registry`), OCSP answers and CRLs over HTTP with caches
//! (`io::evidence`), time-stamps (`io::timestamp`). `cli`: the command. Features add,
//! they never change what another one does.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod checks;
pub mod crypto;
pub mod envelope;
pub mod error;
pub mod evidence;
#[cfg(feature = "io")]
pub mod io;
pub mod limits;
pub mod oci;
pub mod outcome;
pub mod policy;
pub mod registry;
pub mod report;
pub mod revocation;
pub mod session;
pub mod sign;
pub mod time;
pub mod timestamp;
pub mod trust;
pub mod verifier;
pub mod wire;
pub mod x509;

pub use crypto::Provider;
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use policy::{BlobPolicy, OciPolicy};
pub use report::Report;
pub use time::Time;
pub use trust::TrustStore;
pub use verifier::Verifier;
