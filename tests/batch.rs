//! Many images in one run: counts, order, laziness, and runs that end early.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "session/registry.rs"]
#[allow(dead_code, reason = "the other suite needs more of it")]
mod registry;
mod signed;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use notation_verifier::ErrorKind;
use notation_verifier::io::batch::{
    BatchOptions, Finished, Hosts, ImageResult, ImageStatus, OnFailure, Order, Stop, Summary,
    verify_images,
};
use notation_verifier::io::{Budget, Cancel, Host, Run};
use notation_verifier::session::{ImageRequest, Need, Platforms, Reply, Request};
use notation_verifier::trust::StoreKind;
use notation_verifier::{Error, Limits, OciPolicy, Provider, TrustStore, Verifier};

use registry::{Registry, image_request, verifier};

/// Time for what happens at once, on any machine.
const SOON: Duration = Duration::from_secs(30);

/// A world in which the name of an image says how it goes.
#[derive(Default)]
struct World {
    begun: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    /// Where images of the name `meet` wait for each other.
    meeting: Option<Barrier>,
    /// Opened, images of the name `gate` go on.
    gate: (Mutex<bool>, Condvar),
    cancel: Cancel,
}

impl World {
    fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

struct Answers<'a> {
    world: &'a World,
    name: String,
    registry: Registry,
}

/// The hosts of a world that a test looks into.
struct Shared(Arc<World>);

impl Hosts for Shared {
    fn host(&self, image: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let mut registry = match image.name.as_str() {
            "unsigned" | "no host" => Registry::default(),
            "rejected" => {
                let mut registry = Registry::with_good();
                registry.flipped = Some("envelope");
                registry
            }
            _ => Registry::with_good(),
        };
        registry.image();
        if image.name == "no host" {
            return Err(Error::new(ErrorKind::Usage, "there is no such registry"));
        }
        assert!(image.name != "panic early", "no host today");
        Ok(Box::new(Answers {
            world: &self.0,
            name: image.name.clone(),
            registry,
        }))
    }
}

impl Host for Answers<'_> {
    fn fetch(&mut self, need: &Need) -> Reply {
        if !matches!(need.request, Request::Resolve { .. }) {
            return self.registry.fetch(need);
        }
        let world = self.world;
        let now = world.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        world.most_at_once.fetch_max(now, Ordering::SeqCst);
        match self.name.as_str() {
            "failed" => {
                world.at_once.fetch_sub(1, Ordering::SeqCst);
                return Reply::Failed("the registry is down".to_owned());
            }
            "panic" => panic!("a host with a defect"),
            "meet" => {
                world.meeting.as_ref().unwrap().wait();
            }
            "gate" => {
                let open = world.gate.0.lock().unwrap();
                drop(world.gate.1.wait_while(open, |open| !*open).unwrap());
            }
            "until cancelled" => {
                while !world.cancel.is_cancelled() {
                    thread::sleep(Duration::from_millis(5));
                }
                return Reply::Failed("cancelled".to_owned());
            }
            _ => {}
        }
        world.at_once.fetch_sub(1, Ordering::SeqCst);
        self.registry.fetch(need)
    }
}

fn image(name: &str) -> ImageRequest {
    let mut request = image_request("v1");
    request.name = name.to_owned();
    request
}

fn images(names: &[&str]) -> Vec<ImageRequest> {
    names.iter().map(|name| image(name)).collect()
}

fn options(concurrency: usize) -> BatchOptions {
    let mut options = BatchOptions::default();
    options.concurrency = concurrency;
    options
}

fn run(world: &Arc<World>, names: &[&str], options: &BatchOptions) -> (Summary, Vec<Finished>) {
    let mut finished = Vec::new();
    let summary = verify_images(
        &verifier(),
        images(names),
        Arc::new(Shared(Arc::clone(world))),
        options,
        &mut |one| finished.push(one),
    );
    assert_eq!(summary.total(), finished.len());
    for (status, count) in summary.counts() {
        let seen = finished.iter().filter(|one| one.status() == status).count();
        assert_eq!(count, seen, "{}", status.as_str());
    }
    (summary, finished)
}

fn by_name(finished: &[Finished]) -> BTreeMap<&str, ImageStatus> {
    finished
        .iter()
        .map(|one| (one.name.as_str(), one.status()))
        .collect()
}

#[test]
fn every_way_to_end_is_counted_as_itself() {
    let names = [
        "verified",
        "unsigned",
        "rejected",
        "failed",
        "no host",
        "panic",
        "panic early",
        "verified too",
    ];
    for concurrency in [1, 3, 100] {
        let world = Arc::new(World::default());
        let (summary, finished) = run(&world, &names, &options(concurrency));
        let expected = [
            ("verified", ImageStatus::Verified),
            ("unsigned", ImageStatus::Unsigned),
            ("rejected", ImageStatus::Rejected),
            ("failed", ImageStatus::LookupFailed),
            ("no host", ImageStatus::Error),
            ("panic", ImageStatus::Error),
            ("panic early", ImageStatus::Error),
            ("verified too", ImageStatus::Verified),
        ];
        assert_eq!(by_name(&finished), BTreeMap::from(expected));
        assert_eq!((summary.total(), summary.stopped()), (8, None));
        assert!(!summary.all_verified());
    }
}

