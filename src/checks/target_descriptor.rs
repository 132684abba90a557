//! The signed payload names the artifact that was asked for
//! (trust-store-trust-policy, "Validate Integrity", "Verify signature
//! payload"). The level does not matter: a signature of something else is no
//! signature of this.

use super::{Checked, Facts, Target};
use crate::evidence::Evidence;
use crate::outcome::{Reason, Rejection};
use crate::wire::Descriptor;

/// The check.
#[must_use]
pub fn check(facts: &Facts<'_>, _evidence: &Evidence) -> Checked {
    Checked::from_result(compare(facts).map(Into::into))
}

fn compare(facts: &Facts<'_>) -> Result<&'static str, Rejection> {
    let payload = facts.signed.payload()?;
    let signed = &payload.target_artifact;
    let differences = match facts.target {
        Target::Artifact(artifact) => [
            differ("digest", &signed.digest, &artifact.digest),
            differ("size", &signed.size, &artifact.size),
            differ("media type", &signed.media_type, &artifact.media_type),
        ],
        Target::Blob {
            media_type,
            digest,
            size,
        } => {
            let expected = format!("{}:{}", digest.algorithm().as_str(), digest.to_hex());
            [
                differ("digest", &signed.digest, &expected),
                differ(
                    "size",
                    &signed.size,
                    &i64::try_from(size).unwrap_or(i64::MAX),
                ),
                media_type
                    .and_then(|wanted| differ("media type", signed.media_type.as_str(), wanted)),
            ]
        }
    };
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    if differences.is_empty() {
        return Ok("the signed payload names this artifact");
    }
    Err(not_this(signed, &differences))
}

fn differ<T: PartialEq + std::fmt::Display + ?Sized>(
    what: &str,
    signed: &T,
    wanted: &T,
) -> Option<String> {
    (signed != wanted).then(|| format!("the signed {what} is `{signed}`, not `{wanted}`"))
}

fn not_this(signed: &Descriptor, differences: &[String]) -> Rejection {
    let what = if signed == &Descriptor::default() {
        "the signed payload names no artifact".to_owned()
    } else {
        "the signature is of another artifact".to_owned()
    };
    Rejection::new(
        Reason::TargetMismatch,
        format!("{what}: {}", differences.join("; ")),
    )
    .remedy("the artifact or its signature was replaced, or the signature belongs elsewhere")
}
