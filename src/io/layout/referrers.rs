//! Which signatures a layout has for which artifact.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::Layout;
use super::error::LayoutError;
use crate::error::{Error, ErrorKind};
use crate::oci::media_type::{self, NOTARY_SIGNATURE, OCI_MANIFEST};
use crate::oci::{Index, Manifest};
use crate::wire::Descriptor;

/// The signatures that a layout has for one artifact.
#[derive(Clone, Debug, Default)]
pub struct Referrers {
    /// Descriptors of the signature manifests, or of all that was asked for, in the
    /// order of `index.json`.
    pub signatures: Vec<Descriptor>,
    /// What could not be looked at, and might have been a signature of the
    /// artifact. Where no signature is good and this is not empty, the lookup
    /// failed: the artifact is not known to be unsigned.
    pub problems: Vec<Arc<Error>>,
}

/// Problems that are kept: enough to see what is wrong with a layout.
const MAX_PROBLEMS: usize = 100;

/// Everything with a subject that can be reached from `index.json`, by subject.
#[derive(Debug, Default)]
pub(super) struct Graph {
    referrers: HashMap<String, Vec<Link>>,
    problems: Vec<Arc<Error>>,
}

#[derive(Debug)]
struct Link {
    subject: Descriptor,
    referrer: Descriptor,
    is_signature: bool,
}

impl Graph {
    /// Looks at every manifest that `index.json` lists, directly or in an index
    /// below it. That includes the index under a referrers tag
    /// (distribution-spec, "Referrers Tag Schema"), which a layout names in
    /// `index.json` like any other tag.
    pub(super) fn new(layout: &Layout) -> Self {
        let mut walk = Walk {
            layout,
            graph: Self::default(),
            seen: HashSet::new(),
            queue: VecDeque::new(),
            visited: 0,
            bytes: 0,
        };
        walk.list(&layout.index, 1);
        while let Some((descriptor, depth)) = walk.queue.pop_front() {
            if let Err(error) = walk.account_for(&descriptor) {
                walk.graph.add_problem(error);
                break;
            }
            if let Err(error) = walk.visit(&descriptor, depth) {
                walk.graph.add_problem(error);
            }
        }
        walk.graph
    }

    pub(super) fn referrers(&self, subject: &Descriptor) -> Referrers {
        self.select(subject, |link| link.is_signature)
    }

    pub(super) fn all_referrers(&self, subject: &Descriptor) -> Referrers {
        self.select(subject, |_| true)
    }

    fn select(&self, subject: &Descriptor, wanted: impl Fn(&Link) -> bool) -> Referrers {
        Referrers {
            signatures: self
                .referrers
                .get(&subject.digest)
                .into_iter()
                .flatten()
                .filter(|link| link.subject.same_content(subject) && wanted(link))
                .map(|link| link.referrer.clone())
                .collect(),
            problems: self.problems.clone(),
        }
    }

    fn add_problem(&mut self, problem: Error) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Arc::new(problem));
        }
    }
}

struct Walk<'a> {
    layout: &'a Layout,
    graph: Graph,
    /// Media type, digest and size: a descriptor with a wrong size does not stand
    /// for one with the right size.
    seen: HashSet<(String, String, i64)>,
    queue: VecDeque<(Descriptor, usize)>,
    visited: usize,
    bytes: u64,
}

impl Walk<'_> {
    /// Puts what `index` lists into the queue.
    fn list(&mut self, index: &Index, depth: usize) {
        for entry in &index.entries {
            match &entry.descriptor {
                Ok(descriptor) => self.add(descriptor, depth),
                Err(problem) => self.graph.add_problem(Error::new(
                    ErrorKind::Artifact,
                    format!("an index of the layout has a malformed entry: {problem}"),
                )),
            }
        }
    }

    /// Puts a manifest or an index into the queue, once.
    fn add(&mut self, descriptor: &Descriptor, depth: usize) {
        let manifest = descriptor.media_type == OCI_MANIFEST;
        // One more than the limit gets in, so that it is seen to be reached.
        if (manifest || media_type::is_index(&descriptor.media_type))
            && self.seen.len() <= self.layout.limits.referrers
            && self.seen.insert((
                descriptor.media_type.clone(),
                descriptor.digest.clone(),
                descriptor.size,
            ))
        {
            self.queue.push_back((descriptor.clone(), depth));
        }
    }

    /// Counts `descriptor` before it is read.
    fn account_for(&mut self, descriptor: &Descriptor) -> Result<(), Error> {
        let limits = &self.layout.limits;
        self.visited += 1;
        // What is larger than a manifest may be is not read at all.
        self.bytes += u64::try_from(descriptor.size)
            .ok()
            .filter(|size| usize::try_from(*size).is_ok_and(|size| size <= limits.manifest_bytes))
            .unwrap_or(0);
        let reached = if self.visited > limits.referrers {
            format!("{} manifests (`referrers`)", limits.referrers)
        } else if self.bytes > limits.artifact_bytes {
            format!("{} octets (`artifact_bytes`)", limits.artifact_bytes)
        } else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the search for signatures in the layout stopped after {reached}"),
        ))
    }

    fn visit(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), Error> {
        let limits = &self.layout.limits;
        let bytes = match self.layout.read(descriptor, limits.manifest_bytes) {
            Ok(bytes) => bytes,
            // A layout may lack content that it names, for example the images of
            // other platforms (image-spec, image-layout, "Blobs").
            Err(LayoutError::NotFound(_))
                if descriptor.artifact_type.as_deref() != Some(NOTARY_SIGNATURE) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let named = |error: Error| {
            Error::new(
                error.kind(),
                format!("`{}` in the layout: {error}", descriptor.digest),
            )
        };
        if media_type::is_index(&descriptor.media_type) {
            if depth >= limits.index_nesting {
                return Err(named(Error::new(
                    ErrorKind::LimitExceeded,
                    format!(
                        "indexes are nested deeper than {} (`index_nesting`)",
                        limits.index_nesting
                    ),
                )));
            }
            let index = Index::parse(&bytes, limits).map_err(named)?;
            self.list(&index, depth + 1);
            if let Some(subject) = &index.subject {
                self.link(subject, descriptor, false);
            }
            return Ok(());
        }
        let manifest = Manifest::parse(&bytes, limits).map_err(named)?;
        let signature = manifest.is_signature();
        if let Some(subject) = manifest.subject {
            // A signature of a signature: the latter need not be listed.
            self.add(&subject, depth);
            self.link(&subject, descriptor, signature);
        }
        Ok(())
    }

    fn link(&mut self, subject: &Descriptor, referrer: &Descriptor, is_signature: bool) {
        let mut referrer = referrer.clone();
        if is_signature {
            referrer.artifact_type = Some(NOTARY_SIGNATURE.into());
        }
        let links = self.graph.referrers.entry(subject.digest.clone());
        links.or_default().push(Link {
            subject: subject.clone(),
            referrer,
            is_signature,
        });
    }
}
