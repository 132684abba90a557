//! The corpus cases that are about trust policies and trust stores alone:
//! verdict, cause, selected statement, actions, certificates.
//!
//! `tests/corpus.rs` runs these cases too; here the cause is compared as well.

#![cfg(all(unix, feature = "io"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use notation_verifier::crypto::Provider;
use notation_verifier::io::ConfigDirectory;
use notation_verifier::limits::Limits;
use notation_verifier::policy::{PolicyError, Selection};
use serde_json::Value;

const POLICIES: usize = 263;
const STORES: usize = 28;

/// How a case ends: `Ok` with what is to be compared, or the cause.
type Ending = Result<Value, String>;

#[test]
fn policies() {
    run("policy", POLICIES, policy);
}

#[test]
fn stores() {
    run("truststore", STORES, store);
}

fn run(kind: &str, count: usize, ending: fn(&Path, &Value, &Path) -> Ending) {
    let Some(cases) = shared::folder("corpus/cases") else {
        return;
    };
    let exceptions: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(include_str!("trust_policy_corpus.exceptions.json")).unwrap();
    let exceptions = &exceptions[kind];
    let mut seen = 0;
    let mut excepted = 0;
    let mut problems = Vec::new();
    for folder in shared::folders(&cases) {
        let case: Value =
            serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        if case["kind"] != kind {
            continue;
        }
        seen += 1;
        let id = case["id"].as_str().unwrap();
        let config = tempfile::tempdir().unwrap();
        let found = ending(&folder, &case, config.path());
        match (compare(&case, &found), exceptions.get(id)) {
            (None, None) => {}
            (Some(_), Some(_)) => excepted += 1,
            (None, Some(_)) => problems.push(format!("{id}: agrees, remove the exception")),
            (Some(difference), None) => problems.push(format!("{id}: {difference}")),
        }
    }
    println!("{kind}: {seen} cases, {excepted} excepted");
    assert_eq!(seen, count);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(excepted, exceptions.len(), "unknown exceptions");
}

/// How `found` differs from what is expected, or from what is decided.
fn compare(case: &Value, found: &Ending) -> Option<String> {
    let expected = &case["expected"];
    let decided = case["decision"]["overall"].as_str();
    let overall = decided.or_else(|| expected["overall"].as_str()).unwrap();
    let agrees = match found {
        Ok(_) if overall == "fail" => false,
        Err(_) if overall == "pass" => false,
        _ if decided.is_some() => true,
        Ok(details) => details
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, value)| expected[name] == *value),
        Err(category) => expected["error_category"] == category.as_str(),
    };
    (!agrees).then(|| format!("expected {expected}, decided {decided:?}, found {found:?}"))
}

fn policy(folder: &Path, case: &Value, config: &Path) -> Ending {
    let limits = Limits::default();
    let document = folder.join(case["trust_policy_file"].as_str().unwrap());
    let kind = case["policy_type"].as_str().unwrap();
    let file = config.join(format!("trustpolicy.{kind}.json"));
    match case["trust_policy_fs"].as_str() {
        None => {
            fs::copy(document, file).unwrap();
        }
        Some("missing") => {}
        Some("directory") => fs::create_dir(file).unwrap(),
        Some("symlink") => symlink(fs::canonicalize(document).unwrap(), file).unwrap(),
        Some(other) => panic!("trust_policy_fs {other}"),
    }
    let config = ConfigDirectory::at(config);
    let category = |error: PolicyError| error.category().to_owned();
    let selected = |selection: Selection<'_>| {
        serde_json::json!({
            "selected_policy": selection.statement_name(),
            "skipped": matches!(selection, Selection::Skip { .. }),
            "enforcement": shared::enforcement(selection),
        })
    };
    match kind {
        "oci" => {
            let policy = config.oci_policy(&limits).map_err(category)?;
            match case["artifact_reference"].as_str() {
                Some(reference) => policy
                    .select_for_reference(reference)
                    .map(selected)
                    .map_err(category),
                None => Ok(serde_json::json!({})),
            }
        }
        _ => {
            let policy = config.blob_policy(&limits).map_err(category)?;
            match case["blob_policy_name"].as_str() {
                Some(name) => policy
                    .select(Some(name).filter(|name| *name != "-"))
                    .map(selected)
                    .map_err(category),
                None => Ok(serde_json::json!({})),
            }
        }
    }
}

fn store(folder: &Path, case: &Value, config: &Path) -> Ending {
    let root = config.join("truststore/x509");
    fs::create_dir_all(&root).unwrap();
    for item in case["trust_store_fs"].as_array().into_iter().flatten() {
        let path = root.join(item["path"].as_str().unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match item["type"].as_str().unwrap() {
            "dir" => fs::create_dir_all(path).unwrap(),
            "file" => {
                fs::copy(folder.join(item["source"].as_str().unwrap()), path).unwrap();
            }
            "symlink" => symlink(item["target"].as_str().unwrap(), path).unwrap(),
            other => panic!("type {other}"),
        }
    }
    let certificates = ConfigDirectory::at(config)
        .load_store(
            case["load_store"].as_str().unwrap(),
            &Provider::preferred(),
            &Limits::default(),
        )
        .map_err(|error| error.category().to_owned())?;
    let digests: Vec<_> = certificates
        .iter()
        .map(|certificate| certificate.sha256().to_hex())
        .collect();
    Ok(serde_json::json!({ "certificates": digests }))
}
