//! Verification levels, what they do with each check, and their overrides
//! (trust-store-trust-policy, "Signature Verification details").

use super::error::{Place, PolicyError};
use crate::outcome::{Action, Check};

/// The level of a statement that verifies. `skip` is no level here: it is
/// [`Selection::Skip`](super::Selection::Skip).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Every check is enforced.
    Strict,
    /// Integrity and authenticity are enforced, the rest is logged.
    Permissive,
    /// Integrity is enforced, the rest is logged.
    Audit,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Permissive, Self::Audit];

    /// `strict`, `permissive` or `audit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Permissive => "permissive",
            Self::Audit => "audit",
        }
    }

    const fn actions(self) -> Actions {
        let (authenticity, others) = match self {
            Self::Strict => (Action::Enforce, Action::Enforce),
            Self::Permissive => (Action::Enforce, Action::Log),
            Self::Audit => (Action::Log, Action::Log),
        };
        Actions {
            authenticity,
            authentic_timestamp: others,
            expiry: others,
            revocation: others,
        }
    }
}

/// When a time-stamp countersignature is verified. It needs a `tsa` store in
/// the statement as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VerifyTimestamp {
    /// Each time.
    #[default]
    Always,
    /// Only once a certificate of the signing chain has expired.
    AfterCertExpiry,
}

impl VerifyTimestamp {
    /// `always` or `afterCertExpiry`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::AfterCertExpiry => "afterCertExpiry",
        }
    }

    /// Reads the member; an empty text is an absent one.
    pub(crate) fn parse(text: &str, place: Place<'_>) -> Result<Self, PolicyError> {
        match text {
            "" | "always" => Ok(Self::Always),
            "afterCertExpiry" => Ok(Self::AfterCertExpiry),
            other => Err(place
                .field("signatureVerification.verifyTimestamp")
                .error(
                    "policy-verify-timestamp",
                    "is not a time-stamp option",
                    "use `always` or `afterCertExpiry`, or leave the field out",
                )
                .with_value(other)),
        }
    }
}

/// A level as the document has it, with `skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeclaredLevel {
    Skip,
    Verify(Level),
}

impl DeclaredLevel {
    pub(crate) fn parse(text: &str, place: Place<'_>) -> Result<Self, PolicyError> {
        const ALLOWED: &str = "use `strict`, `permissive`, `audit` or `skip`";
        let place = place.field("signatureVerification.level");
        if text.is_empty() {
            return Err(place.error("policy-level-missing", "there is no level", ALLOWED));
        }
        if text == "skip" {
            return Ok(Self::Skip);
        }
        Level::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .map(Self::Verify)
            .ok_or_else(|| {
                place
                    .error("policy-level-invalid", "is not a level", ALLOWED)
                    .with_value(text)
            })
    }
}

/// What is done with a failure of the checks that a policy can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actions {
    authenticity: Action,
    authentic_timestamp: Action,
    expiry: Action,
    revocation: Action,
}

impl Actions {
    /// Those of `level`, changed by `overrides`.
    pub(crate) fn new(
        level: Level,
        overrides: &[(String, String)],
        place: Place<'_>,
    ) -> Result<Self, PolicyError> {
        let mut actions = level.actions();
        for (check, action) in overrides {
            actions.override_one(check, action, place)?;
        }
        Ok(actions)
    }

    fn override_one(
        &mut self,
        check: &str,
        action: &str,
        place: Place<'_>,
    ) -> Result<(), PolicyError> {
        let field = format!("signatureVerification.override.{check}");
        let changed = match check {
            "integrity" => None,
            "authenticity" => Some(&mut self.authenticity),
            "authenticTimestamp" => Some(&mut self.authentic_timestamp),
            "expiry" => Some(&mut self.expiry),
            "revocation" => Some(&mut self.revocation),
            other => {
                return Err(place
                    .field("signatureVerification.override")
                    .error(
                        "policy-override-type",
                        "is not a check that can be overridden",
                        "use `authenticity`, `authenticTimestamp`, `expiry` or `revocation`",
                    )
                    .with_value(other));
            }
        };
        let place = place.field(&field);
        let action = [Action::Enforce, Action::Log, Action::Skip]
            .into_iter()
            .find(|known| known.as_str() == action)
            .ok_or_else(|| {
                place
                    .error(
                        "policy-override-action",
                        "is not an action",
                        "use `enforce` or `log`; for `revocation` also `skip`",
                    )
                    .with_value(action)
            })?;
        let Some(changed) = changed else {
            return Err(place.error(
                "policy-override-integrity",
                "integrity is always enforced",
                "remove the override",
            ));
        };
        if action == Action::Skip && check != "revocation" {
            return Err(place
                .error(
                    "policy-override-skip",
                    "is allowed for `revocation` only",
                    "use `enforce` or `log`",
                )
                .with_value("skip"));
        }
        *changed = action;
        Ok(())
    }

    /// What is done with a failure of `check`.
    pub(crate) const fn of(self, check: Check) -> Action {
        match check {
            // Whose signature it is has two halves: the chain and the name.
            Check::Authenticity | Check::TrustedIdentity => self.authenticity,
            Check::AuthenticTimestamp => self.authentic_timestamp,
            Check::Expiry => self.expiry,
            Check::Revocation => self.revocation,
            Check::Integrity
            | Check::CriticalAttributes
            | Check::Plugin
            | Check::TargetDescriptor
            | Check::UserMetadata => Action::Enforce,
        }
    }
}
