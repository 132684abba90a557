//! Signatures that nobody needs any more, in real registries: what is listed, what is
//! deleted, and that the reference command finds the rest and verifies it.
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
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use notation_verifier::crypto::SignatureAlgorithm;
use notation_verifier::envelope::{MediaType, SigningScheme};
use notation_verifier::io::attach::{AttachOptions, Attachment, EnvelopeAt, attach_all};
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions};
use notation_verifier::io::prune::{Effect, PruneOptions, Pruned, SignatureState, prune};
use notation_verifier::io::registry::RegistryClient;
use notation_verifier::io::resolve;
use notation_verifier::oci::Reference;
use notation_verifier::session::{Need, NeedId, Reply, Request};
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::manifest::ManifestForm;
use notation_verifier::sign::payload::payload;
use notation_verifier::sign::{Signer, SigningRequest, sign};
use notation_verifier::{Error, Limits, Provider, Time, Verifier};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use world::programs::Programs;
use world::proxy::{Act, Answer, Asked, Proxy};
use world::push::Pusher;
use world::{Access, Kind, Registry, Security};

fn now() -> Time {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(elapsed.as_secs()).unwrap())
}

fn ago(seconds: i64) -> Time {
    static START: OnceLock<Time> = OnceLock::new();
    START.get_or_init(now).saturating_add_seconds(-seconds)
}

/// Those keys of `registries notation` whose roots are in the trust store, one whose
/// root is not, and one whose certificate has addresses of OCSP and CRLs.
fn signer(programs: &Programs, key: &str) -> Box<dyn Signer> {
    if key == "revocable" {
        return Box::new(Revocable(vec![
            include_bytes!("keys/revocation-leaf.der").to_vec(),
            include_bytes!("keys/revocation-ca.der").to_vec(),
        ]));
    }
    let folder = programs.configuration.join("notation/localkeys");
    let read = |suffix: &str| std::fs::read(folder.join(format!("{key}.{suffix}"))).unwrap();
    Box::new(LocalSigner::from_pem(&read("key"), &read("crt"), &Limits::default()).unwrap())
}

struct Revocable(Vec<Vec<u8>>);

impl Signer for Revocable {
    fn certificates(&self) -> &[Vec<u8>] {
        &self.0
    }

    fn sign(&self, _: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let signature: p256::ecdsa::Signature = key.sign(message);
        Ok(signature.to_bytes().to_vec())
    }
}

/// How a signature is made: key, age in seconds, age of its expiry.
type Made<'a> = (&'a str, i64, Option<i64>);

/// An image.
struct Image<'a> {
    programs: &'a Programs,
    registry: &'a Registry,
    repository: String,
    digest: String,
}

impl<'a> Image<'a> {
    fn push(programs: &'a Programs, registry: &'a Registry, repository: &str) -> Self {
        Self {
            programs,
            registry,
            repository: repository.to_owned(),
            digest: Pusher::start(programs, registry).image(repository),
        }
    }

    fn reference(&self) -> String {
        self.registry.reference(&self.repository, &self.digest)
    }

    fn parsed(&self) -> Reference {
        Reference::parse(&self.reference()).unwrap()
    }

    fn client(&self) -> RegistryClient {
        let mut options = world::ours::options_for(self.registry);
        if self.registry.security.access != Access::Anyone {
            options.credentials = world::ours::account();
        }
        RegistryClient::new(options)
    }

    /// The same by way of a proxy.
    fn through(&self, proxy: &Proxy) -> String {
        format!("{}/{}@{}", proxy.address, self.repository, self.digest)
    }

