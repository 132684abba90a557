//! An image that the leaf of `tests/authority` signed, the network that answers
//! about the leaf, and bundles: good ones and forged ones.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::sync::{LazyLock, Mutex};

use notation_verifier::crypto::{HashAlgorithm, Provider};
use notation_verifier::evidence::{EvidenceReply, EvidenceRequest, EvidenceSource};
use notation_verifier::io::bundle::{Bundle, Recording, Replay};
use notation_verifier::io::{Host, Layout, LayoutHost, drive};
use notation_verifier::oci::media_type::{NOTARY_SIGNATURE, OCI_MANIFEST};
use notation_verifier::session::{ImageRequest, Need, Platforms, Reply, Request};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::{Descriptor, base64};
use notation_verifier::{BlobPolicy, Error, Limits, OciPolicy, Report, Time, TrustStore, Verifier};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::authority::{
    CA, CA_KEY, GOOD, LEAF, cert_id, chain, response, response_data, revoked, single,
};
use crate::layouts;

pub const SCOPE: &str = "registry.example/app";
pub const OCSP_A: &str = "http://ocsp.test/a";
pub const CRL_A: &str = "http://crl.test/a";
pub const CRL_B: &str = "http://crl.test/b";

/// 2025-01-01 in the middle of its evidence, which ends with that month.
pub const NOW: i64 = 1_735_689_600;
pub const ISSUED: &str = "20241201000000Z";
pub const EXPIRES: &str = "20250131000000Z";
/// 2025-03-01.
pub const LATER: i64 = 1_740_787_200;

pub fn time(seconds: i64) -> Time {
    Time::from_unix(seconds)
}

/// An OCSP response about the leaf.
pub fn ocsp(status: &[u8], issued: &str, expires: &str) -> Vec<u8> {
    let chain = chain();
    let request = notation_verifier::revocation::ocsp::request_for(&chain[0], &chain[1]);
    let one = single(&cert_id(&request), status, issued, Some(expires), &[]);
    response(&response_data(&[one], &[]), CA_KEY, &[])
}

pub fn good() -> Vec<u8> {
    ocsp(GOOD, ISSUED, EXPIRES)
}

pub fn bad() -> Vec<u8> {
    ocsp(
        &revoked("20241215000000Z"),
        "20241216000000Z",
        "20690101000000Z",
    )
}

/// A JWS envelope of the leaf over `target`.
pub fn envelope(target: &Descriptor) -> Vec<u8> {
    let protected = json!({
        "alg": "ES256",
        "crit": ["io.cncf.notary.signingScheme"],
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2024-12-01T00:00:00Z",
    });
    let payload = json!({"targetArtifact": {
        "mediaType": target.media_type, "digest": target.digest, "size": target.size}});
    let encode = |value: &Value| base64::encode_url(value.to_string().as_bytes());
    let (protected, payload) = (encode(&protected), encode(&payload));
    let key = SigningKey::from_slice(&CA_KEY).unwrap();
    let signature: Signature = key.sign(format!("{protected}.{payload}").as_bytes());
    let header = json!({
        "x5c": [base64::encode_standard(LEAF), base64::encode_standard(CA)],
    });
    json!({"payload": payload, "protected": protected, "header": header,
        "signature": base64::encode_url(&signature.to_bytes())})
    .to_string()
    .into_bytes()
}

/// Adds a signature of `target`, and gives its envelope.
fn sign_into(world: &mut layouts::World, target: &Descriptor) -> Vec<u8> {
    let envelope = envelope(target);
    let digest = world.blob(&envelope);
    let signature = world.manifest(&json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": NOTARY_SIGNATURE,
        "layers": [{"mediaType": "application/jose+json", "digest": digest,
            "size": envelope.len()}],
        "subject": {"mediaType": target.media_type, "digest": target.digest,
            "size": target.size},
    }));
    world.list_descriptor(&signature);
    envelope
}

/// A layout with the image `v1` and its signature.
pub struct Image {
    pub layout: Layout,
    pub target: Descriptor,
    pub envelope: Vec<u8>,
}

