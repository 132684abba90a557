//! What became of an image and of everything that belongs to it.

use serde_json::{Value, json};

use crate::io::run::Stopped;
use crate::oci::closure::Problem;
use crate::wire::Descriptor;

/// What became of an image.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CopyReport {
    /// What was asked for, once it was found.
    pub root: Option<Descriptor>,
    /// The tag that it has, or should have, at the destination.
    pub tag: Option<String>,
    /// Everything that belongs to it: blobs, manifests, the tag.
    pub items: Vec<Item>,
    /// Why it is not whole at the source. Where there is one, nothing is written.
    pub problems: Vec<Problem>,
    /// What was odd and is no failure, for a person.
    pub warnings: Vec<String>,
}

/// One thing that belongs to an image.
#[derive(Debug)]
#[non_exhaustive]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its digest, type and size; of a tag those of what it names.
    pub descriptor: Descriptor,
    /// The digest of what it refers to, where it is a referrer.
    pub subject: Option<String>,
    /// What became of it.
    pub result: ItemResult,
}

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A config, a layer, an envelope.
    Blob,
    /// A manifest or an index.
    Manifest,
    /// The name of the image.
    Tag,
}

impl ItemKind {
    /// `blob`, `manifest` or `tag`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Manifest => "manifest",
            Self::Tag => "tag",
        }
    }
}

/// What became of a thing.
#[derive(Debug)]
pub enum ItemResult {
    /// It was copied.
    Copied,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was there.
    Present,
    /// It would be copied: nothing was to be written.
    WouldCopy,
    /// It is at neither place and need not be: a layer that registries must not have.
    Foreign,
    /// It is not there, or not as it should be.
    Missing(String),
    /// It could not be copied, or looked at.
    Failed(String),
    /// The run ended first.
    NotDone(Stopped),
}

impl ItemResult {
    /// `copied`, `mounted`, `present`, `would-copy`, `foreign`, `missing`, `failed` or
    /// `not-done`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Mounted => "mounted",
            Self::Present => "present",
            Self::WouldCopy => "would-copy",
            Self::Foreign => "foreign",
            Self::Missing(_) => "missing",
            Self::Failed(_) => "failed",
            Self::NotDone(_) => "not-done",
        }
    }

    /// Whether the destination has it, or would have it, or need not have it.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        !matches!(self, Self::Missing(_) | Self::Failed(_) | Self::NotDone(_))
    }

    /// Why not, for a person.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Missing(why) | Self::Failed(why) => Some(why.clone()),
            Self::NotDone(stopped) => Some(stopped.to_string()),
            _ => None,
        }
    }

    /// The same, where the end of `run` may be the reason.
    pub(super) fn of_failure(why: String, run: &crate::io::run::Run) -> Self {
        match run.check() {
            Err(stopped) => Self::NotDone(stopped),
            Ok(()) => Self::Failed(why),
        }
    }
}

impl CopyReport {
    /// Whether the destination has everything, or would have it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.root.is_some()
            && self.problems.is_empty()
            && self.items.iter().all(|item| item.result.is_good())
    }

    /// How many ended as `status`, of [`ItemResult::as_str`].
    #[must_use]
    pub fn count(&self, status: &str) -> usize {
        let ended = |item: &&Item| item.result.as_str() == status;
        self.items.iter().filter(ended).count()
    }

    /// The command's JSON, as members of an object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(Item::to_json).collect();
        let problems: Vec<Value> = self
            .problems
            .iter()
            .map(|problem| json!({"digest": problem.digest, "reason": problem.reason}))
            .collect();
        json!({
            "root": self.root.as_ref().map(|root| json!({
                "mediaType": root.media_type,
                "digest": root.digest,
                "size": root.size,
            })),
            "tag": self.tag,
            "complete": self.is_complete(),
            "items": items,
            "problems": problems,
            "warnings": self.warnings,
            "counts": {
                "copied": self.count("copied"),
                "mounted": self.count("mounted"),
                "present": self.count("present"),
                "wouldCopy": self.count("would-copy"),
                "foreign": self.count("foreign"),
                "missing": self.count("missing"),
                "failed": self.count("failed"),
                "notDone": self.count("not-done"),
            },
        })
    }
}

impl Item {
    pub(super) fn new(kind: ItemKind, descriptor: &Descriptor, result: ItemResult) -> Self {
        Self {
            kind,
            descriptor: descriptor.clone(),
            subject: None,
            result,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.as_str(),
            "mediaType": self.descriptor.media_type,
            "artifactType": self.descriptor.artifact_type,
            "digest": self.descriptor.digest,
            "size": self.descriptor.size,
            "subject": self.subject,
            "status": self.result.as_str(),
            "reason": self.result.reason(),
        })
    }
}
