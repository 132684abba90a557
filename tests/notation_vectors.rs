//! Real signatures of the Notary Project's own repositories, end to end: trust
//! store, policy and a fixed moment as the table of verdicts says.
//!
//! `real_envelopes.rs` looks at the same envelopes' integrity and attributes.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod notation;
mod shared;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notation::{
    CERT_EXPIRED, EXPIRED, Expect, NOW, World, anchored, certificates, read, time, verify,
};
use notation_verifier::envelope::Envelope;
use notation_verifier::outcome::{Check, Reason};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::Descriptor;
use notation_verifier::x509::Certificate;
use notation_verifier::{Limits, Provider, Time};
use serde_json::Value;

fn table(folder: &Path) -> Vec<Value> {
    let table: Value = serde_json::from_slice(&read(&folder.join("expected.json"))).unwrap();
    table["envelopes"].as_array().unwrap().clone()
}

/// One verification of one envelope.
struct Run {
    level: &'static str,
    now: String,
    /// `verifyTimestamp` with a `tsa` store from this folder.
    time_stamp: Option<(&'static str, &'static str)>,
    metadata: Option<(&'static str, &'static str)>,
    expect: Expect,
}

fn run(level: &'static str, expect: Expect) -> Run {
    Run {
        level,
        now: NOW.to_owned(),
        time_stamp: None,
        metadata: None,
        expect,
    }
}

fn at(now: &str, expect: Expect) -> Run {
    Run {
        now: now.to_owned(),
        ..run("strict", expect)
    }
}

fn metadata(level: &'static str, name: &'static str, value: &'static str, expect: Expect) -> Run {
    Run {
        metadata: Some((name, value)),
        ..run(level, expect)
    }
}

fn time_stamp(when: &'static str, store: &'static str, expect: Expect) -> Run {
    Run {
        time_stamp: Some((when, store)),
        ..run("strict", expect)
    }
}

/// Rejected under strict, and logged by the levels that do not enforce it.
fn strict_only((check, reason): (Check, Reason)) -> Vec<Run> {
    vec![
        run("strict", Expect::Rejected(check, reason)),
        run("permissive", Expect::Logged(check, reason)),
        run("audit", Expect::Logged(check, reason)),
    ]
}

fn every_level(check: Check, reason: Reason) -> Vec<Run> {
    ["strict", "permissive", "audit"]
        .map(|level| run(level, Expect::Rejected(check, reason)))
        .into()
}

/// The runs that a row of the table asks for.
fn runs(row: &Value) -> Vec<Run> {
    let verdict = row["verdict"].as_str().unwrap();
    let name = row["file"].as_str().unwrap();
    let signed = &row["independent_check"];
    let trusted = || run("strict", Expect::Trusted);
    match verdict {
        "ok" if signed.get("tst_time").is_some() => time_stamped(name),
        "ok" if name.contains("testSig") => vec![
            trusted(),
            metadata("strict", "buildId", "101", Expect::Trusted),
        ],
        "ok" => vec![trusted()],
        verdict if verdict.starts_with("ok (crypto") => vec![trusted()],
        "ok-at-audit;expired-cert-at-strict" => {
            const KEY: &str = "io.wabbit-networks.buildId";
            let (check, reason) = CERT_EXPIRED;
            let missing = Expect::Rejected(Check::UserMetadata, Reason::UserMetadataMismatch);
            let mut runs = strict_only(CERT_EXPIRED);
            runs.push(at("2023-01-11T19:00:00Z", Expect::Trusted));
            runs.push(metadata("audit", KEY, "123", Expect::Logged(check, reason)));
            runs.push(metadata("audit", KEY, "124", missing));
            runs.push(metadata("audit", "other", "123", missing));
            runs
        }
        "error:expiry" => strict_only(EXPIRED),
        "error:authenticTimestamp" => strict_only(CERT_EXPIRED),
        "error:integrity" => every_level(Check::Integrity, integrity_reason(name)),
        // No plugin is installed, whatever version is asked for.
        "crypto ok; cert expired 2022-08-05" | "error:plugin-version" => {
            every_level(Check::Plugin, Reason::PluginRequired)
        }
        verdict if verdict.starts_with("needs-plugin") => {
            every_level(Check::Plugin, Reason::PluginRequired)
        }
        verdict if verdict.starts_with("error:authenticTimestamp when verifyTimestamp") => {
            let missing = Expect::Rejected(Check::AuthenticTimestamp, Reason::TimestampMissing);
            let mut late = time_stamp("afterCertExpiry", "test-timestamp", missing);
            "2033-06-01T00:00:00Z".clone_into(&mut late.now);
            vec![
                trusted(),
                time_stamp("always", "test-timestamp", missing),
                time_stamp("afterCertExpiry", "test-timestamp", Expect::Trusted),
                late,
            ]
        }
        "see independent_check; certificates expired in 2022" => superseded(name, signed),
        other => panic!("no rule for the verdict `{other}`"),
    }
}

