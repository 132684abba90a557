//! A function that panics, for the test that no panic unwinds into C. Only in
//! builds with the feature `fault-injection`.

use crate::error::nv_error;
use crate::ffi::guard;
use crate::status::nv_status;

/// Panics inside.
#[unsafe(no_mangle)]
#[allow(clippy::panic)]
pub unsafe extern "C" fn nv_test_panic(error: *mut *mut nv_error) -> nv_status {
    guard(error, || panic!("this was asked for"))
}
