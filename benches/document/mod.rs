//! The document that the benches write, each a part of it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Before each part but the first.
const BOUNDARIES: [&str; 2] = [
    "<!-- What follows is written by benches/registry.rs. -->\n",
    "<!-- What follows is written by benches/signing.rs. -->\n",
];

#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each bench writes one")]
pub(crate) enum Part {
    Compare,
    Registry,
    Signing,
}

/// Replaces one part of `docs/BENCHMARKS.md`.
pub(crate) fn write(part: Part, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let [before, after] = BOUNDARIES;
    let (old, signing) = old.split_once(after).unwrap_or((&old, ""));
    let (compare, registry) = old.split_once(before).unwrap_or((old, ""));
    let (compare, registry, signing) = match part {
        Part::Compare => (text, registry, signing),
        Part::Registry => (compare, text, signing),
        Part::Signing => (compare, registry, text),
    };
    let text = [compare, before, registry, after, signing]
        .map(str::trim)
        .join("\n\n");
    std::fs::write(path, text.trim_end().to_owned() + "\n").unwrap();
}

/// A line about what else the machine does.
#[allow(dead_code, reason = "benches of whole programs tell it")]
pub(crate) fn load(report: &mut String) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    writeln!(
        report,
        "Load of the machine before (1, 5 and 15 minutes): {}.\n",
        load.join(", ")
    )
    .unwrap();
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
