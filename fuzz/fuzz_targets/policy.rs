//! A trust policy document is a valid policy or an error that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Action, Check};
use notation_verifier::policy::{BlobPolicy, Identities, OciPolicy, PolicyError, Selection};

fuzz_target!(|document: &[u8]| {
    let limits = Limits::default();
    match OciPolicy::parse(document, &limits) {
        Ok(policy) => {
            policy.statements().for_each(check);
            if let Err(error) = policy.select_for_scope("registry.example.com/app") {
                show(&error);
            }
            // A document can also stand for a reference.
            if let Ok(reference) = std::str::from_utf8(document) {
                let _ = policy.select_for_reference(reference);
            }
        }
        Err(error) => show(&error),
    }
    match BlobPolicy::parse(document, &limits) {
        Ok(policy) => {
            policy.statements().for_each(check);
            for selection in policy.statements() {
                let name = selection.statement_name();
                if let Ok(found) = policy.select(Some(name)) {
                    assert_eq!(found.statement_name(), name);
                }
            }
            if let Ok(Selection::Skip { statement }) = policy.select(None) {
                panic!("the global statement {statement} is at level skip");
            }
        }
        Err(error) => show(&error),
    }
});

/// What holds for every statement of a valid policy.
fn check(selection: Selection<'_>) {
    let Selection::Verify(statement) = selection else {
        return;
    };
    assert_eq!(statement.action(Check::Integrity), Action::Enforce);
    assert_eq!(
        statement.action(Check::TrustedIdentity),
        statement.action(Check::Authenticity)
    );
    for check in [
        Check::Authenticity,
        Check::AuthenticTimestamp,
        Check::Expiry,
    ] {
        assert_ne!(statement.action(check), Action::Skip);
    }
    assert!(!statement.trust_stores().is_empty());
    for store in statement.trust_stores() {
        assert!(!store.name().contains(['/', '\\', '\0']) && store.name() != "..");
    }
    if let Identities::Subjects(subjects) = statement.identities() {
        for (position, subject) in subjects.iter().enumerate() {
            assert!(
                subjects
                    .iter()
                    .take(position)
                    .all(|other| !subject.overlaps(other))
            );
        }
    }
}

fn show(error: &PolicyError) {
    let text = error.to_string();
    assert!(!text.contains('\n') && !error.category().is_empty());
}
