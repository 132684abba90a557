//! RFC 3161 time-stamps over the signature of an envelope.
//!
//! [`Token::parse`] reads the CMS `SignedData` and the `TSTInfo` in it,
//! [`Token::covers`] compares the imprint, and [`Token::verify`] is the only way
//! to a [`Timestamp`]. Whether the certificates of the time-stamping authority
//! are revoked, and what the time means for the chain of the signer, is for the
//! check of the authentic time-stamp.
//!
//! For who signs, [`Query`] asks for one and [`Reply`] reads what the authority
//! answers.

mod attributes;
mod gen_time;
mod path;
mod query;
mod reply;
mod signer;
mod signing_certificate;
mod token;
mod tst_info;

pub use query::Query;
pub use reply::{Failure, Reply, Status};
pub use token::{Timestamp, Token};
pub use tst_info::TstInfo;

use crate::outcome::{Reason, Rejection};
use crate::wire::der::DerError;

/// A time-stamp that is bad for the reason that `detail` tells.
fn invalid(detail: impl Into<String>) -> Rejection {
    Rejection::new(Reason::TimestampInvalid, detail)
}

/// A bound was reached before the token was read.
fn too_many(what: &str, count: usize, limit: usize) -> Rejection {
    Rejection::new(
        Reason::LimitExceeded,
        format!("the time-stamp has {count} {what}, more than the limit of {limit}"),
    )
}

/// Why a part of a token could not be read: its encoding, or what it says.
enum Problem {
    Der(DerError),
    Rejected(Rejection),
}

impl From<DerError> for Problem {
    fn from(error: DerError) -> Self {
        Self::Der(error)
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Problem {
    /// The rejection of `part` of a token.
    fn of(self, part: &str) -> Rejection {
        match self {
            Self::Der(error) => invalid(format!("{part} is malformed: {error}")),
            Self::Rejected(rejection) => rejection,
        }
    }
}
