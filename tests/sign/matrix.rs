//! Every kind of envelope that is made here, verified by the reference and by us.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use notation_verifier::envelope::SigningScheme;
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, PrivateAddresses};
use notation_verifier::io::timestamp::{TimestampAuthority, TimestampOptions};
use notation_verifier::sign::payload::payload;
use notation_verifier::sign::{ToBeSigned, sign};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Provider};
use serde_json::{Value, json};

use crate::ours::World;
use crate::reference::{self, Server, Verdict};
use crate::tsa::Tsa;
use crate::{COMBINATIONS, Case};

/// What differs between two envelopes of one algorithm, format and scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Variant {
    expiry: bool,
    metadata: bool,
    stamp: bool,
    /// The key only gets the bytes to sign.
    remote: bool,
}

fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    for number in 0..16_u8 {
        let bit = |position: u8| number >> position & 1 == 1;
        all.push(Variant {
            stamp: bit(3),
            metadata: bit(2),
            expiry: bit(1),
            remote: bit(0),
        });
    }
    all
}

/// A copy of the case in `folder` that asks for this metadata, and for time-stamps of
/// the authority where there is one.
fn world_of(folder: &Path, metadata: &BTreeMap<String, String>, tsa: Option<&Tsa>) -> PathBuf {
    let copy = folder.with_extension(format!("{}-{}", metadata.len(), tsa.is_some()));
    if copy.is_dir() {
        return copy;
    }
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    let path = copy.join("case.json");
    let mut case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    case["user_metadata"] = json!(metadata);
    if let Some(tsa) = tsa {
        fs::write(copy.join("tsa-root.pem"), tsa.root()).unwrap();
        case["trust_stores"]["tsa:stamps"] = json!(["tsa-root.pem"]);
        let statement = &mut case["trust_policy"]["trustPolicies"][0];
        let stores = statement["trustStores"].as_array_mut().unwrap();
        stores.push(json!("tsa:stamps"));
        statement["signatureVerification"]["verifyTimestamp"] = json!("always");
    }
    fs::write(path, case.to_string()).unwrap();
    copy
}

/// Signs and verifies for one case of the reference.
struct Bench<'a> {
    folder: &'a Path,
    case: Case,
    server: &'a mut Server,
    tsa: Option<&'a Tsa>,
    fetcher: &'a EvidenceFetcher,
}

impl Bench<'_> {
    fn envelope(&mut self, variant: Variant, target: &Descriptor) -> Vec<u8> {
        let (limits, provider) = (Limits::default(), Provider::preferred());
        let year = self.case.now.saturating_add_seconds(300 * 24 * 3_600);
        let payload = payload(target).unwrap();
        let request = self.case.request(&payload, variant.expiry.then_some(year));
        let signer = self.case.signer();
        let authority = variant.stamp.then(|| self.authority());
        if !variant.remote {
            return match authority {
                None => sign(&request, &signer, &provider, &limits).unwrap(),
                Some(authority) => {
                    let now = crate::now();
                    let made = authority.sign(&request, &signer, now, &provider, &limits);
                    made.unwrap().envelope
                }
            };
        }
        let to_be_signed = ToBeSigned::new(&request, &provider, &limits).unwrap();
        let signature = self.server.sign(self.folder, to_be_signed.bytes());
        match authority {
            None => to_be_signed.assemble(&signature, None).unwrap(),
            Some(authority) => {
                let made = authority.stamp(&to_be_signed, &signature, crate::now());
                made.unwrap().envelope
            }
        }
    }

    fn authority(&self) -> TimestampAuthority {
        let tsa = self.tsa.unwrap();
        TimestampAuthority::new(
            &tsa.url("/"),
            &[&tsa.root()],
            self.fetcher.clone(),
            TimestampOptions::default(),
            &Limits::default(),
        )
        .unwrap()
    }

    /// What the reference and what we say of `envelope` in the world of `folder`.
    fn verify(&mut self, folder: &Path, envelope: &[u8]) -> (Verdict, crate::ours::Verdict) {
        let world = World::load(folder);
        let media_type = self.case.media_type.as_str();
        let mut fetcher = self.fetcher.clone();
        self.server.verify(folder, media_type, envelope, || {
            world.verify_with(envelope, &mut fetcher)
        })
    }

    /// Without a time-stamp, where one is asked for.
    fn check_that_stamps_are_missed(&mut self, folder: &Path, unstamped: &[u8]) {
        let (theirs, ours) = self.verify(folder, unstamped);
        if self.case.scheme == SigningScheme::X509 {
            assert!(matches!(theirs, Verdict::Rejects(_)), "{theirs:?}");
            assert_eq!(ours.unwrap_err().0, "timestamp-missing");
        } else {
            assert!(matches!(theirs, Verdict::Accepts), "{theirs:?}");
            assert_eq!(ours, Ok(()));
        }
    }
}

#[test]
fn the_reference_takes_what_is_signed_here() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(program) = reference::build(scratch.path()) else {
        return;
    };
    let tsa = crate::certificates::there_is_openssl().then(Tsa::start);
    let folders = reference::sign(&program, scratch.path(), COMBINATIONS);
    let mut server = Server::start(&program);
    let fetcher = fetcher();
    let mut seen = BTreeMap::new();
    let mut missed = 0;
    for folder in &folders {
        let mut bench = Bench {
            case: Case::load(folder, &World::load(folder)),
            folder,
            server: &mut server,
            tsa: tsa.as_ref(),
            fetcher: &fetcher,
        };
        for variant in variants() {
            if variant.stamp && tsa.is_none() {
                continue;
            }
            let mut target = bench.case.target.clone();
            target.annotations.clear();
            if variant.metadata {
                let build = ("io.example.build".to_owned(), "\u{fc} 7".to_owned());
                target.annotations.extend([build]);
            }
            let asks = tsa.as_ref().filter(|_| variant.stamp);
            let world = world_of(folder, &target.annotations, asks);
            let envelope = bench.envelope(variant, &target);
            let (theirs, ours) = bench.verify(&world, &envelope);
            let what = format!("{}: {variant:?}", folder.display());
            assert!(matches!(theirs, Verdict::Accepts), "{what}: {theirs:?}");
            assert_eq!(ours, Ok(()), "{what}");
            if let Some(tsa) = &tsa
                && !variant.stamp
                && !variant.remote
            {
                let world = world_of(folder, &target.annotations, Some(tsa));
                bench.check_that_stamps_are_missed(&world, &envelope);
                missed += 1;
            }
            let kind = (
                bench.case.algorithm().as_str(),
                bench.case.media_type.as_str(),
                bench.case.scheme.as_str(),
            );
            *seen.entry(kind).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), COMBINATIONS);
    let each = if tsa.is_some() { 16 } else { 8 };
    assert!(seen.values().all(|count| *count == each), "{seen:?}");
    let without = if tsa.is_some() { 4 * COMBINATIONS } else { 0 };
    assert_eq!(missed, without);
    println!(
        "{} envelopes accepted by both, {missed} without their time-stamp judged alike",
        each * COMBINATIONS
    );
}

fn fetcher() -> EvidenceFetcher {
    let mut options = FetchOptions::default();
    options.egress.private_addresses = PrivateAddresses::Allow;
    let patience = std::time::Duration::from_secs(30);
    (options.ocsp_timeout, options.crl_timeout) = (patience, patience);
    EvidenceFetcher::new(options, Provider::preferred(), &Limits::default())
}
