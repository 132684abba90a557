//! Signatures that nobody needs any more: [`prune`].
//!
//! Of an image that is there those go that a newer valid one replaces, by the rules of
//! [`sign::prune`](crate::sign::prune); of an image that is gone all of them. Nothing
//! else is touched: what is deleted was fetched right before, and was a signature
//! manifest of that image. Where anything could not be looked up, nothing of the image
//! goes.
//!
//! Where clients keep the list of referrers, a signature goes off the list first, and
//! is deleted once it stayed off. In the other order there would be a moment, and after
//! a crash a long time, in which a signature is listed that is not there, and verifiers
//! that stop at it reject the image.

mod gone;
mod one;
mod plan;
mod report;

pub use gone::{GoneImages, gone_images};
pub use report::{PruneResult, PruneSummary, Pruned, PrunedSignature, SignatureState, document};

use std::time::Duration;

use super::attach::DEFAULT_SETTLE;
use super::evidence::EvidenceFetcher;
use super::registry::RegistryClient;
use super::run::{Run, Stopped};
use super::tasks;
use crate::oci::Reference;
use crate::sign::prune::Signers;
use crate::time::Time;
use crate::verifier::Verifier;

pub use super::attach::Effect;

/// How a run goes about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PruneOptions {
    /// The policy and the trust stores that say which signatures are valid.
    pub verifier: Verifier,
    /// Where evidence about revocation comes from.
    pub evidence: EvidenceFetcher,
    /// The moment of verification.
    pub now: Time,
    /// Whose newer signatures count. Default: those of the same signer.
    pub signers: Signers,
    /// Whether signatures are deleted. Default: they are listed.
    pub effect: Effect,
    /// Images at the same time. Default: 8.
    pub concurrency: usize,
    /// How long a list of referrers under a tag is left alone after it was written,
    /// before it is read again and signatures are deleted. Default: [`DEFAULT_SETTLE`].
    pub settle: Duration,
    /// What ends the run early.
    pub run: Run,
}

impl PruneOptions {
    /// A run that lists, by the policy of `verifier`, as of `now`.
    #[must_use]
    pub fn new(verifier: Verifier, evidence: EvidenceFetcher, now: Time) -> Self {
        Self {
            verifier,
            evidence,
            now,
            signers: Signers::default(),
            effect: Effect::DryRun,
            concurrency: 8,
            settle: DEFAULT_SETTLE,
            run: Run::default(),
        }
    }
}

/// Looks at the signatures of `references`, several images at the same time, deletes
/// those that can go where [`PruneOptions::effect`] says so, and hands each image over
/// to `finished`, on the caller's thread, when it is done.
pub fn prune(
    client: &RegistryClient,
    references: &[Reference],
    options: &PruneOptions,
    finished: &mut dyn FnMut(Pruned),
) -> PruneSummary {
    let shared = one::Shared::new(client, options);
    let mut summary = PruneSummary::default();
    let mut open: Vec<bool> = vec![true; references.len()];
    tasks::run(
        references,
        options.concurrency,
        &options.run,
        &|reference| one::begin(&shared, reference),
        &|waiting| one::go_on(&shared, waiting),
        &mut |index, done: one::Done| {
            if let Some(open) = open.get_mut(index) {
                *open = false;
            }
            let one = Pruned {
                index,
                reference: done.reference,
                is_gone: done.is_gone,
                signatures: done.signatures,
                result: done.result,
                elapsed: done.begun.elapsed(),
            };
            summary.count(&one);
            finished(one);
        },
    );
    let stopped = options.run.check().err().unwrap_or(Stopped::Cancelled);
    for (index, reference) in references.iter().enumerate() {
        if open.get(index).copied().unwrap_or(false) {
            let one = Pruned {
                index,
                reference: reference.clone(),
                is_gone: false,
                signatures: Vec::new(),
                result: PruneResult::NotDone(stopped),
                elapsed: Duration::ZERO,
            };
            summary.count(&one);
            finished(one);
        }
    }
    summary
}
