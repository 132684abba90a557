//! Evidence bundles through the command: recorded from servers, repeated without
//! them.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at what it does not expect"
)]

#[path = "live/authority.rs"]
mod authority;
mod layouts;
#[path = "shared/random.rs"]
mod random;
#[path = "evidence/server.rs"]
mod server;
#[path = "shared/signing.rs"]
mod signing;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::Time;
use notation_verifier::oci::media_type::{NOTARY_SIGNATURE, OCI_MANIFEST};
use serde_json::{Value, json};

use authority::{Authority, SERIAL, there_is_openssl};
use server::{Server, reply};

const SCOPE: &str = "registry.example/app";

/// An image in a layout, the authority of its signer, and the server that answers
/// for the authority.
struct World {
    authority: Authority,
    server: Server,
    answers: Arc<Mutex<Option<Vec<u8>>>>,
    digest: String,
    now: Time,
}

impl World {
    fn new() -> Self {
        let answers = Arc::new(Mutex::new(None::<Vec<u8>>));
        let current = Arc::clone(&answers);
        let server = Server::start(move |_, stream| {
            let octets = match &*current.lock().unwrap() {
                Some(body) => reply("200 OK", &[], body),
                None => reply("503 Service Unavailable", &[], b""),
            };
            let _ = stream.write_all(&octets);
        });
        let authority = Authority::new(2048, Some(&server.url("/")), None);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Time::from_unix(i64::try_from(since.as_secs()).unwrap());
        let mut world = layouts::World::default();
        let target = world.manifest(&json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST}));
        world.tag(&target, "v1");
        let envelope = authority.sign(&target, now);
        fs::write(authority.path("signature.jws"), &envelope).unwrap();
        let described = json!({"mediaType": target.media_type, "digest": target.digest,
            "size": target.size});
        fs::write(authority.path("target.json"), described.to_string()).unwrap();
        let digest = world.blob(&envelope);
        let signature = world.manifest(&json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": NOTARY_SIGNATURE,
            "layers": [{"mediaType": "application/jose+json", "digest": digest,
                "size": envelope.len()}],
            "subject": described,
        }));
        world.list_descriptor(&signature);
        world.write(&authority.path("layout"));
        Self {
            digest: target.digest,
            authority,
            server,
            answers,
            now,
        }
    }

    fn set(&self, answer: Option<Vec<u8>>) {
        *self.answers.lock().unwrap() = answer;
    }

    fn path(&self, name: &str) -> String {
        self.authority.path(name).to_string_lossy().into_owned()
    }

    /// `verify`, with a policy of `level`: exit code, report, standard error.
    fn verify(&self, level: &str, arguments: &[&str]) -> (i32, Value, String) {
        let config = self.authority.configuration(level);
        let (code, stdout, stderr) = run(&config, &[&["--output", "json"], arguments].concat());
        let report = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        if report != Value::Null {
            let schema = include_str!("../docs/report.schema.json");
            let schema = serde_json::from_str(schema).unwrap();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let errors: Vec<_> = validator.iter_errors(&report).collect();
            assert!(errors.is_empty(), "{errors:?} in {report:#}");
        }
        (code, report, stderr)
    }

    /// Saves the evidence of a verification of the layout.
    fn save(&self, level: &str, reference: &str, file: &str) -> (i32, Value) {
        let (layout, file) = (self.path("layout"), self.path(file));
        let (code, report, stderr) = self.verify(
            level,
            &[
                "--oci-layout",
                &layout,
                "--allow-private-addresses",
                "--ocsp-timeout",
                "30",
                "--save-evidence",
                &file,
                reference,
            ],
        );
        assert_eq!(report["evidence"]["savedTo"], *file, "{report:#}{stderr}");
        (code, report)
    }
}

