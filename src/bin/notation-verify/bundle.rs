//! Options about evidence bundles, and as of when everything is judged.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use notation_verifier::io::bundle::{Bundle, BundleFile, Claims, Recording, Replay};
use notation_verifier::{Error, Limits, Provider, Report, Time};
use serde_json::{Value, json};

use crate::input;

#[derive(Debug, Args)]
#[command(next_help_heading = "Evidence bundles")]
pub struct BundleArgs {
    /// Save everything that is fetched in this file, an OCI image layout in a tar
    /// archive.
    #[arg(long, value_name = "FILE", conflicts_with = "evidence")]
    pub save_evidence: Option<PathBuf>,
    /// Fetch nothing: answer from a file that --save-evidence wrote. Without
    /// --oci-layout and --envelope the artifact and its signatures come from it too.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "revocation_mode", "ocsp_timeout", "crl_timeout", "timeout", "evidence_cache",
            "preload", "allow_host", "allow_private_addresses",
        ]
    )]
    pub evidence: Option<PathBuf>,
    /// As of when to verify with --evidence. `recorded` takes the file's word for
    /// it, and for what a tag was; the result says so, and the exit code is 5.
    #[arg(
        long,
        value_enum,
        default_value_t = EvidenceTime::Now,
        requires = "evidence",
        conflicts_with = "at"
    )]
    pub evidence_time: EvidenceTime,
}

impl BundleArgs {
    /// What the word of a bundle counts for.
    pub const fn claims(&self) -> Claims {
        match self.evidence_time {
            EvidenceTime::Now => Claims::Refuse,
            EvidenceTime::Recorded => Claims::Accept,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvidenceTime {
    /// As of now: what has expired since is no evidence any more.
    Now,
    /// As of when the evidence was recorded, as the file claims.
    Recorded,
}

/// As of when everything is judged, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This machine's clock.
    Now,
    /// Whoever runs the command, with --at.
    Given,
    /// The evidence bundle.
    Claimed,
}

impl Moment {
    /// `now`, `given` or `claimed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Given => "given",
            Self::Claimed => "claimed",
        }
    }
}

/// What a result must say about where evidence came from and went to.
#[derive(Debug)]
pub struct Origin {
    pub moment: Moment,
    /// The bundle, and as of when it says that it was recorded.
    pub bundle: Option<(PathBuf, Option<Time>)>,
    pub saved: Option<PathBuf>,
}

impl Origin {
    /// For a command that did not come far enough to know more.
    pub fn of(args: &BundleArgs, at: Option<Time>) -> Self {
        let moment = match (args.evidence_time, at) {
            (EvidenceTime::Recorded, _) => Moment::Claimed,
            (EvidenceTime::Now, Some(_)) => Moment::Given,
            (EvidenceTime::Now, None) => Moment::Now,
        };
        Self {
            moment,
            bundle: args.evidence.clone().map(|path| (path, None)),
            saved: None,
        }
    }

    /// Adds it to a document.
    pub fn write_into(&self, document: &mut Value) {
        let Some(members) = document.as_object_mut() else {
            return;
        };
        members.insert("asOf".to_owned(), self.moment.as_str().into());
        let path = |path: &Path| path.display().to_string();
        let evidence = json!({
            "source": if self.bundle.is_some() { "bundle" } else { "network" },
            "bundle": self.bundle.as_ref().map(|(file, _)| path(file)),
            "recordedAsOf": self
                .bundle
                .as_ref()
                .and_then(|(_, recorded)| *recorded)
                .map(|time| time.to_string()),
            "savedTo": self.saved.as_deref().map(path),
        });
        members.insert("evidence".to_owned(), evidence);
    }
}

/// What of a bundle is wanted.
pub enum Wanted<'a> {
    Image {
        scope: &'a str,
        reference: &'a str,
    },
    /// Artifact and signature are at hand.
    Evidence,
}

/// Opens the bundle of `--evidence`, if it was given.
pub fn open(
    args: &BundleArgs,
    wanted: &Wanted<'_>,
    limits: &Limits,
    origin: &mut Origin,
) -> Result<Option<Replay>, Error> {
    let Some(path) = &args.evidence else {
        return Ok(None);
    };
    let claims = args.claims();
    let bundle = Bundle::open(path, limits)?;
    let replay = match wanted {
        Wanted::Image { scope, reference } => bundle.image(scope, reference, claims)?,
        Wanted::Evidence => bundle.evidence(claims),
    };
    origin.bundle = Some((path.clone(), replay.recorded_as_of()));
    Ok(Some(replay))
}

/// The moment to verify as of.
pub fn moment(at: Option<Time>, origin: &Origin, replay: Option<&Replay>) -> Result<Time, Error> {
    match (origin.moment, replay) {
        (Moment::Claimed, Some(replay)) => replay.claimed_moment(input::now()),
        _ => Ok(at.unwrap_or_else(input::now)),
    }
}

/// A bundle that is being recorded.
pub struct Saving {
    pub recording: Recording,
    file: BundleFile,
    path: PathBuf,
}

impl Saving {
    /// Prepares the file of `--save-evidence`, if it was given.
    pub fn start(args: &BundleArgs, limits: &Limits) -> Result<Option<Self>, Error> {
        let Some(path) = &args.save_evidence else {
            return Ok(None);
        };
        Ok(Some(Self {
            recording: Recording::new(Provider::preferred(), limits),
            file: BundleFile::create(path)?,
            path: path.clone(),
        }))
    }
}

/// Writes what was recorded. The verdict stands where that fails; it was asked for,
/// though, so the result says so and is none to go on with.
pub fn save(
    saving: Option<Saving>,
    report: Report,
    origin: &mut Origin,
) -> (Report, Option<Error>) {
    match save_file(saving, origin) {
        None => (report, None),
        Some(error) => (report.with_warnings([error.to_string()]), Some(error)),
    }
}

/// The same of many images: why it failed, where it did.
pub fn save_file(saving: Option<Saving>, origin: &mut Origin) -> Option<Error> {
    let saving = saving?;
    match saving.file.finish(&saving.recording, input::now()) {
        Ok(()) => {
            origin.saved = Some(saving.path);
            None
        }
        Err(error) => Some(error),
    }
}
