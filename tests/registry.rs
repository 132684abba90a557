//! Registries of all kinds in the test process, and what the client makes of them.
//!
//! What `THREATS.md` of the project's shared data says of registries, tokens,
//! redirects, links and sizes has a test here or beside the rule in
//! `src/registry`; its comment names the weakness.
#![cfg(feature = "http")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "registry/authentication.rs"]
mod authentication;
#[path = "registry/certificates.rs"]
mod certificates;
#[path = "registry/limits.rs"]
mod limits;
#[path = "registry/login.rs"]
mod login;
#[allow(dead_code, reason = "another suite needs the rest")]
#[path = "session/registry.rs"]
mod memory;
#[path = "registry/pace.rs"]
mod pace;
#[path = "registry/redirects.rs"]
mod redirects;
#[path = "registry/server.rs"]
mod server;
#[path = "registry/tls.rs"]
mod tls;
#[path = "registry/trips.rs"]
mod trips;
#[path = "registry/world.rs"]
mod world;
