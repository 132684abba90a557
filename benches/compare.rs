//! This verifier and the reference implementation in one run, by turns, on the
//! same envelopes and the same layout; writes `docs/BENCHMARKS.md`.
//!
//! Needs Go. `cargo bench --features cli --bench compare`; `COMPARE_ROUNDS`
//! sets how often each measurement is taken (default 15).
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement stops at what it does not expect"
)]

mod document;
mod lists;
#[path = "../tests/interop/ours.rs"]
mod ours;
#[path = "../tests/interop/reference.rs"]
mod reference;
#[cfg(feature = "http")]
mod stamped;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use notation_verifier::Limits;

use ours::World;
use reference::Server;

/// One measurement takes about this long.
const MEASUREMENT_NANOS: f64 = 20e6;

fn main() {
    // `cargo test --benches` only asks whether this runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, file, serials] = &*arguments
        && name == "crl"
    {
        return lists::child(file, serials);
    }
    let scratch = tempfile::tempdir().unwrap();
    let Some(program) = reference::build(scratch.path()) else {
        return;
    };
    let rounds = std::env::var("COMPARE_ROUNDS").map_or(15, |text| text.parse().unwrap());

    let mut report = String::from(INTRODUCTION);
    document::machine(&mut report);
    envelopes(&program, scratch.path(), rounds, &mut report);
    #[cfg(feature = "http")]
    stamped::section(&program, rounds, &mut report);
    commands(scratch.path(), rounds, &mut report);
    lists::section(&program, scratch.path(), rounds, &mut report);
    print!("{report}");
    document::write(document::Part::Compare, &report);
}

const INTRODUCTION: &str = "\
# Benchmarks

Written by `cargo bench --features cli --bench compare`: this verifier and the
reference implementation (notation-go v1.3.2, and its command v1.3.2) in the same
run, by turns, medians. A ratio below 1 is faster, or less, than the reference.
`cargo bench --bench crypto` and the other benches measure parts of this verifier alone.

";

/// One envelope on both sides.
struct Row {
    name: String,
    case: PathBuf,
    /// Keeps nothing from one verification to the next.
    cold: World,
    /// Has seen the chain before.
    warm: World,
    iterations: u32,
    reference: Vec<f64>,
    reference_allocations: f64,
    cold_nanos: Vec<f64>,
    warm_nanos: Vec<f64>,
}

fn envelopes(program: &Path, scratch: &Path, rounds: usize, report: &mut String) {
    let folder = scratch.join("bench");
    let status = Command::new(program)
        .arg("bench-cases")
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success());
    let mut server = Server::start(program);
    let mut rows = rows(&folder, &mut server);
    for _ in 0..rounds {
        for row in &mut rows {
            let measured =
                server.bench(&row.case, row.media_type(), row.envelope(), row.iterations);
            row.reference.push(measured.nanos);
            row.reference_allocations = measured.allocations;
            row.cold_nanos.push(time(&row.cold, row.iterations));
            row.warm_nanos.push(time(&row.warm, row.iterations));
        }
    }
    report.push_str(
        "\
## One envelope

A chain of three with P-256 authorities, level strict with revocation overridden to
skip, a named identity. Policy and trust store as each side holds them: the reference
reads its trust store's files each time, this verifier has them in memory. *Nothing
cached*: the verifier keeps no chain. *Chain cached*: it has seen the chain before;
signature, times, identity and target are checked each time.

| | reference µs | nothing cached µs | ratio | chain cached µs | ratio | allocations: reference | nothing cached | chain cached |
|---|---|---|---|---|---|---|---|---|
",
    );
    for row in &mut rows {
        let reference = median(&mut row.reference);
        let cold = median(&mut row.cold_nanos);
        let warm = median(&mut row.warm_nanos);
        writeln!(
            report,
            "| {} | {:.0} | {:.0} | **{:.2}** | {:.0} | **{:.2}** | {:.0} | {} | {} |",
            row.name,
            reference / 1e3,
            cold / 1e3,
            cold / reference,
            warm / 1e3,
            warm / reference,
            row.reference_allocations,
            allocations(&row.cold),
            allocations(&row.warm),
        )
        .unwrap();
    }
    report.push('\n');
}

fn rows(folder: &Path, server: &mut Server) -> Vec<Row> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder.join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 12, "six algorithms, two envelopes");
    let mut nothing_kept = Limits::default();
    nothing_kept.cached_chains = 0;
    cases
        .into_iter()
        .map(|case| {
            let id = case.file_name().unwrap().to_string_lossy().into_owned();
            let mut parts = id.split('-').skip(1).map(str::to_uppercase);
            let name = format!("{} {}", parts.next().unwrap(), parts.next().unwrap());
            let mut row = Row {
                name,
                cold: World::with_limits(&case, nothing_kept.clone()),
                warm: World::load(&case),
                case,
                iterations: 3,
                reference: Vec::new(),
                reference_allocations: 0.0,
                cold_nanos: Vec::new(),
                warm_nanos: Vec::new(),
            };
            let first = server.bench(&row.case, row.media_type(), row.envelope(), 20);
            row.iterations = (MEASUREMENT_NANOS / first.nanos).clamp(5.0, 500.0) as u32;
            time(&row.warm, 20);
            time(&row.cold, 20);
            row
        })
        .collect()
}

