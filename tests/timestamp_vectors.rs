//! Tokens of real authorities, and tokens with one defect each, from the time-stamp
//! client of the reference implementation: `../shared/vectors/rfc3161`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use notation_verifier::crypto::Provider;
use notation_verifier::envelope::Envelope;
use notation_verifier::limits::Limits;
use notation_verifier::timestamp::{Reply, Status, Timestamp, Token};
use notation_verifier::x509::{Certificate, Chain, parse_certificates};
use serde_json::Value;

fn certificates(file: &Path) -> Vec<Certificate> {
    parse_certificates(
        &fs::read(file).unwrap(),
        &Provider::preferred(),
        &Limits::default(),
    )
    .unwrap()
}

/// Reads and verifies a token; where `message` is known it must be of that.
fn verify(
    token: &[u8],
    message: Option<&[u8]>,
    anchors: &[Certificate],
) -> Result<Timestamp, String> {
    let verified =
        Token::parse(token, &Provider::preferred(), &Limits::default()).and_then(|token| {
            message.map_or(Ok(()), |message| token.covers(message))?;
            token.verify(anchors)
        });
    verified.map_err(|rejection| format!("{}: {rejection}", rejection.reason.as_str()))
}

/// What is told of each case of the table that is no good token.
const REFUSED: &[(&str, &str)] = &[
    (
        "tspclient-go/TimeStampTokenWithoutCertificate.p7s",
        "signer is not in the time-stamp",
    ),
    (
        "tspclient-go/TimeStampTokenWithInvalidSignature.p7s",
        SIGNATURE,
    ),
    (
        "tspclient-go/TimeStampTokenWithInvalidTSTInfo.p7s",
        "TSTInfo is malformed",
    ),
    (
        "tspclient-go/TimeStampTokenWithInvalideContentType.p7s",
        "of type `1.2.840.113549.1.7.1`",
    ),
    (
        "tspclient-go/TimeStampTokenWithoutSigningCertificate.p7s",
        NO_CERTIFICATE_V2,
    ),
    (
        "tspclient-go/TimeStampTokenWithWrongSigningCertificateV2IssuerChoiceTag.p7s",
        "no directory name",
    ),
    (
        "tspclient-go/TimeStampTokenWithSHA1CertHash.p7s",
        "signing-certificate-v2 is made with the hash algorithm `1.3.14.3.2.26`",
    ),
    (
        "tspclient-go/TimeStampTokenWithMismatchCertHash.p7s",
        "the hash of another certificate",
    ),
    (
        "tspclient-go/TimeStampTokenWithInvalidSigningCertificateV2.p7s",
        "signing-certificate-v2 is malformed",
    ),
    (
        "tspclient-go/TimeStampTokenWithSigningCertificateV2NoCert.p7s",
        "a list that names no certificate",
    ),
    (
        "tspclient-go/TimeStampTokenWithSigningCertificateV1.p7s",
        NO_CERTIFICATE_V2,
    ),
    (
        "tspclient-go/TimeStampTokenWithTSTInfoVersion2.p7s",
        "a version other than 1",
    ),
    (
        "tspclient-go/SHA1TimeStampToken.p7s",
        "imprint is made with the hash algorithm",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithoutCertificate.p7s",
        "signer is not in the time-stamp",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithoutSigner.p7s",
        "no signer",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithUnknownSignerIssuer.p7s",
        "signer is not in the time-stamp",
    ),
    (
        "tspclient-go-cms/Sha1SignedData.p7s",
        "of type `1.2.840.113549.1.7.1`",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithInvalidSignature.p7s",
        SIGNATURE,
    ),
    (
        "tspclient-go-cms/SignedDataWithoutSignedAttributes.p7s",
        "of type `1.2.840.113549.1.7.1`",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithInvalidContentType.p7s",
        "of type `1.2.840.113549.1.9.16.1.5`",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithInvalidCertificates.p7s",
        "in the time-stamp, the certificate is malformed",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithoutSignedAttributeContentType.p7s",
        "lacks the signed attribute content-type",
    ),
    (
        "tspclient-go-cms/TimeStampTokenInvalidSignedAttributeContentType.p7s",
        "content-type is not that of its content",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithoutSignedAttributeDigest.p7s",
        "lacks the signed attribute message-digest",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithSignedAttributeSHA1.p7s",
        "uses the digest algorithm `1.3.14.3.2.26`",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithInvalidSigningTime.p7s",
        "an attribute without values",
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithoutSignedAttributes.p7s",
        "lacks the signed attribute",
    ),
    // Good for their authors in the part that they test; their signatures were
    // not made anew, which is seen last.
    (
        "tspclient-go/TimeStampTokenWithoutSigningCertificateV2IssuerSerial.p7s",
        SIGNATURE,
    ),
    (
        "tspclient-go-cms/TimeStampTokenWithSigningTime.p7s",
        SIGNATURE,
    ),
];

