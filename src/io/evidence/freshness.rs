//! How long evidence may be used again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::key::Key;
use crate::evidence::Content;
use crate::time::Time;
use crate::x509::OcspResponse;

/// How far the clocks of machines that share a directory may differ, in seconds.
const CLOCK_LEEWAY: i64 = 300;

/// The machine's clock.
pub fn clock() -> Time {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    Time::from_unix(seconds)
}

/// Until when `content` says that it is right, or `None` where it does not say
/// or is no answer to `key`.
pub fn next_update(key: &Key, content: &Content) -> Option<Time> {
    match key {
        Key::Ocsp { .. } => {
            let response = OcspResponse::parse(content.bytes()).ok()?;
            let ends = response.responses.iter().map(|single| single.next_update);
            ends.collect::<Option<Vec<_>>>()?.into_iter().min()
        }
        Key::Crl { .. } => content.revocation_list().ok()?.next_update(),
    }
}

/// Whether evidence is current at `moment` by its own account.
pub fn is_current(next_update: Option<Time>, moment: Time) -> bool {
    next_update.is_some_and(|next| moment <= next)
}

/// Whether what was fetched at `fetched` is not older than `max_age`, and not
/// from a future that no clock leeway explains.
pub fn is_young(fetched: Time, max_age: Duration) -> bool {
    let age = clock()
        .unix_seconds()
        .saturating_sub(fetched.unix_seconds());
    let most = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    (-CLOCK_LEEWAY..=most).contains(&age)
}