impl Image {
    pub fn new(name: &str) -> Self {
        let mut world = layouts::World::default();
        let target = world.manifest(&json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": {"name": name}}));
        world.tag(&target, "v1");
        let envelope = sign_into(&mut world, &target);
        let archive = Cursor::new(world.archive().bytes());
        Self {
            layout: Layout::from_tar(archive, &Limits::default()).unwrap(),
            target,
            envelope,
        }
    }
}

impl Image {
    /// An index of three signed images, itself signed.
    pub fn index() -> Self {
        let mut world = layouts::World::default();
        let mut listed = Vec::new();
        for name in ["amd64", "arm64", "riscv64"] {
            let one = world.manifest(&json!({
                "schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": {"name": name}}));
            sign_into(&mut world, &one);
            listed.push(one);
        }
        let target = world.index_of(&listed.iter().collect::<Vec<_>>());
        world.tag(&target, "v1");
        let envelope = sign_into(&mut world, &target);
        let archive = Cursor::new(world.archive().bytes());
        Self {
            layout: Layout::from_tar(archive, &Limits::default()).unwrap(),
            target,
            envelope,
        }
    }
}

/// What each address answers; the others cannot be reached.
#[derive(Clone, Default)]
pub struct Net(pub BTreeMap<String, Vec<u8>>);

impl Net {
    pub fn new(answers: &[(&str, Vec<u8>)]) -> Self {
        let owned = |(url, body): &(&str, Vec<u8>)| ((*url).to_owned(), body.clone());
        Self(answers.iter().map(owned).collect())
    }
}

impl EvidenceSource for Net {
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply {
        match self.0.get(request.url()) {
            Some(body) => EvidenceReply::Content(body.clone().into()),
            None => EvidenceReply::Unavailable("the connection was refused".to_owned()),
        }
    }
}

/// A host with evidence from `net`.
pub struct With<H>(pub H, pub Net);

impl<H: Host> Host for With<H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::Evidence(request) => Reply::Evidence(self.1.fetch(request)),
            _ => self.0.fetch(need),
        }
    }
}

/// A verifier of `level`, made once.
pub fn verifier(level: &str) -> Verifier {
    static MADE: LazyLock<Mutex<BTreeMap<String, Verifier>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    made.entry(level.to_owned())
        .or_insert_with(|| make_verifier(level))
        .clone()
}

fn make_verifier(level: &str) -> Verifier {
    let limits = Limits::default();
    let provider = Provider::preferred();
    let statement = |member: &str, value: Value| {
        let mut statement = json!({
            "name": "all", "signatureVerification": {"level": level},
            "trustStores": ["ca:acme"], "trustedIdentities": ["*"]});
        if level == "skip" {
            statement["trustStores"] = json!([]);
            statement["trustedIdentities"] = json!([]);
        }
        statement[member] = value;
        json!({"version": "1.0", "trustPolicies": [statement]}).to_string()
    };
    let scopes = statement("registryScopes", json!([SCOPE, "registry.example/other"]));
    let trust = TrustStore::builder()
        .add_pem(StoreKind::Ca, "acme", CA, &provider, &limits)
        .unwrap()
        .build();
    let builder = Verifier::builder()
        .oci_policy(OciPolicy::parse(scopes.as_bytes(), &limits).unwrap())
        .trust_store(trust);
    if level == "skip" {
        return builder.build();
    }
    let blobs = statement("globalPolicy", json!(true));
    builder
        .blob_policy(BlobPolicy::parse(blobs.as_bytes(), &limits).unwrap())
        .build()
}

pub fn request(reference: &str, now: i64) -> ImageRequest {
    ImageRequest {
        name: "image".to_owned(),
        scope: SCOPE.to_owned(),
        reference: reference.to_owned(),
        user_metadata: BTreeMap::new(),
        max_signatures: None,
        all_signatures: false,
        platforms: Platforms::Named,
        now: time(now),
    }
}

