//! [`nv_session`]: a verification whose host does the fetching.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard};

use notation::Time;
use notation::crypto::{Digest, HashAlgorithm, Provider};
use notation::io::evidence::EvidenceFetcher;
use notation::registry::{HttpResponse, ReferrersOrder};
use notation::report::{Report, Subject};
use notation::session::{NeedId, Reply, Request, Session, Step};
use notation::wire::Descriptor;
use serde::Deserialize;
use serde_json::json;

use crate::error::nv_error;
use crate::ffi::{Out, Text, free, guard, guard_or, handle, no_text, nv_str, octets, text};
use crate::need::{Open, Registry, headers, nv_need};
use crate::options::{parse, usage};
use crate::report::nv_report;
use crate::request::{Blob, Envelope, Image, Target};
use crate::status::{NV_DONE, NV_ERROR_ARGUMENT, NV_ERROR_STATE, NV_NEEDS, nv_status, of_artifact};
use crate::verifier::{Moment, lock, nv_verifier};

/// A verification under way: it says what it needs, the host fetches that however
/// it likes. It reads no file, socket or clock after it has started. One call at a
/// time; freeing it is cancelling. The caller owns it.
///
///     while (nv_session_step(session, &error) == NV_NEEDS)
///         for each need: fetch it, nv_session_supply_...
///     nv_session_report(session, &report, &error);
pub struct nv_session {
    state: Mutex<State>,
}

struct State {
    session: Session,
    provider: Provider,
    at_was_given: bool,
    warnings: Vec<String>,
    registry: Option<Registry>,
    evidence: EvidenceFetcher,
    moment: Time,
    open: Vec<Open>,
    json: Option<Text>,
    report: Option<Report>,
}

impl nv_session {
    fn new(verifier: &nv_verifier, session: Session, moment: &Moment) -> Self {
        Self::with_registry(verifier, session, moment, None)
    }

    fn with_registry(
        verifier: &nv_verifier,
        session: Session,
        moment: &Moment,
        registry: Option<Registry>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                registry,
                evidence: verifier.evidence(),
                moment: moment.time,
                session,
                provider: *verifier.core().provider(),
                at_was_given: moment.given,
                warnings: verifier.warnings().collect(),
                open: Vec::new(),
                json: None,
                report: None,
            }),
        }
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, nv_error> {
        lock(&self.state, "session")
    }
}

fn wrong_state(message: impl Into<String>) -> nv_error {
    nv_error::new(NV_ERROR_STATE, message)
}

impl State {
    fn step(&mut self) -> Result<nv_status, nv_error> {
        self.json = None;
        loop {
            let needs = match self.session.step() {
                Step::Needs(needs) => needs,
                Step::Done(report) => {
                    self.open.clear();
                    let status = of_artifact(report.status());
                    self.report = Some(*report);
                    return Ok(status);
                }
            };
            self.open
                .retain(|open| needs.iter().any(|need| need.id == open.need.id));
            let mut answered = false;
            for need in needs {
                if self.open.iter().any(|open| open.need.id == need.id) {
                    continue;
                }
                if let Request::Evidence(request) = &need.request
                    && let Some(reply) =
                        self.evidence
                            .preloaded(request, need.max_bytes, self.moment)
                {
                    self.session.supply(need.id, Reply::Evidence(reply))?;
                    answered = true;
                    continue;
                }
                match Open::new(need, self.registry.as_ref()) {
                    Ok(open) => self.open.push(open),
                    // No host can help: a digest that cannot be part of an address.
                    Err((id, reply)) => {
                        self.session.supply(id, reply)?;
                        answered = true;
                    }
                }
            }
            if !answered {
                return Ok(NV_NEEDS);
            }
        }
    }

    fn open(&self, id: u64) -> Result<&Open, nv_error> {
        self.open
            .iter()
            .find(|open| open.need.id.0 == id)
            .ok_or_else(|| wrong_state(format!("the session has no open need {id}")))
    }

    fn supply(&mut self, id: u64, reply: Reply) -> Result<nv_status, nv_error> {
        self.open(id)?;
        self.session
            .supply(NeedId(id), reply)
            .map_err(|error| wrong_state(error.to_string()))?;
        self.open.retain(|open| open.need.id.0 != id);
        self.json = None;
        Ok(NV_DONE)
    }
}

