//! The time-stamp of a signature, for a person who looks at it: what it says, and
//! whether it holds together. Whether its authority is trusted is another matter.

use notation_verifier::envelope::Signed;
use notation_verifier::outcome::{CertificateSummary, Rejection};
use notation_verifier::report::certificate;
use notation_verifier::timestamp::Token;
use notation_verifier::{Limits, Provider, Time};
use serde_json::{Value, json};

/// What there is to say of a time-stamp.
pub struct Stamp {
    /// What it says; `None` where it cannot be read.
    pub says: Option<Says>,
    /// What is wrong with it, trust aside.
    pub problem: Option<Rejection>,
}

/// What a time-stamp says.
pub struct Says {
    pub time: Time,
    /// In seconds, to either side.
    pub accuracy: f64,
    pub policy: String,
    /// The authority's chain, or where it does not hold together the certificates
    /// in the order of the time-stamp.
    pub certificates: Vec<CertificateSummary>,
}

impl Stamp {
    /// The time-stamp of `signed`, where it has one.
    pub fn of(signed: &Signed) -> Option<Self> {
        let bytes = signed.timestamp_token().filter(|bytes| !bytes.is_empty())?;
        let token = match Token::parse(bytes, &Provider::preferred(), &Limits::default()) {
            Ok(token) => token,
            Err(problem) => {
                return Some(Self {
                    says: None,
                    problem: Some(problem),
                });
            }
        };
        // Its own certificates for anchors: is it whole, not is it trusted.
        let verified = token
            .covers(signed.signature_bytes())
            .and_then(|()| token.verify(token.certificates()));
        let certificates = match &verified {
            Ok(stamp) => stamp.chain().certificates(),
            Err(_) => token.certificates(),
        };
        let info = token.info();
        Some(Self {
            says: Some(Says {
                time: info.time(),
                accuracy: info.accuracy().as_secs_f64(),
                policy: info.policy(),
                certificates: certificates
                    .iter()
                    .enumerate()
                    .map(|(position, one)| one.summary(Some(position)))
                    .collect(),
            }),
            problem: verified.err(),
        })
    }

    /// The member `timestamp` of `docs/inspect.schema.json`.
    pub fn to_json(&self) -> Value {
        let says = self.says.as_ref();
        json!({
            "time": says.map(|says| says.time.to_string()),
            "accuracySeconds": says.map(|says| says.accuracy),
            "policy": says.map(|says| says.policy.as_str()),
            "certificates": says
                .map(|says| says.certificates.iter().map(certificate).collect::<Vec<_>>())
                .unwrap_or_default(),
            "consistent": self.problem.is_none(),
            "detail": self.problem.as_ref().map(|problem| problem.detail.as_str()),
        })
    }
}
