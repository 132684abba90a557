//! This verifier, as the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::programs::Programs;
use super::{Access, PASSWORD, Registry, USERNAME};

/// `notation-verify` with the configuration of the reference command.
pub struct Ours<'a> {
    program: PathBuf,
    configuration: PathBuf,
    registry: &'a Registry,
    /// How the registry is reached.
    pub connection: Vec<String>,
    scratch: tempfile::TempDir,
}

impl<'a> Ours<'a> {
    pub fn new(program: &Path, programs: &Programs, registry: &'a Registry) -> Self {
        let mut connection = Vec::new();
        if registry.security.tls {
            let ca = registry.ca().display().to_string();
            connection.extend(["--https".to_owned(), "--ca-file".to_owned(), ca]);
        }
        if let Some(realm) = registry.token_address() {
            connection.extend(["--allow-realm".to_owned(), realm.to_owned()]);
        }
        Self {
            connection,
            program: program.to_owned(),
            configuration: programs.configuration.join("notation"),
            registry,
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(&self.program);
        command
            .args([verb, "--output", "json", "--timeout", "120"])
            .args(&self.connection)
            .args(arguments)
            .env("HOME", self.scratch.path())
            .env("DOCKER_CONFIG", self.scratch.path())
            .env_remove("NOTATION_USERNAME")
            .env_remove("NOTATION_PASSWORD");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        if self.registry.security.access != Access::Anyone {
            command
                .env("NOTATION_USERNAME", USERNAME)
                .env("NOTATION_PASSWORD", PASSWORD);
        }
        let output = command.output().unwrap();
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{verb} {arguments:?}: {error}: {}", words(&output)));
        (output.status.code().unwrap(), document)
    }

    /// Exit code and report.
    pub fn verify(&self, reference: &str) -> (i32, Value) {
        let configuration = self.configuration.display().to_string();
        self.run("verify", &["--config", &configuration, reference])
    }

    /// Exit code and the digests of the signatures, sorted.
    pub fn list(&self, reference: &str) -> (i32, Vec<String>) {
        let (code, document) = self.run("list", &[reference]);
        let mut digests: Vec<String> = document["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|signature| signature["manifestDigest"].as_str().unwrap().to_owned())
            .collect();
        digests.sort();
        (code, digests)
    }

    /// Exit code and the document.
    pub fn inspect(&self, reference: &str) -> (i32, Value) {
        self.run("inspect", &[reference])
    }
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What both show of a signature whose integrity is good, where `theirs` has it;
/// the number of signatures that were compared.
pub fn same_content(name: &str, ours: &Value, theirs: &Value) -> usize {
    let mut compared = 0;
    for their in theirs["Signatures"].as_array().unwrap() {
        let digest = &their["digest"];
        let signatures = ours["signatures"].as_array().unwrap();
        let our = signatures
            .iter()
            .find(|our| our["manifestDigest"] == *digest)
            .unwrap_or_else(|| panic!("{name}: {digest} is not shown"));
        let content = &our["content"];
        if content.is_null() {
            // The reference shows what it did not verify.
            assert_eq!(our["integrity"], false, "{name}: {our}");
            continue;
        }
        compared += 1;
        assert_eq!(our["mediaType"], their["mediaType"], "{name}");
        assert_eq!(
            algorithm(content["algorithm"].as_str().unwrap()),
            their["signatureAlgorithm"],
            "{name}"
        );
        let attributes = &their["signedAttributes"];
        assert_eq!(content["signingScheme"], attributes["signingScheme"]);
        for (our, their) in [("signingTime", "signingTime"), ("expiry", "expiry")] {
            assert_eq!(
                seconds(&content[our]),
                seconds(&attributes[their]),
                "{name}: {content} {their}"
            );
        }
        assert_eq!(
            content["signingAgent"],
            their["unsignedAttributes"]["signingAgent"]
        );
        let target = &their["signedArtifact"];
        for member in ["mediaType", "digest", "size"] {
            assert_eq!(content["payload"][member], target[member], "{name}");
        }
        let annotations = &content["payload"]["annotations"];
        match &their["userDefinedAttributes"] {
            Value::Null => assert!(annotations.as_object().is_none_or(|all| all.is_empty())),
            theirs => assert_eq!(annotations, theirs, "{name}"),
        }
        let thumbprints = |certificates: &Value, member: &str| -> Vec<String> {
            let certificates = certificates.as_array().unwrap().iter();
            certificates
                .map(|one| one[member].as_str().unwrap().to_lowercase())
                .collect()
        };
        assert_eq!(
            thumbprints(&content["certificates"], "sha256"),
            thumbprints(&their["certificates"], "SHA256Fingerprint"),
            "{name}"
        );
    }
    compared
}

/// The name that the reference prints for an algorithm.
fn algorithm(ours: &str) -> &'static str {
    match ours {
        "ES256" => "ECDSA-SHA-256",
        "ES384" => "ECDSA-SHA-384",
        "PS256" => "RSASSA-PSS-SHA-256",
        other => panic!("no key of the tests makes {other}"),
    }
}

/// A moment without its fraction; both write RFC 3339, in UTC or in local time.
fn seconds(time: &Value) -> Option<notation_verifier::Time> {
    let time = notation_verifier::Time::parse_rfc3339(time.as_str()?).unwrap();
    Some(time)
}
