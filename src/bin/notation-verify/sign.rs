//! `sign`: payload files with a key in a file, for tests and small users.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use notation_verifier::envelope::{MediaType, Payload, SigningScheme};
use notation_verifier::io::Run;
use notation_verifier::io::files::write_whole;
use notation_verifier::io::timestamp::TimestampAuthority;
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::{SigningRequest, sign};
use notation_verifier::{Error, ErrorKind, Limits, Provider};

use crate::args::Output;
use crate::authority::TimestampArgs;
use crate::evidence::{EvidenceArgs, seconds};
use crate::exit::Exit;
use crate::{input, sources, text};

#[derive(Debug, Args)]
pub struct SignArgs {
    /// The private key (PKCS#8 in PEM, not encrypted).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Its certificate chain (PEM), signing certificate first.
    #[arg(long, value_name = "FILE")]
    pub certificates: PathBuf,
    /// The format of the envelopes.
    #[arg(long, value_enum, default_value_t = Format::Cose)]
    pub media_type: Format,
    /// The signature should no longer be taken this long after now.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub expires_in: Option<Duration>,
    /// Put each envelope in the place of its payload, and not beside it in a file with
    /// `.cose` or `.jws` after its name.
    #[arg(long)]
    pub in_place: bool,
    /// The time for everything.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Payload files, as `payload` writes them.
    #[arg(value_name = "FILE", required = true)]
    pub payloads: Vec<PathBuf>,
    #[command(flatten)]
    pub timestamp: TimestampArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// The formats of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `application/cose`.
    Cose,
    /// `application/jose+json`.
    Jws,
}

impl Format {
    const fn media_type(self) -> MediaType {
        match self {
            Self::Cose => MediaType::Cose,
            Self::Jws => MediaType::Jws,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Cose => ".cose",
            Self::Jws => ".jws",
        }
    }
}

/// `notation-verify sign`.
pub fn run(args: &SignArgs) -> Exit {
    let limits = Limits::default();
    let (workshop, run) = match sources::run(args.timeout)
        .and_then(|run| Ok((Workshop::new(args, &run, &limits)?, run)))
    {
        Ok(opened) => opened,
        Err(error) => return sources::cannot_begin(Output::Text, "signed", &error),
    };
    let mut complete = true;
    for path in &args.payloads {
        let done = run
            .check()
            .map_err(|why| Error::new(ErrorKind::Io, format!("`{}`: {why}", path.display())))
            .and_then(|()| workshop.one(args, path, &limits));
        match done {
            Ok(line) => text::print_line(&line),
            Err(error) => {
                complete = false;
                text::print_error(&error);
            }
        }
    }
    sources::exit(complete, &run)
}

/// What signs.
struct Workshop {
    signer: LocalSigner,
    authority: Option<TimestampAuthority>,
}

impl Workshop {
    fn new(args: &SignArgs, run: &Run, limits: &Limits) -> Result<Self, Error> {
        let key = input::file(&args.key, limits.trust_store_file_bytes)?;
        let certificates = input::file(&args.certificates, limits.trust_store_file_bytes)?;
        Ok(Self {
            signer: LocalSigner::from_pem(&key, &certificates, limits)?,
            authority: args.timestamp.authority(&args.evidence, run, limits)?,
        })
    }

    /// Signs the payload in the file `path`, and says what was done.
    fn one(&self, args: &SignArgs, path: &Path, limits: &Limits) -> Result<String, Error> {
        let about =
            |kind, problem: String| Error::new(kind, format!("`{}`: {problem}", path.display()));
        let usage = |problem: String| about(ErrorKind::Usage, problem);
        let payload = input::file(path, limits.envelope_bytes)?;
        Payload::parse(&payload).map_err(|rejection| {
            usage(format!(
                "that is no payload, or it was signed already: {}",
                rejection.detail
            ))
        })?;
        let to = if args.in_place {
            path.to_owned()
        } else {
            let mut name = path.as_os_str().to_owned();
            name.push(args.media_type.suffix());
            let beside = PathBuf::from(name);
            if beside.exists() {
                return Err(usage(format!(
                    "`{}` is there already: remove it to sign again",
                    beside.display()
                )));
            }
            beside
        };
        let now = input::now();
        let request = SigningRequest {
            media_type: args.media_type.media_type(),
            payload: &payload,
            // The signer has them.
            certificates: &[],
            scheme: SigningScheme::X509,
            signing_time: now,
            expiry: args.expires_in.map(|time| now.saturating_add(time)),
            signing_agent: Some(concat!("notation-verify/", env!("CARGO_PKG_VERSION"))),
        };
        let provider = Provider::preferred();
        let made = match &self.authority {
            None => sign(&request, &self.signer, &provider, limits).map(|one| (one, None)),
            Some(authority) => authority
                .sign(&request, &self.signer, now, &provider, limits)
                .map(|one| (one.envelope, Some(one.timestamp))),
        };
        let (envelope, stamp) = made.map_err(|error| about(error.kind(), error.to_string()))?;
        write_whole(&to, &envelope)?;
        let stamp = stamp.map_or_else(String::new, |stamp| format!("  time-stamped {stamp}"));
        Ok(format!("signed  {}{stamp}", to.display()))
    }
}
