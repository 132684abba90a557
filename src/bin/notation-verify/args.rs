//! The command line, once: help, completions and man page come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use notation_verifier::Time;

use crate::bundle::BundleArgs;
use crate::evidence::EvidenceArgs;

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
  3  could not evaluate: a policy, a trust store, a look-up or a file failed
  4  skipped: the policy exempts this artifact, nothing was verified
  5  trusted, if an evidence bundle tells the truth about its time and tags
     (--evidence-time recorded)";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify the signatures of an image in an OCI layout, or one envelope.
    Verify(VerifyArgs),
    /// Verify detached signatures of files.
    #[command(subcommand)]
    Blob(BlobCommand),
    /// Show what is in signatures; says nothing about trust.
    Inspect(InspectArgs),
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
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    #[command(flatten)]
    pub bundle: BundleArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: docs/report.schema.json.
    Json,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).multiple(true)
    .args(["oci_layout", "envelope", "evidence"]))]
pub struct VerifyArgs {
    /// An OCI image layout: a directory, a tar archive, or `-` for a tar archive
    /// on standard input.
    #[arg(
        long,
        value_name = "PATH",
        requires = "reference",
        conflicts_with_all = ["descriptor", "envelope"]
    )]
    pub oci_layout: Option<PathBuf>,
    /// A signature envelope on disk (COSE or JWS), with --descriptor.
    #[arg(
        long,
        value_name = "FILE",
        requires = "descriptor",
        conflicts_with = "reference"
    )]
    pub envelope: Option<PathBuf>,
    /// The descriptor (JSON) of the artifact that the envelope should be of.
    #[arg(long, value_name = "FILE")]
    pub descriptor: Option<PathBuf>,
    /// The registry scope that selects the trust policy: `registry/repository`.
    #[arg(long, value_name = "REPOSITORY")]
    pub scope: String,
    /// The most signatures to evaluate.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_signatures: u32,
    /// Evaluate every signature, not only up to the first trusted one.
    #[arg(long)]
    pub all_signatures: bool,
    /// Tag or digest in the layout or the evidence bundle.
    #[arg(value_name = "REFERENCE")]
    pub reference: Option<String>,
    #[command(flatten)]
    pub common: Common,
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
#[command(group = clap::ArgGroup::new("source").required(true).args(["oci_layout", "envelope"]))]
pub struct InspectArgs {
    /// An OCI image layout: a directory, a tar archive, or `-`.
    #[arg(long, value_name = "PATH", requires = "reference")]
    pub oci_layout: Option<PathBuf>,
    /// A signature envelope on disk (COSE or JWS).
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    pub envelope: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Tag or digest in the layout.
    #[arg(value_name = "REFERENCE")]
    pub reference: Option<String>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("metadata has the form KEY=VALUE".to_owned()),
    }
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text)
        .ok_or_else(|| "a moment has the form 2026-01-31T12:00:00Z (RFC 3339)".to_owned())
}
