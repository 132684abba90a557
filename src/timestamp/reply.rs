//! [`Reply`]: what a time-stamping authority answers (RFC 3161 section 2.4.2).

use std::fmt;

use super::{Problem, invalid, too_many};
use crate::error::quote;
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::wire::ber;
use crate::wire::der::{Element, tag};

/// A `TimeStampResp`. Nothing in it is signed but the token, which is not looked at
/// yet: [`Query::token`](super::Query::token) does.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    status: Status,
    texts: Vec<String>,
    failures: Vec<Failure>,
    token: Option<Box<[u8]>>,
}

/// `PKIStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// What was asked for.
    Granted,
    /// Something like what was asked for.
    GrantedWithMods,
    /// Nothing.
    Rejection,
    /// Nothing yet.
    Waiting,
    /// Nothing: a revocation is imminent.
    RevocationWarning,
    /// Nothing: a revocation has occurred.
    RevocationNotification,
}

impl Status {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Granted,
            1 => Self::GrantedWithMods,
            2 => Self::Rejection,
            3 => Self::Waiting,
            4 => Self::RevocationWarning,
            5 => Self::RevocationNotification,
            _ => return None,
        })
    }

    /// For a person.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::GrantedWithMods => "granted with modifications",
            Self::Rejection => "rejected",
            Self::Waiting => "waiting",
            Self::RevocationWarning => "a revocation is imminent",
            Self::RevocationNotification => "a revocation has occurred",
        }
    }
}

/// One bit of `PKIFailureInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The authority does not know the hash function.
    BadAlg,
    /// It does not do what was asked.
    BadRequest,
    /// It cannot read the query.
    BadDataFormat,
    /// Its clock is not available.
    TimeNotAvailable,
    /// It does not stamp under the policy that was asked for.
    UnacceptedPolicy,
    /// It does not support an extension of the query.
    UnacceptedExtension,
    /// It does not have, or understand, more that was asked for.
    AddInfoNotAvailable,
    /// It has a problem of its own.
    SystemFailure,
    /// A bit that RFC 3161 gives no meaning to.
    Other(usize),
}

impl Failure {
    const fn of(bit: usize) -> Self {
        match bit {
            0 => Self::BadAlg,
            2 => Self::BadRequest,
            5 => Self::BadDataFormat,
            14 => Self::TimeNotAvailable,
            15 => Self::UnacceptedPolicy,
            16 => Self::UnacceptedExtension,
            17 => Self::AddInfoNotAvailable,
            25 => Self::SystemFailure,
            bit => Self::Other(bit),
        }
    }
}

/// The name of the bit and what it means.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAlg => "badAlg: it does not take the hash function of the query",
            Self::BadRequest => "badRequest: it does not do what was asked",
            Self::BadDataFormat => "badDataFormat: it cannot read the query",
            Self::TimeNotAvailable => {
                "timeNotAvailable: its clock is not available, try again later"
            }
            Self::UnacceptedPolicy => "unacceptedPolicy: it does not stamp under that policy",
            Self::UnacceptedExtension => {
                "unacceptedExtension: it does not support an extension of the query"
            }
            Self::AddInfoNotAvailable => {
                "addInfoNotAvailable: it does not have more that was asked for"
            }
            Self::SystemFailure => "systemFailure: it has a problem of its own, try again later",
            Self::Other(bit) => return write!(f, "bit {bit}, which RFC 3161 does not know"),
        })
    }
}

impl Reply {
    /// How a reply is labelled over HTTP (RFC 3161 section 3.4).
    pub const MEDIA_TYPE: &'static str = "application/timestamp-reply";

