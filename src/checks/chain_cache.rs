//! Chains that were seen before: parsed, rules checked, links verified, keys
//! loaded.
//!
//! One signer signs thousands of images with one chain. What is kept does not
//! depend on time or policy; validity, trust, identity and revocation are
//! checked again for every signature.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::{HashAlgorithm, Provider};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::x509::{Certificate, Chain};

/// The key: SHA-256 over the certificates, each with its length before it.
type Key = [u8; 32];

/// A bounded cache of [`Chain`]s, shared by the threads of a verifier.
#[derive(Debug)]
pub struct ChainCache {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Chain and the tick of its last use.
    chains: HashMap<Key, (Arc<Chain>, u64)>,
    tick: u64,
}

impl ChainCache {
    /// A cache of at most `capacity` chains; 0 keeps none.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: Mutex::new(Inner::default()),
        }
    }

    /// The chain of `certificates` (DER, signing certificate first).
    ///
    /// # Errors
    /// Where a certificate does not parse or the chain breaks a rule. Failures
    /// are not kept.
    pub fn get_or_parse(
        &self,
        certificates: &[Cow<'_, [u8]>],
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Arc<Chain>, Rejection> {
        if certificates.len() > limits.chain_certificates {
            return Err(Rejection::new(
                Reason::LimitExceeded,
                format!(
                    "the envelope has {} certificates, the limit is {}",
                    certificates.len(),
                    limits.chain_certificates
                ),
            ));
        }
        if self.capacity == 0 {
            return parse(certificates, provider, limits);
        }
        self.get_or_make(
            key_of(certificates.iter().map(AsRef::as_ref), provider),
            || parse(certificates, provider, limits),
        )
    }

    /// The chain of the certificates of a time-stamping authority, leaf first.
    /// Use a cache of its own for these: chains of signers follow other rules.
    ///
    /// # Errors
    /// As for [`ChainCache::get_or_parse`].
    pub fn get_or_check_authority(
        &self,
        certificates: &[Certificate],
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Arc<Chain>, Rejection> {
        let check = || Chain::time_stamping(certificates.to_vec(), limits).map(Arc::new);
        if self.capacity == 0 {
            return check();
        }
        self.get_or_make(
            key_of(certificates.iter().map(Certificate::der), provider),
            check,
        )
    }

    fn get_or_make(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Arc<Chain>, Rejection>,
    ) -> Result<Arc<Chain>, Rejection> {
        if let Some(chain) = self.lookup(&key) {
            return Ok(chain);
        }
        let chain = make()?;
        self.insert(key, &chain);
        Ok(chain)
    }

    fn lookup(&self, key: &Key) -> Option<Arc<Chain>> {
        // A thread that panicked while it held the lock left a usable map: each
        // entry is written in one step.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tick = inner.tick.wrapping_add(1);
        let tick = inner.tick;
        let (chain, used) = inner.chains.get_mut(key)?;
        *used = tick;
        Some(Arc::clone(chain))
    }

    fn insert(&self, key: Key, chain: &Arc<Chain>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.chains.len() >= self.capacity && !inner.chains.contains_key(&key) {
            // The capacity is small and a full cache is rare: a scan for the
            // least recently used entry is cheaper than a list kept in order.
            let oldest = inner
                .chains
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                inner.chains.remove(&oldest);
            }
        }
        let tick = inner.tick;
        inner.chains.insert(key, (Arc::clone(chain), tick));
    }
}

fn parse(
    certificates: &[Cow<'_, [u8]>],
    provider: &Provider,
    limits: &Limits,
) -> Result<Arc<Chain>, Rejection> {
    let certificates = certificates
        .iter()
        .map(|der| Certificate::parse(der, provider, limits))
        .collect::<Result<Vec<_>, _>>()?;
    Chain::code_signing(certificates, limits).map(Arc::new)
}

fn key_of<'a>(certificates: impl Iterator<Item = &'a [u8]>, provider: &Provider) -> Key {
    let mut hasher = provider.hasher(HashAlgorithm::Sha256);
    for certificate in certificates {
        // usize to u64 is lossless on every target there is.
        hasher.update(
            &u64::try_from(certificate.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        hasher.update(certificate);
    }
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(hasher.finish().as_bytes()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMPER: &[u8] = include_bytes!("../../tests/keys/time-stamping.der");
    const SIGNER: &[u8] = include_bytes!("../../tests/keys/code-signing.der");

    #[test]
    fn an_authority_is_checked_once_and_a_failure_each_time() {
        let (provider, limits) = (Provider::preferred(), Limits::default());
        let path = |der| vec![Certificate::parse(der, &provider, &limits).unwrap()];
        let get =
            |cache: &ChainCache, der| cache.get_or_check_authority(&path(der), &provider, &limits);
        let cache = ChainCache::new(1);
        for _ in 0..2 {
            assert!(get(&cache, SIGNER).is_err());
            let (first, second) = (get(&cache, STAMPER).unwrap(), get(&cache, STAMPER).unwrap());
            assert!(Arc::ptr_eq(&first, &second));
        }
        let none = ChainCache::new(0);
        let (first, second) = (get(&none, STAMPER).unwrap(), get(&none, STAMPER).unwrap());
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(get(&none, SIGNER).is_err());
    }
}
