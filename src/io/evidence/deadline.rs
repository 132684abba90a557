//! How long an answer may take: a time-out of its own, inside the time of the
//! whole run.

use std::time::{Duration, Instant};

use crate::io::run::{Run, Stopped, far_from};

/// When one answer must be there.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    timeout: Duration,
    run: Run,
}

/// Why there is no more time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The answer's own time-out.
    Answer(String),
    /// The whole run ends: says nothing about the address.
    Run(String),
}

impl Deadline {
    /// `timeout` from now, and not after the end of `run`.
    pub fn new(timeout: Duration, run: Run) -> Self {
        let now = Instant::now();
        Self {
            at: now.checked_add(timeout).unwrap_or_else(|| far_from(now)),
            timeout,
            run,
        }
    }

    /// What is left of it.
    pub fn left(&self) -> Result<Duration, Over> {
        let left = self.at.saturating_duration_since(Instant::now());
        match self.run.left(left) {
            Ok(left) if left.is_zero() => Err(self.over()),
            Ok(left) => Ok(left),
            Err(why) => Err(why.into()),
        }
    }

    /// What to say where the time is over.
    pub fn over(&self) -> Over {
        match (self.run.check(), self.run.budget()) {
            (Err(why), _) => why.into(),
            // It will be over before the answer's own time is.
            (Ok(()), Some(budget)) if budget.end() < self.at => Stopped::OverBudget {
                total: budget.total(),
            }
            .into(),
            _ => Over::Answer(format!("time-out after {}", seconds(self.timeout))),
        }
    }

    /// The run that it is in.
    pub const fn run(&self) -> &Run {
        &self.run
    }
}

impl From<Stopped> for Over {
    fn from(why: Stopped) -> Self {
        Self::Run(why.to_string())
    }
}

/// `2 s`, `0.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::run::Budget;

    fn none() -> Run {
        Run::default()
    }

    #[test]
    fn the_end_that_comes_first_is_named() {
        let run = |seconds| none().with_budget(Budget::of(Duration::from_secs(seconds)));
        let of = |run| Deadline::new(Duration::from_millis(2500), run).over();
        assert_eq!(of(none()), Over::Answer("time-out after 2.5 s".to_owned()));
        assert_eq!(
            of(run(100)),
            Over::Answer("time-out after 2.5 s".to_owned())
        );
        assert_eq!(
            of(run(0)),
            Over::Run("time-out: the 0 s for the whole run are over".to_owned())
        );
    }

    #[test]
    fn no_time_is_over_and_endless_time_is_not() {
        assert!(Deadline::new(Duration::ZERO, none()).left().is_err());
        let endless = Deadline::new(Duration::MAX, none().with_budget(Budget::of(Duration::MAX)));
        assert!(endless.left().is_ok());
    }
}
