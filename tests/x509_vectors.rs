//! X.509 suites of other projects: NIST PKITS, BoringSSL, OpenSSL, the Azure Key
//! Vault plugin and the reference implementation, and distinguished names.
//!
//! Their end-entity certificates are for TLS and break the rules for signing
//! certificates, which a chain checks last: a chain that gets as far as those is
//! a good path. What differs from a suite's verdict, or is not run, stands in
//! `x509_vectors.exceptions.json` with its reason; an entry that is not needed
//! any more fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Reason, Rejection};
use notation_verifier::time::Time;
use notation_verifier::wire::base64;
use notation_verifier::x509::{
    AttributeValue, Certificate, Chain, Name, TrustedSubject, check_identity_subject,
    parse_certificates,
};
use serde_json::Value;

/// The rules for signatures, or those for time-stamps.
type Build = fn(Vec<Certificate>, &Limits) -> Result<Chain, Rejection>;

/// What became of a chain.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It meets every rule.
    Accepted,
    /// Only the rules for signing certificates stopped it.
    GoodPath(String),
    /// Anything else.
    Rejected(String),
}

impl Outcome {
    fn of(chain: Result<Vec<Certificate>, Rejection>, at: Option<Time>, build: Build) -> Self {
        let certificates = match chain {
            Ok(certificates) => certificates,
            Err(rejection) => return Self::Rejected(rejection.detail),
        };
        let outside = certificates
            .iter()
            .position(|certificate| at.is_some_and(|at| !certificate.is_valid_at(at)));
        match build(certificates, &Limits::default()) {
            Err(rejection) if !is_leaf_rule(&rejection) => Self::Rejected(rejection.detail),
            result => match (outside, result) {
                (Some(position), _) => {
                    Self::Rejected(format!("certificate {position} is outside its validity"))
                }
                (None, Ok(_)) => Self::Accepted,
                (None, Err(rejection)) => Self::GoodPath(rejection.detail),
            },
        }
    }

    fn is_good(&self) -> bool {
        !matches!(self, Self::Rejected(_))
    }

    fn detail(&self) -> &str {
        match self {
            Self::Accepted => "",
            Self::GoodPath(detail) | Self::Rejected(detail) => detail,
        }
    }
}

/// Whether the rules for signing certificates, checked last, refused the chain.
fn is_leaf_rule(rejection: &Rejection) -> bool {
    rejection.reason == Reason::CertChainInvalid
        && rejection.detail.starts_with("certificate 0 of the chain")
        && [
            "keyUsage",
            "extendedKeyUsage",
            "authority's certificate cannot sign",
        ]
        .iter()
        .any(|rule| rejection.detail.contains(rule))
}

fn read(path: &Path) -> Result<Vec<Certificate>, Rejection> {
    parse_certificates(
        &fs::read(path).unwrap(),
        &Provider::PORTABLE,
        &Limits::default(),
    )
}

/// The exceptions of one suite and what came of its cases.
struct Suite {
    name: &'static str,
    skipped: BTreeMap<String, String>,
    differs: BTreeMap<String, String>,
    used: BTreeSet<String>,
    agree: usize,
    /// Rejected by both, here for a reason that the suite did not mean.
    agree_otherwise: Vec<String>,
    wrong: Vec<String>,
}

