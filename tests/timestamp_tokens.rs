//! Rules of time-stamp tokens, one by one, on tokens that are made here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod tokens;

use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Reason;
use notation_verifier::timestamp::{Timestamp, Token};
use notation_verifier::x509::Certificate;
use tokens::{
    CERTIFICATE, CONTENT_TYPE, GENERALIZED_TIME, INTEGER, MESSAGE_DIGEST, OBJECT_IDENTIFIER,
    OCTET_STRING, SEQUENCE, SERIAL_NUMBER, SET, SIGNING_CERTIFICATE_V2, SIGNING_TIME, TST_INFO,
    UTC_TIME, attribute, attributes, certificate_id, der, info, issuer, issuer_and_serial, signer,
    signer_named, signing_certificate, token, token_of,
};

const MESSAGE: &[u8] = b"a signature";
const TIME: &str = "20240315102100Z";

fn anchor() -> Certificate {
    Certificate::parse(CERTIFICATE, &Provider::preferred(), &Limits::default()).unwrap()
}

fn verify_with(token: &[u8], limits: &Limits) -> Result<Timestamp, (Reason, String)> {
    Token::parse(token, &Provider::preferred(), limits)
        .and_then(|token| {
            token.covers(MESSAGE)?;
            token.verify(&[anchor()])
        })
        .map_err(|rejection| (rejection.reason, rejection.detail))
}

fn verify(token: &[u8]) -> Result<Timestamp, String> {
    verify_with(token, &Limits::default()).map_err(|(reason, detail)| {
        assert_eq!(reason, Reason::TimestampInvalid, "{detail}");
        detail
    })
}

/// A token whose signer signs these attributes.
fn with_attributes(attributes: &[Vec<u8>]) -> Vec<u8> {
    token(&info(MESSAGE, TIME), &[CERTIFICATE], &[&signer(attributes)])
}

fn good_attributes() -> Vec<Vec<u8>> {
    attributes(&info(MESSAGE, TIME))
}

fn good() -> Vec<u8> {
    with_attributes(&good_attributes())
}

#[track_caller]
fn refused(token: &[u8], because: &str) {
    let detail = verify(token).unwrap_err();
    assert!(detail.contains(because), "{detail}");
}

#[test]
fn a_good_token_says_when_and_by_whom() {
    let stamp = verify(&good()).unwrap();
    assert_eq!(stamp.time().to_string(), "2024-03-15T10:21:00Z");
    assert_eq!(
        (stamp.earliest(), stamp.latest()),
        (stamp.time(), stamp.time())
    );
    assert_eq!(
        stamp.to_string(),
        "at 2024-03-15T10:21:00Z by `CN=time-stamping of tests`"
    );
    let token = Token::parse(&good(), &Provider::preferred(), &Limits::default()).unwrap();
    let nobody = token.verify(&[]).unwrap_err();
    assert!(nobody.detail.contains("does not lead to a certificate"));
    let other = token.covers(b"another signature").unwrap_err();
    assert!(other.detail.contains("is of something else"));
}

#[test]
fn attributes_are_signed_in_the_order_of_der() {
    let mut attributes = good_attributes();
    for _ in 0..attributes.len() {
        attributes.rotate_left(1);
        verify(&with_attributes(&attributes)).unwrap();
    }
}

#[test]
fn each_attribute_is_there_once_with_one_value() {
    let time = attribute(SIGNING_TIME, &der(UTC_TIME, &[b"240315102100Z"]));
    let all = [good_attributes(), vec![time]].concat();
    verify(&with_attributes(&all)).unwrap();
    for at in 0..all.len() {
        let mut twice = all.clone();
        twice.push(all[at].clone());
        refused(&with_attributes(&twice), "twice");
    }
    for (at, name) in [
        (0, "content-type"),
        (1, "message-digest"),
        (2, "signing-certificate-v2"),
    ] {
        let mut without = good_attributes();
        without.remove(at);
        refused(
            &with_attributes(&without),
            &format!("lacks the signed attribute {name}"),
        );
    }
    let content_type = der(OBJECT_IDENTIFIER, &[TST_INFO]);
    for values in [vec![], [content_type.clone(), content_type].concat()] {
        let mut other = good_attributes();
        other[0] = attribute(CONTENT_TYPE, &values);
        refused(&with_attributes(&other), "content-type must have one value");
    }
}

