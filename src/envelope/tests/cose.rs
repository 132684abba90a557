//! The rules of COSE envelopes.

use ciborium::Value as Cbor;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer;

use super::*;

/// The parts of a COSE envelope, to be changed before [`Cose::sign`].
pub(super) struct Cose {
    pub(super) protected: Vec<(Cbor, Cbor)>,
    pub(super) unprotected: Vec<(Cbor, Cbor)>,
    pub(super) payload: Cbor,
}

impl Cose {
    pub(super) fn good() -> Self {
        Self {
            protected: vec![
                (int(1), int(-7)),
                (int(2), crit(&[SCHEME])),
                (int(3), text(PAYLOAD_MEDIA_TYPE)),
                (text(SCHEME), text("notary.x509")),
                (text(TIME), time(1_700_000_000)),
            ],
            unprotected: vec![(int(33), Cbor::Array(vec![Cbor::Bytes(vec![0x30, 0x00])]))],
            payload: Cbor::Bytes(PAYLOAD.to_vec()),
        }
    }

    pub(super) fn authority() -> Self {
        Self::good()
            .set(int(2), crit(&[SCHEME, AUTHENTIC_TIME]))
            .set(text(SCHEME), text("notary.x509.signingAuthority"))
            .drop(&text(TIME))
            .set(text(AUTHENTIC_TIME), time(1_700_000_000))
    }

    pub(super) fn set(mut self, label: Cbor, value: Cbor) -> Self {
        self = self.drop(&label);
        self.protected.push((label, value));
        self
    }

    pub(super) fn drop(mut self, label: &Cbor) -> Self {
        self.protected.retain(|(candidate, _)| candidate != label);
        self
    }

    pub(super) fn unprotected(mut self, label: Cbor, value: Cbor) -> Self {
        self.unprotected
            .retain(|(candidate, _)| *candidate != label);
        self.unprotected.push((label, value));
        self
    }

    pub(super) fn sign(self) -> Vec<u8> {
        let protected = encode(&Cbor::Map(self.protected));
        let to_be_signed = encode(&Cbor::Array(vec![
            text("Signature1"),
            Cbor::Bytes(protected.clone()),
            Cbor::Bytes(vec![]),
            self.payload.clone(),
        ]));
        let signature: Signature = signing_key().sign(&to_be_signed);
        encode(&Cbor::Tag(
            18,
            Box::new(Cbor::Array(vec![
                Cbor::Bytes(protected),
                Cbor::Map(self.unprotected),
                self.payload,
                Cbor::Bytes(signature.to_bytes().to_vec()),
            ])),
        ))
    }

    pub(super) fn open(self) -> Result<Content, Rejection> {
        open(MediaType::Cose, &self.sign())
    }
}

pub(super) fn int(number: i64) -> Cbor {
    Cbor::from(number)
}

pub(super) fn text(text: &str) -> Cbor {
    Cbor::from(text)
}

pub(super) fn time(content: impl Into<Cbor>) -> Cbor {
    Cbor::Tag(1, Box::new(content.into()))
}

pub(super) fn crit(names: &[&str]) -> Cbor {
    Cbor::Array(names.iter().copied().map(text).collect())
}

pub(super) fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

