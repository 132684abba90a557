//! Time-stamps from RFC 3161 authorities over HTTP (feature `http`).
//!
//! [`TimestampAuthority`] sends what
//! [`ToBeSigned::stamping`](crate::sign::ToBeSigned::stamping) asks, and gives out an
//! envelope only when the answer was verified: the nonce and what was stamped, the
//! chain to a root that was given, the revocation of that chain, and the envelope
//! itself.
//!
//! ```no_run
//! use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions};
//! use notation_verifier::io::timestamp::{TimestampAuthority, TimestampOptions};
//! use notation_verifier::{Error, Limits, Provider};
//! # use notation_verifier::Time;
//! # use notation_verifier::sign::ToBeSigned;
//! # fn stamp(
//! #     to_be_signed: &ToBeSigned, signature: &[u8], root: &[u8], now: Time,
//! # ) -> Result<Vec<u8>, Error> {
//!
//! let (limits, provider) = (Limits::default(), Provider::preferred());
//! let authority = TimestampAuthority::new(
//!     "http://timestamp.example/",
//!     &[root],
//!     EvidenceFetcher::new(FetchOptions::default(), provider, &limits),
//!     TimestampOptions::default(),
//!     &limits,
//! )?;
//! let stamped = authority.stamp(to_be_signed, signature, now)?;
//! println!("{}", stamped.timestamp);
//! Ok(stamped.envelope)
//! # }
//! ```

mod client;
mod options;

pub use options::TimestampOptions;

use std::sync::Arc;

use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::evidence::EvidenceFetcher;
use crate::io::run::Run;
use crate::limits::Limits;
use crate::sign::{Signer, SigningRequest, Stamped, ToBeSigned};
use crate::time::Time;
use crate::trust::{StoreKind, StoreName, TrustStore};
use crate::x509::Certificate;

use client::Client;

/// A time-stamping authority, and by which roots it is believed. Cheap to clone;
/// clones share connections.
#[derive(Clone, Debug)]
pub struct TimestampAuthority {
    client: Arc<Client>,
    anchors: Arc<[Certificate]>,
    evidence: EvidenceFetcher,
    run: Run,
}

impl TimestampAuthority {
    /// The authority at `url` (`http` or `https`), believed where its chain leads to
    /// one of `roots`: texts in PEM, or certificates in DER. `evidence` fetches what
    /// is known of the revocation of its certificates.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the address cannot be asked;
    /// [`ErrorKind::TrustStore`] where a root is none (the rules are those of a `tsa`
    /// trust store).
    pub fn new(
        url: &str,
        roots: &[&[u8]],
        evidence: EvidenceFetcher,
        options: TimestampOptions,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Arc::new(Client::new(url, options, limits)?),
            anchors: anchors(roots, limits)?.into(),
            evidence,
            run: Run::default(),
        })
    }

    /// The same authority within `run`: what waits ends when that does.
    #[must_use]
    pub fn in_run(&self, run: Run) -> Self {
        Self {
            client: Arc::clone(&self.client),
            anchors: Arc::clone(&self.anchors),
            evidence: self.evidence.in_run(run.clone()),
            run,
        }
    }

    /// The envelope of `to_be_signed` with `signature` and a time-stamp of this
    /// authority. `now` is the moment at which revocation is looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Signing`] where the signature is not a good one, where the
    /// authority refuses, or its time-stamp cannot be used; [`ErrorKind::Io`] where
    /// there is no answer. There is no envelope without a time-stamp then.
    pub fn stamp(
        &self,
        to_be_signed: &ToBeSigned,
        signature: &[u8],
        now: Time,
    ) -> Result<Stamped, Error> {
        let stamping = to_be_signed.stamping(signature, nonce()?)?;
        let reply = self.client.ask(stamping.query(), &self.run)?;
        stamping.envelope(&reply, &self.anchors, now, &mut self.evidence.clone())
    }

    /// Signs `request` with `signer` and has the signature stamped, as
    /// [`sign`](crate::sign::sign) does without. The request's certificates are the
    /// signer's.
    ///
    /// # Errors
    /// As of [`ToBeSigned::new`], [`Signer::sign`] and [`TimestampAuthority::stamp`].
    pub fn sign(
        &self,
        request: &SigningRequest<'_>,
        signer: &dyn Signer,
        now: Time,
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Stamped, Error> {
        let request = SigningRequest {
            certificates: signer.certificates(),
            ..*request
        };
        let to_be_signed = ToBeSigned::new(&request, provider, limits)?;
        let signature = signer.sign(to_be_signed.algorithm(), to_be_signed.bytes())?;
        self.stamp(&to_be_signed, &signature, now)
    }
}

/// The certificates of `roots`, by the rules of a `tsa` trust store.
fn anchors(roots: &[&[u8]], limits: &Limits) -> Result<Vec<Certificate>, Error> {
    const NAME: &str = "timestamp-roots";
    let provider = Provider::preferred();
    let mut store = TrustStore::builder();
    for root in roots {
        store = store.add_pem(StoreKind::Tsa, NAME, root, &provider, limits)?;
    }
    let store = store.build();
    let name = StoreName::new(StoreKind::Tsa, NAME)
        .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    let found = store.get(&name);
    found.map(<[Certificate]>::to_vec).map_err(|_| {
        Error::new(
            ErrorKind::Usage,
            "no root certificate of the time-stamping authority is given",
        )
    })
}

/// A number that nobody can foresee.
fn nonce() -> Result<u64, Error> {
    getrandom::u64().map_err(|error| {
        Error::new(
            ErrorKind::Io,
            format!("the system gives no random number: {error}"),
        )
    })
}
