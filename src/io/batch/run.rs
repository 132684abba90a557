//! One run: threads that verify, and the caller's thread that gives and takes.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{
    BatchOptions, Finished, GRACE, Hosts, ImageResult, MAX_CONCURRENCY, OnFailure, Order, Stop,
    Summary, panicked,
};
use crate::error::Error;
use crate::io::drive::drive;
use crate::io::run::Stopped;
use crate::outcome::{Reason, Rejection};
use crate::report::{ArtifactStatus, Report};
use crate::session::ImageRequest;
use crate::verifier::Verifier;

/// How long a look at the flag and the clock may be put off.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Images between the one whose turn it is and the newest, for each thread.
const AHEAD: usize = 4;

/// An image for a thread.
struct Job {
    index: usize,
    image: ImageRequest,
}

/// What every thread of a run has.
#[derive(Clone)]
struct Worker {
    verifier: Verifier,
    hosts: Arc<dyn Hosts>,
    results: Sender<Finished>,
}

impl Worker {
    fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            if !self.do_one(job) {
                return;
            }
        }
    }

    /// Whether anybody still wants results.
    fn do_one(&self, Job { index, image }: Job) -> bool {
        let begun = Instant::now();
        let name = image.name.clone();
        // What a panic leaves half done is this image's own session and host; what
        // images share is behind locks that a panic does not poison for others.
        let result = match catch_unwind(AssertUnwindSafe(|| self.verify(image))) {
            Ok(Ok(report)) => ImageResult::Report(Box::new(report)),
            Ok(Err(error)) => ImageResult::Error(error),
            Err(cause) => ImageResult::Error(panicked(cause.as_ref())),
        };
        let finished = Finished {
            index,
            name,
            result,
            elapsed: begun.elapsed(),
        };
        self.results.send(finished).is_ok()
    }

    fn verify(&self, image: ImageRequest) -> Result<Report, Error> {
        let mut host = self.hosts.host(&image)?;
        drive(self.verifier.verify_image(image)?, host.as_mut())
    }
}

