//! Evidence bundles: the same verdict again without a network, and no more trust
//! than the network would have given, whatever somebody does to the file.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

mod authority;
mod layouts;
#[path = "bundle/world.rs"]
mod world;

use std::fs;
use std::io::Cursor;

use authority::{GOOD, List};
use notation_verifier::evidence::{EvidenceReply, EvidenceSource as _};
use notation_verifier::io::bundle::{BundleFile, Claims, Recording};
use notation_verifier::io::{BlobHost, Bundle, Layout, LayoutHost, drive};
use notation_verifier::outcome::Verdict;
use notation_verifier::report::ArtifactStatus;
use notation_verifier::session::{BlobRequest, ImageRequest, Platforms};
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::{ErrorKind, Limits, Provider, Report};
use serde_json::{Value, json};

use world::{
    CRL_A, CRL_B, EXPIRES, ISSUED, Image, LATER, NOW, Net, OCSP_A, Parts, SCOPE, With, again, bad,
    good, layer, ocsp, open, record, record_into, replace, request, sha256, time, verifier,
    written,
};

/// The list of `numbered`, which ends with January 2025.
fn list(number: u8) -> List {
    List {
        this_update: ISSUED,
        next_update: Some(EXPIRES),
        ..List::numbered(number)
    }
}

/// A report without the mark that recorded texts have.
fn unmarked(report: &Report) -> String {
    report.to_json().to_string().replace("as recorded: ", "")
}

#[track_caller]
fn refused(archive: &[u8], because: &str) {
    let error = open(archive).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(because), "`{because}` is not in: {error}");
}

fn replay(archive: &[u8], reference: &str, now: i64) -> Report {
    let bundle = open(archive).unwrap();
    let replay = bundle.image(SCOPE, reference, Claims::Accept).unwrap();
    again("strict", replay, reference, now)
}

