//! [`Closure`]: an image with everything that belongs to it.
//!
//! An index, the manifests that it lists, their configs and layers, and all
//! referrers of each of these manifests, with what belongs to them in turn. The
//! closure says what it wants to see and is told; it fetches nothing itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::content::{Content, is_foreign_layer, is_kept_as_manifest};
use super::{Digest, excerpt};
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::Descriptor;

/// Whether referrers belong to an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// They do: signatures, bills of materials, attestations.
    #[default]
    Referrers,
    /// Only what the image's own manifests name.
    Nothing,
}

/// What a closure wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A manifest, for [`Closure::manifest`].
    Manifest(Descriptor),
    /// The referrers of a manifest, for [`Closure::referrers`].
    Referrers(Descriptor),
}

/// One manifest of a closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is. Where it has a subject, with the artifact type and annotations
    /// that a list of referrers has for it.
    pub descriptor: Descriptor,
    /// It itself. The digest was checked.
    pub bytes: Arc<[u8]>,
    /// The digest of the manifest that it says something about.
    pub subject: Option<String>,
    /// The digests of what it lists.
    pub manifests: Vec<String>,
    /// The digests of its config and layers, and of what it lists that is no
    /// manifest.
    pub blobs: Vec<String>,
}

/// One blob of a closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub descriptor: Descriptor,
    /// Whether it may be missing: its type says that registries must not have it.
    pub is_foreign: bool,
}

/// An image with everything that belongs to it. See the [module](self).
#[derive(Debug)]
pub struct Closure {
    limits: Limits,
    follow: Follow,
    root: String,
    queue: VecDeque<Wanted>,
    places: BTreeMap<String, Place>,
    nodes: BTreeMap<String, Node>,
    blobs: BTreeMap<String, Blob>,
    bytes: u64,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

/// Where a manifest was found first.
#[derive(Clone, Debug)]
struct Place {
    descriptor: Descriptor,
    /// Indexes around it.
    nesting: usize,
    /// Referrers of referrers around it.
    hops: usize,
    /// Of what it is said to be a referrer, where nothing else names it.
    referrer_of: Option<String>,
}

/// Why an image is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of which content.
    pub digest: String,
    /// Why, for a person.
    pub reason: String,
}

impl Closure {
    /// Of the manifest `root`.
    #[must_use]
    pub fn new(root: &Descriptor, follow: Follow, limits: &Limits) -> Self {
        let mut closure = Self {
            limits: limits.clone(),
            follow,
            root: root.digest.clone(),
            queue: VecDeque::new(),
            places: BTreeMap::new(),
            nodes: BTreeMap::new(),
            blobs: BTreeMap::new(),
            bytes: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        closure.want(
            root.clone(),
            Place {
                descriptor: root.clone(),
                nesting: 1,
                hops: 0,
                referrer_of: None,
            },
        );
        closure
    }

    /// What it wants to see next, all of it at the same time; nothing where it is
    /// whole.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] where the image has more than may be copied.
    pub fn wanted(&mut self) -> Result<Vec<Wanted>, Error> {
        let limit = |what: String| Err(Error::new(ErrorKind::LimitExceeded, what));
        if self.places.len() > self.limits.copied_manifests {
            return limit(format!(
                "the image has more than {} manifests with its referrers (`copied_manifests`)",
                self.limits.copied_manifests
            ));
        }
        if self.blobs.len() > self.limits.copied_blobs {
            return limit(format!(
                "the image has more than {} blobs (`copied_blobs`)",
                self.limits.copied_blobs
            ));
        }
        if self.bytes > self.limits.artifact_bytes {
            return limit(format!(
                "the manifests of the image have more than {} octets (`artifact_bytes`)",
                self.limits.artifact_bytes
            ));
        }
        Ok(self.queue.drain(..).collect())
    }

    /// Takes what a place has of `descriptor`: `None` is nothing, `Err` that this
    /// cannot be known.
    pub fn manifest(
        &mut self,
        descriptor: &Descriptor,
        found: Result<Option<Vec<u8>>, String>,
        provider: &Provider,
    ) {
        let Some(place) = self.places.get(&descriptor.digest).cloned() else {
            return;
        };
        let bytes = match found {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                if let Some(subject) = &place.referrer_of {
                    // Listed and gone: normal in a registry.
                    self.warn(format!(
                        "`{}` is listed as a referrer of `{subject}`, and is gone",
                        descriptor.digest
                    ));
                } else {
                    self.problem(descriptor, "it is not there");
                }
                return;
            }
            Err(why) => return self.problem(descriptor, &why),
        };
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if !is_content_of(descriptor, &bytes, provider) {
            return self.problem(
                descriptor,
                "what is there has another digest or size: it is damaged, or was changed",
            );
        }
        match Content::parse(&descriptor.media_type, &bytes, &self.limits) {
            Ok(content) => self.add(&place, bytes, content),
            Err(error) => self.problem(descriptor, &error.to_string()),
        }
    }

