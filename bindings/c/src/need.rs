//! [`nv_need`]: what a session needs, for hosts with and without JSON.

use base64ct::{Base64, Encoding};
use notation::Limits;
use notation::evidence::{EvidenceRequest, ListKind};
use notation::registry::{
    Endpoint, Exchange, HttpRequest, HttpResponse, Progress, ReferrersApi, ReferrersOrder,
};
use notation::session::{Need, NeedId, Reply, Request};
use notation::wire::Descriptor;
use serde_json::{Value, json};

use crate::ffi::{Text, no_text, nv_slice, nv_str};

/// The manifest that a tag or digest names.
pub const NV_NEED_RESOLVE: u32 = 1;
/// The list of signatures that refer to an artifact.
pub const NV_NEED_REFERRERS: u32 = 2;
/// A signature manifest.
pub const NV_NEED_MANIFEST: u32 = 3;
/// A signature envelope.
pub const NV_NEED_ENVELOPE: u32 = 4;
/// The digest of the blob that is verified.
pub const NV_NEED_BLOB_DIGEST: u32 = 5;
/// An OCSP answer.
pub const NV_NEED_OCSP: u32 = 6;
/// A certificate revocation list.
pub const NV_NEED_CRL: u32 = 7;
/// Something that this version of the header does not know.
pub const NV_NEED_OTHER: u32 = 127;

/// One thing that a session needs. The texts live until the next call that
/// changes the session.
///
/// Where `method` is not empty, the host can send this HTTP request as it is,
/// and give the answer to `nv_session_supply_http`; the session says what comes
/// next. Else, or if the host knows better, it brings what `kind` and `what` name
/// with one of the other functions.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nv_need {
    /// For the functions that supply it.
    pub id: u64,
    /// The most octets that the answer may have; stop reading there.
    pub max_bytes: u64,
    /// `NV_NEED_...`.
    pub kind: u32,
    /// Nothing yet.
    pub reserved: u32,
    /// Tag, digest, address, or the name of a hash algorithm ("sha256").
    pub what: nv_str,
    /// HTTP: the method, or empty where there is no HTTP request.
    pub method: nv_str,
    /// HTTP: the address.
    pub url: nv_str,
    /// HTTP: the headers, one a line: "name: value", each with a line feed.
    pub headers: nv_str,
    /// HTTP: the body.
    pub body: nv_slice,
}

// Other languages declare this structure again: its layout is fixed.
const _: () = {
    const POINTER: usize = size_of::<usize>();
    assert!(size_of::<nv_need>() == 24 + 10 * POINTER);
    assert!(std::mem::offset_of!(nv_need, kind) == 16);
    assert!(std::mem::offset_of!(nv_need, what) == 24);
    assert!(std::mem::offset_of!(nv_need, body) == 24 + 8 * POINTER);
};

/// A need, and the texts that are lent with it.
pub(crate) struct Open {
    pub need: Need,
    what: Text,
    http: Option<Http>,
    /// Where a registry is asked: how far that is.
    exchange: Option<Exchange>,
}

/// The registry that needs are for.
#[derive(Clone)]
pub(crate) struct Registry {
    pub endpoint: Endpoint,
    pub limits: Limits,
    /// What answers have said of its referrers API.
    pub order: ReferrersOrder,
}

/// An HTTP request that a host can send as it is.
struct Http {
    method: Text,
    url: Text,
    headers: Text,
    body: Vec<u8>,
    max_bytes: usize,
}

impl Http {
    fn new(
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        max_bytes: usize,
    ) -> Self {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        Self {
            method: Text::new(method),
            url: Text::new(url),
            headers: Text::new(headers),
            body,
            max_bytes,
        }
    }

    fn of_evidence(request: &EvidenceRequest, max_bytes: usize) -> Option<Self> {
        match request {
            EvidenceRequest::Ocsp { url, request } => Some(Self::new(
                "POST",
                url,
                &[
                    ("content-type", "application/ocsp-request"),
                    ("accept", "application/ocsp-response"),
                ],
                request.clone(),
                max_bytes,
            )),
            EvidenceRequest::Crl { url, .. } => {
                Some(Self::new("GET", url, &[], Vec::new(), max_bytes))
            }
            _ => None,
        }
    }
}

impl Open {
    /// A need as the host sees it, or, where no host can help, the answer to it.
    pub fn new(need: Need, registry: Option<&Registry>) -> Result<Self, (NeedId, Reply)> {
        let id = need.id;
        let mut open = Self::without_registry(need);
        if let Some(registry) = registry {
            let Registry {
                endpoint,
                limits,
                order,
            } = registry;
            match Exchange::start(endpoint, &open.need, *order, limits) {
                Some(Progress::Again(exchange, request)) => open.ask(exchange, &request),
                Some(Progress::Done(reply)) => return Err((id, reply)),
                None => {}
            }
        }
        Ok(open)
    }

    /// The next HTTP request of an exchange with a registry.
    fn ask(&mut self, exchange: Exchange, request: &HttpRequest) {
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.http = Some(Http::new(
            "GET",
            &request.url,
            &headers,
            Vec::new(),
            request.max_bytes,
        ));
        self.exchange = Some(exchange);
    }

