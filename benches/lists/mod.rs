//! A CRL with a million entries on both sides, each in a process of its own.

#[path = "../../tests/authority/mod.rs"]
mod authority;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use authority::large;
use notation_verifier::x509::RevocationList;
use serde_json::{Value, json};

const ENTRIES: u64 = 1_000_000;
/// Serial numbers looked up: every second one is listed.
const LOOK_UPS: u64 = 1_000;

/// Writes the section of the report.
pub(crate) fn section(reference: &Path, scratch: &Path, rounds: usize, report: &mut String) {
    let file = scratch.join("million.crl");
    let serials = scratch.join("serials");
    std::fs::write(&file, large::list(ENTRIES)).unwrap();
    let text: String = (0..LOOK_UPS)
        .map(|index| {
            let octets = large::serial(index * ENTRIES / LOOK_UPS * 2);
            format!("{:032x}\n", u128::from_be_bytes(octets))
        })
        .collect();
    std::fs::write(&serials, text).unwrap();
    let size = std::fs::metadata(&file).unwrap().len() as f64;

    let ours = std::env::current_exe().unwrap();
    let (mut theirs_all, mut ours_all) = (Vec::new(), Vec::new());
    for _ in 0..rounds.clamp(1, 5) {
        theirs_all.push(measure(reference, &file, &serials));
        ours_all.push(measure(&ours, &file, &serials));
    }
    report.push_str(
        "\n## A CRL with a million entries\n\n\
         Read once, then 1,000 serial numbers are looked up, half of them listed; `x509.ParseRevocationList` and \
         the walk through its entries of notation-core-go on the one side. Peak memory is that of the whole \
         process, in sizes of the file.\n\n\
         | | reference | here | ratio |\n|---|---|---|---|\n",
    );
    for (name, member, scale) in [
        ("reading, ms", "parse_ms", 1.0),
        ("1,000 look-ups, ms", "look_up_ms", 1.0),
        ("peak memory, files", "peak_kib", 1024.0 / size),
    ] {
        let median = |all: &[Value]| {
            let mut values: Vec<f64> = all
                .iter()
                .map(|one| one[member].as_f64().unwrap() * scale)
                .collect();
            super::median(&mut values)
        };
        let (theirs, ours) = (median(&theirs_all), median(&ours_all));
        writeln!(
            report,
            "| {name} | {theirs:.2} | {ours:.2} | **{:.5}** |",
            ours / theirs
        )
        .unwrap();
    }
    writeln!(report, "\nThe file has {:.1} MB.", size / 1e6).unwrap();
}

fn measure(program: &Path, file: &Path, serials: &Path) -> Value {
    let output = Command::new(program)
        .arg("crl")
        .args([file, serials])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["listed"], LOOK_UPS / 2);
    found
}

/// What `interop crl` does, with this verifier.
pub(crate) fn child(file: &str, serials: &str) {
    let serials: Vec<[u8; 16]> = std::fs::read_to_string(serials)
        .unwrap()
        .lines()
        .map(|line| u128::from_str_radix(line, 16).unwrap().to_be_bytes())
        .collect();
    let octets = std::fs::read(file).unwrap();
    let start = Instant::now();
    let list = RevocationList::parse(Arc::new(octets)).unwrap();
    let parsed = start.elapsed();
    let start = Instant::now();
    let listed = serials
        .iter()
        .filter(|serial| !list.entries(*serial).is_empty())
        .count();
    let looked = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap();
    let found = json!({
        "parse_ms": parsed.as_secs_f64() * 1e3,
        "look_up_ms": looked.as_secs_f64() * 1e3,
        "peak_kib": peak,
        "listed": listed,
    });
    println!("{found}");
}
