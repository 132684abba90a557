//! One case through the public API, as an application would do it.

#![allow(clippy::result_large_err)] // the failure is the answer

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::error::Error;
use notation_verifier::evidence::{EvidenceReply, EvidenceRequest};
use notation_verifier::io::{BlobHost, ConfigDirectory, Host, Layout, LayoutHost, drive};
use notation_verifier::outcome::{Check, CheckResult};
use notation_verifier::policy::{PolicyError, Selection};
use notation_verifier::report::{ArtifactStatus, Report, SignatureResult};
use notation_verifier::session::{BlobRequest, ImageRequest, Need, Reply, Request};
use notation_verifier::verifier::{EnvelopeRequest, Scope, Verifier};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Provider, Time};

use super::case::{Case, Validation};
use super::compare::Answer;
use super::world::{World, copy_tree};

/// Runs `case`; an error is an answer too.
pub fn run(case: &Case) -> Answer {
    let answer = World::build(case)
        .map_err(|error| failed("world", &error.to_string()))
        .and_then(|world| match case.kind.as_str() {
            "oci" | "dn" => envelope(case, &world),
            "blob" => blob(case, &world),
            "policy" => policy(case, &world),
            "truststore" => trust_store(case, &world),
            "layout" => layout(case, &world),
            kind => Err(Answer {
                unknown_kind: true,
                ..failed("kind", &format!("unknown kind `{kind}`"))
            }),
        });
    answer.unwrap_or_else(|failure| failure)
}

fn failed(cause: &str, detail: &str) -> Answer {
    Answer {
        cause: Some(cause.to_owned()),
        detail: detail.to_owned(),
        ..Answer::default()
    }
}

fn error(error: Error) -> Answer {
    failed(error.kind().as_str(), &error.to_string())
}

fn policy_error(error: PolicyError) -> Answer {
    failed(error.category(), &error.to_string())
}

fn now() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    Time::from_unix(i64::try_from(elapsed.as_secs()).expect("a clock before the end of time"))
}

fn file(case: &Case, name: Option<&str>) -> Result<Vec<u8>, Answer> {
    let name = name.ok_or_else(|| failed("case", "the case names no such file"))?;
    std::fs::read(case.file(name)).map_err(|error| failed("case", &error.to_string()))
}

fn oci_verifier(world: &World) -> Result<Verifier, Answer> {
    ConfigDirectory::at(&world.config)
        .oci_verifier(Provider::preferred(), Limits::default())
        .map(|configured| configured.verifier)
        .map_err(error)
}

fn envelope(case: &Case, world: &World) -> Result<Answer, Answer> {
    let verifier = oci_verifier(world)?;
    let bytes = file(case, case.signature.as_deref())?;
    let target = case
        .target
        .as_ref()
        .ok_or_else(|| failed("case", "the case has no target"))?;
    let target = Descriptor {
        media_type: target.media_type.clone(),
        digest: target.digest.clone(),
        size: target.size,
        annotations: target.annotations.clone(),
        ..Descriptor::default()
    };
    let request = EnvelopeRequest {
        scope: Scope::Reference(case.artifact_reference.as_deref().unwrap_or_default()),
        media_type: case.envelope_media_type.as_deref().unwrap_or_default(),
        envelope: &bytes,
        target: &target,
        user_metadata: &case.user_metadata,
        now: now(),
    };
    let report = verifier
        .verify_envelope(&request, &mut |request: &EvidenceRequest| {
            fetch(case, request)
        })
        .map_err(error)?;
    // A host that fetches for itself gets the same answer to the last word.
    let session = verifier.envelope_session(&request).map_err(error)?;
    let mut host = WithEvidence {
        host: Nowhere,
        case,
    };
    let driven = drive(session, &mut host).map_err(error)?;
    if driven.to_json() != report.to_json() {
        return Err(failed("session", "a session has another report"));
    }
    Ok(answer_of(&report))
}

/// A host that has nothing.
struct Nowhere;

impl Host for Nowhere {
    fn fetch(&mut self, _need: &Need) -> Reply {
        Reply::NotFound
    }
}

