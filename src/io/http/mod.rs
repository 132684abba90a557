//! What registries and evidence have in common: connections that end when the run
//! does, TLS, names, proxies.

pub(crate) mod agents;
mod connect;
pub(crate) mod failure;
mod hosts;
pub(crate) mod proxy;
pub(crate) mod resolve;
mod scope;
pub(crate) mod tls;

pub use hosts::HostPattern;

pub(crate) use connect::connector;
pub(crate) use scope::{in_run, in_run_patiently};

/// How this library names itself to servers.
pub(crate) const USER_AGENT: &str = concat!("notation-verifier/", env!("CARGO_PKG_VERSION"));
