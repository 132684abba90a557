//! Writes down what verifications ask and are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::exchange::{Answer, Exchange, Key};
use crate::crypto::{HashAlgorithm, Provider};
use crate::evidence::{Content, EvidenceReply, EvidenceRequest, EvidenceSource};
use crate::io::drive::Host;
use crate::limits::Limits;
use crate::oci::media_type::{self, OCI_MANIFEST};
use crate::oci::{Digest, Manifest};
use crate::session::{Need, Reply, Request};
use crate::time::Time;
use crate::wire::Descriptor;

/// What verifications of one run asked and were told, on its way into an evidence
/// bundle. Cheap to clone; clones add to the same recording, from as many threads
/// as you like.
#[derive(Clone, Debug)]
pub struct Recording {
    state: Arc<Mutex<State>>,
    provider: Provider,
}

/// What was recorded so far. Bodies are in `blobs`, each once.
#[derive(Debug)]
pub(super) struct State {
    pub(super) verifications: Vec<Verification>,
    pub(super) blobs: BTreeMap<String, Content>,
    bytes: u64,
    exchanges: usize,
    limits: Limits,
    /// The bound that was reached: a bundle with something missing is not written.
    pub(super) full: Option<String>,
}

/// One verification.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) of: Subject,
    pub(super) as_of: Time,
    /// The artifact, where its manifest is recorded.
    pub(super) target: Option<Descriptor>,
    pub(super) exchanges: Vec<Exchange<Descriptor>>,
    seen: BTreeSet<Key>,
}

/// What a verification was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Image { scope: String, reference: String },
    AtHand { name: String },
}

