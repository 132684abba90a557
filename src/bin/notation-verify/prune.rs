//! `prune`: signatures that nobody needs any more.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use notation_verifier::io::prune::{
    Effect, GoneImages, PruneOptions, PruneSummary, Pruned, PrunedSignature, document, gone_images,
    prune,
};
use notation_verifier::io::{Configured, Run};
use notation_verifier::oci::Reference;
use notation_verifier::sign::prune::Signers;
use notation_verifier::{Error, Limits, Provider};

use crate::args::Output;
use crate::evidence::{EvidenceArgs, seconds};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::registry::RegistryArgs;
use crate::sources::FromArgs;
use crate::{input, sources, text};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("images").required(true).multiple(true)
    .args(["from", "references", "repository"]))]
pub struct PruneArgs {
    /// Delete the signatures that can go. Without it they are listed, and nothing is
    /// changed.
    #[arg(long)]
    pub delete: bool,
    /// Find the images of this repository (`registry/repository`) that are gone, where
    /// clients keep lists of referrers under tags. May be given several times.
    #[arg(long, value_name = "REPOSITORY", value_parser = repository)]
    pub repository: Vec<Reference>,
    /// Count newer valid signatures of every signer whom the policy trusts, and not
    /// only of the same one.
    #[arg(long)]
    pub any_signer: bool,
    /// The Notation configuration directory, whose policy says which signatures are
    /// valid [default: that of the platform].
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// How long a list of referrers that clients keep (no referrers API) must stay as
    /// it was written before signatures are deleted.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub settle: Duration,
    /// Images at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for the whole run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// `registry/repository:tag` or `registry/repository@digest`, any number of them;
    /// an image that is gone by its digest.
    #[arg(value_name = "REFERENCE")]
    pub references: Vec<String>,
    #[command(flatten)]
    pub from: FromArgs,
    #[command(flatten)]
    pub registry: RegistryArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

impl PruneArgs {
    const fn effect(&self) -> Effect {
        if self.delete {
            Effect::Write
        } else {
            Effect::DryRun
        }
    }
}

/// `notation-verify prune`.
pub fn run(args: &PruneArgs) -> Exit {
    let run = match sources::run(args.timeout) {
        Ok(run) => run,
        Err(error) => return sources::cannot_begin(args.output, "pruned", &error),
    };
    match go(args, &run) {
        Ok(Done {
            all,
            summary,
            repositories,
            warnings,
        }) => {
            for warning in &warnings {
                text::print_warning(warning);
            }
            if args.output == Output::Json {
                let effect = args.effect();
                let document = document(effect, &all, &summary, &repositories, &warnings);
                text::print_line(&format!("{document:#}"));
            } else {
                for one in &repositories {
                    text::print_line(&format!(
                        "{}: {} lists of referrers under tags, {} of images that are gone",
                        one.repository.scope(),
                        one.lists,
                        one.images.len()
                    ));
                }
                show(&summary, args.effect());
            }
            sources::exit(summary.is_complete(), &run)
        }
        Err(error) => sources::cannot_begin(args.output, "pruned", &error),
    }
}

fn show(summary: &PruneSummary, effect: Effect) {
    text::print_line(&format!(
        "signatures: {} deleted, {} deleted before, {} can go, {} stay; images: {} failed, {} not \
         done",
        summary.deleted,
        summary.already_deleted,
        summary.goes,
        summary.stays,
        summary.failed,
        summary.not_done
    ));
    if effect == Effect::DryRun && summary.goes > 0 {
        text::print_line("nothing was deleted: --delete does that");
    }
}

struct Done {
    all: Vec<Pruned>,
    summary: PruneSummary,
    repositories: Vec<GoneImages>,
    warnings: Vec<String>,
}

fn repository(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

fn go(args: &PruneArgs, run: &Run) -> Result<Done, Error> {
    let limits = Limits::default();
    let list = args.from.list(&args.references, &args.registry, &limits)?;
    let mut warnings = list.warnings();
    let known = list.references().iter().chain(&args.repository);
    let client = args.registry.client(known, &limits)?;
    let config = input::config(args.config.as_deref())?;
    let Configured {
        verifier,
        warnings: stores,
    } = config.oci_verifier(Provider::preferred(), limits)?;
    warnings.extend(stores.iter().map(ToString::to_string));
    let (evidence, noticed) = args.evidence.fetcher(None, verifier.limits(), run)?;
    warnings.extend(noticed);
    let mut options = PruneOptions::new(verifier, evidence, input::now());
    options.effect = args.effect();
    options.concurrency = usize::from(args.concurrency);
    options.settle = args.settle;
    options.run = run.clone();
    if args.any_signer {
        options.signers = Signers::Any;
    }
    let mut references = list.into_references();
    let mut repositories = Vec::new();
    for repository in &args.repository {
        let found = gone_images(&client, repository, options.concurrency, run)?;
        let new = found.images.iter().filter(|one| !references.contains(one));
        let new: Vec<Reference> = new.cloned().collect();
        references.extend(new);
        repositories.push(found);
    }
    let mut progress = Progress::new(references.len(), "failed");
    let mut all = Vec::new();
    let summary = prune(&client, &references, &options, &mut |one| {
        progress.count(!one.result.is_good(), || {
            if args.output == Output::Text {
                for line in lines(&one) {
                    text::print_line(&line);
                }
            }
        });
        all.push(one);
    });
    progress.finish();
    all.sort_by_key(|one| one.index);
    Ok(Done {
        all,
        summary,
        repositories,
        warnings,
    })
}

/// The image, and each signature below it.
fn lines(one: &Pruned) -> Vec<String> {
    let what = match one.result.reason() {
        Some(reason) => reason,
        None if one.is_gone => "the image is gone".to_owned(),
        None => String::new(),
    };
    let image = sources::line(one.result.as_str(), &one.reference, &what);
    let mut lines = vec![image.trim_end().to_owned()];
    lines.extend(one.signatures.iter().map(line));
    lines
}

fn line(one: &PrunedSignature) -> String {
    let time = match one.signed_at {
        Some(time) => time.to_string(),
        None => "no time".to_owned(),
    };
    format!(
        "  {:<15} {}  {time}  {}",
        one.state.as_str(),
        one.digest,
        one.why
    )
}
