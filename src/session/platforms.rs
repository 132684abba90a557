//! An index and everything that it lists for platforms, as one verification.
//!
//! Each child has a session of its own, and its needs go out under the number of
//! the session that the host knows. All run side by side: an index takes one
//! round trip more than an image, however many platforms it has. Children come
//! from the bytes of their index and from nowhere else, and those are the bytes
//! whose digest is in the report.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::bounded_size;
use super::protocol::{Need, NeedId, Reply, Request, Step};
use super::{Lookup, Plan, Session, Stage};
use crate::error::quote;
use crate::oci::index::IndexEntry;
use crate::oci::{self, Index};
use crate::policy::Selection;
use crate::report::{PlatformReport, PlatformResult, PlatformsReport, Report, Subject};
use crate::wire::Descriptor;

/// Messages about what kept an index from being read; one says enough.
const MAX_FAILURES: usize = 20;

/// An index that was found, with its bytes or with what names them.
#[derive(Debug)]
pub(super) enum FoundIndex {
    Here(Vec<u8>),
    Named(Descriptor),
}

/// The children of an index, those of indexes in it included.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Whether the artifact is an index at all.
    is_index: bool,
    children: Vec<Child>,
    /// Digests that are among the children.
    seen: BTreeSet<String>,
    forwarded: BTreeMap<NeedId, Forwarded>,
    failures: Vec<String>,
}

#[derive(Debug)]
struct Child {
    descriptor: Descriptor,
    platform: Option<String>,
    /// Indexes above it.
    depth: usize,
    /// Needs of its session that are not answered.
    open: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Running(Box<Session>),
    Done(Box<Report>),
    NotAPlatform,
}

/// A need that the host knows by a number of the outer session.
#[derive(Debug)]
struct Forwarded {
    need: Need,
    of: Of,
}

#[derive(Debug)]
enum Of {
    /// The child at this position, where the need has this number.
    Child(usize, NeedId),
    /// An index at this depth.
    Index(Descriptor, usize),
}

impl Tree {
    pub(super) fn needs(&self) -> impl Iterator<Item = Need> + '_ {
        self.forwarded.values().map(|one| one.need.clone())
    }

    /// The need `id`, where it is one that was forwarded.
    pub(super) fn need(&self, id: NeedId) -> Option<&Need> {
        self.forwarded.get(&id).map(|one| &one.need)
    }

    /// Goes as far as it can with every child.
    pub(super) fn grow(&mut self, outer: &mut Session) {
        if let Some(found) = outer.found_index.take() {
            self.is_index = true;
            self.open(found, 1, outer);
        }
        let mut position = 0;
        // What an index lists is added at the end, and looked at in the same walk.
        while let Some(child) = self.children.get_mut(position) {
            let mut found = None;
            if let State::Running(session) = &mut child.state
                && child.open == 0
            {
                let step = session.step();
                found = session.found_index.take();
                match step {
                    Step::Needs(needs) => {
                        child.open = needs.len();
                        for need in needs {
                            let of = Of::Child(position, need.id);
                            self.forwarded.insert(outer.next(), Forwarded { need, of });
                        }
                    }
                    Step::Done(report) => child.state = State::Done(report),
                }
            }
            let depth = child.depth + 1;
            if let Some(found) = found {
                self.open(found, depth, outer);
            }
            position += 1;
        }
        for (id, forwarded) in &mut self.forwarded {
            forwarded.need.id = *id;
        }
    }

    pub(super) fn supply(&mut self, id: NeedId, reply: Reply, outer: &Session) {
        let Some(Forwarded { need, of }) = self.forwarded.remove(&id) else {
            return;
        };
        match of {
            Of::Child(position, inner) => {
                if let Some(child) = self.children.get_mut(position)
                    && let State::Running(session) = &mut child.state
                {
                    child.open = child.open.saturating_sub(1);
                    if session.supply(inner, reply).is_err() {
                        self.fail(format!("the need {} is unknown", need.id.0));
                    }
                }
            }
            Of::Index(descriptor, depth) => match content(&descriptor, reply, outer) {
                Ok(bytes) => self.list(&bytes, depth, outer),
                Err(why) => self.fail(why),
            },
        }
    }

    fn open(&mut self, found: FoundIndex, depth: usize, outer: &mut Session) {
        match found {
            FoundIndex::Here(bytes) => self.list(&bytes, depth, outer),
            FoundIndex::Named(descriptor) => {
                match bounded_size(&descriptor, outer.verifier.limits().manifest_bytes) {
                    Ok(max_bytes) => {
                        let id = outer.next();
                        let need = Need {
                            id,
                            request: Request::Manifest(descriptor.clone()),
                            max_bytes,
                        };
                        let of = Of::Index(descriptor, depth);
                        self.forwarded.insert(id, Forwarded { need, of });
                    }
                    Err(rejection) => self.fail(rejection.detail),
                }
            }
        }
    }

    /// Adds what an index lists.
    fn list(&mut self, bytes: &[u8], depth: usize, outer: &Session) {
        let limits = outer.verifier.limits();
        if depth >= limits.index_nesting {
            return self.fail(format!(
                "indexes are nested deeper than {} (`index_nesting`)",
                limits.index_nesting
            ));
        }
        let index = match Index::parse(bytes, limits) {
            Ok(index) => index,
            Err(error) => return self.fail(error.to_string()),
        };
        for entry in index.entries {
            let platform = platform(&entry);
            let descriptor = match entry.descriptor {
                Ok(descriptor) => descriptor,
                Err(problem) => {
                    self.fail(format!("the index has a malformed entry: {problem}"));
                    continue;
                }
            };
            if !self.seen.insert(descriptor.digest.clone()) {
                continue;
            }
            if self.children.len() >= limits.platforms {
                return self.fail(format!(
                    "the index lists more than {} manifests (`platforms`)",
                    limits.platforms
                ));
            }
            // What says that it runs nowhere is no image: builders put
            // attestations about the images beside them in this way.
            let state = if platform.as_deref() == Some("unknown/unknown") {
                State::NotAPlatform
            } else {
                match outer.child(&descriptor, platform.as_deref()) {
                    Some(session) => State::Running(Box::new(session)),
                    None => return,
                }
            };
            self.children.push(Child {
                descriptor,
                platform,
                depth,
                open: 0,
                state,
            });
        }
    }

    fn fail(&mut self, why: String) {
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(why);
        }
    }

    /// What became of the children; `None` where the artifact is no index.
    pub(super) fn report(&self) -> Option<PlatformsReport> {
        let manifests = self.children.iter().map(|child| PlatformReport {
            descriptor: child.descriptor.clone(),
            platform: child.platform.clone(),
            result: match &child.state {
                State::Running(session) => PlatformResult::Report(Box::new(session.report.clone())),
                State::Done(report) => PlatformResult::Report(report.clone()),
                State::NotAPlatform => PlatformResult::NotAPlatform,
            },
        });
        let manifests: Vec<PlatformReport> = manifests.collect();
        let mut failures = self.failures.clone();
        if failures.is_empty() && manifests.iter().all(|one| one.report().is_none()) {
            // "All of nothing" is no reason to trust.
            failures.push("the index lists nothing for a platform".to_owned());
        }
        self.is_index.then_some(PlatformsReport {
            manifests,
            failures,
        })
    }
}

