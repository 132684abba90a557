//! Answers from a bundle.

use std::sync::Arc;

use super::exchange::{Answer, Key};
use super::open::{Claims, Inner};
use crate::error::{Error, ErrorKind};
use crate::evidence::{EvidenceReply, EvidenceRequest, EvidenceSource};
use crate::io::drive::Host;
use crate::session::{Need, Reply, Request};
use crate::time::Time;
use crate::wire::Descriptor;

/// How far the clock of the machine that recorded may have been ahead of ours, in
/// seconds: what the check of revocation allows for authorities.
const CLOCK_LEEWAY: i64 = 300;
/// Characters of a recorded text that are shown.
const MAX_SHOWN: usize = 500;

/// A host that answers from one recording of a bundle, or, for artifacts at hand,
/// a source of all evidence in it. It never reaches for a network: what was not
/// recorded cannot be had.
#[derive(Clone, Debug)]
pub struct Replay {
    bundle: Arc<Inner>,
    which: Which,
    claims: Claims,
}

/// What a replay answers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    One(usize),
    /// One of a tag, for the digest that it led to.
    Resolved(usize),
    /// All evidence.
    All,
}

impl Replay {
    pub(super) fn new(bundle: &Arc<Inner>, which: Which, claims: Claims) -> Self {
        Self {
            bundle: Arc::clone(bundle),
            which,
            claims,
        }
    }

    /// As of when the verification was recorded, by the bundle's own account;
    /// `None` where its recordings say different things. Nothing proves it.
    #[must_use]
    pub fn recorded_as_of(&self) -> Option<Time> {
        let recordings = &self.bundle.recordings;
        match self.which {
            Which::One(number) | Which::Resolved(number) => {
                recordings.get(number).map(|one| one.as_of)
            }
            Which::All => {
                let (first, rest) = recordings.split_first()?;
                let same = rest.iter().all(|one| one.as_of == first.as_of);
                same.then_some(first.as_of)
            }
        }
    }

    /// The moment to verify as of, where the bundle's claim is accepted; `now` is
    /// the caller's clock.
    ///
    /// # Errors
    /// Where claims are refused, the recordings are of several moments, or the
    /// moment is in the future: nobody could have recorded it.
    pub fn claimed_moment(&self, now: Time) -> Result<Time, Error> {
        let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
        if self.claims == Claims::Refuse {
            return usage(
                "the claims of the evidence bundle are refused: give a moment".to_owned(),
            );
        }
        match self.recorded_as_of() {
            None => usage(
                "the evidence bundle was recorded as of several moments: say which one you mean"
                    .to_owned(),
            ),
            Some(moment) if moment > now.saturating_add_seconds(CLOCK_LEEWAY) => usage(format!(
                "the evidence bundle claims to be recorded as of {moment}, and it is {now}"
            )),
            Some(moment) => Ok(moment),
        }
    }

    /// A host that gets OCSP answers and CRLs from here and everything else from
    /// `inner`: for layouts and blobs at hand.
    pub const fn around<H>(self, inner: H) -> ReplayAround<H> {
        ReplayAround {
            replay: self,
            inner,
        }
    }

    fn answer(&self, key: &Key) -> Option<&Answer<Descriptor>> {
        let recordings = &self.bundle.recordings;
        match self.which {
            Which::One(number) | Which::Resolved(number) => {
                recordings.get(number)?.answers.get(key)
            }
            Which::All if key.is_evidence() => {
                let answers = || recordings.iter().filter_map(|one| one.answers.get(key));
                answers()
                    .find(|answer| matches!(answer, Answer::Content { .. }))
                    .or_else(|| answers().next())
            }
            Which::All => None,
        }
    }

    fn reply(&self, need: &Need) -> Result<Reply, String> {
        let missing = || "the evidence bundle does not have it".to_owned();
        let mut key = Key::of(&need.request).ok_or_else(missing)?;
        if let (Which::Resolved(number), Key::Resolve { reference }) = (self.which, &mut key) {
            // It was recorded under the tag; the session holds it against the digest.
            self.bundle
                .reference(number)
                .ok_or_else(missing)?
                .clone_into(reference);
        }
        let answer = self.answer(&key).ok_or_else(missing)?;
        let limits = self.bundle.limits();
        Ok(match answer {
            Answer::Content { media_type, body } => {
                if key.is_evidence() {
                    let content = self.bundle.content(body, limits.evidence_bytes)?;
                    return Ok(Reply::Evidence(EvidenceReply::Content(content)));
                }
                Reply::Content {
                    media_type: media_type.clone(),
                    bytes: self.bundle.body(body, need.max_bytes)?,
                }
            }
            Answer::Resolved(body) => {
                let index = self.bundle.index(body, limits.manifest_bytes)?;
                let descriptor = index.descriptors().next().cloned();
                Reply::Resolved(descriptor.ok_or_else(missing)?)
            }
            Answer::Referrers {
                body,
                next,
                problems,
            } => {
                let index = self.bundle.index(body, limits.manifest_bytes)?;
                let mut problems: Vec<String> = problems.iter().map(|text| told(text)).collect();
                let mut descriptors = Vec::new();
                for entry in index.entries {
                    match entry.descriptor {
                        Ok(descriptor) => descriptors.push(descriptor),
                        Err(problem) => problems.push(problem),
                    }
                }
                Reply::Referrers {
                    descriptors,
                    next: next.clone(),
                    problems,
                }
            }
            Answer::NotFound => Reply::NotFound,
            Answer::Failed(why) => Reply::Failed(told(why)),
        })
    }
}

impl Host for Replay {
    fn fetch(&mut self, need: &Need) -> Reply {
        self.reply(need).unwrap_or_else(Reply::Failed)
    }
}

impl EvidenceSource for Replay {
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply {
        let need = Need {
            id: crate::session::NeedId(0),
            request: Request::Evidence(request.clone()),
            max_bytes: self.bundle.limits().evidence_bytes,
        };
        match self.reply(&need) {
            Ok(Reply::Evidence(reply)) => reply,
            Ok(Reply::Failed(why)) | Err(why) => EvidenceReply::Unavailable(why),
            Ok(_) => EvidenceReply::Unavailable("the server did not have it".to_owned()),
        }
    }
}

/// See [`Replay::around`].
#[derive(Clone, Debug)]
pub struct ReplayAround<H> {
    replay: Replay,
    inner: H,
}

impl<H: Host> Host for ReplayAround<H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::Evidence(_) => Host::fetch(&mut self.replay, need),
            _ => self.inner.fetch(need),
        }
    }
}

/// A recorded text for a person. Whoever wrote the bundle chose it: it is one line
/// of bounded length, and marked as recorded.
fn told(text: &str) -> String {
    let mut told = "as recorded: ".to_owned();
    for (position, character) in text.chars().enumerate() {
        if position == MAX_SHOWN {
            told.push('…');
            break;
        }
        if character.is_control() {
            told.extend(character.escape_default());
        } else {
            told.push(character);
        }
    }
    told
}
