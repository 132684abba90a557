//! Signatures back to their images.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::time::Duration;

use notation::io::attach::{
    AttachOptions, AttachResult, AttachSummary, Attached, Attachment, Effect, EnvelopeAt,
    attach_all, attachments_of_map, document,
};
use notation::oci::Reference;
use notation::sign::manifest::ManifestForm;
use notation::{Error, Limits};
use serde::Deserialize;

use crate::cancel::{nv_cancel, run};
use crate::error::nv_error;
use crate::ffi::{Out, guard, handle, text};
use crate::options::{parse_list, usage};
use crate::signing::{
    Listener, NV_SIGNING_ALREADY_ATTACHED, NV_SIGNING_ATTACHED, NV_SIGNING_FAILED,
    NV_SIGNING_NOT_DONE, NV_SIGNING_WOULD_ATTACH, Told, Why, concurrency, end, nv_signing_fn,
    nv_signing_report, nv_signing_state,
};
use crate::status::nv_status;
use crate::verifier::nv_verifier;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Attach {
    map: Option<PathBuf>,
    #[serde(default)]
    pairs: Vec<Pair>,
    #[serde(default)]
    manifest_form: Form,
    #[serde(default)]
    dry_run: bool,
    settle_ms: Option<u64>,
    concurrency: Option<usize>,
    timeout_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    reference: String,
    envelope: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    #[default]
    ArtifactType,
    Legacy,
}

/// Attaches signatures to their images in registries, each once: what is there already,
/// by whichever program, is left as it is, so after a failure the call is simply made
/// again. Before anything is sent the envelope must be intact and of exactly that image;
/// whether a policy trusts it is for those who verify. The rest: `docs/SIGNING.md`.
///
/// `request` is a JSON object; `map`, `pairs` or both are needed:
///
///     {"map": "payload-map.json, beside the signed payloads",
///      "pairs": [{"reference": "registry.example/app@sha256:...",
///                 "envelope": "file"}, ...],
///      "manifestForm": "artifact-type" or "legacy",
///      "dryRun": false,       true: check everything, write nothing
///      "settleMs": 2000,      how long a list of referrers that clients keep (no
///                             referrers API) must stay as it was written
///      "concurrency": 8, "timeoutMs": 600000}
///
/// `cancel` and `callback` may be NULL. Returns `NV_DONE` where every image has its
/// signature (with `dryRun`: would have it), `NV_NOT_ALL_DONE` where one has not, both
/// with `*report`, or an error. Once images were begun the callback has been called for
/// each of them, also where the call was cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_attach_signatures(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    cancel: *const nv_cancel,
    callback: nv_signing_fn,
    context: *mut c_void,
    report: *mut *mut nv_signing_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, cancel, out) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                cancel.as_ref(),
                Out::new(report, "report")?,
            )
        };
        let request: Attach = parse_list(request, "request")?;
        let attachments = request.attachments(verifier.core().limits())?;
        let (run, cancel) = run(request.timeout_ms, cancel);
        let mut options = AttachOptions::default();
        options.concurrency = concurrency(request.concurrency, options.concurrency)?;
        options.form = match request.manifest_form {
            Form::ArtifactType => ManifestForm::ArtifactType,
            Form::Legacy => ManifestForm::ConfigMediaType,
        };
        if request.dry_run {
            options.effect = Effect::DryRun;
        }
        if let Some(settle) = request.settle_ms {
            options.settle = Duration::from_millis(settle);
        }
        options.run = run;
        let listener = Listener { callback, context };
        let mut all = Vec::new();
        let client = verifier.registries().client();
        let summary = attach_all(
            verifier.core(),
            &client,
            &attachments,
            &options,
            &mut |one| {
                listener.tell(&told(&one));
                all.push(one);
            },
        );
        all.sort_by_key(|one| one.index);
        end(summary.is_complete(), cancel.is_cancelled(), || {
            let document = document(options.effect, &all, &summary);
            out.give(nv_signing_report::new(counts(&summary), &document));
        })
    })
}

impl Attach {
    /// A map may be empty: where every image has a valid signature, nothing is left to
    /// be attached.
    fn attachments(&self, limits: &Limits) -> Result<Vec<Attachment>, Error> {
        let mut all = match &self.map {
            Some(path) => attachments_of_map(path, limits)?,
            None if self.pairs.is_empty() => {
                return Err(usage("there is nothing to attach: give `map` or `pairs`"));
            }
            None => Vec::new(),
        };
        for pair in &self.pairs {
            all.push(Attachment {
                reference: Reference::parse(&pair.reference)?,
                target: None,
                envelope: EnvelopeAt::File(pair.envelope.clone()),
            });
        }
        Ok(all)
    }
}

fn told(one: &Attached) -> Told<'_> {
    let (state, why) = match &one.result {
        AttachResult::Attached { .. } => (NV_SIGNING_ATTACHED, None),
        AttachResult::AlreadyAttached { .. } => (NV_SIGNING_ALREADY_ATTACHED, None),
        AttachResult::WouldAttach { .. } => (NV_SIGNING_WOULD_ATTACH, None),
        AttachResult::Failed(error) => (NV_SIGNING_FAILED, Some(Why::Failed(error))),
        AttachResult::NotDone(why) => (NV_SIGNING_NOT_DONE, Some(Why::NotDone(*why))),
    };
    Told {
        index: one.index,
        elapsed: one.elapsed,
        state,
        reference: &one.reference,
        payload: None,
        signature: one.result.signature(),
        why,
    }
}

fn counts(summary: &AttachSummary) -> Vec<(nv_signing_state, usize)> {
    vec![
        (NV_SIGNING_ATTACHED, summary.attached),
        (NV_SIGNING_ALREADY_ATTACHED, summary.already_attached),
        (NV_SIGNING_WOULD_ATTACH, summary.would_attach),
        (NV_SIGNING_FAILED, summary.failed),
        (NV_SIGNING_NOT_DONE, summary.not_done),
    ]
}