    /// Attaches signatures, and gives the digests of their manifests.
    fn sign(&self, wanted: &[Made<'_>]) -> Vec<String> {
        let (provider, limits) = (Provider::preferred(), Limits::default());
        let client = self.client();
        let host = client.host(&self.parsed());
        let (_, target) = resolve(&host, &self.parsed(), &provider, &limits).unwrap();
        let payload = payload(&target).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let attachments: Vec<Attachment> = wanted
            .iter()
            .zip(0..)
            .map(|((key, age, expiry), number)| {
                let request = SigningRequest {
                    media_type: MediaType::Cose,
                    payload: &payload,
                    certificates: &[],
                    scheme: SigningScheme::X509,
                    signing_time: ago(*age),
                    expiry: expiry.map(ago),
                    signing_agent: None,
                };
                let signer = signer(self.programs, key);
                let envelope = sign(&request, &*signer, &provider, &limits).unwrap();
                let path = folder.path().join(format!("{number}.cose"));
                std::fs::write(&path, envelope).unwrap();
                Attachment {
                    reference: self.parsed(),
                    target: Some(target.clone()),
                    envelope: EnvelopeAt::File(path),
                }
            })
            .collect();
        let mut options = AttachOptions::default();
        options.settle = Duration::from_millis(300);
        if self.registry.kind == Kind::Ggcr {
            // It lists manifests under the type of their config.
            options.form = ManifestForm::ConfigMediaType;
        }
        let mut all = Vec::new();
        let verifier = Verifier::builder().build();
        attach_all(&verifier, &client, &attachments, &options, &mut |one| {
            all.push((one.index, one.result.signature().unwrap().to_owned()));
        });
        all.sort();
        all.into_iter().map(|(_, digest)| digest).collect()
    }

    /// A damaged copy of a signature.
    fn damage(&self, signature: &str) -> String {
        Pusher::start(self.programs, self.registry).one(&json!({
            "op": "repack", "repository": self.repository, "to": self.repository,
            "digest": self.digest, "manifests": [signature], "form": "tampered",
        }))
    }

    fn sbom(&self) -> String {
        Pusher::start(self.programs, self.registry).one(&json!({
            "op": "sbom", "repository": self.repository, "subject": self.digest,
        }))
    }

    /// What the reference command lists.
    fn listed(&self) -> BTreeSet<String> {
        let reference = world::reference::Reference::new(self.programs, self.registry);
        let listed = reference.list(&self.reference()).unwrap();
        listed.into_iter().collect()
    }

    fn verifies(&self) {
        let reference = world::reference::Reference::new(self.programs, self.registry);
        let (accepts, says) = reference.verify(&self.reference(), &[]);
        assert!(accepts, "{}: {says}", self.reference());
    }

    fn has(&self, digest: &str) -> bool {
        let reply = self.client().host(&self.parsed()).get(&Need {
            id: NeedId(0),
            request: Request::Resolve {
                reference: digest.to_owned(),
            },
            max_bytes: 1 << 20,
        });
        match reply {
            Reply::NotFound => false,
            Reply::Content { .. } => true,
            other => panic!("{other:?}"),
        }
    }

    /// Every manifest that belongs to the image; nothing that is listed is missing.
    fn belongs(&self) -> BTreeSet<String> {
        let folder = tempfile::tempdir().unwrap();
        let layout = folder.path().join("layout").display().to_string();
        let output = command(&[
            "copy",
            "--dry-run",
            "--output",
            "json",
            &self.reference(),
            "--to-oci-layout",
            &layout,
        ])
        .output()
        .unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["warnings"], json!([]), "{document}");
        let items = document["items"].as_array().unwrap().iter();
        items
            .filter(|item| item["kind"] == "manifest")
            .map(|item| item["digest"].as_str().unwrap().to_owned())
            .collect()
    }
}

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
fn run_with(config: &Path, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let config = config.display().to_string();
    let first = ["prune", "--output", "json", "--settle", "0.3", "--config"];
    let all = [&first[..], &[&config], arguments].concat();
    let Output {
        status,
        stdout,
        stderr,
    } = command(&all).output().unwrap();
    let document = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    let says = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), document, says)
}

fn run(programs: &Programs, arguments: &[&str]) -> (Option<i32>, Value, String) {
    run_with(&programs.configuration.join("notation"), arguments)
}

/// The digests of the signatures of the first image that ended so.
fn with_status(document: &Value, status: &str) -> BTreeSet<String> {
    let signatures = document["images"][0]["signatures"].as_array().unwrap();
    signatures
        .iter()
        .filter(|one| one["status"] == status)
        .map(|one| one["digest"].as_str().unwrap().to_owned())
        .collect()
}

fn set(digests: &[&String]) -> BTreeSet<String> {
    digests.iter().map(|one| (*one).clone()).collect()
}

