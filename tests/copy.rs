//! Images with their signatures, from registries and layouts to registries and
//! layouts: then the reference command verifies them.
//!
//! Needs what `tests/registries.rs` needs.
#![allow(
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

#[path = "registries/mod.rs"]
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use notation_verifier::io::copy::{CopyOptions, CopyReport, ItemKind, Place, Target, copy};
use notation_verifier::io::registry::{RegistryClient, RegistryOptions};
use notation_verifier::oci::Reference;
use serde_json::{Value, json};
use world::programs::Programs;
use world::proxy::{Act, Answer, Asked, Proxy};
use world::push::Pusher;
use world::{Access, Kind, Registry, Security};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notation-verify"));
    command
        .args(arguments)
        .env_remove("NOTATION_USERNAME")
        .env_remove("NOTATION_PASSWORD")
        .env("DOCKER_CONFIG", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Exit code, document, and all that was said.
fn run(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let all = [
        &["copy", "--output", "json", "--settle", "0.3"][..],
        arguments,
    ]
    .concat();
    let Output {
        status,
        stdout,
        stderr,
    } = command(&all).output().unwrap();
    let document = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    let says = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), document, says)
}

/// An index of two images, all three signed, with a bill of materials that is signed
/// too.
struct Signed {
    images: [String; 2],
    index: String,
    sbom: String,
}

impl Signed {
    /// Manifests: three, a signature each, a bill of materials with its signature.
    const MANIFESTS: usize = 8;

    fn push(programs: &Programs, registry: &Registry, repository: &str) -> Self {
        let mut pusher = Pusher::start(programs, registry);
        let images = ["amd", "arm"].map(|text| {
            pusher.one(&json!({
                "op": "image", "repository": repository, "tag": text,
                "text": format!("{repository} {text}"),
            }))
        });
        let index = pusher.one(&json!({
            "op": "index", "repository": repository, "tag": "v1", "manifests": images,
        }));
        let sbom = pusher.one(&json!({
            "op": "sbom", "repository": repository, "subject": index,
        }));
        let is_open = !registry.security.tls && registry.security.access == Access::Anyone;
        if is_open && !registry.kind.has_referrers_api() {
            // A client that knows of subjects keeps the list.
            assert!(!pusher_lists(registry, repository, &index).is_empty());
        }
        let signed = Self {
            images,
            index,
            sbom,
        };
        let reference = world::reference::Reference::new(programs, registry);
        for (digest, format) in signed.subjects().iter().zip(["cose", "jws", "cose", "jws"]) {
            reference.sign(&registry.reference(repository, digest), "ec", format, &[]);
        }
        signed
    }

    fn subjects(&self) -> [&str; 4] {
        let [one, two] = &self.images;
        [one, two, &self.index, &self.sbom]
    }

    /// The reference command finds the same signatures in both places, and trusts
    /// those in the second one.
    fn verify(&self, programs: &Programs, from: (&Registry, &str), to: (&Registry, &str)) -> usize {
        let there = world::reference::Reference::new(programs, from.0);
        let here = world::reference::Reference::new(programs, to.0);
        for digest in self.subjects() {
            let name = to.0.reference(to.1, digest);
            let listed = here.list(&name).unwrap();
            assert_eq!(listed.len(), 1, "{name}");
            assert_eq!(
                listed,
                there.list(&from.0.reference(from.1, digest)).unwrap()
            );
            let (accepts, says) = here.verify(&name, &[]);
            assert!(accepts, "{name}: {says}");
        }
        self.subjects().len()
    }
}

/// What a registry without the API lists for an image.
fn pusher_lists(registry: &Registry, repository: &str, digest: &str) -> Vec<u8> {
    let tag = digest.replace(':', "-");
    let path = format!("/v2/{repository}/manifests/{tag}");
    world::push::get(&registry.address, &path)
}

