//! Revocation end to end, against OpenSSL's OCSP responder and CRLs that OpenSSL
//! made, served over HTTP by servers that are good, slow, hung and lying.
#![cfg(feature = "http")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at what it does not expect"
)]

#[path = "live/authority.rs"]
mod authority;
#[path = "shared/random.rs"]
mod random;
#[path = "evidence/server.rs"]
mod server;
#[path = "shared/signing.rs"]
mod signing;
#[path = "live/source.rs"]
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notation_verifier::crypto::HashAlgorithm;
use notation_verifier::io::evidence::{
    DirectoryOptions, EvidenceFetcher, FetchOptions, Mode, PrivateAddresses, WithEvidence,
};
use notation_verifier::io::{BlobHost, ConfigDirectory, drive};
use notation_verifier::outcome::Verdict;
use notation_verifier::session::BlobRequest;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Provider, Report, Time};

use authority::{Authority, OTHER_SERIAL, SERIAL, there_is_openssl};
use source::{Answers, Source};

/// An authority with its two servers.
struct World {
    authority: Authority,
    ocsp: Source,
    crl: Source,
    now: Time,
}

impl World {
    fn new(with_ocsp: bool, with_crl: bool) -> Self {
        let (ocsp, crl) = (Source::start(), Source::start());
        // OpenSSL's responder understands GET at the root only.
        let (ocsp_url, crl_url) = (ocsp.server.url("/"), crl.server.url("/root.crl"));
        let authority = Authority::new(
            3072,
            with_ocsp.then_some(&*ocsp_url),
            with_crl.then_some(&*crl_url),
        );
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            authority,
            ocsp,
            crl,
            now: Time::from_unix(i64::try_from(since.as_secs()).unwrap()),
        }
    }

    fn good_crl(&self) -> Vec<u8> {
        self.authority.crl(self.now, 3600)
    }

    /// Verifies with a new fetcher.
    fn verify(&self) -> Report {
        self.verify_with("strict", &fetcher(|_| ()), self.now)
    }

    fn verify_with(&self, level: &str, fetcher: &EvidenceFetcher, at: Time) -> Report {
        let target = target();
        let envelope = self.authority.sign(&target, self.now);
        let verifier = ConfigDirectory::at(self.authority.configuration(level))
            .oci_verifier(Provider::preferred(), Limits::default())
            .unwrap()
            .verifier;
        let request = EnvelopeRequest {
            scope: Scope::Repository("registry.example/app"),
            media_type: "application/jose+json",
            envelope: &envelope,
            target: &target,
            user_metadata: &BTreeMap::new(),
            now: at,
        };
        verifier
            .verify_envelope(&request, &mut fetcher.clone())
            .unwrap()
    }
}

fn target() -> Descriptor {
    Descriptor {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        digest: format!("sha256:{}", "ab".repeat(32)),
        size: 42,
        ..Descriptor::default()
    }
}

/// Generous with a busy machine, except where a test waits for a silent server.
fn fetcher(change: impl FnOnce(&mut FetchOptions)) -> EvidenceFetcher {
    let mut options = FetchOptions::default();
    options.egress.private_addresses = PrivateAddresses::Allow;
    options.ocsp_timeout = Duration::from_secs(30);
    options.crl_timeout = Duration::from_secs(30);
    change(&mut options);
    EvidenceFetcher::new(options, Provider::preferred(), &Limits::default())
}

fn impatient(change: impl FnOnce(&mut FetchOptions)) -> EvidenceFetcher {
    fetcher(|options| {
        options.ocsp_timeout = Duration::from_millis(400);
        options.crl_timeout = Duration::from_millis(400);
        change(options);
    })
}

#[track_caller]
fn trusted(report: &Report) {
    assert_eq!(report.verdict(), Verdict::Trusted, "{:#}", report.to_json());
}

#[track_caller]
fn rejected(report: &Report, because: &[&str]) {
    let text = report.to_json().to_string();
    assert_eq!(report.verdict(), Verdict::Rejected, "{text}");
    for because in because {
        assert!(text.contains(because), "`{because}` is not in {text}");
    }
}

