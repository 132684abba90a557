//! A page for people: one file, no scripts, nothing from elsewhere.

use std::io::{self, Write};

use notation_verifier::Time;
use notation_verifier::envelope::{Signed, SigningScheme};
use notation_verifier::io::batch::{Finished, ImageResult, ImageStatus, Summary};
use notation_verifier::outcome::{Action, CheckResult, Finding, Verdict};
use notation_verifier::report::{PlatformsReport, Report, SignatureReport, SignatureResult};

use super::Run;
use super::markup::Escaped;
use crate::reasons::{self, Reason};

const STYLE: &str = include_str!("page.css");

/// The two parts of the page: heading, and the statuses in it.
pub type Part = (&'static str, &'static [ImageStatus]);
pub const ATTENTION: Part = (
    "Needs attention",
    &[
        ImageStatus::Rejected,
        ImageStatus::Unsigned,
        ImageStatus::LookupFailed,
        ImageStatus::Error,
        ImageStatus::NotDone,
        ImageStatus::Skipped,
    ],
);
pub const REST: Part = ("Trusted", &[ImageStatus::Verified]);

/// Whether nobody has to look at it.
pub fn is_quiet(finished: &Finished) -> bool {
    finished.status() == ImageStatus::Verified
}

/// What a status is called on the page, and its colour.
const fn label(status: ImageStatus) -> (&'static str, &'static str) {
    match status {
        ImageStatus::Verified => ("trusted", "good"),
        ImageStatus::Unsigned => ("unsigned", "bad"),
        ImageStatus::Rejected => ("rejected", "bad"),
        ImageStatus::LookupFailed => ("look-up failed", "unknown"),
        ImageStatus::Error => ("error", "unknown"),
        ImageStatus::NotDone => ("not done", "unknown"),
        ImageStatus::Skipped => ("skipped", "quiet"),
    }
}

/// Everything up to the images.
pub fn head(
    out: &mut dyn Write,
    summary: &Summary,
    warnings: &[String],
    run: Run,
) -> io::Result<()> {
    let (verdict, colour) = verdict(summary, run);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<title>{verdict}: image signatures</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header class=\"{colour}\">\n\
         <h1>{verdict}</h1>\n<p>{}</p>\n</header>\n<main>\n<ul class=\"counts\">\n",
        Escaped(&sentence(summary, run))
    )?;
    for (status, count) in summary.counts().filter(|(_, count)| *count > 0) {
        let (label, colour) = label(status);
        writeln!(out, "<li class=\"{colour}\"><b>{count}</b> {label}</li>")?;
    }
    writeln!(out, "</ul>")?;
    if !warnings.is_empty() {
        writeln!(out, "<h2>Notes</h2>\n<ul>")?;
        for warning in warnings {
            writeln!(out, "<li>{}</li>", Escaped(warning))?;
        }
        writeln!(out, "</ul>")?;
    }
    Ok(())
}

fn verdict(summary: &Summary, run: Run) -> (&'static str, &'static str) {
    let has = |statuses: &[ImageStatus]| statuses.iter().any(|one| summary.count(*one) > 0);
    if has(&[ImageStatus::Rejected, ImageStatus::Unsigned]) {
        ("Not all images are trusted", "bad")
    } else if summary.all_verified() && run.as_of == "claimed" {
        (
            "All images are trusted, if the evidence bundle tells the truth",
            "unknown",
        )
    } else if summary.all_verified() {
        ("All images are trusted", "good")
    } else if summary.total() == 0
        || has(&[
            ImageStatus::LookupFailed,
            ImageStatus::Error,
            ImageStatus::NotDone,
        ])
    {
        ("Not all images could be evaluated", "unknown")
    } else {
        ("The policy exempts images", "quiet")
    }
}

fn sentence(summary: &Summary, run: Run) -> String {
    let images = match summary.total() {
        1 => "1 image".to_owned(),
        count => format!("{count} images"),
    };
    let stopped = summary
        .stopped()
        .map(|stop| format!(" The run ended early: {}.", stop.as_str()))
        .unwrap_or_default();
    let as_of = match run.as_of {
        "given" => " Judged as of another moment (--at), which each image names.",
        "claimed" => " Judged as of when an evidence bundle claims to be recorded.",
        _ => "",
    };
    format!(
        "{images}, begun {}, took {:.1} s.{as_of}{stopped}",
        run.started,
        run.clock.elapsed().as_secs_f64()
    )
}

