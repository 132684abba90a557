//! A query over HTTP (RFC 3161 section 3.4) and its answer.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::{StatusCode, Uri};

use super::options::TimestampOptions;
use crate::error::{Error, ErrorKind, quote};
use crate::io::http::agents::Agents;
use crate::io::http::failure::Trouble;
use crate::io::http::tls::{Identity, Tls};
use crate::io::registry::Pace;
use crate::io::registry::pause::{back_off, retry_after};
use crate::io::registry::send::{Answer, Content, Outgoing, Sender};
use crate::io::registry::statistics::Counters;
use crate::io::run::{Run, Stopped};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::registry::{HttpResponse, Method, Origin, Retry, is_passing_status, redirect};
use crate::timestamp::{Query, Reply};

/// Asks one authority.
#[derive(Debug)]
pub struct Client {
    url: Uri,
    options: TimestampOptions,
    pace: Pace,
    sender: Sender,
    limits: Limits,
}

/// Why an attempt has no answer that could be used.
enum Failure {
    /// Another attempt may do better; after the pause that the authority asks for.
    Passing(String, Option<Duration>),
    /// Another attempt would end the same way.
    Lasting(ErrorKind, String),
}

impl Client {
    pub fn new(url: &str, options: TimestampOptions, limits: &Limits) -> Result<Self, Error> {
        let refused = |why: &str| {
            Error::new(
                ErrorKind::Usage,
                format!(
                    "{} cannot be asked for time-stamps: {why}; give an address such as \
                     `http://timestamp.example/`",
                    quote(url)
                ),
            )
        };
        let uri: Uri = url
            .parse()
            .map_err(|_| refused("the address is malformed"))?;
        Origin::of(&uri).map_err(|why| refused(&why))?;
        Ok(Self {
            url: uri,
            pace: Pace {
                first_pause: options.first_pause,
                longest_pause: options.longest_pause,
                ..Pace::default()
            },
            sender: Sender {
                agents: Agents::new(Tls::new(options.tls.clone()), options.proxies.settings()),
                counters: Counters::default(),
                // A query that is redirected is sent from here again.
                max_redirects: 0,
            },
            options,
            limits: limits.clone(),
        })
    }

    /// The authority's answer to `query`. The same query is sent with each attempt:
    /// it is safe to answer it twice.
    pub fn ask(&self, query: &Query, run: &Run) -> Result<Reply, Error> {
        let mut attempt = 1;
        loop {
            let (why, asked_for) = match self.once(query, run)? {
                Ok(reply) => return Ok(reply),
                Err(Failure::Passing(why, asked_for)) => (why, asked_for),
                Err(Failure::Lasting(kind, why)) => return Err(self.no_answer(kind, &why)),
            };
            if attempt >= self.options.attempts {
                let why = format!("{why} ({attempt} attempts)");
                return Err(self.no_answer(ErrorKind::Io, &why));
            }
            let longest = self.options.longest_pause;
            let pause = match asked_for {
                Some(long) if long > longest => {
                    let why = format!(
                        "{why}: it asks for a pause of {} s, and at most {} s are waited",
                        long.as_secs(),
                        longest.as_secs_f64()
                    );
                    return Err(self.no_answer(ErrorKind::Io, &why));
                }
                Some(asked_for) => asked_for,
                None => back_off(&self.pace, attempt),
            };
            run.sleep(pause)
                .map_err(|stopped| self.stopped(stopped, Some(&why)))?;
            attempt += 1;
        }
    }

    /// One attempt, redirects included.
    fn once(&self, query: &Query, run: &Run) -> Result<Result<Reply, Failure>, Error> {
        let start = Instant::now();
        let lasting = |why: String| Ok(Err(Failure::Lasting(ErrorKind::Io, why)));
        let mut url = self.url.clone();
        let mut followed = 0;
        loop {
            let left = self.options.attempt_timeout.saturating_sub(start.elapsed());
            let response = match self.send(&url, query, left, run) {
                Ok(response) => response,
                Err(Trouble::Stopped(why)) => return Err(self.stopped(why, None)),
                Err(Trouble::Lasting(why)) => return lasting(why),
                Err(Trouble::Passing(why)) => return Ok(Err(Failure::Passing(why, None))),
                Err(Trouble::TimedOut) => {
                    // Where the run has ended, that is the reason.
                    run.check().map_err(|why| self.stopped(why, None))?;
                    let seconds = self.options.attempt_timeout.as_secs_f64();
                    let why = format!("time-out after {seconds} s");
                    return Ok(Err(Failure::Passing(why, None)));
                }
            };
            let Some(location) = location(&response) else {
                return Ok(self.read(&response));
            };
            if followed == self.options.max_redirects {
                let most = self.options.max_redirects;
                return lasting(format!("it redirects more than {most} times"));
            }
            followed += 1;
            url = match elsewhere(&url, response.status, location) {
                Ok(next) => next,
                Err(why) => return lasting(why),
            };
        }
    }

