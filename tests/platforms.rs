//! An index and every manifest that it lists, as one verdict.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod signed;

use notation_verifier::Limits;
use notation_verifier::io::{Layout, LayoutHost, drive};
use notation_verifier::oci::media_type::{DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST};
use notation_verifier::report::{ArtifactStatus, Report};
use notation_verifier::session::{Platforms, Request};
use notation_verifier::wire::Descriptor;
use serde_json::json;

use signed::{Asked, Store, plain, request, verifier};

fn run_with(store: &Store, reference: &str, limits: Limits) -> (Report, usize) {
    let mut host = Asked::new(store);
    let session = verifier(limits)
        .verify_image(request(reference, Platforms::All))
        .unwrap();
    let report = drive(session, &mut host).unwrap();
    (report, host.rounds)
}

fn run(store: &Store, index: &Descriptor) -> Report {
    run_with(store, &index.digest, Limits::default()).0
}

fn statuses(report: &Report) -> Vec<(Option<&str>, Option<&str>)> {
    report
        .platforms()
        .unwrap()
        .manifests()
        .iter()
        .map(|one| (one.platform(), one.status().map(ArtifactStatus::as_str)))
        .collect()
}

/// A signed index of a signed image for each of `platforms`.
fn signed_index(store: &mut Store, platforms: &[&str]) -> Descriptor {
    let images: Vec<Descriptor> = platforms
        .iter()
        .enumerate()
        .map(|(number, _)| store.signed_image(&number.to_string()))
        .collect();
    let entries: Vec<(&Descriptor, &str)> = images.iter().zip(platforms.iter().copied()).collect();
    let index = store.index(&entries);
    store.sign(&index);
    index
}

#[test]
fn all_trusted_is_trusted_in_one_round_trip_more() {
    let mut store = Store::default();
    let index = signed_index(&mut store, &["linux/amd64", "linux/arm64", "windows/amd64"]);
    let (report, rounds) = run_with(&store, &index.digest, Limits::default());
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(
        statuses(&report),
        [
            (Some("linux/amd64"), Some("verified")),
            (Some("linux/arm64"), Some("verified")),
            (Some("windows/amd64"), Some("verified")),
        ]
    );
    // Index and its referrers; then three for every image at the same time.
    assert_eq!(rounds, 4);

    // Not asked for, the index alone counts, and nothing of it is fetched.
    let mut host = Asked::new(&store);
    let session = verifier(Limits::default())
        .verify_image(request(&index.digest, Platforms::Named))
        .unwrap();
    let report = drive(session, &mut host).unwrap();
    assert_eq!(
        (report.status(), host.rounds),
        (ArtifactStatus::Verified, 3)
    );
    assert!(report.platforms().is_none());
    assert_eq!(host.requests.len(), 4);
}

#[test]
fn an_image_has_no_platforms() {
    let mut store = Store::default();
    let image = store.signed_image("a");
    store.tags.insert("v1".to_owned(), image);
    let (report, rounds) = run_with(&store, "v1", Limits::default());
    assert_eq!((report.status(), rounds), (ArtifactStatus::Verified, 4));
    assert!(report.platforms().is_none());
}

#[test]
fn one_that_is_not_trusted_decides() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    let unsigned = store.image("unsigned");
    let wrong = store.image("signed as another");
    store.sign_as(&wrong, &good);
    let missing = store.signed_image("missing");
    store.blobs.remove(&missing.digest);
    let cases: [(&[&Descriptor], ArtifactStatus); 6] = [
        (&[&good], ArtifactStatus::Verified),
        (&[&good, &unsigned], ArtifactStatus::Rejected),
        (&[&good, &wrong], ArtifactStatus::Rejected),
        (&[&good, &missing], ArtifactStatus::LookupFailed),
        (&[&missing, &wrong], ArtifactStatus::Rejected),
        (&[&missing, &unsigned, &good], ArtifactStatus::Rejected),
    ];
    for (images, expected) in cases {
        let entries: Vec<_> = images.iter().map(|one| (*one, "linux/amd64")).collect();
        let index = store.index(&entries);
        store.sign(&index);
        let report = run(&store, &index);
        assert_eq!(report.status(), expected, "{:?}", statuses(&report));
        assert_eq!(report.own_status(), ArtifactStatus::Verified);
    }
}

#[test]
fn the_index_itself_must_be_trusted() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    let unsigned = store.image("unsigned");
    let index = store.index(&[(&good, "linux/amd64")]);
    let report = run(&store, &index);
    assert_eq!(report.own_status(), ArtifactStatus::Unsigned);
    assert_eq!(report.status(), ArtifactStatus::Rejected);
    // Nothing is signed at all.
    let index = store.index(&[(&unsigned, "linux/amd64")]);
    assert_eq!(run(&store, &index).status(), ArtifactStatus::Unsigned);
}

