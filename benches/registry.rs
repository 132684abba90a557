//! Many signed images in a registry: this verifier's command, the reference command
//! started once for each image, and a Go program with the reference library and one
//! shared client. All on one machine, by turns; writes a part of
//! `docs/BENCHMARKS.md`.
//!
//! Needs what `tests/registries.rs` needs, and GNU time.
//! `REQUIRE_REGISTRIES=1 cargo bench --features cli --bench registry`;
//! `REGISTRY_IMAGES` (default 1,000) and `REGISTRY_MANY` (default 10,000) set how many
//! images, `REGISTRY_ROUNDS` (default 3) how often.
#![allow(
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement stops at what it does not expect"
)]

mod document;
mod measured;
#[path = "../tests/registries/mod.rs"]
mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use measured::{Run, number};
use world::programs::Programs;
use world::{Kind, Registry, Security};

/// Images at the same time, for all three.
const PARALLEL: usize = 8;

fn main() {
    // `cargo test --benches` only asks whether this runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let Some(command) = option_env!("CARGO_BIN_EXE_notation-verify") else {
        println!("nothing is measured: build with `--features cli`");
        return;
    };
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let bench = Bench {
        command: command.into(),
        programs,
        images: number("REGISTRY_IMAGES", 1_000),
        many: number("REGISTRY_MANY", 10_000),
        rounds: number("REGISTRY_ROUNDS", 3),
    };
    let mut report = String::from(INTRODUCTION);
    document::machine(&mut report);
    document::load(&mut report);
    bench.speed(&mut report);
    bench.unsigned(&mut report);
    bench.memory(&mut report);
    print!("{report}");
    document::write(document::Part::Registry, &report);
}

const INTRODUCTION: &str = "\
## Many images in a registry

Written by `REQUIRE_REGISTRIES=1 cargo bench --features cli --bench registry`. The
images are in olareg v0.1.2 (referrers API, in memory, plain HTTP) on the same machine,
twenty in a repository, each with one COSE signature of one chain of three; level
strict, a named identity.
*Here* is `notation-verify verify --from FILE --concurrency 8`. *The reference command*
is `notation verify` (v1.3.2), started once for each image, eight at a time. *The
reference library* is a Go program with notation-go v1.3.2, eight goroutines and one
shared client. By turns in one run; the medians. CPU is that of the client, user and
system, its start included. The registry needs its share of the same processors.

";

struct Bench {
    command: PathBuf,
    programs: Programs,
    images: usize,
    many: usize,
    rounds: usize,
}

impl Bench {
    fn speed(&self, report: &mut String) {
        report.push_str(
            "\
| | | images/s | CPU ms for each image | peak memory, MiB | requests for each image |
|---|---|---|---|---|---|
",
        );
        for algorithm in ["ES384", "PS384"] {
            let registry = Registry::start(&self.programs, Kind::Olareg, Security::OPEN);
            let folder = self.push(&registry, algorithm, self.images, 0);
            let list = folder.path().join("signed.txt");
            let mut runs: [Vec<Run>; 3] = Default::default();
            for _ in 0..self.rounds {
                runs[0].push(self.here(&registry, folder.path(), &list, 0));
                runs[1].push(self.reference_library(&registry, folder.path(), &list));
                runs[2].push(self.reference_command(&registry, folder.path(), &list));
            }
            let images = self.images as f64;
            let [here, library, command] = runs.map(|mut runs| {
                let requests = runs[0].requests();
                (
                    images / median(&mut runs, |run| run.seconds),
                    median(&mut runs, |run| run.cpu) * 1e3 / images,
                    median(&mut runs, |run| run.peak_mib),
                    requests as f64 / images,
                )
            });
            for (name, row) in [
                ("here", here),
                ("the reference library", library),
                ("the reference command", command),
            ] {
                writeln!(
                    report,
                    "| {algorithm} | {name} | {:.0} | {:.2} | {:.1} | {:.2} |",
                    row.0, row.1, row.2, row.3
                )
                .unwrap();
            }
            writeln!(
                report,
                "| {algorithm} | **ratio** | **{:.1}** times the command | **{:.2}** of the \
                 library | | |",
                here.0 / command.0,
                here.1 / library.1
            )
            .unwrap();
        }
        writeln!(
            report,
            "\n{} images, {} rounds. The reference command's peak is that of one process; up \
             to eight run.\n",
            self.images, self.rounds
        )
        .unwrap();
    }

    /// Requests for images without signatures.
    fn unsigned(&self, report: &mut String) {
        const IMAGES: usize = 100;
        let registry = Registry::start(&self.programs, Kind::Olareg, Security::OPEN);
        let folder = self.push(&registry, "ES384", 1, IMAGES);
        let list = folder.path().join("unsigned.txt");
        let run = self.here(&registry, folder.path(), &list, 1);
        writeln!(
            report,
            "An image without signatures needs {:.2} requests: {:?} for {IMAGES} images.\n",
            run.requests() as f64 / IMAGES as f64,
            run.requests,
        )
        .unwrap();
    }

    /// Memory where there are ten times as many.
    fn memory(&self, report: &mut String) {
        let registry = Registry::start(&self.programs, Kind::Olareg, Security::OPEN);
        let folder = self.push(&registry, "ES384", self.many, 0);
        let list = folder.path().join("signed.txt");
        let run = self.here(&registry, folder.path(), &list, 0);
        writeln!(
            report,
            "{} images (ES384) in one run: {:.0} images/s, peak memory here **{:.1} MiB**.",
            self.many,
            self.many as f64 / run.seconds,
            run.peak_mib
        )
        .unwrap();
    }

    fn push(
        &self,
        registry: &Registry,
        algorithm: &str,
        signed: usize,
        unsigned: usize,
    ) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let status = self
            .programs
            .registries()
            .args(["bench-push", "-registry", &registry.address])
            .args(["-algorithm", algorithm])
            .args(["-signed", &signed.to_string()])
            .args(["-unsigned", &unsigned.to_string()])
            .arg("-out")
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(status.success(), "the images were not pushed");
        folder
    }

    fn here(&self, registry: &Registry, folder: &Path, list: &Path, code: i32) -> Run {
        let arguments = [
            "verify".into(),
            "--config".into(),
            folder.join("notation").display().to_string(),
            "--from".into(),
            list.display().to_string(),
            "--concurrency".into(),
            PARALLEL.to_string(),
        ];
        measured::run(registry, folder, &self.command, &arguments, code)
    }

    fn reference_command(&self, registry: &Registry, folder: &Path, list: &Path) -> Run {
        let arguments = [
            "-a".into(),
            list.display().to_string(),
            "-P".into(),
            PARALLEL.to_string(),
            "-n".into(),
            "1".into(),
            self.programs.notation_path().display().to_string(),
            "verify".into(),
            "--insecure-registry".into(),
        ];
        measured::run(registry, folder, Path::new("xargs"), &arguments, 0)
    }

    fn reference_library(&self, registry: &Registry, folder: &Path, list: &Path) -> Run {
        let program = self.programs.registries().get_program().to_owned();
        let arguments = [
            "bench-verify".into(),
            "-registry".into(),
            registry.address.clone(),
            "-from".into(),
            list.display().to_string(),
            "-config".into(),
            folder.join("notation").display().to_string(),
            "-workers".into(),
            PARALLEL.to_string(),
        ];
        measured::run(registry, folder, Path::new(&program), &arguments, 0)
    }
}

fn median(runs: &mut [Run], value: impl Fn(&Run) -> f64) -> f64 {
    runs.sort_by(|a, b| value(a).total_cmp(&value(b)));
    value(&runs[runs.len() / 2])
}