#[test]
fn a_replay_repeats_the_report_to_the_letter() {
    let base = |list: List| Net::new(&[(CRL_A, list.sign()), (CRL_B, list.sign())]);
    let worlds = [
        (
            "OCSP says good",
            Net::new(&[(OCSP_A, good())]),
            Verdict::Trusted,
        ),
        (
            "OCSP says revoked",
            Net::new(&[(OCSP_A, bad())]),
            Verdict::Rejected,
        ),
        ("lists alone", base(list(1)), Verdict::Trusted),
        (
            "lists alone, revoked",
            base(list(1).leaf("20241215000000Z", 1)),
            Verdict::Rejected,
        ),
        ("nothing to be had", Net::default(), Verdict::Rejected),
        (
            "garbage",
            Net::new(&[(OCSP_A, b"garbage".to_vec())]),
            Verdict::Rejected,
        ),
    ];
    let mut runs = 0;
    let image = Image::new("one");
    let digest = image.target.digest.clone();
    for (name, net, verdict) in &worlds {
        for level in ["strict", "permissive", "audit", "skip"] {
            for reference in ["v1", &digest] {
                let (before, archive) = record(level, &image, reference, net);
                let bundle = open(&archive).unwrap();
                let replay = bundle.image(SCOPE, reference, Claims::Accept).unwrap();
                assert_eq!(replay.recorded_as_of(), Some(time(NOW)));
                let after = again(level, replay, reference, NOW);
                assert_eq!(unmarked(&before), unmarked(&after), "{name}, {level}");
                if level == "strict" {
                    assert_eq!(before.verdict(), *verdict, "{name}");
                }
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 6 * 4 * 2);
    let missing = Image::new("one");
    let (before, archive) = record("strict", &missing, "v9", &Net::default());
    assert_eq!(before.status(), ArtifactStatus::LookupFailed);
    assert_eq!(unmarked(&before), unmarked(&replay(&archive, "v9", NOW)));
}

#[test]
fn an_index_and_its_platforms_are_repeated() {
    let image = Image::index();
    let digest = &image.target.digest;
    let whole = |now: i64| ImageRequest {
        platforms: Platforms::All,
        ..request(digest, now)
    };
    let recording = Recording::new(Provider::preferred(), &Limits::default());
    let net = Net::new(&[(OCSP_A, good())]);
    let host = With(LayoutHost::new(&image.layout), net);
    let mut host = recording.image(SCOPE, digest, time(NOW), host);
    let before = drive(
        verifier("strict").verify_image(whole(NOW)).unwrap(),
        &mut host,
    )
    .unwrap();
    assert_eq!(before.verdict(), Verdict::Trusted, "{:#}", before.to_json());
    let archive = written(&recording);
    let bundle = open(&archive).unwrap();
    for (now, verdict) in [(NOW, Verdict::Trusted), (LATER, Verdict::Rejected)] {
        let mut replay = bundle.image(SCOPE, digest, Claims::Refuse).unwrap();
        let session = verifier("strict").verify_image(whole(now)).unwrap();
        let after = drive(session, &mut replay).unwrap();
        assert_eq!(after.verdict(), verdict);
        if now == NOW {
            assert_eq!(before.to_json(), after.to_json());
        }
    }
    // One platform's signature is left out.
    let mut layers = Vec::new();
    Parts::of(&archive).forge(|_, manifest| {
        layers.clone_from(manifest["layers"].as_array().unwrap());
    });
    let envelopes = layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| layer["annotations"]["notation-verifier.request"] == "envelope");
    let mut left_out = 0;
    for (position, _) in envelopes {
        let forged = Parts::of(&archive).forge(|_, manifest| {
            manifest["layers"].as_array_mut().unwrap().remove(position);
        });
        let bundle = open(&forged).unwrap();
        let mut replay = bundle.image(SCOPE, digest, Claims::Refuse).unwrap();
        let session = verifier("strict").verify_image(whole(NOW)).unwrap();
        let after = drive(session, &mut replay).unwrap();
        assert_eq!(after.verdict(), Verdict::Rejected);
        left_out += 1;
    }
    assert_eq!(left_out, 4);
    // The layout has the index, its images, and a signature of each.
    let layout = Layout::from_tar(Cursor::new(archive), &Limits::default()).unwrap();
    let listed: Vec<&Descriptor> = layout.index().descriptors().collect();
    let signatures = listed.iter().filter(|one| {
        one.artifact_type.as_deref() == Some("application/vnd.cncf.notary.signature")
    });
    assert_eq!((signatures.count(), listed.len()), (4, 9));
}

#[test]
fn other_tools_see_an_ordinary_layout() {
    let image = Image::new("one");
    let net = Net::new(&[(OCSP_A, good())]);
    let (report, archive) = record("strict", &image, "v1", &net);
    let layout = Layout::from_tar(Cursor::new(archive.clone()), &Limits::default()).unwrap();
    let target = layout.resolve("v1").unwrap();
    assert!(target.same_content(&image.target));
    let found = layout.referrers(&target);
    assert_eq!(found.signatures.len(), 1);
    assert!(found.problems.is_empty());
    // With a network it verifies like any other.
    let mut host = With(LayoutHost::new(&layout), net);
    let session = verifier("strict").verify_image(request("v1", NOW)).unwrap();
    let again = drive(session, &mut host).unwrap();
    assert_eq!(report.to_json(), again.to_json());
    // The evidence itself, with what a person wants to know of it.
    let is_blob = |name: &str| name != "oci-layout" && name != "index.json";
    let parts = Parts::of(&archive);
    for (name, content) in parts.files.iter().filter(|(name, _)| is_blob(name)) {
        assert_eq!(*name, format!("blobs/sha256/{}", sha256(content).to_hex()));
    }
    parts.forge(|_, manifest| {
        assert_eq!(manifest["subject"]["digest"], *image.target.digest);
        let ocsp = layer(manifest, "ocsp");
        assert_eq!(ocsp["mediaType"], "application/ocsp-response");
        assert_eq!(ocsp["annotations"]["notation-verifier.url"], OCSP_A);
        assert!(ocsp["annotations"]["notation-verifier.time"].is_string());
    });
}

#[test]
fn expired_evidence_is_good_only_as_of_a_claim() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    for net in [
        Net::new(&[(OCSP_A, good())]),
        Net::new(&[(CRL_A, list(1).sign()), (CRL_B, list(1).sign())]),
    ] {
        let (report, archive) = record("strict", &image, digest, &net);
        assert_eq!(report.verdict(), Verdict::Trusted);
        let bundle = open(&archive).unwrap();
        let refusing = bundle.image(SCOPE, digest, Claims::Refuse).unwrap();
        // As of then, because the caller says so; as of later, not any more.
        let then = again("strict", refusing.clone(), digest, NOW);
        assert_eq!(then.verdict(), Verdict::Trusted);
        let later = again("strict", refusing.clone(), digest, LATER);
        assert_eq!(later.verdict(), Verdict::Rejected);
        assert!(later.to_json().to_string().contains("expired"), "{later:?}");
        refusing.claimed_moment(time(LATER)).unwrap_err();
        let accepting = bundle.image(SCOPE, digest, Claims::Accept).unwrap();
        let moment = accepting.claimed_moment(time(LATER)).unwrap();
        assert_eq!(moment, time(NOW));
        let claimed = again("strict", accepting.clone(), digest, moment.unix_seconds());
        assert_eq!(claimed.verdict(), Verdict::Trusted);
        // Nobody records in the future.
        let error = accepting.claimed_moment(time(NOW - 86_400)).unwrap_err();
        assert!(error.to_string().contains("claims"), "{error}");
    }
}

