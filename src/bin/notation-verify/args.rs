//! The command line, once: help, completions and man page come from here.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use notation_verifier::Time;
use notation_verifier::session::Platforms;

use crate::attach::AttachArgs;
use crate::bundle::BundleArgs;
use crate::copy::CopyArgs;
use crate::evidence::{EvidenceArgs, seconds};
use crate::payload::PayloadArgs;
use crate::prune::PruneArgs;
use crate::registry::RegistryArgs;
use crate::reports::Wanted;
use crate::sign::SignArgs;
use crate::sources::FromArgs;

/// Verify Notary Project (Notation) signatures of images and blobs.
///
/// Trust policies and trust stores come from the Notation configuration
/// directory. OCSP answers and CRLs are fetched over HTTP where the policy asks for
/// them; nothing is written, unless --evidence-cache names a directory or
/// --save-evidence a file.
#[derive(Debug, Parser)]
#[command(name = "notation-verify", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  trusted: a signature passed every check that the policy enforces
  1  rejected: there is no signature, or none that the policy trusts
  2  wrong usage
  3  could not evaluate: a policy, a trust store, a look-up or a file failed,
     or the time of --timeout was over
  4  skipped: the policy exempts this artifact, nothing was verified
  5  trusted, if an evidence bundle tells the truth about its time and tags
     (--evidence-time recorded)
  6  interrupted: somebody ended the run (Ctrl-C), what was done is reported
Of many images: 6 where the run was interrupted, else the first of 1, 3, 4 that
one image has, else 0 (or 5): all are trusted.
Of payload, sign, attach, copy and prune: 0 where everything was done, else 1, or 6.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify the signatures of images in registries, of an image in an OCI layout,
    /// or one envelope.
    Verify(Box<VerifyArgs>),
    /// Verify detached signatures of files.
    #[command(subcommand)]
    Blob(BlobCommand),
    /// Show what is in signatures; says nothing about trust.
    Inspect(InspectArgs),
    /// Show the signatures of an image as a tree; says nothing about trust.
    List(ListArgs),
    /// Write payloads for a signing service that signs files: one for each image.
    Payload(Box<PayloadArgs>),
    /// Sign payload files with a key in a file: for tests and small users.
    Sign(SignArgs),
    /// Attach signatures to their images.
    Attach(Box<AttachArgs>),
    /// Copy an image with its signatures, or compare two places.
    Copy(Box<CopyArgs>),
    /// List the signatures that nobody needs any more, or delete them.
    Prune(Box<PruneArgs>),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
}

#[derive(Debug, Subcommand)]
pub enum BlobCommand {
    /// Verify a file with its detached signature.
    Verify(BlobVerifyArgs),
}

#[derive(Debug, Args)]
pub struct Common {
    /// The Notation configuration directory [default: that of the platform].
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Require signed metadata; may be given several times.
    #[arg(short = 'm', long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub user_metadata: Vec<(String, String)>,
    /// Verify as of this moment (RFC 3339) and not as of now. The result says so.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Time>,
    /// The time for the whole run. What is not done by then is reported as such.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    #[command(flatten)]
    pub bundle: BundleArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: docs/report.schema.json, of many images
    /// docs/batch.schema.json.
    Json,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).multiple(true)
    .args(["oci_layout", "envelope", "from", "references"]))]
#[command(group = clap::ArgGroup::new("local").multiple(true)
    .args(["oci_layout", "envelope", "evidence"]))]