/// What the case's evidence says: a file, a status, a time-out, zeros.
fn fetch(case: &Case, request: &EvidenceRequest) -> EvidenceReply {
    let unavailable = |why: &str| EvidenceReply::Unavailable(why.to_owned());
    let Some(answer) = case.evidence.get(request.url()) else {
        return unavailable("the connection was refused");
    };
    if let Some(status) = answer.strip_prefix("status:") {
        return unavailable(&format!("the server answered with status {status}"));
    }
    if answer == "timeout" {
        return unavailable("no answer in time");
    }
    if let Some(count) = answer.strip_prefix("zeros:") {
        let count: usize = count.parse().unwrap_or(0);
        if count > Limits::default().evidence_bytes {
            return unavailable("the answer is larger than allowed");
        }
        return EvidenceReply::Content(vec![0; count].into());
    }
    match std::fs::read(case.file(answer)) {
        Ok(bytes) => EvidenceReply::Content(bytes.into()),
        Err(error) => unavailable(&error.to_string()),
    }
}

struct WithEvidence<'a, H> {
    host: H,
    case: &'a Case,
}

impl<H: Host> Host for WithEvidence<'_, H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::Evidence(request) => match fetch(self.case, request) {
                EvidenceReply::Content(content) => Reply::Content {
                    media_type: None,
                    bytes: content.bytes().to_vec(),
                },
                EvidenceReply::Unavailable(why) => Reply::Failed(why),
                _ => Reply::NotFound,
            },
            _ => self.host.fetch(need),
        }
    }
}

fn blob(case: &Case, world: &World) -> Result<Answer, Answer> {
    let verifier = ConfigDirectory::at(&world.config)
        .blob_verifier(Provider::preferred(), Limits::default())
        .map_err(error)?
        .verifier;
    let session = verifier
        .verify_blob(BlobRequest {
            name: case.id.clone(),
            policy_name: case.blob_policy_name.clone(),
            envelope_media_type: case.envelope_media_type.clone().unwrap_or_default(),
            envelope: file(case, case.signature.as_deref())?,
            media_type: case.blob_media_type.clone(),
            user_metadata: case.user_metadata.clone(),
            now: now(),
        })
        .map_err(error)?;
    let blob = File::open(case.file(case.blob.as_deref().unwrap_or_default()))
        .map_err(|error| failed("case", &error.to_string()))?;
    let mut host = WithEvidence {
        host: BlobHost::new(blob, verifier.provider(), verifier.limits().blob_bytes),
        case,
    };
    Ok(answer_of(&drive(session, &mut host).map_err(error)?))
}

fn layout(case: &Case, world: &World) -> Result<Answer, Answer> {
    let verifier = oci_verifier(world)?;
    let copy = world.config.join("layout-copy");
    copy_tree(
        &case.file(case.layout.as_deref().unwrap_or_default()),
        &copy,
    )
    .map_err(|error| failed("case", &error.to_string()))?;
    let reference = case.layout_reference.as_deref().unwrap_or_default();
    let session = verifier
        .verify_image(ImageRequest {
            name: reference.to_owned(),
            scope: case.layout_scope.clone().unwrap_or_default(),
            reference: reference.trim_start_matches(['@', ':']).to_owned(),
            user_metadata: case.user_metadata.clone(),
            max_signatures: case.max_signatures,
            all_signatures: false,
            platforms: notation_verifier::session::Platforms::Named,
            now: now(),
        })
        .map_err(error)?;
    let layout = Layout::open(&copy, verifier.limits())
        .map_err(|error| failed("layout", &error.to_string()))?;
    let mut host = WithEvidence {
        host: LayoutHost::new(&layout),
        case,
    };
    Ok(answer_of(&drive(session, &mut host).map_err(error)?))
}