#[test]
fn a_tag_is_a_claim() {
    let image = Image::new("one");
    let net = Net::new(&[(OCSP_A, good())]);
    let (_, archive) = record("strict", &image, "v1", &net);
    let bundle = open(&archive).unwrap();
    let error = bundle.image(SCOPE, "v1", Claims::Refuse).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains(&image.target.digest), "{error}");
    // The digest that it led to needs no claim.
    let digest = &image.target.digest;
    let by_digest = bundle.image(SCOPE, digest, Claims::Refuse).unwrap();
    let report = again("strict", by_digest, digest, NOW);
    assert_eq!(report.verdict(), Verdict::Trusted, "{report:?}");
    // What is not there is said, and so is what is there.
    for (scope, reference) in [(SCOPE, "v2"), ("registry.example/other", "v1")] {
        let error = bundle.image(scope, reference, Claims::Accept).unwrap_err();
        assert!(error.to_string().contains("it has `v1` in"), "{error}");
    }
    // A tag that is said to be another, genuine, signed image.
    let other = Image::new("other");
    let lie = Parts::of(&archive).forge(|parts, manifest| {
        let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": other.target.media_type,
            "digest": other.target.digest, "size": other.target.size}]});
        replace(
            parts,
            layer(manifest, "resolve"),
            index.to_string().as_bytes(),
        );
    });
    let bundle = open(&lie).unwrap();
    bundle.image(SCOPE, "v1", Claims::Refuse).unwrap_err();
    bundle.image(SCOPE, digest, Claims::Refuse).unwrap_err();
    let report = replay(&lie, "v1", NOW);
    assert_eq!(report.verdict(), Verdict::Rejected);
}

