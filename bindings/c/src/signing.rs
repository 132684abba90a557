//! What the calls around a signing service share: how an image ended, and what all of
//! them came to.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::Duration;

use notation::Error;
use notation::io::Stopped;
use notation::oci::Reference;
use notation::report::Subject;
use serde_json::Value;

use crate::error::nv_error;
use crate::ffi::{Text, free, guard_or, no_text, nv_str};
use crate::options::usage;
use crate::status::{NV_ERROR_CANCELLED, nv_status};

/// How one image ended. Numbers are never given another meaning: treat one that you do
/// not know as a failure.
pub type nv_signing_state = u32;

/// The payload was written.
pub const NV_SIGNING_WRITTEN: nv_signing_state = 1;
/// The file was there with the same payload, and was not touched.
pub const NV_SIGNING_KEPT: nv_signing_state = 2;
/// The file holds an intact signature of the payload: it is to be attached.
pub const NV_SIGNING_SIGNED: nv_signing_state = 3;
/// The image has a valid signature and gets no payload (`skipValid`).
pub const NV_SIGNING_VALID: nv_signing_state = 4;
/// The signature is attached now.
pub const NV_SIGNING_ATTACHED: nv_signing_state = 16;
/// The signature was attached before, by this library or another program.
pub const NV_SIGNING_ALREADY_ATTACHED: nv_signing_state = 17;
/// The signature would be attached (`dryRun`).
pub const NV_SIGNING_WOULD_ATTACH: nv_signing_state = 18;
/// The image does not have what the call is for; the error tells why.
pub const NV_SIGNING_FAILED: nv_signing_state = 64;
/// The call ended before this image was done: call again.
pub const NV_SIGNING_NOT_DONE: nv_signing_state = 65;

/// The word for a state in JSON, such as "written" or "already-attached", with a NUL at
/// its end; "unknown" where there is none. It lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn nv_signing_state_name(state: nv_signing_state) -> *const c_char {
    let name: &'static str = match state {
        NV_SIGNING_WRITTEN => "written\0",
        NV_SIGNING_KEPT => "kept\0",
        NV_SIGNING_SIGNED => "signed\0",
        NV_SIGNING_VALID => "valid\0",
        NV_SIGNING_ATTACHED => "attached\0",
        NV_SIGNING_ALREADY_ATTACHED => "already-attached\0",
        NV_SIGNING_WOULD_ATTACH => "would-attach\0",
        NV_SIGNING_FAILED => "failed\0",
        NV_SIGNING_NOT_DONE => "not-done\0",
        _ => "unknown\0",
    };
    name.as_ptr().cast()
}

/// What one image of several came to. It is lent until the callback returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nv_signing_result {
    /// Position among the images of the request, from 0.
    pub index: u64,
    /// How long it took, in nanoseconds; 0 where it was not begun.
    pub elapsed_ns: u64,
    /// How it ended.
    pub state: nv_signing_state,
    /// Nothing yet.
    pub reserved: u32,
    /// The image, by digest where that is known.
    pub reference: nv_str,
    /// The digest of the image; empty where it is not known.
    pub digest: nv_str,
    /// The name of the payload file in its directory; empty where there is none, and in
    /// `nv_attach_signatures`.
    pub payload: nv_str,
    /// The digest of the signature manifest that the image has, or would have; empty
    /// where there is none.
    pub signature: nv_str,
    /// Why the image does not have what the call is for, or NULL.
    pub error: *const nv_error,
}

// Other languages declare this structure again: its layout is fixed.
const _: () = {
    const POINTER: usize = size_of::<usize>();
    assert!(size_of::<nv_signing_result>() == 24 + 9 * POINTER);
    assert!(std::mem::offset_of!(nv_signing_result, state) == 16);
    assert!(std::mem::offset_of!(nv_signing_result, reference) == 24);
    assert!(std::mem::offset_of!(nv_signing_result, error) == 24 + 8 * POINTER);
};

/// Takes the result of one image. It is called on the thread that made the call, for
/// one image after the other. It may use the verifier and set the cancel flag.
pub type nv_signing_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, result: *const nv_signing_result)>;

/// Why an image does not have what the call is for.
pub(crate) enum Why<'a> {
    Failed(&'a Error),
    NotDone(Stopped),
}

