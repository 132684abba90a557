//! Errors and bounds, end to end: what claims or holds too much is refused with
//! an error that says so, before the memory is spent. Every allocation counts.
//!
//! Beside it, layer by layer: `envelope_resources.rs`, `layout_memory.rs`,
//! `layout_hostile.rs`, `configuration.rs` (files), `session.rs` (counts).

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod layouts;

use std::collections::BTreeMap;
use std::io::Read;

use allocation_counter::measure;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use layouts::{Archive, World};
use notation_verifier::evidence::NoEvidence;
use notation_verifier::io::{BlobHost, Host, Layout, LayoutHost, drive};
use notation_verifier::outcome::{Check, Reason};
use notation_verifier::report::{ArtifactStatus, Report, SignatureResult};
use notation_verifier::session::{BlobRequest, ImageRequest, Need, Reply, Request};
use notation_verifier::trust::StoreKind;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::x509::Certificate;
use notation_verifier::{
    BlobPolicy, ErrorKind, Limits, OciPolicy, Provider, Time, TrustStore, Verifier,
};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

const COSE: &str = "application/cose";
const JWS: &str = "application/jose+json";
const SCOPE: &str = "registry.example/some/repository";
const CERTIFICATE: &[u8] = include_bytes!("keys/code-signing.der");

const MIB: u64 = 1024 * 1024;
/// What the project allows itself.
const MAX_PEAK: u64 = 64 * MIB;

/// Runs `work`, and holds its peak memory against `most` octets. What was there
/// before, the hostile input, does not count.
fn within<T>(most: u64, what: &str, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let allocations = measure(|| result = Some(work()));
    println!("{what}: peak {} octets", allocations.bytes_max);
    assert!(
        allocations.bytes_max < most,
        "{what}: a peak of {} octets",
        allocations.bytes_max
    );
    result.unwrap()
}

fn now() -> Time {
    Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn verifier() -> Verifier {
    let limits = Limits::default();
    let document = |member: &str, value: Value| {
        let mut statement = json!({
            "name": "all",
            "signatureVerification": { "level": "strict" },
            "trustStores": ["ca:store"],
            "trustedIdentities": ["*"],
        });
        statement[member] = value;
        json!({ "version": "1.0", "trustPolicies": [statement] }).to_string()
    };
    let artifacts = document("registryScopes", json!([SCOPE]));
    let blobs = document("globalPolicy", json!(true));
    let stores = TrustStore::builder()
        .add_pem(
            StoreKind::Ca,
            "store",
            CERTIFICATE,
            &Provider::preferred(),
            &limits,
        )
        .unwrap();
    Verifier::builder()
        .oci_policy(OciPolicy::parse(artifacts.as_bytes(), &limits).unwrap())
        .blob_policy(BlobPolicy::parse(blobs.as_bytes(), &limits).unwrap())
        .trust_store(stores.build())
        .build()
}

/// An artifact and one signature of it, as a registry would bring them.
struct Registry<'a> {
    manifest: Vec<u8>,
    envelope: &'a [u8],
    listed: Vec<Descriptor>,
    asked_for_envelope: bool,
}

const IMAGE: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

fn image() -> Descriptor {
    layouts::descriptor(MANIFEST, &layouts::digest(IMAGE.as_bytes()), IMAGE.len())
}

/// How a signature manifest names an envelope: honestly, or with a size.
fn manifest(media_type: &str, envelope: &[u8], size: Option<u64>) -> Vec<u8> {
    let size = size.unwrap_or_else(|| u64::try_from(envelope.len()).unwrap());
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": SIGNATURE, "digest": layouts::digest(b"{}"), "size": 2 },
        "layers": [{ "mediaType": media_type, "digest": layouts::digest(envelope), "size": size }],
        "subject": { "mediaType": MANIFEST, "digest": image().digest, "size": IMAGE.len() },
    })
    .to_string()
    .into()
}

impl<'a> Registry<'a> {
    fn new(manifest: Vec<u8>, envelope: &'a [u8]) -> Self {
        let mut listed = layouts::descriptor(MANIFEST, &layouts::digest(&manifest), manifest.len());
        listed.artifact_type = Some(SIGNATURE.to_owned());
        Self {
            manifest,
            envelope,
            listed: vec![listed],
            asked_for_envelope: false,
        }
    }
}