#[test]
fn evidence_that_is_left_out_is_unknown_and_not_good() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    let nets = [
        Net::new(&[(OCSP_A, good())]),
        Net::new(&[(CRL_B, list(1).sign())]),
    ];
    let mut left_out = 0;
    for net in &nets {
        let (report, archive) = record("strict", &image, digest, net);
        assert_eq!(report.verdict(), Verdict::Trusted);
        let count = {
            let mut count = 0;
            Parts::of(&archive).forge(|_, manifest| {
                count = manifest["layers"].as_array().unwrap().len();
            });
            count
        };
        for position in 0..count {
            let mut name = String::new();
            let forged = Parts::of(&archive).forge(|_, manifest| {
                let layers = manifest["layers"].as_array_mut().unwrap();
                let taken = layers.remove(position);
                name = taken["annotations"].to_string();
            });
            let report = replay(&forged, digest, NOW);
            // An address that had failed may be missing too.
            let spare = name.contains("\"failed\"");
            if !spare {
                assert_eq!(report.verdict(), Verdict::Rejected, "{name}");
            }
            let text = report.to_json().to_string();
            assert!(
                text.contains("bundle does not have it") || spare,
                "{name}: {text}"
            );
            assert_ne!(report.status(), ArtifactStatus::Unsigned, "{name}");
            left_out += 1;
        }
    }
    // resolve, referrers, manifest, envelope, and the evidence of each.
    assert!(left_out >= 11, "{left_out}");
}

#[test]
fn a_revocation_cannot_be_hidden() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    let (report, archive) = record("strict", &image, digest, &Net::new(&[(OCSP_A, bad())]));
    assert_eq!(report.verdict(), Verdict::Rejected);
    let with = |body: &[u8]| {
        Parts::of(&archive).forge(|parts, manifest| replace(parts, layer(manifest, "ocsp"), body))
    };
    // Signed by the authority, and not expired when the bundle says that it was
    // recorded: it is what a replaying network could have shown then, no more.
    let old = with(&good());
    assert_eq!(replay(&old, digest, LATER).verdict(), Verdict::Rejected);
    assert_eq!(replay(&old, digest, NOW).verdict(), Verdict::Trusted);
    // Signed by nobody, about somebody else, no evidence at all.
    let mut broken = good();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let other = authority::response(&authority::response_data(&[], &[]), authority::CA_KEY, &[]);
    let stranger = authority::response(
        &authority::response_data(&[], &[]),
        authority::RESPONDER_KEY,
        &[],
    );
    for body in [&broken, &other, &stranger, &Vec::new(), &list(1).sign()] {
        assert_eq!(
            replay(&with(body), digest, NOW).verdict(),
            Verdict::Rejected
        );
    }
    // Dated in the future of the moment that is claimed.
    let future = with(&ocsp(GOOD, "20250201000000Z", "20690101000000Z"));
    assert_eq!(replay(&future, digest, NOW).verdict(), Verdict::Rejected);
    // "It is not there", "it failed": what a network can say too.
    for answer in ["not-found", "failed"] {
        let silent = Parts::of(&archive).forge(|_, manifest| {
            layer(manifest, "ocsp")["annotations"]["notation-verifier.reply"] = answer.into();
        });
        assert_eq!(replay(&silent, digest, NOW).verdict(), Verdict::Rejected);
    }
}

#[test]
fn lists_of_signatures_are_data() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    let net = Net::new(&[(OCSP_A, good())]);
    let (_, archive) = record("strict", &image, digest, &net);
    let none = Parts::of(&archive).forge(|parts, manifest| {
        let empty = json!({"schemaVersion": 2, "manifests": []}).to_string();
        replace(parts, layer(manifest, "referrers"), empty.as_bytes());
    });
    assert_eq!(
        replay(&none, digest, NOW).status(),
        ArtifactStatus::Unsigned
    );
    // A genuine signature of another image, hung on this one.
    let other = Image::new("other");
    let forged = Parts::of(&archive).forge(|parts, manifest| {
        let mut index = Value::Null;
        let envelope = parts.blob(&other.envelope);
        let forged = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.cncf.notary.signature",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json",
                "digest": layouts::digest(b"{}"), "size": 2},
            "layers": [{"mediaType": "application/jose+json", "digest": envelope,
                "size": other.envelope.len()}],
            "subject": {"mediaType": image.target.media_type, "digest": image.target.digest,
                "size": image.target.size},
        })
        .to_string();
        let digest = parts.blob(forged.as_bytes());
        index["manifests"] = json!([{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.cncf.notary.signature",
            "digest": digest, "size": forged.len()}]);
        replace(
            parts,
            layer(manifest, "referrers"),
            index.to_string().as_bytes(),
        );
        for (request, content) in [
            ("manifest", forged.as_bytes()),
            ("envelope", &other.envelope),
        ] {
            let digest = layouts::digest(content);
            let layer = layer(manifest, request);
            layer["annotations"]["notation-verifier.digest"] = digest.into();
            replace(parts, layer, content);
        }
    });
    let report = replay(&forged, digest, NOW);
    assert_eq!(report.status(), ArtifactStatus::Rejected, "{report:?}");
    assert!(report.to_json().to_string().contains("of another artifact"));
}

