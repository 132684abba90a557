//! Layouts and archives for tests, good and bad.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use notation_verifier::crypto::{HashAlgorithm, Provider};
use notation_verifier::io::layout::Layout;
use notation_verifier::limits::Limits;
use notation_verifier::oci::Digest;
use notation_verifier::oci::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use notation_verifier::wire::Descriptor;
use serde_json::{Value, json};

/// The SHA-256 digest of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Digest::of(&Provider::PORTABLE, HashAlgorithm::Sha256, bytes).to_string()
}

pub(crate) fn descriptor(media_type: &str, digest: &str, size: usize) -> Descriptor {
    Descriptor {
        media_type: media_type.into(),
        digest: digest.into(),
        size: size as i64,
        ..Descriptor::default()
    }
}

/// What a layout has.
#[derive(Default)]
pub(crate) struct World {
    /// The image of [`World::signed`].
    pub(crate) image: Descriptor,
    blobs: BTreeMap<String, Vec<u8>>,
    listed: Vec<Value>,
}

impl World {
    pub(crate) const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

    /// An image with the tag `v1` and one signature.
    pub(crate) fn signed() -> Self {
        let mut world = Self::default();
        world.image = world.manifest(&json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST}));
        world.tag(&world.image.clone(), "v1");
        let signature = world.signature(&world.image.clone(), false);
        world.list_descriptor(&signature);
        world
    }

    /// Adds a blob, and gives its digest.
    pub(crate) fn blob(&mut self, content: &[u8]) -> String {
        let digest = digest(content);
        self.set_blob(&digest, content);
        digest
    }

    /// Puts `content` where the blob `digest` should be.
    pub(crate) fn set_blob(&mut self, digest: &str, content: &[u8]) {
        self.blobs.insert(digest.into(), content.into());
    }

    /// Adds a manifest with an empty config.
    pub(crate) fn manifest(&mut self, manifest: &Value) -> Descriptor {
        let mut manifest = manifest.clone();
        if manifest.get("config").is_none() {
            let config = self.blob(b"{}");
            manifest["config"] = json!({"mediaType": OCI_EMPTY, "digest": config, "size": 2});
        }
        self.document(OCI_MANIFEST, &manifest)
    }

    /// Adds a signature of `subject`, each with other content.
    pub(crate) fn signature(&mut self, subject: &Descriptor, current: bool) -> Descriptor {
        let envelope = format!("envelope {}", self.blobs.len());
        let config = self.blob(b"{}");
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": NOTARY_SIGNATURE, "digest": config, "size": 2},
            "layers": [{
                "mediaType": "application/cose",
                "digest": self.blob(envelope.as_bytes()),
                "size": envelope.len(),
            }],
            "subject": value(subject),
        });
        if current {
            manifest["artifactType"] = NOTARY_SIGNATURE.into();
            manifest["config"]["mediaType"] = OCI_EMPTY.into();
        }
        self.document(OCI_MANIFEST, &manifest)
    }

    /// Adds an index, which `index.json` does not list.
    pub(crate) fn index_of(&mut self, entries: &[&Descriptor]) -> Descriptor {
        let entries: Vec<Value> = entries.iter().map(|entry| value(entry)).collect();
        self.document(
            OCI_INDEX,
            &json!({"schemaVersion": 2, "manifests": entries}),
        )
    }

    fn document(&mut self, media_type: &str, document: &Value) -> Descriptor {
        let bytes = document.to_string();
        let digest = self.blob(bytes.as_bytes());
        descriptor(media_type, &digest, bytes.len())
    }

    /// Adds an entry to `index.json`.
    pub(crate) fn list(&mut self, entry: Value) {
        self.listed.push(entry);
    }

    pub(crate) fn list_descriptor(&mut self, entry: &Descriptor) {
        self.list(value(entry));
    }

    pub(crate) fn tag(&mut self, entry: &Descriptor, tag: &str) {
        let mut entry = value(entry);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        self.list(entry);
    }

    pub(crate) fn index(&self) -> Vec<u8> {
        json!({"schemaVersion": 2, "manifests": self.listed})
            .to_string()
            .into()
    }

    /// The blobs with their paths.
    pub(crate) fn blob_files(&self) -> Vec<(String, &[u8])> {
        self.blobs
            .iter()
            .map(|(digest, content)| {
                (
                    format!("blobs/{}", digest.replace(':', "/")),
                    content.as_slice(),
                )
            })
            .collect()
    }

    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), Self::MARKER).unwrap();
        fs::write(folder.join("index.json"), self.index()).unwrap();
        for (name, content) in self.blob_files() {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    pub(crate) fn archive(&self) -> Archive {
        let mut archive = Archive::default().file("oci-layout", Self::MARKER);
        for (name, content) in self.blob_files() {
            archive = archive.file(&name, content);
        }
        archive.file("index.json", &self.index())
    }

    /// This layout as a directory, a tar file, and a tar stream.
    pub(crate) fn everywhere(&self) -> Vec<Layout> {
        let limits = Limits::default();
        let archive = self.archive().bytes();
        // Left behind for the time of the test program.
        let folder = tempfile::tempdir().unwrap().keep();
        self.write(&folder);
        vec![
            Layout::open(folder, &limits).unwrap(),
            Layout::from_tar(Cursor::new(archive.clone()), &limits).unwrap(),
            Layout::from_tar_reader(archive.as_slice(), &limits).unwrap(),
        ]
    }
}

fn value(descriptor: &Descriptor) -> Value {
    let mut value = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    });
    if let Some(artifact_type) = &descriptor.artifact_type {
        value["artifactType"] = artifact_type.as_str().into();
    }
    value
}

/// A tar archive, header by header.
#[derive(Clone, Default)]
pub(crate) struct Archive(Vec<u8>);

impl Archive {
    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(b'0', name, content)
    }

    pub(crate) fn entry(self, kind: u8, name: &str, content: &[u8]) -> Self {
        let mut archive = self.claim(kind, name, content.len() as u64);
        archive.0.extend(content);
        let padding = content.len().next_multiple_of(512) - content.len();
        archive.0.extend(vec![0; padding]);
        archive
    }

    /// A GNU long name for the entry that follows.
    pub(crate) fn long_name(self, name: &str) -> Self {
        self.entry(b'L', "././@LongLink", format!("{name}\0").as_bytes())
    }

    /// An extended header with one record for the entry that follows.
    pub(crate) fn pax(self, record: &str) -> Self {
        let mut length = record.len() + 3;
        while length != format!("{length} {record}\n").len() {
            length += 1;
        }
        self.entry(b'x', "extended", format!("{length} {record}\n").as_bytes())
    }

    /// A header that claims a size, without content.
    pub(crate) fn claim(self, kind: u8, name: &str, size: u64) -> Self {
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        self.header(kind, name, header)
    }

    pub(crate) fn size_field(self, field: [u8; 12]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().size = field;
        self.header(b'0', "sized", header)
    }

    fn header(mut self, kind: u8, name: &str, mut header: tar::Header) -> Self {
        // Not `set_path`, which refuses what is tried here.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(0o644);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self
    }

    /// Without the blocks that mark the end.
    pub(crate) fn unended(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = self.0;
        bytes.extend([0; 1024]);
        bytes
    }
}
