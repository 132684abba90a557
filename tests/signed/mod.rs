//! Images and indexes that are signed as a test needs them, as the host of a
//! session and as a layout.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use notation_verifier::crypto::HashAlgorithm;
use notation_verifier::envelope::{MediaType, SigningScheme};
use notation_verifier::io::Host;
use notation_verifier::oci::Digest;
use notation_verifier::oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use notation_verifier::session::{ImageRequest, Need, Platforms, Reply, Request};
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::manifest::{ManifestForm, signature_manifest};
use notation_verifier::sign::payload::payload;
use notation_verifier::sign::{Signer as _, SigningRequest, ToBeSigned, sign};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::Descriptor;
use notation_verifier::wire::base64::encode_standard;
use notation_verifier::{Limits, OciPolicy, Provider, Time, TrustStore, Verifier};
use serde_json::{Value, json};

/// Self-signed; its private key is the number whose octets are all 7.
const CERTIFICATE: &[u8] = include_bytes!("../keys/code-signing.der");

pub const POLICY: &str = r#"{"version": "1.0", "trustPolicies": [{
    "name": "test", "registryScopes": ["*"],
    "signatureVerification": {"level": "strict", "override": {"revocation": "skip"}},
    "trustStores": ["ca:test"], "trustedIdentities": ["*"]}]}"#;

pub fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let base64 = encode_standard(der);
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n").into()
}

/// The key of the certificate, in PKCS#8 (RFC 5208, RFC 5915).
fn key() -> Vec<u8> {
    let start = [
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    pem("PRIVATE KEY", &[&start[..], &[7; 32]].concat())
}

fn signer(chain: &[&[u8]]) -> LocalSigner {
    let chain: Vec<u8> = chain
        .iter()
        .flat_map(|der| pem("CERTIFICATE", der))
        .collect();
    LocalSigner::from_pem(&key(), &chain, &Limits::default()).unwrap()
}

const fn signing_request<'a>(payload: &'a [u8], certificates: &'a [Vec<u8>]) -> SigningRequest<'a> {
    SigningRequest {
        media_type: MediaType::Cose,
        payload,
        certificates,
        scheme: SigningScheme::X509,
        signing_time: Time::from_unix(1_700_000_000),
        expiry: None,
        signing_agent: None,
    }
}

/// An envelope with a time-stamp, which is made for the signature.
pub fn stamped(target: &Descriptor, token: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let signer = signer(&[CERTIFICATE]);
    let payload = payload(target).unwrap();
    let request = signing_request(&payload, signer.certificates());
    let limits = Limits::default();
    let unsigned = ToBeSigned::new(&request, &Provider::preferred(), &limits).unwrap();
    let signature = signer.sign(unsigned.algorithm(), unsigned.bytes()).unwrap();
    unsigned
        .assemble(&signature, Some(&token(&signature)))
        .unwrap()
}

pub fn verifier(limits: Limits) -> Verifier {
    let trust = TrustStore::builder()
        .add_pem(
            StoreKind::Ca,
            "test",
            &pem("CERTIFICATE", CERTIFICATE),
            &Provider::preferred(),
            &limits,
        )
        .unwrap()
        .build();
    Verifier::builder()
        .oci_policy(OciPolicy::parse(POLICY.as_bytes(), &limits).unwrap())
        .trust_store(trust)
        .limits(limits)
        .build()
}

/// The same as a configuration directory.
pub fn write_configuration(folder: &Path, policy: &str) {
    let store = folder.join("truststore/x509/ca/test");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("root.pem"), pem("CERTIFICATE", CERTIFICATE)).unwrap();
    fs::write(folder.join("trustpolicy.oci.json"), policy).unwrap();
}

pub fn request(reference: &str, platforms: Platforms) -> ImageRequest {
    ImageRequest {
        name: format!("registry.example/app@{reference}"),
        scope: "registry.example/app".to_owned(),
        reference: reference.to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms,
        now: Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap(),
    }
}

/// What a registry or a layout holds.
#[derive(Clone, Default)]
pub struct Store {
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// Of manifests and indexes.
    pub types: BTreeMap<String, String>,
    pub tags: BTreeMap<String, Descriptor>,
    pub referrers: BTreeMap<String, Vec<Descriptor>>,
}

