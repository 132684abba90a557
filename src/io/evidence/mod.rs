//! Fetches and keeps OCSP answers and CRLs (feature `http`).
//!
//! [`EvidenceFetcher`] gives a [`Session`](crate::session::Session) or
//! [`Verifier::verify_envelope`](crate::Verifier::verify_envelope) what the
//! revocation check asks for: from evidence that was given beforehand, from
//! memory, from a directory that processes share, or over HTTP. It decides
//! nothing about revocation. Whatever it gives is judged by the check each time,
//! signature and dates included, so that a bad answer in a cache is worth no
//! more than one from the network.

mod deadline;
mod directory;
mod egress;
mod freshness;
mod host;
mod key;
mod memory;
mod ocsp_url;
mod options;
mod preloaded;
mod transport;

pub use super::http::HostPattern;
pub use egress::{EgressRules, PrivateAddresses};
pub use host::WithEvidence;
pub use options::{DirectoryOptions, FetchOptions, MemoryBounds, Mode};
pub use preloaded::Preloaded;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::Provider;
use crate::evidence::{Content, EvidenceReply, EvidenceRequest};
use crate::io::flight::Flights;
use crate::io::parallel;
use crate::io::run::Run;
use crate::limits::Limits;
use crate::time::Time;

use deadline::Deadline;
use directory::Directory;
use freshness::{clock, is_current, next_update};
use key::Key;
use memory::{Kept, Memory};
use transport::{Failure, Method, Transport};

/// Warnings that are kept; the same one is kept once.
const MAX_WARNINGS: usize = 100;

/// Fetches and keeps evidence. Cheap to clone; clones share caches, and what
/// several threads want at the same time is fetched once. Use one for a whole
/// process.
///
/// ```no_run
/// use notation_verifier::io::evidence::{DirectoryOptions, EvidenceFetcher, FetchOptions};
/// use notation_verifier::{Limits, Provider};
///
/// let mut options = FetchOptions::default();
/// options.egress.allowed_hosts.push("*.example.com".parse()?);
/// options.directory = Some(DirectoryOptions::new("/var/cache/evidence"));
/// let fetcher = EvidenceFetcher::new(options, Provider::preferred(), &Limits::default());
/// # let _ = fetcher;
/// # Ok::<(), notation_verifier::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EvidenceFetcher {
    shared: Arc<Shared>,
    run: Run,
}

#[derive(Debug)]
struct Shared {
    options: FetchOptions,
    provider: Provider,
    limits: Limits,
    transport: Transport,
    flights: Flights<Key, Content, Failure>,
    memory: Memory,
    directory: Option<Directory>,
    warnings: Mutex<BTreeSet<String>>,
}

impl EvidenceFetcher {
    /// A fetcher. Nothing is opened or asked before it is needed.
    #[must_use]
    pub fn new(options: FetchOptions, provider: Provider, limits: &Limits) -> Self {
        let directory = options
            .directory
            .clone()
            .map(|options| Directory::new(options, provider));
        Self {
            shared: Arc::new(Shared {
                transport: Transport::new(options.egress.clone(), options.max_redirects),
                flights: Flights::default(),
                memory: Memory::new(options.memory.clone()),
                directory,
                warnings: Mutex::default(),
                provider,
                limits: limits.clone(),
                options,
            }),
            run: Run::default(),
        }
    }