impl Session {
    fn next(&mut self) -> NeedId {
        let id = NeedId(self.next_id);
        self.next_id += 1;
        id
    }

    /// The session for what an index lists: judged as the index is.
    fn child(&self, descriptor: &Descriptor, platform: Option<&str>) -> Option<Self> {
        let Plan::Image(lookup) = &self.plan else {
            return None;
        };
        let name = format!(
            "{}, {}",
            self.report.subject().name(),
            platform.unwrap_or(&descriptor.digest)
        );
        Some(Self::start(
            &self.verifier,
            Subject::Artifact(name),
            &Selection::Verify(self.statement.as_ref()?),
            self.user_metadata.clone(),
            self.report.verified_at(),
            Plan::Image(Box::new(Lookup {
                reference: descriptor.digest.clone(),
                listed_as: Some(descriptor.clone()),
                platforms: lookup.platforms,
                max_signatures: lookup.max_signatures,
                all_signatures: lookup.all_signatures,
                ..Lookup::default()
            })),
            Stage::Start,
        ))
    }
}

/// `os/architecture` with the variant, as builders name it.
fn platform(entry: &IndexEntry) -> Option<String> {
    let platform = entry.platform.as_ref()?;
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = &platform.variant {
        text.push('/');
        text.push_str(variant);
    }
    // It comes from the index, and goes to lines that people read.
    let quoted = quote(&text);
    Some(quoted.trim_matches('`').to_owned())
}

/// The bytes of an index that a host named, held against its descriptor.
fn content(descriptor: &Descriptor, reply: Reply, outer: &Session) -> Result<Vec<u8>, String> {
    let digest = &descriptor.digest;
    match reply {
        Reply::Content { bytes, .. } => {
            let provider = outer.verifier.provider();
            let genuine = usize::try_from(descriptor.size).is_ok_and(|size| size == bytes.len())
                && oci::Digest::parse(digest).is_ok_and(|digest| digest.verify(provider, &bytes));
            genuine
                .then_some(bytes)
                .ok_or_else(|| format!("the bytes that came for the index `{digest}` are others"))
        }
        Reply::NotFound => Err(format!("the index `{digest}` does not exist")),
        Reply::Failed(why) => Err(format!("the index `{digest}` could not be fetched: {why}")),
        _ => Err(super::judge::wrong_reply("the index")),
    }
}
