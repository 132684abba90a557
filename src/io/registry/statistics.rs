//! What was asked so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since a client was made, over all its clones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Requests that were sent: all attempts, requests for tokens, and those that a
    /// redirect or a demand for credentials led to.
    pub requests: u64,
    /// Of them, those that list referrers, by the API or by the tag.
    pub referrers: u64,
    /// Of them, those for tokens.
    pub tokens: u64,
    /// Attempts after the first one for the same thing.
    pub retries: u64,
    /// Octets of bodies that came.
    pub bytes: u64,
}

#[derive(Debug, Default)]
pub struct Counters {
    pub requests: Counter,
    pub referrers: Counter,
    pub tokens: Counter,
    pub retries: Counter,
    pub bytes: Counter,
}

impl Counters {
    pub fn read(&self) -> Statistics {
        Statistics {
            requests: self.requests.get(),
            referrers: self.referrers.get(),
            tokens: self.tokens.get(),
            retries: self.retries.get(),
            bytes: self.bytes.get(),
        }
    }
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
