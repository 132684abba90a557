//! `verify` of images in registries: one, or many in one run.

use std::collections::BTreeMap;
use std::io::{BufWriter, Stdout};
use std::sync::Arc;
use std::time::Instant;

use notation_verifier::io::batch::{
    BatchOptions, Finished, Hosts, ImageResult, OnFailure, Summary, verify_images,
};
use notation_verifier::io::bundle::{Bundle, Claims, Recording};
use notation_verifier::io::evidence::EvidenceFetcher;
use notation_verifier::io::registry::RegistryHosts;
use notation_verifier::io::{Budget, Cancel, Configured, Host, Run};
use notation_verifier::oci::Reference;
use notation_verifier::report::{Subject, error_members};
use notation_verifier::session::ImageRequest;
use notation_verifier::{Error, ErrorKind, Limits, Provider, Time, Verifier};
use serde_json::Value;

use crate::args::{Output, VerifyArgs};
use crate::bundle::{self, Moment, Origin, Saving};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::reports::{self, Document, Reports};
use crate::verify::finish;
use crate::{input, interrupt, text};

/// A run that can begin.
struct Prepared {
    verifier: Verifier,
    hosts: Source,
    images: Vec<Reference>,
    saving: Option<Saving>,
    warnings: Vec<String>,
    run: Run,
}

/// Where a run looks.
enum Source {
    Registries(RegistryHosts, Option<Recording>, EvidenceFetcher),
    Bundle(Bundle, Claims),
}

impl Hosts for Source {
    fn host(&self, image: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        let (scope, reference) = (&image.scope, &image.reference);
        Ok(match self {
            Self::Registries(hosts, None, _) => hosts.host(image)?,
            Self::Registries(hosts, Some(recording), _) => {
                Box::new(recording.image(scope, reference, image.now, hosts.host(image)?))
            }
            Self::Bundle(bundle, claims) => {
                let replay = bundle.image(scope, reference, *claims)?;
                if *claims == Claims::Accept {
                    // Not one of the future.
                    replay.claimed_moment(input::now())?;
                }
                Box::new(replay)
            }
        })
    }
}

impl Source {
    /// As of when an image is judged, where it is not the same for all.
    fn moment(&self, scope: &str, reference: &str) -> Option<Time> {
        match self {
            Self::Bundle(bundle, Claims::Accept) => {
                let replay = bundle.image(scope, reference, Claims::Accept).ok()?;
                replay.claimed_moment(input::now()).ok()
            }
            _ => None,
        }
    }

    /// What was noticed in using it.
    fn warnings(&self) -> Vec<String> {
        match self {
            Self::Registries(_, _, fetcher) => fetcher.warnings(),
            Self::Bundle(..) => Vec::new(),
        }
    }
}

/// Verifies the images that `args` name.
pub fn run(args: &VerifyArgs, mut origin: Origin) -> Exit {
    let started = reports::Run {
        started: input::now(),
        clock: Instant::now(),
        as_of: origin.moment.as_str(),
    };
    let only = match (&args.many.files.from, args.references.as_slice()) {
        (None, [only]) => Some(only.as_str()),
        _ => None,
    };
    let prepared = prepare(args).and_then(|prepared| {
        let reports = Reports::open(&args.report, started)?;
        Ok((prepared, reports))
    });
    match (prepared, only) {
        (Ok((prepared, reports)), Some(only)) => {
            one(args, prepared, reports, started, &mut origin, only)
        }
        (Ok((prepared, reports)), None) => many(args, prepared, reports, started, &mut origin),
        (Err(error), Some(only)) => {
            let subject = Subject::Artifact(only.to_owned());
            finish(&args.common, subject, &origin, Err(error))
        }
        (Err(error), None) => cannot_begin(args, &error, started),
    }
}

fn prepare(args: &VerifyArgs) -> Result<Prepared, Error> {
    let common = &args.common;
    let mut run = Run::default();
    if let Some(time) = common.timeout {
        run = run.with_budget(Budget::of(time));
    }
    let cancel = Cancel::new();
    interrupt::on_signal(&cancel)?;
    run = run.with_cancel(cancel);

    let limits = Limits::default();
    let list = args
        .many
        .files
        .list(&args.references, &args.registry, &limits)?;
    let mut sentences = list.warnings();
    let config = input::config(common.config.as_deref())?;
    let Configured { verifier, warnings } = config.oci_verifier(Provider::preferred(), limits)?;
    let limits = verifier.limits();
    sentences.extend(warnings.iter().map(ToString::to_string));
    let saving = Saving::start(&common.bundle, limits)?;
    let hosts = match &common.bundle.evidence {
        Some(path) => Source::Bundle(Bundle::open(path, limits)?, common.bundle.claims()),
        None => {
            let (fetcher, warnings) = common.evidence.fetcher(common.at, limits, &run)?;
            sentences.extend(warnings);
            let client = args.registry.client(list.references(), limits)?;
            Source::Registries(
                RegistryHosts::new(client, fetcher.clone(), run.clone()),
                saving.as_ref().map(|saving| saving.recording.clone()),
                fetcher,
            )
        }
    };
    Ok(Prepared {
        verifier,
        hosts,
        images: list.into_references(),
        saving,
        warnings: sentences,
        run,
    })
}

/// What came of a run beside its images.
struct Ended {
    summary: Summary,
    warnings: Vec<String>,
    unsaved: Option<Error>,
}

