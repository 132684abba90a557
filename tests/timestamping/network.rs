//! The way to the authority is bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use notation_verifier::ErrorKind;
use notation_verifier::io::registry::{Proxies, ProxySettings, SystemRoots};
use notation_verifier::io::timestamp::TimestampOptions;
use notation_verifier::io::{Budget, Cancel, Run};

use crate::answers::REPLY;
use crate::certificates::{Asks, Authority, there_is_openssl};
use crate::server::{Answer, Asked, Manner, Server};
use crate::world::{World, options};

/// Nothing takes this long.
const LONG: Duration = Duration::from_secs(600);

fn good(world: &World, asked: &Asked) -> Answer {
    Answer::new(200, REPLY, world.tsa.ask(&asked.body))
}

/// A server that gives these answers, one after the other, and then good ones.
fn after(world: &Arc<World>, first: Vec<Answer>) -> Server {
    let (world, count) = (Arc::clone(world), AtomicUsize::new(0));
    Server::start(move |asked| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        first
            .get(number)
            .cloned()
            .unwrap_or_else(|| good(&world, asked))
    })
}

fn always(answer: Answer) -> Server {
    Server::start(move |_| answer.clone())
}

fn impatient() -> TimestampOptions {
    let mut options = options();
    options.attempt_timeout = Duration::from_secs(1);
    options.attempts = 2;
    options
}

#[track_caller]
fn failed(
    world: &World,
    server: &Server,
    options: TimestampOptions,
    kind: ErrorKind,
    attempts: usize,
    because: &str,
) {
    let error = world
        .sign(&world.authority(&server.url("/a?key=secret"), options))
        .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(text.contains(because), "{text}");
    assert!(text.contains(&server.name()), "{text}");
    assert!(!text.contains("secret"), "{text}");
    // What a client gave up to wait for may be read a moment later.
    let start = Instant::now();
    while server.count("/") < attempts && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.count("/"), attempts, "{text}");
}

#[test]
fn what_passes_is_tried_again() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let busy = |status| Answer::status(status);
    // systemFailure, timeNotAvailable.
    let failing = Answer::new(
        200,
        REPLY,
        [0x30, 12, 0x30, 10, 2, 1, 2, 3, 5, 6, 0, 0, 0, 0x40],
    );
    let no_time = Answer::new(200, REPLY, [0x30, 10, 0x30, 8, 2, 1, 2, 3, 3, 1, 0, 2]);
    for first in [
        vec![busy(503)],
        vec![busy(500), busy(429).with("retry-after", "0")],
        vec![busy(504).sent(Manner::Reset), busy(502)],
        vec![busy(200).sent(Manner::Stating(10_000))],
        vec![failing.clone(), no_time.clone()],
    ] {
        let count = first.len();
        let server = after(&world, first);
        let authority = world.authority(&server.url("/"), options());
        world.sign(&authority).unwrap();
        assert_eq!(server.count("/"), count + 1);
        // The same query each time.
        let asked = server.asked();
        assert!(asked.iter().all(|one| one.body == asked[0].body));
        assert_eq!(asked[0].method, "POST");
        assert_eq!(
            asked[0].header("content-type"),
            Some("application/timestamp-query")
        );
        assert_eq!(asked[0].header("accept"), Some(REPLY));
    }
    let io = ErrorKind::Io;
    let why = "the status 503 (Service Unavailable) (3 attempts)";
    failed(&world, &always(busy(503)), options(), io, 3, why);
    let reset = always(busy(200).sent(Manner::Reset));
    failed(&world, &reset, options(), io, 3, "(3 attempts)");
    failed(&world, &always(failing), options(), io, 3, "systemFailure");
    failed(
        &world,
        &always(no_time),
        options(),
        io,
        3,
        "timeNotAvailable",
    );
    let later = always(busy(503).with("retry-after", "3600"));
    failed(&world, &later, options(), io, 1, "a pause of 3600 s");
}

#[test]
fn what_is_no_reply_is_not_tried_again() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let page = "<!doctype html><title>Sign in</title>";
    let io = ErrorKind::Io;
    for (answer, because) in [
        (
            Answer::new(200, "text/html; charset=utf-8", page),
            "it answers with `text/html`",
        ),
        (
            Answer::new(200, "application/timestamp-query", ""),
            "`application/timestamp-query`",
        ),
        (
            Answer::new(404, "text/html", page),
            "the status 404 (Not Found)",
        ),
        (Answer::new(400, REPLY, ""), "the status 400"),
        (Answer::new(201, REPLY, ""), "the status 201"),
        (
            Answer::new(200, REPLY, "").with("content-encoding", "gzip"),
            "compressed",
        ),
        (
            Answer::new(200, REPLY, vec![0; 1024 * 1024 + 1]),
            "more than the allowed 1048576 octets",
        ),
        (
            Answer::new(200, REPLY, vec![0; 1024]).sent(Manner::Endless),
            "more than the allowed 1048576 octets",
        ),
        (
            Answer::new(200, REPLY, "").sent(Manner::Stating(1 << 40)),
            "more than the allowed 1048576 octets",
        ),
    ] {
        failed(&world, &always(answer), options(), io, 1, because);
    }
    // Labelled otherwise, and what was asked for.
    let shared = Arc::clone(&world);
    let parameters = Server::start(move |asked| {
        let mut answer = good(&shared, asked);
        answer.headers = vec![(
            "Content-Type".to_owned(),
            "Application/Timestamp-Reply; a=b".to_owned(),
        )];
        answer
    });
    world
        .sign(&world.authority(&parameters.url("/"), options()))
        .unwrap();
}

