//! [`nv_cancel`]: ends whole calls from another thread.

use std::time::Duration;

use notation::io::{Budget, Cancel, Run};

use crate::error::nv_error;
use crate::ffi::{Out, free, guard};
use crate::status::{NV_DONE, nv_status};

/// A flag that asks calls to stop. Any number of calls may have it, and any thread or
/// signal handler may set it; it stays set. The caller owns it.
#[derive(Default)]
pub struct nv_cancel {
    pub(crate) flag: Cancel,
}

/// What a call may still do, and the flag that ends it.
pub(crate) fn run(timeout_ms: Option<u64>, cancel: Option<&nv_cancel>) -> (Run, Cancel) {
    let cancel = cancel.map_or_else(Cancel::new, |cancel| cancel.flag.clone());
    let mut run = Run::default().with_cancel(cancel.clone());
    if let Some(most) = timeout_ms {
        run = run.with_budget(Budget::of(Duration::from_millis(most)));
    }
    (run, cancel)
}

/// Makes a flag that is not set. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_cancel_new(
    cancel: *mut *mut nv_cancel,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        unsafe { Out::new(cancel, "cancel") }?.give(nv_cancel::default());
        Ok(NV_DONE)
    })
}

/// Asks the calls that have `cancel` to stop. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_cancel_now(cancel: *const nv_cancel) {
    // SAFETY: NULL, or a flag that the caller keeps.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.flag.cancel();
    }
}

/// Frees `*cancel` and sets it to NULL. NULL and a pointer to NULL are fine. Calls that
/// have it go on, and nobody can stop them any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_cancel_free(cancel: *mut *mut nv_cancel) {
    // SAFETY: a flag of this library, as the header asks.
    unsafe { free(cancel) };
}