#[test]
fn what_runs_nowhere_does_not_count_and_all_else_does() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    let attestation = store.image("attestation");
    let index = store.index(&[(&good, "linux/amd64"), (&attestation, "unknown/unknown")]);
    store.sign(&index);
    let report = run(&store, &index);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(
        statuses(&report)[1],
        (Some("unknown/unknown"), None),
        "it is shown"
    );

    // Nothing that runs somewhere is no reason to trust.
    for entries in [vec![(&attestation, "unknown/unknown")], vec![]] {
        let index = store.index(&entries);
        store.sign(&index);
        let report = run(&store, &index);
        assert_eq!(report.status(), ArtifactStatus::LookupFailed);
        assert_eq!(report.platforms().unwrap().failures().len(), 1);
    }

    for platform in ["", "unknown/amd64", "linux/unknown"] {
        let index = store.index(&[(&good, "linux/amd64"), (&attestation, platform)]);
        store.sign(&index);
        assert_eq!(
            run(&store, &index).status(),
            ArtifactStatus::Rejected,
            "{platform}"
        );
    }
}

#[test]
fn an_index_in_an_index_counts_with_all_of_its_own() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    let unsigned = store.image("unsigned");
    for (inner_entry, expected) in [
        (&good, ArtifactStatus::Verified),
        (&unsigned, ArtifactStatus::Rejected),
    ] {
        let inner = store.index(&[(inner_entry, "linux/arm64")]);
        store.sign(&inner);
        let outer = store.index(&[(&inner, ""), (&good, "linux/amd64")]);
        store.sign(&outer);
        let report = run(&store, &outer);
        assert_eq!(report.status(), expected);
        assert!(statuses(&report).len() >= 2);
        // Each manifest once, whoever lists it.
        let mut digests: Vec<_> = report
            .platforms()
            .unwrap()
            .manifests()
            .iter()
            .map(|one| &one.descriptor().digest)
            .collect();
        let count = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }
    // An inner index without a signature of its own.
    let inner = store.index(&[(&good, "linux/s390x")]);
    let outer = store.index(&[(&inner, "")]);
    store.sign(&outer);
    assert_eq!(run(&store, &outer).status(), ArtifactStatus::Rejected);
}

#[test]
fn children_come_from_the_bytes_of_the_index_and_are_what_it_says() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    // Other bytes under the digest of the index: nothing of them counts.
    let index = signed_index(&mut store, &["linux/amd64"]);
    let other = store.index(&[(&good, "linux/amd64")]);
    let forged = store.blobs[&other.digest].clone();
    let mut lying = store.clone();
    lying.blobs.insert(index.digest.clone(), forged);
    let report = run(&lying, &index);
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
    assert!(report.platforms().is_none());

    // A wrong size or media type in the index, and other bytes of a child.
    let mut longer = plain(&good);
    longer["size"] = json!(good.size + 1);
    let mut renamed = plain(&good);
    renamed["mediaType"] = json!(OCI_INDEX);
    for entry in [longer, renamed] {
        let document = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]});
        let index = store.document(&document, OCI_INDEX);
        store.sign(&index);
        let report = run(&store, &index);
        assert_ne!(report.status(), ArtifactStatus::Verified, "{document}");
    }
    let index = store.index(&[(&good, "linux/amd64")]);
    store.sign(&index);
    assert_eq!(run(&store, &index).status(), ArtifactStatus::Verified);
    store.blobs.get_mut(&good.digest).unwrap().push(b' ');
    let report = run(&store, &index);
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
}

#[test]
fn bad_entries_are_no_reason_to_pass_over_the_platforms() {
    let mut store = Store::default();
    let good = store.signed_image("good");
    for entry in [
        json!({"mediaType": OCI_MANIFEST, "digest": "sha256:zz", "size": 1}),
        json!({"mediaType": OCI_MANIFEST, "size": 1}),
        json!({}),
        json!({"mediaType": OCI_MANIFEST, "digest": "md5:00", "size": 1}),
    ] {
        let document = json!({
            "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [plain(&good), entry],
        });
        let index = store.document(&document, OCI_INDEX);
        store.sign(&index);
        let report = run(&store, &index);
        assert_eq!(report.status(), ArtifactStatus::LookupFailed, "{document}");
    }
    let document = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": "all"});
    let index = store.document(&document, OCI_INDEX);
    store.sign(&index);
    assert_eq!(run(&store, &index).status(), ArtifactStatus::LookupFailed);
}

