//! What ends a run early: a person or program that cancels it, or its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything waits before it looks again whether the run goes on: well
/// below the second within which a cancelled run ends.
#[cfg_attr(not(feature = "http"), allow(dead_code))]
pub(super) const SLICE: Duration = Duration::from_millis(100);

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

/// What a run may still do. The default has no end and nobody to stop it.
///
/// ```
/// use std::time::Duration;
/// use notation_verifier::io::{Budget, Cancel, Run};
///
/// let cancel = Cancel::new();
/// let run = Run::default()
///     .with_budget(Budget::of(Duration::from_secs(60)))
///     .with_cancel(cancel.clone());
/// assert!(run.check().is_ok());
/// cancel.cancel();
/// assert_eq!(run.check().unwrap_err().to_string(), "the run was cancelled");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Run {
    cancel: Cancel,
    budget: Option<Budget>,
}

/// Why a run does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// Somebody used [`Cancel`].
    #[error("the run was cancelled")]
    Cancelled,
    /// Its [`Budget`] is spent.
    #[error("time-out: the {} s for the whole run are over", .total.as_secs_f64())]
    OverBudget {
        /// What it had.
        total: Duration,
    },
}

impl Run {
    /// The same run with this time in all.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The same run, which `cancel` stops.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// What stops it.
    #[must_use]
    pub const fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The time that it has in all, where it has an end.
    #[must_use]
    pub const fn budget(&self) -> Option<Budget> {
        self.budget
    }

    /// Whether it goes on.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.cancel.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        match self.budget {
            Some(budget) if budget.is_over() => Err(Stopped::OverBudget {
                total: budget.total(),
            }),
            _ => Ok(()),
        }
    }

    /// What is left of `most`, not longer than the run has.
    ///
    /// # Errors
    /// Why it does not go on.
    pub fn left(&self, most: Duration) -> Result<Duration, Stopped> {
        self.check()?;
        Ok(self.budget.map_or(most, |budget| budget.left().min(most)))
    }

    /// Whether it goes on for `time` from now.
    pub(crate) fn check_for(&self, time: Duration) -> Result<(), Stopped> {
        self.check()?;
        match self.budget {
            Some(budget) if budget.left() < time => Err(Stopped::OverBudget {
                total: budget.total(),
            }),
            _ => Ok(()),
        }
    }

    /// Waits for `time`.
    ///
    /// # Errors
    /// Why it does not go on; then it has waited for less. Where the run would end
    /// before, it does not wait at all.
    pub fn sleep(&self, time: Duration) -> Result<(), Stopped> {
        self.check_for(time)?;
        let start = Instant::now();
        loop {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return self.check();
            }
            thread::sleep(left.min(SLICE));
            self.check()?;
        }
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

    const LONG: Duration = Duration::from_secs(600);

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

    #[test]
    fn a_run_without_end_goes_on() {
        let run = Run::default();
        assert_eq!(run.left(LONG), Ok(LONG));
        assert_eq!(run.sleep(Duration::from_millis(1)), Ok(()));
        let endless = Run::default().with_budget(Budget::of(Duration::MAX));
        assert_eq!(endless.left(LONG), Ok(LONG));
    }

    #[test]
    fn who_sleeps_is_stopped_by_cancel() {
        let cancel = Cancel::new();
        let run = Run::default().with_cancel(cancel.clone());
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| run.sleep(LONG));
            std::thread::sleep(Duration::from_millis(50));
            cancel.cancel();
            assert_eq!(sleeper.join().unwrap(), Err(Stopped::Cancelled));
        });
        assert_eq!(run.left(LONG), Err(Stopped::Cancelled));
    }

    #[test]
    fn nobody_waits_past_the_end() {
        let total = Duration::from_secs(30);
        let run = Run::default().with_budget(Budget::of(total));
        assert!(run.left(LONG).unwrap() <= total);
        assert_eq!(run.sleep(LONG), Err(Stopped::OverBudget { total }));
        let over = Run::default().with_budget(Budget::of(Duration::ZERO));
        assert_eq!(
            over.check().unwrap_err().to_string(),
            "time-out: the 0 s for the whole run are over"
        );
    }
}
