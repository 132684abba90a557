//! Payloads for a signing service that signs files: [`write_payloads`].
//!
//! Each image is resolved in its registry, and its descriptor, exactly as it was
//! seen there, goes into a file of its own whose name comes from the digest. Where a
//! [`SkipSigned`] says what counts as a valid signature, images that have one get no
//! file; an image whose signatures are broken or not trusted does.

mod file;
mod one;

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::evidence::EvidenceFetcher;
use super::files::write_whole;
use super::registry::RegistryClient;
use super::run::{Run, Stopped};
use super::tasks::{self, Progress};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::oci::Reference;
use crate::sign::map::{MapEntry, PayloadMap};
use crate::time::Time;
use crate::verifier::Verifier;

/// The name of the map that is written beside the payloads.
pub const MAP_NAME: &str = "payload-map.json";

/// How a run goes about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PayloadOptions {
    /// Where the files go; it must exist.
    pub directory: PathBuf,
    /// User metadata: annotations of each payload.
    pub annotations: BTreeMap<String, String>,
    /// Images at the same time. Default: 8.
    pub concurrency: usize,
    /// What counts as a signature that makes another one needless; `None` gives
    /// every image a payload.
    pub skip_signed: Option<SkipSigned>,
    /// What to do with a file that has the name of a payload and holds something
    /// else.
    pub other_content: OtherContent,
    /// Bounds.
    pub limits: Limits,
    /// What ends the run early.
    pub run: Run,
}

impl PayloadOptions {
    /// Payloads into `directory`, for every image.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            annotations: BTreeMap::new(),
            concurrency: 8,
            skip_signed: None,
            other_content: OtherContent::Refuse,
            limits: Limits::default(),
            run: Run::default(),
        }
    }
}

/// What to do with a file that holds something else than the payload, and no
/// envelope of it either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherContent {
    /// Leave it, and say so.
    Refuse,
    /// Write over it.
    Replace,
}

/// Which signatures are valid.
#[derive(Clone, Debug)]
pub struct SkipSigned {
    /// The policy and the trust stores.
    pub verifier: Verifier,
    /// Where evidence about revocation comes from.
    pub evidence: EvidenceFetcher,
    /// The moment of verification.
    pub now: Time,
}

/// One image that is through.
#[derive(Debug)]
pub struct Prepared {
    /// Its position among the references, from 0.
    pub index: usize,
    /// The image, by digest where that is known.
    pub reference: Reference,
    /// How it ended.
    pub result: PayloadResult,
    /// How long it took.
    pub elapsed: Duration,
}

/// How an image ended.
#[derive(Debug)]
pub enum PayloadResult {
    /// The payload was written.
    Written(MapEntry),
    /// The file was there already, with the same payload.
    Kept(MapEntry),
    /// The file holds a signature of the payload already: it is to be attached.
    Signed(MapEntry),
    /// The image has a valid signature.
    Valid {
        /// The digest of its signature manifest.
        signature: Option<String>,
    },
    /// There is no payload.
    Failed(Error),
    /// The run ended first.
    NotDone(Stopped),
}

impl PayloadResult {
    /// `written`, `kept`, `signed`, `valid`, `failed` or `not-done`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Written(_) => "written",
            Self::Kept(_) => "kept",
            Self::Signed(_) => "signed",
            Self::Valid { .. } => "valid",
            Self::Failed(_) => "failed",
            Self::NotDone(_) => "not-done",
        }
    }

    /// The entry of the map, where there is a payload.
    #[must_use]
    pub const fn entry(&self) -> Option<&MapEntry> {
        match self {
            Self::Written(entry) | Self::Kept(entry) | Self::Signed(entry) => Some(entry),
            _ => None,
        }
    }

    /// Why there is no payload where there should be one, for a person.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed(error) => Some(error.to_string()),
            Self::NotDone(stopped) => Some(stopped.to_string()),
            _ => None,
        }
    }
}

