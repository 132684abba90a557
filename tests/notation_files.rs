//! Layouts, blobs and other files of the Notary Project's own repositories.

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

use notation::{CERT_EXPIRED, EXPIRED, Expect, NOW, SCOPE, anchored, ending, read, time, verify};
use notation_verifier::envelope::Envelope;
use notation_verifier::io::{BlobHost, Layout, LayoutHost, drive};
use notation_verifier::oci::{Manifest, SignatureManifest};
use notation_verifier::outcome::{Check, Reason};
use notation_verifier::report::ArtifactStatus;
use notation_verifier::session::{BlobRequest, ImageRequest};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::{Descriptor, cbor};
use notation_verifier::{Limits, Provider, Report, TrustStore, Verifier};
use serde_json::Value;

fn image(verifier: &Verifier, layout: &Layout, tag: &str) -> Report {
    let request = ImageRequest {
        name: tag.to_owned(),
        scope: SCOPE.to_owned(),
        reference: tag.to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms: notation_verifier::session::Platforms::Named,
        now: time(NOW),
    };
    let session = verifier.verify_image(request).unwrap();
    drive(session, &mut LayoutHost::new(layout)).unwrap()
}

#[test]
fn layouts() {
    use Expect::{Logged, Rejected, Trusted};
    const OTHER_ROOT: Expect = Rejected(Check::Authenticity, Reason::NotTrusted);
    const NO_ENVELOPE: Expect = Rejected(Check::Integrity, Reason::EnvelopeMediaType);
    let Some(folder) = shared::folder("vectors/notation-signatures/notation-e2e") else {
        return;
    };
    let cases = [
        ("e2e-valid-signature", "e2e.crt", "strict", Trusted),
        ("e2e-valid-signature", "new_e2e.crt", "strict", OTHER_ROOT),
        (
            "e2e-valid-signature",
            "new_e2e.crt",
            "permissive",
            OTHER_ROOT,
        ),
        (
            "e2e-valid-signature",
            "new_e2e.crt",
            "audit",
            Logged(Check::Authenticity, Reason::NotTrusted),
        ),
        (
            "e2e-expired-signature",
            "e2e.crt",
            "strict",
            Rejected(EXPIRED.0, EXPIRED.1),
        ),
        (
            "e2e-expired-signature",
            "e2e.crt",
            "permissive",
            Logged(EXPIRED.0, EXPIRED.1),
        ),
        (
            "e2e-expired-signature",
            "e2e.crt",
            "audit",
            Logged(EXPIRED.0, EXPIRED.1),
        ),
        (
            "e2e-with-expired-cert",
            "expired_e2e.crt",
            "strict",
            Rejected(CERT_EXPIRED.0, CERT_EXPIRED.1),
        ),
        (
            "e2e-with-expired-cert",
            "expired_e2e.crt",
            "permissive",
            Logged(CERT_EXPIRED.0, CERT_EXPIRED.1),
        ),
        (
            "e2e-with-expired-cert",
            "expired_e2e.crt",
            "audit",
            Logged(CERT_EXPIRED.0, CERT_EXPIRED.1),
        ),
        ("e2e-invalid-signature", "e2e.crt", "strict", NO_ENVELOPE),
        (
            "e2e-invalid-signature",
            "e2e.crt",
            "permissive",
            NO_ENVELOPE,
        ),
        ("e2e-invalid-signature", "e2e.crt", "audit", NO_ENVELOPE),
    ];
    for (name, anchor, level, expect) in cases {
        let layout =
            Layout::open(folder.join("oci_layout").join(name), &Limits::default()).unwrap();
        let world = anchored(folder.join("truststore").join(anchor));
        let report = image(&world.verifier(level, None), &layout, "v1");
        let [signature] = report.signatures() else {
            panic!("{name}: {report:?}");
        };
        assert_eq!(ending(signature), expect, "{name} ({level})");
        assert_eq!(
            report.status() == ArtifactStatus::Verified,
            !matches!(expect, Rejected(..)),
            "{name} ({level})"
        );
        let skipped = image(&world.verifier("skip", None), &layout, "v1");
        assert_eq!(skipped.status(), ArtifactStatus::Skipped, "{name}");
        assert!(skipped.signatures().is_empty());
    }
    assert_eq!(
        shared::folders(&folder.join("oci_layout")).len(),
        5,
        "one is unsigned"
    );
}

