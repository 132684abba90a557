//! Trust policies, references and trust stores of other projects, with the
//! verdict that each project's own tests give them.
//!
//! Cases that end differently here stand in
//! `trust_policy_vectors.exceptions.json` with a reason each.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use notation_verifier::crypto::Provider;
use notation_verifier::io::ConfigDirectory;
use notation_verifier::limits::Limits;
use notation_verifier::policy::{BlobPolicy, Identities, OciPolicy, PolicyError, Selection};
use serde_json::{Value, json};

const DOCUMENTS: usize = 111;
const REFERENCES: usize = 9;
const STORES: usize = 5;
const SIGNER_IDENTITIES: usize = 3;

/// What the projects say, and the category that means the same here.
const CATEGORIES: &[(&str, &str)] = &[
    ("malformed trust policy", "policy-malformed"),
    ("unsupported version", "policy-version-unsupported"),
    ("zero trust policy statements", "policy-no-statements"),
    ("statement is missing a name", "policy-name-missing"),
    ("use the same name", "policy-duplicate-name"),
    ("has zero registry scopes", "policy-scopes-empty"),
    ("with wild card(s)", "policy-scope-wildcard-partial"),
    ("make sure it is a fully qualified", "policy-scope-invalid"),
    ("is present in multiple", "policy-scope-duplicate"),
    (
        "uses wildcard registry scope",
        "policy-scope-wildcard-mixed",
    ),
    ("level is empty or missing", "policy-level-missing"),
    (
        "invalid signature verification level",
        "policy-level-invalid",
    ),
    ("verifyTimestamp must be", "policy-verify-timestamp"),
    (
        "is either missing trust stores",
        "policy-stores-or-identities-missing",
    ),
    ("is set to skip", "policy-skip-with-stores"),
    ("malformed trust store value", "policy-store-malformed"),
    ("unsupported trust store type", "policy-store-type"),
    ("unsupported trust store name", "policy-store-name"),
    ("has an empty trusted identity", "policy-identity-empty"),
    ("missing separator", "policy-identity-separator"),
    (
        "uses a wildcard trusted identity",
        "policy-identity-wildcard-mixed",
    ),
    ("overlapping x509", "policy-identity-overlap"),
    ("no mandatory RDN", "dn-mandatory-attribute"),
    ("duplicate RDN", "dn-duplicate-attribute"),
    ("multi-valued RDN", "dn-multi-valued"),
];

enum Policy {
    Oci(OciPolicy),
    Blob(BlobPolicy),
}

impl Policy {
    fn parse(kind: &str, document: &[u8]) -> Result<Self, PolicyError> {
        let limits = Limits::default();
        match kind {
            "oci" => OciPolicy::parse(document, &limits).map(Self::Oci),
            "blob" => BlobPolicy::parse(document, &limits).map(Self::Blob),
            other => panic!("kind {other}"),
        }
    }

    fn first(&self) -> Selection<'_> {
        match self {
            Self::Oci(policy) => policy.statements().next().unwrap(),
            Self::Blob(policy) => policy.statements().next().unwrap(),
        }
    }
}

#[test]
fn documents() {
    let Some(folder) = shared::folder("vectors/trust-policy") else {
        return;
    };
    let file = read_json(&folder.join("trust-policy-cases.json"));
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), DOCUMENTS);
    let text = include_str!("trust_policy_vectors.exceptions.json");
    let mut report = Report::new(serde_json::from_str(text).unwrap());
    for case in cases {
        report.case(case["name"].as_str().unwrap(), document(&folder, case));
    }
    report.finish("documents", DOCUMENTS);
}

/// `Err` says how a document ends differently from what its project says.
fn document(folder: &Path, case: &Value) -> Result<(), String> {
    let bytes = match (case["file"].as_str(), case["raw"].as_str()) {
        (Some(file), _) => fs::read(folder.join(file)).unwrap(),
        (None, Some(raw)) => raw.as_bytes().to_vec(),
        (None, None) => case["policy"].to_string().into_bytes(),
    };
    let (phase, rest) = case["phase"]
        .as_str()
        .unwrap()
        .split_once(':')
        .unwrap_or((case["phase"].as_str().unwrap(), ""));
    // What needs a signature is checked with the layouts; here, that the
    // document can be used for it.
    let must_fail = case["expect"] == "error" && phase != "verify";
    let parsed = Policy::parse(case["kind"].as_str().unwrap(), &bytes);
    let policy = match (parsed, must_fail) {
        (Ok(policy), false) => policy,
        (Err(error), true) => return cause(case, &error),
        (Ok(_), true) => return Err("accepted".into()),
        (Err(error), false) => return Err(format!("refused: {error}")),
    };
    if phase == "select" {
        let Policy::Oci(policy) = &policy else {
            panic!("only OCI policies are selected by repository")
        };
        // "registry/a and b" stands for two repositories of one registry.
        let mut repositories = rest.split(" and ");
        let first = repositories.next().unwrap();
        let registry = first.split_once('/').unwrap().0;
        for repository in [first.to_owned()]
            .into_iter()
            .chain(repositories.map(|name| format!("{registry}/{name}")))
        {
            policy
                .select_for_scope(&repository)
                .map_err(|error| error.to_string())?;
        }
    }
    match &case["enforcement"] {
        Value::Null => Ok(()),
        wanted => {
            let found = shared::enforcement(policy.first());
            (found == *wanted)
                .then_some(())
                .ok_or_else(|| format!("actions {found}, not {wanted}"))
        }
    }
}

