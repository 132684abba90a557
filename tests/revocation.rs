//! The rules of revocation, with an authority of our own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod authority;

use authority::{
    CA_KEY, GOOD, LEAF_SERIAL, List, RESPONDER, RESPONDER_KEY, RESPONDER_SERIAL, UNKNOWN, cert_id,
    chain, entry, extension, invalidity_date, point_name, reason_code, response, response_data,
    revoked, single, tlv,
};
use notation_verifier::crypto::Provider;
use notation_verifier::evidence::{Evidence, EvidenceReply};
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Reason;
use notation_verifier::revocation::{
    self, Answer, CertificateStatus, Context, Method, Status, ocsp,
};
use notation_verifier::time::Time;

const OCSP_A: &str = "http://ocsp.test/a";
const OCSP_B: &str = "http://ocsp.test/b";
const CRL_A: &str = "http://crl.test/a";
const CRL_A2: &str = "http://crl.test/a2";
const CRL_B: &str = "http://crl.test/b";
const DELTA: &str = "http://crl.test/delta";
const DELTA_2: &str = "http://crl.test/delta2";
const RESPONDER_CRL: &str = "http://crl.test/responder";

/// 2025-01-01.
const NOW: i64 = 1_735_689_600;
/// Long after that.
const NEVER: &str = "20690101000000Z";
const KEY_COMPROMISE: u8 = 1;
const HOLD: u8 = 6;
const REMOVE: u8 = 8;

