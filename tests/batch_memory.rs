//! Memory of a long run. A program of its own, because the kernel counts the
//! peak for the whole process.

#![cfg(all(feature = "io", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use notation_verifier::io::batch::{BatchOptions, ImageStatus, Order, verify_images};
use notation_verifier::io::{ConfigDirectory, Layout};
use notation_verifier::session::ImageRequest;
use notation_verifier::{Limits, Provider, Time, Verifier};

/// What five times as many images may take more, in KiB: threads and allocators
/// do not come back to exactly the same.
const MAX_GROWTH_KIB: usize = 2 * 1024;

/// The most memory that this process has had so far, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

fn run(verifier: &Verifier, layout: &Arc<Layout>, count: usize, order: Order) {
    // Made when it is asked for, with a name of its own.
    let images = (0..count).map(|number| ImageRequest {
        name: format!("registry.example/demo/app:{number:0200}"),
        scope: "registry.example/demo/app".to_owned(),
        reference: "v1".to_owned(),
        user_metadata: [].into(),
        max_signatures: None,
        all_signatures: false,
        platforms: notation_verifier::session::Platforms::Named,
        now: Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap(),
    });
    let mut options = BatchOptions::default();
    options.order = order;
    let layout = Arc::clone(layout);
    let summary = verify_images(verifier, images, layout, &options, &mut |one| {
        assert_eq!(one.status(), ImageStatus::Verified);
    });
    assert_eq!(summary.count(ImageStatus::Verified), count);
    assert!(summary.all_verified());
}

#[test]
fn five_times_the_images_take_no_more_memory() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo");
    let limits = Limits::default();
    let verifier = ConfigDirectory::at(demo.join("config"))
        .oci_verifier(Provider::preferred(), limits.clone())
        .unwrap()
        .verifier;
    let layout = Arc::new(Layout::open(demo.join("layout"), &limits).unwrap());
    run(&verifier, &layout, 400, Order::AsFinished);
    let before = peak();
    run(&verifier, &layout, 2000, Order::AsFinished);
    run(&verifier, &layout, 2000, Order::AsGiven);
    let after = peak();
    println!("peak memory: {before} KiB after 400 images, {after} KiB after 4,400");
    assert!(
        after < before + MAX_GROWTH_KIB,
        "{before} KiB, then {after} KiB"
    );
}
