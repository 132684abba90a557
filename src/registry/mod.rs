//! Talking to registries (distribution-spec), without sockets.
//!
//! [`Exchange`] turns a [`Request`](crate::session::Request) of a session into
//! HTTP requests and their answers into a [`Reply`](crate::session::Reply). Who
//! sends them is the host's matter; [`io::registry`](crate::io) does it with a
//! pool of connections. Beside it stand the rules that do not need a socket
//! either: where a redirect or a `Link` may lead, what a server asks for before it
//! answers, and which of them may see a credential.

pub mod challenge;
pub mod docker_config;
pub mod link;
pub mod redirect;
pub mod token;

mod endpoint;
mod exchange;
mod failure;
mod manifest;
mod message;
mod publish;
mod referrers;
mod secret;
mod tags;
mod text;
mod upload;

pub use endpoint::{Endpoint, Origin, Scheme};
pub use exchange::{Exchange, Progress};
pub use failure::{is_passing, is_passing_status, status_failure};
pub use manifest::{Deleted, delete_manifest, deleted, is_there, look_for, put_manifest, stored};
pub use message::{HttpRequest, HttpResponse, Method, Retry};
pub use publish::{Listed, Publication, Publish, PublishStep, Withdrawal};
pub use referrers::{ReferrersApi, ReferrersOrder};
pub use secret::Secret;
pub use tags::{TagList, TagListStep};
pub use upload::{Brought, Upload, UploadStep};

#[cfg(test)]
mod tests;