#[test]
fn silence_ends_with_its_time() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    for manner in [Manner::Never, Manner::Dripping] {
        let server = always(Answer::new(200, REPLY, "").sent(manner));
        let why = "time-out after 1 s (2 attempts)";
        failed(&world, &server, impatient(), ErrorKind::Io, 2, why);
    }
    // Nothing listens there.
    let nobody = "http://127.0.0.1:1/";
    let error = world.sign(&world.authority(nobody, options())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("(3 attempts)"), "{error}");
}

#[test]
fn the_run_ends_what_waits() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    let hung = always(Answer::status(200).sent(Manner::Never));
    let mut options = options();
    options.attempt_timeout = LONG;
    let authority = world.authority(&hung.url("/"), options);
    let start = Instant::now();
    let cancel = Cancel::new();
    let cancelled = authority.in_run(Run::default().with_cancel(cancel.clone()));
    let error = std::thread::scope(|scope| {
        let signing = scope.spawn(|| world.sign(&cancelled).unwrap_err());
        while hung.count("/") == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        cancel.cancel();
        signing.join().unwrap()
    });
    assert!(
        error.to_string().contains("the run was cancelled"),
        "{error}"
    );
    let short = Run::default().with_budget(Budget::of(Duration::from_millis(300)));
    let error = world.sign(&authority.in_run(short)).unwrap_err();
    assert!(
        error.to_string().contains("for the whole run are over"),
        "{error}"
    );
    assert!(start.elapsed() < LONG);
}

#[test]
fn redirects_do_not_lead_away() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let io = ErrorKind::Io;
    let to = |status, location: &str| Answer::status(status).with("location", location);
    // On the same host the query goes along.
    for status in [307, 308] {
        let server = after(&world, vec![to(status, "/b"), to(status, "c?d=1")]);
        world
            .sign(&world.authority(&server.url("/a"), options()))
            .unwrap();
        let asked = server.asked();
        let targets: Vec<&str> = asked.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(targets, ["/a", "/b", "/c?d=1"]);
        assert!(
            asked
                .iter()
                .all(|one| one.method == "POST" && one.body == asked[0].body)
        );
    }
    // To another port of it too.
    let shared = Arc::clone(&world);
    let other_port = Server::start(move |asked| good(&shared, asked));
    let server = always(to(307, &other_port.url("/x")));
    world
        .sign(&world.authority(&server.url("/"), options()))
        .unwrap();
    assert_eq!(other_port.count("/x"), 1);

    // Nobody else is asked.
    let elsewhere = always(Answer::status(200));
    let other_name = format!("http://localhost:{}/x?token=secret", elsewhere.port());
    for status in [301, 302, 303, 307, 308] {
        let server = always(to(status, &other_name));
        failed(
            &world,
            &server,
            options(),
            io,
            1,
            "another host: give that address",
        );
    }
    for metadata in ["http://169.254.169.254/latest", "//[fd00:ec2::254]/"] {
        failed(
            &world,
            &always(to(307, metadata)),
            options(),
            io,
            1,
            "another host",
        );
    }
    assert_eq!(elsewhere.connections(), 0);

    let server = always(to(302, "/b"));
    failed(
        &world,
        &server,
        options(),
        io,
        1,
        "with the status 302, which does not take",
    );
    let server = always(to(307, "/b"));
    failed(&world, &server, options(), io, 4, "more than 3 times");
    failed(
        &world,
        &always(to(307, "ftp://127.0.0.1/x")),
        options(),
        io,
        1,
        "neither https nor",
    );
    failed(
        &world,
        &always(Answer::status(307)),
        options(),
        io,
        1,
        "the status 307",
    );
}

#[test]
fn an_authority_with_tls_is_believed_where_its_name_is() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let (known, other) = (Authority::new("an authority"), Authority::new("another"));
    known.issue("server", "IP:127.0.0.1", "serverAuth");
    let shared = Arc::clone(&world);
    let server = Server::with_tls(known.server("server", Asks::Whoever), move |asked| {
        good(&shared, asked)
    });
    let believing = |authority: &Authority| {
        let mut options = options();
        options.tls.system_roots = SystemRoots::Ignore;
        options.tls.ca_files = vec![authority.path("ca.pem")];
        options
    };
    world
        .sign(&world.authority(&server.url("/"), believing(&known)))
        .unwrap();
    assert_eq!(server.count("/"), 1);
    assert!(!server.asked()[0].certificate);
    let why = "the server's certificate is not accepted";
    failed(&world, &server, believing(&other), ErrorKind::Io, 1, why);

    // From https nothing leads back.
    let plain = always(Answer::status(200));
    let away = plain.url("/");
    let server = Server::with_tls(known.server("server", Asks::Nobody), move |_| {
        Answer::status(307).with("location", away.clone())
    });
    failed(
        &world,
        &server,
        believing(&known),
        ErrorKind::Io,
        1,
        "leave TLS",
    );
    assert_eq!(plain.connections(), 0);
}

#[test]
fn a_proxy_stands_before_others_than_this_machine() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let shared = Arc::clone(&world);
    let proxy = Server::start(move |asked| match asked.method.as_str() {
        "CONNECT" => Answer::status(200),
        _ => good(&shared, asked),
    });
    let mut settings = ProxySettings::default();
    settings.http = Some(format!("http://{}", proxy.name()));
    let mut through = options();
    through.proxies = Proxies::These(settings);
    world
        .sign(&world.authority("http://timestamp.example/a", through))
        .unwrap();
    let asked = proxy.asked();
    let query = asked.last().unwrap();
    assert!(
        asked
            .iter()
            .any(|one| one.target.contains("timestamp.example"))
    );
    assert_eq!(query.header("host"), Some("timestamp.example"));
}
