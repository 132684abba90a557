//! How long an answer may take: a time-out of its own, inside the time of the
//! whole run.

use std::time::{Duration, Instant};

use crate::io::run::{Budget, far_from};

/// When one answer must be there.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    timeout: Duration,
    run: Option<Budget>,
}

/// Why there is no more time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The answer's own time-out.
    Answer(String),
    /// The time of the whole run: says nothing about the address.
    Run(String),
}

impl Deadline {
    /// `timeout` from now, and not after the end of `run`.
    pub fn new(timeout: Duration, run: Option<Budget>) -> Self {
        let now = Instant::now();
        Self {
            at: now.checked_add(timeout).unwrap_or_else(|| far_from(now)),
            timeout,
            run,
        }
    }

    /// What is left of it.
    pub fn left(&self) -> Result<Duration, Over> {
        let end = self.run.map_or(self.at, |run| run.end().min(self.at));
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(self.over())
        } else {
            Ok(left)
        }
    }

    /// What to say where the time is over.
    pub fn over(&self) -> Over {
        match self.run {
            Some(run) if run.end() < self.at => Over::Run(format!(
                "time-out: the {} for the whole run are over",
                seconds(run.total())
            )),
            _ => Over::Answer(format!("time-out after {}", seconds(self.timeout))),
        }
    }
}

/// `2 s`, `0.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_that_comes_first_is_named() {
        let run = |seconds| Some(Budget::of(Duration::from_secs(seconds)));
        let of = |run| Deadline::new(Duration::from_millis(2500), run).over();
        assert_eq!(of(None), Over::Answer("time-out after 2.5 s".to_owned()));
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
        assert!(Deadline::new(Duration::ZERO, None).left().is_err());
        let endless = Deadline::new(Duration::MAX, Some(Budget::of(Duration::MAX)));
        assert!(endless.left().is_ok());
    }
}
