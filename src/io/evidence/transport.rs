//! One answer over HTTP, bounded in time, octets and redirects.

use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use ureq::http::header::{CONTENT_ENCODING, LOCATION};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, Body};

use super::deadline::{Deadline, Over};
use super::egress::EgressRules;
use crate::error::quote;
use crate::io::flight::Failed;
use crate::io::http::failure::{Trouble, trouble};
use crate::io::http::resolve::SystemResolver;
use crate::io::http::tls::{Identity, Route, Tls};
use crate::io::http::{USER_AGENT, connector, in_run};
use crate::registry::redirect;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub enum Method<'a> {
    Get,
    /// With a body and its media type.
    Post(&'a [u8], &'static str),
}

/// Why there is no answer, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something about this address.
    Cause(String),
    /// The server answered with this status.
    Status(u16),
    /// The time of the whole run is over: another run may have more.
    RunOver(String),
}

impl Failed for Failure {
    fn is_own(&self) -> bool {
        matches!(self, Self::RunOver(_))
    }
}

impl From<Over> for Failure {
    fn from(over: Over) -> Self {
        match over {
            Over::Answer(why) => Self::Cause(why),
            Over::Run(why) => Self::RunOver(why),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cause(why) | Self::RunOver(why) => f.write_str(why),
            Self::Status(code) => {
                let reason = StatusCode::from_u16(*code)
                    .ok()
                    .and_then(|status| status.canonical_reason());
                write!(f, "the server answered with the status {code}")?;
                reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
        }
    }
}

/// Asks servers. The client is made when it is first needed.
#[derive(Debug)]
pub struct Transport {
    agent: OnceLock<Agent>,
    rules: Arc<EgressRules>,
    max_redirects: usize,
}

impl Transport {
    pub fn new(rules: EgressRules, max_redirects: usize) -> Self {
        Self {
            agent: OnceLock::new(),
            rules: Arc::new(rules),
            max_redirects,
        }
    }

    /// The body of the answer from `url`, of at most `max_bytes` octets.
    pub fn exchange(
        &self,
        url: &str,
        method: Method<'_>,
        deadline: &Deadline,
        max_bytes: usize,
    ) -> Result<Vec<u8>, Failure> {
        let mut uri: Uri = url
            .parse()
            .map_err(|_| Failure::Cause("the address is malformed".to_owned()))?;
        let mut method = method;
        let mut seen = vec![uri.clone()];
        loop {
            let redirected = seen.len() > 1;
            let step = || self.step(&uri, method, deadline, max_bytes);
            let answer = in_run(deadline.run(), step).map_err(|failure| {
                if redirected {
                    failure.at(&uri)
                } else {
                    failure
                }
            })?;
            let location = match answer {
                Answer::Content(bytes) => return Ok(bytes),
                Answer::Redirect { status, location } => {
                    if status == StatusCode::SEE_OTHER {
                        method = Method::Get;
                    }
                    location
                }
            };
            let next = redirect::target(&uri, &location).map_err(Failure::Cause)?;
            if seen.contains(&next) {
                return Err(Failure::Cause(format!(
                    "the server redirects in a loop, to {} again",
                    quote(&next.to_string())
                )));
            }
            if seen.len() > self.max_redirects {
                return Err(Failure::Cause(format!(
                    "the server redirects more than {} times",
                    self.max_redirects
                )));
            }
            seen.push(next.clone());
            uri = next;
        }
    }

    /// One request, without following where it leads.
    fn step(
        &self,
        uri: &Uri,
        method: Method<'_>,
        deadline: &Deadline,
        max_bytes: usize,
    ) -> Result<Answer, Failure> {
        self.check(uri).map_err(Failure::Cause)?;
        let left = Some(deadline.left()?);
        let agent = self.agent();
        let sent = match method {
            Method::Get => {
                let request = agent.get(uri).config().timeout_global(left);
                request.build().call()
            }
            Method::Post(body, media_type) => {
                let request = agent.post(uri).config().timeout_global(left);
                request.build().content_type(media_type).send(body)
            }
        };
        let response = sent.map_err(|error| failure(error, uri, deadline))?;
        let status = response.status();
        if let (true, Some(location)) = (status.is_redirection(), location(response.headers())) {
            return Ok(Answer::Redirect { status, location });
        }
        if status != StatusCode::OK {
            return Err(Failure::Status(status.as_u16()));
        }
        body(response, uri, deadline, max_bytes).map(Answer::Content)
    }

    /// Whether `uri` may be asked, as far as its text tells; the addresses of the
    /// host are checked when it is resolved.
    fn check(&self, uri: &Uri) -> Result<(), String> {
        let scheme = uri.scheme_str().unwrap_or_default();
        // Revocation data is signed, and both specifications of it use plain
        // HTTP: TLS would need revocation data in turn.
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(format!(
                "only http addresses are asked, not {}",
                quote(scheme)
            ));
        }
        let authority = uri.authority().ok_or("the address has no host")?;
        if authority.as_str().contains('@') {
            return Err("the address has a user name".to_owned());
        }
        let port = authority.port_u16().unwrap_or(80);
        self.rules.check_host(authority.host(), port)
    }

    fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                // A proxy would resolve names itself, past the egress rules.
                .proxy(None)
                // Each address is asked once; a kept connection may be dead.
                .max_idle_connections(0)
                .user_agent(USER_AGENT)
                .build();
            let resolver = CheckedResolver {
                inner: SystemResolver,
                rules: Arc::clone(&self.rules),
            };
            // Its addresses are all `http`.
            let tls = Arc::new(Tls::default());
            Agent::with_parts(
                config,
                connector(&tls, Identity::Hide, Route::Direct),
                resolver,
            )
        })
    }
}

enum Answer {
    Content(Vec<u8>),
    Redirect {
        status: StatusCode,
        location: String,
    },
}

impl Failure {
    /// Names the address that a redirect led to.
    fn at(self, uri: &Uri) -> Self {
        match self {
            Self::Cause(why) => Self::Cause(format!(
                "after a redirect to {}: {why}",
                quote(&uri.to_string())
            )),
            Self::Status(_) => {
                let status = self.to_string();
                Self::Cause(status).at(uri)
            }
            Self::RunOver(_) => self,
        }
    }
}

fn location(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(LOCATION)?.to_str().ok()?.to_owned())
}

/// Reads the body. What the server says of its length is believed only where it
/// is too much.
fn body(
    response: Response<Body>,
    uri: &Uri,
    deadline: &Deadline,
    max_bytes: usize,
) -> Result<Vec<u8>, Failure> {
    let encoding = response.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Failure::Cause(
            "the answer is compressed, which was not asked for".to_owned(),
        ));
    }
    let too_large = || {
        Failure::Cause(format!(
            "the answer has more than the allowed {max_bytes} octets"
        ))
    };
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    let body = response.into_body();
    if body.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut reader = body.into_reader().take(most.saturating_add(1));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // A server that sends an octet now and then is stopped here at the
        // latest.
        deadline.left()?;
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(buffer.get(..read).unwrap_or(&[])),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failure(error.into(), uri, deadline)),
        }
    }
    if bytes.len() > max_bytes {
        return Err(too_large());
    }
    Ok(bytes)
}

/// What an error of the client means.
fn failure(error: ureq::Error, uri: &Uri, deadline: &Deadline) -> Failure {
    match trouble(error, uri) {
        Trouble::TimedOut => deadline.over().into(),
        Trouble::Stopped(why) => Over::from(why).into(),
        Trouble::Passing(why) | Trouble::Lasting(why) => Failure::Cause(why),
    }
}

/// Resolves names and lets only addresses through that may be asked: what was
/// checked is what is connected to.
#[derive(Debug)]
struct CheckedResolver<R> {
    inner: R,
    rules: Arc<EgressRules>,
}

impl<R: Resolver> Resolver for CheckedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        let mut refused: Option<IpAddr> = None;
        for address in &found {
            if self.rules.allows(address.ip()) {
                allowed.push(*address);
            } else {
                refused = Some(address.ip());
            }
        }
        match refused {
            Some(address) if allowed.is_empty() => Err(ureq::Error::Other(
                format!(
                    "the egress rules do not allow the private address `{address}` of the host {}",
                    quote(uri.host().unwrap_or_default())
                )
                .into(),
            )),
            _ => Ok(allowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    /// A name whose addresses change each time that somebody asks.
    #[derive(Debug)]
    struct Rebinding(Mutex<Vec<Vec<&'static str>>>);

    impl Resolver for Rebinding {
        fn resolve(
            &self,
            _uri: &Uri,
            _config: &ureq::config::Config,
            _timeout: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut addresses = self.empty();
            for address in self.0.lock().unwrap().remove(0) {
                addresses.push(SocketAddr::new(address.parse().unwrap(), 80));
            }
            Ok(addresses)
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_the_next_time_is_checked_again() {
        let resolver = CheckedResolver {
            inner: Rebinding(Mutex::new(vec![
                vec!["93.184.216.34"],
                vec!["169.254.169.254", "::ffff:10.0.0.1"],
                vec!["127.0.0.1", "93.184.216.34", "fd00::1"],
            ])),
            rules: Arc::new(EgressRules::default()),
        };
        let uri = Uri::from_static("http://crl.example.com/");
        let ask = || {
            let config = ureq::config::Config::builder().build();
            let timeout = NextTimeout {
                after: Duration::from_secs(1).into(),
                reason: ureq::Timeout::Resolve,
                per_read: None,
                per_write: None,
            };
            let found = resolver.resolve(&uri, &config, timeout);
            let ips = |found: ResolvedSocketAddrs| found.iter().map(SocketAddr::ip).collect();
            found.map(ips).map_err(|error| error.to_string())
        };
        let public: Vec<IpAddr> = vec!["93.184.216.34".parse().unwrap()];
        assert_eq!(ask(), Ok(public.clone()));
        let why = ask().unwrap_err();
        assert!(why.contains("do not allow the private address"), "{why}");
        // What is left is what is connected to.
        assert_eq!(ask(), Ok(public));
    }
}
