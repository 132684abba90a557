//! [`TstInfo`]: what the time-stamping authority states (RFC 3161 section 2.4.2).

use std::time::Duration;

use const_oid::ObjectIdentifier;

use super::{Problem, gen_time, invalid};
use crate::crypto::Digest;
use crate::outcome::Rejection;
use crate::time::Time;
use crate::wire::der::{DerError, Element, Reader, tag};
use crate::wire::oid;
use crate::x509;

/// The baseline time-stamp policy of RFC 3628 section 5.2: an accuracy of one
/// second or better.
const BASELINE_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");
const BASELINE_ACCURACY: Duration = Duration::from_secs(1);

/// The contents of a time-stamp token. From [`Token::info`](super::Token::info)
/// they are claims; only [`Token::verify`](super::Token::verify) shows who made
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TstInfo {
    policy: Box<[u8]>,
    imprint: Digest,
    serial_number: Box<[u8]>,
    time: Time,
    accuracy: Option<Duration>,
    nonce: Option<Box<[u8]>>,
}

impl TstInfo {
    /// Parses the DER of a `TSTInfo`.
    pub(super) fn parse(der: &[u8]) -> Result<Self, Rejection> {
        Self::read(der).map_err(|problem| problem.of("the time-stamp's TSTInfo"))
    }

    fn read(der: &[u8]) -> Result<Self, Problem> {
        let info = Element::only(der)?;
        if info.tag() != tag::SEQUENCE {
            return Err(info.error("something that is no sequence").into());
        }
        let mut fields = info.reader();
        let version = fields.expect(tag::INTEGER, "no version")?.integer()?;
        if version != [1] {
            return Err(invalid("the time-stamp's TSTInfo has a version other than 1").into());
        }
        let policy = fields.expect(tag::OBJECT_IDENTIFIER, "no policy")?.oid()?;
        let imprint = imprint(&fields.expect(tag::SEQUENCE, "no messageImprint")?)?;
        let serial_number = fields.expect(tag::INTEGER, "no serial number")?.integer()?;
        let time = gen_time::parse(&fields.element()?)?;
        let accuracy = fields
            .optional(tag::SEQUENCE)?
            .map(|element| accuracy(element.reader()))
            .transpose()?;
        // Written-out defaults occur: a `FALSE` here is not worth a rejection.
        if let Some(ordering) = fields.optional(tag::BOOLEAN)? {
            ordering.boolean()?;
        }
        let nonce = fields
            .optional(tag::INTEGER)?
            .map(|nonce| nonce.integer())
            .transpose()?;
        // A hint, says the RFC: who signed is told by the signed attributes.
        if let Some(tsa) = fields.optional(tag::context_constructed(0))? {
            Element::only(tsa.value())?;
        }
        if let Some(extensions) = fields.optional(tag::context_constructed(1))? {
            refuse_critical(extensions.reader())?;
        }
        fields.finish()?;
        Ok(Self {
            policy: policy.into(),
            imprint,
            serial_number: serial_number.into(),
            time,
            accuracy,
            nonce: nonce.map(Into::into),
        })
    }

    /// The authority's policy, in dotted text.
    #[must_use]
    pub fn policy(&self) -> String {
        oid::to_dotted(&self.policy)
    }

    /// The digest of what was stamped.
    #[must_use]
    pub const fn imprint(&self) -> Digest {
        self.imprint
    }

    /// The octets of the stamp's serial number, two's complement, big-endian.
    #[must_use]
    pub const fn serial_number(&self) -> &[u8] {
        &self.serial_number
    }

    /// The octets of the number that the query had, two's complement, big-endian.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// `genTime`: when the authority made the stamp.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.time
    }

    /// How far the true time may be from [`TstInfo::time`], to either side: what
    /// the stamp says, else one second under the baseline policy, else none
    /// (trust-store-trust-policy, "Validate Authentic Timestamp").
    #[must_use]
    pub fn accuracy(&self) -> Duration {
        self.accuracy
            .unwrap_or(if *self.policy == *BASELINE_POLICY.as_bytes() {
                BASELINE_ACCURACY
            } else {
                Duration::ZERO
            })
    }
}