impl Host for Registry<'_> {
    fn fetch(&mut self, need: &Need) -> Reply {
        let content = |bytes: &[u8]| Reply::Content {
            media_type: None,
            bytes: bytes.to_vec(),
        };
        match &need.request {
            Request::Resolve { .. } => content(IMAGE.as_bytes()),
            Request::Referrers { .. } => Reply::Referrers {
                descriptors: self.listed.clone(),
                next: None,
                problems: Vec::new(),
            },
            Request::Manifest(_) => content(&self.manifest),
            Request::Envelope(_) => {
                self.asked_for_envelope = true;
                content(self.envelope)
            }
            _ => Reply::NotFound,
        }
    }
}

fn verify_image(verifier: &Verifier, host: &mut dyn Host) -> Report {
    let request = ImageRequest {
        name: "v1".to_owned(),
        scope: SCOPE.to_owned(),
        reference: "v1".to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms: notation_verifier::session::Platforms::Named,
        now: now(),
    };
    drive(verifier.verify_image(request).unwrap(), host).unwrap()
}

/// The first check that rejected, why, and in which words.
fn rejection(report: &Report) -> (Check, Reason, String) {
    assert_eq!(report.status(), ArtifactStatus::Rejected);
    let outcome = report.signatures()[0].outcome().unwrap();
    let (finding, why) = outcome.rejections().next().unwrap();
    (finding.check, why.reason, why.detail.clone())
}

/// An envelope through each way in.
fn refused(what: &str, media_type: &str, envelope: &[u8], check: Check, reason: Reason) {
    let verifier = verifier();
    let target = image();
    let metadata = BTreeMap::new();
    let request = EnvelopeRequest {
        scope: Scope::Repository(SCOPE),
        media_type,
        envelope,
        target: &target,
        user_metadata: &metadata,
        now: now(),
    };
    let direct = within(MAX_PEAK, what, || {
        verifier.verify_envelope(&request, &mut NoEvidence).unwrap()
    });
    let mut registry = Registry::new(manifest(media_type, envelope, None), envelope);
    let fetched = within(MAX_PEAK, what, || verify_image(&verifier, &mut registry));
    let blob = within(MAX_PEAK, what, || {
        let session = verifier
            .verify_blob(BlobRequest {
                name: "blob".to_owned(),
                policy_name: None,
                envelope_media_type: media_type.to_owned(),
                envelope: envelope.to_vec(),
                media_type: None,
                user_metadata: BTreeMap::new(),
                now: now(),
            })
            .unwrap();
        drive(
            session,
            &mut BlobHost::new(&b"blob"[..], verifier.provider(), 0),
        )
        .unwrap()
    });
    for report in [direct, fetched, blob] {
        let (found_check, found_reason, detail) = rejection(&report);
        assert_eq!(
            (found_check, found_reason),
            (check, reason),
            "{what}: {detail}"
        );
        assert!(
            !detail.is_empty() && detail.len() < 1000,
            "{what}: {detail}"
        );
    }
}

fn head(major: u8, count: u64) -> Vec<u8> {
    [&[major << 5 | 27][..], &count.to_be_bytes()].concat()
}

fn bytes(octets: &[u8]) -> Vec<u8> {
    [&head(2, u64::try_from(octets.len()).unwrap()), octets].concat()
}

/// `COSE_Sign1_Tagged` of encoded parts, with an empty payload.
fn cose(protected: &[u8], unprotected: &[u8]) -> Vec<u8> {
    [
        &[0xd2, 0x84],
        &bytes(protected)[..],
        unprotected,
        &[0x40, 0x41, 0],
    ]
    .concat()
}

/// `{33: value}`: the chain.
fn x5chain(value: &[u8]) -> Vec<u8> {
    [&[0xa1, 0x18, 33], value].concat()
}

