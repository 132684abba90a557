//! Time-stamps for signatures that are made here (signing-and-verification-workflow,
//! "Signing Steps"): the query, and the envelope once the authority's answer is
//! verified, its chain and the revocation of it included.
//!
//! ```text
//! ToBeSigned + signature ─► Stamping ─► query ─► (the authority) ─► reply ─► envelope
//! ```
//!
//! Nothing is sent here; `io::timestamp` does.

use super::{ToBeSigned, refused};
use crate::checks::countersignature::{self, Unverified};
use crate::error::Error;
use crate::evidence::{Evidence, EvidenceReply, EvidenceRequest, EvidenceSource};
use crate::outcome::Rejection;
use crate::time::Time;
use crate::timestamp::{Query, Reply, Timestamp};
use crate::x509::Certificate;

/// A good signature that is to get a time-stamp.
#[derive(Clone, Debug)]
pub struct Stamping<'a> {
    to_be_signed: &'a ToBeSigned,
    signature: &'a [u8],
    query: Query,
}

/// An envelope with a time-stamp, both verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stamped {
    /// The envelope.
    pub envelope: Vec<u8>,
    /// When, and by whom it was stamped.
    pub timestamp: Timestamp,
    /// What is known of the revocation of the authority, for a person.
    pub revocation: String,
}

/// How far the verification of an authority's answer came.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "it is looked at once")]
pub enum StampProgress {
    /// The envelope is there.
    Done(Stamped),
    /// These are to be fetched first, all at the same time.
    Needs(Vec<EvidenceRequest>),
}

impl ToBeSigned {
    /// What asks for a time-stamp of `signature`, with the hash function of the
    /// signature's own algorithm. `nonce` is a random number that is used once.
    ///
    /// A time-stamp is of use under the scheme `notary.x509`; under the other one
    /// verifiers pass it over (signature-envelope-jws, signature-envelope-cose).
    ///
    /// # Errors
    /// [`ErrorKind::Signing`](crate::ErrorKind::Signing) where the signature is not
    /// one of the signing certificate's key over [`ToBeSigned::bytes`]: that is not
    /// worth a time-stamp.
    pub fn stamping<'a>(&'a self, signature: &'a [u8], nonce: u64) -> Result<Stamping<'a>, Error> {
        self.assemble(signature, None)?;
        let hash = self.algorithm().hash();
        Ok(Stamping {
            to_be_signed: self,
            signature,
            query: Query::new(signature, hash, nonce, &self.provider),
        })
    }
}

impl Stamping<'_> {
    /// What to send to the authority.
    #[must_use]
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// Verifies `reply` and makes the envelope: the token answers the query, its
    /// chain leads to one of `anchors`, its time is in the validity of the signing
    /// chain, nobody revoked the authority as of `now`, and the envelope with it is
    /// good. `evidence` is what came of requests so far.
    ///
    /// # Errors
    /// [`ErrorKind::Signing`](crate::ErrorKind::Signing) where one of that is not
    /// so.
    pub fn verify(
        &self,
        reply: &Reply,
        anchors: &[Certificate],
        now: Time,
        evidence: &Evidence,
    ) -> Result<StampProgress, Error> {
        let made = self.to_be_signed;
        let (provider, limits) = (&made.provider, &made.limits);
        let token = self
            .query
            .token(reply, provider, limits)
            .map_err(|rejection| unusable(&rejection))?;
        let timestamp = token
            .verify(anchors)
            .and_then(|timestamp| {
                countersignature::check_range(&made.chain, &timestamp)?;
                Ok(timestamp)
            })
            .map_err(|rejection| unusable(&rejection))?;
        let revocation =
            match countersignature::check_revocation(&timestamp, now, provider, limits, evidence) {
                Ok(revocation) => revocation,
                Err(Unverified::Needs(requests)) => return Ok(StampProgress::Needs(requests)),
                Err(Unverified::Rejected(rejection)) => return Err(unusable(&rejection)),
            };
        let envelope = made.assemble(self.signature, reply.token())?;
        Ok(StampProgress::Done(Stamped {
            envelope,
            timestamp,
            revocation,
        }))
    }

    /// The same for who can be called for evidence. After as many rounds as
    /// [`Limits::evidence_rounds`](crate::Limits::evidence_rounds) allow, what is
    /// asked for counts as unavailable.
    ///
    /// # Errors
    /// As of [`Stamping::verify`].
    pub fn envelope(
        &self,
        reply: &Reply,
        anchors: &[Certificate],
        now: Time,
        source: &mut dyn EvidenceSource,
    ) -> Result<Stamped, Error> {
        let mut evidence = Evidence::none();
        let mut round = 0;
        loop {
            let requests = match self.verify(reply, anchors, now, &evidence)? {
                StampProgress::Done(stamped) => return Ok(stamped),
                StampProgress::Needs(requests) => requests,
            };
            let mut replies = if round < self.to_be_signed.limits.evidence_rounds {
                source.fetch_all(&requests)
            } else {
                Vec::new()
            };
            round += 1;
            // A source that answers less than it was asked is not asked again.
            let none = EvidenceReply::Unavailable("it was not answered".to_owned());
            replies.resize(requests.len(), none);
            for (request, reply) in requests.into_iter().zip(replies) {
                evidence.insert(request, reply);
            }
        }
    }
}

fn unusable(rejection: &Rejection) -> Error {
    refused(format!(
        "the signature gets no time-stamp: {}",
        rejection.detail
    ))
}
