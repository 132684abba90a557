//! Reads a bundle: in place, bounded, every blob held against its digest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::exchange::{Answer, Exchange, Key};
use super::format::{ARTIFACT_TYPE, annotation};
use super::record::Subject;
use super::replay::{Replay, Which};
use crate::error::{Error, ErrorKind, quote};
use crate::evidence::Content;
use crate::io::layout::{Layout, LayoutError};
use crate::limits::Limits;
use crate::oci::{ArtifactManifest, Digest, Index};
use crate::time::Time;
use crate::wire::Descriptor;

/// Octets of `index.json`, which lists about three manifests for a recording.
const MAX_INDEX_BYTES: usize = 32 * 1024 * 1024;

/// What to do with what a bundle only claims: as of when it was recorded, and
/// which artifact a tag was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claims {
    /// Use neither: artifacts are named by their digests, and the moment of
    /// verification is the caller's.
    Refuse,
    /// Use both. A verdict from this says what would have been right if the bundle
    /// tells the truth; show it as that.
    Accept,
}

/// An evidence bundle that was read. Cheap to clone; can be used by many threads.
#[derive(Clone, Debug)]
pub struct Bundle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    layout: Layout,
    pub(super) recordings: Vec<Recorded>,
    /// Bodies of evidence that were asked for, so that a large list is parsed once
    /// for all artifacts.
    contents: Mutex<HashMap<String, Content>>,
    limits: Limits,
}

/// One verification.
#[derive(Debug)]
pub(super) struct Recorded {
    of: Subject,
    pub(super) as_of: Time,
    pub(super) answers: BTreeMap<Key, Answer<Descriptor>>,
}

