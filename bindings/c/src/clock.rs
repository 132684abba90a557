//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use notation::Time;

pub(crate) fn now() -> Time {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(elapsed) => Time::from_unix(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)),
        // A clock before 1970: everything is not yet valid, which fails closed.
        Err(_) => Time::from_unix(0),
    }
}
