//! This verifier and the reference implementation, live: fresh signatures of
//! the reference are verified here, and both judge the same changed envelopes.
//!
//! `INTEROP_MUTATIONS` sets how many (default 2,000), `INTEROP_SEED` what is
//! changed. Keys are fresh each time; with `INTEROP_FOLDER` the signatures are
//! kept there and used again, so that a run can be repeated. `INTEROP_GOLDEN=1`
//! changes the golden envelopes of every algorithm and format instead, which with
//! a seed is the same run each time: what CI does at length.
//! `REQUIRE_INTEROP=1` makes it a failure that there is no Go.
#![allow(
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "interop/der.rs"]
mod der;
#[path = "interop/envelope.rs"]
mod envelope;
#[path = "interop/exceptions.rs"]
mod exceptions;
#[path = "interop/mutate.rs"]
mod mutate;
#[path = "interop/node.rs"]
mod node;
#[path = "shared/random.rs"]
mod numbers;
#[path = "interop/ours.rs"]
mod ours;
#[path = "interop/random.rs"]
mod random;
#[path = "interop/reference.rs"]
mod reference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};

use envelope::Sample;
use exceptions::{Difference, Exception};
use ours::World;
use random::Random;
use reference::{Server, Verdict};

/// Two envelopes, six algorithms, two schemes.
const COMBINATIONS: usize = 24;

/// Differences of one class that are printed in full.
const PRINTED: usize = 3;

#[test]
fn fresh_signatures_and_changed_ones() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(program) = reference::build(scratch.path()) else {
        return;
    };
    let folder =
        std::env::var_os("INTEROP_FOLDER").map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    // The first and third round are good, the second has one thing wrong each.
    let cases = reference::sign(&program, &folder, 3 * COMBINATIONS);
    let worlds: Vec<World> = cases.iter().map(|case| World::load(case)).collect();

    let good = fresh(&worlds);
    assert_eq!(good, 2 * COMBINATIONS);

    let golden = golden(scratch.path());
    let golden_worlds: Vec<World> = golden.iter().map(|case| World::load(case)).collect();
    let (cases, worlds) = if golden.is_empty() {
        (&cases, &worlds)
    } else {
        (&golden, &golden_worlds)
    };
    let samples: Vec<(Sample, &World)> = cases
        .iter()
        .zip(worlds)
        .filter(|(_, world)| world.expected["overall"] == "pass")
        .map(|(case, world)| (sample(case, world), world))
        .collect();
    tamper(&samples, &mut Server::start(&program));
}

/// The golden cases `alg-…`, where they are asked for: six algorithms, two formats,
/// both signing schemes. They are copied below `scratch`, with the keys beside them
/// that changed parts are signed with again.
fn golden(scratch: &Path) -> Vec<PathBuf> {
    if std::env::var_os("INTEROP_GOLDEN").is_none() {
        return Vec::new();
    }
    let corpus = std::env::var_os("NOTATION_SHARED")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            PathBuf::from,
        )
        .join("corpus");
    let root = scratch.join("golden");
    copy_files(&corpus.join("certs"), &root.join("certs"));
    let keys = corpus.join("testkeys");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(corpus.join("cases")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(algorithm) = name
            .strip_prefix("alg-")
            .and_then(|rest| rest.split('-').next())
        else {
            continue;
        };
        let leaf = match algorithm {
            "es256" => "ec-P-256-leaf-ES256-inter-ca",
            "es384" => "ec-P-384-leaf-ES384-inter-ca",
            "es512" => "ec-P-521-leaf-ES512-inter-ca",
            "ps256" => "rsa-2048-leaf",
            "ps384" => "rsa-3072-leaf",
            "ps512" => "rsa-4096-leaf",
            _ => continue,
        };
        let case = root.join("cases").join(&name);
        copy_files(&entry.path(), &case);
        let chain = [leaf, "ec-P-256-inter-ca", "ec-P-256-root-ca"];
        for (position, key) in chain.iter().enumerate() {
            std::fs::copy(
                keys.join(format!("{key}.key.pem")),
                case.join(format!("key-{position}.pem")),
            )
            .unwrap();
        }
        cases.push(case);
    }
    cases.sort();
    assert!(cases.len() >= 12, "only {} golden cases", cases.len());
    cases
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn sample(case: &Path, world: &World) -> Sample {
    Sample {
        case: case.to_owned(),
        media_type: world.media_type.clone(),
        envelope: world.envelope.clone(),
    }
}