fn policy(case: &Case, world: &World) -> Result<Answer, Answer> {
    let config = ConfigDirectory::at(&world.config);
    let limits = Limits::default();
    let mut answer = Answer {
        pass: true,
        ..Answer::default()
    };
    if case.policy_type.as_deref() == Some("blob") {
        let policy = config.blob_policy(&limits).map_err(policy_error)?;
        if let Some(name) = case.blob_policy_name.as_deref() {
            let selection = policy.select((name != "-").then_some(name));
            selected(&mut answer, &selection.map_err(policy_error)?);
        }
    } else {
        let policy = config.oci_policy(&limits).map_err(policy_error)?;
        if let Some(reference) = case.artifact_reference.as_deref() {
            let selection = policy.select_for_reference(reference);
            selected(&mut answer, &selection.map_err(policy_error)?);
        }
    }
    Ok(answer)
}

fn selected(answer: &mut Answer, selection: &Selection<'_>) {
    const NAMED: [Check; 5] = [
        Check::Integrity,
        Check::Authenticity,
        Check::AuthenticTimestamp,
        Check::Expiry,
        Check::Revocation,
    ];
    let action = |check: Check| match selection {
        Selection::Skip { .. } => "skip".to_owned(),
        Selection::Verify(statement) => statement.action(check).as_str().to_owned(),
    };
    answer.skipped = matches!(selection, Selection::Skip { .. });
    answer.selected_policy = Some(selection.statement_name().to_owned());
    answer.enforcement = Some(
        NAMED
            .iter()
            .map(|check| (check.as_str().to_owned(), action(*check)))
            .collect::<BTreeMap<_, _>>(),
    );
}

fn trust_store(case: &Case, world: &World) -> Result<Answer, Answer> {
    let certificates = ConfigDirectory::at(&world.config)
        .load_store(
            case.load_store.as_deref().unwrap_or_default(),
            &Provider::preferred(),
            &Limits::default(),
        )
        .map_err(|error| failed(error.category(), &error.to_string()))?;
    Ok(Answer {
        pass: true,
        certificates: Some(
            certificates
                .iter()
                .map(|one| one.sha256().to_hex())
                .collect(),
        ),
        ..Answer::default()
    })
}

/// A report in the corpus's terms. The reference has no entry for the checks
/// that compare the payload, and one for authenticity and identity together.
fn answer_of(report: &Report) -> Answer {
    let mut answer = Answer {
        pass: matches!(
            report.status(),
            ArtifactStatus::Verified | ArtifactStatus::Skipped
        ),
        skipped: report.status() == ArtifactStatus::Skipped,
        detail: report.lookup_failures().join("; "),
        ..Answer::default()
    };
    match report.status() {
        ArtifactStatus::Unsigned => answer.cause = Some("no-signature".to_owned()),
        ArtifactStatus::LookupFailed => answer.cause = Some("signature-retrieval".to_owned()),
        _ => {}
    }
    for signature in report.signatures() {
        match signature.result() {
            SignatureResult::Unusable(rejection) => {
                answer.cause = Some(rejection.reason.as_str().to_owned());
                answer.detail.push_str(&rejection.detail);
            }
            SignatureResult::Unavailable(why) => answer.detail.push_str(why),
            SignatureResult::Evaluated { outcome, .. } => {
                for finding in outcome.findings() {
                    let ok = match &finding.result {
                        CheckResult::Passed(_) => true,
                        CheckResult::Failed(rejection) => {
                            if finding.rejects() && answer.cause.is_none() {
                                answer.cause = Some(rejection.reason.as_str().to_owned());
                            }
                            answer.detail.push_str(&rejection.detail);
                            false
                        }
                        CheckResult::Skipped | CheckResult::NotEvaluated => continue,
                    };
                    validation(
                        &mut answer.validations,
                        finding.check,
                        finding.action.as_str(),
                        ok,
                    );
                }
            }
        }
    }
    answer
}

fn validation(validations: &mut Vec<Validation>, check: Check, action: &str, ok: bool) {
    match check {
        Check::TrustedIdentity => {
            if let Some(last) = validations.last_mut() {
                last.ok &= ok;
            }
        }
        Check::Integrity
        | Check::Authenticity
        | Check::Expiry
        | Check::AuthenticTimestamp
        | Check::Revocation => validations.push(Validation {
            check: check.as_str().to_owned(),
            action: action.to_owned(),
            ok,
        }),
        _ => {}
    }
}
