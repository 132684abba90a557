//! One fetch for all that want the same at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::run::SLICE;

/// How much longer than its own time a passenger waits: the pilot started earlier
/// and has the same time-out; where it ends at the same moment, it tells more about
/// the cause.
const GRACE: Duration = Duration::from_millis(50);

/// What came of a fetch that failed.
pub trait Failed: Clone {
    /// Whether it says something of who fetched alone, and nothing of what was
    /// fetched: the others then try on their own.
    fn is_own(&self) -> bool;
}

/// The fetches under way.
#[derive(Debug)]
pub struct Flights<K, T, E> {
    open: Mutex<HashMap<K, Arc<Flight<T, E>>>>,
}

#[derive(Debug)]
struct Flight<T, E> {
    landed: Mutex<Option<Landed<T, E>>>,
    signal: Condvar,
}

#[derive(Clone, Debug)]
enum Landed<T, E> {
    With(Result<T, E>),
    /// Whoever fetched could not go on, for reasons of its own.
    Aborted,
}

impl<K, T, E> Default for Flights<K, T, E> {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, T: Clone, E: Failed> Flights<K, T, E> {
    /// What came of `fetch` for `key`, called by one of those that ask at the
    /// same time. The others wait for it, each as long as `go_on` lets it.
    pub fn join(
        &self,
        key: &K,
        go_on: impl Fn() -> Result<(), E>,
        mut fetch: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            match self.board(key) {
                Place::Pilot(mut pilot) => {
                    let fetched = fetch();
                    pilot.landed = match &fetched {
                        Err(why) if why.is_own() => Landed::Aborted,
                        other => Landed::With(other.clone()),
                    };
                    return fetched;
                }
                Place::Passenger(flight) => {
                    if let Landed::With(fetched) = flight.wait(&go_on)? {
                        return fetched;
                    }
                }
            }
        }
    }

    fn board(&self, key: &K) -> Place<'_, K, T, E> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = open.get(key) {
            return Place::Passenger(Arc::clone(flight));
        }
        let flight = Arc::new(Flight {
            landed: Mutex::new(None),
            signal: Condvar::new(),
        });
        open.insert(key.clone(), Arc::clone(&flight));
        Place::Pilot(Pilot {
            flights: self,
            key: key.clone(),
            flight,
            landed: Landed::Aborted,
        })
    }
}

enum Place<'a, K: Eq + Hash, T, E> {
    Pilot(Pilot<'a, K, T, E>),
    Passenger(Arc<Flight<T, E>>),
}

/// Ends its flight when it is dropped, also in a panic: nobody waits for ever.
struct Pilot<'a, K: Eq + Hash, T, E> {
    flights: &'a Flights<K, T, E>,
    key: K,
    flight: Arc<Flight<T, E>>,
    landed: Landed<T, E>,
}

impl<K: Eq + Hash, T, E> Drop for Pilot<'_, K, T, E> {
    fn drop(&mut self) {
        let mut open = self
            .flights
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.remove(&self.key);
        drop(open);
        let landed = std::mem::replace(&mut self.landed, Landed::Aborted);
        *self
            .flight
            .landed
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(landed);
        self.flight.signal.notify_all();
    }
}

impl<T: Clone, E: Clone> Flight<T, E> {
    fn wait(&self, go_on: impl Fn() -> Result<(), E>) -> Result<Landed<T, E>, E> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut over = None;
        loop {
            if let Some(landed) = &*landed {
                return Ok(landed.clone());
            }
            if let Some(why) = over {
                return Err(why);
            }
            over = go_on().err();
            let time = if over.is_some() { GRACE } else { SLICE };
            let (guard, _) = self
                .signal
                .wait_timeout(landed, time)
                .unwrap_or_else(PoisonError::into_inner);
            landed = guard;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Why {
        Mine,
        Theirs,
    }

    impl Failed for Why {
        fn is_own(&self) -> bool {
            *self == Self::Mine
        }
    }

    type Numbers = Flights<u8, u8, Why>;

    const fn go_on() -> Result<(), Why> {
        Ok(())
    }

    #[test]
    fn all_who_ask_at_the_same_time_share_one_fetch() {
        let flights = Numbers::default();
        let calls = AtomicUsize::new(0);
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let fetched = flights.join(&1, go_on, || {
                        calls.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(300));
                        Ok(7)
                    });
                    assert_eq!(fetched, Ok(7));
                });
            }
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_run_that_is_over_does_not_end_other_runs() {
        let flights = Numbers::default();
        let boarded = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let over = flights.join(&1, go_on, || {
                    boarded.wait();
                    std::thread::sleep(Duration::from_millis(100));
                    Err(Why::Mine)
                });
                assert_eq!(over, Err(Why::Mine));
            });
            boarded.wait();
            let fetched = flights.join(&1, go_on, || Ok(7));
            assert_eq!(fetched, Ok(7));
        });
    }

    #[test]
    fn who_waits_has_a_deadline_of_its_own() {
        let flights = Numbers::default();
        let boarded = Barrier::new(2);
        let release = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = flights.join(&1, go_on, || {
                    boarded.wait();
                    release.wait();
                    Err(Why::Theirs)
                });
            });
            boarded.wait();
            let fetched = flights.join(&1, || Err(Why::Mine), || Ok(7));
            assert_eq!(fetched, Err(Why::Mine));
            release.wait();
        });
    }
}