    fn send(
        &self,
        url: &Uri,
        query: &Query,
        left: Duration,
        run: &Run,
    ) -> Result<HttpResponse, Trouble> {
        let outgoing = Outgoing {
            method: Method::Post,
            url: &url.to_string(),
            headers: &[
                ("content-type", Query::MEDIA_TYPE.to_owned()),
                ("accept", Reply::MEDIA_TYPE.to_owned()),
            ],
            authorization: None,
            form: None,
            body: Some(Content::Here(query.der())),
            max_bytes: self.limits.token_bytes,
            answer: Answer::Whole,
            retry: Retry::Safe,
            identity: Identity::Hide,
        };
        // What the authority says is signed, and a query holds no secret.
        let sent = self.sender.send(outgoing, left, run, |_| true)?;
        Ok(sent.response)
    }

    fn read(&self, response: &HttpResponse) -> Result<Reply, Failure> {
        let lasting = |why: String| Err(Failure::Lasting(ErrorKind::Io, why));
        let status = response.status;
        if status != 200 {
            let name = StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .map_or_else(String::new, |name| format!(" ({name})"));
            let why = format!("it answers with the status {status}{name}");
            if is_passing_status(status) {
                let asked_for = response.header("retry-after");
                let asked_for = asked_for.and_then(|text| retry_after(text, SystemTime::now()));
                return Err(Failure::Passing(why, asked_for));
            }
            return lasting(why);
        }
        let media_type = response.media_type().unwrap_or("no type");
        if !media_type.eq_ignore_ascii_case(Reply::MEDIA_TYPE) {
            return lasting(format!(
                "it answers with {}, and not with `{}`: is this the address of an RFC 3161 \
                 authority?",
                quote(media_type),
                Reply::MEDIA_TYPE
            ));
        }
        let reply = Reply::parse(&response.body, &self.limits).map_err(unreadable)?;
        if reply.may_pass() {
            return Err(Failure::Passing(reply.to_string(), None));
        }
        Ok(reply)
    }

    fn no_answer(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("no time-stamp from {}: {why}", self.shown()))
    }

    fn stopped(&self, why: Stopped, before: Option<&str>) -> Error {
        let before = before.map_or_else(String::new, |before| format!("; before, {before}"));
        self.no_answer(ErrorKind::Io, &format!("{why}{before}"))
    }

    /// The address as errors show it. Queries of addresses can be keys of accounts.
    fn shown(&self) -> String {
        quote(&redirect::without_query(&self.url))
    }
}

fn unreadable(rejection: Rejection) -> Failure {
    let kind = match rejection.reason {
        Reason::LimitExceeded => ErrorKind::LimitExceeded,
        _ => ErrorKind::Signing,
    };
    Failure::Lasting(kind, rejection.detail)
}

fn location(response: &HttpResponse) -> Option<&str> {
    matches!(response.status, 301 | 302 | 303 | 307 | 308)
        .then(|| response.header("location"))
        .flatten()
}

/// Where a query goes that was sent to `url`. Only 307 and 308 say that it is to be
/// sent again as it is (RFC 9110 section 15.4), and only the host that somebody named
/// is asked: another one is for a person to name.
fn elsewhere(url: &Uri, status: u16, location: &str) -> Result<Uri, String> {
    let host = |uri: &Uri| Origin::of(uri).map(|origin| origin.host().to_owned());
    let (next, _) = redirect::follow(url, location, |_| true)?;
    let shown = quote(&redirect::without_query(&next));
    if host(url)? != host(&next)? {
        return Err(format!(
            "it redirects to {shown}, another host: give that address if you mean it"
        ));
    }
    if !matches!(status, 307 | 308) {
        return Err(format!(
            "it redirects to {shown} with the status {status}, which does not take a query along: \
             give that address"
        ));
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_their_host() {
        let url: Uri = "http://tsa.example/a".parse().unwrap();
        let to = |status, location| elsewhere(&url, status, location);
        for (location, expected) in [
            ("/b", "http://tsa.example/b"),
            ("http://tsa.example:8080/b", "http://tsa.example:8080/b"),
            ("https://TSA.example/a", "https://TSA.example/a"),
        ] {
            for status in [307, 308] {
                assert_eq!(to(status, location).unwrap().to_string(), expected);
            }
            for status in [301, 302, 303] {
                let why = to(status, location).unwrap_err();
                assert!(why.contains("give that address"), "{why}");
            }
        }
        for other in [
            "http://169.254.169.254/latest?secret",
            "//other.example/",
            "http://tsa.example.attacker.example/",
            "http://user@tsa.example/",
            "ftp://tsa.example/",
        ] {
            let why = to(307, other).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
        let secure: Uri = "https://tsa.example/a".parse().unwrap();
        let why = elsewhere(&secure, 307, "http://tsa.example/a").unwrap_err();
        assert!(why.contains("leave TLS"), "{why}");
    }

    #[test]
    fn addresses_that_cannot_be_asked() {
        let client = |url| Client::new(url, TimestampOptions::default(), &Limits::default());
        for bad in [
            "",
            "tsa.example",
            "ftp://tsa.example/",
            "http://u:p@tsa.example/",
            "http://",
        ] {
            let error = client(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
        }
        assert!(client("https://tsa.example").is_ok());
    }
}