#[test]
fn every_changed_blob_is_noticed() {
    let image = Image::new("one");
    let net = Net::new(&[(CRL_A, list(1).sign()), (CRL_B, list(1).sign())]);
    let (_, archive) = record("strict", &image, "v1", &net);
    let parts = Parts::of(&archive);
    let mut changed = 0;
    for name in parts.files.keys().filter(|name| name.starts_with("blobs/")) {
        let mut one = parts.clone();
        let content = one.files.get_mut(name).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        refused(&one.bytes(), "has another digest");
        let mut one = parts.clone();
        one.files.get_mut(name).unwrap().push(0);
        refused(&one.bytes(), "octets");
        let mut one = parts.clone();
        one.files.remove(name);
        refused(&one.bytes(), "not in the archive");
        changed += 1;
    }
    // Image, signature manifest, envelope, index of the tag, referrers, list,
    // recording, the empty object.
    assert_eq!(changed, 8);
}

#[test]
fn cut_and_hostile_archives_are_refused() {
    let image = Image::new("one");
    let net = Net::new(&[(OCSP_A, good())]);
    let (_, archive) = record("strict", &image, "v1", &net);
    let content = archive.len() - 1024;
    let mut cuts = 0;
    for length in (0..content).step_by(256) {
        open(&archive[..length]).map(|_| ()).unwrap_err();
        cuts += 1;
    }
    assert!(cuts > 20, "{cuts}");
    let parts = Parts::of(&archive);
    for (kind, name, because) in [
        (b'2', "blobs/sha256/link", "is a link"),
        (b'1', "hard", "is a link"),
        (b'0', "../outside", "leads out"),
        (b'0', "/absolute", "is absolute"),
        (b'3', "device", "device"),
        (b'0', "index.json", "twice"),
    ] {
        refused(&parts.archive().entry(kind, name, b"").bytes(), because);
    }
    refused(
        &parts.archive().claim(b'0', "long", 1 << 60).bytes(),
        "ends within",
    );
    // A layout of something else, and something else.
    let foreign = layouts::World::signed().archive().bytes();
    refused(&foreign, "no evidence was recorded");
    refused(b"not an archive", "no tar archive");
    let folder = tempfile::tempdir().unwrap();
    Bundle::open(folder.path(), &Limits::default()).unwrap_err();
}