/// What each address answers; the others do not.
struct Net {
    answers: Vec<(&'static str, Vec<u8>)>,
    signed_at: Option<Time>,
    limits: Limits,
}

/// How an evaluation ended, and what was asked, round by round.
struct Run {
    statuses: Vec<CertificateStatus>,
    rounds: Vec<Vec<String>>,
}

impl Net {
    fn new(answers: &[(&'static str, Vec<u8>)]) -> Self {
        Self {
            answers: answers.to_vec(),
            signed_at: None,
            limits: Limits::default(),
        }
    }

    fn signed_at(mut self, seconds: i64) -> Self {
        self.signed_at = Some(Time::from_unix(seconds));
        self
    }

    fn run(&self) -> Run {
        let chain = chain();
        let provider = Provider::preferred();
        let mut context = Context::new(Time::from_unix(NOW), &provider, &self.limits);
        context.authentic_signing_time = self.signed_at;
        let mut evidence = Evidence::none();
        let mut rounds = Vec::new();
        loop {
            let requests = match revocation::evaluate(&chain, &context, &evidence) {
                Ok(statuses) => return Run { statuses, rounds },
                Err(requests) => requests,
            };
            assert!(!requests.is_empty());
            rounds.push(
                requests
                    .iter()
                    .map(|request| request.url().to_owned())
                    .collect(),
            );
            for request in requests {
                assert!(evidence.get(&request).is_none(), "asked twice: {request:?}");
                let found = self.answers.iter().find(|(url, _)| *url == request.url());
                let reply = match found {
                    Some((_, body)) => EvidenceReply::Content(body.clone().into()),
                    None => EvidenceReply::Unavailable("nobody answers".to_owned()),
                };
                evidence.insert(request, reply);
            }
        }
    }

    /// The status of the leaf: `good`, `revoked`, or why it is unknown.
    fn leaf(&self) -> String {
        let run = self.run();
        match &run.statuses[0].status {
            Status::NotRevocable => "not revocable".to_owned(),
            Status::Good => "good".to_owned(),
            Status::Revoked(_) => "revoked".to_owned(),
            Status::Unknown => revocation::conclude(&chain(), &run.statuses)
                .unwrap_err()
                .to_string(),
        }
    }
}

/// The status of the leaf where this is the list at one of its points, and the
/// other point does not answer.
fn by_list(list: &List) -> String {
    Net::new(&[(CRL_B, list.sign())]).leaf()
}

fn by_delta(base: &List, delta: &List) -> String {
    Net::new(&[(CRL_B, base.sign()), (DELTA, delta.sign())]).leaf()
}

fn leaf_id() -> Vec<u8> {
    let chain = chain();
    cert_id(&ocsp::request_for(&chain[0], &chain[1]))
}

fn leaf_single(status: &[u8]) -> Vec<u8> {
    single(&leaf_id(), status, "20240101000000Z", Some(NEVER), &[])
}

fn by_issuer(singles: &[Vec<u8>]) -> Vec<u8> {
    response(&response_data(singles, &[]), CA_KEY, &[])
}

fn by_responder(singles: &[Vec<u8>]) -> Vec<u8> {
    response(&response_data(singles, &[]), RESPONDER_KEY, &[RESPONDER])
}

#[track_caller]
fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "{text}\nlacks: {part}");
}

#[test]
fn addresses_are_asked_in_order_and_points_at_the_same_time() {
    let run = Net::new(&[]).run();
    assert_eq!(
        run.rounds,
        [vec![OCSP_A], vec![OCSP_B], vec![CRL_A, CRL_B], vec![CRL_A2]]
    );
    let asked: Vec<_> = run.statuses[0]
        .attempts
        .iter()
        .map(|attempt| (attempt.method, attempt.url.as_str()))
        .collect();
    assert_eq!(
        asked,
        [
            (Method::Ocsp, OCSP_A),
            (Method::Ocsp, OCSP_B),
            (Method::Crl, CRL_A),
            (Method::Crl, CRL_A2),
            (Method::Crl, CRL_B)
        ]
    );
    assert_eq!(run.statuses[1].status, Status::NotRevocable);
}

#[test]
fn an_answer_ends_the_questions() {
    let good = Net::new(&[(OCSP_A, by_issuer(&[leaf_single(GOOD)]))]).run();
    assert_eq!(good.statuses[0].status, Status::Good);
    assert_eq!(good.rounds.len(), 1);
    let second = Net::new(&[(OCSP_B, by_issuer(&[leaf_single(GOOD)]))]).run();
    assert_eq!(second.statuses[0].status, Status::Good);
    assert_eq!(second.rounds.len(), 2);
    // The second address of a point is for when the first is silent.
    let list = List::numbered(1).sign();
    let lists = Net::new(&[(CRL_A, list.clone()), (CRL_B, list)]).run();
    assert_eq!(lists.statuses[0].status, Status::Good);
    assert_eq!(lists.rounds.len(), 3);
}

#[test]
fn findings_name_certificate_method_address_and_cause() {
    let run = Net::new(&[(OCSP_A, vec![1, 2, 3]), (CRL_B, b"<html>".to_vec())]).run();
    let rejection = revocation::conclude(&chain(), &run.statuses).unwrap_err();
    assert_eq!(rejection.reason, Reason::RevocationUnknown);
    assert_eq!(rejection.certificate.as_ref().unwrap().position, Some(0));
    assert_eq!(rejection.url.as_deref(), Some(CRL_B));
    for part in [
        "certificate 0 (`O=test,ST=WA,C=US,CN=revocation test leaf`)",
        "OCSP at `http://ocsp.test/a`: the OCSP response is malformed",
        "OCSP at `http://ocsp.test/b`: nobody answers",
        "CRL at `http://crl.test/a2`: nobody answers",
        "CRL at `http://crl.test/b`: the revocation list is malformed",
    ] {
        assert_contains(&rejection.detail, part);
    }
    let list = List::numbered(1).leaf("20240201000000Z", KEY_COMPROMISE);
    let run = Net::new(&[(CRL_B, list.sign())]).run();
    let rejection = revocation::conclude(&chain(), &run.statuses).unwrap_err();
    assert_eq!(rejection.reason, Reason::CertRevoked);
    assert_eq!(rejection.url.as_deref(), Some(CRL_B));
    assert_contains(
        &rejection.detail,
        "is revoked at 2024-02-01T00:00:00Z with the reason `keyCompromise`, says CRL at \
         `http://crl.test/b`",
    );
    let run = Net::new(&[(OCSP_A, by_issuer(&[leaf_single(GOOD)]))]).run();
    let found = revocation::conclude(&chain(), &run.statuses).unwrap();
    assert_contains(
        &found,
        "certificate 0 is not revoked (OCSP at `http://ocsp.test/a`)",
    );
}

#[test]
fn every_point_that_answers_counts() {
    let good = List::numbered(1).sign();
    let revoked = List::numbered(1).leaf("20240201000000Z", 0).sign();
    let answers = |a: &[u8], b: &[u8]| Net::new(&[(CRL_A, a.to_vec()), (CRL_B, b.to_vec())]).leaf();
    assert_eq!(answers(&good, &good), "good");
    assert_eq!(answers(&good, &revoked), "revoked");
    assert_eq!(answers(&revoked, &good), "revoked");
    // It may be the one that has the certificate.
    assert_contains(&answers(b"?", &good), "malformed");
    assert_contains(&answers(&good, b"?"), "malformed");
    assert_eq!(Net::new(&[(CRL_A2, good)]).leaf(), "good");
    assert_eq!(Net::new(&[(CRL_A2, revoked)]).leaf(), "revoked");
}

#[test]
fn a_list_covers_what_it_says() {
    let named = |urls: &[&str]| List::numbered(1).scope(&[&point_name(urls)]);
    assert_eq!(by_list(&named(&[CRL_B])), "good");
    assert_eq!(by_list(&named(&["http://elsewhere.test/", CRL_B])), "good");
    assert_contains(&by_list(&named(&[CRL_A])), "another distribution point");
    // Either name of a point will do.
    let first = named(&[CRL_A2]).sign();
    assert_eq!(Net::new(&[(CRL_A, first)]).leaf(), "good");

    let flag = |number: u8| List::numbered(1).scope(&[&[0x80 | number, 1, 0xff]]);
    assert_eq!(by_list(&flag(1)), "good");
    assert_contains(&by_list(&flag(2)), "authorities' certificates only");
    assert_eq!(by_list(&flag(4)), "good");
    assert_contains(&by_list(&flag(5)), "attribute certificates only");
}

#[test]
fn reasons_add_up() {
    // keyCompromise alone; all but keyCompromise.
    let one = List::numbered(1).scope(&[&[0x83, 2, 6, 0x40]]);
    let others = List::numbered(1).scope(&[&[0x83, 3, 7, 0x3f, 0x80]]);
    assert_contains(&by_list(&one), "do not cover all reasons");
    let both = Net::new(&[(CRL_A, one.sign()), (CRL_B, others.sign())]);
    assert_eq!(both.leaf(), "good");
    assert_eq!(
        by_list(&one.leaf("20240201000000Z", KEY_COMPROMISE)),
        "revoked"
    );
}

#[test]
fn indirect_lists_do_not_decide() {
    let name = tlv(0xa4, &[&[0x30, 0]]);
    let other_issuer = extension(&[0x55, 0x1d, 29], true, &tlv(0x30, &[&name]));
    let other = |serial: &[u8]| {
        let entry = entry(
            serial,
            "20240201000000Z",
            std::slice::from_ref(&other_issuer),
        );
        List::numbered(1).scope(&[&[0x84, 1, 0xff]]).entry(entry)
    };
    assert_contains(&by_list(&other(LEAF_SERIAL)), "several issuers");
    assert_eq!(by_list(&other(&[5])), "good");
}

#[test]
fn deltas_go_on_top_of_the_base() {
    let base = List::numbered(5).freshest(&[DELTA]);
    let delta = List::numbered(6).delta(5);
    let (early, late) = ("20240201000000Z", "20240301000000Z");
    assert_eq!(by_delta(&base, &delta), "good");
    assert_eq!(by_delta(&base, &delta.clone().leaf(late, 4)), "revoked");
    assert_eq!(by_delta(&base, &delta.clone().leaf(late, HOLD)), "revoked");
    let held = base.clone().leaf(early, HOLD);
    assert_eq!(by_delta(&held, &delta), "revoked");
    assert_eq!(by_delta(&held, &delta.clone().leaf(late, REMOVE)), "good");
    assert_eq!(by_delta(&held, &delta.clone().leaf(early, REMOVE)), "good");
    assert_eq!(by_delta(&held, &delta.clone().leaf(late, 1)), "revoked");
    // A delta cannot take back what is for good, and is not asked for.
    let compromised = base.clone().leaf(early, KEY_COMPROMISE);
    assert_eq!(by_delta(&compromised, &delta.leaf(late, REMOVE)), "revoked");
    let run = Net::new(&[(CRL_B, compromised.sign())]).run();
    assert!(!run.rounds.iter().flatten().any(|url| url == DELTA));
}

#[test]
fn deltas_that_do_not_fit_decide_nothing() {
    let base = List::numbered(5).freshest(&[DELTA]);
    let delta = |number, indicator| List::numbered(number).delta(indicator);
    assert_eq!(by_delta(&base, &delta(7, 5)), "good");
    assert_contains(&by_delta(&base, &delta(7, 3)), "older base list");
    assert_contains(
        &by_list(&base),
        "could not be had: `http://crl.test/delta`: nobody",
    );
    assert_contains(&by_delta(&base, &delta(5, 5)), "not greater");
    assert_contains(&by_delta(&base, &delta(4, 4)), "not greater");
    assert_contains(&by_delta(&base, &delta(7, 6)), "newer base list");
    assert_contains(&by_delta(&base, &List::numbered(6)), "not a delta list");
    assert_contains(&by_list(&delta(6, 5)), "a delta list, where a complete one");
    let mut unnumbered = base.clone();
    unnumbered.extensions.remove(0);
    assert_contains(&by_delta(&unnumbered, &delta(6, 5)), "no CRL number");
    let mut unnumbered = delta(6, 5);
    unnumbered.extensions.remove(0);
    assert_contains(&by_delta(&base, &unnumbered), "no CRL number");
    let mut expired = delta(6, 5);
    expired.next_update = Some("20240601000000Z");
    assert_contains(&by_delta(&base, &expired), "expired");
    let scoped = delta(6, 5).scope(&[&[0x81, 1, 0xff]]);
    assert_contains(&by_delta(&base, &scoped), "other certificates");
}

#[test]
fn addresses_of_deltas_are_tried_in_turn() {
    let base = List::numbered(5).freshest(&["ldap://crl.test/", DELTA, DELTA_2]);
    let delta = List::numbered(6).delta(5).leaf("20240201000000Z", 0);
    let net = |first: Option<&[u8]>| {
        let mut net = Net::new(&[(CRL_B, base.sign()), (DELTA_2, delta.sign())]);
        net.answers.extend(first.map(|body| (DELTA, body.to_vec())));
        net
    };
    assert_eq!(net(None).leaf(), "revoked");
    assert_eq!(net(Some(b"?")).leaf(), "revoked");
    let first = List::numbered(6).delta(5).sign();
    assert_eq!(net(Some(&first)).leaf(), "good");
    let only_ldap = List::numbered(5).freshest(&["ldap://crl.test/"]);
    assert_contains(&by_list(&only_ldap), "only http addresses");
}

#[test]
fn an_expired_list_still_revokes() {
    let mut expired = List::numbered(1);
    expired.next_update = Some("20240601000000Z");
    assert_contains(&by_list(&expired), "expired at 2024-06-01T00:00:00Z");
    let date = "20240201000000Z";
    assert_eq!(by_list(&expired.clone().leaf(date, 4)), "revoked");
    assert_contains(&by_list(&expired.clone().leaf(date, HOLD)), "expired");
    let mut endless = expired;
    endless.next_update = None;
    assert_contains(&by_list(&endless), "nextUpdate");
    assert_eq!(by_list(&endless.leaf(date, 4)), "revoked");
}

#[test]
fn a_list_of_the_future_waits() {
    let mut early = List::numbered(1);
    // Five minutes are clocks that differ.
    early.this_update = "20250101000500Z";
    assert_eq!(by_list(&early), "good");
    early.this_update = "20250101000501Z";
    assert_contains(&by_list(&early), "is dated 2025-01-01T00:05:01Z");
}

#[test]
fn only_the_authority_signs_lists() {
    let tbs = List::numbered(1).tbs();
    let stranger = authority::signed(&tbs, RESPONDER_KEY, &[]);
    assert_contains(&Net::new(&[(CRL_B, stranger)]).leaf(), "does not verify");
    let mut changed = List::numbered(1).leaf("20240201000000Z", 0).sign();
    let serial = changed
        .windows(LEAF_SERIAL.len())
        .position(|window| window == LEAF_SERIAL)
        .unwrap();
    changed[serial] ^= 1;
    assert_contains(&Net::new(&[(CRL_B, changed)]).leaf(), "does not verify");
}

#[test]
fn what_is_critical_must_be_understood() {
    let critical = || extension(&[0x2a, 3, 4], true, &[5, 0]);
    assert_contains(
        &by_list(&List::numbered(1).extension(critical())),
        "the critical extension `1.2.3.4`",
    );
    // RFC 5280 section 5.3: of any entry.
    let entry = entry(&[9], "20240201000000Z", &[critical()]);
    assert_contains(&by_list(&List::numbered(1).entry(entry)), "`1.2.3.4`");
    let ignored = extension(&[0x2a, 3, 4], false, &[5, 0]);
    assert_eq!(by_list(&List::numbered(1).extension(ignored)), "good");
}

#[test]
fn a_later_invalidity_does_not_revoke() {
    let since = invalidity_date("20240101000000Z");
    const SINCE: i64 = 1_704_067_200;
    let date = "20240201000000Z";
    let list = |reason| {
        let extensions = [reason_code(reason), since.clone()];
        List::numbered(1)
            .entry(entry(LEAF_SERIAL, date, &extensions))
            .sign()
    };
    let at = |reason, signed: i64| Net::new(&[(CRL_B, list(reason))]).signed_at(signed).leaf();
    assert_eq!(at(KEY_COMPROMISE, SINCE - 1), "good");
    assert_eq!(at(KEY_COMPROMISE, SINCE), "revoked");
    assert_eq!(at(KEY_COMPROMISE, SINCE + 1), "revoked");
    assert_eq!(at(HOLD, SINCE - 1), "good");
    assert_eq!(at(HOLD, SINCE), "revoked");
    // Without a time that somebody else vouches for, it revokes.
    assert_eq!(Net::new(&[(CRL_B, list(KEY_COMPROMISE))]).leaf(), "revoked");

    let answer = single(&leaf_id(), &revoked(date), date, Some(NEVER), &[since]);
    let answer = by_issuer(&[answer]);
    let at = |signed: i64| {
        Net::new(&[(OCSP_A, answer.clone())])
            .signed_at(signed)
            .leaf()
    };
    assert_eq!(at(SINCE - 1), "good");
    assert_eq!(at(SINCE), "revoked");
}

#[test]
fn ocsp_unknown_goes_to_the_lists() {
    let unknown = by_issuer(&[leaf_single(UNKNOWN)]);
    let good = by_issuer(&[leaf_single(GOOD)]);
    let net = Net::new(&[(OCSP_A, unknown.clone()), (OCSP_B, good)]);
    assert_contains(&net.leaf(), "does not know the certificate");
    assert!(!net.run().rounds.iter().flatten().any(|url| url == OCSP_B));
    let list = List::numbered(1).sign();
    assert_eq!(Net::new(&[(OCSP_A, unknown), (CRL_B, list)]).leaf(), "good");
}

#[test]
fn of_several_answers_the_strictest_counts() {
    let (good, unknown) = (leaf_single(GOOD), leaf_single(UNKNOWN));
    let bad = leaf_single(&revoked("20240201000000Z"));
    let answers = |singles: &[&Vec<u8>]| {
        let singles: Vec<_> = singles.iter().map(|single| (*single).clone()).collect();
        Net::new(&[(OCSP_A, by_issuer(&singles))]).leaf()
    };
    assert_eq!(answers(&[&good, &good]), "good");
    assert_eq!(answers(&[&good, &bad]), "revoked");
    assert_eq!(answers(&[&bad, &good, &unknown]), "revoked");
    assert_contains(&answers(&[&good, &unknown]), "does not know");
    assert_contains(&answers(&[&unknown, &good]), "does not know");
}

#[test]
fn an_answer_is_about_the_certificate_of_this_issuer() {
    let about = |id: &[u8]| {
        let single = single(id, GOOD, "20240101000000Z", Some(NEVER), &[]);
        Net::new(&[(OCSP_A, by_issuer(&[single]))]).leaf()
    };
    let id = leaf_id();
    assert_eq!(about(&id), "good");
    // SEQUENCE, AlgorithmIdentifier (11), name hash (22), key hash (22), serial.
    for offset in [2 + 11 + 2, 2 + 11 + 22 + 2, id.len() - 1] {
        let mut other = id.clone();
        other[offset] ^= 1;
        assert_contains(&about(&other), "not about this certificate");
    }
    let provider = Provider::preferred();
    let hash = |bytes: &[u8]| {
        let algorithm = notation_verifier::crypto::HashAlgorithm::Sha256;
        tlv(4, &[provider.hash(algorithm, bytes).as_bytes()])
    };
    let chain = chain();
    let sha256 = tlv(6, &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]]);
    let id = tlv(
        0x30,
        &[
            &tlv(0x30, &[&sha256]),
            &hash(chain[0].issuer().der()),
            &hash(chain[1].public_key_octets()),
            &tlv(2, &[LEAF_SERIAL]),
        ],
    );
    assert_eq!(about(&id), "good");
}