/// Starts the verification of an artifact whose signatures are yet to be found.
///
/// `request` is a JSON object; the first member is needed:
///
///     {"reference": "registry.example/app:v1" or "registry.example/app@sha256:...",
///      "scope": "registry.example/app",  then `reference` is a tag or digest alone,
///                                        and no need has an HTTP request
///      "plainHttp": false,     http:// for this registry; on this machine the default
///      "userMetadata": {"key": "value"}, "maxSignatures": 100,
///      "allSignatures": false, "platforms": "named" or "all" (an index with all that
///      it lists), "name": "for the report", "at": "2026-01-31T12:00:00Z"}
///
/// Without `at` the machine's clock is read, now and once. Returns `NV_DONE` or an
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_for_image(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    session: *mut *mut nv_session,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                Out::new(session, "session")?,
            )
        };
        let request: Image = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        if request.timeout_ms.is_some() {
            return Err(
                usage("`timeoutMs` is for whole calls: a session's host has the time").into(),
            );
        }
        let subject = Subject::Artifact(request.name().to_owned());
        let start = || {
            let endpoint = request.endpoint()?;
            let session = verifier.core().verify_image(request.at(moment.time)?)?;
            Ok((session, endpoint))
        };
        let (session, endpoint) = start().map_err(|error| nv_error::about(&subject, &error))?;
        let registry = endpoint.map(|endpoint| Registry {
            endpoint,
            limits: verifier.core().limits().clone(),
            order: ReferrersOrder::ApiFirst,
        });
        let session = nv_session::with_registry(verifier, session, &moment, registry);
        out.give(session);
        Ok(NV_DONE)
    })
}

/// Starts the verification of a blob with its detached signature; `request` as for
/// `nv_verify_blob`. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_for_blob(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    envelope: *const u8,
    envelope_len: usize,
    session: *mut *mut nv_session,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, envelope, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                octets(envelope, envelope_len, "envelope")?,
                Out::new(session, "session")?,
            )
        };
        let request: Blob = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let subject = Subject::Blob(request.name().to_owned());
        let session = verifier
            .core()
            .verify_blob(request.at(envelope, moment.time))
            .map_err(|error| nv_error::about(&subject, &error))?;
        out.give(nv_session::new(verifier, session, &moment));
        Ok(NV_DONE)
    })
}

/// Starts the verification of an envelope at hand; `request` as for
/// `nv_verify_envelope`. What it may need is revocation evidence. Returns `NV_DONE`
/// or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_for_envelope(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    envelope: *const u8,
    envelope_len: usize,
    session: *mut *mut nv_session,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, envelope, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                octets(envelope, envelope_len, "envelope")?,
                Out::new(session, "session")?,
            )
        };
        let mut request: Envelope = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let subject = Subject::Artifact(request.name().to_owned());
        let session = request
            .at(envelope, moment.time)
            .and_then(|request| verifier.core().envelope_session(&request))
            .map_err(|error| nv_error::about(&subject, &error))?;
        out.give(nv_session::new(verifier, session, &moment));
        Ok(NV_DONE)
    })
}

/// Goes as far as it can. Returns `NV_NEEDS` where the session needs something, and
/// again until each need was supplied; the verdict (as `nv_report_status`) once it
/// is done; or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_step(
    session: *mut nv_session,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let session = unsafe { handle(session, "session") }?;
        session.state()?.step()
    })
}

/// How many needs are open; 0 before the first step, and where there is no session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_need_count(session: *const nv_session) -> usize {
    // SAFETY: NULL, or a session that the caller keeps.
    let session = unsafe { session.as_ref() };
    guard_or(0, || {
        session
            .and_then(|session| session.state().ok())
            .map_or(0, |state| state.open.len())
    })
}

/// The open need at `index`, from 0 up to `nv_session_need_count`. Returns `NV_DONE`
/// or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_need(
    session: *const nv_session,
    index: usize,
    need: *mut nv_need,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, out) = unsafe { (handle(session, "session")?, Out::new(need, "need")?) };
        let state = session.state()?;
        let open = state.open.get(index).ok_or_else(|| {
            let count = state.open.len();
            nv_error::new(
                NV_ERROR_ARGUMENT,
                format!("`index` is {index}, and the session has {count} open needs"),
            )
        })?;
        out.write(open.lend());
        Ok(NV_DONE)
    })
}