/// `MessageImprint`, with a hash function of the specification.
fn imprint(element: &Element<'_>) -> Result<Digest, Problem> {
    let mut fields = element.reader();
    let identifier = fields.expect(tag::SEQUENCE, "no hash algorithm")?;
    let octets = fields.expect(tag::OCTET_STRING, "no hashed message")?;
    fields.finish()?;
    let Some(hash) = x509::hash_algorithm(&identifier) else {
        return Err(invalid(format!(
            "the time-stamp's imprint is made with the hash algorithm `{}`: only SHA-256, \
             SHA-384 and SHA-512 are accepted",
            algorithm_name(&identifier)
        ))
        .into());
    };
    Ok(Digest::new(hash, octets.value())
        .ok_or_else(|| octets.error("a digest of the wrong length"))?)
}

/// The object identifier of an `AlgorithmIdentifier` in dotted text.
pub(super) fn algorithm_name(identifier: &Element<'_>) -> String {
    identifier
        .reader()
        .element()
        .and_then(|element| element.oid())
        .map_or_else(|_| "(malformed)".to_owned(), oid::to_dotted)
}

/// `Accuracy`: what is missing is zero.
fn accuracy(mut fields: Reader<'_>) -> Result<Duration, DerError> {
    let mut part = |tag: u8| -> Result<u64, DerError> {
        fields
            .optional(tag)?
            .map_or(Ok(0), |element| element.small_unsigned())
    };
    let seconds = part(tag::INTEGER)?;
    let milliseconds = part(tag::context(0))?;
    let microseconds = part(tag::context(1))?;
    fields.finish()?;
    if milliseconds > 999 || microseconds > 999 {
        return Err(fields.error("an accuracy with more than 999 of a unit"));
    }
    Ok(Duration::from_secs(seconds)
        .saturating_add(Duration::from_micros(milliseconds * 1_000 + microseconds)))
}

