//! From an envelope's octets to a result: integrity, the blob's digest, the
//! checks with what evidence they ask for.

use super::judge::{evidence_of, wrong_reply};
use super::protocol::{Reply, Request};
use super::{Candidate, Plan, Session, Stage};
use crate::checks::{self, Facts, Target};
use crate::envelope::Signed;
use crate::evidence::{EvidenceReply, EvidenceRequest};
use crate::outcome::Outcome;
use crate::report::SignatureResult;

impl Session {
    pub(super) fn open_envelope(&mut self, candidate: Candidate, bytes: &[u8]) {
        let Some(statement) = &self.statement else {
            return;
        };
        let media_type = candidate.media_type.as_deref().unwrap_or_default();
        match self.verifier.integrity(media_type, bytes) {
            Err(rejection) => {
                let result = SignatureResult::integrity_failed(statement, rejection);
                self.record(candidate, result);
            }
            Ok(signed) => {
                let signed = Box::new(signed);
                if matches!(self.plan, Plan::Blob { .. }) {
                    // A blob's digest uses the hash of the key's algorithm.
                    self.ask(Request::BlobDigest(signed.algorithm().hash()), 0);
                    self.stage = Stage::Blob(candidate, signed);
                } else {
                    self.stage = Stage::Checking(candidate, signed);
                }
            }
        }
    }

    pub(super) fn take_blob(&mut self, candidate: Candidate, signed: Box<Signed>) {
        match self.take_answer() {
            Some(Reply::BlobDigest { digest, size })
                if digest.algorithm() == signed.algorithm().hash() =>
            {
                self.report.blob = Some((digest, size));
                self.stage = Stage::Checking(candidate, signed);
            }
            Some(Reply::Failed(why)) => self.fail(format!("the blob could not be read: {why}")),
            Some(Reply::NotFound) => self.fail("the blob does not exist".to_owned()),
            _ => self.fail(wrong_reply("the blob's digest")),
        }
    }

    pub(super) fn check(&mut self, candidate: Candidate, signed: Box<Signed>) {
        for (request, reply) in std::mem::take(&mut self.answers) {
            if let Request::Evidence(request) = request {
                self.evidence.insert(request, evidence_of(reply));
            }
        }
        let Some(statement) = &self.statement else {
            return;
        };
        let target = match (&self.plan, &self.report.target, &self.report.blob) {
            (Plan::Image(_) | Plan::Envelope, Some(descriptor), _) => Target::Artifact(descriptor),
            (Plan::Blob { media_type }, _, Some((digest, size))) => Target::Blob {
                media_type: media_type.as_deref(),
                digest,
                size: *size,
            },
            _ => return,
        };
        let facts = Facts {
            signed: &signed,
            statement,
            trust: self.verifier.trust_store(),
            target,
            user_metadata: &self.user_metadata,
            now: self.report.verified_at,
            stamped: None,
            authorities: self.verifier.authorities(),
            provider: self.verifier.provider(),
            limits: self.verifier.limits(),
        };
        match checks::run(&facts, &self.evidence) {
            Ok(findings) => {
                let result = SignatureResult::Evaluated {
                    outcome: Outcome::new(findings),
                    signed: Some(signed),
                };
                self.record(candidate, result);
            }
            Err(requests) => {
                self.ask_for_evidence(requests);
                self.stage = Stage::Checking(candidate, signed);
            }
        }
    }

    /// Asks for evidence, or, past the bound of rounds, answers that it cannot be
    /// had: the check then judges that.
    fn ask_for_evidence(&mut self, requests: Vec<EvidenceRequest>) {
        self.evidence_rounds += 1;
        let limits = self.verifier.limits().clone();
        for request in requests {
            if self.evidence_rounds > limits.evidence_rounds {
                let why = format!(
                    "more than {} rounds of evidence were needed (`evidence_rounds`)",
                    limits.evidence_rounds
                );
                self.evidence
                    .insert(request, EvidenceReply::Unavailable(why));
            } else {
                let most = match &request {
                    EvidenceRequest::Ocsp { .. } => limits.ocsp_response_bytes,
                    EvidenceRequest::Crl { .. } => limits.evidence_bytes,
                };
                self.ask(Request::Evidence(request), most);
            }
        }
    }
}
