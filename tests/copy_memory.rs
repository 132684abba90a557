//! Peak memory of `copy` with a large layer. The command runs as a process of its own,
//! whose peak the kernel counts.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use notation_verifier::Provider;
use notation_verifier::crypto::HashAlgorithm;
use notation_verifier::oci::Digest;
use notation_verifier::oci::media_type::{OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use serde_json::{Value, json};

/// Octets of the layer: many times what the command may need.
const LAYER: u64 = 512 * 1024 * 1024;
/// What the project allows itself, in KiB.
const MAX_PEAK_KIB: usize = 64 * 1024;

fn blob(root: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(&Provider::preferred(), HashAlgorithm::Sha256, bytes);
    fs::write(root.join("blobs/sha256").join(digest.hex()), bytes).unwrap();
    json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
}

/// A file with a hole: it takes no room, and is read like any other.
fn layer(root: &Path) -> Value {
    let path = root.join("blobs/sha256/layer");
    let mut file = File::create_new(&path).unwrap();
    file.seek(SeekFrom::Start(LAYER - 1)).unwrap();
    file.write_all(b"x").unwrap();
    let mut hasher = Provider::preferred().hasher(HashAlgorithm::Sha256);
    let mut file = File::open(&path).unwrap();
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let count = file.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    let digest = Digest::from(hasher.finish());
    fs::rename(&path, root.join("blobs/sha256").join(digest.hex())).unwrap();
    json!({"mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": digest.to_string(), "size": LAYER})
}

/// The peak of a process that ends well, in KiB, and what it printed.
fn peak(mut child: Child) -> (usize, String) {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            let mut says = String::new();
            child
                .stdout
                .take()
                .unwrap()
                .read_to_string(&mut says)
                .unwrap();
            assert!(status.success(), "{says}");
            return (peak, says);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_large_layer_passes_through() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("from");
    fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": blob(&root, OCI_EMPTY, b"{}"), "layers": [layer(&root)]});
    let mut entry = blob(&root, OCI_MANIFEST, manifest.to_string().as_bytes());
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]});
    fs::write(root.join("index.json"), index.to_string()).unwrap();
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();

    let from = root.display().to_string();
    let to = folder.path().join("to").display().to_string();
    for (arguments, status) in [(&[][..], "copied"), (&["--verify-only"], "present")] {
        let child = Command::new(env!("CARGO_BIN_EXE_notation-verify"))
            .args([
                "copy",
                "--from-oci-layout",
                &from,
                "v1",
                "--to-oci-layout",
                &to,
            ])
            .args(arguments)
            .args(["--output", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (peak, says) = peak(child);
        let document: Value = serde_json::from_str(&says).unwrap();
        // Config, layer, manifest, tag.
        assert_eq!(document["counts"][status], 4, "{says}");
        println!("{status}: {peak} KiB for a layer of {} KiB", LAYER / 1024);
        assert!(peak > 0 && peak < MAX_PEAK_KIB, "{peak} KiB");
    }
}