/// All open needs as JSON: {"needs": [{"id", "kind", "maxBytes", "http": {"method",
/// "url", "headers": [["name", "value"], ...], "body" in base64, "maxBytes"} or null,
/// ...}]}. By `kind` there is more: "resolve" has "reference"; "referrers" has
/// "subject" and "page"; "manifest" and "envelope" have "descriptor"; "blob-digest"
/// has "algorithm"; "ocsp" has "url" and "request" (base64); "crl" has "url", "list"
/// ("complete" or "delta") and "issuer" (a certificate, base64). It lives until the
/// next call that changes the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_needs_json(session: *const nv_session) -> nv_str {
    // SAFETY: NULL, or a session that the caller keeps.
    let session = unsafe { session.as_ref() };
    guard_or(no_text(), || {
        let Some(mut state) = session.and_then(|session| session.state().ok()) else {
            return no_text();
        };
        let State { json, open, .. } = &mut *state;
        json.get_or_insert_with(|| {
            let needs: Vec<_> = open.iter().map(Open::to_json).collect();
            Text::new(json!({ "needs": needs }).to_string())
        })
        .lend()
    })
}

/// Supplies the HTTP answer to the need's request, after redirects: the status, the
/// headers as lines "name: value" (a status line starts a new block, and the last
/// block counts, so what libcurl's header callback gives can be handed over as it
/// is), the body. The need may then have another request (the fallback of a registry
/// without the referrers API, for example): step the session and look again. Where a
/// registry asks for credentials, the host authenticates and sends the request again.
/// Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_http(
    session: *mut nv_session,
    need: u64,
    http_status: u32,
    http_headers: *const c_char,
    http_headers_len: usize,
    body: *const u8,
    body_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, lines, body) = unsafe {
            (
                handle(session, "session")?,
                octets(http_headers.cast(), http_headers_len, "http_headers")?,
                octets(body, body_len, "body")?,
            )
        };
        let status = u16::try_from(http_status)
            .ok()
            .filter(|status| (100..1000).contains(status))
            .ok_or_else(|| {
                nv_error::new(
                    NV_ERROR_ARGUMENT,
                    format!("`http_status` is {http_status}, which is no status code of HTTP"),
                )
            })?;
        let mut state = session.state()?;
        state.open(need)?;
        let response = HttpResponse {
            status,
            // Servers send what they like in headers.
            headers: headers(&String::from_utf8_lossy(lines)),
            body: body.to_vec(),
        };
        let State { open, registry, .. } = &mut *state;
        let Some(open) = open
            .iter_mut()
            .find(|open| open.need.id.0 == need && open.has_http())
        else {
            return Err(wrong_state(format!("need {need} has no HTTP request")));
        };
        match open.receive(response, registry.as_mut()) {
            Some(reply) => state.supply(need, reply),
            None => {
                state.json = None;
                Ok(NV_DONE)
            }
        }
    })
}

/// Supplies octets: of a manifest (with its media type, if one came with it), an
/// envelope, an OCSP answer or a CRL. The session hashes them itself. Returns
/// `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_content(
    session: *mut nv_session,
    need: u64,
    media_type: *const c_char,
    media_type_len: usize,
    content: *const u8,
    content_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, media_type, content) = unsafe {
            (
                handle(session, "session")?,
                text(media_type, media_type_len, "media_type")?,
                octets(content, content_len, "content")?,
            )
        };
        let mut state = session.state()?;
        match &state.open(need)?.need.request {
            Request::Referrers { .. } | Request::BlobDigest(_) => {
                return Err(wrong_state(format!("need {need} asks for no content")));
            }
            _ => {}
        }
        let reply = Reply::Content {
            media_type: (!media_type.is_empty()).then(|| media_type.to_owned()),
            bytes: content.to_vec(),
        };
        state.supply(need, reply)
    })
}

/// Supplies that it is not there: the other side said so. Returns `NV_DONE` or an
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_not_found(
    session: *mut nv_session,
    need: u64,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let session = unsafe { handle(session, "session") }?;
        session.state()?.supply(need, Reply::NotFound)
    })
}

/// Supplies that it could not be fetched, and why, for a person. What that means is
/// for the policy to judge. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_failed(
    session: *mut nv_session,
    need: u64,
    why: *const c_char,
    why_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, why) = unsafe { (handle(session, "session")?, text(why, why_len, "why")?) };
        let why = if why.is_empty() {
            "the host did not say why"
        } else {
            why
        };
        session.state()?.supply(need, Reply::Failed(why.to_owned()))
    })
}

