//! The tags of a repository under which clients keep lists of referrers
//! (distribution-spec, "Listing Tags", "Referrers Tag Schema").

use http::Uri;

use super::endpoint::{Endpoint, Origin};
use super::exchange::get;
use super::failure::status_failure;
use super::link;
use super::message::{HttpRequest, HttpResponse};
use super::redirect;
use super::text::percent_decode;
use crate::error::quote;
use crate::limits::Limits;
use crate::oci::{Digest, referrers_subject};
use crate::wire;

/// The look at all tags of a repository under way. Only those of lists of referrers are
/// kept.
#[derive(Clone, Debug)]
pub struct TagList {
    endpoint: Endpoint,
    limits: Limits,
    url: String,
    pages: usize,
    tags: usize,
    subjects: Vec<Digest>,
}

/// How far it is.
#[derive(Debug)]
pub enum TagListStep {
    /// Send this request, and give its answer to [`TagList::receive`].
    Again(Box<TagList>, HttpRequest),
    /// Whose referrers are listed under tags.
    Done(Vec<Digest>),
    /// Why they cannot be had, for a person.
    Failed(String),
}

#[derive(serde::Deserialize)]
struct Page {
    /// Go tools write none as `null`.
    tags: Option<Vec<String>>,
}

impl TagList {
    /// Starts to list the tags. How many come at a time is left to the registry: there
    /// are some that give as many as are asked for, and do not say that there are more.
    #[must_use]
    pub fn start(endpoint: &Endpoint, limits: &Limits) -> TagListStep {
        let list = Self {
            endpoint: endpoint.clone(),
            limits: limits.clone(),
            url: endpoint.url(&endpoint.tags()),
            pages: 0,
            tags: 0,
            subjects: Vec::new(),
        };
        list.ask()
    }

    fn ask(self) -> TagListStep {
        let mut request = get(self.url.clone(), "application/json".to_owned());
        request.max_bytes = self.limits.manifest_bytes;
        TagListStep::Again(Box::new(self), request)
    }

    /// Takes the answer to the request. A page that is missing or leads elsewhere fails
    /// the whole list.
    #[must_use]
    pub fn receive(mut self, response: &HttpResponse) -> TagListStep {
        if response.status != 200 {
            return TagListStep::Failed(status_failure(&self.url, response));
        }
        let page: Page = match wire::json::from_slice(&response.body) {
            Ok(page) => page,
            Err(error) => {
                return TagListStep::Failed(format!("`{}` is no list of tags: {error}", self.url));
            }
        };
        let tags = page.tags.unwrap_or_default();
        self.pages += 1;
        self.tags = self.tags.saturating_add(tags.len());
        if self.tags > self.limits.tags {
            return TagListStep::Failed(format!(
                "the repository has more than {} tags (`tags`)",
                self.limits.tags
            ));
        }
        let subjects = tags.iter().filter_map(|tag| referrers_subject(tag));
        self.subjects.extend(subjects);
        match self.next(response) {
            Ok(None) => TagListStep::Done(self.subjects),
            Ok(Some(_)) if self.pages >= self.limits.tag_pages => TagListStep::Failed(format!(
                "the tags have more than {} pages (`tag_pages`)",
                self.limits.tag_pages
            )),
            Ok(Some(next)) => {
                self.url = next;
                self.ask()
            }
            Err(why) => TagListStep::Failed(format!("`{}`: {why}", self.url)),
        }
    }

