//! [`Report`]: what a verification found for one artifact.

mod json;
mod platforms;

pub use json::{SCHEMA_VERSION, certificate, error_document, error_members, signed};
pub use platforms::{PlatformReport, PlatformResult, PlatformsReport};

use crate::checks;
use crate::crypto::Digest;
use crate::envelope::Signed;
use crate::outcome::{Outcome, Rejection, Verdict};
use crate::policy::{Level, Statement};
use crate::time::Time;
use crate::wire::Descriptor;

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An artifact of a registry or layout; the text is the reference that the
    /// caller gave.
    Artifact(String),
    /// A blob; the text is the caller's name for it.
    Blob(String),
}

impl Subject {
    /// What the caller called it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Artifact(name) | Self::Blob(name) => name,
        }
    }
}

/// Where an artifact stands after all its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArtifactStatus {
    /// A signature is trusted.
    Verified,
    /// The look-up worked, and there is no signature.
    Unsigned,
    /// There are signatures, and none is trusted.
    Rejected,
    /// A look-up failed, so nothing is known. Never the same as unsigned.
    LookupFailed,
    /// The policy's level is `skip`.
    Skipped,
}

impl ArtifactStatus {
    /// `verified`, `unsigned`, `rejected`, `lookup-failed` or `skipped`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsigned => "unsigned",
            Self::Rejected => "rejected",
            Self::LookupFailed => "lookup-failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One verification of one artifact. The status is computed from the parts each
/// time it is asked for.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) subject: Subject,
    pub(crate) statement: String,
    /// `None` is `skip`.
    pub(crate) level: Option<Level>,
    pub(crate) target: Option<Descriptor>,
    pub(crate) blob: Option<(Digest, u64)>,
    pub(crate) signatures: Vec<SignatureReport>,
    pub(crate) platforms: Option<PlatformsReport>,
    pub(crate) lookup_failures: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) verified_at: Time,
}

impl Report {
    /// A report with nothing found yet.
    pub(crate) fn start(subject: Subject, statement: &Statement, now: Time) -> Self {
        Self {
            subject,
            statement: statement.name().to_owned(),
            level: Some(statement.level()),
            target: None,
            blob: None,
            signatures: Vec::new(),
            platforms: None,
            lookup_failures: Vec::new(),
            warnings: Vec::new(),
            verified_at: now,
        }
    }

    /// The report of an artifact that the policy exempts: nothing was looked at.
    pub(crate) fn skipped(subject: Subject, statement: &str, now: Time) -> Self {
        Self {
            subject,
            statement: statement.to_owned(),
            level: None,
            target: None,
            blob: None,
            signatures: Vec::new(),
            platforms: None,
            lookup_failures: Vec::new(),
            warnings: Vec::new(),
            verified_at: now,
        }
    }