#[test]
fn openssls_responder_is_asked_first_and_its_answer_counts() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    world.ocsp.set(Answers::From(world.authority.responder()));
    trusted(&world.verify());
    assert_eq!((world.ocsp.server.hits(), world.crl.server.hits()), (1, 0));

    world.authority.set("R,keyCompromise", "V");
    world.ocsp.set(Answers::From(world.authority.responder()));
    rejected(
        &world.verify(),
        &["revoked", "keyCompromise", &world.ocsp.server.url("/")],
    );

    // One fetcher for many images asks once.
    let shared = fetcher(|_| ());
    let hits = world.ocsp.server.hits();
    for _ in 0..20 {
        rejected(
            &world.verify_with("strict", &shared, world.now),
            &["revoked"],
        );
    }
    assert_eq!(world.ocsp.server.hits(), hits + 1);
    // Audit reports it, and does not reject.
    let report = world.verify_with("audit", &shared, world.now);
    trusted(&report);
    assert!(report.to_json().to_string().contains("keyCompromise"));
}

#[test]
fn lists_answer_where_the_responder_does_not() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    world.crl.set(Answers::With(world.good_crl()));
    let stranger = Authority::new(2048, None, None);
    let lies = [
        Answers::NotAtAll,
        Answers::Status("503 Service Unavailable"),
        Answers::With(b"garbage".to_vec()),
        // About another certificate, signed by somebody else, expired.
        Answers::With(world.authority.response(OTHER_SERIAL)),
        Answers::With(stranger.response(SERIAL)),
    ];
    for lie in lies {
        world.ocsp.set(lie);
        let fetcher = impatient(|options| options.crl_timeout = Duration::from_secs(30));
        trusted(&world.verify_with("strict", &fetcher, world.now));
    }
    world
        .ocsp
        .set(Answers::Slowly(world.authority.response(SERIAL)));
    let crl_hits = world.crl.server.hits();
    trusted(&world.verify());
    assert_eq!(world.crl.server.hits(), crl_hits);
    // A good list does not outvote a responder that says `revoked`.
    world.authority.set("R", "V");
    world
        .ocsp
        .set(Answers::With(world.authority.response(SERIAL)));
    rejected(&world.verify(), &["revoked"]);
}

#[test]
fn an_expired_answer_of_the_responder_is_none() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, false);
    world
        .ocsp
        .set(Answers::With(world.authority.response(SERIAL)));
    trusted(&world.verify());
    // It holds for an hour.
    let later = world.now.saturating_add_seconds(7200);
    let report = world.verify_with("strict", &fetcher(|_| ()), later);
    rejected(&report, &["expired", &world.ocsp.server.url("/")]);
    let report = world.verify_with("permissive", &fetcher(|_| ()), later);
    trusted(&report);
    assert!(report.to_json().to_string().contains("expired"));
}

