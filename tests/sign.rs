//! Envelopes made here, verified by the reference implementation and by us: six
//! algorithms, both formats and schemes, with and without expiry, metadata and
//! time-stamp, by a key in memory and by one that only gets the bytes to sign.
//!
//! `REQUIRE_INTEROP=1` makes it a failure that there is no Go, `REQUIRE_OPENSSL=1`
//! that there is no OpenSSL to make time-stamps with.
#![cfg(all(feature = "http", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "registry/certificates.rs"]
mod certificates;
#[path = "sign/matrix.rs"]
mod matrix;
#[path = "interop/ours.rs"]
mod ours;
#[path = "interop/reference.rs"]
mod reference;
#[path = "registry/server.rs"]
mod server;
mod tsa;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::crypto::SignatureAlgorithm;
use notation_verifier::envelope::{Envelope, MediaType, SigningScheme};
use notation_verifier::oci::Digest;
use notation_verifier::oci::manifest::SignatureManifest;
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::manifest::{CONFIG, ManifestForm, signature_manifest};
use notation_verifier::sign::payload::payload;
use notation_verifier::sign::{Signer, SigningRequest, ToBeSigned, sign};
use notation_verifier::wire::Descriptor;
use notation_verifier::x509::Certificate;
use notation_verifier::{Error, ErrorKind, Limits, Provider, Time, Verifier};
use ours::World;

/// Two envelopes, six algorithms, two schemes.
const COMBINATIONS: usize = 24;

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// What a case of the reference gives to a signature of ours.
struct Case {
    media_type: MediaType,
    scheme: SigningScheme,
    target: Descriptor,
    certificates: Vec<Vec<u8>>,
    key: Vec<u8>,
    now: Time,
}

impl Case {
    /// The parts of the good signature in `folder`.
    fn load(folder: &Path, world: &World) -> Self {
        let limits = Limits::default();
        let signed = Verifier::builder()
            .build()
            .integrity(&world.media_type, &world.envelope)
            .unwrap();
        let envelope = Envelope::parse(&world.media_type, &world.envelope, &limits).unwrap();
        Self {
            media_type: MediaType::parse(&world.media_type).unwrap(),
            scheme: signed.scheme(),
            target: signed.payload().unwrap().target_artifact,
            certificates: envelope
                .certificates()
                .iter()
                .map(|der| der.to_vec())
                .collect(),
            key: std::fs::read(folder.join("key-0.pem")).unwrap(),
            now: signed
                .signing_time()
                .or_else(|| signed.authentic_signing_time())
                .unwrap(),
        }
    }

    fn request<'a>(&'a self, payload: &'a [u8], expiry: Option<Time>) -> SigningRequest<'a> {
        SigningRequest {
            media_type: self.media_type,
            payload,
            certificates: &self.certificates,
            scheme: self.scheme,
            signing_time: self.now,
            expiry,
            signing_agent: Some("notation-verifier-test/1"),
        }
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        let leaf = Certificate::parse(
            &self.certificates[0],
            &Provider::preferred(),
            &Limits::default(),
        );
        leaf.unwrap().signing_algorithm().unwrap()
    }

    fn signer(&self) -> LocalSigner {
        LocalSigner::from_pem(&self.key, &pem(&self.certificates), &Limits::default()).unwrap()
    }
}

fn pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut text = String::new();
    for der in certificates {
        let base64 = notation_verifier::wire::base64::encode_standard(der);
        text.push_str(&format!(
            "-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"
        ));
    }
    text.into_bytes()
}

