//! Results for a person: the verdict first, then why, then the details.

use std::fmt::Write as _;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use notation_verifier::envelope::{Signed, SigningScheme};
use notation_verifier::outcome::{Action, CheckResult, Finding, Rejection, Verdict};
use notation_verifier::report::{ArtifactStatus, Report, SignatureReport, SignatureResult};
use notation_verifier::{Error, Time};

use crate::bundle::{Moment, Origin};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CAREFUL: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Prints one line. A reader that went away (`| head`) is no failure: the exit
/// code still tells the verdict.
pub fn print_line(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}

/// Prints an error: what could not be evaluated, and the causes.
pub fn print_error(error: &Error) {
    let mut text = format!("{BAD}COULD NOT EVALUATE{BAD:#}  {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, "\n  because: {error}");
        cause = error.source();
    }
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Prints something that a person should know beside the answer.
pub fn print_warning(warning: &str) {
    let _ = writeln!(
        anstream::stderr().lock(),
        "{CAREFUL}note{CAREFUL:#}: {warning}"
    );
}

/// Prints a report.
pub fn print_report(report: &Report, origin: &Origin) {
    let mut text = String::new();
    headline(&mut text, report, origin.moment);
    reasons(&mut text, report);
    context(&mut text, report, origin);
    let count = report.signatures().len();
    for (index, signature) in report.signatures().iter().enumerate() {
        one_signature(&mut text, signature, index + 1, count);
    }
    print_line(text.trim_end());
}

fn headline(text: &mut String, report: &Report, moment: Moment) {
    let claimed;
    let (style, word) = match report.status() {
        ArtifactStatus::Verified if moment == Moment::Claimed => {
            claimed = format!(
                "TRUSTED AS OF {}, IF THE EVIDENCE BUNDLE TELLS THE TRUTH",
                report.verified_at()
            );
            (CAREFUL, claimed.as_str())
        }
        ArtifactStatus::Verified => (GOOD, "TRUSTED"),
        ArtifactStatus::Unsigned => (BAD, "REJECTED: no signature"),
        ArtifactStatus::Rejected => (BAD, "REJECTED"),
        ArtifactStatus::LookupFailed => (BAD, "COULD NOT EVALUATE"),
        ArtifactStatus::Skipped => (CAREFUL, "SKIPPED: nothing was verified"),
    };
    let _ = writeln!(text, "{style}{word}{style:#}  {}", report.subject().name());
}

/// Why, and what to change: for everything that decided or should be seen.
fn reasons(text: &mut String, report: &Report) {
    for failure in report.lookup_failures() {
        let _ = writeln!(text, "  why: {failure}");
    }
    match report.status() {
        ArtifactStatus::Unsigned => {
            let _ = writeln!(
                text,
                "  why: the artifact was found, and no signature refers to it\n  do:  sign it, or \
                 copy its signatures along with it"
            );
        }
        ArtifactStatus::Skipped => {
            let _ = writeln!(
                text,
                "  why: the level of trust policy statement `{}` is `skip`",
                report.statement()
            );
        }
        _ => {}
    }
    for signature in report.signatures() {
        match signature.result() {
            SignatureResult::Unusable(rejection) => reason(text, "why", rejection),
            SignatureResult::Unavailable(why) => {
                let _ = writeln!(text, "  why: {why}");
            }
            SignatureResult::Evaluated { outcome, .. } => {
                if outcome.verdict() == Verdict::Rejected {
                    for (_, rejection) in outcome.rejections() {
                        reason(text, "why", rejection);
                    }
                }
                for (finding, rejection) in outcome.logged_failures() {
                    let _ = writeln!(
                        text,
                        "  {CAREFUL}only logged by the policy{CAREFUL:#} ({}):",
                        finding.check.as_str()
                    );
                    reason(text, "but", rejection);
                }
            }
        }
    }
    for warning in report.warnings() {
        let _ = writeln!(text, "  {CAREFUL}note{CAREFUL:#}: {warning}");
    }
}

fn reason(text: &mut String, word: &str, rejection: &Rejection) {
    let _ = writeln!(text, "  {word}: {}", rejection.detail);
    if let Some(certificate) = &rejection.certificate {
        let _ = writeln!(
            text,
            "       certificate `{}`, valid {} to {}, SHA-256 {}",
            certificate.subject, certificate.not_before, certificate.not_after, certificate.sha256
        );
    }
    if let Some(url) = &rejection.url {
        let _ = writeln!(text, "       address {url}");
    }
    if let Some(remedy) = &rejection.remedy {
        let _ = writeln!(text, "  do:  {remedy}");
    }
}

fn context(text: &mut String, report: &Report, origin: &Origin) {
    if let Some(target) = report.target() {
        let _ = writeln!(
            text,
            "  artifact: {} ({}, {} octets)",
            target.digest, target.media_type, target.size
        );
    }
    if let Some((digest, size)) = report.blob() {
        let _ = writeln!(text, "  blob: {digest:?} ({size} octets)");
    }
    let _ = writeln!(
        text,
        "  policy: statement `{}`, level {}",
        report.statement(),
        report.level()
    );
    let when: Time = report.verified_at();
    let _ = match origin.moment {
        Moment::Now => writeln!(text, "  as of: {when} (now)"),
        Moment::Given => writeln!(
            text,
            "  as of: {CAREFUL}{when}, as asked for with --at, not now{CAREFUL:#}"
        ),
        Moment::Claimed => writeln!(
            text,
            "  as of: {CAREFUL}{when}, as the evidence bundle claims, not now; nothing proves \
             it{CAREFUL:#}"
        ),
    };
    if let Some((file, recorded)) = &origin.bundle {
        let recorded = recorded.map_or_else(String::new, |time| {
            format!(", recorded as of {time} by its own account")
        });
        let _ = writeln!(
            text,
            "  evidence: from {:?}{recorded}; nothing was fetched",
            file.display().to_string()
        );
    }
    if let Some(file) = &origin.saved {
        let _ = writeln!(
            text,
            "  evidence: saved in {:?}",
            file.display().to_string()
        );
    }
}

fn one_signature(text: &mut String, signature: &SignatureReport, number: usize, count: usize) {
    let (style, verdict) = match signature.result() {
        SignatureResult::Evaluated { outcome, .. } => match outcome.verdict() {
            Verdict::Trusted => (GOOD, "trusted"),
            Verdict::Rejected | Verdict::Skipped => (BAD, "rejected"),
        },
        SignatureResult::Unusable(_) => (BAD, "unusable"),
        SignatureResult::Unavailable(_) => (BAD, "could not be fetched"),
    };
    let _ = writeln!(
        text,
        "\nSignature {number} of {count}: {style}{verdict}{style:#}"
    );
    if let Some(digest) = signature.manifest_digest() {
        let _ = writeln!(text, "  manifest: {digest}");
    }
    if let Some(media_type) = signature.media_type() {
        let digest = signature.envelope_digest().unwrap_or("given as a file");
        let _ = writeln!(text, "  envelope: {digest} ({media_type})");
    }
    if let Some(outcome) = signature.outcome() {
        let _ = writeln!(text, "  checks:");
        for finding in outcome.findings() {
            one_check(text, finding);
        }
    }
    if let Some(signed) = signature.signed() {
        content(text, signed);
    }
}

fn one_check(text: &mut String, finding: &Finding) {
    let (style, result) = match (&finding.result, finding.action) {
        (CheckResult::Passed(_), _) => (GOOD, "passed"),
        (CheckResult::Failed(_), Action::Enforce) => (BAD, "FAILED"),
        (CheckResult::Failed(_), _) => (CAREFUL, "FAILED"),
        (CheckResult::Skipped, _) => (QUIET, "skipped"),
        (CheckResult::NotEvaluated, _) => (QUIET, "not reached"),
    };
    let detail = match &finding.result {
        CheckResult::Passed(found) => found.as_ref(),
        CheckResult::Failed(rejection) => rejection.detail.as_str(),
        CheckResult::Skipped => "the policy skips it",
        CheckResult::NotEvaluated => "a check before it failed",
    };
    let _ = writeln!(
        text,
        "    {style}{result:<11}{style:#} {:<18} {:<8} {detail}",
        finding.check.as_str(),
        finding.action.as_str()
    );
}

/// What is in an envelope whose integrity was verified.
pub fn content(text: &mut String, signed: &Signed) {
    let _ = writeln!(
        text,
        "  signed:\n    algorithm {}, scheme {}",
        signed.algorithm().as_str(),
        signed.scheme().as_str()
    );
    if let Some(time) = signed.signing_time() {
        let _ = writeln!(
            text,
            "    signing time {time} (stated by the signer, not authentic)"
        );
    }
    if signed.scheme() == SigningScheme::SigningAuthority
        && let Some(time) = signed.authentic_signing_time()
    {
        let _ = writeln!(text, "    authentic signing time {time}");
    }
    match signed.expiry() {
        Some(time) => {
            let _ = writeln!(text, "    expiry {time}");
        }
        None => text.push_str("    no expiry\n"),
    }
    if let Some(agent) = signed.signing_agent() {
        let _ = writeln!(text, "    signing agent {agent:?}");
    }
    let stamped = signed
        .timestamp_token()
        .is_some_and(|token| !token.is_empty());
    let _ = writeln!(
        text,
        "    {}",
        if stamped {
            "with a time-stamp"
        } else {
            "no time-stamp"
        }
    );
    for attribute in signed.extended_attributes() {
        let critical = if attribute.critical { ", critical" } else { "" };
        let _ = writeln!(
            text,
            "    attribute {:?}{critical}: {}",
            attribute.key.to_string(),
            attribute.value
        );
    }
    match signed.payload() {
        Ok(payload) => {
            let target = &payload.target_artifact;
            let _ = writeln!(
                text,
                "    artifact {} ({}, {} octets)",
                target.digest, target.media_type, target.size
            );
            for (key, value) in &target.annotations {
                let _ = writeln!(text, "    metadata {key:?} = {value:?}");
            }
        }
        Err(rejection) => {
            let _ = writeln!(text, "    payload: {rejection}");
        }
    }
    let _ = writeln!(text, "  certificates:");
    for (position, certificate) in signed.chain().certificates().iter().enumerate() {
        let summary = certificate.summary(Some(position));
        let _ = writeln!(
            text,
            "    {position} {}\n      issued by {}\n      valid {} to {}\n      serial {}, SHA-256 {}",
            summary.subject,
            summary.issuer,
            summary.not_before,
            summary.not_after,
            summary.serial_number,
            summary.sha256
        );
    }
}