impl Suite {
    fn new(name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/x509_vectors.exceptions.json");
        let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let table = |kind: &str| -> BTreeMap<String, String> {
            all[name][kind]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|group| {
                    let reason = group["reason"].as_str().unwrap();
                    group["cases"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(move |case| (case.as_str().unwrap().to_owned(), reason.to_owned()))
                })
                .collect()
        };
        Self {
            name,
            skipped: table("skipped"),
            differs: table("differs"),
            used: BTreeSet::new(),
            agree: 0,
            agree_otherwise: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Whether the exceptions say that `case` is not run.
    fn skips(&mut self, case: &str) -> bool {
        self.skipped.contains_key(case) && self.used.insert(case.to_owned())
    }

    /// Compares an outcome with the suite's verdict. `meant` has fragments of
    /// our words for the fault that the case is about, where it is about one.
    fn compare(&mut self, case: &str, good: bool, outcome: &Outcome, meant: &[&str]) {
        let agrees = outcome.is_good() == good;
        if self.differs.contains_key(case) {
            if agrees {
                self.wrong
                    .push(format!("{case}: listed as different, and agrees"));
            }
            self.used.insert(case.to_owned());
        } else if !agrees {
            self.wrong.push(format!(
                "{case}: expected {}, got {outcome:?}",
                if good { "good" } else { "bad" }
            ));
        } else if good || meant.iter().any(|words| outcome.detail().contains(words)) {
            self.agree += 1;
        } else {
            self.agree_otherwise
                .push(format!("{case}: {}", outcome.detail()));
        }
    }

    /// Asserts the counts: agreeing for the reason that was meant, agreeing
    /// otherwise, differing, skipped.
    fn finish(self, counts: [usize; 4]) {
        let listed: Vec<&String> = self
            .skipped
            .keys()
            .chain(self.differs.keys())
            .filter(|case| !self.used.contains(*case))
            .collect();
        let found = [
            self.agree,
            self.agree_otherwise.len(),
            self.differs.len(),
            self.skipped.len(),
        ];
        println!(
            "{}: {} agree, {} agree for another reason, {} differ, {} not run",
            self.name, found[0], found[1], found[2], found[3]
        );
        assert!(
            self.wrong.is_empty() && listed.is_empty() && found == counts,
            "{}:\n{}\nlisted and not met: {listed:?}\ncounts {found:?}, expected {counts:?}\nagree for another reason:\n{}",
            self.name,
            self.wrong.join("\n"),
            self.agree_otherwise.join("\n"),
        );
    }
}

fn cases(folder: &Path) -> Vec<Value> {
    let table: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    table["cases"].as_array().unwrap().clone()
}

fn texts(value: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str)
}

#[test]
fn nist_pkits() {
    let Some(folder) = shared::folder("vectors/x509-chains/nist-pkits") else {
        return;
    };
    let mut suite = Suite::new("nist-pkits");
    // The table's own moment.
    let at = Time::parse_rfc3339("2011-04-15T00:00:00Z");
    for case in cases(&folder) {
        let title = case["title"].as_str().unwrap();
        if suite.skips(title) {
            continue;
        }
        let chain: Result<Vec<_>, _> = texts(&case["certs"])
            .map(|file| read(&folder.join(file)).map(|mut one| one.remove(0)))
            .rev()
            .collect();
        let meant: &[&str] = match case["suite"].as_str().unwrap() {
            "PkitsTest01SignatureVerification" => &["does not verify"],
            "PkitsTest02ValidityPeriods" => &["outside its validity"],
            "PkitsTest03VerifyingNameChaining" => &["its issuer is"],
            "PkitsTest06VerifyingBasicConstraints" => &["basicConstraints", "path length"],
            _ => &[],
        };
        let good = case["should_validate"].as_bool().unwrap();
        suite.compare(
            title,
            good,
            &Outcome::of(chain, at, Chain::code_signing),
            meant,
        );
    }
    suite.finish([101, 5, 95, 0]);
}

#[test]
fn boringssl_chains() {
    let Some(folder) = shared::folder("vectors/x509-chains/boringssl-verify-chain") else {
        return;
    };
    /// Their words for a fault, and ours.
    const FAULTS: &[(&str, &str)] = &[
        ("Time is", "outside its validity"),
        ("VerifySignedData failed", "does not verify"),
        ("not a CA", "lacks cA"),
        (
            "Does not have Basic Constraints",
            "basicConstraints is missing",
        ),
        ("keyCertSign bit is not set", "lacks keyCertSign"),
        ("max_path_length reached", "path length"),
        ("Unacceptable signature algorithm", "SHA-1"),
        ("RSA modulus too small", "bits"),
        ("Couldn't parse SubjectPublicKeyInfo", "is malformed"),
    ];
    let mut suite = Suite::new("boringssl-verify-chain");
    for case in cases(&folder) {
        let test = case["test"].as_str().unwrap();
        if suite.skips(test) {
            continue;
        }
        let time = match case["utc_time"].as_str().unwrap() {
            "DEFAULT" => "211005120000Z",
            time => time,
        };
        let part = |from: usize| &time[from..from + 2];
        let at = Time::parse_rfc3339(&format!(
            "20{}-{}-{}T{}:{}:{}Z",
            part(0),
            part(2),
            part(4),
            part(6),
            part(8),
            part(10)
        ));
        assert!(at.is_some());
        let outcome = Outcome::of(
            read(&folder.join(case["chain"].as_str().unwrap())),
            at,
            Chain::code_signing,
        );
        let errors = case["errors"].as_str().unwrap();
        let meant: Vec<&str> = FAULTS
            .iter()
            .filter(|(theirs, _)| errors.contains(theirs))
            .map(|(_, ours)| *ours)
            .collect();
        suite.compare(test, case["expect"] == "ok", &outcome, &meant);
    }
    suite.finish([99, 13, 85, 0]);
}

#[test]
fn openssl_certificates() {
    let Some(folder) = shared::folder("vectors/x509-chains/openssl-certs") else {
        return;
    };
    let mut suite = Suite::new("openssl-certs");
    for (number, case) in cases(&folder).iter().enumerate() {
        let opts: Vec<&str> = texts(&case["opts"]).collect();
        let name = format!(
            "{number} {} ({})",
            case["title"].as_str().unwrap(),
            case["cert"].as_str().unwrap()
        );
        if suite.skips(&name) {
            continue;
        }
        // No path building here: the suite's files, linked by name.
        let chain = || -> Result<Vec<Certificate>, Rejection> {
            let mut chain = read(&folder.join(case["cert"].as_str().unwrap()))?;
            chain.truncate(1);
            let mut pool = Vec::new();
            for file in texts(&case["trusted"]).chain(texts(&case["untrusted"])) {
                pool.extend(read(&folder.join(file))?);
            }
            while let Some(last) = chain.last()
                && last.issuer() != last.subject()
                && let Some(found) = pool.iter().position(|one| one.subject() == last.issuer())
            {
                chain.push(pool.remove(found));
            }
            Ok(chain)
        };
        let at = opts
            .iter()
            .position(|option| *option == "-attime")
            .map_or(1_700_000_000, |option| opts[option + 1].parse().unwrap());
        // Key usage is not critical in this suite, which time-stamping allows.
        let outcome = Outcome::of(chain(), Some(Time::from_unix(at)), Chain::time_stamping);
        suite.compare(&name, case["expect"] == "ok", &outcome, &[""]);
    }
    suite.finish([36, 0, 20, 43]);
}

/// Chains for the signing side, which puts them in order; here the order is a
/// rule.
#[test]
fn azure_key_vault_chains() {
    let Some(folder) = shared::folder("vectors/x509-chains/notation-azure-kv") else {
        return;
    };
    let mut suite = Suite::new("notation-azure-kv");
    for case in cases(&folder) {
        let input = case["input"].as_str().unwrap();
        let good = case["expect"] == "ok" && case["ordered_result"] == case["input"];
        let outcome = Outcome::of(read(&folder.join(input)), None, Chain::code_signing);
        suite.compare(
            input,
            good,
            &outcome,
            &["its issuer is", "self-signed", "basicConstraints"],
        );
    }
    suite.finish([21, 0, 0, 0]);
}

#[test]
fn key_kinds() {
    let Some(folder) = shared::folder("vectors/x509-chains/notation-azure-kv") else {
        return;
    };
    let found: Vec<(String, Result<&str, Reason>)> = shared::files(&folder, "crt")
        .iter()
        .map(|path| {
            let algorithm = read(path)
                .and_then(|certificates| certificates[0].signing_algorithm())
                .map(|algorithm| algorithm.as_str())
                .map_err(|rejection| rejection.reason);
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, algorithm)
        })
        .collect();
    let expected = [
        ("dsa_2048", Err(Reason::KeyUnsupported)),
        // A curve over a binary field.
        ("ec_163", Err(Reason::CertMalformed)),
        ("ec_256", Ok("ES256")),
        ("ec_384", Ok("ES384")),
        ("ec_521", Ok("ES512")),
        ("expired_leaf", Ok("PS256")),
        ("leaf", Ok("PS256")),
        ("root", Ok("PS256")),
        ("rsa_1024", Err(Reason::KeyUnsupported)),
        ("rsa_2048", Ok("PS256")),
        ("rsa_3072", Ok("PS384")),
        ("rsa_4096", Ok("PS512")),
    ];
    let found: Vec<_> = found
        .iter()
        .map(|(name, algorithm)| (name.as_str(), *algorithm))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn reference_files() {
    let Some(folder) = shared::folder("vectors/x509-chains/notation-core-go") else {
        return;
    };
    for (file, count) in [
        ("pem.crt", 1),
        ("multi-pem.crt", 2),
        ("der.der", 1),
        ("multi-der.der", 2),
        ("openssl-minimum-self-signed.pem", 1),
    ] {
        assert_eq!(read(&folder.join(file)).unwrap().len(), count, "{file}");
    }
    let invalid = read(&folder.join("invalid")).unwrap_err();
    assert_eq!(invalid.reason, Reason::CertMalformed);

    let chain: Vec<_> = ["leaf", "intermediate", "root"]
        .iter()
        .flat_map(|name| read(&folder.join(format!("timestamp_{name}.crt"))).unwrap())
        .collect();
    let limits = Limits::default();
    assert!(Chain::time_stamping(chain.clone(), &limits).is_ok());
    let rejection = Chain::code_signing(chain.clone(), &limits).unwrap_err();
    assert!(rejection.detail.contains("timeStamping"), "{rejection}");

    let mut few = limits.clone();
    few.chain_certificates = 2;
    assert_eq!(
        Chain::time_stamping(chain.clone(), &few)
            .unwrap_err()
            .reason,
        Reason::LimitExceeded
    );
    few.certificate_bytes = chain[0].der().len() - 1;
    assert_eq!(
        Certificate::parse(chain[0].der(), &Provider::PORTABLE, &few)
            .unwrap_err()
            .reason,
        Reason::LimitExceeded
    );
    assert_eq!(
        Chain::code_signing(Vec::new(), &limits).unwrap_err().reason,
        Reason::CertChainMissing
    );
}

#[test]
fn roots_of_real_services() {
    let Some(folder) = shared::folder("vectors/roots") else {
        return;
    };
    let manifest: Vec<Value> =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for entry in &manifest {
        let text = |key: &str| entry[key].as_str().unwrap();
        let pem = read(&folder.join(text("pem"))).unwrap();
        let der = read(&folder.join(text("der"))).unwrap();
        assert_eq!(pem, der);
        let certificate = &der[0];
        assert_eq!(certificate.sha256().to_hex(), text("sha256"));
        assert_eq!(certificate.subject().to_string(), text("subject"));
        assert_eq!(certificate.issuer().to_string(), text("issuer"));
        let time = |key: &str| Time::parse_rfc3339(&text(key).replacen(' ', "T", 1)).unwrap();
        assert_eq!(certificate.not_before(), time("not_before"));
        assert_eq!(certificate.not_after(), time("not_after"));
        if certificate.subject() == certificate.issuer() && !text("sigalg").starts_with("sha1") {
            assert_eq!(certificate.is_issued_by_signature(certificate), Ok(()));
        }
    }
    assert_eq!(manifest.len(), 21);
}

/// Names are parsed and decoded here, not folded: equality is that of octets.
#[test]
fn boringssl_names() {
    let Some(folder) = shared::folder("vectors/x509-chains/boringssl-name-match") else {
        return;
    };
    let (mut valid, mut invalid) = (0, 0);
    let mut plain: Vec<Vec<String>> = Vec::new();
    let files = shared::files(&folder, "pem");
    for path in &files {
        let file = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let block = text.split("-----").nth(2).unwrap();
        let der = base64::decode_standard(&block.replace(char::is_whitespace, "")).unwrap();
        match Name::parse(&der, &Limits::default()) {
            Ok(name) => {
                assert!(!file.starts_with("invalid-"), "{file}");
                assert_eq!(name.der(), der);
                assert_eq!(name.is_empty(), file == "valid-Name-empty.pem");
                if file.starts_with("ascii-") && file.ends_with("-unmangled.pem") {
                    plain.push(
                        name.attributes()
                            .iter()
                            .map(|attribute| match &attribute.value {
                                AttributeValue::Text(text) => text.clone(),
                                AttributeValue::Other(_) => panic!("{file}"),
                            })
                            .collect(),
                    );
                }
                valid += 1;
            }
            Err(rejection) => {
                assert!(file.starts_with("invalid-"), "{file}: {rejection}");
                invalid += 1;
            }
        }
    }
    assert_eq!((valid, invalid), (74, 8));
    // One name in five string types.
    assert_eq!(plain.len(), 5);
    assert!(plain.iter().all(|texts| *texts == plain[0]), "{plain:?}");
}

#[test]
fn distinguished_names_of_policies() {
    let Some(folder) = shared::folder("vectors/trust-policy") else {
        return;
    };
    let tables: Value =
        serde_json::from_slice(&fs::read(folder.join("dn-and-reference-cases.json")).unwrap())
            .unwrap();
    let limits = Limits::default();
    let mut suite = Suite::new("dn");
    for case in tables["dn_parse"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let input = case["input"].as_str().unwrap();
        let good = case["expect"] == "ok";
        if suite.skips(name) {
            continue;
        }
        // The parser alone is not reachable: what it is given must also meet the
        // rules for identities.
        let parsed = if case["layer"] == "rfc4514" && !input.is_empty() {
            TrustedSubject::parse(&format!("C=US,ST=WA,O=x,{input}"), &limits)
        } else {
            TrustedSubject::parse(input, &limits)
        };
        if let (Ok(subject), Some(rdns)) = (&parsed, case["rdns"].as_array()) {
            let found: Vec<_> = subject.attributes().skip(3).collect();
            assert_eq!(found.len(), rdns.len(), "{name}");
            for ((kind, value), rdn) in found.iter().zip(rdns) {
                assert!(
                    kind.eq_ignore_ascii_case(rdn[0][0].as_str().unwrap()),
                    "{name}"
                );
                assert_eq!(*value, rdn[0][1].as_str().unwrap(), "{name}");
            }
        }
        let outcome = match parsed {
            Ok(_) => Outcome::Accepted,
            Err(error) => Outcome::Rejected(error.kind().as_str().to_owned()),
        };
        suite.compare(name, good, &outcome, &["dn-"]);
    }
    suite.finish([45, 0, 15, 0]);

    let subsets = tables["dn_subset"].as_array().unwrap();
    for case in subsets {
        let identity: Vec<String> = case["policy_dn"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(kind, value)| format!("{kind}={}", value.as_str().unwrap()))
            .collect();
        let identity = TrustedSubject::parse(&identity.join(","), &limits).unwrap();
        let subject = name_of(case["cert_dn"].as_object().unwrap());
        assert_eq!(identity.matches(&subject), case["match"], "{case}");
        assert!(check_identity_subject(&subject).is_ok());
    }
    assert_eq!(subsets.len(), 3);
}

/// A name with one UTF-8 attribute in each RDN.
fn name_of(attributes: &serde_json::Map<String, Value>) -> Name {
    let element = |tag: u8, contents: Vec<u8>| -> Vec<u8> {
        let length = u8::try_from(contents.len()).unwrap();
        let header = if length < 0x80 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [header, contents].concat()
    };
    let rdns = attributes.iter().flat_map(|(kind, value)| {
        let arc = match kind.as_str() {
            "C" => 6,
            "ST" => 8,
            "O" => 10,
            "L" => 7,
            "CN" => 3,
            other => panic!("{other}"),
        };
        let text = value.as_str().unwrap().as_bytes().to_vec();
        let pair = [vec![0x06, 3, 0x55, 4, arc], element(0x0c, text)].concat();
        element(0x31, element(0x30, pair))
    });
    let der = element(0x30, rdns.collect());
    Name::parse(&der, &Limits::default()).unwrap()
}

/// The golden cases about identities, as far as names decide them.
#[test]
fn corpus_identities() {
    let Some(folder) = shared::folder("corpus") else {
        return;
    };
    let limits = Limits::default();
    let mut count = 0;
    for entry in fs::read_dir(folder.join("cases")).unwrap() {
        let folder = entry.unwrap().path();
        let case: Value =
            serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let identities: Vec<&str> = texts(&case["dn"]["identities"])
            .filter_map(|identity| identity.strip_prefix("x509.subject:"))
            .collect();
        if identities.is_empty() {
            continue;
        }
        let certificate = case["dn"]["certificate"].as_str().unwrap();
        let certificate = read(&folder.join(certificate)).unwrap().remove(0);
        let good = check_identity_subject(certificate.subject()).is_ok()
            && identities.iter().any(|identity| {
                TrustedSubject::parse(identity, &limits)
                    .unwrap()
                    .matches(certificate.subject())
            });
        let overall = match &case["decision"]["overall"] {
            Value::Null => &case["expected"]["overall"],
            decided => decided,
        };
        assert_eq!(good, overall == "pass", "{}", case["id"]);
        count += 1;
    }
    assert_eq!(count, 26);
}
