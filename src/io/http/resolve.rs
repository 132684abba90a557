//! Addresses of names, waited for as long as the run goes on.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::scope;
use crate::io::run::SLICE;

/// Addresses of one host that are tried. The client's own list holds no more.
const MAX_ADDRESSES: usize = 16;

/// Resolves names as the system does.
#[derive(Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let malformed = || ureq::Error::BadUri("the address has no host".to_owned());
        let authority = uri.authority().ok_or_else(malformed)?;
        let default = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = authority.port_u16().unwrap_or(default);
        let host = authority.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => look_up(bare.to_owned(), port, *timeout.after)?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(addresses)
    }
}

/// Asks the system on a thread of its own: it cannot be stopped.
fn look_up(host: String, port: u16, time: Duration) -> Result<Vec<SocketAddr>, ureq::Error> {
    wait_for(time, Timeout::Resolve, move || {
        (host.as_str(), port)
            .to_socket_addrs()
            .map(|found| found.take(MAX_ADDRESSES).collect())
    })
}

/// What comes of `work` on another thread, waited for at most `time`, and only as
/// long as the run goes on.
pub(super) fn wait_for<T: Send + 'static>(
    time: Duration,
    reason: Timeout,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ureq::Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(work());
    })?;
    let start = Instant::now();
    loop {
        scope::check_io()?;
        let left = time.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(ureq::Error::Timeout(reason));
        }
        match receiver.recv_timeout(left.min(SLICE)) {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(ureq::Error::ConnectionFailed),
        }
    }
}