/// The whole answer of a server without TLS.
fn ask(address: &str, method: &str, path: &str) -> String {
    const ACCEPT: &str =
        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {ACCEPT}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Signatures of several ages and signers, one that is damaged, one that nobody
/// trusts, a bill of materials: in each registry.
#[test]
fn older_ones_are_listed_and_deleted() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut pruned = 0;
    for kind in Kind::ALL {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let image = Image::push(&programs, &registry, "older/app");
        let made = image.sign(&[
            ("ec", 300, None),
            ("ec", 200, None),
            ("ec", 100, None),
            ("rsa", 400, None),
            ("stranger", 50, None),
        ]);
        let [oldest, older, newest, other, stranger] = <[String; 5]>::try_from(made).unwrap();
        let damaged = image.damage(&newest);
        let sbom = image.sbom();
        let all = set(&[&oldest, &older, &newest, &other, &stranger, &damaged]);
        assert_eq!(image.listed(), all, "{kind:?}");
        let belongs = image.belongs();
        let name = image.reference();

        // Listed, by digest and by tag; nothing is changed.
        let going = set(&[&oldest, &older, &damaged]);
        for name in [&name, &registry.reference("older/app", "v1")] {
            let (code, document, says) = run(&programs, &[name]);
            assert_eq!(code, Some(0), "{kind:?}: {says}");
            assert_eq!(document["images"][0]["status"], "listed", "{says}");
            assert_eq!(document["deletes"], false);
            assert_eq!(with_status(&document, "goes"), going, "{kind:?}: {says}");
            let stays = set(&[&newest, &other, &stranger]);
            assert_eq!(with_status(&document, "stays"), stays, "{kind:?}: {says}");
            for one in document["images"][0]["signatures"].as_array().unwrap() {
                if one["status"] == "goes" {
                    assert_eq!(one["replacedBy"], *newest, "{says}");
                }
            }
        }
        let (code, document, says) = run(&programs, &[&name, "--any-signer"]);
        assert_eq!(code, Some(0), "{says}");
        let with_other = set(&[&oldest, &older, &damaged, &other]);
        assert_eq!(with_status(&document, "goes"), with_other, "{says}");
        assert_eq!(image.listed(), all, "{kind:?}");
        assert_eq!(image.belongs(), belongs, "{kind:?}");

        // Deleted; the rest is there, and verifies.
        let (code, document, says) = run(&programs, &[&name, "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");
        assert_eq!(document["images"][0]["status"], "pruned", "{says}");
        assert_eq!(with_status(&document, "deleted"), going, "{kind:?}: {says}");
        assert_eq!(
            image.listed(),
            set(&[&newest, &other, &stranger]),
            "{kind:?}"
        );
        assert_eq!(&image.belongs() | &going, belongs, "{kind:?}");
        assert!(image.belongs().contains(&sbom), "{kind:?}");
        for digest in &all {
            assert_eq!(
                image.has(digest),
                !going.contains(digest),
                "{kind:?} {digest}"
            );
        }
        image.verifies();
        let (code, document, says) = run(&programs, &[&name, "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");
        assert_eq!(document["images"][0]["status"], "nothing", "{says}");

        let (code, _, says) = run(&programs, &[&name, "--any-signer", "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");
        assert_eq!(image.listed(), set(&[&newest, &stranger]), "{kind:?}");
        image.verifies();
        pruned += going.len() + 1;
    }
    assert_eq!(pruned, 4 * 4);
}

/// A configuration that also trusts the certificate with addresses of OCSP and CRLs.
fn with_revocable(programs: &Programs, folder: &Path) -> PathBuf {
    let to = folder.join("notation");
    let from = programs.configuration.join("notation");
    let stores = "truststore/x509/ca/tests";
    std::fs::create_dir_all(to.join(stores)).unwrap();
    let policy = std::fs::read(from.join("trustpolicy.json")).unwrap();
    let mut policy: Value = serde_json::from_slice(&policy).unwrap();
    policy["trustPolicies"][0]["trustedIdentities"] = json!(["*"]);
    std::fs::write(to.join("trustpolicy.json"), policy.to_string()).unwrap();
    for entry in std::fs::read_dir(from.join(stores)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        std::fs::copy(&path, to.join(stores).join(name)).unwrap();
    }
    let root = include_bytes!("keys/revocation-ca.der");
    std::fs::write(to.join(stores).join("revocable.crt"), root).unwrap();
    to
}

/// Where there is no newer valid signature, or it is not known whether there is, every
/// one stays.
#[test]
fn nothing_goes_without_a_newer_valid_one() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let config = with_revocable(&programs, folder.path());
    let mut ran = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        type Case<'a> = (&'a str, &'a [Made<'a>], i32);
        let cases: [Case<'_>; 6] = [
            ("one", &[("ec", 300, None)], 0),
            ("expired", &[("ec", 300, None), ("ec", 200, Some(100))], 0),
            (
                "untrusted",
                &[("ec", 300, None), ("stranger", 100, None)],
                0,
            ),
            ("equal", &[("ec", 300, None), ("ec", 300, Some(-9999))], 0),
            ("shorter", &[("ec", 300, None), ("ec", 200, Some(-9999))], 0),
            (
                "unknown",
                &[
                    ("ec", 300, None),
                    ("ec", 100, None),
                    ("revocable", 50, None),
                ],
                1,
            ),
        ];
        for (name, wanted, expected) in cases {
            let image = Image::push(&programs, &registry, &format!("doubt/{name}"));
            let made: BTreeSet<String> = image.sign(wanted).into_iter().collect();
            let reference = image.reference();
            for more in [&[][..], &["--delete"], &["--delete", "--any-signer"]] {
                let arguments = [&[&*reference, "--revocation-mode", "offline"], more].concat();
                let (code, document, says) = run_with(&config, &arguments);
                let case = format!("{kind:?} {name}: {says}");
                assert_eq!(code, Some(expected), "{case}");
                let counts = &document["counts"]["signatures"];
                assert_eq!(
                    (&counts["goes"], &counts["deleted"]),
                    (&json!(0), &json!(0))
                );
                if expected == 1 {
                    assert!(says.contains("revocation status"), "{case}");
                } else {
                    assert_eq!(with_status(&document, "stays"), made, "{case}");
                }
                assert_eq!(image.listed(), made, "{case}");
                ran += 1;
            }
        }
    }
    assert_eq!(ran, 2 * 6 * 3);
}

