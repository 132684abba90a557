//! Versions of this interface.

/// The version of the interface that this header describes: the major number in
/// the upper 16 bits, the minor one in the lower. The major one changes where a
/// program must change, and is that of the SONAME; the minor one where something
/// was added.
pub const NV_ABI_VERSION: u32 = 2;

/// The version of the interface that the library has. A program may go on where
/// its upper 16 bits are those of `NV_ABI_VERSION` and its lower ones are not
/// smaller.
#[unsafe(no_mangle)]
pub extern "C" fn nv_abi_version() -> u32 {
    NV_ABI_VERSION
}

/// The version of the library, such as "0.1.0", with a NUL at its end. It lives
/// as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn nv_library_version() -> *const std::ffi::c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
