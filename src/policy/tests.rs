//! Corners of both documents; whole documents are in the data-driven suites.

use serde_json::{Value, json};

use super::*;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::outcome::{Action, Check};
use crate::trust::StoreKind;

fn statement(verification: Value) -> Value {
    json!({
        "name": "p",
        "registryScopes": ["a/b"],
        "signatureVerification": verification,
        "trustStores": ["ca:x", "tsa:y", "ca:x"],
        "trustedIdentities": ["*"],
    })
}

fn document(statements: &[Value]) -> Vec<u8> {
    json!({"version": "1.0", "trustPolicies": statements})
        .to_string()
        .into_bytes()
}

fn oci(statements: &[Value]) -> Result<OciPolicy, PolicyError> {
    OciPolicy::parse(&document(statements), &Limits::default())
}

fn verify(verification: Value) -> Statement {
    let policy = oci(&[statement(verification)]).unwrap();
    match policy.select_for_scope("a/b").unwrap() {
        Selection::Verify(statement) => statement.clone(),
        Selection::Skip { statement } => panic!("{statement} skips"),
    }
}

#[test]
fn levels_have_the_actions_of_the_specification() {
    use Action::{Enforce, Log};
    for (level, authenticity, others) in [
        ("strict", Enforce, Enforce),
        ("permissive", Enforce, Log),
        ("audit", Log, Log),
    ] {
        let statement = verify(json!({"level": level}));
        assert_eq!(statement.level().as_str(), level);
        for check in [
            Check::Integrity,
            Check::CriticalAttributes,
            Check::Plugin,
            Check::TargetDescriptor,
            Check::UserMetadata,
        ] {
            assert_eq!(statement.action(check), Enforce, "{level} {check:?}");
        }
        for check in [Check::Authenticity, Check::TrustedIdentity] {
            assert_eq!(statement.action(check), authenticity, "{level} {check:?}");
        }
        for check in [Check::AuthenticTimestamp, Check::Expiry, Check::Revocation] {
            assert_eq!(statement.action(check), others, "{level} {check:?}");
        }
        assert!(!statement.is_customized());
    }
}

#[test]
fn overrides_change_one_check_each() {
    let statement = verify(json!({
        "level": "audit",
        "override": {"authenticity": "enforce", "revocation": "skip"},
    }));
    assert!(statement.is_customized());
    assert_eq!(statement.action(Check::TrustedIdentity), Action::Enforce);
    assert_eq!(statement.action(Check::Revocation), Action::Skip);
    assert_eq!(statement.action(Check::Expiry), Action::Log);
}

#[test]
fn stores_stand_once_and_in_order() {
    let statement = verify(json!({"level": "strict", "verifyTimestamp": "afterCertExpiry"}));
    let names: Vec<_> = statement
        .trust_stores()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["ca:x", "tsa:y"]);
    assert_eq!(statement.trust_stores_of(StoreKind::Tsa).count(), 1);
    assert_eq!(
        statement.verify_timestamp(),
        VerifyTimestamp::AfterCertExpiry
    );
    assert!(matches!(statement.identities(), Identities::Any));
}

#[test]
fn null_is_absent() {
    let mut nulls =
        statement(json!({"level": "strict", "override": null, "verifyTimestamp": null}));
    nulls["other"] = Value::Null;
    assert!(oci(&[nulls]).is_ok());
    for (member, category) in [
        ("name", "policy-name-missing"),
        ("registryScopes", "policy-scopes-empty"),
        ("signatureVerification", "policy-level-missing"),
        ("trustStores", "policy-stores-or-identities-missing"),
        ("trustedIdentities", "policy-stores-or-identities-missing"),
    ] {
        let mut null = statement(json!({"level": "strict"}));
        null[member] = Value::Null;
        assert_eq!(oci(&[null]).unwrap_err().category(), category, "{member}");
    }
    for (member, category) in [
        ("registryScopes", "policy-scope-invalid"),
        ("trustStores", "policy-store-malformed"),
        ("trustedIdentities", "policy-identity-empty"),
    ] {
        let mut null = statement(json!({"level": "strict"}));
        null[member] = json!([null]);
        assert_eq!(oci(&[null]).unwrap_err().category(), category, "{member}");
    }
}

