//! Octets as a CRL, and as the contents of one that the authority signed: no
//! panic, the table finds what is listed, and a list only takes trust away.
#![no_main]

#[path = "../../tests/authority/mod.rs"]
mod authority;

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::revocation::{Answer, Context, crl};
use notation_verifier::time::Time;
use notation_verifier::x509::{Certificate, RevocationList};

static CHAIN: LazyLock<Vec<Certificate>> = LazyLock::new(authority::chain);

fuzz_target!(|data: &[u8]| {
    look_at(data.to_vec());
    // The data as what follows the issuer: times, entries, extensions.
    let tbs = authority::tbs_list(data);
    look_at(authority::signed(&tbs, authority::CA_KEY, &[]));
});

fn look_at(der: Vec<u8>) {
    let Ok(list) = RevocationList::parse(Arc::new(der)) else {
        return;
    };
    let _ = list.issuing_distribution_point();
    let _ = (list.number(), list.delta_indicator());
    let _ = (list.freshest_crl_urls(), list.unknown_critical_extension());

    let provider = Provider::preferred();
    let limits = Limits::default();
    let context = Context::new(Time::from_unix(1_735_689_600), &provider, &limits);
    let answer = crl::judge(&list, &CHAIN[0], &CHAIN[1], &context);
    let entries = list.entries(authority::LEAF_SERIAL);
    for entry in &entries {
        assert_eq!(entry.serial_number, authority::LEAF_SERIAL);
    }
    match answer {
        Answer::Good => {
            assert!(list.is_signed_by(&CHAIN[1]).is_ok());
            assert!(list.next_update().is_some_and(|next| next >= context.now));
            // Held or taken back, but not revoked for good.
            assert!(
                entries
                    .iter()
                    .all(|entry| { entry.reason.is_some_and(|reason| matches!(reason.0, 6 | 8)) })
            );
        }
        Answer::Revoked(_) => assert!(!entries.is_empty()),
        Answer::Unknown(why) => assert!(!why.is_empty()),
    }
}