/// The reference's `inspect` of an unsigned image, held against our report.
#[test]
fn unsigned_layout_as_the_reference_shows_it() {
    let Some(folder) = shared::folder("vectors/notation-signatures/notation-e2e") else {
        return;
    };
    let table: Value =
        serde_json::from_slice(&read(&folder.join("inspect-expected-outputs.json"))).unwrap();
    let cases = table["cases"].as_array().unwrap();
    for case in cases {
        let layout = folder.join(case["layout"].as_str().unwrap());
        let layout = Layout::open(layout, &Limits::default()).unwrap();
        let world = anchored(folder.join("truststore/e2e.crt"));
        let report = image(&world.verifier("strict", None), &layout, "v1");
        assert_eq!(report.status(), ArtifactStatus::Unsigned);

        let expected: Value =
            serde_json::from_str(case["expected_output"].as_str().unwrap()).unwrap();
        let document = report.to_json();
        let members: Vec<&String> = expected.as_object().unwrap().keys().collect();
        assert_eq!(members, ["mediaType", "signatures"]);
        assert_eq!(document["artifact"]["mediaType"], expected["mediaType"]);
        assert_eq!(document["signatures"], expected["signatures"]);
    }
    assert_eq!(cases.len(), 1);
}

/// The two envelopes of the library's tests are of the image in its layout.
#[test]
fn envelopes_of_an_image_in_a_layout() {
    let Some(folder) = shared::folder("vectors/notation-signatures") else {
        return;
    };
    let limits = Limits::default();
    let layout = Layout::open(folder.join("notation-go/internal/oci-layout"), &limits).unwrap();
    let target = layout.resolve("v2").unwrap();
    let world = anchored(folder.join("extracted/notation-go-example-localVerify.root.pem"));
    let verifier = world.verifier("strict", None);
    for (name, media_type) in [
        ("cose_signature.sig", "application/cose"),
        ("jws_signature.sig", "application/jose+json"),
    ] {
        let bytes = read(&folder.join("notation-go/internal").join(name));
        let none = BTreeMap::new();
        let found = verify(&verifier, media_type, &bytes, &target, &none, time(NOW));
        assert_eq!(found, Expect::Trusted, "{name}");
    }
    assert_eq!(
        image(&verifier, &layout, "v2").status(),
        ArtifactStatus::Unsigned
    );
}

#[test]
fn blobs() {
    const BLOB: &[u8] = b"example blob";
    const OTHER: Expect = Expect::Rejected(Check::TargetDescriptor, Reason::TargetMismatch);
    const NO_METADATA: Expect = Expect::Rejected(Check::UserMetadata, Reason::UserMetadataMismatch);
    let Some(folder) = shared::folder("vectors/notation-signatures/extracted") else {
        return;
    };
    let file = folder.join("notation-go-example-verifyBlob.blob.txt");
    assert_eq!(read(&file), BLOB);
    let example = ("notation-go-example-verifyBlob", ".jws.sig");
    let tested = ("notation-go-verifier-testSig", ".blob.jws.sig");
    let cases = [
        (example, BLOB, None, None, Expect::Trusted),
        (example, BLOB, Some("video/mp4"), None, Expect::Trusted),
        (example, BLOB, Some("video/mp3"), None, OTHER),
        (example, BLOB, None, Some("101"), NO_METADATA),
        (example, b"example blobs", None, None, OTHER),
        (example, b"Example blob", None, None, OTHER),
        (
            tested,
            BLOB,
            Some("video/mp4"),
            Some("101"),
            Expect::Trusted,
        ),
        (tested, BLOB, None, Some("102"), NO_METADATA),
        (tested, b"", None, None, OTHER),
    ];
    for ((stem, extension), blob, media_type, build, expect) in cases {
        let world = anchored(folder.join(format!("{stem}.root.pem")));
        let verifier = world.verifier("strict", None);
        let session = verifier
            .verify_blob(BlobRequest {
                name: stem.to_owned(),
                policy_name: None,
                envelope_media_type: "application/jose+json".to_owned(),
                envelope: read(&folder.join(format!("{stem}{extension}"))),
                media_type: media_type.map(str::to_owned),
                user_metadata: build
                    .map(|id| ("buildId".into(), id.into()))
                    .into_iter()
                    .collect(),
                now: time(NOW),
            })
            .unwrap();
        let report = drive(session, &mut BlobHost::new(blob, verifier.provider(), 0)).unwrap();
        let [signature] = report.signatures() else {
            panic!("{stem}: {report:?}");
        };
        assert_eq!(ending(signature), expect, "{stem} {media_type:?} {build:?}");
    }
}

