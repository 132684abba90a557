//! A host whose answers, and their faults, come from the fuzzer.
//!
//! The input is a head (eight octets of time, flags, the most signatures) and
//! records: a kind, two octets of length, the value. `fuzz/seeds` writes the same.

use std::collections::BTreeMap;

use notation_verifier::crypto::{HashAlgorithm, Provider};
use notation_verifier::evidence::EvidenceRequest;
use notation_verifier::session::{BlobRequest, ImageRequest, Need, Reply, Request, Session};
use notation_verifier::trust::StoreKind;
use notation_verifier::wire::Descriptor;
use notation_verifier::{BlobPolicy, Limits, OciPolicy, Time, TrustStore, Verifier};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What an index may list.
pub const MAX_CHILDREN: usize = 8;
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// The fuzzer's input, taken apart. Pairs are `left`, NUL, `right` in a record.
#[derive(Debug, Default)]
pub struct Input<'a> {
    now: i64,
    all_signatures: bool,
    platforms: notation_verifier::session::Platforms,
    pub reversed: bool,
    max_signatures: Option<usize>,
    policy: &'a [u8],
    scope: String,
    reference: String,
    /// `type:name` and a file's contents.
    stores: Vec<(String, &'a [u8])>,
    /// What the host's own index names.
    target: Option<Descriptor>,
    /// The artifact's media type and manifest.
    image: Option<(String, &'a [u8])>,
    /// Media types and envelopes, which get good manifests.
    envelopes: Vec<(String, &'a [u8])>,
    manifests: Vec<&'a [u8]>,
    blobs: Vec<&'a [u8]>,
    evidence: BTreeMap<String, &'a [u8]>,
    /// What goes wrong, answer by answer.
    script: &'a [u8],
    metadata: BTreeMap<String, String>,
    /// A blob to verify in place of an artifact.
    blob: Option<&'a [u8]>,
}

impl<'a> Input<'a> {
    pub fn read(data: &'a [u8]) -> Self {
        let mut input = Self::default();
        let Some((head, mut rest)) = data.split_at_checked(10) else {
            return input;
        };
        input.now = head[..8]
            .iter()
            .fold(0, |time, octet| time << 8 | i64::from(*octet));
        input.all_signatures = head[8] & 1 != 0;
        if head[8] & 4 != 0 {
            input.platforms = notation_verifier::session::Platforms::All;
        }
        input.reversed = head[8] & 2 != 0;
        input.max_signatures = (head[9] != 0).then(|| usize::from(head[9]));
        while let [kind, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
            let (value, next) = after.split_at(length);
            input.record(*kind, value);
            rest = next;
        }
        input
    }

    fn record(&mut self, kind: u8, value: &'a [u8]) {
        let text = || String::from_utf8_lossy(value).into_owned();
        let pair = || {
            let at = value
                .iter()
                .position(|octet| *octet == 0)
                .unwrap_or(value.len());
            let left = String::from_utf8_lossy(&value[..at]).into_owned();
            (left, value.get(at + 1..).unwrap_or_default())
        };
        match kind {
            0 => self.policy = value,
            1 => self.scope = text(),
            2 => self.reference = text(),
            3 => self.stores.push(pair()),
            4 => {
                let text = text();
                let mut parts = text.split('\0');
                let mut part = || parts.next().unwrap_or_default().to_owned();
                self.target = Some(Descriptor {
                    media_type: part(),
                    digest: part(),
                    size: part().parse().unwrap_or(-1),
                    ..Descriptor::default()
                });
            }
            5 => self.image = Some(pair()),
            6 => self.envelopes.push(pair()),
            7 => self.manifests.push(value),
            8 => self.blobs.push(value),
            9 => self.evidence.extend([pair()]),
            10 => self.script = value,
            11 => {
                let (name, value) = pair();
                let value = String::from_utf8_lossy(value).into_owned();
                self.metadata.insert(name, value);
            }
            12 => self.blob = Some(value),
            _ => {}
        }
    }

    /// `None` where the policy is not one.
    pub fn verifier(&self) -> Option<Verifier> {
        let mut limits = Limits::default();
        limits.referrer_pages = 5;
        limits.referrers = 50;
        limits.signatures = 8;
        limits.platforms = MAX_CHILDREN;
        limits.manifest_bytes = 1 << 16;
        limits.envelope_bytes = 1 << 16;
        limits.evidence_bytes = 1 << 16;
        // Never reached: less evidence would leave room for more look-ups.
        limits.evidence_rounds = 200;
        let provider = Provider::preferred();
        let mut stores = TrustStore::builder();
        for (name, contents) in &self.stores {
            let (kind, name) = name.split_once(':')?;
            let kind = StoreKind::from_name(kind)?;
            stores = stores
                .add_pem(kind, name, contents, &provider, &limits)
                .ok()?;
        }
        let builder = Verifier::builder().trust_store(stores.build());
        let builder = if self.blob.is_some() {
            builder.blob_policy(BlobPolicy::parse(self.policy, &limits).ok()?)
        } else {
            builder.oci_policy(OciPolicy::parse(self.policy, &limits).ok()?)
        };
        Some(builder.limits(limits).build())
    }

    /// `None` where no statement of the policy applies.
    pub fn session(&self, verifier: &Verifier) -> Option<Session> {
        let now = Time::from_unix(self.now);
        if self.blob.is_some() {
            let (media_type, envelope) = self.envelopes.first()?;
            return verifier
                .verify_blob(BlobRequest {
                    name: "fuzz".to_owned(),
                    policy_name: (!self.scope.is_empty()).then(|| self.scope.clone()),
                    envelope_media_type: media_type.clone(),
                    envelope: envelope.to_vec(),
                    media_type: None,
                    user_metadata: self.metadata.clone(),
                    now,
                })
                .ok();
        }
        verifier
            .verify_image(ImageRequest {
                name: "fuzz".to_owned(),
                scope: self.scope.clone(),
                reference: self.reference.clone(),
                user_metadata: self.metadata.clone(),
                max_signatures: self
                    .max_signatures
                    .map(|most| most.min(verifier.limits().signatures)),
                all_signatures: self.all_signatures,
                platforms: self.platforms,
                now,
            })
            .ok()
    }
}

/// What is taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Without {
    Nothing,
    Evidence,
    /// Not OCSP answers alone: a CRL stands in for one that cannot be had.
    Crls,
}

pub struct Host<'a> {
    input: &'a Input<'a>,
    without: Without,
    /// By digest.
    content: BTreeMap<String, Vec<u8>>,
    artifact: Option<Descriptor>,
    listed: Vec<Descriptor>,
    pub asked: usize,
    pub evidence_asked: usize,
    pub signatures_listed: usize,
    /// A look-up, other than of evidence, went wrong.
    pub failed: bool,
    lookups: usize,
}

