//! Names, certificates and files that claim or hold too much: memory stays
//! bounded by the input, and what passes a limit is refused before the work.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

use allocation_counter::measure;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Reason, Rejection};
use notation_verifier::x509::{
    Certificate, Chain, IdentityErrorKind, Name, TrustedSubject, parse_certificates,
};

/// The result of `work` and the peak of what it held on the heap.
fn peak<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let mut result = None;
    let allocations = measure(|| result = Some(work()));
    (result.unwrap(), allocations.bytes_max)
}

fn certificate(der: &[u8]) -> Result<Certificate, Rejection> {
    Certificate::parse(der, &Provider::PORTABLE, &Limits::default())
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    let header = match contents.len() {
        0..0x80 => vec![tag, length[3]],
        0x80..0x100 => vec![tag, 0x81, length[3]],
        0x100..0x1_0000 => vec![tag, 0x82, length[2], length[3]],
        _ => vec![tag, 0x83, length[1], length[2], length[3]],
    };
    [header, contents.to_vec()].concat()
}

/// A certificate with this subject and these extensions; its key and signature
/// are of an algorithm that nobody knows.
fn made(subject: &[u8], extensions: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, &element(0x06, &[0x2a, 3]));
    let time = element(0x17, b"200101000000Z");
    let tbs = [
        element(0xa0, &element(0x02, &[2])),
        element(0x02, &[1]),
        algorithm.clone(),
        element(0x30, &[]),
        element(0x30, &[time.clone(), time].concat()),
        element(0x30, subject),
        element(0x30, &[algorithm.clone(), element(0x03, &[0])].concat()),
        element(0xa3, &element(0x30, extensions)),
    ];
    let parts = [element(0x30, &tbs.concat()), algorithm, element(0x03, &[0])];
    element(0x30, &parts.concat())
}

/// `CN=`, in an RDN of its own.
fn rdn() -> Vec<u8> {
    let attribute = [element(0x06, &[0x55, 4, 3]), element(0x0c, b"")].concat();
    element(0x31, &element(0x30, &attribute))
}

/// An unknown extension with a number of its own.
fn extension(number: u32) -> Vec<u8> {
    let [_, a, b, c] = number.to_be_bytes();
    let oid = [0x2a, 0x81 + a, b | 0x80, c & 0x7f, c >> 7];
    let fields = [element(0x06, &oid), element(0x04, &[])].concat();
    element(0x30, &fields)
}

#[test]
fn identities() {
    let limits = Limits::default();
    for pattern in [
        ",", "=", "+", ";", "\\", " ", "#", "\"", "x=1,", "C=US,", "C=US+", "\\41", "\\,", "a=\\ ",
    ] {
        for prefix in ["", "C=US,ST=WA,O=a,", "C=US,ST=WA,O=", "C=US,ST=WA,O=a,1."] {
            let text = format!("{prefix}{}", pattern.repeat(60_000 / pattern.len()));
            let (_, bytes) = peak(|| {
                TrustedSubject::parse(&text, &limits)
                    .map(|subject| subject.to_string())
                    .map_err(|error| error.to_string())
            });
            assert!(bytes < 1024 * 1024, "{prefix}{pattern}…: {bytes} bytes");
        }
    }
    let (result, bytes) = peak(|| TrustedSubject::parse(&" ".repeat(1 << 16 | 1), &limits));
    assert_eq!(result.unwrap_err().kind(), IdentityErrorKind::Limit);
    assert!(bytes < 1 << 17);
}

#[test]
fn names() {
    let limits = Limits::default();
    let most = made(&rdn().repeat(limits.name_attributes), &extension(1));
    let (result, bytes) = peak(|| certificate(&most).unwrap().summary(None));
    assert_eq!(result.subject.split(',').count(), limits.name_attributes);
    assert!(bytes < 256 * 1024, "{bytes}");

    for count in [limits.name_attributes + 1, 4_000] {
        let der = made(&rdn().repeat(count), &extension(1));
        let (result, bytes) = peak(|| certificate(&der));
        assert_eq!(result.unwrap_err().reason, Reason::LimitExceeded);
        assert!(bytes < 1024, "{bytes}");
    }
    // One octet of Latin-1 is shown as six characters at most.
    let attribute = [element(0x06, &[0x55, 4, 3]), element(0x14, &[0x9b; 60_000])].concat();
    let name = element(0x30, &element(0x31, &element(0x30, &attribute)));
    let (text, bytes) = peak(|| Name::parse(&name, &limits).unwrap().to_string());
    assert_eq!(text.len(), 3 + 60_000 * 6);
    assert!(bytes < 2 * 1024 * 1024, "{bytes}");
}

#[test]
fn certificates() {
    let lying = [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x30, 0x84, 0x7f];
    let (result, bytes) = peak(|| certificate(&lying));
    assert_eq!(result.unwrap_err().reason, Reason::CertMalformed);
    assert!(bytes < 1024, "{bytes}");

    let extensions: Vec<u8> = (0..5_000).flat_map(extension).collect();
    let many = made(&rdn(), &extensions);
    let (result, bytes) = peak(|| certificate(&many));
    assert_eq!(result.unwrap().extensions().count(), 5_000);
    assert!(bytes < 2 * 1024 * 1024, "{bytes}");
    let twice = made(&rdn(), &[extensions, extension(4_999)].concat());
    let rejection = certificate(&twice).unwrap_err();
    assert!(rejection.detail.contains("twice"), "{rejection}");

    let long = made(&rdn(), &extension(1).repeat(7_000));
    let (result, bytes) = peak(|| certificate(&long));
    assert_eq!(result.unwrap_err().reason, Reason::LimitExceeded);
    assert!(bytes < 1024, "{bytes}");

    let one = certificate(&made(&rdn(), &extension(1))).unwrap();
    let rejection = Chain::code_signing(vec![one; 100_000], &Limits::default()).unwrap_err();
    assert_eq!(rejection.reason, Reason::LimitExceeded);
}

#[test]
fn certificate_files() {
    let size = Limits::default().trust_store_file_bytes;
    for line in [
        "-----BEGIN A-----\n",
        "-----END A-----\n",
        "-----BEGIN A-----\n-----END A-----\n",
        "-----BEGIN A-----\nAAAA\n-----END A-----\n",
        "-----BEGIN A-----\nx: y\n",
        "A",
        "0\0",
    ] {
        let text = line.repeat(size / line.len());
        let (result, bytes) =
            peak(|| parse_certificates(text.as_bytes(), &Provider::PORTABLE, &Limits::default()));
        assert_eq!(result.unwrap_err().reason, Reason::CertMalformed);
        assert!(bytes < 32 * 1024 * 1024, "{line:?}: {bytes} bytes");
    }
}
