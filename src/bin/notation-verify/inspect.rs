//! `inspect`: what is in signatures. Integrity is verified, trust is not looked
//! at.

use std::fmt::Write as _;
use std::path::Path;

use notation_verifier::envelope::Signed;
use notation_verifier::oci::manifest::SignatureManifest;
use notation_verifier::outcome::Rejection;
use notation_verifier::report::{error_members, signed};
use notation_verifier::{Error, ErrorKind, Verifier};
use serde_json::{Value, json};

use crate::args::{InspectArgs, Output};
use crate::exit::Exit;
use crate::{input, text};

/// One signature that was found.
struct Entry {
    manifest_digest: Option<String>,
    envelope_digest: Option<String>,
    media_type: Option<String>,
    content: Result<Box<Signed>, Rejection>,
}

/// `notation-verify inspect`.
pub fn run(args: &InspectArgs) -> Exit {
    let result = match (&args.oci_layout, &args.envelope, &args.reference) {
        (Some(path), _, Some(reference)) => layout(path, reference),
        (None, Some(path), _) => envelope(path),
        // clap requires one of them.
        _ => Err(Error::new(
            ErrorKind::Usage,
            "give --oci-layout or --envelope",
        )),
    };
    match result {
        Ok((artifact, entries)) => {
            print(args.output, artifact.as_deref(), &entries);
            if entries.iter().all(|entry| entry.content.is_ok()) {
                Exit::Trusted
            } else {
                Exit::Rejected
            }
        }
        Err(error) => {
            match args.output {
                Output::Text => text::print_error(&error),
                Output::Json => print_json(None, &[], Some(&error)),
            }
            if error.kind() == ErrorKind::Usage {
                Exit::Usage
            } else {
                Exit::CouldNotEvaluate
            }
        }
    }
}

fn envelope(path: &Path) -> Result<(Option<String>, Vec<Entry>), Error> {
    let verifier = Verifier::builder().build();
    let bytes = input::file(path, verifier.limits().envelope_bytes)?;
    let media_type = input::envelope_media_type(path, &bytes);
    let entry = Entry {
        manifest_digest: None,
        envelope_digest: None,
        media_type: Some(media_type.to_owned()),
        content: verifier.integrity(media_type, &bytes).map(Box::new),
    };
    Ok((None, vec![entry]))
}

fn layout(path: &Path, reference: &str) -> Result<(Option<String>, Vec<Entry>), Error> {
    let verifier = Verifier::builder().build();
    let limits = verifier.limits();
    let layout = input::layout(path, limits)?;
    let artifact = layout.resolve(reference)?;
    let mut entries = Vec::new();
    let found = layout.referrers(&artifact);
    for problem in &found.problems {
        text::print_warning(&problem.to_string());
    }
    for descriptor in found.signatures.into_iter().take(limits.signatures) {
        let mut entry = Entry {
            manifest_digest: Some(descriptor.digest.clone()),
            envelope_digest: None,
            media_type: None,
            content: Err(Rejection::new(
                notation_verifier::outcome::Reason::ContentMismatch,
                "",
            )),
        };
        let manifest = layout
            .read(&descriptor, limits.manifest_bytes)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                SignatureManifest::parse(&bytes, &artifact, limits)
                    .map_err(|error| error.to_string())
            });
        let bytes = manifest.and_then(|manifest| {
            entry.envelope_digest = Some(manifest.envelope.digest.clone());
            entry.media_type = Some(manifest.envelope.media_type.clone());
            layout
                .read(&manifest.envelope, limits.envelope_bytes)
                .map_err(|error| error.to_string())
        });
        entry.content = match bytes {
            Ok(bytes) => verifier
                .integrity(entry.media_type.as_deref().unwrap_or_default(), &bytes)
                .map(Box::new),
            Err(why) => Err(Rejection::new(
                notation_verifier::outcome::Reason::ContentMismatch,
                why,
            )),
        };
        entries.push(entry);
    }
    Ok((Some(artifact.digest), entries))
}

fn print(output: Output, artifact: Option<&str>, entries: &[Entry]) {
    match output {
        Output::Json => print_json(artifact, entries, None),
        Output::Text => {
            let mut lines = String::new();
            if let Some(artifact) = artifact {
                let _ = writeln!(lines, "{artifact}: {} signature(s)", entries.len());
            }
            for (index, entry) in entries.iter().enumerate() {
                let _ = writeln!(lines, "\nSignature {} of {}", index + 1, entries.len());
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
                    Ok(signed) => {
                        let _ = writeln!(
                            lines,
                            "  integrity: verified (this says nothing about trust)"
                        );
                        text::content(&mut lines, signed);
                    }
                    Err(why) => {
                        let _ = writeln!(lines, "  integrity: BROKEN: {}", why.detail);
                    }
                }
            }
            text::print_line(lines.trim_end());
        }
    }
}

/// The document of `docs/inspect.schema.json`: one shape for success and failure.
fn print_json(artifact: Option<&str>, entries: &[Entry], error: Option<&Error>) {
    let signatures: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "manifestDigest": entry.manifest_digest,
                "envelopeDigest": entry.envelope_digest,
                "mediaType": entry.media_type,
                "integrity": entry.content.is_ok(),
                "reason": entry.content.as_ref().err().map(|why| why.reason.as_str()),
                "detail": entry.content.as_ref().err().map(|why| why.detail.as_str()),
                "content": entry.content.as_ref().ok().map(|content| signed(content)),
            })
        })
        .collect();
    let document = json!({
        "schemaVersion": notation_verifier::report::SCHEMA_VERSION,
        "artifact": artifact,
        "signatures": signatures,
        "error": error.map(error_members),
    });
    text::print_line(&format!("{document:#}"));
}