/// A reply that nobody asked for.
pub fn nonsense() -> Reply {
    Reply::NotFound
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    let digest = Provider::preferred().hash(HashAlgorithm::Sha256, bytes);
    Descriptor {
        media_type: media_type.to_owned(),
        digest: format!("sha256:{}", digest.to_hex()),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        ..Descriptor::default()
    }
}

impl<'a> Host<'a> {
    pub fn new(input: &'a Input<'a>, without: Without) -> Self {
        let mut host = Self {
            input,
            without,
            content: BTreeMap::new(),
            artifact: match &input.image {
                Some((media_type, bytes)) => Some(descriptor(media_type, bytes)),
                None => input.target.clone(),
            },
            listed: Vec::new(),
            asked: 0,
            evidence_asked: 0,
            signatures_listed: 0,
            failed: false,
            lookups: 0,
        };
        for blob in &input.blobs {
            host.put("", blob);
        }
        for (number, (media_type, bytes)) in input.envelopes.iter().enumerate() {
            let envelope = host.put(media_type, bytes);
            let manifest = host.manifest(&envelope, number);
            host.list(manifest.as_bytes());
        }
        for manifest in &input.manifests {
            host.list(manifest);
        }
        host
    }

    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let found = descriptor(media_type, bytes);
        self.content.insert(found.digest.clone(), bytes.to_vec());
        found
    }

    fn list(&mut self, manifest: &[u8]) {
        let mut found = self.put(MANIFEST, manifest);
        found.artifact_type = Some(SIGNATURE.to_owned());
        self.listed.push(found);
    }

    /// A good signature manifest for `envelope`.
    fn manifest(&self, envelope: &Descriptor, number: usize) -> String {
        let one = |descriptor: &Descriptor| {
            format!(
                r#"{{"mediaType":{:?},"digest":{:?},"size":{}}}"#,
                descriptor.media_type, descriptor.digest, descriptor.size
            )
        };
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}],"subject":{},"annotations":{{"number":"{number}"}}}}"#,
            one(&descriptor(SIGNATURE, b"{}")),
            one(envelope),
            one(&self.artifact.clone().unwrap_or_default()),
        )
    }

    /// Whether `target` is what this host has as the artifact.
    pub fn is_served(&self, target: &Descriptor) -> bool {
        self.artifact.as_ref().is_some_and(|artifact| {
            artifact.digest == target.digest && artifact.size == target.size
        }) || self.content.get(&target.digest).is_some_and(|bytes| {
            // What an index lists.
            self.lists_children() && usize::try_from(target.size) == Ok(bytes.len())
        })
    }

    pub fn lists_children(&self) -> bool {
        self.input.platforms == notation_verifier::session::Platforms::All
    }

    pub fn answer(&mut self, need: &Need, limits: &Limits) -> Reply {
        self.asked += 1;
        let fault = match &need.request {
            Request::Evidence(request) => {
                self.evidence_asked += 1;
                let crl = matches!(request, EvidenceRequest::Crl { .. });
                if self.without == Without::Evidence || (self.without == Without::Crls && crl) {
                    return if crl {
                        Reply::NotFound
                    } else {
                        Reply::Failed("taken away".to_owned())
                    };
                }
                // By address, so that the same one goes wrong in each run.
                self.fault(request.url().bytes().map(usize::from).sum())
            }
            _ => {
                self.lookups += 1;
                self.fault(self.lookups - 1)
            }
        };
        let honest = self.honest(need);
        let reply = faulty(honest, fault, need, limits);
        self.note(need, &reply);
        reply
    }

    fn fault(&self, number: usize) -> u8 {
        match self.input.script.len() {
            0 => 0,
            length => self.input.script[number % length],
        }
    }

    fn honest(&self, need: &Need) -> Reply {
        let content = |bytes: &[u8], media_type: Option<String>| Reply::Content {
            media_type,
            bytes: bytes.to_vec(),
        };
        match &need.request {
            Request::Resolve { .. } => match (&self.input.image, &self.artifact) {
                (Some((media_type, bytes)), _) => {
                    content(bytes, (!media_type.is_empty()).then(|| media_type.clone()))
                }
                (None, Some(target)) => Reply::Resolved(target.clone()),
                (None, None) => Reply::NotFound,
            },
            Request::Referrers { page, .. } => {
                let page: usize = page
                    .as_ref()
                    .and_then(|page| page.parse().ok())
                    .unwrap_or(0);
                let mut pages = self.listed.chunks(3).skip(page);
                Reply::Referrers {
                    descriptors: pages.next().unwrap_or_default().to_vec(),
                    next: pages.next().map(|_| (page + 1).to_string()),
                    problems: Vec::new(),
                }
            }
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => {
                match self.content.get(&descriptor.digest) {
                    Some(bytes) => content(bytes, None),
                    None => Reply::NotFound,
                }
            }
            Request::BlobDigest(algorithm) => {
                let blob = self.input.blob.unwrap_or_default();
                Reply::BlobDigest {
                    digest: Provider::preferred().hash(*algorithm, blob),
                    size: u64::try_from(blob.len()).unwrap_or(u64::MAX),
                }
            }
            Request::Evidence(request) => match self.input.evidence.get(request.url()) {
                Some(bytes) => content(bytes, None),
                None => Reply::Failed("the connection was refused".to_owned()),
            },
            _ => Reply::NotFound,
        }
    }

    /// Keeps in mind what the report must not forget.
    fn note(&mut self, need: &Need, reply: &Reply) {
        let right = match (&need.request, reply) {
            (Request::Evidence(_), _) | (Request::Referrers { .. }, Reply::NotFound) => true,
            (Request::Resolve { .. }, Reply::Content { bytes, .. })
            | (Request::Manifest(_) | Request::Envelope(_), Reply::Content { bytes, .. }) => {
                bytes.len() <= need.max_bytes
            }
            (Request::Resolve { .. }, Reply::Resolved(_)) => true,
            (Request::BlobDigest(algorithm), Reply::BlobDigest { digest, .. }) => {
                digest.algorithm() == *algorithm
            }
            (
                Request::Referrers { .. },
                Reply::Referrers {
                    descriptors,
                    problems,
                    ..
                },
            ) => {
                let of_type = |one: &&Descriptor| one.artifact_type.as_deref() == Some(SIGNATURE);
                self.signatures_listed += descriptors.iter().filter(of_type).count();
                problems.is_empty()
            }
            _ => false,
        };
        self.failed |= !right;
    }
}

