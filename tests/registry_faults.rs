//! A registry, or what is between it and us, does wrong. In each case the verdict is
//! right or "could not evaluate", after few requests, few octets, and a while; and
//! nobody sees a password that is not for him.
//!
//! Needs what `tests/registries.rs` needs.
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

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use notation_verifier::Verifier;
use notation_verifier::io::registry::RegistryClient;

use world::faults::{FAULTS, Fault, Places, Stranger};
use world::programs::Programs;
use world::proxy::{Act, Answer, Proxy};
use world::push::Pusher;
use world::reference::Reference;
use world::{Kind, PASSWORD, Registry, Security, USERNAME};

/// A verification that takes longer has no end, on the slowest machine too.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a client may take of answers that have no end: the bounds of the library,
/// and every attempt at the one with the largest.
const OCTETS: u64 = 192 << 20;

/// An image, and what may be said of it while everything goes wrong.
struct Image {
    name: &'static str,
    repository: &'static str,
    digest: String,
    /// Never, whatever happens.
    never: &'static [&'static str],
}

struct Site<'a> {
    verifier: Verifier,
    registry: &'a Registry,
    /// The good one first.
    images: Vec<Image>,
    other_manifest: Vec<u8>,
}

#[test]
fn faults() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    assert!(FAULTS.len() >= 100, "only {} faults", FAULTS.len());
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let site = Site::new(&programs, &registry);
    let jobs: Vec<(&Fault, &Image)> = FAULTS
        .iter()
        .flat_map(|fault| site.images.iter().map(move |image| (fault, image)))
        .collect();
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((fault, image)) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(problem) = site.run(fault, image) {
                        let problem = format!("{} of {}: {problem}", fault.name, image.name);
                        problems.lock().unwrap().push(problem);
                    }
                }
            });
        }
    });
    let mut problems = problems.into_inner().unwrap();
    problems.sort();
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    println!(
        "registry faults: {} with {} images",
        FAULTS.len(),
        site.images.len()
    );
    if let Some(peak) = peak_memory() {
        println!("peak memory of the test: {} MiB", peak >> 20);
        // A dozen runs at once, and what the test itself sends to them.
        assert!(peak < 1 << 30, "{peak} octets");
    }
}

impl<'a> Site<'a> {
    fn new(programs: &Programs, registry: &'a Registry) -> Self {
        let mut pusher = Pusher::start(programs, registry);
        let reference = Reference::new(programs, registry);
        let mut image = |name, repository, key: Option<&str>, never| {
            let digest = pusher.image(repository);
            if let Some(key) = key {
                reference.sign(&registry.reference(repository, &digest), key, "cose", &[]);
            }
            Image {
                name,
                repository,
                digest,
                never,
            }
        };
        let images = vec![
            image(
                "the signed image",
                "fault/signed",
                Some("ec"),
                &["unsigned", "skipped"],
            ),
            image(
                "the unsigned image",
                "fault/unsigned",
                None,
                &["verified", "skipped"],
            ),
            image(
                "the stranger's image",
                "fault/stranger",
                Some("stranger"),
                &["verified", "unsigned", "skipped"],
            ),
        ];
        let other = pusher.image("fault/other");
        let url = format!("/v2/fault/other/manifests/{other}");
        Self {
            verifier: world::ours::verifier(&programs.configuration.join("notation")),
            registry,
            images,
            other_manifest: world::push::get(&registry.address, &url),
        }
    }

    fn run(&self, fault: &Fault, image: &Image) -> Result<(), String> {
        // The stranger passes on what it is asked for, and gives out tokens.
        let stranger = Proxy::start(Some(&self.registry.address), &[], |asked| {
            match &*asked.target {
                "/password" => Act::Answer(Answer::new(
                    401,
                    &[("WWW-Authenticate", "Basic realm=\"Stranger\"")],
                    "",
                )),
                target if target.starts_with("/token") => Act::Answer(Answer::new(
                    200,
                    &[("Content-Type", "application/json")],
                    r#"{"token":"good","expires_in":300}"#,
                )),
                _ => Act::Pass,
            }
        });
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let places = Places {
            proxy: address.clone(),
            stranger: stranger.address.clone(),
            other_manifest: self.other_manifest.clone(),
        };
        let proxy = Proxy::on(
            socket,
            Some(&self.registry.address),
            &[&image.digest],
            fault.answers(Arc::new(places)),
        );

        let mut options = world::ours::options();
        options.credentials = world::ours::account();
        options.pace.first_pause = Duration::from_millis(10);
        let mut budget = Duration::from_secs(120);
        if fault.short {
            options.pace.attempt_timeout = Duration::from_secs(1);
            options.pace.attempts = 3;
            budget = Duration::from_secs(8);
        }
        let client = RegistryClient::new(options);
        let reference = format!("{address}/{}@{}", image.repository, image.digest);
        let start = Instant::now();
        let report = world::ours::verify(&self.verifier, &client, &reference, budget, false);
        let took = start.elapsed();

        let status = report.status().as_str();
        let says = report.lookup_failures().join("; ");
        let asked = proxy.asked();
        if image.name == self.images[0].name && !fault.good.contains(&status) {
            return Err(format!("`{status}` is not in {:?}: {says}", fault.good));
        }
        if image.never.contains(&status) {
            return Err(format!("`{status}`: {says}"));
        }
        if status == "lookup-failed" && says.is_empty() && report.signatures().is_empty() {
            return Err("nobody says why".to_owned());
        }
        if took > PATIENCE {
            return Err(format!("it took {took:?}"));
        }
        if asked.len() > fault.requests {
            return Err(format!("{} requests", asked.len()));
        }
        let sent = proxy.sent() + stranger.sent();
        if sent > OCTETS {
            return Err(format!("it took {sent} octets"));
        }
        let told = stranger.asked();
        if fault.stranger == Stranger::Never && !told.is_empty() {
            return Err(format!("the stranger was asked: {told:?}"));
        }
        let secret = Base64::encode_string(format!("{USERNAME}:{PASSWORD}").as_bytes());
        for one in &told {
            let text = format!("{one:?}{}", String::from_utf8_lossy(&one.body));
            if one.header("authorization").is_some()
                || text.contains(&secret)
                || text.contains(USERNAME)
                || text.contains("sesame")
            {
                return Err(format!("the stranger knows more than it should: {text}"));
            }
        }
        Ok(())
    }
}

/// The most memory that this process had, in octets, where the system tells.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
