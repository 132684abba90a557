//! What became of images and their signatures.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Effect, GoneImages};
use crate::error::Error;
use crate::io::run::Stopped;
use crate::oci::Reference;
use crate::time::Time;

/// One image that is through.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pruned {
    /// Its position among the references, from 0.
    pub index: usize,
    /// The image, by digest where that is known.
    pub reference: Reference,
    /// Whether the registry has no such image any more.
    pub is_gone: bool,
    /// Its signatures; empty where they could not be looked at.
    pub signatures: Vec<PrunedSignature>,
    /// How it ended.
    pub result: PruneResult,
    /// How long it took, with the time that it waited for others.
    pub elapsed: Duration,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunedSignature {
    /// The digest of its manifest.
    pub digest: String,
    /// When it was made, as far as it says so: the earliest time that it states.
    pub signed_at: Option<Time>,
    /// What became of it.
    pub state: SignatureState,
    /// Why, for a person.
    pub why: String,
    /// The valid signature that makes it needless.
    pub replaced_by: Option<String>,
}

/// What became of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// It stays.
    Stays,
    /// It can go, and nothing was deleted: [`Effect::DryRun`], or the image failed.
    Goes,
    /// It was deleted.
    Deleted,
    /// Somebody else had deleted it when its turn came.
    AlreadyDeleted,
}

impl SignatureState {
    /// `stays`, `goes`, `deleted` or `already-deleted`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stays => "stays",
            Self::Goes => "goes",
            Self::Deleted => "deleted",
            Self::AlreadyDeleted => "already-deleted",
        }
    }
}

/// How an image ended.
#[derive(Debug)]
pub enum PruneResult {
    /// Every signature stays.
    Nothing,
    /// Some can go, and nothing was to be deleted.
    Listed,
    /// Those that can go are deleted.
    Pruned,
    /// Nothing, or not all, was deleted; the reason is told.
    Failed(Error),
    /// The run ended first. Run it again.
    NotDone(Stopped),
}

impl PruneResult {
    /// `nothing`, `listed`, `pruned`, `failed` or `not-done`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Listed => "listed",
            Self::Pruned => "pruned",
            Self::Failed(_) => "failed",
            Self::NotDone(_) => "not-done",
        }
    }

    /// Whether the image has what was asked for.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        !matches!(self, Self::Failed(_) | Self::NotDone(_))
    }

    /// Why not, for a person.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed(error) => Some(error.to_string()),
            Self::NotDone(stopped) => Some(stopped.to_string()),
            _ => None,
        }
    }
}

impl Pruned {
    /// An entry of `images` of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let kind = match &self.result {
            PruneResult::Failed(error) => Some(error.kind().as_str()),
            _ => None,
        };
        let signatures = self.signatures.iter().map(|one| {
            json!({
                "digest": one.digest,
                "signedAt": one.signed_at.map(|time| time.to_string()),
                "status": one.state.as_str(),
                "replacedBy": one.replaced_by,
                "reason": one.why,
            })
        });
        json!({
            "index": self.index,
            "reference": self.reference.to_string(),
            "digest": self.reference.digest().map(|digest| digest.to_string()),
            "imageIsGone": self.is_gone,
            "status": self.result.as_str(),
            "signatures": signatures.collect::<Vec<_>>(),
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
pub struct PruneSummary {
    /// Images all of whose signatures stay.
    pub nothing: usize,
    /// Images of which signatures can go.
    pub listed: usize,
    /// Images whose needless signatures were deleted.
    pub pruned: usize,
    /// Images that failed.
    pub failed: usize,
    /// Images that were not begun, or cut short.
    pub not_done: usize,
    /// Signatures that stay.
    pub stays: usize,
    /// Signatures that can go and are there still.
    pub goes: usize,
    /// Signatures that were deleted.
    pub deleted: usize,
    /// Signatures that somebody else had deleted.
    pub already_deleted: usize,
}

impl PruneSummary {
    /// Whether every image has what was asked for.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_done == 0
    }

    pub(super) fn count(&mut self, one: &Pruned) {
        *match &one.result {
            PruneResult::Nothing => &mut self.nothing,
            PruneResult::Listed => &mut self.listed,
            PruneResult::Pruned => &mut self.pruned,
            PruneResult::Failed(_) => &mut self.failed,
            PruneResult::NotDone(_) => &mut self.not_done,
        } += 1;
        for signature in &one.signatures {
            *match signature.state {
                SignatureState::Stays => &mut self.stays,
                SignatureState::Goes => &mut self.goes,
                SignatureState::Deleted => &mut self.deleted,
                SignatureState::AlreadyDeleted => &mut self.already_deleted,
            } += 1;
        }
    }

    /// The counts of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "nothing": self.nothing,
            "listed": self.listed,
            "pruned": self.pruned,
            "failed": self.failed,
            "notDone": self.not_done,
            "signatures": {
                "stays": self.stays,
                "goes": self.goes,
                "deleted": self.deleted,
                "alreadyDeleted": self.already_deleted,
            },
        })
    }
}

/// The run as one document: the command's JSON. `images` are in the order in which
/// they were given, those of `repositories` last.
#[must_use]
pub fn document(
    effect: Effect,
    images: &[Pruned],
    summary: &PruneSummary,
    repositories: &[GoneImages],
    warnings: &[String],
) -> Value {
    json!({
        "schemaVersion": 1,
        "kind": "pruned",
        "deletes": effect == Effect::Write,
        "repositories": repositories.iter().map(GoneImages::to_json).collect::<Vec<_>>(),
        "images": images.iter().map(Pruned::to_json).collect::<Vec<_>>(),
        "counts": summary.to_json(),
        "warnings": warnings,
    })
}