fn digests(document: &Value, good: bool) -> BTreeSet<String> {
    let bad = ["missing", "failed", "not-done"];
    document["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| bad.contains(&item["status"].as_str().unwrap()) != good)
        .map(|item| item["digest"].as_str().unwrap().to_owned())
        .collect()
}

/// From each registry to the next: at once, and by way of a layout.
#[test]
fn a_signed_index_goes_everywhere() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registries = Kind::ALL.map(|kind| Registry::start(&programs, kind, Security::OPEN));
    let mut verified = 0;
    for (number, from) in registries.iter().enumerate() {
        let to = &registries[(number + 1) % registries.len()];
        let repository = format!("from/{}", from.kind.name());
        let signed = Signed::push(&programs, from, &repository);
        let source = from.reference(&repository, "v1");
        let case = format!("{:?} to {:?}", from.kind, to.kind);

        // At once. First nothing is there.
        let target = format!("{}/direct/app", to.address);
        let (code, document, says) = run(&[&source, &target, "--verify-only"]);
        assert_eq!(code, Some(1), "{case}: {says}");
        assert_eq!(digests(&document, true).len(), 0, "{case}: {says}");
        let (code, document, says) = run(&[&source, &target, "--dry-run"]);
        assert_eq!(code, Some(0), "{case}: {says}");
        let would = document["counts"]["wouldCopy"].as_u64().unwrap();
        let (code, document, says) = run(&[&source, &target]);
        assert_eq!(code, Some(0), "{case}: {says}");
        assert_eq!(document["counts"]["copied"], would, "{case}: {says}");
        assert_eq!(document["tag"], "v1", "{case}");
        let manifests = document["items"].as_array().unwrap().iter();
        let manifests = manifests.filter(|item| item["kind"] == "manifest").count();
        assert_eq!(manifests, Signed::MANIFESTS, "{case}: {says}");
        verified += signed.verify(&programs, (from, &repository), (to, "direct/app"));
        let (code, document, says) = run(&[&source, &target]);
        assert_eq!(
            (code, &document["counts"]["present"]),
            (Some(0), &json!(would)),
            "{case}: {says}"
        );
        let (code, _, says) = run(&[&source, &target, "--verify-only"]);
        assert_eq!(code, Some(0), "{case}: {says}");

        // By way of a layout.
        let folder = tempfile::tempdir().unwrap();
        let layout = folder.path().join("layout").display().to_string();
        let (code, document, says) = run(&[&source, "--to-oci-layout", &layout]);
        assert_eq!(code, Some(0), "{case}: {says}");
        assert_eq!(document["counts"]["copied"], would, "{case}: {says}");
        let (code, document, says) = run(&[&source, "--to-oci-layout", &layout]);
        assert_eq!(
            (code, &document["counts"]["present"]),
            (Some(0), &json!(would)),
            "{case}: {says}"
        );
        let (code, _, says) = run(&[&source, "--to-oci-layout", &layout, "--verify-only"]);
        assert_eq!(code, Some(0), "{case}: {says}");
        let target = format!("{}/by/layout:v2", to.address);
        let (code, _, says) = run(&["--from-oci-layout", &layout, "v1", &target]);
        assert_eq!(code, Some(0), "{case}: {says}");
        verified += signed.verify(&programs, (from, &repository), (to, "by/layout"));
        let (code, _, says) = run(&["--from-oci-layout", &layout, "v1", &target, "--verify-only"]);
        assert_eq!(code, Some(0), "{case}: {says}");
        let here = world::reference::Reference::new(&programs, to);
        assert!(here.verify(&to.reference("by/layout", "v2"), &[]).0);
        // And to another layout, which others have in it already.
        let other = folder.path().join("other").display().to_string();
        for tag in ["one", "two"] {
            let (code, _, says) = run(&[
                "--from-oci-layout",
                &layout,
                "v1",
                "--to-oci-layout",
                &other,
                tag,
            ]);
            assert_eq!(code, Some(0), "{case}: {says}");
        }

        // From one repository to another of the same registry nothing is sent.
        let again = format!("{}/mounted/app", from.address);
        let (code, document, says) = run(&[&source, &again]);
        assert_eq!(code, Some(0), "{case}: {says}");
        let counts = &document["counts"];
        let mounted = counts["mounted"].as_u64().unwrap() + counts["present"].as_u64().unwrap();
        assert!(mounted > 0, "{case}: {says}");

        // Without referrers.
        let bare = format!("{}/bare/app", to.address);
        let (code, document, says) = run(&[&source, &bare, "--no-referrers"]);
        assert_eq!(code, Some(0), "{case}: {says}");
        let manifests = document["items"].as_array().unwrap().iter();
        assert_eq!(
            manifests.filter(|item| item["kind"] == "manifest").count(),
            3
        );
        let (code, document, _) = run(&[&source, &bare, "--verify-only"]);
        assert_eq!(code, Some(1), "{case}");
        assert!(digests(&document, false).contains(&signed.sbom), "{case}");
    }
    // Four images in each of four registries, twice.
    assert_eq!(verified, 4 * 4 * 2);
}