/// Why the envelopes that are bad by their names are bad: their signature is not
/// base64url, and the last one is a layer of a tar.
fn integrity_reason(name: &str) -> Reason {
    if name.contains("_invalid_sig_env") {
        Reason::EnvelopeMalformed
    } else if name.contains("e2e-invalid-signature") {
        Reason::EnvelopeMediaType
    } else {
        Reason::SignatureMismatch
    }
}

fn superseded(name: &str, signed: &Value) -> Vec<Run> {
    if signed["signature"] == "BAD" {
        return every_level(Check::Integrity, integrity_reason(name));
    }
    let mut runs = vec![at(signed["signingTime"].as_str().unwrap(), Expect::Trusted)];
    let leaf = signed["leaf"].as_str().unwrap();
    if signed
        .get("expiry")
        .is_some_and(|expiry| time(expiry.as_str().unwrap()) < time(NOW))
    {
        runs.push(run("strict", Expect::Rejected(EXPIRED.0, EXPIRED.1)));
    } else if leaf.starts_with("CN=e2e,") {
        // Its certificate lasts until 2122, against what the verdict says.
        runs.push(run("strict", Expect::Trusted));
    } else {
        runs.extend(strict_only(CERT_EXPIRED));
    }
    runs
}

/// The authority's certificates have addresses of CRLs and OCSP, and here is no
/// network: a time-stamp that is needed comes as far as that, and no further.
fn time_stamped(name: &str) -> Vec<Run> {
    let rejected = |reason| Expect::Rejected(Check::AuthenticTimestamp, reason);
    let unknown = || {
        time_stamp(
            "always",
            "test-timestamp",
            rejected(Reason::TimestampRevocation),
        )
    };
    let another_root = time_stamp(
        "always",
        "test-mismatch",
        rejected(Reason::TimestampInvalid),
    );
    let mut runs = vec![unknown(), another_root];
    if name.contains("Expired") {
        runs.extend(strict_only(CERT_EXPIRED));
        let mut late = unknown();
        late.time_stamp = Some(("afterCertExpiry", "test-timestamp"));
        runs.push(late);
    } else {
        runs.push(run("strict", Expect::Trusted));
        runs.push(time_stamp(
            "afterCertExpiry",
            "test-timestamp",
            Expect::Trusted,
        ));
    }
    runs
}

/// The files of the trust store that a row is verified with. Where the source
/// keeps no file of the root, it is the envelope's own last certificate.
fn anchors(folder: &Path, row: &Value) -> Vec<PathBuf> {
    let name = row["file"].as_str().unwrap();
    let leaf = row["independent_check"]["leaf"]
        .as_str()
        .unwrap_or_default();
    let store = |kind: &str| {
        let store = folder
            .join("notation-go/truststore/x509")
            .join(kind)
            .join("valid-trust-store");
        ["pem", "crt", "cer"]
            .iter()
            .flat_map(|extension| shared::files(&store, extension))
            .collect()
    };
    let file = |name: &str| vec![folder.join(name)];
    match (name, leaf) {
        (name, _) if name.starts_with("notation-go/mock/sa_") => store("signingAuthority"),
        (name, _) if name.contains("sig_env_with_metadata") => Vec::new(),
        (name, _) if name.starts_with("notation-go/mock/") => store("ca"),
        (name, _) if name.contains("ExpiredWithTimestamp") => Vec::new(),
        (name, _) if name.starts_with("notation-go/sigEnv/") => store("ca"),
        (name, _) if name.contains("plugin-framework") => store("ca"),
        (name, _) if name.contains("verifyBlob") => {
            file("extracted/notation-go-example-verifyBlob.root.pem")
        }
        (name, _) if name.contains("testSig.blob") => {
            file("extracted/notation-go-verifier-testSig.root.pem")
        }
        (_, leaf) if leaf.starts_with("CN=alpine,") => {
            file("extracted/notation-go-example-localVerify.root.pem")
        }
        (_, leaf) if leaf.starts_with("CN=e2e,") => file("notation-e2e/truststore/e2e.crt"),
        (name, _) if name.contains("e2e-with-expired-cert") => {
            file("notation-e2e/truststore/expired_e2e.crt")
        }
        (name, _) if name.contains("ca_expired_sig_env") => {
            file("history/notation-go__e360d6886f__NotationTestRootExpiredSig.pem")
        }
        _ => Vec::new(),
    }
}

