//! Whether two places have the same image, by digest: [`compare`].

use std::collections::{BTreeMap, HashSet};

use super::manifests::item;
use super::place::{Place, Reader};
use super::report::{CopyReport, Item, ItemKind, ItemResult};
use super::target::Target;
use super::{CopyOptions, Event, Job, Record};
use crate::crypto::Provider;
use crate::error::Error;
use crate::io::layout::{Layout, LayoutError};
use crate::io::parallel;
use crate::io::resolve::find_name;
use crate::oci::closure::{Blob, Follow, Node};
use crate::oci::{Digest, Reference};
use crate::wire::Descriptor;

/// Says of everything that belongs to the image at `from` whether it is at `to` too:
/// each manifest, read there, each blob, each referrer on the list of its subject, the
/// tag. Nothing is written.
///
/// Referrers that are at `to` alone are warnings.
///
/// # Errors
/// Where the image is not at `from`, or has more than may be copied.
pub fn compare(
    from: &Place<'_>,
    to: &Target<'_>,
    options: &CopyOptions,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<CopyReport, Error> {
    let (job, mut report) = Job::plan(from, to, options)?;
    progress(job.planned(&report));
    let layout = opened(to, options)?;
    let there = other(to, layout.as_ref(), options);
    let absent = |why: &str| ItemResult::Missing(why.to_owned());
    look(&job, there.as_ref(), &mut report, progress, &absent);
    Ok(report)
}

/// Says of everything whether it is there or would be copied.
pub(super) fn dry_run(
    job: &Job<'_>,
    to: &Target<'_>,
    report: &mut CopyReport,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<(), Error> {
    let layout = opened(to, job.options)?;
    let there = other(to, layout.as_ref(), job.options);
    // What the source says of a blob is all that is known before it is copied.
    look(job, there.as_ref(), report, progress, &|_| {
        ItemResult::WouldCopy
    });
    Ok(())
}

/// The layout of a target; `None` where there is none yet.
fn opened(to: &Target<'_>, options: &CopyOptions) -> Result<Option<Layout>, Error> {
    match to {
        Target::Layout(path, _) if path.exists() => {
            let is_empty = std::fs::read_dir(path).is_ok_and(|mut found| found.next().is_none());
            if is_empty {
                return Ok(None);
            }
            match Layout::open(path, &options.limits) {
                Ok(layout) => Ok(Some(layout)),
                Err(LayoutError::NotFound(error) | LayoutError::Failed(error)) => Err(error),
            }
        }
        _ => Ok(None),
    }
}

fn other<'a>(
    to: &Target<'a>,
    layout: Option<&'a Layout>,
    options: &CopyOptions,
) -> Option<Reader<'a>> {
    match to {
        Target::Registry(client, reference) => {
            Some(Place::Registry(client, reference).reader(&options.run))
        }
        Target::Layout(..) => layout.map(|layout| Reader::Layout(layout, "")),
    }
}

type Absent<'a> = dyn Fn(&str) -> ItemResult + Sync + 'a;

