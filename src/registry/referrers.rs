//! The look-up of referrers (distribution-spec, "Listing Referrers" and
//! "Referrers Tag Schema").
//!
//! No answer that could hide a signature counts as "there is none": only a
//! registry that says so does, by an empty list, or by having neither the API nor
//! the tag.

use http::Uri;

use super::endpoint::{Endpoint, Origin};
use super::exchange::{Progress, accept, get};
use super::failure::{has_code, is_from_registry, status_failure};
use super::message::{HttpRequest, HttpResponse};
use super::redirect;
use super::text::percent_decode;
use super::{Exchange, link};
use crate::error::quote;
use crate::limits::Limits;
use crate::oci::media_type::{self, OCI_INDEX};
use crate::oci::{Digest, Index, Manifest, referrers_tag};
use crate::session::Reply;

/// What is known of a registry's referrers API before it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReferrersOrder {
    /// Nothing: the API first, then the tag where the API is missing.
    #[default]
    ApiFirst,
    /// It was missing for other repositories: the tag first, then the API where
    /// there is no tag.
    TagFirst,
    /// It was missing for this repository: the tag alone.
    TagOnly,
}

/// What an answer says of the referrers API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferrersApi {
    /// It is there.
    Present,
    /// The server does not know of it.
    Missing,
}

/// One look-up under way.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    subject: String,
    /// What is looked for; `None` is everything.
    artifact_type: Option<&'static str>,
    order: ReferrersOrder,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The API was asked at this address.
    Api(String),
    /// The tag was asked. What the API said before, where that was odd: without
    /// a tag it is the reason of a failure.
    Tag { odd: Option<String> },
}

/// What an answer of the API is.
pub(super) enum Api {
    Page(Vec<u8>),
    /// The registry says that it has no such API.
    Missing,
    /// It may be missing: the tag may know.
    Odd(String),
    Failed(String),
}

impl Lookup {
    pub(super) fn start(
        endpoint: &Endpoint,
        subject: &str,
        page: Option<&str>,
        artifact_type: Option<&'static str>,
        order: ReferrersOrder,
    ) -> Result<(Self, HttpRequest), String> {
        let digest = Digest::parse(subject)
            .map_err(|why| format!("{} has no referrers: {why}", quote(subject)))?
            .to_string();
        let mut lookup = Self {
            subject: digest,
            artifact_type,
            order,
            stage: Stage::Tag { odd: None },
        };
        let request = match page {
            Some(page) => {
                // It came from `receive`; a recorded one may have been changed.
                let url = lookup.page_url(endpoint, &endpoint.url("/"), page)?;
                lookup.ask_api(url)
            }
            None if order == ReferrersOrder::ApiFirst => lookup.ask_first_page(endpoint),
            None => lookup.ask_tag(endpoint, None),
        };
        Ok((lookup, request))
    }

    /// What an answer says of the API for later look-ups.
    pub(super) fn learn(&self, response: &HttpResponse) -> Option<ReferrersApi> {
        let Stage::Api(url) = &self.stage else {
            return None;
        };
        match api(url, response) {
            Api::Page(_) => Some(ReferrersApi::Present),
            Api::Missing if shows_no_api(response) => Some(ReferrersApi::Missing),
            _ => None,
        }
    }

    fn ask_api(&mut self, url: String) -> HttpRequest {
        self.stage = Stage::Api(url.clone());
        get(url, OCI_INDEX.to_owned())
    }

    fn ask_first_page(&mut self, endpoint: &Endpoint) -> HttpRequest {
        let url = self.first_page_url(endpoint);
        self.ask_api(url)
    }

    fn ask_tag(&mut self, endpoint: &Endpoint, odd: Option<String>) -> HttpRequest {
        self.stage = Stage::Tag { odd };
        get(self.tag_url(endpoint), accept())
    }

    fn tag_url(&self, endpoint: &Endpoint) -> String {
        endpoint.url(&endpoint.manifest(&referrers_tag(&self.subject)))
    }

    pub(super) fn receive(
        self,
        endpoint: &Endpoint,
        limits: &Limits,
        response: &HttpResponse,
    ) -> Step {
        match &self.stage {
            Stage::Api(url) => {
                let url = url.clone();
                self.receive_page(endpoint, limits, &url, response)
            }
            Stage::Tag { odd } => {
                let odd = odd.clone();
                self.receive_tag(endpoint, limits, odd, response)
            }
        }
    }

