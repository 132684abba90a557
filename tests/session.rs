//! The conversation between a session and its host: order, bounds, and hosts
//! that bring nonsense. The demo image's signature is the good one.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "session/registry.rs"]
mod registry;

use notation_verifier::ErrorKind;
use notation_verifier::crypto::HashAlgorithm;
use notation_verifier::io::drive;
use notation_verifier::outcome::Reason;
use notation_verifier::report::{ArtifactStatus, Report, SignatureResult};
use notation_verifier::session::{NeedId, Reply, Request, Session, Step};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Limits, Verifier};
use serde_json::json;

use registry::{IMAGE, MANIFEST, Registry, blob_request, image_request, verifier, verifier_with};

fn needs(session: &mut Session) -> Vec<notation_verifier::session::Need> {
    match session.step() {
        Step::Needs(needs) => needs,
        Step::Done(report) => panic!("{report:?}"),
    }
}

fn run(verifier: &Verifier, registry: &mut Registry) -> Report {
    drive(
        verifier.verify_image(image_request("v1")).unwrap(),
        registry,
    )
    .unwrap()
}

/// What the look-ups that failed say, in one text.
fn failures(report: &Report) -> String {
    assert_eq!(report.status(), ArtifactStatus::LookupFailed, "{report:?}");
    let unavailable = report
        .signatures()
        .iter()
        .filter_map(|signature| match signature.result() {
            SignatureResult::Unavailable(why) => Some(why.clone()),
            _ => None,
        });
    report
        .lookup_failures()
        .iter()
        .cloned()
        .chain(unavailable)
        .collect::<Vec<_>>()
        .join("; ")
}

/// A limit other than the default one.
fn limits(change: impl FnOnce(&mut Limits)) -> Verifier {
    let mut limits = Limits::default();
    change(&mut limits);
    verifier_with("strict", limits)
}

#[test]
fn a_tag_is_resolved_before_signatures_are_listed() {
    let mut registry = Registry::with_good();
    let report = run(&verifier(), &mut registry);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(report.target().unwrap().digest, IMAGE);
    assert_eq!(
        registry.kinds(),
        ["resolve", "referrers", "manifest", "envelope"]
    );
}

#[test]
fn a_digest_needs_no_round_of_its_own() {
    let mut registry = Registry::with_good();
    let verifier = verifier();
    let mut session = verifier.verify_image(image_request(IMAGE)).unwrap();
    let first = needs(&mut session);
    let [resolve, referrers] = &first[..] else {
        panic!("{first:?}");
    };
    assert!(matches!(resolve.request, Request::Resolve { .. }));
    assert!(matches!(referrers.request, Request::Referrers { .. }));
    // The last first; what was supplied is not asked for again.
    let answer = registry.answer(referrers);
    session.supply(referrers.id, answer).unwrap();
    assert_eq!(needs(&mut session), std::slice::from_ref(resolve));
    assert_eq!(needs(&mut session), std::slice::from_ref(resolve));
    let answer = registry.answer(resolve);
    session.supply(resolve.id, answer).unwrap();
    let report = drive(session, &mut registry).unwrap();
    assert_eq!(report.status(), ArtifactStatus::Verified);
}

#[test]
fn only_what_was_asked_for_can_be_supplied() {
    let verifier = verifier();
    let mut registry = Registry::with_good();
    let mut session = verifier.verify_image(image_request("v1")).unwrap();
    let unknown = |error: notation_verifier::Error| {
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("no open need"), "{error}");
    };
    unknown(session.supply(NeedId(0), Reply::NotFound).unwrap_err());
    let [need] = &needs(&mut session)[..] else {
        panic!("one need");
    };
    unknown(
        session
            .supply(NeedId(need.id.0 + 1), Reply::NotFound)
            .unwrap_err(),
    );
    let answer = registry.answer(need);
    session.supply(need.id, answer).unwrap();
    unknown(session.supply(need.id, Reply::NotFound).unwrap_err());
    // Nothing of that did harm.
    assert_eq!(
        drive(session, &mut registry).unwrap().status(),
        ArtifactStatus::Verified
    );
}