/// The caller's side.
pub(super) struct Batch<'a> {
    options: &'a BatchOptions,
    finished: &'a mut dyn FnMut(Finished),
    worker: Worker,
    results: Receiver<Finished>,
    summary: Summary,
    stop: Option<Stop>,
    /// When waiting ends, after the run was cancelled or ran out of time.
    last_call: Option<Instant>,
    /// Names of the images that threads have.
    under_way: BTreeMap<usize, String>,
    /// Done before their turn.
    early: BTreeMap<usize, Finished>,
    /// The position of the next image to take, and to hand over.
    taken: usize,
    handed_over: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        verifier: &Verifier,
        hosts: Arc<dyn Hosts>,
        options: &'a BatchOptions,
        finished: &'a mut dyn FnMut(Finished),
    ) -> Self {
        let (sender, results) = mpsc::channel();
        Self {
            options,
            finished,
            worker: Worker {
                verifier: verifier.clone(),
                hosts,
                results: sender,
            },
            results,
            summary: Summary::default(),
            stop: None,
            last_call: None,
            under_way: BTreeMap::new(),
            early: BTreeMap::new(),
            taken: 0,
            handed_over: 0,
        }
    }

    pub(super) fn of(mut self, images: &mut dyn Iterator<Item = ImageRequest>) -> Summary {
        let (jobs, taken) = mpsc::channel();
        let threads = self.spawn(taken);
        let room = threads.len().max(1);
        let mut more = true;
        loop {
            self.look();
            while more && self.stop.is_none() && self.has_room(room) {
                match images.next() {
                    None => more = false,
                    Some(image) => self.begin(image, (!threads.is_empty()).then_some(&jobs)),
                }
                self.look();
            }
            if self.under_way.is_empty() && (!more || self.stop.is_some()) {
                break;
            }
            match self.results.recv_timeout(LOOK_AGAIN) {
                Ok(finished) => self.take(finished),
                Err(_) if self.last_call.is_some_and(|end| Instant::now() >= end) => break,
                Err(_) => {}
            }
        }
        drop(jobs);
        if self.under_way.is_empty() {
            for thread in threads {
                // It catches what its images do.
                let _ = thread.join();
            }
        }
        self.leave_the_rest(images);
        self.summary.stop(self.stop);
        self.summary
    }

    /// As many threads as were asked for, or as there are to be had.
    fn spawn(&self, jobs: Receiver<Job>) -> Vec<JoinHandle<()>> {
        let jobs = Arc::new(Mutex::new(jobs));
        (0..self.options.concurrency.clamp(1, MAX_CONCURRENCY))
            .map_while(|_| {
                let worker = self.worker.clone();
                let jobs = Arc::clone(&jobs);
                let thread = thread::Builder::new().name("verify".to_owned());
                thread.spawn(move || worker.work(&jobs)).ok()
            })
            .collect()
    }

    /// Notices the flag and the clock.
    fn look(&mut self) {
        if self.last_call.is_some() {
            return;
        }
        let stop = match self.options.run.check() {
            Ok(()) => return,
            Err(Stopped::Cancelled) => Stop::Cancelled,
            Err(Stopped::OverBudget { .. }) => Stop::TimeOver,
        };
        self.last_call = Some(Instant::now() + GRACE);
        self.stop = Some(stop);
    }

    fn has_room(&self, room: usize) -> bool {
        let ahead = self.taken - self.handed_over;
        self.under_way.len() < room
            && (self.options.order == Order::AsFinished || ahead < room * AHEAD)
    }

    fn begin(&mut self, image: ImageRequest, jobs: Option<&Sender<Job>>) {
        let index = self.taken;
        self.taken += 1;
        self.under_way.insert(index, image.name.clone());
        let job = Job { index, image };
        match jobs {
            // The receiver lives as long as a thread does, and they end after this.
            Some(jobs) => drop(jobs.send(job)),
            // There are no threads to be had: this one does it.
            None => drop(self.worker.do_one(job)),
        }
    }

    fn take(&mut self, mut finished: Finished) {
        self.under_way.remove(&finished.index);
        self.look();
        if let (Some(stop), Some(_)) = (self.stop, self.last_call)
            && may_be_cut_short(&finished.result)
        {
            // What was found in spite of the end counts.
            finished.result = ImageResult::NotDone(stop);
        }
        if self.options.on_failure == OnFailure::Stop && finished.status().failed() {
            self.stop.get_or_insert(Stop::Failure);
        }
        self.hand_over(finished);
    }

    fn hand_over(&mut self, finished: Finished) {
        self.early.insert(finished.index, finished);
        while let Some((&index, _)) = self.early.first_key_value() {
            if self.options.order == Order::AsGiven && index != self.handed_over {
                return;
            }
            if let Some(finished) = self.early.remove(&index) {
                self.handed_over += 1;
                self.summary.add(finished.status());
                (self.finished)(finished);
            }
        }
    }

    /// What threads still have, and what was not begun.
    fn leave_the_rest(&mut self, images: &mut dyn Iterator<Item = ImageRequest>) {
        let Some(stop) = self.stop else { return };
        let left = |index, name| Finished {
            index,
            name,
            result: ImageResult::NotDone(stop),
            elapsed: Duration::ZERO,
        };
        for (index, name) in std::mem::take(&mut self.under_way) {
            self.hand_over(left(index, name));
        }
        for image in images {
            let index = self.taken;
            self.taken += 1;
            self.hand_over(left(index, image.name));
        }
    }
}

/// Whether the end of the run may be why an image is not trusted: a look-up that
/// failed, or a revocation status that could not be asked for.
fn may_be_cut_short(result: &ImageResult) -> bool {
    match result {
        ImageResult::Report(report) => lacks_something(report),
        ImageResult::Error(_) => true,
        ImageResult::NotDone(_) => false,
    }
}

fn lacks_something(report: &Report) -> bool {
    let unknown = |rejection: &Rejection| {
        matches!(
            rejection.reason,
            Reason::RevocationUnknown | Reason::TimestampRevocation
        )
    };
    let rejections = || {
        let outcomes = report.signatures().iter().filter_map(|one| one.outcome());
        outcomes.flat_map(|outcome| outcome.rejections().map(|(_, rejection)| rejection))
    };
    match report.own_status() {
        ArtifactStatus::LookupFailed => true,
        ArtifactStatus::Rejected if rejections().any(unknown) => true,
        _ => report.platforms().is_some_and(|platforms| {
            let mut reports = platforms.manifests().iter().filter_map(|one| one.report());
            !platforms.failures().is_empty() || reports.any(lacks_something)
        }),
    }
}
