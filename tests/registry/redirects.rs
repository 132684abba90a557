//! Where redirects lead, and what goes there.

use std::sync::Arc;

use notation_verifier::io::registry::{Credential, RegistryClient};
use notation_verifier::report::ArtifactStatus;

use crate::server::{Answer, Server};
use crate::world::{World, lookup_failure, options, verify};

/// A registry that wants a password for everything, and redirects blobs to
/// wherever `location` says.
fn redirecting(status: u16, location: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    let world = World::signed();
    Server::start(move |asked| {
        if asked.path().contains("/blobs/") {
            return Answer::status(status).with("location", location(asked.path()));
        }
        if asked.header("authorization").is_none() && !asked.path().starts_with("/free/") {
            return Answer::status(401).with("www-authenticate", "Basic realm=\"registry\"");
        }
        world.answer(asked)
    })
}

fn client() -> RegistryClient {
    let mut options = options();
    options.credentials = Arc::new(|_: &str| Ok(Some(Credential::password("user", "hunter2"))));
    RegistryClient::new(options)
}

/// GHSA-vh4v-2xq2-g5cg (redirect): Authorization is dropped when the port changes.
#[test]
fn credentials_do_not_follow_to_another_server() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::signed();
        let storage = Arc::new(Server::start(move |asked| world.answer(asked)));
        let url = storage.url("");
        let server = redirecting(status, move |path| format!("{url}{path}?signature=secret"));
        let report = verify(&client(), &server);
        assert_eq!(
            report.status(),
            ArtifactStatus::Verified,
            "{status}: {report:#?}"
        );
        let asked = storage.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].header("authorization"), None);
        assert!(
            server
                .asked()
                .iter()
                .any(|one| one.header("authorization").is_some())
        );
    }
}

#[test]
fn credentials_stay_on_the_same_server() {
    let world = World::signed();
    let server = Server::start(move |asked| {
        if asked.header("authorization").is_none() {
            return Answer::status(401).with("www-authenticate", "Basic realm=\"registry\"");
        }
        if let Some(digest) = asked.path().strip_prefix("/v2/demo/app/blobs/") {
            return Answer::status(307).with("location", format!("/v2/other/blobs/{digest}"));
        }
        world.answer(asked)
    });
    assert_eq!(
        verify(&client(), &server).status(),
        ArtifactStatus::Verified
    );
    assert_eq!(server.count("/v2/other/blobs/"), 1);
}

/// A server that was redirected to cannot ask for the credentials of the registry.
#[test]
fn a_demand_after_a_redirect_gets_nothing() {
    let storage =
        Server::start(|_| Answer::status(401).with("www-authenticate", "Basic realm=\"storage\""));
    let url = storage.url("");
    let server = redirecting(307, move |path| format!("{url}{path}"));
    let report = verify(&client(), &server);
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
    assert_eq!(storage.asked().len(), 1);
    assert!(
        storage
            .asked()
            .iter()
            .all(|one| one.header("authorization").is_none())
    );
}

#[test]
fn redirects_are_counted() {
    let server = redirecting(307, |path| format!("{path}x"));
    let client = client();
    let report = verify(&client, &server);
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
    assert_eq!(server.count("/v2/demo/app/blobs/"), 6);
    let text = format!("{report:?}");
    assert!(text.contains("redirects more than 5 times"), "{text}");
}

/// Plain HTTP is not allowed for another host because one on this machine says so;
/// nor is anything but HTTP.
#[test]
fn redirects_out_of_what_is_allowed_are_refused() {
    for location in [
        "http://169.254.169.254/latest/meta-data",
        "http://storage.example/blob",
        "ftp://storage.example/blob",
        "file:///etc/passwd",
        "http://user:password@127.0.0.1/",
        "http://",
    ] {
        let server = redirecting(307, move |_| location.to_owned());
        let report = verify(&client(), &server);
        assert_eq!(report.status(), ArtifactStatus::LookupFailed, "{location}");
        assert_eq!(server.count("/v2/demo/app/blobs/"), 1);
    }
}

#[test]
fn a_redirect_without_a_target_is_a_failure() {
    let server = Server::start(|_| Answer::status(302));
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("without saying where to"), "{failure}");
}
