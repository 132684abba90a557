//! `inspect`: what is in signatures. Integrity is verified, trust is not looked
//! at.

use std::fmt::Write as _;
use std::path::Path;

use notation_verifier::report::{SCHEMA_VERSION, error_members, signed};
use notation_verifier::{Error, ErrorKind, Verifier};
use serde_json::{Value, json};

use crate::args::{InspectArgs, Output};
use crate::exit::Exit;
use crate::lookup::{self, Content, Entry};
use crate::stamp::Stamp;
use crate::{input, interrupt, text};

/// What is shown: of an image, or of an envelope on its own.
struct Shown {
    artifact: Option<String>,
    entries: Vec<Entry>,
    incomplete: bool,
}

/// `notation-verify inspect`.
pub fn run(args: &InspectArgs) -> Exit {
    let result = match (&args.oci_layout, &args.envelope, &args.reference) {
        (Some(path), _, Some(reference)) => lookup::in_layout(path, reference).map(of_image),
        (None, Some(path), _) => envelope(path),
        (None, None, Some(reference)) => {
            lookup::in_registry(reference, &args.registry, args.timeout).map(of_image)
        }
        // clap requires one of them.
        _ => Err(Error::new(
            ErrorKind::Usage,
            "give a reference, --oci-layout or --envelope",
        )),
    };
    match result {
        Ok(shown) => {
            match args.output {
                Output::Text => print(&shown),
                Output::Json => print_json(Some(&shown), None),
            }
            exit(shown.incomplete, &shown.entries)
        }
        Err(error) => {
            match args.output {
                Output::Text => text::print_error(&error),
                Output::Json => print_json(None, Some(&error)),
            }
            exit_of(&error)
        }
    }
}

/// Of commands that look at signatures: why they could not.
pub fn exit_of(error: &Error) -> Exit {
    if interrupt::was_asked() {
        Exit::Interrupted
    } else if error.kind() == ErrorKind::Usage {
        Exit::Usage
    } else {
        Exit::CouldNotEvaluate
    }
}

/// Of commands that look at signatures: one that is broken is told by the exit
/// code, and so is one that could not be looked at.
pub fn exit(incomplete: bool, entries: &[Entry]) -> Exit {
    let any = |is: fn(&Content) -> bool| entries.iter().any(|entry| is(&entry.content));
    if interrupt::was_asked() {
        Exit::Interrupted
    } else if any(|content| matches!(content, Content::Broken(_))) {
        Exit::Rejected
    } else if incomplete || any(|content| matches!(content, Content::Unavailable(_))) {
        Exit::CouldNotEvaluate
    } else {
        Exit::Trusted
    }
}

fn of_image(found: lookup::Found) -> Shown {
    for problem in &found.problems {
        text::print_warning(problem);
    }
    Shown {
        artifact: Some(found.artifact.digest),
        entries: found.entries,
        incomplete: found.incomplete,
    }
}

fn envelope(path: &Path) -> Result<Shown, Error> {
    let verifier = Verifier::builder().build();
    let bytes = input::file(path, verifier.limits().envelope_bytes)?;
    let media_type = input::envelope_media_type(path, &bytes);
    let entry = Entry {
        manifest_digest: None,
        envelope_digest: None,
        media_type: Some(media_type.to_owned()),
        content: match verifier.integrity(media_type, &bytes) {
            Ok(signed) => Content::Signed(Box::new(signed)),
            Err(rejection) => Content::Broken(rejection),
        },
    };
    Ok(Shown {
        artifact: None,
        entries: vec![entry],
        incomplete: false,
    })
}

fn print(shown: &Shown) {
    let mut lines = String::new();
    let count = shown.entries.len();
    if let Some(artifact) = &shown.artifact {
        let _ = writeln!(lines, "{artifact}: {count} signature(s)");
    }
    for (index, entry) in shown.entries.iter().enumerate() {
        let _ = writeln!(lines, "\nSignature {} of {count}", index + 1);
        if let Some(digest) = &entry.manifest_digest {
            let _ = writeln!(lines, "  manifest: {digest}");
        }
        if let Some(media_type) = &entry.media_type {
            let digest = entry
                .envelope_digest
                .as_deref()
                .unwrap_or("given as a file");
            let _ = writeln!(lines, "  envelope: {digest} ({media_type})");
        }
        match &entry.content {
            Content::Signed(signed) => {
                let _ = writeln!(
                    lines,
                    "  integrity: verified (this says nothing about trust)"
                );
                text::content(&mut lines, signed);
                if let Some(stamp) = Stamp::of(signed) {
                    text::stamp(&mut lines, &stamp);
                }
            }
            Content::Broken(why) => {
                let _ = writeln!(lines, "  integrity: BROKEN: {}", why.detail);
            }
            Content::Unavailable(why) => {
                let _ = writeln!(lines, "  integrity: not known: {why}");
            }
        }
    }
    text::print_line(lines.trim_end());
}

/// The document of `docs/inspect.schema.json`: one shape for success and failure.
fn print_json(shown: Option<&Shown>, error: Option<&Error>) {
    let entries = shown.map_or(&[][..], |shown| &shown.entries);
    let signatures: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let reason = match &entry.content {
                Content::Broken(rejection) => Some(rejection.reason.as_str()),
                Content::Signed(_) | Content::Unavailable(_) => None,
            };
            json!({
                "manifestDigest": entry.manifest_digest,
                "envelopeDigest": entry.envelope_digest,
                "mediaType": entry.media_type,
                "integrity": entry.signed().is_some(),
                "reason": reason,
                "detail": entry.problem(),
                "content": entry.signed().map(signed),
                "timestamp": entry.signed().and_then(Stamp::of).map(|stamp| stamp.to_json()),
            })
        })
        .collect();
    let document = json!({
        "schemaVersion": SCHEMA_VERSION,
        "artifact": shown.and_then(|shown| shown.artifact.as_deref()),
        "signatures": signatures,
        "error": error.map(error_members),
    });
    text::print_line(&format!("{document:#}"));
}