/// Whatever cannot be read keeps everything, and nothing is written.
#[test]
fn a_look_up_that_fails_keeps_everything() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut ran = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let image = Image::push(&programs, &registry, "fails/app");
        let made = image.sign(&[("ec", 300, None), ("ec", 100, None), ("rsa", 200, None)]);
        type Fault = fn(&mut Answer);
        let faults: [(&str, Fault); 4] = [
            ("refused", |answer| *answer = Answer::new(403, &[], "")),
            ("gone", |answer| *answer = Answer::new(404, &[], "")),
            ("down", |answer| {
                *answer = Answer::new(503, &[("Retry-After", "0")], "")
            }),
            ("other octets", |answer| {
                if let Some(octet) = answer.body.last_mut() {
                    *octet ^= 1;
                }
            }),
        ];
        for (name, fault) in faults {
            for victim in ["signature", "list"] {
                if victim == "list" && name == "gone" {
                    // That is how a registry says that there is no signature.
                    continue;
                }
                let hurt = made[2].clone();
                let proxy = Proxy::start(Some(&registry.address), &[], move |asked: &Asked| {
                    let path = asked.target.split('?').next().unwrap();
                    let is_victim = match victim {
                        "signature" => path.ends_with(&hurt),
                        _ => path.contains("/referrers/") || path.contains("/manifests/sha256-"),
                    };
                    if is_victim && asked.method == "GET" {
                        return Act::Edit(Box::new(fault));
                    }
                    Act::Pass
                });
                let (code, document, says) = run(
                    &programs,
                    &[&image.through(&proxy), "--delete", "--any-signer"],
                );
                let case = format!("{kind:?} {name} {victim}: {says}");
                assert_eq!(code, Some(1), "{case}");
                assert_eq!(document["images"][0]["status"], "failed", "{case}");
                for asked in proxy.asked() {
                    assert!(matches!(&*asked.method, "GET" | "HEAD"), "{case}");
                }
                ran += 1;
            }
        }
        assert_eq!(image.listed(), made.into_iter().collect());
    }
    assert_eq!(ran, 2 * 7);
}

