//! Whole programs that work with a registry: what they take and what they ask.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{self, Registry};

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    /// Of user and system.
    pub(crate) cpu: f64,
    pub(crate) peak_mib: f64,
    /// What the registry was asked, by method and kind.
    pub(crate) requests: BTreeMap<String, u64>,
}

impl Run {
    pub(crate) fn requests(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// Runs a program below GNU time, which must end with `code`. Its configuration is
/// in `folder`.
pub(crate) fn run(
    registry: &Registry,
    folder: &Path,
    program: &Path,
    arguments: &[String],
    code: i32,
) -> Run {
    world::push::get(&registry.address, "/-/counts");
    let scratch = tempfile::tempdir().unwrap();
    let times = scratch.path().join("times");
    let output = Command::new("time")
        .args(["-q", "-f", "%e %U %S %M", "-o"])
        .arg(&times)
        .arg(program)
        .args(arguments)
        .env("XDG_CONFIG_HOME", folder)
        .env("HOME", scratch.path())
        .env("DOCKER_CONFIG", scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("GNU time is there");
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let counts = world::push::get(&registry.address, "/-/counts");
    let text = std::fs::read_to_string(&times).unwrap();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let run = Run {
        seconds: numbers[0],
        cpu: numbers[1] + numbers[2],
        peak_mib: numbers[3] / 1024.0,
        requests: serde_json::from_slice(&counts).unwrap(),
    };
    println!("{}: {run:?}", program.display());
    run
}

pub(crate) fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}
