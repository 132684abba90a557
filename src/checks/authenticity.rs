//! Authenticity: the chain leads to a certificate of a trust store that the
//! policy names (trust-store-trust-policy, "Validate Authenticity").
//!
//! The envelope carries the whole ordered chain, already verified link by link,
//! so trust is membership: one of its certificates is, octet for octet, in a
//! named store of the type that the signing scheme asks for.

use super::{Checked, Facts};
use crate::envelope::SigningScheme;
use crate::evidence::Evidence;
use crate::outcome::{Reason, Rejection};
use crate::trust::StoreKind;

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    Checked::from_result(find_anchor(facts).map(Into::into))
}

fn find_anchor(facts: &Facts<'_>) -> Result<String, Rejection> {
    let kind = match facts.signed.scheme() {
        SigningScheme::X509 => StoreKind::Ca,
        SigningScheme::SigningAuthority => StoreKind::SigningAuthority,
    };
    let statement = facts.statement;
    let mut named = Vec::new();
    for store in statement.trust_stores_of(kind) {
        // A store that cannot be read fails the check even where another one
        // would match: the administrator meant both.
        named.push((store, facts.trust.get(store)?));
    }
    if named.is_empty() {
        return Err(Rejection::new(
            Reason::TrustStoreNoneConfigured,
            format!(
                "the signing scheme `{}` needs a trust store of type `{}`, and trust policy \
                 statement `{}` names none",
                facts.signed.scheme().as_str(),
                kind.as_str(),
                statement.name()
            ),
        )
        .remedy("add such a trust store to `trustStores` if you trust this kind of signer"));
    }
    for (position, certificate) in facts.signed.chain().certificates().iter().enumerate() {
        for (store, anchors) in &named {
            if anchors
                .iter()
                .any(|anchor| anchor.der() == certificate.der())
            {
                return Ok(format!(
                    "certificate {position} of the chain is in trust store `{}:{}`",
                    store.kind().as_str(),
                    store.name()
                ));
            }
        }
    }
    let stores: Vec<String> = named
        .iter()
        .map(|(store, _)| format!("`{}:{}`", store.kind().as_str(), store.name()))
        .collect();
    let chain = facts.signed.chain();
    let root = chain.root();
    Err(Rejection::new(
        Reason::NotTrusted,
        format!(
            "no certificate of the chain is in a trust store of trust policy statement `{}` ({})",
            statement.name(),
            stores.join(", ")
        ),
    )
    .about(root.summary(chain.certificates().len().checked_sub(1)))
    .remedy("if you trust this root, add it to one of these trust stores"))
}
