//! Options about the time-stamping authority of signatures that are made here.

use std::path::PathBuf;

use clap::Args;
use notation_verifier::io::Run;
use notation_verifier::io::timestamp::{TimestampAuthority, TimestampOptions};
use notation_verifier::{Error, ErrorKind, Limits};

use crate::evidence::EvidenceArgs;
use crate::{input, text};

#[derive(Debug, Args)]
#[command(next_help_heading = "Time-stamps")]
pub struct TimestampArgs {
    /// The address of an RFC 3161 time-stamping authority: each signature gets a
    /// time-stamp of it, or there is no envelope.
    #[arg(long, value_name = "URL", requires = "timestamp_root_cert")]
    pub timestamp_url: Option<String>,
    /// A file with root certificates that the authority must lead to (PEM or DER).
    /// May be given several times.
    #[arg(long, value_name = "FILE", requires = "timestamp_url")]
    pub timestamp_root_cert: Vec<PathBuf>,
    /// A file with more authorities that may name an https server of --timestamp-url
    /// (PEM). May be given several times.
    #[arg(long, value_name = "FILE", requires = "timestamp_url")]
    pub ca_file: Vec<PathBuf>,
}

impl TimestampArgs {
    /// The authority, where one is asked for.
    pub fn authority(
        &self,
        evidence: &EvidenceArgs,
        run: &Run,
        limits: &Limits,
    ) -> Result<Option<TimestampAuthority>, Error> {
        let Some(url) = &self.timestamp_url else {
            return Ok(None);
        };
        let mut roots = Vec::new();
        for path in &self.timestamp_root_cert {
            roots.push(input::file(path, limits.trust_store_file_bytes)?);
        }
        let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
        let mut options = TimestampOptions::default();
        options.tls.ca_files.clone_from(&self.ca_file);
        let (fetcher, warnings) = evidence.fetcher(None, limits, &Run::default())?;
        for warning in &warnings {
            text::print_warning(warning);
        }
        let authority = TimestampAuthority::new(url, &roots, fetcher, options, limits);
        authority
            .map(|authority| Some(authority.in_run(run.clone())))
            .map_err(|error| match error.kind() {
                ErrorKind::TrustStore => Error::with_source(
                    ErrorKind::TrustStore,
                    format!("--timestamp-root-cert: {error}"),
                    error,
                ),
                _ => error,
            })
    }
}