#[test]
fn header_rules() {
    let good = Cose::good;
    let cases: Vec<(Cose, Reason)> = vec![
        (good().set(int(1), int(-35)), Reason::AlgorithmMismatch),
        (good().set(int(1), text("ES256")), Reason::AlgorithmMismatch),
        (good().drop(&int(1)), Reason::AlgorithmMismatch),
        (good().set(int(1), Cbor::Null), Reason::EnvelopeMalformed),
        (good().drop(&int(2)), Reason::CritInvalid),
        (good().set(int(2), crit(&[TIME])), Reason::CritInvalid),
        (good().set(int(2), crit(&[])), Reason::EnvelopeMalformed),
        (good().set(int(2), crit(&["x"])), Reason::EnvelopeMalformed),
        (
            good().set(int(2), Cbor::Array(vec![text(SCHEME), int(3)])),
            Reason::CritInvalid,
        ),
        (
            good().set(int(2), Cbor::Array(vec![text(SCHEME), Cbor::Null])),
            Reason::EnvelopeMalformed,
        ),
        (good().drop(&int(3)), Reason::PayloadInvalid),
        (good().set(int(3), int(50)), Reason::PayloadInvalid),
        (good().set(int(3), text("a/b")), Reason::PayloadContentType),
        (good().set(int(3), text("a/b ")), Reason::EnvelopeMalformed),
        (good().set(int(3), text("ab")), Reason::EnvelopeMalformed),
        (good().set(int(4), text("kid")), Reason::EnvelopeMalformed),
        (
            good()
                .set(int(5), Cbor::Bytes(vec![1]))
                .set(int(6), Cbor::Bytes(vec![1])),
            Reason::EnvelopeMalformed,
        ),
        (
            good()
                .set(int(6), Cbor::Bytes(vec![1]))
                .unprotected(int(5), Cbor::Bytes(vec![1])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(int(7), Cbor::Array(vec![])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(7), Cbor::Array(vec![])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(2), crit(&[SCHEME])),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(int(1), int(-7)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().unprotected(text(TIME), time(1)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(Cbor::Float(1.5), int(1)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(text("x"), Cbor::from(u64::MAX)),
            Reason::EnvelopeMalformed,
        ),
        (
            good().set(text(SCHEME), text("notary.x509.v2")),
            Reason::SigningSchemeInvalid,
        ),
        (
            good().set(text(SCHEME), Cbor::Bytes(b"notary.x509".to_vec())),
            Reason::SigningSchemeInvalid,
        ),
        (
            good().set(int(2), crit(&[TIME])).drop(&text(SCHEME)),
            Reason::SigningSchemeInvalid,
        ),
    ];
    for (position, (envelope, expected)) in cases.into_iter().enumerate() {
        assert_eq!(reason(envelope.open()), expected, "case {position}");
    }
    // Twice in `crit`, and the untrusted time there, are tolerated.
    good()
        .set(int(2), crit(&[SCHEME, SCHEME, TIME]))
        .open()
        .unwrap();
}

#[test]
fn times() {
    let cases = [
        (int(1), Reason::SigningTimeInvalid),
        (Cbor::Null, Reason::SigningTimeInvalid),
        (time(f64::NAN), Reason::SigningTimeInvalid),
        (time(f64::INFINITY), Reason::SigningTimeInvalid),
        (time(1e300), Reason::SigningTimeInvalid),
        (
            Cbor::Tag(0, Box::new(text("2024-03-15T10:20:30Z"))),
            Reason::SigningTimeInvalid,
        ),
        (time(text("x")), Reason::EnvelopeMalformed),
        (time(u64::MAX), Reason::EnvelopeMalformed),
    ];
    for (value, expected) in cases {
        let found = Cose::good().set(text(TIME), value.clone()).open();
        assert_eq!(reason(found), expected, "{value:?}");
    }
    let expiring = |value: Cbor| {
        Cose::good()
            .set(int(2), crit(&[SCHEME, EXPIRY]))
            .set(text(EXPIRY), value)
            .open()
    };
    assert_eq!(
        reason(expiring(time(1_700_000_000))),
        Reason::ExpiryBeforeSigningTime
    );
    assert_eq!(reason(expiring(time(1e300))), Reason::ExpiryInvalid);
    assert_eq!(reason(expiring(Cbor::Null)), Reason::ExpiryInvalid);
    expiring(time(1_700_000_001)).unwrap();
    expiring(time(i64::MAX)).unwrap();
    let not_critical = Cose::good().set(text(EXPIRY), time(1_800_000_000)).open();
    assert_eq!(reason(not_critical), Reason::CritInvalid);

    let both = Cose::good().set(text(AUTHENTIC_TIME), time(1)).open();
    assert_eq!(reason(both), Reason::SigningTimeInvalid);
    let both = Cose::authority().set(text(TIME), time(1)).open();
    assert_eq!(reason(both), Reason::SigningTimeInvalid);
    let missing = Cose::authority()
        .set(int(2), crit(&[SCHEME]))
        .drop(&text(AUTHENTIC_TIME))
        .open();
    assert_eq!(reason(missing), Reason::SigningTimeInvalid);
    let not_critical = Cose::authority().set(int(2), crit(&[SCHEME])).open();
    assert_eq!(reason(not_critical), Reason::CritInvalid);
}

#[test]
fn chain_forms() {
    let chain = |value: Cbor| Cose::good().unprotected(int(33), value).open();
    let certificate = || Cbor::Bytes(vec![0x30, 0x00]);
    assert_eq!(reason(chain(certificate())), Reason::CertChainMissing);
    assert_eq!(reason(chain(Cbor::Array(vec![]))), Reason::CertChainMissing);
    assert_eq!(
        reason(chain(Cbor::Array(vec![certificate(), Cbor::Null]))),
        Reason::CertMalformed
    );
    assert_eq!(
        reason(chain(Cbor::Array(vec![certificate(); 21]))),
        Reason::LimitExceeded
    );
    chain(Cbor::Array(vec![certificate(); 20])).unwrap();

    let mut protected = Cose::good().set(int(33), Cbor::Array(vec![certificate()]));
    assert_eq!(
        reason(
            Cose {
                unprotected: protected.unprotected.clone(),
                ..Cose::good()
            }
            .set(int(33), Cbor::Array(vec![certificate()]))
            .open()
        ),
        Reason::EnvelopeMalformed
    );
    protected.unprotected.clear();
    let content = protected.open().unwrap();
    assert!(content.attributes.extended.is_empty());
}

#[test]
fn form() {
    let good = Cose::good().sign();
    open(MediaType::Cose, &good).unwrap();
    let malformed = |bytes: &[u8]| {
        assert_eq!(
            reason(open(MediaType::Cose, bytes)),
            Reason::EnvelopeMalformed
        );
    };
    malformed(&[]);
    malformed(&good[1..]);
    malformed(&[&[0xd8, 0x12], &good[1..]].concat());
    malformed(&[&[0xd2], &good[..]].concat());
    malformed(&[&good[..], &[0]].concat());
    for length in 0..good.len() {
        malformed(&good[..length]);
    }
    let payload = |payload: Cbor| {
        Cose {
            payload,
            ..Cose::good()
        }
        .open()
    };
    assert_eq!(reason(payload(Cbor::Null)), Reason::PayloadInvalid);
    assert_eq!(reason(payload(Cbor::Bytes(vec![]))), Reason::PayloadInvalid);
    assert_eq!(reason(payload(text("x"))), Reason::EnvelopeMalformed);
}

#[test]
fn every_bit_of_the_signed_part_counts() {
    let good = Cose::good().sign();
    let chain = good.windows(2).position(|octets| octets == [0x30, 0x00]);
    let chain = chain.unwrap()..chain.unwrap() + 2;
    for position in 0..good.len() {
        let mut bytes = good.clone();
        bytes[position] ^= 1 << (position % 8);
        let result = open(MediaType::Cose, &bytes);
        // Only the chain's octets are outside the signature here.
        assert_eq!(result.is_ok(), chain.contains(&position), "{position}");
    }
}
