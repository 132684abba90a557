//! [`Publish`]: a manifest with a subject on its way into a repository, until the
//! registry lists it (distribution-spec, "Pushing Manifests with Subject"); and
//! manifests that go off the list before they are deleted ("Deleting Manifests").
//!
//! A registry that knows of subjects says so, with the header `OCI-Subject`. For
//! one that does not, clients keep the list themselves: an index under a tag that
//! is made from the subject's digest ("Referrers Tag Schema"). Nobody guards that
//! tag, so two clients that add to it at the same time can undo each other. Here a
//! list that was written is read again after a while, and written again where the
//! entry is gone: nobody is done before his entry outlived the others' writes. What
//! was taken off the list may come back in the same way, and is taken off again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::exchange::{accept, get};
use super::failure::status_failure;
use super::link;
use super::message::{HttpRequest, HttpResponse, Method, Retry};
use super::referrers::{Api, ReferrersOrder, api};
use crate::limits::Limits;
use crate::oci::media_type::OCI_INDEX;
use crate::oci::{Index, Manifest, referrers_tag};
use crate::wire::{self, Descriptor};

/// Writes of one list for one entry. Each needs another client that wrote at the
/// same moment.
const MAX_WRITES: u32 = 50;
/// Values in a list of referrers: each of ten thousand entries has some ten.
const MAX_VALUES: usize = 400_000;

/// What is published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The digest of the subject.
    pub subject: String,
    /// The manifest.
    pub bytes: Arc<[u8]>,
    /// Its descriptor, as the list has it: with artifact type and annotations.
    pub descriptor: Descriptor,
}

/// What goes off a list.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// The digest of the subject.
    pub subject: String,
    /// The digests of the manifests.
    pub digests: BTreeSet<String>,
    /// Manifests for whose sake the others go: where one is not on the list, nothing
    /// is written.
    pub kept: BTreeSet<String>,
}

/// One change of a list under way.
#[derive(Clone, Debug)]
pub struct Publish {
    endpoint: Endpoint,
    limits: Limits,
    order: ReferrersOrder,
    change: Change,
    stage: Stage,
    writes: u32,
    /// Whether the wait after the last write is over.
    settled: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Add(Publication),
    Remove(Withdrawal),
}

#[derive(Clone, Debug)]
enum Stage {
    Manifest(String),
    /// Does the registry list it by itself?
    Api(String),
    ReadTag(String),
    WriteTag(String),
    /// The list was written; it is to be read again.
    Settling,
}

/// How far it is.
#[derive(Debug)]
pub enum PublishStep {
    /// Send this request, and give its answer to [`Publish::receive`], or to
    /// [`Publish::lost`] where there is none.
    Again(Box<Publish>, HttpRequest),
    /// Wait until clients that read the list before it was written have written
    /// theirs, then call [`Publish::settled`].
    Settle(Box<Publish>),
    /// The manifest is in the repository, and on the list; or those of a
    /// [`Withdrawal`] are off the list, where the registry does not keep it. That a
    /// registry keeps the list is no promise that it loses nothing where several
    /// publish at the same moment: look again after a while.
    Done(Listed),
    /// Why not, for a person.
    Failed(String),
}

/// Who keeps the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The registry.
    ByRegistry,
    /// Its clients, under a tag.
    ByTag,
}

impl Publish {
    /// Starts with the manifest. What it names must be there already.
    #[must_use]
    pub fn start(
        endpoint: &Endpoint,
        publication: Publication,
        order: ReferrersOrder,
        limits: &Limits,
    ) -> PublishStep {
        let path = endpoint.manifest(&publication.descriptor.digest);
        let url = endpoint.url(&path);
        let mut request = HttpRequest::new(Method::Put, url.clone(), limits.manifest_bytes);
        let media_type = publication.descriptor.media_type.clone();
        request.headers = vec![("content-type", media_type)];
        request.body = Some(Arc::clone(&publication.bytes));
        let publish = Self {
            endpoint: endpoint.clone(),
            limits: limits.clone(),
            order,
            change: Change::Add(publication),
            stage: Stage::Manifest(url),
            writes: 0,
            settled: true,
        };
        PublishStep::Again(Box::new(publish), request)
    }