/// The signatures of an image that is gone go, and nothing else of it does.
#[test]
fn signatures_of_an_image_that_is_gone() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut deleted = 0;
    for kind in Kind::ALL {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let image = Image::push(&programs, &registry, "gone/app");
        // Nobody verifies them: their image is gone.
        let made = image.sign(&[("ec", 300, None), ("stranger", 100, None)]);
        let sbom = image.sbom();
        let path = format!("/v2/gone/app/manifests/{}", image.digest);
        let answer = ask(&registry.address, "DELETE", &path);
        assert!(answer.starts_with("HTTP/1.1 202"), "{kind:?}: {answer}");
        let made: BTreeSet<String> = made.into_iter().collect();
        let name = image.reference();
        let list = match kind.has_referrers_api() {
            true => format!("/v2/gone/app/referrers/{}", image.digest),
            false => format!("/v2/gone/app/manifests/{}", image.digest.replace(':', "-")),
        };

        // What may be there all the same is not gone.
        for status in [200, 401, 403, 503] {
            let proxy = Proxy::start(Some(&registry.address), &[], move |asked: &Asked| {
                if asked.method == "HEAD" {
                    return Act::Answer(Answer::new(status, &[("Retry-After", "0")], ""));
                }
                Act::Pass
            });
            let (code, _, says) = run(&programs, &[&image.through(&proxy), "--delete"]);
            assert_eq!(code, Some(1), "{kind:?} {status}: {says}");
            for asked in proxy.asked() {
                assert!(
                    matches!(&*asked.method, "GET" | "HEAD"),
                    "{kind:?} {status}"
                );
            }
        }

        let (code, document, says) = run(&programs, &[&name]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");
        assert_eq!(document["images"][0]["imageIsGone"], true, "{says}");
        assert_eq!(with_status(&document, "goes"), made, "{kind:?}: {says}");
        for digest in &made {
            assert!(image.has(digest), "{kind:?}");
        }
        let (code, document, says) = run(&programs, &[&name, "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}\n{}", registry.log());
        assert_eq!(with_status(&document, "deleted"), made, "{kind:?}: {says}");
        let list = ask(&registry.address, "GET", &list);
        for digest in &made {
            assert!(!image.has(digest), "{kind:?}");
            assert!(!list.contains(digest), "{kind:?}: {list}");
            deleted += 1;
        }
        assert!(image.has(&sbom) && list.contains(&sbom), "{kind:?}: {list}");
        let (code, _, says) = run(&programs, &[&name, "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");

        // Without its digest nobody finds them.
        let tag = registry.reference("gone/app", "never");
        let (code, _, says) = run(&programs, &[&tag]);
        assert_eq!(code, Some(1), "{says}");
        assert!(says.contains("found by its digest"), "{says}");
    }
    assert_eq!(deleted, 4 * 2);
}

/// The list of an image that had nothing but signatures is left empty.
#[test]
fn the_last_entry_of_a_list_goes_too() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut ran = 0;
    for kind in [Kind::Distribution, Kind::Debian] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let image = Image::push(&programs, &registry, "last/app");
        let made = image.sign(&[("ec", 300, None)]);
        let path = format!("/v2/last/app/manifests/{}", image.digest);
        ask(&registry.address, "DELETE", &path);
        let (code, _, says) = run(&programs, &[&image.reference(), "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}\n{}", registry.log());
        assert!(!image.has(&made[0]), "{kind:?}");
        let tag = image.digest.replace(':', "-");
        let path = format!("/v2/last/app/manifests/{tag}");
        let answer = ask(&registry.address, "GET", &path);
        let (_, list) = answer.split_once("\r\n\r\n").unwrap();
        let list: Value = serde_json::from_str(list).unwrap();
        assert_eq!(list["manifests"], json!([]), "{kind:?}: {list}");
        ran += 1;
    }
    assert_eq!(ran, 2);
}

/// A registry that deletes nothing says so before anything is changed.
#[test]
fn a_registry_that_does_not_delete() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut ran = 0;
    for kind in [Kind::Distribution, Kind::Debian] {
        let registry = Registry::start_with(&programs, kind, Security::OPEN, &["keeps"]);
        let image = Image::push(&programs, &registry, "keeps/app");
        let made = image.sign(&[("ec", 300, None), ("ec", 100, None)]);
        let (code, document, says) = run(&programs, &[&image.reference(), "--delete"]);
        assert_eq!(code, Some(1), "{kind:?}: {says}");
        assert!(
            says.contains("does not let anybody delete"),
            "{kind:?}: {says}"
        );
        assert_eq!(with_status(&document, "goes"), set(&[&made[0]]), "{says}");
        assert_eq!(image.listed(), made.into_iter().collect(), "{kind:?}");
        // People are told the same.
        let config = programs
            .configuration
            .join("notation")
            .display()
            .to_string();
        let output = command(&["prune", "--config", &config, &image.reference()]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0));
        let says = String::from_utf8(output.stdout).unwrap();
        assert!(says.contains("1 can go, 1 stay"), "{says}");
        assert!(
            says.contains("nothing was deleted: --delete does that"),
            "{says}"
        );
        ran += 1;
    }
    assert_eq!(ran, 2);
}

