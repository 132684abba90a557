//! Layouts that were made to do harm: each ends in a clear error, or without the
//! part that is bad.

#![cfg(feature = "io")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::field_reassign_with_default
)]

mod layouts;

use std::fs;
use std::io::{self, Cursor, Read};

use layouts::{Archive, World, descriptor, digest};
use notation_verifier::error::{Error, ErrorKind};
use notation_verifier::io::layout::{Layout, LayoutError};
use notation_verifier::limits::Limits;
use notation_verifier::oci::media_type::{NOTARY_SIGNATURE, OCI_INDEX, OCI_MANIFEST, OCTET_STREAM};
use serde_json::json;

/// Opens an archive both ways; both must refuse it, with `text` in the error.
fn refused(archive: &[u8], text: &str) -> Vec<Error> {
    refused_with(archive, text, &Limits::default())
}

fn refused_with(archive: &[u8], text: &str, limits: &Limits) -> Vec<Error> {
    let file = Layout::from_tar(Cursor::new(archive.to_vec()), limits);
    let stream = Layout::from_tar_reader(archive, limits);
    [("file", file), ("stream", stream)]
        .into_iter()
        .map(|(how, result)| {
            let error = result.expect_err(&format!("as {how}, wanted `{text}`"));
            assert!(!error.is_not_found(), "{error}");
            let shown = error.to_string();
            assert!(shown.contains(text), "as {how}: `{shown}` is not `{text}`");
            assert!(shown.len() < 600, "{shown}");
            Error::from(error)
        })
        .collect()
}

fn accepted(archive: &[u8]) -> Vec<Layout> {
    let limits = Limits::default();
    vec![
        Layout::from_tar(Cursor::new(archive.to_vec()), &limits).unwrap(),
        Layout::from_tar_reader(archive, &limits).unwrap(),
    ]
}

fn good() -> Archive {
    World::signed().archive()
}

#[test]
fn links_and_devices() {
    for (kind, text) in [
        (b'1', "is a link"),
        (b'2', "is a link"),
        (b'K', "is a link"),
        (b'3', "device"),
        (b'4', "device"),
        (b'6', "pipe"),
        (b'S', "sparse"),
        (b'V', "unknown type"),
        (b'M', "unknown type"),
        (b'D', "unknown type"),
        (0xff, "unknown type"),
    ] {
        for name in ["index.json", "elsewhere", "blobs/sha256/x"] {
            refused(&good().entry(kind, name, b"").bytes(), text);
        }
    }
    for record in [
        "linkpath=../../etc/passwd",
        "GNU.sparse.major=1",
        "GNU.sparse.realsize=9",
    ] {
        let text = if record.starts_with('l') {
            "links"
        } else {
            "sparse"
        };
        refused(&good().pax(record).file("elsewhere", b"").bytes(), text);
    }
}

#[test]
fn names_that_lead_elsewhere() {
    for name in [
        "../index.json",
        "a/../../b",
        "blobs/../oci-layout",
        "..",
        "./..",
    ] {
        refused(&good().file(name, b"x").bytes(), "leads out");
        refused(&good().entry(b'5', name, b"").bytes(), "leads out");
        refused(&good().long_name(name).file("x", b"x").bytes(), "leads out");
        let record = format!("path={name}");
        refused(&good().pax(&record).file("x", b"x").bytes(), "leads out");
    }
    for name in ["/index.json", "//x"] {
        refused(&good().file(name, b"x").bytes(), "absolute");
    }
    refused(&good().file("", b"x").bytes(), "empty");
    refused(
        &good().pax("path=a\0b").file("x", b"x").bytes(),
        "zero octet",
    );
}