#[test]
fn a_panic_is_an_error_of_its_image_and_says_what_it_said() {
    let world = Arc::new(World::default());
    // One thread: the image after the panic needs the same one.
    let (summary, finished) = run(&world, &["panic", "verified"], &options(1));
    let ImageResult::Error(error) = &finished[0].result else {
        panic!("{finished:?}")
    };
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(
        error.to_string().contains("`a host with a defect`"),
        "{error}"
    );
    assert_eq!(summary.count(ImageStatus::Verified), 1);
}

#[test]
fn no_image_is_not_all_verified() {
    let world = Arc::new(World::default());
    let (summary, _) = run(&world, &[], &options(4));
    assert_eq!(summary.total(), 0);
    assert!(!summary.all_verified());
    let (summary, _) = run(&world, &["verified"; 3], &options(4));
    assert!(summary.all_verified());
}

#[test]
fn as_many_at_the_same_time_as_asked_for_and_no_more() {
    let world = Arc::new(World {
        meeting: Some(Barrier::new(4)),
        ..World::default()
    });
    // Each waits until four are there: with fewer at once this never ends.
    let (summary, _) = run(&world, &["meet"; 12], &options(4));
    assert!(summary.all_verified());
    assert_eq!(world.most_at_once.load(Ordering::SeqCst), 4);
}

#[test]
fn images_come_back_in_their_order_where_that_is_asked_for() {
    let world = Arc::new(World::default());
    let mut names = vec!["gate"];
    names.extend(["verified"; 30]);
    let mut options = options(3);
    options.order = Order::AsGiven;
    let mut order = Vec::new();
    let waiting = Cell::new(0_usize);
    let opener = {
        let world = Arc::clone(&world);
        thread::spawn(move || {
            // The first image waits, and the others go on only as far as is kept.
            let begun = Instant::now();
            while world.begun.load(Ordering::SeqCst) < 12 && begun.elapsed() < SOON {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(100));
            let begun = world.begun.load(Ordering::SeqCst);
            world.open_gate();
            begun
        })
    };
    let images = names.iter().map(|name| {
        waiting.set(waiting.get() + 1);
        image(name)
    });
    let hosts = Arc::new(Shared(Arc::clone(&world)));
    let summary = verify_images(&verifier(), images, hosts, &options, &mut |one| {
        waiting.set(waiting.get() - 1);
        order.push(one.index);
        assert!(waiting.get() <= 12, "{} are kept", waiting.get());
    });
    assert!(summary.all_verified());
    assert_eq!(order, (0..31).collect::<Vec<_>>());
    assert_eq!(opener.join().unwrap(), 12);
}

#[test]
fn images_are_taken_when_there_is_room_and_on_the_thread_of_the_caller() {
    let world = Arc::new(World::default());
    let caller = thread::current().id();
    let waiting = Cell::new(0_usize);
    let most = Cell::new(0_usize);
    let images = (0..50).map(|_| {
        assert_eq!(thread::current().id(), caller);
        waiting.set(waiting.get() + 1);
        most.set(most.get().max(waiting.get()));
        image("verified")
    });
    let hosts = Arc::new(Shared(Arc::clone(&world)));
    let summary = verify_images(&verifier(), images, hosts, &options(3), &mut |_| {
        assert_eq!(thread::current().id(), caller);
        waiting.set(waiting.get() - 1);
    });
    assert_eq!(summary.count(ImageStatus::Verified), 50);
    assert_eq!(most.get(), 3);
}

#[test]
fn the_first_failure_ends_the_run_where_that_is_asked_for() {
    for (failing, stops) in [
        ("unsigned", true),
        ("rejected", true),
        ("failed", true),
        ("no host", true),
        ("verified", false),
    ] {
        let world = Arc::new(World::default());
        let mut options = options(1);
        options.on_failure = OnFailure::Stop;
        let names = ["verified", failing, "verified", "verified"];
        let (summary, finished) = run(&world, &names, &options);
        if stops {
            assert_eq!(summary.stopped(), Some(Stop::Failure), "{failing}");
            assert_eq!(summary.count(ImageStatus::NotDone), 2, "{failing}");
            assert_eq!(world.begun.load(Ordering::SeqCst), 2, "{failing}");
            let indexes: Vec<usize> = finished.iter().map(|one| one.index).collect();
            assert_eq!(indexes, [0, 1, 2, 3]);
        } else {
            assert_eq!((summary.stopped(), summary.total()), (None, 4));
        }
    }
}

/// Runs `names` in a thread, and gives what comes of them where it ends soon.
fn run_apart(
    world: &Arc<World>,
    names: &'static [&'static str],
    options: BatchOptions,
) -> Receiver<(Summary, Vec<Finished>)> {
    let (sender, ended): (Sender<_>, _) = channel();
    let world = Arc::clone(world);
    thread::spawn(move || {
        drop(sender.send(run(&world, names, &options)));
    });
    ended
}

