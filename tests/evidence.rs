//! Evidence over HTTP and its caches, against servers in this process.
#![cfg(feature = "http")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "evidence/caches.rs"]
mod caches;
#[path = "evidence/directory.rs"]
mod directory;
#[path = "evidence/egress.rs"]
mod egress;
#[path = "evidence/http.rs"]
mod http;
#[path = "evidence/made.rs"]
mod made;
#[path = "shared/random.rs"]
mod random;
#[path = "evidence/server.rs"]
mod server;
#[path = "shared/signing.rs"]
mod signing;

use std::time::Duration;

use notation_verifier::evidence::EvidenceReply;
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, PrivateAddresses};
use notation_verifier::{Limits, Provider};

/// Options that ask servers of this machine, and give a busy one time.
fn local() -> FetchOptions {
    let mut options = FetchOptions::default();
    options.egress.private_addresses = PrivateAddresses::Allow;
    options.ocsp_timeout = Duration::from_secs(30);
    options.crl_timeout = Duration::from_secs(30);
    options
}

fn with(change: impl FnOnce(&mut FetchOptions)) -> EvidenceFetcher {
    let mut options = local();
    change(&mut options);
    EvidenceFetcher::new(options, Provider::preferred(), &Limits::default())
}

fn fetcher() -> EvidenceFetcher {
    with(|_| ())
}

/// The list at `url`.
fn content(fetcher: &EvidenceFetcher, url: &str) -> Vec<u8> {
    match fetcher.get(&made::crl_request(url.to_owned()), usize::MAX) {
        EvidenceReply::Content(content) => content.bytes().to_vec(),
        other => panic!("{url}: {other:?}"),
    }
}

/// Why there is no list at `url`.
fn cause(fetcher: &EvidenceFetcher, url: &str) -> String {
    match fetcher.get(&made::crl_request(url.to_owned()), usize::MAX) {
        EvidenceReply::Unavailable(why) => why,
        other => panic!("{url}: {other:?}"),
    }
}
