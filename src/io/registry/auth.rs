//! What servers want to see before they answer, and what they get.
//!
//! The rules of where a credential may go are [`token::realm`] and
//! [`redirect::follow`](crate::registry::redirect::follow); here they are applied.
//! A password is sent to the registry that it is for (basic) or to its token server;
//! a token goes to the registry alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::attempts::{Attempts, Ended, Sent};
use super::credentials::Credentials;
use super::gate::Purpose;
use super::send::{Answer, Outgoing};
use crate::error::quote;
use crate::io::flight::Flights;
use crate::io::http::HostPattern;
use crate::io::http::tls::Identity;
use crate::io::run::Run;
use crate::registry::challenge;
use crate::registry::docker_config::Credential;
use crate::registry::token::{self, Trusted};
use crate::registry::{Endpoint, HttpResponse, Method, Origin, Retry, Secret};
use crate::wire::base64;

/// How long a credential is believed before its source is asked again where the
/// registry refuses it. Those of cloud helpers last for hours.
const CREDENTIAL_AGE: Duration = Duration::from_secs(60);
/// Tokens, credentials and servers that are kept.
const MAX_ENTRIES: usize = 10_000;

/// For whom a token is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Who {
    /// The registry as references name it: what its credential is kept under.
    pub registry: String,
    /// The repository, which the token's scope names.
    pub endpoint: Endpoint,
    /// What the token must allow.
    pub access: Access,
    /// Another repository of the registry that the token must let read.
    pub other: Option<Endpoint>,
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    Pull,
    PullAndPush,
    /// To delete manifests too.
    All,
}

impl Who {
    fn scope(&self) -> String {
        let own = match self.access {
            Access::Pull => self.endpoint.pull_scope(),
            Access::PullAndPush => self.endpoint.push_scope(),
            Access::All => self.endpoint.delete_scope(),
        };
        match &self.other {
            Some(other) => format!("{own} {}", other.pull_scope()),
            None => own,
        }
    }
}

/// What to send with a request.
#[derive(Clone, Debug)]
pub enum Shown {
    /// Nothing: the server did not say yet that it wants anything.
    NotAsked,
    /// Nothing: the server wants something, and there is nothing.
    Nothing,
    /// This.
    Proof(Proof),
}

