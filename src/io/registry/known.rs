//! What is known of a server's referrers API from the look-ups before.
//!
//! A registry without the API answers 404, and then is asked for a tag. Who knows
//! that beforehand spares the first request. Nothing is left out on one answer's
//! word: until a repository was seen to have no API twice, its API is still asked
//! where there is no tag; and what is known is forgotten after a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::registry::{Endpoint, Origin, ReferrersApi, ReferrersOrder};

/// How long it counts: registries are upgraded.
const AGE: Duration = Duration::from_secs(5 * 60);
/// Answers that a repository has no API before it is not asked any more.
const ENOUGH: u32 = 2;
/// Repositories that are kept in mind.
const MAX_ENTRIES: usize = 10_000;

#[derive(Debug, Default)]
pub struct Known {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    servers: HashMap<Origin, Instant>,
    repositories: HashMap<Endpoint, (Instant, u32)>,
}

impl Known {
    pub fn order(&self, endpoint: &Endpoint) -> ReferrersOrder {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |since: &Instant| since.elapsed() < AGE;
        match entries.repositories.get(endpoint) {
            Some((since, count)) if *count >= ENOUGH && fresh(since) => ReferrersOrder::TagOnly,
            _ if entries.servers.get(endpoint.origin()).is_some_and(fresh) => {
                ReferrersOrder::TagFirst
            }
            _ => ReferrersOrder::ApiFirst,
        }
    }

    pub fn learn(&self, endpoint: &Endpoint, learned: ReferrersApi) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match learned {
            ReferrersApi::Present => {
                entries.servers.remove(endpoint.origin());
                entries.repositories.remove(endpoint);
            }
            ReferrersApi::Missing => {
                if entries.repositories.len() >= MAX_ENTRIES {
                    entries.repositories.clear();
                }
                let now = Instant::now();
                entries.servers.insert(endpoint.origin().clone(), now);
                let entry = entries
                    .repositories
                    .entry(endpoint.clone())
                    .or_insert((now, 0));
                if entry.0.elapsed() >= AGE {
                    *entry = (now, 0);
                }
                entry.1 = entry.1.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;
    use crate::registry::Scheme;

    #[test]
    fn one_answer_changes_the_order_and_two_are_believed() {
        let known = Known::default();
        let endpoint = |text: &str| Endpoint::new(&Reference::parse(text).unwrap(), Scheme::Https);
        let [one, other, elsewhere] = ["a.example/x", "a.example/y", "b.example/x"].map(endpoint);
        assert_eq!(known.order(&one), ReferrersOrder::ApiFirst);
        known.learn(&one, ReferrersApi::Missing);
        assert_eq!(known.order(&one), ReferrersOrder::TagFirst);
        assert_eq!(known.order(&other), ReferrersOrder::TagFirst);
        assert_eq!(known.order(&elsewhere), ReferrersOrder::ApiFirst);
        known.learn(&one, ReferrersApi::Missing);
        assert_eq!(known.order(&one), ReferrersOrder::TagOnly);
        assert_eq!(known.order(&other), ReferrersOrder::TagFirst);
        known.learn(&one, ReferrersApi::Present);
        assert_eq!(known.order(&one), ReferrersOrder::ApiFirst);
        assert_eq!(known.order(&other), ReferrersOrder::ApiFirst);
    }
}