impl Recording {
    /// An empty one. `limits` are those that a reader of the bundle will have:
    /// `bundle_recordings`, `bundle_exchanges` and `bundle_bytes`.
    #[must_use]
    pub fn new(provider: Provider, limits: &Limits) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                verifications: Vec::new(),
                blobs: BTreeMap::new(),
                bytes: 0,
                exchanges: 0,
                limits: limits.clone(),
                full: None,
            })),
            provider,
        }
    }

    /// A host that answers as `inner` does, and records the verification of
    /// `reference` in `scope` as of `as_of`: the values of the
    /// [`ImageRequest`](crate::session::ImageRequest).
    pub fn image<H>(&self, scope: &str, reference: &str, as_of: Time, inner: H) -> Recorder<H> {
        let of = Subject::Image {
            scope: scope.to_owned(),
            reference: reference.to_owned(),
        };
        self.start(of, as_of, inner)
    }

    /// The same for a verification whose artifact and signature are at hand, such
    /// as a blob or an envelope: only OCSP answers and CRLs are fetched for it.
    /// `inner` is a host or a source of evidence; `name` is for people.
    pub fn at_hand<S>(&self, name: &str, as_of: Time, inner: S) -> Recorder<S> {
        let name = name.to_owned();
        self.start(Subject::AtHand { name }, as_of, inner)
    }

    fn start<H>(&self, of: Subject, as_of: Time, inner: H) -> Recorder<H> {
        let mut state = self.lock();
        let number = state.verifications.len();
        state.verifications.push(Verification {
            of,
            as_of,
            target: None,
            exchanges: Vec::new(),
            seen: BTreeSet::new(),
        });
        if state.verifications.len() > state.limits.bundle_recordings {
            let most = state.limits.bundle_recordings;
            state.fill(format!("{most} verifications (`bundle_recordings`)"));
        }
        Recorder {
            recording: self.clone(),
            number,
            inner,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Keeps what came of `key`, the first time that it was asked.
    fn keep(&self, number: usize, key: Key, answer: Answer<Content>) {
        let at = clock();
        // Hashed before the others have to wait.
        let answer = answer.map(|body| (self.place(&key, &body), body));
        let mut state = self.lock();
        let bytes = answer.body().map(|(place, body)| (place, body.clone()));
        if let Some((place, body)) = bytes
            && !state.blobs.contains_key(&place.digest)
        {
            let length = u64::try_from(body.bytes().len()).unwrap_or(u64::MAX);
            state.bytes = state.bytes.saturating_add(length);
            if state.bytes > state.limits.bundle_bytes {
                let most = state.limits.bundle_bytes;
                return state.fill(format!("{most} octets (`bundle_bytes`)"));
            }
            state.blobs.insert(place.digest.clone(), body);
        }
        state.exchanges = state.exchanges.saturating_add(1);
        if state.exchanges > state.limits.bundle_exchanges {
            let most = state.limits.bundle_exchanges;
            return state.fill(format!("{most} requests (`bundle_exchanges`)"));
        }
        if let Some(verification) = state.verifications.get_mut(number)
            && verification.seen.insert(key.clone())
        {
            let answer = answer.map(|(place, _)| place);
            verification.exchanges.push(Exchange { key, at, answer });
        }
    }

    /// Where `body` is in the bundle.
    fn place(&self, key: &Key, body: &Content) -> Descriptor {
        let asked = match key {
            Key::Resolve { reference: text }
            | Key::Manifest { digest: text }
            | Key::Envelope { digest: text } => Digest::parse(text).ok(),
            _ => None,
        };
        let algorithm = asked.map_or(HashAlgorithm::Sha256, |digest| digest.algorithm());
        Descriptor {
            digest: Digest::of(&self.provider, algorithm, body.bytes()).to_string(),
            size: i64::try_from(body.bytes().len()).unwrap_or(i64::MAX),
            ..Descriptor::default()
        }
    }

    /// Notes which artifact a reference led to, once its manifest is recorded.
    fn set_target(&self, number: usize, target: Descriptor, manifest: Content) {
        let mut state = self.lock();
        let length = u64::try_from(manifest.bytes().len()).unwrap_or(u64::MAX);
        if !state.blobs.contains_key(&target.digest) {
            state.bytes = state.bytes.saturating_add(length);
            state.blobs.insert(target.digest.clone(), manifest);
        }
        if let Some(verification) = state.verifications.get_mut(number) {
            verification.target = Some(target);
        }
    }
}

impl State {
    fn fill(&mut self, bound: String) {
        self.full.get_or_insert(bound);
    }
}

/// A host or a source of evidence whose answers are recorded. What it answers is
/// exactly what the inner one does.
#[derive(Clone, Debug)]
pub struct Recorder<H> {
    recording: Recording,
    number: usize,
    inner: H,
}

impl<H> Recorder<H> {
    fn record(&self, request: &Request, reply: &Reply) {
        if let (Some(key), Some(answer)) = (Key::of(request), Answer::of(reply)) {
            self.recording.keep(self.number, key, answer);
        }
    }
}

impl<H: Host> Recorder<H> {
    /// Adds the artifact's manifest, so that the bundle is of use to other tools.
    /// A host with an index of its own resolves without it.
    fn add_target(&mut self, need: &Need, reply: &Reply) {
        let Request::Resolve { reference } = &need.request else {
            return;
        };
        let (target, manifest) = match reply {
            Reply::Content { media_type, bytes } => {
                let stated = Manifest::parse(bytes, &Limits::default()).ok();
                let media_type = media_type
                    .clone()
                    .or_else(|| stated.and_then(|manifest| manifest.media_type));
                let content = Content::from(bytes.clone());
                let key = Key::Resolve {
                    reference: reference.clone(),
                };
                let place = self.recording.place(&key, &content);
                let target = Descriptor {
                    media_type: media_type.unwrap_or_else(|| OCI_MANIFEST.to_owned()),
                    ..place
                };
                (target, content)
            }
            Reply::Resolved(target) => {
                let is_document = media_type::is_manifest(&target.media_type)
                    || media_type::is_index(&target.media_type);
                let size = usize::try_from(target.size).unwrap_or(usize::MAX);
                if !is_document || size > need.max_bytes {
                    return;
                }
                let manifest = Need {
                    id: need.id,
                    request: Request::Manifest(target.clone()),
                    max_bytes: size,
                };
                let Reply::Content { bytes, .. } = self.inner.fetch(&manifest) else {
                    return;
                };
                (target.clone(), Content::from(bytes))
            }
            _ => return,
        };
        let genuine = Digest::parse(&target.digest)
            .is_ok_and(|digest| digest.verify(self.recording.provider(), manifest.bytes()));
        let as_asked = Digest::parse(reference).is_err() || target.digest == *reference;
        if genuine && as_asked && media_type::is_well_formed(&target.media_type) {
            let target = Descriptor {
                annotations: BTreeMap::new(),
                ..target
            };
            self.recording.set_target(self.number, target, manifest);
        }
    }
}

impl<H: Host> Host for Recorder<H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        let reply = self.inner.fetch(need);
        self.record(&need.request, &reply);
        self.add_target(need, &reply);
        reply
    }

    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        let replies = self.inner.fetch_all(needs);
        for (need, reply) in needs.iter().zip(&replies) {
            self.record(&need.request, reply);
            self.add_target(need, reply);
        }
        replies
    }
}

impl<S: EvidenceSource> EvidenceSource for Recorder<S> {
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply {
        let reply = self.inner.fetch(request);
        let (key, answer) = (Key::of_evidence(request), Answer::of_evidence(&reply));
        self.recording.keep(self.number, key, answer);
        reply
    }

    fn fetch_all(&mut self, requests: &[EvidenceRequest]) -> Vec<EvidenceReply> {
        let replies = self.inner.fetch_all(requests);
        for (request, reply) in requests.iter().zip(&replies) {
            let (key, answer) = (Key::of_evidence(request), Answer::of_evidence(reply));
            self.recording.keep(self.number, key, answer);
        }
        replies
    }
}

/// The machine's clock; 1970 where it is before that.
fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    Time::from_unix(seconds)
}
