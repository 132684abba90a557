//! Payloads out, signatures back, in real registries: then the reference command
//! verifies them, and this verifier.
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

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notation_verifier::envelope::{MediaType, SigningScheme};
use notation_verifier::io::attach::{
    AttachOptions, AttachResult, AttachSummary, Attached, Attachment, Effect, EnvelopeAt,
    attach_all,
};
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions};
use notation_verifier::io::payloads::{PayloadOptions, PayloadResult, SkipSigned, write_payloads};
use notation_verifier::io::registry::{RegistryClient, RegistryOptions};
use notation_verifier::oci::Reference;
use notation_verifier::session::{Need, NeedId, Reply, Request};
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::manifest::ManifestForm;
use notation_verifier::sign::map::PayloadMap;
use notation_verifier::sign::{SigningRequest, sign};
use notation_verifier::{Limits, Provider, Time, Verifier};
use serde_json::{Value, json};
use world::programs::Programs;
use world::proxy::{Act, Answer, Asked, Proxy};
use world::push::Pusher;
use world::{Access, Kind, Registry, Security};

/// Only what hangs for ever takes longer.
const BUDGET: Duration = Duration::from_secs(120);

fn now() -> Time {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(elapsed.as_secs()).unwrap())
}

/// A key of `registries notation`, in this process.
fn signer(programs: &Programs, key: &str) -> LocalSigner {
    let folder = programs.configuration.join("notation/localkeys");
    let read = |suffix: &str| std::fs::read(folder.join(format!("{key}.{suffix}"))).unwrap();
    LocalSigner::from_pem(&read("key"), &read("crt"), &Limits::default()).unwrap()
}

/// An envelope of the payload in `path`. Each `age` makes another one.
fn envelope(programs: &Programs, path: &Path, key: &str, kind: MediaType, age: i64) -> Vec<u8> {
    let payload = std::fs::read(path).unwrap();
    // The same moment for all of a run: an age is an age.
    static START: std::sync::OnceLock<Time> = std::sync::OnceLock::new();
    let start = *START.get_or_init(now);
    let request = SigningRequest {
        media_type: kind,
        payload: &payload,
        certificates: &[],
        scheme: SigningScheme::X509,
        signing_time: start.saturating_add_seconds(-age),
        expiry: None,
        signing_agent: None,
    };
    let signer = signer(programs, key);
    sign(
        &request,
        &signer,
        &Provider::preferred(),
        &Limits::default(),
    )
    .unwrap()
}

fn verifier() -> Verifier {
    Verifier::builder().build()
}

fn attach_options() -> AttachOptions {
    let mut options = AttachOptions::default();
    options.settle = Duration::from_millis(300);
    options
}

fn attach(
    client: &RegistryClient,
    attachments: &[Attachment],
    options: &AttachOptions,
) -> (Vec<Attached>, AttachSummary) {
    let mut all = Vec::new();
    let summary = attach_all(&verifier(), client, attachments, options, &mut |one| {
        all.push(one);
    });
    all.sort_by_key(|one| one.index);
    assert_eq!(all.len(), attachments.len());
    (all, summary)
}

/// The attachments of a map.
fn of_map(map: &PayloadMap, folder: &Path) -> Vec<Attachment> {
    map.entries()
        .iter()
        .map(|entry| Attachment {
            reference: entry.reference.clone(),
            target: Some(entry.target.clone()),
            envelope: EnvelopeAt::Payload(folder.join(&entry.payload)),
        })
        .collect()
}

/// One image with its payload.
struct Image {
    reference: String,
    payload: PathBuf,
    map: PayloadMap,
    _folder: tempfile::TempDir,
}

impl Image {
    fn push(registry: &Registry, pusher: &mut Pusher, client: &RegistryClient, name: &str) -> Self {
        let digest = pusher.image(name);
        let reference = registry.reference(name, &digest);
        let folder = tempfile::tempdir().unwrap();
        let options = PayloadOptions::new(folder.path());
        let wanted = [Reference::parse(&reference).unwrap()];
        let (map, summary) = write_payloads(client, &wanted, &options, &mut |_| {});
        assert_eq!(summary.written, 1);
        Self {
            reference,
            payload: folder.path().join(&map.entries()[0].payload),
            map,
            _folder: folder,
        }
    }

