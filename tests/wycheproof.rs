//! Wycheproof's signature tests through every provider and every backend.
//!
//! The verdicts are Wycheproof's, with two rules of this verifier's own:
//!
//! - `acceptable` is refused. The twelve tests are PKCS #1 signatures whose
//!   `DigestInfo` lacks the NULL; RFC 8017 section 8.2.2 lets a verifier that
//!   encodes and compares, as all of ours and the reference implementation's do,
//!   refuse them.
//! - A PSS signature whose salt is not as long as the hash, or whose MGF1 uses
//!   another hash, is refused although it is `valid` RSASSA-PSS: RFC 8230 section
//!   2 and RFC 7518 section 3.5 fix both.
//!
//! Single tests that end differently stand in `wycheproof.exceptions.json`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeMap;

use notation_verifier::crypto::{HashAlgorithm, KeyKind, Provider, PublicKey, Scheme};
use serde::Deserialize;

const FILES: usize = 26;
const TESTS: usize = 6956;
const ACCEPTABLE: usize = 12;
/// The tests of the one key type here, P-521, that the fast backend leaves to the
/// portable one.
const NOT_FAST: usize = 542;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(rename = "type")]
    kind: String,
    public_key_der: String,
    sha: String,
    mgf_sha: Option<String>,
    s_len: Option<usize>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: usize,
    comment: String,
    msg: String,
    sig: String,
    result: Verdict,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Invalid,
    Acceptable,
}

#[derive(Deserialize)]
struct Exception {
    file: String,
    test: usize,
    accept: bool,
    reason: String,
}

#[test]
fn every_provider_agrees_with_wycheproof() {
    let Some(folder) = shared::folder("vectors/wycheproof") else {
        return;
    };
    let providers = providers();
    let exceptions: Vec<Exception> =
        serde_json::from_str(include_str!("wycheproof.exceptions.json")).unwrap();
    let mut excepted = 0;
    let mut files = 0;
    let mut tests = BTreeMap::new();
    let mut accepted = BTreeMap::new();
    let mut served_by_first = BTreeMap::new();
    let mut differences = Vec::new();

    for path in shared::files(&folder, "json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file: File = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        files += 1;
        let mut in_file = 0;
        for group in &file.test_groups {
            let spki = hex(&group.public_key_der);
            let keys: Vec<(&Provider, PublicKey)> = providers
                .iter()
                .map(|provider| {
                    let key = provider
                        .load_key(&spki)
                        .unwrap_or_else(|error| panic!("{name}, {}: {error}", provider.name));
                    (provider, key)
                })
                .collect();
            for provider in &providers {
                if provider.backends[0].load_key(&spki).is_some() {
                    *served_by_first.entry(provider.name).or_insert(0) += group.tests.len();
                }
            }
            let scheme = group.scheme();
            for test in &group.tests {
                in_file += 1;
                *tests.entry(test.result).or_insert(0) += 1;
                let mut expected = test.result == Verdict::Valid && group.has_our_parameters();
                let exception = exceptions
                    .iter()
                    .find(|exception| exception.file == name && exception.test == test.tc_id);
                if let Some(exception) = exception {
                    assert!(!exception.reason.is_empty(), "{name} {}", test.tc_id);
                    assert_ne!(
                        exception.accept, expected,
                        "{name} {}: needless",
                        test.tc_id
                    );
                    expected = exception.accept;
                    excepted += 1;
                }
                let (message, signature) = (hex(&test.msg), hex(&test.sig));
                for (provider, key) in &keys {
                    let verify = |key: &PublicKey| key.verify(scheme, &message, &signature).is_ok();
                    let mut verdicts = vec![verify(key)];
                    if let KeyKind::Ec(_) = key.kind() {
                        // The portable backend verifies the first time in another
                        // way than later: a key that has been used, and a new one.
                        verdicts.push(verify(key));
                        verdicts.push(verify(&provider.load_key(&spki).unwrap()));
                    }
                    *accepted.entry(provider.name).or_insert(0) += usize::from(verdicts[0]);
                    if verdicts.iter().any(|verdict| *verdict != expected) {
                        differences.push(format!(
                            "{name} {} ({}): {} says {verdicts:?}, expected {expected}",
                            test.tc_id, test.comment, provider.name
                        ));
                    }
                }
            }
        }
        assert_eq!(in_file, file.number_of_tests, "{name}");
    }

    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(files, FILES);
    assert_eq!(tests.values().sum::<usize>(), TESTS);
    assert_eq!(tests[&Verdict::Acceptable], ACCEPTABLE);
    assert_eq!(served_by_first["portable"], TESTS);
    if Provider::fast().is_some() {
        assert_eq!(served_by_first["fast"], TESTS - NOT_FAST);
    }
    assert_eq!(excepted, exceptions.len(), "an exception names no test");
    println!("wycheproof: {files} files, {excepted} excepted, {tests:?}, accepted {accepted:?}");
}

/// Every provider of this build.
fn providers() -> Vec<Provider> {
    [Some(Provider::PORTABLE), Provider::fast()]
        .into_iter()
        .flatten()
        .collect()
}

impl Group {
    fn hash(&self) -> HashAlgorithm {
        match self.sha.as_str() {
            "SHA-256" => HashAlgorithm::Sha256,
            "SHA-384" => HashAlgorithm::Sha384,
            "SHA-512" => HashAlgorithm::Sha512,
            other => panic!("no such hash: {other}"),
        }
    }

    fn scheme(&self) -> Scheme {
        match self.kind.as_str() {
            "EcdsaVerify" => Scheme::EcdsaDer(self.hash()),
            "EcdsaP1363Verify" => Scheme::EcdsaFixed(self.hash()),
            "RsassaPkcs1Verify" => Scheme::RsaPkcs1(self.hash()),
            "RsassaPssVerify" => Scheme::RsaPss(self.hash()),
            other => panic!("no such type: {other}"),
        }
    }

    fn has_our_parameters(&self) -> bool {
        let salt = self.s_len.unwrap_or(self.hash().output_len());
        let mgf = self.mgf_sha.as_deref().unwrap_or(&self.sha);
        salt == self.hash().output_len() && mgf == self.sha
    }
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