/// Each file of a layout that is taken away, or changed, is named.
#[test]
fn everything_that_is_missing_is_named() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    Signed::push(&programs, &registry, "whole/app");
    let source = registry.reference("whole/app", "v1");
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    let path = layout.display().to_string();
    let (code, _, says) = run(&[&source, "--to-oci-layout", &path]);
    assert_eq!(code, Some(0), "{says}");
    let mut named = 0;
    for entry in std::fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let digest = format!("sha256:{name}");
        let content = std::fs::read(&file).unwrap();
        let mut changed = content.clone();
        changed[0] ^= 1;
        for damage in [None, Some(&changed)] {
            match damage {
                None => std::fs::remove_file(&file).unwrap(),
                Some(changed) => std::fs::write(&file, changed).unwrap(),
            }
            let check = [&source, "--to-oci-layout", &path, "--verify-only"];
            let (code, document, says) = run(&check);
            // A damaged index cannot be opened at all: that names it too.
            assert!(matches!(code, Some(1 | 3)), "{says}");
            if code == Some(1) {
                assert!(digests(&document, false).contains(&digest), "{says}");
            } else {
                assert!(says.contains(&digest), "{says}");
            }
            named += 1;
        }
        // A copy repairs it.
        let (code, _, says) = run(&[&source, "--to-oci-layout", &path]);
        assert_eq!(code, Some(0), "{says}");
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
    assert!(named >= 2 * (Signed::MANIFESTS + 6), "{named}");
    // The other way round: what is not whole is not begun.
    let index: Value =
        serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    let root = index["manifests"][0]["digest"].as_str().unwrap();
    let text = std::fs::read(layout.join("blobs/sha256").join(&root[7..])).unwrap();
    let root: Value = serde_json::from_slice(&text).unwrap();
    let child = root["manifests"][0]["digest"].as_str().unwrap();
    std::fs::remove_file(layout.join("blobs/sha256").join(&child[7..])).unwrap();
    let target = format!("{}/not/begun", registry.address);
    let (code, document, says) = run(&["--from-oci-layout", &path, "v1", &target]);
    assert_eq!(code, Some(1), "{says}");
    assert_eq!(document["problems"][0]["digest"], child, "{says}");
    assert_eq!(document["items"], json!([]));
}

/// What a request is for, in the words of the table below.
fn step(asked: &Asked) -> &'static str {
    let path = asked.target.split('?').next().unwrap();
    match &*asked.method {
        "POST" => "post",
        "PUT" if path.contains("/manifests/sha256-") => "put list",
        "PUT" if path.contains("/manifests/") => "put manifest",
        "PUT" => "put blob",
        "HEAD" => "head",
        _ if path.contains("/referrers/") || path.contains("/manifests/sha256-") => "list",
        _ if path.contains("/blobs/") => "blob",
        _ => "manifest",
    }
}

fn quick(options: &mut RegistryOptions) {
    options.pace.attempt_timeout = Duration::from_secs(3);
    options.pace.first_pause = Duration::from_millis(20);
}

fn options() -> CopyOptions {
    let mut options = CopyOptions::default();
    options.settle = Duration::from_millis(300);
    options
}

fn client(registry: &Registry) -> RegistryClient {
    let mut options = world::ours::options_for(registry);
    quick(&mut options);
    RegistryClient::new(options)
}

fn go(client: &RegistryClient, from: &str, to: &str) -> CopyReport {
    let [from, to] = [from, to].map(|text| Reference::parse(text).unwrap());
    let place = Place::Registry(client, &from);
    copy(
        &place,
        &Target::Registry(client, &to),
        &options(),
        &mut |_| {},
    )
    .unwrap()
}

/// A registry that keeps the list, and loses entries: for a while, or always.
#[test]
fn entries_that_the_registry_lost() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let from = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let signed = Signed::push(&programs, &from, "lost/app");
    let to = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    for (repository, lost) in [("lost/some", 3), ("lost/all", usize::MAX)] {
        let (written, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let proxy = Proxy::start(Some(&to.address), &[], move |asked| {
            match step(asked) {
                "put manifest" => {
                    written.fetch_add(1, Ordering::SeqCst);
                }
                "list"
                    if written.load(Ordering::SeqCst) > 0
                        && looks.fetch_add(1, Ordering::SeqCst) < lost =>
                {
                    let list = r#"{"schemaVersion": 2, "manifests": [],
                        "mediaType": "application/vnd.oci.image.index.v1+json"}"#;
                    return Act::Answer(Answer::new(200, &[], list));
                }
                _ => {}
            }
            Act::Pass
        });
        let mut options = options();
        options.settle = Duration::from_millis(1);
        let [source, target] = [
            from.reference("lost/app", "v1"),
            format!("{}/{repository}", proxy.address),
        ]
        .map(|text| Reference::parse(&text).unwrap());
        let report = copy(
            &Place::Registry(&client(&from), &source),
            &Target::Registry(&client(&to), &target),
            &options,
            &mut |_| {},
        )
        .unwrap();
        assert_eq!(report.is_complete(), lost != usize::MAX, "{report:?}");
        if report.is_complete() {
            signed.verify(&programs, (&from, "lost/app"), (&to, repository));
        } else {
            assert!(format!("{report:?}").contains("not to be relied on"));
        }
    }
}

