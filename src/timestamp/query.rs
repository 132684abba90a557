//! [`Query`]: what a time-stamping authority is asked (RFC 3161 section 2.4.1).

use std::fmt;

use super::reply::Reply;
use super::{Token, invalid};
use crate::crypto::{Digest, HashAlgorithm, Provider};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::wire::ber::write_header;
use crate::wire::der::tag;
use crate::x509::hash_algorithm_oid;

/// A `TimeStampReq`, and what the answer is held against.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    der: Box<[u8]>,
    imprint: Digest,
    /// Contents of the `INTEGER`.
    nonce: Box<[u8]>,
}

impl Query {
    /// How a query is labelled over HTTP (RFC 3161 section 3.4).
    pub const MEDIA_TYPE: &'static str = "application/timestamp-query";

    /// Asks for a time-stamp of `message`, with the authority's certificates in it.
    /// `nonce` is random and used once: an answer to an earlier query has another.
    #[must_use]
    pub fn new(message: &[u8], hash: HashAlgorithm, nonce: u64, provider: &Provider) -> Self {
        let imprint = provider.hash(hash, message);
        let nonce = positive(nonce);
        let algorithm = [
            element(tag::OBJECT_IDENTIFIER, hash_algorithm_oid(hash).as_bytes()),
            // RFC 5754 section 2 takes it with and without; authorities that are
            // old want it.
            element(tag::NULL, &[]),
        ]
        .concat();
        let message_imprint = [
            element(tag::SEQUENCE, &algorithm),
            element(tag::OCTET_STRING, imprint.as_bytes()),
        ]
        .concat();
        let fields = [
            element(tag::INTEGER, &[1]),
            element(tag::SEQUENCE, &message_imprint),
            element(tag::INTEGER, &nonce),
            // certReq: a verifier has the certificates from nowhere else.
            element(tag::BOOLEAN, &[0xff]),
        ]
        .concat();
        Self {
            der: element(tag::SEQUENCE, &fields).into(),
            imprint,
            nonce: nonce.into(),
        }
    }

    /// The DER of the `TimeStampReq`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The digest that is to be stamped.
    #[must_use]
    pub const fn imprint(&self) -> Digest {
        self.imprint
    }

    /// The token of `reply`, where it answers this query: granted, with the same
    /// imprint and nonce. Who made the token is not verified yet.
    ///
    /// # Errors
    /// [`Reason::TimestampInvalid`](crate::outcome::Reason::TimestampInvalid) where
    /// the authority refused, or answered something else;
    /// [`Reason::LimitExceeded`](crate::outcome::Reason::LimitExceeded) as of
    /// [`Token::parse`].
    pub fn token(
        &self,
        reply: &Reply,
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Token, Rejection> {
        let token = Token::parse(reply.granted()?, provider, limits)?;
        let info = token.info();
        if info.imprint() != self.imprint {
            return Err(invalid(format!(
                "the time-stamp is of something else than what was asked for: it is of {:?}, asked \
                 for was {:?}",
                info.imprint(),
                self.imprint
            )));
        }
        match info.nonce() {
            Some(nonce) if *nonce == *self.nonce => Ok(token),
            Some(_) => Err(invalid(
                "the time-stamp has another nonce than the query: it answers another one, and may \
                 be old",
            )),
            None => Err(invalid(
                "the time-stamp lacks the nonce of the query: it may be old",
            )),
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("imprint", &self.imprint)
            .finish_non_exhaustive()
    }
}

/// The contents of an `INTEGER` in their shortest form (X.690 section 8.3.2).
fn positive(number: u64) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let start = octets.iter().take_while(|octet| **octet == 0).count();
    let mut contents = octets.get(start..).unwrap_or_default().to_vec();
    if contents.first().is_none_or(|first| first & 0x80 != 0) {
        contents.insert(0, 0);
    }
    contents
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut element = Vec::with_capacity(contents.len().saturating_add(4));
    write_header(tag, contents.len(), &mut element);
    element.extend_from_slice(contents);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_positive_and_short() {
        for (number, contents) in [
            (0, &[0][..]),
            (1, &[1]),
            (0x7f, &[0x7f]),
            (0x80, &[0, 0x80]),
            (0x0100, &[1, 0]),
            (u64::MAX, &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(positive(number), contents, "{number}");
        }
    }

    #[test]
    fn a_query_says_what_to_stamp() {
        let query = Query::new(b"", HashAlgorithm::Sha256, 0x1234, &Provider::preferred());
        // What `openssl ts -query -sha256 -cert` writes for an empty file, and the
        // nonce.
        let head = [
            0x30, 0x3d, 2, 1, 1, 0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2,
            1, 5, 0, 4, 0x20, 0xe3, 0xb0, 0xc4, 0x42,
        ];
        assert_eq!(query.der().get(..head.len()).unwrap(), head);
        assert!(query.der().ends_with(&[2, 2, 0x12, 0x34, 1, 1, 0xff]));
        assert_eq!(query.der().len(), 0x3f);
    }
}
