//! The signing side as a pipeline has it: `payload`, a signing service that is a
//! process of its own, `attach`, `verify`; and `attach` that is killed.
//!
//! Needs what `tests/registries.rs` needs. `ATTACH_KILLS` says how often it is
//! killed, `ATTACH_SEED` when.
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

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use notation_verifier::io::registry::RegistryClient;
use notation_verifier::session::{Need, NeedId, Reply, Request};
use serde_json::{Value, json};
use world::programs::Programs;
use world::push::Pusher;
use world::reference::Reference;
use world::{Kind, Registry, Security};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notation-verify"));
    command
        .args(arguments)
        .env_remove("NOTATION_USERNAME")
        .env_remove("NOTATION_PASSWORD")
        .env("DOCKER_CONFIG", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(arguments).output().unwrap();
    let document = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    let says = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), document, says)
}

fn sign_files(programs: &Programs, folder: &str, key: &str) {
    let keys = programs.configuration.join("notation/localkeys");
    let status = programs
        .registries()
        .arg("sign-files")
        .arg("-keys")
        .arg(keys)
        .args(["-key", key])
        .arg(folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

/// From image-info.json to verified images.
#[test]
fn a_publish() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut verified = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let mut pusher = Pusher::start(&programs, &registry);
        let [amd, arm] = ["amd", "arm"].map(|text| {
            pusher.one(&json!({
                "op": "image", "repository": "staging/dotnet/app", "tag": text, "text": text,
            }))
        });
        let list = pusher.one(&json!({
            "op": "index", "repository": "staging/dotnet/app", "tag": "list",
            "manifests": [amd, arm],
        }));
        let name = |digest: &str| format!("registry.example/dotnet/app@{digest}");
        let info = json!({"schemaVersion": "2.0", "repos": [{"repo": "dotnet/app", "images": [{
            "manifest": {"digest": name(&list), "sharedTags": ["1"]},
            "platforms": [{"digest": name(&amd)}, {"digest": name(&arm)}, {"simpleTags": []}],
        }]}]});
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("image-info.json"), info.to_string()).unwrap();
        let (info, payloads) = (path("image-info.json"), path("payloads"));
        let configuration = programs
            .configuration
            .join("notation")
            .display()
            .to_string();
        let images = [
            "--from",
            &info,
            "--registry-override",
            &registry.address,
            "--repo-prefix",
            "staging/",
            "--output",
            "json",
        ];
        let payload =
            |more: &[&str]| run(&[&["payload", "-d", &payloads], &images[..], more].concat());
        let map = format!("{payloads}/payload-map.json");

        let (code, document, says) = payload(&["-m", "build=7"]);
        assert_eq!(
            (code, &document["counts"]["written"]),
            (Some(0), &json!(3)),
            "{says}"
        );
        // Nothing is attached before it is signed.
        let (code, document, _) = run(&["attach", "--map", &map, "--output", "json"]);
        assert_eq!((code, &document["counts"]["failed"]), (Some(1), &json!(3)));

        sign_files(&programs, &payloads, "ec");
        let (code, document, says) = payload(&["-m", "build=7"]);
        assert_eq!(
            (code, &document["counts"]["signed"]),
            (Some(0), &json!(3)),
            "{says}"
        );
        let attach = [
            "attach", "--map", &map, "--settle", "0.3", "--output", "json",
        ];
        let (code, document, _) = run(&[&attach[..], &["--dry-run"]].concat());
        assert_eq!(
            (code, &document["counts"]["wouldAttach"]),
            (Some(0), &json!(3))
        );
        let (code, document, says) = run(&attach);
        assert_eq!(
            (code, &document["counts"]["attached"]),
            (Some(0), &json!(3)),
            "{says}"
        );
        for image in document["images"].as_array().unwrap() {
            assert!(image["signature"].as_str().unwrap().starts_with("sha256:"));
        }
        let (code, document, _) = run(&attach);
        assert_eq!(
            (code, &document["counts"]["alreadyAttached"]),
            (Some(0), &json!(3))
        );

        let trusted = ["verify", "--config", &configuration, "-m", "build=7"];
        let (code, _, says) = run(&[&trusted[..], &images[..]].concat());
        assert_eq!(code, Some(0), "{says}");
        let reference = Reference::new(&programs, &registry);
        for digest in [&amd, &arm, &list] {
            let name = registry.reference("staging/dotnet/app", digest);
            let (accepts, says) = reference.verify(&name, &["-m", "build=7"]);
            assert!(accepts, "{says}");
            verified += 1;
        }

        // What is signed well is not signed again; by another policy it is.
        let again = path("again");
        let payload =
            |more: &[&str]| run(&[&["payload", "-d", &again], &images[..], more].concat());
        let skip = ["--skip-valid", "--config", &configuration];
        // Which policy is enough to say.
        for skip in [&skip[..], &skip[1..]] {
            let (code, document, says) = payload(skip);
            assert_eq!(
                (code, &document["counts"]["valid"]),
                (Some(0), &json!(3)),
                "{says}"
            );
        }
        let forced = path("forced");
        let more = [
            &["payload", "-d", &forced, "--force"],
            &skip[..],
            &images[..],
        ]
        .concat();
        let (code, document, says) = run(&more);
        assert_eq!(
            (code, &document["counts"]["written"]),
            (Some(0), &json!(3)),
            "{says}"
        );
        let (code, document, says) = payload(&[&skip[..], &["-m", "build=8"]].concat());
        assert_eq!(
            (code, &document["counts"]["written"]),
            (Some(0), &json!(3)),
            "{says}"
        );
        let (code, _, says) = payload(&["-m", "build=9"]);
        assert_eq!(code, Some(1), "{says}");
        let (code, document, says) = payload(&["-m", "build=9", "--replace"]);
        assert_eq!(
            (code, &document["counts"]["written"]),
            (Some(0), &json!(3)),
            "{says}"
        );
    }
    assert_eq!(verified, 6);
}

