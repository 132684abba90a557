//! Many tasks on some threads. A task that has to wait gives its thread to another
//! one meanwhile.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::run::Run;

/// How long a thread waits before it looks again whether the run goes on.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The most threads: registries limit their clients long before.
pub(crate) const MAX_CONCURRENCY: usize = 256;

/// How far a task is.
pub(crate) enum Progress<S, R> {
    /// Call it again with this, not before that moment.
    Later(Instant, S),
    Done(R),
}

enum Task<'a, T, S> {
    Begin(&'a T),
    GoOn(S),
}

struct Queue<S> {
    /// The next task that was not begun.
    next: usize,
    /// Those that wait, by their moment.
    waiting: BTreeMap<(Reverse<Instant>, usize), S>,
    under_way: usize,
}

/// Does a task for each of `items`, `concurrency` at the same time, and hands each
/// result over on the caller's thread, with the item's position. `begin` starts
/// one, `go_on` is for those that waited. Where `run` ends, tasks that were not
/// begun get no result; those that wait are called at once, and see for themselves
/// that it ended.
pub(crate) fn run<T: Sync, S: Send, R: Send>(
    items: &[T],
    concurrency: usize,
    run: &Run,
    begin: &(impl Fn(&T) -> Progress<S, R> + Sync),
    go_on: &(impl Fn(S) -> Progress<S, R> + Sync),
    done: &mut dyn FnMut(usize, R),
) {
    let queue = Mutex::new(Queue {
        next: 0,
        waiting: BTreeMap::new(),
        under_way: 0,
    });
    let changed = Condvar::new();
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = |results: Sender<(usize, R)>| {
        let mut state = lock();
        loop {
            let ended = run.check().is_err();
            let due = state
                .waiting
                .last_key_value()
                .map(|((Reverse(moment), index), _)| (*moment, *index));
            let now = Instant::now();
            let task = match due {
                Some((moment, index)) if ended || moment <= now => state
                    .waiting
                    .remove(&(Reverse(moment), index))
                    .map(|task| (index, Task::GoOn(task))),
                _ if ended => None,
                _ => items.get(state.next).map(|item| {
                    state.next += 1;
                    (state.next - 1, Task::Begin(item))
                }),
            };
            let Some((index, task)) = task else {
                // What is under way may come back to wait.
                if state.under_way == 0 && state.waiting.is_empty() {
                    return;
                }
                let left = due.map_or(LOOK_AGAIN, |(moment, _)| {
                    moment.saturating_duration_since(now).min(LOOK_AGAIN)
                });
                let waited = changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            state.under_way += 1;
            drop(state);
            let progress = match task {
                Task::Begin(item) => begin(item),
                Task::GoOn(task) => go_on(task),
            };
            state = lock();
            state.under_way -= 1;
            match progress {
                Progress::Later(moment, task) => {
                    state.waiting.insert((Reverse(moment), index), task);
                }
                // The receiver lives until all threads have ended.
                Progress::Done(result) => drop(results.send((index, result))),
            }
            changed.notify_all();
        }
    };
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        let worker = &worker;
        let mut threads = 0;
        for _ in 0..concurrency.clamp(1, MAX_CONCURRENCY).min(items.len()) {
            let sender = sender.clone();
            let thread = thread::Builder::new().name("task".to_owned());
            if thread.spawn_scoped(scope, move || worker(sender)).is_err() {
                break;
            }
            threads += 1;
        }
        if threads == 0 {
            // There are no threads to be had: this one does it all.
            worker(sender);
        } else {
            drop(sender);
        }
        for (index, result) in results {
            done(index, result);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::io::run::Cancel;

    #[test]
    fn every_task_is_done_once() {
        let mut order = Vec::new();
        super::run(
            &(0..20).collect::<Vec<usize>>(),
            2,
            &Run::default(),
            &|index| {
                let index = *index;
                if index % 2 == 0 {
                    let later = Instant::now() + Duration::from_millis(20);
                    Progress::Later(later, (index, later))
                } else {
                    Progress::Done(index)
                }
            },
            &|(index, moment)| {
                assert!(Instant::now() >= moment);
                Progress::Done(index)
            },
            &mut |index, result| {
                assert_eq!(index, result);
                order.push(index);
            },
        );
        order.sort_unstable();
        assert_eq!(order, (0..20).collect::<Vec<_>>());
    }

    /// With one thread, the others can only be done while the first one waits.
    #[test]
    fn a_task_that_waits_gives_way() {
        let others = AtomicUsize::new(0);
        super::run(
            &[0, 1, 2, 3, 4],
            1,
            &Run::default(),
            &|index| {
                if *index > 0 {
                    others.fetch_add(1, Ordering::SeqCst);
                    return Progress::Done(());
                }
                Progress::Later(Instant::now(), ())
            },
            &|()| {
                if others.load(Ordering::SeqCst) == 4 {
                    Progress::Done(())
                } else {
                    Progress::Later(Instant::now() + Duration::from_millis(20), ())
                }
            },
            &mut |_, ()| {},
        );
        assert_eq!(others.into_inner(), 4);
    }

    #[test]
    fn a_run_that_ends_begins_no_more() {
        let cancel = Cancel::new();
        let ended = Run::default().with_cancel(cancel.clone());
        let mut done = 0;
        super::run(
            &(0..1000).collect::<Vec<usize>>(),
            1,
            &ended,
            &|index| {
                if *index == 3 {
                    cancel.cancel();
                }
                let hour = Instant::now() + Duration::from_secs(3600);
                Progress::Later(hour, ())
            },
            &|()| Progress::Done(()),
            &mut |_, ()| done += 1,
        );
        assert_eq!(done, 4);
        super::run(
            &[],
            1,
            &Run::default(),
            &|_: &()| Progress::<(), ()>::Done(()),
            &|()| Progress::Done(()),
            &mut |_, ()| {},
        );
    }
}
