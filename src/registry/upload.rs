//! [`Upload`]: one blob on its way into a repository (distribution-spec, "Pushing
//! blobs": POST, then PUT).

use std::sync::Arc;

use http::Uri;

use super::endpoint::{Endpoint, Origin};
use super::failure::{has_code, status_failure};
use super::message::{HttpRequest, HttpResponse, Method, Retry};
use super::redirect;
use super::text::percent_encode;
use crate::oci::Digest;
use crate::oci::media_type::OCTET_STREAM;

/// Uploads that are begun for one blob: each PUT may be lost.
const MAX_UPLOADS: u32 = 5;
/// An upload's answers have no body that is read.
const MAX_BYTES: usize = 0;

/// One blob under way.
///
/// The registry says where the content goes, and that may be another server: a
/// storage service. The host must send credentials to the registry's own origin
/// alone (CVE-2026-50151).
#[derive(Clone, Debug)]
pub struct Upload {
    endpoint: Endpoint,
    digest: Digest,
    content: Content,
    /// Another repository of the same registry that has it.
    from: Option<String>,
    stage: Stage,
    begun: u32,
}

#[derive(Clone, Debug)]
enum Content {
    Here(Arc<[u8]>),
    /// As many octets, which the host has.
    Streamed(u64),
}

#[derive(Clone, Debug)]
enum Stage {
    /// Is it there?
    Head(String),
    /// Where does it go?
    Post(String),
    /// The content, to this address.
    Put(String),
}

/// How far an upload is.
#[derive(Debug)]
pub enum UploadStep {
    /// Send this request, and give its answer to [`Upload::receive`], or to
    /// [`Upload::lost`] where there is none.
    Again(Box<Upload>, HttpRequest),
    /// The registry has the blob.
    Done(Brought),
    /// Why it could not be had, for a person.
    Failed(String),
}

/// How a registry came by a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It had it.
    Before,
    /// From another of its repositories.
    Mounted,
    /// It was uploaded.
    Uploaded,
}

impl Upload {
    /// Starts by asking whether the blob is there.
    #[must_use]
    pub fn look_first(endpoint: &Endpoint, digest: Digest, content: Arc<[u8]>) -> UploadStep {
        Self::new(endpoint, digest, Content::Here(content)).head()
    }

    /// Starts with the upload: for a blob that is most likely new.
    #[must_use]
    pub fn start(endpoint: &Endpoint, digest: Digest, content: Arc<[u8]>) -> UploadStep {
        Self::new(endpoint, digest, Content::Here(content)).post()
    }

    /// Starts by asking whether the blob is there, for content of `size` octets that
    /// is not in memory: the request with [`HttpRequest::streamed`] takes it. `from`
    /// is a repository of the same registry that may have it: then nothing is sent
    /// ("Mounting a blob from another repository").
    #[must_use]
    pub fn streamed(
        endpoint: &Endpoint,
        digest: Digest,
        size: u64,
        from: Option<&str>,
    ) -> UploadStep {
        let mut upload = Self::new(endpoint, digest, Content::Streamed(size));
        upload.from = from.map(str::to_owned);
        upload.head()
    }

    fn new(endpoint: &Endpoint, digest: Digest, content: Content) -> Self {
        Self {
            endpoint: endpoint.clone(),
            digest,
            content,
            from: None,
            stage: Stage::Head(String::new()),
            begun: 0,
        }
    }

    fn head(mut self) -> UploadStep {
        let path = self.endpoint.blob(&self.digest.to_string());
        let url = self.endpoint.url(&path);
        self.stage = Stage::Head(url.clone());
        let request = HttpRequest::new(Method::Head, url, MAX_BYTES);
        UploadStep::Again(Box::new(self), request)
    }

    fn post(mut self) -> UploadStep {
        self.begun += 1;
        let mut url = self.endpoint.url(&self.endpoint.uploads());
        // Where that was not possible once it is not the next time.
        if let Some(from) = self.from.take() {
            let digest = percent_encode(&self.digest.to_string());
            url = format!("{url}?mount={digest}&from={}", percent_encode(&from));
        }
        self.stage = Stage::Post(url.clone());
        let mut request = HttpRequest::new(Method::Post, url, MAX_BYTES);
        request.body = Some(Arc::from([]));
        UploadStep::Again(Box::new(self), request)
    }

