//! How an authority is asked, and within which bounds.

use std::time::Duration;

use crate::io::http::proxy::Proxies;
use crate::io::http::tls::TlsOptions;

/// How an authority is asked. Answers have at most
/// [`Limits::token_bytes`](crate::Limits::token_bytes) octets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimestampOptions {
    /// Who is believed to name the server, where its address is `https`. A client
    /// certificate is not shown.
    pub tls: TlsOptions,
    /// Proxies. Default: those of the environment.
    pub proxies: Proxies,
    /// Attempts, the first one included. Default: 3.
    pub attempts: u32,
    /// For one attempt, redirects included. Default: 15 seconds, as for the
    /// reference's command.
    pub attempt_timeout: Duration,
    /// The pause after the first attempt; it doubles with each. Default: 0.5
    /// seconds.
    pub first_pause: Duration,
    /// The longest pause, also where the authority asks for a longer one: then there
    /// is no time-stamp. Default: 30 seconds.
    pub longest_pause: Duration,
    /// Redirects followed for one answer, all on the same host. Default: 3.
    pub max_redirects: usize,
}

impl Default for TimestampOptions {
    fn default() -> Self {
        Self {
            tls: TlsOptions::default(),
            proxies: Proxies::default(),
            attempts: 3,
            attempt_timeout: Duration::from_secs(15),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            max_redirects: 3,
        }
    }
}