    fn receive_page(
        mut self,
        endpoint: &Endpoint,
        limits: &Limits,
        url: &str,
        response: &HttpResponse,
    ) -> Step {
        let first = self.first_page_url(endpoint) == url;
        match api(url, response) {
            Api::Page(body) => Step::Done(self.page(endpoint, limits, url, response, &body)),
            // The tag was asked before.
            Api::Missing if self.order == ReferrersOrder::TagFirst => Step::Done(Reply::NotFound),
            Api::Missing if first => {
                let request = self.ask_tag(endpoint, None);
                Step::Again(self, request)
            }
            Api::Odd(why) if first && self.order == ReferrersOrder::ApiFirst => {
                let request = self.ask_tag(endpoint, Some(why));
                Step::Again(self, request)
            }
            // A page that was announced and is missing hides the rest.
            Api::Missing => Step::Done(Reply::Failed(status_failure(url, response))),
            Api::Odd(why) | Api::Failed(why) => Step::Done(Reply::Failed(why)),
        }
    }

    fn first_page_url(&self, endpoint: &Endpoint) -> String {
        endpoint.url(&match self.artifact_type {
            Some(kind) => endpoint.filtered_referrers(&self.subject, kind),
            None => endpoint.referrers(&self.subject),
        })
    }

    fn page(
        &self,
        endpoint: &Endpoint,
        limits: &Limits,
        url: &str,
        response: &HttpResponse,
        body: &[u8],
    ) -> Reply {
        let index = match Index::parse(body, limits) {
            Ok(index) => index,
            Err(error) => return Reply::Failed(format!("`{url}`: {error}")),
        };
        // Signatures of this page count even where the way to the next is wrong;
        // without a good one among them the look-up has failed.
        let (next, problem) = match self.next(endpoint, url, response) {
            Ok(next) => (next, None),
            Err(why) => (None, Some(format!("`{url}`: {why}"))),
        };
        let mut reply = self.listed(&index, url, next, problem);
        if let Some(kind) = self.artifact_type
            && is_filtered(response)
            && let Reply::Referrers { descriptors, .. } = &mut reply
        {
            // The registry looked: what states no type is of the one asked for.
            for descriptor in descriptors {
                descriptor
                    .artifact_type
                    .get_or_insert_with(|| kind.to_owned());
            }
        }
        reply
    }

    /// Where the next page is: a path and query on the same server.
    fn next(
        &self,
        endpoint: &Endpoint,
        url: &str,
        response: &HttpResponse,
    ) -> Result<Option<String>, String> {
        let Some(target) = link::next(response.all("link"))? else {
            return Ok(None);
        };
        let next = self.page_url(endpoint, url, &target)?;
        if next == url {
            return Err("its `Link` to the next page leads to itself".to_owned());
        }
        let origin = endpoint.origin().to_string();
        Ok(next.strip_prefix(&origin).map(str::to_owned))
    }

    /// The address of another page of the same list. It stays on the server, so
    /// that no credential leaves it, and in the list, so that nobody is led to
    /// another repository's.
    fn page_url(&self, endpoint: &Endpoint, url: &str, target: &str) -> Result<String, String> {
        let shown = quote(target);
        let base: Uri = url
            .parse()
            .map_err(|_| format!("{shown} is no next page"))?;
        let next = redirect::target(&base, target)
            .map_err(|_| format!("its `Link` to the next page, {shown}, is no address"))?;
        let origin = Origin::of(&next)
            .map_err(|why| format!("its `Link` to the next page, {shown}: {why}"))?;
        if origin != *endpoint.origin() {
            return Err(format!(
                "its `Link` leads to the next page on another server, {shown}: links are followed \
                 on {} alone",
                endpoint.origin()
            ));
        }
        if percent_decode(next.path()).as_deref() != Some(&endpoint.referrers(&self.subject)) {
            return Err(format!(
                "its `Link` to the next page, {shown}, leads to something else than the referrers \
                 of `{}`",
                self.subject
            ));
        }
        let path = next.path_and_query().map_or("/", |both| both.as_str());
        Ok(format!("{origin}{path}"))
    }

