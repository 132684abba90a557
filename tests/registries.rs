//! Images in real registries, signed by the reference command, verified here.
//!
//! Needs Go and Debian's docker-registry; skipped where these are missing, or what
//! is built from them. `REQUIRE_REGISTRIES=1` builds, and makes a skip a failure.
#![cfg(feature = "http")]
#![allow(
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "registries/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use notation_verifier::Verifier;
use notation_verifier::io::registry::{Credential, OneCredential, RegistryClient, RegistryOptions};
use notation_verifier::registry::Scheme;
use notation_verifier::report::Report;

use world::programs::Programs;
use world::scenarios::{SCENARIOS, Scenario, Theirs, World};
use world::{Access, Kind, PUBLIC, Registry, Security, USERNAME};

#[cfg(feature = "cli")]
const NOTATION_VERIFY: &str = env!("CARGO_BIN_EXE_notation-verify");

/// Only what hangs for ever takes longer.
const BUDGET: Duration = Duration::from_secs(120);

/// All scenarios on each registry, without TLS and accounts.
#[test]
fn scenarios() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let counts = on_each(|kind| run_scenarios(&programs, kind));
    println!("registries: {counts:?} scenarios compared with the reference");
    // Olareg, ggcr, distribution, docker-registry.
    assert_eq!(counts, [32, 31, 33, 33]);
}

/// Runs `work` for all registries at the same time.
fn on_each(work: impl Fn(Kind) -> usize + Sync) -> [usize; 4] {
    let work = &work;
    std::thread::scope(|scope| {
        let threads = Kind::ALL.map(|kind| scope.spawn(move || work(kind)));
        threads.map(|thread| thread.join().unwrap())
    })
}

fn run_scenarios(programs: &Programs, kind: Kind) -> usize {
    let registry = Registry::start(programs, kind, Security::OPEN);
    let mut world = World::new(programs, &registry);
    let verifier = verifier(programs);
    let client = RegistryClient::new(world::ours::options_for(&registry));
    let mut ran = 0;
    for scenario in SCENARIOS.iter().filter(|one| one.runs_on(kind)) {
        let reference = scenario.build(&mut world);
        compare(scenario, &world, programs, &verifier, &client, &reference);
        ran += 1;
    }
    ran
}

/// The status, the list and the verdict of the reference are as the table has them,
/// and ours.
fn compare(
    scenario: &Scenario,
    world: &World<'_>,
    programs: &Programs,
    verifier: &Verifier,
    client: &RegistryClient,
    reference: &str,
) {
    #[cfg(not(feature = "cli"))]
    let _ = programs;
    let name = format!("{} on {}", scenario.name, world.registry.kind.name());
    let report = world::ours::verify(verifier, client, reference, BUDGET, false);
    assert_eq!(
        report.status().as_str(),
        scenario.status,
        "{name}: {report:?}"
    );

    let (accepts, says) = world.reference.verify(reference, &[]);
    match scenario.reference {
        Theirs::Same => {
            let expected = scenario.status == "verified";
            assert_eq!(accepts, expected, "{name}: the reference says {says}");
        }
        // The order in which ggcr lists is another each time.
        Theirs::StopsThere if world.registry.kind == Kind::Ggcr => {}
        Theirs::StopsThere | Theirs::PassesOver => {
            assert!(!accepts, "{name}: the reference says {says}")
        }
    }

    let all = world::ours::verify(verifier, client, reference, BUDGET, true);
    assert_eq!(all.status(), report.status(), "{name}");
    let mut ours: Vec<&str> = all
        .signatures()
        .iter()
        .filter_map(|signature| signature.manifest_digest())
        .collect();
    ours.sort_unstable();
    match world.reference.list(reference) {
        Ok(theirs) if scenario.reference == Theirs::PassesOver => {
            assert!(theirs.is_empty(), "{name}: {theirs:?}");
        }
        Ok(theirs) => assert_eq!(ours, theirs, "{name}"),
        Err(says) => assert_eq!(scenario.status, "lookup-failed", "{name}: {says}"),
    }
    assert_eq!(ours.len(), scenario.listed, "{name}");
    #[cfg(feature = "cli")]
    compare_commands(scenario, world, programs, reference, &ours);
}

