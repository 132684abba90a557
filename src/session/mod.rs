//! [`Session`]: one verification as a conversation without I/O.
//!
//! The whole pipeline is on this page. A session says what it
//! [`Need`]s, the host fetches that however it likes and supplies a [`Reply`],
//! until there is a [`Report`]. The core reads no socket, file, clock or
//! environment, so blocking, asynchronous and air-gapped hosts share it, a run
//! can be recorded and replayed, and dropping the session cancels it.
//!
//! ```text
//! resolve ──┐
//!           ├─► referrers ─► signature manifest ─► envelope ─► integrity ─► checks ─► report
//! (digest) ─┘      ▲                                              │  ▲
//!                  └── next page, next signature                  └──┘ evidence
//! ```

mod evaluate;
mod judge;
mod listed;
mod platforms;
mod protocol;

pub use protocol::{BlobRequest, ImageRequest, Need, NeedId, Platforms, Reply, Request, Step};

use std::collections::BTreeMap;

use crate::envelope::Signed;
use crate::error::{Error, ErrorKind};
use crate::evidence::{Evidence, EvidenceReply};
use crate::oci::manifest::SignatureManifest;
use crate::oci::{self, media_type};
use crate::outcome::{Reason, Rejection};
use crate::policy::{Selection, Statement};
use crate::report::{Report, SignatureReport, SignatureResult, Subject};
use crate::time::Time;
use crate::verifier::{EnvelopeRequest, Scope, Verifier};
use crate::wire::Descriptor;
#[cfg(feature = "http")]
pub(crate) use judge::resolved;
use judge::{bounded_size, wrong_reply};
use listed::Listed;
use platforms::{FoundIndex, Tree};

/// One verification under way.
#[derive(Debug)]
pub struct Session {
    verifier: Verifier,
    /// `None` where the policy's level is `skip`.
    statement: Option<Statement>,
    report: Report,
    user_metadata: BTreeMap<String, String>,
    plan: Plan,
    stage: Stage,
    evidence: Evidence,
    evidence_rounds: usize,
    asked: BTreeMap<NeedId, Need>,
    answers: Vec<(Request, Reply)>,
    next_id: u64,
    bytes_left: u64,
    /// The artifact, where it is an index and its children count too.
    found_index: Option<FoundIndex>,
    /// The children, where they count. Theirs are all in the outermost session.
    tree: Option<Box<Tree>>,
}

/// What only an artifact, an envelope at hand, or a blob, has.
#[derive(Debug)]
enum Plan {
    Image(Box<Lookup>),
    /// The artifact is known by its descriptor.
    Envelope,
    Blob {
        media_type: Option<String>,
    },
}

/// The search for the signatures of an artifact.
#[derive(Debug, Default)]
struct Lookup {
    reference: String,
    /// What the index says of it, where one lists it.
    listed_as: Option<Descriptor>,
    platforms: Platforms,
    max_signatures: usize,
    all_signatures: bool,
    queue: Listed,
    next_page: Option<String>,
    pages: usize,
    referrers: usize,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was asked yet.
    Start,
    /// The manifest, and with a digest the referrers at the same time.
    Resolving,
    /// More referrers.
    Listing,
    /// Choose the next signature.
    Next,
    /// A signature manifest was asked for.
    Manifest(Descriptor),
    /// An envelope was asked for.
    Envelope(Candidate),
    /// A blob's digest was asked for.
    Blob(Candidate, Box<Signed>),
    /// The checks run, with what evidence there is.
    Checking(Candidate, Box<Signed>),
    /// The report is complete.
    Done,
}

/// The signature that is looked at.
#[derive(Clone, Debug, Default)]
struct Candidate {
    manifest_digest: Option<String>,
    envelope_digest: Option<String>,
    media_type: Option<String>,
}