    /// The same fetcher within `run`: it stops when that does, and the time-outs of
    /// single answers end with its time.
    #[must_use]
    pub fn in_run(&self, run: Run) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            run,
        }
    }

    /// What came of `request`; an answer has at most `max_bytes` octets.
    #[must_use]
    pub fn get(&self, request: &EvidenceRequest, max_bytes: usize) -> EvidenceReply {
        let key = Key::of(request);
        self.shared
            .at_hand(request, &key, max_bytes)
            .unwrap_or_else(|| self.shared.fetch(&key, max_bytes, &self.run))
    }

    /// What was given beforehand and fits `request`, for hosts that fetch themselves:
    /// nothing else is looked at, no clock either, and nobody is asked. What has expired
    /// at `moment` is passed over online, where somebody may have something newer.
    #[must_use]
    pub fn preloaded(
        &self,
        request: &EvidenceRequest,
        max_bytes: usize,
        moment: Time,
    ) -> Option<EvidenceReply> {
        let shared = &self.shared;
        let given = &shared.options.preloaded;
        let found = given.find(request, &shared.provider, &shared.limits)?;
        let usable = shared.options.mode != Mode::Online || found.is_current(moment);
        usable.then(|| bounded(found.content, shared.most(&Key::of(request), max_bytes)))
    }

    /// What came of each request, fetched at the same time, in their order.
    #[must_use]
    pub fn get_all(&self, requests: &[(&EvidenceRequest, usize)]) -> Vec<EvidenceReply> {
        // What is at hand is not worth a thread.
        let mut replies: Vec<Option<EvidenceReply>> = Vec::with_capacity(requests.len());
        let mut missing = Vec::new();
        for (request, max_bytes) in requests {
            let key = Key::of(request);
            let reply = self.shared.at_hand(request, &key, *max_bytes);
            if reply.is_none() {
                missing.push((key, *max_bytes));
            }
            replies.push(reply);
        }
        let mut fetched = parallel::map(&missing, |(key, max_bytes)| {
            self.shared.fetch(key, *max_bytes, &self.run)
        })
        .into_iter();
        replies
            .into_iter()
            .filter_map(|reply| reply.or_else(|| fetched.next()))
            .collect()
    }

    /// What was wrong with the cache directory so far, for a person. It never
    /// changes an answer.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = &self.shared.warnings;
        let warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.iter().cloned().collect()
    }
}

/// What the cache directory has for a request.
enum OnDisk {
    Nothing,
    Current(Content),
    Expired(Time),
}

impl Shared {
    /// The moment that evidence must be current at.
    fn moment(&self) -> Time {
        self.options.moment.unwrap_or_else(clock)
    }

    /// The most octets that an answer may have.
    fn most(&self, key: &Key, max_bytes: usize) -> usize {
        max_bytes.min(match key {
            Key::Crl { .. } => self.limits.evidence_bytes,
            Key::Ocsp { .. } => self.limits.ocsp_response_bytes,
        })
    }

    /// What there is without asking anyone; `None` where somebody is to be asked.
    fn at_hand(
        &self,
        request: &EvidenceRequest,
        key: &Key,
        max_bytes: usize,
    ) -> Option<EvidenceReply> {
        let moment = self.moment();
        let preloaded = self
            .options
            .preloaded
            .find(request, &self.provider, &self.limits);
        let (current, expired) = match preloaded {
            Some(found) if found.is_current(moment) => (Some(found.content), None),
            Some(found) => (None, Some(found.content)),
            None => (None, None),
        };
        let most = self.most(key, max_bytes);
        if let Some(content) = current {
            return Some(bounded(content, most));
        }
        let why = match self.options.mode {
            Mode::Offline => {
                "nothing that was given beforehand answers, and the mode is `offline`".to_owned()
            }
            mode => match (self.memory.get(key, moment), mode) {
                (Some(Kept::Answer(content)), _) => return Some(bounded(content, most)),
                (Some(Kept::Failure(why)), _) => why,
                (_, Mode::Online) => return None,
                (kept, _) => match (self.on_disk(key, most), kept) {
                    (OnDisk::Current(content), _) => return Some(bounded(content, most)),
                    (OnDisk::Expired(at), _) | (_, Some(Kept::Expired(at))) => {
                        format!("the cached answer expired at {at}, and the mode is `cache-only`")
                    }
                    _ => "no answer is cached, and the mode is `cache-only`".to_owned(),
                },
            },
        };
        // The check says what is wrong with an expired one, and since when.
        Some(match expired {
            Some(content) if self.options.mode != Mode::Online => bounded(content, most),
            _ => EvidenceReply::Unavailable(why),
        })
    }