#[test]
fn answers_have_a_beginning_and_an_end() {
    let dated = |this: &str, next: Option<&str>| {
        let single = single(&leaf_id(), GOOD, this, next, &[]);
        Net::new(&[(OCSP_A, by_issuer(&[single]))]).leaf()
    };
    assert_eq!(dated("20250101000500Z", Some(NEVER)), "good");
    assert_contains(&dated("20250101000501Z", Some(NEVER)), "is dated");
    assert_eq!(dated("20240101000000Z", Some("20250101000000Z")), "good");
    assert_contains(
        &dated("20240101000000Z", Some("20241231235959Z")),
        "expired at 2024-12-31T23:59:59Z",
    );
    assert_contains(&dated("20240101000000Z", None), "nextUpdate");
}

#[test]
fn critical_extensions_of_responses() {
    let critical = || extension(&[0x2a, 3, 4], true, &[5, 0]);
    let data = response_data(&[leaf_single(GOOD)], &[critical()]);
    let net = Net::new(&[(OCSP_A, response(&data, CA_KEY, &[]))]);
    assert_contains(&net.leaf(), "the critical extension `1.2.3.4`");
    let answer = single(
        &leaf_id(),
        GOOD,
        "20240101000000Z",
        Some(NEVER),
        &[critical()],
    );
    let net = Net::new(&[(OCSP_A, by_issuer(&[answer]))]);
    assert_contains(&net.leaf(), "the critical extension `1.2.3.4`");
}

