//! Why an image is not trusted and what to change, for whoever shows it.

use notation_verifier::Error;
use notation_verifier::io::batch::{Finished, ImageResult};
use notation_verifier::outcome::{Rejection, Verdict};
use notation_verifier::report::{ArtifactStatus, Report, SignatureResult};

/// One reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong.
    pub why: String,
    /// Certificate and address that it is about.
    pub details: Vec<String>,
    /// What to change.
    pub action: Option<String>,
}

impl Reason {
    fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            ..Self::default()
        }
    }

    fn action(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }
}

/// What kept `finished` from being trusted; empty where it is.
pub fn of(finished: &Finished) -> Vec<Reason> {
    match &finished.result {
        ImageResult::Report(report) => of_report(report),
        ImageResult::Error(error) => vec![of_error(error)],
        ImageResult::NotDone(stop) => vec![Reason::new(stop.sentence())],
    }
}

/// An error with its causes.
pub fn of_error(error: &Error) -> Reason {
    let mut reason = Reason::new(error.to_string());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !reason.why.contains(&text) {
            reason.details.push(format!("because: {text}"));
        }
        cause = error.source();
    }
    reason
}

/// What rejects in a report, and what a look-up could not find out.
pub fn of_report(report: &Report) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = report.lookup_failures().iter().map(Reason::new).collect();
    match report.own_status() {
        ArtifactStatus::Unsigned => reasons.push(
            Reason::new("the artifact was found, and no signature refers to it")
                .action("sign it, or copy its signatures along with it"),
        ),
        ArtifactStatus::Skipped => reasons.push(Reason::new(format!(
            "the level of trust policy statement `{}` is `skip`",
            report.statement()
        ))),
        _ => {}
    }
    for signature in report.signatures() {
        match signature.result() {
            SignatureResult::Unusable(rejection) => reasons.push(of_rejection(rejection)),
            SignatureResult::Unavailable(why) => reasons.push(Reason::new(why)),
            SignatureResult::Evaluated { outcome, .. } => {
                if outcome.verdict() == Verdict::Rejected {
                    reasons.extend(outcome.rejections().map(|(_, one)| of_rejection(one)));
                }
            }
        }
    }
    if let Some(platforms) = report.platforms() {
        reasons.extend(platforms.failures().iter().map(Reason::new));
        for one in platforms.manifests() {
            let place = one.platform().unwrap_or(&one.descriptor().digest);
            let Some(report) = one.report() else { continue };
            if report.status() != ArtifactStatus::Verified {
                reasons.extend(of_report(report).into_iter().map(|mut reason| {
                    reason.why = format!("{place}: {}", reason.why);
                    reason
                }));
            }
        }
    }
    reasons
}

/// A failed check.
pub fn of_rejection(rejection: &Rejection) -> Reason {
    let certificate = rejection.certificate.iter().map(|certificate| {
        format!(
            "certificate `{}`, valid {} to {}, SHA-256 {}",
            certificate.subject, certificate.not_before, certificate.not_after, certificate.sha256
        )
    });
    let url = rejection.url.iter().map(|url| format!("address {url}"));
    Reason {
        why: rejection.detail.clone(),
        details: certificate.chain(url).collect(),
        action: rejection.remedy.as_deref().map(str::to_owned),
    }
}