/// Payloads that are signed here, in both formats and places, are trusted.
#[test]
fn signed_with_a_key_at_hand() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let notation = programs.configuration.join("notation");
    let (configuration, keys) = (notation.display().to_string(), notation.join("localkeys"));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let descriptor = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{}", "ab".repeat(32)),
        "size": 394,
    });
    let (target, payload) = (path("descriptor.json"), path("a.payload.json"));
    std::fs::write(&target, descriptor.to_string()).unwrap();
    let document = json!({ "targetArtifact": descriptor }).to_string();
    std::fs::write(&payload, &document).unwrap();
    let sign = |key: &str, more: &[&str]| {
        let [key, chain] = ["key", "crt"].map(|suffix| {
            let file = keys.join(format!("{key}.{suffix}"));
            file.display().to_string()
        });
        let start = ["sign", "--key", &key, "--certificates", &chain];
        run(&[&start[..], more, &[&payload]].concat())
    };
    let verify = |envelope: &str| {
        let (code, _, says) = run(&[
            "verify",
            "--config",
            &configuration,
            "--envelope",
            envelope,
            "--descriptor",
            &target,
            "--scope",
            "registry.example/app",
        ]);
        (code, says)
    };
    let mut trusted = 0;
    for (key, more, place, expected) in [
        ("ec", &[][..], ".cose", 0),
        (
            "rsa",
            &["--media-type", "jws", "--expires-in", "3600"],
            ".jws",
            0,
        ),
        ("stranger", &["--in-place"], "", 1),
        ("ec", &["--in-place", "--media-type", "jws"], "", 0),
    ] {
        std::fs::write(&payload, &document).unwrap();
        let (code, _, says) = sign(key, more);
        assert_eq!(code, Some(0), "{key} {more:?}: {says}");
        let (code, says) = verify(&format!("{payload}{place}"));
        assert_eq!(code, Some(expected), "{key} {more:?}: {says}");
        trusted += usize::from(expected == 0);
    }
    assert_eq!(trusted, 3);
    // The file is an envelope now.
    let (code, _, says) = sign("ec", &["--in-place"]);
    assert_eq!(code, Some(1), "{says}");
    std::fs::write(&payload, &document).unwrap();
    let (code, _, says) = sign("ec", &[]);
    assert_eq!(code, Some(1), "{says}");
    assert!(says.contains("is there already"), "{says}");
    let (code, _, says) = sign("none", &[]);
    assert_eq!(code, Some(3), "{says}");
}

#[test]
fn wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("map"), "{}").unwrap();
    let missing = path("missing");
    let map = path("map");
    let payloads = path("payloads");
    for arguments in [
        &["attach"][..],
        &["attach", "registry.example/app:v1"],
        &["attach", "app=file"],
        &["attach", "registry.example/app:v1="],
        &["attach", "--map", &map],
        &["payload", "registry.example/app:v1"],
        &["payload", "-d", &payloads],
        &["payload", "-d", &payloads, "app"],
    ] {
        let (code, _, says) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {says}");
    }
    let (code, document, _) = run(&["attach", "--map", &missing, "--output", "json"]);
    assert_eq!(code, Some(3));
    assert_eq!(document["error"]["kind"], "io");
}

