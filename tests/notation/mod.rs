//! Worlds for the Notary Project's own signatures: stores, policy, verdict.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notation_verifier::evidence::NoEvidence;
use notation_verifier::outcome::{Check, Reason, Verdict};
use notation_verifier::report::SignatureReport;
use notation_verifier::trust::StoreKind;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::x509::Certificate;
use notation_verifier::{BlobPolicy, Limits, OciPolicy, Provider, Time, TrustStore, Verifier};
use serde_json::{Value, json};

/// When the signatures are verified, where a run says nothing else: after the
/// short-lived certificates of the table, before the long-lived ones end.
pub(crate) const NOW: &str = "2025-06-01T00:00:00Z";

pub(crate) fn time(text: &str) -> Time {
    // Some of the table's times have a space in place of the `T`.
    Time::parse_rfc3339(&text.replace(' ', "T")).expect(text)
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How a verification should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Trusted,
    /// Trusted, with this failure visible in the result.
    Logged(Check, Reason),
    Rejected(Check, Reason),
}

pub(crate) fn ending(signature: &SignatureReport) -> Expect {
    let outcome = signature.outcome().expect("the signature was evaluated");
    match (
        signature.verdict(),
        outcome.rejections().next(),
        outcome.logged_failures().next(),
    ) {
        (Verdict::Trusted, None, None) => Expect::Trusted,
        (Verdict::Trusted, None, Some((finding, why))) => Expect::Logged(finding.check, why.reason),
        (Verdict::Rejected, Some((finding, why)), _) => Expect::Rejected(finding.check, why.reason),
        other => panic!("{other:?}"),
    }
}

pub(crate) const EXPIRED: (Check, Reason) = (Check::Expiry, Reason::SignatureExpired);
pub(crate) const CERT_EXPIRED: (Check, Reason) =
    (Check::AuthenticTimestamp, Reason::CertOutsideValidity);

/// What a verifier is made of.
pub(crate) struct World {
    pub(crate) kind: StoreKind,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) tsa: Vec<Certificate>,
}

pub(crate) fn certificates(files: &[PathBuf]) -> Vec<Certificate> {
    let limits = Limits::default();
    let mut found = Vec::new();
    for file in files {
        // A store reads files; one of its own for each gives its certificates.
        let store = TrustStore::builder()
            .add_pem(
                StoreKind::Ca,
                "one",
                &read(file),
                &Provider::preferred(),
                &limits,
            )
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            .build();
        let name = store.names().next().unwrap().clone();
        found.extend(store.get(&name).unwrap().iter().cloned());
    }
    found
}

impl World {
    /// Stores for artifacts and, by the same statement, for blobs.
    pub(crate) fn verifier(&self, level: &str, verify_timestamp: Option<&str>) -> Verifier {
        let limits = Limits::default();
        let mut statement = json!({
            "name": "all",
            "signatureVerification": { "level": level },
            "trustStores": [format!("{}:store", self.kind)],
            "trustedIdentities": ["*"],
        });
        if level == "skip" {
            statement["trustStores"] = json!([]);
            statement["trustedIdentities"] = json!([]);
        }
        if let Some(when) = verify_timestamp {
            statement["signatureVerification"]["verifyTimestamp"] = json!(when);
            statement["trustStores"]
                .as_array_mut()
                .unwrap()
                .push(json!("tsa:store"));
        }
        let mut blob = statement.clone();
        statement["registryScopes"] = json!(["registry.example/some/repository"]);
        if level == "skip" {
            // The global statement of blobs may not skip.
            blob["name"] = json!("named");
        } else {
            blob["globalPolicy"] = json!(true);
        }
        let document = |statement: &Value| {
            json!({ "version": "1.0", "trustPolicies": [statement] })
                .to_string()
                .into_bytes()
        };
        let mut stores = TrustStore::builder();
        if !self.certificates.is_empty() {
            stores = stores
                .add(self.kind, "store", self.certificates.clone())
                .unwrap();
        }
        if !self.tsa.is_empty() {
            stores = stores
                .add(StoreKind::Tsa, "store", self.tsa.clone())
                .unwrap();
        }
        Verifier::builder()
            .oci_policy(OciPolicy::parse(&document(&statement), &limits).unwrap())
            .blob_policy(BlobPolicy::parse(&document(&blob), &limits).unwrap())
            .trust_store(stores.build())
            .build()
    }
}

/// A world whose only anchor is in this file.
pub(crate) fn anchored(file: PathBuf) -> World {
    World {
        kind: StoreKind::Ca,
        certificates: certificates(&[file]),
        tsa: Vec::new(),
    }
}

pub(crate) const SCOPE: &str = "registry.example/some/repository";

pub(crate) fn verify(
    verifier: &Verifier,
    media_type: &str,
    bytes: &[u8],
    target: &Descriptor,
    metadata: &BTreeMap<String, String>,
    now: Time,
) -> Expect {
    let request = EnvelopeRequest {
        scope: Scope::Repository(SCOPE),
        media_type,
        envelope: bytes,
        target,
        user_metadata: metadata,
        now,
    };
    let report = verifier.verify_envelope(&request, &mut NoEvidence).unwrap();
    let [signature] = report.signatures() else {
        panic!("one envelope, one signature");
    };
    ending(signature)
}