    fn add(&mut self, place: &Place, bytes: Vec<u8>, content: Content) {
        let descriptor = &place.descriptor;
        if let Some(subject) = &place.referrer_of
            && content
                .subject
                .as_ref()
                .is_none_or(|stated| stated.digest != *subject)
        {
            self.warn(format!(
                "`{}` is listed as a referrer of `{subject}`, and is none by its own words: it \
                 is left out",
                descriptor.digest
            ));
            return;
        }
        let mut described = descriptor.clone();
        described.artifact_type = content.artifact_type;
        described.annotations = content.annotations;
        let mut node = Node {
            descriptor: described,
            bytes: Arc::from(bytes),
            subject: content.subject.map(|subject| subject.digest),
            manifests: Vec::new(),
            blobs: Vec::new(),
        };
        for blob in content.blobs {
            self.add_blob(&mut node, blob);
        }
        for listed in content.manifests {
            if !is_kept_as_manifest(&listed.media_type) {
                self.add_blob(&mut node, listed);
                continue;
            }
            node.manifests.push(listed.digest.clone());
            let place = Place {
                descriptor: listed.clone(),
                nesting: place.nesting + 1,
                hops: place.hops,
                referrer_of: None,
            };
            self.want(listed, place);
        }
        self.nodes.insert(descriptor.digest.clone(), node);
        if self.follow == Follow::Referrers {
            self.queue.push_back(Wanted::Referrers(descriptor.clone()));
        }
    }

    fn add_blob(&mut self, node: &mut Node, blob: Descriptor) {
        if let Err(why) = self.checked_blob(&blob) {
            return self.problem(&blob, &why);
        }
        node.blobs.push(blob.digest.clone());
        let is_foreign = is_foreign_layer(&blob.media_type);
        let known = self.blobs.entry(blob.digest.clone()).or_insert(Blob {
            descriptor: blob.clone(),
            is_foreign,
        });
        // Who names it as a layer like others needs it.
        known.is_foreign &= is_foreign;
        if known.descriptor.size != blob.size {
            self.problem(&blob, "it is named with two different sizes");
        }
    }

    fn checked_blob(&self, blob: &Descriptor) -> Result<(), String> {
        Digest::parse(&blob.digest).map_err(|error| error.to_string())?;
        let size = u64::try_from(blob.size).unwrap_or(u64::MAX);
        if size > self.limits.copied_blob_bytes {
            return Err(format!(
                "it has {size} octets, the limit is {} (`copied_blob_bytes`)",
                self.limits.copied_blob_bytes
            ));
        }
        Ok(())
    }

