//! [`RegistryHost`]: a registry as the host of a session.

use super::attempts::Ended;
use super::auth::{Access, Who};
use super::client::RegistryClient;
use super::gate::Purpose;
use super::send::{Flow, Incoming};
use crate::io::drive::Host;
use crate::io::parallel;
use crate::io::run::Run;
use crate::registry::{Endpoint, Exchange, HttpRequest, HttpResponse, Progress};
use crate::session::{Need, Reply};

/// Answers from the repository of one reference. What a session needs at the same
/// time is fetched at the same time. Evidence is not here: wrap it with
/// [`WithEvidence`](crate::io::evidence::WithEvidence).
#[derive(Clone, Debug)]
pub struct RegistryHost {
    client: RegistryClient,
    who: Who,
    run: Run,
}

impl RegistryHost {
    pub(super) fn new(client: RegistryClient, who: Who) -> Self {
        Self {
            client,
            who,
            run: Run::default(),
        }
    }

    /// The same host within `run`: it stops when that does.
    #[must_use]
    pub fn in_run(mut self, run: Run) -> Self {
        self.run = run;
        self
    }

    /// Where the repository is.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.who.endpoint
    }

    /// The same host, which may write too: it asks for tokens that allow that.
    #[must_use]
    pub fn for_writing(mut self) -> Self {
        self.who.access = Access::PullAndPush;
        self
    }

    /// The same host, which may write and delete.
    #[must_use]
    pub(in crate::io) fn for_deleting(mut self) -> Self {
        self.who.access = Access::All;
        self
    }

    /// The same host, whose tokens let read `other` too, where that is a repository
    /// of the same registry.
    #[must_use]
    pub(in crate::io) fn reading(mut self, other: &Endpoint) -> Self {
        if other.origin() == self.who.endpoint.origin() && *other != self.who.endpoint {
            self.who.other = Some(other.clone());
        }
        self
    }

    pub(super) const fn client(&self) -> &RegistryClient {
        &self.client
    }

    /// Sends a request that is no session's.
    pub(super) fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Ended> {
        self.send_for(request, Purpose::Other)
    }

    pub(super) fn send_for(
        &self,
        request: &HttpRequest,
        purpose: Purpose,
    ) -> Result<HttpResponse, Ended> {
        self.client.ask(&self.who, request, purpose, &self.run)
    }

    /// The same for an answer whose body is left open.
    pub(super) fn open(&self, request: &HttpRequest) -> Result<Incoming, Ended> {
        self.client.open(&self.who, request, &self.run)
    }

    /// The same for a request that takes content that goes through.
    pub(super) fn pour(
        &self,
        request: &HttpRequest,
        content: &dyn Flow,
    ) -> Result<HttpResponse, Ended> {
        self.client.pour(&self.who, request, content, &self.run)
    }

    pub(super) const fn run(&self) -> &Run {
        &self.run
    }

    /// Fetches what `need` asks for.
    #[must_use]
    pub fn get(&self, need: &Need) -> Reply {
        let order = self.client.referrers_order(&self.who.endpoint);
        let limits = self.client.limits();
        let Some(mut progress) = Exchange::start(&self.who.endpoint, need, order, limits) else {
            return Reply::Failed("a registry does not have it".to_owned());
        };
        loop {
            let (exchange, request) = match progress {
                Progress::Done(reply) => return reply,
                Progress::Again(exchange, request) => (exchange, request),
            };
            let purpose = if exchange.lists_referrers() {
                Purpose::Referrers
            } else {
                Purpose::Other
            };
            let sent = self.client.ask(&self.who, &request, purpose, &self.run);
            match sent {
                Ok(response) => {
                    if let Some(learned) = exchange.learn(&response) {
                        self.client.learn(&self.who.endpoint, learned);
                    }
                    progress = exchange.receive(response);
                }
                Err(why) => return Reply::Failed(why.to_string()),
            }
        }
    }
}

impl Host for RegistryHost {
    fn fetch(&mut self, need: &Need) -> Reply {
        self.get(need)
    }

    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        parallel::map(needs, |need| self.get(need))
    }
}