    /// Reads a `TimeStampResp`, in DER or BER.
    ///
    /// # Errors
    /// [`Reason::TimestampInvalid`](crate::outcome::Reason::TimestampInvalid) where
    /// it is not well-formed, or has a status that RFC 3161 does not know;
    /// [`Reason::LimitExceeded`](crate::outcome::Reason::LimitExceeded) where it is
    /// larger than [`Limits::token_bytes`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Rejection> {
        if bytes.len() > limits.token_bytes {
            return Err(too_many("octets", bytes.len(), limits.token_bytes));
        }
        let of_reply = |problem: Problem| problem.of("the authority's reply");
        let der = ber::to_der(bytes, limits.token_nesting)
            .map_err(|error| of_reply(Problem::Der(error)))?;
        Self::read(&der).map_err(of_reply)
    }

    fn read(der: &[u8]) -> Result<Self, Problem> {
        let outer = Element::only(der)?;
        if outer.tag() != tag::SEQUENCE {
            return Err(outer.error("something that is no sequence").into());
        }
        let mut fields = outer.reader();
        let info = fields.expect(tag::SEQUENCE, "no status")?;
        let token = fields.optional(tag::SEQUENCE)?;
        fields.finish()?;

        let mut fields = info.reader();
        let number = fields
            .expect(tag::INTEGER, "no number of the status")?
            .small_unsigned()?;
        let status = Status::of(number).ok_or_else(|| {
            invalid(format!(
                "the authority's reply has the status {number}, which RFC 3161 does not know"
            ))
        })?;
        let texts = fields
            .optional(tag::SEQUENCE)?
            .map(|texts| said(&texts))
            .transpose()?
            .unwrap_or_default();
        let failures = fields
            .optional(tag::BIT_STRING)?
            .map(|bits| failures(&bits))
            .transpose()?
            .unwrap_or_default();
        fields.finish()?;
        Ok(Self {
            status,
            texts,
            failures,
            token: token.map(|token| token.raw().into()),
        })
    }

    /// Whether there is a time-stamp, and if not what kind of answer it is.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// What the authority says to people, as it is.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Why there is no time-stamp, as far as the authority says.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The `TimeStampToken` in DER, whatever the status is.
    #[must_use]
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// Whether the same query may be answered better in a while.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.status == Status::Rejection
            && self
                .failures
                .iter()
                .any(|one| matches!(one, Failure::TimeNotAvailable | Failure::SystemFailure))
    }

    /// The token, where the authority granted one.
    pub(super) fn granted(&self) -> Result<&[u8], Rejection> {
        match self.status {
            Status::Granted | Status::GrantedWithMods => self.token().ok_or_else(|| {
                invalid("the authority says that it granted a time-stamp, and gives none")
            }),
            _ => Err(invalid(self.to_string())),
        }
    }
}

/// Status, reasons and texts, for a person.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Status::Granted | Status::GrantedWithMods => {
                write!(f, "the authority answers: {}", self.status.as_str())?;
            }
            _ => write!(
                f,
                "the authority gives no time-stamp: {}",
                self.status.as_str()
            )?,
        }
        for failure in &self.failures {
            write!(f, "; {failure}")?;
        }
        for text in &self.texts {
            write!(f, "; it says: {}", quote(text))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("texts", &self.texts)
            .field("failures", &self.failures)
            .field("token", &self.token.as_ref().map(|token| token.len()))
            .finish()
    }
}

/// `PKIFreeText`: its first texts.
fn said(texts: &Element<'_>) -> Result<Vec<String>, Problem> {
    /// One is usual: the rest says no more to a person.
    const MOST: usize = 4;
    let mut said = Vec::new();
    let mut reader = texts.reader();
    while !reader.is_empty() {
        let text = reader.expect(tag::UTF8_STRING, "a text that is not in UTF-8")?;
        if said.len() < MOST {
            said.push(String::from_utf8_lossy(text.value()).into_owned());
        }
    }
    Ok(said)
}

