//! `copy`: images with their signatures from one place to another.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use notation_verifier::io::copy::{
    CopyOptions, CopyReport, Effect, Event, Item, Place, Target, compare, copy,
};
use notation_verifier::io::registry::RegistryClient;
use notation_verifier::io::{Layout, Run};
use notation_verifier::oci::closure::Follow;
use notation_verifier::oci::{LayoutReference, Reference};
use notation_verifier::{Error, ErrorKind, Limits};
use serde_json::json;

use crate::args::Output;
use crate::evidence::seconds;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::registry::RegistryArgs;
use crate::{input, sources, text};

#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The source is in this OCI image layout: a directory or a tar archive.
    #[arg(long, value_name = "PATH")]
    pub from_oci_layout: Option<PathBuf>,
    /// The destination is the OCI image layout in this directory, which is made where
    /// it is missing.
    #[arg(long, value_name = "DIR")]
    pub to_oci_layout: Option<PathBuf>,
    /// Write nothing: say whether the destination has everything.
    #[arg(long, conflicts_with = "dry_run")]
    pub verify_only: bool,
    /// Write nothing: say what would be copied.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave out referrers: signatures, bills of materials, attestations.
    #[arg(long)]
    pub no_referrers: bool,
    /// The registry that the given user name and password are for, where there are two.
    #[arg(long, value_name = "REGISTRY")]
    pub credential_for: Option<String>,
    /// How long a list of referrers that clients keep (no referrers API) must stay as
    /// it was written.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub settle: Duration,
    /// Blobs or manifests at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for the whole run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// `registry/repository:tag` or `registry/repository@digest`; with
    /// --from-oci-layout a tag or digest in it.
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// `registry/repository`, with `:tag` where the tag is to be another one; with
    /// --to-oci-layout the tag there.
    #[arg(value_name = "DESTINATION", required_unless_present = "to_oci_layout")]
    pub destination: Option<String>,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// `notation-verify copy`.
pub fn run(args: &CopyArgs) -> Exit {
    let kind = if args.verify_only {
        "compared"
    } else {
        "copied"
    };
    let run = match sources::run(args.timeout) {
        Ok(run) => run,
        Err(error) => return sources::cannot_begin(args.output, kind, &error),
    };
    let report = match go(args, &run) {
        Ok(report) => report,
        Err(error) => {
            let exit = sources::cannot_begin(args.output, kind, &error);
            let interrupted = run.cancel().is_cancelled();
            return if interrupted { Exit::Interrupted } else { exit };
        }
    };
    if args.output == Output::Json {
        let mut document = json!({
            "schemaVersion": 1,
            "kind": kind,
            "dryRun": args.dry_run,
        });
        if let (Some(members), serde_json::Value::Object(more)) =
            (document.as_object_mut(), report.to_json())
        {
            members.extend(more);
        }
        text::print_line(&format!("{document:#}"));
    } else {
        show(&report);
    }
    sources::exit(report.is_complete(), &run)
}

fn show(report: &CopyReport) {
    for warning in &report.warnings {
        text::print_warning(warning);
    }
    for problem in &report.problems {
        text::print_line(&format!(
            "not whole        {}  {}",
            problem.digest, problem.reason
        ));
    }
    if !report.problems.is_empty() {
        text::print_line("the image is not whole at the source, and nothing was written");
        return;
    }
    text::print_line(&format!(
        "{}: {} copied, {} mounted, {} there, {} would be copied, {} foreign, {} missing, {} \
         failed, {} not done",
        report.root.as_ref().map_or("", |root| &root.digest),
        report.count("copied"),
        report.count("mounted"),
        report.count("present"),
        report.count("would-copy"),
        report.count("foreign"),
        report.count("missing"),
        report.count("failed"),
        report.count("not-done"),
    ));
}

/// A side of the copy that is in a registry.
fn reference(text: &str, layout: Option<&Path>) -> Result<Option<Reference>, Error> {
    match layout {
        Some(_) => Ok(None),
        None => Reference::parse(text).map(Some),
    }
}

fn go(args: &CopyArgs, run: &Run) -> Result<CopyReport, Error> {
    let limits = Limits::default();
    let usage = |message: &str| Error::new(ErrorKind::Usage, message);
    let destination = args.destination.as_deref().unwrap_or_default();
    let from = reference(&args.source, args.from_oci_layout.as_deref())?;
    let to = reference(destination, args.to_oci_layout.as_deref())?;
    let references: Vec<&Reference> = from.iter().chain(&to).collect();
    let client =
        args.registry
            .client_of_several(&references, args.credential_for.as_deref(), &limits)?;
    let layout = match &args.from_oci_layout {
        Some(path) if path.as_os_str() == "-" => {
            return Err(usage(
                "layers are not kept of a stream: write the archive to a file",
            ));
        }
        Some(path) => {
            LayoutReference::parse(&args.source)?;
            Some(input::layout(path, &limits)?)
        }
        None => None,
    };
    let tag = match (&args.to_oci_layout, args.destination.as_deref()) {
        (Some(_), Some(text)) => match LayoutReference::parse(text)? {
            LayoutReference::Tag(tag) => Some(tag),
            LayoutReference::Digest(_) => {
                return Err(usage("the destination in a layout is a tag, or left out"));
            }
        },
        _ => None,
    };
    let place = place(&client, from.as_ref(), layout.as_ref(), &args.source)
        .ok_or_else(|| usage("give a source"))?;
    let target = match (&args.to_oci_layout, &to) {
        (Some(path), _) => Target::Layout(path, tag.as_deref()),
        (None, Some(to)) => Target::Registry(&client, to),
        (None, None) => return Err(usage("give a destination")),
    };
    let mut options = CopyOptions::default();
    options.concurrency = usize::from(args.concurrency);
    options.settle = args.settle;
    options.limits = limits;
    options.run = run.clone();
    if args.no_referrers {
        options.follow = Follow::Nothing;
    }
    if args.dry_run {
        options.effect = Effect::DryRun;
    }
    let mut progress: Option<Progress> = None;
    let mut told = |event: Event<'_>| match event {
        Event::Planned { items, .. } => progress = Some(Progress::of(items, "things", "failed")),
        Event::Done(item) => {
            if let Some(progress) = &mut progress {
                progress.count(!item.result.is_good(), || {
                    if args.output == Output::Text {
                        text::print_line(&line(item));
                    }
                });
            }
        }
    };
    let report = if args.verify_only {
        compare(&place, &target, &options, &mut told)
    } else {
        copy(&place, &target, &options, &mut told)
    };
    if let Some(progress) = progress {
        progress.finish();
    }
    report
}

fn place<'a>(
    client: &'a RegistryClient,
    from: Option<&'a Reference>,
    layout: Option<&'a Layout>,
    source: &'a str,
) -> Option<Place<'a>> {
    match (from, layout) {
        (Some(from), _) => Some(Place::Registry(client, from)),
        (None, Some(layout)) => Some(Place::Layout(layout, source)),
        (None, None) => None,
    }
}

fn line(item: &Item) -> String {
    let reason = item.result.reason();
    let what = reason.as_deref().unwrap_or(&item.descriptor.media_type);
    format!(
        "{:<16} {:<8} {}  {what}",
        item.result.as_str(),
        item.kind.as_str(),
        item.descriptor.digest
    )
}
