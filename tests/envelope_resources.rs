//! Envelopes that claim or hold too much: each is refused before the work is
//! done. Memory is what is asserted, not time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use notation_verifier::crypto::Provider;
use notation_verifier::envelope::Envelope;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Reason, Rejection};
use notation_verifier::x509::{Certificate, Chain};
use serde_json::Value;

const COSE: &str = "application/cose";
const JWS: &str = "application/jose+json";

/// Decoding an envelope of `envelope_bytes` may hold it a few times over, and
/// must stay far below the 64 MiB that a whole verification may take.
const MAX_PEAK: u64 = 16 * 1024 * 1024;

fn refuse(media_type: &str, bytes: &[u8], expected: Reason) -> AllocationInfo {
    let mut found = None;
    let allocations = measure(|| {
        let parsed = Envelope::parse(media_type, bytes, &Limits::default());
        found = Some(parsed.map(|_| ()));
    });
    let rejection: Rejection = found.unwrap().unwrap_err();
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    assert_eq!(rejection.reason, expected, "{start}: {rejection}");
    assert!(
        allocations.bytes_max < MAX_PEAK,
        "{start}: a peak of {} bytes",
        allocations.bytes_max
    );
    allocations
}

/// `COSE_Sign1_Tagged` with these encoded parts, an empty payload and one octet
/// of signature.
fn cose(protected: &[u8], unprotected: &[u8]) -> Vec<u8> {
    let length = u32::try_from(protected.len()).unwrap().to_be_bytes();
    let head = [&[0xd2, 0x84, 0x5a][..], &length].concat();
    [&head, protected, unprotected, &[0x40, 0x41, 0x00]].concat()
}

fn head(major: u8, count: u64) -> Vec<u8> {
    [&[major << 5 | 27][..], &count.to_be_bytes()].concat()
}

/// `{label: value}`, encoded.
fn map(label: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0xa1], label, value].concat()
}

const X5CHAIN: &[u8] = &[0x18, 33];

#[test]
fn cose_claims_cost_nothing() {
    for count in [1 << 30, 1 << 31, 1 << 62, 1 << 63, u64::MAX] {
        for major in 2..=5 {
            for bytes in [
                [&[0xd2], &head(major, count)[..]].concat(),
                [&[0xd2, 0x84], &head(major, count)[..], &[0; 100]].concat(),
                cose(&[], &map(X5CHAIN, &head(major, count))),
                cose(&map(&[1], &head(major, count)), &[0xa0]),
            ] {
                let allocations = refuse(COSE, &bytes, Reason::EnvelopeMalformed);
                assert!(allocations.bytes_max < 4096, "{}", allocations.bytes_max);
            }
        }
    }
}

#[test]
fn cose_depth_and_width_are_bounded() {
    // Arrays, maps and tags in each other.
    for opening in [&[0x81][..], &[0xa1, 0x00], &[0xc9]] {
        let nested = [opening.repeat(10_000), vec![0x00]].concat();
        refuse(COSE, &cose(&[], &map(&[0], &nested)), Reason::LimitExceeded);
        refuse(
            COSE,
            &cose(&map(&[0], &nested), &[0xa0]),
            Reason::LimitExceeded,
        );
    }
    // 100,000 certificates.
    let chain = [head(4, 100_000), [0x41, 0x30].repeat(100_000)].concat();
    refuse(
        COSE,
        &cose(&[], &map(X5CHAIN, &chain)),
        Reason::LimitExceeded,
    );
    let chain = [head(4, 22), [0x41, 0x30].repeat(22)].concat();
    refuse(
        COSE,
        &cose(&[], &map(X5CHAIN, &chain)),
        Reason::LimitExceeded,
    );
    // Header parameters that differ in label only.
    let parameters = |count: u64| {
        let entries = (0..count).flat_map(|label| [head(0, label), vec![0x00]].concat());
        [head(5, count), entries.collect()].concat()
    };
    refuse(
        COSE,
        &cose(&[], &parameters(300_000)),
        Reason::LimitExceeded,
    );
    refuse(COSE, &cose(&[], &parameters(1_001)), Reason::LimitExceeded);
    refuse(
        COSE,
        &cose(&parameters(1_001), &[0xa0]),
        Reason::LimitExceeded,
    );
    // Parts and a whole that are too long.
    let long = [&head(2, 1 << 19)[..], &vec![0; 1 << 19]].concat();
    refuse(
        COSE,
        &cose(&map(&[0], &long), &[0xa0]),
        Reason::LimitExceeded,
    );
    let payload = [
        &[0xd2, 0x84, 0x40, 0xa0][..],
        &head(2, 1 << 21),
        &vec![0; 1 << 21],
    ]
    .concat();
    refuse(
        COSE,
        &[&payload[..], &[0x41, 0]].concat(),
        Reason::LimitExceeded,
    );
    refuse(COSE, &vec![0xd2; 5 << 20], Reason::LimitExceeded);
}

