//! [`RegistryClient`]: what all verifications of a process share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::gate::{Gate, Purpose};
use super::host::RegistryHost;
use super::known::Known;
use super::options::RegistryOptions;
use super::pause;
use super::send::{Outgoing, Sender};
use super::statistics::{Counters, Statistics};
use crate::io::http::agents::Agents;
use crate::io::http::failure::Trouble;
use crate::io::http::tls::{Identity, Tls};
use crate::io::run::Run;
use crate::limits::Limits;
use crate::oci::Reference;
use crate::registry::{
    Endpoint, HttpRequest, HttpResponse, Origin, ReferrersApi, ReferrersOrder, Scheme,
};

/// Asks registries. Cheap to clone; clones share everything. Use one for a whole
/// process.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: RegistryOptions,
    sender: Sender,
    gates: Mutex<HashMap<Origin, Arc<Gate>>>,
    known: Known,
}

impl RegistryClient {
    /// A client. Nothing is opened or asked before it is needed; the environment is
    /// read for proxies.
    #[must_use]
    pub fn new(options: RegistryOptions) -> Self {
        let agents = Agents::new(Tls::new(options.tls.clone()), options.proxies.settings());
        Self {
            shared: Arc::new(Shared {
                sender: Sender {
                    agents,
                    counters: Counters::default(),
                    max_redirects: options.max_redirects,
                },
                gates: Mutex::default(),
                known: Known::default(),
                options,
            }),
        }
    }

    /// A host for the repository of `reference`.
    #[must_use]
    pub fn host(&self, reference: &Reference) -> RegistryHost {
        let endpoint = Endpoint::new(reference, self.scheme(reference));
        RegistryHost::new(self.clone(), endpoint, reference)
    }

    /// What was asked so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.sender.counters.read()
    }

    /// How the registry of `reference` is asked.
    #[must_use]
    pub fn scheme(&self, reference: &Reference) -> Scheme {
        let plain = Origin::of_registry(reference, Scheme::Http);
        if self.shared.options.allows_plain_http(&plain) {
            Scheme::Http
        } else {
            Scheme::Https
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.options.limits
    }

    pub(super) fn referrers_order(&self, endpoint: &Endpoint) -> ReferrersOrder {
        self.shared.known.order(endpoint)
    }

    pub(super) fn learn(&self, endpoint: &Endpoint, learned: ReferrersApi) {
        self.shared.known.learn(endpoint, learned);
    }

    /// The answer to `request`, after as many attempts as it takes.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(super) fn ask(
        &self,
        endpoint: &Endpoint,
        registry: &str,
        request: &HttpRequest,
        purpose: Purpose,
        run: &Run,
    ) -> Result<HttpResponse, String> {
        let _ = registry;
        let shared = &*self.shared;
        let pace = &shared.options.pace;
        let gate = shared.gate(endpoint.origin());
        let mut attempt = 1;
        loop {
            let place = gate.enter(purpose, run).map_err(|why| why.to_string())?;
            if purpose == Purpose::Referrers {
                shared.sender.counters.referrers.add(1);
            }
            let outgoing = Outgoing {
                url: &request.url,
                headers: &request.headers,
                authorization: None,
                form: None,
                max_bytes: request.max_bytes,
                identity: Identity::Show,
            };
            let plain_http = |origin: &Origin| shared.options.allows_plain_http(origin);
            let sent = shared
                .sender
                .send(outgoing, pace.attempt_timeout, run, plain_http);
            drop(place);
            let (asked_for, failure) = match sent {
                Ok(incoming) if !pause::is_passing(incoming.response.status) => {
                    return Ok(incoming.response);
                }
                Ok(incoming) => {
                    let asked_for = incoming
                        .response
                        .header("retry-after")
                        .and_then(|value| pause::retry_after(value, SystemTime::now()));
                    (asked_for, Failed::Answer(incoming.response))
                }
                Err(Trouble::Stopped(why)) => return Err(why.to_string()),
                Err(Trouble::Lasting(why)) => return Err(format!("`{}`: {why}", request.url)),
                Err(Trouble::Passing(why)) => (None, Failed::Connection(why)),
                Err(Trouble::TimedOut) => (
                    None,
                    Failed::Connection(format!(
                        "time-out after {} s",
                        pace.attempt_timeout.as_secs_f64()
                    )),
                ),
            };
            if attempt >= pace.attempts {
                return failure.last(request, attempt);
            }
            let pause = pause::back_off(pace, attempt);
            let pause = match asked_for {
                Some(long) if long > pace.longest_pause => {
                    return Err(format!(
                        "`{}`: the registry asks for a pause of {} s, and at most {} s are waited",
                        request.url,
                        long.as_secs(),
                        pace.longest_pause.as_secs_f64()
                    ));
                }
                // Everybody is asked to wait, and not all come back at once.
                Some(asked_for) => {
                    gate.shut(asked_for);
                    asked_for + pause::jitter(pace.first_pause)
                }
                None => pause,
            };
            run.sleep(pause)
                .map_err(|why| failure.stopped(request, &why))?;
            attempt += 1;
            shared.sender.counters.retries.add(1);
        }
    }
}

/// An attempt that may do better the next time.
enum Failed {
    Answer(HttpResponse),
    Connection(String),
}

impl Failed {
    /// What to say after the last attempt. What an answer means is for the exchange
    /// to say.
    fn last(self, request: &HttpRequest, attempts: u32) -> Result<HttpResponse, String> {
        match self {
            Self::Answer(response) => Ok(response),
            Self::Connection(why) => Err(format!("`{}`: {why} ({attempts} attempts)", request.url)),
        }
    }

    /// What to say where the run ends in the pause after it.
    fn stopped(&self, request: &HttpRequest, why: &dyn std::fmt::Display) -> String {
        let last = match self {
            Self::Answer(response) => crate::registry::status_failure(&request.url, response),
            Self::Connection(why) => format!("`{}`: {why}", request.url),
        };
        format!("{why}; before that, {last}")
    }
}

impl Shared {
    fn gate(&self, origin: &Origin) -> Arc<Gate> {
        /// Registries that a process talks to.
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