impl Bundle {
    /// Opens the bundle in the tar archive, or the directory with the same
    /// content, at `path`.
    ///
    /// # Errors
    /// Where it is no OCI image layout in which something was recorded, a blob has
    /// another digest or is missing, or there is more than `limits` allow.
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let layout = Layout::open(path, &wide(limits)).map_err(Error::from);
        layout
            .and_then(|layout| Self::read(layout, limits))
            .map_err(|error| named(&path.to_string_lossy(), &error))
    }

    /// The same for an archive that can be read at any place.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_tar(
        archive: impl Read + Seek + Send + 'static,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let layout = Layout::from_tar(archive, &wide(limits))?;
        Self::read(layout, limits)
    }

    fn read(layout: Layout, limits: &Limits) -> Result<Self, Error> {
        let listed: Vec<Descriptor> = layout
            .index()
            .descriptors()
            .filter(|one| one.artifact_type.as_deref() == Some(ARTIFACT_TYPE))
            .cloned()
            .collect();
        if listed.is_empty() {
            return Err(malformed(
                "it is an OCI image layout in which no evidence was recorded: give a file that \
                 --save-evidence wrote",
            ));
        }
        if listed.len() > limits.bundle_recordings {
            return Err(limit(
                limits.bundle_recordings,
                "recordings",
                "bundle_recordings",
            ));
        }
        let mut reader = Reader {
            layout: &layout,
            limits,
            bytes: 0,
            exchanges: 0,
            seen: HashSet::new(),
        };
        // Artifacts and signatures, which other tools read.
        for content in layout.index().descriptors() {
            reader.check(content)?;
        }
        let recordings = listed
            .iter()
            .map(|manifest| {
                reader
                    .recording(manifest)
                    .map_err(|error| named(&manifest.digest, &error))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                layout,
                recordings,
                contents: Mutex::default(),
                limits: limits.clone(),
            }),
        })
    }

    /// The host that answers for the image `reference` in `scope`, as they were
    /// recorded.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the bundle has no recording of it, and where
    /// `reference` is a tag and claims are refused: what a tag is now, nobody but
    /// the registry knows.
    pub fn image(&self, scope: &str, reference: &str, claims: Claims) -> Result<Replay, Error> {
        let wanted = Subject::Image {
            scope: scope.to_owned(),
            reference: reference.to_owned(),
        };
        let found = self
            .inner
            .recordings
            .iter()
            .position(|one| one.of == wanted);
        let by_digest = Digest::parse(reference).is_ok();
        let Some(number) = found else {
            if by_digest && let Some(number) = self.resolved_to(scope, reference) {
                return Ok(Replay::new(&self.inner, Which::Resolved(number), claims));
            }
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "the evidence bundle has nothing about {} in {}; it has {}",
                    quote(reference),
                    quote(scope),
                    self.known()
                ),
            ));
        };
        if claims == Claims::Refuse && !by_digest {
            let digest = self.inner.digest_of(number);
            let digest = digest.map_or_else(
                || "the bundle does not say what it was".to_owned(),
                |digest| format!("by the bundle's account it was {}", quote(&digest)),
            );
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "a bundle cannot prove which artifact {} is: give its digest ({digest}), or \
                     take the bundle's word with --evidence-time recorded",
                    quote(reference),
                ),
            ));
        }
        Ok(Replay::new(&self.inner, Which::One(number), claims))
    }

    /// What answers for artifacts and signatures that are at hand: every OCSP
    /// answer and CRL of the bundle. Where two recordings have the same request,
    /// the first one with an answer counts.
    #[must_use]
    pub fn evidence(&self, claims: Claims) -> Replay {
        Replay::new(&self.inner, Which::All, claims)
    }

    /// The recording of a tag that led to `digest`. Its signatures are those of the
    /// artifact, whatever the tag is.
    fn resolved_to(&self, scope: &str, digest: &str) -> Option<usize> {
        let wanted = scope;
        self.inner
            .recordings
            .iter()
            .enumerate()
            .find(|(number, one)| {
                matches!(&one.of, Subject::Image { scope, .. } if scope == wanted)
                    && self.inner.digest_of(*number).as_deref() == Some(digest)
            })
            .map(|(number, _)| number)
    }

    /// What the bundle has, for a person.
    fn known(&self) -> String {
        const SHOWN: usize = 5;
        let mut known: Vec<String> = self
            .inner
            .recordings
            .iter()
            .take(SHOWN)
            .map(|one| match &one.of {
                Subject::Image { scope, reference } => {
                    format!("{} in {}", quote(reference), quote(scope))
                }
                Subject::AtHand { name } => format!("evidence for {}", quote(name)),
            })
            .collect();
        if self.inner.recordings.len() > SHOWN {
            known.push("…".to_owned());
        }
        known.join(", ")
    }
}

impl Inner {
    /// The body of an answer. What is damaged or missing is a failure, and never
    /// "not found".
    pub(super) fn body(&self, place: &Descriptor, most: usize) -> Result<Vec<u8>, String> {
        self.layout
            .read(place, most)
            .map_err(|error| format!("the evidence bundle does not give it: {error}"))
    }

    /// The body of evidence, shared with whoever else asks for it.
    pub(super) fn content(&self, place: &Descriptor, most: usize) -> Result<Content, String> {
        let lock = || self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = lock().get(&place.digest) {
            return Ok(content.clone());
        }
        let content = Content::from(self.body(place, most)?);
        Ok(lock()
            .entry(place.digest.clone())
            .or_insert(content)
            .clone())
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The descriptors in a recorded index.
    pub(super) fn index(&self, place: &Descriptor, most: usize) -> Result<Index, String> {
        let bytes = self.body(place, most)?;
        Index::parse(&bytes, &self.limits).map_err(|error| error.to_string())
    }

    /// The reference of the recording `number`.
    pub(super) fn reference(&self, number: usize) -> Option<&str> {
        match &self.recordings.get(number)?.of {
            Subject::Image { reference, .. } => Some(reference),
            Subject::AtHand { .. } => None,
        }
    }

    /// The digest that the recording `number` has for its reference.
    pub(super) fn digest_of(&self, number: usize) -> Option<String> {
        let key = Key::Resolve {
            reference: self.reference(number)?.to_owned(),
        };
        match self.recordings.get(number)?.answers.get(&key)? {
            Answer::Content { body, .. } => Some(body.digest.clone()),
            Answer::Resolved(body) => {
                let index = self.index(body, self.limits.manifest_bytes).ok()?;
                let digest = index.descriptors().next()?.digest.clone();
                Some(digest)
            }
            _ => None,
        }
    }
}

/// Reads recordings, and counts.
struct Reader<'a> {
    layout: &'a Layout,
    limits: &'a Limits,
    bytes: u64,
    exchanges: usize,
    /// Blobs that were looked at.
    seen: HashSet<(String, i64)>,
}

