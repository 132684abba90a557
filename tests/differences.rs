//! docs/DIFFERENCES.md names every golden case that was decided, and every case
//! of the corpus runner's exceptions.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeSet;

use serde_json::Value;

const DIFFERENCES: &str = include_str!("../docs/DIFFERENCES.md");
const EXCEPTIONS: &str = include_str!("corpus/exceptions.json");

#[test]
fn decided_cases_are_told() {
    let Some(cases) = shared::folder("corpus/cases") else {
        return;
    };
    let mut decided = BTreeSet::new();
    for folder in shared::folders(&cases) {
        let case: Value =
            serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let id = case["id"].as_str().unwrap().to_owned();
        if case.get("decision").is_some() {
            decided.insert(id);
        }
    }
    assert_eq!(decided.len(), 79);
    let exceptions: Value = serde_json::from_str(EXCEPTIONS).unwrap();
    decided.extend(exceptions.as_object().unwrap().keys().cloned());

    // The last column of each table.
    let told: BTreeSet<String> = DIFFERENCES
        .lines()
        .filter(|line| {
            line.starts_with("| stricter ")
                || line.starts_with("| more lenient ")
                || line.starts_with("| as there ")
        })
        .filter_map(|line| line.trim_end_matches('|').rsplit_once("| "))
        .flat_map(|(_, cases)| cases.split('`').map(str::to_owned).collect::<Vec<_>>())
        .filter(|text| !text.trim().is_empty())
        .collect();
    let untold: Vec<_> = decided.difference(&told).collect();
    assert!(untold.is_empty(), "not in docs/DIFFERENCES.md: {untold:?}");
    let unknown: Vec<_> = told.difference(&decided).collect();
    assert!(unknown.is_empty(), "no such decision: {unknown:?}");
}