#[test]
fn replies_of_the_wrong_kind_are_failed_look_ups() {
    let digest = verifier().provider().hash(HashAlgorithm::Sha384, b"");
    let wrong = |kind: &str| -> Vec<Reply> {
        let blob = Reply::BlobDigest { digest, size: 0 };
        let content = Reply::Content {
            media_type: None,
            bytes: b"{}".to_vec(),
        };
        let referrers = Reply::Referrers {
            descriptors: Vec::new(),
            next: None,
            problems: Vec::new(),
        };
        let resolved = Reply::Resolved(Registry::with_good().image());
        match kind {
            "resolve" => vec![blob, referrers],
            "referrers" => vec![blob, content, resolved],
            _ => vec![blob, referrers, resolved],
        }
    };
    let mut ran = 0;
    for kind in ["resolve", "referrers", "manifest", "envelope"] {
        for reply in wrong(kind)
            .into_iter()
            .chain([Reply::Failed("the connection was reset".to_owned())])
        {
            for reference in ["v1", IMAGE] {
                let mut registry = Registry::with_good();
                registry.instead = Some((kind, reply.clone()));
                let session = verifier().verify_image(image_request(reference)).unwrap();
                let why = failures(&drive(session, &mut registry).unwrap());
                let expected = match &reply {
                    Reply::Failed(_) => "the connection was reset",
                    _ => "with something else",
                };
                assert!(why.contains(expected), "{kind} {reply:?}: {why}");
                ran += 1;
            }
        }
    }
    assert_eq!(ran, 2 * (3 + 4 + 4 + 4));
}

#[test]
fn not_there_is_a_failure_but_for_the_list() {
    for (kind, status) in [
        ("resolve", ArtifactStatus::LookupFailed),
        ("referrers", ArtifactStatus::Unsigned),
        ("manifest", ArtifactStatus::LookupFailed),
        ("envelope", ArtifactStatus::LookupFailed),
    ] {
        let mut registry = Registry::with_good();
        registry.instead = Some((kind, Reply::NotFound));
        let report = run(&verifier(), &mut registry);
        assert_eq!(report.status(), status, "{kind}");
        if kind == "manifest" || kind == "envelope" {
            assert!(failures(&report).contains("is listed and does not exist"));
        }
    }
}

#[test]
fn replies_that_are_too_long_are_not_looked_at() {
    for kind in ["resolve", "manifest", "envelope"] {
        let mut registry = Registry::with_good();
        registry.longer = Some(kind);
        let why = failures(&run(&verifier(), &mut registry));
        assert!(why.contains("octets, and at most"), "{kind}: {why}");
    }
}

#[test]
fn other_bytes_than_the_digest_says_are_refused() {
    for kind in ["manifest", "envelope"] {
        let mut registry = Registry::with_good();
        registry.flipped = Some(kind);
        let report = run(&verifier(), &mut registry);
        assert_eq!(report.status(), ArtifactStatus::Rejected, "{kind}");
        let SignatureResult::Unusable(rejection) = report.signatures()[0].result() else {
            panic!("{kind}: {report:?}");
        };
        assert_eq!(rejection.reason, Reason::ContentMismatch, "{kind}");
    }
    // The artifact itself, by digest: other bytes, and another descriptor.
    let mut registry = Registry::with_good();
    registry.flipped = Some("resolve");
    let session = verifier().verify_image(image_request(IMAGE)).unwrap();
    let why = failures(&drive(session, &mut registry).unwrap());
    assert!(why.contains("have another digest"), "{why}");

    let mut registry = Registry::with_good();
    let other = registry.put(b"{}", "application/vnd.oci.image.manifest.v1+json");
    registry.instead = Some(("resolve", Reply::Resolved(other)));
    let session = verifier().verify_image(image_request(IMAGE)).unwrap();
    let why = failures(&drive(session, &mut registry).unwrap());
    assert!(why.contains("another digest"), "{why}");
}