#[test]
fn counts_nesting_and_octets_are_bounded() {
    let mut store = Store::default();
    let platforms = ["linux/amd64", "linux/arm64", "linux/arm", "linux/s390x"];
    let wide = signed_index(&mut store, &platforms);
    let mut deep = store.signed_image("deep");
    for _ in 0..4 {
        deep = store.index(&[(&deep, "")]);
        store.sign(&deep);
    }
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let cases: [(&Descriptor, Limits, Option<&str>); 6] = [
        (&wide, with(|limits| limits.platforms = 4), None),
        (
            &wide,
            with(|limits| limits.platforms = 3),
            Some("`platforms`"),
        ),
        (&deep, with(|limits| limits.index_nesting = 5), None),
        (
            &deep,
            with(|limits| limits.index_nesting = 4),
            Some("`index_nesting`"),
        ),
        (
            &deep,
            with(|limits| limits.platforms = 3),
            Some("`platforms`"),
        ),
        (
            &wide,
            with(|limits| limits.artifact_bytes = 6000),
            Some("artifact_bytes"),
        ),
    ];
    for (index, limits, failure) in cases {
        let report = run_with(&store, &index.digest, limits).0;
        match failure {
            None => assert_eq!(report.status(), ArtifactStatus::Verified),
            Some(words) => {
                assert_eq!(report.status(), ArtifactStatus::LookupFailed, "{words}");
                let document = report.to_json().to_string();
                assert!(document.contains(words), "{words} in {document}");
            }
        }
    }
}

#[test]
fn a_layout_gives_the_same_answer() {
    let mut store = Store::default();
    let index = signed_index(&mut store, &["linux/amd64", "linux/arm64"]);
    store.tags.insert("v1".to_owned(), index);
    let unsigned = store.image("unsigned");
    let other = store.index(&[(&unsigned, "linux/amd64")]);
    store.sign(&other);
    store.tags.insert("v2".to_owned(), other);
    let folder = tempfile::tempdir().unwrap();
    store.write(folder.path());
    let layout = Layout::open(folder.path(), &Limits::default()).unwrap();
    for (tag, expected, count) in [
        ("v1", ArtifactStatus::Verified, 2),
        ("v2", ArtifactStatus::Rejected, 1),
    ] {
        let session = verifier(Limits::default())
            .verify_image(request(tag, Platforms::All))
            .unwrap();
        let report = drive(session, &mut LayoutHost::new(&layout)).unwrap();
        assert_eq!(report.status(), expected, "{:?}", report.to_json());
        assert_eq!(statuses(&report).len(), count);
    }
}

#[test]
fn a_docker_manifest_list_is_an_index_too() {
    let mut store = Store::default();
    let image = store.signed_image("a");
    let list = json!({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST_LIST, "manifests": [plain(&image)]});
    let list = store.document(&list, DOCKER_MANIFEST_LIST);
    store.sign(&list);
    let report = run(&store, &list);
    assert_eq!(report.status(), ArtifactStatus::Verified);
    assert_eq!(statuses(&report), [(None, Some("verified"))]);
}

#[test]
fn the_same_needs_come_back_until_each_is_answered() {
    use notation_verifier::session::{NeedId, Reply, Step};

    let mut store = Store::default();
    let index = signed_index(&mut store, &["linux/amd64", "linux/arm64"]);
    let mut host = Asked::new(&store);
    let mut session = verifier(Limits::default())
        .verify_image(request(&index.digest, Platforms::All))
        .unwrap();
    let mut answered = 0;
    let report = loop {
        let (Step::Needs(needs), Step::Needs(again)) = (session.step(), session.step()) else {
            break session.step();
        };
        assert_eq!(needs, again);
        assert!(session.supply(NeedId(u64::MAX), Reply::NotFound).is_err());
        // One at a time, the last one first: order is the host's choice.
        let need = needs.last().unwrap();
        let reply = notation_verifier::io::Host::fetch(&mut host, need);
        session.supply(need.id, reply.clone()).unwrap();
        assert!(session.supply(need.id, reply).is_err(), "it is closed");
        answered += 1;
        assert!(answered < 100);
    };
    let Step::Done(report) = report else {
        unreachable!()
    };
    assert_eq!(report.status(), ArtifactStatus::Verified);
    // Index, referrers, its signature and envelope; for each image all four.
    assert_eq!(answered, 12);
    let resolved = host
        .requests
        .iter()
        .filter(|one| matches!(one, Request::Resolve { .. }))
        .count();
    assert_eq!(resolved, 1);
}