    /// What was verified.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The name of the statement of the trust policy that applied.
    #[must_use]
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// The level of that statement: `strict`, `permissive`, `audit` or `skip`.
    #[must_use]
    pub const fn level(&self) -> &'static str {
        match self.level {
            Some(level) => level.as_str(),
            None => "skip",
        }
    }

    /// The moment as of which everything was judged.
    #[must_use]
    pub const fn verified_at(&self) -> Time {
        self.verified_at
    }

    /// The artifact's descriptor: its digest is that of bytes that were hashed
    /// here, or what the caller of an envelope verification gave. Use this
    /// digest, not the tag, for whatever comes next.
    #[must_use]
    pub const fn target(&self) -> Option<&Descriptor> {
        self.target.as_ref()
    }

    /// Digest and size in octets of a blob, where one was hashed.
    #[must_use]
    pub const fn blob(&self) -> Option<(&Digest, u64)> {
        match &self.blob {
            Some((digest, size)) => Some((digest, *size)),
            None => None,
        }
    }

    /// The signatures that were looked at, in order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureReport] {
        &self.signatures
    }

    /// The first trusted signature.
    #[must_use]
    pub fn trusted_signature(&self) -> Option<&SignatureReport> {
        self.signatures
            .iter()
            .find(|signature| signature.verdict() == Verdict::Trusted)
    }

    /// Why look-ups failed, for a person; empty where none did.
    #[must_use]
    pub fn lookup_failures(&self) -> &[String] {
        &self.lookup_failures
    }

    /// What a person should know beside the verdict.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same with more to tell, such as what was odd in the configuration.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// What became of the manifests that the index lists, where they count and the
    /// artifact is an index.
    #[must_use]
    pub const fn platforms(&self) -> Option<&PlatformsReport> {
        self.platforms.as_ref()
    }

    /// Where the artifact stands, with all that counts for it.
    #[must_use]
    pub fn status(&self) -> ArtifactStatus {
        match &self.platforms {
            Some(platforms) => platforms.with(self.own_status()),
            None => self.own_status(),
        }
    }

    /// Where the artifact itself stands, without what it lists.
    #[must_use]
    pub fn own_status(&self) -> ArtifactStatus {
        if self.level.is_none() {
            ArtifactStatus::Skipped
        } else if self.trusted_signature().is_some() {
            ArtifactStatus::Verified
        } else if !self.lookup_failures.is_empty()
            || self
                .signatures
                .iter()
                .any(|signature| matches!(signature.result, SignatureResult::Unavailable(_)))
        {
            ArtifactStatus::LookupFailed
        } else if self.signatures.is_empty() {
            ArtifactStatus::Unsigned
        } else {
            ArtifactStatus::Rejected
        }
    }

    /// The verdict: trusted only where a signature is.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.status() {
            ArtifactStatus::Verified => Verdict::Trusted,
            ArtifactStatus::Skipped => Verdict::Skipped,
            ArtifactStatus::Unsigned | ArtifactStatus::Rejected | ArtifactStatus::LookupFailed => {
                Verdict::Rejected
            }
        }
    }
}

/// One signature of an artifact.
#[derive(Clone, Debug)]
pub struct SignatureReport {
    pub(crate) manifest_digest: Option<String>,
    pub(crate) envelope_digest: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) result: SignatureResult,
}

/// How far one signature came.
#[derive(Clone, Debug)]
pub enum SignatureResult {
    /// It was evaluated; the envelope's content is there where its integrity
    /// passed.
    Evaluated {
        /// Every check.
        outcome: Outcome,
        /// What was signed, and by whom.
        signed: Option<Box<Signed>>,
    },
    /// The signature manifest or the envelope's descriptor is bad.
    Unusable(Rejection),
    /// The manifest or the envelope could not be fetched; the text says why.
    Unavailable(String),
}

impl SignatureResult {
    /// The result of a signature whose integrity check failed.
    pub(crate) fn integrity_failed(statement: &Statement, rejection: Rejection) -> Self {
        Self::Evaluated {
            outcome: Outcome::new(checks::integrity_failed(statement, rejection)),
            signed: None,
        }
    }
}

impl SignatureReport {
    /// The digest of the signature manifest, where there is one.
    #[must_use]
    pub fn manifest_digest(&self) -> Option<&str> {
        self.manifest_digest.as_deref()
    }

    /// The digest of the envelope, where it is known.
    #[must_use]
    pub fn envelope_digest(&self) -> Option<&str> {
        self.envelope_digest.as_deref()
    }

    /// The envelope's media type, where it is known.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// How far it came.
    #[must_use]
    pub const fn result(&self) -> &SignatureResult {
        &self.result
    }

    /// Every check, where the signature was evaluated.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        match &self.result {
            SignatureResult::Evaluated { outcome, .. } => Some(outcome),
            SignatureResult::Unusable(_) | SignatureResult::Unavailable(_) => None,
        }
    }

    /// The envelope's content, where its integrity passed.
    #[must_use]
    pub fn signed(&self) -> Option<&Signed> {
        match &self.result {
            SignatureResult::Evaluated { signed, .. } => signed.as_deref(),
            SignatureResult::Unusable(_) | SignatureResult::Unavailable(_) => None,
        }
    }

    /// The verdict on this signature.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.outcome().map_or(Verdict::Rejected, Outcome::verdict)
    }
}
