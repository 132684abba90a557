//! [`LayoutWriter`]: a layout in a directory that is added to.
//!
//! Whoever reads meanwhile, or after a crash, sees a layout: a blob is there as a
//! whole or not at all, and `index.json` names what is there. Both are written into a
//! temporary file of the same directory, to the disk, and then in place.

use std::fs::{self, File};
use std::io::{ErrorKind as Kind, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{LAYOUT_VERSION, Layout};
use crate::error::{Error, ErrorKind};
use crate::io::files::{self, failed};
use crate::limits::Limits;
use crate::oci::media_type::OCI_INDEX;
use crate::oci::{Digest, Index};
use crate::wire::{self, Descriptor};

/// The annotation that makes an entry of `index.json` a tag (image-spec, image-layout,
/// "index.json").
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Values in an `index.json`: each of ten thousand entries has some ten.
const MAX_VALUES: usize = 400_000;
/// How names of temporary files begin.
const TEMPORARY: &str = ".notation-verify-";

/// A layout that is added to.
#[derive(Debug)]
pub(in crate::io) struct LayoutWriter {
    root: PathBuf,
    limits: Limits,
}

impl LayoutWriter {
    /// Opens the layout at `root`; makes one where there is nothing, or an empty
    /// directory.
    pub(in crate::io) fn open(root: &Path, limits: &Limits) -> Result<Self, Error> {
        let writer = Self {
            root: root.to_owned(),
            limits: limits.clone(),
        };
        fs::create_dir_all(root).map_err(|error| failed(root, "cannot be made", error))?;
        let _lock = writer.lock()?;
        let marker = root.join("oci-layout");
        if marker.symlink_metadata().is_ok() {
            // What is there must be a layout that is understood.
            Layout::open(root, limits)?;
            return Ok(writer);
        }
        let entries = fs::read_dir(root).map_err(|error| failed(root, "cannot be read", error))?;
        for entry in entries {
            let name = entry
                .map_err(|error| failed(root, "cannot be read", error))?
                .file_name();
            // What a run left that died before the layout was one.
            let name = name.to_string_lossy();
            if name != "index.json" && !name.starts_with(TEMPORARY) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "`{}` is no OCI layout and not empty (it has `{name}`): name another \
                         directory",
                        root.display()
                    ),
                ));
            }
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []});
        files::write_whole(&root.join("index.json"), index.to_string().as_bytes())?;
        let version = json!({ "imageLayoutVersion": LAYOUT_VERSION });
        files::write_whole(&marker, version.to_string().as_bytes())?;
        Ok(writer)
    }

    /// Where a blob is. Its directories are made, and are no links.
    fn place(&self, digest: Digest) -> Result<PathBuf, Error> {
        let mut path = self.root.clone();
        for name in ["blobs", digest.algorithm().as_str()] {
            path.push(name);
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == Kind::AlreadyExists => {}
                Err(error) => return Err(failed(&path, "cannot be made", error)),
            }
            let is_real = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if !is_real {
                return Err(Error::new(
                    ErrorKind::Artifact,
                    format!("`{}` is not a directory", path.display()),
                ));
            }
        }
        path.push(digest.hex());
        Ok(path)
    }

    /// Writes a blob from `content`, which ends with an error where it is not that of
    /// the digest.
    pub(in crate::io) fn write(&self, digest: Digest, content: &mut dyn Read) -> Result<(), Error> {
        let path = self.place(digest)?;
        let folder = path.parent().unwrap_or(&self.root);
        let mut written = || -> std::io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempfile_in(folder)?;
            std::io::copy(content, &mut file)?;
            file.flush()?;
            files::keep(file, &path)
        };
        written().map_err(|error| failed(&path, "cannot be written", error))
    }

    /// Adds `entries` to `index.json`, the first of them under `tag`. What names the
    /// same content there already stays as it is; another entry with the tag loses it.
    pub(in crate::io) fn list(
        &self,
        entries: &[&Descriptor],
        tag: Option<&str>,
    ) -> Result<bool, Error> {
        let _lock = self.lock()?;
        let path = self.root.join("index.json");
        let bytes = files::read_existing(&path, self.limits.manifest_bytes)?;
        // It must be understood before it is changed.
        Index::parse(&bytes, &self.limits)?;
        if wire::json::count_values(&bytes) > MAX_VALUES {
            return Err(malformed(&path, "it has too many values"));
        }
        let mut document =
            wire::json::parse(&bytes).map_err(|error| malformed(&path, &error.to_string()))?;
        if document.get("manifests").is_none_or(Value::is_null)
            && let Some(members) = document.as_object_mut()
        {
            members.insert("manifests".to_owned(), Value::Array(Vec::new()));
        }
        let before = document.clone();
        let list = document
            .get_mut("manifests")
            .and_then(Value::as_array_mut)
            .ok_or_else(|| malformed(&path, "its `manifests` is no list"))?;
        for (position, descriptor) in entries.iter().enumerate() {
            let tag = tag.filter(|_| position == 0);
            if let Some(tag) = tag {
                untag(list, tag, &descriptor.digest);
            }
            let known = list.iter().any(|entry| {
                entry.get("digest").and_then(Value::as_str) == Some(&descriptor.digest)
                    && tag.is_none_or(|tag| tag_of(entry) == Some(tag))
            });
            if !known {
                list.push(entry(descriptor, tag));
            }
        }
        if document == before {
            return Ok(false);
        }
        let bytes = document.to_string().into_bytes();
        // What is written must be read again.
        Index::parse(&bytes, &self.limits)?;
        files::write_whole(&path, &bytes)?;
        Ok(true)
    }

    /// One writer of `index.json` at a time. The lock is the system's: it ends with
    /// the process.
    fn lock(&self) -> Result<File, Error> {
        let (path, opened) = lock_file(&self.root);
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| failed(&path, "cannot be locked", error))
    }
}

