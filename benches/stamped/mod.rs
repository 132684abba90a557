//! Envelopes with time-stamps, and with revocation answers cached, on both sides:
//! golden cases, whose addresses lead to a server here.

#[path = "../../tests/evidence/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, PrivateAddresses};
use notation_verifier::{Limits, Provider};
use serde_json::Value;

use super::MEASUREMENT_NANOS;
use super::ours::World;
use super::reference::Server;

/// The port in the addresses of the cases.
const PORT: u16 = 18099;

const CASES: [(&str, &str); 6] = [
    ("time-stamp, COSE", "timestamp-good"),
    ("time-stamp, JWS", "timestamp-good-always"),
    ("CRL", "revocation-crl-good"),
    ("CRL and its delta", "revocation-delta-good"),
    ("OCSP", "revocation-ocsp-good"),
    ("time-stamp, CRL of its authority", "timestamp-tsa-crl-good"),
];

struct Row {
    name: &'static str,
    case: PathBuf,
    cold: World,
    warm: World,
    fetcher: EvidenceFetcher,
    iterations: u32,
    nanos: [Vec<f64>; 3],
}

/// Writes the section of the report.
pub(crate) fn section(program: &Path, rounds: usize, report: &mut String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("NOTATION_SHARED").map_or(root.join("../shared"), PathBuf::from);
    let cases = shared.join("corpus/cases");
    if !cases.is_dir() {
        println!("the golden cases are missing: time-stamps and revocation are not measured");
        return;
    }
    let mut served: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut rows, mut reference) = (Vec::new(), Server::start(program));
    for (name, case) in CASES {
        let case = cases.join(case);
        let file = std::fs::read(case.join("case.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        for (url, answer) in file["evidence"].as_object().into_iter().flatten() {
            let path = url
                .strip_prefix(&format!("http://127.0.0.1:{PORT}"))
                .unwrap();
            let body = std::fs::read(case.join(answer.as_str().unwrap())).unwrap();
            // Cases share addresses, and each is measured with its own answers.
            served.insert(format!("{} {path}", rows.len()), body);
        }
        rows.push(Row::load(name, case));
    }
    let current = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let number = std::sync::Arc::clone(&current);
    let _server = server::Server::start_at(PORT, move |asked, stream| {
        let number = number.load(std::sync::atomic::Ordering::SeqCst);
        // An OCSP request by GET goes on after the address.
        let found = served.iter().find(|(name, _)| {
            let (row, path) = name.split_once(' ').unwrap();
            row == number.to_string() && asked.target.starts_with(path)
        });
        let octets = match found {
            Some((_, body)) => server::reply("200 OK", &[], body),
            None => server::reply("404 Not Found", &[], b""),
        };
        let _ = stream.write_all(&octets);
    });
    for round in 0..=rounds {
        for (number, row) in rows.iter_mut().enumerate() {
            current.store(number, std::sync::atomic::Ordering::SeqCst);
            let measured = row.measure(&mut reference);
            if round == 0 {
                // The caches fill.
                row.iterations = (MEASUREMENT_NANOS / measured[0]).clamp(5.0, 500.0) as u32;
                continue;
            }
            for (all, one) in row.nanos.iter_mut().zip(measured) {
                all.push(one);
            }
        }
    }
    report.push_str(
        "\
## Time-stamps and revocation

Golden cases at level strict. The reference keeps CRLs in its cache directory, as its
command does, and has no cache for OCSP answers: it asks a server of the same machine
each time. Here all answers are kept in memory, and judged each time.

| | reference µs | chains not cached µs | ratio | chains cached µs | ratio |
|---|---|---|---|---|---|
",
    );
    for row in &mut rows {
        let [reference, cold, warm] = row.nanos.each_mut().map(|all| super::median(all));
        writeln!(
            report,
            "| {} | {:.0} | {:.0} | **{:.2}** | {:.0} | **{:.2}** |",
            row.name,
            reference / 1e3,
            cold / 1e3,
            cold / reference,
            warm / 1e3,
            warm / reference,
        )
        .unwrap();
    }
    report.push('\n');
}

impl Row {
    fn load(name: &'static str, case: PathBuf) -> Self {
        let mut nothing_kept = Limits::default();
        nothing_kept.cached_chains = 0;
        let mut options = FetchOptions::default();
        options.egress.private_addresses = PrivateAddresses::Allow;
        Self {
            name,
            cold: World::with_limits(&case, nothing_kept),
            warm: World::load(&case),
            fetcher: EvidenceFetcher::new(options, Provider::preferred(), &Limits::default()),
            case,
            iterations: 20,
            nanos: [const { Vec::new() }; 3],
        }
    }

    /// Nanoseconds of one verification: the reference, nothing kept, chains kept.
    fn measure(&self, reference: &mut Server) -> [f64; 3] {
        let (media_type, envelope) = (&self.warm.media_type, &self.warm.envelope);
        let theirs = reference.bench(&self.case, media_type, envelope, self.iterations);
        [theirs.nanos, self.time(&self.cold), self.time(&self.warm)]
    }

    fn time(&self, world: &World) -> f64 {
        let mut evidence = self.fetcher.clone();
        let start = Instant::now();
        for _ in 0..self.iterations {
            world
                .verify_with(&world.envelope, &mut evidence)
                .expect("the envelope is good");
        }
        start.elapsed().as_nanos() as f64 / f64::from(self.iterations)
    }
}
