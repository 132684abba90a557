//! Our certificate reader against `x509-cert`, an independent one: wherever both
//! read a certificate, they must read the same.
//!
//! The two differ in what they refuse (the library re-encodes, so it cannot show
//! raw octets; ours follows the reference's strictness), so refusals are counted
//! and not compared.

#![allow(clippy::unwrap_used)] // a test stops at what it does not expect

#[path = "shared/mod.rs"]
mod shared;

use std::path::{Path, PathBuf};

use der::{Decode, Encode};
use notation_verifier::x509::Certificate;
use notation_verifier::{Limits, Provider, Time};
use x509_cert::certificate::{CertificateInner, Raw};

#[derive(Default, Debug)]
struct Counts {
    compared: usize,
    only_ours: usize,
    only_theirs: usize,
    neither: usize,
}

#[test]
fn both_read_the_same_from_every_certificate() {
    let (Some(corpus), Some(vectors)) = (shared::folder("corpus/certs"), shared::folder("vectors"))
    else {
        return;
    };
    let mut counts = Counts::default();
    for folder in [corpus, vectors.join("roots"), vectors.join("x509-chains")] {
        for file in below(&folder) {
            for der in certificates(&file) {
                compare(&der, &file, &mut counts);
            }
        }
    }
    println!("{counts:?}");
    // What lies in these folders; fewer means that files were not found.
    assert!(counts.compared >= 790, "{counts:?}");
}

fn compare(bytes: &[u8], file: &Path, counts: &mut Counts) {
    let ours = Certificate::parse(bytes, &Provider::PORTABLE, &Limits::default());
    let theirs = CertificateInner::<Raw>::from_der(bytes);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Ok(_), Err(_)) => {
            counts.only_ours += 1;
            return;
        }
        (Err(_), Ok(_)) => {
            counts.only_theirs += 1;
            return;
        }
        (Err(_), Err(_)) => {
            counts.neither += 1;
            return;
        }
    };
    counts.compared += 1;
    let tbs = theirs.tbs_certificate();
    let at = file.display();
    assert_eq!(
        sorted(ours.subject().der()),
        sorted(&tbs.subject().to_der().unwrap()),
        "subject of {at}"
    );
    assert_eq!(
        sorted(ours.issuer().der()),
        sorted(&tbs.issuer().to_der().unwrap()),
        "issuer of {at}"
    );
    assert_eq!(
        strip(ours.serial_number()),
        strip(tbs.serial_number().as_bytes()),
        "serial number of {at}"
    );
    assert_eq!(
        ours.spki(),
        tbs.subject_public_key_info().to_der().unwrap(),
        "public key of {at}"
    );
    assert_eq!(
        ours.signature(),
        theirs.signature().raw_bytes(),
        "signature of {at}"
    );
    let time = |time: x509_cert::time::Time| {
        Time::from_unix(i64::try_from(time.to_unix_duration().as_secs()).unwrap())
    };
    let validity = tbs.validity();
    assert_eq!(
        ours.not_before(),
        time(validity.not_before),
        "validity of {at}"
    );
    assert_eq!(
        ours.not_after(),
        time(validity.not_after),
        "validity of {at}"
    );
    let extensions = ours.extensions().count();
    assert_eq!(
        extensions,
        tbs.extensions().map_or(0, Vec::len),
        "extensions of {at}"
    );
}

/// The library writes names anew and orders the attributes of an RDN in doing so:
/// the same octets, in another order.
fn sorted(der: &[u8]) -> Vec<u8> {
    let mut octets = der.to_vec();
    octets.sort_unstable();
    octets
}

/// Leading zero octets keep an INTEGER positive and say nothing.
fn strip(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    serial.get(zeros..).unwrap_or(&[])
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every certificate of a file: PEM blocks of that label, or the whole as DER.
fn certificates(file: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if text.contains(BEGIN) {
        return text
            .split(BEGIN)
            .skip(1)
            .filter_map(|rest| rest.split_once(END))
            .filter_map(|(body, _)| {
                let body: String = body.split_whitespace().collect();
                <base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).ok()
            })
            .collect();
    }
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("der" | "crt" | "cer") => vec![bytes],
        _ => Vec::new(),
    }
}
