//! Exit codes; `--help`, the man page and the README name the same ones.

use std::process::ExitCode;

use notation_verifier::report::ArtifactStatus;

/// How the command ends. Wrong usage (2) is clap's.
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
}

impl Exit {
    /// The exit code of a report with this status.
    pub const fn of(status: ArtifactStatus) -> Self {
        match status {
            ArtifactStatus::Verified => Self::Trusted,
            ArtifactStatus::Unsigned | ArtifactStatus::Rejected => Self::Rejected,
            ArtifactStatus::LookupFailed => Self::CouldNotEvaluate,
            ArtifactStatus::Skipped => Self::Skipped,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Trusted => 0,
            Exit::Rejected => 1,
            Exit::Usage => 2,
            Exit::CouldNotEvaluate => 3,
            Exit::Skipped => 4,
            Exit::TrustedAsClaimed => 5,
        })
    }
}
