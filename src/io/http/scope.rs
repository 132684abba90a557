//! Which run a connection works for.
//!
//! The client calls connections and resolvers on the thread that sends the request
//! and gives them no context; a pooled connection works for many runs in turn. So
//! the thread knows for which.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use crate::io::run::{Run, Stopped};

thread_local! {
    static CURRENT: RefCell<Vec<(Run, Option<Duration>)>> = const { RefCell::new(Vec::new()) };
}

/// Does `work`, whose connections end when `run` does.
pub fn in_run<T>(run: &Run, work: impl FnOnce() -> T) -> T {
    enter(run, None, work)
}

/// The same for content that may take any time as a whole, as long as something
/// comes, or goes, within `patience`.
pub fn in_run_patiently<T>(run: &Run, patience: Duration, work: impl FnOnce() -> T) -> T {
    enter(run, Some(patience), work)
}

fn enter<T>(run: &Run, patience: Option<Duration>, work: impl FnOnce() -> T) -> T {
    /// Also in a panic.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|runs| drop(runs.pop()));
        }
    }
    CURRENT.with_borrow_mut(|runs| runs.push((run.clone(), patience)));
    let _leave = Leave;
    work()
}

/// Whether the run of this thread goes on.
pub fn check() -> Result<(), Stopped> {
    CURRENT.with_borrow(|runs| runs.last().map_or(Ok(()), |(run, _)| run.check()))
}

/// The same for those who speak of input and output.
pub fn check_io() -> io::Result<()> {
    check().map_err(io::Error::other)
}

/// How long one wait of this thread may take, where that is not for the request to
/// say.
pub fn patience() -> Option<Duration> {
    CURRENT.with_borrow(|runs| runs.last().and_then(|(_, patience)| *patience))
}
