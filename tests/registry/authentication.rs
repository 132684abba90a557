//! Tokens and passwords: who gets which, when, and how often.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use notation_verifier::io::Run;
use notation_verifier::io::registry::{Credential, RegistryClient, RegistryOptions, Secret};
use notation_verifier::oci::Reference;
use notation_verifier::report::ArtifactStatus;

use crate::memory::IMAGE;
use crate::server::{Answer, Asked, Server};
use crate::world::{World, image, lookup_failure, options, verify, verify_in};

const PASSWORD: &str = "hunter2";
/// `user:hunter2`.
const BASIC: &str = "Basic dXNlcjpodW50ZXIy";

fn with_password() -> RegistryOptions {
    let mut options = options();
    options.credentials = Arc::new(|_: &str| Ok(Some(Credential::password("user", PASSWORD))));
    options
}

/// The signed image for who shows the token `good`. `token` answers at `/token`; the
/// realm is `realm`, or the same server.
fn bearer(
    realm: Option<String>,
    token: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) -> Server {
    let world = World::signed();
    Server::start(move |asked| {
        if asked.path() == "/token" {
            return token(asked);
        }
        if asked.header("authorization") == Some("Bearer good") {
            return world.answer(asked);
        }
        let own = format!("http://{}/token", asked.header("host").unwrap());
        let realm = realm.as_ref().unwrap_or(&own);
        let demand = format!("Bearer realm=\"{realm}\",service=\"the registry\",scope=\"*\"");
        Answer::status(401).with("www-authenticate", demand)
    })
}

fn good_token() -> Answer {
    Answer::new(
        200,
        "application/json",
        r#"{"token":"good","expires_in":300}"#,
    )
}

#[test]
fn an_anonymous_token_is_asked_for_once() {
    let server = bearer(None, |_| good_token());
    let client = RegistryClient::new(options());
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    let asked = server.asked();
    let tokens: Vec<&Asked> = asked.iter().filter(|one| one.path() == "/token").collect();
    assert_eq!(tokens.len(), 1);
    // The scope is that of this repository, whatever the registry says.
    assert_eq!(
        tokens[0].target,
        "/token?service=the%20registry&scope=repository%3Ademo%2Fapp%3Apull"
    );
    assert_eq!(tokens[0].header("authorization"), None);
    // Two that were refused, the token, and four.
    assert_eq!(asked.len(), 7);
    // Later images need neither.
    for _ in 0..3 {
        let before = server.asked().len();
        assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
        assert_eq!(server.asked().len() - before, 4);
    }
    assert_eq!(client.statistics().tokens, 1);
}

#[test]
fn each_repository_has_a_token_of_its_own() {
    let server = bearer(None, |_| good_token());
    let client = RegistryClient::new(options());
    verify(&client, &server);
    let other = Reference::parse(&format!("{}/other/app@{IMAGE}", server.name())).unwrap();
    let before = server.asked().len();
    let report = verify_in(&client, &other, Run::default());
    assert_eq!(report.status(), ArtifactStatus::Verified);
    // The demand is known: nothing is refused any more.
    assert_eq!(server.asked().len() - before, 5);
    assert_eq!(
        server.count("/token?service=the%20registry&scope=repository%3Aother%2Fapp"),
        1
    );
}

#[test]
fn all_who_need_a_token_at_the_same_time_share_one_request() {
    let server = bearer(None, |_| {
        good_token().sent(crate::server::Manner::Late(Duration::from_millis(300)))
    });
    let client = RegistryClient::new(options());
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
            });
        }
    });
    assert_eq!(server.count("/token"), 1);
}

#[test]
fn a_password_goes_to_the_token_server_and_a_token_to_the_registry() {
    let server = bearer(None, |asked| {
        if asked.header("authorization") == Some(BASIC) {
            good_token()
        } else {
            Answer::status(401)
        }
    });
    let client = RegistryClient::new(with_password());
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    for asked in server.asked() {
        let shown = asked.header("authorization");
        match asked.path() {
            "/token" => assert_eq!(shown, Some(BASIC)),
            _ => assert!(matches!(shown, None | Some("Bearer good"))),
        }
    }
}

#[test]
fn a_token_that_expired_is_replaced() {
    let server = bearer(None, |_| {
        Answer::new(
            200,
            "application/json",
            r#"{"access_token":"good","expires_in":1}"#,
        )
    });
    let client = RegistryClient::new(options());
    verify(&client, &server);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    // On a slow machine it may expire in the middle too.
    assert!(server.count("/token") >= 2);
}

