//! An [`Answer`] held against what the case expects.

use std::collections::BTreeMap;

use super::case::{Case, Validation};

/// What this verifier said.
#[derive(Debug, Default)]
pub struct Answer {
    pub pass: bool,
    pub skipped: bool,
    pub validations: Vec<Validation>,
    /// The stable class of the failure.
    pub cause: Option<String>,
    /// The failure in words.
    pub detail: String,
    pub selected_policy: Option<String>,
    pub enforcement: Option<BTreeMap<String, String>>,
    pub certificates: Option<Vec<String>>,
    /// The case is of a kind that this runner does not know.
    pub unknown_kind: bool,
    /// The verifier panicked: never right, whatever was expected.
    pub panicked: bool,
}

pub enum Comparison {
    Agree { same_cause: bool },
    Differ(String),
    Pending,
}

pub fn compare(case: &Case, answer: &Answer) -> Comparison {
    if answer.unknown_kind {
        return Comparison::Pending;
    }
    match difference(case, answer) {
        None => Comparison::Agree {
            same_cause: answer.pass
                || case.decision.is_some()
                || case.expected.error_category == answer.cause,
        },
        Some(how) => Comparison::Differ(how),
    }
}

fn difference(case: &Case, answer: &Answer) -> Option<String> {
    if answer.panicked {
        return Some("the verifier panicked".to_owned());
    }
    let verdict = if answer.pass { "pass" } else { "fail" };
    if let Some(decision) = &case.decision {
        return match decision.overall.as_deref() {
            Some(wanted) if wanted != verdict => Some(format!(
                "decided ({}): {wanted}, here: {verdict}: {}",
                decision.follow, answer.detail
            )),
            _ => None,
        };
    }
    if case.expected.overall != verdict {
        return Some(format!(
            "expected {}, here: {verdict}: {}",
            case.expected.overall, answer.detail
        ));
    }
    if case.expects_skipped() != answer.skipped {
        return Some(format!("expected skipped: {}", case.expects_skipped()));
    }
    if let Some(expected) = &case.expected.validations
        && case.kind != "layout"
        && *expected != answer.validations
    {
        return Some(format!(
            "expected validations {}, here: {}: {}",
            list(expected),
            list(&answer.validations),
            answer.detail
        ));
    }
    if case.expected.selected_policy.is_some()
        && case.expected.selected_policy != answer.selected_policy
    {
        return Some(format!("selected statement: {:?}", answer.selected_policy));
    }
    if case.expected.enforcement.is_some() && case.expected.enforcement != answer.enforcement {
        return Some(format!("enforcement: {:?}", answer.enforcement));
    }
    if case.expected.certificates.is_some() && case.expected.certificates != answer.certificates {
        return Some(format!("certificates: {:?}", answer.certificates));
    }
    None
}

fn list(validations: &[Validation]) -> String {
    let parts: Vec<String> = validations
        .iter()
        .map(|one| {
            format!(
                "{}({}){}",
                one.check,
                one.action,
                if one.ok { "+" } else { "-" }
            )
        })
        .collect();
    format!("[{}]", parts.join(" "))
}
