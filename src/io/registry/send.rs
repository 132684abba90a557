//! One request and its answer: redirects, bodies, bounds.

use std::fmt;
use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::header::CONTENT_ENCODING;
use ureq::http::{Response, Uri};

use super::statistics::Counters;
use crate::io::http::agents::Agents;
use crate::io::http::failure::{Trouble, trouble};
use crate::io::http::tls::Identity;
use crate::io::http::{in_run, in_run_patiently};
use crate::io::run::Run;
use crate::registry::redirect::{self, Authorization};
use crate::registry::{HttpResponse, Method, Origin, Retry, Secret};

/// Octets of an answer that is no success: what it says for people is at its
/// beginning.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: &'a [(&'static str, String)],
    /// The value of `Authorization`, for the first server alone.
    pub authorization: Option<&'a Secret>,
    /// The form of a POST.
    pub form: Option<&'a Secret>,
    /// What the address is to take.
    pub body: Option<Content<'a>>,
    /// Octets of the body of a success.
    pub max_bytes: usize,
    pub answer: Answer,
    pub retry: Retry,
    pub identity: Identity,
}

/// What an address is to take.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    Here(&'a [u8]),
    /// It goes through once, and is not in memory.
    Streamed(&'a dyn Flow),
}

/// Content that goes through. One thread reads it, through a shared reference,
/// because what is sent is copied for each attempt.
pub trait Flow: fmt::Debug {
    /// Octets.
    fn size(&self) -> u64;
    /// As `Read::read`.
    fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize>;
}

/// What to do with the body of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Read it.
    Whole,
    /// Leave it to who asked.
    Open,
}

/// The body of an answer that was left open.
pub struct Open(ureq::BodyReader<'static>);

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

/// An answer.
#[derive(Debug)]
pub struct Incoming {
    pub response: HttpResponse,
    /// Its body, where it was to be left open and is a success.
    pub open: Option<Open>,
    /// Whether the server that was asked gave it, and no other that it redirected
    /// to.
    pub first_hand: bool,
}

/// Sends requests, one attempt each.
#[derive(Debug)]
pub struct Sender {
    pub agents: Agents,
    pub counters: Counters,
    pub max_redirects: usize,
}

impl Sender {
    /// Sends `outgoing` and follows redirects. `plain_http` says which servers may be
    /// asked without TLS.
    pub fn send(
        &self,
        outgoing: Outgoing<'_>,
        timeout: Duration,
        run: &Run,
        plain_http: impl Fn(&Origin) -> bool,
    ) -> Result<Incoming, Trouble> {
        let lasting = |why: String| Trouble::Lasting(why);
        let start = Instant::now();
        let mut uri: Uri = outgoing
            .url
            .parse()
            .map_err(|_| lasting("the address is malformed".to_owned()))?;
        let mut authorization = outgoing.authorization;
        let mut identity = outgoing.identity;
        let mut first_hand = true;
        let mut followed = 0;
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            let left = run.left(left).map_err(Trouble::Stopped)?;
            if left.is_zero() {
                return Err(Trouble::TimedOut);
            }
            let sent = self.step(&uri, outgoing, authorization, identity, left, run);
            let (response, open) = sent.map_err(|trouble| {
                if first_hand {
                    trouble
                } else {
                    at(trouble, &uri)
                }
            })?;
            let location = match (response.status, response.header("location")) {
                // Nothing is written to wherever that may be.
                (301 | 302 | 303 | 307 | 308, Some(location))
                    if matches!(outgoing.method, Method::Get | Method::Head) =>
                {
                    location.to_owned()
                }
                _ => {
                    return Ok(Incoming {
                        response,
                        open,
                        first_hand,
                    });
                }
            };
            if followed == self.max_redirects {
                return Err(lasting(format!(
                    "it redirects more than {} times",
                    self.max_redirects
                )));
            }
            followed += 1;
            let (next, keep) = redirect::follow(&uri, &location, &plain_http).map_err(lasting)?;
            if keep == Authorization::Drop {
                authorization = None;
                identity = Identity::Hide;
                first_hand = false;
            }
            uri = next;
        }
    }

    fn step(
        &self,
        uri: &Uri,
        outgoing: Outgoing<'_>,
        authorization: Option<&Secret>,
        identity: Identity,
        left: Duration,
        run: &Run,
    ) -> Result<(HttpResponse, Option<Open>), Trouble> {
        let origin = Origin::of(uri).map_err(Trouble::Lasting)?;
        let agent = self
            .agents
            .agent(&origin, identity)
            .map_err(Trouble::Lasting)?;
        self.counters.requests.add(1);
        let work = || {
            let sent = match outgoing.form {
                None => send(&agent, uri, outgoing, authorization, left),
                Some(form) => {
                    let request = agent.post(uri).config().timeout_global(Some(left)).build();
                    request
                        .content_type("application/x-www-form-urlencoded")
                        .send(form.reveal().as_bytes())
                }
            };
            let response = sent.map_err(|error| trouble(error, uri))?;
            if outgoing.answer == Answer::Open && response.status().as_u16() == 200 {
                let (parts, body) = response.into_parts();
                let open = Open(body.into_reader());
                return Ok((answer(&parts, Vec::new()), Some(open)));
            }
            let read = self.read(response, uri, outgoing.method, outgoing.max_bytes)?;
            Ok((read, None))
        };
        match outgoing.body {
            Some(Content::Streamed(_)) => in_run_patiently(run, left, work),
            _ => in_run(run, work),
        }
    }

    /// Reads the answer. What the server says of its length is believed only where
    /// it is too much.
    fn read(
        &self,
        response: Response<Body>,
        uri: &Uri,
        method: Method,
        max_bytes: usize,
    ) -> Result<HttpResponse, Trouble> {
        let (parts, body) = response.into_parts();
        // What is said of content that does not come is no matter.
        let success = parts.status.as_u16() == 200 && method != Method::Head;
        let encoding = parts.headers.get(CONTENT_ENCODING);
        let plain = encoding.is_none_or(|one| one.as_bytes().eq_ignore_ascii_case(b"identity"));
        if success && !plain {
            return Err(Trouble::Lasting(
                "the answer is compressed, which was not asked for".to_owned(),
            ));
        }
        let most = if success { max_bytes } else { MAX_ERROR_BYTES };
        let too_large = || {
            Trouble::Lasting(format!(
                "the answer has more than the allowed {max_bytes} octets"
            ))
        };
        let bound = u64::try_from(most).unwrap_or(u64::MAX);
        if success && body.content_length().is_some_and(|length| length > bound) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let reader = body.into_reader();
        let end = reader.take(bound.saturating_add(1)).read_to_end(&mut bytes);
        self.counters.bytes.add(bytes.len());
        match end {
            Ok(_) if success && bytes.len() > most => return Err(too_large()),
            Ok(_) => {}
            // The status says enough.
            Err(_) if !success => {}
            Err(error) => return Err(trouble(error.into(), uri)),
        }
        bytes.truncate(most);
        Ok(answer(&parts, bytes))
    }
}

