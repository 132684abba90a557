//! A server as a child process that ends with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// A busy machine may take long to start a process; a broken one shall not hang
/// the test.
const READY: Duration = Duration::from_secs(60);

pub struct Process {
    name: String,
    child: Child,
    /// Servers of ours end when this closes, also where no destructor runs.
    _input: Option<ChildStdin>,
    log: PathBuf,
    /// Host and port.
    pub address: String,
}

impl Process {
    /// Starts a server and waits until it says where it listens.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::create(log).unwrap();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let input = child.stdin.take();
        let mut process = Self {
            name: name.to_owned(),
            child,
            _input: input,
            log: log.to_owned(),
            address: String::new(),
        };
        process.address = process.wait();
        process
    }

    fn wait(&mut self) -> String {
        let start = Instant::now();
        loop {
            if let Some(address) = listening(&self.log()) {
                return address;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended, {status}:\n{}", self.name, self.log());
            }
            assert!(
                start.elapsed() < READY,
                "{} is not ready:\n{}",
                self.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            println!("--- {}:", self.name);
            for line in &lines[lines.len().saturating_sub(8)..] {
                println!("{}", line.chars().take(300).collect::<String>());
            }
        }
    }
}

/// What every server here writes: `listening on 127.0.0.1:40000`.
fn listening(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')?;
    Some(rest[..end].to_owned())
}
