//! Not there, or not readable: two different answers.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why a layout did not give what was asked for.
#[derive(Debug)]
pub enum LayoutError {
    /// The layout does not have it.
    NotFound(Error),
    /// The layout, or what it has, is malformed, too large, or cannot be read.
    Failed(Error),
}

impl LayoutError {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(Error::new(ErrorKind::Artifact, message))
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::Failed(Error::new(ErrorKind::Artifact, message))
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::Failed(Error::new(ErrorKind::LimitExceeded, message))
    }

    pub(super) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self::Failed(Error::with_source(
            ErrorKind::Io,
            format!("{}: {source}", message.into()),
            source,
        ))
    }

    /// Whether the layout does not have it.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    const fn error(&self) -> &Error {
        match self {
            Self::NotFound(error) | Self::Failed(error) => error,
        }
    }
}

impl From<LayoutError> for Error {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::NotFound(error) | LayoutError::Failed(error) => error,
        }
    }
}

impl From<Error> for LayoutError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for LayoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}
