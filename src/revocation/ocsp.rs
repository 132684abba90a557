//! What OCSP says about a certificate (trust-store-trust-policy, "Revocation
//! Checking with OCSP"; RFC 6960).

use const_oid::ObjectIdentifier;

use super::crl::CLOCK_LEEWAY;
use super::{Answer, Attempt, Context, Method, Pending, Revocation, Status, Subject, address};
use crate::evidence::{Evidence, EvidenceReply, EvidenceRequest};
use crate::x509::{
    Certificate, OcspResponse, OcspStatus, Purpose, SingleResponse, Usage, ocsp_request,
};

const ID_PKIX_OCSP_NOCHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

impl Subject<'_> {
    /// The status by OCSP: each address in turn until one gives an answer that
    /// can be used. "Unknown" is such an answer: it ends OCSP without a status.
    pub(super) fn by_ocsp(self, attempts: &mut Vec<Attempt>) -> Result<Status, Pending> {
        let urls = self.certificate.ocsp_urls();
        if urls.is_empty() {
            return Ok(Status::NotRevocable);
        }
        let limit = self.context.limits.revocation_addresses;
        if urls.len() > limit {
            let why = format!(
                "the certificate has {} OCSP addresses, the limit is {limit}",
                urls.len()
            );
            attempts.push(attempt("", Answer::Unknown(why)));
            return Ok(Status::Unknown);
        }
        let mut request = None;
        for url in urls {
            if let Err(why) = address::check(url) {
                attempts.push(attempt(url, Answer::Unknown(why)));
                continue;
            }
            let request = EvidenceRequest::Ocsp {
                url: url.to_owned(),
                request: request
                    .get_or_insert_with(|| request_for(self.certificate, self.issuer))
                    .clone(),
            };
            let (answer, usable) = match self.evidence.get(&request) {
                None => return Err(vec![request]),
                Some(EvidenceReply::Unavailable(why)) => (Answer::Unknown(why.clone()), false),
                Some(EvidenceReply::Content(content)) => match self.read(content.bytes())? {
                    Ok(answer) => (answer, true),
                    Err(why) => (Answer::Unknown(why), false),
                },
            };
            attempts.push(attempt(url, answer.clone()));
            match answer {
                Answer::Good => return Ok(Status::Good),
                Answer::Revoked(revocation) => return Ok(Status::Revoked(revocation)),
                Answer::Unknown(_) if usable => return Ok(Status::Unknown),
                Answer::Unknown(_) => {}
            }
        }
        Ok(Status::Unknown)
    }

    /// What a response says, or why it cannot be used.
    fn read(self, response: &[u8]) -> Result<Result<Answer, String>, Pending> {
        let limit = self.context.limits.ocsp_response_bytes;
        if response.len() > limit {
            return Ok(Err(format!(
                "the response has {} octets, the limit is {limit}",
                response.len()
            )));
        }
        let response = match OcspResponse::parse(response) {
            Ok(response) => response,
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(self
            .authorised(&response)?
            .and_then(|()| self.strictest(&response)))
    }

    /// The answer about the certificate: where there are several, the strictest.
    fn strictest(self, response: &OcspResponse<'_>) -> Result<Answer, String> {
        if let Some(oid) = &response.unknown_critical {
            return Err(format!(
                "the response has the critical extension `{oid}`, which is not supported"
            ));
        }
        let provider = self.context.provider;
        let about = response
            .responses
            .iter()
            .filter(|single| single.id.is_of(self.certificate, self.issuer, provider));
        let mut strictest = None;
        for single in about {
            let answer = self.single(single)?;
            strictest = Some(match (strictest, answer) {
                (Some(revoked @ Answer::Revoked(_)), _) => revoked,
                (Some(unknown @ Answer::Unknown(_)), Answer::Good) => unknown,
                (_, answer) => answer,
            });
        }
        strictest.ok_or_else(|| "the response is not about this certificate".to_owned())
    }

    fn single(self, single: &SingleResponse<'_>) -> Result<Answer, String> {
        if let Some(oid) = &single.unknown_critical {
            return Err(format!(
                "the answer has the critical extension `{oid}`, which is not supported"
            ));
        }
        let now = self.context.now;
        // RFC 6960 section 4.2.2.1: "considered unreliable".
        if single.this_update > now.saturating_add_seconds(CLOCK_LEEWAY) {
            return Err(format!(
                "the answer is dated {}, and it is {now}",
                single.this_update
            ));
        }
        match single.next_update {
            // It could be replayed for ever; the reference refuses it too.
            None => return Err("the answer does not say how long it holds (nextUpdate)".to_owned()),
            Some(next) if now > next => {
                return Err(format!("the answer expired at {next}, and it is {now}"));
            }
            Some(_) => {}
        }
        Ok(match single.status {
            OcspStatus::Good => Answer::Good,
            OcspStatus::Unknown => {
                Answer::Unknown("the responder does not know the certificate".to_owned())
            }
            OcspStatus::Revoked { date, reason } => {
                let revocation = Revocation {
                    date,
                    reason,
                    invalidity_date: single.invalidity_date,
                };
                if revocation.is_after_signing(self.context) {
                    Answer::Good
                } else {
                    Answer::Revoked(revocation)
                }
            }
        })
    }

    /// Whether the response is signed by the issuer of the certificate, or by
    /// somebody with a certificate of that issuer for this purpose.
    fn authorised(self, response: &OcspResponse<'_>) -> Result<Result<(), String>, Pending> {
        let Err(by_issuer) = response.is_signed_by(self.issuer) else {
            return Ok(Ok(()));
        };
        let limit = self.context.limits.chain_certificates;
        let mut why = format!(
            "the response is not from `{}`: {by_issuer}",
            self.issuer.subject()
        );
        for der in response.certificates.iter().take(limit) {
            let Ok(responder) = Certificate::parse(der, self.context.provider, self.context.limits)
            else {
                continue;
            };
            if response.is_signed_by(&responder).is_err() {
                continue;
            }
            match self.may_respond(&responder)? {
                Ok(()) => return Ok(Ok(())),
                Err(problem) => {
                    why = format!("the responder `{}` {problem}", responder.subject());
                }
            }
        }
        Ok(Err(why))
    }

    /// RFC 6960 section 4.2.2.2, "Authorized Responders".
    fn may_respond(self, responder: &Certificate) -> Result<Result<(), String>, Pending> {
        let issued = responder.issuer() == self.issuer.subject()
            && self.issuer.verify_signature_on(responder).is_ok();
        let problem = if !issued {
            "has no certificate of the authority that issued this one"
        } else if !responder.has_purpose(Purpose::OcspSigning) {
            "has a certificate that is not for signing OCSP responses"
        } else if responder
            .key_usage()
            .is_some_and(|usage| !usage.has(Usage::DigitalSignature))
        {
            "has a key that is not for digital signatures"
        } else if !responder.is_valid_at(self.context.now) {
            "has a certificate that is not valid now"
        } else {
            return self.responder_is_not_revoked(responder);
        };
        Ok(Err(problem.to_owned()))
    }

    /// "If id-pkix-ocsp-nocheck extension is not present on the OCSP signing
    /// certificate then revocation checking must be performed using CRLs for the
    /// OCSP signing certificate." One without addresses is not revocable, as
    /// every other certificate.
    fn responder_is_not_revoked(
        self,
        responder: &Certificate,
    ) -> Result<Result<(), String>, Pending> {
        if responder
            .extension(ID_PKIX_OCSP_NOCHECK.as_bytes())
            .is_some()
        {
            return Ok(Ok(()));
        }
        let mut attempts = Vec::new();
        let responder = Subject {
            certificate: responder,
            ..self
        };
        Ok(match responder.by_crl(&mut attempts)? {
            Status::Good | Status::NotRevocable => Ok(()),
            Status::Revoked(revocation) => Err(format!("has a certificate that is {revocation}")),
            Status::Unknown => {
                let causes = attempts.iter().filter_map(|attempt| match &attempt.answer {
                    Answer::Unknown(why) => Some(format!("`{}`: {why}", attempt.url)),
                    Answer::Good | Answer::Revoked(_) => None,
                });
                Err(format!(
                    "has a certificate whose own status could not be determined: {}",
                    causes.collect::<Vec<_>>().join("; ")
                ))
            }
        })
    }
}

/// The DER of the `OCSPRequest` that is sent for `certificate`, issued by
/// `issuer`: for hosts that fetch ahead.
#[must_use]
pub fn request_for(certificate: &Certificate, issuer: &Certificate) -> Vec<u8> {
    ocsp_request(certificate, issuer)
}

fn attempt(url: &str, answer: Answer) -> Attempt {
    Attempt {
        method: Method::Ocsp,
        url: url.to_owned(),
        answer,
    }
}

/// What the DER of an OCSP response says about `certificate`, issued by
/// `issuer`, for hosts that have responses of their own.
///
/// A responder's certificate that must be looked up in CRLs first is looked up
/// in `evidence`.
///
/// # Errors
/// The lists that must be fetched first.
pub fn judge(
    response: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    context: &Context<'_>,
    evidence: &Evidence,
) -> Result<Answer, Vec<EvidenceRequest>> {
    let subject = Subject {
        certificate,
        issuer,
        context,
        evidence,
    };
    Ok(subject.read(response)?.unwrap_or_else(Answer::Unknown))
}
