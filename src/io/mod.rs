//! Everything that touches a file system or a network (feature `io`).

pub mod config;
pub mod layout;

pub use config::ConfigDirectory;