#[test]
fn the_digest_and_the_type_are_those_of_the_content() {
    for (at, value) in [
        (
            MESSAGE_DIGEST,
            der(OCTET_STRING, &[&tokens::digest(b"other")]),
        ),
        (MESSAGE_DIGEST, der(OCTET_STRING, &[&[0; 20]])),
        (MESSAGE_DIGEST, der(SEQUENCE, &[])),
    ] {
        let mut other = good_attributes();
        other[1] = attribute(at, &value);
        refused(
            &with_attributes(&other),
            "message-digest is not that of its content",
        );
    }
    let mut other = good_attributes();
    other[0] = attribute(CONTENT_TYPE, &der(OBJECT_IDENTIFIER, &[&[0x2a]]));
    refused(
        &with_attributes(&other),
        "content-type is not that of its content",
    );
}

#[test]
fn the_signing_time_is_in_the_validity_of_the_chain() {
    let with_time = |tag: u8, text: &str| {
        let mut all = good_attributes();
        all.push(attribute(SIGNING_TIME, &der(tag, &[text.as_bytes()])));
        with_attributes(&all)
    };
    verify(&with_time(UTC_TIME, "491231235959Z")).unwrap();
    verify(&with_time(GENERALIZED_TIME, "20691231235959Z")).unwrap();
    refused(&with_time(UTC_TIME, "191231235959Z"), "signing-time 2019");
    refused(
        &with_time(GENERALIZED_TIME, "20700101000000Z"),
        "signing-time 2070",
    );
    refused(
        &with_time(UTC_TIME, "yesterday"),
        "signing-time is malformed",
    );
}

#[test]
fn the_stamp_is_made_while_the_authority_is_valid() {
    let at = |time: &str| {
        let content = info(MESSAGE, time);
        token(&content, &[CERTIFICATE], &[&signer(&attributes(&content))])
    };
    verify(&at("20200101000000Z")).unwrap();
    verify(&at("20691231235959Z")).unwrap();
    refused(&at("20191231235959Z"), "the time-stamp is of 2019-12-31");
    refused(
        &at("20191231235959.999Z"),
        "the time-stamp is of 2019-12-31",
    );
    refused(
        &at("20691231235959.001Z"),
        "the time-stamp is of 2069-12-31",
    );
}

#[test]
fn the_first_certificate_reference_is_that_of_the_signer() {
    let own = certificate_id(CERTIFICATE, &[]);
    let foreign = certificate_id(b"another certificate", &[]);
    let with = |value: &[u8]| {
        let mut all = good_attributes();
        all[2] = value.to_vec();
        with_attributes(&all)
    };
    // Others need not resolve to anything.
    verify(&with(&signing_certificate(&[&own, &foreign]))).unwrap();
    refused(
        &with(&signing_certificate(&[&foreign, &own])),
        "the hash of another certificate",
    );
    refused(&with(&signing_certificate(&[])), "names no certificate");
    refused(
        &with(&attribute(SIGNING_CERTIFICATE_V2, &der(SET, &[]))),
        "signing-certificate-v2 is malformed",
    );

    let directory = |name: &[u8]| der(0xa4, &[name]);
    let serial = |names: &[&[u8]], number: &[u8]| {
        let names = der(SEQUENCE, names);
        certificate_id(
            CERTIFICATE,
            &der(SEQUENCE, &[&names, &der(INTEGER, &[number])]),
        )
    };
    let name = directory(&issuer());
    verify(&with(&signing_certificate(&[&serial(
        &[&name],
        SERIAL_NUMBER,
    )])))
    .unwrap();
    refused(
        &with(&signing_certificate(&[&serial(&[&name], &[0x5b])])),
        "name two certificates",
    );
    refused(
        &with(&signing_certificate(&[&serial(
            &[&name, &name],
            SERIAL_NUMBER,
        )])),
        "signing-certificate-v2 is malformed",
    );
    refused(
        &with(&signing_certificate(&[&serial(
            &[&der(0x82, &[b"tsa"])],
            SERIAL_NUMBER,
        )])),
        "no directory name",
    );
}

#[test]
fn the_signer_is_named_by_issuer_and_serial_number() {
    let named = |version: u8, name: &[u8]| {
        let signer = signer_named(version, name, &good_attributes());
        token(&info(MESSAGE, TIME), &[CERTIFICATE], &[&signer])
    };
    refused(
        &named(1, &issuer_and_serial(&[0x5b])),
        "signer is not in the time-stamp",
    );
    refused(&named(3, &der(0x80, &[&[1; 20]])), "key identifier");
    refused(&named(1, &der(0x80, &[&[1; 20]])), "key identifier");
    refused(
        &named(3, &issuer_and_serial(SERIAL_NUMBER)),
        "key identifier",
    );
    let without = token(&info(MESSAGE, TIME), &[], &[&signer(&good_attributes())]);
    refused(&without, "signer is not in the time-stamp");
}

