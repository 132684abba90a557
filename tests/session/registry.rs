//! A host that answers from memory: the demo's image, and signatures that are
//! made for a test.

use std::collections::BTreeMap;
use std::path::Path;

use notation_verifier::crypto::HashAlgorithm;
use notation_verifier::io::Host;
use notation_verifier::session::{BlobRequest, ImageRequest, Need, Reply, Request};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::Descriptor;
use notation_verifier::{BlobPolicy, Limits, OciPolicy, Provider, Time, TrustStore, Verifier};
use serde_json::{Value, json};

/// The demo's image.
pub const IMAGE: &str = "sha256:77ccdf3a62627be58d4c429a5712f0e8d53699505a9f4064bff80f4a54636274";
const ENVELOPE: &str = "sha256:7cb07a5c9822b777162a6e44266af6180c5cd4336c4e4695813335bf0bd572e0";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";
const SCOPE: &str = "registry.example/demo/app";

fn demo(path: &str) -> Vec<u8> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo");
    std::fs::read(demo.join(path)).unwrap()
}

fn demo_blob(digest: &str) -> Vec<u8> {
    demo(&format!("layout/blobs/{}", digest.replace(':', "/")))
}

pub fn verifier() -> Verifier {
    verifier_with("strict", Limits::default())
}

pub fn verifier_with(level: &str, limits: Limits) -> Verifier {
    let [stores, identities] = match level {
        "skip" => [json!([]), json!([])],
        _ => [json!(["ca:demo"]), json!(["*"])],
    };
    let policy = json!({ "version": "1.0", "trustPolicies": [{
        "name": "demo",
        "registryScopes": [SCOPE],
        "signatureVerification": { "level": level },
        "trustStores": stores,
        "trustedIdentities": identities,
    }]});
    let trust = TrustStore::builder()
        .add_pem(
            StoreKind::Ca,
            "demo",
            &demo("config/truststore/x509/ca/demo/demo-root-ca.pem"),
            &Provider::preferred(),
            &limits,
        )
        .unwrap()
        .build();
    let blobs = demo("config/trustpolicy.blob.json");
    Verifier::builder()
        .oci_policy(OciPolicy::parse(policy.to_string().as_bytes(), &limits).unwrap())
        .blob_policy(BlobPolicy::parse(&blobs, &limits).unwrap())
        .trust_store(trust)
        .limits(limits)
        .build()
}

