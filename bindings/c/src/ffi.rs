//! Where pointers of callers become Rust values and back, and where panics stop.
//!
//! The functions here check what can be checked: NULL, lengths, UTF-8. What they
//! cannot check is the contract of the header: a pointer that is not NULL points
//! to what its type says, for the length that is given with it, until the call
//! returns.

use std::any::Any;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::error::nv_error;
use crate::status::{NV_ERROR_ARGUMENT, NV_ERROR_INTERNAL, nv_status};

/// Text that somebody else owns: UTF-8 octets and their number. After the last
/// one is a NUL that is not counted, so that `data` is a C string too. Where
/// there is no text `data` is the empty string, and never NULL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nv_str {
    /// The octets.
    pub data: *const c_char,
    /// How many, without the NUL.
    pub len: usize,
}

/// Octets that somebody else owns. Where there are none `data` is not NULL and
/// `len` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nv_slice {
    /// The octets.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

// Other languages declare these structures again: their layout is fixed.
const _: () = {
    assert!(size_of::<nv_str>() == 2 * size_of::<usize>());
    assert!(size_of::<nv_slice>() == 2 * size_of::<usize>());
    assert!(std::mem::offset_of!(nv_str, len) == size_of::<usize>());
    assert!(std::mem::offset_of!(nv_slice, len) == size_of::<usize>());
};

impl nv_slice {
    pub(crate) const fn of(octets: &[u8]) -> Self {
        Self {
            data: octets.as_ptr(),
            len: octets.len(),
        }
    }
}

/// Text that is lent to callers, with its NUL.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.push('\0');
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or_default()
    }

    pub fn lend(&self) -> nv_str {
        match self.0.len().checked_sub(1) {
            Some(len) => nv_str {
                data: self.0.as_ptr().cast(),
                len,
            },
            None => no_text(),
        }
    }
}

/// No text, as callers see it.
pub(crate) const fn no_text() -> nv_str {
    nv_str {
        data: c"".as_ptr(),
        len: 0,
    }
}

/// Runs `body`, the whole of an exported function: its error goes to `error`, and
/// a panic becomes `NV_ERROR_INTERNAL` instead of unwinding into C.
pub(crate) fn guard(
    error: *mut *mut nv_error,
    body: impl FnOnce() -> Result<nv_status, nv_error>,
) -> nv_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(panic) => nv_error::new(NV_ERROR_INTERNAL, told(panic)),
    };
    let status = failure.status();
    if !error.is_null() {
        // SAFETY: not NULL, so by the contract it points to a pointer that may be
        // written.
        unsafe { error.write(Box::into_raw(Box::new(failure))) };
    }
    status
}

/// For accessors, which have no error: what `body` gives, or `otherwise` after a
/// panic.
pub(crate) fn guard_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        told(panic);
        otherwise
    })
}

/// What a panic said. Its payload is not dropped: that may panic again.
fn told(panic: Box<dyn Any + Send>) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    std::mem::forget(panic);
    format!("the library failed inside, please report it: {said}")
}

fn argument(message: String) -> nv_error {
    nv_error::new(NV_ERROR_ARGUMENT, message)
}

/// The handle behind `pointer`.
///
/// # Safety
/// `pointer` is NULL or points to a `T` that stays for `'a`.
pub(crate) unsafe fn handle<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, nv_error> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| argument(format!("`{name}` is NULL")))
}

/// The octets at `data`; NULL with length 0 is none.
///
/// # Safety
/// `data` is NULL or points to `len` octets that stay for `'a`.
pub(crate) unsafe fn octets<'a>(
    data: *const u8,
    len: usize,
    name: &str,
) -> Result<&'a [u8], nv_error> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(argument(format!(
            "`{name}` is NULL, and its length is {len}"
        )));
    }
    if isize::try_from(len).is_err() {
        return Err(argument(format!(
            "the length of `{name}` is {len}: nothing in memory is that long"
        )));
    }
    // SAFETY: not NULL, as long as the caller promises, and not too long.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// The text at `data`; NULL with length 0 is the empty one.
///
/// # Safety
/// As [`octets`].
pub(crate) unsafe fn text<'a>(
    data: *const c_char,
    len: usize,
    name: &str,
) -> Result<&'a str, nv_error> {
    // SAFETY: as the caller promises.
    let octets = unsafe { octets(data.cast(), len, name) }?;
    str::from_utf8(octets).map_err(|error| argument(format!("`{name}` is not UTF-8: {error}")))
}

/// Where a result goes. It is written only on success.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `place` is NULL or may be written.
    pub unsafe fn new(place: *mut T, name: &str) -> Result<Self, nv_error> {
        if place.is_null() {
            Err(argument(format!("`{name}` is NULL")))
        } else {
            Ok(Self(place))
        }
    }

    pub fn write(self, value: T) {
        // SAFETY: not NULL, and `new` was promised that it may be written.
        unsafe { self.0.write(value) };
    }
}

impl<T> Out<*mut T> {
    /// Gives the caller a handle to own.
    pub fn give(self, value: T) {
        self.write(Box::into_raw(Box::new(value)));
    }
}

/// Frees what `place` points to and sets it to NULL.
///
/// # Safety
/// `place` is NULL, or points to NULL, or to a handle from [`Out::give`] that was
/// not freed.
pub(crate) unsafe fn free<T>(place: *mut *mut T) {
    guard_or((), || {
        if place.is_null() {
            return;
        }
        // SAFETY: not NULL, so it may be read and written.
        let pointer = unsafe { place.replace(ptr::null_mut()) };
        if !pointer.is_null() {
            // SAFETY: it came from `Box::into_raw` in `Out::give`.
            drop(unsafe { Box::from_raw(pointer) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::NV_DONE;

    #[test]
    fn panics_become_errors() {
        let mut error = ptr::null_mut();
        assert_eq!(guard(&raw mut error, || panic!("so it is")), 127);
        assert!(!error.is_null());
        // SAFETY: `guard` gave it.
        let told = unsafe { &*error }.message().to_owned();
        assert!(told.contains("so it is"), "{told}");
        // SAFETY: `guard` gave it, and it is freed once.
        unsafe { free(&raw mut error) };
        assert!(error.is_null());
        // Nobody has to take the error.
        assert_eq!(guard(ptr::null_mut(), || panic!("again")), 127);
        assert_eq!(guard(ptr::null_mut(), || Ok(NV_DONE)), NV_DONE);
        assert_eq!(guard_or(5, || panic!("accessor")), 5);
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_stays_inside() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let body = || -> Result<nv_status, nv_error> { std::panic::panic_any(Bomb) };
        assert_eq!(guard(ptr::null_mut(), body), NV_ERROR_INTERNAL);
    }

    #[test]
    fn lengths_are_checked_before_memory_is_read() {
        let one = [1_u8];
        // SAFETY: lengths that are not those of `one` are refused unread.
        unsafe {
            assert_eq!(octets(ptr::null(), 0, "x").unwrap(), b"");
            assert_eq!(octets(one.as_ptr(), 1, "x").unwrap(), [1]);
            for len in [1, usize::MAX] {
                assert!(octets(ptr::null(), len, "x").is_err());
            }
            assert!(octets(one.as_ptr(), usize::MAX, "x").is_err());
        }
    }
}
