//! Writes a recording as an OCI image layout in a tar archive.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exchange::{Exchange, Key, descriptor_json};
use super::format::{ARTIFACT_TYPE, annotation};
use super::record::{Recording, State, Subject, Verification};
use crate::crypto::HashAlgorithm;
use crate::error::{Error, ErrorKind, quote};
use crate::evidence::Content;
use crate::limits::Limits;
use crate::oci::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
use crate::oci::{Digest, Index, LayoutReference, Manifest};
use crate::time::Time;
use crate::wire::Descriptor;

const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const EMPTY: &[u8] = b"{}";
/// The start of the names of files that are being written.
const UNFINISHED: &str = ".unfinished-evidence-";

/// A bundle file that is not there yet: it appears whole or not at all.
#[derive(Debug)]
pub struct BundleFile {
    temporary: tempfile::NamedTempFile,
    path: PathBuf,
}

impl BundleFile {
    /// Prepares to write the file `path`, so that a place that cannot be written
    /// to is known before the work. What is at `path` stays until
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    /// Where `path` is a directory, or no file can be made beside it.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        if path.is_dir() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{} is a directory: give the name of a file", shown(&path)),
            ));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        // As files that a person makes; what is in it is public.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let temporary = builder
            .tempfile_in(folder_of(&path))
            .map_err(|error| unwritable(&path, error))?;
        Ok(Self { temporary, path })
    }

    /// Writes `recording` and puts the file at its place, in one step: a reader
    /// sees the old file or all of the new one.
    ///
    /// # Errors
    /// Where it cannot be written, or more was recorded than a bundle may hold.
    pub fn finish(mut self, recording: &Recording, created: Time) -> Result<(), Error> {
        recording.write_to(self.temporary.as_file_mut(), created)?;
        let path = self.path;
        self.temporary
            .as_file()
            .sync_all()
            .map_err(|error| unwritable(&path, error))?;
        self.temporary
            .persist(&path)
            .map_err(|error| unwritable(&path, error.error))?;
        // The name is on the disk only with its directory.
        #[cfg(unix)]
        std::fs::File::open(folder_of(&path))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&path, error))?;
        Ok(())
    }
}

impl Recording {
    /// Writes what was recorded so far to the file `path`, in one step; see
    /// [`BundleFile`].
    ///
    /// # Errors
    /// Where it cannot be written, or more was recorded than a bundle may hold.
    pub fn write(&self, path: impl AsRef<Path>, created: Time) -> Result<(), Error> {
        BundleFile::create(path.as_ref())?.finish(self, created)
    }

    /// Writes what was recorded so far as a tar archive; `created` is the time of
    /// writing.
    ///
    /// # Errors
    /// Where `out` fails, or more was recorded than a bundle may hold.
    pub fn write_to(&self, out: impl Write, created: Time) -> Result<(), Error> {
        let state = self.lock();
        if let Some(bound) = &state.full {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "more was recorded than an evidence bundle may hold, {bound}: save the \
                     evidence of fewer artifacts in one file"
                ),
            ));
        }
        let mut layout = Layout::new(self, &state);
        for verification in &state.verifications {
            layout.add(verification, created);
        }
        layout.write(out, created).map_err(|error| {
            Error::with_source(
                ErrorKind::Io,
                format!("the evidence bundle cannot be written: {error}"),
                error,
            )
        })
    }
}

/// The layout that is being put together.
struct Layout<'a> {
    recording: &'a Recording,
    state: &'a State,
    /// Documents of the bundle itself, by digest.
    documents: BTreeMap<String, Content>,
    empty: Descriptor,
    /// By digest, in order of their first appearance.
    listed: Vec<Value>,
    seen: std::collections::BTreeSet<String>,
    tags: std::collections::BTreeSet<String>,
}

impl<'a> Layout<'a> {
    fn new(recording: &'a Recording, state: &'a State) -> Self {
        let mut layout = Self {
            recording,
            state,
            documents: BTreeMap::new(),
            empty: Descriptor::default(),
            listed: Vec::new(),
            seen: std::collections::BTreeSet::new(),
            tags: std::collections::BTreeSet::new(),
        };
        layout.empty = layout.document(OCI_EMPTY, EMPTY.to_vec());
        layout
    }

