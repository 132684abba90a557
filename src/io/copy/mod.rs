//! Images with everything that belongs to them, from one place to another: [`copy`];
//! and whether two places have the same: [`compare`].
//!
//! What belongs to an image is its [`Closure`]: the manifests
//! that an index lists, their configs and layers, and the referrers of each of them,
//! signatures included. It is read first. An image that is not whole at the source is
//! not begun; blobs come before the manifests that name them, and the tag comes last,
//! so that whoever finds the image finds all of it. What is there already is not sent
//! again: a run that died is simply run again.
//!
//! Whatever passes is held against its digest, and nothing of it is believed or run.

mod checked;
mod compare;
mod manifests;
mod place;
mod plan;
mod report;
mod target;

pub use compare::compare;
pub use place::Place;
pub use report::{CopyReport, Item, ItemKind, ItemResult};
pub use target::Target;

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use self::checked::Checked;
use self::place::Reader;
use self::target::Writer;
use super::attach::DEFAULT_SETTLE;
use super::run::{Run, Stopped};
use super::tasks::{self, Progress};
use crate::crypto::Provider;
use crate::error::Error;
use crate::limits::Limits;
use crate::oci::Closure;
use crate::oci::closure::{Blob, Follow};

pub use super::attach::Effect;

/// How an image is copied, or two places are compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Whether referrers belong to the image. Default: they do.
    pub follow: Follow,
    /// Blobs, or manifests, at the same time. Default: 8.
    pub concurrency: usize,
    /// What to do once everything was looked at. Default: write.
    pub effect: Effect,
    /// How long a list of referrers under a tag is watched after it was written,
    /// beside what a slow registry adds. Default: [`DEFAULT_SETTLE`].
    pub settle: Duration,
    /// What an image may have.
    pub limits: Limits,
    /// What ends the run early.
    pub run: Run,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            follow: Follow::default(),
            concurrency: 8,
            effect: Effect::Write,
            settle: DEFAULT_SETTLE,
            limits: Limits::default(),
            run: Run::default(),
        }
    }
}

/// How far a run is.
#[derive(Debug)]
pub enum Event<'a> {
    /// What belongs to the image is known: as many things, with as many octets.
    Planned {
        /// Blobs, manifests, the tag.
        items: usize,
        /// Octets of all of them.
        bytes: u64,
    },
    /// One of them is through.
    Done(&'a Item),
}

/// Copies the image at `from` to `to`, and tells `progress` how far it is, on the
/// caller's thread.
///
/// # Errors
/// Where nothing could be begun: the image is not there, or has more than may be
/// copied, or the destination is no place for it. What went wrong later is in the
/// report.
pub fn copy(
    from: &Place<'_>,
    to: &Target<'_>,
    options: &CopyOptions,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<CopyReport, Error> {
    let (job, mut report) = Job::plan(from, to, options)?;
    if !report.problems.is_empty() {
        return Ok(report);
    }
    progress(job.planned(&report));
    match options.effect {
        Effect::DryRun => compare::dry_run(&job, to, &mut report, progress)?,
        Effect::Write => {
            let writer = to.writer(&job.reader, options)?;
            job.write(&writer, &mut report, progress);
        }
    }
    Ok(report)
}

/// One image on its way.
struct Job<'a> {
    reader: Reader<'a>,
    closure: Closure,
    options: &'a CopyOptions,
}

/// The report, and what cannot be named by others because it is not there.
struct Record<'a> {
    report: &'a mut CopyReport,
    absent: HashSet<String>,
    progress: &'a mut dyn FnMut(Event<'_>),
}

impl Record<'_> {
    fn add(&mut self, item: Item) {
        if !item.result.is_good() {
            self.absent.insert(item.descriptor.digest.clone());
        }
        (self.progress)(Event::Done(&item));
        self.report.items.push(item);
    }
}

impl<'a> Job<'a> {
    /// What there is to do, and the report that it begins with.
    fn plan(
        from: &Place<'a>,
        to: &Target<'_>,
        options: &'a CopyOptions,
    ) -> Result<(Self, CopyReport), Error> {
        let reader = from.reader(&options.run);
        let root = reader.resolve(&options.limits, &Provider::preferred())?;
        to.check(&root.digest)?;
        let closure = plan::closure(
            &reader,
            &root,
            options.follow,
            &options.limits,
            &options.run,
        )?;
        let report = CopyReport {
            root: Some(root),
            tag: to.tag(from),
            problems: closure.problems().to_vec(),
            warnings: closure.warnings().to_vec(),
            ..CopyReport::default()
        };
        let job = Self {
            reader,
            closure,
            options,
        };
        Ok((job, report))
    }

    fn planned(&self, report: &CopyReport) -> Event<'static> {
        let closure = &self.closure;
        let sizes = closure
            .nodes()
            .map(|node| node.descriptor.size)
            .chain(closure.blobs().map(|blob| blob.descriptor.size));
        let sizes = sizes.map(|size| u64::try_from(size).unwrap_or_default());
        let tags = usize::from(report.tag.is_some());
        Event::Planned {
            items: closure.nodes().count() + closure.blobs().count() + tags,
            bytes: sizes.fold(0, u64::saturating_add),
        }
    }

    fn write(&self, writer: &Writer, report: &mut CopyReport, progress: &mut dyn FnMut(Event<'_>)) {
        let mut record = Record {
            report,
            absent: HashSet::new(),
            progress,
        };
        self.blobs(&mut record, &|blob| {
            writer.blob(&self.reader, blob, self.options)
        });
        self.manifests(writer, &mut record);
        self.name(writer, &mut record);
    }

    /// What `work` does with each blob.
    fn blobs(&self, record: &mut Record<'_>, work: &(impl Fn(&Blob) -> ItemResult + Sync)) {
        let blobs: Vec<&Blob> = self.closure.blobs().collect();
        let mut open = vec![true; blobs.len()];
        tasks::run(
            &blobs,
            self.options.concurrency,
            &self.options.run,
            &|blob| Progress::<Infallible, _>::Done(work(blob)),
            &|never| match never {},
            &mut |index, result| {
                if let (Some(blob), Some(open)) = (blobs.get(index), open.get_mut(index)) {
                    *open = false;
                    record.add(Item::new(ItemKind::Blob, &blob.descriptor, result));
                }
            },
        );
        for (blob, open) in blobs.iter().zip(open) {
            if open {
                let result = ItemResult::NotDone(self.stopped());
                record.add(Item::new(ItemKind::Blob, &blob.descriptor, result));
            }
        }
    }

    fn stopped(&self) -> Stopped {
        self.options.run.check().err().unwrap_or(Stopped::Cancelled)
    }
}