/// With accounts: a token that allows deletion is asked for.
#[test]
fn a_registry_with_tokens() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let security = Security {
        tls: true,
        access: Access::Tokens,
    };
    let mut ran = 0;
    for kind in [Kind::Olareg, Kind::Distribution, Kind::Debian] {
        let registry = Registry::start(&programs, kind, security);
        let image = Image::push(&programs, &registry, "tokens/app");
        let made = image.sign(&[("ec", 300, None), ("ec", 100, None)]);
        let verifier = world::ours::verifier(&programs.configuration.join("notation"));
        let limits = Limits::default();
        let evidence =
            EvidenceFetcher::new(FetchOptions::default(), Provider::preferred(), &limits);
        let mut options = PruneOptions::new(verifier, evidence, now());
        options.effect = Effect::Write;
        options.settle = Duration::from_millis(300);
        let mut all: Vec<Pruned> = Vec::new();
        let references = [image.parsed()];
        let summary = prune(&image.client(), &references, &options, &mut |one| {
            all.push(one)
        });
        assert_eq!(
            (summary.pruned, summary.deleted),
            (1, 1),
            "{kind:?}: {all:?}"
        );
        let gone = &all[0].signatures;
        let gone = gone.iter().find(|one| one.digest == made[0]).unwrap();
        assert_eq!(gone.state, SignatureState::Deleted);
        assert_eq!(image.listed(), set(&[&made[1]]), "{kind:?}");
        image.verifies();
        ran += 1;
    }
    assert_eq!(ran, 3);
}

