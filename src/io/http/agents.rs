//! The pools of connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::Agent;

use super::connect::connector;
use super::proxy::ProxySettings;
use super::resolve::SystemResolver;
use super::tls::{Identity, Route, Tls};
use crate::registry::{Origin, Scheme};

/// Idle connections that are kept, for all servers and for one.
const MAX_IDLE: usize = 128;
const MAX_IDLE_OF_ONE: usize = 64;
/// How long an idle connection is kept. Servers keep them for 60 seconds and more.
const IDLE_AGE: Duration = Duration::from_secs(30);

/// One pool for each way that connections are made.
#[derive(Debug)]
pub struct Agents {
    tls: Arc<Tls>,
    proxies: ProxySettings,
    made: Mutex<HashMap<Way, Agent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Way {
    identity: Identity,
    /// The proxy for servers of this scheme.
    through: Option<Scheme>,
}

impl Agents {
    pub fn new(tls: Tls, proxies: ProxySettings) -> Self {
        Self {
            tls: Arc::new(tls),
            proxies,
            made: Mutex::default(),
        }
    }

    /// The pool for the server `origin`.
    ///
    /// # Errors
    /// Why its proxy cannot be used.
    pub fn agent(&self, origin: &Origin, identity: Identity) -> Result<Agent, String> {
        let way = Way {
            identity: self.tls.identity(identity),
            through: self.proxies.applies_to(origin).then_some(origin.scheme()),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = made.get(&way) {
            return Ok(agent.clone());
        }
        let proxy = match way.through {
            Some(scheme) => self.proxies.proxy(scheme)?,
            None => None,
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .max_idle_connections(MAX_IDLE)
            .max_idle_connections_per_host(MAX_IDLE_OF_ONE)
            .max_idle_age(IDLE_AGE)
            .user_agent(super::USER_AGENT)
            .build();
        let route = match way.through {
            Some(_) => Route::ThroughProxy,
            None => Route::Direct,
        };
        let connector = connector(&self.tls, way.identity, route);
        let agent = Agent::with_parts(config, connector, SystemResolver);
        made.insert(way, agent.clone());
        Ok(agent)
    }
}