pub struct VerifyArgs {
    /// An OCI image layout: a directory, a tar archive, or `-` for a tar archive
    /// on standard input.
    #[arg(
        long,
        value_name = "PATH",
        requires = "references",
        requires = "scope",
        conflicts_with_all = ["envelope", "descriptor", "from"]
    )]
    pub oci_layout: Option<PathBuf>,
    /// A signature envelope on disk (COSE or JWS), with --descriptor.
    #[arg(
        long,
        value_name = "FILE",
        requires = "descriptor",
        requires = "scope",
        conflicts_with_all = ["references", "from"]
    )]
    pub envelope: Option<PathBuf>,
    /// The descriptor (JSON) of the artifact that the envelope should be of.
    #[arg(long, value_name = "FILE", requires = "envelope")]
    pub descriptor: Option<PathBuf>,
    /// The registry scope that selects the trust policy: `registry/repository`. For
    /// layouts, envelopes and evidence bundles; a reference has its own.
    #[arg(long, value_name = "REPOSITORY", requires = "local")]
    pub scope: Option<String>,
    /// The most signatures to evaluate of an image.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_signatures: u32,
    /// Evaluate every signature, not only up to the first trusted one.
    #[arg(long)]
    pub all_signatures: bool,
    /// What of an index must be trusted.
    #[arg(long, value_enum, default_value_t = PlatformsArg::Named, conflicts_with = "envelope")]
    pub platforms: PlatformsArg,
    /// Write a report: FILE.json, FILE.xml (JUnit) or FILE.html, or FORMAT=FILE with
    /// json, junit or html. May be given several times.
    #[arg(long, value_name = "FILE", conflicts_with = "envelope")]
    pub report: Vec<Wanted>,
    /// `registry/repository:tag` or `registry/repository@digest`, any number of them;
    /// with --scope one tag or digest in the layout or the evidence bundle.
    #[arg(value_name = "REFERENCE")]
    pub references: Vec<String>,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub many: ManyArgs,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlatformsArg {
    /// What is named, an index or not.
    Named,
    /// The index and every manifest in it.
    All,
}

impl From<PlatformsArg> for Platforms {
    fn from(arg: PlatformsArg) -> Self {
        match arg {
            PlatformsArg::Named => Self::Named,
            PlatformsArg::All => Self::All,
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Many images")]
pub struct ManyArgs {
    #[command(flatten)]
    pub files: FromArgs,
    /// Images at the same time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), conflicts_with_all = ["oci_layout", "envelope"])]
    pub concurrency: u16,
    /// Begin no more images after the first one that is not trusted.
    #[arg(long, conflicts_with_all = ["oci_layout", "envelope"])]
    pub fail_fast: bool,
}

#[derive(Debug, Args)]
pub struct BlobVerifyArgs {
    /// The signature envelope (`.jws`, `.cose`, with or without `.sig`).
    #[arg(long, value_name = "FILE")]
    pub signature: PathBuf,
    /// The trust policy statement [default: the global one].
    #[arg(long, value_name = "NAME")]
    pub policy_name: Option<String>,
    /// The media type that the signature must state for the file.
    #[arg(long, value_name = "TYPE")]
    pub media_type: Option<String>,
    /// The file, or `-` for standard input.
    #[arg(value_name = "FILE")]
    pub blob: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).multiple(true)
    .args(["oci_layout", "envelope", "reference"]))]
pub struct InspectArgs {
    /// An OCI image layout: a directory, a tar archive, or `-`.
    #[arg(
        long,
        value_name = "PATH",
        requires = "reference",
        conflicts_with = "envelope"
    )]
    pub oci_layout: Option<PathBuf>,
    /// A signature envelope on disk (COSE or JWS).
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    pub envelope: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for everything.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// `registry/repository:tag` or `registry/repository@digest`; with --oci-layout
    /// a tag or digest.
    #[arg(value_name = "REFERENCE")]
    pub reference: Option<String>,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// An OCI image layout: a directory, a tar archive, or `-`.
    #[arg(long, value_name = "PATH")]
    pub oci_layout: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// The time for everything.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// `registry/repository:tag` or `registry/repository@digest`; with --oci-layout
    /// a tag or digest.
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    #[command(flatten)]
    pub registry: RegistryArgs,
}

pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("metadata has the form KEY=VALUE".to_owned()),
    }
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text)
        .ok_or_else(|| "a moment has the form 2026-01-31T12:00:00Z (RFC 3339)".to_owned())
}
