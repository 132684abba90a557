//! `WWW-Authenticate`, and what follows from it: no panic, bounded, and no
//! credential for a server that nobody listed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::registry::token::{self, Trusted};
use notation_verifier::registry::{Origin, Scheme, challenge};

fuzz_target!(|text: &str| {
    // A line is a header.
    let Ok(challenges) = challenge::parse(text.lines()) else {
        return;
    };
    assert!(challenges.len() <= 16);
    let chosen = challenge::choose(&challenges);
    for challenge in &challenges {
        assert_eq!(challenge.scheme, challenge.scheme.to_ascii_lowercase());
        for (name, _) in &challenge.parameters {
            assert!(challenge.parameter(name).is_some());
        }
    }
    let Some(challenge) = chosen.filter(|one| one.scheme == "bearer") else {
        return;
    };
    let realm = challenge.parameter("realm").unwrap();
    for registry in ["https://reg.example", "http://127.0.0.1:5000"] {
        let registry = Origin::of(&registry.parse().unwrap()).unwrap();
        let Ok((uri, trusted)) = token::realm(&registry, realm, |_| false) else {
            continue;
        };
        let origin = Origin::of(&uri).unwrap();
        assert!(registry.scheme() == Scheme::Http || origin.scheme() == Scheme::Https);
        assert_eq!(trusted == Trusted::WithCredentials, origin == registry);
        if let Ok(url) = token::url(&uri, challenge.parameter("service"), "repository:a:pull") {
            // What the registry says does not change who is asked.
            let asked = url.parse().map(|uri| Origin::of(&uri));
            assert!(asked.is_ok_and(|asked| asked == Ok(origin)));
        }
    }
});