fn answer(parts: &ureq::http::response::Parts, body: Vec<u8>) -> HttpResponse {
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    HttpResponse {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body,
    }
}

/// Sends a request that is no form.
fn send(
    agent: &ureq::Agent,
    uri: &Uri,
    outgoing: Outgoing<'_>,
    authorization: Option<&Secret>,
    left: Duration,
) -> Result<Response<Body>, ureq::Error> {
    let method = match outgoing.method {
        Method::Get => ureq::http::Method::GET,
        Method::Head => ureq::http::Method::HEAD,
        Method::Post => ureq::http::Method::POST,
        Method::Put => ureq::http::Method::PUT,
        Method::Delete => ureq::http::Method::DELETE,
    };
    let mut request = ureq::http::Request::builder().method(method).uri(uri);
    for (name, value) in outgoing.headers {
        request = request.header(*name, value);
    }
    if let Some(value) = authorization {
        request = request.header("authorization", value.reveal());
    }
    match outgoing.body {
        None => {
            let request = agent.configure_request(request.body(())?);
            agent.run(match outgoing.answer {
                Answer::Whole => request.timeout_global(Some(left)).build(),
                // How long the body takes is for who reads it.
                Answer::Open => request
                    .timeout_connect(Some(left))
                    .timeout_recv_response(Some(left))
                    .build(),
            })
        }
        Some(Content::Here(body)) => {
            let request = agent.configure_request(request.body(body)?);
            agent.run(request.timeout_global(Some(left)).build())
        }
        Some(Content::Streamed(flow)) => {
            let mut reader = Reader(flow);
            let body = ureq::SendBody::from_reader(&mut reader);
            let request = request.header("content-length", flow.size()).body(body)?;
            let request = agent.configure_request(request);
            agent.run(
                request
                    .timeout_connect(Some(left))
                    .timeout_recv_response(Some(left))
                    .build(),
            )
        }
    }
}

struct Reader<'a>(&'a dyn Flow);

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Names the address that a redirect led to.
fn at(trouble: Trouble, uri: &Uri) -> Trouble {
    let named = |why: String| {
        format!(
            "after a redirect to `{}`: {why}",
            redirect::without_query(uri)
        )
    };
    match trouble {
        Trouble::Passing(why) => Trouble::Passing(named(why)),
        Trouble::Lasting(why) => Trouble::Lasting(named(why)),
        other => other,
    }
}
