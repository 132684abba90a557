//! Answers that are wrong, too long or without end: refused, within bounds, and
//! never taken for "there is no signature".

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use notation_verifier::report::ArtifactStatus;
use notation_verifier::session::{Reply, Request};

use crate::memory::{IMAGE, Registry};
use crate::server::{Answer, Manner, Server};
use crate::world::{INDEX, MANIFEST, World, client, fetch, lookup_failure, options, verify};

const NOTHING: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// The signed image, where requests whose path has `part` in it are answered by
/// `instead`.
fn except(part: &'static str, instead: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Server {
    let world = World::signed();
    let count = AtomicUsize::new(0);
    Server::start(move |asked| {
        if asked.path().contains(part) {
            instead(count.fetch_add(1, Ordering::SeqCst))
        } else {
            world.answer(asked)
        }
    })
}

/// CVE-2023-33957, -33958 (endless signatures): endless empty pages.
#[test]
fn endless_empty_pages_end_with_the_page_limit() {
    let server = except("/referrers/", |number| {
        let path = format!("/v2/demo/app/referrers/{IMAGE}?page={number}");
        Answer::new(200, INDEX, NOTHING).with("link", format!("<{path}>; rel=next"))
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(
        failure.contains("100 pages (`referrer_pages`)"),
        "{failure}"
    );
    assert_eq!(server.count("/v2/demo/app/referrers/"), 100);
}

/// CVE-2023-33957, -33958 (endless signatures): a `Link` loop over two pages ends as
/// endless pages do, one to itself at once.
#[test]
fn link_loops_end() {
    let server = except("/referrers/", |number| {
        let path = format!("/v2/demo/app/referrers/{IMAGE}?page={}", number % 2);
        Answer::new(200, INDEX, NOTHING).with("link", format!("<{path}>; rel=next"))
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("`referrer_pages`"), "{failure}");
    let server = except("/referrers/", |_| {
        Answer::new(200, INDEX, NOTHING).with("link", "<>; rel=next")
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("leads to itself"), "{failure}");
    assert_eq!(server.count("/v2/demo/app/referrers/"), 1);
}

/// CVE-2023-33957, -33958 (endless signatures): more signatures than are evaluated,
/// and more referrers than are counted (GHSA-cq38-jh5f-37mq, CVE-2024-35238: counts
/// never pre-allocate).
#[test]
fn endless_signatures_end_with_their_limit() {
    let mut held = Registry::default();
    let all: Vec<_> = (0..120).map(|number| held.bad_signature(number)).collect();
    held.pages = all.chunks(10).map(<[_]>::to_vec).collect();
    let server = World::of(held).serve();
    let report = verify(&client(), &server);
    assert_eq!(report.status(), ArtifactStatus::Rejected);
    assert_eq!(report.signatures().len(), 100);
    assert_eq!(server.count("/v2/demo/app/blobs/"), 1 + 99);

    let entry =
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{IMAGE}","size":1,"artifactType":"a/b"}}"#);
    let many = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        vec![entry.as_str(); 10_001].join(",")
    );
    let server = except("/referrers/", move |_| {
        Answer::new(200, INDEX, many.clone())
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("`referrers`"), "{failure}");
}

/// Cross-origin `Link`: refused, and nothing is sent there.
#[test]
fn a_link_to_another_server_is_not_followed() {
    let elsewhere = Server::start(|_| Answer::new(200, INDEX, NOTHING));
    let url = elsewhere.url(&format!("/v2/demo/app/referrers/{IMAGE}"));
    let server = except("/referrers/", move |_| {
        Answer::new(200, INDEX, NOTHING).with("link", format!("<{url}>; rel=\"next\""))
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("another server"), "{failure}");
    assert_eq!(elsewhere.asked().len(), 0);
}

/// CVE-2023-33959 (wrong artifact): other octets, another size or another media type
/// than those that were asked for.
#[test]
fn the_wrong_artifact_is_refused() {
    for (kind, body) in [(MANIFEST, "{}"), (MANIFEST, ""), (INDEX, NOTHING)] {
        let server = except("/manifests/", move |_| Answer::new(200, kind, body));
        let failure = lookup_failure(&verify(&client(), &server));
        assert!(failure.contains("another digest"), "{failure}");
    }
    let server = World::signed();
    let server = Server::start(move |asked| {
        let mut answer = server.answer(asked);
        if asked.path().ends_with(IMAGE) && asked.path().contains("/manifests/") {
            answer.headers[0].1 = INDEX.to_owned();
        }
        answer
    });
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("came as"), "{failure}");
    // Another envelope than the one that the manifest names.
    let server = except("/blobs/", |_| Answer::new(200, "a/b", "x"));
    assert_eq!(
        verify(&client(), &server).status(),
        ArtifactStatus::Rejected
    );
}

/// GHSA-f36w-mj3v-6jqv (descriptor size): negative, huge and lying sizes.
#[test]
fn sizes_that_lie_are_refused_before_anything_is_fetched() {
    for size in ["-1", "9223372036854775807", "4194305", "1e3", "\"5\""] {
        let list = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{MANIFEST}","digest":"{IMAGE}",
            "size":{size},"artifactType":"application/vnd.cncf.notary.signature"}}]}}"#
        );
        let server = except("/referrers/", move |_| {
            Answer::new(200, INDEX, list.clone())
        });
        let report = verify(&client(), &server);
        assert!(
            matches!(
                report.status(),
                ArtifactStatus::LookupFailed | ArtifactStatus::Rejected
            ),
            "{size}: {report:#?}"
        );
        assert_eq!(server.asked().len(), 2, "{size}");
    }
}