impl Row {
    fn media_type(&self) -> &str {
        &self.warm.media_type
    }

    fn envelope(&self) -> &[u8] {
        &self.warm.envelope
    }
}

/// Nanoseconds of one verification.
fn time(world: &World, iterations: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..iterations {
        world.verify(&world.envelope).expect("the envelope is good");
    }
    start.elapsed().as_nanos() as f64 / f64::from(iterations)
}

/// Allocations of one verification.
fn allocations(world: &World) -> u64 {
    let info = allocation_counter::measure(|| {
        world.verify(&world.envelope).expect("the envelope is good");
    });
    info.count_total
}

/// The two commands on the demo layout.
fn commands(scratch: &Path, rounds: usize, report: &mut String) {
    let Some(ours) = option_env!("CARGO_BIN_EXE_notation-verify") else {
        println!("the command is not measured: build with `--features cli`");
        return;
    };
    let ours = Path::new(ours);
    let theirs = build_reference_command(scratch);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo");
    // The reference may write into what it reads.
    let layout = scratch.join("layout");
    copy(&demo.join("layout"), &layout);
    copy(&demo.join("config"), &scratch.join("notation"));

    const SCOPE: &str = "registry.example/demo/app";
    let our_arguments = [
        "verify".into(),
        "--config".into(),
        scratch.join("notation").display().to_string(),
        "--oci-layout".into(),
        layout.display().to_string(),
        "--scope".into(),
        SCOPE.into(),
        "v1".into(),
    ];
    let their_arguments = [
        "verify".into(),
        "--oci-layout".into(),
        "--scope".into(),
        SCOPE.into(),
        format!("{}:v1", layout.display()),
    ];
    let mut our_nanos = Vec::new();
    let mut their_nanos = Vec::new();
    for _ in 0..rounds * 3 {
        their_nanos.push(run(&theirs, &their_arguments, scratch));
        our_nanos.push(run(ours, &our_arguments, scratch));
    }
    let (our_time, their_time) = (median(&mut our_nanos), median(&mut their_nanos));
    let our_memory = peak_memory(ours, &our_arguments, scratch);
    let their_memory = peak_memory(&theirs, &their_arguments, scratch);
    let size = |path: &Path| std::fs::metadata(path).unwrap().len() as f64 / 1e6;

    report.push_str(
        "\
## The command

`verify` on the demo layout of `tests/demo` (one COSE signature, ES384, chain of three,
level strict), from the start of the process to its end.

| | reference | here | ratio |
|---|---|---|---|
",
    );
    let mut line = |name: &str, theirs: f64, ours: f64, digits: usize| {
        writeln!(
            report,
            "| {name} | {theirs:.digits$} | {ours:.digits$} | **{:.2}** |",
            ours / theirs
        )
        .unwrap();
    };
    line("wall time, ms", their_time / 1e6, our_time / 1e6, 1);
    if let (Some(theirs), Some(ours)) = (their_memory, our_memory) {
        line("peak memory, MiB", theirs / 1024.0, ours / 1024.0, 1);
    }
    line("binary, stripped, MB", size(&theirs), size(ours), 1);
}

fn build_reference_command(scratch: &Path) -> PathBuf {
    let program = scratch.join("notation-command");
    let status = Command::new("go")
        .args(["build", "-mod=mod", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .arg("github.com/notaryproject/notation/cmd/notation")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/reference-command"))
        .status()
        .unwrap();
    assert!(status.success(), "the reference command does not build");
    program
}

fn prepared(program: &Path, arguments: &[String], scratch: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", scratch)
        .env("NOTATION_EXPERIMENTAL", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Nanoseconds of one run, which must succeed.
fn run(program: &Path, arguments: &[String], scratch: &Path) -> f64 {
    let mut command = prepared(program, arguments, scratch);
    let start = Instant::now();
    let status = command.status().unwrap();
    let elapsed = start.elapsed();
    assert!(status.success(), "{} failed: {status}", program.display());
    elapsed.as_nanos() as f64
}

/// Peak resident memory in KiB, as GNU time tells it: its own is small, so that
/// it does not hide the command's. `None` where it is not installed.
fn peak_memory(program: &Path, arguments: &[String], scratch: &Path) -> Option<f64> {
    let file = scratch.join("peak");
    let mut values = Vec::new();
    for _ in 0..7 {
        let mut all = vec![
            "-f".to_owned(),
            "%M".to_owned(),
            "-o".to_owned(),
            file.display().to_string(),
            program.display().to_string(),
        ];
        all.extend_from_slice(arguments);
        let status = prepared(Path::new("time"), &all, scratch).status().ok()?;
        assert!(status.success());
        values.push(std::fs::read_to_string(&file).ok()?.trim().parse().ok()?);
    }
    Some(median(&mut values))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
