//! Everything that touches a file system or a network (feature `io`).

pub mod layout;