    fn document(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let provider = self.recording.provider();
        let digest = Digest::of(provider, HashAlgorithm::Sha256, &bytes).to_string();
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.documents.insert(digest.clone(), bytes.into());
        Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size,
            ..Descriptor::default()
        }
    }

    /// Adds one verification: artifact and signatures as every layout has them,
    /// and the recording as an artifact that refers to them.
    fn add(&mut self, verification: &Verification, created: Time) {
        if let Some(target) = &verification.target {
            self.list_target(target, &verification.of);
        }
        for exchange in &verification.exchanges {
            if let (Key::Manifest { digest }, Some(body)) = (&exchange.key, exchange.answer.body())
                && *digest == body.digest
                && let Some(document) = self.state.blobs.get(digest)
            {
                let document = describe(document.bytes(), body);
                document.iter().for_each(|document| self.list(document));
            }
        }
        let bytes = self.manifest(verification, created).to_string();
        let mut recording = self.document(OCI_MANIFEST, bytes.into_bytes());
        recording.artifact_type = Some(ARTIFACT_TYPE.to_owned());
        self.list(&recording);
    }

    fn manifest(&self, verification: &Verification, created: Time) -> Value {
        let mut annotations = BTreeMap::from([
            (annotation::CREATED, created.to_string()),
            (annotation::AS_OF, verification.as_of.to_string()),
        ]);
        match &verification.of {
            Subject::Image { scope, reference } => {
                annotations.insert(annotation::SCOPE, scope.clone());
                annotations.insert(annotation::REFERENCE, reference.clone());
            }
            Subject::AtHand { name } => {
                annotations.insert(annotation::NAME, name.clone());
            }
        }
        let exchanges = verification.exchanges.iter();
        let mut layers: Vec<Value> = exchanges
            .map(|exchange: &Exchange<_>| descriptor_json(&exchange.layer(&self.empty)))
            .collect();
        if layers.is_empty() {
            // Registries want a layer (image-spec, manifest, "layers").
            layers.push(descriptor_json(&self.empty));
        }
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": ARTIFACT_TYPE,
            "config": descriptor_json(&self.empty),
            "layers": layers,
            "annotations": annotations,
        });
        if let (Some(target), Some(members)) = (&verification.target, manifest.as_object_mut()) {
            members.insert("subject".to_owned(), descriptor_json(target));
        }
        manifest
    }

    /// Lists an artifact, with its tag unless another artifact has it already:
    /// tags of a layout do not name a repository.
    fn list_target(&mut self, target: &Descriptor, of: &Subject) {
        let mut listed = target.clone();
        let tag = match of {
            Subject::Image { reference, .. } => LayoutReference::parse(reference).ok(),
            Subject::AtHand { .. } => None,
        };
        if let Some(LayoutReference::Tag(tag)) = tag
            && self.tags.insert(tag.clone())
        {
            let tag = (annotation::REF_NAME.to_owned(), tag);
            listed.annotations.extend([tag]);
            self.seen.insert(target.digest.clone());
            self.listed.push(descriptor_json(&listed));
            return;
        }
        self.list(&listed);
    }

    fn list(&mut self, descriptor: &Descriptor) {
        if self.seen.insert(descriptor.digest.clone()) {
            self.listed.push(descriptor_json(descriptor));
        }
    }

    fn write(self, out: impl Write, created: Time) -> io::Result<()> {
        let index = json!({
            "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.listed,
        });
        let mut archive = Archive {
            builder: tar::Builder::new(BufWriter::new(out)),
            modified: u64::try_from(created.unix_seconds()).unwrap_or(0),
        };
        archive.add("oci-layout", MARKER)?;
        archive.add("index.json", index.to_string().as_bytes())?;
        // A document and a body may be the same octets, `{}` for one.
        let mut blobs: BTreeMap<&String, &Content> = self.documents.iter().collect();
        blobs.extend(&self.state.blobs);
        for (digest, content) in blobs {
            let name = format!("blobs/{}", digest.replacen(':', "/", 1));
            archive.add(&name, content.bytes())?;
        }
        archive.builder.into_inner()?.flush()
    }
}

/// The descriptor of a manifest, or of an index, that was recorded at `place`.
fn describe(document: &[u8], place: &Descriptor) -> Option<Descriptor> {
    let limits = Limits::default();
    let (media_type, signature) = match Manifest::parse(document, &limits) {
        Ok(manifest) => {
            let signature = manifest.is_signature();
            (manifest.media_type, signature)
        }
        Err(_) => (Index::parse(document, &limits).ok()?.media_type, false),
    };
    Some(Descriptor {
        // Both may leave it out; an index without it is not told from a manifest.
        media_type: media_type.unwrap_or_else(|| OCI_MANIFEST.to_owned()),
        artifact_type: signature.then(|| NOTARY_SIGNATURE.to_owned()),
        ..place.clone()
    })
}

struct Archive<W: Write> {
    builder: tar::Builder<W>,
    modified: u64,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(self.modified);
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        self.builder.append_data(&mut header, name, content)
    }
}

/// The directory that `path` is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::with_source(
        ErrorKind::Io,
        format!(
            "the evidence bundle {} cannot be written: {error}",
            shown(path)
        ),
        error,
    )
}
