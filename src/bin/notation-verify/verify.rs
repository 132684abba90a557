//! `verify` and `blob verify`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use notation_verifier::io::config::StoreWarning;
use notation_verifier::io::evidence::{EvidenceFetcher, WithEvidence};
use notation_verifier::io::{BlobHost, Configured, LayoutHost, drive};
use notation_verifier::report::{Report, Subject, error_document};
use notation_verifier::session::{BlobRequest, ImageRequest};
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::{Error, ErrorKind, Limits, Provider, Time};

use crate::args::{BlobVerifyArgs, Common, Output, VerifyArgs};
use crate::exit::Exit;
use crate::{input, text};

/// `notation-verify verify`.
pub fn image_or_envelope(args: &VerifyArgs) -> Exit {
    let now = args.common.at.unwrap_or_else(input::now);
    let (name, result) = match (&args.oci_layout, &args.envelope, &args.descriptor) {
        (Some(path), ..) => {
            let reference = args.reference.as_deref().unwrap_or_default();
            let name = format!("{} ({reference} in {})", args.scope, path.display());
            let result = layout(args, path, &name, reference, now);
            (name, result)
        }
        (None, Some(path), Some(descriptor)) => (
            path.display().to_string(),
            envelope(args, path, descriptor, now),
        ),
        // clap requires one of them.
        _ => (String::new(), Err(usage("give --oci-layout or --envelope"))),
    };
    finish(&args.common, Subject::Artifact(name), result)
}

/// `notation-verify blob verify`.
pub fn blob(args: &BlobVerifyArgs) -> Exit {
    let name = args.blob.display().to_string();
    let result = verify_blob(args, &name);
    finish(&args.common, Subject::Blob(name), result)
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}

fn layout(
    args: &VerifyArgs,
    path: &Path,
    name: &str,
    reference: &str,
    now: Time,
) -> Result<Report, Error> {
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.oci_verifier(Provider::preferred(), Limits::default())?;
    let session = verifier.verify_image(ImageRequest {
        name: name.to_owned(),
        scope: args.scope.clone(),
        reference: reference.to_owned(),
        user_metadata: args.common.user_metadata.iter().cloned().collect(),
        max_signatures: usize::try_from(args.max_signatures).ok(),
        all_signatures: args.all_signatures,
        platforms: notation_verifier::session::Platforms::Named,
        now,
    })?;
    let evidence = Evidence::of(&args.common, verifier.limits())?;
    let layout = input::layout(path, verifier.limits())?;
    let mut host = WithEvidence::new(LayoutHost::new(&layout), evidence.fetcher.clone());
    let report = drive(session, &mut host)?;
    Ok(report.with_warnings(evidence.and_sentences(&warnings)))
}

fn envelope(args: &VerifyArgs, path: &Path, descriptor: &Path, now: Time) -> Result<Report, Error> {
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.oci_verifier(Provider::preferred(), Limits::default())?;
    let mut evidence = Evidence::of(&args.common, verifier.limits())?;
    let target = input::descriptor(descriptor, verifier.limits())?;
    let envelope = input::file(path, verifier.limits().envelope_bytes)?;
    let request = EnvelopeRequest {
        scope: Scope::Repository(&args.scope),
        media_type: input::envelope_media_type(path, &envelope),
        envelope: &envelope,
        target: &target,
        user_metadata: &args.common.user_metadata.iter().cloned().collect(),
        now,
    };
    let report = verifier.verify_envelope(&request, &mut evidence.fetcher)?;
    Ok(report.with_warnings(evidence.and_sentences(&warnings)))
}

fn verify_blob(args: &BlobVerifyArgs, name: &str) -> Result<Report, Error> {
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.blob_verifier(Provider::preferred(), Limits::default())?;
    let limits = verifier.limits();
    let evidence = Evidence::of(&args.common, limits)?;
    let envelope = input::file(&args.signature, limits.envelope_bytes)?;
    let session = verifier.verify_blob(BlobRequest {
        name: name.to_owned(),
        policy_name: args.policy_name.clone(),
        envelope_media_type: input::envelope_media_type(&args.signature, &envelope).to_owned(),
        envelope,
        media_type: args.media_type.clone(),
        user_metadata: args.common.user_metadata.iter().cloned().collect(),
        now: args.common.at.unwrap_or_else(input::now),
    })?;
    let reader: Box<dyn Read> = if args.blob == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&args.blob).map_err(|error| {
            Error::with_source(
                ErrorKind::Io,
                format!("the blob `{name}` cannot be read: {error}"),
                error,
            )
        })?)
    };
    let host = BlobHost::new(reader, verifier.provider(), limits.blob_bytes);
    let mut host = WithEvidence::new(host, evidence.fetcher.clone());
    let report = drive(session, &mut host)?;
    Ok(report.with_warnings(evidence.and_sentences(&warnings)))
}

/// Where evidence comes from, and what was noticed when it was set up.
struct Evidence {
    fetcher: EvidenceFetcher,
    warnings: Vec<String>,
}

impl Evidence {
    fn of(common: &Common, limits: &Limits) -> Result<Self, Error> {
        let (fetcher, warnings) = common.evidence.fetcher(common.at, limits)?;
        Ok(Self { fetcher, warnings })
    }

    /// All warnings of a run, those of the trust stores first.
    fn and_sentences(self, stores: &[StoreWarning]) -> Vec<String> {
        let stores = stores.iter().map(ToString::to_string);
        let cache = self.fetcher.warnings();
        stores.chain(self.warnings).chain(cache).collect()
    }
}

/// Prints the report or the error in the form that was asked for.
fn finish(common: &Common, subject: Subject, result: Result<Report, Error>) -> Exit {
    let as_of = if common.at.is_some() { "given" } else { "now" };
    match (&result, common.output) {
        (Ok(report), Output::Text) => text::print_report(report, common.at.is_some()),
        (Err(error), Output::Text) => text::print_error(error),
        (Ok(report), Output::Json) => print_json(report.to_json(), as_of),
        (Err(error), Output::Json) => print_json(error_document(&subject, error), as_of),
    }
    match result {
        Ok(report) => Exit::of(report.status()),
        Err(error) if error.kind() == ErrorKind::Usage => Exit::Usage,
        Err(_) => Exit::CouldNotEvaluate,
    }
}

fn print_json(mut document: serde_json::Value, as_of: &str) {
    if let Some(members) = document.as_object_mut() {
        members.insert("asOf".to_owned(), as_of.into());
    }
    text::print_line(&format!("{document:#}"));
}