fn run(config: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_notation-verify"))
        .args(["verify", "--scope", SCOPE, "--config"])
        .arg(config)
        .args(arguments)
        .output()
        .unwrap();
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The same report, whatever it says about where evidence came from.
fn findings(report: &Value) -> String {
    json!([report["verdict"], report["artifact"], report["signatures"]])
        .to_string()
        .replace("as recorded: ", "")
}

#[test]
fn the_command_records_and_repeats() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    let bundle = world.path("evidence.tar");
    world.set(Some(world.authority.response(SERIAL)));
    let (code, before) = world.save("strict", &world.digest, "evidence.tar");
    assert_eq!(
        (code, &before["evidence"]["source"]),
        (0, &json!("network"))
    );
    let hits = world.server.hits();
    assert!(hits > 0);

    // As of now, while the answer holds.
    let again = ["--evidence", &bundle, &world.digest];
    let (code, after, _) = world.verify("strict", &again);
    assert_eq!(code, 0, "{after:#}");
    assert_eq!(
        (&after["asOf"], &after["evidence"]["source"]),
        (&json!("now"), &json!("bundle"))
    );
    assert_eq!(findings(&before), findings(&after));
    assert_eq!(after["evidence"]["recordedAsOf"], before["verifiedAt"]);
    // With the layout at hand, or envelope and descriptor, evidence alone is taken.
    let (code, report, _) = world.verify(
        "strict",
        &[
            "--evidence",
            &bundle,
            "--oci-layout",
            &world.path("layout"),
            "v1",
        ],
    );
    assert_eq!(code, 0, "{report:#}");
    let (code, report, _) = world.verify(
        "strict",
        &[
            "--evidence",
            &bundle,
            "--envelope",
            &world.path("signature.jws"),
            "--descriptor",
            &world.path("target.json"),
        ],
    );
    assert_eq!(code, 0, "{report:#}");

    // Two hours later, which the answer does not cover.
    let later = world.now.saturating_add_seconds(7200).to_string();
    let (code, report, _) = world.verify("strict", &[&again[..], &["--at", &later]].concat());
    assert_eq!((code, &report["asOf"]), (1, &json!("given")), "{report:#}");
    assert!(report.to_string().contains("expired"));
    let claimed = [&again[..], &["--evidence-time", "recorded"]].concat();
    let (code, report, _) = world.verify("strict", &claimed);
    assert_eq!(
        (code, &report["asOf"]),
        (5, &json!("claimed")),
        "{report:#}"
    );
    assert_eq!(report["verifiedAt"], before["verifiedAt"]);
    let config = world.authority.configuration("strict");
    let (code, text, _) = run(&config, &claimed);
    assert_eq!(code, 5);
    let moment = before["verifiedAt"].as_str().unwrap();
    let head = format!("TRUSTED AS OF {moment}, IF THE EVIDENCE BUNDLE TELLS THE TRUTH");
    assert!(text.starts_with(&head), "{text}");
    assert!(text.contains("as the evidence bundle claims, not now; nothing proves it"));
    assert!(text.contains("nothing was fetched"));
    assert_eq!(world.server.hits(), hits);
}

#[test]
fn rejections_stay_rejections() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    let bundle = world.path("evidence.tar");
    let again = ["--evidence", &bundle, &world.digest];
    let recorded = [&again[..], &["--evidence-time", "recorded"]].concat();
    // Revoked.
    world.authority.set("R,keyCompromise", "V");
    world.set(Some(world.authority.response(SERIAL)));
    let (code, before) = world.save("strict", &world.digest, "evidence.tar");
    assert_eq!(code, 1);
    for arguments in [&again[..], &recorded] {
        let (code, after, _) = world.verify("strict", arguments);
        assert_eq!(code, 1, "{after:#}");
        assert!(after.to_string().contains("keyCompromise"));
    }
    // What was only logged then is still said.
    let (code, after, _) = world.verify("audit", &again);
    assert_eq!(code, 0);
    assert!(after.to_string().contains("keyCompromise"), "{before:#}");
    // Nothing to be had.
    world.set(None);
    let (code, _) = world.save("strict", &world.digest, "evidence.tar");
    assert_eq!(code, 1);
    let (code, after, _) = world.verify("strict", &again);
    assert_eq!(code, 1);
    assert!(
        after
            .to_string()
            .contains("as recorded: the server answered with the status 503")
    );
}

