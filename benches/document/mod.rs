//! The document that the benches write, each a part of it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Between the two parts.
const BOUNDARY: &str = "<!-- What follows is written by benches/registry.rs. -->\n";

#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each bench writes one")]
pub(crate) enum Part {
    Compare,
    Registry,
}

/// Replaces one part of `docs/BENCHMARKS.md`.
pub(crate) fn write(part: Part, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let (compare, registry) = old.split_once(BOUNDARY).unwrap_or((&old, ""));
    let (compare, registry) = match part {
        Part::Compare => (text, registry.trim_start()),
        Part::Registry => (compare, text),
    };
    let text = format!("{}\n\n{BOUNDARY}\n{registry}", compare.trim_end());
    std::fs::write(path, text).unwrap();
}

/// A line about the machine.
pub(crate) fn machine(report: &mut String) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let version = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    writeln!(
        report,
        "Machine: {model}, {cores} cores, {} {}; {}; {}; provider `{}`.\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        version("rustc", "--version"),
        version("go", "version"),
        notation_verifier::Provider::preferred().name,
    )
    .unwrap();
}