    fn without_registry(need: Need) -> Self {
        let (what, http) = match &need.request {
            Request::Resolve { reference } => (reference.clone(), None),
            Request::Referrers { subject, .. } => (subject.clone(), None),
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => {
                (descriptor.digest.clone(), None)
            }
            Request::BlobDigest(algorithm) => (algorithm.as_str().to_owned(), None),
            Request::Evidence(request) => (
                request.url().to_owned(),
                Http::of_evidence(request, need.max_bytes),
            ),
            _ => (String::new(), None),
        };
        Self {
            what: Text::new(what),
            need,
            http,
            exchange: None,
        }
    }

    pub fn has_http(&self) -> bool {
        self.http.is_some()
    }

    /// Takes the answer to the HTTP request. `None`: there is another one to send.
    pub fn receive(
        &mut self,
        response: HttpResponse,
        registry: Option<&mut Registry>,
    ) -> Option<Reply> {
        let Some(exchange) = self.exchange.take() else {
            return Some(match response.status {
                200 => Reply::Content {
                    media_type: response.media_type().map(str::to_owned),
                    bytes: response.body,
                },
                404 => Reply::NotFound,
                status => Reply::Failed(format!("the server answered with status {status}")),
            });
        };
        if let (Some(learned), Some(registry)) = (exchange.learn(&response), registry) {
            registry.order = match learned {
                ReferrersApi::Present => ReferrersOrder::ApiFirst,
                ReferrersApi::Missing => ReferrersOrder::TagOnly,
            };
        }
        match exchange.receive(response) {
            Progress::Again(exchange, request) => {
                self.ask(exchange, &request);
                None
            }
            Progress::Done(reply) => Some(reply),
        }
    }

    const fn kind(&self) -> (u32, &'static str) {
        match &self.need.request {
            Request::Resolve { .. } => (NV_NEED_RESOLVE, "resolve"),
            Request::Referrers { .. } => (NV_NEED_REFERRERS, "referrers"),
            Request::Manifest(_) => (NV_NEED_MANIFEST, "manifest"),
            Request::Envelope(_) => (NV_NEED_ENVELOPE, "envelope"),
            Request::BlobDigest(_) => (NV_NEED_BLOB_DIGEST, "blob-digest"),
            Request::Evidence(EvidenceRequest::Ocsp { .. }) => (NV_NEED_OCSP, "ocsp"),
            Request::Evidence(EvidenceRequest::Crl { .. }) => (NV_NEED_CRL, "crl"),
            _ => (NV_NEED_OTHER, "other"),
        }
    }

    pub fn lend(&self) -> nv_need {
        let most = |octets: usize| u64::try_from(octets).unwrap_or(u64::MAX);
        let mut lent = nv_need {
            id: self.need.id.0,
            max_bytes: most(self.need.max_bytes),
            kind: self.kind().0,
            reserved: 0,
            what: self.what.lend(),
            method: no_text(),
            url: no_text(),
            headers: no_text(),
            body: nv_slice::of(&[]),
        };
        if let Some(http) = &self.http {
            lent.max_bytes = most(http.max_bytes);
            lent.method = http.method.lend();
            lent.url = http.url.lend();
            lent.headers = http.headers.lend();
            lent.body = nv_slice::of(&http.body);
        }
        lent
    }

    pub fn to_json(&self) -> Value {
        let mut document = json!({
            "id": self.need.id.0,
            "kind": self.kind().1,
            "maxBytes": self.need.max_bytes,
            "http": self.http.as_ref().map(|http| json!({
                "method": http.method.as_str(),
                "url": http.url.as_str(),
                "headers": header_lines(http.headers.as_str())
                    .map(|(name, value)| json!([name, value]))
                    .collect::<Vec<_>>(),
                "body": Base64::encode_string(&http.body),
                "maxBytes": http.max_bytes,
            })),
        });
        let more = match &self.need.request {
            Request::Resolve { reference } => json!({ "reference": reference }),
            Request::Referrers { subject, page } => json!({ "subject": subject, "page": page }),
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => {
                json!({ "descriptor": descriptor_json(descriptor) })
            }
            Request::BlobDigest(algorithm) => json!({ "algorithm": algorithm.as_str() }),
            Request::Evidence(EvidenceRequest::Ocsp { url, request }) => json!({
                "url": url,
                "request": Base64::encode_string(request),
            }),
            Request::Evidence(EvidenceRequest::Crl { url, kind, issuer }) => json!({
                "url": url,
                "list": match kind {
                    ListKind::Complete => "complete",
                    ListKind::Delta => "delta",
                },
                "issuer": Base64::encode_string(issuer),
            }),
            _ => json!({}),
        };
        if let (Some(members), Value::Object(more)) = (document.as_object_mut(), more) {
            members.extend(more);
        }
        document
    }
}

fn descriptor_json(descriptor: &Descriptor) -> Value {
    json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    })
}

/// Headers in lines, as they stand in a message. Where there are several blocks,
/// each with a status line, as libcurl gives them after redirects, the last one
/// counts.
pub(crate) fn headers(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("HTTP/") {
            found.clear();
        } else {
            found.extend(
                header_lines(line).map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
        }
    }
    found
}

fn header_lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_of_headers_counts() {
        let text = "HTTP/1.1 302 Found\r\nlocation: /x\r\n\r\nHTTP/2 200\r\n\
                    Content-Type: text/plain; charset=a\r\nodd line\r\nlink: <a:b>; rel=\"next\"\r\n";
        let headers = headers(text);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[0].1, "text/plain; charset=a");
        assert_eq!(headers[1].1, "<a:b>; rel=\"next\"");
    }
}
