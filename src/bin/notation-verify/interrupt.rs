//! Ctrl-C, and the signals by which others end a program.

use std::sync::atomic::{AtomicBool, Ordering};

use notation_verifier::io::Cancel;
use notation_verifier::{Error, ErrorKind};

use crate::exit::Exit;

/// Whether somebody asked.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether somebody asked the program to end.
pub fn was_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Cancels the run when somebody asks the program to end. Who asks twice does not
/// wait for what was done to be reported.
pub fn on_signal(cancel: &Cancel) -> Result<(), Error> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        cancel.cancel();
    })
    .map_err(|error| {
        Error::with_source(
            ErrorKind::Internal,
            format!("signals cannot be handled: {error}"),
            error,
        )
    })
}
