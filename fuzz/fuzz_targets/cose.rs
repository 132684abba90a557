//! Octets as a COSE envelope, as CBOR, and as the protected header of an
//! envelope that is really signed: no panic, and the rules hold.
#![no_main]

mod signer;

use libfuzzer_sys::fuzz_target;
use notation_verifier::limits::Limits;
use notation_verifier::wire::cbor;

const MEDIA_TYPE: &str = "application/cose";

fuzz_target!(|data: &[u8]| {
    signer::look_at_unverified(MEDIA_TYPE, data);
    if let Ok(value) = cbor::scan(data, &Limits::default()) {
        let _ = value.to_json();
    }

    let payload: &[u8] = b"{}";
    let to_be_signed = [
        b"\x84\x6aSignature1",
        &bytes(data)[..],
        b"\x40",
        &bytes(payload),
    ]
    .concat();
    let envelope = [
        b"\xd2\x84",
        &bytes(data)[..],
        b"\xa1\x18\x21\x81",
        &bytes(signer::CERTIFICATE),
        &bytes(payload),
        &bytes(&signer::sign(&to_be_signed)),
    ]
    .concat();
    if let Ok(signed) = signer::open(MEDIA_TYPE, &envelope) {
        signer::look_at(&signed);
    }
});

/// A byte string in its shortest encoding.
fn bytes(octets: &[u8]) -> Vec<u8> {
    let length = octets.len();
    let head = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=23), _) => vec![0x40 | length],
        (Ok(length), _) => vec![0x58, length],
        (_, Ok(length)) => [&[0x59], &length.to_be_bytes()[..]].concat(),
        _ => [&[0x5a], &u32::try_from(length).unwrap().to_be_bytes()[..]].concat(),
    };
    [&head, octets].concat()
}
