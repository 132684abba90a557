//! `Link` headers and redirects: no panic, and nothing leads out of TLS or takes
//! credentials to another server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::registry::redirect::{self, Authorization};
use notation_verifier::registry::{Origin, Scheme, link};

fuzz_target!(|text: &str| {
    // A line is a header; a line is also a `Location`.
    if let Ok(Some(next)) = link::next(text.lines()) {
        assert!(text.contains(&next));
        follow(&next);
    }
    text.lines().for_each(follow);
});

fn follow(location: &str) {
    for base in ["https://reg.example/v2/a?b", "http://127.0.0.1:5000/v2/a"] {
        let base = base.parse().unwrap();
        let Ok((next, authorization)) = redirect::follow(&base, location, Origin::is_loopback)
        else {
            continue;
        };
        let (from, to) = (Origin::of(&base).unwrap(), Origin::of(&next).unwrap());
        assert_eq!(authorization == Authorization::Keep, from == to);
        assert!(to.scheme() == Scheme::Https || from.scheme() == Scheme::Http);
        assert!(to.scheme() == Scheme::Https || to.is_loopback());
    }
}
