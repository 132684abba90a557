//! The corpus through the C ABI: a C program (`corpus.c`, named by
//! `C_CORPUS_PROGRAM`) verifies each case, and must say what the Rust runner says,
//! check by check.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

extern crate notation as notation_verifier;

#[allow(dead_code)]
#[path = "../../../tests/corpus/case.rs"]
mod case;
#[allow(dead_code)]
#[path = "../../../tests/corpus/compare.rs"]
mod compare;
#[path = "../../../tests/corpus/run.rs"]
mod run;
#[path = "../../../tests/corpus/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use case::{Case, Validation};
use compare::Answer;
use world::{World, copy_tree};

fn main() {
    let Some(program) = std::env::var_os("C_CORPUS_PROGRAM") else {
        assert!(
            std::env::var_os("REQUIRE_C").is_none(),
            "C_CORPUS_PROGRAM is not set"
        );
        println!("corpus through C: skipped: C_CORPUS_PROGRAM is not set (see bindings/c/test)");
        return;
    };
    let shared = std::env::var_os("NOTATION_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let mut folders: Vec<PathBuf> = std::fs::read_dir(shared.join("corpus/cases"))
        .expect("the corpus")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    folders.sort();
    let mut host = Program::start(Path::new(&program));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut differ = 0;
    for folder in &folders {
        let case = Case::read(folder).expect("the case can be read");
        let expected = run::run(&case);
        assert!(!expected.unknown_kind, "{}: unknown kind", case.id);
        let found = through_c(&case, &mut host);
        if let Some(how) = difference(&case, &expected, &found) {
            differ += 1;
            println!("{}: {how} ({})", case.id, case.title);
        }
        *kinds.entry(case.kind.clone()).or_default() += 1;
    }
    println!(
        "corpus through C: {} cases ({kinds:?}), {differ} differ",
        folders.len()
    );
    assert_eq!(differ, 0);
    assert!(folders.len() >= 1_000, "only {} cases", folders.len());
}

/// Where the C ABI says something else than the Rust runner.
fn difference(case: &Case, rust: &Answer, c: &Answer) -> Option<String> {
    // Policies and stores come as one class of error through C, and the runner has a
    // word of its own for a layout that cannot be opened.
    let same_cause = matches!(case.kind.as_str(), "policy" | "truststore")
        || rust.cause == c.cause
        || (rust.cause.as_deref() == Some("layout") && c.cause.as_deref() == Some("artifact"));
    let same = rust.pass == c.pass
        && rust.skipped == c.skipped
        && rust.validations == c.validations
        && rust.selected_policy == c.selected_policy
        && rust.enforcement == c.enforcement
        && rust.certificates == c.certificates
        && same_cause;
    (!same).then(|| format!("Rust: {rust:?}\n  C: {c:?}"))
}

/// The C program, which takes jobs.
struct Program {
    child: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the C program starts");
        Self {
            jobs: child.stdin.take().expect("its input"),
            answers: BufReader::new(child.stdout.take().expect("its output")),
            child,
        }
    }

    fn run(&mut self, fields: &[(&str, String)]) -> (u32, Value) {
        for (name, value) in fields {
            write!(self.jobs, "{name} {}\n{value}\n", value.len()).expect("a job goes out");
        }
        writeln!(self.jobs, "go").expect("a job goes out");
        self.jobs.flush().expect("a job goes out");
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("an answer");
        if read == 0 {
            panic!("the C program ended: {:?}", self.child.wait());
        }
        let (status, length) = line.trim().split_once(' ').expect("status and length");
        let mut document = vec![0; length.parse::<usize>().expect("a length") + 1];
        self.answers.read_exact(&mut document).expect("a document");
        let document = serde_json::from_slice(&document).expect("JSON");
        (status.parse().expect("a status"), document)
    }
}