impl Prepared {
    /// An entry of `images` of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let kind = match &self.result {
            PayloadResult::Failed(error) => Some(error.kind().as_str()),
            _ => None,
        };
        let signature = match &self.result {
            PayloadResult::Valid { signature } => signature.as_deref(),
            _ => None,
        };
        json!({
            "index": self.index,
            "reference": self.reference.to_string(),
            "digest": self.reference.digest().map(|digest| digest.to_string()),
            "status": self.result.as_str(),
            "payload": self.result.entry().map(|entry| entry.payload.as_str()),
            "signature": signature,
            "error": self.result.reason().map(|message| json!({
                "kind": kind,
                "message": message,
            })),
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PayloadSummary {
    /// Payloads that were written.
    pub written: usize,
    /// Payloads that were there already.
    pub kept: usize,
    /// Payloads that are signed already.
    pub signed: usize,
    /// Images with a valid signature.
    pub valid: usize,
    /// Images without a payload.
    pub failed: usize,
    /// Images that were not begun, or cut short.
    pub not_done: usize,
}

impl PayloadSummary {
    /// Whether every image has a payload or a valid signature.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_done == 0
    }

    fn count(&mut self, result: &PayloadResult) {
        let one = match result {
            PayloadResult::Written(_) => &mut self.written,
            PayloadResult::Kept(_) => &mut self.kept,
            PayloadResult::Signed(_) => &mut self.signed,
            PayloadResult::Valid { .. } => &mut self.valid,
            PayloadResult::Failed(_) => &mut self.failed,
            PayloadResult::NotDone(_) => &mut self.not_done,
        };
        *one += 1;
    }

    /// The counts of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "written": self.written,
            "kept": self.kept,
            "signed": self.signed,
            "valid": self.valid,
            "failed": self.failed,
            "notDone": self.not_done,
        })
    }
}

/// The run as one document: the command's JSON. `images` are in the order in which
/// they were asked for.
#[must_use]
pub fn document(
    map: &Path,
    images: &[Prepared],
    summary: &PayloadSummary,
    warnings: &[String],
) -> Value {
    json!({
        "schemaVersion": 1,
        "kind": "payloads",
        "map": map.display().to_string(),
        "images": images.iter().map(Prepared::to_json).collect::<Vec<_>>(),
        "counts": summary.to_json(),
        "warnings": warnings,
    })
}

/// [`write_payloads`] into a directory that is made where it is missing, and then
/// the map beside the payloads, also of a run that ended early.
///
/// # Errors
/// [`ErrorKind::Io`] where the directory cannot be made (before anything is asked),
/// or the map cannot be written (after all images).
pub fn write_payloads_and_map(
    client: &RegistryClient,
    references: &[Reference],
    options: &PayloadOptions,
    finished: &mut dyn FnMut(Prepared),
) -> Result<PayloadSummary, Error> {
    let directory = &options.directory;
    std::fs::create_dir_all(directory).map_err(|error| {
        let message = format!("`{}` cannot be made: {error}", directory.display());
        Error::with_source(ErrorKind::Io, message, error)
    })?;
    let (map, summary) = write_payloads(client, references, options, finished);
    write_whole(&directory.join(MAP_NAME), &map.to_json()?)?;
    Ok(summary)
}

/// Writes payloads for `references`, several at the same time, and hands each over
/// to `finished`, on the caller's thread, when it is done. The map has every image
/// that is to be signed, in the order of `references`; writing it is up to the
/// caller.
pub fn write_payloads(
    client: &RegistryClient,
    references: &[Reference],
    options: &PayloadOptions,
    finished: &mut dyn FnMut(Prepared),
) -> (PayloadMap, PayloadSummary) {
    let shared = one::Shared::new(client, options);
    let mut summary = PayloadSummary::default();
    let mut entries: BTreeMap<usize, MapEntry> = BTreeMap::new();
    let mut done = HashSet::new();
    tasks::run(
        references,
        options.concurrency,
        &options.run,
        &|reference| Progress::Done(one::prepare(&shared, reference)),
        // No image waits.
        &|never: Infallible| match never {},
        &mut |index, (reference, result, begun): (Reference, PayloadResult, Instant)| {
            summary.count(&result);
            done.insert(index);
            if let Some(entry) = result.entry() {
                entries.insert(index, entry.clone());
            }
            finished(Prepared {
                index,
                reference,
                result,
                elapsed: begun.elapsed(),
            });
        },
    );
    let stopped = options.run.check().err().unwrap_or(Stopped::Cancelled);
    for (index, reference) in references.iter().enumerate() {
        if !done.contains(&index) {
            let result = PayloadResult::NotDone(stopped);
            summary.count(&result);
            finished(Prepared {
                index,
                reference: reference.clone(),
                result,
                elapsed: Duration::ZERO,
            });
        }
    }
    let mut map = PayloadMap::new();
    let mut seen = HashSet::new();
    for entry in entries.into_values() {
        // A tag and the digest that it names are one image.
        if seen.insert(entry.reference.clone()) {
            map.push(entry);
        }
    }
    (map, summary)
}
