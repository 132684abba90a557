//! The reference implementation as a child process: one request, one answer.
#![allow(dead_code, reason = "tests and benches use different parts of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::{Value, json};

/// Builds the Go program, or `None` where there is no Go. `REQUIRE_INTEROP=1`
/// makes that a failure.
pub(crate) fn build(folder: &Path) -> Option<PathBuf> {
    let required = std::env::var("REQUIRE_INTEROP").is_ok_and(|value| value == "1");
    let go = Command::new("go").arg("version").output();
    if !go.is_ok_and(|output| output.status.success()) {
        assert!(!required, "`go` is not there and REQUIRE_INTEROP=1");
        println!("SKIPPED: `go` is not there, nothing is compared with the reference");
        return None;
    }
    let program = folder.join("interop-reference");
    let status = Command::new("go")
        .args(["build", "-mod=mod", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop"))
        .status()
        .unwrap();
    assert!(status.success(), "the Go program does not build");
    Some(program)
}

/// The folders of `count` fresh cases below `folder`, sorted; they are made
/// where there are none yet.
pub(crate) fn sign(program: &Path, folder: &Path, count: usize) -> Vec<PathBuf> {
    if !folder.join("cases").is_dir() {
        let status = Command::new(program)
            .arg("sign")
            .arg(folder)
            .arg(count.to_string())
            .status()
            .unwrap();
        assert!(status.success(), "the reference did not sign");
    }
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder.join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), count);
    cases
}

/// What the reference said about an envelope.
#[derive(Debug)]
pub(crate) enum Verdict {
    Accepts,
    Rejects(String),
    /// It panicked, hung, or the process ended.
    Crashes(String),
}

/// One verification, timed in the reference's process.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) nanos: f64,
    pub(crate) allocations: f64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    overall: String,
    error: String,
    crash: String,
    signature: Option<String>,
    parse_error: String,
    nanos: f64,
    allocs: f64,
    failure: String,
}

/// The running program.
pub(crate) struct Server {
    program: PathBuf,
    process: Running,
}

struct Running {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Running {
    fn start(program: &Path) -> Self {
        let mut child = Command::new(program)
            .arg("server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            requests,
            answers,
        }
    }
}

impl Server {
    pub(crate) fn start(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            process: Running::start(program),
        }
    }

    /// Asks about `envelope` in the world of `case`; `meanwhile` runs while the
    /// reference is at work.
    pub(crate) fn verify<T>(
        &mut self,
        case: &Path,
        media_type: &str,
        envelope: &[u8],
        meanwhile: impl FnOnce() -> T,
    ) -> (Verdict, T) {
        let sent = self.send(&json!({
            "op": "verify",
            "case": case,
            "media_type": media_type,
            "envelope": Base64::encode_string(envelope),
        }));
        let ours = meanwhile();
        let answer = sent.and_then(|()| self.receive());
        let verdict = match answer {
            None => {
                self.process = Running::start(&self.program);
                Verdict::Crashes("the process ended".to_owned())
            }
            Some(answer) => {
                assert_eq!(answer.failure, "", "the reference was asked wrongly");
                match (answer.crash.is_empty(), answer.overall.as_str()) {
                    (false, _) => Verdict::Crashes(answer.crash),
                    (true, "pass") => Verdict::Accepts,
                    (true, _) => Verdict::Rejects(answer.error),
                }
            }
        };
        (verdict, ours)
    }

    /// Signs as an envelope is signed, with the leaf's key of `case`.
    pub(crate) fn sign(&mut self, case: &Path, message: &[u8]) -> Vec<u8> {
        self.signed("sign", case, 0, message)
    }

    /// Makes a certificate of `tbs` with the key of the certificate at `key`.
    pub(crate) fn sign_certificate(&mut self, case: &Path, key: usize, tbs: &[u8]) -> Vec<u8> {
        self.signed("sign-certificate", case, key, tbs)
    }

    /// What Go's parser says against a certificate; empty where it is content.
    pub(crate) fn parse_certificate(&mut self, der: &[u8]) -> String {
        let request = json!({
            "op": "parse-certificate",
            "message": Base64::encode_string(der),
        });
        let answer = self.send(&request).and_then(|()| self.receive()).unwrap();
        answer.parse_error
    }

    /// Times `iterations` verifications with files for a trust store, as the
    /// reference has it.
    pub(crate) fn bench(
        &mut self,
        case: &Path,
        media_type: &str,
        envelope: &[u8],
        iterations: u32,
    ) -> Measured {
        let request = json!({
            "op": "bench",
            "case": case,
            "media_type": media_type,
            "envelope": Base64::encode_string(envelope),
            "iterations": iterations,
        });
        let answer = self.send(&request).and_then(|()| self.receive()).unwrap();
        assert_eq!(answer.failure, "", "bench");
        Measured {
            nanos: answer.nanos,
            allocations: answer.allocs,
        }
    }

    fn signed(&mut self, op: &str, case: &Path, key: usize, message: &[u8]) -> Vec<u8> {
        let request = json!({
            "op": op,
            "case": case,
            "key": key,
            "message": Base64::encode_string(message),
        });
        let answer = self.send(&request).and_then(|()| self.receive()).unwrap();
        assert_eq!(answer.failure, "", "{op}");
        Base64::decode_vec(&answer.signature.unwrap()).unwrap()
    }

    fn send(&mut self, request: &Value) -> Option<()> {
        let mut line = request.to_string();
        line.push('\n');
        self.process.requests.write_all(line.as_bytes()).ok()
    }

    fn receive(&mut self) -> Option<Answer> {
        let mut line = String::new();
        match self.process.answers.read_line(&mut line) {
            Ok(length) if length > 0 => Some(serde_json::from_str(&line).unwrap()),
            _ => None,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