#[test]
fn errors_say_where_what_and_what_is_allowed() {
    let mut second = statement(json!({"level": "strict", "override": {"expiry": "warn"}}));
    second["name"] = json!("q");
    second["registryScopes"] = json!(["c/d"]);
    let error = oci(&[statement(json!({"level": "strict"})), second]).unwrap_err();
    assert_eq!(error.category(), "policy-override-action");
    assert_eq!(error.statement_index(), Some(1));
    assert_eq!(error.statement_name(), Some("q"));
    assert_eq!(error.field(), Some("signatureVerification.override.expiry"));
    assert_eq!(error.value(), Some("warn"));
    let text = "oci trust policy, statement 2 `q`, \
                field `signatureVerification.override.expiry`: `warn` is not an action; \
                use `enforce` or `log`; for `revocation` also `skip`";
    assert_eq!(error.to_string(), text);
    let error = Error::from(error);
    assert_eq!(error.kind(), ErrorKind::TrustPolicy);
    assert_eq!(error.to_string(), text);
}

#[test]
fn scopes_and_references_select() {
    let mut global = statement(json!({"level": "audit"}));
    global["name"] = json!("global");
    global["registryScopes"] = json!(["*"]);
    let policy = oci(&[global, statement(json!({"level": "strict"}))]).unwrap();
    for (scope, name) in [("a/b", "p"), ("a/c", "global"), ("A/b", "global")] {
        let selection = policy.select_for_scope(scope).unwrap();
        assert_eq!(selection.statement_name(), name, "{scope}");
    }
    // The part after the last `@` is not looked at here.
    let selection = policy.select_for_reference("a/b@").unwrap();
    assert_eq!(selection.statement_name(), "p");
    for (reference, category) in [
        ("a/b", "reference-invalid"),
        ("a/b:tag", "reference-invalid"),
        ("a/b:tag@sha256:00", "policy-scope-invalid"),
        ("*@sha256:00", "policy-scope-invalid"),
        ("a/*@sha256:00", "policy-scope-wildcard-partial"),
    ] {
        let error = policy.select_for_reference(reference).unwrap_err();
        assert_eq!(error.category(), category, "{reference}");
        assert_eq!(error.kind(), ErrorKind::Usage, "{reference}");
    }
    let policy = oci(&[statement(json!({"level": "strict"}))]).unwrap();
    let error = policy.select_for_scope("a/c").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyNotApplicable);
}

#[test]
fn skip_needs_a_scope_of_its_own() {
    let skip = |scope: &str| {
        json!({
            "name": "s", "registryScopes": [scope],
            "signatureVerification": {"level": "skip"},
        })
    };
    assert_eq!(
        oci(&[skip("*")]).unwrap_err().category(),
        "policy-skip-global"
    );
    let policy = oci(&[skip("a/b")]).unwrap();
    assert!(matches!(
        policy.select_for_scope("a/b"),
        Ok(Selection::Skip { statement: "s" })
    ));
}

#[test]
fn blobs_are_selected_by_name_or_globally() {
    let named = |name: &str, global: bool| {
        let mut statement = statement(json!({"level": "strict"}));
        statement["name"] = json!(name);
        statement["globalPolicy"] = json!(global);
        statement
    };
    let parse = |statements: &[Value]| BlobPolicy::parse(&document(statements), &Limits::default());
    let policy = parse(&[named("a", false), named(" ", false), named("g", true)]).unwrap();
    let name = |asked| policy.select(asked).map(|found| found.statement_name());
    assert_eq!(name(Some("a")), Ok("a"));
    assert_eq!(name(None), Ok("g"));
    for unknown in ["A", "", " ", "b"] {
        let error = name(Some(unknown)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PolicyNotApplicable, "{unknown:?}");
    }
    let error = parse(&[named("a", true), named("b", true)]).unwrap_err();
    assert_eq!(error.category(), "policy-global-duplicate");
    assert!(error.to_string().contains("statement `a` is global"));
    let policy = parse(&[named("a", false)]).unwrap();
    assert_eq!(
        policy.select(None).unwrap_err().category(),
        "policy-not-applicable"
    );
}

#[test]
fn sizes_and_counts_are_bounded() {
    let limits = Limits::default();
    let large = vec![b' '; limits.policy_bytes + 1];
    let error = OciPolicy::parse(&large, &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().contains("policy_bytes"));

    let identities = |count: usize| {
        let identities: Vec<_> = (0..count)
            .map(|number| format!("x509.subject: C=US, ST=WA, O=o{number}"))
            .collect();
        let mut statement = statement(json!({"level": "strict"}));
        statement["trustedIdentities"] = json!(identities);
        oci(&[statement])
    };
    assert!(identities(limits.policy_identities).is_ok());
    let error = identities(limits.policy_identities + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);

    let mut long = statement(json!({"level": "strict"}));
    long["trustedIdentities"] = json!([format!(
        "x509.subject: C=US, ST=WA, O={}",
        "x".repeat(limits.name_bytes)
    )]);
    let error = oci(&[long]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().len() < 2_000);
}