#[test]
fn what_does_not_make_sense_is_refused() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    world.set(Some(world.authority.response(SERIAL)));
    let (code, _) = world.save("strict", "v1", "tagged.tar");
    assert_eq!(code, 0);
    let bundle = world.path("tagged.tar");
    // A tag is the registry's to tell; its digest is not.
    let (code, report, _) = world.verify("strict", &["--evidence", &bundle, "v1"]);
    assert_eq!(code, 2, "{report:#}");
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains(&world.digest), "{message}");
    let by_digest = ["--evidence", &bundle, &world.digest];
    assert_eq!(world.verify("strict", &by_digest).0, 0);
    let claimed = ["--evidence", &bundle, "v1", "--evidence-time", "recorded"];
    assert_eq!(world.verify("strict", &claimed).0, 5);
    for arguments in [
        &[
            "--evidence",
            &bundle,
            &world.digest,
            "--revocation-mode",
            "online",
        ][..],
        &["--evidence", &bundle, &world.digest, "--save-evidence", "x"],
        &[
            "--evidence",
            &bundle,
            "v1",
            "--evidence-time",
            "recorded",
            "--at",
            "2026-01-01T00:00:00Z",
        ],
        &["--evidence-time", "recorded", "--oci-layout", "x", "v1"],
        &["--evidence", &bundle],
        &["v1"],
    ] {
        assert_eq!(world.verify("strict", arguments).0, 2, "{arguments:?}");
    }
    // No bundle, or a broken one, is no verdict.
    let layout = world.path("layout");
    for file in ["missing.tar", "broken.tar"] {
        let path = world.path(file);
        if file == "broken.tar" {
            let whole = fs::read(&bundle).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        }
        let (code, report, _) = world.verify("strict", &["--evidence", &path, &world.digest]);
        assert_eq!(
            (code, &report["verdict"]),
            (3, &json!("error")),
            "{report:#}"
        );
    }
    let (code, report, _) = world.verify("strict", &["--evidence", &layout, &world.digest]);
    assert_eq!(code, 3, "{report:#}");
    assert!(report.to_string().contains("no evidence was recorded"));
    // A place that cannot be written to is known before the work.
    let hits = world.server.hits();
    let nowhere = PathBuf::from(world.path("missing")).join("evidence.tar");
    let (code, report, _) = world.verify(
        "strict",
        &[
            "--oci-layout",
            &layout,
            "v1",
            "--save-evidence",
            &nowhere.to_string_lossy(),
        ],
    );
    assert_eq!(code, 3, "{report:#}");
    assert_eq!(world.server.hits(), hits);
}

#[test]
fn blobs_have_bundles_too() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    world.set(Some(world.authority.response(SERIAL)));
    let blob = world.authority.path("blob");
    fs::write(&blob, b"a blob").unwrap();
    let provider = notation_verifier::Provider::preferred();
    let hash = provider.hash(notation_verifier::crypto::HashAlgorithm::Sha256, b"a blob");
    let target = notation_verifier::wire::Descriptor {
        media_type: "application/octet-stream".to_owned(),
        digest: format!("sha256:{}", hash.to_hex()),
        size: 6,
        ..Default::default()
    };
    let signature = world.authority.path("blob.jws");
    fs::write(&signature, world.authority.sign(&target, world.now)).unwrap();
    let bundle = world.path("evidence.tar");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_notation-verify"))
            .args(["blob", "verify", "--config"])
            .arg(world.authority.configuration("strict"))
            .arg("--signature")
            .arg(&signature)
            .args(arguments)
            .arg(&blob)
            .output()
            .unwrap()
            .status
            .code()
            .unwrap()
    };
    let saving = [
        "--allow-private-addresses",
        "--ocsp-timeout",
        "30",
        "--save-evidence",
        &bundle,
    ];
    assert_eq!(run(&saving), 0);
    world.set(None);
    let hits = world.server.hits();
    assert_eq!(run(&["--evidence", &bundle]), 0);
    assert_eq!(
        run(&["--evidence", &bundle, "--evidence-time", "recorded"]),
        5
    );
    let later = world.now.saturating_add_seconds(7200).to_string();
    assert_eq!(run(&["--evidence", &bundle, "--at", &later]), 1);
    assert_eq!(world.server.hits(), hits);
}