    /// Takes the list of the referrers of `subject`, of every type. `Err` is that
    /// there is no such list to be had, or not all of it.
    pub fn referrers(&mut self, subject: &Descriptor, found: Result<Vec<Descriptor>, String>) {
        let place = self.places.get(&subject.digest);
        let hops = place.map_or(0, |place| place.hops) + 1;
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let why = format!("its referrers cannot be listed: {why}");
                return self.problem(subject, &why);
            }
        };
        for descriptor in found {
            let place = Place {
                descriptor: descriptor.clone(),
                nesting: 1,
                hops,
                referrer_of: Some(subject.digest.clone()),
            };
            self.want(descriptor, place);
        }
    }

    /// Puts a manifest on the list of what is wanted, once.
    fn want(&mut self, descriptor: Descriptor, place: Place) {
        if let Some(known) = self.places.get_mut(&descriptor.digest) {
            if place.referrer_of.is_none() {
                known.referrer_of = None;
            }
            if !known.descriptor.same_content(&descriptor) {
                self.problem(&descriptor, "it is listed with two types or two sizes");
            }
            return;
        }
        let limits = &self.limits;
        let too_deep = if place.nesting > limits.index_nesting {
            Some(format!(
                "indexes are nested deeper than {} (`index_nesting`)",
                limits.index_nesting
            ))
        } else if place.hops > limits.referrer_nesting {
            Some(format!(
                "it is a referrer of a referrer more than {} times (`referrer_nesting`)",
                limits.referrer_nesting
            ))
        } else if !usize::try_from(descriptor.size).is_ok_and(|size| size <= limits.manifest_bytes)
        {
            Some(format!(
                "it has {} octets, the limit is {} (`manifest_bytes`)",
                descriptor.size, limits.manifest_bytes
            ))
        } else {
            let parsed = Digest::parse(&descriptor.digest);
            parsed.err().map(|error| error.to_string())
        };
        self.places.insert(descriptor.digest.clone(), place);
        match too_deep {
            Some(why) => self.problem(&descriptor, &why),
            // One more than the limit gets in, so that it is seen to be reached.
            None if self.places.len() <= self.limits.copied_manifests + 1 => {
                self.queue.push_back(Wanted::Manifest(descriptor));
            }
            None => {}
        }
    }

    fn problem(&mut self, of: &Descriptor, why: &str) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                digest: excerpt(&of.digest),
                reason: why.to_owned(),
            });
        }
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_PROBLEMS {
            self.warnings.push(warning);
        }
    }

    /// The manifest that it is the closure of, once it was seen.
    #[must_use]
    pub fn root(&self) -> Option<&Node> {
        self.nodes.get(&self.root)
    }

    /// One manifest.
    #[must_use]
    pub fn node(&self, digest: &str) -> Option<&Node> {
        self.nodes.get(digest)
    }

    /// Its manifests, by digest.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Its blobs, by digest.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.blobs.values()
    }

    /// Why it is not whole; none where it is.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What was odd and is no reason to stop, for a person.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Its manifests in an order in which each comes after all that it names, its
    /// subject included, as far as they are in the closure: what is in one of the
    /// lists needs nothing of the same list.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<&Node>> {
        let mut done = BTreeSet::new();
        let mut levels = Vec::new();
        let mut left: Vec<&Node> = self.nodes.values().collect();
        while !left.is_empty() {
            let is_open =
                |digest: &String| self.nodes.contains_key(digest) && !done.contains(digest);
            let (open, ready): (Vec<_>, Vec<_>) = left.into_iter().partition(|node| {
                node.manifests.iter().any(is_open) || node.subject.iter().any(is_open)
            });
            if ready.is_empty() {
                // Nothing that has a digest can name itself.
                break;
            }
            done.extend(ready.iter().map(|node| node.descriptor.digest.clone()));
            levels.push(ready);
            left = open;
        }
        levels
    }
}

/// Problems that are kept: enough to see what is wrong.
const MAX_PROBLEMS: usize = 1_000;

