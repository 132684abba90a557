//! Signatures back to their images: [`attach_all`].
//!
//! Each envelope is checked first: it must be intact, and of exactly the image it is
//! attached to. What is attached already is not attached again, so a run that died
//! half-way is simply run again. Why that holds: the signature manifest has nothing
//! in it but the envelope and what follows from it, so the same envelope always
//! makes the same manifest; and an envelope that is there under another manifest is
//! found by its digest.

mod envelope;
mod found;
mod map;
mod one;

pub use envelope::EnvelopeAt;
pub use map::attachments_of_map;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::registry::RegistryClient;
use super::run::{Run, Stopped};
use super::tasks;
use crate::error::Error;
use crate::oci::Reference;
use crate::sign::manifest::ManifestForm;
use crate::verifier::Verifier;
use crate::wire::Descriptor;

/// How long a list of referrers that clients keep must stay as it was written:
/// longer than it takes another client from reading it to writing it.
pub const DEFAULT_SETTLE: Duration = Duration::from_secs(2);

/// One envelope and its image.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The image, by digest or tag.
    pub reference: Reference,
    /// What the envelope must be of; `None` is what the registry has under the
    /// reference.
    pub target: Option<Descriptor>,
    /// Where the envelope is.
    pub envelope: EnvelopeAt,
}

/// How a run goes about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttachOptions {
    /// Envelopes at the same time. Default: 8.
    pub concurrency: usize,
    /// The form of the signature manifests. Default: OCI 1.1.
    pub form: ManifestForm,
    /// What to do once everything was checked. Default: write.
    pub effect: Effect,
    /// How long a list of referrers under a tag is left alone after it was written,
    /// before it is read again; beside what a slow registry adds. A list that the
    /// registry keeps is read after half a second at the most. Default:
    /// [`DEFAULT_SETTLE`].
    pub settle: Duration,
    /// What ends the run early.
    pub run: Run,
}

impl Default for AttachOptions {
    fn default() -> Self {
        Self {
            concurrency: 8,
            form: ManifestForm::default(),
            effect: Effect::Write,
            settle: DEFAULT_SETTLE,
            run: Run::default(),
        }
    }
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Signatures are attached.
    Write,
    /// Everything is checked and looked up, and nothing is written.
    DryRun,
}

/// One envelope that is through.
#[derive(Debug)]
pub struct Attached {
    /// Its position among the attachments, from 0.
    pub index: usize,
    /// The image, by digest where that is known.
    pub reference: Reference,
    /// How it ended.
    pub result: AttachResult,
    /// How long it took, with the time that it waited for others.
    pub elapsed: Duration,
}

/// How an envelope ended.
#[derive(Debug)]
pub enum AttachResult {
    /// It is attached now.
    Attached {
        /// The digest of the signature manifest.
        signature: String,
    },
    /// It was attached before.
    AlreadyAttached {
        /// The digest of the signature manifest.
        signature: String,
    },
    /// It would be attached: [`Effect::DryRun`].
    WouldAttach {
        /// The digest that the signature manifest would have.
        signature: String,
    },
    /// It is not attached.
    Failed(Error),
    /// The run ended first. It may be attached half-way: run it again.
    NotDone(Stopped),
}

impl AttachResult {
    /// `attached`, `already-attached`, `would-attach`, `failed` or `not-done`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Attached { .. } => "attached",
            Self::AlreadyAttached { .. } => "already-attached",
            Self::WouldAttach { .. } => "would-attach",
            Self::Failed(_) => "failed",
            Self::NotDone(_) => "not-done",
        }
    }

    /// The digest of the signature manifest, where the image has it, or would have.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        match self {
            Self::Attached { signature }
            | Self::AlreadyAttached { signature }
            | Self::WouldAttach { signature } => Some(signature),
            Self::Failed(_) | Self::NotDone(_) => None,
        }
    }

    /// Why the image does not have it, for a person.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed(error) => Some(error.to_string()),
            Self::NotDone(stopped) => Some(stopped.to_string()),
            _ => None,
        }
    }
}

impl Attached {
    /// An entry of `images` of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let kind = match &self.result {
            AttachResult::Failed(error) => Some(error.kind().as_str()),
            _ => None,
        };
        json!({
            "index": self.index,
            "reference": self.reference.to_string(),
            "digest": self.reference.digest().map(|digest| digest.to_string()),
            "status": self.result.as_str(),
            "signature": self.result.signature(),
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
pub struct AttachSummary {
    /// Attached in this run.
    pub attached: usize,
    /// Attached before.
    pub already_attached: usize,
    /// Not written because nothing was to be.
    pub would_attach: usize,
    /// Not attached.
    pub failed: usize,
    /// Not begun, or cut short.
    pub not_done: usize,
}

impl AttachSummary {
    /// Whether every image has its signature, or would have.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_done == 0
    }

    fn count(&mut self, result: &AttachResult) {
        let one = match result {
            AttachResult::Attached { .. } => &mut self.attached,
            AttachResult::AlreadyAttached { .. } => &mut self.already_attached,
            AttachResult::WouldAttach { .. } => &mut self.would_attach,
            AttachResult::Failed(_) => &mut self.failed,
            AttachResult::NotDone(_) => &mut self.not_done,
        };
        *one += 1;
    }

    /// The counts of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "attached": self.attached,
            "alreadyAttached": self.already_attached,
            "wouldAttach": self.would_attach,
            "failed": self.failed,
            "notDone": self.not_done,
        })
    }
}

/// The run as one document: the command's JSON. `images` are in the order in which
/// they were given.
#[must_use]
pub fn document(effect: Effect, images: &[Attached], summary: &AttachSummary) -> Value {
    json!({
        "schemaVersion": 1,
        "kind": "attached",
        "dryRun": effect == Effect::DryRun,
        "images": images.iter().map(Attached::to_json).collect::<Vec<_>>(),
        "counts": summary.to_json(),
    })
}

/// Attaches `attachments`, several at the same time, and hands each over to
/// `finished`, on the caller's thread, when it is done.
///
/// Of `verifier` only cryptography and bounds are used: whether an image's policy
/// trusts the signature is for those who verify.
pub fn attach_all(
    verifier: &Verifier,
    client: &RegistryClient,
    attachments: &[Attachment],
    options: &AttachOptions,
    finished: &mut dyn FnMut(Attached),
) -> AttachSummary {
    let shared = one::Shared::new(verifier, client, options);
    let mut summary = AttachSummary::default();
    let mut open: Vec<bool> = vec![true; attachments.len()];
    let mut hand_over = |one: Attached| {
        summary.count(&one.result);
        if let Some(open) = open.get_mut(one.index) {
            *open = false;
        }
        finished(one);
    };
    tasks::run(
        attachments,
        options.concurrency,
        &options.run,
        &|attachment| one::begin(&shared, attachment),
        &|waiting| one::go_on(&shared, waiting),
        &mut |index, (reference, result, begun): (Reference, AttachResult, Instant)| {
            hand_over(Attached {
                index,
                reference,
                result,
                elapsed: begun.elapsed(),
            });
        },
    );
    let stopped = options.run.check().err().unwrap_or(Stopped::Cancelled);
    for (index, attachment) in attachments.iter().enumerate() {
        if open.get(index).copied().unwrap_or(false) {
            let result = AttachResult::NotDone(stopped);
            summary.count(&result);
            finished(Attached {
                index,
                reference: attachment.reference.clone(),
                result,
                elapsed: Duration::ZERO,
            });
        }
    }
    summary
}

/// What signatures name for their config, once for all.
fn config() -> Arc<[u8]> {
    Arc::from(crate::sign::manifest::CONFIG)
}