/// Out of registries with accounts and tokens, with and without TLS, back into them,
/// and from one of their repositories to another.
#[test]
fn guarded_registries() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let open = Registry::start(&programs, Kind::Ggcr, Security::OPEN);
    let outside = client(&open);
    let mut copied = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        for security in Security::ALL {
            if security.access == Access::Anyone {
                continue;
            }
            let case = format!("{kind:?} {security:?}");
            let guarded = Registry::start(&programs, kind, security);
            let signed = Signed::push(&programs, &guarded, "guarded/app");
            let mut options = world::ours::options_for(&guarded);
            options.credentials = world::ours::account();
            let inside = RegistryClient::new(options);
            let name = |repository: &str| guarded.reference(repository, "v1");
            let elsewhere = open.reference(&format!("copied/{copied}"), "v1");
            for (from, to) in [
                (
                    (&inside, name("guarded/app")),
                    (&outside, elsewhere.clone()),
                ),
                ((&outside, elsewhere), (&inside, name("guarded/back"))),
                (
                    (&inside, name("guarded/app")),
                    (&inside, name("guarded/beside")),
                ),
            ] {
                let [source, target] = [&from.1, &to.1].map(|text| Reference::parse(text).unwrap());
                let report = copy(
                    &Place::Registry(from.0, &source),
                    &Target::Registry(to.0, &target),
                    &self::options(),
                    &mut |_| {},
                )
                .unwrap();
                assert!(report.is_complete(), "{case}: {report:?}");
                copied += 1;
            }
            for repository in ["guarded/back", "guarded/beside"] {
                signed.verify(&programs, (&guarded, "guarded/app"), (&guarded, repository));
            }
            // Without an account nothing is written.
            let stranger = client(&guarded);
            let source = Reference::parse(&open.reference("copied/0", "v1")).unwrap();
            let target = Reference::parse(&name("guarded/stranger")).unwrap();
            let ended = copy(
                &Place::Registry(&outside, &source),
                &Target::Registry(&stranger, &target),
                &self::options(),
                &mut |_| {},
            );
            assert!(
                ended.is_err() || ended.is_ok_and(|report| !report.is_complete()),
                "{case}"
            );
        }
    }
    assert_eq!(copied, 2 * 4 * 3);
}

/// Something goes wrong once or twice at each step, on either side, and everything
/// arrives all the same.
#[test]
fn faults_on_the_way() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    type Fault = fn() -> Act;
    let faults: [(&str, Fault); 5] = [
        ("429", || {
            Act::Answer(Answer::new(429, &[("Retry-After", "0")], ""))
        }),
        ("503", || Act::Answer(Answer::new(503, &[], ""))),
        ("reset", || Act::Reset),
        ("done, and the reply is lost", || Act::Lose),
        ("cut off", || Act::Truncate(5)),
    ];
    let from = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let signed = Signed::push(&programs, &from, "faults/app");
    let to = Registry::start(&programs, Kind::Distribution, Security::OPEN);
    let mut ran = 0;
    for side in ["source", "destination"] {
        let steps: &[&str] = match side {
            "source" => &["manifest", "list", "blob"],
            _ => &[
                "head",
                "post",
                "put blob",
                "put manifest",
                "put list",
                "list",
            ],
        };
        for wanted in steps {
            for (name, fault) in faults {
                if name == "cut off" && (side == "destination" || *wanted == "list") {
                    continue;
                }
                let hurt = AtomicUsize::new(0);
                let wanted = *wanted;
                let upstream = if side == "source" { &from } else { &to };
                let proxy = Proxy::start(Some(&upstream.address), &[], move |asked| {
                    if step(asked) == wanted && hurt.fetch_add(1, Ordering::SeqCst) < 2 {
                        return fault();
                    }
                    Act::Pass
                });
                let repository = format!("faults/{ran}");
                let case = format!("{name} at {wanted} of the {side}");
                let (source, target) = match side {
                    "source" => (&proxy.address, &to.address),
                    _ => (&from.address, &proxy.address),
                };
                let report = go(
                    &client(&to),
                    &format!("{source}/faults/app:v1"),
                    &format!("{target}/{repository}"),
                );
                assert!(report.is_complete(), "{case}: {report:?}");
                let count = proxy
                    .asked()
                    .iter()
                    .filter(|one| step(one) == wanted)
                    .count();
                assert!(count > 0, "{case}");
                if ran % 8 == 0 {
                    signed.verify(&programs, (&from, "faults/app"), (&to, &repository));
                }
                ran += 1;
            }
        }
    }
    assert_eq!(ran, 3 * 5 - 1 + 6 * 4);
}