    fn attachment(&self, envelope: PathBuf) -> Attachment {
        Attachment {
            reference: self.map.entries()[0].reference.clone(),
            target: Some(self.map.entries()[0].target.clone()),
            envelope: EnvelopeAt::File(envelope),
        }
    }
}

#[test]
fn images_of_every_registry() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut verified = 0;
    for kind in Kind::ALL {
        verified += whole_way(&programs, kind);
    }
    // Three images in each of four registries.
    assert_eq!(verified, 12);
}

/// Payloads, signatures, attached; again; and again where they are valid.
fn whole_way(programs: &Programs, kind: Kind) -> usize {
    let registry = Registry::start(programs, kind, Security::OPEN);
    let client = RegistryClient::new(world::ours::options_for(&registry));
    let mut pusher = Pusher::start(programs, &registry);
    let reference = world::reference::Reference::new(programs, &registry);
    let one = pusher.image("way/one");
    let two = pusher.one(&json!({
        "op": "image", "repository": "way/one", "tag": "v2", "text": "two",
    }));
    let index = pusher.one(&json!({
        "op": "index", "repository": "way/one", "tag": "list", "manifests": [one, two],
    }));
    let by_tag = registry.reference("way/one", "list");
    let wanted: Vec<Reference> = [
        registry.reference("way/one", &one),
        registry.reference("way/one", &two),
        by_tag,
        registry.reference("way/one", &index),
    ]
    .iter()
    .map(|text| Reference::parse(text).unwrap())
    .collect();

    let folder = tempfile::tempdir().unwrap();
    let mut options = PayloadOptions::new(folder.path());
    options.annotations = [("build".to_owned(), "7".to_owned())].into();
    let prepare = |options: &PayloadOptions| {
        let mut states = Vec::new();
        let (map, _) = write_payloads(&client, &wanted, options, &mut |one| {
            assert!(
                !matches!(one.result, PayloadResult::Failed(_)),
                "{:?}",
                one.result
            );
            states.push(one.result.as_str());
        });
        states.sort_unstable();
        (map, states)
    };
    let (map, states) = prepare(&options);
    assert_eq!(
        states,
        ["kept", "written", "written", "written"],
        "{kind:?}"
    );
    assert_eq!(map.entries().len(), 3, "a tag and its digest are one image");
    let (again, states) = prepare(&options);
    assert_eq!((&again, &*states), (&map, &["kept"; 4][..]));

    // Nothing is signed yet.
    let attachments = of_map(&map, folder.path());
    let (all, summary) = attach(&client, &attachments, &attach_options());
    assert_eq!(summary.failed, 3);
    assert!(all[0].result.reason().unwrap().contains("not signed yet"));

    // In place, beside, in both formats.
    let places = ["", ".sig", ".jws"];
    for ((entry, place), number) in map.entries().iter().zip(places).zip(0..) {
        let path = folder.path().join(&entry.payload);
        let format = if place == ".jws" {
            MediaType::Jws
        } else {
            MediaType::Cose
        };
        let bytes = envelope(programs, &path, "ec", format, number);
        std::fs::write(format!("{}{place}", path.display()), bytes).unwrap();
    }
    let (_, states) = prepare(&options);
    assert_eq!(states, ["kept", "kept", "kept", "signed"]);

    let mut dry = attach_options();
    dry.effect = Effect::DryRun;
    dry.form = form_for(kind);
    let (_, summary) = attach(&client, &attachments, &dry);
    assert_eq!(summary.would_attach, 3);
    assert_eq!(reference.list(&wanted[0].to_string()).unwrap().len(), 0);

    if kind == Kind::Ggcr {
        // It lists manifests under the type of their config.
        let (all, summary) = attach(&client, &attachments, &attach_options());
        assert_eq!(summary.failed, 3);
        let reason = all[0].result.reason().unwrap();
        assert!(reason.contains("legacy form"), "{reason}");
    }
    let mut write = attach_options();
    write.form = form_for(kind);
    let (first, summary) = attach(&client, &attachments, &write);
    assert_eq!(summary.attached, 3, "{kind:?}: {first:?}");
    let (second, summary) = attach(&client, &attachments, &write);
    assert_eq!(summary.already_attached, 3, "{kind:?}: {second:?}");

    let policy = world::ours::verifier(&programs.configuration.join("notation"));
    for one in &first {
        let name = one.reference.to_string();
        let signature = one.result.signature().unwrap();
        assert_eq!(
            reference.list(&name).unwrap(),
            [signature],
            "{kind:?} {name}"
        );
        let (accepts, says) = reference.verify(&name, &["-m", "build=7"]);
        assert!(accepts, "{kind:?} {name}: {says}");
        let report = world::ours::verify(&policy, &client, &name, BUDGET, true);
        assert_eq!(report.status().as_str(), "verified", "{kind:?} {name}");
    }
    annotations(&reference, &client, &first[0]);

    // A valid signature is enough; one that nobody trusts is not.
    let limits = Limits::default();
    options.skip_signed = Some(SkipSigned {
        verifier: policy,
        evidence: EvidenceFetcher::new(FetchOptions::default(), Provider::preferred(), &limits),
        now: now(),
    });
    let (map, states) = prepare(&options);
    assert_eq!((map.entries().len(), &*states), (0, &["valid"; 4][..]));
    options.annotations.clear();
    let (_, states) = prepare_elsewhere(&client, &wanted, &options);
    assert_eq!(
        states, ["valid"; 4],
        "metadata that is not asked for is no matter"
    );
    let broken = Image::push(&registry, &mut pusher, &client, "way/broken");
    let bytes = envelope(programs, &broken.payload, "stranger", MediaType::Cose, 0);
    let file = broken.payload.with_extension("cose");
    std::fs::write(&file, bytes).unwrap();
    let (all, summary) = attach(&client, &[broken.attachment(file)], &write);
    assert_eq!(summary.attached, 1, "{all:?}");
    let wanted = [Reference::parse(&broken.reference).unwrap()];
    let (map, states) = prepare_elsewhere(&client, &wanted, &options);
    assert_eq!((map.entries().len(), &*states), (1, &["written"][..]));
    first.len()
}