/// There is no extension of `TSTInfo` that this library understands; one that is
/// critical cannot be left aside.
fn refuse_critical(mut extensions: Reader<'_>) -> Result<(), Problem> {
    while !extensions.is_empty() {
        let mut fields = extensions
            .expect(tag::SEQUENCE, "an extension that is no sequence")?
            .reader();
        let name = fields
            .expect(tag::OBJECT_IDENTIFIER, "an extension without identifier")?
            .oid()?;
        let critical = fields
            .optional(tag::BOOLEAN)?
            .map_or(Ok(false), |critical| critical.boolean())?;
        fields.expect(tag::OCTET_STRING, "an extension without value")?;
        fields.finish()?;
        if critical {
            return Err(invalid(format!(
                "the time-stamp has the critical extension `{}`, which is not understood",
                oid::to_dotted(name)
            ))
            .into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ber::write_header;

    /// An element.
    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut element = Vec::new();
        write_header(tag, contents.len(), &mut element);
        element.extend_from_slice(contents);
        element
    }

    const PLAIN_POLICY: &[u8] = &[0x2a, 0x03];

    /// A `TSTInfo` with `policy`, and `rest` after `genTime`.
    fn info(policy: &[u8], rest: &[&[u8]]) -> Vec<u8> {
        const SHA256: [u8; 15] = [
            0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 5, 0,
        ];
        let imprint = [&SHA256[..], &der(tag::OCTET_STRING, &[7; 32])].concat();
        let mut fields = [
            der(tag::INTEGER, &[1]),
            der(tag::OBJECT_IDENTIFIER, policy),
            der(tag::SEQUENCE, &imprint),
            der(tag::INTEGER, &[0xff, 0x00]),
            der(tag::GENERALIZED_TIME, b"20240315102100Z"),
        ]
        .concat();
        for field in rest {
            fields.extend_from_slice(field);
        }
        der(tag::SEQUENCE, &fields)
    }

    fn accuracy_of(policy: &[u8], contents: Option<&[u8]>) -> Option<Duration> {
        let accuracy = contents.map(|contents| der(tag::SEQUENCE, contents));
        let rest: Vec<&[u8]> = accuracy.iter().map(Vec::as_slice).collect();
        let info = TstInfo::parse(&info(policy, &rest)).ok()?;
        Some(info.accuracy())
    }

    #[test]
    fn accuracy_is_stated_or_that_of_the_baseline_policy_or_none() {
        let baseline = BASELINE_POLICY.as_bytes();
        let of = |policy, contents: &[u8]| accuracy_of(policy, Some(contents));
        let parts = [2, 1, 2, 0x80, 2, 0x03, 0xe7, 0x81, 1, 1];
        assert_eq!(accuracy_of(PLAIN_POLICY, None), Some(Duration::ZERO));
        assert_eq!(accuracy_of(baseline, None), Some(BASELINE_ACCURACY));
        assert_eq!(of(baseline, &[2, 1, 5]), Some(Duration::from_secs(5)));
        assert_eq!(of(baseline, &[0x80, 1, 5]), Some(Duration::from_millis(5)));
        assert_eq!(
            of(PLAIN_POLICY, &parts),
            Some(Duration::from_micros(2_999_001))
        );
        // Stated to be exact is stated.
        assert_eq!(of(baseline, &[2, 1, 0]), Some(Duration::ZERO));
    }

    #[test]
    fn an_accuracy_out_of_range_is_refused() {
        for bad in [
            &[2, 1, 0xff][..],
            &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[2, 2, 0, 1],
            &[0x80, 2, 0x03, 0xe8],
            &[0x81, 2, 0x03, 0xe8],
            &[0x81, 1, 1, 0x80, 1, 1],
            &[2, 1, 1, 0x82, 1, 1],
            &[5, 0],
        ] {
            assert_eq!(accuracy_of(PLAIN_POLICY, Some(bad)), None, "{bad:02x?}");
        }
    }

    #[test]
    fn every_optional_field_is_read_in_its_place() {
        let tsa = der(0xa0, &der(0xa4, &der(tag::SEQUENCE, &[])));
        let name = der(tag::OBJECT_IDENTIFIER, PLAIN_POLICY);
        let value = der(tag::OCTET_STRING, &[]);
        let extension = |critical: &[u8]| {
            let extension = [name.as_slice(), critical, &value].concat();
            der(0xa1, &der(tag::SEQUENCE, &extension))
        };
        let (accuracy, ordering, nonce) = ([0x30, 3, 2, 1, 1], [1, 1, 0], [2, 1, 0x80]);
        let parse = |rest: &[&[u8]]| TstInfo::parse(&info(PLAIN_POLICY, rest));
        let all = [&accuracy[..], &ordering, &nonce, &tsa, &extension(&[])];
        let found = parse(&all).unwrap();
        assert_eq!(found.policy(), "1.2.3");
        assert_eq!(found.serial_number(), &[0xff, 0x00]);
        assert_eq!(found.nonce(), Some(&[0x80][..]));
        assert_eq!(found.time().to_string(), "2024-03-15T10:21:00Z");
        assert_eq!(found.imprint().as_bytes(), &[7; 32]);
        assert!(parse(&[]).is_ok());
        assert!(parse(&[&extension(&[1, 1, 0])]).is_ok());

        for bad in [
            &[&nonce[..], &ordering][..],
            &[&extension(&[]), &tsa],
            &[&extension(&[1, 1, 0xff])],
            &[&[1, 1, 1]],
            &[&[4, 0]],
            &[&der(0xa0, &[])],
        ] {
            assert!(parse(bad).is_err(), "{bad:02x?}");
        }
        let trailing = [info(PLAIN_POLICY, &[]), vec![5, 0]].concat();
        assert!(TstInfo::parse(&trailing).is_err());
    }
}