/// Verifies `reference` with the network, and records it.
pub fn record(level: &str, image: &Image, reference: &str, net: &Net) -> (Report, Vec<u8>) {
    let recording = Recording::new(Provider::preferred(), &Limits::default());
    let report = record_into(&recording, level, image, reference, net);
    (report, written(&recording))
}

pub fn record_into(
    recording: &Recording,
    level: &str,
    image: &Image,
    reference: &str,
    net: &Net,
) -> Report {
    let host = With(LayoutHost::new(&image.layout), net.clone());
    let mut host = recording.image(SCOPE, reference, time(NOW), host);
    let session = verifier(level)
        .verify_image(request(reference, NOW))
        .unwrap();
    drive(session, &mut host).unwrap()
}

pub fn written(recording: &Recording) -> Vec<u8> {
    let mut archive = Vec::new();
    recording.write_to(&mut archive, time(NOW)).unwrap();
    archive
}

pub fn open(archive: &[u8]) -> Result<Bundle, Error> {
    Bundle::from_tar(Cursor::new(archive.to_vec()), &Limits::default())
}

/// Verifies `reference` again as of `now`.
pub fn again(level: &str, mut replay: Replay, reference: &str, now: i64) -> Report {
    let session = verifier(level)
        .verify_image(request(reference, now))
        .unwrap();
    drive(session, &mut replay).unwrap()
}

/// A bundle taken apart, to be put together in another way.
#[derive(Clone)]
pub struct Parts {
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    pub fn of(archive: &[u8]) -> Self {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(name, content);
        }
        Self { files }
    }

    pub fn archive(&self) -> layouts::Archive {
        let files = self.files.iter();
        files.fold(layouts::Archive::default(), |archive, (name, content)| {
            archive.file(name, content)
        })
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.archive().bytes()
    }

    /// Adds a blob, and gives its digest.
    pub fn blob(&mut self, content: &[u8]) -> String {
        let digest = layouts::digest(content);
        let name = format!("blobs/{}", digest.replace(':', "/"));
        self.files.insert(name, content.to_vec());
        digest
    }

    /// Changes the recording as a forger does: all digests are right again.
    pub fn forge(mut self, change: impl FnOnce(&mut Self, &mut Value)) -> Vec<u8> {
        let mut index: Value = serde_json::from_slice(&self.files["index.json"]).unwrap();
        let listed = index["manifests"].as_array().unwrap().iter();
        let mut position = listed
            .enumerate()
            .filter(|(_, one)| one["artifactType"] == notation_verifier::io::bundle::ARTIFACT_TYPE)
            .map(|(position, _)| position);
        let position = position.next().unwrap();
        let digest = index["manifests"][position]["digest"].as_str().unwrap();
        let name = format!("blobs/{}", digest.replace(':', "/"));
        let mut manifest = serde_json::from_slice(&self.files[&name]).unwrap();
        change(&mut self, &mut manifest);
        let bytes = manifest.to_string().into_bytes();
        index["manifests"][position]["digest"] = self.blob(&bytes).into();
        index["manifests"][position]["size"] = bytes.len().into();
        self.files
            .insert("index.json".to_owned(), index.to_string().into_bytes());
        self.bytes()
    }
}

/// The answer to the request `name`.
pub fn layer<'a>(manifest: &'a mut Value, name: &str) -> &'a mut Value {
    let layers = manifest["layers"].as_array_mut().unwrap().iter_mut();
    let mut found =
        layers.filter(|layer| layer["annotations"]["notation-verifier.request"] == name);
    found.next().unwrap()
}

/// Puts other content where a layer had its own.
pub fn replace(parts: &mut Parts, layer: &mut Value, content: &[u8]) {
    layer["digest"] = parts.blob(content).into();
    layer["size"] = content.len().into();
}

/// The SHA-256 of `bytes`, as blobs are hashed.
pub fn sha256(bytes: &[u8]) -> notation_verifier::crypto::Digest {
    Provider::preferred().hash(HashAlgorithm::Sha256, bytes)
}