/// `verify`, `list` and `inspect` as commands, beside those of the reference.
#[cfg(feature = "cli")]
fn compare_commands(
    scenario: &Scenario,
    world: &World<'_>,
    programs: &Programs,
    reference: &str,
    listed: &[&str],
) {
    let name = format!("{} on {}", scenario.name, world.registry.kind.name());
    let command = world::command::Ours::new(NOTATION_VERIFY.as_ref(), programs, world.registry);
    let (code, report) = command.verify(reference);
    assert_eq!(report["status"], scenario.status, "{name}: {report}");
    let expected = match scenario.status {
        "verified" => 0,
        "unsigned" | "rejected" => 1,
        _ => 3,
    };
    assert_eq!(code, expected, "{name}: {report}");

    let looked_up = if scenario.status == "lookup-failed" {
        3
    } else {
        0
    };
    let (code, digests) = command.list(reference);
    assert_eq!(
        (code, digests),
        (looked_up, listed.iter().map(ToString::to_string).collect()),
        "{name}"
    );

    let (code, ours) = command.inspect(reference);
    if looked_up != 0 {
        assert_eq!(code, looked_up, "{name}");
        return;
    }
    let signatures = ours["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), listed.len(), "{name}");
    let intact = signatures
        .iter()
        .filter(|one| one["integrity"] == true)
        .count();
    assert_eq!(code == 0, intact == listed.len(), "{name}: {code}, {ours}");
    if scenario.reference == Theirs::PassesOver {
        return;
    }
    let theirs = world.reference.inspect(reference).unwrap();
    assert_eq!(
        world::command::same_content(&name, &ours, &theirs),
        intact,
        "{name}"
    );
}

/// Each registry with and without TLS, htpasswd, a token server.
#[test]
fn security() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let counts = on_each(|kind| {
        let each = Security::ALL.map(|security| guarded(&programs, kind, security));
        each.into_iter().sum()
    });
    println!(
        "registries: {counts:?} accesses in {} ways",
        Security::ALL.len()
    );
    assert_eq!(counts, [33; 4]);
}

/// The number of accesses that were tried.
fn guarded(programs: &Programs, kind: Kind, security: Security) -> usize {
    let registry = Registry::start(programs, kind, security);
    let mut world = World::new(programs, &registry);
    let verifier = verifier(programs);
    let closed = security.access != Access::Anyone;
    let name = format!("{} {security:?}", kind.name());
    let unsigned = world.pusher.image("guarded/unsigned");
    let unsigned = registry.reference("guarded/unsigned", &unsigned);
    let repository = if security.access == Access::Tokens {
        format!("{PUBLIC}signed")
    } else {
        "guarded/signed".to_owned()
    };
    let signed = world.pusher.image(&repository);
    world.sign(&repository, &signed, "ec", "cose");
    let signed = registry.reference(&repository, &signed);
    let (accepts, says) = world.reference.verify(&signed, &[]);
    assert!(accepts, "{name}: {says}");

    #[cfg(feature = "cli")]
    guarded_commands(&world, programs, &signed, &unsigned);

    let mut ran = 0;
    let mut check = |what: &str, options: RegistryOptions, reference: &str, status: &str| {
        let client = RegistryClient::new(options);
        let report = world::ours::verify(&verifier, &client, reference, BUDGET, false);
        assert_eq!(
            report.status().as_str(),
            status,
            "{name}, {what}: {:?}",
            report.lookup_failures()
        );
        ran += 1;
        (report, client)
    };
    let usual = || world::ours::options_for(&registry);
    let with_account = || {
        let mut options = usual();
        if closed {
            options.credentials = world::ours::account();
        }
        options
    };
    check("unsigned", with_account(), &unsigned, "unsigned");
    let (_, client) = check("signed", with_account(), &signed, "verified");
    if security == Security::OPEN {
        assert_eq!(
            client.statistics().requests,
            if kind.has_referrers_api() { 4 } else { 5 }
        );
    }
    if let Access::Tokens = security.access {
        // Whatever runs at the same time shares one token.
        assert_eq!(client.statistics().tokens, 1, "{name}");
        check("anonymous token", usual(), &signed, "verified");
        let mut options = with_account();
        options.allowed_realms = Vec::new();
        check(
            "token server not allowed",
            options,
            &unsigned,
            "lookup-failed",
        );
    }
    if closed {
        check("no account", usual(), &unsigned, "lookup-failed");
        let mut options = usual();
        let wrong = Credential::password(USERNAME, "wrong");
        options.credentials = Arc::new(OneCredential(wrong));
        check("wrong password", options, &unsigned, "lookup-failed");
    }
    let mut options = with_account();
    options.pace.attempts = 1;
    if security.tls {
        options.tls.ca_files = Vec::new();
        check(
            "unknown authority",
            options.clone(),
            &signed,
            "lookup-failed",
        );
        options.loopback = Scheme::Http;
        check("without TLS", options, &signed, "lookup-failed");
    } else {
        options.loopback = Scheme::Https;
        check("with TLS", options, &signed, "lookup-failed");
    }
    ran
}

