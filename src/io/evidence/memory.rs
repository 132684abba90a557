//! Answers and failures that a process keeps.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::freshness::{is_current, is_young};
use super::key::Key;
use super::options::MemoryBounds;
use crate::evidence::Content;
use crate::time::Time;

/// What is kept about one request.
#[derive(Clone, Debug)]
pub enum Kept {
    /// A current answer.
    Answer(Content),
    /// An answer that has expired: when.
    Expired(Time),
    /// It failed a moment ago: why.
    Failure(String),
}

/// A bounded cache, shared by threads.
#[derive(Debug)]
pub struct Memory {
    bounds: MemoryBounds,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    tick: u64,
}

#[derive(Debug)]
struct Entry {
    value: Value,
    used: u64,
}

#[derive(Debug)]
enum Value {
    Answer {
        content: Content,
        next_update: Time,
        fetched: Time,
    },
    Failure {
        why: String,
        since: Instant,
    },
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Answer { content, .. } => content.bytes().len(),
            Self::Failure { why, .. } => why.len(),
        }
    }
}

impl Memory {
    pub fn new(bounds: MemoryBounds) -> Self {
        Self {
            bounds,
            inner: Mutex::new(Inner::default()),
        }
    }

    /// What is kept about `key`, for a verification at `moment`.
    pub fn get(&self, key: &Key, moment: Time) -> Option<Kept> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let tick = inner.next_tick();
        let entry = inner.entries.get_mut(key)?;
        entry.used = tick;
        let kept = match &entry.value {
            Value::Answer {
                content,
                next_update,
                fetched,
            } if is_young(*fetched, self.bounds.max_age) => {
                if is_current(Some(*next_update), moment) {
                    return Some(Kept::Answer(content.clone()));
                }
                Some(Kept::Expired(*next_update))
            }
            Value::Failure { why, since } if since.elapsed() < self.bounds.failures_for => {
                return Some(Kept::Failure(why.clone()));
            }
            Value::Answer { .. } | Value::Failure { .. } => None,
        };
        inner.remove(key);
        kept
    }

    /// Keeps the answer to `key`.
    pub fn keep(&self, key: &Key, content: &Content, next_update: Time, fetched: Time) {
        self.insert(
            key,
            Value::Answer {
                content: content.clone(),
                next_update,
                fetched,
            },
        );
    }

    /// Keeps that `key` could not be had.
    pub fn keep_failure(&self, key: &Key, why: &str) {
        self.insert(
            key,
            Value::Failure {
                why: why.to_owned(),
                since: Instant::now(),
            },
        );
    }

    fn insert(&self, key: &Key, value: Value) {
        let bytes = value.bytes();
        if self.bounds.entries == 0 || bytes > self.bounds.bytes {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.remove(key);
        while inner.entries.len() >= self.bounds.entries
            || inner.bytes.saturating_add(bytes) > self.bounds.bytes
        {
            // A full cache is rare, and a fetch is slower than this search.
            let oldest = inner.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            inner.remove(&oldest);
        }
        let used = inner.next_tick();
        inner.bytes = inner.bytes.saturating_add(bytes);
        inner.entries.insert(key.clone(), Entry { value, used });
    }
}

impl Inner {
    fn next_tick(&mut self) -> u64 {
        self.tick = self.tick.wrapping_add(1);
        self.tick
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(entry.value.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::freshness::clock;
    use super::*;

    fn key(number: u8) -> Key {
        Key::Ocsp {
            url: "http://a.example".to_owned(),
            request: vec![number],
        }
    }

    fn memory(entries: usize, bytes: usize) -> Memory {
        Memory::new(MemoryBounds {
            entries,
            bytes,
            ..MemoryBounds::default()
        })
    }

    fn holds(memory: &Memory, number: u8) -> bool {
        matches!(memory.get(&key(number), clock()), Some(Kept::Answer(_)))
    }

    fn keep(memory: &Memory, number: u8, octets: usize) {
        let content = Content::from(vec![number; octets]);
        let next = clock().saturating_add_seconds(1000);
        memory.keep(&key(number), &content, next, clock());
    }

    #[test]
    fn entries_and_octets_are_bounded_and_the_longest_unused_goes() {
        let memory = memory(2, 100);
        keep(&memory, 1, 10);
        keep(&memory, 2, 10);
        assert!(holds(&memory, 1));
        keep(&memory, 3, 10);
        assert!(holds(&memory, 1) && !holds(&memory, 2) && holds(&memory, 3));
        keep(&memory, 4, 95);
        assert!(!holds(&memory, 1) && !holds(&memory, 3) && holds(&memory, 4));
        keep(&memory, 5, 101);
        assert!(!holds(&memory, 5) && holds(&memory, 4));
    }

    #[test]
    fn what_has_expired_is_not_given() {
        let memory = memory(10, 100);
        let next = clock().saturating_add_seconds(10);
        let content = Content::from(vec![1]);
        memory.keep(&key(1), &content, next, clock());
        let later = next.saturating_add_seconds(1);
        assert!(matches!(
            memory.get(&key(1), later),
            Some(Kept::Expired(at)) if at == next
        ));
        let old = clock().saturating_add_seconds(-2 * 24 * 60 * 60);
        memory.keep(&key(2), &content, next, old);
        assert!(memory.get(&key(2), clock()).is_none());
        let future = clock().saturating_add_seconds(24 * 60 * 60);
        memory.keep(&key(3), &content, next, future);
        assert!(memory.get(&key(3), clock()).is_none());
    }

    #[test]
    fn failures_are_kept_for_a_while() {
        let kept_for = |failures_for| {
            let memory = Memory::new(MemoryBounds {
                failures_for,
                ..MemoryBounds::default()
            });
            memory.keep_failure(&key(1), "refused");
            memory.get(&key(1), clock())
        };
        assert!(matches!(
            kept_for(Duration::from_secs(60)),
            Some(Kept::Failure(why)) if why == "refused"
        ));
        assert!(kept_for(Duration::ZERO).is_none());
    }
}
