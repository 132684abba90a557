//! How many requests a verification takes.

use notation_verifier::io::Run;
use notation_verifier::oci::Reference;
use notation_verifier::report::ArtifactStatus;

use crate::memory::{IMAGE, Registry};
use crate::server::Server;
use crate::world::{World, client, lookup_failure, options, verify, verify_in};

#[test]
fn a_signed_image_takes_three_round_trips_and_an_unsigned_one_two() {
    let server = World::signed().serve();
    let report = verify(&client(), &server);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    // CVE-2023-47630 (digest control): the caller gets the digest that was verified.
    assert_eq!(report.target().unwrap().digest, IMAGE);
    // Resolve and referrers at the same time, the manifest, the envelope.
    assert_eq!(server.asked().len(), 4);
    assert_eq!(server.count("/v2/demo/app/referrers/"), 1);
    assert_eq!(server.count("/v2/demo/app/blobs/"), 1);
    // CVE-2026-50151 (upload Location): nothing is uploaded.
    assert!(server.asked().iter().all(|one| one.method == "GET"));

    let server = World::unsigned().serve();
    let client = client();
    let report = verify(&client, &server);
    assert_eq!(report.status(), ArtifactStatus::Unsigned);
    assert_eq!(server.asked().len(), 2);
    let counted = client.statistics();
    assert_eq!((counted.requests, counted.referrers), (2, 1));
    assert_eq!((counted.retries, counted.tokens), (0, 0));
    assert!(counted.bytes > 0);
}

#[test]
fn resolve_and_referrers_are_asked_at_the_same_time() {
    // Each of the two answers when the other one has been asked too.
    let both = std::sync::Barrier::new(2);
    let world = World::unsigned();
    let server = Server::start(move |asked| {
        both.wait();
        world.answer(asked)
    });
    assert_eq!(
        verify(&client(), &server).status(),
        ArtifactStatus::Unsigned
    );
    assert_eq!(server.most_inside(), 2);
}

#[test]
fn a_tag_is_resolved_first() {
    let server = World::signed().serve();
    let reference = Reference::parse(&format!("{}/demo/app:v1", server.name())).unwrap();
    let report = verify_in(&client(), &reference, Run::default());
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(report.target().unwrap().digest, IMAGE);
    let targets: Vec<String> = server.asked().into_iter().map(|one| one.target).collect();
    assert_eq!(targets.len(), 4, "{targets:?}");
    assert!(targets[0].ends_with("/manifests/v1"));
    let missing = Reference::parse(&format!("{}/demo/app:v2", server.name())).unwrap();
    let failure = lookup_failure(&verify_in(&client(), &missing, Run::default()));
    assert!(failure.contains("does not exist"), "{failure}");
}

#[test]
fn connections_are_used_again() {
    let server = World::signed().serve();
    let client = client();
    for _ in 0..10 {
        assert_eq!(
            verify(&client.clone(), &server).status(),
            ArtifactStatus::Verified
        );
    }
    assert_eq!(server.asked().len(), 40);
    // One for each of the two requests at the same time.
    assert!(server.connections() <= 3, "{}", server.connections());
}

#[test]
fn without_the_api_the_tag_is_asked_and_that_is_remembered() {
    let server = World::signed().without_api().serve();
    let client = client();
    for requests in [5, 4, 4] {
        let before = server.asked().len();
        assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
        assert_eq!(server.asked().len() - before, requests);
    }
    // Another client knows nothing.
    verify(&super::world::client(), &server);
    assert_eq!(server.count("/v2/demo/app/referrers/"), 2);

    let server = World::unsigned().without_api().serve();
    let client = super::world::client();
    // The API is asked until it was twice seen to be missing.
    for requests in [3, 3, 2, 2] {
        let before = server.asked().len();
        assert_eq!(verify(&client, &server).status(), ArtifactStatus::Unsigned);
        assert_eq!(server.asked().len() - before, requests);
    }
}

#[test]
fn a_missing_repository_is_not_taken_for_a_missing_api() {
    let world = World::unsigned();
    let server = Server::start(move |asked| {
        if asked.target.contains("/nowhere/") {
            let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#;
            return crate::server::Answer::new(404, "application/json", body);
        }
        world.answer(asked)
    });
    let client = client();
    let nowhere = Reference::parse(&format!("{}/nowhere/x@{IMAGE}", server.name())).unwrap();
    for _ in 0..3 {
        lookup_failure(&verify_in(&client, &nowhere, Run::default()));
    }
    verify(&client, &server);
    assert_eq!(server.count("/v2/demo/app/referrers/"), 1);
    assert_eq!(server.count("/v2/demo/app/manifests/sha256-"), 0);
}

#[test]
fn pages_are_followed_and_bad_signatures_do_not_hide_good_ones() {
    let mut held = Registry::default();
    let bad = held.bad_signature(0);
    let good = held.good_signature("good");
    let other = held.of_another_artifact();
    held.pages = vec![vec![bad], vec![], vec![other, good]];
    let server = World::of(held).serve();
    let report = verify(&client(), &server);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(report.signatures().len(), 3);
    assert_eq!(server.count("/v2/demo/app/referrers/"), 3);
}

#[test]
fn plain_http_is_for_this_machine_and_for_those_that_are_named() {
    use notation_verifier::io::registry::RegistryClient;
    use notation_verifier::registry::Scheme;
    let mut options = options();
    options
        .plain_http
        .push("plain.example:5000".parse().unwrap());
    let client = RegistryClient::new(options.clone());
    options.loopback = Scheme::Https;
    let strict = RegistryClient::new(options);
    for (registry, usual, with_tls) in [
        ("localhost:5000", Scheme::Http, Scheme::Https),
        ("127.0.0.1:5000", Scheme::Http, Scheme::Https),
        ("[::1]", Scheme::Http, Scheme::Https),
        ("plain.example:5000", Scheme::Http, Scheme::Http),
        ("plain.example", Scheme::Https, Scheme::Https),
        ("reg.example", Scheme::Https, Scheme::Https),
        ("10.0.0.1:5000", Scheme::Https, Scheme::Https),
        ("localhost.example", Scheme::Https, Scheme::Https),
    ] {
        let reference = Reference::parse(&format!("{registry}/a")).unwrap();
        assert_eq!(client.scheme(&reference), usual, "{registry}");
        assert_eq!(strict.scheme(&reference), with_tls, "{registry}");
    }
}