    /// Starts to take manifests off the list of their subject, where clients keep it. A
    /// registry that keeps it by itself takes off what is deleted:
    /// [`Listed::ByRegistry`].
    #[must_use]
    pub fn withdraw(
        endpoint: &Endpoint,
        withdrawal: Withdrawal,
        order: ReferrersOrder,
        limits: &Limits,
    ) -> PublishStep {
        let publish = Self {
            endpoint: endpoint.clone(),
            limits: limits.clone(),
            order,
            change: Change::Remove(withdrawal),
            stage: Stage::Settling,
            writes: 0,
            settled: true,
        };
        publish.find_list()
    }

    fn subject(&self) -> &str {
        match &self.change {
            Change::Add(publication) => &publication.subject,
            Change::Remove(withdrawal) => &withdrawal.subject,
        }
    }

    /// Takes the answer to the request.
    #[must_use]
    pub fn receive(self, response: &HttpResponse) -> PublishStep {
        match &self.stage {
            Stage::Manifest(url) => match response.status {
                200..=204 => {
                    let url = url.clone();
                    self.accepted(&url, response)
                }
                _ => PublishStep::Failed(status_failure(url, response)),
            },
            Stage::Api(url) => match api(url, response) {
                Api::Page(body) => self.listed_by_registry(url, response, &body),
                Api::Missing | Api::Odd(_) => self.read_tag(),
                Api::Failed(why) => PublishStep::Failed(why),
            },
            Stage::ReadTag(url) => {
                let missing = response.status == 404;
                match response.status {
                    200 => {
                        let url = url.clone();
                        self.found_list(&url, response)
                    }
                    _ if missing => match &self.change {
                        Change::Add(_) => self.write_tag(None, None),
                        Change::Remove(withdrawal) => match missing_of(withdrawal, None) {
                            Some(why) => PublishStep::Failed(why),
                            None => PublishStep::Done(Listed::ByTag),
                        },
                    },
                    _ => PublishStep::Failed(status_failure(url, response)),
                }
            }
            Stage::WriteTag(url) => match response.status {
                200..=204 => self.settle(),
                // Somebody else was quicker.
                409 | 412 if self.writes < MAX_WRITES => self.read_tag(),
                _ => PublishStep::Failed(status_failure(url, response)),
            },
            Stage::Settling => PublishStep::Settle(Box::new(self)),
        }
    }

    fn settle(mut self) -> PublishStep {
        self.stage = Stage::Settling;
        PublishStep::Settle(Box::new(self))
    }

    /// The request has no answer, for the reason `why`.
    #[must_use]
    pub fn lost(self, why: String) -> PublishStep {
        match self.stage {
            // Perhaps it was written: the list says.
            Stage::WriteTag(_) if self.writes < MAX_WRITES => self.read_tag(),
            _ => PublishStep::Failed(why),
        }
    }

    /// Goes on after the wait.
    #[must_use]
    pub fn settled(mut self) -> PublishStep {
        self.settled = true;
        self.read_tag()
    }

    fn accepted(self, url: &str, response: &HttpResponse) -> PublishStep {
        if let Change::Add(publication) = &self.change
            && let digest = &publication.descriptor.digest
            && let Some(stored) = response.header("docker-content-digest")
            && stored != digest
        {
            return PublishStep::Failed(format!(
                "`{url}`: the registry stored the manifest as {} and not as `{digest}`",
                crate::error::quote(stored)
            ));
        }
        if response.header("oci-subject").is_some() {
            return PublishStep::Done(Listed::ByRegistry);
        }
        self.find_list()
    }