#[test]
fn a_cancelled_run_says_what_was_done_also_where_a_host_hangs() {
    // One host notices, the other one never comes back.
    for name in [
        &["verified", "until cancelled", "verified", "verified"],
        &["verified", "gate", "verified", "verified"],
    ] {
        let world = Arc::new(World::default());
        let mut options = options(1);
        options.run = Run::default().with_cancel(world.cancel.clone());
        let ended = run_apart(&world, name, options);
        let begun = Instant::now();
        while world.begun.load(Ordering::SeqCst) < 2 {
            assert!(begun.elapsed() < SOON);
            thread::sleep(Duration::from_millis(5));
        }
        assert!(ended.try_recv().is_err(), "it waits");
        world.cancel.cancel();
        let (summary, finished) = ended.recv_timeout(SOON).expect("it ends");
        assert_eq!(summary.stopped(), Some(Stop::Cancelled));
        assert_eq!(summary.count(ImageStatus::Verified), 1);
        assert_eq!(summary.count(ImageStatus::NotDone), 3);
        assert_eq!(finished[1].name, name[1]);
        assert!(matches!(
            finished[3].result,
            ImageResult::NotDone(Stop::Cancelled)
        ));
        assert_eq!(finished[3].to_json()["notDone"], "cancelled");
        world.open_gate();
    }
}

#[test]
fn a_run_without_time_left_ends_the_same_way() {
    let world = Arc::new(World::default());
    let mut options = options(2);
    options.run = Run::default().with_budget(Budget::of(Duration::from_millis(300)));
    let ended = run_apart(&world, &["gate", "gate", "verified"], options);
    let (summary, _) = ended.recv_timeout(SOON).expect("it ends");
    assert_eq!(summary.stopped(), Some(Stop::TimeOver));
    assert_eq!(summary.count(ImageStatus::NotDone), 3);
    world.open_gate();

    let mut options = BatchOptions::default();
    options.run = Run::default().with_budget(Budget::of(Duration::ZERO));
    let (summary, _) = run(&world, &["verified"; 3], &options);
    assert_eq!(summary.count(ImageStatus::NotDone), 3);
}

#[test]
fn a_verifier_without_a_policy_is_an_error_of_each_image() {
    let world = Arc::new(World::default());
    let mut errors = 0;
    let summary = verify_images(
        &Verifier::builder().build(),
        images(&["verified", "verified"]),
        Arc::new(Shared(world)),
        &options(2),
        &mut |one| {
            let document = one.to_json();
            assert_eq!(document["status"], "error");
            assert_eq!(document["report"]["error"]["kind"], "trust-policy");
            errors += 1;
        },
    );
    assert_eq!((errors, summary.count(ImageStatus::Error)), (2, 2));
}

/// A registry whose run is cancelled when somebody asks about revocation.
struct CancelledAtRevocation {
    store: signed::Store,
    /// `None`: it answers that it does not know, and nobody cancels.
    cancel: Option<Cancel>,
}

struct AtRevocation<'a> {
    world: &'a CancelledAtRevocation,
    inner: signed::Asked<'a>,
}

impl Hosts for CancelledAtRevocation {
    fn host(&self, _: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        Ok(Box::new(AtRevocation {
            world: self,
            inner: signed::Asked::new(&self.store),
        }))
    }
}

impl Host for AtRevocation<'_> {
    fn fetch(&mut self, need: &Need) -> Reply {
        if matches!(need.request, Request::Evidence(_)) {
            if let Some(cancel) = &self.world.cancel {
                cancel.cancel();
            }
            return Reply::Failed("the run is over".to_owned());
        }
        self.inner.fetch(need)
    }
}

#[test]
fn a_revocation_status_that_the_end_of_the_run_cut_off_rejects_nothing() {
    const CA: &[u8] = include_bytes!("keys/revocation-ca.der");
    const LEAF: &[u8] = include_bytes!("keys/revocation-leaf.der");
    let limits = Limits::default();
    let policy = signed::POLICY.replace(r#", "override": {"revocation": "skip"}"#, "");
    let trust = TrustStore::builder()
        .add_pem(
            StoreKind::Ca,
            "test",
            &signed::pem("CERTIFICATE", CA),
            &Provider::preferred(),
            &limits,
        )
        .unwrap()
        .build();
    let verifier = Verifier::builder()
        .oci_policy(OciPolicy::parse(policy.as_bytes(), &limits).unwrap())
        .trust_store(trust)
        .build();
    for cancelled in [false, true] {
        let mut store = signed::Store::default();
        let image = store.image("a");
        store.sign_with(&image, &[LEAF, CA]);
        let cancel = Cancel::new();
        let mut options = options(1);
        options.run = Run::default().with_cancel(cancel.clone());
        let hosts = CancelledAtRevocation {
            store,
            cancel: cancelled.then_some(cancel),
        };
        let images = [signed::request(&image.digest, Platforms::Named)];
        let summary = verify_images(&verifier, images, Arc::new(hosts), &options, &mut |_| {});
        let expected = if cancelled {
            ImageStatus::NotDone
        } else {
            ImageStatus::Rejected
        };
        assert_eq!(summary.count(expected), 1, "{summary:?}");
    }
}
