//! Exit codes; `--help`, the man page, the README and docs/CI.md name the same
//! ones.

use std::process::ExitCode;

use notation_verifier::io::batch::{ImageStatus, Stop, Summary};
use notation_verifier::report::ArtifactStatus;

use crate::bundle::Moment;

/// How the command ends. Wrong usage (2) is mostly clap's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Trusted, or (for commands that verify nothing) done.
    Trusted,
    /// Evaluated, and not trusted.
    Rejected,
    /// The arguments do not make sense.
    Usage,
    /// Nothing is known: a policy, trust store, look-up or file failed.
    CouldNotEvaluate,
    /// The policy exempts the artifact.
    Skipped,
    /// Trusted, where an evidence bundle tells the truth about its time and tags.
    TrustedAsClaimed,
    /// Somebody ended the run before it was done.
    Interrupted,
}

impl Exit {
    /// The exit code of a run. An interrupted one says so first; then what is worst
    /// decides. One exempt image among trusted ones is not "trusted".
    pub fn of(summary: &Summary) -> Self {
        let has = |status| summary.count(status) > 0;
        if summary.stopped() == Some(Stop::Cancelled) {
            Self::Interrupted
        } else if has(ImageStatus::Rejected) || has(ImageStatus::Unsigned) {
            Self::Rejected
        } else if summary.total() == 0
            || has(ImageStatus::LookupFailed)
            || has(ImageStatus::Error)
            || has(ImageStatus::NotDone)
        {
            Self::CouldNotEvaluate
        } else if has(ImageStatus::Skipped) {
            Self::Skipped
        } else {
            Self::Trusted
        }
    }

    /// The exit code of one report.
    pub const fn of_one(status: ArtifactStatus) -> Self {
        match status {
            ArtifactStatus::Verified => Self::Trusted,
            ArtifactStatus::Unsigned | ArtifactStatus::Rejected => Self::Rejected,
            ArtifactStatus::LookupFailed => Self::CouldNotEvaluate,
            ArtifactStatus::Skipped => Self::Skipped,
        }
    }

    /// The same where an evidence bundle says as of when.
    pub const fn at(self, moment: Moment) -> Self {
        match (self, moment) {
            (Self::Trusted, Moment::Claimed) => Self::TrustedAsClaimed,
            (other, _) => other,
        }
    }

    /// The same where a report of the run could not be written.
    pub const fn without_its_report(self) -> Self {
        match self {
            Self::Trusted | Self::Skipped | Self::TrustedAsClaimed => Self::CouldNotEvaluate,
            other => other,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Trusted => 0,
            Self::Rejected => 1,
            Self::Usage => 2,
            Self::CouldNotEvaluate => 3,
            Self::Skipped => 4,
            Self::TrustedAsClaimed => 5,
            Self::Interrupted => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