#[test]
fn recordings_are_read_strictly() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    let (_, archive) = record("strict", &image, digest, &Net::default());
    let set = |request: &str, name: &str, value: Value| {
        Parts::of(&archive).forge(|_, manifest| {
            let annotations = &mut layer(manifest, request)["annotations"];
            match value {
                Value::Null => {
                    annotations.as_object_mut().unwrap().remove(name);
                }
                value => annotations[name] = value,
            }
        })
    };
    for (name, value, because) in [
        ("notation-verifier.request", json!("other"), "is unknown"),
        ("notation-verifier.request", Value::Null, "is missing"),
        ("notation-verifier.reply", json!("other"), "is unknown"),
        ("notation-verifier.time", json!("soon"), "no time"),
        ("notation-verifier.time", Value::Null, "no time"),
        ("notation-verifier.url", Value::Null, "is missing"),
        ("notation-verifier.ocsp-request", json!("*"), "not base64"),
    ] {
        refused(&set("ocsp", name, value), because);
    }
    refused(
        &set("referrers", "notation-verifier.problems", json!("{}")),
        "no list of texts",
    );
    let manifest =
        |change: fn(&mut Value)| Parts::of(&archive).forge(|_, manifest| change(manifest));
    refused(
        &manifest(|manifest| {
            let layers = manifest["layers"].as_array_mut().unwrap();
            layers.push(layers[0].clone());
        }),
        "two answers",
    );
    refused(
        &manifest(|manifest| manifest["annotations"]["notation-verifier.as-of"] = "x".into()),
        "no time",
    );
    refused(
        &manifest(|manifest| manifest["artifactType"] = "a/b".into()),
        "another one than in the index",
    );
    // What a person is shown is one line, bounded and marked.
    let cause = format!("\u{1b}[2J\nTRUSTED{}", "x".repeat(10_000));
    let shown = replay(
        &set("ocsp", "notation-verifier.cause", cause.into()),
        digest,
        NOW,
    );
    let text = shown.to_json().to_string();
    assert!(
        text.contains("as recorded: \\\\u{1b}[2J\\\\nTRUSTED"),
        "{text}"
    );
    assert!(!text.contains(&"x".repeat(600)));
}

#[test]
fn there_is_a_bound_on_everything() {
    let image = Image::new("one");
    let digest = &image.target.digest;
    let net = Net::new(&[(OCSP_A, good())]);
    let recording = Recording::new(Provider::preferred(), &Limits::default());
    record_into(&recording, "strict", &image, digest, &net);
    record_into(&recording, "strict", &image, "v1", &net);
    let archive = written(&recording);
    for name in ["bundle_recordings", "bundle_exchanges", "bundle_bytes"] {
        let mut limits = Limits::default();
        match name {
            "bundle_recordings" => limits.bundle_recordings = 1,
            "bundle_exchanges" => limits.bundle_exchanges = 5,
            _ => limits.bundle_bytes = 1000,
        }
        let error = Bundle::from_tar(Cursor::new(archive.clone()), &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        // What could not be read again is not written.
        let recording = Recording::new(Provider::preferred(), &limits);
        record_into(&recording, "strict", &image, digest, &net);
        record_into(&recording, "strict", &image, "v1", &net);
        let error = recording.write_to(Vec::new(), time(NOW)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.tar");
    let image = Image::new("one");
    let recording = Recording::new(Provider::preferred(), &Limits::default());
    record_into(&recording, "strict", &image, "v1", &Net::default());
    recording.write(&path, time(NOW)).unwrap();
    // Readers never see half of it.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..30 {
                recording.write(&path, time(NOW)).unwrap();
            }
        });
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            Bundle::open(&path, &Limits::default()).unwrap();
            reads += 1;
        }
    });
    // What fails leaves what was there, and nothing beside it.
    let before = fs::read(&path).unwrap();
    let mut limits = Limits::default();
    limits.bundle_exchanges = 1;
    let full = Recording::new(Provider::preferred(), &limits);
    record_into(&full, "strict", &image, "v1", &Net::default());
    full.write(&path, time(NOW)).unwrap_err();
    drop(BundleFile::create(&path).unwrap());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = BundleFile::create(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let nowhere = folder.path().join("missing/evidence.tar");
    assert_eq!(
        BundleFile::create(nowhere).unwrap_err().kind(),
        ErrorKind::Io
    );
}

