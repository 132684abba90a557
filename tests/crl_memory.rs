//! A CRL with a million entries: peak memory. A program of its own, because the
//! kernel counts the peak for the whole process. Times are printed and not judged:
//! `cargo bench --bench compare` measures them.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

mod authority;

use std::sync::Arc;
use std::time::Instant;

use authority::large;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::revocation::{Answer, Context, crl};
use notation_verifier::time::Time;
use notation_verifier::x509::RevocationList;

/// Half of them where the build is not optimised.
const ENTRIES: u64 = if cfg!(debug_assertions) {
    500_000
} else {
    1_000_000
};
/// Serial numbers looked up: every second one is listed.
const LOOK_UPS: u64 = 1_000;

/// The most memory that this process has had so far, in octets.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: usize = line.split_whitespace().next().unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn a_million_entries() {
    let before = peak();
    let file = large::list(ENTRIES);
    let octets = file.len();

    let parsing = Instant::now();
    let list = RevocationList::parse(Arc::new(file)).unwrap();
    let parsing = parsing.elapsed();
    assert_eq!(list.len(), usize::try_from(ENTRIES).unwrap());

    let looking = Instant::now();
    let listed = (0..LOOK_UPS)
        .filter(|index| {
            !list
                .entries(&large::serial(index * ENTRIES / LOOK_UPS * 2))
                .is_empty()
        })
        .count();
    let looking = looking.elapsed();
    assert_eq!(u64::try_from(listed).unwrap(), LOOK_UPS / 2);

    let chain = authority::chain();
    let (provider, limits) = (Provider::preferred(), Limits::default());
    let context = Context::new(Time::from_unix(1_735_689_600), &provider, &limits);
    let answer = crl::judge(&list, &chain[0], &chain[1], &context);
    assert_eq!(answer, Answer::Good);

    let spent = peak() - before;
    println!(
        "{octets} octets, parsed in {parsing:?}, {LOOK_UPS} look-ups in {looking:?}, \
         peak {spent} octets"
    );
    assert!(spent * 2 <= octets * 3, "{spent} octets for {octets}");
}
