//! `verify` and `blob verify`.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use notation_verifier::io::bundle::Replay;
use notation_verifier::io::config::StoreWarning;
use notation_verifier::io::evidence::{EvidenceFetcher, WithEvidence};
use notation_verifier::io::{BlobHost, Budget, Configured, Host, LayoutHost, Run, drive};
use notation_verifier::report::{ArtifactStatus, Report, Subject, error_document};
use notation_verifier::session::{BlobRequest, ImageRequest, Session};
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::{Error, ErrorKind, Limits, Provider, Time};

use crate::args::{BlobVerifyArgs, Common, Output, VerifyArgs};
use crate::bundle::{self, Origin, Saving, Wanted};
use crate::exit::Exit;
use crate::reports::{self, Reports};
use crate::{images, input, text};

/// What came of a verification; an error beside a report is that its evidence
/// could not be saved.
pub type Found = Result<(Report, Option<Error>), Error>;

/// `notation-verify verify`.
pub fn image_or_envelope(args: &VerifyArgs) -> Exit {
    let mut origin = Origin::of(&args.common.bundle, args.common.at);
    match (&args.envelope, &args.descriptor, &args.scope) {
        (Some(path), Some(descriptor), Some(scope)) => {
            let found = envelope(args, path, descriptor, scope, &mut origin);
            let subject = Subject::Artifact(path.display().to_string());
            finish(&args.common, subject, &origin, found)
        }
        (None, _, Some(scope)) => image_and_reports(args, scope, origin),
        // clap requires a scope where there is no reference with one.
        _ => images::run(args, origin),
    }
}

/// An image in a layout or an evidence bundle, named by tag or digest.
fn image_and_reports(args: &VerifyArgs, scope: &str, mut origin: Origin) -> Exit {
    let run = reports::Run {
        started: input::now(),
        clock: Instant::now(),
        as_of: origin.moment.as_str(),
    };
    let layout = args.oci_layout.as_deref();
    let place = layout.or(args.common.bundle.evidence.as_deref());
    let reference = args.references.first().map_or("", String::as_str);
    let name = format!(
        "{scope} ({reference} in {})",
        place.unwrap_or(Path::new("")).display()
    );
    let subject = Subject::Artifact(name.clone());
    let opened = match args.references.len() {
        1 => Reports::open(&args.report, run),
        _ => Err(usage("with --scope, give one tag or digest")),
    };
    let reports = match opened {
        Ok(reports) => reports,
        Err(error) => return finish(&args.common, subject, &origin, Err(error)),
    };
    let found = image(args, layout, scope, &name, reference, &mut origin);
    let reported = found.as_ref().map(|(report, _)| report);
    let (reports, summary) = reports.of_one(&name, reported, run.clock.elapsed());
    let exit = finish(&args.common, subject, &origin, found);
    images::write_reports(reports, &summary, &[], run, exit)
}

/// `notation-verify blob verify`.
pub fn blob(args: &BlobVerifyArgs) -> Exit {
    let mut origin = Origin::of(&args.common.bundle, args.common.at);
    let name = args.blob.display().to_string();
    let result = verify_blob(args, &name, &mut origin);
    finish(&args.common, Subject::Blob(name), &origin, result)
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}

/// An image in a layout, or, without one, in an evidence bundle.
fn image(
    args: &VerifyArgs,
    path: Option<&Path>,
    scope: &str,
    name: &str,
    reference: &str,
    origin: &mut Origin,
) -> Found {
    if reference.is_empty() {
        return Err(usage("say which artifact: give its digest (or tag)"));
    }
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.oci_verifier(Provider::preferred(), Limits::default())?;
    let wanted = match path {
        Some(_) => Wanted::Evidence,
        None => Wanted::Image { scope, reference },
    };
    let setting = Setting::of(&args.common, &wanted, verifier.limits(), origin)?;
    let session = verifier.verify_image(ImageRequest {
        name: name.to_owned(),
        scope: scope.to_owned(),
        reference: reference.to_owned(),
        user_metadata: args.common.user_metadata.iter().cloned().collect(),
        max_signatures: usize::try_from(args.max_signatures).ok(),
        all_signatures: args.all_signatures,
        platforms: args.platforms.into(),
        now: setting.now,
    })?;
    let report = match (path, setting.replay.clone()) {
        (None, Some(mut replay)) => drive(session, &mut replay)?,
        (None, None) => return Err(usage("give --oci-layout, --envelope or --evidence")),
        (Some(path), _) => {
            let layout = input::layout(path, verifier.limits())?;
            setting.drive(session, LayoutHost::new(&layout), |saving, host| {
                let recording = &saving.recording;
                Box::new(recording.image(scope, reference, setting.now, host))
            })?
        }
    };
    Ok(setting.finish(report, &warnings, origin))
}

