//! [`Error`]: the question could not be evaluated.
//!
//! A signature that was evaluated and found bad is not an error: it is an
//! [`Outcome`](crate::outcome::Outcome) whose verdict is `Rejected`.

use std::error::Error as StdError;
use std::fmt;

/// Why a verification could not be evaluated.
///
/// Opaque on purpose: match on [`Error::kind`], show [`Error`] (its `Display`
/// names what failed, where, and what to change) and walk
/// [`std::error::Error::source`] for the causes.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The class of an [`Error`]. Stable: names are used in machine-readable output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A trust policy document is missing, malformed or breaks a rule of the
    /// specification.
    TrustPolicy,
    /// No statement of the trust policy applies to the artifact.
    PolicyNotApplicable,
    /// A trust store or certificate could not be read.
    TrustStore,
    /// The caller's arguments are wrong (reference, scope, option).
    Usage,
    /// The artifact, a manifest or a blob could not be obtained or is malformed.
    Artifact,
    /// A bound of [`Limits`](crate::limits::Limits) stopped the work.
    LimitExceeded,
    /// Reading from the file system or the network failed.
    Io,
    /// A signature cannot be made: key, certificates, payload or times.
    Signing,
    /// A defect of the verifier or of the caller's own code ended the work.
    Internal,
}

impl ErrorKind {
    /// The stable name in machine-readable output, for example `trust-policy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrustPolicy => "trust-policy",
            Self::PolicyNotApplicable => "policy-not-applicable",
            Self::TrustStore => "trust-store",
            Self::Usage => "usage",
            Self::Artifact => "artifact",
            Self::LimitExceeded => "limit-exceeded",
            Self::Io => "io",
            Self::Signing => "signing",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// An error of `kind`. `message` is lower case, without a full stop, with
    /// the offending input in backticks and with what to change.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                source: None,
            }),
        }
    }

    /// The same with a cause.
    #[must_use]
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                source: Some(source.into()),
            }),
        }
    }

    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_ref()?;
        Some(source.as_ref())
    }
}

/// `text` as error messages show input: in backticks, with control characters
/// escaped so that it cannot forge lines of output, and cut where it is long.
pub(crate) fn quote(text: &str) -> String {
    /// Longer input says no more to a person.
    const SHOWN: usize = 200;
    let mut quoted = String::from("`");
    for (position, character) in text.chars().enumerate() {
        if position == SHOWN {
            quoted.push('…');
            break;
        }
        if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quoted_input_is_bounded_and_on_one_line() {
        assert_eq!(quote("a b"), "`a b`");
        assert_eq!(quote("a\nb\u{1b}"), "`a\\nb\\u{1b}`");
        assert_eq!(quote(&"x".repeat(10_000)).chars().count(), 203);
    }
}
