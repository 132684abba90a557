//! One host's door: how many may be inside, how often it opens for those who list
//! referrers, and how long it stays shut when the host asks for a pause.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::io::run::{Run, SLICE, Stopped};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Referrers,
    Token,
    Other,
}

#[derive(Debug)]
pub struct Gate {
    concurrency: usize,
    /// Between two look-ups of referrers.
    interval: Option<Duration>,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    inside: usize,
    /// When the next look-up of referrers may start.
    next_referrers: Option<Instant>,
    shut_until: Option<Instant>,
}

/// A place inside. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    gate: &'a Gate,
}

impl Gate {
    /// `per_second` look-ups of referrers; 0 is no limit.
    pub fn new(concurrency: usize, per_second: u32) -> Self {
        Self {
            concurrency: concurrency.max(1),
            interval: Duration::from_secs(1).checked_div(per_second),
            state: Mutex::default(),
            left: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub fn enter(&self, purpose: Purpose, run: &Run) -> Result<Place<'_>, Stopped> {
        self.wait_for_turn(purpose, run)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            run.check()?;
            let shut = state
                .shut_until
                .map(|until| until.saturating_duration_since(Instant::now()))
                .filter(|left| !left.is_zero());
            match shut {
                Some(left) => {
                    // Where the run would end before the door opens, it ends now.
                    run.check_for(left)?;
                    state = self.wait(state, left.min(SLICE));
                }
                None if state.inside < self.concurrency => {
                    state.inside += 1;
                    return Ok(Place { gate: self });
                }
                None => state = self.wait(state, SLICE),
            }
        }
    }

    fn wait<'a>(
        &self,
        state: std::sync::MutexGuard<'a, State>,
        time: Duration,
    ) -> std::sync::MutexGuard<'a, State> {
        let waited = self.left.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Look-ups of referrers start one interval after the other, in the order in
    /// which they came.
    fn wait_for_turn(&self, purpose: Purpose, run: &Run) -> Result<(), Stopped> {
        let (Some(interval), Purpose::Referrers) = (self.interval, purpose) else {
            return Ok(());
        };
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = state.next_referrers.map_or(now, |next| next.max(now));
        state.next_referrers = turn.checked_add(interval);
        drop(state);
        run.sleep(turn.saturating_duration_since(now))
    }

    /// Nobody enters for `time`.
    pub fn shut(&self, time: Duration) {
        let until = Instant::now().checked_add(time);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.shut_until = state.shut_until.max(until);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let state = self.gate.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).inside -= 1;
        self.gate.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::io::run::{Budget, Cancel};

    #[test]
    fn no_more_than_allowed_are_inside() {
        let gate = Gate::new(3, 0);
        let inside = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let place = gate.enter(Purpose::Other, &Run::default()).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(place);
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
    }

    #[test]
    fn referrers_take_turns_and_others_do_not() {
        let gate = Gate::new(100, 20);
        let start = Instant::now();
        for _ in 0..5 {
            drop(gate.enter(Purpose::Referrers, &Run::default()).unwrap());
        }
        // Four intervals of 50 ms: they cannot be shorter.
        assert!(start.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn who_waits_is_stopped() {
        let gate = Gate::new(1, 0);
        let place = gate.enter(Purpose::Other, &Run::default()).unwrap();
        let short = Run::default().with_budget(Budget::of(Duration::from_millis(50)));
        let over = gate.enter(Purpose::Other, &short).unwrap_err();
        assert!(matches!(over, Stopped::OverBudget { .. }));
        let cancel = Cancel::new();
        let run = Run::default().with_cancel(cancel.clone());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.enter(Purpose::Other, &run).map(drop));
            cancel.cancel();
            assert_eq!(waiting.join().unwrap(), Err(Stopped::Cancelled));
        });
        drop(place);
        gate.shut(Duration::from_secs(600));
        let minute = Run::default().with_budget(Budget::of(Duration::from_secs(60)));
        let over = gate.enter(Purpose::Other, &minute).unwrap_err();
        assert!(matches!(over, Stopped::OverBudget { .. }));
    }

    #[test]
    fn a_shut_gate_opens_again() {
        let gate = Gate::new(1, 0);
        let start = Instant::now();
        gate.shut(Duration::from_millis(30));
        drop(gate.enter(Purpose::Other, &Run::default()).unwrap());
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
}