#[test]
fn one_name_twice() {
    let blob = format!("blobs/sha256/{}", &digest(b"{}")[7..]);
    for name in [
        "index.json",
        "./index.json",
        "oci-layout",
        "././/oci-layout",
    ] {
        refused(&good().file(name, b"{}").bytes(), "twice");
        let record = format!("path={name}");
        refused(&good().pax(&record).file("x", b"{}").bytes(), "twice");
        refused(&good().long_name(name).file("x", b"{}").bytes(), "twice");
    }
    refused(
        &good().file(&blob, b"{}").file(&blob, b"x").bytes(),
        "twice",
    );
    refused(
        &good().entry(b'5', "index.json", b"").bytes(),
        "should be a file",
    );
    refused(&good().file("index.json/", b"").bytes(), "should be a file");
    // Two names for one entry.
    refused(
        &good().long_name("a").long_name("b").file("c", b"").bytes(),
        "two names",
    );
    refused(
        &good().pax("path=a").long_name("b").file("c", b"").bytes(),
        "two names",
    );
    refused(
        &good().pax("size=1").pax("size=2").file("c", b"x").bytes(),
        "two sizes",
    );
}

#[test]
fn what_no_layout_needs_is_passed_over() {
    let archive = good()
        .file("manifest.json", b"[]")
        .file("blobs/sha256/not-a-digest", b"x")
        .file("blobs/md5/0123", b"x")
        .file("sub/index.json", b"x")
        .file("\u{fffd}", b"x")
        .entry(b'7', "contiguous", b"x")
        .entry(b'5', "blobs/", b"")
        .entry(
            b'g',
            "pax_global_header",
            b"52 comment=0123456789012345678901234567890123456789\n",
        )
        .pax("mtime=1.5")
        .file("timed", b"x");
    for layout in accepted(&archive.bytes()) {
        let subject = layout.resolve("v1").unwrap();
        assert_eq!(layout.referrers(&subject).signatures.len(), 1);
    }
}

#[test]
fn long_names_are_read() {
    let world = World::signed();
    let mut archive = Archive::default().file("./oci-layout", World::MARKER);
    for (name, content) in world.blob_files() {
        archive = archive
            .long_name(&format!("./{name}"))
            .file("short", content);
    }
    let index = world.index();
    let archive = archive.pax("path=./index.json").file("short", &index);
    for layout in accepted(&archive.bytes()) {
        let subject = layout.resolve("v1").unwrap();
        assert_eq!(layout.referrers(&subject).signatures.len(), 1);
    }
}