    fn find_list(mut self) -> PublishStep {
        // What is taken off where nobody reads is listed still: who removes asks the
        // API in any case.
        let is_added = matches!(self.change, Change::Add(_));
        if is_added && self.order != ReferrersOrder::ApiFirst {
            return self.read_tag();
        }
        let path = self.endpoint.referrers(self.subject());
        let url = self.endpoint.url(&path);
        self.stage = Stage::Api(url.clone());
        let request = self.bounded(get(url, OCI_INDEX.to_owned()));
        PublishStep::Again(Box::new(self), request)
    }

    /// The registry has a list, although it did not say so. Where the manifest is
    /// not on it as a signature, nobody finds it there.
    fn listed_by_registry(&self, url: &str, response: &HttpResponse, body: &[u8]) -> PublishStep {
        let index = match Index::parse(body, &self.limits) {
            Ok(index) => index,
            Err(error) => return PublishStep::Failed(format!("`{url}`: {error}")),
        };
        let Change::Add(publication) = &self.change else {
            return PublishStep::Done(Listed::ByRegistry);
        };
        let ours = &publication.descriptor;
        let as_signature = |one: &&Descriptor| {
            one.artifact_type.is_none() || one.artifact_type == ours.artifact_type
        };
        let mut found = index.descriptors().filter(|one| one.digest == ours.digest);
        match found.next() {
            Some(one) if as_signature(&one) => PublishStep::Done(Listed::ByRegistry),
            Some(_) => PublishStep::Failed(format!(
                "the registry took `{}` and lists it as something else than `{}`, where others than \
                 this program do not find it: a signature for this registry needs the legacy form \
                 of the manifest",
                ours.digest,
                ours.artifact_type.as_deref().unwrap_or_default()
            )),
            // It may be on another page.
            None if !matches!(link::next(response.all("link")), Ok(None)) => {
                PublishStep::Done(Listed::ByRegistry)
            }
            None => PublishStep::Failed(format!(
                "the registry took `{}` and does not list it: its list of referrers is not to be \
                 relied on",
                ours.digest
            )),
        }
    }

    fn tag_url(&self) -> String {
        let tag = referrers_tag(self.subject());
        self.endpoint.url(&self.endpoint.manifest(&tag))
    }

    fn read_tag(mut self) -> PublishStep {
        let url = self.tag_url();
        self.stage = Stage::ReadTag(url.clone());
        let mut request = self.bounded(get(url, accept()));
        request
            .headers
            .push(("cache-control", "no-cache".to_owned()));
        PublishStep::Again(Box::new(self), request)
    }

    fn found_list(self, url: &str, response: &HttpResponse) -> PublishStep {
        let body = &response.body;
        let unusable = |why: &str| {
            PublishStep::Failed(format!(
                "the tag of the referrers, `{url}`, {why}: it is not written over"
            ))
        };
        match Index::parse(body, &self.limits) {
            Err(error) => return unusable(&format!("names no index: {error}")),
            // A manifest parses as an index that lists nothing.
            Ok(_) if Manifest::parse(body, &self.limits).is_ok() => {
                return unusable("names a manifest and no index");
            }
            Ok(index) => {
                let has = |digest: &str| index.descriptors().any(|one| one.digest == digest);
                let is_done = match &self.change {
                    Change::Add(publication) => has(&publication.descriptor.digest),
                    Change::Remove(withdrawal) => {
                        if let Some(why) = missing_of(withdrawal, Some(&index)) {
                            return PublishStep::Failed(why);
                        }
                        !withdrawal.digests.iter().any(|digest| has(digest))
                    }
                };
                if is_done {
                    return if self.settled {
                        PublishStep::Done(Listed::ByTag)
                    } else {
                        self.settle()
                    };
                }
                let is_added = matches!(self.change, Change::Add(_));
                if is_added && index.entries.len() >= self.limits.referrers {
                    return unusable(&format!(
                        "lists {} manifests, the limit is {} (`referrers`)",
                        index.entries.len(),
                        self.limits.referrers
                    ));
                }
            }
        }
        if wire::json::count_values(body) > MAX_VALUES {
            return unusable(&format!("has more than {MAX_VALUES} values"));
        }
        match wire::json::parse(body) {
            Ok(document) => self.write_tag(Some(document), response.header("etag")),
            Err(error) => unusable(&format!("names no index: {error}")),
        }
    }