#[test]
fn envelopes_that_claim_a_gigabyte() {
    for major in 2..=5 {
        let claim = head(major, 1 << 30);
        let malformed = Reason::EnvelopeMalformed;
        refused(
            "a chain",
            COSE,
            &cose(&[], &x5chain(&claim)),
            Check::Integrity,
            malformed,
        );
        let header = [&[0xd2, 0x84], &claim[..], &[0; 100]].concat();
        refused(
            "a protected header",
            COSE,
            &header,
            Check::Integrity,
            malformed,
        );
    }
    let whole = vec![b' '; 32 << 20];
    for media_type in [COSE, JWS] {
        refused_by_size(media_type, &whole);
    }
}

/// An envelope above the bound is not even fetched; where it is at hand, it is
/// not looked at.
fn refused_by_size(media_type: &str, envelope: &[u8]) {
    let verifier = verifier();
    for size in [None, Some(1 << 30), Some(u64::MAX >> 1)] {
        let mut registry = Registry::new(manifest(media_type, envelope, size), envelope);
        let report = within(MIB, "an envelope's size", || {
            verify_image(&verifier, &mut registry)
        });
        assert!(!registry.asked_for_envelope);
        let SignatureResult::Unusable(rejection) = report.signatures()[0].result() else {
            panic!("unusable, not evaluated");
        };
        assert!(rejection.detail.contains("the limit is"), "{rejection}");
    }
    let target = image();
    let metadata = BTreeMap::new();
    let request = EnvelopeRequest {
        scope: Scope::Repository(SCOPE),
        media_type,
        envelope,
        target: &target,
        user_metadata: &metadata,
        now: now(),
    };
    let report = within(MIB, "an envelope at hand", || {
        verifier.verify_envelope(&request, &mut NoEvidence).unwrap()
    });
    assert_eq!(rejection(&report).1, Reason::LimitExceeded);
}

#[test]
fn chains_of_100_000_certificates() {
    let small = [head(4, 100_000), [0x41, 0x30].repeat(100_000)].concat();
    let genuine = [head(4, 5_000), bytes(CERTIFICATE).repeat(5_000)].concat();
    for chain in [small, genuine] {
        let envelope = cose(&[], &x5chain(&chain));
        refused(
            "certificates in COSE",
            COSE,
            &envelope,
            Check::Integrity,
            Reason::LimitExceeded,
        );
    }
    for (item, count) in [
        ("MAA=".to_owned(), 100_000),
        (Base64::encode_string(CERTIFICATE), 5_000),
    ] {
        let chain = vec![format!("\"{item}\""); count].join(",");
        let envelope = format!("{{\"header\":{{\"x5c\":[{chain}]}}}}");
        let envelope = envelope.as_bytes();
        refused(
            "certificates in JWS",
            JWS,
            envelope,
            Check::Integrity,
            Reason::LimitExceeded,
        );
    }
}

#[test]
fn envelopes_nested_10_000_deep() {
    for opening in [&[0x81][..], &[0xa1, 0], &[0xc9]] {
        let nested = [opening.repeat(10_000), vec![0]].concat();
        let unprotected = cose(&[], &[&[0xa1, 0], &nested[..]].concat());
        let protected = cose(&[&[0xa1, 0], &nested[..]].concat(), &[0xa0]);
        for envelope in [unprotected, protected] {
            refused(
                "nested CBOR",
                COSE,
                &envelope,
                Check::Integrity,
                Reason::LimitExceeded,
            );
        }
    }
    let nested = "{\"a\":".repeat(10_000);
    refused(
        "nested JSON",
        JWS,
        nested.as_bytes(),
        Check::Integrity,
        Reason::EnvelopeMalformed,
    );
}

/// A JWS with our own certificate, really signed.
fn signed(payload: &[u8]) -> Vec<u8> {
    let protected = json!({
        "alg": "ES256",
        "crit": ["io.cncf.notary.signingScheme"],
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2025-06-01T00:00:00Z",
    });
    let protected = Base64UrlUnpadded::encode_string(protected.to_string().as_bytes());
    let payload = Base64UrlUnpadded::encode_string(payload);
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: Signature = key.sign(format!("{protected}.{payload}").as_bytes());
    json!({
        "payload": payload,
        "protected": protected,
        "header": { "x5c": [Base64::encode_string(CERTIFICATE)] },
        "signature": Base64UrlUnpadded::encode_string(&signature.to_bytes()),
    })
    .to_string()
    .into()
}

