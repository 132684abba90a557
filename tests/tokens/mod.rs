//! Makes time-stamp tokens, good and bad, with a key of the tests.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest as _, Sha256};

/// A self-signed certificate for time-stamping with [`KEY`].
pub const CERTIFICATE: &[u8] = include_bytes!("../keys/time-stamping.der");
/// The octets of its serial number.
pub const SERIAL_NUMBER: &[u8] = &[0x5a];

const KEY: [u8; 32] = [7; 32];

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// id-signedData
pub const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// id-ct-TSTInfo
pub const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
pub const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
pub const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
pub const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
pub const SIGNING_CERTIFICATE_V2: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f,
];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// An element that holds `parts` one after the other.
pub fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=0x7f), _) => vec![tag, length],
        (Ok(length), _) => vec![tag, 0x81, length],
        (_, Ok(length)) => [&[tag, 0x82], &length.to_be_bytes()[..]].concat(),
        _ => [
            &[tag, 0x84],
            &u32::try_from(length).unwrap().to_be_bytes()[..],
        ]
        .concat(),
    };
    element.extend(parts.concat());
    element
}

pub fn digest(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

fn identifier(algorithm: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[algorithm])])
}

/// A `TSTInfo` of `message` at `time` (`YYYYMMDDhhmmssZ`).
pub fn info(message: &[u8], time: &str) -> Vec<u8> {
    der(
        SEQUENCE,
        &[
            &der(INTEGER, &[&[1]]),
            &der(OBJECT_IDENTIFIER, &[&[0x2a, 0x03]]),
            &der(
                SEQUENCE,
                &[&identifier(SHA256), &der(OCTET_STRING, &[&digest(message)])],
            ),
            &der(INTEGER, &[&[7]]),
            &der(GENERALIZED_TIME, &[time.as_bytes()]),
        ],
    )
}

/// A signed attribute with one value.
pub fn attribute(name: &[u8], value: &[u8]) -> Vec<u8> {
    der(
        SEQUENCE,
        &[&der(OBJECT_IDENTIFIER, &[name]), &der(SET, &[value])],
    )
}

/// An `ESSCertIDv2` with the default hash and `rest` after it.
pub fn certificate_id(certificate: &[u8], rest: &[u8]) -> Vec<u8> {
    der(
        SEQUENCE,
        &[&der(OCTET_STRING, &[&digest(certificate)]), rest],
    )
}

pub fn signing_certificate(ids: &[&[u8]]) -> Vec<u8> {
    attribute(
        SIGNING_CERTIFICATE_V2,
        &der(SEQUENCE, &[&der(SEQUENCE, ids)]),
    )
}

/// The signed attributes that a token over `content` needs.
pub fn attributes(content: &[u8]) -> Vec<Vec<u8>> {
    vec![
        attribute(CONTENT_TYPE, &der(OBJECT_IDENTIFIER, &[TST_INFO])),
        attribute(MESSAGE_DIGEST, &der(OCTET_STRING, &[&digest(content)])),
        signing_certificate(&[&certificate_id(CERTIFICATE, &[])]),
    ]
}

/// The DER of the certificate's issuer.
pub fn issuer() -> Vec<u8> {
    const NAME: &[u8] = b"time-stamping of tests";
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const UTF8_STRING: u8 = 0x0c;
    let attribute = der(
        SEQUENCE,
        &[
            &der(OBJECT_IDENTIFIER, &[COMMON_NAME]),
            &der(UTF8_STRING, &[NAME]),
        ],
    );
    der(SEQUENCE, &[&der(SET, &[&attribute])])
}

pub fn issuer_and_serial(serial_number: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[&issuer(), &der(INTEGER, &[serial_number])])
}

/// A `SignerInfo` of version 1 that signs `attributes`, in that order.
pub fn signer(attributes: &[Vec<u8>]) -> Vec<u8> {
    signer_named(1, &issuer_and_serial(SERIAL_NUMBER), attributes)
}

pub fn signer_named(version: u8, name: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    sorted.sort_unstable();
    let key = SigningKey::from_slice(&KEY).unwrap();
    let signature: DerSignature = key.sign(&der(SET, &sorted));
    let as_they_come: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    der(
        SEQUENCE,
        &[
            &der(INTEGER, &[&[version]]),
            name,
            &identifier(SHA256),
            &der(0xa0, &as_they_come),
            &identifier(ECDSA_WITH_SHA256),
            &der(OCTET_STRING, &[signature.as_bytes()]),
        ],
    )
}

/// A token of version 3.
pub fn token(content: &[u8], certificates: &[&[u8]], signers: &[&[u8]]) -> Vec<u8> {
    token_of(&der(OCTET_STRING, &[content]), 3, certificates, signers)
}

/// A token around `content`, which is an element.
pub fn token_of(content: &[u8], version: u8, certificates: &[&[u8]], signers: &[&[u8]]) -> Vec<u8> {
    let encapsulated = der(
        SEQUENCE,
        &[&der(OBJECT_IDENTIFIER, &[TST_INFO]), &der(0xa0, &[content])],
    );
    let signed = der(
        SEQUENCE,
        &[
            &der(INTEGER, &[&[version]]),
            &der(SET, &[&identifier(SHA256)]),
            &encapsulated,
            &der(0xa0, certificates),
            &der(SET, signers),
        ],
    );
    content_info(&signed)
}

pub fn content_info(signed: &[u8]) -> Vec<u8> {
    der(
        SEQUENCE,
        &[
            &der(OBJECT_IDENTIFIER, &[SIGNED_DATA]),
            &der(0xa0, &[signed]),
        ],
    )
}