/// Kyverno notary DoS (CVE-2023-42813 to -42816), CVE-2024-29903: every read is
/// bounded, and no stated length is believed.
#[test]
fn bodies_are_bounded() {
    let resolve = || Request::Resolve {
        reference: "v1".to_owned(),
    };
    let cases: [(Answer, &str); 4] = [
        (
            Answer::new(200, MANIFEST, "{}").sent(Manner::Stating(10_000_000_000_000)),
            "allowed 65536 octets",
        ),
        (
            Answer::new(200, MANIFEST, vec![b' '; 70_000]),
            "allowed 65536 octets",
        ),
        (
            Answer::new(200, MANIFEST, vec![b' '; 9_000]).sent(Manner::Endless),
            "allowed 65536 octets",
        ),
        (
            Answer::new(200, MANIFEST, "{}").with("content-encoding", "gzip"),
            "compressed",
        ),
    ];
    for (answer, expected) in cases {
        let server = Server::start(move |_| answer.clone());
        match fetch(&client(), &server, resolve()) {
            Reply::Failed(why) => assert!(why.contains(expected), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(server.asked().len(), 1);
    }
    // An error without end says enough at its beginning.
    let server =
        Server::start(|_| Answer::new(403, "text/plain", vec![b' '; 9_000]).sent(Manner::Endless));
    assert!(
        matches!(fetch(&client(), &server, resolve()), Reply::Failed(why) if why.contains("403"))
    );
    let server = Server::start(|_| {
        let long = "a".repeat(100_000);
        Answer::status(200).with("x-long", long)
    });
    assert!(matches!(
        fetch(&client(), &server, resolve()),
        Reply::Failed(_)
    ));
}

#[test]
fn a_body_that_is_cut_off_is_asked_for_again() {
    let world = World::signed();
    let count = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        let answer = world.answer(asked);
        if asked.path().contains("/blobs/") && count.fetch_add(1, Ordering::SeqCst) == 0 {
            let more = u64::try_from(answer.body.len()).unwrap() + 10;
            return answer.sent(Manner::Stating(more));
        }
        answer
    });
    let client = client();
    // The size is known from the manifest: what states more is refused.
    let report = verify(&client, &server);
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
    let server = except("/manifests/", |number| {
        let answer = World::signed().answer(&asked_for_image());
        let more = u64::try_from(answer.body.len()).unwrap() + 10;
        if number == 0 {
            answer.sent(Manner::Stating(more))
        } else {
            answer
        }
    });
    let reply = fetch(
        &client,
        &server,
        Request::Resolve {
            reference: IMAGE.to_owned(),
        },
    );
    assert!(matches!(reply, Reply::Content { .. }), "{reply:?}");
    assert_eq!(server.asked().len(), 2);
}

fn asked_for_image() -> crate::server::Asked {
    crate::server::Asked {
        method: "GET".to_owned(),
        target: format!("/v2/demo/app/manifests/{IMAGE}"),
        headers: Vec::new(),
        body: Vec::new(),
        certificate: false,
    }
}

/// One octet now and then does not keep a verification for ever.
#[test]
fn slow_answers_end_with_the_time_of_an_attempt() {
    let mut options = options();
    options.pace.attempts = 2;
    options.pace.attempt_timeout = Duration::from_millis(1_500);
    let client = notation_verifier::io::registry::RegistryClient::new(options);
    let server = except("/referrers/", |_| {
        Answer::new(200, INDEX, NOTHING).sent(Manner::Dripping)
    });
    let failure = lookup_failure(&verify(&client, &server));
    assert!(
        failure.contains("time-out after 1.5 s (2 attempts)"),
        "{failure}"
    );
    assert_eq!(server.count("/v2/demo/app/referrers/"), 2);
}

#[test]
fn what_is_no_http_is_no_answer() {
    use std::io::Write as _;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        }
    });
    let report = crate::world::verify_in(
        &client(),
        &crate::world::image(&address.to_string()),
        notation_verifier::io::Run::default(),
    );
    lookup_failure(&report);
}
