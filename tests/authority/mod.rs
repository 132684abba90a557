//! An authority that signs whatever it is told: CRLs and OCSP responses about
//! the certificates `revocation-*.der` in `tests/keys`.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests and fuzz targets need different parts, and stop at what they do not expect"
)]

pub(crate) mod large;

use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::x509::Certificate;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

pub(crate) const CA: &[u8] = include_bytes!("../keys/revocation-ca.der");
pub(crate) const LEAF: &[u8] = include_bytes!("../keys/revocation-leaf.der");
pub(crate) const RESPONDER: &[u8] = include_bytes!("../keys/revocation-responder.der");
/// Serial numbers, as they are encoded.
pub(crate) const LEAF_SERIAL: &[u8] = &[0x10, 0x01];
pub(crate) const RESPONDER_SERIAL: &[u8] = &[0x10, 0x02];

/// The private key of the authority, and that of the responder.
pub(crate) const CA_KEY: [u8; 32] = [7; 32];
pub(crate) const RESPONDER_KEY: [u8; 32] = [9; 32];

pub(crate) const OCSP_BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

pub(crate) fn certificate(der: &[u8]) -> Certificate {
    Certificate::parse(der, &Provider::preferred(), &Limits::default()).unwrap()
}

/// The leaf and its issuer.
pub(crate) fn chain() -> Vec<Certificate> {
    vec![certificate(LEAF), certificate(CA)]
}

/// One element in DER.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = contents.len();
    let head = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=0x7f), _) => vec![tag, short],
        (Ok(length), _) => vec![tag, 0x81, length],
        (_, Ok(length)) => [&[tag, 0x82], &length.to_be_bytes()[..]].concat(),
        _ => [
            &[tag, 0x84],
            &u32::try_from(length).unwrap().to_be_bytes()[..],
        ]
        .concat(),
    };
    [head, contents].concat()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// `20240102030405Z`.
pub(crate) fn generalized_time(text: &str) -> Vec<u8> {
    tlv(0x18, &[text.as_bytes()])
}

pub(crate) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&tlv(6, &[oid]), critical, &tlv(4, &[value])])
}

/// `{tbs, algorithm, signature}` and what may follow.
pub(crate) fn signed(tbs: &[u8], key: [u8; 32], rest: &[u8]) -> Vec<u8> {
    let signature: Signature = SigningKey::from_slice(&key).unwrap().sign(tbs);
    sequence(&[
        tbs,
        &algorithm(),
        &tlv(3, &[&[0], &der_signature(&signature)]),
        rest,
    ])
}

/// An `ECDSA-Sig-Value`.
fn der_signature(signature: &Signature) -> Vec<u8> {
    let number = |octets: &[u8]| {
        let start = octets.iter().take_while(|octet| **octet == 0).count();
        let magnitude = &octets[start..];
        let pad: &[u8] = if magnitude[0] >= 0x80 { &[0] } else { &[] };
        tlv(2, &[pad, magnitude])
    };
    let (r, s) = signature.split_bytes();
    sequence(&[&number(&r), &number(&s)])
}

fn algorithm() -> Vec<u8> {
    sequence(&[&tlv(6, &[ECDSA_WITH_SHA256])])
}

