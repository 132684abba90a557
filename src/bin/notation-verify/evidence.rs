//! Options about revocation evidence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use notation_verifier::io::Run;
use notation_verifier::io::evidence::{
    DirectoryOptions, EvidenceFetcher, FetchOptions, HostPattern, Mode, PrivateAddresses,
};
use notation_verifier::{Error, Limits, Provider, Time};

#[derive(Debug, Args)]
#[command(next_help_heading = "Revocation evidence")]
pub struct EvidenceArgs {
    /// Where OCSP answers and CRLs may come from.
    #[arg(long, value_enum, default_value_t = RevocationMode::Online)]
    pub revocation_mode: RevocationMode,
    /// The time for one OCSP answer.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub ocsp_timeout: Duration,
    /// The time for one CRL.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub crl_timeout: Duration,
    /// Keep answers in this directory; processes can share it.
    #[arg(long, value_name = "DIR")]
    pub evidence_cache: Option<PathBuf>,
    /// A CRL or an OCSP response that is at hand, or a directory of them; with
    /// URL=FILE the CRL that is at this address. May be given several times.
    #[arg(
        long,
        value_name = "PATH",
        visible_aliases = ["crl", "ocsp-response"]
    )]
    pub preload: Vec<PathBuf>,
    /// Ask only this host (`crl.example.com`, `*.example.com`, `host:port`). May
    /// be given several times.
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<HostPattern>,
    /// Ask hosts with loopback, private and link-local addresses too.
    #[arg(long)]
    pub allow_private_addresses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RevocationMode {
    /// What is at hand, and the network for the rest.
    Online,
    /// --preload and --evidence-cache.
    CacheOnly,
    /// --preload alone.
    Offline,
}

impl EvidenceArgs {
    /// The fetcher for verifications at `moment` (`None` is now) in `run`, and what a
    /// person should know of the files that were given.
    pub fn fetcher(
        &self,
        moment: Option<Time>,
        limits: &Limits,
        run: &Run,
    ) -> Result<(EvidenceFetcher, Vec<String>), Error> {
        let mut options = FetchOptions::default();
        options.mode = match self.revocation_mode {
            RevocationMode::Online => Mode::Online,
            RevocationMode::CacheOnly => Mode::CacheOnly,
            RevocationMode::Offline => Mode::Offline,
        };
        options.ocsp_timeout = self.ocsp_timeout;
        options.crl_timeout = self.crl_timeout;
        options.directory = self.evidence_cache.as_ref().map(DirectoryOptions::new);
        options.egress.allowed_hosts.clone_from(&self.allow_host);
        if self.allow_private_addresses {
            options.egress.private_addresses = PrivateAddresses::Allow;
        }
        options.moment = moment;
        let mut warnings = Vec::new();
        for path in &self.preload {
            match url_and_path(path) {
                Some((url, path)) => options.preloaded.add_for_url(url, path, limits)?,
                None => warnings.extend(options.preloaded.add(path, limits)?),
            }
        }
        let fetcher = EvidenceFetcher::new(options, Provider::preferred(), limits);
        Ok((fetcher.in_run(run.clone()), warnings))
    }
}

/// `URL=FILE`. Addresses may have an equals sign, so the last one counts.
fn url_and_path(text: &Path) -> Option<(&str, &Path)> {
    let (url, path) = text.to_str()?.rsplit_once('=')?;
    let scheme = url.get(..7)?;
    scheme
        .eq_ignore_ascii_case("http://")
        .then(|| (url, Path::new(path)))
}

pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a time is a number of seconds above 0, for example 2 or 0.5".to_owned())
}
