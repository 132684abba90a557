//! Manifests without a list around them: whether one is there, and putting one there
//! (distribution-spec, "Checking if content exists in the registry", "Pushing
//! Manifests"). A manifest with a subject is for [`Publish`](super::Publish).

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::exchange::accept;
use super::failure::status_failure;
use super::message::{HttpRequest, HttpResponse, Method};
use crate::error::quote;
use crate::oci::media_type;

/// Answers to these have no body that is read.
const MAX_BYTES: usize = 0;

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
    fn a_registry_stores_what_it_was_given() {
        let request = put_manifest(&endpoint(), "v1", OCI_MANIFEST, &Arc::from(&b"{}"[..]));
        assert_eq!(request.method, Method::Put);
        assert_eq!(stored(&request, &answer(201, None), DIGEST), Ok(()));
        assert_eq!(stored(&request, &answer(201, Some(DIGEST)), DIGEST), Ok(()));
        assert!(stored(&request, &answer(201, Some("sha256:00")), DIGEST).is_err());
        assert!(stored(&request, &answer(400, None), DIGEST).is_err());
    }
}