/// What a callback is told of one image.
pub(crate) struct Told<'a> {
    pub index: usize,
    pub elapsed: Duration,
    pub state: nv_signing_state,
    pub reference: &'a Reference,
    pub payload: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub why: Option<Why<'a>>,
}

impl Told<'_> {
    /// Lends it to `callback`.
    pub fn to(&self, callback: impl FnOnce(*const nv_signing_result)) {
        let reference = self.reference.to_string();
        let error = self.why.as_ref().map(|why| match why {
            Why::Failed(error) => nv_error::about(&Subject::Artifact(reference.clone()), error),
            Why::NotDone(why) => stopped(*why),
        });
        let text = |text: Option<&str>| text.map(Text::new).unwrap_or_default();
        let digest = self.reference.digest().map(|digest| digest.to_string());
        let digest = text(digest.as_deref());
        let (payload, signature) = (text(self.payload), text(self.signature));
        let reference = Text::new(reference);
        let result = nv_signing_result {
            index: u64::try_from(self.index).unwrap_or(u64::MAX),
            elapsed_ns: u64::try_from(self.elapsed.as_nanos()).unwrap_or(u64::MAX),
            state: self.state,
            reserved: 0,
            reference: reference.lend(),
            digest: digest.lend(),
            payload: payload.lend(),
            signature: signature.lend(),
            error: error.as_ref().map_or(ptr::null(), ptr::from_ref),
        };
        callback(&raw const result);
    }
}

/// What the program is told through.
#[derive(Clone, Copy)]
pub(crate) struct Listener {
    pub callback: nv_signing_fn,
    pub context: *mut c_void,
}

impl Listener {
    pub fn tell(&self, told: &Told<'_>) {
        let Some(callback) = self.callback else {
            return;
        };
        told.to(|result| {
            // SAFETY: the program gave a function of this type, which must return; what
            // it is lent lives until then.
            unsafe { callback(self.context, result) };
        });
    }
}

/// That a call ended early.
pub(crate) fn stopped(why: Stopped) -> nv_error {
    nv_error::new(NV_ERROR_CANCELLED, why.to_string())
}

/// Images at the same time.
pub(crate) fn concurrency(asked: Option<usize>, otherwise: usize) -> Result<usize, Error> {
    match asked {
        Some(0) => Err(usage("`concurrency` is at least 1")),
        Some(most) => Ok(most),
        None => Ok(otherwise),
    }
}

/// What all images of a call came to. It does not change: any number of threads may
/// read it. The caller owns it.
pub struct nv_signing_report {
    counts: Vec<(nv_signing_state, usize)>,
    json: Text,
}

impl nv_signing_report {
    pub(crate) fn new(counts: Vec<(nv_signing_state, usize)>, document: &Value) -> Self {
        Self {
            counts,
            json: Text::new(document.to_string()),
        }
    }
}

/// How many images ended in `state`; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_signing_report_count(
    report: *const nv_signing_report,
    state: nv_signing_state,
) -> usize {
    // SAFETY: NULL, or a report that the caller keeps.
    let report = unsafe { report.as_ref() };
    guard_or(0, || {
        let counts = report.map_or(&[][..], |report| &report.counts);
        let of_state = counts.iter().find(|(of, _)| *of == state);
        of_state.map_or(0, |(_, count)| *count)
    })
}

/// All images in the order of the request, with how each ended, counts and warnings: the
/// same document as the command's (`--output json`). It lives as long as the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_signing_report_json(report: *const nv_signing_report) -> nv_str {
    // SAFETY: NULL, or a report that the caller keeps.
    let report = unsafe { report.as_ref() };
    guard_or(no_text(), || {
        report.map_or(no_text(), |report| report.json.lend())
    })
}

/// Frees `*report` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_signing_report_free(report: *mut *mut nv_signing_report) {
    // SAFETY: a report of this library, as the header asks.
    unsafe { free(report) };
}

/// What a call returns that went through all its images, or was stopped.
pub(crate) fn end(
    complete: bool,
    cancelled: bool,
    report: impl FnOnce(),
) -> Result<nv_status, nv_error> {
    if complete {
        report();
        Ok(crate::status::NV_DONE)
    } else if cancelled {
        Err(stopped(Stopped::Cancelled))
    } else {
        report();
        Ok(crate::status::NV_NOT_ALL_DONE)
    }
}
