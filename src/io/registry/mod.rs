//! Registries over HTTP (feature `http`).
//!
//! A [`RegistryClient`] is made once for a process; its clones share connections,
//! tokens, limits and counts. [`RegistryClient::host`] gives a
//! [`Host`](super::Host) for the repository of one reference, which answers what a
//! [`Session`](crate::session::Session) asks for. It decides nothing about
//! signatures: whatever a registry sends is hashed and judged by the session.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use notation_verifier::io::registry::{RegistryClient, RegistryOptions};
//! use notation_verifier::io::{Budget, Run, drive};
//! use notation_verifier::oci::Reference;
//! # use notation_verifier::session::ImageRequest;
//! # fn verify(
//! #     verifier: &notation_verifier::Verifier, request: ImageRequest,
//! # ) -> Result<(), notation_verifier::Error> {
//!
//! let client = RegistryClient::new(RegistryOptions::default());
//! let run = Run::default().with_budget(Budget::of(Duration::from_secs(60)));
//! let reference = Reference::parse("registry.example/app:v1")?;
//! let mut host = client.host(&reference).in_run(run);
//! let report = drive(verifier.verify_image(request)?, &mut host)?;
//! # drop(report);
//! # Ok(())
//! # }
//! ```

mod attempts;
mod auth;
mod client;
mod content;
mod credentials;
mod docker_login;
mod gate;
mod host;
mod hosts;
mod known;
mod options;
pub(super) mod pause;
pub(super) mod send;
pub(super) mod statistics;
mod write;

pub use super::http::HostPattern;
pub use super::http::proxy::{Proxies, ProxySettings};
pub use super::http::tls::{ClientCertificate, SystemRoots, TlsOptions};
pub use crate::registry::Secret;
pub use crate::registry::docker_config::Credential;
pub use client::RegistryClient;
pub use credentials::{Credentials, NoCredentials, OneCredential};
pub use docker_login::DockerLogin;
pub use host::RegistryHost;
pub use hosts::RegistryHosts;
pub use options::{Pace, RegistryOptions};
pub use statistics::Statistics;
pub use write::{IsNew, Published};

pub(in crate::io) use content::Poured;
pub(in crate::io) use send::Flow;
