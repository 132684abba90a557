//! Signatures that get a time-stamp: a real authority in a process of its own, with
//! live OCSP and CRLs, and every way in which it, or who stands before it, is bad.
//!
//! Without OpenSSL the suite is skipped, loudly; `REQUIRE_OPENSSL=1` forbids that.
#![cfg(all(feature = "http", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "timestamping/answers.rs"]
mod answers;
#[path = "registry/certificates.rs"]
mod certificates;
#[cfg(feature = "cli")]
#[path = "timestamping/command.rs"]
mod command;
#[path = "timestamping/good.rs"]
mod good;
#[path = "timestamping/network.rs"]
mod network;
#[path = "registry/server.rs"]
mod server;
mod tsa;
#[path = "timestamping/world.rs"]
mod world;
