//! Trusted identities of a statement
//! (trust-store-trust-policy, "Trusted Identities Constraints").

use super::error::{Place, PolicyError};
use crate::error::ErrorKind;
use crate::limits::Limits;
use crate::x509::{IdentityErrorKind, TrustedSubject};

/// Who may sign, among those whose chain leads to a trust store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Identities {
    /// Everyone: the policy says `*`.
    Any,
    /// Those whose subject has all attributes of one of these. Empty where the
    /// policy has identities of other kinds only: then no one.
    Subjects(Vec<TrustedSubject>),
}

impl Identities {
    /// Reads the members of `trustedIdentities`; the caller has seen that there
    /// is at least one.
    pub(crate) fn parse(
        texts: &[String],
        place: Place<'_>,
        limits: &Limits,
    ) -> Result<Self, PolicyError> {
        const ANY: &str = "*";
        let place = place.field("trustedIdentities");
        if let [only] = texts
            && only == ANY
        {
            return Ok(Self::Any);
        }
        if texts.iter().any(|text| text == ANY) {
            return Err(place
                .error(
                    "policy-identity-wildcard-mixed",
                    "stands beside other identities",
                    "let `*` stand alone, or name identities only",
                )
                .with_value(ANY));
        }
        if texts.len() > limits.policy_identities {
            return Err(place
                .error(
                    "policy-too-large",
                    format!(
                        "there are more than {} identities",
                        limits.policy_identities
                    ),
                    "leave out attributes so that one identity stands for many, \
                     or raise the limit `policy_identities`",
                )
                .with_kind(ErrorKind::LimitExceeded));
        }
        let mut subjects: Vec<(&str, TrustedSubject)> = Vec::new();
        for text in texts {
            if let Some(subject) = subject(text, place, limits)? {
                subjects.push((text, subject));
            }
        }
        refuse_overlap(&subjects, place)?;
        Ok(Self::Subjects(
            subjects.into_iter().map(|(_, subject)| subject).collect(),
        ))
    }
}

/// The subject of an X.509 identity; `None` for a kind of identity that only
/// others (plugins) understand.
fn subject(
    text: &str,
    place: Place<'_>,
    limits: &Limits,
) -> Result<Option<TrustedSubject>, PolicyError> {
    const EXAMPLE: &str = "write `x509.subject:` and at least C, ST and O, \
         for example `x509.subject: C=US, ST=WA, O=example.com`";
    if text.is_empty() {
        return Err(place.error(
            "policy-identity-empty",
            "there is an empty identity",
            EXAMPLE,
        ));
    }
    let Some((prefix, name)) = text.split_once(':') else {
        return Err(place
            .error(
                "policy-identity-separator",
                "has no `:` between the kind of identity and its value",
                EXAMPLE,
            )
            .with_value(text));
    };
    if prefix != "x509.subject" {
        return Ok(None);
    }
    if name.is_empty() {
        return Err(place
            .error("policy-identity-value", "names no subject", EXAMPLE)
            .with_value(text));
    }
    TrustedSubject::parse(name, limits)
        .map(Some)
        .map_err(|error| {
            let kind = match error.kind() {
                IdentityErrorKind::Limit => ErrorKind::LimitExceeded,
                _ => ErrorKind::TrustPolicy,
            };
            place
                .error(
                    error.kind().as_str(),
                    format!("is not a distinguished name for an identity: {error}"),
                    EXAMPLE,
                )
                .with_value(text)
                .with_kind(kind)
        })
}

/// The specification calls identities overlapping where one certificate can
/// match both. Read literally, that makes almost any two identities with
/// different attributes invalid, so that this, like the reference, asks whether
/// one contains the other.
fn refuse_overlap(
    subjects: &[(&str, TrustedSubject)],
    place: Place<'_>,
) -> Result<(), PolicyError> {
    for (position, (text, subject)) in subjects.iter().enumerate() {
        for (earlier_text, earlier) in subjects.iter().take(position) {
            if subject.overlaps(earlier) {
                return Err(place
                    .error(
                        "policy-identity-overlap",
                        format!("overlaps with {}", crate::error::quote(earlier_text)),
                        "keep the one with fewer attributes",
                    )
                    .with_value(*text));
            }
        }
    }
    Ok(())
}
