//! Hosts that may not be asked are not asked: no connection reaches them.

use std::io::Write as _;

use notation_verifier::io::evidence::{FetchOptions, PrivateAddresses};

use crate::made::{crl, in_seconds};
use crate::server::{Server, reply};
use crate::{cause, content, with};

fn good() -> Vec<u8> {
    crl(Some(in_seconds(3600)))
}

fn deny(options: &mut FetchOptions) {
    options.egress.private_addresses = PrivateAddresses::Deny;
}

#[test]
fn private_addresses_are_refused_by_default() {
    let default = FetchOptions::default().egress.private_addresses;
    assert_eq!(default, PrivateAddresses::Deny);
    let server = Server::with("200 OK", good());
    let port = server.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ] {
        let why = cause(&with(deny), &format!("http://{host}:{port}/"));
        // Not every resolver reads the odd spellings.
        if host == "127.0.0.1" || host == "localhost" {
            assert!(why.contains("do not allow the private address"), "{why}");
        }
    }
    assert_eq!(server.hits(), 0);
}

#[test]
fn only_listed_hosts_are_asked() {
    let server = Server::with("200 OK", good());
    let only = |pattern: String| {
        with(|options| options.egress.allowed_hosts.push(pattern.parse().unwrap()))
    };
    let url = server.url("/");
    assert_eq!(content(&only("127.0.0.1".to_owned()), &url), good());
    let port = server.port();
    assert_eq!(content(&only(format!("127.0.0.1:{port}")), &url), good());
    let hits = server.hits();
    for pattern in ["crl.example.com".to_owned(), "127.0.0.1:1".to_owned()] {
        assert_eq!(
            cause(&only(pattern), &url),
            "the egress rules do not allow the host `127.0.0.1`"
        );
    }
    assert_eq!(server.hits(), hits);
}

#[test]
fn a_redirect_leads_to_no_host_that_is_not_allowed() {
    let inside = Server::with("200 OK", good());
    let target = format!("http://localhost:{}/metadata", inside.port());
    let outside = Server::start(move |_, stream| {
        let _ = stream.write_all(&reply("302 Found", &[("location", &target)], b""));
    });
    let fetcher = with(|options| {
        let allowed = format!("127.0.0.1:{}", outside.port());
        options.egress.allowed_hosts.push(allowed.parse().unwrap());
    });
    let why = cause(&fetcher, &outside.url("/"));
    assert!(
        why.starts_with("after a redirect to `http://localhost:"),
        "{why}"
    );
    assert!(why.ends_with("do not allow the host `localhost`"), "{why}");
    assert_eq!((outside.hits(), inside.hits()), (1, 0));
}
