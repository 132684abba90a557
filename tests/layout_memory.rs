//! Peak memory on hostile layouts. A program of its own, because the kernel
//! counts the peak for the whole process.

#![cfg(all(feature = "io", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod layouts;

use std::io::{self, Cursor, Read};

use layouts::{Archive, World, descriptor, digest};
use notation_verifier::error::ErrorKind;
use notation_verifier::io::layout::Layout;
use notation_verifier::limits::Limits;
use notation_verifier::oci::media_type::OCI_MANIFEST;
use notation_verifier::oci::{Index, Manifest, SignatureManifest};

/// What the project allows itself, in KiB.
const MAX_PEAK_KIB: usize = 64 * 1024;

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

/// Headers of blobs that are made while they are read.
struct Headers {
    block: Cursor<Vec<u8>>,
    left: u32,
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.block.read(buffer)?;
        if count > 0 || self.left == 0 {
            return Ok(count);
        }
        self.left -= 1;
        let name = format!("blobs/sha256/{:064x}", self.left);
        self.block = Cursor::new(Archive::default().file(&name, b"x").unended());
        self.block.read(buffer)
    }
}

#[test]
fn peak_memory_stays_small() {
    let limits = Limits::default();
    let fill = |start: &str, element: &str, end: &str| {
        let room = limits.manifest_bytes - start.len() - end.len();
        let mut text = String::with_capacity(limits.manifest_bytes);
        text.push_str(start);
        text.push_str(&element.repeat(room / element.len()));
        text.truncate(text.len() - usize::from(element.ends_with(',')));
        text + end
    };

    // As many blobs as an archive may have.
    let headers = Headers {
        block: Cursor::default(),
        left: 100_000,
    };
    assert!(Layout::from_tar_reader(headers, &limits).is_err());

    // Documents as long as they may be, of what takes most memory when parsed.
    let subject = descriptor(OCI_MANIFEST, &digest(b"x"), 1);
    let documents = [
        fill("{\"manifests\":[", "{},", "]}"),
        fill("{\"manifests\":[", "{\"size\":0,\"digest\":\"a:b\"},", "]}"),
        fill("{\"x\":[", "[],", "]}"),
        fill("{\"x\":", "[", "}"),
        fill("{\"x\":\"", "\\u0000", "\"}"),
        fill("{\"layers\":[", "{},", "],\"config\":{}}"),
        fill(
            "{\"config\":{},\"layers\":[",
            "{\"digest\":\"a:b\",\"size\":1},",
            "]}",
        ),
        fill("{\"config\":{\"digest\":\"", "a", "\"}}"),
    ];
    for document in &documents {
        let bytes = document.as_bytes();
        assert!(bytes.len() <= limits.manifest_bytes);
        drop(Index::parse(bytes, &limits));
        drop(Manifest::parse(bytes, &limits));
        assert!(SignatureManifest::parse(bytes, &subject, &limits).is_err());
        let archive = Archive::default()
            .file("oci-layout", World::MARKER)
            .file("index.json", bytes)
            .bytes();
        drop(Layout::from_tar_reader(archive.as_slice(), &limits));
    }
    let pairs: String = (0..300_000)
        .map(|number| format!("\"{number}\":\"\","))
        .collect();
    let annotations = format!("{{\"annotations\":{{{pairs}\"x\":\"\"}},\"layers\":[{{}}]}}");
    assert!(SignatureManifest::parse(annotations.as_bytes(), &subject, &limits).is_err());
    drop((documents, pairs, annotations));

    // A blob that claims a gigabyte, by its descriptor and by its header.
    let mut world = World::signed();
    let mut claim = descriptor(OCI_MANIFEST, &digest(b"claim"), 1 << 30);
    world.list_descriptor(&claim);
    let name = format!("blobs/sha256/{}", &claim.digest[7..]);
    let archive = world.archive().claim(b'0', &name, 1 << 30).unended();
    let endless = Cursor::new(archive.clone()).chain(io::repeat(0).take(1 << 30));
    let layout = Layout::from_tar_reader(endless, &limits).unwrap();
    assert_eq!(layout.referrers(&world.image).signatures.len(), 1);
    for size in [1 << 30, 1000] {
        claim.size = size;
        assert!(layout.read(&claim, limits.envelope_bytes).is_err());
    }
    let found = layout.referrers(&world.image);
    assert!(
        found
            .problems
            .iter()
            .any(|error| error.kind() == ErrorKind::LimitExceeded)
    );
    assert!(Layout::from_tar(Cursor::new(archive), &limits).is_err());

    let peak = peak();
    println!("peak memory: {peak} KiB");
    assert!(peak < MAX_PEAK_KIB, "{peak} KiB");
}
