//! What `docker login` left: its file, and the helpers that the file names.

use std::io::{ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::credentials::Credentials;
use crate::error::quote;
use crate::io::run::{Run, SLICE};
use crate::registry::docker_config::{
    Credential, DockerConfig, MAX_BYTES, MAX_HELPER_BYTES, Stored, parse_helper_reply,
};

/// How long a helper may take: one may ask a person to unlock a key store.
const HELPER_TIMEOUT: Duration = Duration::from_secs(60);
/// What helpers print where they have nothing for a server.
const NOT_FOUND: &str = "credentials not found";

/// What `docker login` left: the file `config.json` in `DOCKER_CONFIG`, else in
/// `.docker` below the home directory, and the programs `docker-credential-NAME`
/// that it names (`credHelpers`, `credsStore`). A file that does not exist has no
/// credentials; one that cannot be read is an error.
#[derive(Clone, Debug, Default)]
pub struct DockerLogin {
    /// The directory of the file; `None` is the usual one.
    pub directory: Option<PathBuf>,
}

impl Credentials for DockerLogin {
    fn find(&self, registry: &str) -> Result<Option<Credential>, String> {
        self.find_in(registry, &Run::default())
    }

    fn find_in(&self, registry: &str, run: &Run) -> Result<Option<Credential>, String> {
        let Some(directory) = self.directory.clone().or_else(usual_directory) else {
            return Ok(None);
        };
        let path = directory.join("config.json");
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let named = |why: String| format!("`{}`: {why}", path.display());
        let config = DockerConfig::parse(&bytes).map_err(named)?;
        match config.find(registry).map_err(named)? {
            Stored::Nowhere => Ok(None),
            Stored::Here(credential) => Ok(Some(credential)),
            Stored::Helper {
                name,
                server,
                otherwise,
            } => Ok(ask_helper(&name, &server, HELPER_TIMEOUT, run)?.or(otherwise)),
        }
    }
}

fn usual_directory() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = variable("DOCKER_CONFIG") {
        return Some(directory.into());
    }
    let home = variable("HOME").or_else(|| variable("USERPROFILE"))?;
    Some(PathBuf::from(home).join(".docker"))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let named = |error: std::io::Error| format!("`{}`: {error}", path.display());
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(named(error)),
    };
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // One more than allowed, for the parser to see.
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(named)?;
    Ok(Some(bytes))
}

/// Asks `docker-credential-NAME get` for `server` (the protocol of
/// docker-credential-helpers). What it writes for people is not passed on, because
/// nobody knows what is in it.
fn ask_helper(
    name: &str,
    server: &str,
    timeout: Duration,
    run: &Run,
) -> Result<Option<Credential>, String> {
    let program = format!("docker-credential-{name}");
    let named = |why: String| format!("the credential helper `{program}`: {why}");
    let started = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Running(started.map_err(|error| named(error.to_string()))?);
    if let Some(mut input) = child.0.stdin.take() {
        // One that does not read its input may answer all the same.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.0.stdout.take();
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .spawn(move || {
            let mut bytes = Vec::new();
            let most = u64::try_from(MAX_HELPER_BYTES).unwrap_or(u64::MAX);
            if let Some(output) = output {
                // What cannot be read is no credential, which the parser sees.
                let _ = output.take(most.saturating_add(1)).read_to_end(&mut bytes);
            }
            let _ = sender.send(bytes);
        })
        .map_err(|error| named(error.to_string()))?;
    let start = Instant::now();
    let late = || named(format!("time-out after {} s", timeout.as_secs_f64()));
    let bytes = loop {
        run.check().map_err(|why| why.to_string())?;
        if start.elapsed() >= timeout {
            return Err(late());
        }
        match receiver.recv_timeout(SLICE) {
            Ok(bytes) => break bytes,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break Vec::new(),
        }
    };
    if bytes.len() > MAX_HELPER_BYTES {
        return parse_helper_reply(&bytes).map_err(named);
    }
    let status = loop {
        if let Some(status) = child
            .0
            .try_wait()
            .map_err(|error| named(error.to_string()))?
        {
            break status;
        }
        run.sleep(Duration::from_millis(2))
            .map_err(|why| why.to_string())?;
        if start.elapsed() >= timeout {
            return Err(late());
        }
    };
    if status.success() {
        return parse_helper_reply(&bytes).map_err(named);
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.contains(NOT_FOUND) {
        return Ok(None);
    }
    Err(named(format!("it failed for {} ({status})", quote(server))))
}

/// A process that does not outlive who waits for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