/// `PKIFailureInfo`: the bits that are set.
fn failures(element: &Element<'_>) -> Result<Vec<Failure>, Problem> {
    /// The last bit that anyone gives a meaning to (RFC 4210) is 26.
    const MOST_OCTETS: usize = 8;
    let (octets, _) = element.bits()?;
    if octets.len() > MOST_OCTETS {
        return Err(element.error("more reasons than there are").into());
    }
    let bits = octets
        .iter()
        .flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0));
    Ok(bits
        .enumerate()
        .filter(|(_, set)| *set)
        .map(|(bit, _)| Failure::of(bit))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(der: &[u8]) -> Result<Reply, String> {
        Reply::parse(der, &Limits::default()).map_err(|rejection| rejection.detail)
    }

    #[test]
    fn a_refusal_is_told_in_words() {
        // `openssl ts -reply` to a query for a hash function that it does not take.
        let refused = [
            0x30, 0x19, 0x30, 0x17, 2, 1, 2, 0x30, 0x0e, 0x0c, 0x0c, b'n', b'o', b't', b' ', b't',
            b'h', b'a', b't', b' ', b'o', b'n', b'e', 3, 2, 7, 0x80,
        ];
        let reply = parse(&refused).unwrap();
        assert_eq!(reply.status(), Status::Rejection);
        assert_eq!(reply.failures(), [Failure::BadAlg]);
        assert_eq!(reply.texts(), ["not that one"]);
        assert!(!reply.may_pass());
        assert_eq!(
            reply.granted().unwrap_err().detail,
            "the authority gives no time-stamp: rejected; badAlg: it does not take the hash \
             function of the query; it says: `not that one`"
        );
    }

    #[test]
    fn every_reason_has_its_bit() {
        for (bits, failures, passes) in [
            (&[3, 2, 5, 0x20][..], &[Failure::BadRequest][..], false),
            (&[3, 2, 2, 0x04], &[Failure::BadDataFormat], false),
            (&[3, 3, 1, 0, 0x02], &[Failure::TimeNotAvailable], true),
            (&[3, 3, 0, 0, 0x01], &[Failure::UnacceptedPolicy], false),
            (
                &[3, 4, 6, 0, 0, 0xc0],
                &[Failure::UnacceptedExtension, Failure::AddInfoNotAvailable],
                false,
            ),
            (&[3, 5, 6, 0, 0, 0, 0x40], &[Failure::SystemFailure], true),
            (&[3, 2, 6, 0x40], &[Failure::Other(1)], false),
            // Not in the shortest form, as some write it.
            (&[3, 5, 0, 0x80, 0, 0, 0], &[Failure::BadAlg], false),
            (&[3, 1, 0], &[], false),
        ] {
            let length = u8::try_from(bits.len()).unwrap();
            let reply = [&[0x30, length + 5, 0x30, length + 3, 2, 1, 2], bits].concat();
            let reply = parse(&reply).unwrap();
            assert_eq!(reply.failures(), failures, "{bits:?}");
            assert_eq!(reply.may_pass(), passes, "{bits:?}");
            assert!(reply.granted().is_err());
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for (bad, because) in [
            (&b""[..], "is malformed"),
            (b"<html>", "is malformed"),
            (&[0x31, 5, 0x30, 3, 2, 1, 0], "no sequence"),
            (&[0x30, 0], "no status"),
            (&[0x30, 2, 0x30, 0], "no number"),
            (&[0x30, 5, 0x30, 3, 2, 1, 6], "the status 6"),
            (&[0x30, 5, 0x30, 3, 2, 1, 0xff], "negative"),
            (&[0x30, 5, 0x30, 3, 2, 1, 0, 0], "is malformed"),
            (&[0x30, 7, 0x30, 3, 2, 1, 0, 5, 0], "is malformed"),
            (&[0x30, 8, 0x30, 6, 2, 1, 2, 3, 1, 9], "bit string"),
            (
                &[0x30, 9, 0x30, 7, 2, 1, 2, 0x30, 2, 0x16, 0],
                "not in UTF-8",
            ),
            (
                &[
                    0x30, 17, 0x30, 15, 2, 1, 2, 3, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
                ],
                "more reasons",
            ),
        ] {
            let error = parse(bad).unwrap_err();
            assert!(error.contains(because), "{bad:?}: {error}");
        }
        let granted = parse(&[0x30, 5, 0x30, 3, 2, 1, 0]).unwrap();
        let why = granted.granted().unwrap_err().detail;
        assert!(why.contains("and gives none"), "{why}");
        let limits = Limits {
            token_bytes: 6,
            ..Limits::default()
        };
        assert!(Reply::parse(&[0x30, 5, 0x30, 3, 2, 1, 0], &limits).is_err());
    }

    #[test]
    fn texts_are_few_and_on_one_line() {
        let text = [0x0c, 2, b'\n', 0xff];
        let texts = text.repeat(9);
        let reply = [&[0x30, 43, 0x30, 41, 2, 1, 2, 0x30, 36][..], &texts].concat();
        let reply = parse(&reply).unwrap();
        assert_eq!(reply.texts().len(), 4);
        assert!(reply.to_string().contains("it says: `\\n\u{fffd}`"));
        assert!(!reply.to_string().contains('\n'));
    }
}