/// A CRL of the authority.
#[derive(Clone)]
pub(crate) struct List {
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl List {
    /// A list of 2024 that has not expired, with this CRL number.
    pub(crate) fn numbered(number: u8) -> Self {
        Self {
            this_update: "20240101000000Z",
            next_update: Some("20690101000000Z"),
            entries: Vec::new(),
            extensions: vec![extension(&[0x55, 0x1d, 20], false, &tlv(2, &[&[number]]))],
        }
    }

    pub(crate) fn entry(mut self, entry: Vec<u8>) -> Self {
        self.entries.push(entry);
        self
    }

    /// Revokes the leaf.
    pub(crate) fn leaf(self, date: &str, reason: u8) -> Self {
        self.entry(entry(LEAF_SERIAL, date, &[reason_code(reason)]))
    }

    pub(crate) fn extension(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// A delta to base lists from this number on.
    pub(crate) fn delta(self, indicator: u8) -> Self {
        self.extension(extension(&[0x55, 0x1d, 27], true, &tlv(2, &[&[indicator]])))
    }

    /// With the addresses of deltas.
    pub(crate) fn freshest(self, urls: &[&str]) -> Self {
        let points = sequence(&[&sequence(&[&point_name(urls)])]);
        self.extension(extension(&[0x55, 0x1d, 46], false, &points))
    }

    /// With an `issuingDistributionPoint` of these fields.
    pub(crate) fn scope(self, fields: &[&[u8]]) -> Self {
        self.extension(extension(&[0x55, 0x1d, 28], true, &sequence(fields)))
    }

    pub(crate) fn tbs(&self) -> Vec<u8> {
        let next_update = self.next_update.map(generalized_time).unwrap_or_default();
        let entries = if self.entries.is_empty() {
            Vec::new()
        } else {
            sequence(&[&self.entries.concat()])
        };
        let extensions = tlv(0xa0, &[&sequence(&[&self.extensions.concat()])]);
        let rest = [
            generalized_time(self.this_update),
            next_update,
            entries,
            extensions,
        ];
        tbs_list(&rest.concat())
    }

    pub(crate) fn sign(&self) -> Vec<u8> {
        signed(&self.tbs(), CA_KEY, &[])
    }
}

/// A `tbsCertList` of the authority with `rest` after the issuer.
pub(crate) fn tbs_list(rest: &[u8]) -> Vec<u8> {
    sequence(&[
        &[2, 1, 1],
        &algorithm(),
        certificate(CA).subject().der(),
        rest,
    ])
}

pub(crate) fn entry(serial_number: &[u8], date: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        sequence(&[&extensions.concat()])
    };
    sequence(&[
        &tlv(2, &[serial_number]),
        &generalized_time(date),
        &extensions,
    ])
}

pub(crate) fn reason_code(reason: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 21], false, &[0x0a, 1, reason])
}

pub(crate) fn invalidity_date(date: &str) -> Vec<u8> {
    extension(&[0x55, 0x1d, 24], false, &generalized_time(date))
}

/// A `DistributionPointName` of addresses in its explicit tag.
pub(crate) fn point_name(urls: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = urls
        .iter()
        .flat_map(|url| tlv(0x86, &[url.as_bytes()]))
        .collect();
    tlv(0xa0, &[&tlv(0xa0, &[&names])])
}

/// The `CertID` in an `OCSPRequest` of ours.
pub(crate) fn cert_id(request: &[u8]) -> Vec<u8> {
    // Four sequences around it, each with a length of one octet.
    request.get(8..).unwrap().to_vec()
}

/// A `SingleResponse`; `status` is the DER of the `CertStatus`.
pub(crate) fn single(
    id: &[u8],
    status: &[u8],
    this_update: &str,
    next_update: Option<&str>,
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let next_update = next_update
        .map(|text| tlv(0xa0, &[&generalized_time(text)]))
        .unwrap_or_default();
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        tlv(0xa1, &[&sequence(&[&extensions.concat()])])
    };
    sequence(&[
        id,
        status,
        &generalized_time(this_update),
        &next_update,
        &extensions,
    ])
}

pub(crate) const GOOD: &[u8] = &[0x80, 0];
pub(crate) const UNKNOWN: &[u8] = &[0x82, 0];

pub(crate) fn revoked(date: &str) -> Vec<u8> {
    tlv(0xa1, &[&generalized_time(date)])
}

/// The `ResponseData` of these answers.
pub(crate) fn response_data(singles: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        tlv(0xa1, &[&sequence(&[&extensions.concat()])])
    };
    tbs_response(&[sequence(&[&singles.concat()]), extensions].concat())
}

/// A `ResponseData` with `rest` after the time.
pub(crate) fn tbs_response(rest: &[u8]) -> Vec<u8> {
    sequence(&[
        &tlv(0xa1, &[certificate(CA).subject().der()]),
        &generalized_time("20240101000000Z"),
        rest,
    ])
}

/// An `OCSPResponse` with this `ResponseData`.
pub(crate) fn response(data: &[u8], key: [u8; 32], certificates: &[&[u8]]) -> Vec<u8> {
    let certificates = if certificates.is_empty() {
        Vec::new()
    } else {
        tlv(0xa0, &[&sequence(certificates)])
    };
    let basic = signed(data, key, &certificates);
    let bytes = sequence(&[&tlv(6, &[OCSP_BASIC]), &tlv(4, &[&basic])]);
    sequence(&[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])
}