    fn receive_tag(
        mut self,
        endpoint: &Endpoint,
        limits: &Limits,
        odd: Option<String>,
        response: &HttpResponse,
    ) -> Step {
        let url = self.tag_url(endpoint);
        let missing = match response.status {
            200 => return Step::Done(self.tag_content(&url, limits, response)),
            404 => true,
            // A registry that takes no such tag has nothing under it.
            400 => has_code(&response.body, "TAG_INVALID"),
            _ => false,
        };
        if !missing {
            return Step::Done(Reply::Failed(status_failure(&url, response)));
        }
        match (odd, self.order) {
            (Some(why), _) => Step::Done(Reply::Failed(why)),
            (None, ReferrersOrder::TagFirst) => {
                let request = self.ask_first_page(endpoint);
                Step::Again(self, request)
            }
            (None, _) => Step::Done(Reply::NotFound),
        }
    }

    /// What is under the tag.
    fn tag_content(&self, url: &str, limits: &Limits, response: &HttpResponse) -> Reply {
        let odd = |what: String| Reply::Referrers {
            descriptors: Vec::new(),
            next: None,
            problems: vec![format!("the tag of the referrers, `{url}`, {what}")],
        };
        match Index::parse(&response.body, limits) {
            // A manifest parses as an index that lists nothing.
            Ok(index) if !is_one_manifest(&response.body, limits) => {
                self.listed(&index, url, None, None)
            }
            Ok(_) => odd("names a manifest and no index".to_owned()),
            Err(error) => odd(format!("names no index: {error}")),
        }
    }

    /// A page with what could be read. Whatever could be a signature and could not be
    /// read is a problem.
    fn listed(
        &self,
        index: &Index,
        url: &str,
        next: Option<String>,
        problem: Option<String>,
    ) -> Reply {
        /// Enough to see what is wrong with a list.
        const MOST: usize = 10;
        let malformed = index
            .entries
            .iter()
            .filter_map(|entry| entry.descriptor.as_ref().err())
            .map(|why| format!("`{url}` lists something malformed: {why}"));
        let descriptors = match self.artifact_type {
            Some(kind) => index.referrers(kind).cloned().collect(),
            None => index.descriptors().cloned().collect(),
        };
        Reply::Referrers {
            descriptors,
            next,
            problems: problem.into_iter().chain(malformed).take(MOST).collect(),
        }
    }
}

/// What comes after an answer.
pub(super) enum Step {
    Again(Lookup, HttpRequest),
    Done(Reply),
}

impl Step {
    pub(super) fn into_progress(self, wrap: impl FnOnce(Lookup) -> Exchange) -> Progress {
        match self {
            Self::Again(lookup, request) => Progress::Again(wrap(lookup), request),
            Self::Done(reply) => Progress::Done(reply),
        }
    }
}

pub(super) fn api(url: &str, response: &HttpResponse) -> Api {
    match response.status {
        200 => match response.media_type() {
            Some(kind) if is_index_type(kind) => Api::Page(response.body.clone()),
            None => Api::Page(response.body.clone()),
            // A page for people, say, from what answers every address.
            Some(other) => Api::Odd(format!(
                "`{url}` was answered with {} in place of an index, and there is no referrers tag \
                 either",
                quote(other)
            )),
        },
        // distribution-spec, "Unavailable Referrers API".
        404 | 405 | 501 => Api::Missing,
        400..=499 if has_code(&response.body, "UNSUPPORTED") => Api::Missing,
        400 => Api::Odd(status_failure(url, response)),
        _ => Api::Failed(status_failure(url, response)),
    }
}

/// Whether the registry applied the filter (distribution-spec, "Listing
/// Referrers").
fn is_filtered(response: &HttpResponse) -> bool {
    response
        .all("oci-filters-applied")
        .flat_map(|value| value.split(','))
        .any(|filter| filter.trim() == "artifactType")
}

/// Registries label the list as they should, or as any JSON.
fn is_index_type(kind: &str) -> bool {
    media_type::is_index(kind)
        || kind.eq_ignore_ascii_case("application/json")
        || kind.eq_ignore_ascii_case(media_type::OCTET_STREAM)
}

/// Whether an answer shows that there is no such API, and not only that a
/// repository or a manifest is not known.
fn shows_no_api(response: &HttpResponse) -> bool {
    matches!(response.status, 404 | 405 | 501) && !is_from_registry(&response.body)
        || has_code(&response.body, "UNSUPPORTED")
}

fn is_one_manifest(body: &[u8], limits: &Limits) -> bool {
    Manifest::parse(body, limits).is_ok()
}
