//! OCSP responses and CRLs of other projects.
//!
//! BoringSSL's verdicts are compared with ours; where they differ the exceptions
//! file says why, with the cause that we give, so that a difference for another
//! reason fails. Of pyca's parser files each has one line here that says what is
//! read from it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use notation_verifier::crypto::Provider;
use notation_verifier::evidence::{Evidence, EvidenceReply, EvidenceRequest};
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Rejection;
use notation_verifier::revocation::{self, Answer, Context, Status, crl, ocsp};
use notation_verifier::time::Time;
use notation_verifier::x509::{
    Certificate, OcspResponse, OcspStatus, RevocationList, parse_certificates,
};
use serde_json::Value;

const EXCEPTIONS: &str = include_str!("revocation_vectors.exceptions.json");

/// The verdict that we reach instead, with the text that our cause contains and
/// why that is right for us.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    ours: String,
    cause: String,
    reason: String,
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The first block of `label` in a PEM file with text around it.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once("-----END")?;
    let body: String = body.split_whitespace().collect();
    Some(Base64::decode_vec(&body).unwrap())
}

fn parse(der: &[u8]) -> Result<Certificate, Rejection> {
    Certificate::parse(der, &Provider::preferred(), &Limits::default())
}

fn certificate(der: &[u8]) -> Certificate {
    parse(der).unwrap()
}

fn with_context<T>(now: i64, run: impl FnOnce(&Context<'_>) -> T) -> T {
    run(&Context::new(
        Time::from_unix(now),
        &Provider::preferred(),
        &Limits::default(),
    ))
}

const fn verdict(answer: &Answer) -> &'static str {
    match answer {
        Answer::Good => "GOOD",
        Answer::Revoked(_) => "REVOKED",
        Answer::Unknown(_) => "UNKNOWN",
    }
}

