//! Images in registries: one and many.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use notation::Error;
use notation::io::batch::{
    BatchOptions, Finished, Hosts, ImageResult, OnFailure, Order, Stop, verify_images,
};
use notation::io::evidence::{EvidenceFetcher, WithEvidence};
use notation::io::registry::RegistryClient;
use notation::io::{Host, Run, drive};
use notation::oci::Reference;
use notation::report::{ArtifactStatus, Report, Subject};
use notation::session::ImageRequest;
use serde::Deserialize;

use crate::cancel::{nv_cancel, run};
use crate::error::nv_error;
use crate::ffi::{Out, Text, guard, handle, nv_str, text};
use crate::options::{parse, parse_list, usage};
use crate::report::nv_report;
use crate::request::{Image, ImageDefaults};
use crate::status::{
    NV_DONE, NV_ERROR_ARGUMENT, NV_ERROR_CANCELLED, NV_NOT_ALL_TRUSTED, NV_TRUSTED, nv_status,
};
use crate::verifier::{Moment, nv_verifier};

/// What one image of several came to. It is lent until the callback returns; see
/// `nv_report_copy`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nv_image_result {
    /// Position among the images of the request, from 0.
    pub index: u64,
    /// How long it took, in nanoseconds; 0 where it was not begun.
    pub elapsed_ns: u64,
    /// The verdict, or an error: `NV_ERROR_CANCELLED` where the run ended first.
    pub status: nv_status,
    /// Nothing yet.
    pub reserved: u32,
    /// What the request calls the image.
    pub name: nv_str,
    /// The report, or NULL where there is an error.
    pub report: *const nv_report,
    /// The error, or NULL where there is a report.
    pub error: *const nv_error,
}

// Other languages declare this structure again: its layout is fixed.
const _: () = {
    const POINTER: usize = size_of::<usize>();
    assert!(size_of::<nv_image_result>() == 24 + 4 * POINTER);
    assert!(std::mem::offset_of!(nv_image_result, status) == 16);
    assert!(std::mem::offset_of!(nv_image_result, name) == 24);
    assert!(std::mem::offset_of!(nv_image_result, report) == 24 + 2 * POINTER);
};

/// Takes the result of one image. It is called on the thread that called
/// `nv_verify_images`, for one image after the other. It may use the verifier and set
/// the cancel flag.
pub type nv_image_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, result: *const nv_image_result)>;

/// Registries and revocation evidence for the images of one call.
struct Everything {
    client: RegistryClient,
    fetcher: EvidenceFetcher,
    run: Run,
}

impl Everything {
    fn of(verifier: &nv_verifier, moment: &Moment, run: Run) -> Self {
        Self {
            client: verifier.registries().client(),
            fetcher: verifier.fetcher(moment).in_run(run.clone()),
            run,
        }
    }
}

impl Hosts for Everything {
    fn host(&self, image: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        let between = if image.reference.contains(':') {
            '@'
        } else {
            ':'
        };
        let reference = format!("{}{between}{}", image.scope, image.reference);
        let reference = Reference::parse(&reference)?;
        let host = self.client.host(&reference).in_run(self.run.clone());
        Ok(Box::new(WithEvidence::new(host, self.fetcher.clone())))
    }
}

/// Verifies an image in a registry; `request` as for `nv_session_for_image`, and
///
///     {"timeoutMs": 60000}    the time for all of it; without it each request has its own
///
/// `cancel` may be NULL. Returns the verdict with `*report`, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_image(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    cancel: *const nv_cancel,
    report: *mut *mut nv_report,
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
        let request: Image = parse(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let subject = Subject::Artifact(request.name().to_owned());
        let (run, cancel) = run(request.timeout_ms, cancel);
        let everything = Everything::of(verifier, &moment, run);
        let verify = || -> Result<Report, Error> {
            let request = request.at(moment.time)?;
            let mut host = everything.host(&request)?;
            drive(verifier.core().verify_image(request)?, &mut *host)
        };
        let found = verify().map_err(|error| nv_error::about(&subject, &error))?;
        if cancel.is_cancelled() && found.status() == ArtifactStatus::LookupFailed {
            return Err(cancelled(Stop::Cancelled));
        }
        let warnings = verifier.warnings().chain(everything.fetcher.warnings());
        let found = nv_report::new(found.with_warnings(warnings), moment.given);
        let status = found.status();
        out.give(found);
        Ok(status)
    })
}

fn cancelled(stop: Stop) -> nv_error {
    nv_error::new(NV_ERROR_CANCELLED, stop.sentence())
}

