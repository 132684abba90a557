//! One image whose signatures are pruned.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::{Effect, PruneOptions, PruneResult, PrunedSignature, SignatureState};
use crate::crypto::HashAlgorithm;
use crate::error::{Error, ErrorKind};
use crate::io::registry::{Published, RegistryClient, RegistryHost};
use crate::io::tasks::Progress;
use crate::oci::{Digest, Reference};
use crate::registry::{Deleted, Endpoint, Publish, Withdrawal};

/// What every image of a run has.
pub(super) struct Shared<'a> {
    client: &'a RegistryClient,
    options: &'a PruneOptions,
    /// Repositories that are known to delete.
    deleting: Mutex<HashSet<Endpoint>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(client: &'a RegistryClient, options: &'a PruneOptions) -> Self {
        Self {
            client,
            options,
            deleting: Mutex::default(),
        }
    }

    fn deleting(&self) -> MutexGuard<'_, HashSet<Endpoint>> {
        self.deleting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An image that is through.
pub(super) struct Done {
    pub reference: Reference,
    pub is_gone: bool,
    pub signatures: Vec<PrunedSignature>,
    pub result: PruneResult,
    pub begun: Instant,
}

/// An image whose list of referrers was changed, and others may change too.
pub(super) struct Waiting {
    work: Box<Work>,
    publish: Box<Publish>,
}

struct Work {
    begun: Instant,
    reference: Reference,
    host: RegistryHost,
    plan: Plan,
}

/// Starts with `reference`.
pub(super) fn begin(shared: &Shared<'_>, reference: &Reference) -> Progress<Waiting, Done> {
    let begun = Instant::now();
    let options = shared.options;
    let mut reference = reference.clone();
    let host = shared.client.host(&reference).in_run(options.run.clone());
    let plan = match Plan::make(options, &host, &mut reference) {
        Ok(plan) => plan,
        Err(error) => {
            return Progress::Done(Done {
                reference,
                is_gone: false,
                signatures: Vec::new(),
                result: ended(options, error),
                begun,
            });
        }
    };
    let work = Work {
        begun,
        reference,
        host: host.for_deleting(),
        plan,
    };
    if work.plan.going.is_empty() {
        return Progress::Done(work.done(PruneResult::Nothing));
    }
    match options.effect {
        Effect::DryRun => Progress::Done(work.done(PruneResult::Listed)),
        Effect::Write => match work.withdraw(shared) {
            Ok(published) => work.proceed(shared, published),
            Err(why) => Progress::Done(work.fail(options, why)),
        },
    }
}

/// Goes on with one that waited.
pub(super) fn go_on(shared: &Shared<'_>, waiting: Waiting) -> Progress<Waiting, Done> {
    let Waiting { work, publish } = waiting;
    match work.host.go_on(*publish) {
        Ok(published) => work.proceed(shared, (published, Duration::ZERO)),
        Err(why) => Progress::Done(work.fail(shared.options, why)),
    }
}

/// What the end of the run cut short is no failure of the registry.
fn ended(options: &PruneOptions, error: Error) -> PruneResult {
    match options.run.check() {
        Err(stopped) if error.kind() == ErrorKind::Io => PruneResult::NotDone(stopped),
        _ => PruneResult::Failed(error),
    }
}

impl Work {
    fn done(self, result: PruneResult) -> Done {
        Done {
            reference: self.reference,
            is_gone: self.plan.gone.is_some(),
            signatures: self.plan.signatures,
            result,
            begun: self.begun,
        }
    }

    fn fail(self, options: &PruneOptions, why: String) -> Done {
        let result = ended(options, Error::new(ErrorKind::Io, why));
        self.done(result)
    }

    /// Takes what goes off the list, where clients keep that; and how long it took.
    fn withdraw(&self, shared: &Shared<'_>) -> Result<(Published, Duration), String> {
        self.plan.check(shared.options, &self.host)?;
        self.ask_whether_allowed(shared)?;
        let start = Instant::now();
        let published = self.host.withdraw(Withdrawal {
            subject: self.plan.subject.clone(),
            digests: self
                .plan
                .going
                .iter()
                .map(|one| one.digest.clone())
                .collect(),
            kept: self.plan.kept.clone(),
        })?;
        Ok((published, start.elapsed()))
    }

    /// A registry that does not delete is to be found out before the list is changed:
    /// it is asked to delete what nobody can have, since no manifest has that digest.
    fn ask_whether_allowed(&self, shared: &Shared<'_>) -> Result<(), String> {
        if shared.deleting().contains(self.host.endpoint()) {
            return Ok(());
        }
        let provider = shared.options.verifier.provider();
        let nothing = Digest::of(provider, HashAlgorithm::Sha256, b"no manifest");
        self.host.delete(nothing)?;
        shared.deleting().insert(self.host.endpoint().clone());
        Ok(())
    }

    fn proceed(
        self,
        shared: &Shared<'_>,
        (published, took): (Published, Duration),
    ) -> Progress<Waiting, Done> {
        match published {
            Published::Done(_) => Progress::Done(self.delete(shared.options)),
            Published::Settle(publish) => {
                // Others meet the same registry: they are as slow as this one was.
                let settle = shared.options.settle;
                let wait = settle.saturating_add(took.saturating_mul(2));
                let now = Instant::now();
                let waiting = Waiting {
                    work: Box::new(self),
                    publish,
                };
                Progress::Later(now.checked_add(wait).unwrap_or(now), waiting)
            }
        }
    }

    fn delete(mut self, options: &PruneOptions) -> Done {
        let there = match self.plan.check(options, &self.host) {
            Ok(there) => there,
            Err(why) => return self.fail(options, why),
        };
        let mut states = BTreeMap::new();
        let mut failure = None;
        for one in &self.plan.going {
            if !there.contains(&one.digest) {
                states.insert(one.digest.clone(), SignatureState::AlreadyDeleted);
                continue;
            }
            let digest = Digest::parse(&one.digest).map_err(|error| error.to_string());
            match digest.and_then(|digest| self.host.delete(digest)) {
                Ok(deleted) => {
                    let state = match deleted {
                        Deleted::Now => SignatureState::Deleted,
                        Deleted::Before => SignatureState::AlreadyDeleted,
                    };
                    states.insert(one.digest.clone(), state);
                }
                Err(why) => {
                    failure = Some(why);
                    break;
                }
            }
        }
        for signature in &mut self.plan.signatures {
            if let Some(state) = states.get(&signature.digest) {
                signature.state = *state;
            }
        }
        match failure {
            None => self.done(PruneResult::Pruned),
            Some(why) => self.fail(options, why),
        }
    }
}
