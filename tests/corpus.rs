//! The conformance corpus: golden cases with the reference's verdicts.
//!
//! Reads the folders named in `NOTATION_CORPUS` (separated by colons; default
//! `../shared/corpus`), builds the world of each case on disk, runs it, and
//! compares. One line for each difference, and one last line with the counts; cases
//! of a kind that is not known here are pending. Exit code 0 means: no difference,
//! nothing pending, and at least one case ran.

#![allow(clippy::expect_used)] // a broken corpus should stop the run

#[path = "corpus/case.rs"]
mod case;
#[path = "corpus/compare.rs"]
mod compare;
#[path = "corpus/run.rs"]
mod run;
#[path = "corpus/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::Case;
use compare::{Answer, Comparison};

/// Differences that are decided, each with the reason.
const EXCEPTIONS: &str = include_str!("corpus/exceptions.json");

#[derive(Default)]
struct Counts {
    cases: usize,
    agree: usize,
    excepted: usize,
    differ: usize,
    pending: usize,
    cause_differs: usize,
}

fn main() -> ExitCode {
    let folders = folders();
    let required = std::env::var_os("REQUIRE_SHARED").is_some();
    let exceptions: BTreeMap<String, String> =
        serde_json::from_str(EXCEPTIONS).expect("tests/corpus/exceptions.json is a map of texts");
    let mut counts = Counts::default();
    let mut used = Vec::new();
    for folder in &folders {
        if !folder.join("cases").is_dir() {
            println!("corpus: skipped `{}`: it has no cases", folder.display());
            if required || std::env::var_os("NOTATION_CORPUS").is_some() {
                return ExitCode::FAILURE;
            }
            return ExitCode::SUCCESS;
        }
        let before = counts.cases;
        run_folder(folder, &exceptions, &mut counts, &mut used);
        if let Some(listed) = listed(folder) {
            // A case that is listed and was not found would be a silent loss.
            assert_eq!(counts.cases - before, listed, "cases listed in the index");
        }
    }
    // An exception for a case that is not there any more is dead weight.
    if std::env::var_os("NOTATION_CORPUS").is_none() {
        for id in exceptions.keys().filter(|id| !used.contains(*id)) {
            println!("{id}: an exception is recorded, and there is no such case");
            counts.differ += 1;
        }
    }
    if std::env::var_os("CORPUS_CAUSES").is_some() {
        println!(
            "corpus: {} failures have another cause",
            counts.cause_differs
        );
    }
    println!(
        "corpus: {} cases, {} agree, {} excepted, {} differ, {} pending",
        counts.cases, counts.agree, counts.excepted, counts.differ, counts.pending
    );
    if counts.differ == 0 && counts.pending == 0 && counts.cases > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn folders() -> Vec<PathBuf> {
    match std::env::var("NOTATION_CORPUS") {
        Ok(list) => list
            .split(':')
            .filter(|part| !part.is_empty())
            .map(PathBuf::from)
            .collect(),
        Err(_) => {
            let shared = std::env::var_os("NOTATION_SHARED").map_or_else(
                || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
                PathBuf::from,
            );
            vec![shared.join("corpus")]
        }
    }
}

fn listed(folder: &Path) -> Option<usize> {
    let text = std::fs::read(folder.join("index.json")).ok()?;
    let index: serde_json::Value = serde_json::from_slice(&text).ok()?;
    match index.get("cases")? {
        serde_json::Value::Array(cases) => Some(cases.len()),
        serde_json::Value::Object(cases) => Some(cases.len()),
        _ => None,
    }
}

/// A panic is a difference of its case, not the end of the run.
fn run_guarded(case: &Case) -> Answer {
    std::panic::catch_unwind(|| run::run(case)).unwrap_or_else(|_| Answer {
        cause: Some("panic".to_owned()),
        detail: "PANIC".to_owned(),
        panicked: true,
        ..Answer::default()
    })
}

fn run_folder(
    folder: &Path,
    exceptions: &BTreeMap<String, String>,
    counts: &mut Counts,
    used: &mut Vec<String>,
) {
    let mut directories: Vec<PathBuf> = std::fs::read_dir(folder.join("cases"))
        .expect("the folder of cases can be read")
        .map(|entry| entry.expect("an entry of the folder of cases").path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    directories.sort();
    for directory in directories {
        let case = match Case::read(&directory) {
            Ok(case) => case,
            Err(error) => {
                counts.cases += 1;
                counts.differ += 1;
                println!("{}: the case cannot be read: {error}", directory.display());
                continue;
            }
        };
        counts.cases += 1;
        let answer = run_guarded(&case);
        let exception = exceptions.get(&case.id);
        if exception.is_some() {
            used.push(case.id.clone());
        }
        match (compare::compare(&case, &answer), exception) {
            (Comparison::Agree { same_cause }, None) => {
                counts.agree += 1;
                if !same_cause {
                    counts.cause_differs += 1;
                    if std::env::var_os("CORPUS_CAUSES").is_some() {
                        println!(
                            "{}: same verdict, cause `{}`, the reference's is `{}`",
                            case.id,
                            answer.cause.as_deref().unwrap_or("none"),
                            case.expected.error_category.as_deref().unwrap_or("none")
                        );
                    }
                }
            }
            (Comparison::Agree { .. }, Some(_)) => {
                counts.differ += 1;
                println!(
                    "{}: agrees, although an exception is recorded: remove it",
                    case.id
                );
            }
            (Comparison::Pending, None) => {
                counts.pending += 1;
                println!("{}: not run: {}", case.id, answer.detail);
            }
            (Comparison::Differ(_) | Comparison::Pending, Some(_)) => counts.excepted += 1,
            (Comparison::Differ(how), None) => {
                counts.differ += 1;
                println!("{}: {how} ({})", case.id, case.title);
            }
        }
    }
}