fn prepare_elsewhere(
    client: &RegistryClient,
    wanted: &[Reference],
    options: &PayloadOptions,
) -> (PayloadMap, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options.clone();
    options.directory = folder.path().to_owned();
    let mut states = Vec::new();
    let (map, _) = write_payloads(client, wanted, &options, &mut |one| {
        states.push(one.result.as_str());
    });
    (map, states)
}

const fn form_for(kind: Kind) -> ManifestForm {
    match kind {
        Kind::Ggcr => ManifestForm::ConfigMediaType,
        _ => ManifestForm::ArtifactType,
    }
}

/// The manifest has the thumbprints that the reference finds in the envelope, and
/// the signing time.
fn annotations(
    reference: &world::reference::Reference<'_>,
    client: &RegistryClient,
    attached: &Attached,
) {
    let name = attached.reference.to_string();
    let signature = attached.result.signature().unwrap().to_owned();
    let reply = client.host(&attached.reference).get(&Need {
        id: NeedId(0),
        request: Request::Resolve {
            reference: signature,
        },
        max_bytes: 1 << 20,
    });
    let Reply::Content { bytes, .. } = reply else {
        panic!("{reply:?}");
    };
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let annotation = |name: &str| manifest["annotations"][name].as_str().unwrap();
    let thumbprints: Vec<String> =
        serde_json::from_str(annotation("io.cncf.notary.x509chain.thumbprint#S256")).unwrap();
    let inspected = reference.inspect(&name).unwrap();
    let signature = &inspected["Signatures"][0];
    let found: Vec<&str> = signature["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|certificate| certificate["SHA256Fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(thumbprints, found);
    assert_eq!(found.len(), 3);
    assert_eq!(
        annotation("org.opencontainers.image.created"),
        signature["signedAttributes"]["signingTime"]
    );
}

#[test]
fn what_is_not_of_the_image_is_not_attached() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let client = RegistryClient::new(world::ours::options_for(&registry));
    let mut pusher = Pusher::start(&programs, &registry);
    let one = Image::push(&registry, &mut pusher, &client, "wrong/one");
    let other = Image::push(&registry, &mut pusher, &client, "wrong/other");
    let good = envelope(&programs, &one.payload, "ec", MediaType::Cose, 0);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut absent = one.attachment(write("absent", &good));
    absent.reference = Reference::parse(&registry.reference("wrong/one", "none")).unwrap();
    absent.target = None;
    let mut by_tag = absent.clone();
    by_tag.reference = Reference::parse(&registry.reference("wrong/other", "v1")).unwrap();
    let cases = [
        (other.attachment(write("a", &good)), "and not of"),
        (one.attachment(write("b", &changed)), "not a good one"),
        (one.attachment(write("c", b"")), "not a good one"),
        (one.attachment(folder.path().join("none")), "does not exist"),
        (absent, "does not exist"),
        (by_tag, "and not of"),
    ];
    let (attachments, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let before = client.statistics().requests;
    let (all, summary) = attach(&client, &attachments, &attach_options());
    assert_eq!(summary.failed, 6);
    for (one, expected) in all.iter().zip(expected) {
        let reason = one.result.reason().unwrap();
        assert!(reason.contains(expected), "{reason}");
    }
    // Nothing but the two look-ups of tags was asked.
    assert_eq!(client.statistics().requests - before, 2);
}

/// Different envelopes for one image by two clients at once: none is lost, neither
/// where the clients keep the list, nor at a registry that loses entries of its own.
/// The same envelope by both is one signature.
#[test]
fn two_attachers_lose_nothing() {
    const EACH: usize = 4;
    let Some(programs) = world::programs::programs() else {
        return;
    };
    for kind in Kind::ALL {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let client = || RegistryClient::new(world::ours::options_for(&registry));
        let mut pusher = Pusher::start(&programs, &registry);
        let image = Image::push(&registry, &mut pusher, &client(), "two/app");
        let folder = tempfile::tempdir().unwrap();
        let attachments: Vec<Attachment> = (0..=2 * EACH)
            .map(|number| {
                let age = i64::try_from(number).unwrap();
                let bytes = envelope(&programs, &image.payload, "ec", MediaType::Cose, age);
                let path = folder.path().join(number.to_string());
                std::fs::write(&path, bytes).unwrap();
                image.attachment(path)
            })
            .collect();
        let mut options = attach_options();
        options.form = form_for(kind);
        options.settle = Duration::from_secs(1);
        let run = |half: usize| {
            // The last one is in both halves.
            let mut mine = attachments[half * EACH..(half + 1) * EACH].to_vec();
            mine.push(attachments[2 * EACH].clone());
            let (all, summary) = attach(&client(), &mine, &options);
            assert!(summary.is_complete(), "{kind:?}: {all:?}");
        };
        std::thread::scope(|scope| {
            scope.spawn(|| run(0));
            scope.spawn(|| run(1));
        });
        let reference = world::reference::Reference::new(&programs, &registry);
        let listed = reference.list(&image.reference).unwrap();
        assert_eq!(listed.len(), 2 * EACH + 1, "{kind:?}");
    }
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
        _ => "get",
    }
}

