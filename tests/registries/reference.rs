//! The reference command (notation v1.3.2).

use std::process::{Command, Output};

use serde_json::Value;

use super::programs::Programs;
use super::{Access, PASSWORD, Registry, USERNAME};

pub struct Reference<'a> {
    programs: &'a Programs,
    registry: &'a Registry,
    scratch: tempfile::TempDir,
}

impl<'a> Reference<'a> {
    pub fn new(programs: &'a Programs, registry: &'a Registry) -> Self {
        Self {
            programs,
            registry,
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = self.programs.notation();
        command
            .arg(verb)
            .env("XDG_CONFIG_HOME", &self.programs.configuration)
            .env("XDG_CACHE_HOME", self.scratch.path())
            .env("HOME", self.scratch.path())
            .env("DOCKER_CONFIG", self.scratch.path())
            .env("SSL_CERT_FILE", self.registry.ca());
        if !self.registry.security.tls {
            command.arg("--insecure-registry");
        }
        if self.registry.security.access != Access::Anyone {
            command
                .env("NOTATION_USERNAME", USERNAME)
                .env("NOTATION_PASSWORD", PASSWORD);
        }
        command
    }

    /// Signs with a key of `registries notation`; `format` is `cose` or `jws`.
    pub fn sign(&self, reference: &str, key: &str, format: &str, more: &[&str]) {
        let output = self
            .command("sign")
            .args(["--key", key, "--signature-format", format])
            .arg("--force-referrers-tag=false")
            .args(more)
            .arg(reference)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "signing {reference}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Whether it verifies, and what it says.
    pub fn verify(&self, reference: &str, more: &[&str]) -> (bool, String) {
        let output = self
            .command("verify")
            .args(more)
            .arg(reference)
            .output()
            .unwrap();
        (output.status.success(), words(&output))
    }

    /// The digests that it lists, sorted; `Err` is what it says.
    pub fn list(&self, reference: &str) -> Result<Vec<String>, String> {
        let output = self.command("ls").arg(reference).output().unwrap();
        if !output.status.success() {
            return Err(words(&output));
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let mut digests: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with(' '))
            .filter_map(|line| line.split_whitespace().last())
            .map(str::to_owned)
            .collect();
        digests.sort();
        Ok(digests)
    }

    /// Its JSON, also where it skipped a signature and then failed.
    pub fn inspect(&self, reference: &str) -> Option<Value> {
        let output = self
            .command("inspect")
            .args(["--output", "json"])
            .arg(reference)
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