/// A token that the registry takes no more before its time.
#[test]
fn a_token_that_is_refused_later_is_replaced_once() {
    let count = Arc::new(AtomicUsize::new(0));
    let (world, tokens) = (World::signed(), Arc::clone(&count));
    let server = Server::start(move |asked| {
        if asked.path() == "/token" {
            let number = tokens.fetch_add(1, Ordering::SeqCst);
            let body = format!(r#"{{"token":"t{number}","expires_in":300}}"#);
            return Answer::new(200, "application/json", body);
        }
        // The newest one counts, until a request for another resource was made.
        let newest = tokens.load(Ordering::SeqCst).saturating_sub(1);
        let good = format!(
            "Bearer t{}",
            newest.max(usize::from(asked.target.contains("/late/")))
        );
        if asked.header("authorization") == Some(&good) {
            return world.answer(asked);
        }
        let host = asked.header("host").unwrap();
        let demand = format!("Bearer realm=\"http://{host}/token\"");
        Answer::status(401).with("www-authenticate", demand)
    });
    let client = RegistryClient::new(options());
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    // Here the first token of a repository is refused at once: it is new, so that
    // another would not be better.
    let late = Reference::parse(&format!("{}/late/app@{IMAGE}", server.name())).unwrap();
    assert_eq!(
        verify_in(&client, &late, Run::default()).status(),
        ArtifactStatus::Verified
    );
    // The second one made the first one worthless.
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert!(count.load(Ordering::SeqCst) <= 4);
}

#[test]
fn basic_credentials_go_to_the_registry() {
    let world = World::signed();
    let server = Server::start(move |asked| {
        if asked.header("authorization") == Some(BASIC) {
            return world.answer(asked);
        }
        Answer::status(401).with("www-authenticate", "Basic realm=\"x\"")
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut options = options();
    options.credentials = Arc::new(move |registry: &str| {
        assert!(registry.starts_with("127.0.0.1:"));
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Credential::password("user", PASSWORD)))
    });
    let client = RegistryClient::new(options);
    for requests in [6, 4] {
        let before = server.asked().len();
        assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
        assert_eq!(server.asked().len() - before, requests);
    }
    // The source is asked once.
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn an_identity_token_is_exchanged_by_post() {
    let server = bearer(None, |asked| {
        let form = String::from_utf8(asked.body.clone()).unwrap();
        let right = asked.method == "POST"
            && form.contains("grant_type=refresh_token")
            && form.contains("refresh_token=it%2Fs")
            && form.contains("scope=repository%3Ademo%2Fapp%3Apull");
        assert_eq!(asked.header("authorization"), None);
        if right {
            good_token()
        } else {
            Answer::status(400)
        }
    });
    let mut options = options();
    options.credentials =
        Arc::new(|_: &str| Ok(Some(Credential::IdentityToken(Secret::new("it/s")))));
    let client = RegistryClient::new(options);
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert!(
        server
            .asked()
            .iter()
            .all(|one| !one.target.contains("it%2Fs"))
    );
}

#[test]
fn a_registry_token_is_sent_as_it_is() {
    let server = bearer(None, |_| Answer::status(500));
    let mut options = options();
    options.credentials =
        Arc::new(|_: &str| Ok(Some(Credential::RegistryToken(Secret::new("good")))));
    let client = RegistryClient::new(options);
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert_eq!(server.count("/token"), 0);
}

/// Failures of authentication are no "unsigned", name what to do, and show no
/// password or token.
#[test]
fn refusals_are_failures_that_show_no_secret() {
    let token = |status: u16, body: &'static str| {
        bearer(None, move |_| Answer::new(status, "application/json", body))
    };
    let basic =
        || Server::start(|_| Answer::status(401).with("www-authenticate", "Basic realm=\"x\""));
    let odd = |demand: &'static str| {
        Server::start(move |_| Answer::status(401).with("www-authenticate", demand))
    };
    let cases: Vec<(Server, &str)> = vec![
        (token(401, ""), "refuses the credentials"),
        (token(403, ""), "refuses the credentials"),
        (token(200, "{}"), "neither `token` nor `access_token`"),
        (token(200, "hunter2"), "no JSON object"),
        (token(404, ""), "answered with the status 404"),
        (token(200, r#"{"token":"bad"}"#), "status 401"),
        (basic(), "status 401"),
        (odd("Digest realm=\"x\""), "status 401"),
        (odd("Bearer realm=\"open"), "malformed"),
        (odd("Bearer"), "status 401"),
        (Server::start(|_| Answer::status(403)), "denies access"),
    ];
    for (server, expected) in cases {
        let client = RegistryClient::new(with_password());
        let report = verify(&client, &server);
        let failure = lookup_failure(&report);
        assert!(failure.contains(expected), "{expected}: {failure}");
        let shown = format!("{report:?}{client:?}");
        assert!(
            !shown.contains(PASSWORD) && !shown.contains("dXNlc"),
            "{shown}"
        );
        assert!(
            server.asked().len() <= 8,
            "{expected}: {}",
            server.asked().len()
        );
    }
}

#[test]
fn without_credentials_a_person_is_told_to_log_in() {
    let basic = Server::start(|_| Answer::status(401).with("www-authenticate", "Basic realm=x"));
    let token = bearer(None, |_| Answer::status(401));
    for server in [basic, token] {
        let failure = lookup_failure(&verify(&RegistryClient::new(options()), &server));
        assert!(failure.contains("log in to"), "{failure}");
    }
}

#[test]
fn a_source_that_fails_is_a_failure() {
    let server = bearer(None, |_| good_token());
    let mut options = options();
    options.credentials = Arc::new(|_: &str| Err("the key store is locked".to_owned()));
    let failure = lookup_failure(&verify(&RegistryClient::new(options), &server));
    assert!(failure.contains("the key store is locked"), "{failure}");
    assert_eq!(server.count("/token"), 0);
}

/// CVE-2026-48978 (bearer realm), CVE-2025-27403 (token to a foreign host): another
/// server gets credentials only where it is listed.
#[test]
fn another_realm_gets_credentials_only_where_it_is_listed() {
    let elsewhere = Arc::new(Server::start(|_| good_token()));
    let realm = elsewhere.url("/token");
    let server = bearer(Some(realm), |_| Answer::status(500));
    let failure = lookup_failure(&verify(&RegistryClient::new(with_password()), &server));
    assert!(failure.contains("--allow-realm"), "{failure}");
    assert_eq!(elsewhere.asked().len(), 0);

    // Nobody has anything to lose who has no credentials.
    let report = verify(&RegistryClient::new(options()), &server);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);

    let mut options = with_password();
    options.allowed_realms = vec![format!("127.0.0.1:{}", elsewhere.port()).parse().unwrap()];
    let report = verify(&RegistryClient::new(options), &server);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(elsewhere.asked()[1].header("authorization"), Some(BASIC));
}

/// CVE-2026-48978 (bearer realm): addresses inside networks and other schemes are not
/// asked at all.
#[test]
fn realms_that_are_never_asked() {
    for realm in [
        "http://169.254.169.254/token",
        "https://169.254.169.254/token",
        "http://auth.example/token",
        "https://metadata.google.internal/token",
        "ftp://127.0.0.1/token",
        "https://user:password@127.0.0.1/token",
        "/token",
        "",
    ] {
        for options in [options(), with_password()] {
            let server = bearer(Some(realm.to_owned()), |_| good_token());
            let client = RegistryClient::new(options);
            let failure = lookup_failure(&verify(&client, &server));
            assert!(failure.contains("token server"), "{realm}: {failure}");
            assert_eq!(client.statistics().tokens, 0, "{realm}");
        }
    }
}

/// A redirect of the token server does not take the password along.
#[test]
fn a_redirect_of_the_token_server_gets_no_password() {
    let elsewhere = Arc::new(Server::start(|_| good_token()));
    let url = elsewhere.url("/stolen");
    let server = bearer(None, move |_| {
        Answer::status(307).with("location", url.clone())
    });
    verify(&RegistryClient::new(with_password()), &server);
    assert!(
        elsewhere
            .asked()
            .iter()
            .all(|one| one.header("authorization").is_none())
    );
}

/// CVE-2025-27403 (token to a foreign host): what one registry got is nothing for
/// another one, not even on the same machine.
#[test]
fn credentials_and_tokens_stay_with_their_registry() {
    let one = bearer(None, |_| good_token());
    let other = World::signed();
    let other = Server::start(move |asked| other.answer(asked));
    let name = one.name();
    let mut options = options();
    options.credentials = Arc::new(move |registry: &str| {
        Ok((registry == name).then(|| Credential::password("user", PASSWORD)))
    });
    let client = RegistryClient::new(options);
    assert_eq!(verify(&client, &one).status(), ArtifactStatus::Verified);
    let report = verify_in(&client, &image(&other.name()), Run::default());
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert!(
        other
            .asked()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
}

#[test]
fn a_busy_token_server_is_asked_again() {
    let count = AtomicUsize::new(0);
    let server = bearer(None, move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::status(503),
        1 => Answer::status(429).with("retry-after", "0"),
        _ => good_token(),
    });
    let client = RegistryClient::new(options());
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert_eq!(
        (client.statistics().tokens, client.statistics().retries),
        (3, 2)
    );
}