/// The command reaches the registry, and says so where it may not.
#[cfg(feature = "cli")]
fn guarded_commands(world: &World<'_>, programs: &Programs, signed: &str, unsigned: &str) {
    let registry = world.registry;
    let name = format!("{} {:?}", registry.kind.name(), registry.security);
    let mut command = world::command::Ours::new(NOTATION_VERIFY.as_ref(), programs, registry);
    let (code, report) = command.verify(signed);
    assert_eq!(code, 0, "{name}: {report}");
    let (code, report) = command.verify(unsigned);
    assert_eq!(
        (code, &report["status"]),
        (1, &"unsigned".into()),
        "{name}: {report}"
    );
    let (code, listed) = command.list(signed);
    assert_eq!((code, listed.len()), (0, 1), "{name}");
    assert_eq!(world.reference.list(signed).unwrap(), listed, "{name}");
    if !command.connection.is_empty() {
        // Without the options about authority, TLS and token server.
        command.connection.clear();
        let (code, report) = command.verify(unsigned);
        assert_eq!(
            (code, &report["status"]),
            (3, &"lookup-failed".into()),
            "{name}: {report}"
        );
    }
}

/// Requests of signed and unsigned images, counted at the registry.
#[test]
fn requests() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let mut world = World::new(&programs, &registry);
    let verifier = verifier(&programs);
    let client = RegistryClient::new(world::ours::options_for(&registry));
    let counts = |reference: &str| -> (Report, BTreeMap<String, u64>) {
        world::push::get(&registry.address, "/-/counts");
        let report = world::ours::verify(&verifier, &client, reference, BUDGET, false);
        let counts = world::push::get(&registry.address, "/-/counts");
        (report, serde_json::from_slice(&counts).unwrap())
    };
    let signed = world.pusher.image("count/signed");
    world.sign("count/signed", &signed, "ec", "cose");
    let unsigned = world.pusher.image("count/unsigned");
    let count = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
        pairs
            .iter()
            .map(|(kind, n)| ((*kind).to_owned(), *n))
            .collect()
    };
    let (report, asked) = counts(&registry.reference("count/unsigned", &unsigned));
    assert_eq!(report.status().as_str(), "unsigned");
    assert_eq!(asked, count(&[("GET manifests", 1), ("GET referrers", 1)]));
    let (report, asked) = counts(&registry.reference("count/signed", &signed));
    assert_eq!(report.status().as_str(), "verified");
    assert_eq!(
        asked,
        count(&[("GET blobs", 1), ("GET manifests", 2), ("GET referrers", 1)])
    );
}

/// Pages of the referrers API: a registry that has room for two signatures on each.
#[test]
fn pages() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start_with(
        &programs,
        Kind::Olareg,
        Security::OPEN,
        &["-referrers-page", "1500"],
    );
    let mut world = World::new(&programs, &registry);
    let verifier = verifier(&programs);
    let client = RegistryClient::new(world::ours::options_for(&registry));
    let digest = world.pusher.image("pages/app");
    for _ in 0..9 {
        world.sign("pages/app", &digest, "stranger", "cose");
    }
    world.sign("pages/app", &digest, "ec", "cose");
    let reference = registry.reference("pages/app", &digest);
    let report = world::ours::verify(&verifier, &client, &reference, BUDGET, true);
    assert_eq!(report.status().as_str(), "verified");
    assert_eq!(report.signatures().len(), 10);
    let lists = client.statistics().referrers;
    assert!(lists > 2, "{lists} pages are not many");
}

fn verifier(programs: &Programs) -> Verifier {
    world::ours::verifier(&programs.configuration.join("notation"))
}
