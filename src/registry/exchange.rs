//! [`Exchange`]: one request of a session as HTTP requests.

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::failure::status_failure;
use super::message::{HttpRequest, HttpResponse, Method};
use super::referrers::{Lookup, ReferrersApi, ReferrersOrder};
use crate::crypto::Provider;
use crate::error::quote;
use crate::limits::Limits;
use crate::oci::media_type::{
    self, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, NOTARY_SIGNATURE, OCI_INDEX, OCI_MANIFEST,
    OCTET_STREAM,
};
use crate::oci::{Digest, Index, Reference};
use crate::session::{Need, Reply, Request};
use crate::wire::Descriptor;

/// One request of a session on its way through a registry.
///
/// ```
/// use notation_verifier::Limits;
/// use notation_verifier::oci::Reference;
/// use notation_verifier::registry::{
///     Endpoint, Exchange, HttpResponse, Progress, ReferrersOrder, Scheme,
/// };
/// use notation_verifier::session::{Need, NeedId, Reply, Request};
///
/// let reference = Reference::parse("registry.example/app:v1")?;
/// let endpoint = Endpoint::new(&reference, Scheme::Https);
/// let need = Need {
///     id: NeedId(0),
///     request: Request::Resolve { reference: "v1".to_owned() },
///     max_bytes: 4096,
/// };
/// let limits = Limits::default();
/// let started = Exchange::start(&endpoint, &need, ReferrersOrder::ApiFirst, &limits);
/// let Some(Progress::Again(exchange, request)) = started else { panic!() };
/// assert_eq!(request.url, "https://registry.example/v2/app/manifests/v1");
///
/// // Send it, follow redirects, then:
/// let answer = HttpResponse { status: 404, ..HttpResponse::default() };
/// assert!(matches!(exchange.receive(answer), Progress::Done(Reply::NotFound)));
/// # Ok::<(), notation_verifier::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    endpoint: Endpoint,
    limits: Arc<Limits>,
    max_bytes: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The artifact's manifest, at this address.
    Resolve {
        url: String,
    },
    /// Content that a descriptor names, at this address.
    Content {
        url: String,
    },
    Referrers(Lookup),
}

/// How far an exchange is.
#[derive(Debug)]
pub enum Progress {
    /// Send this request, and give its answer to [`Exchange::receive`].
    Again(Exchange, HttpRequest),
    /// For the session.
    Done(Reply),
}

impl Exchange {
    /// Starts what `need` asks for. `None` where that is nothing that a registry
    /// has: evidence, the digest of a blob.
    #[must_use]
    pub fn start(
        endpoint: &Endpoint,
        need: &Need,
        order: ReferrersOrder,
        limits: &Limits,
    ) -> Option<Progress> {
        let started = match &need.request {
            Request::Resolve { reference } => resolve(endpoint, reference),
            Request::Manifest(descriptor) => manifest(endpoint, descriptor),
            Request::Envelope(descriptor) => blob(endpoint, descriptor),
            Request::Referrers { subject, page } => {
                let kind = Some(NOTARY_SIGNATURE);
                Lookup::start(endpoint, subject, page.as_deref(), kind, order)
                    .map(|(lookup, request)| (Kind::Referrers(lookup), request))
            }
            Request::BlobDigest(_) | Request::Evidence(_) => return None,
        };
        Some(Self::started(endpoint, started, need.max_bytes, limits))
    }

    /// Starts a look-up of the referrers of `subject` of every type, signatures or
    /// not: [`Reply::Referrers`], with pages as those of
    /// [`Request::Referrers`].
    #[must_use]
    pub fn all_referrers(
        endpoint: &Endpoint,
        subject: &str,
        page: Option<&str>,
        order: ReferrersOrder,
        limits: &Limits,
    ) -> Progress {
        let started = Lookup::start(endpoint, subject, page, None, order)
            .map(|(lookup, request)| (Kind::Referrers(lookup), request));
        Self::started(endpoint, started, limits.manifest_bytes, limits)
    }

    fn started(
        endpoint: &Endpoint,
        started: Started,
        max_bytes: usize,
        limits: &Limits,
    ) -> Progress {
        match started {
            Ok((kind, request)) => {
                let exchange = Self {
                    endpoint: endpoint.clone(),
                    limits: Arc::new(limits.clone()),
                    max_bytes,
                    kind,
                };
                exchange.again(request)
            }
            Err(why) => Progress::Done(Reply::Failed(why)),
        }
    }

    fn again(self, mut request: HttpRequest) -> Progress {
        request.max_bytes = self.max_bytes;
        Progress::Again(self, request)
    }

    /// Whether this exchange lists referrers, which registries limit more than
    /// the rest.
    #[must_use]
    pub const fn lists_referrers(&self) -> bool {
        matches!(self.kind, Kind::Referrers(_))
    }

    /// What the answer to the request says of the referrers API: for the order of
    /// later exchanges.
    #[must_use]
    pub fn learn(&self, response: &HttpResponse) -> Option<ReferrersApi> {
        match &self.kind {
            Kind::Referrers(lookup) => lookup.learn(response),
            _ => None,
        }
    }