impl Session {
    pub(crate) fn for_image(verifier: &Verifier, request: ImageRequest) -> Result<Self, Error> {
        let limits = verifier.limits();
        let lookup = Lookup {
            reference: request.reference,
            platforms: request.platforms,
            max_signatures: request.max_signatures.unwrap_or(limits.signatures),
            all_signatures: request.all_signatures,
            ..Lookup::default()
        };
        if lookup.max_signatures == 0 {
            return Err(Error::new(
                ErrorKind::Usage,
                "the most signatures to evaluate is 0: give a number above 0",
            ));
        }
        let selection = verifier.select_oci(Scope::Repository(&request.scope))?;
        let mut session = Self::start(
            verifier,
            Subject::Artifact(request.name),
            &selection,
            request.user_metadata,
            request.now,
            Plan::Image(Box::new(lookup)),
            Stage::Start,
        );
        if request.platforms == Platforms::All && session.statement.is_some() {
            session.tree = Some(Box::default());
        }
        Ok(session)
    }

    pub(crate) fn for_blob(verifier: &Verifier, request: BlobRequest) -> Result<Self, Error> {
        let selection = verifier.select_blob(request.policy_name.as_deref())?;
        let mut session = Self::start(
            verifier,
            Subject::Blob(request.name),
            &selection,
            request.user_metadata,
            request.now,
            Plan::Blob {
                media_type: request.media_type,
            },
            Stage::Next,
        );
        if session.statement.is_some() {
            let candidate = Candidate {
                media_type: Some(request.envelope_media_type),
                ..Candidate::default()
            };
            session.open_envelope(candidate, &request.envelope);
        }
        Ok(session)
    }

    pub(crate) fn for_envelope(
        verifier: &Verifier,
        request: &EnvelopeRequest<'_>,
    ) -> Result<Self, Error> {
        let selection = verifier.select_oci(request.scope)?;
        let mut session = Self::start(
            verifier,
            Subject::Artifact(request.scope.as_str().to_owned()),
            &selection,
            request.user_metadata.clone(),
            request.now,
            Plan::Envelope,
            Stage::Next,
        );
        if session.statement.is_some() {
            session.report.target = Some(request.target.clone());
            let candidate = Candidate {
                media_type: Some(request.media_type.to_owned()),
                ..Candidate::default()
            };
            session.open_envelope(candidate, request.envelope);
        }
        Ok(session)
    }

    fn start(
        verifier: &Verifier,
        subject: Subject,
        selection: &Selection<'_>,
        user_metadata: BTreeMap<String, String>,
        now: Time,
        plan: Plan,
        stage: Stage,
    ) -> Self {
        let (statement, report, stage) = match selection {
            Selection::Skip { statement } => {
                (None, Report::skipped(subject, statement, now), Stage::Done)
            }
            Selection::Verify(statement) => (
                Some((*statement).clone()),
                Report::start(subject, statement, now),
                stage,
            ),
        };
        Self {
            verifier: verifier.clone(),
            statement,
            report,
            user_metadata,
            plan,
            stage,
            evidence: Evidence::none(),
            evidence_rounds: 0,
            asked: BTreeMap::new(),
            answers: Vec::new(),
            next_id: 0,
            bytes_left: verifier.limits().artifact_bytes,
            found_index: None,
            tree: None,
        }
    }

    /// Goes as far as it can. Where it needs something, the same needs come back
    /// until each was supplied.
    pub fn step(&mut self) -> Step {
        self.go_on();
        let mut needs: Vec<Need> = self.asked.values().cloned().collect();
        if let Some(mut tree) = self.tree.take() {
            tree.grow(self);
            needs.extend(tree.needs());
            if needs.is_empty() {
                self.report.platforms = tree.report();
            }
            self.tree = Some(tree);
        }
        if needs.is_empty() {
            Step::Done(Box::new(self.report.clone()))
        } else {
            Step::Needs(needs)
        }
    }