impl Store {
    pub fn put(&mut self, bytes: &[u8], media_type: &str) -> Descriptor {
        let digest = Digest::of(&Provider::PORTABLE, HashAlgorithm::Sha256, bytes).to_string();
        self.blobs.insert(digest.clone(), bytes.to_vec());
        Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size: i64::try_from(bytes.len()).unwrap(),
            ..Descriptor::default()
        }
    }

    pub fn document(&mut self, document: &Value, media_type: &str) -> Descriptor {
        let descriptor = self.put(document.to_string().as_bytes(), media_type);
        self.types
            .insert(descriptor.digest.clone(), media_type.to_owned());
        descriptor
    }

    /// An image that differs from others by `note`.
    pub fn image(&mut self, note: &str) -> Descriptor {
        let config = self.put(b"{}", "application/vnd.oci.empty.v1+json");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": plain(&config),
            "layers": [], "annotations": {"note": note},
        });
        self.document(&manifest, OCI_MANIFEST)
    }

    pub fn signed_image(&mut self, note: &str) -> Descriptor {
        let image = self.image(note);
        self.sign(&image);
        image
    }

    /// An index of entries with `os/architecture`, or without a platform.
    pub fn index(&mut self, entries: &[(&Descriptor, &str)]) -> Descriptor {
        let entries: Vec<Value> = entries
            .iter()
            .map(|(descriptor, platform)| {
                let mut entry = plain(descriptor);
                if let Some((os, architecture)) = platform.split_once('/') {
                    entry["platform"] = json!({"os": os, "architecture": architecture});
                }
                entry
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        self.document(&index, OCI_INDEX)
    }

    /// Adds a good signature of `subject`.
    pub fn sign(&mut self, subject: &Descriptor) {
        self.sign_as(subject, subject);
    }

    /// Adds a signature that hangs on `subject` and is of `signed`.
    pub fn sign_as(&mut self, subject: &Descriptor, signed: &Descriptor) {
        self.attach(subject, signed, 0, &[CERTIFICATE]);
    }

    /// Adds a good signature by a chain whose first key is that of the certificate.
    pub fn sign_with(&mut self, subject: &Descriptor, chain: &[&[u8]]) {
        self.attach(subject, subject, 0, chain);
    }

    /// Adds a signature of `subject` that does not verify.
    pub fn sign_badly(&mut self, subject: &Descriptor) {
        self.attach(subject, subject, 1, &[CERTIFICATE]);
    }

    /// Adds a signature whose last octet is changed by `flip`.
    fn attach(&mut self, subject: &Descriptor, signed: &Descriptor, flip: u8, chain: &[&[u8]]) {
        let (limits, provider) = (Limits::default(), Provider::preferred());
        let signer = signer(chain);
        let payload = payload(signed).unwrap();
        let request = signing_request(&payload, &[]);
        let mut envelope = sign(&request, &signer, &provider, &limits).unwrap();
        let signed = Verifier::builder()
            .build()
            .integrity("application/cose", &envelope)
            .unwrap();
        *envelope.last_mut().unwrap() ^= flip;
        let created = Time::from_unix(1_700_000_001);
        let form = ManifestForm::ArtifactType;
        let made = signature_manifest(subject, &signed, &envelope, created, form, &provider);
        self.put(&envelope, "application/cose");
        self.put(b"{}", "application/vnd.oci.empty.v1+json");
        self.put(&made.bytes, OCI_MANIFEST);
        self.types
            .insert(made.descriptor.digest.clone(), OCI_MANIFEST.to_owned());
        self.referrers
            .entry(subject.digest.clone())
            .or_default()
            .push(made.descriptor);
    }

    /// Writes a layout whose index lists tags and signatures.
    pub fn write(&self, folder: &Path) {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        for (digest, bytes) in &self.blobs {
            let path = folder.join("blobs").join(digest.replace(':', "/"));
            fs::write(path, bytes).unwrap();
        }
        fs::write(
            folder.join("oci-layout"),
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        let tags = self.tags.iter().map(|(tag, descriptor)| {
            let mut entry = plain(descriptor);
            entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
            entry
        });
        let signatures = self.referrers.values().flatten().map(plain);
        let entries: Vec<Value> = tags.chain(signatures).collect();
        let index = json!({"schemaVersion": 2, "manifests": entries});
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
    }
}

pub fn plain(descriptor: &Descriptor) -> Value {
    let mut value = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    });
    if let Some(artifact_type) = &descriptor.artifact_type {
        value["artifactType"] = artifact_type.as_str().into();
    }
    value
}

/// A host that counts round trips.
pub struct Asked<'a> {
    pub store: &'a Store,
    pub rounds: usize,
    pub requests: Vec<Request>,
}

impl<'a> Asked<'a> {
    pub const fn new(store: &'a Store) -> Self {
        Self {
            store,
            rounds: 0,
            requests: Vec::new(),
        }
    }
}

impl Host for Asked<'_> {
    fn fetch(&mut self, need: &Need) -> Reply {
        self.requests.push(need.request.clone());
        let store = self.store;
        let digest = match &need.request {
            Request::Resolve { reference } => store
                .tags
                .get(reference)
                .map_or(reference, |tagged| &tagged.digest),
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => &descriptor.digest,
            Request::Referrers { subject, .. } => {
                return Reply::Referrers {
                    descriptors: store.referrers.get(subject).cloned().unwrap_or_default(),
                    next: None,
                    problems: Vec::new(),
                };
            }
            _ => return Reply::Failed("it is not here".to_owned()),
        };
        match store.blobs.get(digest) {
            Some(bytes) => Reply::Content {
                media_type: store.types.get(digest).cloned(),
                bytes: bytes.clone(),
            },
            None => Reply::NotFound,
        }
    }

    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        self.rounds += 1;
        needs.iter().map(|need| self.fetch(need)).collect()
    }
}
