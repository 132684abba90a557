//! Octets as the reply of a time-stamping authority, and as parts of one whose token
//! is really signed: no panic, bounded, and a token that is taken answers the query.
#![no_main]

#[path = "../../tests/tokens/mod.rs"]
#[allow(dead_code)]
mod tokens;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::{HashAlgorithm, Provider};
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Reason;
use notation_verifier::timestamp::{Query, Reply, Status};

const MESSAGE: &[u8] = b"a signature";
const NONCE: u64 = 0x1234_5678;
/// The same as an element.
const NONCE_DER: &[u8] = &[2, 4, 0x12, 0x34, 0x56, 0x78];

static QUERY: LazyLock<Query> = LazyLock::new(|| {
    Query::new(
        MESSAGE,
        HashAlgorithm::Sha256,
        NONCE,
        &Provider::preferred(),
    )
});
/// A token that answers the query.
static TOKEN: LazyLock<Vec<u8>> = LazyLock::new(|| token(NONCE_DER));

fuzz_target!(|data: &[u8]| {
    look_at(data);
    // As the status, before a good token.
    let reply = tokens::der(tokens::SEQUENCE, &[data, &TOKEN]);
    look_at(&reply);
    // As what follows the time in a token that was granted.
    let granted = [0x30, 3, 2, 1, 0];
    let token = token(data);
    let taken = look_at(&tokens::der(tokens::SEQUENCE, &[&granted, &token]));
    assert!(!taken || data.windows(NONCE_DER.len()).any(|part| part == NONCE_DER));
});

/// A token over the message with `rest` after the time.
fn token(rest: &[u8]) -> Vec<u8> {
    let info = tokens::info(MESSAGE, "20240315102100Z");
    // One octet of tag and one of length: it is short.
    let content = tokens::der(tokens::SEQUENCE, &[&info[2..], rest]);
    let signer = tokens::signer(&tokens::attributes(&content));
    tokens::token(&content, &[tokens::CERTIFICATE], &[&signer])
}

/// Whether the reply answers the query.
fn look_at(octets: &[u8]) -> bool {
    let (provider, limits) = (Provider::preferred(), Limits::default());
    let known = |reason| matches!(reason, Reason::TimestampInvalid | Reason::LimitExceeded);
    let reply = match Reply::parse(octets, &limits) {
        Ok(reply) => reply,
        Err(rejection) => {
            assert!(known(rejection.reason), "{rejection:?}");
            return false;
        }
    };
    let text = reply.to_string();
    assert!(text.chars().count() < 8 * 1024 && !text.contains(char::is_control));
    let _ = format!("{reply:?}");
    assert!(reply.texts().len() <= 4 && reply.failures().len() <= 64);
    match QUERY.token(&reply, &provider, &limits) {
        Ok(token) => {
            assert!(matches!(
                reply.status(),
                Status::Granted | Status::GrantedWithMods
            ));
            assert!(!reply.may_pass());
            assert_eq!(token.info().imprint(), QUERY.imprint());
            assert_eq!(token.info().nonce(), NONCE_DER.get(2..));
            token.covers(MESSAGE).unwrap();
            // What goes into an envelope reads the same.
            assert!(reply.token().unwrap().len() <= limits.token_bytes);
            true
        }
        Err(rejection) => {
            assert!(known(rejection.reason), "{rejection:?}");
            false
        }
    }
}