/// Several images.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Images {
    images: Vec<Image>,
    #[serde(default)]
    defaults: ImageDefaults,
    at: Option<String>,
    concurrency: Option<usize>,
    #[serde(default)]
    on_failure: AfterFailure,
    #[serde(default)]
    order: InOrder,
    timeout_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AfterFailure {
    #[default]
    GoOn,
    Stop,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum InOrder {
    #[default]
    AsFinished,
    AsGiven,
}

/// Verifies images in registries, several at the same time, with one pool of
/// connections, tokens and evidence, and hands each over to `callback` when it is done.
///
/// `request` is a JSON object; the first member is needed, and not empty:
///
///     {"images": [{"reference": "registry.example/app:v1", ...}, ...],
///                                   each as for nv_session_for_image, without "at"
///      "defaults": {"userMetadata": {...}, "maxSignatures": 100,
///                   "allSignatures": false, "platforms": "named"},  for all images
///      "at": "...", "concurrency": 8, "timeoutMs": 600000,
///      "onFailure": "go-on" or "stop", "order": "as-finished" or "as-given"}
///
/// `cancel` may be NULL. Returns `NV_TRUSTED` where every image is trusted,
/// `NV_NOT_ALL_TRUSTED` where one is not (also where it is exempt by the policy), or an
/// error. Once images were begun the callback has been called for each of them, also
/// where the call was cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verify_images(
    verifier: *const nv_verifier,
    request: *const c_char,
    request_len: usize,
    cancel: *const nv_cancel,
    callback: nv_image_fn,
    context: *mut c_void,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (verifier, request, cancel) = unsafe {
            (
                handle(verifier, "verifier")?,
                text(request, request_len, "request")?,
                cancel.as_ref(),
            )
        };
        let callback =
            callback.ok_or_else(|| nv_error::new(NV_ERROR_ARGUMENT, "`callback` is NULL"))?;
        let request: Images = parse_list(request, "request")?;
        let moment = verifier.moment(request.at.as_deref())?;
        let images = requests(request.images, &request.defaults, &moment)?;
        let (run, cancel) = run(request.timeout_ms, cancel);
        let mut options = BatchOptions::default();
        if let Some(most) = request.concurrency {
            options.concurrency = most;
        }
        options.on_failure = match request.on_failure {
            AfterFailure::GoOn => OnFailure::GoOn,
            AfterFailure::Stop => OnFailure::Stop,
        };
        options.order = match request.order {
            InOrder::AsFinished => Order::AsFinished,
            InOrder::AsGiven => Order::AsGiven,
        };
        options.run = run.clone();
        let everything = Arc::new(Everything::of(verifier, &moment, run));
        let fetcher = everything.fetcher.clone();
        let mut all_trusted = true;
        verify_images(
            verifier.core(),
            images,
            everything,
            &options,
            &mut |finished| {
                let warnings = verifier.warnings().chain(fetcher.warnings());
                let status = hand_over(finished, warnings, &moment, |result| {
                    // SAFETY: the program gave a function of this type, which must return;
                    // what it is lent lives until then.
                    unsafe { callback(context, result) };
                });
                all_trusted &= status == NV_TRUSTED;
            },
        );
        if all_trusted {
            Ok(NV_TRUSTED)
        } else if cancel.is_cancelled() {
            Err(cancelled(Stop::Cancelled))
        } else {
            Ok(NV_NOT_ALL_TRUSTED)
        }
    })
}

/// What the core is to verify. An error in one is an error of the call: no image is
/// begun of a list that is not understood.
fn requests(
    images: Vec<Image>,
    defaults: &ImageDefaults,
    moment: &Moment,
) -> Result<Vec<ImageRequest>, Error> {
    if images.is_empty() {
        return Err(usage(
            "there are no images: nothing is trusted by an empty list",
        ));
    }
    images
        .into_iter()
        .map(|image| {
            if image.at.is_some() || image.timeout_ms.is_some() {
                return Err(usage(
                    "`at` and `timeoutMs` are for all images: put them beside `images`",
                ));
            }
            image.with(defaults).at(moment.time)
        })
        .collect()
}

/// Lends a result to `callback`, and says its status.
fn hand_over(
    finished: Finished,
    warnings: impl Iterator<Item = String>,
    moment: &Moment,
    callback: impl FnOnce(*const nv_image_result),
) -> nv_status {
    let Finished {
        index,
        name,
        result,
        elapsed,
    } = finished;
    let (report, error) = match result {
        ImageResult::Report(report) => {
            let report = report.with_warnings(warnings);
            (Some(nv_report::new(report, moment.given)), None)
        }
        ImageResult::Error(error) => {
            let subject = Subject::Artifact(name.clone());
            (None, Some(nv_error::about(&subject, &error)))
        }
        ImageResult::NotDone(stop) => (None, Some(cancelled(stop))),
    };
    let status = match (&report, &error) {
        (Some(report), _) => report.status(),
        (None, Some(error)) => error.status(),
        (None, None) => NV_ERROR_CANCELLED,
    };
    let name = Text::new(name);
    let result = nv_image_result {
        index: u64::try_from(index).unwrap_or(u64::MAX),
        elapsed_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
        status,
        reserved: 0,
        name: name.lend(),
        report: report.as_ref().map_or(ptr::null(), ptr::from_ref),
        error: error.as_ref().map_or(ptr::null(), ptr::from_ref),
    };
    callback(&raw const result);
    status
}

/// Copies a report that is only lent, so that the caller owns one. Returns `NV_DONE` or
/// an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_report_copy(
    report: *const nv_report,
    copy: *mut *mut nv_report,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (report, out) = unsafe { (handle(report, "report")?, Out::new(copy, "copy")?) };
        out.give(report.copy());
        Ok(NV_DONE)
    })
}