#[test]
fn the_media_type_may_not_be_told_two_ways() {
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    for (header, trusted) in [(None, true), (Some(manifest), true), (Some(docker), false)] {
        let mut registry = Registry::with_good();
        let bytes = registry.blobs[IMAGE].clone();
        let media_type = header.map(str::to_owned);
        registry.instead = Some(("resolve", Reply::Content { media_type, bytes }));
        let report = run(&verifier(), &mut registry);
        assert_eq!(
            report.status() == ArtifactStatus::Verified,
            trusted,
            "{header:?}"
        );
        if !trusted {
            let why = failures(&report);
            assert!(why.contains(docker) && why.contains(manifest), "{why}");
        }
    }
}

#[test]
fn endless_empty_pages_end() {
    let mut registry = Registry::with_good();
    registry.pages = vec![Vec::new()];
    registry.endless = true;
    let verifier = verifier();
    let why = failures(&run(&verifier, &mut registry));
    assert!(why.contains("`referrer_pages`"), "{why}");
    let most = verifier.limits().referrer_pages;
    assert_eq!(
        registry
            .kinds()
            .iter()
            .filter(|kind| **kind == "referrers")
            .count(),
        most
    );
}

#[test]
fn a_signature_on_the_last_page_that_may_be_read_is_found() {
    let verifier = limits(|limits| limits.referrer_pages = 5);
    let mut registry = Registry::with_good();
    let good = registry.pages.remove(0);
    registry.pages = vec![Vec::new(), Vec::new(), Vec::new(), Vec::new(), good];
    assert_eq!(
        run(&verifier, &mut registry).status(),
        ArtifactStatus::Verified
    );
    registry.pages.insert(0, Vec::new());
    assert!(failures(&run(&verifier, &mut registry)).contains("`referrer_pages`"));
}

#[test]
fn too_many_referrers_are_refused() {
    // On one page, and page by page: what is listed counts, signature or not.
    let other = registry::referrer_of_another_kind();
    let verifier = limits(|limits| limits.referrers = 30);
    for pages in [
        vec![vec![other.clone(); 31]],
        vec![
            vec![other.clone(); 10],
            vec![other.clone(); 10],
            vec![other.clone(); 11],
        ],
    ] {
        let mut registry = Registry::with_good();
        registry.pages = pages;
        let why = failures(&run(&verifier, &mut registry));
        assert!(why.contains("`referrers`"), "{why}");
    }
    let mut registry = Registry::with_good();
    registry.pages.insert(0, vec![other; 29]);
    assert_eq!(
        run(&verifier, &mut registry).status(),
        ArtifactStatus::Verified
    );
}

#[test]
fn as_many_failing_signatures_as_may_be_evaluated_keep_their_reasons() {
    for (count, max, warned) in [(3, 3, false), (4, 3, true), (3, 4, false)] {
        let mut registry = Registry::default();
        let bad = (0..count)
            .map(|number| registry.bad_signature(number))
            .collect();
        registry.pages = vec![bad];
        let mut request = image_request("v1");
        request.max_signatures = Some(max);
        let session = verifier().verify_image(request).unwrap();
        let report = drive(session, &mut registry).unwrap();
        assert_eq!(report.status(), ArtifactStatus::Rejected);
        assert_eq!(report.signatures().len(), count.min(max));
        for signature in report.signatures() {
            let (_, why) = signature.outcome().unwrap().rejections().next().unwrap();
            assert_eq!(why.reason, Reason::SignatureMismatch);
        }
        assert_eq!(
            report.warnings().len(),
            usize::from(warned),
            "{:?}",
            report.warnings()
        );
        if warned {
            assert!(report.warnings()[0].contains("only the first 3 signatures"));
        }
    }
    let mut request = image_request("v1");
    request.max_signatures = Some(0);
    assert_eq!(
        verifier().verify_image(request).unwrap_err().kind(),
        ErrorKind::Usage
    );
}