#[test]
fn payloads_that_are_signed_are_bounded_too() {
    let target = |more: &str| {
        let image = image();
        format!(
            r#"{{"targetArtifact":{{"mediaType":"{}","digest":"{}","size":{}{more}}}}}"#,
            image.media_type, image.digest, image.size
        )
    };
    let annotations: Vec<String> = (0..60_000)
        .map(|number| format!("\"{number}\":\"\""))
        .collect();
    // As wide as fits is no harm.
    let wide = format!(",\"annotations\":{{{}}}", annotations.join(","));
    for more in ["", &wide] {
        let good = signed(target(more).as_bytes());
        let mut registry = Registry::new(manifest(JWS, &good, None), &good);
        let report = within(MAX_PEAK, "a good signature", || {
            verify_image(&verifier(), &mut registry)
        });
        assert_eq!(report.status(), ArtifactStatus::Verified);
    }

    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases = [
        (
            target(&format!(",\"annotations\":{nested}")),
            Check::TargetDescriptor,
            Reason::PayloadMalformed,
        ),
        (
            target(&format!(",\"x\":\"{}\"", "y".repeat(2 << 20))),
            Check::Integrity,
            Reason::LimitExceeded,
        ),
    ];
    for (payload, check, reason) in cases {
        refused(
            "a signed payload",
            JWS,
            &signed(payload.as_bytes()),
            check,
            reason,
        );
    }
}

#[test]
fn policies_of_100_mb() {
    let limits = Limits::default();
    let start = r#"{"version":"1.0","trustPolicies":["#;
    for element in [
        " ",
        "{},",
        "[",
        "\\u0000",
        "{\"name\":\"a\",\"registryScopes\":[\"*\"]},",
    ] {
        let document = format!("{start}{}", element.repeat(100_000_000 / element.len()));
        let [oci, blob] = within(MIB, "a policy", || {
            [
                OciPolicy::parse(document.as_bytes(), &limits).unwrap_err(),
                BlobPolicy::parse(document.as_bytes(), &limits).unwrap_err(),
            ]
        });
        for error in [oci, blob] {
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            assert!(error.to_string().contains("`policy_bytes`"), "{error}");
        }
    }
    // As long as it may be, of what takes the most room or work.
    let room = limits.policy_bytes - 100;
    let identities = (0..room / 40).map(|number| format!("\"x509.subject:C=US,ST=WA,O={number}\""));
    let identities = identities.collect::<Vec<_>>().join(",");
    for document in [
        format!("{start}{}", "[".repeat(10_000)),
        format!("{start}{}{{}}]}}", "{},".repeat(room / 3)),
        format!("{start}{}{{}}]}}", "{\"\":0},".repeat(20_000)),
        format!("{start}{{}}],\"x\":[{}0]}}", "{\"\":0},".repeat(room / 7)),
        format!("{start}{{\"trustedIdentities\":[{identities}]}}]}}"),
        format!(
            "{start}{{\"registryScopes\":[\"{}\"]}}]}}",
            "a/".repeat(room / 2)
        ),
    ] {
        let document = document.get(..limits.policy_bytes).unwrap_or(&document);
        within(MAX_PEAK, "a policy that is long enough", || {
            OciPolicy::parse(document.as_bytes(), &limits).unwrap_err();
            BlobPolicy::parse(document.as_bytes(), &limits).unwrap_err();
        });
    }
}