#[test]
fn sizes_that_lie() {
    let huge = [u64::MAX, u64::MAX - 511, 1 << 63, 1 << 40, 1 << 30, 2048];
    for size in huge {
        let claim = good().claim(b'0', "blobs/sha256/x", size);
        refused(&claim.unended(), "ends within an entry");
        let claim = good().pax(&format!("size={size}")).file("x", b"");
        refused(&claim.unended(), "ends within an entry");
        let claim = good().claim(b'5', "directory", size);
        refused(&claim.unended(), "has content");
        for kind in [b'L', b'x', b'g'] {
            let claim = good().claim(kind, "extended", size);
            let error = if size > 1 << 20 {
                "the limit is"
            } else {
                "ends within"
            };
            refused(&claim.unended(), error);
        }
    }
    for field in [
        [0xff; 12],
        [0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        [0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        *b"00000000009\0",
        *b"-1\0\0\0\0\0\0\0\0\0\0",
        *b"0x10\0\0\0\0\0\0\0\0",
    ] {
        refused(&good().size_field(field).bytes(), "not a number");
    }
    for record in [
        "size=-1",
        "size=",
        "size=99999999999999999999",
        "size=+1",
        "size=1 ",
    ] {
        refused(&good().pax(record).file("x", b"x").bytes(), "malformed");
    }
    refused(
        &good()
            .pax("size=1")
            .entry(b'g', "x", b"11 size=12\n")
            .bytes(),
        "global header",
    );
}

#[test]
fn malformed_extended_headers() {
    for records in [
        &b"path=x\n"[..],
        b"9 path=x",
        b"99 path=x\n",
        b"0 path=x\n",
        b"1 path=x\n",
        b" 9 path=x\n",
        b"+9 path=x\n",
        b"9 path x\n",
        b"18446744073709551616 path=x\n",
        b"\0",
    ] {
        let archive = good().entry(b'x', "extended", records).file("y", b"");
        refused(&archive.bytes(), "malformed");
    }
    refused(&good().pax("path=x").bytes(), "belongs to no entry");
    let long = format!("path={}", "a".repeat(5000));
    refused(&good().pax(&long).file("x", b"").bytes(), "limit");
    refused(
        &good().long_name(&"a".repeat(5000)).file("x", b"").bytes(),
        "limit",
    );
}

#[test]
fn ends() {
    let good = good().bytes();
    for length in [1, 100, 511, 513, 600, 1023, 1024, 1025] {
        let result = Layout::from_tar_reader(&good[..length], &Limits::default());
        assert!(result.is_err(), "{length}");
    }
    // Without the blocks that mark the end.
    accepted(&good[..good.len() - 1024]);
    accepted(&good[..good.len() - 512]);
    // With an entry after one empty block, which some readers stop at.
    let mut hidden = good[..good.len() - 512].to_vec();
    hidden.extend(Archive::default().file("index.json", b"{}").bytes());
    refused(&hidden, "after its end");
    // What follows two is no part of the archive.
    let mut after = good.clone();
    after.extend([0x55; 700]);
    accepted(&after);
    // A checksum that is wrong.
    let mut damaged = good;
    damaged[512 * 2 + 10] ^= 1;
    refused(&damaged, "checksum");
}

#[test]
fn other_formats_are_named() {
    let mut gzip = vec![0x1f, 0x8b, 8, 0];
    gzip.resize(2000, 7);
    for (bytes, text) in [
        (&gzip[..], "gzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd][..], "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"{\"schemaVersion\":2}", "no tar archive"),
        (&[7; 4096], "no tar archive"),
        (b"", "`oci-layout` is missing"),
        (&[0; 4096], "`oci-layout` is missing"),
    ] {
        refused(bytes, text);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layout.tgz");
    fs::write(&file, &gzip).unwrap();
    let error = Layout::open(&file, &Limits::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("layout.tgz") && error.contains("gunzip"),
        "{error}"
    );
}

#[test]
fn top_level_files() {
    let archive = |marker: &[u8], index: &[u8]| {
        Archive::default()
            .file("oci-layout", marker)
            .file("index.json", index)
            .bytes()
    };
    for (marker, text) in [
        (&br#"{"imageLayoutVersion":"1.0.1"}"#[..], "version `1.0.1`"),
        (br#"{"imageLayoutVersion":1}"#, "not JSON"),
        (b"{}", "not JSON"),
        (b"", "not JSON"),
        (br#"{"imageLayoutVersion":"1.0.0"}{}"#, "not JSON"),
        (&[b' '; 65 * 1024], "the limit is"),
    ] {
        refused(&archive(marker, b"{}"), text);
    }
    for (index, text) in [
        (&b""[..], "malformed"),
        (b"[]", "malformed"),
        (br#"{"manifests":[]} x"#, "malformed"),
        (br#"{"manifests":[],"manifests":[]}"#, "malformed"),
        (&[b' '; 5 << 20], "the limit is"),
        (&[b'['; 4 << 20], "malformed"),
    ] {
        refused(&archive(World::MARKER, index), text);
    }
    let many = json!({ "manifests": vec![json!({}); 10_001] }).to_string();
    for error in refused(&archive(World::MARKER, many.as_bytes()), "`referrers`") {
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }
    refused(
        &Archive::default().file("index.json", b"{}").bytes(),
        "`oci-layout` is missing",
    );
    let archive = Archive::default().file("oci-layout", World::MARKER).bytes();
    refused(&archive, "`index.json` is missing");
    let archive = Archive::default()
        .file("x/oci-layout", World::MARKER)
        .bytes();
    refused(&archive, "at its top level");
}

/// An archive without an end: empty entries, made as they are read.
struct Endless {
    block: Vec<u8>,
    at: usize,
    read: usize,
}

impl Endless {
    fn new(entry: Archive) -> Self {
        Self {
            block: entry.unended(),
            at: 0,
            read: 0,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let count = (buffer.len() - filled).min(self.block.len() - self.at);
            buffer[filled..filled + count].copy_from_slice(&self.block[self.at..self.at + count]);
            self.at = (self.at + count) % self.block.len();
            filled += count;
        }
        self.read += buffer.len();
        Ok(buffer.len())
    }
}

#[test]
fn archives_without_an_end() {
    for (entry, per_header, tar_entries) in [
        (
            Archive::default().file("x", b""),
            512,
            Limits::default().tar_entries,
        ),
        (Archive::default().entry(b'5', "x/", b""), 512, 2000),
        (Archive::default().pax("mtime=1"), 1024, 2000),
        (
            Archive::default().entry(b'g', "x", b"11 mtime=1\n"),
            1024,
            2000,
        ),
    ] {
        let mut limits = Limits::default();
        limits.tar_entries = tar_entries;
        let mut endless = Endless::new(entry);
        let error = Layout::from_tar_reader(&mut endless, &limits).unwrap_err();
        assert!(error.to_string().contains("`tar_entries`"), "{error}");
        assert_eq!(Error::from(error).kind(), ErrorKind::LimitExceeded);
        assert!(endless.read <= (limits.tar_entries + 2) * per_header);
    }
    // One entry that goes on and on.
    let mut limits = Limits::default();
    limits.tar_stream_bytes = 1 << 20;
    let start = Archive::default().claim(b'0', "x", 1 << 40).unended();
    let stream = start.chain(io::repeat(7));
    let error = Layout::from_tar_reader(stream, &limits).unwrap_err();
    assert!(error.to_string().contains("`tar_stream_bytes`"), "{error}");
    assert_eq!(Error::from(error).kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_stream_keeps_a_bounded_part() {
    let mut world = World::signed();
    let small = vec![7; 1000];
    let large = vec![8; 3000];
    let (small, large) = (world.blob(&small), world.blob(&large));
    let mut limits = Limits::default();
    (limits.manifest_bytes, limits.envelope_bytes) = (2000, 2000);
    let archive = world.archive().bytes();
    let layout = Layout::from_tar_reader(archive.as_slice(), &limits).unwrap();
    let resolve = |digest: &str| layout.resolve(digest);
    assert_eq!(resolve(&small).unwrap().media_type, OCTET_STREAM);
    assert!(
        resolve(&large)
            .unwrap_err()
            .to_string()
            .contains("in a stream")
    );

    limits.artifact_bytes = 1500;
    let error = Layout::from_tar_reader(archive.as_slice(), &limits).unwrap_err();
    assert!(error.to_string().contains("`artifact_bytes`"), "{error}");
    let file = Layout::from_tar(Cursor::new(archive), &limits).unwrap();
    let error = file.resolve(&large).unwrap_err();
    assert!(error.to_string().contains("`artifact_bytes`"), "{error}");
}

#[test]
fn blobs_that_are_something_else() {
    let mut world = World::default();
    let bytes = b"content";
    let name = world.blob(bytes);
    world.set_blob(&digest(b"other"), b"content");
    world.set_blob(&digest(b"short"), b"shor");
    world.set_blob(&digest(b"long"), b"longer");
    for layout in world.everywhere() {
        let read = |digest: &str, size: i64, max: usize| {
            let mut descriptor = descriptor(OCTET_STREAM, digest, 0);
            descriptor.size = size;
            layout.read(&descriptor, max)
        };
        assert_eq!(read(&name, 7, 7).unwrap(), bytes);
        for (digest_text, size, max, text) in [
            (name.clone(), 7, 6, "the limit is 6"),
            (name.clone(), 1 << 30, 1 << 20, "the limit is"),
            (name.clone(), i64::MAX, 1 << 20, "the limit is"),
            (name.clone(), -1, 100, "size -1"),
            (name.clone(), i64::MIN, 100, "size -9223372036854775808"),
            (name.clone(), 6, 100, "7 octets in the layout and 6"),
            (name.clone(), 8, 100, "7 octets in the layout and 8"),
            (digest(b"other"), 7, 100, "another digest"),
            (digest(b"short"), 5, 100, "4 octets in the layout and 5"),
            (digest(b"long"), 4, 100, "6 octets in the layout and 4"),
            (
                format!("sha256:{}", "../".repeat(21) + "x"),
                7,
                100,
                "not a lower-case",
            ),
            ("sha1:../../etc/passwd".into(), 7, 100, "cannot be read"),
            ("md5:0123".into(), 7, 100, "algorithm"),
            (String::new(), 7, 100, "cannot be read"),
        ] {
            let error = read(&digest_text, size, max).expect_err(text);
            assert!(matches!(error, LayoutError::Failed(_)), "{error}");
            assert!(
                error.to_string().contains(text),
                "`{error}` is not `{text}`"
            );
        }
        let missing = digest(b"missing");
        let error = read(&missing, 7, 100).unwrap_err();
        assert!(
            error.is_not_found() && error.to_string().contains(&missing),
            "{error}"
        );
    }
}

#[test]
fn references() {
    let mut world = World::signed();
    let image = world.image.clone();
    let other = world.manifest(&json!({"schemaVersion": 2, "other": true}));
    // A tag that looks like the digest of something else, and a tag twice.
    world.tag(&other, &image.digest);
    world.tag(&image, "twice");
    world.tag(&other, "twice");
    world.set_blob(&digest(b"damaged"), b"changed");
    world.list(json!({"digest": "sha256:12", "size": 1, "mediaType": "a/b",
        "annotations": {"org.opencontainers.image.ref.name": "bad"}}));
    let mut gone = descriptor(OCI_MANIFEST, &digest(b"gone"), 4);
    world.tag(&gone, "gone");
    let mut damaged = descriptor(OCI_MANIFEST, &digest(b"damaged"), 7);
    world.tag(&damaged, "damaged");
    damaged.media_type = "application/x".into();
    world.tag(&damaged, "unknown-type");
    gone.size = 0;
    for layout in world.everywhere() {
        assert_eq!(layout.resolve("v1").unwrap(), image);
        assert_eq!(layout.resolve(":v1").unwrap(), image);
        assert_eq!(layout.resolve(&image.digest).unwrap(), image);
        assert_eq!(layout.resolve("twice").unwrap().digest, other.digest);
        assert_eq!(layout.resolve("gone").unwrap().digest, gone.digest);
        assert_eq!(
            layout.resolve("unknown-type").unwrap().digest,
            damaged.digest
        );
        let config = layout.resolve(&digest(b"{}")).unwrap();
        assert_eq!((config.media_type.as_str(), config.size), (OCTET_STREAM, 2));

        for reference in ["damaged", &damaged.digest] {
            let error = layout.resolve(reference);
            assert!(reference == damaged.digest || error.is_err(), "{reference}");
        }
        let error = layout.resolve("bad").unwrap_err();
        assert!(
            !error.is_not_found() && error.to_string().contains("sha256:12"),
            "{error}"
        );
        let error = layout.resolve("v2").unwrap_err();
        assert!(
            error.is_not_found() && error.to_string().contains("it has `v1`"),
            "{error}"
        );
        assert!(
            layout
                .resolve(&digest(b"missing"))
                .unwrap_err()
                .is_not_found()
        );
        for wrong in ["", "sha256:12", "@v1", &"x".repeat(2000)] {
            let error = Error::from(layout.resolve(wrong).unwrap_err());
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}

#[test]
fn a_bad_manifest_beside_a_good_one() {
    let mut world = World::signed();
    let image = world.image.clone();
    // Malformed, damaged, too long by its descriptor, gone, of another subject.
    let malformed = world.blob(b"{\"config\":");
    world.list_descriptor(&descriptor(OCI_MANIFEST, &malformed, 10));
    world.set_blob(&digest(b"damaged"), b"changed");
    world.list_descriptor(&descriptor(OCI_MANIFEST, &digest(b"damaged"), 7));
    world.list_descriptor(&descriptor(OCI_MANIFEST, &malformed, 1 << 30));
    world.list_descriptor(&descriptor(OCI_MANIFEST, &digest(b"gone"), 10));
    let mut signature = descriptor(OCI_MANIFEST, &digest(b"gone"), 11);
    signature.artifact_type = Some(NOTARY_SIGNATURE.into());
    world.list_descriptor(&signature);
    world.list(json!({"digest": "x"}));
    let other = descriptor(OCI_MANIFEST, &digest(b"other"), 5);
    let of_other = world.signature(&other, true);
    world.list_descriptor(&of_other);
    let second = world.signature(&image, true);
    world.list_descriptor(&second);
    world.list_descriptor(&second);
    for layout in world.everywhere() {
        let found = layout.referrers(&image);
        assert_eq!(found.signatures.len(), 2);
        assert_eq!(found.signatures[1].digest, second.digest);
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert_eq!(
            layout.referrers(&other).signatures[0].digest,
            of_other.digest
        );
        let mut larger = image.clone();
        larger.size += 1;
        assert!(layout.referrers(&larger).signatures.is_empty());
    }
}

#[test]
fn forms_and_places_of_signatures() {
    let mut world = World::default();
    let image = world.manifest(&json!({"schemaVersion": 2}));
    // In the index under the referrers tag only, and nested one deeper.
    let tagged = world.signature(&image, false);
    let nested = world.signature(&image, true);
    let deeper = world.index_of(&[&nested]);
    let fallback = world.index_of(&[&tagged, &deeper]);
    world.tag(&fallback, &image.digest.replace(':', "-"));
    // A signature of a signature leads to the one that is not listed.
    let unlisted = world.signature(&image, true);
    let upper = world.signature(&unlisted, true);
    world.list_descriptor(&upper);
    for layout in world.everywhere() {
        let found = layout.referrers(&image);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let digests: Vec<&str> = found
            .signatures
            .iter()
            .map(|one| one.digest.as_str())
            .collect();
        for signature in [&tagged, &nested, &unlisted] {
            assert!(digests.contains(&signature.digest.as_str()));
        }
        assert_eq!(digests.len(), 3);
        assert_eq!(
            layout.referrers(&unlisted).signatures[0].digest,
            upper.digest
        );
    }
}

#[test]
fn nesting_and_counts_are_bounded() {
    let mut world = World::signed();
    let image = world.image.clone();
    let hidden = world.signature(&image, true);
    let mut outer = hidden;
    for _ in 0..20 {
        outer = world.index_of(&[&outer]);
    }
    world.list_descriptor(&outer);
    for layout in world.everywhere() {
        let found = layout.referrers(&image);
        assert_eq!(found.signatures.len(), 1);
        assert_eq!(found.problems.len(), 1);
        assert!(found.problems[0].to_string().contains("`index_nesting`"));
    }

    let mut world = World::signed();
    for number in 0..20 {
        let one = world.signature(&image, number % 2 == 0);
        world.list_descriptor(&one);
    }
    let archive = world.archive().bytes();
    let search = |limits: &Limits| {
        let layout = Layout::from_tar(Cursor::new(archive.clone()), limits).unwrap();
        layout.referrers(&image)
    };
    assert_eq!(search(&Limits::default()).signatures.len(), 21);
    let mut limits = Limits::default();
    limits.artifact_bytes = 3000;
    let found = search(&limits);
    assert!(!found.signatures.is_empty() && found.signatures.len() < 21);
    assert_eq!(found.problems[0].kind(), ErrorKind::LimitExceeded);
    assert!(found.problems[0].to_string().contains("`artifact_bytes`"));
    // More manifests than the limit, by way of indexes that each hold less.
    let mut world = World::signed();
    for number in 0..8 {
        let some: Vec<_> = (0..4)
            .map(|one| descriptor(OCI_MANIFEST, &digest(&[number, one]), 9))
            .collect();
        let index = world.index_of(&some.iter().collect::<Vec<_>>());
        world.list_descriptor(&index);
    }
    let mut limits = Limits::default();
    limits.referrers = 12;
    let layout = Layout::from_tar(Cursor::new(world.archive().bytes()), &limits).unwrap();
    let found = layout.referrers(&image);
    assert_eq!(found.signatures.len(), 1);
    assert!(
        found
            .problems
            .iter()
            .any(|error| error.to_string().contains("`referrers`"))
    );
    assert_eq!(OCI_INDEX, "application/vnd.oci.image.index.v1+json");
}

#[cfg(unix)]
#[test]
fn directories_with_links() {
    use std::os::unix::fs::symlink;

    let world = World::signed();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "content").unwrap();
    let secret = digest(b"content");
    let hex = secret[7..].to_string();

    let fresh = || {
        let folder = tempfile::tempdir().unwrap();
        world.write(folder.path());
        folder
    };
    let open = |folder: &tempfile::TempDir| Layout::open(folder.path(), &Limits::default());

    // The layout's own name may be a link: the user wrote it.
    let folder = fresh();
    let link = outside.path().join("link");
    symlink(folder.path(), &link).unwrap();
    Layout::open(&link, &Limits::default()).unwrap();

    for name in ["index.json", "oci-layout"] {
        let folder = fresh();
        let path = folder.path().join(name);
        fs::rename(&path, folder.path().join("moved")).unwrap();
        symlink("moved", &path).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    let folder = fresh();
    symlink(
        outside.path().join("secret"),
        folder.path().join("blobs/sha256").join(&hex),
    )
    .unwrap();
    let layout = open(&folder).unwrap();
    let wanted = descriptor(OCTET_STREAM, &secret, 7);
    for error in [
        layout.read(&wanted, 100).unwrap_err(),
        layout.resolve(&secret).unwrap_err(),
    ] {
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }

    let folder = fresh();
    fs::rename(folder.path().join("blobs"), folder.path().join("moved")).unwrap();
    symlink("moved", folder.path().join("blobs")).unwrap();
    let error = open(&folder).unwrap().resolve("v1").unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");

    let folder = fresh();
    fs::remove_dir_all(folder.path().join("blobs")).unwrap();
    fs::write(folder.path().join("blobs"), "").unwrap();
    let error = open(&folder).unwrap().resolve("v1").unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");

    let folder = fresh();
    let pipe = folder.path().join("blobs/sha256").join(&hex);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if made.is_ok_and(|status| status.success()) {
        let error = open(&folder).unwrap().read(&wanted, 100).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        let error = Layout::open(&pipe, &Limits::default()).unwrap_err();
        assert!(
            error.to_string().contains("neither a directory nor a file"),
            "{error}"
        );
    }

    let error = Layout::open(outside.path().join("nothing"), &Limits::default()).unwrap_err();
    assert_eq!(Error::from(error).kind(), ErrorKind::Io);
    let error = Layout::open(outside.path(), &Limits::default()).unwrap_err();
    assert!(
        error.to_string().contains("is not an OCI layout"),
        "{error}"
    );
}

/// Flipped, cut and repeated octets: the archive as a file and as a stream give
/// one answer, and what is read has its digest.
#[test]
fn mutated_archives() {
    const ROUNDS: u64 = 4000;
    let world = World::signed();
    let good = world.archive().bytes();
    let limits = Limits::default();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        // xorshift64: the same rounds each time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below).unwrap()).unwrap()
    };
    let mut opened = 0;
    for _ in 0..ROUNDS {
        let mut archive = good.clone();
        for _ in 0..=next(3) {
            let at = next(archive.len());
            match next(8) {
                0 => archive.truncate(at + 1),
                1 => {
                    let block = archive[at / 512 * 512..]
                        .iter()
                        .take(512)
                        .copied()
                        .collect::<Vec<u8>>();
                    let to = next(archive.len()) / 512 * 512;
                    archive.splice(to..to, block);
                }
                2 => fix_checksum(&mut archive, at / 512 * 512),
                _ => archive[at] ^= 1 << next(8),
            }
        }
        let stream = Layout::from_tar_reader(archive.as_slice(), &limits);
        let file = Layout::from_tar(Cursor::new(archive), &limits);
        assert_eq!(stream.is_ok(), file.is_ok(), "{stream:?} {file:?}");
        let (Ok(stream), Ok(file)) = (stream, file) else {
            continue;
        };
        opened += 1;
        assert_eq!(stream.index(), file.index());
        let (here, there) = (file.resolve("v1"), stream.resolve("v1"));
        assert_eq!(here.is_ok(), there.is_ok());
        let Ok(subject) = here else { continue };
        let found = file.referrers(&subject);
        assert_eq!(found.signatures, stream.referrers(&subject).signatures);
        for signature in &found.signatures {
            let bytes = file.read(signature, limits.manifest_bytes).unwrap();
            assert_eq!(digest(&bytes), signature.digest);
        }
    }
    println!("{opened} of {ROUNDS} archives were opened");
    assert!(opened > 100);
}

/// Makes the checksum of a header right after a change.
fn fix_checksum(archive: &mut [u8], at: usize) {
    if let Some(block) = archive.get_mut(at..at + 512) {
        let mut header = tar::Header::from_byte_slice(block).clone();
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
    }
}