/// A list that does not tell what a manifest is: the manifest does, after all that
/// are listed as signatures.
#[test]
fn what_the_list_does_not_tell_is_looked_up() {
    const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    let verifier = verifier();
    for listed_as in [None, Some(EMPTY.to_owned())] {
        let untold = |descriptor: Descriptor| Descriptor {
            artifact_type: listed_as.clone(),
            ..descriptor
        };
        let mut registry = Registry::default();
        let good = untold(registry.good_signature("good"));
        let other = json!({"schemaVersion": 2, "config": {"mediaType": "application/sbom",
            "digest": good.digest, "size": 2}, "layers": []});
        let other = untold(registry.put(other.to_string().as_bytes(), MANIFEST));
        let index = untold(Descriptor {
            media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
            ..good.clone()
        });
        let gone = untold(Descriptor {
            digest: format!("sha256:{}", "0".repeat(64)),
            ..good.clone()
        });
        let bad = registry.bad_signature(1);
        for (page, expected, signatures) in [
            (
                vec![other.clone(), good.clone(), bad.clone()],
                ArtifactStatus::Verified,
                2,
            ),
            (vec![other.clone(), bad], ArtifactStatus::Rejected, 1),
            (vec![other.clone(), index], ArtifactStatus::Unsigned, 0),
            (
                vec![gone.clone(), good.clone()],
                ArtifactStatus::Verified,
                2,
            ),
            (vec![gone, other], ArtifactStatus::LookupFailed, 1),
        ] {
            registry.pages = vec![page];
            let report = run(&verifier, &mut registry);
            assert_eq!(report.status(), expected, "{report:?}");
            assert_eq!(report.signatures().len(), signatures, "{report:?}");
        }
        // They are looked at within bounds, and what is not is not "unsigned".
        let many = limits(|limits| limits.signatures = 3);
        let other = |registry: &mut Registry, number: usize| {
            let manifest = json!({"schemaVersion": 2, "config": {"mediaType": "a/b",
                "digest": good.digest, "size": number}, "layers": []});
            untold(registry.put(manifest.to_string().as_bytes(), MANIFEST))
        };
        registry.pages = vec![(1..=4).map(|number| other(&mut registry, number)).collect()];
        let why = failures(&run(&many, &mut registry));
        assert!(why.contains("1 of them were not looked at"), "{why}");
        registry.pages = vec![(1..=3).map(|number| other(&mut registry, number)).collect()];
        assert_eq!(run(&many, &mut registry).status(), ArtifactStatus::Unsigned);
    }
}

#[test]
fn bad_signatures_do_not_hide_a_good_one() {
    let mut registry = Registry::default();
    let mut missing = registry.good_signature("missing");
    missing.digest = missing.digest.replace("sha256:", "sha512:");
    let lying = |size| {
        let mut descriptor = Registry::default().good_signature("lying");
        descriptor.size = size;
        descriptor
    };
    let bad = [
        registry.bad_signature(0),
        registry.signature_manifest(b"not JSON"),
        registry.signature_manifest(b"{}"),
        registry.of_another_artifact(),
        missing,
        lying(-1),
        lying(0),
        lying(i64::MAX),
        lying(1 << 30),
    ];
    let good = registry.good_signature("good");
    for bad in bad {
        let what = format!("{bad:?}");
        registry.pages = vec![vec![bad.clone(), good.clone()]];
        let report = run(&verifier(), &mut registry);
        assert_eq!(report.status(), ArtifactStatus::Verified, "{what}");
        assert_eq!(report.signatures().len(), 2, "{what}");
        registry.pages = vec![vec![bad], vec![good.clone()]];
        assert_eq!(
            run(&verifier(), &mut registry).status(),
            ArtifactStatus::Verified,
            "{what}"
        );
    }
}

#[test]
fn the_first_trusted_signature_ends_the_work_unless_all_are_wanted() {
    let mut registry = Registry::default();
    let signatures: Vec<_> = ["one", "two"]
        .map(|note| registry.good_signature(note))
        .into();
    registry.pages = vec![signatures, vec![registry.bad_signature(0)]];
    let verifier = verifier();
    assert_eq!(run(&verifier, &mut registry).signatures().len(), 1);
    assert_eq!(
        registry.kinds(),
        ["resolve", "referrers", "manifest", "envelope"]
    );

    let all = || {
        let mut request = image_request("v1");
        request.all_signatures = true;
        verifier.verify_image(request).unwrap()
    };
    let report = drive(all(), &mut registry).unwrap();
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(report.signatures().len(), 3);
    // What fails after a trusted signature is told and takes nothing away.
    registry.endless = true;
    let report = drive(all(), &mut registry).unwrap();
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert!(report.lookup_failures()[0].contains("`referrer_pages`"));
}

