//! One envelope on its way to its image.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::found;
use super::{AttachOptions, AttachResult, Attachment, Effect, config};
use crate::error::{Error, ErrorKind};
use crate::io::registry::{IsNew, Published, RegistryClient, RegistryHost};
use crate::io::tasks::Progress;
use crate::oci::{Digest, Reference};
use crate::registry::{Endpoint, Publication, Publish};
use crate::session::{Request, resolved};
use crate::sign::attach::{checked_manifest, envelope_media_type};
use crate::sign::manifest::SignatureManifestDocument;
use crate::verifier::Verifier;
use crate::wire::Descriptor;

/// What every envelope of a run has.
pub(super) struct Shared<'a> {
    verifier: &'a Verifier,
    client: &'a RegistryClient,
    options: &'a AttachOptions,
    /// Repositories that have the config of all signatures.
    configured: Mutex<HashSet<Endpoint>>,
}

/// A signature on a list that others write too.
pub(super) struct Waiting {
    begun: Instant,
    reference: Reference,
    host: RegistryHost,
    publish: Box<Publish>,
    signature: String,
}

type Done = (Reference, AttachResult, Instant);

impl<'a> Shared<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        client: &'a RegistryClient,
        options: &'a AttachOptions,
    ) -> Self {
        Self {
            verifier,
            client,
            options,
            configured: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Endpoint>> {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far the work on one envelope came.
enum Stage {
    Done(AttachResult),
    Settle(RegistryHost, Box<Publish>, String, Duration),
}

/// Starts with `attachment`.
pub(super) fn begin(shared: &Shared<'_>, attachment: &Attachment) -> Progress<Waiting, Done> {
    let begun = Instant::now();
    let mut reference = attachment.reference.clone();
    let stage = attach(shared, attachment, &mut reference);
    proceed(shared, begun, reference, stage)
}

/// Goes on with one that waited.
pub(super) fn go_on(shared: &Shared<'_>, waiting: Waiting) -> Progress<Waiting, Done> {
    let Waiting {
        begun,
        reference,
        host,
        publish,
        signature,
    } = waiting;
    let stage = match host.go_on(*publish) {
        Ok(published) => Ok(of_published(published, host, signature)),
        Err(why) => Err(failed(why)),
    };
    proceed(shared, begun, reference, stage)
}

fn proceed(
    shared: &Shared<'_>,
    begun: Instant,
    reference: Reference,
    stage: Result<Stage, Error>,
) -> Progress<Waiting, Done> {
    match stage {
        Ok(Stage::Done(result)) => Progress::Done((reference, result, begun)),
        Ok(Stage::Settle(host, publish, signature, slow)) => {
            let waiting = Waiting {
                begun,
                reference,
                host,
                publish,
                signature,
            };
            // Others meet the same registry: they are as slow as this one was.
            let settle = shared.options.settle.saturating_add(slow.saturating_mul(2));
            let now = Instant::now();
            Progress::Later(now.checked_add(settle).unwrap_or(now), waiting)
        }
        Err(error) => {
            // What the end of the run cut short is no failure of the registry.
            let result = match shared.options.run.check() {
                Err(stopped) if error.kind() == ErrorKind::Io => AttachResult::NotDone(stopped),
                _ => AttachResult::Failed(error),
            };
            Progress::Done((reference, result, begun))
        }
    }
}

fn attach(
    shared: &Shared<'_>,
    attachment: &Attachment,
    reference: &mut Reference,
) -> Result<Stage, Error> {
    let limits = shared.verifier.limits();
    let envelope = attachment.envelope.read(limits)?;
    let host = shared
        .client
        .host(reference)
        .in_run(shared.options.run.clone())
        .for_writing();
    let target = match &attachment.target {
        Some(target) => target.clone(),
        None => resolve(&host, reference, shared.verifier)?,
    };
    let digest = Digest::parse(&target.digest)
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    match reference.digest() {
        Some(named) if named != digest => {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`{reference}` does not name `{digest}`"),
            ));
        }
        _ => *reference = reference.with_digest(digest),
    }
    let document = checked_manifest(
        &target,
        envelope_media_type(&envelope),
        &envelope,
        shared.options.form,
        shared.verifier,
    )?;
    if let Some(signature) = found::attached(&host, &target, &document, limits)? {
        return Ok(Stage::Done(AttachResult::AlreadyAttached { signature }));
    }
    let signature = document.descriptor.digest.clone();
    if shared.options.effect == Effect::DryRun {
        return Ok(Stage::Done(AttachResult::WouldAttach { signature }));
    }
    let published = write(shared, &host, &target, document, envelope).map_err(failed)?;
    Ok(of_published(published, host, signature))
}

fn of_published(published: Published, host: RegistryHost, signature: String) -> Stage {
    match published {
        Published::Done(_) => Stage::Done(AttachResult::Attached { signature }),
        Published::Settle(publish, slow) => Stage::Settle(host, publish, signature, slow),
    }
}

/// What a manifest names comes before it: registries may refuse one that names what
/// they do not have.
fn write(
    shared: &Shared<'_>,
    host: &RegistryHost,
    target: &Descriptor,
    document: SignatureManifestDocument,
    envelope: Vec<u8>,
) -> Result<Published, String> {
    let digest_of = |descriptor: &Descriptor| {
        Digest::parse(&descriptor.digest).map_err(|error| error.to_string())
    };
    if !shared.lock().contains(host.endpoint()) {
        let digest = digest_of(&document.config)?;
        host.upload(digest, &config(), IsNew::Unlikely)?;
        shared.lock().insert(host.endpoint().clone());
    }
    let digest = digest_of(&document.envelope)?;
    host.upload(digest, &Arc::from(envelope), IsNew::Likely)?;
    host.publish(Publication {
        subject: target.digest.clone(),
        bytes: Arc::from(document.bytes),
        descriptor: document.descriptor,
    })
}

/// What the registry has under `reference`.
pub(in crate::io) fn resolve(
    host: &RegistryHost,
    reference: &Reference,
    verifier: &Verifier,
) -> Result<Descriptor, Error> {
    let name = reference.identifier().ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("`{reference}` needs a digest or a tag"),
        )
    })?;
    let request = Request::Resolve {
        reference: name.clone(),
    };
    let reply = found::fetch(host, request, verifier.limits().manifest_bytes);
    resolved(&name, reply, verifier.provider())
        .map(|(descriptor, _)| descriptor)
        .map_err(failed)
}

fn failed(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, why)
}