fn now() -> Time {
    Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

pub fn image_request(reference: &str) -> ImageRequest {
    ImageRequest {
        name: reference.to_owned(),
        scope: SCOPE.to_owned(),
        reference: reference.to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms: notation_verifier::session::Platforms::Named,
        now: now(),
    }
}

pub fn blob() -> Vec<u8> {
    demo("blob/notes.txt")
}

pub fn blob_request() -> BlobRequest {
    BlobRequest {
        name: "notes.txt".to_owned(),
        policy_name: None,
        envelope_media_type: "application/jose+json".to_owned(),
        envelope: demo("blob/notes.txt.jws.sig"),
        media_type: None,
        user_metadata: BTreeMap::new(),
        now: now(),
    }
}

/// A referrer that is no signature.
pub fn referrer_of_another_kind() -> Descriptor {
    Descriptor {
        media_type: MANIFEST.to_owned(),
        digest: IMAGE.to_owned(),
        size: 1,
        artifact_type: Some("application/spdx+json".to_owned()),
        ..Descriptor::default()
    }
}

/// What a registry holds, and how it goes wrong. `instead`, `longer` and
/// `flipped` name a kind of request as [`kind`] does.
#[derive(Default)]
pub struct Registry {
    pub blobs: BTreeMap<String, Vec<u8>>,
    pub pages: Vec<Vec<Descriptor>>,
    pub problems: Vec<String>,
    /// After the pages come empty ones, without end.
    pub endless: bool,
    pub instead: Option<(&'static str, Reply)>,
    pub longer: Option<&'static str>,
    pub flipped: Option<&'static str>,
    asked: Vec<&'static str>,
}

fn kind(request: &Request) -> &'static str {
    match request {
        Request::Resolve { .. } => "resolve",
        Request::Referrers { .. } => "referrers",
        Request::Manifest(_) => "manifest",
        Request::Envelope(_) => "envelope",
        _ => "other",
    }
}

impl Registry {
    /// One good signature.
    pub fn with_good() -> Self {
        let mut registry = Self::default();
        registry.pages = vec![vec![registry.good_signature("good")]];
        registry
    }

    pub fn image(&mut self) -> Descriptor {
        self.put(&demo_blob(IMAGE), MANIFEST)
    }

    /// What was asked for, in order.
    pub fn kinds(&self) -> &[&'static str] {
        &self.asked
    }

    pub fn put(&mut self, bytes: &[u8], media_type: &str) -> Descriptor {
        let digest = Provider::preferred().hash(HashAlgorithm::Sha256, bytes);
        let digest = format!("sha256:{}", digest.to_hex());
        self.blobs.insert(digest.clone(), bytes.to_vec());
        Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size: i64::try_from(bytes.len()).unwrap(),
            ..Descriptor::default()
        }
    }

    pub fn signature_manifest(&mut self, bytes: &[u8]) -> Descriptor {
        let artifact_type = Some(SIGNATURE.to_owned());
        Descriptor {
            artifact_type,
            ..self.put(bytes, MANIFEST)
        }
    }

    /// The good envelope, on a manifest that differs by `note`.
    pub fn good_signature(&mut self, note: &str) -> Descriptor {
        let envelope = self.put(&demo_blob(ENVELOPE), "application/cose");
        let image = self.image();
        self.signature(&envelope, &image, note)
    }

    /// An envelope whose signature does not verify.
    pub fn bad_signature(&mut self, number: usize) -> Descriptor {
        let mut bytes = demo_blob(ENVELOPE);
        *bytes.last_mut().unwrap() ^= 1;
        let envelope = self.put(&bytes, "application/cose");
        let image = self.image();
        self.signature(&envelope, &image, &number.to_string())
    }

    /// A signature manifest with another subject.
    pub fn of_another_artifact(&mut self) -> Descriptor {
        let envelope = self.put(&demo_blob(ENVELOPE), "application/cose");
        let other = self.put(b"{}", MANIFEST);
        self.signature(&envelope, &other, "other")
    }

    fn signature(&mut self, envelope: &Descriptor, subject: &Descriptor, note: &str) -> Descriptor {
        let short = |descriptor: &Descriptor| -> Value {
            json!({
                "mediaType": descriptor.media_type,
                "digest": descriptor.digest,
                "size": descriptor.size,
            })
        };
        let mut config = self.put(b"{}", SIGNATURE);
        config.annotations.clear();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": short(&config),
            "layers": [short(envelope)],
            "subject": short(subject),
            "annotations": { "note": note },
        });
        self.signature_manifest(manifest.to_string().as_bytes())
    }

    pub fn answer(&mut self, need: &Need) -> Reply {
        let kind = kind(&need.request);
        self.asked.push(kind);
        match &self.instead {
            Some((instead, reply)) if *instead == kind => return reply.clone(),
            _ => {}
        }
        let mut bytes = match &need.request {
            Request::Resolve { .. } => demo_blob(IMAGE),
            Request::Referrers { page, .. } => return self.page(page.as_deref()),
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => {
                match self.blobs.get(&descriptor.digest) {
                    Some(bytes) => bytes.clone(),
                    None => return Reply::NotFound,
                }
            }
            _ => return Reply::Failed("it is not here".to_owned()),
        };
        if self.longer == Some(kind) {
            bytes.resize(need.max_bytes + 1, b' ');
        }
        if self.flipped == Some(kind) {
            bytes[0] ^= 1;
        }
        Reply::Content {
            media_type: None,
            bytes,
        }
    }

    fn page(&self, page: Option<&str>) -> Reply {
        let number: usize = page.map_or(0, |page| page.parse().unwrap());
        let next = self.endless || number + 1 < self.pages.len();
        Reply::Referrers {
            descriptors: self.pages.get(number).cloned().unwrap_or_default(),
            next: next.then(|| (number + 1).to_string()),
            problems: self.problems.clone(),
        }
    }
}

impl Host for Registry {
    fn fetch(&mut self, need: &Need) -> Reply {
        self.answer(need)
    }
}