#[test]
fn problems_of_the_list_count_where_nothing_is_trusted() {
    let mut registry = Registry::with_good();
    registry.problems = vec!["an entry of the index is malformed".to_owned()];
    assert_eq!(
        run(&verifier(), &mut registry).status(),
        ArtifactStatus::Verified
    );
    registry.pages = vec![Vec::new()];
    let why = failures(&run(&verifier(), &mut registry));
    assert!(why.contains("an entry of the index"), "{why}");
    registry.problems.clear();
    assert_eq!(
        run(&verifier(), &mut registry).status(),
        ArtifactStatus::Unsigned
    );
}

#[test]
fn octets_of_one_artifact_are_bounded() {
    let mut registry = Registry::default();
    let image = u64::try_from(registry.image().size).unwrap();
    let bad: Vec<_> = (0..10)
        .map(|number| registry.bad_signature(number))
        .collect();
    let manifest = u64::try_from(bad[0].size).unwrap();
    registry.pages = vec![bad];
    // Enough for the image's manifest and the first signature's, not for more.
    let verifier = limits(|limits| limits.artifact_bytes = image + manifest + 10);
    let why = failures(&run(&verifier, &mut registry));
    assert!(why.contains("`artifact_bytes`"), "{why}");
    let plenty = limits(|limits| limits.artifact_bytes = 1 << 20);
    assert_eq!(
        run(&plenty, &mut registry).status(),
        ArtifactStatus::Rejected
    );
}

#[test]
fn an_exempted_artifact_needs_nothing() {
    let verifier = verifier_with("skip", Limits::default());
    let mut session = verifier.verify_image(image_request("v1")).unwrap();
    let Step::Done(report) = session.step() else {
        panic!("nothing is needed");
    };
    assert_eq!(report.status(), ArtifactStatus::Skipped);
    assert!(report.signatures().is_empty() && report.target().is_none());
    // Done stays done.
    assert!(matches!(session.step(), Step::Done(_)));
    assert!(session.supply(NeedId(0), Reply::NotFound).is_err());
}

#[test]
fn a_blob_comes_with_the_digest_that_was_asked_for() {
    let verifier = verifier();
    let hash = |algorithm, bytes: &[u8]| Reply::BlobDigest {
        digest: verifier.provider().hash(algorithm, bytes),
        size: u64::try_from(bytes.len()).unwrap(),
    };
    let blob = registry::blob();
    for (reply, status) in [
        (hash(HashAlgorithm::Sha384, &blob), ArtifactStatus::Verified),
        (
            hash(HashAlgorithm::Sha384, b"other"),
            ArtifactStatus::Rejected,
        ),
        (
            hash(HashAlgorithm::Sha256, &blob),
            ArtifactStatus::LookupFailed,
        ),
        (
            hash(HashAlgorithm::Sha512, &blob),
            ArtifactStatus::LookupFailed,
        ),
        (Reply::NotFound, ArtifactStatus::LookupFailed),
        (
            Reply::Failed("it is busy".to_owned()),
            ArtifactStatus::LookupFailed,
        ),
        (
            Reply::Content {
                media_type: None,
                bytes: Vec::new(),
            },
            ArtifactStatus::LookupFailed,
        ),
    ] {
        let mut session = verifier.verify_blob(blob_request()).unwrap();
        let asked = needs(&mut session);
        let [need] = &asked[..] else {
            panic!("{asked:?}");
        };
        assert_eq!(need.request, Request::BlobDigest(HashAlgorithm::Sha384));
        session.supply(need.id, reply.clone()).unwrap();
        let Step::Done(report) = session.step() else {
            panic!("a blob needs nothing more");
        };
        assert_eq!(report.status(), status, "{reply:?}");
    }
    // An envelope that is bad needs no blob.
    let mut request = blob_request();
    request.envelope.clear();
    let Step::Done(report) = verifier.verify_blob(request).unwrap().step() else {
        panic!("nothing is needed");
    };
    assert_eq!(report.status(), ArtifactStatus::Rejected);
}