/// Verifies each fresh case; the number of good ones.
fn fresh(worlds: &[World]) -> usize {
    let mut good = 0;
    for world in worlds {
        let verdict = world.verify(&world.envelope);
        let expected = &world.expected;
        match (expected["overall"].as_str().unwrap(), &verdict) {
            ("pass", Ok(())) => good += 1,
            ("fail", Err((reason, _))) => {
                assert_eq!(expected["error_category"], reason.as_str(), "{verdict:?}");
            }
            _ => panic!("the reference: {expected}, here: {verdict:?}"),
        }
    }
    println!("interop: {} fresh signatures, {good} good", worlds.len());
    good
}

/// What became of the mutants.
#[derive(Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
    crashed: usize,
    excepted: BTreeMap<String, usize>,
    differ: BTreeMap<String, usize>,
}

fn tamper(samples: &[(Sample, &World)], server: &mut Server) {
    let wanted = number("INTEROP_MUTATIONS").unwrap_or(2_000);
    let seed = number("INTEROP_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_nanos() as u64
    });
    println!("interop: {wanted} mutations, INTEROP_SEED={seed}");
    let exceptions = Exception::read();
    let mut random = Random(seed);
    let mut counts = Counts::default();
    for _ in 0..wanted {
        let (sample, world) = random.pick(samples);
        let stranger = loop {
            let (stranger, _) = random.pick(samples);
            if stranger.media_type == sample.media_type {
                break stranger;
            }
        };
        let (mutant, done) = envelope::mutant(&mut random, sample, stranger, server);
        let (mut theirs, ours) = server.verify(&sample.case, &sample.media_type, &mutant, || {
            world.verify(&mutant)
        });
        if let (Ok(()), Verdict::Rejects(error)) = (&ours, &mut theirs)
            && error.contains("malformed leaf certificate")
            && let Some(leaf) = exceptions::leaf(&sample.media_type, &mutant)
        {
            *error = server.parse_certificate(&leaf);
        }
        let difference = Difference {
            media_type: &sample.media_type,
            mutant: &mutant,
            ours: &ours,
            theirs: &theirs,
        };
        counts.add(&exceptions, &difference, || {
            format!(
                "{}: {done}\n  {}",
                sample.case.display(),
                Base64::encode_string(&mutant)
            )
        });
    }
    counts.report(wanted as usize);
}

impl Counts {
    fn add(
        &mut self,
        exceptions: &[Exception],
        difference: &Difference<'_>,
        describe: impl FnOnce() -> String,
    ) {
        let (key, words) = match (difference.ours, difference.theirs) {
            (Ok(()), Verdict::Accepts) => {
                self.accepted += 1;
                return;
            }
            (Err(_), Verdict::Rejects(_)) => {
                self.rejected += 1;
                return;
            }
            // What crashes the reference gets an ordinary verdict here.
            (_, Verdict::Crashes(_)) => {
                self.crashed += 1;
                return;
            }
            (Ok(()), Verdict::Rejects(error)) => ("accepted here".to_owned(), error.clone()),
            (Err((reason, detail)), Verdict::Accepts) => {
                (format!("rejected here, {reason}"), detail.clone())
            }
        };
        if let Some(exception) = exceptions.iter().find(|one| one.covers(difference)) {
            *self.excepted.entry(exception.id.clone()).or_default() += 1;
            return;
        }
        let class = format!("{key}: {}", class_of(&words));
        let count = self.differ.entry(class).or_default();
        *count += 1;
        if *count <= PRINTED {
            println!("DIFFERENCE: {key}: {words}\n  {}", describe());
        }
    }

    fn report(&self, wanted: usize) {
        let sum = |map: &BTreeMap<String, usize>| map.values().sum::<usize>();
        for (class, count) in &self.excepted {
            println!("  excepted {count:6} {class}");
        }
        for (class, count) in &self.differ {
            println!("  DIFFER   {count:6} {class}");
        }
        let (excepted, differ) = (sum(&self.excepted), sum(&self.differ));
        println!(
            "interop: {} mutants accepted by both, {} rejected by both, {excepted} excepted, \
             {} crashed the reference, {differ} differ",
            self.accepted, self.rejected, self.crashed
        );
        assert_eq!(
            self.accepted + self.rejected + self.crashed + excepted + differ,
            wanted
        );
        // A loop that only makes garbage, or only harmless changes, shows nothing.
        assert!(wanted < 1_000 || (self.accepted > wanted / 50 && self.rejected > wanted / 2));
        assert_eq!(differ, 0, "differences from the reference: see above");
    }
}

/// The words without what differs from mutant to mutant: names and numbers.
fn class_of(words: &str) -> String {
    let mut class = String::new();
    for (index, part) in words.split('`').enumerate() {
        if index % 2 == 1 {
            class.push_str("`..`");
            continue;
        }
        for c in part.chars().filter(char::is_ascii) {
            let c = if c.is_ascii_digit() { '0' } else { c };
            if c != '0' || !class.ends_with('0') {
                class.push(c);
            }
        }
    }
    class
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}