const SIGNATURE: &str = "the signature does not match the key and the signed bytes";
const NO_CERTIFICATE_V2: &str = "lacks the signed attribute signing-certificate-v2";

/// Answers of an authority to a client (`TimeStampResp`), and what is told of each.
const REPLIES: &[(&str, &str)] = &[
    ("tspclient-go/granted.tsq", "good"),
    (
        "tspclient-go/rejection.tsq",
        "rejected; badAlg: it does not take the hash function of the query; it says: `request \
         contains unknown algorithm`",
    ),
    ("tspclient-go/malformed.tsq", "reply is malformed"),
    (
        "tspclient-go/validResponseWithSigningCertificateV1.tsr",
        NO_CERTIFICATE_V2,
    ),
];

/// What comes of a reply: its token, verified, where it has one.
fn verify_reply(
    reply: &[u8],
    message: Option<&[u8]>,
    anchors: &[Certificate],
) -> Result<Timestamp, String> {
    let reply =
        Reply::parse(reply, &Limits::default()).map_err(|rejection| rejection.to_string())?;
    let token = reply.token().ok_or_else(|| reply.to_string())?;
    assert_eq!(reply.status(), Status::Granted);
    verify(token, message, anchors)
}

#[test]
fn the_tokens_of_the_reference_get_its_verdicts() {
    let Some(folder) = shared::folder("vectors/rfc3161") else {
        return;
    };
    let table: Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let cases = table
        .as_array()
        .or_else(|| table["cases"].as_array())
        .unwrap();
    let refused: BTreeMap<&str, &str> = REFUSED.iter().copied().collect();
    let globalsign = certificates(&folder.join("tspclient-go/GlobalSignRootCA.crt"));
    let replies: BTreeMap<&str, &str> = REPLIES.iter().copied().collect();
    let (mut good, mut bad, mut answers) = (0, 0, 0);
    for case in cases {
        let text = |member: &str| case[member].as_str();
        let file = text("file").unwrap();
        let token = fs::read(folder.join(file)).unwrap();
        let anchors = match (text("root"), file) {
            (Some(root), _) => certificates(&folder.join(root)),
            (None, "tspclient-go/TimeStampTokenNoRoot.p7s") => {
                certificates(&folder.join("../roots/microsoft-identity-verification-root-2020.pem"))
            }
            (None, _) => globalsign.clone(),
        };
        let message = match (text("message"), text("imprint_of")) {
            (Some(message), _) => Some(message.as_bytes().to_vec()),
            (None, Some(of)) => Some(fs::read(folder.join(of)).unwrap()),
            (None, None) => None,
        };
        let found = verify(&token, message.as_deref(), &anchors);
        if let Some(expected) = replies.get(file) {
            answers += 1;
            assert!(found.is_err(), "{file}: {found:?}");
            let told = verify_reply(&token, message.as_deref(), &anchors);
            let told = told.map_or_else(|told| told, |_| "good".to_owned());
            assert!(told.contains(expected), "{file}: {told}");
        } else if let Some(expected) = refused.get(file) {
            bad += 1;
            let told = found.unwrap_err();
            assert!(
                told.starts_with("timestamp-invalid: ") && told.contains(expected),
                "{file}: {told}"
            );
            assert_ne!(text("expect"), Some("ok"), "{file}");
        } else {
            good += 1;
            let stamp = found.unwrap_or_else(|told| panic!("{file}: {told}"));
            assert_ne!(text("expect"), Some("error"), "{file}");
            if let Some(time) = text("gen_time") {
                assert_eq!(stamp.time().to_string(), time, "{file}");
            }
            if let Some(accuracy) = text("accuracy") {
                assert_eq!(format!("{:?}", stamp.accuracy()), accuracy, "{file}");
            }
            // Nothing of it holds under the roots of somebody else.
            let others = certificates(&folder.join("../roots/digicert-trusted-root-g4.pem"));
            let told = verify(&token, message.as_deref(), &others).unwrap_err();
            assert!(
                told.contains("does not lead to a certificate"),
                "{file}: {told}"
            );
            let told = verify(&token, Some(b"something else"), &anchors).unwrap_err();
            assert!(told.contains("is of something else"), "{file}: {told}");
        }
    }
    println!("rfc3161: {good} good, {bad} refused, {answers} answers with and without a token");
    assert_eq!((good, bad, answers), (7, REFUSED.len(), REPLIES.len()));
    assert_eq!(good + bad + answers, cases.len());
    assert_eq!(cases.len(), 40);
}

