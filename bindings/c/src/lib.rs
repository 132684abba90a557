//! The C ABI of `notation-verifier`. Its manual is the header,
//! `include/notation_verifier.h`, which is generated from this crate.
//!
//! This is the only crate with `unsafe`. Pointers of callers become Rust values
//! in [`ffi`], and every exported function runs inside `ffi::guard`, where
//! panics stop.
//!
//! ```text
//! abi       versions                     status   numbers of results
//! ffi       pointers, text, the guard    error    nv_error
//! options   JSON from the caller         clock    "now", where nobody gives it
//! request   JSON: what is to be verified registry nv_credential, registry options
//! verifier  nv_verifier, its builder     report   nv_report
//! session   nv_session                   need     nv_need, and HTTP for it
//! whole     layouts, blobs, envelopes    images   registries: one image, many
//! cancel    nv_cancel                    fault    for one test alone
//! resolve   nv_descriptor, thumbprints   signing  nv_signing_result, nv_signing_report
//! payloads  payload files                attach   signatures to their images
//! ```

// Names as C programs see them.
#![allow(non_camel_case_types)]

mod abi;
mod attach;
mod cancel;
mod clock;
mod error;
#[cfg(feature = "fault-injection")]
mod fault;
mod ffi;
mod images;
mod need;
mod options;
mod payloads;
mod registry;
mod report;
mod request;
mod resolve;
mod session;
mod signing;
mod status;
mod verifier;
mod whole;
