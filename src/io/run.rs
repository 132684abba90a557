//! What ends a run early: a person or program that cancels it, or its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A flag that asks whoever works for it to stop. Clones share it; it can be set
/// from any thread and from the handler of a signal, and stays set.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
}

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }
}

/// The time for a whole run: everything that waits ends with it. It starts when
/// it is made.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    end: Instant,
    total: Duration,
}

impl Budget {
    /// `total` from now on.
    #[must_use]
    pub fn of(total: Duration) -> Self {
        let now = Instant::now();
        Self {
            // Past what the clock can count there is no end that anyone sees.
            end: now.checked_add(total).unwrap_or_else(|| far_from(now)),
            total,
        }
    }

    /// What was given.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// When it ends.
    #[must_use]
    pub const fn end(&self) -> Instant {
        self.end
    }

    /// What is left of it; zero where it is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// A century is no bound, and every clock can count to it.
pub(super) fn far_from(now: Instant) -> Instant {
    now.checked_add(Duration::from_secs(100 * 365 * 24 * 60 * 60))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_flag_are_one() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        assert!(!other.is_cancelled());
        cancel.cancel();
        assert!(other.is_cancelled());
    }

    #[test]
    fn no_time_is_over_and_endless_time_is_not() {
        assert!(Budget::of(Duration::ZERO).is_over());
        let endless = Budget::of(Duration::MAX);
        assert!(!endless.is_over());
        assert_eq!(endless.total(), Duration::MAX);
    }
}
