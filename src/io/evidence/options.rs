//! What an [`EvidenceFetcher`](super::EvidenceFetcher) may do, and within which
//! bounds.

use std::path::PathBuf;
use std::time::Duration;

use super::egress::EgressRules;
use super::preloaded::Preloaded;
use crate::time::Time;

/// Where evidence may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Preloaded evidence, caches, and the network for the rest.
    #[default]
    Online,
    /// Preloaded evidence and caches.
    CacheOnly,
    /// Preloaded evidence alone.
    Offline,
}

impl Mode {
    /// `online`, `cache-only` or `offline`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::CacheOnly => "cache-only",
            Self::Offline => "offline",
        }
    }
}

/// How evidence is fetched and kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchOptions {
    /// Where evidence may come from.
    pub mode: Mode,
    /// For one OCSP answer, redirects included. Default: 2 seconds
    /// (trust-store-trust-policy, "OCSP": "wait for a default threshold of 2
    /// seconds").
    pub ocsp_timeout: Duration,
    /// For one CRL, redirects included. Default: 5 seconds
    /// (trust-store-trust-policy, "CRLs": "the default threshold of 5 seconds").
    pub crl_timeout: Duration,
    /// Redirects followed for one answer. Default: 5.
    pub max_redirects: usize,
    /// Which hosts may be asked. Default: all that have a public address.
    pub egress: EgressRules,
    /// What is kept in memory.
    pub memory: MemoryBounds,
    /// A directory that processes share; `None` (default) is no directory.
    pub directory: Option<DirectoryOptions>,
    /// Evidence that is at hand already.
    pub preloaded: Preloaded,
    /// The moment of verification, where it is not now: evidence that has
    /// expired by then is fetched again.
    pub moment: Option<Time>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Online,
            ocsp_timeout: Duration::from_secs(2),
            crl_timeout: Duration::from_secs(5),
            max_redirects: 5,
            egress: EgressRules::default(),
            memory: MemoryBounds::default(),
            directory: None,
            preloaded: Preloaded::default(),
            moment: None,
        }
    }
}

/// What is kept in memory, for all verifications of a process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryBounds {
    /// Answers and failures. Default: 4,096.
    pub entries: usize,
    /// Octets of answers. Default: 128 MiB, four of the largest CRLs.
    pub bytes: usize,
    /// The longest that an answer is kept, whatever its `nextUpdate` says.
    /// Default: 24 hours.
    pub max_age: Duration,
    /// How long an address that failed is left alone, so that many images do not
    /// wait for the same silent server. Default: 30 seconds.
    pub failures_for: Duration,
}

impl Default for MemoryBounds {
    fn default() -> Self {
        Self {
            entries: 4_096,
            bytes: 128 * 1024 * 1024,
            max_age: Duration::from_secs(24 * 60 * 60),
            failures_for: Duration::from_secs(30),
        }
    }
}

/// A cache directory that processes may share.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DirectoryOptions {
    /// The directory. It is created where its parent exists.
    pub path: PathBuf,
    /// Files. Default: 4,096.
    pub entries: usize,
    /// Octets of all files. Default: 512 MiB.
    pub bytes: u64,
    /// The longest that an answer is used, whatever its `nextUpdate` says.
    /// Default: 24 hours.
    pub max_age: Duration,
}

impl DirectoryOptions {
    /// The directory `path` with the default bounds.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            entries: 4_096,
            bytes: 512 * 1024 * 1024,
            max_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}
