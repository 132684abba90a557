//! Octets as an OCSP response, as the data that the authority or its responder
//! signed, and as a CRL beside it: no panic, and an answer that is trusted is
//! there because of the evidence.
#![no_main]

#[path = "../../tests/authority/mod.rs"]
mod authority;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::evidence::{Evidence, EvidenceReply};
use notation_verifier::limits::Limits;
use notation_verifier::revocation::{self, Context, Status};
use notation_verifier::time::Time;
use notation_verifier::x509::{Certificate, OcspResponse};

static CHAIN: LazyLock<Vec<Certificate>> = LazyLock::new(authority::chain);

fuzz_target!(|data: &[u8]| {
    let _ = OcspResponse::parse(data);
    look_at(data);
    let response = authority::tbs_response(data);
    look_at(&authority::response(&response, authority::CA_KEY, &[]));
    let certificates = [authority::RESPONDER];
    look_at(&authority::response(
        &response,
        authority::RESPONDER_KEY,
        &certificates,
    ));
});

fn look_at(response: &[u8]) {
    let with = status(|url| url == "http://ocsp.test/a", response);
    let without = status(|_| false, response);
    assert_eq!(without, Status::Unknown, "good without any evidence");
    // The lists are missing, so the responder that must be looked up is no good.
    if with == Status::Good {
        let parsed = OcspResponse::parse(response).unwrap();
        assert!(parsed.is_signed_by(&CHAIN[1]).is_ok());
    }
}

/// The status of the leaf where the addresses that `answers` names have the
/// response and the others are silent.
fn status(answers: impl Fn(&str) -> bool, response: &[u8]) -> Status {
    let provider = Provider::preferred();
    let limits = Limits::default();
    let context = Context::new(Time::from_unix(1_735_689_600), &provider, &limits);
    let mut evidence = Evidence::none();
    for _ in 0..=limits.evidence_rounds {
        match revocation::evaluate(&CHAIN, &context, &evidence) {
            Ok(mut statuses) => return statuses.remove(0).status,
            Err(requests) => {
                for request in requests {
                    assert!(evidence.get(&request).is_none(), "asked twice");
                    let reply = if answers(request.url()) {
                        EvidenceReply::Content(response.to_vec().into())
                    } else {
                        EvidenceReply::Unavailable("silent".to_owned())
                    };
                    evidence.insert(request, reply);
                }
            }
        }
    }
    panic!("there is always something more to ask");
}