/// The backend fails for some messages with larger RSA keys; the signer tries again.
#[test]
fn a_key_signs_every_message() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(program) = reference::build(scratch.path()) else {
        return;
    };
    let folders = reference::sign(&program, scratch.path(), COMBINATIONS);
    let mut signed = BTreeMap::new();
    for folder in &folders {
        let case = Case::load(folder, &World::load(folder));
        let algorithm = Verifier::builder()
            .build()
            .integrity(case.media_type.as_str(), &World::load(folder).envelope)
            .unwrap()
            .algorithm();
        if signed.contains_key(algorithm.as_str()) {
            continue;
        }
        let signer = case.signer();
        for number in 0..400_u32 {
            signer.sign(algorithm, &number.to_be_bytes()).unwrap();
        }
        signed.insert(algorithm.as_str(), 400);
    }
    assert_eq!(signed.len(), SignatureAlgorithm::ALL.len());
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(program) = reference::build(scratch.path()) else {
        return;
    };
    let folders = reference::sign(&program, scratch.path(), COMBINATIONS);
    let (limits, provider) = (Limits::default(), Provider::preferred());
    let cases: Vec<Case> = folders
        .iter()
        .map(|folder| Case::load(folder, &World::load(folder)))
        .collect();
    let mut cut = 0;
    for case in &cases {
        let good = payload(&case.target).unwrap();
        let refused = |request: &SigningRequest<'_>, expected: &str| {
            let error = ToBeSigned::new(request, &provider, &limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Signing);
            assert!(error.to_string().contains(expected), "{error}");
        };
        let request = case.request(&good, None);
        refused(
            &SigningRequest {
                payload: b"{}",
                ..request
            },
            "the payload cannot be signed",
        );
        refused(
            &SigningRequest {
                certificates: &[],
                ..request
            },
            "the certificate chain cannot be used",
        );
        // A certificate that signed itself is a chain; another one needs its issuers.
        if case.certificates.len() > 1 {
            refused(
                &SigningRequest {
                    certificates: &case.certificates[..1],
                    ..request
                },
                "the certificate chain cannot be used",
            );
            cut += 1;
        }
        refused(
            &SigningRequest {
                expiry: Some(case.now),
                ..request
            },
            "is not after the signing time",
        );
        refused(
            &SigningRequest {
                signing_time: Time::from_unix(0),
                ..request
            },
            "is not valid at the signing time 1970-01-01T00:00:00Z",
        );

        // A signature of other bytes never leaves.
        let to_be_signed = ToBeSigned::new(&request, &provider, &limits).unwrap();
        let signature = case
            .signer()
            .sign(to_be_signed.algorithm(), b"other")
            .unwrap();
        let error = to_be_signed.assemble(&signature, None).unwrap_err();
        assert!(error.to_string().contains("is not a good one"), "{error}");
        let error = to_be_signed.assemble(&signature, Some(b"0")).unwrap_err();
        assert!(error.to_string().contains("the time-stamp"), "{error}");
    }

    assert!(cut > 0, "no chain is longer than one");

    // A key of another certificate, and of another kind.
    let (first, second) = (&cases[0], &cases[1]);
    assert_ne!(first.certificates, second.certificates);
    let chain = pem(&second.certificates);
    let other: Result<LocalSigner, Error> = LocalSigner::from_pem(&first.key, &chain, &limits);
    if let Ok(other) = other {
        let good = payload(&second.target).unwrap();
        let request = second.request(&good, None);
        let error = sign(&request, &other, &provider, &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signing);
    }
    for (key, expected) in [
        ("", "there is no private key"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "openssl pkcs8",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "malformed",
        ),
    ] {
        let error = LocalSigner::from_pem(key.as_bytes(), &chain, &limits).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn payloads_are_checked() {
    let target = Descriptor {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        digest: format!("sha256:{}", "ab".repeat(32)),
        size: 7,
        artifact_type: Some("application/vnd.example".to_owned()),
        annotations: [("buildId".to_owned(), "1".to_owned())].into(),
    };
    let bytes = payload(&target).unwrap();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(),
        serde_json::json!({"targetArtifact": {
            "mediaType": target.media_type,
            "digest": target.digest,
            "size": 7,
            "artifactType": "application/vnd.example",
            "annotations": {"buildId": "1"},
        }})
    );
    let bad = [
        Descriptor {
            media_type: "manifest".to_owned(),
            ..target.clone()
        },
        Descriptor {
            digest: "sha256:ab".to_owned(),
            ..target.clone()
        },
        Descriptor {
            size: -1,
            ..target.clone()
        },
        Descriptor {
            annotations: [("io.cncf.notary.x".to_owned(), String::new())].into(),
            ..target.clone()
        },
        Descriptor {
            annotations: [(String::new(), String::new())].into(),
            ..target.clone()
        },
    ];
    for descriptor in bad {
        assert_eq!(payload(&descriptor).unwrap_err().kind(), ErrorKind::Signing);
    }
}

#[test]
fn a_manifest_is_read_back() {
    let (limits, provider) = (Limits::default(), Provider::preferred());
    let der = include_bytes!("keys/code-signing.der").to_vec();
    let key = p256_key();
    let signer = LocalSigner::from_pem(key.as_bytes(), &pem(&[der]), &limits).unwrap();
    let subject = Descriptor {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        digest: format!("sha256:{}", "cd".repeat(32)),
        size: 9,
        ..Descriptor::default()
    };
    let payload = payload(&subject).unwrap();
    let request = SigningRequest {
        media_type: MediaType::Cose,
        payload: &payload,
        certificates: &[],
        scheme: SigningScheme::X509,
        signing_time: Time::from_unix(1_700_000_000),
        expiry: None,
        signing_agent: None,
    };
    let envelope = sign(&request, &signer, &provider, &limits).unwrap();
    let signed = Verifier::builder()
        .build()
        .integrity("application/cose", &envelope)
        .unwrap();
    assert_eq!(signed.algorithm(), SignatureAlgorithm::Es256);
    assert_eq!(signed.signing_agent(), None);
    for form in [ManifestForm::ArtifactType, ManifestForm::ConfigMediaType] {
        let created = Time::from_unix(1_700_000_001);
        let made = signature_manifest(&subject, &signed, &envelope, created, form, &provider);
        let read = SignatureManifest::parse(&made.bytes, &subject, &limits).unwrap();
        assert!(read.envelope.same_content(&made.envelope));
        for (descriptor, bytes) in [
            (&made.descriptor, made.bytes.as_slice()),
            (&made.config, CONFIG),
            (&made.envelope, envelope.as_slice()),
        ] {
            let digest = Digest::parse(&descriptor.digest).unwrap();
            assert!(digest.verify(&provider, bytes));
            assert_eq!(usize::try_from(descriptor.size).unwrap(), bytes.len());
        }
        assert_eq!(
            made.descriptor.annotations["org.opencontainers.image.created"],
            "2023-11-14T22:13:21Z"
        );
        let thumbprints = &made.descriptor.annotations["io.cncf.notary.x509chain.thumbprint#S256"];
        let sha256 = signed.chain().leaf().sha256().to_hex();
        assert_eq!(*thumbprints, format!("[\"{sha256}\"]"));
    }
}

/// The key of `keys/code-signing.der`, in PKCS#8 (RFC 5208, RFC 5915).
fn p256_key() -> String {
    const HEAD: &[u8] = &[
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    let der = [HEAD, &[7; 32]].concat();
    let base64 = notation_verifier::wire::base64::encode_standard(&der);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}
