//! Exchanges with registries of all kinds, answer by answer.

use serde_json::{Value, json};

use super::*;
use crate::crypto::{HashAlgorithm, Provider};
use crate::limits::Limits;
use crate::oci::media_type::{
    DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, NOTARY_SIGNATURE, OCI_INDEX, OCI_MANIFEST,
};
use crate::oci::{Digest, Reference};
use crate::session::{Need, NeedId, Reply, Request};
use crate::wire::Descriptor;

const SUBJECT: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const API: &str = "https://reg.example/v2/a/b/referrers/sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const FILTERED: &str = "?artifactType=application%2Fvnd.cncf.notary.signature";
const TAG: &str = "https://reg.example/v2/a/b/manifests/sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn endpoint() -> Endpoint {
    Endpoint::new(&Reference::parse("reg.example/a/b").unwrap(), Scheme::Https)
}

fn start_in(order: ReferrersOrder, request: Request) -> Progress {
    let need = Need {
        id: NeedId(0),
        request,
        max_bytes: 4096,
    };
    Exchange::start(&endpoint(), &need, order, &Limits::default()).unwrap()
}

fn start(request: Request) -> Progress {
    start_in(ReferrersOrder::ApiFirst, request)
}

fn referrers(page: Option<&str>) -> Request {
    Request::Referrers {
        subject: SUBJECT.to_owned(),
        page: page.map(str::to_owned),
    }
}

fn resolve(reference: &str) -> Request {
    Request::Resolve {
        reference: reference.to_owned(),
    }
}

/// The address that is asked next, and the exchange.
fn asked(progress: Progress) -> (String, Exchange) {
    match progress {
        Progress::Again(exchange, request) => {
            assert_eq!(request.max_bytes, 4096);
            (request.url, exchange)
        }
        Progress::Done(reply) => panic!("{reply:?}"),
    }
}

fn done(progress: Progress) -> Reply {
    match progress {
        Progress::Done(reply) => reply,
        Progress::Again(_, request) => panic!("{request:?}"),
    }
}

fn answer(status: u16, kind: &str, body: &Value) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("Content-Type".to_owned(), kind.to_owned())],
        body: body.to_string().into_bytes(),
    }
}

fn status(status: u16) -> HttpResponse {
    HttpResponse {
        status,
        ..HttpResponse::default()
    }
}

fn refused(status: u16, code: &str) -> HttpResponse {
    let body = json!({"errors": [{"code": code, "message": "no", "detail": {}}]});
    answer(status, "application/json", &body)
}

fn entry(artifact_type: &str) -> Value {
    json!({"mediaType": OCI_MANIFEST, "digest": SUBJECT, "size": 2, "artifactType": artifact_type})
}

fn index(entries: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
}

/// Descriptors, next page, problems.
fn listed(reply: Reply) -> (usize, Option<String>, Vec<String>) {
    match reply {
        Reply::Referrers {
            descriptors,
            next,
            problems,
        } => (descriptors.len(), next, problems),
        other => panic!("{other:?}"),
    }
}

