//! [`RegistryClient`]: what all verifications of a process share.

use std::sync::Arc;
use std::time::Instant;

use super::attempts::{Attempts, Ended};
use super::auth::{Access, Auth, Next, Who};
use super::gate::Purpose;
use super::host::RegistryHost;
use super::known::Known;
use super::options::RegistryOptions;
use super::send::{Answer, Content, Flow, Incoming, Outgoing, Sender};
use super::statistics::{Counters, Statistics};
use crate::io::http::agents::Agents;
use crate::io::http::tls::{Identity, Tls};
use crate::io::run::Run;
use crate::limits::Limits;
use crate::oci::Reference;
use crate::registry::{
    Endpoint, HttpRequest, HttpResponse, Origin, ReferrersApi, ReferrersOrder, Scheme,
    status_failure,
};

/// How often a request is sent again because the registry wants to see something
/// else: a token, a new one for one that expired, a new one of a new credential.
const MAX_REFUSALS: usize = 3;

/// Asks registries. Cheap to clone; clones share connections, credentials, tokens,
/// limits and counts. Use one for a whole process.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    attempts: Attempts,
    auth: Auth,
    known: Known,
}

impl RegistryClient {
    /// A client. Nothing is opened or asked before it is needed; the environment is
    /// read for proxies.
    #[must_use]
    pub fn new(options: RegistryOptions) -> Self {
        let sender = Sender {
            agents: Agents::new(Tls::new(options.tls.clone()), options.proxies.settings()),
            counters: Counters::default(),
            max_redirects: options.max_redirects,
        };
        let credentials = Arc::clone(&options.credentials);
        Self {
            shared: Arc::new(Shared {
                auth: Auth::new(credentials, options.allowed_realms.clone()),
                attempts: Attempts::new(options, sender),
                known: Known::default(),
            }),
        }
    }

    /// A host for the repository of `reference`.
    #[must_use]
    pub fn host(&self, reference: &Reference) -> RegistryHost {
        let endpoint = Endpoint::new(reference, self.scheme(reference));
        let who = Who {
            registry: reference.registry().to_owned(),
            endpoint,
            access: Access::Pull,
            other: None,
        };
        RegistryHost::new(self.clone(), who)
    }

    /// What was asked so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.attempts.sender.counters.read()
    }

    /// How the registry of `reference` is asked.
    #[must_use]
    pub fn scheme(&self, reference: &Reference) -> Scheme {
        let plain = Origin::of_registry(reference, Scheme::Http);
        if self.shared.attempts.options.allows_plain_http(&plain) {
            Scheme::Http
        } else {
            Scheme::Https
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.attempts.options.limits
    }

    pub(super) fn attempt_timeout(&self) -> std::time::Duration {
        self.shared.attempts.options.pace.attempt_timeout
    }

    pub(super) fn allows_plain_http(&self, origin: &Origin) -> bool {
        self.shared.attempts.options.allows_plain_http(origin)
    }

    pub(super) fn referrers_order(&self, endpoint: &Endpoint) -> ReferrersOrder {
        self.shared.known.order(endpoint)
    }

    pub(super) fn learn(&self, endpoint: &Endpoint, learned: ReferrersApi) {
        self.shared.known.learn(endpoint, learned);
    }

    /// The answer to `request`, after what the registry wants to see was shown.
    pub(super) fn ask(
        &self,
        who: &Who,
        request: &HttpRequest,
        purpose: Purpose,
        run: &Run,
    ) -> Result<HttpResponse, Ended> {
        let outgoing = outgoing(request);
        Ok(self.send(who, outgoing, purpose, run)?.response)
    }

    /// The same for an answer whose body is left open where it is a success.
    pub(super) fn open(
        &self,
        who: &Who,
        request: &HttpRequest,
        run: &Run,
    ) -> Result<Incoming, Ended> {
        let mut outgoing = outgoing(request);
        outgoing.answer = Answer::Open;
        self.send(who, outgoing, Purpose::Other, run)
    }

    /// The same for a request with [`HttpRequest::streamed`].
    pub(super) fn pour(
        &self,
        who: &Who,
        request: &HttpRequest,
        content: &dyn Flow,
        run: &Run,
    ) -> Result<HttpResponse, Ended> {
        let mut outgoing = outgoing(request);
        outgoing.body = Some(Content::Streamed(content));
        Ok(self.send(who, outgoing, Purpose::Other, run)?.response)
    }

    fn send(
        &self,
        who: &Who,
        mut outgoing: Outgoing<'_>,
        purpose: Purpose,
        run: &Run,
    ) -> Result<Incoming, Ended> {
        let Shared { attempts, auth, .. } = &*self.shared;
        let mut refusals = 0;
        let own = who.endpoint.origin();
        let origin = origin(outgoing.url)?;
        if origin != *own {
            // Where an upload goes is nobody that we know: it gets the content alone
            // (CVE-2026-50151).
            return attempts.send(&origin, outgoing, purpose, run);
        }
        outgoing.identity = Identity::Show;
        loop {
            let begun = Instant::now();
            let shown = auth.show(who, attempts, run)?;
            let outgoing = Outgoing {
                authorization: shown.value(),
                ..outgoing
            };
            let sent = attempts.send(own, outgoing, purpose, run)?;
            // Who was redirected to has nothing to demand: it gets no credential.
            if sent.response.status != 401 || !sent.first_hand || refusals == MAX_REFUSALS {
                return Ok(sent);
            }
            refusals += 1;
            let next = auth.refused(who, &sent.response, &shown, begun)?;
            if next == Next::GiveUp {
                return Ok(sent);
            }
            if matches!(outgoing.body, Some(Content::Streamed(_))) {
                // It went through once, and cannot again.
                let why = status_failure(outgoing.url, &sent.response);
                return Err(Ended::Why(why));
            }
        }
    }
}

fn outgoing(request: &HttpRequest) -> Outgoing<'_> {
    Outgoing {
        method: request.method,
        url: &request.url,
        headers: &request.headers,
        authorization: None,
        form: None,
        body: request.body.as_deref().map(Content::Here),
        max_bytes: request.max_bytes,
        answer: Answer::Whole,
        retry: request.retry,
        identity: Identity::Hide,
    }
}

fn origin(url: &str) -> Result<Origin, Ended> {
    let uri = url
        .parse()
        .map_err(|_| "the address is malformed".to_owned());
    uri.and_then(|uri| Origin::of(&uri)).map_err(Ended::Why)
}