impl Shown {
    /// The value of `Authorization`.
    pub const fn value(&self) -> Option<&Secret> {
        match self {
            Self::Proof(proof) => Some(&proof.value),
            Self::NotAsked | Self::Nothing => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Proof {
    value: Secret,
    made: Instant,
}

#[derive(Debug)]
pub struct Auth {
    allowed_realms: Vec<HostPattern>,
    source: Source,
    credentials: Mutex<HashMap<String, Found>>,
    asking: Flights<String, Option<Credential>, Ended>,
    /// What a server said that it wants.
    demands: Mutex<HashMap<Origin, Demand>>,
    tokens: Mutex<HashMap<Who, Token>>,
    fetching: Flights<Who, Proof, Ended>,
}

struct Source(Arc<dyn Credentials>);

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

#[derive(Debug)]
struct Found {
    credential: Option<Credential>,
    at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

#[derive(Debug)]
struct Token {
    proof: Proof,
    until: Option<Instant>,
}

/// What to do after a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again: there is something else to send.
    Again,
    /// The answer is what it is.
    GiveUp,
}

impl Auth {
    pub fn new(credentials: Arc<dyn Credentials>, allowed_realms: Vec<HostPattern>) -> Self {
        Self {
            allowed_realms,
            source: Source(credentials),
            credentials: Mutex::default(),
            asking: Flights::default(),
            demands: Mutex::default(),
            tokens: Mutex::default(),
            fetching: Flights::default(),
        }
    }

    /// What to send with a request to the repository, as far as its server said what
    /// it wants.
    pub fn show(&self, who: &Who, attempts: &Attempts, run: &Run) -> Result<Shown, Ended> {
        let demand = locked(&self.demands).get(who.endpoint.origin()).cloned();
        match demand {
            None => Ok(Shown::NotAsked),
            Some(Demand::Basic) => Ok(match self.credential(&who.registry, run)? {
                Some(Credential::Password { username, password }) => {
                    Shown::Proof(Proof::now(basic(&username, &password)))
                }
                Some(Credential::RegistryToken(token)) => Shown::Proof(Proof::now(bearer(&token))),
                _ => Shown::Nothing,
            }),
            Some(Demand::Bearer { realm, service }) => {
                if let Some(proof) = self.kept(who) {
                    return Ok(Shown::Proof(proof));
                }
                let go_on = || Ok(run.check()?);
                let fetch = || match self.kept(who) {
                    // It came between the look and the flight.
                    Some(proof) => Ok(proof),
                    None => self.fetch(who, &realm, service.as_deref(), attempts, run),
                };
                self.fetching.join(who, go_on, fetch).map(Shown::Proof)
            }
        }
    }

    fn kept(&self, who: &Who) -> Option<Proof> {
        let tokens = locked(&self.tokens);
        let token = tokens.get(who)?;
        let fresh = token.until.is_some_and(|until| Instant::now() < until);
        fresh.then(|| token.proof.clone())
    }

    /// Takes the answer 401 to a request that was begun at `begun` and sent with
    /// `shown`.
    pub fn refused(
        &self,
        who: &Who,
        response: &HttpResponse,
        shown: &Shown,
        begun: Instant,
    ) -> Result<Next, Ended> {
        let challenges = challenge::parse(response.all("www-authenticate"))
            .map_err(|why| Ended::Why(format!("`{}`: {why}", who.endpoint.origin())))?;
        let demand = match challenge::choose(&challenges) {
            Some(chosen) if chosen.scheme == "basic" => Demand::Basic,
            Some(chosen) => Demand::Bearer {
                realm: chosen.parameter("realm").unwrap_or_default().to_owned(),
                service: chosen.parameter("service").map(str::to_owned),
            },
            None => return Ok(Next::GiveUp),
        };
        let mut demands = locked(&self.demands);
        if demands.len() >= MAX_ENTRIES {
            demands.clear();
        }
        let before = demands.insert(who.endpoint.origin().clone(), demand.clone());
        drop(demands);
        let changed = before.is_some_and(|before| before != demand);
        let proof = match shown {
            Shown::NotAsked => return Ok(Next::Again),
            Shown::Nothing if changed => return Ok(Next::Again),
            Shown::Nothing => return Ok(Next::GiveUp),
            Shown::Proof(proof) => proof,
        };
        self.forget_token(who, proof);
        // A token may have expired on the way. One that was made for this request
        // is not good enough, and another would not be better.
        let expired = matches!(demand, Demand::Bearer { .. }) && proof.made < begun;
        if changed || expired || self.forget_credential(&who.registry) {
            Ok(Next::Again)
        } else {
            Ok(Next::GiveUp)
        }
    }

    fn forget_token(&self, who: &Who, proof: &Proof) {
        let mut tokens = locked(&self.tokens);
        // Somebody else may have brought a new one.
        if tokens
            .get(who)
            .is_some_and(|token| token.proof.value == proof.value)
        {
            tokens.remove(who);
        }
    }

    /// Forgets a credential that is not new: its source may have another one.
    fn forget_credential(&self, registry: &str) -> bool {
        let mut credentials = locked(&self.credentials);
        let old = credentials
            .get(registry)
            .is_some_and(|found| found.credential.is_some() && found.at.elapsed() > CREDENTIAL_AGE);
        if old {
            credentials.remove(registry);
        }
        old
    }

    fn credential(&self, registry: &str, run: &Run) -> Result<Option<Credential>, Ended> {
        let kept =
            |all: &HashMap<String, Found>| all.get(registry).map(|one| one.credential.clone());
        if let Some(credential) = kept(&locked(&self.credentials)) {
            return Ok(credential);
        }
        let key = registry.to_owned();
        let go_on = || Ok(run.check()?);
        self.asking.join(&key, go_on, || {
            if let Some(credential) = kept(&locked(&self.credentials)) {
                return Ok(credential);
            }
            let found = self.source.0.find_in(registry, run);
            // A source that was stopped says that in words of its own.
            run.check()?;
            let credential = found.map_err(|why| {
                Ended::Why(format!(
                    "the credentials for {} could not be had: {why}",
                    quote(registry)
                ))
            })?;
            let mut credentials = locked(&self.credentials);
            if credentials.len() >= MAX_ENTRIES {
                credentials.clear();
            }
            let at = Instant::now();
            let found = Found {
                credential: credential.clone(),
                at,
            };
            credentials.insert(key.clone(), found);
            Ok(credential)
        })
    }

    /// Asks the token server.
    fn fetch(
        &self,
        who: &Who,
        realm: &str,
        service: Option<&str>,
        attempts: &Attempts,
        run: &Run,
    ) -> Result<Proof, Ended> {
        let why = |why: String| Ended::Why(format!("no token for {}: {why}", quote(&who.registry)));
        let credential = self.credential(&who.registry, run)?;
        if let Some(Credential::RegistryToken(token)) = &credential {
            return Ok(Proof::now(bearer(token)));
        }
        let registry = who.endpoint.origin();
        let listed = |origin: &Origin| {
            self.allowed_realms
                .iter()
                .any(|pattern| pattern.matches(origin.host(), origin.port()))
        };
        let (uri, trusted) = token::realm(registry, realm, listed).map_err(why)?;
        let server = Origin::of(&uri).map_err(why)?;
        if credential.is_some() && trusted == Trusted::Anonymously {
            return Err(why(format!(
                "the registry names the token server `{server}`, which is another server and may \
                 not see the credentials: allow it (`allowed_realms`, --allow-realm {}), or give \
                 no credentials",
                server.host()
            )));
        }
        let scope = who.scope();
        let url = token::url(&uri, service, &scope).map_err(why)?;
        let form = match &credential {
            Some(Credential::IdentityToken(token)) => {
                Some(token::refresh_form(service, &scope, token).map_err(why)?)
            }
            _ => None,
        };
        let url = match form {
            Some(_) => uri.to_string(),
            None => url,
        };
        let proof = match &credential {
            Some(Credential::Password { username, password }) => Some(basic(username, password)),
            _ => None,
        };
        let outgoing = Outgoing {
            method: if form.is_some() {
                Method::Post
            } else {
                Method::Get
            },
            url: &url,
            headers: &[("accept", "application/json".to_owned())],
            authorization: proof.as_ref(),
            form: form.as_ref(),
            body: None,
            max_bytes: token::MAX_REPLY_BYTES,
            answer: Answer::Whole,
            retry: Retry::Safe,
            identity: if server == *registry {
                Identity::Show
            } else {
                Identity::Hide
            },
        };
        let asked = Instant::now();
        let Sent { response, .. } = attempts.send(&server, outgoing, Purpose::Token, run)?;
        match response.status {
            200 => {}
            401 | 403 if credential.is_some() => {
                return Err(why(format!(
                    "the token server `{server}` refuses the credentials (status {})",
                    response.status
                )));
            }
            401 | 403 => {
                return Err(why(format!(
                    "the token server `{server}` gives none without credentials (status {}): log \
                     in to the registry, or give a user name and password",
                    response.status
                )));
            }
            status => {
                return Err(why(format!(
                    "the token server `{server}` answered with the status {status}"
                )));
            }
        }
        let token = token::parse(&response.body)
            .map_err(|problem| why(format!("the token server `{server}`: {problem}")))?;
        let proof = Proof::now(bearer(&token.token));
        // Given up a little before it ends, so that it does not end on the way.
        let seconds = token.seconds - token.seconds / 10;
        let mut tokens = locked(&self.tokens);
        if tokens.len() >= MAX_ENTRIES {
            let now = Instant::now();
            tokens.retain(|_, token| token.until.is_some_and(|until| now < until));
            if tokens.len() >= MAX_ENTRIES {
                tokens.clear();
            }
        }
        tokens.insert(
            who.clone(),
            Token {
                proof: proof.clone(),
                until: asked.checked_add(Duration::from_secs(seconds)),
            },
        );
        Ok(proof)
    }
}

impl Proof {
    fn now(value: Secret) -> Self {
        Self {
            value,
            made: Instant::now(),
        }
    }
}

fn basic(username: &str, password: &Secret) -> Secret {
    let both = format!("{username}:{}", password.reveal());
    Secret::new(format!(
        "Basic {}",
        base64::encode_standard(both.as_bytes())
    ))
}

fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.reveal()))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
