//! [`PolicyError`]: which statement, which field, what is wrong, what is allowed.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, ErrorKind, quote};

/// Which of the two trust policy documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// For artifacts in OCI registries and layouts: `trustpolicy.oci.json`.
    Oci,
    /// For blobs: `trustpolicy.blob.json`.
    Blob,
}

impl DocumentKind {
    /// `oci` or `blob`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oci => "oci",
            Self::Blob => "blob",
        }
    }
}

/// Why a trust policy cannot be used, or gives no statement for an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    document: DocumentKind,
    kind: ErrorKind,
    category: &'static str,
    statement: Option<(usize, String)>,
    field: Option<Cow<'static, str>>,
    value: Option<String>,
    problem: Cow<'static, str>,
    allowed: Cow<'static, str>,
}

impl PolicyError {
    /// The document that it is about.
    #[must_use]
    pub fn document(&self) -> DocumentKind {
        self.inner.document
    }

    /// The class of the error that this becomes.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// A stable slug for programs, for example `policy-scope-invalid`.
    #[must_use]
    pub fn category(&self) -> &'static str {
        self.inner.category
    }

    /// The position of the statement in `trustPolicies`, from 0.
    #[must_use]
    pub fn statement_index(&self) -> Option<usize> {
        self.inner.statement.as_ref().map(|(index, _)| *index)
    }

    /// The name of the statement, where it has one.
    #[must_use]
    pub fn statement_name(&self) -> Option<&str> {
        self.inner
            .statement
            .as_ref()
            .map(|(_, name)| name.as_str())
            .filter(|name| !name.is_empty())
    }

    /// The field, named from the statement where it is about a statement:
    /// `signatureVerification.level`.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.inner.field.as_deref()
    }

    /// The value that breaks a rule.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.inner.value.as_deref()
    }

    /// What is allowed, or what to change.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.inner.allowed
    }

    /// The same about `value`.
    pub(crate) fn with_value(mut self, value: impl Into<String>) -> Self {
        self.inner.value = Some(value.into());
        self
    }

    /// The same as an error of `kind`.
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        write!(f, "{} trust policy", inner.document.as_str())?;
        if let Some((index, name)) = &inner.statement {
            write!(f, ", statement {}", index.saturating_add(1))?;
            if !name.is_empty() {
                write!(f, " {}", quote(name))?;
            }
        }
        if let Some(field) = &inner.field {
            write!(f, ", field {}", quote(field))?;
        }
        f.write_str(": ")?;
        if let Some(value) = &inner.value {
            write!(f, "{} ", quote(value))?;
        }
        write!(f, "{}; {}", inner.problem, inner.allowed)
    }
}

impl std::error::Error for PolicyError {}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        let message = error.to_string();
        Self::with_source(error.kind(), message, error)
    }
}

/// Where in a document the reader is; makes errors that say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    document: DocumentKind,
    statement: Option<(usize, &'a str)>,
    field: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The document as a whole.
    pub(crate) const fn document(document: DocumentKind) -> Self {
        Self {
            document,
            statement: None,
            field: None,
        }
    }

    /// The statement at `index` (from 0), called `name` (empty where unknown).
    pub(crate) const fn statement(self, index: usize, name: &'a str) -> Self {
        Self {
            statement: Some((index, name)),
            ..self
        }
    }

    /// A field there.
    pub(crate) const fn field(self, field: &'a str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }

    /// `problem` here: a clause that goes on from the value, if there is one.
    pub(crate) fn error(
        self,
        category: &'static str,
        problem: impl Into<Cow<'static, str>>,
        allowed: impl Into<Cow<'static, str>>,
    ) -> PolicyError {
        let inner = Inner {
            document: self.document,
            kind: ErrorKind::TrustPolicy,
            category,
            statement: self.statement.map(|(index, name)| (index, name.to_owned())),
            field: self.field.map(|field| Cow::Owned(field.to_owned())),
            value: None,
            problem: problem.into(),
            allowed: allowed.into(),
        };
        PolicyError {
            inner: Box::new(inner),
        }
    }
}
