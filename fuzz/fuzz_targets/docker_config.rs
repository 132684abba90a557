//! `config.json` of the Docker tools and what helpers print: no panic, and a
//! credential under a whole name alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::registry::docker_config::{DockerConfig, Stored, parse_helper_reply};

fuzz_target!(|document: &[u8]| {
    let _ = parse_helper_reply(document);
    let Ok(config) = DockerConfig::parse(document) else {
        return;
    };
    let text = String::from_utf8_lossy(document);
    for registry in ["docker.io", "reg.example", "reg.example:5000", "a.example"] {
        let Ok(found) = config.find(registry) else {
            continue;
        };
        match found {
            // Escapes can hide a name.
            Stored::Here(_) if !text.contains('\\') => {
                let name = registry.trim_end_matches("docker.io");
                assert!(text.contains(name));
            }
            Stored::Helper { name, .. } => assert!(!name.contains(['/', '\\'])),
            _ => {}
        }
    }
});