impl Reader<'_> {
    fn recording(&mut self, descriptor: &Descriptor) -> Result<Recorded, Error> {
        let bytes = self.blob(descriptor, self.limits.manifest_bytes)?;
        let left = self.limits.bundle_exchanges.saturating_sub(self.exchanges);
        let manifest = ArtifactManifest::parse(&bytes, left, self.limits)?;
        if manifest.artifact_type.as_deref() != Some(ARTIFACT_TYPE) {
            return Err(malformed(
                "its `artifactType` is another one than in the index",
            ));
        }
        self.exchanges = self.exchanges.saturating_add(manifest.layers.len());
        let mut answers = BTreeMap::new();
        for layer in &manifest.layers {
            self.check(layer)?;
            let Some(exchange) = Exchange::of_layer(layer).map_err(malformed)? else {
                continue;
            };
            // Readers would disagree which of them counts.
            if answers.insert(exchange.key, exchange.answer).is_some() {
                return Err(malformed("it has two answers to one request"));
            }
        }
        let text = |name: &str| manifest.annotations.get(name).cloned();
        let of = match (text(annotation::SCOPE), text(annotation::REFERENCE)) {
            (Some(scope), Some(reference)) => Subject::Image { scope, reference },
            _ => Subject::AtHand {
                name: text(annotation::NAME).unwrap_or_default(),
            },
        };
        let as_of = text(annotation::AS_OF)
            .and_then(|text| Time::parse_rfc3339(&text))
            .ok_or_else(|| malformed(format!("`{}` is missing or no time", annotation::AS_OF)))?;
        Ok(Recorded { of, as_of, answers })
    }

    /// Holds a blob against its digest, once.
    fn check(&mut self, place: &Descriptor) -> Result<(), Error> {
        if self.seen.contains(&(place.digest.clone(), place.size)) {
            return Ok(());
        }
        let limits = self.limits;
        let most = limits
            .evidence_bytes
            .max(limits.manifest_bytes)
            .max(limits.envelope_bytes);
        self.blob(place, most)?;
        self.seen.insert((place.digest.clone(), place.size));
        Ok(())
    }

    fn blob(&mut self, place: &Descriptor, most: usize) -> Result<Vec<u8>, Error> {
        let size = u64::try_from(place.size).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bundle_bytes {
            return Err(limit(self.limits.bundle_bytes, "octets", "bundle_bytes"));
        }
        self.layout.read(place, most).map_err(|error| match error {
            LayoutError::NotFound(_) => malformed(format!("it is incomplete: {error}")),
            LayoutError::Failed(error) => error,
        })
    }
}

/// The bounds of the layout around: an index lists about three manifests for a
/// recording.
fn wide(limits: &Limits) -> Limits {
    let mut wide = limits.clone();
    wide.referrers = limits
        .referrers
        .max(limits.bundle_recordings.saturating_mul(4));
    wide.tar_entries = limits
        .tar_entries
        .max(limits.bundle_exchanges.saturating_mul(2));
    wide.manifest_bytes = limits.manifest_bytes.max(MAX_INDEX_BYTES);
    wide
}

fn named(name: &str, error: &Error) -> Error {
    Error::new(
        error.kind(),
        format!("the evidence bundle {}: {error}", quote(name)),
    )
}

fn malformed(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, problem)
}

fn limit(most: impl std::fmt::Display, of: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("it has more than {most} {of} (`{name}`)"),
    )
}