/// A blob that is not what its digest says never arrives, and nothing that names it.
#[test]
fn a_corrupt_blob_stops_before_its_end() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let signed = Signed::push(&programs, &registry, "corrupt/app");
    let mut ran = 0;
    for fault in ["flipped", "longer", "unasked encoding"] {
        let proxy = Proxy::start(Some(&registry.address), &[], move |asked| {
            if step(asked) != "blob" {
                return Act::Pass;
            }
            Act::Edit(Box::new(move |answer: &mut Answer| match fault {
                "flipped" => answer.body[0] ^= 1,
                "longer" => answer.body.push(b' '),
                _ => answer.set("Content-Encoding", "gzip"),
            }))
        });
        let folder = tempfile::tempdir().unwrap();
        let source = format!("{}/corrupt/app:v1", proxy.address);
        let to = format!("{}/corrupt/{ran}", registry.address);
        let report = go(&client(&registry), &source, &to);
        let path = folder.path().join("layout");
        let (code, _, says) = run(&[&source, "--to-oci-layout", &path.display().to_string()]);
        if fault == "unasked encoding" {
            // The digest is of what came.
            assert!(report.is_complete(), "{report:?}");
            assert_eq!(code, Some(0), "{says}");
        } else {
            assert!(!report.is_complete());
            for item in &report.items {
                let reason = item.result.reason().unwrap_or_default();
                match item.kind {
                    ItemKind::Blob => assert!(reason.contains("damaged"), "{reason}"),
                    ItemKind::Manifest => assert!(reason.contains("not written"), "{reason}"),
                    _ => assert!(reason.contains("no name before"), "{reason}"),
                }
            }
            let listed = world::reference::Reference::new(&programs, &registry);
            assert!(listed.list(&format!("{to}:v1")).is_err());
            assert_eq!(code, Some(1), "{says}");
            let blobs = path.join("blobs/sha256");
            let left = std::fs::read_dir(&blobs).map_or(0, Iterator::count);
            assert_eq!(left, 0, "{says}");
        }
        ran += 1;
    }
    assert_eq!((ran, signed.subjects().len()), (3, 4));
}

/// CVE-2026-50151 (upload Location): another server gets the content and nothing
/// else.
#[test]
fn an_upload_elsewhere_gets_no_credentials() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let from = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    Signed::push(&programs, &from, "elsewhere/app");
    let to = Registry::start(&programs, Kind::Distribution, Security::OPEN);
    let stored: &'static Mutex<Vec<Asked>> = Box::leak(Box::default());
    let storage = Proxy::start(None, &[], move |asked| {
        stored.lock().unwrap().push(asked.clone());
        Act::Answer(Answer::new(201, &[], ""))
    });
    let elsewhere = format!("http://{}/upload?ticket=1", storage.address);
    let proxy = Proxy::start(Some(&to.address), &[], move |asked| {
        let elsewhere = elsewhere.clone();
        if asked.header("authorization").is_none() {
            let challenge = [("WWW-Authenticate", "Basic realm=\"x\"")];
            return Act::Answer(Answer::new(401, &challenge, ""));
        }
        match step(asked) {
            "post" => Act::Edit(Box::new(move |answer: &mut Answer| {
                if answer.status == 202 {
                    answer.set("Location", elsewhere);
                }
            })),
            _ => Act::Pass,
        }
    });
    let mut options = world::ours::options();
    let only = proxy.address.clone();
    options.credentials = std::sync::Arc::new(move |registry: &str| {
        Ok((registry == only).then(|| world::ours::account().0.clone()))
    });
    quick(&mut options);
    let report = go(
        &RegistryClient::new(options),
        &from.reference("elsewhere/app", "v1"),
        &format!("{}/elsewhere/app", proxy.address),
    );
    // The registry never got its blobs, and takes no manifest that names them.
    assert!(!report.is_complete());
    let stored = stored.lock().unwrap();
    assert!(!stored.is_empty(), "{report:?}");
    for asked in stored.iter() {
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.method, "PUT");
    }
    let shown = proxy.asked();
    assert!(
        shown
            .iter()
            .any(|one| one.header("authorization").is_some())
    );
}

