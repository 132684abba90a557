//! Octets as a JWS envelope, and as the protected header of one that is really
//! signed: no panic, and the rules hold.
#![no_main]

mod signer;

use libfuzzer_sys::fuzz_target;
use notation_verifier::wire::base64;

const MEDIA_TYPE: &str = "application/jose+json";

fuzz_target!(|data: &[u8]| {
    signer::look_at_unverified(MEDIA_TYPE, data);

    let protected = base64::encode_url(data);
    let payload = base64::encode_url(b"{}");
    let signature = signer::sign(format!("{protected}.{payload}").as_bytes());
    let envelope = format!(
        r#"{{"payload":"{payload}","protected":"{protected}","header":{{"x5c":["{}"]}},"signature":"{}"}}"#,
        base64::encode_standard(signer::CERTIFICATE),
        base64::encode_url(&signature)
    );
    if let Ok(signed) = signer::open(MEDIA_TYPE, envelope.as_bytes()) {
        signer::look_at(&signed);
    }
});