/// Killed at any moment, it leaves an image that verifies and a list that names
/// nothing that is missing; run again it is done.
#[test]
fn a_run_that_is_killed_is_run_again() {
    const KILLS: u32 = 8;
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Distribution, Security::OPEN);
    let wanted = [("ec", 300, None), ("ec", 200, None), ("ec", 100, None)];
    let config = programs
        .configuration
        .join("notation")
        .display()
        .to_string();
    let mut whole = None;
    let mut killed = 0;
    for kill in 0..=KILLS {
        let image = Image::push(&programs, &registry, &format!("killed/{kill}"));
        let newest = image.sign(&wanted).remove(2);
        let name = image.reference();
        let arguments = [
            "prune", "--delete", "--settle", "0.3", "--config", &config, &name,
        ];
        let begun = Instant::now();
        let mut child = command(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        match whole {
            // The first one shows how long it takes.
            None => {
                assert!(child.wait().unwrap().success());
                whole = Some(begun.elapsed());
            }
            Some(time) => {
                std::thread::sleep(time * kill / (KILLS + 1));
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
        }
        image.verifies();
        // It names nothing that is missing.
        assert!(image.belongs().contains(&newest));
        let (code, _, says) = run(&programs, &[&name, "--delete"]);
        assert_eq!(code, Some(0), "{says}");
        assert_eq!(image.listed(), set(&[&newest]), "{says}");
        image.verifies();
    }
    assert_eq!(killed, KILLS);
}

/// Tags come one on a page.
fn page(asked: &Asked) -> Act {
    if !asked.target.contains("/tags/list") {
        return Act::Pass;
    }
    let page = asked.target.split_once("?page=");
    let page: usize = page.map_or(0, |(_, page)| page.parse().unwrap());
    Act::Edit(Box::new(move |answer: &mut Answer| {
        let mut list: Value = serde_json::from_slice(&answer.body).unwrap();
        let tags = list["tags"].as_array().unwrap().clone();
        if page + 1 < tags.len() {
            let next = format!("</v2/whole/app/tags/list?page={}>; rel=next", page + 1);
            answer.set("Link", next);
        }
        list["tags"] = json!([tags[page]]);
        answer.body = list.to_string().into_bytes();
    }))
}

/// A whole repository: the images that are gone are found by the tags under which
/// clients keep lists, whole and in pages.
#[test]
fn a_repository_is_searched() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut found = 0;
    for kind in [Kind::Distribution, Kind::Debian, Kind::Olareg] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let mut pusher = Pusher::start(&programs, &registry);
        let images: Vec<Image<'_>> = ["one", "two", "three"]
            .iter()
            .map(|text| Image {
                programs: &programs,
                registry: &registry,
                repository: "whole/app".to_owned(),
                digest: pusher.one(&json!({
                    "op": "image", "repository": "whole/app", "tag": text, "text": text,
                })),
            })
            .collect();
        let made: Vec<String> = images
            .iter()
            .map(|image| image.sign(&[("ec", 100, None)]).remove(0))
            .collect();
        for image in &images[..2] {
            let path = format!("/v2/whole/app/manifests/{}", image.digest);
            ask(&registry.address, "DELETE", &path);
        }
        let repository = format!("{}/whole/app", registry.address);
        if kind.has_referrers_api() {
            let (code, document, says) = run(&programs, &["--repository", &repository]);
            assert_eq!(code, Some(0), "{says}");
            assert_eq!(document["repositories"][0]["lists"], 0, "{says}");
            assert_eq!(document["images"], json!([]), "{says}");
            continue;
        }

        let pages = Proxy::start(Some(&registry.address), &[], page);
        let gone: BTreeSet<&str> = images[..2].iter().map(|image| &*image.digest).collect();
        for address in [&registry.address, &pages.address] {
            let repository = format!("{address}/whole/app");
            let (code, document, says) = run(&programs, &["--repository", &repository]);
            assert_eq!(code, Some(0), "{kind:?}: {says}");
            let repositories = json!([{"repository": repository, "lists": 3, "gone": 2}]);
            assert_eq!(document["repositories"], repositories, "{kind:?}: {says}");
            let images = document["images"].as_array().unwrap().iter();
            let images: BTreeSet<&str> =
                images.map(|one| one["digest"].as_str().unwrap()).collect();
            assert_eq!(images, gone, "{kind:?}: {says}");
            assert_eq!(
                document["counts"]["signatures"]["goes"], 2,
                "{kind:?}: {says}"
            );
        }
        let asked = pages.asked();
        let tags = asked.iter().filter(|one| one.target.contains("/tags/list"));
        assert!(tags.count() >= 4, "{kind:?}");

        // Half a list is none, and what cannot be looked at is not gone.
        for (what, status) in [("/tags/list?page=2", 404), ("HEAD", 403), ("HEAD", 503)] {
            let proxy = Proxy::start(Some(&registry.address), &[], move |asked: &Asked| {
                if asked.method == what || asked.target.ends_with(what) {
                    return Act::Answer(Answer::new(status, &[("Retry-After", "0")], ""));
                }
                page(asked)
            });
            let repository = format!("{}/whole/app", proxy.address);
            let (code, document, says) = run(&programs, &["--repository", &repository, "--delete"]);
            assert_eq!(code, Some(3), "{kind:?} {what}: {says}");
            assert!(document["error"]["message"].is_string(), "{says}");
        }
        let (code, _, says) = run(&programs, &["--repository", &format!("{repository}:one")]);
        assert_eq!(code, Some(2), "{says}");

        let (code, document, says) = run(&programs, &["--repository", &repository, "--delete"]);
        assert_eq!(code, Some(0), "{kind:?}: {says}");
        assert_eq!(document["counts"]["signatures"]["deleted"], 2, "{says}");
        assert!(
            !images[2].has(&made[0]) && !images[2].has(&made[1]),
            "{kind:?}"
        );
        assert_eq!(images[2].listed(), set(&[&made[2]]), "{kind:?}");
        images[2].verifies();
        found += gone.len();
    }
    assert_eq!(found, 2 * 2);
}