#[test]
fn deltas_of_openssl_go_on_top_of_its_lists() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(false, true);
    let delta = Source::start();
    let url = delta.server.url("/delta.crl");
    let authority = &world.authority;
    authority.sections(&format!("[base]\nfreshestCRL=URI:{url}\n"));
    // `openssl ca` numbers its lists one after the other, from 1.
    let base = authority.list(world.now, 3600, Some("base"));
    world.crl.set(Answers::With(base));
    let next = |indicator: u8, seconds: i64| {
        let name = format!("delta{indicator}");
        let line = format!("2.5.29.27=critical,DER:02:01:{indicator:02x}");
        authority.sections(&format!("[{name}]\n{line}\n"));
        authority.list(world.now, seconds, Some(&name))
    };

    rejected(&world.verify(), &["the delta list could not be had", &url]);
    delta.set(Answers::With(next(1, 3600)));
    trusted(&world.verify());
    delta.set(Answers::Slowly(next(1, 3600)));
    trusted(&world.verify());
    delta.set(Answers::NotAtAll);
    let report = world.verify_with("strict", &impatient(|_| ()), world.now);
    rejected(&report, &["the delta list could not be had", "time-out"]);
    delta.set(Answers::With(next(1, -60)));
    rejected(
        &world.verify(),
        &["the delta list cannot be used", "expired"],
    );
    // For another base, and from somebody else.
    delta.set(Answers::With(next(9, 3600)));
    rejected(&world.verify(), &["a newer base list"]);
    delta.set(Answers::With(next(0, 3600)));
    rejected(&world.verify(), &["an older base list"]);
    let stranger = Authority::new(2048, None, None);
    stranger.sections("[delta]\n2.5.29.27=critical,DER:02:01:01\n");
    let _ = stranger.list(world.now, 3600, None);
    let foreign = stranger.list(world.now, 3600, Some("delta"));
    delta.set(Answers::With(foreign));
    rejected(&world.verify(), &["is not from"]);
    // A complete list is no delta, and the other way round.
    delta.set(Answers::With(authority.list(world.now, 3600, None)));
    rejected(&world.verify(), &["not a delta list"]);
    // Revoked since the base list.
    authority.set("R,keyCompromise", "V");
    let revoking = next(1, 3600);
    delta.set(Answers::With(revoking.clone()));
    rejected(&world.verify(), &["revoked", "keyCompromise"]);
    world.crl.set(Answers::With(revoking));
    rejected(&world.verify(), &["a delta list, where a complete one"]);
}

#[test]
fn nothing_to_be_had_says_why_and_where() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    let only_ocsp = || impatient(|options| options.crl_timeout = Duration::from_secs(30));
    world.ocsp.set(Answers::NotAtAll);
    world.crl.set(Answers::Status("500 Internal Server Error"));
    let report = world.verify_with("strict", &only_ocsp(), world.now);
    let (ocsp, crl) = (
        world.ocsp.server.url("/"),
        world.crl.server.url("/root.crl"),
    );
    rejected(
        &report,
        &[&ocsp, "time-out after 0.4 s", &crl, "the status 500"],
    );
    // Permissive goes on, and still says so.
    let report = world.verify_with("permissive", &only_ocsp(), world.now);
    trusted(&report);
    assert!(
        report
            .to_json()
            .to_string()
            .contains("time-out after 0.4 s")
    );
    // The default rules ask no server of this machine.
    let hits = world.ocsp.server.hits();
    let public = fetcher(|options| options.egress.private_addresses = PrivateAddresses::Deny);
    let report = world.verify_with("strict", &public, world.now);
    rejected(&report, &["do not allow the private address"]);
    assert_eq!(world.ocsp.server.hits(), hits);
}

#[test]
fn lists_are_good_revoked_expired_hung_slow_and_lying() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(false, true);
    let good = world.good_crl();
    world.crl.set(Answers::With(good.clone()));
    trusted(&world.verify());
    assert_eq!(world.crl.server.hits(), 1);
    world.crl.set(Answers::Slowly(good.clone()));
    trusted(&world.verify());

    world.crl.set(Answers::NotAtAll);
    let report = world.verify_with("strict", &impatient(|_| ()), world.now);
    rejected(&report, &["time-out after 0.4 s", "/root.crl"]);

    let expired = world.authority.crl(world.now, -60);
    world.crl.set(Answers::With(expired));
    rejected(&world.verify(), &["expired"]);

    // Cut, changed, of somebody else with the same name.
    world
        .crl
        .set(Answers::With(good[..good.len() - 1].to_vec()));
    rejected(&world.verify(), &[]);
    let mut changed = good.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    world.crl.set(Answers::With(changed));
    rejected(&world.verify(), &[]);
    let stranger = Authority::new(2048, None, None);
    world.crl.set(Answers::With(stranger.crl(world.now, 3600)));
    rejected(&world.verify(), &["is not from"]);

    for reason in ["R", "R,keyCompromise", "R,superseded"] {
        world.authority.set(reason, "V");
        world.crl.set(Answers::With(world.good_crl()));
        rejected(&world.verify(), &["revoked"]);
    }
    // Somebody else's revocation is nobody's business here.
    world.authority.set("V", "R");
    world.crl.set(Answers::With(world.good_crl()));
    trusted(&world.verify());
}

