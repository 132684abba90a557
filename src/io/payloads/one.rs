//! One image and its payload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::file::{self, Outcome};
use super::{PayloadOptions, PayloadResult, SkipSigned};
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::drive::{Host, drive};
use crate::io::evidence::WithEvidence;
use crate::io::registry::{RegistryClient, RegistryHost};
use crate::oci::{Digest, Manifest, Reference, media_type};
use crate::report::{ArtifactStatus, Report};
use crate::session::{ImageRequest, Need, NeedId, Platforms, Reply, Request, resolved};
use crate::sign::map::{MapEntry, payload_file_name};
use crate::sign::payload::payload;
use crate::wire::Descriptor;

type Done = (Reference, PayloadResult, Instant);

/// What a file holds, once it was written or found.
type Held = Mutex<Option<Vec<u8>>>;

/// What every image of a run has.
pub(super) struct Shared<'a> {
    client: &'a RegistryClient,
    options: &'a PayloadOptions,
    /// What each file of this run holds, once it does. Repositories share images.
    files: Mutex<HashMap<String, Arc<Held>>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(client: &'a RegistryClient, options: &'a PayloadOptions) -> Self {
        Self {
            client,
            options,
            files: Mutex::default(),
        }
    }
}

/// The payload of `reference`, on the disk.
pub(super) fn prepare(shared: &Shared<'_>, reference: &Reference) -> Done {
    let begun = Instant::now();
    let mut reference = reference.clone();
    let result = match payload_of(shared, &mut reference) {
        Ok(result) => result,
        Err(error) => match shared.options.run.check() {
            // What the end of the run cut short is no failure of the registry.
            Err(stopped) if error.kind() == ErrorKind::Io => PayloadResult::NotDone(stopped),
            _ => PayloadResult::Failed(error),
        },
    };
    (reference, result, begun)
}

fn payload_of(shared: &Shared<'_>, reference: &mut Reference) -> Result<PayloadResult, Error> {
    let options = shared.options;
    let limits = &options.limits;
    let host = shared.client.host(reference).in_run(options.run.clone());
    let name = reference.identifier().ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("`{reference}` needs a digest or a tag"),
        )
    })?;
    let need = Need {
        id: NeedId(0),
        request: Request::Resolve {
            reference: name.clone(),
        },
        max_bytes: limits.manifest_bytes,
    };
    let manifest = host.get(&need);
    let (mut target, bytes) = resolved(&name, manifest.clone(), &Provider::preferred())
        .map_err(|why| Error::new(ErrorKind::Io, why))?;
    let digest = Digest::parse(&target.digest)
        .map_err(|error| Error::new(ErrorKind::Artifact, error.to_string()))?;
    *reference = reference.with_digest(digest);
    if let Some(skip) = &options.skip_signed
        && let Some(valid) = valid_signature(skip, options, reference, host, manifest)?
    {
        return Ok(valid);
    }

    let entry = MapEntry {
        reference: reference.clone(),
        target: target.clone(),
        payload: payload_file_name(&digest),
    };
    target.artifact_type = artifact_type(&target, bytes.as_deref(), options);
    target.annotations.clone_from(&options.annotations);
    let document = payload(&target)?;
    Ok(match write(shared, &entry.payload, document, &target)? {
        Outcome::Written => PayloadResult::Written(entry),
        Outcome::Kept => PayloadResult::Kept(entry),
        Outcome::Signed => PayloadResult::Signed(entry),
    })
}

/// The type that the manifest states.
fn artifact_type(
    target: &Descriptor,
    bytes: Option<&[u8]>,
    options: &PayloadOptions,
) -> Option<String> {
    if media_type::is_index(&target.media_type) {
        return None;
    }
    let manifest = Manifest::parse(bytes?, &options.limits).ok()?;
    manifest.artifact_type
}

fn write(
    shared: &Shared<'_>,
    name: &str,
    document: Vec<u8>,
    target: &Descriptor,
) -> Result<Outcome, Error> {
    let slot = {
        let mut files = shared.files.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(files.entry(name.to_owned()).or_default())
    };
    let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match &*held {
        Some(there) if *there == document => return Ok(Outcome::Kept),
        Some(_) => {
            return Err(Error::new(
                ErrorKind::Artifact,
                format!(
                    "`{}` is another descriptor here than in a repository before: sign them in \
                     runs of their own",
                    target.digest
                ),
            ));
        }
        None => {}
    }
    let options = shared.options;
    let outcome = file::ensure(
        &options.directory.join(name),
        &document,
        target,
        options.other_content,
        &options.limits,
    )?;
    *held = Some(document);
    Ok(outcome)
}

/// Whether the image needs no other signature. A look-up that failed is no answer.
fn valid_signature(
    skip: &SkipSigned,
    options: &PayloadOptions,
    reference: &Reference,
    host: RegistryHost,
    manifest: Reply,
) -> Result<Option<PayloadResult>, Error> {
    let Some(digest) = reference.digest() else {
        return Ok(None);
    };
    let session = skip.verifier.verify_image(ImageRequest {
        name: reference.to_string(),
        scope: reference.scope(),
        reference: digest.to_string(),
        // A signature without the metadata that is asked for is not the one.
        user_metadata: options.annotations.clone(),
        max_signatures: None,
        all_signatures: false,
        platforms: Platforms::Named,
        now: skip.now,
    })?;
    let known = Known { host, manifest };
    let mut host = WithEvidence::new(known, skip.evidence.clone());
    let report = drive(session, &mut host)?;
    match report.status() {
        ArtifactStatus::Verified => Ok(Some(PayloadResult::Valid {
            signature: trusted(&report),
        })),
        // A policy that exempts the image says nothing of signatures.
        ArtifactStatus::Unsigned | ArtifactStatus::Rejected | ArtifactStatus::Skipped => Ok(None),
        ArtifactStatus::LookupFailed => Err(Error::new(
            ErrorKind::Io,
            format!(
                "whether `{reference}` has a valid signature cannot be known: {}",
                report.lookup_failures().join("; ")
            ),
        )),
    }
}

fn trusted(report: &Report) -> Option<String> {
    report
        .trusted_signature()?
        .manifest_digest()
        .map(str::to_owned)
}

/// A registry of which the image's manifest is at hand already.
struct Known {
    host: RegistryHost,
    manifest: Reply,
}

impl Host for Known {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::Resolve { .. } => self.manifest.clone(),
            _ => self.host.get(need),
        }
    }
}
