//! Results for a person: the verdict first, then why, then the details.

use std::fmt::Write as _;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use notation_verifier::envelope::{Signed, SigningScheme};
use notation_verifier::io::batch::{Finished, ImageResult, ImageStatus, Stop, Summary};
use notation_verifier::outcome::{
    Action, CertificateSummary, CheckResult, Finding, Outcome, Verdict,
};
use notation_verifier::report::{
    ArtifactStatus, PlatformsReport, Report, SignatureReport, SignatureResult,
};
use notation_verifier::{Error, Time};

use crate::bundle::{Moment, Origin};
use crate::reasons::{self, Reason};
use crate::stamp::Stamp;

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
    let reason = reasons::of_error(error);
    let mut text = format!("{BAD}COULD NOT EVALUATE{BAD:#}  {}", reason.why);
    for detail in reason.details {
        let _ = write!(text, "\n  {detail}");
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
    if let Some(found) = report.platforms() {
        platforms(&mut text, found);
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
    for one in reasons::of_report(report) {
        reason(text, "why", &one);
    }
    for signature in report.signatures() {
        let logged = signature.outcome().into_iter();
        for (finding, rejection) in logged.flat_map(Outcome::logged_failures) {
            let _ = writeln!(
                text,
                "  {CAREFUL}only logged by the policy{CAREFUL:#} ({}):",
                finding.check.as_str()
            );
            reason(text, "but", &reasons::of_rejection(rejection));
        }
    }
    for warning in report.warnings() {
        let _ = writeln!(text, "  {CAREFUL}note{CAREFUL:#}: {warning}");
    }
}

fn reason(text: &mut String, word: &str, reason: &Reason) {
    let _ = writeln!(text, "  {word}: {}", reason.why);
    for detail in &reason.details {
        let _ = writeln!(text, "       {detail}");
    }
    if let Some(action) = &reason.action {
        let _ = writeln!(text, "  do:  {action}");
    }
}

/// Prints one image of many: one line, and why it is not trusted.
pub fn print_image(finished: &Finished) {
    let (style, word) = status(finished.status());
    let mut text = format!("{style}{word}{style:#}  {}", finished.name);
    // By tag, the digest that was verified is what may be used from here on.
    if let ImageResult::Report(report) = &finished.result
        && finished.status() == ImageStatus::Verified
        && let Some(target) = report.target()
        && !finished.name.ends_with(&target.digest)
    {
        let _ = write!(text, "  is {}", target.digest);
    }
    text.push('\n');
    // The rest of a run that ended is counted, not told one by one.
    if matches!(finished.result, ImageResult::NotDone(_)) {
        return;
    }
    for one in reasons::of(finished) {
        reason(&mut text, "why", &one);
    }
    print_line(text.trim_end());
}

/// Prints how many images ended how.
pub fn print_summary(summary: &Summary) {
    let mut text = String::new();
    let _ = write!(text, "\n{} images:", summary.total());
    for (one, count) in summary.counts().filter(|(_, count)| *count > 0) {
        let (style, _) = status(one);
        let _ = write!(text, " {style}{count} {}{style:#},", one.as_str());
    }
    let mut text = text.trim_end_matches(',').to_owned();
    if let Some(stop) = summary.stopped() {
        let _ = write!(
            text,
            "\n{CAREFUL}the run ended early{CAREFUL:#}: {}",
            match stop {
                Stop::Cancelled => "it was interrupted",
                Stop::TimeOver => "its time was over (--timeout)",
                Stop::Failure => "an image was not trusted (--fail-fast)",
            }
        );
    }
    print_line(&text);
}

const fn status(status: ImageStatus) -> (Style, &'static str) {
    match status {
        ImageStatus::Verified => (GOOD, "TRUSTED"),
        ImageStatus::Unsigned => (BAD, "UNSIGNED"),
        ImageStatus::Rejected => (BAD, "REJECTED"),
        ImageStatus::LookupFailed => (BAD, "LOOK-UP FAILED"),
        ImageStatus::Error => (BAD, "ERROR"),
        ImageStatus::NotDone => (CAREFUL, "NOT DONE"),
        ImageStatus::Skipped => (CAREFUL, "SKIPPED"),
    }
}

/// The manifests of an index, where all of them count.
fn platforms(text: &mut String, platforms: &PlatformsReport) {
    text.push_str("\nPlatforms:\n");
    for one in platforms.manifests() {
        let (style, word) = match one.status() {
            Some(found) => status(found.into()),
            None => (QUIET, "no image"),
        };
        let name = one.platform().unwrap_or("no platform stated");
        let _ = writeln!(
            text,
            "  {style}{word}{style:#}  {name}  {}",
            one.descriptor().digest
        );
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
        certificate_lines(text, &certificate.summary(Some(position)));
    }
}

fn certificate_lines(text: &mut String, summary: &CertificateSummary) {
    let _ = writeln!(
        text,
        "    {} {}\n      issued by {}\n      valid {} to {}\n      serial {}, SHA-256 {}",
        summary.position.unwrap_or_default(),
        summary.subject,
        summary.issuer,
        summary.not_before,
        summary.not_after,
        summary.serial_number,
        summary.sha256
    );
}

/// What a time-stamp says.
pub fn stamp(text: &mut String, stamp: &Stamp) {
    text.push_str("  time-stamp:\n");
    if let Some(says) = &stamp.says {
        let _ = writeln!(
            text,
            "    time {} (give or take {} s), policy {}",
            says.time, says.accuracy, says.policy
        );
        for certificate in &says.certificates {
            certificate_lines(text, certificate);
        }
    }
    match &stamp.problem {
        Some(problem) => {
            let _ = writeln!(text, "    BROKEN: {}", problem.detail);
        }
        None => text.push_str("    it is of this signature (this says nothing about trust)\n"),
    }
}
