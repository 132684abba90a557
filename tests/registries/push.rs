//! Pushes images, and signatures of every form, with `registries push`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::programs::Programs;
use super::{Access, Registry};

pub struct Pusher {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pusher {
    pub fn start(programs: &Programs, registry: &Registry) -> Self {
        let mut command = programs.registries();
        command.args(["push", "-registry", &registry.address]);
        if registry.security.tls {
            command.arg("-ca").arg(registry.ca());
        }
        if registry.security.access != Access::Anyone {
            command.arg("-account");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// The digests of what was pushed.
    pub fn order(&mut self, order: &Value) -> Vec<String> {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(
            answer["failure"].is_null(),
            "{order}: {}",
            answer["failure"]
        );
        let digests = answer["digests"].as_array().unwrap();
        digests
            .iter()
            .map(|digest| digest.as_str().unwrap().to_owned())
            .collect()
    }

    /// An image with the tag `v1` that is like no other in the repository.
    pub fn image(&mut self, repository: &str) -> String {
        self.one(&json!({
            "op": "image", "repository": repository, "tag": "v1", "text": repository,
        }))
    }

    pub fn one(&mut self, order: &Value) -> String {
        self.order(order).remove(0)
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A body from a server without faults.
pub fn get(address: &str, path: &str) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    answer.split_off(end + 4)
}