#[test]
fn trust_stores_and_certificates() {
    let limits = Limits::default();
    let provider = Provider::preferred();
    let add = |what: &str, most: u64, contents: &[u8]| {
        let error = within(most, what, || {
            TrustStore::builder()
                .add_pem(StoreKind::Ca, "store", contents, &provider, &limits)
                .unwrap_err()
        });
        let text = error.to_string();
        assert!(!text.is_empty() && text.len() < 1000, "{what}: {text}");
        text
    };
    let block = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let text = add(
        "100 MB of PEM",
        MIB,
        block.repeat(100_000_000 / block.len()).as_bytes(),
    );
    assert!(text.contains("more than 4194304 bytes"), "{text}");
    add(
        "much PEM",
        MAX_PEAK,
        block
            .repeat(limits.trust_store_file_bytes / block.len())
            .as_bytes(),
    );
    let claim = [&[0x30, 0x84, 0x40, 0, 0, 0][..], &[0x30; 1000]].concat();
    add("a gigabyte of DER", MIB, &claim);

    // Sequences in each other, each with an honest length.
    let mut nested = vec![5, 0];
    for _ in 0..10_000 {
        let length = u32::try_from(nested.len()).unwrap().to_be_bytes();
        nested = [&[0x30, 0x84][..], &length, &nested].concat();
    }
    for (what, der) in [
        ("claimed", claim),
        ("nested", nested),
        ("long", vec![0x30; 1 << 20]),
    ] {
        within(MIB, what, || {
            Certificate::parse(&der, &provider, &limits).unwrap_err()
        });
    }
}

#[test]
fn manifests_and_lists() {
    let limits = Limits::default();
    let nested = |open: &str| open.repeat(limits.manifest_bytes / open.len()).into_bytes();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for document in [
        nested("["),
        nested("{\"a\":"),
        nested("{\"layers\":["),
        deep.into(),
    ] {
        let mut registry = Registry::new(document, b"");
        let report = within(MAX_PEAK, "a signature manifest", || {
            verify_image(&verifier(), &mut registry)
        });
        assert_eq!(report.status(), ArtifactStatus::Rejected);
        assert!(!registry.asked_for_envelope);
    }
    // The same ones, listed over and over.
    let mut registry = Registry::new(manifest(COSE, b"x", None), b"x");
    registry.listed = vec![registry.listed[0].clone(); 10_000];
    let report = within(MAX_PEAK, "10,000 signatures", || {
        verify_image(&verifier(), &mut registry)
    });
    assert_eq!(report.signatures().len(), limits.signatures);
    assert_eq!(report.warnings().len(), 1);
}

#[test]
fn tars_that_lie() {
    let limits = Limits::default();
    let marker = || Archive::default().file("oci-layout", World::MARKER);
    let sized = |field: &[u8; 12]| marker().size_field(*field).bytes();
    let cases = [
        (
            "index.json of a gigabyte",
            marker().claim(b'0', "index.json", 1 << 30).unended(),
        ),
        (
            "index.json of an exabyte",
            marker().claim(b'0', "index.json", 1 << 60).unended(),
        ),
        ("a size that is no number", sized(b"zzzzzzzzzzz\0")),
        (
            "a negative size",
            sized(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        (
            "a size that wraps",
            sized(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
    ];
    for (what, archive) in &cases {
        // On standard input there may come as much as is claimed.
        let endless = archive.as_slice().chain(std::io::repeat(0).take(1 << 31));
        let error = within(16 * MIB, what, || {
            Layout::from_tar_reader(endless, &limits).unwrap_err()
        });
        assert!(!error.to_string().is_empty());
        within(16 * MIB, what, || {
            Layout::from_tar(std::io::Cursor::new(archive.clone()), &limits).unwrap_err()
        });
    }
    // An envelope in it that is longer than its manifest says, and one that is
    // not all there.
    let mut world = World::signed();
    let manifest = manifest(COSE, b"x", Some(1 << 21));
    let digest = world.blob(&manifest);
    world.list(json!({
        "mediaType": MANIFEST, "digest": digest, "size": manifest.len(), "artifactType": SIGNATURE,
    }));
    world.blob(IMAGE.as_bytes());
    world.tag(&image(), "v1");
    let envelope = format!("blobs/{}", layouts::digest(b"x").replace(':', "/"));
    let archive = world.archive().claim(b'0', &envelope, 1 << 30).unended();
    let endless = archive.as_slice().chain(std::io::repeat(0).take(1 << 30));
    let report = within(MAX_PEAK, "an envelope of a gigabyte", || {
        let layout = Layout::from_tar_reader(endless, &limits).unwrap();
        verify_image(&verifier(), &mut LayoutHost::new(&layout))
    });
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
}