#[test]
fn a_responder_without_nocheck_is_looked_up() {
    let answer = by_responder(&[leaf_single(GOOD)]);
    let with_list =
        |list: List| Net::new(&[(OCSP_A, answer.clone()), (RESPONDER_CRL, list.sign())]).run();
    let good = with_list(List::numbered(1));
    assert_eq!(good.statuses[0].status, Status::Good);
    assert_eq!(good.rounds, [vec![OCSP_A], vec![RESPONDER_CRL]]);
    let entry = entry(RESPONDER_SERIAL, "20240201000000Z", &[]);
    let revoked = with_list(List::numbered(1).entry(entry));
    assert_eq!(revoked.statuses[0].status, Status::Unknown);
    let Answer::Unknown(why) = &revoked.statuses[0].attempts[0].answer else {
        panic!("{:?}", revoked.statuses)
    };
    assert_contains(
        why,
        "has a certificate that is revoked at 2024-02-01T00:00:00Z",
    );
    assert_contains(
        &Net::new(&[(OCSP_A, answer.clone())]).leaf(),
        "own status could not be determined: `http://crl.test/responder`: nobody answers",
    );
}

#[test]
fn strangers_do_not_respond() {
    let data = response_data(&[leaf_single(GOOD)], &[]);
    let by = |key, certificates: &[&[u8]]| {
        Net::new(&[(OCSP_A, response(&data, key, certificates))]).leaf()
    };
    // Nobody knows the key; the key is that of another certificate; the
    // certificate is for signing code.
    assert_contains(&by(RESPONDER_KEY, &[]), "does not verify");
    assert_contains(&by([3; 32], &[RESPONDER]), "does not verify");
    assert_contains(&by(RESPONDER_KEY, &[authority::LEAF]), "does not verify");
    // The authority itself needs no certificate, and others do no harm.
    assert_eq!(by(CA_KEY, &[RESPONDER, &[5, 0]]), "good");
}

#[test]
fn many_addresses_are_not_asked() {
    let mut net = Net::new(&[]);
    net.limits.revocation_addresses = 1;
    let run = net.run();
    assert!(run.rounds.is_empty());
    let why = revocation::conclude(&chain(), &run.statuses).unwrap_err();
    assert_contains(&why.detail, "2 OCSP addresses, the limit is 1");
    assert_contains(&why.detail, "3 CRL addresses, the limit is 1");
}

#[test]
fn large_answers_are_not_read() {
    let mut net = Net::new(&[
        (OCSP_A, by_issuer(&[leaf_single(GOOD)])),
        (CRL_B, List::numbered(1).sign()),
    ]);
    net.limits.ocsp_response_bytes = 100;
    net.limits.evidence_bytes = 100;
    let why = net.leaf();
    assert_contains(&why, "octets, the limit is 100");
    assert_contains(&why, "the list is larger than the limit of 100");
}

#[test]
fn without_evidence_nothing_is_good() {
    for net in [Net::new(&[]), Net::new(&[]).signed_at(0)] {
        assert_contains(&net.leaf(), "could not be determined");
    }
}