/// Runs the cases of `folder` and compares each with its verdict in `member`.
/// The number of exceptions is returned.
fn compare(
    folder: &Path,
    member: &str,
    judge: impl Fn(&str, &Context<'_>) -> Answer,
) -> (usize, usize) {
    let exceptions: BTreeMap<String, Exception> = serde_json::from_str(EXCEPTIONS).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let document = json(&folder.join("expected.json"));
    let now = document["verify_time_unix"].as_i64().unwrap();
    let (mut run, mut excepted) = (0, 0);
    let mut problems = Vec::new();
    for case in document["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let answer = with_context(now, |context| judge(&text, context));
        let cause = match &answer {
            Answer::Unknown(cause) => cause.as_str(),
            _ => "",
        };
        let (expected, found) = (case[member].as_str().unwrap(), verdict(&answer));
        run += 1;
        match exceptions.get(&format!("{name}/{file}")) {
            None if expected == found => {}
            None => problems.push(format!("{file}: {found}, not {expected}: {cause}")),
            Some(_) if expected == found => {
                problems.push(format!("{file}: agrees, remove its exception"));
            }
            Some(exception) => {
                excepted += 1;
                assert!(!exception.reason.is_empty(), "{file}: without a reason");
                if exception.ours != found || !cause.contains(&exception.cause) {
                    problems.push(format!("{file}: {found} for another cause: {cause}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    (run, excepted)
}

#[test]
fn boringssl_ocsp() {
    let Some(folder) = shared::folder("vectors/ocsp-crl/boringssl-ocsp") else {
        return;
    };
    let judge = |text: &str, context: &Context<'_>| {
        let issuer = certificate(&pem(text, "CA CERTIFICATE").unwrap());
        let subject = match parse(&pem(text, "CERTIFICATE").unwrap()) {
            Ok(subject) => subject,
            Err(rejection) => return Answer::Unknown(rejection.to_string()),
        };
        // What BoringSSL's encoder produces is what we ask.
        assert_eq!(
            ocsp::request_for(&subject, &issuer),
            pem(text, "OCSP REQUEST").unwrap()
        );
        let response = pem(text, "OCSP RESPONSE").unwrap();
        ocsp::judge(&response, &subject, &issuer, context, &Evidence::none()).unwrap()
    };
    let counts = compare(&folder, "revocation_status", judge);
    assert_eq!(counts, (36, 15));
}

#[test]
fn boringssl_crl() {
    let Some(folder) = shared::folder("vectors/ocsp-crl/boringssl-crl") else {
        return;
    };
    let judge = |text: &str, context: &Context<'_>| {
        let issuer = certificate(&pem(text, "CA CERTIFICATE").unwrap());
        let subject = match parse(&pem(text, "CERTIFICATE").unwrap()) {
            Ok(subject) => subject,
            Err(rejection) => return Answer::Unknown(rejection.to_string()),
        };
        match RevocationList::parse(Arc::new(pem(text, "CRL").unwrap())) {
            Ok(list) => crl::judge(&list, &subject, &issuer, context),
            Err(error) => Answer::Unknown(error.to_string()),
        }
    };
    let counts = compare(&folder, "status", judge);
    assert_eq!(counts, (50, 7));
}

#[test]
fn every_exception_is_used() {
    let Some(folder) = shared::folder("vectors/ocsp-crl") else {
        return;
    };
    let exceptions: BTreeMap<String, Exception> = serde_json::from_str(EXCEPTIONS).unwrap();
    for name in exceptions.keys() {
        assert!(folder.join(name).is_file(), "{name}: there is no such case");
    }
}

#[test]
fn notation_core_go_deltas() {
    let Some(folder) = shared::folder("vectors/ocsp-crl/notation-core-go-crl") else {
        return;
    };
    let parse = |file: &str| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        parse_certificates(&bytes, &Provider::preferred(), &Limits::default())
    };
    let document = json(&folder.join("expected.json"));
    let mut run = 0;
    for case in document["cases"].as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let expect = case["expect"].as_str().unwrap();
        run += 1;
        match case["check"].as_str().unwrap() {
            "FreshestCRL URLs" => {
                let count: usize = expect[..1].parse().unwrap();
                let certificates = parse(file).unwrap();
                assert_eq!(
                    certificates[0].freshest_crl_urls().len(),
                    count,
                    "{file}: {expect}"
                );
                assert!(certificates[0].has_freshest_crl(), "{file}");
            }
            // The certificate is read, as in the reference, and that its delta
            // lists cannot be found out makes its status unknown.
            "FreshestCRL parse" => {
                let certificates = parse(file).unwrap();
                assert!(certificates[0].freshest_crl_urls().is_empty(), "{file}");
                assert!(certificates[0].has_freshest_crl(), "{file}");
            }
            "base CRL with FreshestCRL extension" => {
                let list =
                    RevocationList::parse(Arc::new(std::fs::read(folder.join(file)).unwrap()))
                        .unwrap();
                assert_eq!(list.freshest_crl_urls().len(), 2, "{file}");
                assert!(list.delta_indicator().is_none(), "{file}");
            }
            "delta CRL (critical Delta CRL Indicator)" => {
                let list =
                    RevocationList::parse(Arc::new(std::fs::read(folder.join(file)).unwrap()))
                        .unwrap();
                assert!(list.delta_indicator().is_some());
                assert_eq!(list.unknown_critical_extension(), None);
                assert_eq!(list.this_update().to_string(), "2024-11-25T07:31:41Z");
                assert_eq!(
                    list.next_update().unwrap().to_string(),
                    "2024-11-25T07:36:40Z"
                );
            }
            other => panic!("{file}: the check `{other}` is new"),
        }
    }
    assert_eq!(run, 8);
}

#[test]
fn notation_end_to_end() {
    let Some(folder) = shared::folder("vectors/ocsp-crl/notation-e2e") else {
        return;
    };
    let document = json(&folder.join("expected.json"));
    let chain = std::fs::read(folder.join(document["chain"].as_str().unwrap())).unwrap();
    let chain = parse_certificates(&chain, &Provider::preferred(), &Limits::default()).unwrap();
    assert_eq!(chain.len(), 3);
    let (mut run, mut unmapped) = (0, 0);
    for case in document["cases"].as_array().unwrap() {
        // One case is a chain for a live responder: there are no octets to judge.
        if case.get("ocsp_chain").is_some() {
            unmapped += 1;
            continue;
        }
        run += 1;
        let list = |url: &str| {
            let position = chain
                .iter()
                .position(|certificate| certificate.crl_urls().contains(&url))
                .unwrap();
            let member = ["leaf_crl", "intermediate_crl"][position];
            let bytes = std::fs::read(folder.join(case[member].as_str().unwrap())).unwrap();
            String::from_utf8(bytes.clone())
                .ok()
                .and_then(|text| pem(&text, "X509 CRL"))
                .unwrap_or(bytes)
        };
        let mut evidence = Evidence::none();
        let statuses = loop {
            // 2025: after the lists were made, before they and the chain expire.
            let evaluated = with_context(1_735_700_000, |context| {
                revocation::evaluate(&chain, context, &evidence)
            });
            match evaluated {
                Ok(statuses) => break statuses,
                Err(requests) => {
                    for request in requests {
                        let reply = match &request {
                            EvidenceRequest::Crl { url, .. } => {
                                EvidenceReply::Content(list(url).into())
                            }
                            _ => EvidenceReply::Unavailable("no responder".to_owned()),
                        };
                        evidence.insert(request, reply);
                    }
                }
            }
        };
        let found: Vec<&Status> = statuses.iter().map(|found| &found.status).collect();
        let expect = case["expect"].as_str().unwrap();
        let as_expected = match (expect, &*found) {
            ("ok (not revoked)", [Status::Good, Status::Good, Status::NotRevocable])
            | ("error: leaf revoked", [Status::Revoked(_), ..])
            | ("error: intermediate revoked", [_, Status::Revoked(_), _]) => true,
            (expired, [Status::Unknown, Status::Good, _]) => expired.contains("expired CRL"),
            _ => false,
        };
        assert!(as_expected, "{expect}: {statuses:?}");
    }
    assert_eq!((run, unmapped), (4, 1));
}

/// What is read from pyca's files.
const PARSED: &[(&str, &str)] = &[
    ("cdp_crl_issuer.pem", "points [] issuer; deltas []"),
    (
        "cdp_fullname_reasons_crl_issuer.pem",
        "points [\"http://myhost.com/myca.crl\"] reasons issuer; deltas []",
    ),
    ("crl_all_reasons.pem", "12 entries, several issuers"),
    (
        "crl_bad_version.pem",
        "the revocation list is malformed: a version that is not 2 at octet 7",
    ),
    ("crl_delta_crl_indicator.pem", "0 entries, delta"),
    (
        "crl_dup_entry_ext.pem",
        "the revocation list is malformed: a malformed or second reason code at octet 145",
    ),
    ("crl_empty.pem", "0 entries"),
    ("crl_empty_no_sequence.der", "0 entries"),
    ("crl_ian_aia_aki.pem", "0 entries"),
    (
        "crl_idp_fullname_indirect_crl.pem",
        "0 entries, scope named indirect",
    ),
    ("crl_idp_fullname_only.pem", "0 entries, scope named"),
    (
        "crl_idp_fullname_only_aa.pem",
        "0 entries, scope named attributes",
    ),
    (
        "crl_idp_fullname_only_user.pem",
        "0 entries, scope named users",
    ),
    ("crl_idp_only_ca.pem", "0 entries, scope named authorities"),
    ("crl_idp_reasons_only.pem", "0 entries, scope reasons"),
    (
        "crl_idp_relative_user_all_reasons.pem",
        "0 entries, scope named users reasons",
    ),
    ("crl_idp_relativename_only.pem", "0 entries, scope named"),
    (
        "crl_inner_outer_mismatch.der",
        "the revocation list is malformed: a signature algorithm other than the outer one at octet 9",
    ),
    (
        "crl_inval_cert_issuer_entry_ext.pem",
        "1 entries, several issuers",
    ),
    (
        "crl_inval_date_fractional_seconds.der",
        "the revocation list is malformed: no version, which makes it version 1 at octet 4",
    ),
    (
        "crl_invalid_time.der",
        "the revocation list is malformed: a malformed or impossible time at octet 45",
    ),
    ("crl_issuer_invalid_printable_string.der", "1 entries"),
    (
        "crl_md2_unknown_crit_entry_ext.pem",
        "1 entries, critical 1.2.3.4",
    ),
    ("crl_no_next_update.pem", "0 entries, no next update"),
    ("crl_unrecognized_extension.der", "0 entries"),
    ("crl_unsupported_reason.pem", "1 entries"),
    (
        "freshestcrl.pem",
        "points ; deltas [\"http://myhost.com/myca.crl\", \"http://backup.myhost.com/myca.crl\"]",
    ),
    ("invalid_signature_crl.pem", "0 entries"),
    (
        "ocsp-army.deps.mil-resp.der",
        "revoked, revoked, revoked, good, good, good, good, good, good, good, good, good, good, good, good, revoked for cessationOfOperation, good, good, good, good; 1 certificates",
    ),
    (
        "ocsp-army.inapplicable-req.der",
        "a request: we write them and read none",
    ),
    (
        "ocsp-army.revoked-req.der",
        "a request: we write them and read none",
    ),
    (
        "ocsp-army.valid-req.der",
        "a request: we write them and read none",
    ),
    (
        "req-acceptable-responses.der",
        "a request: we write them and read none",
    ),
    (
        "req-duplicate-ext.der",
        "a request: we write them and read none",
    ),
    (
        "req-ext-nonce.der",
        "a request: we write them and read none",
    ),
    (
        "req-ext-unknown-oid.der",
        "a request: we write them and read none",
    ),
    (
        "req-invalid-hash-alg.der",
        "a request: we write them and read none",
    ),
    (
        "req-invalid-version.der",
        "a request: we write them and read none",
    ),
    (
        "req-multi-sha1.der",
        "a request: we write them and read none",
    ),
    ("req-sha1.der", "a request: we write them and read none"),
    ("resp-delegate-unknown-cert.der", "unknown; 1 certificates"),
    ("resp-invalid-signature-oid.der", "good; 0 certificates"),
    (
        "resp-invalid-version.der",
        "the OCSP response is malformed: a version that is not 1 at octet 9",
    ),
    ("resp-responder-key-hash.der", "revoked; 0 certificates"),
    (
        "resp-response-type-unknown-oid.der",
        "the response is of the type `1.3.6.1.5.5.7.48.1.50000`, which is not supported",
    ),
    (
        "resp-revoked-no-next-update.der",
        "revoked without end; 0 certificates",
    ),
    (
        "resp-revoked-reason.der",
        "revoked for superseded; 1 certificates",
    ),
    ("resp-revoked.der", "revoked; 0 certificates"),
    ("resp-sct-extension.der", "good; 1 certificates"),
    ("resp-sha256.der", "good; 0 certificates"),
    ("resp-single-extension-reason.der", "good; 0 certificates"),
    (
        "resp-successful-no-response-bytes.der",
        "the OCSP response is malformed: a successful response without contents at octet 5",
    ),
    (
        "resp-unauthorized.der",
        "the responder answered `unauthorized`",
    ),
    (
        "resp-unknown-extension.der",
        "revoked for superseded; 1 certificates",
    ),
    ("resp-unknown-hash-alg.der", "revoked; 0 certificates"),
    (
        "resp-unknown-response-status.der",
        "the OCSP response is malformed: an unknown response status at octet 2",
    ),
    ("valid_signature_crl.pem", "0 entries"),
];

#[test]
fn pyca_parser_files() {
    let Some(folder) = shared::folder("vectors/ocsp-crl/cryptography-vectors") else {
        return;
    };
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected: BTreeMap<&str, &str> = PARSED.iter().copied().collect();
    let mut problems = Vec::new();
    for file in &files {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let der = String::from_utf8(bytes.clone())
            .ok()
            .and_then(|text| pem(&text, "X509 CRL").or_else(|| pem(&text, "CERTIFICATE")))
            .unwrap_or(bytes);
        let found =
            if file.contains("crl_") && !file.starts_with("cdp_") || file.ends_with("_crl.pem") {
                describe_list(der)
            } else if file.contains("resp") && !file.starts_with("req-") {
                describe_response(&der)
            } else if file.contains("req") {
                "a request: we write them and read none".to_owned()
            } else {
                describe_points(&certificate(&der))
            };
        if expected.get(file.as_str()) != Some(&found.as_str()) {
            problems.push(format!("    ({file:?}, {found:?}),"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert_eq!(files.len(), 57);
}

fn describe_list(der: Vec<u8>) -> String {
    let list = match RevocationList::parse(Arc::new(der)) {
        Ok(list) => list,
        Err(error) => return error.to_string(),
    };
    let mut parts = vec![format!("{} entries", list.len())];
    if list.next_update().is_none() {
        parts.push("no next update".to_owned());
    }
    if list.delta_indicator().is_some() {
        parts.push("delta".to_owned());
    }
    if let Some(oid) = list.unknown_critical_extension() {
        parts.push(format!("critical {oid}"));
    }
    if list.names_issuers() {
        parts.push("several issuers".to_owned());
    }
    if let Some(scope) = list.issuing_distribution_point() {
        let mut words = vec!["scope"];
        let flags = [
            (scope.name.is_some(), "named"),
            (scope.only_user_certificates, "users"),
            (scope.only_authority_certificates, "authorities"),
            (scope.only_some_reasons.is_some(), "reasons"),
            (scope.indirect, "indirect"),
            (scope.only_attribute_certificates, "attributes"),
        ];
        words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| *word));
        parts.push(words.join(" "));
    }
    if !list.freshest_crl_urls().is_empty() {
        parts.push(format!("deltas at {:?}", list.freshest_crl_urls()));
    }
    parts.join(", ")
}

fn describe_response(der: &[u8]) -> String {
    let response = match OcspResponse::parse(der) {
        Ok(response) => response,
        Err(error) => return error.to_string(),
    };
    let answers: Vec<String> = response
        .responses
        .iter()
        .map(|single| {
            let mut text = match single.status {
                OcspStatus::Good => "good".to_owned(),
                OcspStatus::Unknown => "unknown".to_owned(),
                OcspStatus::Revoked { reason: None, .. } => "revoked".to_owned(),
                OcspStatus::Revoked {
                    reason: Some(reason),
                    ..
                } => format!("revoked for {reason}"),
            };
            if single.next_update.is_none() {
                text.push_str(" without end");
            }
            if single.unknown_critical.is_some() {
                text.push_str(" with something critical");
            }
            text
        })
        .collect();
    format!(
        "{}; {} certificates",
        answers.join(", "),
        response.certificates.len()
    )
}

fn describe_points(certificate: &Certificate) -> String {
    let points = certificate.crl_distribution_points().unwrap();
    let points: Vec<String> = points
        .iter()
        .map(|point| {
            format!(
                "{:?}{}{}",
                point.urls().collect::<Vec<_>>(),
                if point.reasons.is_some() {
                    " reasons"
                } else {
                    ""
                },
                if point.crl_issuer.is_some() {
                    " issuer"
                } else {
                    ""
                },
            )
        })
        .collect();
    format!(
        "points {}; deltas {:?}",
        points.join(", "),
        certificate.freshest_crl_urls()
    )
}
