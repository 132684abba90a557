//! References and digests: no panic, and what is accepted prints as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::oci::{Digest, LayoutReference, Reference, referrers_tag};

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(reference.to_string(), text);
        assert_eq!(Reference::parse(&reference.scope()).unwrap().tag(), None);
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        assert_eq!(
            LayoutReference::parse(text).unwrap(),
            LayoutReference::Digest(digest)
        );
    }
    if let Ok(reference) = LayoutReference::parse(text) {
        assert!(text.ends_with(&reference.to_string()));
    }
    if let Ok((path, reference)) = LayoutReference::split(text) {
        assert!(text.starts_with(path) && !path.is_empty());
        assert!(text.ends_with(&reference.to_string()));
    }
    assert!(referrers_tag(text).len() <= 32 + 1 + 64);
});