#[test]
fn cached_evidence_is_judged_again_each_time() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    world.ocsp.set(Answers::Status("404 Not Found"));
    world.crl.set(Answers::With(world.good_crl()));
    let folder = tempfile::tempdir().unwrap();
    let at = |mode, moment| {
        fetcher(|options| {
            options.mode = mode;
            options.moment = moment;
            options.directory = Some(DirectoryOptions::new(folder.path()));
        })
    };
    trusted(&world.verify_with("strict", &at(Mode::Online, None), world.now));
    let hits = world.crl.server.hits();
    trusted(&world.verify_with("strict", &at(Mode::CacheOnly, None), world.now));
    // Two hours later the list has expired, whatever the clock of the cache says.
    let later = world.now.saturating_add_seconds(7200);
    for moment in [None, Some(later)] {
        let fetcher = at(Mode::CacheOnly, moment);
        rejected(&world.verify_with("strict", &fetcher, later), &["expired"]);
    }
    rejected(
        &world.verify_with("strict", &at(Mode::Offline, None), world.now),
        &["the mode is `offline`"],
    );
    assert_eq!(world.crl.server.hits(), hits);
}

#[test]
fn preloaded_evidence_answers_without_a_network() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, octets: &[u8]| {
        std::fs::write(folder.path().join(name), octets).unwrap();
    };
    let at = |folder: &Path, mode| {
        fetcher(|options| {
            options.mode = mode;
            let warnings = options.preloaded.add(folder, &Limits::default()).unwrap();
            assert_eq!(warnings, Vec::<String>::new());
        })
    };
    let offline = || at(folder.path(), Mode::Offline);
    // Of another authority with the same name: never offered.
    let stranger = Authority::new(2048, None, None);
    write("stranger.crl", &stranger.crl(world.now, 7200));
    write("other.ors", &world.authority.response(OTHER_SERIAL));
    let report = world.verify_with("strict", &offline(), world.now);
    rejected(&report, &["nothing that was given beforehand answers"]);
    write("root.crl", &world.good_crl());
    trusted(&world.verify_with("strict", &offline(), world.now));
    // In PEM too; the newest counts.
    world.authority.set("R", "V");
    let _ = world
        .authority
        .crl(world.now.saturating_add_seconds(60), 3600);
    std::fs::copy(
        world.authority.path("crl.pem"),
        folder.path().join("newer.pem"),
    )
    .unwrap();
    rejected(
        &world.verify_with("strict", &offline(), world.now),
        &["revoked"],
    );
    // A response comes before lists, as from the network.
    write("answer.ors", &world.authority.response(SERIAL));
    rejected(
        &world.verify_with("strict", &offline(), world.now),
        &["revoked", "OCSP"],
    );
    let later = world.now.saturating_add_seconds(24 * 3600);
    let only = tempfile::tempdir().unwrap();
    world.authority.set("V", "V");
    std::fs::write(only.path().join("root.crl"), world.good_crl()).unwrap();
    let expired = at(only.path(), Mode::Offline);
    rejected(&world.verify_with("strict", &expired, later), &["expired"]);
    assert_eq!((world.ocsp.server.hits(), world.crl.server.hits()), (0, 0));
    // With a network it fits as long as it is current.
    world.ocsp.set(Answers::Status("404 Not Found"));
    trusted(&world.verify_with("strict", &at(only.path(), Mode::Online), world.now));
    assert_eq!(world.crl.server.hits(), 0);
}