#[cfg(unix)]
fn lock_file(root: &Path) -> (PathBuf, std::io::Result<File>) {
    (root.to_owned(), File::open(root))
}

/// Directories have no locks there, and a file that is locked cannot be read.
#[cfg(not(unix))]
fn lock_file(root: &Path) -> (PathBuf, std::io::Result<File>) {
    let path = root.join(format!("{TEMPORARY}lock"));
    let opened = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    (path, opened)
}

fn tag_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

/// Takes the tag from entries of other content, which stay.
fn untag(list: &mut [Value], tag: &str, digest: &str) {
    for entry in list {
        let other = entry.get("digest").and_then(Value::as_str) != Some(digest);
        if other
            && tag_of(entry) == Some(tag)
            && let Some(annotations) = entry.get_mut("annotations").and_then(Value::as_object_mut)
        {
            annotations.remove(REF_NAME);
        }
    }
}

fn entry(descriptor: &Descriptor, tag: Option<&str>) -> Value {
    let mut value = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    });
    let mut annotations = descriptor.annotations.clone();
    annotations.remove(REF_NAME);
    if let Some(tag) = tag {
        annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    if let Some(members) = value.as_object_mut() {
        if let Some(artifact_type) = &descriptor.artifact_type {
            members.insert("artifactType".to_owned(), artifact_type.as_str().into());
        }
        if !annotations.is_empty() {
            members.insert("annotations".to_owned(), json!(annotations));
        }
    }
    value
}

fn malformed(path: &Path, problem: &str) -> Error {
    Error::new(
        ErrorKind::Artifact,
        format!("`{}` is malformed: {problem}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{HashAlgorithm, Provider};
    use crate::oci::media_type::OCI_MANIFEST;

    fn descriptor(bytes: &[u8]) -> (Digest, Descriptor) {
        let digest = Digest::of(&Provider::preferred(), HashAlgorithm::Sha256, bytes);
        let descriptor = Descriptor {
            media_type: OCI_MANIFEST.to_owned(),
            digest: digest.to_string(),
            size: i64::try_from(bytes.len()).unwrap(),
            ..Descriptor::default()
        };
        (digest, descriptor)
    }

    #[test]
    fn a_layout_is_made_and_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("new/layout");
        let limits = Limits::default();
        let manifest = br#"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c","size":1},"layers":[]}"#;
        let (digest, one) = descriptor(manifest);
        let writer = LayoutWriter::open(&root, &limits).unwrap();
        assert!(
            Layout::open(&root, &limits)
                .unwrap()
                .index()
                .entries
                .is_empty()
        );
        writer.write(digest, &mut &manifest[..]).unwrap();
        assert!(writer.list(&[&one], Some("v1")).unwrap());
        assert!(!writer.list(&[&one], Some("v1")).unwrap());
        let layout = Layout::open(&root, &limits).unwrap();
        assert_eq!(layout.resolve("v1").unwrap().digest, one.digest);
        // The tag moves, the content stays; what others wrote stays too.
        let path = root.join("index.json");
        let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        index["x"] = json!([1]);
        fs::write(&path, index.to_string()).unwrap();
        let (digest, two) = descriptor(b"two");
        let writer = LayoutWriter::open(&root, &limits).unwrap();
        writer.write(digest, &mut &b"two"[..]).unwrap();
        writer.list(&[&two, &one], Some("v1")).unwrap();
        let index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(index["x"], json!([1]));
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(tag_of(&index["manifests"][0]), None);
        assert_eq!(tag_of(&index["manifests"][1]), Some("v1"));
        let left: Vec<_> = fs::read_dir(root.join("blobs/sha256")).unwrap().collect();
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn what_is_no_layout_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        fs::write(folder.path().join("a"), "").unwrap();
        let error = LayoutWriter::open(folder.path(), &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        fs::remove_file(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("oci-layout"), "{}").unwrap();
        assert!(LayoutWriter::open(folder.path(), &limits).is_err());
        fs::remove_file(folder.path().join("oci-layout")).unwrap();
        // A run that died before the marker was written.
        fs::write(folder.path().join("index.json"), "{").unwrap();
        LayoutWriter::open(folder.path(), &limits).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        let writer = LayoutWriter::open(folder.path(), &limits).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("blobs")).unwrap();
        let (digest, _) = descriptor(b"two");
        assert!(writer.write(digest, &mut &b"two"[..]).is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