#[test]
fn one_good_signer_is_enough() {
    let content = info(MESSAGE, TIME);
    let good = signer(&good_attributes());
    let bad = signer(&attributes(b"something else"));
    let with = |signers: &[&[u8]]| token(&content, &[CERTIFICATE], signers);
    verify(&with(&[&bad, &good])).unwrap();
    verify(&with(&[&good, &bad])).unwrap();
    refused(&with(&[&bad, &bad]), "message-digest");
    refused(&with(&[]), "no signer");
}

#[test]
fn a_signature_of_other_attributes_is_refused() {
    let mut token = good();
    let at = token.len() - 1;
    token[at] ^= 1;
    refused(&token, "the signature does not match");
}

#[test]
fn versions_are_those_of_the_standard() {
    let content = der(OCTET_STRING, &[&info(MESSAGE, TIME)]);
    let signer = signer(&good_attributes());
    for version in [1, 2, 4, 5] {
        let token = token_of(&content, version, &[CERTIFICATE], &[&signer]);
        refused(&token, "a version other than 3");
    }
}

#[test]
fn nothing_follows_the_token_or_its_parts() {
    refused(&[good(), vec![0]].concat(), "malformed");
    refused(&[good(), good()].concat(), "data after the end");
    let inside = tokens::content_info(&[der(SEQUENCE, &[]), der(SEQUENCE, &[])].concat());
    refused(&inside, "no signed data");
}

/// RFC 5652 lets all but the signed attributes be BER.
#[test]
fn ber_says_the_same_as_der() {
    let content = info(MESSAGE, TIME);
    let (head, tail) = content.split_at(20);
    let pieces = [
        &[0x24, 0x80][..],
        &der(OCTET_STRING, &[head]),
        &der(OCTET_STRING, &[tail]),
        &[0, 0],
    ]
    .concat();
    let in_pieces = token_of(&pieces, 3, &[CERTIFICATE], &[&signer(&good_attributes())]);
    verify(&in_pieces).unwrap();

    // The outermost element, with an indefinite length.
    let good = good();
    let indefinite = [&[SEQUENCE, 0x80], &good[4..], &[0, 0]].concat();
    assert_eq!(good[1], 0x82);
    verify(&indefinite).unwrap();
    refused(&indefinite[..indefinite.len() - 2], "malformed");

    let long = [&[SEQUENCE, 0x84, 0, 0], &good[2..]].concat();
    verify(&long).unwrap();
}

/// Each bound stops the work before it is done.
#[test]
fn counts_sizes_and_nesting_are_bounded() {
    let limits = Limits::default();
    let over = |token: &[u8], what: &str| {
        let (reason, detail) = verify_with(token, &limits).unwrap_err();
        assert_eq!(reason, Reason::LimitExceeded, "{detail}");
        assert!(detail.contains(what), "{detail}");
    };
    let content = info(MESSAGE, TIME);
    let signer_of = signer(&good_attributes());
    let certificates = vec![CERTIFICATE; limits.token_certificates];
    verify(&token(&content, &certificates, &[&signer_of])).unwrap();
    let certificates = vec![CERTIFICATE; limits.token_certificates + 1];
    over(
        &token(&content, &certificates, &[&signer_of]),
        "certificates",
    );

    let signers = vec![signer_of.as_slice(); limits.token_signers];
    verify(&token(&content, &[CERTIFICATE], &signers)).unwrap();
    let signers = vec![signer_of.as_slice(); limits.token_signers + 1];
    over(&token(&content, &[CERTIFICATE], &signers), "signers");

    let mut many = good_attributes();
    while many.len() < limits.token_attributes {
        many.push(attribute(
            &[0x2a],
            &der(OCTET_STRING, &[&[u8::try_from(many.len()).unwrap()]]),
        ));
    }
    verify(&with_attributes(&many)).unwrap();
    many.push(attribute(&[0x2a], &[5, 0]));
    over(&with_attributes(&many), "signed attributes");

    over(&vec![0x30; limits.token_bytes + 1], "octets");
    let nested = [[SEQUENCE, 0x80].repeat(100_000), vec![0; 200_000]].concat();
    refused(&nested, "elements that nest too deep");
}
