//! CRLs and OCSP responses with made-up signatures: whoever only keeps them does
//! not look at those.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::Time;
use notation_verifier::evidence::{EvidenceRequest, ListKind};

use crate::signing::tlv;

/// The moment when the tests started, so that what is made twice is the same.
pub(crate) fn now() -> Time {
    static NOW: OnceLock<Time> = OnceLock::new();
    *NOW.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Time::from_unix(i64::try_from(since.as_secs()).unwrap())
    })
}

pub(crate) fn in_seconds(seconds: i64) -> Time {
    now().saturating_add_seconds(seconds)
}

pub(crate) fn crl_request(url: String) -> EvidenceRequest {
    EvidenceRequest::Crl {
        url,
        kind: ListKind::Complete,
        issuer: Vec::new(),
    }
}

pub(crate) fn ocsp_request(url: String) -> EvidenceRequest {
    let one = |value: &[u8]| tlv(0x30, value);
    EvidenceRequest::Ocsp {
        url,
        request: one(&one(&one(&one(&certificate_id())))),
    }
}

/// A list that is due again at `next_update`.
pub(crate) fn crl(next_update: Option<Time>) -> Vec<u8> {
    sized_crl(next_update, 0)
}

/// The same with a signature of `padding` more octets.
pub(crate) fn sized_crl(next_update: Option<Time>, padding: usize) -> Vec<u8> {
    let name = tlv(
        0x30,
        &tlv(
            0x31,
            &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(12, b"a")].concat()),
        ),
    );
    let mut fields = [
        tlv(2, &[1]),
        algorithm(),
        name,
        tlv(0x17, digits(in_seconds(-3600)).get(2..).unwrap().as_bytes()),
    ]
    .concat();
    if let Some(next) = next_update {
        fields.extend(tlv(0x17, digits(next).get(2..).unwrap().as_bytes()));
    }
    signed(&tlv(0x30, &fields), padding)
}

/// A response that says `good` until `next_update`.
pub(crate) fn ocsp_response(next_update: Time) -> Vec<u8> {
    let time = |time| tlv(0x18, digits(time).as_bytes());
    let single = [
        certificate_id(),
        tlv(0x80, &[]),
        time(in_seconds(-60)),
        tlv(0xa0, &time(next_update)),
    ];
    let data = [
        tlv(0xa2, &tlv(4, &[7; 20])),
        time(in_seconds(-60)),
        tlv(0x30, &tlv(0x30, &single.concat())),
    ];
    let basic = signed(&tlv(0x30, &data.concat()), 0);
    let oid = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let bytes = tlv(0x30, &[&oid[..], &tlv(4, &basic)].concat());
    tlv(0x30, &[&[10, 1, 0][..], &tlv(0xa0, &bytes)].concat())
}

fn certificate_id() -> Vec<u8> {
    let sha1 = tlv(0x30, &[6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0]);
    let fields = [sha1, tlv(4, &[1; 20]), tlv(4, &[2; 20]), tlv(2, &[42])];
    tlv(0x30, &fields.concat())
}

/// ecdsa-with-SHA256
fn algorithm() -> Vec<u8> {
    tlv(0x30, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])
}

fn signed(tbs: &[u8], padding: usize) -> Vec<u8> {
    let signature = tlv(3, &vec![0; 65 + padding]);
    tlv(0x30, &[tbs, &algorithm(), &signature].concat())
}

/// `20260131120000Z`
fn digits(time: Time) -> String {
    time.to_string().replace(['-', ':', 'T'], "")
}
