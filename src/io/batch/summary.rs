//! [`Summary`]: how many images ended how.

use serde_json::{Value, json};

use super::Stop;
use crate::report::ArtifactStatus;

/// Where an image of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageStatus {
    /// A signature is trusted.
    Verified,
    /// The look-up worked, and there is no signature.
    Unsigned,
    /// There are signatures, and none is trusted.
    Rejected,
    /// A look-up failed, so nothing is known.
    LookupFailed,
    /// The policy exempts it.
    Skipped,
    /// Nothing could be evaluated.
    Error,
    /// The run ended before it was done.
    NotDone,
}

impl ImageStatus {
    /// All of them, what needs attention first.
    pub const ALL: [Self; 7] = [
        Self::Rejected,
        Self::Unsigned,
        Self::LookupFailed,
        Self::Error,
        Self::NotDone,
        Self::Skipped,
        Self::Verified,
    ];

    /// The stable name, for example `lookup-failed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsigned => "unsigned",
            Self::Rejected => "rejected",
            Self::LookupFailed => "lookup-failed",
            Self::Skipped => "skipped",
            Self::Error => "error",
            Self::NotDone => "not-done",
        }
    }

    /// Whether the image was looked at and is neither trusted nor exempt.
    #[must_use]
    pub const fn failed(self) -> bool {
        match self {
            Self::Unsigned | Self::Rejected | Self::LookupFailed | Self::Error => true,
            Self::Verified | Self::Skipped | Self::NotDone => false,
        }
    }
}

impl From<ArtifactStatus> for ImageStatus {
    fn from(status: ArtifactStatus) -> Self {
        match status {
            ArtifactStatus::Verified => Self::Verified,
            ArtifactStatus::Unsigned => Self::Unsigned,
            ArtifactStatus::Rejected => Self::Rejected,
            ArtifactStatus::LookupFailed => Self::LookupFailed,
            ArtifactStatus::Skipped => Self::Skipped,
        }
    }
}

/// How many images ended how. All that a run keeps of its images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    counts: [usize; ImageStatus::ALL.len()],
    stopped: Option<Stop>,
}

impl Summary {
    /// Counts one more image.
    pub fn add(&mut self, status: ImageStatus) {
        for (counted, count) in ImageStatus::ALL.iter().zip(&mut self.counts) {
            if *counted == status {
                *count += 1;
            }
        }
    }

    pub(super) const fn stop(&mut self, stop: Option<Stop>) {
        self.stopped = stop;
    }

    /// Images with this status.
    #[must_use]
    pub fn count(&self, status: ImageStatus) -> usize {
        self.counts()
            .find(|(one, _)| *one == status)
            .map_or(0, |(_, count)| count)
    }

    /// Every status with its number of images, what needs attention first.
    pub fn counts(&self) -> impl Iterator<Item = (ImageStatus, usize)> + '_ {
        ImageStatus::ALL
            .into_iter()
            .zip(self.counts.iter().copied())
    }

    /// Images in all, those that were not done included.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Why the run ended early, where it did.
    #[must_use]
    pub const fn stopped(&self) -> Option<Stop> {
        self.stopped
    }

    /// Whether there was an image, and every one is trusted.
    #[must_use]
    pub fn all_verified(&self) -> bool {
        self.total() > 0 && self.count(ImageStatus::Verified) == self.total()
    }

    /// The member `summary` of `docs/batch.schema.json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "total": self.total(),
            "verified": self.count(ImageStatus::Verified),
            "unsigned": self.count(ImageStatus::Unsigned),
            "rejected": self.count(ImageStatus::Rejected),
            "lookupFailed": self.count(ImageStatus::LookupFailed),
            "skipped": self.count(ImageStatus::Skipped),
            "error": self.count(ImageStatus::Error),
            "notDone": self.count(ImageStatus::NotDone),
            "stopped": self.stopped.map(Stop::as_str),
        })
    }
}