/// Looks at everything; `absent` says what it means that something is not there.
fn look(
    job: &Job<'_>,
    there: Option<&Reader<'_>>,
    report: &mut CopyReport,
    progress: &mut dyn FnMut(Event<'_>),
    absent: &Absent<'_>,
) {
    let lists = match there {
        Some(there) => lists(job, there),
        None => BTreeMap::new(),
    };
    if job.options.follow == Follow::Referrers {
        extras(job, &lists, report);
    }
    let tag = report.tag.clone();
    let mut record = Record {
        report,
        absent: HashSet::new(),
        progress,
    };
    job.blobs(&mut record, &|one| blob(job, there, one, absent));
    let nodes: Vec<&Node> = job.closure.levels().into_iter().flatten().collect();
    for chunk in nodes.chunks(job.options.concurrency.max(1)) {
        let results = parallel::map(chunk, |node| manifest(job, there, node, &lists, absent));
        for (node, result) in chunk.iter().zip(results) {
            record.add(item(node, result));
        }
    }
    if let (Some(tag), Some(root)) = (tag, job.closure.root()) {
        let result = named(job, there, &tag, &root.descriptor, absent);
        record.add(Item::new(ItemKind::Tag, &root.descriptor, result));
    }
}

type Lists = BTreeMap<String, Result<Vec<Descriptor>, String>>;

/// The lists of referrers that the other place has, of everything that is whole.
fn lists(job: &Job<'_>, there: &Reader<'_>) -> Lists {
    let mut subjects: BTreeMap<&str, &Descriptor> = BTreeMap::new();
    for node in job.closure.nodes() {
        if job.options.follow == Follow::Referrers {
            subjects.insert(&node.descriptor.digest, &node.descriptor);
        }
    }
    let subjects: Vec<&Descriptor> = subjects.into_values().collect();
    let found = parallel::map(&subjects, |subject| there.referrers(subject));
    let digests = subjects.iter().map(|subject| subject.digest.clone());
    digests.zip(found).collect()
}

fn extras(job: &Job<'_>, lists: &Lists, report: &mut CopyReport) {
    for (subject, list) in lists {
        for extra in list.iter().flatten() {
            if job.closure.node(&extra.digest).is_none() {
                report.warnings.push(format!(
                    "`{}` refers to `{subject}` at the destination alone",
                    extra.digest
                ));
            }
        }
    }
}

fn blob(job: &Job<'_>, there: Option<&Reader<'_>>, blob: &Blob, absent: &Absent<'_>) -> ItemResult {
    let provider = Provider::preferred();
    let has = |reader: &Reader<'_>| reader.has_blob(&blob.descriptor, &provider);
    match there.map_or(Ok(false), has) {
        Ok(true) => ItemResult::Present,
        // A foreign layer may be at neither place; another one should be here.
        Ok(false) => match (absent("it is not there"), blob.is_foreign) {
            (ItemResult::Missing(why), false) => ItemResult::Missing(why),
            (result, is_foreign) => match has(&job.reader) {
                Ok(true) => result,
                Ok(false) if is_foreign => ItemResult::Foreign,
                Ok(false) => ItemResult::Missing("the source does not have it".to_owned()),
                Err(why) => ItemResult::of_failure(why, &job.options.run),
            },
        },
        Err(why) => ItemResult::of_failure(why, &job.options.run),
    }
}

fn manifest(
    job: &Job<'_>,
    there: Option<&Reader<'_>>,
    node: &Node,
    lists: &Lists,
    absent: &Absent<'_>,
) -> ItemResult {
    let failed = |why: String| ItemResult::of_failure(why, &job.options.run);
    let Some(there) = there else {
        return absent("it is not there");
    };
    match there.manifest(&node.descriptor, &job.options.limits) {
        Ok(Some(bytes)) if bytes == *node.bytes => {}
        Ok(Some(_)) => {
            return ItemResult::Missing("other octets are there under its digest".into());
        }
        Ok(None) => return absent("it is not there"),
        Err(why) => return failed(why),
    }
    let list = node.subject.as_ref().and_then(|subject| lists.get(subject));
    match list {
        None => ItemResult::Present,
        Some(Ok(list)) if list.iter().any(|one| one.digest == node.descriptor.digest) => {
            ItemResult::Present
        }
        Some(Ok(_)) => absent("it is there, and is not listed as a referrer of its subject"),
        Some(Err(why)) => failed(format!("its subject's referrers cannot be listed: {why}")),
    }
}

fn named(
    job: &Job<'_>,
    there: Option<&Reader<'_>>,
    tag: &str,
    root: &Descriptor,
    absent: &Absent<'_>,
) -> ItemResult {
    let options = job.options;
    let found = match there {
        None => Ok(None),
        Some(Reader::Registry(host, _)) if Reference::is_tag(tag) => {
            find_name(host, tag, &Provider::preferred(), &options.limits)
        }
        Some(Reader::Registry(..)) => Ok(None),
        Some(Reader::Layout(layout, _)) => match layout.resolve(tag) {
            Ok(found) => Ok(Some(found)),
            Err(LayoutError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        },
    };
    match found {
        Ok(Some(found)) if found.digest == root.digest => ItemResult::Present,
        Ok(Some(found)) => {
            let other = Digest::parse(&found.digest).map_or(found.digest, |one| one.to_string());
            absent(&format!("the tag `{tag}` is there and names `{other}`"))
        }
        Ok(None) => absent(&format!("there is no tag `{tag}`")),
        Err(why) => ItemResult::of_failure(why, &options.run),
    }
}