/// Whether a document is refused for the reason for which its project does.
fn cause(case: &Value, error: &PolicyError) -> Result<(), String> {
    let Some(text) = case["error_substring"].as_str() else {
        return Ok(());
    };
    let (_, wanted) = CATEGORIES
        .iter()
        .find(|(words, _)| text.contains(words))
        .unwrap_or_else(|| panic!("no category for {text}"));
    (*wanted == error.category())
        .then_some(())
        .ok_or_else(|| format!("refused as {}, not {wanted}: {error}", error.category()))
}

#[test]
fn references() {
    let Some(cases) = others("artifact_references", REFERENCES) else {
        return;
    };
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "other", "registryScopes": ["registry.acme-rockets.io/net-monitor"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:a"], "trustedIdentities": ["*"],
    }]});
    let policy = OciPolicy::parse(policy.to_string().as_bytes(), &Limits::default()).unwrap();
    let mut report = Report::new(BTreeMap::new());
    for case in &cases {
        let reference = case["reference"].as_str().unwrap();
        let found = policy.select_for_reference(reference);
        assert_eq!(case["expect"], "error");
        report.case(reference, found.map_or(Ok(()), |_| Err("accepted".into())));
    }
    report.finish("references", REFERENCES);
}

#[test]
fn trust_stores() {
    let (Some(cases), Some(folder)) = (
        others("trust_store_load", STORES),
        shared::folder("vectors/trust-policy"),
    ) else {
        return;
    };
    let mut report = Report::new(BTreeMap::new());
    for case in &cases {
        let path = folder.join(case["store"].as_str().unwrap());
        let config = path.ancestors().nth(4).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = ConfigDirectory::at(config).load_store(
            &format!("ca:{name}"),
            &Provider::preferred(),
            &Limits::default(),
        );
        let expected = case["expect"].as_str().unwrap();
        report.case(
            name,
            match found {
                Ok(certificates) if expected == "ok (1 cert)" => (certificates.len() == 1)
                    .then_some(())
                    .ok_or_else(|| format!("{} certificates", certificates.len())),
                Ok(_) if expected == "ok" => Ok(()),
                Err(_) if expected == "error" => Ok(()),
                Ok(_) => Err("accepted".into()),
                Err(error) => Err(error.to_string()),
            },
        );
    }
    report.finish("trust stores", STORES);
}

/// Identities that only a plugin understands are no X.509 identities.
#[test]
fn identities_of_plugins() {
    let Some(cases) = others("aws_signer_arn", SIGNER_IDENTITIES) else {
        return;
    };
    for case in &cases {
        let policy = json!({"version": "1.0", "trustPolicies": [{
            "name": "p", "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["signingAuthority:a"],
            "trustedIdentities": case["identities"],
        }]});
        let policy = OciPolicy::parse(policy.to_string().as_bytes(), &Limits::default()).unwrap();
        let Ok(Selection::Verify(statement)) = policy.select_for_scope("a/b") else {
            panic!("{}", case["name"])
        };
        assert!(
            matches!(statement.identities(), Identities::Subjects(list) if list.is_empty()),
            "{}",
            case["name"]
        );
    }
}

fn others(member: &str, count: usize) -> Option<Vec<Value>> {
    let folder = shared::folder("vectors/trust-policy")?;
    let file = read_json(&folder.join("dn-and-reference-cases.json"));
    let cases = file[member].as_array().unwrap().clone();
    assert_eq!(cases.len(), count, "{member}");
    Some(cases)
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Collects differences and settles them against the exceptions.
struct Report {
    exceptions: BTreeMap<String, String>,
    seen: usize,
    excepted: usize,
    problems: Vec<String>,
}

impl Report {
    /// `exceptions` by the name of the case.
    fn new(exceptions: BTreeMap<String, String>) -> Self {
        Self {
            exceptions,
            seen: 0,
            excepted: 0,
            problems: Vec::new(),
        }
    }

    fn case(&mut self, name: &str, result: Result<(), String>) {
        self.seen += 1;
        match (result, self.exceptions.get(name)) {
            (Ok(()), None) => {}
            (Err(_), Some(_)) => self.excepted += 1,
            (Ok(()), Some(_)) => self
                .problems
                .push(format!("{name}: agrees, remove the exception")),
            (Err(difference), None) => self.problems.push(format!("{name}: {difference}")),
        }
    }

    fn finish(self, what: &str, count: usize) {
        println!("{what}: {} cases, {} excepted", self.seen, self.excepted);
        assert_eq!(self.seen, count);
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
        assert_eq!(self.excepted, self.exceptions.len(), "unknown exceptions");
    }
}
