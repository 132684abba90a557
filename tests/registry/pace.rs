//! Limits, pauses, time-outs, and runs that are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use notation_verifier::io::registry::RegistryClient;
use notation_verifier::io::{Budget, Cancel, Run};
use notation_verifier::report::ArtifactStatus;

use crate::server::{Answer, Manner, Server};
use crate::world::{World, client, image, lookup_failure, options, verify, verify_in};

/// Far longer than anything here takes, and far shorter than what never ends.
const GENEROUS: Duration = Duration::from_secs(60);

/// The signed image behind a server whose answer to request number `n` is first
/// offered to `instead`.
fn sometimes(instead: impl Fn(usize) -> Option<Answer> + Send + Sync + 'static) -> Server {
    let world = World::signed();
    let count = AtomicUsize::new(0);
    Server::start(move |asked| {
        instead(count.fetch_add(1, Ordering::SeqCst)).unwrap_or_else(|| world.answer(asked))
    })
}

#[test]
fn passing_failures_are_tried_again() {
    let failures: Vec<Answer> = [408, 425, 429, 500, 502, 503, 504]
        .into_iter()
        .map(Answer::status)
        .chain([Answer::status(200).sent(Manner::Reset)])
        .collect();
    let mut cases = 0;
    for failure in failures {
        let server = sometimes(move |number| (number % 3 == 1).then(|| failure.clone()));
        let client = client();
        let report = verify(&client, &server);
        assert_eq!(report.status(), ArtifactStatus::Verified, "{report:#?}");
        assert!(client.statistics().retries >= 1);
        cases += 1;
    }
    assert_eq!(cases, 8);
}

#[test]
fn lasting_failures_are_not() {
    for status in [400, 403, 410, 418, 501, 505] {
        let server = sometimes(move |_| Some(Answer::status(status)));
        let client = client();
        lookup_failure(&verify(&client, &server));
        assert_eq!(client.statistics().retries, 0, "{status}");
    }
}

/// A failed look-up must never equal "absent": not after the last attempt either.
#[test]
fn a_storm_of_refusals_is_a_failed_look_up() {
    for (failure, expected) in [
        (Answer::status(429), "429"),
        (Answer::status(503), "503"),
        (Answer::status(200).sent(Manner::Reset), "(5 attempts)"),
    ] {
        for part in ["/referrers/", "/manifests/"] {
            let (world, failure) = (World::signed(), failure.clone());
            let server = Server::start(move |asked| {
                if asked.path().contains(part) {
                    failure.clone()
                } else {
                    world.answer(asked)
                }
            });
            let text = lookup_failure(&verify(&client(), &server));
            assert!(text.contains(expected), "{text}");
            assert_eq!(server.count(&format!("/v2/demo/app{part}")), 5);
        }
    }
}

#[test]
fn the_registry_says_how_long_to_wait() {
    let server =
        sometimes(|number| (number == 0).then(|| Answer::status(429).with("retry-after", "1")));
    let start = Instant::now();
    assert_eq!(
        verify(&client(), &server).status(),
        ArtifactStatus::Verified
    );
    // It cannot be shorter.
    assert!(start.elapsed() >= Duration::from_secs(1));

    // A date that has passed, and what is no time at all.
    for value in ["Sun, 06 Nov 1994 08:49:37 GMT", "soon"] {
        let server = sometimes(move |number| {
            (number == 0).then(|| Answer::status(503).with("retry-after", value))
        });
        assert_eq!(
            verify(&client(), &server).status(),
            ArtifactStatus::Verified
        );
    }
}

#[test]
fn nobody_waits_for_longer_than_allowed() {
    let server = sometimes(|_| Some(Answer::status(429).with("retry-after", "3600")));
    let start = Instant::now();
    let failure = lookup_failure(&verify(&client(), &server));
    assert!(failure.contains("a pause of 3600 s"), "{failure}");
    assert!(start.elapsed() < GENEROUS);
}

#[test]
fn no_more_requests_than_allowed_at_the_same_time() {
    let world = World::signed();
    let server = Server::start(move |asked| {
        world
            .answer(asked)
            .sent(Manner::Late(Duration::from_millis(10)))
    });
    let mut options = options();
    options.pace.concurrency = 2;
    // Sixteen images wait for two places: that is not charged to their attempts.
    options.pace.attempt_timeout = Duration::from_secs(20);
    let client = RegistryClient::new(options);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
            });
        }
    });
    assert!(server.most_inside() <= 2, "{}", server.most_inside());
    assert_eq!(server.asked().len(), 64);
}