    /// Goes on with the artifact itself until it needs something or is done.
    fn go_on(&mut self) {
        while self.asked.is_empty() {
            match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Start => self.ask_for_artifact(),
                Stage::Resolving => self.take_artifact(),
                Stage::Listing => self.take_referrers(),
                Stage::Next => self.next_signature(),
                Stage::Manifest(descriptor) => self.take_manifest(&descriptor),
                Stage::Envelope(candidate) => self.take_envelope(candidate),
                Stage::Blob(candidate, signed) => self.take_blob(candidate, signed),
                Stage::Checking(candidate, signed) => self.check(candidate, signed),
                Stage::Done => return,
            }
        }
    }

    /// Brings what the need `id` asked for.
    ///
    /// # Errors
    /// Where the session has no such need.
    pub fn supply(&mut self, id: NeedId, reply: Reply) -> Result<(), Error> {
        if let Some(need) = self.asked.remove(&id) {
            let reply = self.bounded(&need, reply);
            self.answers.push((need.request, reply));
            return Ok(());
        }
        if let Some(mut tree) = self.tree.take() {
            let need = tree.need(id).cloned();
            if let Some(need) = &need {
                let reply = self.bounded(need, reply);
                tree.supply(id, reply, self);
            }
            self.tree = Some(tree);
            if need.is_some() {
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Usage,
            format!("the session has no open need {}", id.0),
        ))
    }

    /// Holds a reply against the bounds, whatever the host did about them.
    fn bounded(&mut self, need: &Need, reply: Reply) -> Reply {
        let octets = match &reply {
            Reply::Content { bytes, .. } => bytes.len(),
            Reply::Evidence(EvidenceReply::Content(content)) => content.bytes().len(),
            _ => return reply,
        };
        let length = u64::try_from(octets).unwrap_or(u64::MAX);
        if octets > need.max_bytes {
            return Reply::Failed(format!(
                "the answer has {length} octets, and at most {} are allowed",
                need.max_bytes
            ));
        }
        match self.bytes_left.checked_sub(length) {
            Some(left) => {
                self.bytes_left = left;
                reply
            }
            None => Reply::Failed(format!(
                "more than {} octets were fetched for one artifact (`artifact_bytes`)",
                self.verifier.limits().artifact_bytes
            )),
        }
    }

    fn ask(&mut self, request: Request, max_bytes: usize) {
        let id = NeedId(self.next_id);
        self.next_id += 1;
        self.asked.insert(
            id,
            Need {
                id,
                request,
                max_bytes,
            },
        );
    }

    fn ask_for_artifact(&mut self) {
        let Plan::Image(lookup) = &self.plan else {
            return;
        };
        let reference = lookup.reference.clone();
        let mut max_bytes = self.verifier.limits().manifest_bytes;
        let request = match lookup.listed_as.clone() {
            Some(descriptor) => {
                match bounded_size(&descriptor, max_bytes) {
                    Ok(size) => max_bytes = size,
                    Err(rejection) => return self.fail(rejection.detail),
                }
                Request::Manifest(descriptor)
            }
            None => Request::Resolve {
                reference: reference.clone(),
            },
        };
        self.ask(request, max_bytes);
        if oci::Digest::parse(&reference).is_ok() {
            // The digest is known: both at the same time.
            self.ask_for_referrers(reference, None);
        }
        self.stage = Stage::Resolving;
    }

    fn ask_for_referrers(&mut self, subject: String, page: Option<String>) {
        let max_bytes = self.verifier.limits().manifest_bytes;
        self.ask(Request::Referrers { subject, page }, max_bytes);
    }

    fn take_artifact(&mut self) {
        let mut listed = None;
        for (request, reply) in std::mem::take(&mut self.answers) {
            let resolved = match request {
                Request::Resolve { reference } => {
                    judge::resolved(&reference, reply, self.verifier.provider())
                }
                Request::Manifest(descriptor) => self.as_listed(descriptor, reply),
                _ => {
                    listed = Some(reply);
                    continue;
                }
            };
            match resolved {
                Ok((descriptor, bytes)) => self.found(descriptor, bytes),
                Err(failure) => return self.fail(failure),
            }
        }
        match listed {
            Some(reply) => self.listed(reply),
            None => {
                let Some(target) = &self.report.target else {
                    return;
                };
                self.ask_for_referrers(target.digest.clone(), None);
                self.stage = Stage::Listing;
            }
        }
    }

    /// Keeps the artifact's descriptor, and what its children are read from.
    fn found(&mut self, descriptor: Descriptor, bytes: Option<Vec<u8>>) {
        if let Plan::Image(lookup) = &self.plan
            && lookup.platforms == Platforms::All
            && media_type::is_index(&descriptor.media_type)
        {
            self.found_index = Some(match bytes {
                Some(bytes) => FoundIndex::Here(bytes),
                None => FoundIndex::Named(descriptor.clone()),
            });
        }
        self.report.target = Some(descriptor);
    }

    fn take_referrers(&mut self) {
        match self.take_answer() {
            Some(reply) => self.listed(reply),
            None => self.fail(wrong_reply("the list of signatures")),
        }
    }

    fn listed(&mut self, reply: Reply) {
        let (descriptors, next) = match reply {
            Reply::Referrers {
                descriptors,
                next,
                problems,
            } => {
                self.report.lookup_failures.extend(problems);
                (descriptors, next)
            }
            Reply::NotFound => (Vec::new(), None),
            Reply::Failed(why) => {
                return self.fail(format!("the signatures could not be listed: {why}"));
            }
            _ => return self.fail(wrong_reply("the list of signatures")),
        };
        let limits = self.verifier.limits().clone();
        let Plan::Image(lookup) = &mut self.plan else {
            return;
        };
        lookup.pages += 1;
        lookup.referrers += descriptors.len();
        if lookup.referrers > limits.referrers {
            let most = limits.referrers;
            return self.fail(format!(
                "more than {most} referrers are listed for the artifact (`referrers`)"
            ));
        }
        if next.is_some() && lookup.pages >= limits.referrer_pages {
            let most = limits.referrer_pages;
            return self.fail(format!(
                "the list of referrers has more than {most} pages (`referrer_pages`)"
            ));
        }
        lookup.next_page = next;
        let passed_over = lookup.queue.add(descriptors, limits.signatures);
        if passed_over > 0 {
            self.report.lookup_failures.push(format!(
                "more than {} manifests are listed without a word of what they are, and {passed_over} \
                 of them were not looked at (`signatures`)",
                limits.signatures
            ));
        }
        self.stage = Stage::Next;
    }

    fn next_signature(&mut self) {
        let Plan::Image(lookup) = &mut self.plan else {
            return;
        };
        if !lookup.all_signatures && self.report.trusted_signature().is_some() {
            return;
        }
        let next = match lookup.queue.next_signature() {
            None if lookup.next_page.is_none() => lookup.queue.next_unknown(),
            next => next,
        };
        match next {
            Some(_) if self.report.signatures.len() >= lookup.max_signatures => {
                let most = lookup.max_signatures;
                self.report.warnings.push(format!(
                    "only the first {most} signatures were evaluated, and there are more: raise \
                     the most signatures to evaluate"
                ));
            }
            Some(descriptor) => {
                let limits = self.verifier.limits();
                match bounded_size(&descriptor, limits.manifest_bytes) {
                    Ok(size) => {
                        self.ask(Request::Manifest(descriptor.clone()), size);
                        self.stage = Stage::Manifest(descriptor);
                    }
                    Err(rejection) => {
                        let candidate = Candidate {
                            manifest_digest: Some(descriptor.digest),
                            ..Candidate::default()
                        };
                        self.record(candidate, SignatureResult::Unusable(rejection));
                    }
                }
            }
            None => {
                let Some(page) = lookup.next_page.take() else {
                    return;
                };
                let Some(target) = &self.report.target else {
                    return;
                };
                self.ask_for_referrers(target.digest.clone(), Some(page));
                self.stage = Stage::Listing;
            }
        }
    }

    fn take_manifest(&mut self, descriptor: &Descriptor) {
        let mut candidate = Candidate {
            manifest_digest: Some(descriptor.digest.clone()),
            ..Candidate::default()
        };
        let bytes = match self.take_content(descriptor, "the signature manifest") {
            Ok(bytes) => bytes,
            Err(result) => return self.record(candidate, result),
        };
        let Some(target) = self.report.target.clone() else {
            return;
        };
        let limits = self.verifier.limits();
        let is_signature = |manifest: oci::Manifest| manifest.is_signature();
        if listed::is_unknown(descriptor)
            && !oci::Manifest::parse(&bytes, limits).is_ok_and(is_signature)
        {
            // Something else of the artifact's.
            self.stage = Stage::Next;
            return;
        }
        let envelope = SignatureManifest::parse(&bytes, &target, limits)
            .map_err(|error| Rejection::new(Reason::SignatureManifestInvalid, error.to_string()))
            .and_then(|manifest| {
                let size = bounded_size(&manifest.envelope, limits.envelope_bytes)?;
                Ok((manifest.envelope, size))
            });
        match envelope {
            Ok((envelope, size)) => {
                candidate.envelope_digest = Some(envelope.digest.clone());
                candidate.media_type = Some(envelope.media_type.clone());
                self.ask(Request::Envelope(envelope), size);
                self.stage = Stage::Envelope(candidate);
            }
            Err(rejection) => self.record(candidate, SignatureResult::Unusable(rejection)),
        }
    }

    fn take_envelope(&mut self, candidate: Candidate) {
        let descriptor = match self.answers.first() {
            Some((Request::Envelope(descriptor), _)) => descriptor.clone(),
            _ => return self.fail(wrong_reply("the signature envelope")),
        };
        match self.take_content(&descriptor, "the signature envelope") {
            Ok(bytes) => self.open_envelope(candidate, &bytes),
            Err(result) => self.record(candidate, result),
        }
    }

    /// Bytes that were asked for by descriptor, held against it.
    fn take_content(
        &mut self,
        descriptor: &Descriptor,
        what: &str,
    ) -> Result<Vec<u8>, SignatureResult> {
        let digest = &descriptor.digest;
        let bytes = match self.take_answer() {
            Some(Reply::Content { bytes, .. }) => bytes,
            Some(Reply::NotFound) => {
                return Err(SignatureResult::Unavailable(format!(
                    "{what} `{digest}` is listed and does not exist"
                )));
            }
            Some(Reply::Failed(why)) => {
                return Err(SignatureResult::Unavailable(format!(
                    "{what} `{digest}` could not be fetched: {why}"
                )));
            }
            _ => return Err(SignatureResult::Unavailable(wrong_reply(what))),
        };
        let genuine = usize::try_from(descriptor.size).is_ok_and(|size| size == bytes.len())
            && oci::Digest::parse(digest)
                .is_ok_and(|digest| digest.verify(self.verifier.provider(), &bytes));
        if genuine {
            Ok(bytes)
        } else {
            Err(SignatureResult::Unusable(Rejection::new(
                Reason::ContentMismatch,
                format!(
                    "{what} should be `{digest}` with {} octets, and {} other octets came",
                    descriptor.size,
                    bytes.len()
                ),
            )))
        }
    }

    fn take_answer(&mut self) -> Option<Reply> {
        let answer = self.answers.pop().map(|(_, reply)| reply);
        self.answers.clear();
        answer
    }

    /// Keeps a result and goes on: a bad signature does not hide a good one.
    fn record(&mut self, candidate: Candidate, result: SignatureResult) {
        self.report.signatures.push(SignatureReport {
            manifest_digest: candidate.manifest_digest,
            envelope_digest: candidate.envelope_digest,
            media_type: candidate.media_type,
            result,
        });
        self.stage = match self.plan {
            Plan::Image(_) => Stage::Next,
            Plan::Envelope | Plan::Blob { .. } => Stage::Done,
        };
    }

    /// Ends with a failed look-up.
    fn fail(&mut self, why: String) {
        self.report.lookup_failures.push(why);
        self.stage = Stage::Done;
    }
}
