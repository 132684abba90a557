//! One fetch for all that want the same at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::deadline::Deadline;
use super::key::Key;
use super::transport::Failure;
use crate::evidence::Content;

/// What came of a fetch.
pub type Fetched = Result<Content, Failure>;

/// The fetches under way.
#[derive(Debug, Default)]
pub struct Flights {
    open: Mutex<HashMap<Key, Arc<Flight>>>,
}

#[derive(Debug, Default)]
struct Flight {
    landed: Mutex<Option<Landed>>,
    signal: Condvar,
}

#[derive(Clone, Debug)]
enum Landed {
    With(Fetched),
    /// Whoever fetched could not go on, for reasons of its own.
    Aborted,
}

impl Flights {
    /// What came of `fetch` for `key`, called by one of those that ask at the
    /// same time. The others wait for it, each until its own deadline.
    pub fn join(
        &self,
        key: &Key,
        deadline: &Deadline,
        mut fetch: impl FnMut() -> Fetched,
    ) -> Fetched {
        loop {
            match self.board(key) {
                Place::Pilot(mut pilot) => {
                    let fetched = fetch();
                    pilot.landed = match &fetched {
                        Err(Failure::RunOver(_)) => Landed::Aborted,
                        other => Landed::With(other.clone()),
                    };
                    return fetched;
                }
                Place::Passenger(flight) => {
                    if let Landed::With(fetched) = flight.wait(deadline)? {
                        return fetched;
                    }
                }
            }
        }
    }

    fn board(&self, key: &Key) -> Place<'_> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = open.get(key) {
            return Place::Passenger(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::default());
        open.insert(key.clone(), Arc::clone(&flight));
        Place::Pilot(Pilot {
            flights: self,
            key: key.clone(),
            flight,
            landed: Landed::Aborted,
        })
    }
}

enum Place<'a> {
    Pilot(Pilot<'a>),
    Passenger(Arc<Flight>),
}

/// Ends its flight when it is dropped, also in a panic: nobody waits for ever.
struct Pilot<'a> {
    flights: &'a Flights,
    key: Key,
    flight: Arc<Flight>,
    landed: Landed,
}

impl Drop for Pilot<'_> {
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

impl Flight {
    fn wait(&self, deadline: &Deadline) -> Result<Landed, Failure> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(landed) = &*landed {
                return Ok(landed.clone());
            }
            // The pilot started earlier and has the same time-out; where it ends
            // at the same moment, it tells more about the cause.
            let left = deadline.left()? + Duration::from_millis(50);
            let (guard, _) = self
                .signal
                .wait_timeout(landed, left)
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
    use crate::io::run::Budget;

    fn key() -> Key {
        Key::Ocsp {
            url: "http://a.example".to_owned(),
            request: vec![1],
        }
    }

    fn deadline() -> Deadline {
        Deadline::new(Duration::from_secs(60), None)
    }

    #[test]
    fn all_who_ask_at_the_same_time_share_one_fetch() {
        let flights = Flights::default();
        let calls = AtomicUsize::new(0);
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let fetched = flights.join(&key(), &deadline(), || {
                        calls.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(300));
                        Ok(Content::from(vec![7]))
                    });
                    assert_eq!(fetched.unwrap().bytes(), [7]);
                });
            }
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_run_that_is_over_does_not_end_other_runs() {
        let flights = Flights::default();
        let boarded = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let over = flights.join(&key(), &deadline(), || {
                    boarded.wait();
                    std::thread::sleep(Duration::from_millis(100));
                    Err(Failure::RunOver("over".to_owned()))
                });
                assert_eq!(over, Err(Failure::RunOver("over".to_owned())));
            });
            boarded.wait();
            let fetched = flights.join(&key(), &deadline(), || Ok(Content::from(vec![7])));
            assert_eq!(fetched.unwrap().bytes(), [7]);
        });
    }

    #[test]
    fn who_waits_has_a_deadline_of_its_own() {
        let flights = Flights::default();
        let boarded = Barrier::new(2);
        let release = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = flights.join(&key(), &deadline(), || {
                    boarded.wait();
                    release.wait();
                    Err(Failure::Status(500))
                });
            });
            boarded.wait();
            let run = Some(Budget::of(Duration::from_millis(20)));
            let short = Deadline::new(Duration::from_secs(60), run);
            let fetched = flights.join(&key(), &short, || Ok(Content::from(vec![7])));
            assert!(matches!(fetched, Err(Failure::RunOver(_))));
            release.wait();
        });
    }
}
