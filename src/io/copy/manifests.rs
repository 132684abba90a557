//! The manifests of an image on their way, each after all that it names; then the
//! name of the image.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::report::{Item, ItemKind, ItemResult};
use super::target::{Put, Writer};
use super::{Job, Record};
use crate::crypto::Provider;
use crate::io::registry::Published;
use crate::io::resolve::find_name;
use crate::io::tasks::{self, Progress};
use crate::oci::closure::Node;
use crate::registry::Publish;
use crate::wire::Descriptor;

/// How often what a list lost is published again.
const MAX_ROUNDS: u32 = 10;
/// How long a list that the registry keeps is left alone before it is read again.
const REGISTRY_SETTLE: Duration = Duration::from_millis(500);

/// Manifests that are written one after the other, because they are on one list.
struct Group<'a> {
    subject: Option<&'a str>,
    nodes: Vec<&'a Node>,
}

/// Some of them are on a list that others write too.
struct Waiting<'a> {
    subject: Option<&'a str>,
    nodes: Vec<&'a Node>,
    results: Vec<Option<ItemResult>>,
    open: Vec<(usize, Box<Publish>)>,
    /// How often some were published again.
    rounds: u32,
}

type Step<'a> = Progress<Waiting<'a>, Vec<(&'a Node, ItemResult)>>;

impl Job<'_> {
    pub(super) fn manifests(&self, writer: &Writer, record: &mut Record<'_>) {
        for level in self.closure.levels() {
            let groups = groups(&level);
            let absent = record.absent.clone();
            let mut done = HashSet::new();
            tasks::run(
                &groups,
                self.options.concurrency,
                &self.options.run,
                &|group| self.begin(writer, group, &absent),
                &|waiting| self.go_on(writer, waiting),
                &mut |_, results| {
                    for (node, result) in results {
                        done.insert(node.descriptor.digest.clone());
                        record.add(item(node, result));
                    }
                },
            );
            for node in level {
                if !done.contains(&node.descriptor.digest) {
                    record.add(item(node, ItemResult::NotDone(self.stopped())));
                }
            }
        }
    }

    fn begin<'a>(&self, writer: &Writer, group: &Group<'a>, absent: &HashSet<String>) -> Step<'a> {
        let listed = match (writer, group.subject) {
            (Writer::Registry(host), Some(subject)) => host.all_referrers(subject),
            _ => Ok(Vec::new()),
        };
        let mut waiting = Waiting {
            subject: group.subject,
            nodes: group.nodes.clone(),
            results: Vec::new(),
            open: Vec::new(),
            rounds: 0,
        };
        let mut slowest = Duration::ZERO;
        for (index, node) in group.nodes.iter().enumerate() {
            let needs = node
                .blobs
                .iter()
                .chain(&node.manifests)
                .chain(&node.subject);
            let put = match (
                needs.into_iter().find(|digest| absent.contains(*digest)),
                &listed,
            ) {
                (Some(digest), _) => Put::Done(ItemResult::of_failure(
                    format!("it is not written, because `{digest}` is not there, which it names"),
                    &self.options.run,
                )),
                (None, Err(why)) => {
                    let why = format!("the destination's list of referrers cannot be read: {why}");
                    Put::Done(ItemResult::of_failure(why, &self.options.run))
                }
                (None, Ok(listed)) => {
                    let digest = &node.descriptor.digest;
                    let is_listed = listed.iter().any(|one| one.digest == *digest);
                    writer.manifest(node, is_listed, self.options)
                }
            };
            waiting.results.push(match put {
                Put::Done(result) => Some(result),
                Put::Settle(publish, slow) => {
                    waiting.open.push((index, publish));
                    slowest = slowest.max(slow);
                    None
                }
            });
        }
        self.proceed(writer, waiting, slowest)
    }

    fn go_on<'a>(&self, writer: &Writer, mut waiting: Waiting<'a>) -> Step<'a> {
        let mut slowest = Duration::ZERO;
        for (index, publish) in std::mem::take(&mut waiting.open) {
            let Writer::Registry(host) = writer else {
                continue;
            };
            let begun = Instant::now();
            let result = match host.go_on(*publish) {
                Ok(Published::Settle(publish)) => {
                    slowest = slowest.max(begun.elapsed());
                    waiting.open.push((index, publish));
                    continue;
                }
                Ok(Published::Done(_)) => ItemResult::Copied,
                Err(why) => ItemResult::of_failure(why, &self.options.run),
            };
            if let Some(place) = waiting.results.get_mut(index) {
                *place = Some(result);
            }
        }
        self.proceed(writer, waiting, slowest)
    }

    fn proceed<'a>(
        &self,
        writer: &Writer,
        mut waiting: Waiting<'a>,
        slowest: Duration,
    ) -> Step<'a> {
        if waiting.open.is_empty() {
            if self.publish_again(writer, &mut waiting) {
                let settle = self.options.settle;
                let wait = if waiting.open.is_empty() {
                    settle.min(REGISTRY_SETTLE)
                } else {
                    settle
                };
                let now = Instant::now();
                return Progress::Later(now.checked_add(wait).unwrap_or(now), waiting);
            }
            let results = waiting.nodes.into_iter().zip(waiting.results);
            return Progress::Done(
                results
                    .filter_map(|(node, result)| Some((node, result?)))
                    .collect(),
            );
        }
        // Others meet the same registry: they are as slow as this one was.
        let settle = self
            .options
            .settle
            .saturating_add(slowest.saturating_mul(2));
        let now = Instant::now();
        Progress::Later(now.checked_add(settle).unwrap_or(now), waiting)
    }

    /// Whoever keeps the list may lose what was published at the same moment as
    /// something else: what was written must be seen there, and is written again
    /// where it is not. Whether that was done.
    fn publish_again(&self, writer: &Writer, waiting: &mut Waiting<'_>) -> bool {
        let (Writer::Registry(host), Some(subject)) = (writer, &waiting.subject) else {
            return false;
        };
        let is_copied = |result: &Option<ItemResult>| matches!(result, Some(ItemResult::Copied));
        if !waiting.results.iter().any(is_copied) {
            return false;
        }
        let listed = host.all_referrers(subject);
        let mut again = false;
        let written = waiting.nodes.iter().zip(&mut waiting.results);
        for (index, (node, result)) in written.enumerate() {
            let digest = &node.descriptor.digest;
            let put = match &listed {
                _ if !is_copied(result) => continue,
                Ok(listed) if listed.iter().any(|one| one.digest == *digest) => continue,
                Ok(_) if waiting.rounds < MAX_ROUNDS => {
                    again = true;
                    writer.manifest(node, false, self.options)
                }
                Ok(_) => {
                    let why = format!(
                        "it was written {MAX_ROUNDS} times, and is not on the list of its \
                         subject's referrers, which is not to be relied on"
                    );
                    Put::Done(ItemResult::of_failure(why, &self.options.run))
                }
                Err(why) => {
                    let why = format!("the destination's list of referrers cannot be read: {why}");
                    Put::Done(ItemResult::of_failure(why, &self.options.run))
                }
            };
            *result = match put {
                Put::Done(result) => Some(result),
                Put::Settle(publish, _) => {
                    waiting.open.push((index, publish));
                    None
                }
            };
        }
        waiting.rounds = waiting.rounds.saturating_add(1);
        again
    }

    /// Gives the image its tag, and a layout its entries, once all of it is there.
    pub(super) fn name(&self, writer: &Writer, record: &mut Record<'_>) {
        let Some(root) = self.closure.root() else {
            return;
        };
        let tag = record.report.tag.clone();
        let complete = record.absent.is_empty();
        let result = match writer {
            _ if !complete => {
                let why = "not all of the image is there: it gets no name before".to_owned();
                ItemResult::of_failure(why, &self.options.run)
            }
            Writer::Registry(host) => {
                let Some(tag) = &tag else { return };
                let provider = Provider::preferred();
                let there = find_name(host, tag, &provider, &self.options.limits);
                let is_there = matches!(
                    &there, Ok(Some(found)) if found.digest == root.descriptor.digest
                );
                if is_there {
                    ItemResult::Present
                } else {
                    match host.put(tag, &root.descriptor, &root.bytes) {
                        Ok(()) => ItemResult::Copied,
                        Err(why) => ItemResult::of_failure(why, &self.options.run),
                    }
                }
            }
            Writer::Layout(writer, _) => {
                // Readers find referrers by the list at the top.
                let plain = Descriptor {
                    artifact_type: None,
                    annotations: [].into(),
                    ..root.descriptor.clone()
                };
                let digest = &root.descriptor.digest;
                let referrers = self
                    .closure
                    .nodes()
                    .filter(|node| node.subject.is_some() && node.descriptor.digest != *digest);
                let mut entries = vec![&plain];
                entries.extend(referrers.map(|node| &node.descriptor));
                match writer.list(&entries, tag.as_deref()) {
                    Ok(true) => ItemResult::Copied,
                    Ok(false) => ItemResult::Present,
                    Err(error) => ItemResult::Failed(error.to_string()),
                }
            }
        };
        // In a layout the entry counts also where it is no tag: where it failed.
        if tag.is_some() || !result.is_good() {
            record.add(Item::new(ItemKind::Tag, &root.descriptor, result));
        }
    }
}

fn groups<'a>(level: &[&'a Node]) -> Vec<Group<'a>> {
    let mut by_subject: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    let mut groups = Vec::new();
    for node in level {
        match &node.subject {
            Some(subject) => by_subject.entry(subject).or_default().push(node),
            None => groups.push(Group {
                subject: None,
                nodes: vec![node],
            }),
        }
    }
    groups.extend(by_subject.into_iter().map(|(subject, nodes)| Group {
        subject: Some(subject),
        nodes,
    }));
    groups
}

pub(super) fn item(node: &Node, result: ItemResult) -> Item {
    let mut item = Item::new(ItemKind::Manifest, &node.descriptor, result);
    item.subject.clone_from(&node.subject);
    item
}
