//! The machine-readable form of a [`Report`]: `docs/report.schema.json`.
//!
//! One shape for success and failure: a member that does not apply is `null` or
//! empty, never absent. Members are only ever added.

use serde_json::{Value, json};

use crate::envelope::{Signed, SigningScheme};
use crate::error::Error;
use crate::outcome::{CertificateSummary, CheckResult, Finding};
use crate::report::{
    ArtifactStatus, PlatformsReport, Report, SignatureReport, SignatureResult, Subject,
};
use crate::wire::Descriptor;

/// The version of the document. Its first number changes where a member is
/// removed or changes its meaning.
pub const SCHEMA_VERSION: &str = "1.0";

impl Report {
    /// The report as a JSON document that `docs/report.schema.json` describes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (kind, name) = match self.subject() {
            Subject::Artifact(name) => ("artifact", name),
            Subject::Blob(name) => ("blob", name),
        };
        json!({
            "schemaVersion": SCHEMA_VERSION,
            "verdict": self.verdict().as_str(),
            "status": self.status().as_str(),
            "verifiedAt": self.verified_at().to_string(),
            "subject": { "kind": kind, "name": name },
            "policy": { "statement": self.statement(), "level": self.level() },
            "artifact": self.target().map(descriptor),
            "blob": self.blob().map(|(digest, size)| json!({
                "digest": format!("{}:{}", digest.algorithm().as_str(), digest.to_hex()),
                "size": size,
            })),
            "signatures": self.signatures().iter().map(signature).collect::<Vec<_>>(),
            "platforms": self.platforms().map(platforms),
            "lookupFailures": self.lookup_failures(),
            "warnings": self.warnings(),
            "error": Value::Null,
        })
    }
}

/// The same document for a verification that could not be evaluated.
#[must_use]
pub fn error_document(subject: &Subject, error: &Error) -> Value {
    let (kind, name) = match subject {
        Subject::Artifact(name) => ("artifact", name),
        Subject::Blob(name) => ("blob", name),
    };
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "verdict": "error",
        "status": "error",
        "verifiedAt": Value::Null,
        "subject": { "kind": kind, "name": name },
        "policy": Value::Null,
        "artifact": Value::Null,
        "blob": Value::Null,
        "signatures": [],
        "platforms": Value::Null,
        "lookupFailures": [],
        "warnings": [],
        "error": error_members(error),
    })
}

/// The member `error` of a document: class, words, causes.
#[must_use]
pub fn error_members(error: &Error) -> Value {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    json!({
        "kind": error.kind().as_str(),
        "message": error.to_string(),
        "causes": causes,
    })
}

fn platforms(platforms: &PlatformsReport) -> Value {
    let manifests: Vec<Value> = platforms
        .manifests()
        .iter()
        .map(|one| {
            json!({
                "platform": one.platform(),
                "artifact": descriptor(one.descriptor()),
                "status": one.status().map_or("not-a-platform", ArtifactStatus::as_str),
                "report": one.report().map(Report::to_json),
            })
        })
        .collect();
    json!({ "manifests": manifests, "failures": platforms.failures() })
}

fn descriptor(descriptor: &Descriptor) -> Value {
    json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    })
}

fn signature(signature: &SignatureReport) -> Value {
    let (state, detail, reason) = match signature.result() {
        SignatureResult::Evaluated { .. } => ("evaluated", Value::Null, Value::Null),
        SignatureResult::Unusable(rejection) => (
            "unusable",
            json!(rejection.detail),
            json!(rejection.reason.as_str()),
        ),
        SignatureResult::Unavailable(why) => ("unavailable", json!(why), Value::Null),
    };
    let checks: Vec<Value> = signature
        .outcome()
        .map(|outcome| outcome.findings().iter().map(check).collect())
        .unwrap_or_default();
    json!({
        "manifestDigest": signature.manifest_digest(),
        "envelopeDigest": signature.envelope_digest(),
        "mediaType": signature.media_type(),
        "verdict": signature.verdict().as_str(),
        "state": state,
        "reason": reason,
        "detail": detail,
        "checks": checks,
        "content": signature.signed().map(signed),
    })
}

fn check(finding: &Finding) -> Value {
    let (result, detail) = match &finding.result {
        CheckResult::Passed(found) => ("passed", Some(found.as_ref())),
        CheckResult::Failed(rejection) => ("failed", Some(rejection.detail.as_str())),
        CheckResult::Skipped => ("skipped", None),
        CheckResult::NotEvaluated => ("not-evaluated", None),
    };
    let rejection = finding.rejection();
    json!({
        "check": finding.check.as_str(),
        "action": finding.action.as_str(),
        "result": result,
        "detail": detail,
        "reason": rejection.map(|rejection| rejection.reason.as_str()),
        "remedy": rejection.and_then(|rejection| rejection.remedy.as_deref()),
        "url": rejection.and_then(|rejection| rejection.url.as_deref()),
        "certificate": rejection
            .and_then(|rejection| rejection.certificate.as_ref())
            .map(|summary| certificate(summary)),
    })
}

/// What was signed, and by whom: the `content` of a signature.
#[must_use]
pub fn signed(signed: &Signed) -> Value {
    let chain: Vec<Value> = signed
        .chain()
        .certificates()
        .iter()
        .enumerate()
        .map(|(position, one)| certificate(&one.summary(Some(position))))
        .collect();
    let attributes: Vec<Value> = signed
        .extended_attributes()
        .iter()
        .map(|attribute| {
            json!({
                "key": attribute.key.to_string(),
                "critical": attribute.critical,
                "value": attribute.value.to_string(),
            })
        })
        .collect();
    let scheme = signed.scheme();
    json!({
        "mediaType": signed.media_type().as_str(),
        "algorithm": signed.algorithm().as_str(),
        "signingScheme": scheme.as_str(),
        "signingTime": signed.signing_time().map(|time| time.to_string()),
        "authenticSigningTime": signed.authentic_signing_time().map(|time| time.to_string()),
        "signingTimeIsAuthentic": scheme == SigningScheme::SigningAuthority,
        "expiry": signed.expiry().map(|time| time.to_string()),
        "extendedAttributes": attributes,
        "payload": signed.payload().ok().map(|payload| {
            let target = &payload.target_artifact;
            json!({
                "mediaType": target.media_type,
                "digest": target.digest,
                "size": target.size,
                "artifactType": target.artifact_type,
                "annotations": target.annotations,
            })
        }),
        "signingAgent": signed.signing_agent(),
        "hasTimestamp": signed.timestamp_token().is_some_and(|token| !token.is_empty()),
        "certificates": chain,
    })
}

/// A certificate, as a person recognises it.
#[must_use]
pub fn certificate(summary: &CertificateSummary) -> Value {
    json!({
        "position": summary.position,
        "subject": summary.subject,
        "issuer": summary.issuer,
        "serialNumber": summary.serial_number,
        "sha256": summary.sha256,
        "notBefore": summary.not_before.to_string(),
        "notAfter": summary.not_after.to_string(),
    })
}
