//! Payload files for a signing service.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};

use notation::io::files;
use notation::io::payloads::{
    MAP_NAME, OtherContent, PayloadOptions, PayloadResult, PayloadSummary, Prepared, SkipSigned,
    document, write_payloads_and_map,
};
use notation::oci::{ImageList, Relocation};
use notation::{Error, Limits};
use serde::Deserialize;

use crate::cancel::{nv_cancel, run};
use crate::error::nv_error;
use crate::ffi::{Out, guard, handle, text};
use crate::options::{parse_list, usage};
use crate::signing::{
    Listener, NV_SIGNING_FAILED, NV_SIGNING_KEPT, NV_SIGNING_NOT_DONE, NV_SIGNING_SIGNED,
    NV_SIGNING_VALID, NV_SIGNING_WRITTEN, Told, Why, concurrency, end, nv_signing_fn,
    nv_signing_report, nv_signing_state,
};
use crate::status::nv_status;
use crate::verifier::nv_verifier;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Payloads {
    directory: PathBuf,
    #[serde(default)]
    references: Vec<String>,
    from: Option<PathBuf>,
    registry_override: Option<String>,
    repo_prefix: Option<String>,
    #[serde(default)]
    user_metadata: BTreeMap<String, String>,
    #[serde(default)]
    skip_valid: bool,
    #[serde(default)]
    replace: bool,
    at: Option<String>,
    concurrency: Option<usize>,
    timeout_ms: Option<u64>,
}

/// Writes one payload file for each image, for a service that signs files, and beside
/// them "payload-map.json", which says which file is for which image. What is asked of
/// the registry, what the files are called and when one is left alone:
/// `docs/SIGNING.md`.
///
/// `request` is a JSON object; `directory` is needed, and images in `references`, in the
/// file `from`, or in both:
///
///     {"directory": "made where it is missing",
///      "references": ["registry.example/app:v1", ...],
///      "from": "one reference a line, or image-info.json",
///      "registryOverride": "where the images of `from` are now",
///      "repoPrefix": "before each repository of `from`",
///      "userMetadata": {"key": "value"},
///      "skipValid": false,    true: none for images that have a signature that is valid
///                             by the verifier's policy
///      "at": "...",           the moment at which `skipValid` judges
///      "replace": false,      write over files that hold something else
///      "concurrency": 8, "timeoutMs": 600000}
///
/// `cancel` and `callback` may be NULL. Returns `NV_DONE` where every image has a payload
/// or, with `skipValid`, a valid signature, `NV_NOT_ALL_DONE` where one has neither, both
/// with `*report`, or an error. Once images were begun the callback has been called for
/// each of them and the map has been written, also where the call was cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_write_payloads(
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
        let request: Payloads = parse_list(request, "request")?;
        let limits = verifier.core().limits();
        let list = request.images(limits)?;
        let moment = verifier.moment(request.at.as_deref())?;
        let (run, cancel) = run(request.timeout_ms, cancel);
        let fetcher = verifier.fetcher(&moment).in_run(run.clone());
        let mut warnings = list.warnings();

        let mut options = PayloadOptions::new(&request.directory);
        options.concurrency = concurrency(request.concurrency, options.concurrency)?;
        options.annotations = request.user_metadata;
        options.limits = limits.clone();
        options.run = run;
        if request.replace {
            options.other_content = OtherContent::Replace;
        }
        if request.skip_valid {
            if verifier.core().oci_policy().is_none() {
                let message = "`skipValid` needs a trust policy for OCI artifacts: without one \
                               nobody says which signatures are valid";
                return Err(usage(message).into());
            }
            warnings.extend(verifier.warnings());
            options.skip_signed = Some(SkipSigned {
                verifier: verifier.core().clone(),
                evidence: fetcher.clone(),
                now: moment.time,
            });
        }
        let listener = Listener { callback, context };
        let mut all = Vec::new();
        let client = verifier.registries().client();
        let references = list.into_references();
        let summary = write_payloads_and_map(&client, &references, &options, &mut |one| {
            listener.tell(&told(&one));
            all.push(one);
        })?;
        all.sort_by_key(|one| one.index);
        warnings.extend(fetcher.warnings());
        end(summary.is_complete(), cancel.is_cancelled(), || {
            let map = request.directory.join(MAP_NAME);
            let document = document(&map, &all, &summary, &warnings);
            out.give(nv_signing_report::new(counts(&summary), &document));
        })
    })
}

impl Payloads {
    /// The images that the request names. None at all is an error: payloads for nothing
    /// would be a success.
    fn images(&self, limits: &Limits) -> Result<ImageList, Error> {
        if self.directory.as_os_str().is_empty() {
            return Err(usage("`directory` is empty: name one for the payloads"));
        }
        let mut list = ImageList::new();
        for reference in &self.references {
            list.add_reference(reference, limits)?;
        }
        match &self.from {
            Some(path) => self.add_file(path, &mut list, limits)?,
            None if self.registry_override.is_some() || self.repo_prefix.is_some() => {
                return Err(usage(
                    "`registryOverride` and `repoPrefix` are for the images of `from`",
                ));
            }
            None => {}
        }
        if list.references().is_empty() {
            return Err(usage("there are no images: give `references` or `from`"));
        }
        Ok(list)
    }

    fn add_file(&self, path: &Path, list: &mut ImageList, limits: &Limits) -> Result<(), Error> {
        let bytes = files::read_existing(path, limits.image_list_bytes)?;
        let relocation = Relocation {
            registry: self.registry_override.clone(),
            repository_prefix: self.repo_prefix.clone(),
        };
        list.add_file(
            &format!("`{}`", path.display()),
            &bytes,
            &relocation,
            limits,
        )
    }
}

fn told(one: &Prepared) -> Told<'_> {
    let (state, signature, why) = match &one.result {
        PayloadResult::Written(_) => (NV_SIGNING_WRITTEN, None, None),
        PayloadResult::Kept(_) => (NV_SIGNING_KEPT, None, None),
        PayloadResult::Signed(_) => (NV_SIGNING_SIGNED, None, None),
        PayloadResult::Valid { signature } => (NV_SIGNING_VALID, signature.as_deref(), None),
        PayloadResult::Failed(error) => (NV_SIGNING_FAILED, None, Some(Why::Failed(error))),
        PayloadResult::NotDone(why) => (NV_SIGNING_NOT_DONE, None, Some(Why::NotDone(*why))),
    };
    Told {
        index: one.index,
        elapsed: one.elapsed,
        state,
        reference: &one.reference,
        payload: one.result.entry().map(|entry| entry.payload.as_str()),
        signature,
        why,
    }
}

fn counts(summary: &PayloadSummary) -> Vec<(nv_signing_state, usize)> {
    vec![
        (NV_SIGNING_WRITTEN, summary.written),
        (NV_SIGNING_KEPT, summary.kept),
        (NV_SIGNING_SIGNED, summary.signed),
        (NV_SIGNING_VALID, summary.valid),
        (NV_SIGNING_FAILED, summary.failed),
        (NV_SIGNING_NOT_DONE, summary.not_done),
    ]
}