/// The wait for one's turn is longer than the time of an attempt.
#[test]
fn waiting_for_a_turn_is_not_charged_to_the_attempt() {
    let world = World::unsigned();
    let server = Server::start(move |asked| {
        world
            .answer(asked)
            .sent(Manner::Late(Duration::from_millis(250)))
    });
    let mut options = options();
    options.pace.concurrency = 1;
    options.pace.attempts = 1;
    options.pace.attempt_timeout = Duration::from_millis(2_000);
    let client = RegistryClient::new(options);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                assert_eq!(verify(&client, &server).status(), ArtifactStatus::Unsigned);
            });
        }
    });
    // Twelve times 250 ms, one after the other, is more than any attempt has.
    assert_eq!(server.asked().len(), 12);
}

/// Servers in which a run can hang: in an answer, in its body, in a pause, at the
/// door.
fn where_runs_hang() -> Vec<(&'static str, Server)> {
    let body =
        |manner: Manner| Server::start(move |_| Answer::new(200, "a/b", "x").sent(manner.clone()));
    vec![
        ("answer", body(Manner::Never)),
        ("body", body(Manner::Dripping)),
        (
            "pause",
            Server::start(|_| Answer::status(429).with("retry-after", "50")),
        ),
        (
            "token",
            Server::start(|asked| {
                if asked.path() == "/token" {
                    return Answer::status(200).sent(Manner::Never);
                }
                let host = asked.header("host").unwrap();
                let demand = format!("Bearer realm=\"http://{host}/token\"");
                Answer::status(401).with("www-authenticate", demand)
            }),
        ),
    ]
}

#[test]
fn a_cancelled_run_ends_wherever_it_is() {
    for (place, server) in where_runs_hang() {
        let mut options = options();
        options.pace.concurrency = 1;
        let client = RegistryClient::new(options);
        let cancel = Cancel::new();
        let run = Run::default().with_cancel(cancel.clone());
        let start = Instant::now();
        std::thread::scope(|scope| {
            let reference = image(&server.name());
            let (client, run) = (&client, &run);
            let first = {
                let reference = reference.clone();
                scope.spawn(move || verify_in(client, &reference, run.clone()))
            };
            // It waits at the door.
            let second = scope.spawn(move || verify_in(client, &reference, run.clone()));
            while server.asked().is_empty() {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(100));
            cancel.cancel();
            for report in [first.join().unwrap(), second.join().unwrap()] {
                let failure = lookup_failure(&report);
                assert!(
                    failure.contains("the run was cancelled"),
                    "{place}: {failure}"
                );
            }
        });
        assert!(start.elapsed() < GENEROUS, "{place}");
    }
}

#[test]
fn a_run_ends_with_its_time_wherever_it_is() {
    for (place, server) in where_runs_hang() {
        let run = Run::default().with_budget(Budget::of(Duration::from_millis(600)));
        let start = Instant::now();
        let report = verify_in(&client(), &image(&server.name()), run);
        let failure = lookup_failure(&report);
        assert!(
            failure.contains("the 0.6 s for the whole run are over"),
            "{place}: {failure}"
        );
        assert!(start.elapsed() < GENEROUS, "{place}");
    }
}

/// One run that is cancelled does not spoil what another one waits for with it.
#[test]
fn a_cancelled_run_leaves_others_alone() {
    let slow = Arc::new(AtomicUsize::new(0));
    let (world, count) = (World::signed(), Arc::clone(&slow));
    let server = Server::start(move |asked| {
        if asked.path() == "/token" {
            count.fetch_add(1, Ordering::SeqCst);
            let token = Answer::new(200, "application/json", r#"{"token":"good"}"#);
            return token.sent(Manner::Late(Duration::from_millis(400)));
        }
        if asked.header("authorization") == Some("Bearer good") {
            return world.answer(asked);
        }
        let host = asked.header("host").unwrap();
        Answer::status(401).with(
            "www-authenticate",
            format!("Bearer realm=\"http://{host}/token\""),
        )
    });
    let client = client();
    let cancel = Cancel::new();
    let run = Run::default().with_cancel(cancel.clone());
    let reference = image(&server.name());
    std::thread::scope(|scope| {
        let cancelled = scope.spawn(|| verify_in(&client, &reference, run.clone()));
        while slow.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let other = scope.spawn(|| verify(&client, &server));
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        lookup_failure(&cancelled.join().unwrap());
        assert_eq!(other.join().unwrap().status(), ArtifactStatus::Verified);
    });
}

#[test]
fn nobody_there_is_a_failure_that_names_the_address() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    drop(listener);
    let report = verify_in(&client(), &image(&name), Run::default());
    let failure = lookup_failure(&report);
    assert!(
        failure.contains("the connection was refused (5 attempts)") && failure.contains(&name),
        "{failure}"
    );
    let nowhere = notation_verifier::oci::Reference::parse(&format!(
        "no-such-host.invalid/a@{}",
        crate::memory::IMAGE
    ))
    .unwrap();
    let mut options = options();
    options.pace.attempts = 2;
    lookup_failure(&verify_in(
        &RegistryClient::new(options),
        &nowhere,
        Run::default(),
    ));
}