/// What becomes of a reply.
fn faulty(mut reply: Reply, fault: u8, need: &Need, limits: &Limits) -> Reply {
    match (fault % 16, &mut reply) {
        (1, _) => return Reply::NotFound,
        (2, _) => return Reply::Failed("the connection was reset".to_owned()),
        (3, _) => return Reply::Resolved(descriptor(MANIFEST, &[fault])),
        (4, _) => {
            let digest = Provider::preferred().hash(HashAlgorithm::Sha512, &[fault]);
            return Reply::BlobDigest { digest, size: 1 };
        }
        (5, Reply::Content { bytes, .. }) => {
            let at = usize::from(fault) * 7 % bytes.len().max(1);
            if let Some(octet) = bytes.get_mut(at) {
                *octet ^= fault;
            }
        }
        (6, Reply::Content { bytes, .. }) => bytes.truncate(bytes.len() / 2),
        (7, Reply::Content { bytes, .. }) => {
            bytes.resize(need.max_bytes.saturating_add(1).min(1 << 17), 0)
        }
        (8, Reply::Content { media_type, .. }) => {
            *media_type = Some("application/other".to_owned())
        }
        (9, Reply::Referrers { next, .. }) => *next = Some("0".to_owned()),
        (
            10,
            Reply::Referrers {
                descriptors, next, ..
            },
        ) => {
            descriptors.clear();
            *next = Some("0".to_owned());
        }
        (11, Reply::Referrers { problems, .. }) => problems.push("odd".to_owned()),
        (12, Reply::Referrers { descriptors, .. }) => {
            let many = descriptors
                .iter()
                .cycle()
                .take(limits.referrers + 1)
                .cloned()
                .collect();
            *descriptors = many;
        }
        (13, Reply::Referrers { descriptors, .. }) => {
            for one in descriptors {
                one.size = i64::from(fault) << (fault / 4);
            }
        }
        (14, Reply::Referrers { descriptors, .. }) => {
            for one in descriptors {
                one.artifact_type = None;
            }
        }
        (15, Reply::Referrers { descriptors, .. }) => descriptors.reverse(),
        _ => {}
    }
    reply
}