    /// Takes the answer to the request. `plain_http` says which servers may be
    /// asked without TLS.
    #[must_use]
    pub fn receive(
        self,
        response: &HttpResponse,
        plain_http: impl Fn(&Origin) -> bool,
    ) -> UploadStep {
        match &self.stage {
            Stage::Head(url) => match response.status {
                200 => UploadStep::Done(if self.begun == 0 {
                    Brought::Before
                } else {
                    Brought::Uploaded
                }),
                404 => self.post(),
                _ => UploadStep::Failed(status_failure(url, response)),
            },
            Stage::Post(url) => match (response.status, response.header("location")) {
                (202, Some(location)) => {
                    let put = self.destination(url, location, plain_http);
                    match put {
                        Ok(address) => self.put(address),
                        Err(why) => UploadStep::Failed(format!("`{url}`: {why}")),
                    }
                }
                // Only what was asked for with a mount is answered so.
                (201, _) if url.contains("?mount=") => UploadStep::Done(Brought::Mounted),
                // It may not be read there, or there is no such thing as a mount: the
                // content can be sent all the same.
                (400..=405 | 501, _) if url.contains("?mount=") => self.post(),
                (202, None) => UploadStep::Failed(format!(
                    "`{url}` was answered without saying where the upload goes"
                )),
                _ => UploadStep::Failed(status_failure(url, response)),
            },
            Stage::Put(url) => {
                let forgotten =
                    response.status == 404 || has_code(&response.body, "BLOB_UPLOAD_UNKNOWN");
                match response.status {
                    // 201 by the specification; storage services have their own.
                    200 | 201 | 204 => UploadStep::Done(Brought::Uploaded),
                    _ if forgotten && self.begun < MAX_UPLOADS => self.head(),
                    _ => UploadStep::Failed(status_failure(&shown(url), response)),
                }
            }
        }
    }

    /// The request has no answer, for the reason `why`: whether the content came
    /// through is not known, and where it went cannot be used again.
    #[must_use]
    pub fn lost(self, why: String) -> UploadStep {
        match self.stage {
            Stage::Put(_) if self.begun < MAX_UPLOADS => self.head(),
            _ => UploadStep::Failed(why),
        }
    }

    /// The upload's address with the digest, from `Location`.
    fn destination(
        &self,
        url: &str,
        location: &str,
        plain_http: impl Fn(&Origin) -> bool,
    ) -> Result<String, String> {
        let base: Uri = url
            .parse()
            .map_err(|_| "the address is malformed".to_owned())?;
        let (target, _) = redirect::follow(&base, location, plain_http)?;
        let mut address = target.to_string();
        address.push(if target.query().is_some() { '&' } else { '?' });
        address.push_str("digest=");
        address.push_str(&percent_encode(&self.digest.to_string()));
        Ok(address)
    }

    fn put(mut self, address: String) -> UploadStep {
        let mut request = HttpRequest::new(Method::Put, address.clone(), MAX_BYTES);
        request.headers = vec![("content-type", OCTET_STREAM.to_owned())];
        match &self.content {
            Content::Here(content) => request.body = Some(Arc::clone(content)),
            Content::Streamed(size) => request.streamed = Some(*size),
        }
        request.retry = Retry::StartOver;
        self.stage = Stage::Put(address);
        UploadStep::Again(Box::new(self), request)
    }
}