#[test]
fn sessions_get_evidence_from_a_host_around_their_own() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    world
        .ocsp
        .set(Answers::With(world.authority.response(SERIAL)));
    let provider = Provider::preferred();
    let blob = b"a blob";
    let target = Descriptor {
        media_type: "application/octet-stream".to_owned(),
        digest: format!(
            "sha256:{}",
            provider.hash(HashAlgorithm::Sha256, blob).to_hex()
        ),
        size: 6,
        ..Descriptor::default()
    };
    let verifier = ConfigDirectory::at(world.authority.configuration("strict"))
        .blob_verifier(provider, Limits::default())
        .unwrap()
        .verifier;
    let request = BlobRequest {
        name: "blob".to_owned(),
        policy_name: None,
        envelope_media_type: "application/jose+json".to_owned(),
        envelope: world.authority.sign(&target, world.now),
        media_type: None,
        user_metadata: BTreeMap::new(),
        now: world.now,
    };
    let fetcher = fetcher(|_| ());
    let run = |request: &BlobRequest| {
        let session = verifier.verify_blob(request.clone()).unwrap();
        let host = BlobHost::new(&blob[..], verifier.provider(), 0);
        drive(session, &mut WithEvidence::new(host, fetcher.clone())).unwrap()
    };
    for _ in 0..10 {
        trusted(&run(&request));
    }
    assert_eq!(world.ocsp.server.hits(), 1);
    // A host without evidence leaves the status open.
    let session = verifier.verify_blob(request.clone()).unwrap();
    let mut bare = BlobHost::new(&blob[..], verifier.provider(), 0);
    rejected(&drive(session, &mut bare).unwrap(), &["does not have it"]);
}

#[cfg(feature = "cli")]
#[test]
fn the_command_asks_keeps_and_obeys() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new(true, true);
    world.ocsp.set(Answers::From(world.authority.responder()));
    let write = |name: &str, octets: &[u8]| {
        let path = world.authority.path(name);
        std::fs::write(&path, octets).unwrap();
        path
    };
    let target = target();
    let envelope = write("signature.jws", &world.authority.sign(&target, world.now));
    let descriptor = write(
        "target.json",
        serde_json::json!({"mediaType": target.media_type, "digest": target.digest,
            "size": target.size})
        .to_string()
        .as_bytes(),
    );
    let config = world.authority.configuration("strict");
    let cache = world.authority.path("cache");
    let run = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_notation-verify"))
            .args(["verify", "--scope", "registry.example/app", "--config"])
            .arg(&config)
            .arg("--envelope")
            .arg(&envelope)
            .arg("--descriptor")
            .arg(&descriptor)
            .args(["--ocsp-timeout", "30", "--crl-timeout", "30"])
            .args(more)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("do not allow the private address"), "{text}");
    assert_eq!(world.ocsp.server.hits(), 0);

    let cache = cache.to_string_lossy();
    let keeping = ["--allow-private-addresses", "--evidence-cache", &*cache];
    let (code, text) = run(&keeping);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(world.ocsp.server.hits(), 1);
    let (code, text) = run(&[
        "--revocation-mode",
        "cache-only",
        "--evidence-cache",
        &cache,
    ]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["--revocation-mode", "offline"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`offline`"), "{text}");
    assert_eq!(world.ocsp.server.hits(), 1);

    let list = write("preloaded.crl", &world.good_crl());
    let list = list.to_string_lossy();
    let (code, text) = run(&["--revocation-mode", "offline", "--crl", &list]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&[
        "--allow-private-addresses",
        "--allow-host",
        "crl.example.com",
    ]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("do not allow the host"), "{text}");
    world.ocsp.set(Answers::NotAtAll);
    let (code, text) = run(&["--allow-private-addresses", "--timeout", "0.5"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("for the whole run are over"), "{text}");
    // A cache that cannot be used is a warning and changes nothing.
    world.ocsp.set(Answers::From(world.authority.responder()));
    let (code, text) = run(&["--allow-private-addresses", "--evidence-cache", &list]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("evidence cache"), "{text}");
    let (code, text) = run(&["--allow-host", "a b"]);
    assert_eq!(code, Some(2), "{text}");
}
