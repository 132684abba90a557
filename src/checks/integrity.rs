//! Integrity: the gate from an envelope's bytes to a [`Signed`].
//!
//! Steps 1 to 3 of "Signature Verification": the envelope is well-formed, the
//! certificates meet the certificate requirements, the algorithm is that of the
//! key, the signature verifies, and the signed attributes obey their rules.
//! Every level enforces this check, so it is a gate in the types and not a
//! function of [`Facts`](super::Facts).

use std::borrow::Cow;

use crate::crypto::Provider;
use crate::envelope::{Envelope, Signed};
use crate::limits::Limits;
use crate::outcome::{Action, Check, CheckResult, Finding, Rejection};

use super::ChainCache;

/// Verifies the integrity of `bytes`, an envelope of `media_type`.
///
/// # Errors
/// Why the envelope, its certificates or its signature is bad.
pub fn verify(
    media_type: &str,
    bytes: &[u8],
    provider: &Provider,
    chains: &ChainCache,
    limits: &Limits,
) -> Result<Signed, Rejection> {
    let envelope = Envelope::parse(media_type, bytes, limits)?;
    let chain = chains.get_or_parse(envelope.certificates(), provider, limits)?;
    envelope.verify(chain)
}

pub(super) fn passed() -> Finding {
    Finding {
        check: Check::Integrity,
        action: Action::Enforce,
        result: CheckResult::Passed(Cow::Borrowed(
            "the envelope is well-formed and its signature verifies",
        )),
    }
}

pub(super) fn failed(rejection: Rejection) -> Finding {
    Finding {
        check: Check::Integrity,
        action: Action::Enforce,
        result: CheckResult::Failed(rejection),
    }
}
