//! The time-stamp countersignature of a signature (trust-store-trust-policy,
//! "Timestamp Countersignature Verification Details").

use super::Facts;
use crate::crypto::Provider;
use crate::evidence::{Evidence, EvidenceRequest};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::policy::VerifyTimestamp;
use crate::revocation::{self, Context};
use crate::time::Time;
use crate::timestamp::{Timestamp, Token};
use crate::trust::StoreKind;
use crate::x509::{Certificate, Chain};

/// Whether the conditions for verifying a countersignature under the scheme
/// `notary.x509` are met: the policy names a `tsa` store, and either wants it
/// always or a certificate of the chain has expired.
pub(super) fn is_needed(facts: &Facts<'_>) -> bool {
    let statement = facts.statement;
    statement.trust_stores_of(StoreKind::Tsa).next().is_some()
        && match statement.verify_timestamp() {
            VerifyTimestamp::Always => true,
            VerifyTimestamp::AfterCertExpiry => facts
                .signed
                .chain()
                .certificates()
                .iter()
                .any(|certificate| facts.now > certificate.not_after()),
        }
}

/// A countersignature that passed every step, and what was found of its
/// authority's certificates.
pub(super) struct Verified {
    pub(super) stamp: Timestamp,
    pub(super) revocation: String,
}

/// Why there is none, or none yet.
pub(crate) enum Unverified {
    Rejected(Rejection),
    Needs(Vec<EvidenceRequest>),
}

impl From<Rejection> for Unverified {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Verifies the countersignature: what it is of, who made it, that its time is
/// in the validity of the signer's chain, and that nobody revoked the authority.
pub(super) fn verify(facts: &Facts<'_>, evidence: &Evidence) -> Result<Verified, Unverified> {
    let token = read(facts)?;
    let stamp = token.verify_with(&anchors(facts)?, &|path| {
        facts
            .authorities
            .get_or_check_authority(path, facts.provider, facts.limits)
    })?;
    check_range(facts.signed.chain(), &stamp)?;
    let revocation = check_revocation(&stamp, facts.now, facts.provider, facts.limits, evidence)?;
    Ok(Verified { stamp, revocation })
}

fn read(facts: &Facts<'_>) -> Result<Token, Rejection> {
    let bytes = facts
        .signed
        .timestamp_token()
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| {
            Rejection::new(
                Reason::TimestampMissing,
                format!(
                    "trust policy statement `{}` asks for a time-stamp, and the signature has none",
                    facts.statement.name()
                ),
            )
            .remedy(
                "ask the signer for a time-stamped signature, or set `verifyTimestamp` to \
                 `afterCertExpiry`",
            )
        })?;
    let token = Token::parse(bytes, facts.provider, facts.limits)?;
    token.covers(facts.signed.signature_bytes())?;
    Ok(token)
}

/// The certificates of the policy's `tsa` stores. A store that cannot be read
/// fails the check even where another one would do.
fn anchors(facts: &Facts<'_>) -> Result<Vec<Certificate>, Rejection> {
    let mut anchors = Vec::new();
    for store in facts.statement.trust_stores_of(StoreKind::Tsa) {
        anchors.extend_from_slice(facts.trust.get(store)?);
    }
    Ok(anchors)
}

/// "Validate that the time range from `timeStampLowerLimit` to
/// `timeStampUpperLimit` is entirely within the signing certificate chain's
/// validity period."
pub(crate) fn check_range(signer: &Chain, stamp: &Timestamp) -> Result<(), Rejection> {
    let outside = signer
        .certificates()
        .iter()
        .zip(0_usize..)
        .find(|(certificate, _)| {
            stamp.earliest() < certificate.not_before() || stamp.latest() > certificate.not_after()
        });
    let Some((certificate, position)) = outside else {
        return Ok(());
    };
    Err(Rejection::new(
        Reason::TimestampOutsideValidity,
        format!(
            "the signature was time-stamped {stamp}, and certificate {position} (`{}`) is valid \
             from {} to {} only",
            certificate.subject(),
            certificate.not_before(),
            certificate.not_after()
        ),
    )
    .about(certificate.summary(Some(position))))
}

/// Revocation of the authority's chain: "always enforced when timestamp
/// countersignature verification is triggered", whatever the policy says of the
/// signer's chain.
pub(crate) fn check_revocation(
    stamp: &Timestamp,
    now: Time,
    provider: &Provider,
    limits: &Limits,
    evidence: &Evidence,
) -> Result<String, Unverified> {
    // Without an authentic signing time: a stamp cannot vouch for its own authority.
    let context = Context::new(now, provider, limits);
    let chain = stamp.chain().certificates();
    let statuses = revocation::evaluate(chain, &context, evidence).map_err(Unverified::Needs)?;
    revocation::conclude(chain, &statuses)
        .map(Into::into)
        .map_err(|rejection| of_authority(rejection).into())
}

/// A rejection of the signer's chain would read the same and mean another one.
fn of_authority(mut rejection: Rejection) -> Rejection {
    if rejection.reason == Reason::RevocationUnknown {
        rejection = rejection.remedy(
            "make the addresses reachable or provide their answers: the status of a \
             time-stamping authority is always enforced",
        );
    }
    rejection.reason = Reason::TimestampRevocation;
    rejection.detail = format!("the time-stamping authority: {}", rejection.detail);
    rejection
}
