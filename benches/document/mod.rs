//! The document that the benches write, each a part of it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Before each part but the first.
const BOUNDARIES: [&str; 3] = [
    "<!-- What follows is written by benches/registry.rs. -->\n",
    "<!-- What follows is written by benches/signing.rs. -->\n",
    "<!-- What follows is written by hand. -->\n",
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
    let mut parts = Vec::new();
    let mut rest = old.as_str();
    for boundary in BOUNDARIES {
        let (part, after) = rest.split_once(boundary).expect("all boundaries are there");
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    let at = match part {
        Part::Compare => 0,
        Part::Registry => 1,
        Part::Signing => 2,
    };
    parts[at] = text;
    let mut text = String::new();
    for (number, part) in parts.into_iter().enumerate() {
        if number > 0 {
            text = text + "\n" + BOUNDARIES[number - 1] + "\n";
        }
        text = text + part.trim() + "\n";
    }
    std::fs::write(path, text).unwrap();
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