/// Each octet of a token counts, except in what nobody signed or needs.
#[test]
fn a_changed_token_is_refused_or_says_the_same() {
    let Some(folder) = shared::folder("vectors/rfc3161") else {
        return;
    };
    let token = fs::read(folder.join("tspclient-go/TimeStampToken.p7s")).unwrap();
    let anchors = certificates(&folder.join("tspclient-go/GlobalSignRootCA.crt"));
    let original = verify(&token, Some(b"notation"), &anchors).unwrap();
    let (mut refused, mut same) = (0, 0);
    for at in (0..token.len()).step_by(STEP) {
        let mut changed = token.clone();
        changed[at] ^= 1 << (at % 8);
        match verify(&changed, Some(b"notation"), &anchors) {
            Err(_) => refused += 1,
            Ok(stamp) => {
                same += 1;
                assert_eq!(stamp.time(), original.time(), "octet {at}");
                assert_eq!(stamp.accuracy(), original.accuracy(), "octet {at}");
                assert_eq!(
                    stamp.chain().leaf().der(),
                    original.chain().leaf().der(),
                    "octet {at}"
                );
            }
        }
    }
    println!("{refused} changes refused, {same} of no consequence");
    assert_eq!(refused + same, token.len().div_ceil(STEP));
    assert!(refused * STEP > 5_000, "{refused}");
    for end in (0..token.len()).step_by(STEP) {
        assert!(
            verify(&token[..end], None, &anchors).is_err(),
            "cut at {end}"
        );
    }
}

/// Octets between two changes: each costs the signatures of a chain.
const STEP: usize = 7;

/// Real time-stamped envelopes, with the real roots of their authorities.
#[test]
fn the_tokens_of_real_envelopes_verify() {
    let Some(folder) = shared::folder("vectors") else {
        return;
    };
    let roots: Vec<Certificate> = shared::files(&folder.join("roots"), "der")
        .iter()
        .flat_map(|file| certificates(file))
        .collect();
    let limits = Limits::default();
    let mut authorities: BTreeMap<String, usize> = BTreeMap::new();
    let mut pending = vec![folder.join("notation-signatures")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for media_type in ["application/cose", "application/jose+json"] {
                let Some((token, signature)) = countersignature(media_type, &bytes, &limits) else {
                    continue;
                };
                let stamp = verify(&token, Some(&signature), &roots)
                    .unwrap_or_else(|told| panic!("{}: {told}", path.display()));
                let authority = stamp.chain().root().subject().to_string();
                *authorities.entry(authority).or_default() += 1;
            }
        }
    }
    println!("{authorities:#?}");
    assert_eq!(authorities.values().sum::<usize>(), ENVELOPES_WITH_TOKEN);
}

const ENVELOPES_WITH_TOKEN: usize = 4;

/// Token and signature of an envelope that has both and verifies.
fn countersignature(media_type: &str, bytes: &[u8], limits: &Limits) -> Option<(Vec<u8>, Vec<u8>)> {
    let envelope = Envelope::parse(media_type, bytes, limits).ok()?;
    let certificates = envelope
        .certificates()
        .iter()
        .map(|der| Certificate::parse(der, &Provider::preferred(), limits))
        .collect::<Result<_, _>>()
        .ok()?;
    let chain = Chain::code_signing(certificates, limits).ok()?;
    let signed = envelope.verify(Arc::new(chain)).ok()?;
    Some((
        signed.timestamp_token()?.to_vec(),
        signed.signature_bytes().to_vec(),
    ))
}