    /// Asks, together with whoever else wants the same.
    fn fetch(&self, key: &Key, max_bytes: usize, run: &Run) -> EvidenceReply {
        let most = self.most(key, max_bytes);
        let deadline = Deadline::new(key.timeout(&self.options), run.clone());
        let go_on = || Ok(deadline.left().map(drop)?);
        let fetched = self
            .flights
            .join(key, go_on, || self.bring(key, most, &deadline));
        match fetched {
            Ok(content) => bounded(content, most),
            Err(failure) => EvidenceReply::Unavailable(failure.to_string()),
        }
    }

    fn bring(&self, key: &Key, most: usize, deadline: &Deadline) -> Result<Content, Failure> {
        // It may have landed between the look and the flight.
        match self.memory.get(key, self.moment()) {
            Some(Kept::Answer(content)) => return Ok(content),
            Some(Kept::Failure(why)) => return Err(Failure::Cause(why)),
            Some(Kept::Expired(_)) | None => {}
        }
        if let OnDisk::Current(content) = self.on_disk(key, most) {
            return Ok(content);
        }
        match self.ask(key, most, deadline) {
            Ok(bytes) => {
                let content = Content::from(bytes);
                self.keep(key, &content);
                Ok(content)
            }
            Err(failure) => {
                if !matches!(failure, Failure::RunOver(_)) {
                    self.memory.keep_failure(key, &failure.to_string());
                }
                Err(failure)
            }
        }
    }

    fn ask(&self, key: &Key, most: usize, deadline: &Deadline) -> Result<Vec<u8>, Failure> {
        let (url, request) = match key {
            Key::Crl { url } => {
                return self.transport.exchange(url, Method::Get, deadline, most);
            }
            Key::Ocsp { url, request } => (url, request),
        };
        if let Some(url) = ocsp_url::for_get(url, request) {
            let answer = self.transport.exchange(&url, Method::Get, deadline, most);
            match answer {
                // Some responders understand POST alone.
                Err(Failure::Status(400 | 404 | 405 | 414 | 501)) => {}
                answer => return answer,
            }
        }
        let post = Method::Post(request, "application/ocsp-request");
        self.transport.exchange(url, post, deadline, most)
    }

    /// Keeps an answer that is current. Others are judged once, by who asked.
    fn keep(&self, key: &Key, content: &Content) {
        let Some(next) = next_update(key, content) else {
            return;
        };
        let now = clock();
        if is_current(Some(next), self.moment()) {
            self.memory.keep(key, content, next, now);
        }
        if let Some(directory) = &self.directory
            && is_current(Some(next), now)
            && let Err(warning) = directory.store(key, content.bytes(), now)
        {
            self.warn(warning);
        }
    }

    fn on_disk(&self, key: &Key, most: usize) -> OnDisk {
        let Some(directory) = &self.directory else {
            return OnDisk::Nothing;
        };
        let stored = match directory.load(key, most) {
            Ok(Some(stored)) => stored,
            Ok(None) => return OnDisk::Nothing,
            Err(warning) => {
                self.warn(warning);
                return OnDisk::Nothing;
            }
        };
        let content = Content::from(stored.content);
        match next_update(key, &content) {
            Some(next) if is_current(Some(next), self.moment()) => {
                self.memory.keep(key, &content, next, stored.fetched);
                OnDisk::Current(content)
            }
            Some(next) => OnDisk::Expired(next),
            None => OnDisk::Nothing,
        }
    }

    fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if warnings.len() < MAX_WARNINGS {
            warnings.insert(warning);
        }
    }
}

/// `content`, where this caller takes that many octets.
fn bounded(content: Content, most: usize) -> EvidenceReply {
    if content.bytes().len() > most {
        return EvidenceReply::Unavailable(format!(
            "the answer has {} octets, and at most {most} are allowed",
            content.bytes().len()
        ));
    }
    EvidenceReply::Content(content)
}