/// Something goes wrong once or twice at each step, and the signature is attached
/// all the same, once.
#[test]
fn faults_on_the_way() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let retry_after: &[(&str, &str)] = &[("Retry-After", "0")];
    type Fault = fn(&[(&str, &str)]) -> Act;
    let faults: [(&str, Fault); 6] = [
        ("429", |headers| Act::Answer(Answer::new(429, headers, ""))),
        ("503", |_| Act::Answer(Answer::new(503, &[], ""))),
        ("hangs", |_| Act::Hang),
        ("reset", |_| Act::Reset),
        ("done, and the reply is lost", |_| Act::Lose),
        ("409", |_| Act::Answer(Answer::new(409, &[], ""))),
    ];
    let mut ran = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let mut pusher = Pusher::start(&programs, &registry);
        let direct = RegistryClient::new(world::ours::options_for(&registry));
        let reference = world::reference::Reference::new(&programs, &registry);
        for wanted in ["post", "put blob", "put manifest", "put list", "list"] {
            for (name, fault) in faults {
                let conflict = name == "409";
                if (wanted == "put list" && kind.has_referrers_api())
                    || (conflict && wanted != "put list")
                {
                    continue;
                }
                let repository = format!("faults/{}", ran);
                let image = Image::push(&registry, &mut pusher, &direct, &repository);
                let file = image.payload.with_extension("cose");
                let bytes = envelope(&programs, &image.payload, "ec", MediaType::Cose, 0);
                std::fs::write(&file, bytes).unwrap();
                let hurt = AtomicUsize::new(0);
                let proxy = Proxy::start(Some(&registry.address), &[], move |asked| {
                    if step(asked) == wanted && hurt.fetch_add(1, Ordering::SeqCst) < 2 {
                        return fault(retry_after);
                    }
                    Act::Pass
                });
                let mut options = world::ours::options_for(&registry);
                quick(&mut options);
                let client = RegistryClient::new(options);
                let mut attachment = image.attachment(file);
                let through = image.reference.replace(&registry.address, &proxy.address);
                attachment.reference = Reference::parse(&through).unwrap();
                let (all, summary) = attach(&client, &[attachment], &attach_options());
                let case = format!("{name} at {wanted} of {kind:?}");
                assert_eq!(summary.attached, 1, "{case}: {all:?}");
                let seen = proxy.asked();
                let count = seen.iter().filter(|one| step(one) == wanted).count();
                assert!(count > 0, "{case}: {count}");
                let listed = reference.list(&image.reference).unwrap();
                assert_eq!(listed.len(), 1, "{case}");
                ran += 1;
            }
        }
    }
    // Four steps of one and five of the other, five faults each, and the conflict.
    assert_eq!(ran, 4 * 5 + 5 * 5 + 1);
}

