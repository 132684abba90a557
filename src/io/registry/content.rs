//! What is copied from and to registries: manifests of every kind, lists of all
//! referrers, blobs that go through without being kept.

use std::io::Read;
use std::sync::Arc;

use super::attempts::Ended;
use super::gate::Purpose;
use super::host::RegistryHost;
use super::send::Flow;
use crate::io::http::in_run_patiently;
use crate::oci::Digest;
use crate::registry::{
    Brought, Exchange, HttpRequest, HttpResponse, Method, Progress, TagList, TagListStep, Upload,
    UploadStep, is_there, look_for, put_manifest, status_failure, stored,
};
use crate::session::{Need, NeedId, Reply, Request};
use crate::wire::Descriptor;

/// What became of content that was to go through.
pub enum Poured {
    /// It went, and this is the answer.
    Answered(HttpResponse),
    /// It did not all go, or there is no answer: another attempt may do better.
    Lost(String),
    /// It cannot go.
    Failed(String),
}

/// Takes content, and says what became of it.
pub type Pour<'a> = dyn FnMut(&dyn Flow) -> Poured + 'a;

impl RegistryHost {
    /// The manifest that `descriptor` names, unchecked; `None` where it is not there.
    pub(in crate::io) fn manifest(
        &self,
        descriptor: &Descriptor,
    ) -> Result<Option<Vec<u8>>, String> {
        let reply = self.get(&Need {
            id: NeedId(0),
            request: Request::Manifest(descriptor.clone()),
            max_bytes: self.client().limits().manifest_bytes,
        });
        match reply {
            Reply::Content { bytes, .. } => Ok(Some(bytes)),
            Reply::NotFound => Ok(None),
            Reply::Failed(why) => Err(why),
            _ => Err("the registry did not answer with a manifest".to_owned()),
        }
    }

    /// The referrers of `subject`, of every type. A list of which a part could not be
    /// had is an error.
    pub(in crate::io) fn all_referrers(&self, subject: &str) -> Result<Vec<Descriptor>, String> {
        let limits = self.client().limits();
        let mut all = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..limits.referrer_pages {
            let order = self.client().referrers_order(self.endpoint());
            let endpoint = self.endpoint();
            let started =
                Exchange::all_referrers(endpoint, subject, page.as_deref(), order, limits);
            match self.finish(started) {
                Reply::Referrers {
                    descriptors,
                    next,
                    problems,
                } => {
                    if let Some(problem) = problems.into_iter().next() {
                        return Err(problem);
                    }
                    all.extend(descriptors);
                    if all.len() > limits.referrers {
                        return Err(format!(
                            "`{subject}` has more than {} referrers (`referrers`)",
                            limits.referrers
                        ));
                    }
                    match next {
                        Some(next) => page = Some(next),
                        None => return Ok(all),
                    }
                }
                Reply::NotFound => return Ok(all),
                Reply::Failed(why) => return Err(why),
                _ => return Err("the registry did not answer with a list".to_owned()),
            }
        }
        Err(format!(
            "more than {} pages of referrers are listed (`referrer_pages`)",
            limits.referrer_pages
        ))
    }

    fn finish(&self, mut progress: Progress) -> Reply {
        loop {
            let (exchange, request) = match progress {
                Progress::Done(reply) => return reply,
                Progress::Again(exchange, request) => (exchange, request),
            };
            match self.send_for(&request, Purpose::Referrers) {
                Ok(response) => {
                    if let Some(learned) = exchange.learn(&response) {
                        self.client().learn(self.endpoint(), learned);
                    }
                    progress = exchange.receive(response);
                }
                Err(why) => return Reply::Failed(why.to_string()),
            }
        }
    }

    /// The images whose referrers are listed under tags of the repository.
    pub(in crate::io) fn subjects_of_tags(&self) -> Result<Vec<Digest>, String> {
        let mut step = TagList::start(self.endpoint(), self.client().limits());
        loop {
            step = match step {
                TagListStep::Done(subjects) => return Ok(subjects),
                TagListStep::Failed(why) => return Err(why),
                TagListStep::Again(list, request) => {
                    list.receive(&self.send(&request).map_err(|why| why.to_string())?)
                }
            };
        }
    }

    /// Whether something of `media_type` is under `name`; `None` is a blob.
    pub(in crate::io) fn has(&self, name: &str, media_type: Option<&str>) -> Result<bool, String> {
        let request = look_for(self.endpoint(), name, media_type);
        let response = self.send(&request).map_err(|why| why.to_string())?;
        is_there(&request, &response)
    }

    /// Calls `take` with the content of a blob, unchecked and without a bound, in
    /// which nothing waits for ever. `None` where it is not there.
    pub(in crate::io) fn with_blob<T>(
        &self,
        digest: Digest,
        take: impl FnOnce(&mut dyn Read) -> T,
    ) -> Result<Option<T>, String> {
        let mut request = look_for(self.endpoint(), &digest.to_string(), None);
        request.method = Method::Get;
        let opened = self.open(&request).map_err(|why| why.to_string())?;
        match (opened.response.status, opened.open) {
            (200, Some(mut content)) => {
                let patience = self.client().attempt_timeout();
                let work = || take(&mut content);
                Ok(Some(in_run_patiently(self.run(), patience, work)))
            }
            (404, _) => Ok(None),
            _ => Err(status_failure(&request.url, &opened.response)),
        }
    }

    /// Brings a blob of `size` octets into the repository. `supply` is called with what
    /// takes the content, as often as it takes; `from` is another repository of the
    /// same registry that may have it.
    pub(in crate::io) fn bring(
        &self,
        digest: Digest,
        size: u64,
        from: Option<&str>,
        supply: &mut dyn FnMut(&mut Pour<'_>) -> Poured,
    ) -> Result<Brought, String> {
        let mut step = Upload::streamed(self.endpoint(), digest, size, from);
        loop {
            let (upload, request) = match step {
                UploadStep::Done(brought) => return Ok(brought),
                UploadStep::Failed(why) => return Err(why),
                UploadStep::Again(upload, request) => (upload, request),
            };
            let sent = if request.streamed.is_some() {
                supply(&mut |content| self.poured(&request, content))
            } else {
                match self.send(&request) {
                    Ok(response) => Poured::Answered(response),
                    Err(Ended::Stopped(why)) => Poured::Failed(why),
                    Err(Ended::Why(why)) => Poured::Lost(why),
                }
            };
            step = match sent {
                Poured::Answered(response) => {
                    upload.receive(&response, |origin| self.client().allows_plain_http(origin))
                }
                Poured::Lost(why) => upload.lost(why),
                Poured::Failed(why) => return Err(why),
            };
        }
    }

    fn poured(&self, request: &HttpRequest, content: &dyn Flow) -> Poured {
        match self.pour(request, content) {
            Ok(response) => Poured::Answered(response),
            Err(Ended::Stopped(why)) => Poured::Failed(why),
            Err(Ended::Why(why)) => Poured::Lost(why),
        }
    }

    /// Puts a manifest under `name`, a tag or its digest.
    pub(in crate::io) fn put(
        &self,
        name: &str,
        descriptor: &Descriptor,
        bytes: &Arc<[u8]>,
    ) -> Result<(), String> {
        let request = put_manifest(self.endpoint(), name, &descriptor.media_type, bytes);
        let response = self.send(&request).map_err(|why| why.to_string())?;
        stored(&request, &response, &descriptor.digest)
    }
}