    /// Takes the answer to the request, after redirects.
    #[must_use]
    pub fn receive(self, response: HttpResponse) -> Progress {
        if response.status == 200 && response.body.len() > self.max_bytes {
            return Progress::Done(Reply::Failed(format!(
                "the registry's answer has more than the allowed {} octets",
                self.max_bytes
            )));
        }
        let Self {
            endpoint,
            limits,
            max_bytes,
            kind,
        } = self;
        match kind {
            Kind::Resolve { url } => Progress::Done(match response.status {
                200 => artifact(&url, &limits, response),
                404 => Reply::NotFound,
                _ => Reply::Failed(status_failure(&url, &response)),
            }),
            Kind::Content { url } => Progress::Done(match response.status {
                200 => Reply::Content {
                    media_type: response.media_type().map(str::to_owned),
                    bytes: response.body,
                },
                404 => Reply::NotFound,
                _ => Reply::Failed(status_failure(&url, &response)),
            }),
            Kind::Referrers(lookup) => {
                let step = lookup.receive(&endpoint, &limits, &response);
                let progress = step.into_progress(|lookup| Self {
                    endpoint,
                    limits,
                    max_bytes,
                    kind: Kind::Referrers(lookup),
                });
                match progress {
                    Progress::Again(exchange, request) => exchange.again(request),
                    done => done,
                }
            }
        }
    }
}

/// A request for `url`; its bound is set where it is sent.
pub(super) fn get(url: String, accept: String) -> HttpRequest {
    let mut request = HttpRequest::new(Method::Get, url, 0);
    request.headers = vec![("accept", accept)];
    request
}

/// All that an artifact can be.
pub(super) fn accept() -> String {
    [
        OCI_MANIFEST,
        OCI_INDEX,
        DOCKER_MANIFEST,
        DOCKER_MANIFEST_LIST,
    ]
    .join(", ")
}

type Started = Result<(Kind, HttpRequest), String>;

fn resolve(endpoint: &Endpoint, reference: &str) -> Started {
    // It becomes part of a path.
    if Digest::parse(reference).is_err() && !Reference::is_tag(reference) {
        return Err(format!(
            "{} is neither a tag nor a digest",
            quote(reference)
        ));
    }
    let url = endpoint.url(&endpoint.manifest(reference));
    let kind = Kind::Resolve { url: url.clone() };
    Ok((kind, get(url, accept())))
}

fn manifest(endpoint: &Endpoint, descriptor: &Descriptor) -> Started {
    let url = endpoint.url(&endpoint.manifest(&checked_digest(descriptor)?));
    let mut accept = accept();
    let known = media_type::is_manifest(&descriptor.media_type);
    if !known && media_type::is_well_formed(&descriptor.media_type) {
        accept = format!("{}, {accept}", descriptor.media_type);
    }
    let kind = Kind::Content { url: url.clone() };
    Ok((kind, get(url, accept)))
}

fn blob(endpoint: &Endpoint, descriptor: &Descriptor) -> Started {
    let url = endpoint.url(&endpoint.blob(&checked_digest(descriptor)?));
    let kind = Kind::Content { url: url.clone() };
    Ok((kind, get(url, "*/*".to_owned())))
}

/// A descriptor's digest comes from the registry, and becomes part of a path.
fn checked_digest(descriptor: &Descriptor) -> Result<String, String> {
    Digest::parse(&descriptor.digest)
        .map(|digest| digest.to_string())
        .map_err(|why| format!("{} cannot be fetched: {why}", quote(&descriptor.digest)))
}

/// The manifest of an artifact. The session compares the media type with what the
/// manifest says of itself, and hashes the bytes.
fn artifact(url: &str, limits: &Limits, response: HttpResponse) -> Reply {
    if let Some(stated) = response.header("docker-content-digest")
        && let Ok(digest) = Digest::parse(stated)
        && !digest.verify(&Provider::preferred(), &response.body)
    {
        return Reply::Failed(format!(
            "`{url}` was answered with other octets than those of the digest {digest} that the \
             registry names"
        ));
    }
    let media_type = match response.media_type() {
        Some(kind) if media_type::is_manifest(kind) || media_type::is_index(kind) => {
            Some(kind.to_owned())
        }
        // A label that says nothing.
        None | Some(OCTET_STREAM | "application/json" | "text/plain") => None,
        Some(
            "application/vnd.docker.distribution.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v1+prettyjws",
        ) => {
            return Reply::Failed(format!(
                "`{url}` was answered with a Docker manifest of schema 1, which cannot be signed: \
                 push the image again with a current tool"
            ));
        }
        Some("text/html") => {
            return Reply::Failed(format!(
                "`{url}` was answered with a page for people: is that a registry?"
            ));
        }
        Some(other) => Some(other.to_owned()),
    };
    Reply::Content {
        media_type: media_type.or_else(|| unlabelled_index(limits, &response)),
        bytes: response.body,
    }
}

/// An index need not state its own media type, and this answer does not either.
fn unlabelled_index(limits: &Limits, response: &HttpResponse) -> Option<String> {
    let index = Index::parse(&response.body, limits).ok()?;
    let lists = index.media_type.is_none() && !index.entries.is_empty();
    lists.then(|| OCI_INDEX.to_owned())
}