/// The heading of a part, where it has images.
pub fn section(out: &mut dyn Write, part: Part, summary: &Summary) -> io::Result<()> {
    let count: usize = part.1.iter().map(|status| summary.count(*status)).sum();
    if count == 0 {
        return Ok(());
    }
    writeln!(out, "<h2>{} <small>{count}</small></h2>", part.0)
}

/// Everything after the images.
pub fn tail(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "</main>\n<footer>notation-verify {}</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

/// One image.
pub fn add(out: &mut dyn Write, finished: &Finished) -> io::Result<()> {
    let (label, colour) = label(finished.status());
    let open = if is_quiet(finished) { "" } else { " open" };
    writeln!(
        out,
        "<details class=\"image\"{open}><summary><span class=\"status {colour}\">{label}</span> \
         <span class=\"name\">{}</span></summary>",
        Escaped(&finished.name)
    )?;
    reasons(out, &reasons::of(finished))?;
    if let ImageResult::Report(report) = &finished.result {
        report_body(out, report)?;
    }
    writeln!(out, "</details>")
}

fn reasons(out: &mut dyn Write, reasons: &[Reason]) -> io::Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    writeln!(out, "<dl class=\"reasons\">")?;
    for reason in reasons {
        write!(out, "<dt>Why</dt><dd>{}", Escaped(&reason.why))?;
        for detail in &reason.details {
            write!(out, "<br><small>{}</small>", Escaped(detail))?;
        }
        writeln!(out, "</dd>")?;
        if let Some(action) = &reason.action {
            writeln!(out, "<dt>Do</dt><dd>{}</dd>", Escaped(action))?;
        }
    }
    writeln!(out, "</dl>")
}

fn report_body(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(out, "<table class=\"facts\">")?;
    if let Some(target) = report.target() {
        fact(
            out,
            "Artifact",
            &format!(
                "{} ({}, {} octets)",
                target.digest, target.media_type, target.size
            ),
        )?;
    }
    fact(
        out,
        "Policy",
        &format!("statement {}, level {}", report.statement(), report.level()),
    )?;
    fact(out, "As of", &report.verified_at().to_string())?;
    for warning in report.warnings() {
        fact(out, "Note", warning)?;
    }
    writeln!(out, "</table>")?;
    let count = report.signatures().len();
    for (number, one) in report.signatures().iter().enumerate() {
        signature(out, one, number + 1, count)?;
    }
    match report.platforms() {
        Some(found) => platforms(out, found),
        None => Ok(()),
    }
}

fn fact(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(
        out,
        "<tr><th>{}</th><td>{}</td></tr>",
        Escaped(name),
        Escaped(value)
    )
}

fn platforms(out: &mut dyn Write, platforms: &PlatformsReport) -> io::Result<()> {
    writeln!(out, "<h3>Platforms</h3>")?;
    for one in platforms.manifests() {
        let name = one.platform().unwrap_or("no platform stated");
        let digest = &one.descriptor().digest;
        let Some(report) = one.report() else {
            writeln!(
                out,
                "<p><span class=\"status quiet\">no image</span> {} <code>{}</code></p>",
                Escaped(name),
                Escaped(digest)
            )?;
            continue;
        };
        let (label, colour) = label(report.status().into());
        writeln!(
            out,
            "<details class=\"platform\"><summary><span class=\"status {colour}\">{label}</span> \
             {} <code>{}</code></summary>",
            Escaped(name),
            Escaped(digest)
        )?;
        reasons(out, &reasons::of_report(report))?;
        report_body(out, report)?;
        writeln!(out, "</details>")?;
    }
    Ok(())
}