/// Runs it; each image goes to the reports and to `show`.
fn batch(
    args: &VerifyArgs,
    prepared: Prepared,
    reports: &mut Reports,
    origin: &mut Origin,
    show: &mut dyn FnMut(Finished),
) -> Ended {
    let metadata: BTreeMap<String, String> = args.common.user_metadata.iter().cloned().collect();
    let hosts = Arc::new(prepared.hosts);
    let source = Arc::clone(&hosts);
    let now = args.common.at.unwrap_or_else(input::now);
    let images = prepared.images.into_iter().map(|reference| {
        let scope = reference.scope();
        let named = reference.identifier().unwrap_or_default();
        ImageRequest {
            name: reference.to_string(),
            user_metadata: metadata.clone(),
            max_signatures: usize::try_from(args.max_signatures).ok(),
            all_signatures: args.all_signatures,
            platforms: args.platforms.into(),
            now: source.moment(&scope, &named).unwrap_or(now),
            scope,
            reference: named,
        }
    });
    let mut options = BatchOptions::default();
    options.concurrency = usize::from(args.many.concurrency);
    options.run = prepared.run;
    if args.many.fail_fast {
        options.on_failure = OnFailure::Stop;
    }
    let shared: Arc<dyn Hosts> = hosts.clone();
    let summary = verify_images(
        &prepared.verifier,
        images,
        shared,
        &options,
        &mut |finished| {
            reports.add(&finished);
            show(finished);
        },
    );
    let mut warnings = prepared.warnings;
    warnings.extend(hosts.warnings());
    if origin.moment == Moment::Claimed {
        warnings.push(
            "judged as of when the evidence bundle claims to be recorded: what is trusted is so \
             only if the bundle tells the truth"
                .to_owned(),
        );
    }
    let unsaved = bundle::save_file(prepared.saving, origin);
    warnings.extend(unsaved.iter().map(ToString::to_string));
    Ended {
        summary,
        warnings,
        unsaved,
    }
}

/// One image is shown as an image in a layout is: with all that was found.
fn one(
    args: &VerifyArgs,
    prepared: Prepared,
    mut reports: Reports,
    started: reports::Run,
    origin: &mut Origin,
    name: &str,
) -> Exit {
    let mut found = None;
    let ended = batch(args, prepared, &mut reports, origin, &mut |finished| {
        found = Some(finished.result);
    });
    let result = match found {
        Some(ImageResult::Report(report)) => {
            let report = report.with_warnings(ended.warnings.iter().cloned());
            Ok((report, ended.unsaved))
        }
        Some(ImageResult::Error(error)) => Err(error),
        Some(ImageResult::NotDone(stop)) => Err(Error::new(ErrorKind::Io, stop.sentence())),
        None => Err(Error::new(ErrorKind::Internal, "the image was lost")),
    };
    let subject = Subject::Artifact(name.to_owned());
    let shown = finish(&args.common, subject, origin, result);
    let exit = match Exit::of(&ended.summary) {
        Exit::Interrupted => Exit::Interrupted,
        _ => shown,
    };
    write_reports(reports, &ended.summary, &ended.warnings, started, exit)
}

fn many(
    args: &VerifyArgs,
    prepared: Prepared,
    mut reports: Reports,
    started: reports::Run,
    origin: &mut Origin,
) -> Exit {
    let mut progress = Progress::new(prepared.images.len(), "not trusted");
    let mut document = match args.common.output {
        Output::Text => None,
        Output::Json => Some(start_document(started)),
    };
    let ended = batch(args, prepared, &mut reports, origin, &mut |finished| {
        progress.add(&finished, || match &mut document {
            // A reader that went away is no failure: the exit code tells.
            Some(document) => drop(document.as_mut().map(|document| document.add(&finished))),
            None => text::print_image(&finished),
        });
    });
    progress.finish();
    let (summary, warnings) = (&ended.summary, &ended.warnings);
    let mut exit = Exit::of(summary).at(origin.moment);
    if ended.unsaved.is_some() {
        exit = exit.without_its_report();
    }
    let exit = write_reports(reports, summary, warnings, started, exit);
    match document {
        Some(document) => end_document(document, summary, warnings, &Value::Null),
        None => {
            for warning in warnings {
                text::print_warning(warning);
            }
            text::print_summary(summary);
        }
    }
    exit
}

type OnStdout = std::io::Result<Document<BufWriter<Stdout>>>;

fn start_document(run: reports::Run) -> OnStdout {
    Document::start(BufWriter::new(std::io::stdout()), run.started, run.as_of)
}

fn end_document(document: OnStdout, summary: &Summary, warnings: &[String], error: &Value) {
    drop(document.and_then(|document| document.finish(summary, warnings, error)));
}

fn cannot_begin(args: &VerifyArgs, error: &Error, started: reports::Run) -> Exit {
    match args.common.output {
        Output::Text => text::print_error(error),
        Output::Json => end_document(
            start_document(started),
            &Summary::default(),
            &[],
            &error_members(error),
        ),
    }
    if error.kind() == ErrorKind::Usage {
        Exit::Usage
    } else {
        Exit::CouldNotEvaluate
    }
}

/// Puts the reports in their places. One that cannot be written is a failure of
/// the run, which must not look like success.
pub fn write_reports(
    reports: Reports,
    summary: &Summary,
    warnings: &[String],
    started: reports::Run,
    exit: Exit,
) -> Exit {
    let errors = reports.finish(summary, warnings, &Value::Null, started);
    for error in &errors {
        text::print_error(error);
    }
    if errors.is_empty() {
        exit
    } else {
        exit.without_its_report()
    }
}
