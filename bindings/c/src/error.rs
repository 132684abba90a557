//! [`nv_error`]: why a call could not do what it is for.

use notation::Error;
use notation::report::{Subject, error_document};

use crate::ffi::{Text, free, guard_or, no_text, nv_str};
use crate::status::{self, nv_status};

/// Why nothing could be evaluated. A signature that was evaluated and found bad
/// is no error but a report. The caller owns it.
#[derive(Debug)]
pub struct nv_error {
    status: nv_status,
    message: Text,
    json: Text,
}

impl nv_error {
    pub(crate) fn new(status: nv_status, message: impl Into<String>) -> Self {
        let message = message.into();
        let error = Error::new(notation::ErrorKind::Usage, message.clone());
        let mut document = error_document(&Subject::Artifact(String::new()), &error);
        let kind = match status {
            status::NV_ERROR_STATE => "state",
            status::NV_ERROR_CANCELLED => "cancelled",
            status::NV_ERROR_INTERNAL => "internal",
            status::NV_ERROR_OTHER => "other",
            _ => "usage",
        };
        if let Some(place) = document.pointer_mut("/error/kind") {
            *place = kind.into();
        }
        Self {
            status,
            message: Text::new(message),
            json: Text::new(document.to_string()),
        }
    }

    /// An error about `subject`.
    pub(crate) fn about(subject: &Subject, error: &Error) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(one) = cause {
            let one_told = one.to_string();
            if !message.contains(&one_told) {
                message.push_str(": ");
                message.push_str(&one_told);
            }
            cause = one.source();
        }
        Self {
            status: status::of_error(error.kind()),
            message: Text::new(message),
            json: Text::new(error_document(subject, error).to_string()),
        }
    }

    pub(crate) fn status(&self) -> nv_status {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        self.message.as_str()
    }
}

impl From<Error> for nv_error {
    fn from(error: Error) -> Self {
        Self::about(&Subject::Artifact(String::new()), &error)
    }
}

/// The status that the failed call returned; `NV_ERROR_ARGUMENT` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_error_status(error: *const nv_error) -> nv_status {
    // SAFETY: NULL, or an error that the caller owns.
    unsafe { error.as_ref() }.map_or(status::NV_ERROR_ARGUMENT, |error| error.status)
}

/// What failed and what to change, in one line: lower case, no full stop. It
/// lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_error_message(error: *const nv_error) -> nv_str {
    // SAFETY: NULL, or an error that the caller owns.
    let error = unsafe { error.as_ref() };
    guard_or(no_text(), || {
        error.map_or(no_text(), |error| error.message.lend())
    })
}

/// The error as a JSON document of the form of reports (`docs/report.schema.json`),
/// with the member `error`. It lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_error_json(error: *const nv_error) -> nv_str {
    // SAFETY: NULL, or an error that the caller owns.
    let error = unsafe { error.as_ref() };
    guard_or(no_text(), || {
        error.map_or(no_text(), |error| error.json.lend())
    })
}

/// Frees `*error` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_error_free(error: *mut *mut nv_error) {
    // SAFETY: an error of this library, as the header asks.
    unsafe { free(error) };
}