fn through_c(case: &Case, program: &mut Program) -> Answer {
    let world = World::build(case).expect("a world");
    let mut fields = vec![("config", world.config.display().to_string())];
    match case.kind.as_str() {
        "oci" | "dn" => {
            let target = case.target.as_ref().expect("a target");
            let request = json!({
                "reference": case.artifact_reference.as_deref().unwrap_or_default(),
                "envelopeMediaType": case.envelope_media_type.as_deref().unwrap_or_default(),
                "target": {
                    "mediaType": target.media_type,
                    "digest": target.digest,
                    "size": target.size,
                    "annotations": target.annotations,
                },
                "userMetadata": case.user_metadata,
            });
            fields.push(("call", "envelope".to_owned()));
            fields.push(("request", request.to_string()));
            fields.push(("envelope", path(case, case.signature.as_deref())));
            evidence(case, &mut fields);
            let (status, document) = program.run(&fields);
            verdict(status, &document)
        }
        "blob" => {
            let mut request = json!({
                "name": case.id,
                "envelopeMediaType": case.envelope_media_type.as_deref().unwrap_or_default(),
                "userMetadata": case.user_metadata,
            });
            member(&mut request, "policyName", case.blob_policy_name.as_deref());
            member(&mut request, "mediaType", case.blob_media_type.as_deref());
            fields.push(("call", "blob".to_owned()));
            fields.push(("request", request.to_string()));
            fields.push(("envelope", path(case, case.signature.as_deref())));
            fields.push(("blob", path(case, case.blob.as_deref())));
            evidence(case, &mut fields);
            let (status, document) = program.run(&fields);
            verdict(status, &document)
        }
        "layout" => {
            assert!(case.evidence.is_empty(), "{}: layouts fetch", case.id);
            let copy = world.config.join("layout-copy");
            copy_tree(
                &case.file(case.layout.as_deref().unwrap_or_default()),
                &copy,
            )
            .expect("a layout");
            let reference = case.layout_reference.as_deref().unwrap_or_default();
            let mut request = json!({
                "path": copy,
                "scope": case.layout_scope.as_deref().unwrap_or_default(),
                "reference": reference.trim_start_matches(['@', ':']),
                "userMetadata": case.user_metadata,
            });
            if let Some(most) = case.max_signatures {
                request["maxSignatures"] = most.into();
            }
            fields.push(("call", "layout".to_owned()));
            fields.push(("request", request.to_string()));
            let (status, document) = program.run(&fields);
            verdict(status, &document)
        }
        "policy" => policy(case, fields, program),
        "truststore" => trust_store(case, &world, fields, program),
        kind => panic!("unknown kind {kind}"),
    }
}

fn member(request: &mut Value, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        request[name] = value.into();
    }
}

fn path(case: &Case, name: Option<&str>) -> String {
    case.file(name.expect("a file")).display().to_string()
}

/// The case's answers to OCSP requests and for CRLs, in the words of the Rust
/// runner.
fn evidence(case: &Case, fields: &mut Vec<(&str, String)>) {
    for (url, answer) in &case.evidence {
        fields.push(("url", url.clone()));
        fields.push(if let Some(status) = answer.strip_prefix("status:") {
            (
                "failed",
                format!("the server answered with status {status}"),
            )
        } else if answer == "timeout" {
            ("failed", "no answer in time".to_owned())
        } else if let Some(count) = answer.strip_prefix("zeros:") {
            ("zeros", count.to_owned())
        } else {
            ("file", path(case, Some(answer)))
        });
    }
}

/// A document of the report's form in the corpus's terms.
fn verdict(status: u32, document: &Value) -> Answer {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let said = text(&document["status"]);
    let numbers = [
        (0, "verified"),
        (16, "rejected"),
        (17, "unsigned"),
        (18, "lookup-failed"),
        (19, "skipped"),
    ];
    match numbers.iter().find(|(number, _)| *number == status) {
        Some((_, name)) => assert_eq!(&said, name, "number and document"),
        None => {
            assert!(status >= 64 && said == "error", "{status}: {document}");
            return Answer {
                cause: Some(text(&document["error"]["kind"])),
                detail: text(&document["error"]["message"]),
                ..Answer::default()
            };
        }
    }
    let mut answer = Answer {
        pass: matches!(status, 0 | 19),
        skipped: status == 19,
        cause: match status {
            17 => Some("no-signature".to_owned()),
            18 => Some("signature-retrieval".to_owned()),
            _ => None,
        },
        ..Answer::default()
    };
    for signature in document["signatures"].as_array().expect("signatures") {
        if signature["state"] == "unusable" {
            answer.cause = Some(text(&signature["reason"]));
        }
        for check in signature["checks"].as_array().expect("checks") {
            let ok = match check["result"].as_str().expect("a result") {
                "passed" => true,
                "failed" => {
                    if check["action"] == "enforce" && answer.cause.is_none() {
                        answer.cause = Some(text(&check["reason"]));
                    }
                    false
                }
                _ => continue,
            };
            match check["check"].as_str().expect("a check") {
                "trustedIdentity" => {
                    if let Some(last) = answer.validations.last_mut() {
                        last.ok &= ok;
                    }
                }
                name @ ("integrity" | "authenticity" | "expiry" | "authenticTimestamp"
                | "revocation") => answer.validations.push(Validation {
                    check: name.to_owned(),
                    action: text(&check["action"]),
                    ok,
                }),
                _ => {}
            }
        }
    }
    answer
}

