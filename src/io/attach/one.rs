//! One envelope on its way to its image.
//!
//! A list of referrers is read, changed and written: by clients where it is under a
//! tag, and inside of the registry where that keeps it. Registries lose entries too
//! where several come at the same moment. So nobody is done before his entry was
//! seen after a while, and what was lost is published again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::found;
use super::{AttachOptions, AttachResult, Attachment, Effect, config};
use crate::error::{Error, ErrorKind};
use crate::io::registry::{IsNew, Published, RegistryClient, RegistryHost};
use crate::io::resolve;
use crate::io::tasks::Progress;
use crate::oci::{Digest, Reference};
use crate::registry::{Endpoint, Listed, Publication, Publish};
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

/// How long the list of a registry is left alone before it is read: longer than a
/// registry takes to change a list. Clients take longer, see
/// [`AttachOptions::settle`].
const REGISTRY_SETTLE: Duration = Duration::from_millis(500);
/// How often a manifest is published that the registry takes and does not list.
const MAX_PUBLISHED: u32 = 10;

/// A signature on a list that others write too.
pub(super) struct Waiting {
    begun: Instant,
    reference: Reference,
    written: Box<Written>,
}

/// A signature that is in the repository, and may be on the list.
struct Written {
    host: RegistryHost,
    publication: Publication,
    /// How often it was published.
    times: u32,
    next: Next,
}

/// What comes after the wait.
enum Next {
    /// Clients keep the list.
    GoOn(Box<Publish>),
    /// The registry keeps it.
    Look,
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
    /// Wait so long.
    Settle(Box<Written>, Duration),
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
        written,
    } = waiting;
    proceed(shared, begun, reference, written.go_on(shared))
}

impl Written {
    fn go_on(self, shared: &Shared<'_>) -> Result<Stage, Error> {
        let signature = self.publication.descriptor.digest.clone();
        let limits = shared.verifier.limits();
        let settled = match self.next {
            Next::GoOn(publish) => {
                let start = Instant::now();
                let published = self.host.go_on(*publish).map_err(failed)?;
                return Ok(settle(
                    shared,
                    published,
                    self.host,
                    self.publication,
                    self.times,
                    start,
                ));
            }
            Next::Look => found::listed(&self.host, &self.publication, limits)?,
        };
        if settled {
            return Ok(Stage::Done(AttachResult::Attached { signature }));
        }
        if self.times == MAX_PUBLISHED {
            return Err(failed(format!(
                "the registry took `{signature}` {MAX_PUBLISHED} times and does not list it: its \
                 list of referrers is not to be relied on"
            )));
        }
        publish(shared, self.host, self.publication, self.times)
    }
}

fn proceed(
    shared: &Shared<'_>,
    begun: Instant,
    reference: Reference,
    stage: Result<Stage, Error>,
) -> Progress<Waiting, Done> {
    match stage {
        Ok(Stage::Done(result)) => Progress::Done((reference, result, begun)),
        Ok(Stage::Settle(written, wait)) => {
            let waiting = Waiting {
                begun,
                reference,
                written,
            };
            let now = Instant::now();
            Progress::Later(now.checked_add(wait).unwrap_or(now), waiting)
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
        None => resolve(&host, reference, shared.verifier.provider(), limits)?.1,
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
    if shared.options.effect == Effect::DryRun {
        let signature = document.descriptor.digest;
        return Ok(Stage::Done(AttachResult::WouldAttach { signature }));
    }
    let publication = upload(shared, &host, &target, document, envelope).map_err(failed)?;
    publish(shared, host, publication, 0)
}

fn publish(
    shared: &Shared<'_>,
    host: RegistryHost,
    publication: Publication,
    times: u32,
) -> Result<Stage, Error> {
    let start = Instant::now();
    let published = host.publish(publication.clone()).map_err(failed)?;
    let times = times.saturating_add(1);
    Ok(settle(shared, published, host, publication, times, start))
}

fn settle(
    shared: &Shared<'_>,
    published: Published,
    host: RegistryHost,
    publication: Publication,
    times: u32,
    start: Instant,
) -> Stage {
    let settle = shared.options.settle;
    let (next, wait) = match published {
        Published::Done(Listed::ByTag) => {
            let signature = publication.descriptor.digest;
            return Stage::Done(AttachResult::Attached { signature });
        }
        Published::Done(Listed::ByRegistry) => (Next::Look, settle.min(REGISTRY_SETTLE)),
        Published::Settle(publish) => (Next::GoOn(publish), settle),
    };
    // Others meet the same registry: they are as slow as this one was.
    let wait = wait.saturating_add(start.elapsed().saturating_mul(2));
    let written = Written {
        host,
        publication,
        times,
        next,
    };
    Stage::Settle(Box::new(written), wait)
}

/// What a manifest names comes before it: registries may refuse one that names what
/// they do not have.
fn upload(
    shared: &Shared<'_>,
    host: &RegistryHost,
    target: &Descriptor,
    document: SignatureManifestDocument,
    envelope: Vec<u8>,
) -> Result<Publication, String> {
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
    Ok(Publication {
        subject: target.digest.clone(),
        bytes: Arc::from(document.bytes),
        descriptor: document.descriptor,
    })
}

fn failed(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, why)
}