fn envelope(
    args: &VerifyArgs,
    path: &Path,
    descriptor: &Path,
    scope: &str,
    origin: &mut Origin,
) -> Found {
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.oci_verifier(Provider::preferred(), Limits::default())?;
    let setting = Setting::of(&args.common, &Wanted::Evidence, verifier.limits(), origin)?;
    let target = input::descriptor(descriptor, verifier.limits())?;
    let envelope = input::file(path, verifier.limits().envelope_bytes)?;
    let request = EnvelopeRequest {
        scope: Scope::Repository(scope),
        media_type: input::envelope_media_type(path, &envelope),
        envelope: &envelope,
        target: &target,
        user_metadata: &args.common.user_metadata.iter().cloned().collect(),
        now: setting.now,
    };
    let report = match (&setting.replay, &setting.saving) {
        (Some(replay), _) => verifier.verify_envelope(&request, &mut replay.clone()),
        (None, Some(saving)) => {
            let name = path.display().to_string();
            let fetcher = setting.fetcher.clone();
            let mut recorder = saving.recording.at_hand(&name, setting.now, fetcher);
            verifier.verify_envelope(&request, &mut recorder)
        }
        (None, None) => verifier.verify_envelope(&request, &mut setting.fetcher.clone()),
    }?;
    Ok(setting.finish(report, &warnings, origin))
}

fn verify_blob(args: &BlobVerifyArgs, name: &str, origin: &mut Origin) -> Found {
    let config = input::config(args.common.config.as_deref())?;
    let Configured { verifier, warnings } =
        config.blob_verifier(Provider::preferred(), Limits::default())?;
    let limits = verifier.limits();
    let setting = Setting::of(&args.common, &Wanted::Evidence, limits, origin)?;
    let envelope = input::file(&args.signature, limits.envelope_bytes)?;
    let session = verifier.verify_blob(BlobRequest {
        name: name.to_owned(),
        policy_name: args.policy_name.clone(),
        envelope_media_type: input::envelope_media_type(&args.signature, &envelope).to_owned(),
        envelope,
        media_type: args.media_type.clone(),
        user_metadata: args.common.user_metadata.iter().cloned().collect(),
        now: setting.now,
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
    let report = setting.drive(session, host, |saving, host| {
        Box::new(saving.recording.at_hand(name, setting.now, host))
    })?;
    Ok(setting.finish(report, &warnings, origin))
}

/// Where evidence comes from and goes to, and as of when everything is judged.
struct Setting {
    now: Time,
    fetcher: EvidenceFetcher,
    replay: Option<Replay>,
    saving: Option<Saving>,
    warnings: Vec<String>,
}

impl Setting {
    fn of(
        common: &Common,
        wanted: &Wanted<'_>,
        limits: &Limits,
        origin: &mut Origin,
    ) -> Result<Self, Error> {
        let replay = bundle::open(&common.bundle, wanted, limits, origin)?;
        let mut run = Run::default();
        if let Some(time) = common.timeout {
            run = run.with_budget(Budget::of(time));
        }
        let (fetcher, warnings) = common.evidence.fetcher(common.at, limits, &run)?;
        Ok(Self {
            now: bundle::moment(common.at, origin, replay.as_ref())?,
            fetcher,
            replay,
            saving: Saving::start(&common.bundle, limits)?,
            warnings,
        })
    }

    /// Drives `session` with what `host` has, and evidence from where it should
    /// come. `record` wraps the host that is recorded.
    fn drive<'h, H: Host + 'h>(
        &self,
        session: Session,
        host: H,
        record: impl FnOnce(&Saving, WithEvidence<H>) -> Box<dyn Host + 'h>,
    ) -> Result<Report, Error> {
        if let Some(replay) = &self.replay {
            return drive(session, &mut replay.clone().around(host));
        }
        let mut host = WithEvidence::new(host, self.fetcher.clone());
        match &self.saving {
            Some(saving) => drive(session, record(saving, host).as_mut()),
            None => drive(session, &mut host),
        }
    }

    /// Adds all warnings of the run, those of the trust stores first, and saves
    /// what was recorded.
    fn finish(
        self,
        report: Report,
        stores: &[StoreWarning],
        origin: &mut Origin,
    ) -> (Report, Option<Error>) {
        let stores = stores.iter().map(ToString::to_string);
        let cache = self.fetcher.warnings();
        let warnings = stores.chain(self.warnings).chain(cache);
        bundle::save(self.saving, report.with_warnings(warnings), origin)
    }
}

/// Prints the report or the error in the form that was asked for.
pub fn finish(common: &Common, subject: Subject, origin: &Origin, result: Found) -> Exit {
    match (&result, common.output) {
        (Ok((report, _)), Output::Text) => text::print_report(report, origin),
        (Err(error), Output::Text) => text::print_error(error),
        (Ok((report, _)), Output::Json) => print_json(report.to_json(), origin),
        (Err(error), Output::Json) => print_json(error_document(&subject, error), origin),
    }
    match result {
        Ok((report, unsaved)) => match (report.status(), origin.moment) {
            (ArtifactStatus::Verified, _) if unsaved.is_some() => Exit::CouldNotEvaluate,
            (status, moment) => Exit::of_one(status).at(moment),
        },
        Err(error) if error.kind() == ErrorKind::Usage => Exit::Usage,
        Err(_) => Exit::CouldNotEvaluate,
    }
}

fn print_json(mut document: serde_json::Value, origin: &Origin) {
    origin.write_into(&mut document);
    text::print_line(&format!("{document:#}"));
}