#[test]
fn jws_depth_and_width_are_bounded() {
    let with_header = |header: &str| format!("{{\"header\":{{{header}}}}}").into_bytes();
    let deep = |open: &str| open.repeat(10_000);
    // In a member that nobody reads, depth costs nothing and the chain is missing.
    refuse(
        JWS,
        &with_header(&format!("\"a\":{}", deep("["))),
        Reason::EnvelopeMalformed,
    );
    let closed = format!("\"a\":{}{}", deep("["), deep("]"));
    refuse(JWS, &with_header(&closed), Reason::CertChainMissing);
    refuse(JWS, deep("{\"a\":").as_bytes(), Reason::EnvelopeMalformed);
    refuse(
        JWS,
        &with_header(&format!("\"x5c\":{}", deep("["))),
        Reason::EnvelopeMalformed,
    );

    // 100,000 certificates; as many as fit.
    for item in ["\"MAA=\"", "null"] {
        let many = vec![item; 100_000].join(",");
        refuse(
            JWS,
            &with_header(&format!("\"x5c\":[{many}]")),
            Reason::LimitExceeded,
        );
    }
    let many = vec!["\"\""; 1_300_000].join(",");
    refuse(
        JWS,
        &with_header(&format!("\"x5c\":[{many}]")),
        Reason::LimitExceeded,
    );
    // Names in the header.
    let names = vec!["\"\":0"; 700_000].join(",");
    refuse(JWS, &with_header(&names), Reason::LimitExceeded);

    // Millions of full stops where base64url belongs.
    let stops = ".".repeat(3_000_000);
    let with = |member: &str, text: &str| {
        let mut members = vec![
            ("header", "{\"x5c\":[\"MAA=\"]}".to_owned()),
            ("protected", "\"e30\"".to_owned()),
            ("payload", "\"e30\"".to_owned()),
            ("signature", "\"e30\"".to_owned()),
        ];
        for (name, value) in &mut members {
            if *name == member {
                *value = format!("\"{text}\"");
            }
        }
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    };
    refuse(JWS, &with("payload", &stops), Reason::EnvelopeMalformed);
    refuse(JWS, &with("signature", &stops), Reason::EnvelopeMalformed);
    refuse(JWS, &with("protected", &stops), Reason::LimitExceeded);
    // Parts and a whole that are too long.
    refuse(
        JWS,
        &with("payload", &"A".repeat(3 << 20)),
        Reason::LimitExceeded,
    );
    refuse(
        JWS,
        &with("protected", &"A".repeat(3 << 20)),
        Reason::LimitExceeded,
    );
    refuse(JWS, &vec![b' '; 5 << 20], Reason::LimitExceeded);
    // A protected header as wide as it may be.
    let wide = format!("{{\"a\":[{}]}}", vec!["[]"; 60_000].join(","));
    let wide = notation_verifier::wire::base64::encode_url(wide.as_bytes());
    let bytes = with("protected", &wide);
    let allocations = measure(|| {
        let _ = Envelope::parse(JWS, &bytes, &Limits::default()).unwrap();
    });
    assert!(
        allocations.bytes_max < MAX_PEAK,
        "{}",
        allocations.bytes_max
    );
}

/// From the octets of an envelope to its decoded payload, with a chain that is
/// known already. P-256 with the provider that runs everywhere.
#[test]
fn a_verification_allocates_little() {
    let Some(cases) = shared::folder("corpus/cases") else {
        return;
    };
    let limits = Limits::default();
    for (case, media_type) in [("alg-es256-cose-x509", COSE), ("alg-es256-jws-x509", JWS)] {
        let folder = cases.join(case);
        let description: Value =
            serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let bytes = std::fs::read(folder.join(description["signature"].as_str().unwrap())).unwrap();
        let envelope = Envelope::parse(media_type, &bytes, &limits).unwrap();
        let certificates = envelope
            .certificates()
            .iter()
            .map(|der| Certificate::parse(der, &Provider::PORTABLE, &limits).unwrap())
            .collect();
        let chain = Arc::new(Chain::code_signing(certificates, &limits).unwrap());
        // The key is parsed once.
        envelope.verify(Arc::clone(&chain)).unwrap();

        let allocations = measure(|| {
            let envelope = Envelope::parse(media_type, &bytes, &limits).unwrap();
            let signed = envelope.verify(Arc::clone(&chain)).unwrap();
            assert_eq!(signed.payload().unwrap().target_artifact.size, 942);
        });
        println!("{case}: {allocations:?}");
        assert!(allocations.count_total <= 60, "{case}: {allocations:?}");
    }
}
