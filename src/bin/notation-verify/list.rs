//! `list`: the signatures of an image as a tree.

use notation_verifier::Error;
use notation_verifier::oci::media_type::NOTARY_SIGNATURE;
use notation_verifier::report::{SCHEMA_VERSION, error_members};
use serde_json::{Value, json};

use crate::args::{ListArgs, Output};
use crate::exit::Exit;
use crate::lookup::{self, Content, Entry, Found};
use crate::stamp::Stamp;
use crate::{inspect, text};

/// `notation-verify list`.
pub fn run(args: &ListArgs) -> Exit {
    let result = match &args.oci_layout {
        Some(path) => lookup::in_layout(path, &args.reference),
        None => lookup::in_registry(&args.reference, &args.registry, args.timeout),
    };
    match (&result, args.output) {
        (Ok(found), Output::Text) => {
            for problem in &found.problems {
                text::print_warning(problem);
            }
            text::print_line(&tree(found));
        }
        (Ok(found), Output::Json) => print_json(Some(found), None),
        (Err(error), Output::Text) => text::print_error(error),
        (Err(error), Output::Json) => print_json(None, Some(error)),
    }
    match result {
        // A list is no judgement: a broken signature is on it like any other.
        Ok(found) => match inspect::exit(found.incomplete, &found.entries) {
            Exit::Rejected => Exit::Trusted,
            other => other,
        },
        Err(error) => inspect::exit_of(&error),
    }
}

fn tree(found: &Found) -> String {
    let artifact = &found.artifact;
    let mut lines = vec![
        found.name.clone(),
        format!("{} ({})", artifact.digest, artifact.media_type),
    ];
    if found.entries.is_empty() {
        lines.push("└── no signature".to_owned());
        return lines.join("\n");
    }
    lines.push(format!("└── {NOTARY_SIGNATURE}"));
    let last = found.entries.len() - 1;
    for (position, entry) in found.entries.iter().enumerate() {
        let (branch, below) = if position == last {
            ("└──", "    ")
        } else {
            ("├──", "│   ")
        };
        let digest = entry.manifest_digest.as_deref().unwrap_or("no digest");
        lines.push(format!("    {branch} {digest}"));
        let facts = facts(entry);
        let last = facts.len().saturating_sub(1);
        for (number, fact) in facts.into_iter().enumerate() {
            let branch = if number == last {
                "└──"
            } else {
                "├──"
            };
            lines.push(format!("    {below}{branch} {fact}"));
        }
    }
    lines.join("\n")
}

/// What the tree has below a signature.
fn facts(entry: &Entry) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(digest) = &entry.envelope_digest {
        let media_type = entry.media_type.as_deref().unwrap_or("no media type");
        facts.push(format!("envelope {digest} ({media_type})"));
    }
    match &entry.content {
        Content::Signed(signed) => {
            facts.push(format!("signed by {}", subject(entry).unwrap_or_default()));
            if let Some(time) = signed.signing_time().or(signed.authentic_signing_time()) {
                facts.push(format!("signing time {time}"));
            }
            if let Some(says) = Stamp::of(signed).and_then(|stamp| stamp.says) {
                facts.push(format!("time-stamp {}", says.time));
            }
            if let Some(expiry) = signed.expiry() {
                facts.push(format!("expiry {expiry}"));
            }
        }
        Content::Broken(why) => facts.push(format!("BROKEN: {}", why.detail)),
        Content::Unavailable(why) => facts.push(format!("not known: {why}")),
    }
    facts
}

fn subject(entry: &Entry) -> Option<String> {
    let leaf = entry.signed()?.chain().certificates().first()?;
    Some(leaf.summary(None).subject)
}

/// The document of `docs/list.schema.json`: one shape for success and failure.
fn print_json(found: Option<&Found>, error: Option<&Error>) {
    let entries = found.map_or(&[][..], |found| &found.entries);
    let signatures: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let state = match &entry.content {
                Content::Signed(_) => "intact",
                Content::Broken(_) => "broken",
                Content::Unavailable(_) => "unavailable",
            };
            let signed = entry.signed();
            let time =
                signed.and_then(|signed| signed.signing_time().or(signed.authentic_signing_time()));
            let stamped = signed
                .and_then(Stamp::of)
                .and_then(|stamp| stamp.says)
                .map(|says| says.time.to_string());
            json!({
                "manifestDigest": entry.manifest_digest,
                "envelopeDigest": entry.envelope_digest,
                "mediaType": entry.media_type,
                "state": state,
                "detail": entry.problem(),
                "subject": subject(entry),
                "signingTime": time.map(|time| time.to_string()),
                "timestampTime": stamped,
                "expiry": signed.and_then(|signed| signed.expiry()).map(|time| time.to_string()),
            })
        })
        .collect();
    let document = json!({
        "schemaVersion": SCHEMA_VERSION,
        "name": found.map(|found| found.name.as_str()),
        "artifact": found.map(|found| json!({
            "mediaType": found.artifact.media_type,
            "digest": found.artifact.digest,
            "size": found.artifact.size,
        })),
        "signatures": signatures,
        "problems": found.map(|found| found.problems.as_slice()).unwrap_or_default(),
        "error": error.map(error_members),
    });
    text::print_line(&format!("{document:#}"));
}