/// A registry that says that it keeps the list, and does not have the entry on it:
/// once, as by a race inside of it, or always.
#[test]
fn an_entry_that_the_registry_lost() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let mut pusher = Pusher::start(&programs, &registry);
    let direct = RegistryClient::new(world::ours::options_for(&registry));
    for (lost, published) in [(1, 2), (3, 4), (usize::MAX, 10)] {
        let image = Image::push(
            &registry,
            &mut pusher,
            &direct,
            &format!("lost/{published}"),
        );
        let file = image.payload.with_extension("cose");
        let bytes = envelope(&programs, &image.payload, "ec", MediaType::Cose, 0);
        std::fs::write(&file, bytes).unwrap();
        let (written, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let proxy = Proxy::start(Some(&registry.address), &[], move |asked| {
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
        let mut options = world::ours::options_for(&registry);
        quick(&mut options);
        let client = RegistryClient::new(options);
        let mut attachment = image.attachment(file);
        let through = image.reference.replace(&registry.address, &proxy.address);
        attachment.reference = Reference::parse(&through).unwrap();
        let mut options = attach_options();
        options.settle = Duration::from_millis(1);
        let (all, summary) = attach(&client, &[attachment], &options);
        if lost == usize::MAX {
            let reason = all[0].result.reason().unwrap();
            assert!(reason.contains("not to be relied on"), "{reason}");
        } else {
            assert_eq!(summary.attached, 1, "{all:?}");
        }
        let seen = proxy.asked();
        let puts = seen.iter().filter(|one| step(one) == "put manifest");
        assert_eq!(puts.count(), published);
    }
}

fn quick(options: &mut RegistryOptions) {
    options.pace.attempt_timeout = Duration::from_secs(3);
    options.pace.first_pause = Duration::from_millis(20);
}

/// CVE-2026-50151 (upload Location): another server gets the content and nothing
/// else.
#[test]
fn an_upload_elsewhere_gets_no_credentials() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let registry = Registry::start(&programs, Kind::Olareg, Security::OPEN);
    let mut pusher = Pusher::start(&programs, &registry);
    let mut options = world::ours::options_for(&registry);
    options.credentials = world::ours::account();
    quick(&mut options);
    let client = RegistryClient::new(options);
    let image = Image::push(&registry, &mut pusher, &client, "elsewhere/app");
    let file = image.payload.with_extension("cose");
    let bytes = envelope(&programs, &image.payload, "ec", MediaType::Cose, 0);
    std::fs::write(&file, &bytes).unwrap();

    let stored = Mutex::new(Vec::new());
    let stored: &'static Mutex<Vec<Asked>> = Box::leak(Box::new(stored));
    let storage = Proxy::start(None, &[], move |asked| {
        stored.lock().unwrap().push(asked.clone());
        Act::Answer(Answer::new(201, &[], ""))
    });
    let elsewhere = format!("http://{}/upload?ticket=1", storage.address);
    let proxy = Proxy::start(Some(&registry.address), &[], move |asked| {
        let elsewhere = elsewhere.clone();
        if asked.header("authorization").is_none() {
            let wants = [("WWW-Authenticate", "Basic realm=\"r\"")];
            return Act::Answer(Answer::new(401, &wants, ""));
        }
        match step(asked) {
            "post" => Act::Edit(Box::new(move |answer| {
                if answer.status == 202 {
                    answer.set("Location", elsewhere);
                }
            })),
            _ => Act::Pass,
        }
    });
    let mut attachment = image.attachment(file);
    let through = image.reference.replace(&registry.address, &proxy.address);
    attachment.reference = Reference::parse(&through).unwrap();
    let (all, _) = attach(&client, &[attachment], &attach_options());
    // The registry does not have what went elsewhere, and takes no manifest of it.
    assert!(matches!(all[0].result, AttachResult::Failed(_)), "{all:?}");
    let with_credentials = proxy
        .asked()
        .iter()
        .filter(|one| one.header("authorization").is_some())
        .count();
    assert!(with_credentials > 0, "the registry gets them");
    let stored = stored.lock().unwrap();
    assert!(stored.iter().any(|one| one.body == bytes));
    for one in stored.iter() {
        assert_eq!(one.method, "PUT");
        assert!(one.header("authorization").is_none(), "{:?}", one.headers);
        assert!(one.target.starts_with("/upload?ticket=1&digest=sha256%3A"));
    }
}

/// With accounts and tokens, with and without TLS: a token that may push.
#[test]
fn guarded_registries() {
    let Some(programs) = world::programs::programs() else {
        return;
    };
    let mut attached = 0;
    for kind in [Kind::Olareg, Kind::Distribution] {
        for security in Security::ALL {
            if security.access == Access::Anyone {
                continue;
            }
            let registry = Registry::start(&programs, kind, security);
            let mut pusher = Pusher::start(&programs, &registry);
            let mut options = world::ours::options_for(&registry);
            options.credentials = world::ours::account();
            let client = RegistryClient::new(options);
            let image = Image::push(&registry, &mut pusher, &client, "guarded/app");
            let file = image.payload.with_extension("cose");
            let bytes = envelope(&programs, &image.payload, "rsa", MediaType::Cose, 0);
            std::fs::write(&file, bytes).unwrap();
            let attachment = image.attachment(file);
            let (all, summary) = attach(
                &client,
                std::slice::from_ref(&attachment),
                &attach_options(),
            );
            assert_eq!(summary.attached, 1, "{kind:?} {security:?}: {all:?}");
            let reference = world::reference::Reference::new(&programs, &registry);
            let (accepts, says) = reference.verify(&image.reference, &[]);
            assert!(accepts, "{kind:?} {security:?}: {says}");
            // Without an account nothing is written.
            let stranger = RegistryClient::new(world::ours::options_for(&registry));
            let (all, summary) = attach(&stranger, &[attachment], &attach_options());
            assert_eq!(summary.failed, 1, "{kind:?} {security:?}: {all:?}");
            attached += 1;
        }
    }
    assert_eq!(attached, 8);
}

/// Requests for each of many images.
#[test]
fn requests_are_few() {
    const IMAGES: usize = 20;
    let Some(programs) = world::programs::programs() else {
        return;
    };
    // The list, the upload in two steps, the manifest, the list again; under tags the
    // list is read and written besides. The config comes once for a repository.
    for (kind, each, once) in [(Kind::Olareg, 5, 3), (Kind::Debian, 7, 3)] {
        let registry = Registry::start(&programs, kind, Security::OPEN);
        let client = RegistryClient::new(world::ours::options_for(&registry));
        let mut pusher = Pusher::start(&programs, &registry);
        let wanted: Vec<Reference> = (0..IMAGES)
            .map(|number| {
                let digest = pusher.one(&json!({
                    "op": "image", "repository": "few/app", "tag": format!("v{number}"),
                    "text": number.to_string(),
                }));
                Reference::parse(&registry.reference("few/app", &digest)).unwrap()
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let options = PayloadOptions::new(folder.path());
        let (map, summary) = write_payloads(&client, &wanted, &options, &mut |_| {});
        assert_eq!(summary.written, IMAGES);
        let images = u64::try_from(IMAGES).unwrap();
        assert_eq!(client.statistics().requests, images);
        for entry in map.entries() {
            let path = folder.path().join(&entry.payload);
            let bytes = envelope(&programs, &path, "ec", MediaType::Cose, 0);
            std::fs::write(&path, bytes).unwrap();
        }
        let mut options = attach_options();
        // Several would look for the config, and for the API, at the same time.
        options.concurrency = 1;
        let attachments = of_map(&map, folder.path());
        let (_, summary) = attach(&client, &attachments, &options);
        assert_eq!(summary.attached, IMAGES);
        let asked = client.statistics().requests - images;
        let most = each * images + once + 2;
        assert!(asked <= most, "{kind:?}: {asked} requests, {most} expected");
        println!("{kind:?}: {asked} requests for {IMAGES} images");
    }
}