    /// Writes the list with the change. Whatever else the list has stays; an empty list
    /// stays too, since tags are not deleted here. A
    /// registry that knows of conditions ("If-Match", RFC 9110 section 13.1) does
    /// not let it replace a list that was not seen.
    fn write_tag(mut self, list: Option<Value>, etag: Option<&str>) -> PublishStep {
        if self.writes == MAX_WRITES {
            return PublishStep::Failed(format!(
                "the list of referrers was written {MAX_WRITES} times, and others undid it each \
                 time: try again when less is attached to this image at the same time"
            ));
        }
        self.writes += 1;
        self.settled = false;
        let condition = match (&list, etag) {
            (None, _) => Some(("if-none-match", "*".to_owned())),
            (Some(_), Some(etag)) => Some(("if-match", etag.to_owned())),
            (Some(_), None) => None,
        };
        let mut list = list.unwrap_or_else(
            || json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }),
        );
        if list.get("manifests").is_none_or(Value::is_null)
            && let Some(members) = list.as_object_mut()
        {
            // An empty list, as Go tools write it.
            members.insert("manifests".to_owned(), Value::Array(Vec::new()));
        }
        let media_type = list
            .get("mediaType")
            .and_then(Value::as_str)
            .unwrap_or(OCI_INDEX)
            .to_owned();
        if let Some(entries) = list.get_mut("manifests").and_then(Value::as_array_mut) {
            match &self.change {
                Change::Add(publication) => entries.push(entry(&publication.descriptor)),
                Change::Remove(withdrawal) => entries.retain(|entry| {
                    let digest = entry.get("digest").and_then(Value::as_str);
                    digest.is_none_or(|digest| !withdrawal.digests.contains(digest))
                }),
            }
        }
        let bytes = list.to_string().into_bytes();
        if bytes.len() > self.limits.manifest_bytes {
            return PublishStep::Failed(format!(
                "the list of referrers would have more than {} octets (`manifest_bytes`)",
                self.limits.manifest_bytes
            ));
        }
        let url = self.tag_url();
        let mut request = self.bounded(HttpRequest::new(Method::Put, url.clone(), 0));
        request.headers = vec![("content-type", media_type)];
        request.headers.extend(condition);
        request.body = Some(bytes.into());
        request.retry = Retry::StartOver;
        self.stage = Stage::WriteTag(url);
        PublishStep::Again(Box::new(self), request)
    }

    fn bounded(&self, mut request: HttpRequest) -> HttpRequest {
        request.max_bytes = self.limits.manifest_bytes;
        request
    }
}

/// Why a withdrawal cannot go on, where `list` lacks what is to stay.
fn missing_of(withdrawal: &Withdrawal, list: Option<&Index>) -> Option<String> {
    let is_listed = |digest: &String| {
        list.is_some_and(|list| list.descriptors().any(|one| one.digest == *digest))
    };
    let missing = withdrawal.kept.iter().find(|digest| !is_listed(digest))?;
    Some(format!(
        "`{missing}`, for whose sake others were to go, is not on the list of referrers any more"
    ))
}