/// An upload's address as errors show it: its query is as good as a password.
fn shown(url: &str) -> String {
    url.parse::<Uri>().map_or_else(
        |_| "the upload".to_owned(),
        |uri| redirect::without_query(&uri),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{HashAlgorithm, Provider};
    use crate::oci::Reference;
    use crate::registry::Scheme;

    const CONTENT: &[u8] = b"content";

    fn endpoint() -> Endpoint {
        let reference = Reference::parse("registry.example/app:v1").unwrap();
        Endpoint::new(&reference, Scheme::Https)
    }

    fn digest() -> Digest {
        Digest::of(&Provider::preferred(), HashAlgorithm::Sha256, CONTENT)
    }

    fn answer(status: u16, location: Option<&str>, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: location
                .map(|location| ("Location".to_owned(), location.to_owned()))
                .into_iter()
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn again(step: UploadStep) -> (Upload, HttpRequest) {
        match step {
            UploadStep::Again(upload, request) => (*upload, request),
            other => panic!("{other:?}"),
        }
    }

    fn failure(step: UploadStep) -> String {
        match step {
            UploadStep::Failed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn start() -> UploadStep {
        Upload::start(&endpoint(), digest(), Arc::from(CONTENT))
    }

    #[test]
    fn a_blob_that_is_there_is_not_uploaded() {
        let step = Upload::look_first(&endpoint(), digest(), Arc::from(CONTENT));
        let (upload, request) = again(step);
        assert_eq!(request.method, Method::Head);
        assert_eq!(
            request.url,
            format!("https://registry.example/v2/app/blobs/{}", digest())
        );
        let step = upload.clone().receive(&answer(200, None, ""), |_| false);
        assert!(matches!(step, UploadStep::Done(_)));
        let (_, request) = again(upload.clone().receive(&answer(404, None, ""), |_| false));
        assert_eq!(request.method, Method::Post);
        // What is not known is not absent.
        failure(upload.receive(&answer(403, None, ""), |_| false));
    }

    /// Nothing is sent where the registry has it in another repository; where it
    /// does not take it from there, it is uploaded.
    #[test]
    fn a_blob_of_another_repository_is_mounted() {
        let step = Upload::streamed(&endpoint(), digest(), 7, Some("other/app"));
        let (upload, _) = again(step);
        let (upload, request) = again(upload.receive(&answer(404, None, ""), |_| false));
        let digest = digest().to_string().replace(':', "%3A");
        assert!(
            request
                .url
                .ends_with(&format!("/uploads/?mount={digest}&from=other%2Fapp")),
            "{}",
            request.url
        );
        let mounting = upload.clone();
        let step = upload.clone().receive(&answer(201, None, ""), |_| false);
        assert!(matches!(step, UploadStep::Done(Brought::Mounted)));
        let (upload, put) = again(upload.receive(&answer(202, Some("/u"), ""), |_| false));
        assert_eq!((put.body, put.streamed), (None, Some(7)));
        for status in [400, 401, 403, 404, 405, 501] {
            let step = mounting
                .clone()
                .receive(&answer(status, None, ""), |_| false);
            let (upload, request) = again(step);
            assert!(request.url.ends_with("/uploads/"), "{}", request.url);
            let refused = upload.receive(&answer(status, None, ""), |_| false);
            assert!(matches!(refused, UploadStep::Failed(_)));
        }
        // The next time it is not tried.
        let (upload, _) = again(upload.lost("cut off".to_owned()));
        let (_, request) = again(upload.receive(&answer(404, None, ""), |_| false));
        assert!(request.url.ends_with("/uploads/"), "{}", request.url);
    }

    #[test]
    fn content_goes_where_the_registry_says() {
        for (location, expected) in [
            (
                "/v2/app/blobs/uploads/1",
                "https://registry.example/v2/app/blobs/uploads/1?",
            ),
            (
                "https://registry.example/u?_state=a%3D",
                "https://registry.example/u?_state=a%3D&",
            ),
            ("https://storage.example/u", "https://storage.example/u?"),
        ] {
            let (upload, request) = again(start());
            assert_eq!(
                request.url,
                "https://registry.example/v2/app/blobs/uploads/"
            );
            assert_eq!(request.body.as_deref(), Some(&[][..]));
            let step = upload.receive(&answer(202, Some(location), ""), |_| false);
            let (upload, request) = again(step);
            let digest = digest().to_string().replace(':', "%3A");
            assert_eq!(request.url, format!("{expected}digest={digest}"));
            assert_eq!(request.body.as_deref(), Some(CONTENT));
            assert_eq!(request.retry, Retry::StartOver);
            let step = upload.receive(&answer(201, None, ""), |_| false);
            assert!(matches!(step, UploadStep::Done(_)));
        }
    }

    /// CVE-2026-50151 (upload Location): nothing leaves TLS. Whether credentials go
    /// along is up to who sends; see the tests against registries.
    #[test]
    fn content_does_not_go_to_plain_http() {
        for location in [
            "http://registry.example/u",
            "http://localhost/u",
            "ftp://x/",
            "http://[",
        ] {
            let (upload, _) = again(start());
            let why = failure(upload.receive(&answer(202, Some(location), ""), |_| true));
            assert!(why.contains("blobs/uploads/"), "{why}");
        }
        let (upload, _) = again(start());
        failure(upload.receive(&answer(202, None, ""), |_| true));
        let (upload, _) = again(start());
        failure(upload.receive(&answer(201, None, ""), |_| true));
    }

    #[test]
    fn a_lost_answer_leads_to_a_look_and_not_to_a_second_put() {
        let mut step = start();
        for _ in 1..MAX_UPLOADS {
            let (upload, _) = again(step);
            let (upload, put) = again(upload.receive(&answer(202, Some("/u"), ""), |_| false));
            assert_eq!(put.method, Method::Put);
            let (upload, head) = again(upload.lost("time-out".to_owned()));
            assert_eq!(head.method, Method::Head);
            step = upload.receive(&answer(404, None, ""), |_| false);
        }
        let (upload, _) = again(step);
        let (upload, _) = again(upload.receive(&answer(202, Some("/u"), ""), |_| false));
        assert_eq!(failure(upload.lost("time-out".to_owned())), "time-out");
        // An upload that the registry forgot is begun again; a refusal is one.
        let put = || {
            let (upload, _) = again(start());
            again(upload.receive(&answer(202, Some("/u?secret=1"), ""), |_| false)).0
        };
        again(put().receive(&answer(404, None, ""), |_| false));
        let why = failure(put().receive(&answer(400, None, ""), |_| false));
        assert!(!why.contains("secret"), "{why}");
        // Without an answer to the POST nothing was begun that could be finished.
        let (upload, _) = again(start());
        failure(upload.lost("no".to_owned()));
    }
}
