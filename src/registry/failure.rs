//! What an answer that is no success means, for a person.

use super::message::{HttpResponse, Method};
use crate::oci::excerpt;
use crate::wire;

/// What went wrong with `url`, from the status of the answer and what the registry
/// says about it (distribution-spec, "Error Codes").
#[must_use]
pub fn status_failure(url: &str, response: &HttpResponse) -> String {
    let status = response.status;
    let meaning = match status {
        401 => {
            "the registry does not answer without credentials, or refuses those that were given: \
             log in to it, or give a user name and password that may pull"
        }
        403 => "the registry denies access: use credentials that may pull from the repository",
        404 => "the registry does not have it",
        408 | 504 => "the registry took too long",
        429 => "the registry limits the rate of requests: ask less at a time, or later",
        300..=399 => "the registry redirects without saying where to",
        400..=499 => "the registry refuses the request",
        500..=599 => "the registry has a problem of its own: try again later",
        _ => "the answer is none that a registry gives",
    };
    let mut text = format!("`{url}` was answered with the status {status}: {meaning}");
    if let Some(said) = said(&response.body) {
        text.push_str(&format!(" (it says: {said})"));
    }
    text
}

/// Whether an answer with this status may be a good one the next time.
#[must_use]
pub const fn is_passing_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a request that was answered so may have a better answer the next time.
///
/// A wrong digest is among them: what is sent here has the digest that it is sent
/// under. Registries that read their own files while they write them answer so. To
/// HEAD they do without a word about it.
#[must_use]
pub fn is_passing(method: Method, response: &HttpResponse) -> bool {
    is_passing_status(response.status)
        || response.status == 400
            && (method == Method::Head || has_code(&response.body, "DIGEST_INVALID"))
}

/// The first error in the body of an answer, with its code.
fn said(body: &[u8]) -> Option<String> {
    let error = errors(body).into_iter().next()?;
    let text = match (error.code.as_str(), error.message.as_str()) {
        ("", "") => return None,
        ("", text) | (text, "") => excerpt(text),
        (code, message) => format!("{}: {}", excerpt(code), excerpt(message)),
    };
    Some(text)
}

/// Whether the body has an error with this code.
pub(super) fn has_code(body: &[u8], code: &str) -> bool {
    errors(body).iter().any(|error| error.code == code)
}

/// Whether the body is a list of errors as registries write it.
pub(super) fn is_from_registry(body: &[u8]) -> bool {
    !errors(body).is_empty()
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<RegistryError>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct RegistryError {
    code: String,
    message: String,
}

fn errors(body: &[u8]) -> Vec<RegistryError> {
    /// Longer ones are no error messages.
    const MOST: usize = 64 * 1024;
    if body.len() > MOST {
        return Vec::new();
    }
    wire::json::from_slice::<Errors>(body)
        .map(|errors| errors.errors)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass() {
        let invalid = r#"{"errors":[{"code":"DIGEST_INVALID","message":"m"}]}"#;
        for (status, body, expected) in [
            (503, "", true),
            (400, invalid, true),
            (400, "", false),
            (404, invalid, false),
            (200, invalid, false),
        ] {
            let response = HttpResponse {
                status,
                body: body.into(),
                ..HttpResponse::default()
            };
            assert_eq!(
                is_passing(Method::Get, &response),
                expected,
                "{status} {body}"
            );
            let of_head = expected || status == 400;
            assert_eq!(is_passing(Method::Head, &response), of_head, "{status}");
        }
    }

    #[test]
    fn says_what_the_registry_said() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\naccess","detail":null}]}"#;
        let response = HttpResponse {
            status: 403,
            body: body.to_vec(),
            ..HttpResponse::default()
        };
        let text = status_failure("https://a.example/v2/", &response);
        assert!(text.starts_with("`https://a.example/v2/` was answered with the status 403"));
        assert!(
            text.ends_with("(it says: DENIED: no\u{fffd}access)"),
            "{text}"
        );
        assert!(has_code(body, "DENIED") && !has_code(body, "UNKNOWN"));
        for odd in [&b"<html>"[..], b"{}", b"[]", br#"{"errors":null}"#, b""] {
            assert!(!is_from_registry(odd));
        }
    }
}