    /// Where the next page is: in the same list on the same server.
    fn next(&self, response: &HttpResponse) -> Result<Option<String>, String> {
        let Some(target) = link::next(response.all("link"))? else {
            return Ok(None);
        };
        let shown = quote(&target);
        let bad = |why: String| format!("its `Link` to the next page, {shown}, {why}");
        let base: Uri = self
            .url
            .parse()
            .map_err(|_| bad("has no base".to_owned()))?;
        let next = redirect::target(&base, &target).map_err(|_| bad("is no address".to_owned()))?;
        let origin = Origin::of(&next).map_err(&bad)?;
        if origin != *self.endpoint.origin() {
            return Err(bad("leads to another server".to_owned()));
        }
        if percent_decode(next.path()).as_deref() != Some(&self.endpoint.tags()) {
            return Err(bad("leads to something else than the tags".to_owned()));
        }
        let path = next.path_and_query().map_or("/", |both| both.as_str());
        let next = format!("{origin}{path}");
        if next == self.url {
            return Err(bad("leads to itself".to_owned()));
        }
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;
    use crate::registry::Scheme;

    const URL: &str = "https://registry.example/v2/a/b/tags/list";

    fn limits() -> Limits {
        Limits {
            tags: 5,
            tag_pages: 3,
            ..Limits::default()
        }
    }

    fn again(step: TagListStep) -> (TagList, String) {
        match step {
            TagListStep::Again(list, request) => (*list, request.url),
            other => panic!("{other:?}"),
        }
    }

    fn failure(step: TagListStep) -> String {
        match step {
            TagListStep::Failed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn start() -> TagList {
        let reference = Reference::parse("registry.example/a/b").unwrap();
        let endpoint = Endpoint::new(&reference, Scheme::Https);
        let (list, url) = again(TagList::start(&endpoint, &limits()));
        assert_eq!(url, URL);
        list
    }

    fn page(body: &str, link: Option<&str>) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: link
                .map(|link| ("Link".to_owned(), format!("<{link}>; rel=\"next\"")))
                .into_iter()
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn pages_are_followed_to_the_end() {
        let next = "/v2/a/b/tags/list?last=y&n=2";
        let [one, two] = ["0", "f"].map(|digit| format!("sha256-{}", digit.repeat(64)));
        let first = page(
            &format!(r#"{{"name":"a/b","tags":["x","{one}"]}}"#),
            Some(next),
        );
        let (list, url) = again(start().receive(&first));
        assert_eq!(url, format!("https://registry.example{next}"));
        let last = page(&format!(r#"{{"tags":["{two}","{two}.sig"]}}"#), None);
        let TagListStep::Done(subjects) = list.receive(&last) else {
            panic!()
        };
        let subjects: Vec<String> = subjects.iter().map(ToString::to_string).collect();
        assert_eq!(subjects, [one, two].map(|tag| tag.replace('-', ":")));
        for none in [r#"{"name":"a/b","tags":null}"#, r#"{"name":"a/b"}"#] {
            let step = start().receive(&page(none, None));
            assert!(matches!(step, TagListStep::Done(subjects) if subjects.is_empty()));
        }
    }

    #[test]
    fn what_is_not_whole_is_no_list() {
        for link in [
            "https://other.example/v2/a/b/tags/list?n=1",
            "http://registry.example/v2/a/b/tags/list?n=1",
            "/v2/a/c/tags/list?n=1",
            "/v2/a/b/tags/list",
        ] {
            let why = failure(start().receive(&page(r#"{"tags":[]}"#, Some(link))));
            assert!(why.contains("next page"), "{link}: {why}");
        }
        for body in ["", "[]", "<html>", r#"{"tags":[1]}"#, r#"{"tags":"x"}"#] {
            let why = failure(start().receive(&page(body, None)));
            assert!(why.contains("no list of tags"), "{body}: {why}");
        }
        for status in [401, 403, 404, 500] {
            let mut answer = page("", None);
            answer.status = status;
            failure(start().receive(&answer));
        }
    }

    #[test]
    fn bounded() {
        let why = failure(start().receive(&page(r#"{"tags":["","","","","",""]}"#, None)));
        assert!(why.contains("(`tags`)"), "{why}");
        let mut list = start();
        for number in 1..3 {
            let link = format!("{URL}?last={number}");
            list = again(list.receive(&page(r#"{"tags":[]}"#, Some(&link)))).0;
        }
        let why = failure(list.receive(&page(r#"{"tags":[]}"#, Some(&format!("{URL}?last=9")))));
        assert!(why.contains("(`tag_pages`)"), "{why}");
    }
}
