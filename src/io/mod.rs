//! Everything that touches a file system or a network: configuration, layouts,
//! the loop that drives a [`Session`](crate::session::Session), evidence bundles
//! (feature `io`), registries, and revocation evidence over HTTP (feature `http`).

#[cfg(feature = "http")]
pub mod attach;
pub mod batch;
pub mod bundle;
pub mod config;
mod configured;
#[cfg(feature = "http")]
pub mod copy;
pub mod drive;
#[cfg(feature = "http")]
pub mod evidence;
#[cfg(feature = "http")]
pub mod files;
#[cfg(feature = "http")]
mod flight;
#[cfg(feature = "http")]
pub(crate) mod http;
pub mod layout;
#[cfg(feature = "http")]
mod parallel;
#[cfg(feature = "http")]
pub mod payloads;
#[cfg(feature = "http")]
pub mod prune;
#[cfg(feature = "http")]
pub mod registry;
#[cfg(feature = "http")]
mod resolve;
mod run;
#[cfg(feature = "http")]
mod tasks;
#[cfg(feature = "http")]
pub mod timestamp;

pub use bundle::{Bundle, Recording};
pub use config::ConfigDirectory;
pub use configured::Configured;
pub use drive::{BlobHost, Host, LayoutHost, drive};
pub use layout::Layout;
#[cfg(feature = "http")]
pub use resolve::resolve;
pub use run::{Budget, Cancel, Run, Stopped};
