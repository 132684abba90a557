//! Many images on their way through a signing service: `payload`, a service that signs
//! files, `attach`, `verify`, and beside them the reference command, which signs and
//! pushes image by image. Writes a part of `docs/BENCHMARKS.md`.
//!
//! Needs what `tests/registries.rs` needs, and GNU time.
//! `REQUIRE_REGISTRIES=1 cargo bench --features cli --bench signing`; `SIGNING_IMAGES`
//! (default 2,000) and `SIGNING_REFERENCE` (default 200) set how many images go each
//! way.
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

/// Images at the same time.
const PARALLEL: usize = 8;

const INTRODUCTION: &str = "\
## Signing many images

Written by `REQUIRE_REGISTRIES=1 cargo bench --features cli --bench signing`. The images
are in olareg v0.1.2 (referrers API, in memory, plain HTTP) on the same machine, twenty
in a repository. The service is a Go program that signs the payloads in place, one after
the other, with ES384 and a chain of its own. The reference command, `notation sign`
(v1.3.2), is started once for each image, eight at a time: it resolves, signs and pushes.
After `attach` each list was read again, half a second later, before a signature counts.

";

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
    };
    let mut report = String::from(INTRODUCTION);
    document::machine(&mut report);
    document::load(&mut report);
    bench.measure(&mut report);
    print!("{report}");
    document::write(document::Part::Signing, &report);
}

struct Bench {
    command: PathBuf,
    programs: Programs,
}

impl Bench {
    fn measure(&self, report: &mut String) {
        let images = number("SIGNING_IMAGES", 2_000);
        let registry = Registry::start(&self.programs, Kind::Olareg, Security::OPEN);
        let folder = self.push(&registry, images);
        let list = folder.path().join("unsigned.txt").display().to_string();
        let payloads = folder.path().join("payloads").display().to_string();
        let map = format!("{payloads}/payload-map.json");
        let configuration = self.programs.configuration.join("notation");
        let configuration = configuration.display().to_string();
        let parallel = PARALLEL.to_string();
        let here = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            measured::run(&registry, folder.path(), &self.command, &arguments, 0)
        };
        let payload = here(&[
            "payload",
            "-d",
            &payloads,
            "--from",
            &list,
            "--concurrency",
            &parallel,
        ]);
        let service = self.service(&registry, folder.path(), &payloads);
        let attach = here(&["attach", "--map", &map, "--concurrency", &parallel]);
        let again = here(&["attach", "--map", &map, "--concurrency", &parallel]);
        let verify = here(&[
            "verify",
            "--config",
            &configuration,
            "--from",
            &list,
            "--concurrency",
            &parallel,
        ]);

        let few = number("SIGNING_REFERENCE", 200);
        let registry = Registry::start(&self.programs, Kind::Olareg, Security::OPEN);
        let folder = self.push(&registry, few);
        let theirs = self.reference(&registry, &folder.path().join("unsigned.txt"));

        report.push_str(
            "\
| | images | seconds | images/s | CPU ms for each image | peak memory, MiB | requests for each image |
|---|---|---|---|---|---|---|
",
        );
        for (name, run, images) in [
            ("`payload`", &payload, images),
            ("the service", &service, images),
            ("`attach`", &attach, images),
            ("`attach` again", &again, images),
            ("`verify`", &verify, images),
            ("reference: `notation sign`", &theirs, few),
        ] {
            let count = images as f64;
            writeln!(
                report,
                "| {name} | {images} | {:.1} | {:.0} | {:.2} | {:.1} | {:.2} |",
                run.seconds,
                count / run.seconds,
                run.cpu * 1e3 / count,
                run.peak_mib,
                run.requests() as f64 / count,
            )
            .unwrap();
        }
        let ours: f64 = [&payload, &service, &attach]
            .map(|run| run.seconds)
            .iter()
            .sum();
        writeln!(
            report,
            "\nFrom the list to attached signatures: {:.0} images/s here, {:.0} there: \
             **{:.1}** times the reference command. One run each.\n\nRequests of `attach`: {:?}.",
            images as f64 / ours,
            few as f64 / theirs.seconds,
            (images as f64 / ours) / (few as f64 / theirs.seconds),
            attach.requests,
        )
        .unwrap();
    }

    /// Images without signatures.
    fn push(&self, registry: &Registry, images: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let status = self
            .programs
            .registries()
            .args(["bench-push", "-registry", &registry.address, "-signed", "0"])
            .args(["-unsigned", &images.to_string()])
            .arg("-out")
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(status.success(), "the images were not pushed");
        folder
    }

    fn service(&self, registry: &Registry, folder: &Path, payloads: &str) -> Run {
        let program = self.programs.registries().get_program().to_owned();
        let keys = self.programs.configuration.join("notation/localkeys");
        let arguments = [
            "sign-files".into(),
            "-keys".into(),
            keys.display().to_string(),
            "-key".into(),
            "ec".into(),
            payloads.into(),
        ];
        measured::run(registry, folder, Path::new(&program), &arguments, 0)
    }

    fn reference(&self, registry: &Registry, list: &Path) -> Run {
        let arguments = [
            "-a".into(),
            list.display().to_string(),
            "-P".into(),
            PARALLEL.to_string(),
            "-n".into(),
            "1".into(),
            self.programs.notation_path().display().to_string(),
            "sign".into(),
            "--insecure-registry".into(),
            "--signature-format".into(),
            "cose".into(),
            "--key".into(),
            "ec".into(),
        ];
        let configuration = &self.programs.configuration;
        measured::run(registry, configuration, Path::new("xargs"), &arguments, 0)
    }
}