/// The stores for a row.
fn world(folder: &Path, row: &Value, media_type: &str, bytes: &[u8]) -> World {
    let scheme = row["independent_check"]["signingScheme"].as_str();
    let mut world = World {
        kind: match scheme {
            Some("notary.x509.signingAuthority") => StoreKind::SigningAuthority,
            _ => StoreKind::Ca,
        },
        certificates: certificates(&anchors(folder, row)),
        tsa: Vec::new(),
    };
    if world.certificates.is_empty() {
        let limits = Limits::default();
        if let Ok(envelope) = Envelope::parse(media_type, bytes, &limits) {
            let last = envelope.certificates().last().unwrap();
            world.certificates =
                vec![Certificate::parse(last, &Provider::preferred(), &limits).unwrap()];
        }
    }
    world
}

#[test]
fn envelopes() {
    let Some(folder) = shared::folder("vectors/notation-signatures") else {
        return;
    };
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let (mut ran, mut differences) = (0, Vec::new());
    for row in table(&folder) {
        let name = row["file"].as_str().unwrap();
        let bytes = read(&folder.join(name));
        // The table's only one that is no envelope is a layer of a tar.
        let media_type = match row["independent_check"]["format"].as_str().unwrap() {
            "cose" if name.contains("e2e-invalid-signature") => {
                "application/vnd.oci.image.layer.v1.tar"
            }
            "cose" => "application/cose",
            _ => "application/jose+json",
        };
        let mut world = world(&folder, &row, media_type, &bytes);
        let target = match world.verifier("audit", None).integrity(media_type, &bytes) {
            Ok(signed) => signed.payload().unwrap().target_artifact,
            Err(_) => Descriptor::default(),
        };
        *rows
            .entry(row["verdict"].as_str().unwrap().to_owned())
            .or_default() += 1;
        for run in runs(&row) {
            if let Some((_, store)) = run.time_stamp {
                let store = folder.join("notation-go/truststore/x509/tsa").join(store);
                world.tsa = certificates(&shared::files(&store, "cer"));
            }
            let verifier = world.verifier(run.level, run.time_stamp.map(|(when, _)| when));
            let metadata = run
                .metadata
                .map(|(name, value)| (name.into(), value.into()));
            let metadata = metadata.into_iter().collect();
            let found = verify(
                &verifier,
                media_type,
                &bytes,
                &target,
                &metadata,
                time(&run.now),
            );
            ran += 1;
            if found != run.expect {
                differences.push(format!(
                    "{name} ({}, {}): {found:?}, not {:?}",
                    run.level, run.now, run.expect
                ));
            }
            if run.expect == Expect::Trusted {
                ran += 2;
                let others = another_target_or_anchor(
                    &folder,
                    &world,
                    media_type,
                    &bytes,
                    &target,
                    time(&run.now),
                );
                assert_eq!(
                    others,
                    [
                        Expect::Rejected(Check::TargetDescriptor, Reason::TargetMismatch),
                        Expect::Rejected(Check::Authenticity, Reason::NotTrusted),
                    ],
                    "{name}"
                );
            }
        }
    }
    for (verdict, count) in &rows {
        println!("{count} rows: {verdict}");
    }
    println!(
        "notation signatures: {} rows, {ran} verifications",
        rows.values().sum::<usize>()
    );
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!((rows.values().sum::<usize>(), ran), (40, 161));
}

/// The same envelope for another artifact, and with another root in the store.
fn another_target_or_anchor(
    folder: &Path,
    world: &World,
    media_type: &str,
    bytes: &[u8],
    target: &Descriptor,
    now: Time,
) -> [Expect; 2] {
    let none = BTreeMap::new();
    let other = Descriptor {
        size: target.size + 1,
        ..target.clone()
    };
    let stranger = World {
        kind: world.kind,
        ..anchored(folder.join("notation-e2e/truststore/new_e2e.crt"))
    };
    [
        verify(
            &world.verifier("strict", None),
            media_type,
            bytes,
            &other,
            &none,
            now,
        ),
        verify(
            &stranger.verifier("strict", None),
            media_type,
            bytes,
            target,
            &none,
            now,
        ),
    ]
}
