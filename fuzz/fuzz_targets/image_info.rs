//! Lists of images and image-info documents: no panic, bounded, each image once,
//! and what is accepted is a reference with a tag or digest.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use notation_verifier::Limits;
use notation_verifier::oci::{ImageList, Reference, Relocation};

fuzz_target!(|bytes: &[u8]| {
    let mut limits = Limits::default();
    limits.image_list_images = 100;
    let elsewhere = Relocation {
        registry: Some("other.example".into()),
        repository_prefix: Some("staging/".into()),
    };
    for relocation in [Relocation::default(), elsewhere] {
        let mut list = ImageList::new();
        if list.add_file("f", bytes, &relocation, &limits).is_err() {
            continue;
        }
        let mut seen = HashSet::new();
        assert!((1..=100).contains(&list.references().len()));
        for reference in list.references() {
            assert!(reference.tag().is_some() || reference.digest().is_some());
            assert!(seen.insert(reference.clone()));
            assert_eq!(
                &Reference::parse(&reference.to_string()).unwrap(),
                reference
            );
            if relocation.registry.is_some() {
                assert_eq!(reference.registry(), "other.example");
                assert!(reference.repository().starts_with("staging/"));
            }
        }
        // Once more changes nothing.
        let before = list.references().to_vec();
        list.add_file("f", bytes, &relocation, &limits).unwrap();
        assert_eq!(list.references(), before);
    }
});
