//! What is asked once, and for how long.

use std::io::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use notation_verifier::evidence::EvidenceReply;
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, Mode};
use notation_verifier::{Limits, Provider};

use crate::made::{crl, crl_request, in_seconds, ocsp_request, ocsp_response};
use crate::server::{Server, reply};
use crate::{cause, content, fetcher, local, with};

fn good() -> Vec<u8> {
    crl(Some(in_seconds(3600)))
}

#[test]
fn an_answer_is_fetched_once_for_many_images() {
    let list = Server::with("200 OK", good());
    let fetcher = fetcher();
    for _ in 0..100 {
        assert_eq!(content(&fetcher.clone(), &list.url("/a")), good());
    }
    assert_eq!(list.hits(), 1);
    // Which authority is asked about makes no other list of it.
    let mut other = crl_request(list.url("/a"));
    if let notation_verifier::evidence::EvidenceRequest::Crl { issuer, .. } = &mut other {
        issuer.push(1);
    }
    let _ = fetcher.get(&other, usize::MAX);
    assert_eq!(list.hits(), 1);
    assert_eq!(content(&fetcher, &list.url("/b")), good());
    assert_eq!(list.hits(), 2);

    let responder = Server::with("200 OK", ocsp_response(in_seconds(3600)));
    for _ in 0..100 {
        let _ = fetcher.get(&ocsp_request(responder.url("")), usize::MAX);
    }
    assert_eq!(responder.hits(), 1);
}

#[test]
fn threads_that_ask_at_the_same_time_share_one_request() {
    let server = Server::start(|_, stream| {
        thread::sleep(Duration::from_millis(500));
        let _ = stream.write_all(&reply("200 OK", &[], &good()));
    });
    let fetcher = with(|options| options.crl_timeout = Duration::from_secs(60));
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(content(&fetcher, &server.url("/")), good());
            });
        }
    });
    assert_eq!(server.hits(), 1);
}

#[test]
fn a_failure_is_remembered_for_a_while() {
    let server = Server::with("500 Oops", Vec::new());
    let fetcher = fetcher();
    let first = cause(&fetcher, &server.url("/"));
    assert_eq!(cause(&fetcher, &server.url("/")), first);
    assert_eq!(server.hits(), 1);
    let forgetful = with(|options| options.memory.failures_for = Duration::ZERO);
    let _ = cause(&forgetful, &server.url("/"));
    let _ = cause(&forgetful, &server.url("/"));
    assert_eq!(server.hits(), 3);
}

#[test]
fn what_is_not_current_is_not_kept() {
    for body in [
        crl(Some(in_seconds(-1))),
        crl(None),
        b"not a list".to_vec(),
        Vec::new(),
    ] {
        let server = Server::with("200 OK", body.clone());
        let fetcher = fetcher();
        // It is given: the check says what is wrong with it.
        assert_eq!(content(&fetcher, &server.url("/")), body);
        assert_eq!(content(&fetcher, &server.url("/")), body);
        assert_eq!(server.hits(), 2);
    }
    let server = Server::with("200 OK", good());
    let ageless = with(|options| options.memory.max_age = Duration::ZERO);
    let _ = content(&ageless, &server.url("/"));
    thread::sleep(Duration::from_millis(1_100));
    let _ = content(&ageless, &server.url("/"));
    assert_eq!(server.hits(), 2);
    // Current now, and not at the moment of verification.
    let server = Server::with("200 OK", good());
    let later = with(|options| options.moment = Some(in_seconds(7200)));
    let _ = content(&later, &server.url("/"));
    let _ = content(&later, &server.url("/"));
    assert_eq!(server.hits(), 2);
}

#[test]
fn modes_that_do_not_fetch_do_not_fetch() {
    let server = Server::with("200 OK", good());
    for (mode, expected) in [
        (
            Mode::CacheOnly,
            "no answer is cached, and the mode is `cache-only`",
        ),
        (
            Mode::Offline,
            "nothing that was given beforehand answers, and the mode is `offline`",
        ),
    ] {
        let fetcher = with(|options| options.mode = mode);
        assert_eq!(cause(&fetcher, &server.url("/")), expected);
    }
    assert_eq!(server.hits(), 0);
}

#[test]
fn what_is_given_beforehand_is_not_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, octets: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, octets).unwrap();
        path
    };
    let list = write("list.crl", &good());
    let stale = write("stale.crl", &crl(Some(in_seconds(-1))));
    write("answer.ors", &ocsp_response(in_seconds(3600)));
    write("notes.txt", b"not looked at");
    write("broken.der", b"garbage");
    let server = Server::with("200 OK", good());
    let limits = Limits::default();
    let preloaded = |mode| {
        let mut options: FetchOptions = local();
        options.mode = mode;
        let warnings = options.preloaded.add(folder.path(), &limits).unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("broken.der"));
        for (path, file) in [("/given", &list), ("/stale", &stale)] {
            let url = server.url(path);
            options.preloaded.add_for_url(&url, file, &limits).unwrap();
        }
        EvidenceFetcher::new(options, Provider::preferred(), &limits)
    };
    for mode in [Mode::Online, Mode::CacheOnly, Mode::Offline] {
        let fetcher = preloaded(mode);
        assert_eq!(content(&fetcher, &server.url("/given")), good());
        let ocsp = fetcher.get(&ocsp_request(server.url("")), usize::MAX);
        assert!(matches!(ocsp, EvidenceReply::Content(_)), "{ocsp:?}");
    }
    assert_eq!(server.hits(), 0);
    // The same for hosts that fetch themselves, at a moment that they name.
    let at = |mode, path, seconds| {
        let request = crl_request(server.url(path));
        preloaded(mode).preloaded(&request, usize::MAX, in_seconds(seconds))
    };
    assert!(matches!(
        at(Mode::Online, "/given", 0),
        Some(EvidenceReply::Content(_))
    ));
    assert!(at(Mode::Online, "/given", 1_000_000_000).is_none());
    assert!(at(Mode::Offline, "/given", 1_000_000_000).is_some());
    assert!(at(Mode::Online, "/stale", 0).is_none());
    assert!(at(Mode::Offline, "/other", 0).is_none());
    let small = preloaded(Mode::Online);
    let small = small.preloaded(&crl_request(server.url("/given")), 1, in_seconds(0));
    assert!(matches!(small, Some(EvidenceReply::Unavailable(_))));
    assert_eq!(server.hits(), 0);

    // Expired, it is what there is where nothing is fetched, and else it is not used.
    let expired = std::fs::read(&stale).unwrap();
    assert_eq!(
        content(&preloaded(Mode::Offline), &server.url("/stale")),
        expired
    );
    assert_eq!(
        content(&preloaded(Mode::Online), &server.url("/stale")),
        good()
    );
    assert_eq!(server.hits(), 1);

    let mut options = local();
    for bad in ["notes.txt", "missing.crl"] {
        let path = folder.path().join(bad);
        let error = options.preloaded.add(&path, &limits).unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
    }
    assert!(options.preloaded.is_empty());
}