/// A password is for one registry.
#[test]
fn a_password_is_for_one_of_two_registries() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    Signed::push(&programs, &registry, "secret/app");
    let seen: &'static Mutex<Vec<Asked>> = Box::leak(Box::default());
    let thief = Proxy::start(Some(&registry.address), &[], move |asked| {
        seen.lock().unwrap().push(asked.clone());
        if asked.header("authorization").is_none() && step(asked) == "manifest" {
            let challenge = [("WWW-Authenticate", "Basic realm=\"x\"")];
            return Act::Answer(Answer::new(401, &challenge, ""));
        }
        Act::Pass
    });
    let source = format!("{}/secret/app:v1", thief.address);
    let target = registry.reference("secret/copy", "v1");
    let with_password = |more: &[&str]| {
        let arguments = [&["copy", &source, &target][..], more].concat();
        let output = command(&arguments)
            .env("NOTATION_USERNAME", "u")
            .env("NOTATION_PASSWORD", "p")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, says) = with_password(&[]);
    assert_eq!(code, Some(2), "{says}");
    assert!(says.contains("--credential-for"), "{says}");
    let (code, says) = with_password(&["--credential-for", &registry.address]);
    assert_eq!(code, Some(3), "{says}");
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|one| one.header("authorization").is_none()));
}

/// Killed at any moment, it goes on when it is run again; a layout is one at each.
#[test]
fn a_copy_that_is_killed_goes_on() {
    const KILLS: u32 = 12;
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let from = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let signed = Signed::push(&programs, &from, "killed/app");
    let source = from.reference("killed/app", "v1");
    let to = Registry::start(&programs, Kind::Distribution, Security::OPEN);
    let folder = tempfile::tempdir().unwrap();
    let whole = |repository: &str, layout: &Path| -> (Duration, Duration) {
        let target = format!("{}/{repository}", to.address);
        let start = Instant::now();
        assert_eq!(run(&[&source, &target]).0, Some(0));
        let first = start.elapsed();
        let start = Instant::now();
        let layout = layout.display().to_string();
        assert_eq!(run(&[&source, "--to-oci-layout", &layout]).0, Some(0));
        (first, start.elapsed())
    };
    let (registry_time, layout_time) = whole("killed/first", &folder.path().join("first"));
    for kill in 0..KILLS {
        let repository = format!("killed/{kill}");
        let target = format!("{}/{repository}", to.address);
        let layout = folder.path().join(kill.to_string()).display().to_string();
        let attempts: [(&[&str], Duration); 2] = [
            (&[&source, &target, "--settle", "0.3"], registry_time),
            (&[&source, "--to-oci-layout", &layout], layout_time),
        ];
        for (arguments, time) in attempts {
            let mut child = command(&[&["copy"][..], arguments].concat())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(time * kill / KILLS);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let path = Path::new(&layout);
        if path.join("oci-layout").exists() {
            // Never a layout that names what is not there.
            let (code, document, says) =
                run(&[&source, "--to-oci-layout", &layout, "--verify-only"]);
            assert!(matches!(code, Some(0 | 1)), "{says}");
            let index = std::fs::read(path.join("index.json")).unwrap();
            let index: Value = serde_json::from_slice(&index).unwrap();
            let empty = index["manifests"].as_array().unwrap().is_empty();
            assert_eq!(empty, document["complete"] == false, "{says}");
        }
        let (code, _, says) = run(&[&source, &target]);
        assert_eq!(code, Some(0), "{says}");
        signed.verify(&programs, (&from, "killed/app"), (&to, &repository));
        let (code, _, says) = run(&[&source, "--to-oci-layout", &layout]);
        assert_eq!(code, Some(0), "{says}");
        let (code, _, says) = run(&[&source, "--to-oci-layout", &layout, "--verify-only"]);
        assert_eq!(code, Some(0), "{says}");
    }
}
