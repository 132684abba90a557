//! As many attempts as a request takes, with pauses between them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::gate::{Gate, Purpose};
use super::options::RegistryOptions;
use super::pause;
use super::send::{Incoming, Outgoing, Sender};
use crate::io::flight::Failed;
use crate::io::http::failure::Trouble;
use crate::io::run::{Run, Stopped};
use crate::registry::{HttpResponse, Origin, Retry, is_passing, status_failure};

/// Why there is no answer, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The run does not go on.
    Stopped(String),
    /// What was asked for cannot be had.
    Why(String),
}

impl Failed for Ended {
    fn is_own(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }
}

impl From<Stopped> for Ended {
    fn from(why: Stopped) -> Self {
        Self::Stopped(why.to_string())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(why) | Self::Why(why) => f.write_str(why),
        }
    }
}

/// An answer.
pub type Sent = Incoming;

/// Sends requests within the limits of their hosts.
#[derive(Debug)]
pub struct Attempts {
    pub options: RegistryOptions,
    pub sender: Sender,
    gates: Mutex<HashMap<Origin, Arc<Gate>>>,
}

impl Attempts {
    pub fn new(options: RegistryOptions, sender: Sender) -> Self {
        Self {
            options,
            sender,
            gates: Mutex::default(),
        }
    }

    /// The answer to `outgoing`. One that says that another attempt may do better
    /// is returned after the last one only. What is not safe to send again is sent
    /// once, and has no such answer.
    pub fn send(
        &self,
        origin: &Origin,
        outgoing: Outgoing<'_>,
        purpose: Purpose,
        run: &Run,
    ) -> Result<Sent, Ended> {
        let pace = &self.options.pace;
        let gate = self.gate(origin);
        let url = shown(outgoing.url, purpose);
        let mut attempt = 1;
        loop {
            let failure = match self.once(&gate, outgoing, purpose, run)? {
                Ok(sent) => return Ok(sent),
                Err(failure) => failure,
            };
            if attempt >= pace.attempts && outgoing.retry == Retry::Safe {
                return match failure {
                    // What an answer means is for who asked to say.
                    Failure::Answer(sent) => Ok(sent),
                    Failure::Connection(why) => {
                        Err(Ended::Why(format!("`{url}`: {why} ({attempt} attempts)")))
                    }
                };
            }
            let pause = match failure.asks_for() {
                Some(long) if long > pace.longest_pause => {
                    return Err(Ended::Why(format!(
                        "{}: it asks for a pause of {} s, and at most {} s are waited",
                        failure.text(&url),
                        long.as_secs(),
                        pace.longest_pause.as_secs_f64()
                    )));
                }
                // Everybody is asked to wait, and not all come back at once.
                Some(asked_for) => {
                    gate.shut(asked_for);
                    asked_for + pause::jitter(pace.first_pause)
                }
                None => pause::back_off(pace, attempt),
            };
            run.sleep(pause)
                .map_err(|why| Ended::Stopped(format!("{why}; before, {}", failure.text(&url))))?;
            if outgoing.retry == Retry::StartOver {
                return Err(Ended::Why(failure.text(&url)));
            }
            attempt += 1;
            self.sender.counters.retries.add(1);
        }
    }

    /// One attempt. Waiting for one's turn comes before its time-out starts.
    fn once(
        &self,
        gate: &Gate,
        outgoing: Outgoing<'_>,
        purpose: Purpose,
        run: &Run,
    ) -> Result<Result<Sent, Failure>, Ended> {
        let timeout = self.options.pace.attempt_timeout;
        let _place = gate.enter(purpose, run)?;
        match purpose {
            Purpose::Referrers => self.sender.counters.referrers.add(1),
            Purpose::Token => self.sender.counters.tokens.add(1),
            Purpose::Other => {}
        }
        let plain_http = |origin: &Origin| self.options.allows_plain_http(origin);
        let sent = self.sender.send(outgoing, timeout, run, plain_http);
        Ok(match sent {
            Ok(sent) if is_passing(outgoing.method, &sent.response) => Err(Failure::Answer(sent)),
            Ok(sent) => Ok(sent),
            Err(Trouble::Stopped(why)) => return Err(why.into()),
            Err(Trouble::Lasting(why)) => {
                let url = shown(outgoing.url, purpose);
                return Err(Ended::Why(format!("`{url}`: {why}")));
            }
            Err(Trouble::Passing(why)) => Err(Failure::Connection(why)),
            Err(Trouble::TimedOut) => {
                // Where the run has ended, that is the reason.
                run.check()?;
                let seconds = timeout.as_secs_f64();
                Err(Failure::Connection(format!("time-out after {seconds} s")))
            }
        })
    }

    fn gate(&self, origin: &Origin) -> Arc<Gate> {
        /// Hosts that a process talks to.
        const MOST: usize = 10_000;
        let pace = &self.options.pace;
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= MOST {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let per_second = if origin.is_loopback() {
            0
        } else {
            pace.referrers_per_second
        };
        let new = || Arc::new(Gate::new(pace.concurrency, per_second));
        Arc::clone(gates.entry(origin.clone()).or_insert_with(new))
    }
}

/// An address as errors show it: that of a token server without what was asked.
fn shown(url: &str, purpose: Purpose) -> String {
    match purpose {
        Purpose::Token => url.split('?').next().unwrap_or_default().to_owned(),
        _ => url.to_owned(),
    }
}

/// An attempt that may do better the next time.
enum Failure {
    Answer(Sent),
    Connection(String),
}

impl Failure {
    fn asks_for(&self) -> Option<std::time::Duration> {
        match self {
            Self::Answer(sent) => {
                let value = sent.response.header("retry-after")?;
                pause::retry_after(value, SystemTime::now())
            }
            Self::Connection(_) => None,
        }
    }

    fn text(&self, url: &str) -> String {
        let response: &HttpResponse = match self {
            Self::Answer(sent) => &sent.response,
            Self::Connection(why) => return format!("`{url}`: {why}"),
        };
        status_failure(url, response)
    }
}
