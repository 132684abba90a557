//! `payload`: files for a signing service.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use notation_verifier::io::payloads::{
    MAP_NAME, OtherContent, PayloadOptions, PayloadResult, PayloadSummary, Prepared, SkipSigned,
    document, write_payloads_and_map,
};
use notation_verifier::io::{Configured, Run};
use notation_verifier::{Error, Limits, Provider};

use crate::args::{Output, key_value};
use crate::evidence::{EvidenceArgs, seconds};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::registry::RegistryArgs;
use crate::sources::FromArgs;
use crate::{input, sources, text};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("images").required(true).multiple(true)
    .args(["from", "references"]))]
pub struct PayloadArgs {
    /// The directory for the payloads and for payload-map.json; made where it is
    /// missing.
    #[arg(long, short = 'd', value_name = "DIR")]
    pub directory: PathBuf,
    /// User metadata of each payload; may be given several times.
    #[arg(short = 'm', long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub user_metadata: Vec<(String, String)>,
    /// Give no payload to images with a signature that is valid by the policy of the
    /// Notation configuration directory. One that is broken, expired or not trusted
    /// does not count.
    #[arg(long)]
    pub skip_valid: bool,
    /// The Notation configuration directory of that policy [default: that of the
    /// platform]. Implies --skip-valid.
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Give a payload to images with a valid signature too.
    #[arg(long)]
    pub force: bool,
    /// Write over files that have the name of a payload and hold neither that payload
    /// nor a signature of it.
    #[arg(long)]
    pub replace: bool,
    /// Images at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for the whole run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// `registry/repository:tag` or `registry/repository@digest`, any number of them.
    #[arg(value_name = "REFERENCE")]
    pub references: Vec<String>,
    #[command(flatten)]
    pub from: FromArgs,
    #[command(flatten)]
    pub registry: RegistryArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// `notation-verify payload`.
pub fn run(args: &PayloadArgs) -> Exit {
    let run = match sources::run(args.timeout) {
        Ok(run) => run,
        Err(error) => return sources::cannot_begin(args.output, "payloads", &error),
    };
    match prepare(args, &run) {
        Ok((prepared, summary, warnings)) => {
            for warning in &warnings {
                text::print_warning(warning);
            }
            if args.output == Output::Json {
                let map = args.directory.join(MAP_NAME);
                text::print_line(&format!(
                    "{:#}",
                    document(&map, &prepared, &summary, &warnings)
                ));
            } else {
                text::print_line(&format!(
                    "{} written, {} there already, {} signed already, {} with a valid signature, \
                     {} failed, {} not done",
                    summary.written,
                    summary.kept,
                    summary.signed,
                    summary.valid,
                    summary.failed,
                    summary.not_done
                ));
            }
            sources::exit(summary.is_complete(), &run)
        }
        Err(error) => sources::cannot_begin(args.output, "payloads", &error),
    }
}

type Done = (Vec<Prepared>, PayloadSummary, Vec<String>);

fn prepare(args: &PayloadArgs, run: &Run) -> Result<Done, Error> {
    let limits = Limits::default();
    let list = args.from.list(&args.references, &args.registry, &limits)?;
    let mut warnings = list.warnings();
    let client = args.registry.client(list.references(), &limits)?;
    let mut options = PayloadOptions::new(&args.directory);
    options.annotations = args.user_metadata.iter().cloned().collect();
    options.concurrency = usize::from(args.concurrency);
    options.run = run.clone();
    if args.replace {
        options.other_content = OtherContent::Replace;
    }
    if (args.skip_valid || args.config.is_some()) && !args.force {
        let config = input::config(args.config.as_deref())?;
        let configured = config.oci_verifier(Provider::preferred(), limits)?;
        let Configured {
            verifier,
            warnings: stores,
        } = configured;
        warnings.extend(stores.iter().map(ToString::to_string));
        let (evidence, noticed) = args.evidence.fetcher(None, verifier.limits(), run)?;
        warnings.extend(noticed);
        options.skip_signed = Some(SkipSigned {
            verifier,
            evidence,
            now: input::now(),
        });
    }
    let references = list.into_references();
    let mut progress = Progress::new(references.len(), "failed");
    let mut all = Vec::new();
    let written = write_payloads_and_map(&client, &references, &options, &mut |one| {
        let failed = matches!(
            one.result,
            PayloadResult::Failed(_) | PayloadResult::NotDone(_)
        );
        progress.count(failed, || {
            if args.output == Output::Text {
                text::print_line(&line(&one));
            }
        });
        all.push(one);
    });
    progress.finish();
    let summary = written?;
    all.sort_by_key(|one| one.index);
    Ok((all, summary, warnings))
}

fn line(one: &Prepared) -> String {
    let what = match &one.result {
        PayloadResult::Written(entry)
        | PayloadResult::Kept(entry)
        | PayloadResult::Signed(entry) => entry.payload.clone(),
        PayloadResult::Valid { signature } => signature.clone().unwrap_or_default(),
        PayloadResult::Failed(_) | PayloadResult::NotDone(_) => {
            one.result.reason().unwrap_or_default()
        }
    };
    sources::line(one.result.as_str(), &one.reference, &what)
}
