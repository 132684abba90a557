//! How registries are asked, and within which bounds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::Credentials;
use super::docker_login::DockerLogin;
use crate::io::http::HostPattern;
use crate::io::http::proxy::Proxies;
use crate::io::http::tls::TlsOptions;
use crate::limits::Limits;
use crate::registry::{Origin, Scheme};

/// How registries are asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// Hosts that are asked without TLS. Default: none.
    pub plain_http: Vec<HostPattern>,
    /// How registries on this machine (`localhost`, `127.0.0.1`, `[::1]`) are asked.
    /// Default: without TLS.
    pub loopback: Scheme,
    /// Who is believed to name servers, and who we say that we are.
    pub tls: TlsOptions,
    /// Proxies. Default: those of the environment.
    pub proxies: Proxies,
    /// Who we are at each registry. Default: what `docker login` left.
    pub credentials: Arc<dyn Credentials>,
    /// Token servers that may see credentials, beside the registries themselves
    /// and those that are known to belong to one. Default: none.
    pub allowed_realms: Vec<HostPattern>,
    /// How often, and how much at the same time.
    pub pace: Pace,
    /// Redirects followed for one answer. Default: 5.
    pub max_redirects: usize,
    /// What an answer may hold.
    pub limits: Limits,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            loopback: Scheme::Http,
            tls: TlsOptions::default(),
            proxies: Proxies::default(),
            credentials: Arc::new(DockerLogin::default()),
            allowed_realms: Vec::new(),
            pace: Pace::default(),
            max_redirects: 5,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("plain_http", &self.plain_http)
            .field("loopback", &self.loopback)
            .field("tls", &self.tls)
            .field("proxies", &self.proxies)
            .field("allowed_realms", &self.allowed_realms)
            .field("pace", &self.pace)
            .field("max_redirects", &self.max_redirects)
            .finish_non_exhaustive()
    }
}

impl RegistryOptions {
    /// Whether `origin`, which has no TLS, may be asked.
    pub(super) fn allows_plain_http(&self, origin: &Origin) -> bool {
        let listed = || {
            self.plain_http
                .iter()
                .any(|pattern| pattern.matches(origin.host(), origin.port()))
        };
        (origin.is_loopback() && self.loopback == Scheme::Http) || listed()
    }
}

/// How often registries are asked, and how much at the same time. All of it holds
/// for each host on its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// Requests at the same time. Default: 16.
    pub concurrency: usize,
    /// Look-ups of referrers in a second: registries limit them most. 0 is no
    /// limit. Default: 50. Hosts on this machine have no limit.
    pub referrers_per_second: u32,
    /// Attempts for one request, the first one included. Default: 5.
    pub attempts: u32,
    /// For one attempt, redirects included. Waiting for one's turn does not count.
    /// Default: 30 seconds.
    pub attempt_timeout: Duration,
    /// The pause after the first attempt; it doubles with each. Default: 0.25
    /// seconds.
    pub first_pause: Duration,
    /// The longest pause, also where the registry asks for a longer one: then the
    /// request fails. Default: 60 seconds.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            concurrency: 16,
            referrers_per_second: 50,
            attempts: 5,
            attempt_timeout: Duration::from_secs(30),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(60),
        }
    }
}
