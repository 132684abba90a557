//! What a verification found: [`Finding`]s folded into an [`Outcome`].
//!
//! The verdict is computed from the findings each time it is asked for and is
//! stored nowhere, so it cannot disagree with them.

use std::borrow::Cow;
use std::fmt;

use crate::time::Time;

/// One check of the specification (trust-store-trust-policy, "Signature
/// Verification").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// The envelope is well-formed, its certificates meet the certificate
    /// requirements, and the signature verifies. Enforced by every level.
    Integrity,
    /// Signed attributes that are marked critical are understood
    /// (signature-specification, "Extended attributes"). Always enforced.
    CriticalAttributes,
    /// A verification plugin that the signature names (plugin-extensibility).
    /// Always enforced.
    Plugin,
    /// The chain leads to a certificate of a trust store that the policy names.
    Authenticity,
    /// The signing certificate's subject is a trusted identity. Its action is
    /// that of authenticity.
    TrustedIdentity,
    /// The signature's own expiry time.
    Expiry,
    /// The chain was valid at the authentic time of signing.
    AuthenticTimestamp,
    /// No certificate of the chain is revoked.
    Revocation,
    /// The signed payload is the descriptor of the artifact that was asked for.
    /// Always enforced.
    TargetDescriptor,
    /// The signed annotations that the caller requires. Always enforced.
    UserMetadata,
}

impl Check {
    /// The specification's name, in its spelling (`authenticTimestamp`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::CriticalAttributes => "criticalAttributes",
            Self::Plugin => "plugin",
            Self::Authenticity => "authenticity",
            Self::TrustedIdentity => "trustedIdentity",
            Self::Expiry => "expiry",
            Self::AuthenticTimestamp => "authenticTimestamp",
            Self::Revocation => "revocation",
            Self::TargetDescriptor => "targetDescriptor",
            Self::UserMetadata => "userMetadata",
        }
    }
}

/// What a verification level does with a failed check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A failure rejects the signature.
    Enforce,
    /// A failure is reported and does not reject.
    Log,
    /// The check is not done.
    Skip,
}

impl Action {
    /// `enforce`, `log` or `skip`, as in a trust policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Log => "log",
            Self::Skip => "skip",
        }
    }
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The check passed; the text says what was found.
    Passed(Cow<'static, str>),
    /// The check failed.
    Failed(Rejection),
    /// The check was not done, because the level skips it.
    Skipped,
    /// The check was not reached: an enforced check before it failed.
    NotEvaluated,
}

/// Why a check failed: for programs a [`Reason`], for people the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable class of the failure.
    pub reason: Reason,
    /// What failed, with the values that decided: lower case, no full stop.
    pub detail: String,
    /// The certificate that it is about, where it is about one.
    pub certificate: Option<Box<CertificateSummary>>,
    /// The address that was asked, where one was.
    pub url: Option<String>,
    /// What to change, where a person can change something.
    pub remedy: Option<Cow<'static, str>>,
}

impl Rejection {
    /// A rejection for `reason`, told by `detail`.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            certificate: None,
            url: None,
            remedy: None,
        }
    }

    /// The same, about `certificate`.
    #[must_use]
    pub fn about(mut self, certificate: CertificateSummary) -> Self {
        self.certificate = Some(Box::new(certificate));
        self
    }

    /// The same, with what to change.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Rejection {}

/// What a person needs to recognise a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Position in the chain, 0 is the signing certificate.
    pub position: Option<usize>,
    /// The subject, RFC 4514 text.
    pub subject: String,
    /// The issuer, RFC 4514 text.
    pub issuer: String,
    /// Serial number in lower-case hexadecimal.
    pub serial_number: String,
    /// SHA-256 of the DER encoding, lower-case hexadecimal.
    pub sha256: String,
    /// Start of validity.
    pub not_before: Time,
    /// End of validity (inclusive).
    pub not_after: Time,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $slug:literal,)+) => {
        /// The stable class of a failed check. New ones may be added; a name is
        /// never used again for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason, for documentation and schemas.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name in machine-readable output.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $slug),+ }
            }
        }
    };
}

