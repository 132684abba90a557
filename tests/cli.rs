//! The command, as a process: exit codes, text, JSON against its schema.

#![cfg(feature = "cli")]
#![allow(clippy::expect_used)] // a test that cannot set up should fail

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SCOPE: &str = "registry.example/demo/app";

fn demo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/demo")
        .join(path)
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notation-verify"));
    // No configuration of the machine may reach the tests.
    command
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("HOME")
        .env_remove("NO_COLOR");
    command
}

fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    command()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn verify(config: &Path, layout: &Path, scope: &str, reference: &str, more: &[&str]) -> Output {
    let mut arguments: Vec<&OsStr> = vec!["verify".as_ref(), "--config".as_ref(), config.as_ref()];
    arguments.extend::<[&OsStr; 5]>([
        "--oci-layout".as_ref(),
        layout.as_ref(),
        "--scope".as_ref(),
        scope.as_ref(),
        reference.as_ref(),
    ]);
    arguments.extend(more.iter().map(OsStr::new));
    run(&arguments)
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("the command ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// The JSON on standard output, checked against the schema of reports.
fn json(output: &Output) -> Value {
    checked(output, include_str!("../docs/report.schema.json"))
}

/// The JSON of `inspect`, checked against its schema.
fn inspected(output: &Output) -> Value {
    checked(output, include_str!("../docs/inspect.schema.json"))
}

fn checked(output: &Output, schema: &str) -> Value {
    let document: Value = serde_json::from_slice(&output.stdout).expect("output is JSON");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {document:#}");
    document
}

/// A configuration directory with the demo's trust store and another policy.
fn config_with(policy: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = directory.path().join("truststore/x509/ca/demo");
    std::fs::create_dir_all(&store).expect("a store");
    std::fs::copy(
        demo("config/truststore/x509/ca/demo/demo-root-ca.pem"),
        store.join("root.pem"),
    )
    .expect("a certificate");
    std::fs::write(directory.path().join("trustpolicy.oci.json"), policy).expect("a policy");
    directory
}

fn policy(statement: &str) -> String {
    format!(r#"{{"version":"1.0","trustPolicies":[{statement}]}}"#)
}

#[test]
fn a_signed_image_is_trusted() {
    let output = verify(&demo("config"), &demo("layout"), SCOPE, "v1", &[]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 0, "{shown}{}", text(&output.stderr));
    assert!(shown.starts_with("TRUSTED"), "{shown}");
    for expected in [
        "checks:",
        "authenticity",
        "certificates:",
        "valid 2020-",
        "strict",
    ] {
        assert!(
            shown.contains(expected),
            "`{expected}` is missing in {shown}"
        );
    }
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn a_replaced_image_is_rejected_with_the_reason() {
    let output = verify(&demo("config"), &demo("tampered"), SCOPE, "v1", &[]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1, "{shown}");
    assert!(shown.starts_with("REJECTED"), "{shown}");
    assert!(shown.contains("why: "), "{shown}");
    assert!(shown.contains("do:  "), "{shown}");
}

#[test]
fn json_has_one_shape_for_every_end() {
    let json_output = ["--output", "json"];
    let layout = demo("layout");

    let trusted = verify(&demo("config"), &layout, SCOPE, "v1", &json_output);
    let document = json(&trusted);
    assert_eq!(
        (code(&trusted), document["verdict"].as_str()),
        (0, Some("trusted"))
    );
    assert_eq!(document["asOf"], "now");
    assert_eq!(
        document["signatures"][0]["checks"].as_array().map(Vec::len),
        Some(10)
    );

    let rejected = verify(
        &demo("config"),
        &demo("tampered"),
        SCOPE,
        "v1",
        &json_output,
    );
    let document = json(&rejected);
    assert_eq!(
        (code(&rejected), document["status"].as_str()),
        (1, Some("rejected"))
    );

    let missing = verify(&demo("config"), &layout, SCOPE, "no-such-tag", &json_output);
    let document = json(&missing);
    assert_eq!(
        (code(&missing), document["status"].as_str()),
        (3, Some("lookup-failed"))
    );

    let elsewhere = verify(
        &demo("config"),
        &layout,
        "registry.example/other",
        "v1",
        &json_output,
    );
    let document = json(&elsewhere);
    assert_eq!(
        (code(&elsewhere), document["error"]["kind"].as_str()),
        (3, Some("policy-not-applicable"))
    );

    let skip = config_with(&policy(&format!(
        r#"{{"name":"none","registryScopes":["{SCOPE}"],"signatureVerification":{{"level":"skip"}}}}"#
    )));
    let skipped = verify(skip.path(), &layout, SCOPE, "v1", &json_output);
    let document = json(&skipped);
    assert_eq!(
        (code(&skipped), document["verdict"].as_str()),
        (4, Some("skipped"))
    );

    let broken = config_with("{");
    let malformed = verify(broken.path(), &layout, SCOPE, "v1", &json_output);
    let document = json(&malformed);
    assert_eq!(
        (code(&malformed), document["error"]["kind"].as_str()),
        (3, Some("trust-policy"))
    );
}

#[test]
fn an_image_without_signatures_is_unsigned_and_not_unknown() {
    let copy = tempfile::tempdir().expect("a temporary directory");
    copy_tree(&demo("layout"), copy.path());
    let index = copy.path().join("index.json");
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(&index).expect("an index")).expect("JSON");
    let manifests = document["manifests"].as_array_mut().expect("manifests");
    manifests.retain(|one| one["annotations"]["org.opencontainers.image.ref.name"] == "v1");
    assert_eq!(manifests.len(), 1);
    std::fs::write(&index, document.to_string()).expect("written");

    let output = verify(
        &demo("config"),
        copy.path(),
        SCOPE,
        "v1",
        &["--output", "json"],
    );
    assert_eq!(code(&output), 1);
    assert_eq!(json(&output)["status"], "unsigned");
}

#[test]
fn the_moment_of_verification_can_be_given_and_is_named() {
    let arguments = ["--at", "2019-01-01T00:00:00Z"];
    let output = verify(&demo("config"), &demo("layout"), SCOPE, "v1", &arguments);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1, "{shown}");
    assert!(
        shown.contains("2019-01-01T00:00:00Z, as asked for with --at"),
        "{shown}"
    );

    let arguments = ["--at", "2031-01-01T00:00:00Z", "--output", "json"];
    let output = verify(&demo("config"), &demo("layout"), SCOPE, "v1", &arguments);
    let document = json(&output);
    assert_eq!(code(&output), 0);
    assert_eq!(document["asOf"], "given");
    assert_eq!(document["verifiedAt"], "2031-01-01T00:00:00Z");
}

#[test]
fn a_tar_archive_gives_the_same_answer_also_on_standard_input() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let archive = directory.path().join("layout.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&archive).expect("a file"));
    builder.append_dir_all(".", demo("layout")).expect("packed");
    builder.finish().expect("packed");
    drop(builder);

    let output = verify(&demo("config"), &archive, SCOPE, "v1", &[]);
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));

    let mut child = command()
        .args([
            "verify",
            "--scope",
            SCOPE,
            "--oci-layout",
            "-",
            "v1",
            "--config",
        ])
        .arg(demo("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let bytes = std::fs::read(&archive).expect("the archive");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&bytes)
        .expect("written");
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
}

#[test]
fn an_envelope_on_disk_is_verified_against_a_descriptor() {
    let layout = demo("layout");
    let shown = run(&[
        "inspect".as_ref(),
        "--oci-layout".as_ref(),
        layout.as_os_str(),
        "v1".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
    ]);
    assert_eq!(code(&shown), 0, "{}", text(&shown.stderr));
    let document = inspected(&shown);
    let signature = &document["signatures"][0];
    let digest = signature["envelopeDigest"].as_str().expect("a digest");
    let envelope = layout.join("blobs").join(digest.replace(':', "/"));
    let payload = &signature["content"]["payload"];

    let directory = tempfile::tempdir().expect("a temporary directory");
    let descriptor = directory.path().join("descriptor.json");
    let verify_against = |target: &Value| {
        std::fs::write(&descriptor, target.to_string()).expect("written");
        run(&[
            "verify".as_ref(),
            "--config".as_ref(),
            demo("config").as_os_str(),
            "--envelope".as_ref(),
            envelope.as_os_str(),
            "--descriptor".as_ref(),
            descriptor.as_os_str(),
            "--scope".as_ref(),
            SCOPE.as_ref(),
            "--output".as_ref(),
            "json".as_ref(),
        ])
    };
    let good = verify_against(payload);
    assert_eq!(
        (code(&good), json(&good)["verdict"].as_str()),
        (0, Some("trusted"))
    );

    let mut other = payload.clone();
    other["size"] = Value::from(1);
    let bad = verify_against(&other);
    assert_eq!(
        (code(&bad), json(&bad)["verdict"].as_str()),
        (1, Some("rejected"))
    );

    let nothing = verify_against(&Value::from("text"));
    assert_eq!(code(&nothing), 2);
}

fn verify_blob(blob: &Path, more: &[&str]) -> Output {
    let signature = demo("blob/notes.txt.jws.sig");
    let config = demo("config");
    let mut arguments: Vec<&OsStr> = vec![
        "blob".as_ref(),
        "verify".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--config".as_ref(),
        config.as_ref(),
        "--signature".as_ref(),
        signature.as_ref(),
        blob.as_ref(),
    ];
    arguments.extend(more.iter().map(OsStr::new));
    run(&arguments)
}

#[test]
fn a_blob_is_verified_with_its_detached_signature() {
    let blob = demo("blob/notes.txt");
    let cases: [(&[&str], i32, &str); 6] = [
        (&[], 0, "trusted"),
        (
            &["--policy-name", "demo-blobs", "--media-type", "text/plain"],
            0,
            "trusted",
        ),
        (&["--media-type", "application/zip"], 1, "rejected"),
        (
            &["--user-metadata", "io.example.release=1.2.3"],
            0,
            "trusted",
        ),
        (&["--user-metadata", "io.example.release=9"], 1, "rejected"),
        (&["--policy-name", "no-such-statement"], 3, "error"),
    ];
    for (arguments, exit_code, verdict) in cases {
        let output = verify_blob(&blob, arguments);
        let document = json(&output);
        assert_eq!(
            (code(&output), document["verdict"].as_str()),
            (exit_code, Some(verdict)),
            "{arguments:?}: {document:#}"
        );
    }

    let directory = tempfile::tempdir().expect("a temporary directory");
    let changed = directory.path().join("notes.txt");
    std::fs::write(&changed, "release notes of somebody else\n").expect("written");
    let output = verify_blob(&changed, &[]);
    let document = json(&output);
    assert_eq!(code(&output), 1);
    let checks = document["signatures"][0]["checks"]
        .as_array()
        .expect("checks");
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| check["result"] == "failed")
        .filter_map(|check| check["check"].as_str())
        .collect();
    assert_eq!(failed, ["targetDescriptor"]);

    let missing = verify_blob(&directory.path().join("nothing"), &[]);
    assert_eq!(
        (code(&missing), json(&missing)["error"]["kind"].as_str()),
        (3, Some("io"))
    );
}

#[test]
fn metadata_of_an_image_can_be_required() {
    for (metadata, exit_code) in [
        ("io.example.build=42", 0),
        ("io.example.build=43", 1),
        ("x=", 1),
    ] {
        let arguments = ["--user-metadata", metadata];
        let output = verify(&demo("config"), &demo("layout"), SCOPE, "v1", &arguments);
        assert_eq!(
            code(&output),
            exit_code,
            "{metadata}: {}",
            text(&output.stdout)
        );
    }
}

#[test]
fn inspect_shows_certificates_and_attributes() {
    let layout = demo("layout");
    let output = run(&[
        "inspect",
        "--oci-layout",
        layout.to_str().expect("UTF-8"),
        "v1",
    ]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 0, "{shown}");
    for expected in [
        "SHA-256",
        "notary.x509",
        "signing time",
        "metadata",
        "issued by",
    ] {
        assert!(
            shown.contains(expected),
            "`{expected}` is missing in {shown}"
        );
    }
}

#[test]
fn inspect_has_one_json_shape_for_every_end() {
    let layout = demo("layout");
    let inspect = |source: &Path, reference: &str| {
        run(&[
            "inspect".as_ref(),
            "--output".as_ref(),
            "json".as_ref(),
            "--oci-layout".as_ref(),
            source.as_os_str(),
            reference.as_ref(),
        ])
    };
    let missing = inspect(&layout, "no-such-tag");
    let document = inspected(&missing);
    assert_eq!(
        (code(&missing), document["error"]["kind"].as_str()),
        (3, Some("artifact"))
    );

    let directory = tempfile::tempdir().expect("a temporary directory");
    let envelope = directory.path().join("broken.cose");
    std::fs::write(&envelope, b"not an envelope").expect("written");
    let broken = run(&[
        "inspect".as_ref(),
        "--output".as_ref(),
        "json".as_ref(),
        "--envelope".as_ref(),
        envelope.as_os_str(),
    ]);
    let document = inspected(&broken);
    assert_eq!(code(&broken), 1);
    assert_eq!(document["signatures"][0]["reason"], "envelope-malformed");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let cases: [&[&str]; 7] = [
        &[],
        &["verify"],
        &["verify", "--oci-layout", "x", "v1"],
        &["verify", "--oci-layout", "x", "--scope", "a/b"],
        &[
            "verify",
            "--oci-layout",
            "x",
            "--scope",
            "a/b",
            "v1",
            "--at",
            "yesterday",
        ],
        &[
            "verify",
            "--oci-layout",
            "x",
            "--scope",
            "a/b",
            "v1",
            "--max-signatures",
            "0",
        ],
        &[
            "verify",
            "--oci-layout",
            "x",
            "--scope",
            "a/b",
            "v1",
            "--user-metadata",
            "novalue",
        ],
    ];
    for arguments in cases {
        assert_eq!(code(&run(arguments)), 2, "{arguments:?}");
    }
}

#[test]
fn completions_and_man_page_come_from_the_same_definition() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0);
        assert!(text(&output.stdout).contains("oci-layout"), "{shell}");
    }
    let output = run(&["man"]);
    assert_eq!(code(&output), 0);
    assert!(text(&output.stdout).contains(".TH notation-verify"));
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
