//! The shortest program on the public API: an image layout or an envelope in,
//! a verdict out, an exit code (0 trusted, 1 not, 2 usage, 3 could not evaluate,
//! 4 skipped by the policy).
//!
//! ```text
//! verify CONFIG layout PATH SCOPE REFERENCE
//! verify CONFIG envelope FILE ENVELOPE-TYPE ARTIFACT-REFERENCE MEDIA-TYPE DIGEST SIZE
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::evidence::NoEvidence;
use notation_verifier::io::{ConfigDirectory, Layout, LayoutHost, drive};
use notation_verifier::report::{ArtifactStatus, Report};
use notation_verifier::session::ImageRequest;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Provider, Time, Verifier};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [config, "layout", path, scope, reference] => layout(config, path, scope, reference),
        [
            config,
            "envelope",
            file,
            envelope_type,
            reference,
            media_type,
            digest,
            size,
        ] => {
            let target = Descriptor {
                media_type: (*media_type).to_owned(),
                digest: (*digest).to_owned(),
                size: size.parse().unwrap_or(-1),
                ..Descriptor::default()
            };
            envelope(config, file, envelope_type, reference, &target)
        }
        _ => {
            eprintln!("usage: verify CONFIG layout PATH SCOPE REFERENCE");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(report) => {
            println!("{:#}", report.to_json());
            ExitCode::from(match report.status() {
                ArtifactStatus::Verified => 0,
                ArtifactStatus::Unsigned | ArtifactStatus::Rejected => 1,
                ArtifactStatus::LookupFailed => 3,
                ArtifactStatus::Skipped => 4,
            })
        }
        Err(error) => {
            eprintln!("could not evaluate: {error}");
            ExitCode::from(3)
        }
    }
}

fn verifier(config: &str) -> Result<Verifier, Box<dyn Error>> {
    let configured =
        ConfigDirectory::at(config).oci_verifier(Provider::preferred(), Limits::default())?;
    Ok(configured.verifier)
}

fn layout(
    config: &str,
    path: &str,
    scope: &str,
    reference: &str,
) -> Result<Report, Box<dyn Error>> {
    let verifier = verifier(config)?;
    let layout = Layout::open(path, verifier.limits())?;
    let session = verifier.verify_image(ImageRequest {
        name: reference.to_owned(),
        scope: scope.to_owned(),
        reference: reference.to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms: notation_verifier::session::Platforms::Named,
        now: now()?,
    })?;
    Ok(drive(session, &mut LayoutHost::new(&layout))?)
}

fn envelope(
    config: &str,
    file: &str,
    media_type: &str,
    reference: &str,
    target: &Descriptor,
) -> Result<Report, Box<dyn Error>> {
    let envelope = std::fs::read(file)?;
    let request = EnvelopeRequest {
        scope: Scope::Reference(reference),
        media_type,
        envelope: &envelope,
        target,
        user_metadata: &BTreeMap::new(),
        now: now()?,
    };
    Ok(verifier(config)?.verify_envelope(&request, &mut NoEvidence)?)
}

fn now() -> Result<Time, Box<dyn Error>> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Time::from_unix(i64::try_from(elapsed.as_secs())?))
}