#[test]
fn blobs_and_envelopes_at_hand_take_their_evidence_from_a_bundle() {
    let provider = Provider::preferred();
    let verifier = verifier("strict");
    let content = b"a blob";
    let target = Descriptor {
        media_type: "text/plain".to_owned(),
        digest: format!("sha256:{}", sha256(content).to_hex()),
        size: 6,
        ..Descriptor::default()
    };
    let envelope = world::envelope(&target);
    let net = Net::new(&[(CRL_A, list(1).sign()), (CRL_B, list(1).sign())]);
    let blob = |now: i64| BlobRequest {
        name: "blob".to_owned(),
        policy_name: None,
        envelope_media_type: "application/jose+json".to_owned(),
        envelope: envelope.clone(),
        media_type: None,
        user_metadata: Default::default(),
        now: time(now),
    };
    let recording = Recording::new(provider, &Limits::default());
    let host = With(BlobHost::new(&content[..], &provider, 0), net.clone());
    let mut host = recording.at_hand("blob", time(NOW), host);
    let before = drive(verifier.verify_blob(blob(NOW)).unwrap(), &mut host).unwrap();
    assert_eq!(before.verdict(), Verdict::Trusted);
    let no_metadata = Default::default();
    let at_hand = |now: i64| EnvelopeRequest {
        scope: Scope::Repository(SCOPE),
        media_type: "application/jose+json",
        envelope: &envelope,
        target: &target,
        user_metadata: &no_metadata,
        now: time(now),
    };
    let mut source = recording.at_hand("envelope", time(NOW), net);
    let report = verifier
        .verify_envelope(&at_hand(NOW), &mut source)
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Trusted);

    let bundle = open(&written(&recording)).unwrap();
    let replay = bundle.evidence(Claims::Refuse);
    assert_eq!(replay.recorded_as_of(), Some(time(NOW)));
    for (now, verdict) in [(NOW, Verdict::Trusted), (LATER, Verdict::Rejected)] {
        let host = BlobHost::new(&content[..], &provider, 0);
        let mut host = replay.clone().around(host);
        let after = drive(verifier.verify_blob(blob(now)).unwrap(), &mut host).unwrap();
        assert_eq!(after.verdict(), verdict);
        let mut source = replay.clone();
        let report = verifier
            .verify_envelope(&at_hand(now), &mut source)
            .unwrap();
        assert_eq!(report.verdict(), verdict);
    }
    // Evidence alone is no place to find an artifact in.
    let session = verifier.verify_image(request("v1", NOW)).unwrap();
    let report = drive(session, &mut replay.clone()).unwrap();
    assert_eq!(report.status(), ArtifactStatus::LookupFailed);
}

#[test]
fn many_artifacts_share_a_bundle_and_what_is_parsed() {
    let recording = Recording::new(Provider::preferred(), &Limits::default());
    let net = Net::new(&[(CRL_A, list(1).sign()), (CRL_B, list(1).sign())]);
    let images: Vec<Image> = (0..10)
        .map(|number| Image::new(&number.to_string()))
        .collect();
    std::thread::scope(|scope| {
        for image in &images {
            let (recording, net) = (&recording, &net);
            scope.spawn(move || {
                record_into(recording, "strict", image, &image.target.digest, net);
            });
        }
    });
    let bundle = open(&written(&recording)).unwrap();
    let mut lists = Vec::new();
    for image in &images {
        let digest = &image.target.digest;
        let replay = bundle.image(SCOPE, digest, Claims::Refuse).unwrap();
        let report = again("strict", replay.clone(), digest, NOW);
        assert_eq!(report.verdict(), Verdict::Trusted);
        let request = notation_verifier::evidence::EvidenceRequest::Crl {
            url: CRL_B.to_owned(),
            kind: notation_verifier::evidence::ListKind::Complete,
            issuer: Vec::new(),
        };
        let EvidenceReply::Content(content) = replay.clone().fetch(&request) else {
            panic!("no list");
        };
        lists.push(content);
    }
    let first: *const u8 = lists[0].bytes().as_ptr();
    assert!(lists.iter().all(|list| list.bytes().as_ptr() == first));
}