/// The library's conformance files say how headers are encoded. Their envelopes
/// have no chain, so that is all that may be wrong with them.
#[test]
fn conformance_files() {
    let Some(folder) = shared::folder("vectors/notation-signatures") else {
        return;
    };
    let limits = Limits::default();
    let refused = |media_type: &str, bytes: &[u8]| {
        Envelope::parse(media_type, bytes, &limits)
            .map(|_| ())
            .unwrap_err()
            .reason
    };
    let mut ran = 0;
    for name in [
        "notation-core-go/cose-conformance.json",
        "history/notation-core-go__b5df54c746__conformance.json",
    ] {
        let case: Value = serde_json::from_slice(&read(&folder.join(name))).unwrap();
        let envelope = hex(&case["expectedOutput"]["cborHex"]);
        assert_eq!(
            refused("application/cose", &envelope),
            Reason::CertChainMissing,
            "{name}"
        );
        let protected = hex(&case["protectedHeaders"]["cborHex"]);
        let headers = cbor::scan(&protected, &limits).unwrap().to_json();
        assert_eq!(headers["signedCritKey1"], "signedCritValue1", "{headers}");
        assert_eq!(headers["io.cncf.notary.signingScheme"], "notary.x509");
        let unprotected = hex(&case["unprotectedHeaders"]["cborHex"]);
        let headers = cbor::scan(&unprotected, &limits).unwrap().to_json();
        assert_eq!(
            headers["io.cncf.notary.signingAgent"],
            "NotationConformanceTest/1.0.0"
        );
        ran += 1;
    }
    let jws = read(&folder.join("notation-core-go/jws-conformance.json"));
    assert_eq!(
        refused("application/jose+json", &jws),
        Reason::CertChainMissing
    );
    assert_eq!(ran + 1, 3);
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Signatures of before the image specification 1.1 hang on manifests of a type
/// that was removed from it.
#[test]
fn artifact_manifests_are_refused() {
    let Some(folder) = shared::folder("vectors/notation-signatures/history") else {
        return;
    };
    let limits = Limits::default();
    let mut refused = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let bytes = read(&entry.unwrap().path());
        let Ok(manifest) = serde_json::from_slice::<Value>(&bytes) else {
            continue;
        };
        if manifest["mediaType"] != "application/vnd.oci.artifact.manifest.v1+json" {
            continue;
        }
        let subject = &manifest["subject"];
        let subject = Descriptor {
            media_type: subject["mediaType"].as_str().unwrap_or_default().to_owned(),
            digest: subject["digest"].as_str().unwrap_or_default().to_owned(),
            size: subject["size"].as_i64().unwrap_or_default(),
            ..Descriptor::default()
        };
        Manifest::parse(&bytes, &limits).unwrap_err();
        SignatureManifest::parse(&bytes, &subject, &limits).unwrap_err();
        refused += 1;
    }
    assert_eq!(refused, 5, "four signatures and the artifact");
}

/// Files that the reference's tests offer as roots of time-stamping authorities.
#[test]
fn roots_of_time_stamping_authorities() {
    let Some(folder) = shared::folder("vectors/notation-signatures") else {
        return;
    };
    let e2e = folder.join("notation-e2e/truststore/timestamp");
    let stores = folder.join("notation-go/truststore/x509/tsa");
    let cases = [
        (e2e.join("DigiCertTSARootSHA384.cer"), true),
        (e2e.join("globalsignTSARoot.cer"), true),
        (e2e.join("CertChain.pem"), false),
        (e2e.join("Empty.txt"), false),
        (e2e.join("intermediate.pem"), false),
        (e2e.join("invalid.crt"), false),
        (e2e.join("notSelfIssued.crt"), false),
        (stores.join("test-mismatch/DigiCertTSARootSHA384.cer"), true),
        (stores.join("test-nonCA/wabbit-networks.io.crt"), false),
        (stores.join("test-nonSelfIssued/nonSelfIssued.crt"), false),
        (stores.join("test-timestamp/globalsignRoot.cer"), true),
    ];
    for (file, usable) in cases {
        let store = TrustStore::builder().add_pem(
            StoreKind::Tsa,
            "store",
            &read(&file),
            &Provider::preferred(),
            &Limits::default(),
        );
        assert_eq!(store.is_ok(), usable, "{}", file.display());
    }
}
