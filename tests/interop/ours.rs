//! This verifier in the world of a case folder.
#![allow(dead_code, reason = "tests and benches use different parts of it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::evidence::{EvidenceSource, NoEvidence};
use notation_verifier::policy::OciPolicy;
use notation_verifier::report::SignatureResult;
use notation_verifier::trust::{StoreKind, TrustStore};
use notation_verifier::verifier::{EnvelopeRequest, Scope, Verifier};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Provider, Time};
use serde_json::Value;

/// A case folder, loaded.
pub(crate) struct World {
    pub(crate) media_type: String,
    pub(crate) envelope: Vec<u8>,
    pub(crate) expected: Value,
    verifier: Verifier,
    reference: String,
    target: Descriptor,
    user_metadata: BTreeMap<String, String>,
}

/// What this verifier said: accepted, or the reason and the words of the first
/// rejection.
pub(crate) type Verdict = Result<(), (String, String)>;

impl World {
    pub(crate) fn load(case: &Path) -> Self {
        Self::with_limits(case, Limits::default())
    }

    pub(crate) fn with_limits(case: &Path, limits: Limits) -> Self {
        let file: Value =
            serde_json::from_slice(&std::fs::read(case.join("case.json")).unwrap()).unwrap();
        let provider = Provider::preferred();
        let mut stores = TrustStore::builder();
        for (name, files) in file["trust_stores"].as_object().unwrap() {
            let (kind, name) = name.split_once(':').unwrap();
            let kind = match kind {
                "ca" => StoreKind::Ca,
                "signingAuthority" => StoreKind::SigningAuthority,
                "tsa" => StoreKind::Tsa,
                other => panic!("`{other}` is not used here"),
            };
            for path in files.as_array().unwrap() {
                let pem = std::fs::read(case.join(path.as_str().unwrap())).unwrap();
                stores = stores
                    .add_pem(kind, name, &pem, &provider, &limits)
                    .unwrap();
            }
        }
        let policy = OciPolicy::parse(file["trust_policy"].to_string().as_bytes(), &limits);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let target = Descriptor {
            media_type: text(&file["target"]["mediaType"]),
            digest: text(&file["target"]["digest"]),
            size: file["target"]["size"].as_i64().unwrap(),
            ..Descriptor::default()
        };
        let metadata = file.get("user_metadata").and_then(Value::as_object);
        Self {
            media_type: text(&file["envelope_media_type"]),
            envelope: std::fs::read(case.join(text(&file["signature"]))).unwrap(),
            expected: file["expected"].clone(),
            verifier: Verifier::builder()
                .provider(provider)
                .limits(limits)
                .oci_policy(policy.unwrap())
                .trust_store(stores.build())
                .build(),
            reference: text(&file["artifact_reference"]),
            target,
            user_metadata: metadata
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), text(value)))
                .collect(),
        }
    }

    pub(crate) fn verify(&self, envelope: &[u8]) -> Verdict {
        self.verify_with(envelope, &mut NoEvidence)
    }

    pub(crate) fn verify_with(
        &self,
        envelope: &[u8],
        evidence: &mut dyn EvidenceSource,
    ) -> Verdict {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let report = self
            .verifier
            .verify_envelope(
                &EnvelopeRequest {
                    scope: Scope::Reference(&self.reference),
                    media_type: &self.media_type,
                    envelope,
                    target: &self.target,
                    user_metadata: &self.user_metadata,
                    now: Time::from_unix(now.as_secs().try_into().unwrap()),
                },
                evidence,
            )
            .unwrap();
        let SignatureResult::Evaluated { outcome, .. } = report.signatures()[0].result() else {
            panic!("the envelope was not evaluated");
        };
        if outcome.verdict() == notation_verifier::outcome::Verdict::Trusted {
            return Ok(());
        }
        let (_, rejection) = outcome.rejections().next().expect("a rejection");
        Err((
            rejection.reason.as_str().to_owned(),
            rejection.detail.clone(),
        ))
    }
}