fn is_content_of(descriptor: &Descriptor, bytes: &[u8], provider: &Provider) -> bool {
    usize::try_from(descriptor.size) == Ok(bytes.len())
        && Digest::parse(&descriptor.digest).is_ok_and(|digest| digest.verify(provider, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::HashAlgorithm;
    use crate::oci::media_type::{OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
    use serde_json::{Value, json};

    /// What a registry has.
    #[derive(Default)]
    struct World {
        manifests: BTreeMap<String, Vec<u8>>,
        referrers: BTreeMap<String, Vec<Descriptor>>,
    }

    impl World {
        fn put(&mut self, media_type: &str, value: &Value) -> Descriptor {
            let bytes = value.to_string().into_bytes();
            let digest = Digest::of(&Provider::preferred(), HashAlgorithm::Sha256, &bytes);
            let descriptor = Descriptor {
                media_type: media_type.to_owned(),
                digest: digest.to_string(),
                size: i64::try_from(bytes.len()).unwrap(),
                ..Descriptor::default()
            };
            self.manifests.insert(descriptor.digest.clone(), bytes);
            if let Some(subject) = value["subject"]["digest"].as_str() {
                let list = self.referrers.entry(subject.to_owned()).or_default();
                list.push(descriptor.clone());
            }
            descriptor
        }

        fn image(&mut self, text: &str, subject: Option<&Descriptor>) -> Descriptor {
            let mut value = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
                "config": {"mediaType": OCI_EMPTY, "digest": blob(text), "size": 2},
                "layers": []});
            if let Some(subject) = subject {
                value["subject"] = json!({"mediaType": subject.media_type,
                    "digest": subject.digest, "size": subject.size});
            }
            self.put(OCI_MANIFEST, &value)
        }

        fn index(&mut self, entries: &[&Descriptor]) -> Descriptor {
            let entries: Vec<Value> = entries
                .iter()
                .map(|one| {
                    json!({"mediaType": one.media_type, "digest": one.digest, "size": one.size})
                })
                .collect();
            let value = json!({"schemaVersion": 2, "manifests": entries});
            self.put(OCI_INDEX, &value)
        }

        fn closure(&self, root: &Descriptor, follow: Follow, limits: &Limits) -> Closure {
            let mut closure = Closure::new(root, follow, limits);
            loop {
                let wanted = closure.wanted().unwrap();
                if wanted.is_empty() {
                    return closure;
                }
                for one in wanted {
                    match one {
                        Wanted::Manifest(one) => {
                            let found = self.manifests.get(&one.digest).cloned();
                            closure.manifest(&one, Ok(found), &Provider::preferred());
                        }
                        Wanted::Referrers(one) => {
                            let found = self.referrers.get(&one.digest).cloned();
                            closure.referrers(&one, Ok(found.unwrap_or_default()));
                        }
                    }
                }
            }
        }
    }

    fn blob(text: &str) -> String {
        Digest::of(
            &Provider::preferred(),
            HashAlgorithm::Sha256,
            text.as_bytes(),
        )
        .to_string()
    }

    fn signed_index() -> (World, Descriptor) {
        let mut world = World::default();
        let [one, two] = ["one", "two"].map(|text| world.image(text, None));
        let index = world.index(&[&one, &two]);
        for subject in [&one, &two, &index] {
            let sbom = world.image("sbom", Some(subject));
            world.image("signature", Some(&sbom));
        }
        (world, index)
    }

    #[test]
    fn an_index_with_children_and_referrers_of_referrers() {
        let (world, index) = signed_index();
        let limits = Limits::default();
        let closure = world.closure(&index, Follow::Referrers, &limits);
        assert_eq!((closure.problems(), closure.warnings()), (&[][..], &[][..]));
        assert_eq!((closure.nodes().count(), closure.blobs().count()), (9, 4));
        let mut seen = BTreeSet::new();
        for level in closure.levels() {
            for node in &level {
                let needs = node.manifests.iter().chain(&node.subject);
                assert!(needs.into_iter().all(|digest| seen.contains(digest)));
            }
            seen.extend(level.iter().map(|node| node.descriptor.digest.clone()));
        }
        assert_eq!(seen.len(), 9);
        let alone = world.closure(&index, Follow::Nothing, &limits);
        assert_eq!((alone.nodes().count(), alone.blobs().count()), (3, 2));
    }

    #[test]
    fn what_is_gone_or_wrong() {
        let (mut world, index) = signed_index();
        let limits = Limits::default();
        // Listed and gone is normal; a child that is gone is not.
        let listed = world.image("gone", Some(&index));
        world.manifests.remove(&listed.digest);
        // Not a referrer by its own words.
        let stranger = world.image("stranger", None);
        world
            .referrers
            .get_mut(&index.digest)
            .unwrap()
            .push(stranger);
        let closure = world.closure(&index, Follow::Referrers, &limits);
        assert_eq!((closure.problems().len(), closure.warnings().len()), (0, 2));
        assert_eq!(closure.nodes().count(), 9);

        let child = closure.root().unwrap().manifests[0].clone();
        let bytes = world.manifests.remove(&child).unwrap();
        let closure = world.closure(&index, Follow::Referrers, &limits);
        assert_eq!(closure.problems()[0].digest, child);
        // Other octets of the same length.
        world.manifests.insert(child, vec![b' '; bytes.len()]);
        let closure = world.closure(&index, Follow::Referrers, &limits);
        assert!(closure.problems()[0].reason.contains("another digest"));
    }

    #[test]
    fn bounds() {
        let (world, index) = signed_index();
        let of = |limits: Limits| world.closure(&index, Follow::Referrers, &limits);
        let limits = Limits {
            referrer_nesting: 1,
            ..Limits::default()
        };
        assert!(of(limits).problems()[0].reason.contains("referrer_nesting"));
        let limits = Limits {
            index_nesting: 1,
            ..Limits::default()
        };
        assert!(of(limits).problems()[0].reason.contains("index_nesting"));
        let limits = Limits {
            copied_blob_bytes: 1,
            ..Limits::default()
        };
        assert!(
            of(limits).problems()[0]
                .reason
                .contains("copied_blob_bytes")
        );
        let many = [
            Limits {
                copied_manifests: 1,
                ..Limits::default()
            },
            Limits {
                copied_blobs: 1,
                ..Limits::default()
            },
            Limits {
                artifact_bytes: 1,
                ..Limits::default()
            },
        ];
        for limits in many {
            let mut closure = Closure::new(&index, Follow::Referrers, &limits);
            let error = loop {
                match closure.wanted() {
                    Err(error) => break error,
                    Ok(wanted) => {
                        assert!(!wanted.is_empty());
                        for one in wanted {
                            match one {
                                Wanted::Manifest(one) => {
                                    let found = world.manifests.get(&one.digest).cloned();
                                    closure.manifest(&one, Ok(found), &Provider::preferred());
                                }
                                Wanted::Referrers(one) => {
                                    let found = world.referrers.get(&one.digest).cloned();
                                    closure.referrers(&one, Ok(found.unwrap_or_default()));
                                }
                            }
                        }
                    }
                }
            };
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        }
    }

    #[test]
    fn what_an_index_lists_and_is_no_manifest() {
        let mut world = World::default();
        let layer = Descriptor {
            media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
            digest: blob("layer"),
            size: 5,
            ..Descriptor::default()
        };
        let foreign = Descriptor {
            media_type: "application/vnd.docker.image.rootfs.foreign.diff.tar".to_owned(),
            digest: blob("foreign"),
            ..layer.clone()
        };
        let index = world.index(&[&layer, &foreign]);
        let closure = world.closure(&index, Follow::Referrers, &Limits::default());
        assert_eq!(closure.problems(), &[]);
        let is_foreign: Vec<bool> = closure.blobs().map(|blob| blob.is_foreign).collect();
        assert_eq!(is_foreign.iter().filter(|is| **is).count(), 1);
        assert_eq!(is_foreign.len(), 2);
    }
}