fn signature(
    out: &mut dyn Write,
    signature: &SignatureReport,
    number: usize,
    count: usize,
) -> io::Result<()> {
    let (label, colour) = match signature.result() {
        SignatureResult::Evaluated { outcome, .. } => match outcome.verdict() {
            Verdict::Trusted => ("trusted", "good"),
            Verdict::Rejected | Verdict::Skipped => ("rejected", "bad"),
        },
        SignatureResult::Unusable(_) => ("unusable", "bad"),
        SignatureResult::Unavailable(_) => ("could not be fetched", "unknown"),
    };
    writeln!(
        out,
        "<section class=\"signature\">\n<h3>Signature {number} of {count} \
         <span class=\"status {colour}\">{label}</span></h3>\n<table class=\"facts\">"
    )?;
    if let Some(digest) = signature.manifest_digest() {
        fact(out, "Manifest", digest)?;
    }
    if let Some(digest) = signature.envelope_digest() {
        let media_type = signature.media_type().unwrap_or_default();
        fact(out, "Envelope", &format!("{digest} ({media_type})"))?;
    }
    if let Some(signed) = signature.signed() {
        content(out, signed)?;
    }
    writeln!(out, "</table>")?;
    if let Some(signed) = signature.signed() {
        chain(out, signed)?;
    }
    if let Some(outcome) = signature.outcome() {
        writeln!(
            out,
            "<table class=\"checks\">\n<tr><th>Check</th><th>Result</th><th>Policy</th>\
             <th>Found</th></tr>"
        )?;
        for finding in outcome.findings() {
            check(out, finding)?;
        }
        writeln!(out, "</table>")?;
    }
    writeln!(out, "</section>")
}

fn content(out: &mut dyn Write, signed: &Signed) -> io::Result<()> {
    let show = |time: Option<Time>| time.map(|time| time.to_string());
    fact(out, "Algorithm", signed.algorithm().as_str())?;
    let authentic = (signed.scheme() == SigningScheme::SigningAuthority)
        .then(|| show(signed.authentic_signing_time()))
        .flatten();
    match (authentic, show(signed.signing_time())) {
        (Some(time), _) => fact(out, "Signed", &format!("{time} (authentic)"))?,
        (None, Some(time)) => fact(
            out,
            "Signed",
            &format!("{time} (stated by the signer, not authentic)"),
        )?,
        (None, None) => {}
    }
    if let Some(time) = show(signed.expiry()) {
        fact(out, "Expires", &time)?;
    }
    if let Ok(payload) = signed.payload() {
        for (key, value) in &payload.target_artifact.annotations {
            fact(out, "Metadata", &format!("{key} = {value}"))?;
        }
    }
    Ok(())
}

/// The certificates, the root at the top, as a tree.
fn chain(out: &mut dyn Write, signed: &Signed) -> io::Result<()> {
    let certificates = signed.chain().certificates();
    writeln!(out, "<div class=\"chain\"><h4>Certificates</h4>")?;
    for (position, certificate) in certificates.iter().enumerate().rev() {
        let summary = certificate.summary(Some(position));
        writeln!(
            out,
            "<ul><li><b>{}</b><br><small>valid {} to {}, serial {}<br>SHA-256 {}</small>",
            Escaped(&summary.subject),
            summary.not_before,
            summary.not_after,
            Escaped(&summary.serial_number),
            Escaped(&summary.sha256)
        )?;
    }
    for _ in certificates {
        write!(out, "</li></ul>")?;
    }
    writeln!(out, "</div>")
}

fn check(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let (result, colour, detail) = match (&finding.result, finding.action) {
        (CheckResult::Passed(found), _) => ("passed", "good", found.as_ref()),
        (CheckResult::Failed(why), Action::Enforce) => ("failed", "bad", why.detail.as_str()),
        (CheckResult::Failed(why), _) => ("failed", "unknown", why.detail.as_str()),
        (CheckResult::Skipped, _) => ("skipped", "quiet", "the policy skips it"),
        (CheckResult::NotEvaluated, _) => ("not reached", "quiet", "a check before it failed"),
    };
    writeln!(
        out,
        "<tr><td>{}</td><td><span class=\"status {colour}\">{result}</span></td><td>{}</td>\
         <td>{}</td></tr>",
        finding.check.as_str(),
        finding.action.as_str(),
        Escaped(detail)
    )
}
