//! [`nv_report`]: what a verification found.

use std::sync::OnceLock;

use notation::outcome::Rejection;
use notation::report::{ArtifactStatus, Report, SignatureResult};

use crate::ffi::{Text, free, guard_or, no_text, nv_str};
use crate::status::{NV_ERROR_ARGUMENT, NV_ERROR_INTERNAL, nv_status, of_artifact};

/// What a verification found. It does not change: any number of threads may read
/// it. The caller owns it.
pub struct nv_report {
    report: Report,
    as_of: &'static str,
    json: OnceLock<Text>,
    why: OnceLock<Why>,
    digest: OnceLock<Text>,
}

/// Why an artifact is not trusted: the first that a person should look at.
#[derive(Default)]
struct Why {
    reason: Text,
    detail: Text,
    remedy: Text,
}

impl nv_report {
    pub(crate) fn new(report: Report, at_was_given: bool) -> Self {
        Self {
            report,
            as_of: if at_was_given { "given" } else { "now" },
            json: OnceLock::new(),
            why: OnceLock::new(),
            digest: OnceLock::new(),
        }
    }

    pub(crate) fn copy(&self) -> Self {
        Self::new(self.report.clone(), self.as_of == "given")
    }

    pub(crate) fn status(&self) -> nv_status {
        of_artifact(self.report.status())
    }

    fn json(&self) -> nv_str {
        self.json
            .get_or_init(|| {
                let mut document = self.report.to_json();
                if let Some(members) = document.as_object_mut() {
                    members.insert("asOf".to_owned(), self.as_of.into());
                }
                Text::new(document.to_string())
            })
            .lend()
    }

    fn why(&self) -> &Why {
        self.why.get_or_init(|| why(&self.report))
    }

    fn digest(&self) -> nv_str {
        self.digest
            .get_or_init(|| {
                let found = match self.report.status() {
                    ArtifactStatus::Verified => match (self.report.target(), self.report.blob()) {
                        (Some(target), _) => Some(target.digest.clone()),
                        (None, Some((digest, _))) => Some(format!(
                            "{}:{}",
                            digest.algorithm().as_str(),
                            digest.to_hex()
                        )),
                        (None, None) => None,
                    },
                    _ => None,
                };
                found.map(Text::new).unwrap_or_default()
            })
            .lend()
    }
}

fn why(report: &Report) -> Why {
    let told = |reason: &str, detail: &str, remedy: &str| Why {
        reason: Text::new(reason),
        detail: Text::new(detail),
        remedy: Text::new(remedy),
    };
    match report.status() {
        ArtifactStatus::Verified => Why::default(),
        ArtifactStatus::Skipped => told(
            "skipped",
            &format!(
                "the level of trust policy statement `{}` is `skip`",
                report.statement()
            ),
            "",
        ),
        ArtifactStatus::Unsigned => told(
            "unsigned",
            "the artifact was found, and no signature refers to it",
            "sign it, or copy its signatures along with it",
        ),
        ArtifactStatus::LookupFailed => {
            let listed = report.lookup_failures().iter().map(String::as_str);
            let single = report
                .signatures()
                .iter()
                .filter_map(|one| match one.result() {
                    SignatureResult::Unavailable(why) => Some(why.as_str()),
                    _ => None,
                });
            let detail = listed.chain(single).next().unwrap_or_default();
            told("lookup-failed", detail, "")
        }
        ArtifactStatus::Rejected => match rejection(report) {
            Some(rejection) => told(
                rejection.reason.as_str(),
                &rejection.detail,
                rejection.remedy.as_deref().unwrap_or_default(),
            ),
            None => told("rejected", "no signature is trusted", ""),
        },
    }
}

/// What decided about the first signature.
fn rejection(report: &Report) -> Option<&Rejection> {
    report
        .signatures()
        .iter()
        .find_map(|one| match one.result() {
            SignatureResult::Unusable(rejection) => Some(rejection),
            SignatureResult::Evaluated { outcome, .. } => {
                outcome.rejections().next().map(|(_, rejection)| rejection)
            }
            SignatureResult::Unavailable(_) => None,
        })
}

/// Runs `read` on the report; no text where there is none.
///
/// # Safety
/// `report` is NULL or a report that nobody frees meanwhile.
unsafe fn text_of(report: *const nv_report, read: impl FnOnce(&nv_report) -> nv_str) -> nv_str {
    // SAFETY: as the caller promises.
    let report = unsafe { report.as_ref() };
    guard_or(no_text(), || report.map_or(no_text(), read))
}

/// The verdict: `NV_TRUSTED`, `NV_REJECTED`, `NV_UNSIGNED`, `NV_LOOKUP_FAILED` or
/// `NV_SKIPPED`; `NV_ERROR_ARGUMENT` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_status(report: *const nv_report) -> nv_status {
    // SAFETY: NULL, or a report that the caller keeps.
    let report = unsafe { report.as_ref() };
    guard_or(NV_ERROR_INTERNAL, || {
        report.map_or(NV_ERROR_ARGUMENT, nv_report::status)
    })
}

/// The digest that was verified, `algorithm:hex`: use this, and not the tag, for
/// whatever comes next. Empty unless the status is `NV_TRUSTED`. It lives as long
/// as the report, as do the texts below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_digest(report: *const nv_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    unsafe { text_of(report, nv_report::digest) }
}

/// Why the artifact is not trusted, as a stable word such as "not-trusted",
/// "cert-revoked" or "unsigned" (`reason` in `docs/report.schema.json`, or the
/// status); of several reasons the first. Empty where it is trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_reason(report: *const nv_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    unsafe { text_of(report, |report| report.why().reason.lend()) }
}

/// The same for a person: what failed, with the values that decided. Lower case,
/// no full stop.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_detail(report: *const nv_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    unsafe { text_of(report, |report| report.why().detail.lend()) }
}

/// What to change, where a person can change something; else empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_remedy(report: *const nv_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    unsafe { text_of(report, |report| report.why().remedy.lend()) }
}

/// The whole report as JSON (`docs/report.schema.json`): every signature, every
/// check, every certificate. The same document as the command's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_json(report: *const nv_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    unsafe { text_of(report, nv_report::json) }
}

/// Frees `*report` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_free(report: *mut *mut nv_report) {
    // SAFETY: a report of this library, as the header asks.
    unsafe { free(report) };
}
