//! Many images in one run: [`verify_images`].
//!
//! One [`Verifier`] and one [`Hosts`] serve all of them, so certificates, chains,
//! connections, tokens, OCSP answers and CRLs are shared. Images are taken from
//! the iterator when there is room for them and forgotten when they were handed
//! over, so that memory does not grow with their number.
//!
//! ```
//! use std::sync::Arc;
//!
//! use notation_verifier::io::Layout;
//! use notation_verifier::io::batch::{BatchOptions, verify_images};
//! # use notation_verifier::session::ImageRequest;
//! # use notation_verifier::{Limits, Verifier};
//!
//! # fn f(verifier: &Verifier, images: Vec<ImageRequest>) -> Result<(), notation_verifier::Error> {
//! let layout = Layout::open("layout", &Limits::default())?;
//! let options = BatchOptions::default();
//! let summary = verify_images(verifier, images, Arc::new(layout), &options, &mut |finished| {
//!     println!("{}: {}", finished.name, finished.status().as_str());
//! });
//! assert!(summary.all_verified());
//! # Ok(())
//! # }
//! ```

mod run;
mod summary;

pub use summary::{ImageStatus, Summary};

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::drive::{Host, LayoutHost};
use super::layout::Layout;
use super::run::Run;
use crate::error::{Error, ErrorKind};
use crate::report::{Report, Subject, error_document};
use crate::session::ImageRequest;
use crate::verifier::Verifier;

/// Images that are verified at the same time, unless told otherwise. Each waits
/// for its registry most of the time.
pub const DEFAULT_CONCURRENCY: usize = 8;
/// The most images at the same time. Registries limit their clients long before,
/// and each image takes a thread.
pub const MAX_CONCURRENCY: usize = 256;
/// How long a cancelled run waits for the images that are under way.
pub const GRACE: Duration = Duration::from_millis(500);

/// Makes the host that answers for an image. All threads of a run share it, and
/// through it whatever its hosts share.
pub trait Hosts: Send + Sync + 'static {
    /// The host for `image`.
    ///
    /// # Errors
    /// Where there is none: the image then counts as one that could not be
    /// evaluated.
    fn host(&self, image: &ImageRequest) -> Result<Box<dyn Host + '_>, Error>;
}

/// Every image comes from one layout.
impl Hosts for Layout {
    fn host(&self, _: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        Ok(Box::new(LayoutHost::new(self)))
    }
}

/// How a run goes about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchOptions {
    /// Images at the same time, at least 1 and at most [`MAX_CONCURRENCY`].
    pub concurrency: usize,
    /// What to do after an image that is not trusted.
    pub on_failure: OnFailure,
    /// In which order images are handed over.
    pub order: Order,
    /// Who can cancel the run, and how much time it has. Give the hosts the same
    /// one: they can stop in the middle of a request.
    pub run: Run,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            concurrency: DEFAULT_CONCURRENCY,
            on_failure: OnFailure::GoOn,
            order: Order::AsFinished,
            run: Run::default(),
        }
    }
}

/// What to do after an image that is neither trusted nor exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Verify the others too.
    GoOn,
    /// Begin no more. Those under way are finished.
    Stop,
}

/// In which order images are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each as soon as it is done.
    AsFinished,
    /// As they came. What is done early is kept until its turn; no more than four
    /// for each thread are, so a slow image can hold up the others.
    AsGiven,
}

/// Why a run ended before its images did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// Its time is over.
    TimeOver,
    /// An image failed, and [`OnFailure::Stop`] was asked for.
    Failure,
}

impl Stop {
    /// `cancelled`, `time-over` or `failure`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimeOver => "time-over",
            Self::Failure => "failure",
        }
    }

    /// The same for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Cancelled => "the run was cancelled before this image was done",
            Self::TimeOver => "the time for the whole run was over before this image was done",
            Self::Failure => "an image before it failed, and the run stops at the first failure",
        }
    }
}

/// One image that is through.
#[derive(Debug)]
pub struct Finished {
    /// Its position among the images, from 0.
    pub index: usize,
    /// What the caller called it.
    pub name: String,
    /// How it ended.
    pub result: ImageResult,
    /// How long it took; zero for one that was not begun.
    pub elapsed: Duration,
}

/// How an image ended.
#[derive(Debug)]
pub enum ImageResult {
    /// It was evaluated, or its look-up failed.
    Report(Box<Report>),
    /// Nothing could be evaluated.
    Error(Error),
    /// The run ended first: it was not begun, or was cut short.
    NotDone(Stop),
}

impl Finished {
    /// Where the image stands.
    #[must_use]
    pub fn status(&self) -> ImageStatus {
        match &self.result {
            ImageResult::Report(report) => report.status().into(),
            ImageResult::Error(_) => ImageStatus::Error,
            ImageResult::NotDone(_) => ImageStatus::NotDone,
        }
    }

    /// An entry of `images` of `docs/batch.schema.json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (report, not_done) = match &self.result {
            ImageResult::Report(report) => (report.to_json(), None),
            ImageResult::Error(error) => {
                let subject = Subject::Artifact(self.name.clone());
                (error_document(&subject, error), None)
            }
            ImageResult::NotDone(stop) => (Value::Null, Some(stop.as_str())),
        };
        json!({
            "index": self.index,
            "name": self.name,
            "status": self.status().as_str(),
            "seconds": self.elapsed.as_secs_f64(),
            "notDone": not_done,
            "report": report,
        })
    }
}

/// Verifies `images`, several at the same time, and hands each over to
/// `finished` when it is done.
///
/// `images` is read and `finished` is called on the caller's thread, so neither
/// needs locks. The iterator should not wait for anything: a run that waits in it
/// cannot be cancelled. After a [`Stop`] it is read to its end, and what is left
/// is handed over as [`ImageResult::NotDone`].
///
/// Where the run is cancelled or its time is over, images under way have
/// [`GRACE`] to end. A thread that still waits after that is left behind: it ends
/// when its host's time-outs do, and what it finds counts no more. A panic in one
/// image is an error of that image.
pub fn verify_images(
    verifier: &Verifier,
    images: impl IntoIterator<Item = ImageRequest>,
    hosts: Arc<dyn Hosts>,
    options: &BatchOptions,
    finished: &mut dyn FnMut(Finished),
) -> Summary {
    run::Batch::new(verifier, hosts, options, finished).of(&mut images.into_iter())
}

/// What a panic says, as the error of its image.
fn panicked(cause: &(dyn std::any::Any + Send)) -> Error {
    let said = cause
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it said nothing".to_owned());
    Error::new(
        ErrorKind::Internal,
        format!(
            "a defect in the verifier or its host ended this image ({}): report it",
            crate::error::quote(&said)
        ),
    )
}
