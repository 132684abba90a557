//! `attach`: signatures back to their images.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use notation_verifier::io::Run;
use notation_verifier::io::attach::{
    AttachOptions, AttachResult, AttachSummary, Attached, Attachment, Effect, EnvelopeAt,
    attach_all, attachments_of_map, document,
};
use notation_verifier::oci::Reference;
use notation_verifier::sign::manifest::ManifestForm;
use notation_verifier::{Error, Limits, Verifier};

use crate::args::Output;
use crate::evidence::seconds;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::registry::RegistryArgs;
use crate::{sources, text};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("signatures").required(true).multiple(true)
    .args(["map", "pairs"]))]
pub struct AttachArgs {
    /// The map that `payload` wrote; envelopes are in place of the payloads beside
    /// it, or in files with `.sig`, `.cose` or `.jws` after their names.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// The form of the signature manifests.
    #[arg(long, value_enum, default_value_t = Form::ArtifactType)]
    pub manifest_form: Form,
    /// Check everything, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long a list of referrers that clients keep (no referrers API) must stay as
    /// it was written.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub settle: Duration,
    /// Signatures at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for the whole run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// An image and the file of its envelope, any number of pairs.
    #[arg(value_name = "REFERENCE=ENVELOPE", value_parser = pair)]
    pub pairs: Vec<(Reference, PathBuf)>,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The forms of a signature manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// OCI 1.1, with an artifact type.
    ArtifactType,
    /// For registries that refuse it, or list it wrongly: with the media type of the
    /// config.
    Legacy,
}

fn pair(text: &str) -> Result<(Reference, PathBuf), String> {
    let (reference, path) = text
        .split_once('=')
        .ok_or("a pair has the form REFERENCE=ENVELOPE")?;
    let reference = Reference::parse(reference).map_err(|error| error.to_string())?;
    if path.is_empty() {
        return Err("the file of the envelope is missing after the `=`".to_owned());
    }
    Ok((reference, path.into()))
}

impl AttachArgs {
    const fn effect(&self) -> Effect {
        if self.dry_run {
            Effect::DryRun
        } else {
            Effect::Write
        }
    }
}

/// `notation-verify attach`.
pub fn run(args: &AttachArgs) -> Exit {
    let run = match sources::run(args.timeout) {
        Ok(run) => run,
        Err(error) => return sources::cannot_begin(args.output, "attached", &error),
    };
    match attach(args, &run) {
        Ok((all, summary)) => {
            if args.output == Output::Json {
                let document = document(args.effect(), &all, &summary);
                text::print_line(&format!("{document:#}"));
            } else {
                text::print_line(&format!(
                    "{} attached, {} attached before, {} would be attached, {} failed, {} not done",
                    summary.attached,
                    summary.already_attached,
                    summary.would_attach,
                    summary.failed,
                    summary.not_done
                ));
            }
            sources::exit(summary.is_complete(), &run)
        }
        Err(error) => sources::cannot_begin(args.output, "attached", &error),
    }
}

fn attach(args: &AttachArgs, run: &Run) -> Result<(Vec<Attached>, AttachSummary), Error> {
    let limits = Limits::default();
    let mut attachments = match &args.map {
        Some(path) => attachments_of_map(path, &limits)?,
        None => Vec::new(),
    };
    attachments.extend(args.pairs.iter().map(|(reference, path)| Attachment {
        reference: reference.clone(),
        target: None,
        envelope: EnvelopeAt::File(path.clone()),
    }));
    let references = attachments.iter().map(|one| &one.reference);
    let client = args.registry.client(references, &limits)?;
    let mut options = AttachOptions::default();
    options.concurrency = usize::from(args.concurrency);
    options.settle = args.settle;
    options.run = run.clone();
    if args.manifest_form == Form::Legacy {
        options.form = ManifestForm::ConfigMediaType;
    }
    options.effect = args.effect();
    let verifier = Verifier::builder().limits(limits).build();
    let mut progress = Progress::new(attachments.len(), "failed");
    let mut all = Vec::new();
    let summary = attach_all(&verifier, &client, &attachments, &options, &mut |one| {
        progress.count(one.result.signature().is_none(), || {
            if args.output == Output::Text {
                text::print_line(&line(&one));
            }
        });
        all.push(one);
    });
    progress.finish();
    all.sort_by_key(|one| one.index);
    Ok((all, summary))
}

fn line(one: &Attached) -> String {
    let what = match &one.result {
        AttachResult::Attached { signature }
        | AttachResult::AlreadyAttached { signature }
        | AttachResult::WouldAttach { signature } => signature.clone(),
        AttachResult::Failed(_) | AttachResult::NotDone(_) => {
            one.result.reason().unwrap_or_default()
        }
    };
    sources::line(one.result.as_str(), &one.reference, &what)
}