fn failed(reply: Reply) -> String {
    match reply {
        Reply::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn artifacts_are_resolved_by_tag_and_digest() {
    for (reference, url) in [
        ("v1", "https://reg.example/v2/a/b/manifests/v1".to_owned()),
        (
            SUBJECT,
            format!("https://reg.example/v2/a/b/manifests/{SUBJECT}"),
        ),
    ] {
        assert_eq!(asked(start(resolve(reference))).0, url);
    }
    // What could lead elsewhere is no reference.
    for bad in [
        "..", "../x", "a/b", "a?b", "a#b", "a%2fb", "", "sha256:1", "a b",
    ] {
        assert!(failed(done(start(resolve(bad)))).contains("neither a tag nor a digest"));
    }
}

#[test]
fn manifests_and_lists_of_both_kinds_are_taken() {
    let accepted = match start(resolve("v1")) {
        Progress::Again(_, request) => request.headers,
        Progress::Done(_) => panic!(),
    };
    for kind in [
        OCI_MANIFEST,
        OCI_INDEX,
        DOCKER_MANIFEST,
        DOCKER_MANIFEST_LIST,
    ] {
        assert!(accepted[0].0 == "accept" && accepted[0].1.contains(kind));
    }
    let one = json!({"schemaVersion": 2, "config": entry("x"), "layers": []});
    let list = json!({"schemaVersion": 2, "manifests": [entry("x")]});
    for (label, body, expected) in [
        (OCI_MANIFEST, &one, Some(OCI_MANIFEST)),
        (DOCKER_MANIFEST, &one, Some(DOCKER_MANIFEST)),
        (OCI_INDEX, &list, Some(OCI_INDEX)),
        (DOCKER_MANIFEST_LIST, &list, Some(DOCKER_MANIFEST_LIST)),
        (
            "application/vnd.oci.image.index.v1+json; charset=utf-8",
            &list,
            Some(OCI_INDEX),
        ),
        ("application/vnd.other", &one, Some("application/vnd.other")),
        // Labels that say nothing: the document decides.
        ("application/json", &one, None),
        ("application/octet-stream", &list, Some(OCI_INDEX)),
        ("text/plain; charset=utf-8", &one, None),
    ] {
        let (_, exchange) = asked(start(resolve("v1")));
        match done(exchange.receive(answer(200, label, body))) {
            Reply::Content { media_type, .. } => assert_eq!(media_type.as_deref(), expected),
            other => panic!("{label}: {other:?}"),
        }
    }
    for label in [
        "text/html",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ] {
        let (_, exchange) = asked(start(resolve("v1")));
        failed(done(exchange.receive(answer(200, label, &one))));
    }
}

/// CVE-2023-33959 (wrong artifact): the registry names another digest than that of
/// what it sends.
#[test]
fn a_digest_header_must_be_that_of_the_octets() {
    let body = json!({});
    let right = Digest::of(&Provider::PORTABLE, HashAlgorithm::Sha256, b"{}").to_string();
    let wrong = right.replace('4', "5");
    for (header, good) in [(right.as_str(), true), (&wrong, false), ("odd", true)] {
        let mut response = answer(200, OCI_MANIFEST, &body);
        response
            .headers
            .push(("Docker-Content-Digest".to_owned(), header.to_owned()));
        let (_, exchange) = asked(start(resolve("v1")));
        let reply = done(exchange.receive(response));
        assert_eq!(matches!(reply, Reply::Content { .. }), good, "{header}");
    }
}

#[test]
fn no_status_of_failure_is_not_found() {
    let descriptor = Descriptor {
        media_type: OCI_MANIFEST.to_owned(),
        digest: SUBJECT.to_owned(),
        size: 2,
        ..Descriptor::default()
    };
    let requests = [
        resolve("v1"),
        Request::Manifest(descriptor.clone()),
        Request::Envelope(descriptor),
        referrers(None),
    ];
    let mut cases = 0;
    for request in &requests {
        for code in [
            204, 206, 301, 304, 400, 401, 402, 403, 409, 418, 429, 500, 502, 503, 504, 999,
        ] {
            let (url, exchange) = asked(start(request.clone()));
            let mut progress = exchange.receive(status(code));
            // A look-up of referrers may ask for the tag, which does not exist either.
            if let Progress::Again(exchange, _) = progress {
                progress = exchange.receive(status(404));
            }
            let why = failed(done(progress));
            assert!(
                why.contains(&code.to_string()) && why.contains(&url),
                "{why}"
            );
            cases += 1;
        }
        let (_, exchange) = asked(start(request.clone()));
        let mut progress = exchange.receive(status(404));
        if let Progress::Again(exchange, _) = progress {
            progress = exchange.receive(status(404));
        }
        assert!(matches!(done(progress), Reply::NotFound));
    }
    assert_eq!(cases, 64);
}

#[test]
fn manifests_and_envelopes_have_their_own_addresses() {
    let mut descriptor = Descriptor {
        media_type: OCI_MANIFEST.to_owned(),
        digest: SUBJECT.to_owned(),
        size: 2,
        ..Descriptor::default()
    };
    let (url, _) = asked(start(Request::Manifest(descriptor.clone())));
    assert_eq!(
        url,
        format!("https://reg.example/v2/a/b/manifests/{SUBJECT}")
    );
    let (url, _) = asked(start(Request::Envelope(descriptor.clone())));
    assert_eq!(url, format!("https://reg.example/v2/a/b/blobs/{SUBJECT}"));
    for odd in ["sha256:../../x", "md5:00", "../../../v2/", ""] {
        descriptor.digest = odd.to_owned();
        failed(done(start(Request::Envelope(descriptor.clone()))));
        failed(done(start(Request::Manifest(descriptor.clone()))));
    }
}

/// GHSA-f36w-mj3v-6jqv (descriptor size), Kyverno notary DoS: no answer is longer
/// than what was allowed.
#[test]
fn answers_are_bounded() {
    for request in [resolve("v1"), referrers(None)] {
        let (_, exchange) = asked(start(request));
        let response = HttpResponse {
            status: 200,
            body: vec![b' '; 4097],
            ..HttpResponse::default()
        };
        assert!(failed(done(exchange.receive(response))).contains("4096"));
    }
}

#[test]
fn the_api_is_asked_with_the_filter() {
    let (url, exchange) = asked(start(referrers(None)));
    assert_eq!(url, format!("{API}{FILTERED}"));
    // Whether the registry filtered or not: what is of another type is left out.
    let body = index(&[entry(NOTARY_SIGNATURE), entry("application/sbom")]);
    let filtered = exchange.clone();
    let (count, next, problems) = listed(done(exchange.receive(answer(200, OCI_INDEX, &body))));
    assert_eq!((count, next, problems.len()), (1, None, 0));
    // One that filtered need not say of each what it is.
    let untyped = json!({"mediaType": OCI_MANIFEST, "digest": SUBJECT, "size": 2});
    let entries = [entry(NOTARY_SIGNATURE), untyped];
    for (filters, expected) in [("x, artifactType", 2), ("x", 1)] {
        let mut response = answer(200, OCI_INDEX, &index(&entries));
        let header = ("OCI-Filters-Applied".to_owned(), filters.to_owned());
        response.headers.push(header);
        let Reply::Referrers { descriptors, .. } = done(filtered.clone().receive(response)) else {
            panic!();
        };
        let of_type = descriptors
            .iter()
            .filter(|one| one.artifact_type.as_deref() == Some(NOTARY_SIGNATURE));
        assert_eq!(of_type.count(), expected, "{filters}");
    }
    let (_, exchange) = asked(start(referrers(None)));
    let empty = answer(200, OCI_INDEX, &index(&[]));
    assert_eq!(exchange.learn(&empty), Some(ReferrersApi::Present));
    assert_eq!(listed(done(exchange.receive(empty))).0, 0);
}

#[test]
fn pages_follow_their_links() {
    for (link, next) in [
        (format!("<{API}?n=1>; rel=\"next\""), "?n=1"),
        (
            format!("</v2/a/b/referrers/{SUBJECT}?n=2>; rel=next"),
            "?n=2",
        ),
        ("<?n=3>; rel=next".to_owned(), "?n=3"),
        (
            format!("<HTTPS://REG.example:443/v2/a/b/referrers/{SUBJECT}?n=5>; rel=next"),
            "?n=5",
        ),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        let mut response = answer(200, OCI_INDEX, &index(&[]));
        response.headers.push(("Link".to_owned(), link));
        let (_, page, problems) = listed(done(exchange.receive(response)));
        assert_eq!(problems, [""; 0]);
        let page = page.unwrap();
        assert!(
            page.starts_with("/v2/a/b/referrers/") && page.ends_with(next),
            "{page}"
        );
        let (url, _) = asked(start(referrers(Some(&page))));
        assert_eq!(url, format!("{API}{next}"));
    }
}

/// Cross-origin `Link`: refused. And others that lead out of the list.
#[test]
fn links_to_elsewhere_are_refused() {
    let other = SUBJECT.replace('4', "5");
    for link in [
        format!("<https://evil.example/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("<https://reg.example.evil.example/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("<//evil.example/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("<http://reg.example/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("<https://reg.example:444/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("<https://user@reg.example/v2/a/b/referrers/{SUBJECT}>; rel=next"),
        format!("</v2/other/referrers/{SUBJECT}>; rel=next"),
        format!("</v2/a/b/referrers/{other}>; rel=next"),
        format!("</v2/a/b/referrers/{SUBJECT}/../x>; rel=next"),
        "</v2/a/b/manifests/x>; rel=next".to_owned(),
        "</>; rel=next".to_owned(),
        "<http://[>; rel=next".to_owned(),
        "<unclosed; rel=next".to_owned(),
        // CVE-2023-33957, -33958 (endless signatures): a `Link` loop.
        format!("<{API}{FILTERED}>; rel=next"),
        "<>; rel=next".to_owned(),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        let mut response = answer(200, OCI_INDEX, &index(&[entry(NOTARY_SIGNATURE)]));
        response.headers.push(("Link".to_owned(), link.clone()));
        // What came before it counts, and the rest is known to be missing.
        let (count, next, problems) = listed(done(exchange.receive(response)));
        assert_eq!((count, next, problems.len()), (1, None, 1), "{link}");
    }
    for page in [
        "https://evil.example/",
        "/v2/other/referrers/x",
        "//evil.example/x",
    ] {
        failed(done(start(referrers(Some(page)))));
    }
}

#[test]
fn a_missing_page_is_no_end() {
    for code in [404, 405, 500] {
        let page = format!("/v2/a/b/referrers/{SUBJECT}?n=2");
        let (_, exchange) = asked(start(referrers(Some(&page))));
        failed(done(exchange.receive(status(code))));
    }
}

#[test]
fn where_the_api_is_missing_the_tag_is_asked() {
    for response in [
        status(404),
        status(405),
        status(501),
        refused(404, "NAME_UNKNOWN"),
        refused(400, "UNSUPPORTED"),
        refused(403, "UNSUPPORTED"),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        let (url, exchange) = asked(exchange.receive(response));
        assert_eq!(url, TAG);
        let body = index(&[entry(NOTARY_SIGNATURE), entry("application/sbom")]);
        let found = exchange.clone().receive(answer(200, OCI_INDEX, &body));
        assert_eq!(listed(done(found)), (1, None, vec![]));
        assert!(matches!(
            done(exchange.receive(status(404))),
            Reply::NotFound
        ));
    }
}

#[test]
fn only_a_server_that_knows_no_such_address_is_remembered() {
    for (response, learned) in [
        (status(404), Some(ReferrersApi::Missing)),
        (status(501), Some(ReferrersApi::Missing)),
        (refused(400, "UNSUPPORTED"), Some(ReferrersApi::Missing)),
        (refused(404, "NAME_UNKNOWN"), None),
        (refused(404, "MANIFEST_UNKNOWN"), None),
        (status(400), None),
        (status(401), None),
        (status(503), None),
        (answer(200, "text/html", &json!({})), None),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        assert_eq!(exchange.learn(&response), learned, "{response:?}");
    }
}

#[test]
fn odd_answers_of_the_api_are_no_absence() {
    for response in [
        answer(200, "text/html", &json!({})),
        answer(200, OCI_MANIFEST, &json!({})),
        status(400),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        let (url, exchange) = asked(exchange.receive(response));
        assert_eq!(url, TAG);
        let body = index(&[entry(NOTARY_SIGNATURE)]);
        let found = exchange.clone().receive(answer(200, OCI_INDEX, &body));
        assert_eq!(listed(done(found)).0, 1);
        failed(done(exchange.receive(status(404))));
    }
    for body in [
        json!([]),
        json!({"manifests": 7}),
        json!({"schemaVersion": 1}),
        json!("x"),
    ] {
        let (_, exchange) = asked(start(referrers(None)));
        failed(done(exchange.receive(answer(200, OCI_INDEX, &body))));
    }
}

#[test]
fn odd_content_of_the_tag_is_no_absence() {
    let tag = || {
        let (_, exchange) = asked(start_in(ReferrersOrder::TagOnly, referrers(None)));
        exchange
    };
    let config = json!({"mediaType": "application/x", "digest": SUBJECT, "size": 2});
    let manifest =
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []});
    let unlabelled = json!({"schemaVersion": 2, "config": config, "layers": []});
    for (kind, body) in [
        (OCI_MANIFEST, &manifest),
        (OCI_MANIFEST, &unlabelled),
        (OCI_INDEX, &manifest),
        (OCI_INDEX, &json!([1])),
        ("text/html", &json!("<html>")),
    ] {
        let (count, next, problems) = listed(done(tag().receive(answer(200, kind, body))));
        assert_eq!((count, next, problems.len()), (0, None, 1), "{body}");
    }
    // One that cannot be read beside one that can.
    let body = index(&[entry(NOTARY_SIGNATURE), json!({"digest": "x"})]);
    let (count, _, problems) = listed(done(tag().receive(answer(200, OCI_INDEX, &body))));
    assert_eq!((count, problems.len()), (1, 1));
    for response in [
        status(400),
        status(403),
        status(405),
        status(500),
        refused(400, "X"),
    ] {
        failed(done(tag().receive(response)));
    }
    let no_such_tag = tag().receive(refused(400, "TAG_INVALID"));
    assert!(matches!(done(no_such_tag), Reply::NotFound));
}

#[test]
fn who_asks_the_tag_first_asks_the_api_where_there_is_none() {
    let first = || asked(start_in(ReferrersOrder::TagFirst, referrers(None)));
    let (url, exchange) = first();
    assert_eq!(url, TAG);
    let body = index(&[entry(NOTARY_SIGNATURE)]);
    let found = exchange.receive(answer(200, OCI_INDEX, &body));
    assert_eq!(listed(done(found)).0, 1);
    let (url, exchange) = asked(first().1.receive(status(404)));
    assert_eq!(url, format!("{API}{FILTERED}"));
    assert_eq!(exchange.learn(&status(404)), Some(ReferrersApi::Missing));
    let found = exchange.clone().receive(answer(200, OCI_INDEX, &body));
    assert_eq!(listed(done(found)).0, 1);
    assert!(matches!(
        done(exchange.clone().receive(status(404))),
        Reply::NotFound
    ));
    failed(done(exchange.receive(status(400))));
    let (_, exchange) = asked(start_in(ReferrersOrder::TagOnly, referrers(None)));
    assert!(matches!(
        done(exchange.receive(status(404))),
        Reply::NotFound
    ));
}

#[test]
fn what_is_no_registrys_is_left_alone() {
    let need = Need {
        id: NeedId(0),
        request: Request::BlobDigest(HashAlgorithm::Sha256),
        max_bytes: 0,
    };
    let order = ReferrersOrder::default();
    assert!(Exchange::start(&endpoint(), &need, order, &Limits::default()).is_none());
    let bad = Request::Referrers {
        subject: "sha256:../x".to_owned(),
        page: None,
    };
    failed(done(start(bad)));
}

/// Manifests that go off the list of their subject.
mod withdrawals {
    use super::*;
    use crate::registry::{Listed, Publish, PublishStep, Withdrawal};

    const GOES: &str = "sha256:12bb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";
    const KEPT: &str = "sha256:aabb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";

    fn list(digests: &[&str]) -> Value {
        let entries: Vec<Value> = digests
            .iter()
            .map(|digest| json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": 2, "x": 1}))
            .collect();
        let mut list = index(&entries);
        list["annotations"] = json!({"a": "b"});
        list
    }

    fn again(step: PublishStep) -> (Publish, HttpRequest) {
        match step {
            PublishStep::Again(publish, request) => (*publish, request),
            other => panic!("{other:?}"),
        }
    }

    /// Asked for the tag.
    fn reading(kept: &[&str]) -> Publish {
        let endpoint = Endpoint::new(
            &Reference::parse("reg.example/a/b:v1").unwrap(),
            Scheme::Https,
        );
        let own = |digests: &[&str]| digests.iter().map(|one| (*one).to_owned()).collect();
        let withdrawal = Withdrawal {
            subject: SUBJECT.to_owned(),
            digests: own(&[GOES]),
            kept: own(kept),
        };
        // The API is asked whatever is known of it.
        let order = ReferrersOrder::TagOnly;
        let step = Publish::withdraw(&endpoint, withdrawal, order, &Limits::default());
        let (publish, request) = again(step);
        assert!(request.url.contains("/referrers/"), "{}", request.url);
        let by_registry = publish
            .clone()
            .receive(&answer(200, OCI_INDEX, &list(&[GOES])));
        assert!(matches!(by_registry, PublishStep::Done(Listed::ByRegistry)));
        assert!(matches!(
            publish.clone().receive(&status(500)),
            PublishStep::Failed(_)
        ));
        let (publish, request) = again(publish.receive(&status(404)));
        assert!(request.url.ends_with(&SUBJECT.replace(':', "-")));
        publish
    }

    #[test]
    fn an_entry_goes_and_everything_else_stays() {
        let found = answer(200, OCI_INDEX, &list(&[GOES, KEPT]));
        let (publish, request) = again(reading(&[KEPT]).receive(&found));
        assert_eq!(request.method, Method::Put);
        let written: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(written, list(&[KEPT]));
        let PublishStep::Settle(publish) = publish.receive(&status(201)) else {
            panic!()
        };
        // Somebody wrote what he had read before.
        let (publish, _) = again(publish.settled());
        let (publish, request) = again(publish.receive(&found));
        assert_eq!(request.method, Method::Put);
        let PublishStep::Settle(publish) = publish.receive(&status(201)) else {
            panic!()
        };
        let (publish, _) = again(publish.settled());
        let step = publish.receive(&answer(200, OCI_INDEX, &written));
        assert!(matches!(step, PublishStep::Done(Listed::ByTag)));
    }

    #[test]
    fn the_last_entry_leaves_an_empty_list() {
        let found = answer(200, OCI_INDEX, &list(&[GOES]));
        let (_, request) = again(reading(&[]).receive(&found));
        let written: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
        assert_eq!(written, list(&[]));
        // Nothing is made where there was no list.
        let step = reading(&[]).receive(&status(404));
        assert!(matches!(step, PublishStep::Done(Listed::ByTag)));
        let step = reading(&[]).receive(&answer(200, OCI_INDEX, &list(&[KEPT])));
        assert!(matches!(step, PublishStep::Done(Listed::ByTag)));
    }

    #[test]
    fn nothing_is_written_where_what_stays_is_gone() {
        for found in [
            answer(200, OCI_INDEX, &list(&[GOES])),
            answer(200, OCI_INDEX, &list(&[])),
            status(404),
        ] {
            match reading(&[KEPT]).receive(&found) {
                PublishStep::Failed(why) => assert!(why.contains(KEPT), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