reasons! {
    /// The envelope's media type is not one of the two of the specification.
    EnvelopeMediaType = "envelope-media-type",
    /// The envelope is not well-formed COSE or JWS.
    EnvelopeMalformed = "envelope-malformed",
    /// The protected header is malformed.
    ProtectedHeaderMalformed = "protected-header-malformed",
    /// The list of critical headers breaks a rule.
    CritInvalid = "crit-invalid",
    /// The signing scheme is missing or unknown.
    SigningSchemeInvalid = "signing-scheme-invalid",
    /// The (authentic) signing time is missing, malformed or not allowed.
    SigningTimeInvalid = "signing-time-invalid",
    /// The expiry is malformed.
    ExpiryInvalid = "expiry-invalid",
    /// The expiry is not after the signing time.
    ExpiryBeforeSigningTime = "expiry-before-signing-time",
    /// The payload is missing or its content type is not a text.
    PayloadInvalid = "payload-invalid",
    /// The payload's content type is not the one of the specification.
    PayloadContentType = "payload-content-type",
    /// The payload is not the JSON of the specification.
    PayloadMalformed = "payload-malformed",
    /// The algorithm is missing, not allowed, or not that of the key.
    AlgorithmMismatch = "algorithm-mismatch",
    /// The signature does not verify.
    SignatureMismatch = "signature-mismatch",
    /// There is no certificate chain.
    CertChainMissing = "cert-chain-missing",
    /// A certificate cannot be parsed.
    CertMalformed = "cert-malformed",
    /// The chain or a certificate in it breaks a rule.
    CertChainInvalid = "cert-chain-invalid",
    /// The signing key's type or size is not allowed.
    KeyUnsupported = "key-unsupported",
    /// A manifest or envelope is not the content that its descriptor names.
    ContentMismatch = "content-mismatch",
    /// A signature manifest breaks a rule of the specification.
    SignatureManifestInvalid = "signature-manifest-invalid",
    /// A bound was reached.
    LimitExceeded = "limit-exceeded",
    /// A critical attribute is not understood.
    CriticalAttributeUnknown = "critical-attribute-unknown",
    /// The signature needs a plugin that is not there.
    PluginRequired = "plugin-required",
    /// No certificate of the chain is in a trust store of the policy.
    NotTrusted = "not-trusted",
    /// The policy names no trust store for the signing scheme.
    TrustStoreNoneConfigured = "trust-store-none-configured",
    /// A trust store of the policy cannot be used.
    TrustStoreUnusable = "trust-store-unusable",
    /// The subject is not a trusted identity.
    IdentityNotTrusted = "identity-not-trusted",
    /// The policy names no X.509 identity.
    IdentityNoneConfigured = "identity-none-configured",
    /// The subject lacks what every identity needs.
    IdentitySubjectUnusable = "identity-subject-unusable",
    /// The signature's expiry has passed.
    SignatureExpired = "signature-expired",
    /// A certificate is expired or not yet valid now.
    CertOutsideValidity = "cert-outside-validity",
    /// A certificate was not valid at the authentic time of signing.
    TimestampOutsideValidity = "timestamp-outside-validity",
    /// A time-stamp is needed and there is none.
    TimestampMissing = "timestamp-missing",
    /// The time-stamp is bad.
    TimestampInvalid = "timestamp-invalid",
    /// A certificate of the time-stamping authority is revoked.
    TimestampRevocation = "timestamp-revocation",
    /// The `tsa` trust store cannot be used.
    TimestampTrustStore = "timestamp-trust-store",
    /// A certificate is revoked.
    CertRevoked = "cert-revoked",
    /// The revocation status could not be determined.
    RevocationUnknown = "revocation-unknown",
    /// The signed descriptor is not that of the artifact.
    TargetMismatch = "target-mismatch",
    /// Required metadata is not in the signature.
    UserMetadataMismatch = "user-metadata-mismatch",
}

/// One check, its action and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// What the level does with a failure.
    pub action: Action,
    /// How the check ended.
    pub result: CheckResult,
}

impl Finding {
    /// Whether the check was done and failed.
    #[must_use]
    pub const fn failed(&self) -> bool {
        matches!(self.result, CheckResult::Failed(_))
    }

    /// Whether this finding alone rejects the signature.
    #[must_use]
    pub const fn rejects(&self) -> bool {
        match self.action {
            Action::Enforce => !matches!(self.result, CheckResult::Passed(_)),
            Action::Log | Action::Skip => false,
        }
    }

    /// The failure, where there is one.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match &self.result {
            CheckResult::Failed(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// Whether a signature, or an artifact, is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every enforced check passed.
    Trusted,
    /// An enforced check failed.
    Rejected,
    /// The policy's level is `skip`: nothing was looked at.
    Skipped,
}

impl Verdict {
    /// `trusted`, `rejected` or `skipped`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
        }
    }
}

/// What was found for one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    findings: Vec<Finding>,
}

impl Outcome {
    /// Folds `findings`, in the order in which the checks ran.
    pub(crate) const fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// Every check with its action and result, in the order in which they ran.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding of `check`.
    #[must_use]
    pub fn finding(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }

    /// The verdict, computed from the findings: trusted where integrity and the
    /// target descriptor passed and nothing that is enforced did not.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let passed = |check| {
            self.finding(check)
                .is_some_and(|finding| matches!(finding.result, CheckResult::Passed(_)))
        };
        if passed(Check::Integrity)
            && passed(Check::TargetDescriptor)
            && !self.findings.iter().any(Finding::rejects)
        {
            Verdict::Trusted
        } else {
            Verdict::Rejected
        }
    }

    /// The failures that reject.
    pub fn rejections(&self) -> impl Iterator<Item = (&Finding, &Rejection)> {
        self.findings
            .iter()
            .filter(|finding| finding.rejects())
            .filter_map(|finding| Some((finding, finding.rejection()?)))
    }

    /// The failures that the level only logs: visible also in a trusted result.
    pub fn logged_failures(&self) -> impl Iterator<Item = (&Finding, &Rejection)> {
        self.findings
            .iter()
            .filter(|finding| !finding.rejects())
            .filter_map(|finding| Some((finding, finding.rejection()?)))
    }
}
