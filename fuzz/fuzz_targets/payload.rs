//! Octets as a payload and as JSON: no panic; what is accepted is JSON with a
//! descriptor, and stays so when it is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::envelope::Payload;
use notation_verifier::wire::json;

fuzz_target!(|data: &[u8]| {
    let value = json::parse(data);
    if let Ok(payload) = Payload::parse(data)
        // Members that nobody reads may be deeper or larger than values can be.
        && let Ok(value) = value
    {
        let target = &value["targetArtifact"];
        if let Some(digest) = target["digest"].as_str() {
            assert_eq!(digest, payload.target_artifact.digest);
        }
        if let Some(size) = target["size"].as_i64() {
            assert_eq!(size, payload.target_artifact.size);
        }
    }
});