/// An entry of the list: with artifact type and annotations, as the registry would
/// have it ("Listing Referrers").
fn entry(descriptor: &Descriptor) -> Value {
    let mut value = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
        "annotations": descriptor.annotations,
    });
    if let (Some(artifact_type), Some(members)) = (&descriptor.artifact_type, value.as_object_mut())
    {
        members.insert("artifactType".to_owned(), artifact_type.as_str().into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;
    use crate::oci::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_MANIFEST};
    use crate::registry::Scheme;

    const SUBJECT: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";
    const OURS: &str = "sha256:12bb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";
    const OTHER: &str = "sha256:aabb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";

    fn start(order: ReferrersOrder) -> (Publish, HttpRequest) {
        let reference = Reference::parse("registry.example/app:v1").unwrap();
        let publication = Publication {
            subject: SUBJECT.to_owned(),
            bytes: Arc::from(&b"{}"[..]),
            descriptor: Descriptor {
                media_type: OCI_MANIFEST.to_owned(),
                digest: OURS.to_owned(),
                size: 2,
                artifact_type: Some(NOTARY_SIGNATURE.to_owned()),
                annotations: [("a".to_owned(), "b".to_owned())].into(),
            },
        };
        let endpoint = Endpoint::new(&reference, Scheme::Https);
        again(Publish::start(
            &endpoint,
            publication,
            order,
            &Limits::default(),
        ))
    }

    fn again(step: PublishStep) -> (Publish, HttpRequest) {
        match step {
            PublishStep::Again(publish, request) => (*publish, request),
            other => panic!("{other:?}"),
        }
    }

    fn settle(step: PublishStep) -> Publish {
        match step {
            PublishStep::Settle(publish) => *publish,
            other => panic!("{other:?}"),
        }
    }

    fn failure(step: PublishStep) -> String {
        match step {
            PublishStep::Failed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn list(entries: &[(&str, &str)]) -> String {
        let entries: Vec<Value> = entries
            .iter()
            .map(|(digest, artifact_type)| {
                json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": 2,
                    "artifactType": artifact_type, "data": "kept"})
            })
            .collect();
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, "x": [1]})
            .to_string()
    }

    fn created() -> HttpResponse {
        answer(201, &[("Docker-Content-Digest", OURS)], "")
    }

    #[test]
    fn a_registry_that_knows_of_subjects_needs_no_list() {
        let (publish, request) = start(ReferrersOrder::ApiFirst);
        assert_eq!(request.method, Method::Put);
        assert_eq!(
            request.url,
            format!("https://registry.example/v2/app/manifests/{OURS}")
        );
        assert_eq!(request.headers, [("content-type", OCI_MANIFEST.to_owned())]);
        let step = publish.receive(&answer(201, &[("OCI-Subject", SUBJECT)], ""));
        assert!(matches!(step, PublishStep::Done(Listed::ByRegistry)));
        let (publish, _) = start(ReferrersOrder::ApiFirst);
        let other = answer(201, &[("Docker-Content-Digest", OTHER)], "");
        assert!(failure(publish.receive(&other)).contains("stored the manifest as"));
        let (publish, _) = start(ReferrersOrder::ApiFirst);
        failure(publish.receive(&answer(400, &[], "")));
    }

    #[test]
    fn a_registry_that_does_not_say_so_is_asked_whether_it_lists() {
        let asked = || {
            let (publish, _) = start(ReferrersOrder::ApiFirst);
            let (publish, request) = again(publish.receive(&created()));
            assert_eq!(
                request.url,
                format!("https://registry.example/v2/app/referrers/{SUBJECT}")
            );
            publish
        };
        let step = asked().receive(&answer(200, &[], &list(&[(OURS, NOTARY_SIGNATURE)])));
        assert!(matches!(step, PublishStep::Done(Listed::ByRegistry)));
        let why = failure(asked().receive(&answer(200, &[], &list(&[(OURS, OCI_EMPTY)]))));
        assert!(why.contains("legacy form"), "{why}");
        let why = failure(asked().receive(&answer(200, &[], &list(&[]))));
        assert!(why.contains("does not list it"), "{why}");
        let more = [("Link", "</v2/app/referrers/x?n=2>; rel=next")];
        let step = asked().receive(&answer(200, &more, &list(&[(OTHER, NOTARY_SIGNATURE)])));
        assert!(matches!(step, PublishStep::Done(Listed::ByRegistry)));
        failure(asked().receive(&answer(500, &[], "")));
        let (_, request) = again(asked().receive(&answer(404, &[], "")));
        assert!(request.url.ends_with(&SUBJECT.replace(':', "-")));
    }

    fn reading() -> Publish {
        let (publish, _) = start(ReferrersOrder::TagOnly);
        let (publish, request) = again(publish.receive(&created()));
        assert_eq!(request.method, Method::Get);
        publish
    }

    #[test]
    fn an_entry_is_added_and_everything_else_stays() {
        let etag = [("ETag", "\"7\"")];
        let found = answer(200, &etag, &list(&[(OTHER, "application/x")]));
        let (publish, request) = again(reading().receive(&found));
        assert_eq!(request.method, Method::Put);
        assert!(request.headers.contains(&("if-match", "\"7\"".to_owned())));
        let written: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(written["manifests"][0]["data"], "kept");
        assert_eq!(written["x"], json!([1]));
        assert_eq!(
            written["manifests"][1],
            json!({"mediaType": OCI_MANIFEST, "digest": OURS, "size": 2,
                "artifactType": NOTARY_SIGNATURE, "annotations": {"a": "b"}})
        );
        // It counts once it was seen after the wait.
        let publish = settle(publish.receive(&answer(201, &[], "")));
        let (publish, request) = again(publish.settled());
        assert_eq!(request.method, Method::Get);
        let step = publish.receive(&answer(200, &[], &written.to_string()));
        assert!(matches!(step, PublishStep::Done(Listed::ByTag)));
    }

    #[test]
    fn an_entry_that_others_undid_is_written_again() {
        let (publish, request) = again(reading().receive(&answer(404, &[], "")));
        assert!(request.headers.contains(&("if-none-match", "*".to_owned())));
        let publish = settle(publish.receive(&answer(201, &[], "")));
        let (publish, _) = again(publish.settled());
        let undone = answer(200, &[], &list(&[(OTHER, "")]));
        let (publish, request) = again(publish.receive(&undone));
        let written: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(written["manifests"].as_array().unwrap().len(), 2);
        // A conflict is a reason to read again, and so is a lost answer.
        let (publish, request) = again(publish.receive(&answer(412, &[], "")));
        assert_eq!(request.method, Method::Get);
        let (publish, _) = again(publish.receive(&undone));
        let (publish, request) = again(publish.lost("time-out".to_owned()));
        assert_eq!(request.method, Method::Get);
        // It was written after all: wait before believing it.
        let both = answer(200, &[], &list(&[(OTHER, ""), (OURS, NOTARY_SIGNATURE)]));
        let publish = settle(publish.receive(&both));
        let (publish, _) = again(publish.settled());
        assert!(matches!(
            publish.receive(&both),
            PublishStep::Done(Listed::ByTag)
        ));
    }

    #[test]
    fn writes_are_bounded() {
        let mut step = reading().receive(&answer(404, &[], ""));
        for _ in 1..MAX_WRITES {
            let (publish, _) = again(step);
            let (publish, _) = again(publish.receive(&answer(409, &[], "")));
            step = publish.receive(&answer(404, &[], ""));
        }
        let (publish, _) = again(step);
        failure(publish.receive(&answer(409, &[], "")));
    }

    #[test]
    fn what_is_no_list_is_not_written_over() {
        let manifest = json!({"schemaVersion": 2, "config": {"mediaType": OCI_EMPTY,
            "digest": OTHER, "size": 2}, "layers": [], "manifests": []});
        for body in ["", "{}", "[]", "<html>", &manifest.to_string()] {
            let why = failure(reading().receive(&answer(200, &[], body)));
            assert!(why.contains("not written over"), "{body}: {why}");
        }
        failure(reading().receive(&answer(500, &[], "")));
        failure(reading().receive(&answer(403, &[], "")));
        let limits = Limits::default();
        let many: Vec<_> = (0..limits.referrers).map(|_| (OTHER, "")).collect();
        let why = failure(reading().receive(&answer(200, &[], &list(&many))));
        assert!(why.contains("(`referrers`)"), "{why}");
    }
}
