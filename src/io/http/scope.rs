//! Which run a connection works for.
//!
//! The client calls connections and resolvers on the thread that sends the request
//! and gives them no context; a pooled connection works for many runs in turn. So
//! the thread knows for which.

use std::cell::RefCell;
use std::io;

use crate::io::run::{Run, Stopped};

thread_local! {
    static CURRENT: RefCell<Vec<Run>> = const { RefCell::new(Vec::new()) };
}

/// Does `work`, whose connections end when `run` does.
pub fn in_run<T>(run: &Run, work: impl FnOnce() -> T) -> T {
    /// Also in a panic.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|runs| drop(runs.pop()));
        }
    }
    CURRENT.with_borrow_mut(|runs| runs.push(run.clone()));
    let _leave = Leave;
    work()
}

/// Whether the run of this thread goes on.
pub fn check() -> Result<(), Stopped> {
    CURRENT.with_borrow(|runs| runs.last().map_or(Ok(()), Run::check))
}

/// The same for those who speak of input and output.
pub fn check_io() -> io::Result<()> {
    check().map_err(io::Error::other)
}
