//! Payload maps: no panic, bounded, no file but one beside the map, and what is read
//! is written and read the same.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use notation_verifier::Limits;
use notation_verifier::sign::map::PayloadMap;

fuzz_target!(|bytes: &[u8]| {
    let mut limits = Limits::default();
    limits.image_list_images = 100;
    let Ok(map) = PayloadMap::parse(bytes, &limits) else {
        return;
    };
    assert!(map.entries().len() <= 100);
    let mut seen = HashSet::new();
    for entry in map.entries() {
        let digest = entry.reference.digest().unwrap().to_string();
        assert_eq!(digest, entry.target.digest);
        assert!(entry.target.size >= 0);
        assert!(!entry.payload.contains(['/', '\\', ':', '\0']));
        assert!(!entry.payload.starts_with('.'));
        assert!(seen.insert(entry.reference.clone()));
    }
    let again = PayloadMap::parse(&map.to_json().unwrap(), &limits).unwrap();
    assert_eq!(again, map);
});