/// Supplies a descriptor for a need of the kind `NV_NEED_RESOLVE`, from a host whose
/// own index names the artifact: {"mediaType", "digest", "size"}. Returns `NV_DONE`
/// or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_resolved(
    session: *mut nv_session,
    need: u64,
    descriptor: *const c_char,
    descriptor_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, descriptor) = unsafe {
            (
                handle(session, "session")?,
                text(descriptor, descriptor_len, "descriptor")?,
            )
        };
        let mut state = session.state()?;
        if !matches!(state.open(need)?.need.request, Request::Resolve { .. }) {
            return Err(wrong_state(format!("need {need} asks for no descriptor")));
        }
        let descriptor: Target = parse(descriptor, "descriptor")?;
        state.supply(need, Reply::Resolved(descriptor.into()))
    })
}

/// One page of referrers, as a host lists them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Page {
    descriptors: Vec<Target>,
    next: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
}

/// Supplies a page of descriptors for a need of the kind `NV_NEED_REFERRERS`, from a
/// host that lists them itself: {"descriptors": [{"mediaType", "digest", "size",
/// "artifactType", "annotations"}, ...], "next": where the next page is, or null,
/// "problems": ["what could not be looked at and might have been a signature", ...]}.
/// Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_referrers(
    session: *mut nv_session,
    need: u64,
    page: *const c_char,
    page_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, page) =
            unsafe { (handle(session, "session")?, text(page, page_len, "page")?) };
        let mut state = session.state()?;
        if !matches!(state.open(need)?.need.request, Request::Referrers { .. }) {
            return Err(wrong_state(format!("need {need} asks for no referrers")));
        }
        let page: Page = parse(page, "page")?;
        let descriptors: Vec<Descriptor> = page.descriptors.into_iter().map(Into::into).collect();
        let reply = Reply::Referrers {
            descriptors,
            next: page.next,
            problems: page.problems,
        };
        state.supply(need, reply)
    })
}

/// Supplies the blob itself for a need of the kind `NV_NEED_BLOB_DIGEST`; it is
/// hashed here. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_blob(
    session: *mut nv_session,
    need: u64,
    blob: *const u8,
    blob_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, blob) =
            unsafe { (handle(session, "session")?, octets(blob, blob_len, "blob")?) };
        let mut state = session.state()?;
        let digest = state.provider.hash(state.blob_algorithm(need)?, blob);
        let size = u64::try_from(blob.len()).unwrap_or(u64::MAX);
        state.supply(need, Reply::BlobDigest { digest, size })
    })
}

/// Supplies the digest of a blob that the host hashed, with the algorithm that the
/// need names, and the blob's octets. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_supply_blob_digest(
    session: *mut nv_session,
    need: u64,
    digest: *const u8,
    digest_len: usize,
    blob_size: u64,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, digest) = unsafe {
            (
                handle(session, "session")?,
                octets(digest, digest_len, "digest")?,
            )
        };
        let mut state = session.state()?;
        let algorithm = state.blob_algorithm(need)?;
        let digest = Digest::new(algorithm, digest).ok_or_else(|| {
            usage(format!(
                "the digest has {digest_len} octets, which is no digest of {}",
                algorithm.as_str()
            ))
        })?;
        let size = blob_size;
        state.supply(need, Reply::BlobDigest { digest, size })
    })
}

impl State {
    fn blob_algorithm(&self, need: u64) -> Result<HashAlgorithm, nv_error> {
        match self.open(need)?.need.request {
            Request::BlobDigest(algorithm) => Ok(algorithm),
            _ => Err(wrong_state(format!("need {need} asks for no blob"))),
        }
    }
}

/// The report of a session that is done; it stays the session's too, and can be
/// asked for again. Returns the verdict with `*report`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_report(
    session: *const nv_session,
    report: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (session, out) = unsafe { (handle(session, "session")?, Out::new(report, "report")?) };
        let state = session.state()?;
        let found = state
            .report
            .clone()
            .ok_or_else(|| wrong_state("the session is not done: step it until it is"))?
            .with_warnings(state.warnings.iter().cloned());
        let found = nv_report::new(found, state.at_was_given);
        let status = found.status();
        out.give(found);
        Ok(status)
    })
}

/// Frees `*session` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_session_free(session: *mut *mut nv_session) {
    // SAFETY: a session of this library, as the header asks.
    unsafe { free(session) };
}