/// Killed at random points of a run; the second run completes, and every image has
/// its signature once.
#[test]
fn killed_and_run_again() {
    const IMAGES: usize = 200;
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let number = |name: &str, default: u64| -> u64 {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let kills = usize::try_from(number("ATTACH_KILLS", 6)).unwrap();
    let mut random = number("ATTACH_SEED", 1);
    let registries = [Kind::Olareg, Kind::Distribution]
        .map(|kind| Registry::start(&programs, kind, Security::OPEN));
    let clients = [0, 1]
        .map(|which: usize| RegistryClient::new(world::ours::options_for(&registries[which])));
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("payload-map.json");
    let digests = many_payloads(&registries[0], &programs, folder.path(), IMAGES);

    let mut took = Duration::from_secs(1);
    let mut cut_short = 0;
    for kill in 0..=kills {
        let registry = &registries[kill % 2];
        let repository = format!("kill/run{kill}");
        relocate(&map, registry, &repository);
        let map = map.display().to_string();
        let attach = [
            "attach", "--map", &map, "--settle", "0.2", "--output", "json",
        ];
        let start = Instant::now();
        if kill > 0 {
            let mut child = command(&attach)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            std::thread::sleep(took.mul_f64((random >> 33) as f64 / f64::from(1_u32 << 31)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let (code, document, says) = run(&attach);
        assert_eq!(code, Some(0), "{says}");
        if kill == 0 {
            took = start.elapsed();
        }
        let counts = &document["counts"];
        let count = |name: &str| counts[name].as_u64().unwrap();
        assert_eq!(count("attached") + count("alreadyAttached"), IMAGES as u64);
        if kill > 0 && (1..IMAGES as u64).contains(&count("alreadyAttached")) {
            cut_short += 1;
        }
        for digest in &digests {
            let listed = signatures(&clients[kill % 2], registry, &repository, digest);
            assert_eq!(listed, 1, "{repository} {digest}");
        }
    }
    println!("killed {kills} times, {cut_short} of them in the middle");
    // A kill may come before the first signature or after the last.
    assert!(
        cut_short * 4 >= kills,
        "{cut_short} of {kills} were in the middle"
    );
}

/// Images in a registry, and their envelopes.
fn many_payloads(
    registry: &Registry,
    programs: &Programs,
    folder: &Path,
    count: usize,
) -> Vec<String> {
    let mut pusher = Pusher::start(programs, registry);
    let digests: Vec<String> = (0..count)
        .map(|number| {
            pusher.one(&json!({
                "op": "image", "repository": "kill/images", "tag": format!("v{number}"),
                "text": number.to_string(),
            }))
        })
        .collect();
    let list: String = digests
        .iter()
        .map(|digest| registry.reference("kill/images", digest) + "\n")
        .collect();
    let from = folder.join("images.txt").display().to_string();
    std::fs::write(&from, list).unwrap();
    let folder = folder.display().to_string();
    let (code, _, says) = run(&["payload", "-d", &folder, "--from", &from]);
    assert_eq!(code, Some(0), "{says}");
    sign_files(programs, &folder, "ec");
    digests
}

/// The same images in another repository: payloads name none.
fn relocate(map: &Path, registry: &Registry, repository: &str) {
    let mut document: Value = serde_json::from_slice(&std::fs::read(map).unwrap()).unwrap();
    for image in document["images"].as_array_mut().unwrap() {
        let digest = image["digest"].as_str().unwrap();
        image["reference"] = registry.reference(repository, digest).into();
    }
    std::fs::write(map, document.to_string()).unwrap();
}

/// Signatures that the registry lists, or its clients.
fn signatures(
    client: &RegistryClient,
    registry: &Registry,
    repository: &str,
    digest: &str,
) -> usize {
    let name = registry.reference(repository, digest);
    let host = client.host(&notation_verifier::oci::Reference::parse(&name).unwrap());
    let reply = host.get(&Need {
        id: NeedId(0),
        request: Request::Referrers {
            subject: digest.to_owned(),
            page: None,
        },
        max_bytes: 1 << 20,
    });
    match reply {
        Reply::Referrers { descriptors, .. } => descriptors.len(),
        other => panic!("{name}: {other:?}"),
    }
}
