//! Everything that touches a file system: configuration, layouts, the loop that
//! drives a [`Session`](crate::session::Session) (feature `io`).

pub mod config;
mod configured;
pub mod drive;
pub mod layout;

pub use config::ConfigDirectory;
pub use configured::Configured;
pub use drive::{BlobHost, Host, LayoutHost, drive};
pub use layout::Layout;
