//! What became of the manifests of an index, where all of them count.

use super::{ArtifactStatus, Report};
use crate::wire::Descriptor;

/// The manifests and indexes that an index lists.
#[derive(Clone, Debug)]
pub struct PlatformsReport {
    pub(crate) manifests: Vec<PlatformReport>,
    pub(crate) failures: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct PlatformReport {
    pub(crate) descriptor: Descriptor,
    pub(crate) platform: Option<String>,
    pub(crate) result: PlatformResult,
}

/// How it was dealt with.
#[derive(Clone, Debug)]
pub enum PlatformResult {
    /// It was verified.
    Report(Box<Report>),
    /// It is for the platform `unknown/unknown`, so it is no image, and was not
    /// looked at.
    NotAPlatform,
}

impl PlatformsReport {
    /// All of them, those of nested indexes included, each once.
    #[must_use]
    pub fn manifests(&self) -> &[PlatformReport] {
        &self.manifests
    }

    /// Why it is not known what the index lists, for a person; empty where it is.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Where an index that itself is at `own` stands with all of them: verified
    /// where everything is, unsigned where everything is. One that is not trusted
    /// decides, whatever could not be looked up beside it.
    pub(super) fn with(&self, own: ArtifactStatus) -> ArtifactStatus {
        let failed = (!self.failures.is_empty()).then_some(ArtifactStatus::LookupFailed);
        let all: Vec<ArtifactStatus> = self
            .manifests
            .iter()
            .filter_map(PlatformReport::status)
            .chain(failed)
            .chain([own])
            .collect();
        let has = |status| all.contains(&status);
        if all.iter().all(|status| *status == own) {
            own
        } else if has(ArtifactStatus::Rejected) || has(ArtifactStatus::Unsigned) {
            ArtifactStatus::Rejected
        } else {
            ArtifactStatus::LookupFailed
        }
    }
}

impl PlatformReport {
    /// The descriptor, as the index has it.
    #[must_use]
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// `os/architecture`, with the variant where there is one, as the index has it.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// How it was dealt with.
    #[must_use]
    pub const fn result(&self) -> &PlatformResult {
        &self.result
    }

    /// Its report, where it was verified.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match &self.result {
            PlatformResult::Report(report) => Some(report),
            PlatformResult::NotAPlatform => None,
        }
    }

    /// Where it stands; `None` where it does not count.
    #[must_use]
    pub fn status(&self) -> Option<ArtifactStatus> {
        self.report().map(Report::status)
    }
}
