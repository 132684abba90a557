//! Manifests without a list around them: whether one is there, putting one there, and
//! deleting one (distribution-spec, "Checking if content exists in the registry",
//! "Pushing Manifests", "Deleting Manifests"). A manifest with a subject is for
//! [`Publish`](super::Publish).

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::exchange::accept;
use super::failure::{has_code, status_failure};
use super::message::{HttpRequest, HttpResponse, Method};
use crate::error::quote;
use crate::oci::{Digest, media_type};

/// Answers to these have no body that is read.
const MAX_BYTES: usize = 0;
/// What a registry may say of something that it deleted; nobody reads it.
const MAX_DELETED_BYTES: usize = 16 * 1024;

/// The request whether something of `media_type` is under `name`, a tag or a digest;
/// `None` is a blob.
#[must_use]
pub fn look_for(endpoint: &Endpoint, name: &str, media_type: Option<&str>) -> HttpRequest {
    let path = match media_type {
        Some(_) => endpoint.manifest(name),
        None => endpoint.blob(name),
    };
    let mut request = HttpRequest::new(Method::Head, endpoint.url(&path), MAX_BYTES);
    if let Some(own) = media_type {
        let mut types = accept();
        if !types.contains(own) && media_type::is_well_formed(own) {
            types = format!("{own}, {types}");
        }
        request.headers = vec![("accept", types)];
    }
    request
}

/// Whether it is there, by the answer to [`look_for`].
///
/// # Errors
/// Where that is not known, for a person.
pub fn is_there(request: &HttpRequest, response: &HttpResponse) -> Result<bool, String> {
    match response.status {
        200 => Ok(true),
        404 => Ok(false),
        _ => Err(status_failure(&request.url, response)),
    }
}

/// The request that puts a manifest under `name`, a tag or its digest.
#[must_use]
pub fn put_manifest(
    endpoint: &Endpoint,
    name: &str,
    media_type: &str,
    bytes: &Arc<[u8]>,
) -> HttpRequest {
    let url = endpoint.url(&endpoint.manifest(name));
    let mut request = HttpRequest::new(Method::Put, url, MAX_BYTES);
    request.headers = vec![("content-type", media_type.to_owned())];
    request.body = Some(Arc::clone(bytes));
    request
}

/// Takes the answer to [`put_manifest`] for the manifest `digest`.
///
/// # Errors
/// Why it is not there now, for a person.
pub fn stored(request: &HttpRequest, response: &HttpResponse, digest: &str) -> Result<(), String> {
    if !matches!(response.status, 200..=204) {
        return Err(status_failure(&request.url, response));
    }
    match response.header("docker-content-digest") {
        Some(other) if other != digest => Err(format!(
            "`{}`: the registry stored the manifest as {} and not as `{digest}`",
            request.url,
            quote(other)
        )),
        _ => Ok(()),
    }
}

/// The request that deletes the manifest `digest`. There is none that deletes by tag.
#[must_use]
pub fn delete_manifest(endpoint: &Endpoint, digest: Digest) -> HttpRequest {
    let url = endpoint.url(&endpoint.manifest(&digest.to_string()));
    HttpRequest::new(Method::Delete, url, MAX_DELETED_BYTES)
}

/// What became of a manifest that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The registry deleted it.
    Now,
    /// It was not there.
    Before,
}

/// Takes the answer to [`delete_manifest`].
///
/// # Errors
/// Why it may still be there, for a person.
pub fn deleted(request: &HttpRequest, response: &HttpResponse) -> Result<Deleted, String> {
    match response.status {
        200 | 202 | 204 => Ok(Deleted::Now),
        404 => Ok(Deleted::Before),
        // distribution-spec: "If deletion is disabled, the registry MUST respond with
        // either a 400 or 405".
        405 => Err(refuses(request, response)),
        400..=499 if has_code(&response.body, "UNSUPPORTED") => Err(refuses(request, response)),
        _ => Err(status_failure(&request.url, response)),
    }
}

fn refuses(request: &HttpRequest, response: &HttpResponse) -> String {
    format!(
        "the registry does not let anybody delete manifests, allow it there first: {}",
        status_failure(&request.url, response)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;
    use crate::oci::media_type::OCI_MANIFEST;
    use crate::registry::Scheme;

    const DIGEST: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";

    fn endpoint() -> Endpoint {
        let reference = Reference::parse("registry.example/app:v1").unwrap();
        Endpoint::new(&reference, Scheme::Https)
    }

    fn answer(status: u16, digest: Option<&str>) -> HttpResponse {
        HttpResponse {
            status,
            headers: digest
                .map(|digest| ("Docker-Content-Digest".to_owned(), digest.to_owned()))
                .into_iter()
                .collect(),
            body: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_known_is_not_absent() {
        let request = look_for(&endpoint(), DIGEST, None);
        assert_eq!(request.method, Method::Head);
        assert!(request.url.ends_with(&format!("/blobs/{DIGEST}")));
        assert_eq!(is_there(&request, &answer(200, None)), Ok(true));
        assert_eq!(is_there(&request, &answer(404, None)), Ok(false));
        for status in [301, 401, 403, 429, 500] {
            assert!(is_there(&request, &answer(status, None)).is_err());
        }
        let request = look_for(&endpoint(), "v1", Some("a/b"));
        assert!(request.url.ends_with("/manifests/v1"));
        assert!(request.headers[0].1.starts_with("a/b, "));
    }

    #[test]
    fn what_is_deleted_is_gone() {
        let digest = Digest::parse(DIGEST).unwrap();
        let request = delete_manifest(&endpoint(), digest);
        assert_eq!(request.method, Method::Delete);
        assert!(request.url.ends_with(&format!("/manifests/{DIGEST}")));
        let with_code = |status: u16, code: &str| HttpResponse {
            status,
            headers: Vec::new(),
            body: format!(r#"{{"errors":[{{"code":"{code}","message":"m"}}]}}"#).into_bytes(),
        };
        for status in [200, 202, 204] {
            assert_eq!(deleted(&request, &answer(status, None)), Ok(Deleted::Now));
        }
        assert_eq!(deleted(&request, &answer(404, None)), Ok(Deleted::Before));
        for refusal in [answer(405, None), with_code(400, "UNSUPPORTED")] {
            let why = deleted(&request, &refusal).unwrap_err();
            assert!(why.contains("does not let anybody delete"), "{why}");
        }
        for other in [201, 301, 400, 401, 403, 409, 429, 500] {
            let why = deleted(&request, &answer(other, None)).unwrap_err();
            assert!(!why.contains("does not let anybody delete"), "{why}");
        }
    }

    #[test]
    fn a_registry_stores_what_it_was_given() {
        let request = put_manifest(&endpoint(), "v1", OCI_MANIFEST, &Arc::from(&b"{}"[..]));
        assert_eq!(request.method, Method::Put);
        assert_eq!(stored(&request, &answer(201, None), DIGEST), Ok(()));
        assert_eq!(stored(&request, &answer(201, Some(DIGEST)), DIGEST), Ok(()));
        assert!(stored(&request, &answer(201, Some("sha256:00")), DIGEST).is_err());
        assert!(stored(&request, &answer(400, None), DIGEST).is_err());
    }
}