/// A policy is loaded, and selects a statement for something that is no envelope.
fn policy(case: &Case, mut fields: Vec<(&str, String)>, program: &mut Program) -> Answer {
    fields.push(("call", "describe".to_owned()));
    let (status, description) = program.run(&fields);
    if status != 1 {
        return verdict(status, &description);
    }
    let mut answer = Answer {
        pass: true,
        ..Answer::default()
    };
    let blob = case.policy_type.as_deref() == Some("blob");
    let (kind, call, mut request) = if blob {
        (
            "blob",
            "blob",
            json!({ "envelopeMediaType": "application/cose" }),
        )
    } else {
        let target = json!({ "mediaType": "a/b", "digest": "sha256:00", "size": 1 });
        let request = json!({ "envelopeMediaType": "application/cose", "target": target });
        ("oci", "envelope", request)
    };
    let selector = if blob {
        case.blob_policy_name.as_deref()
    } else {
        case.artifact_reference.as_deref()
    };
    let Some(selector) = selector else {
        return answer;
    };
    if !blob {
        request["reference"] = selector.into();
    } else if selector != "-" {
        request["policyName"] = selector.into();
    }
    fields.pop();
    fields.push(("call", call.to_owned()));
    fields.push(("request", request.to_string()));
    let (status, document) = program.run(&fields);
    if status >= 64 {
        return verdict(status, &document);
    }
    let name = document["policy"]["statement"].as_str().expect("a name");
    let statement = description["policies"][kind]
        .as_array()
        .expect("statements")
        .iter()
        .find(|one| one["name"] == name)
        .expect("the statement is described");
    answer.skipped = status == 19;
    answer.selected_policy = Some(name.to_owned());
    let skipped = |check: &str| (check.to_owned(), "skip".to_owned());
    answer.enforcement = Some(match statement["enforcement"].as_object() {
        Some(actions) if !actions.is_empty() => actions
            .iter()
            .map(|(check, action)| (check.clone(), action.as_str().expect("a text").to_owned()))
            .collect(),
        _ => [
            "integrity",
            "authenticity",
            "authenticTimestamp",
            "expiry",
            "revocation",
        ]
        .map(skipped)
        .into(),
    });
    answer
}

/// A store is loaded because a policy names it.
fn trust_store(
    case: &Case,
    world: &World,
    mut fields: Vec<(&str, String)>,
    program: &mut Program,
) -> Answer {
    let store = case.load_store.as_deref().expect("a store");
    let policy = json!({ "version": "1.0", "trustPolicies": [{
        "name": "all", "registryScopes": ["*"],
        "signatureVerification": { "level": "strict" },
        "trustStores": [store], "trustedIdentities": ["*"],
    }]});
    let place = world.config.join("trustpolicy.oci.json");
    std::fs::write(place, policy.to_string()).expect("a policy");
    fields.push(("call", "describe".to_owned()));
    let (status, document) = program.run(&fields);
    if status != 1 {
        return verdict(status, &document);
    }
    let described = &document["trustStores"][store];
    if !described["error"].is_null() {
        return Answer::default();
    }
    let certificates = described["certificates"].as_array().expect("certificates");
    Answer {
        pass: true,
        certificates: Some(
            certificates
                .iter()
                .map(|one| one["sha256"].as_str().expect("a digest").to_owned())
                .collect(),
        ),
        ..Answer::default()
    }
}
