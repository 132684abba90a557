//! Answers in a directory that processes share.
//!
//! One file for each request, named by the hash of the request and written
//! beside its place before it is renamed there, so that a reader sees all of it
//! or nothing. What a file claims of itself is checked, and its content is
//! judged like any other evidence: signed by the right authority and current.
//! Whatever is wrong with the directory or a file in it, it is as if nothing was
//! kept, and a warning says so.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::freshness::is_young;
use super::key::Key;
use super::options::DirectoryOptions;
use crate::crypto::{HashAlgorithm, Provider};
use crate::error::quote;
use crate::time::Time;

/// The first line of every file, with the version of the format.
const MAGIC: &str = "notation-verifier evidence 1";
/// The ending of names of files that are in use.
const ENDING: &str = ".evidence";
/// The start of names of files that are being written.
const UNFINISHED: &str = ".unfinished-";
/// A file that is still unfinished after this belongs to a process that died.
const UNFINISHED_FOR: Duration = Duration::from_secs(60 * 60);
/// Octets before the content: the address is the longest line, and certificates
/// bound it.
const MAX_HEADER: u64 = 128 * 1024;
/// Names looked at when old files are removed; more are left for the next time.
const MAX_LISTED: usize = 100_000;

/// An answer from the directory.
#[derive(Debug)]
pub struct Stored {
    pub content: Vec<u8>,
    pub fetched: Time,
}

/// A cache directory.
#[derive(Debug)]
pub struct Directory {
    options: DirectoryOptions,
    provider: Provider,
}

impl Directory {
    pub const fn new(options: DirectoryOptions, provider: Provider) -> Self {
        Self { options, provider }
    }

    /// What is kept for `key`, of at most `max_bytes` octets and young enough.
    ///
    /// # Errors
    /// What is wrong with the directory or the file, for a person. It means the
    /// same as `None`.
    pub fn load(&self, key: &Key, max_bytes: usize) -> Result<Option<Stored>, String> {
        let path = self.path_of(key);
        let bytes = match read(&path, max_bytes) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.warning("cannot be read", &path, &error)),
        };
        let stored = self
            .parse(key, bytes)
            .map_err(|why| self.warning("is not used", &path, &why))?;
        Ok(is_young(stored.fetched, self.options.max_age).then_some(stored))
    }

    /// Keeps `content`, fetched at `fetched`, for `key`.
    ///
    /// # Errors
    /// Why it could not be kept, for a person.
    pub fn store(&self, key: &Key, content: &[u8], fetched: Time) -> Result<(), String> {
        let path = self.path_of(key);
        self.write(key, content, fetched, &path)
            .map_err(|error| self.warning("cannot be written", &path, &error))?;
        self.prune(&path)
            .map_err(|error| self.warning("cannot be tidied", &self.options.path, &error))
    }

    fn warning(&self, what: &str, path: &Path, why: &dyn std::fmt::Display) -> String {
        let name = path.file_name().unwrap_or_else(|| OsStr::new(""));
        let name = name.to_string_lossy();
        format!(
            "evidence cache {}: {} {what}: {why}",
            quote(&self.options.path.to_string_lossy()),
            quote(&name)
        )
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        let mut hasher = self.provider.hasher(HashAlgorithm::Sha256);
        for part in [key.kind().as_bytes(), key.url().as_bytes()] {
            hasher.update(part);
            // In no kind, and in no address that is asked.
            hasher.update(b"\n");
        }
        hasher.update(key.request());
        let name = format!("{}{ENDING}", hasher.finish().to_hex());
        self.options.path.join(name)
    }

    /// The header of a file, up to the content.
    fn header(&self, key: &Key, content: &[u8], fetched: Time) -> String {
        let digest = |bytes| self.provider.hash(HashAlgorithm::Sha256, bytes).to_hex();
        format!(
            "{MAGIC}\nkind: {}\nurl: {}\nrequest-sha256: {}\nfetched: {fetched}\nlength: {}\n\
             sha256: {}\n\n",
            key.kind(),
            key.url(),
            digest(key.request()),
            content.len(),
            digest(content)
        )
    }

    /// Reads a file. Its header must be the one that would be written for this
    /// key, content and time, so there is nothing to be lax about.
    fn parse(&self, key: &Key, mut bytes: Vec<u8>) -> Result<Stored, String> {
        let foreign = || "it is not a file of this cache".to_owned();
        let end = bytes
            .windows(2)
            .take(usize::try_from(MAX_HEADER).unwrap_or(usize::MAX))
            .position(|pair| pair == b"\n\n")
            .ok_or_else(foreign)?;
        let content = bytes.split_off(end + 2);
        let header = String::from_utf8(bytes).map_err(|_| foreign())?;
        if header.lines().next() != Some(MAGIC) {
            return Err(foreign());
        }
        let fetched = header
            .lines()
            .find_map(|line| line.strip_prefix("fetched: "))
            .and_then(Time::parse_rfc3339)
            .ok_or("its header is damaged")?;
        if header != self.header(key, &content, fetched) {
            return Err("it is damaged, or belongs to another request".to_owned());
        }
        Ok(Stored { content, fetched })
    }

    fn write(&self, key: &Key, content: &[u8], fetched: Time, path: &Path) -> io::Result<()> {
        let folder = &self.options.path;
        let mut file = match unfinished(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not its parents: they are missing where a volume is not mounted.
                match fs::create_dir(folder) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => unfinished(folder)?,
                }
            }
            other => other?,
        };
        file.write_all(self.header(key, content, fetched).as_bytes())?;
        file.write_all(content)?;
        // Without it a crash could leave the name with empty content; that would
        // be noticed, and is cheap to avoid.
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the oldest files where there are too many, but not `newest`.
    fn prune(&self, newest: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        let now = SystemTime::now();
        for entry in fs::read_dir(&self.options.path)?.take(MAX_LISTED) {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Another process may have removed it by now.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            let modified = metadata.modified().unwrap_or(now);
            if name.starts_with(UNFINISHED) {
                let age = now.duration_since(modified).unwrap_or_default();
                if age > UNFINISHED_FOR {
                    remove(&entry.path())?;
                }
            } else if name.ends_with(ENDING) {
                files.push((modified, metadata.len(), entry.path()));
            }
        }
        files.sort_unstable();
        let mut count = files.len();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if count <= self.options.entries && bytes <= self.options.bytes {
                break;
            }
            if path != newest {
                remove(&path)?;
                count -= 1;
                bytes = bytes.saturating_sub(length);
            }
        }
        Ok(())
    }
}

/// A new file beside the finished ones, so that renaming it never leaves the
/// file system. It removes itself where it is not renamed.
fn unfinished(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // Evidence is public; other users' processes may share the directory.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder)
}

/// Removes a file that another process may have removed already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A regular file with content of at most `max_bytes` octets.
fn read(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for a writer.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let most = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(MAX_HEADER);
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(io::Error::other(format!(
            "it has more than the allowed {max_bytes} octets"
        )));
    }
    Ok(bytes)
}
