//! OCI image layouts, as a directory or a tar archive: [`Layout`].
//!
//! A layout is read in place. Nothing is extracted, no link is followed, and
//! paths are made from parsed digests only. What is read is bounded by
//! [`Limits`] and checked against its digest and size before it is used.

mod directory;
mod entries;
mod error;
mod referrers;
mod source;
mod tar;
#[cfg(feature = "http")]
mod write;

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::OnceLock;

use self::directory::Directory;
use self::entries::TarError;
use self::referrers::Graph;
use self::source::{Object, Source};
use self::tar::TarArchive;
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::oci::{Digest, Index, LayoutReference, excerpt, media_type};
use crate::wire::Descriptor;

pub use self::error::LayoutError;
pub use self::referrers::Referrers;
#[cfg(feature = "http")]
pub(in crate::io) use self::write::LayoutWriter;

/// The version of the layout format (image-spec, image-layout, "oci-layout
/// file").
const LAYOUT_VERSION: &str = "1.0.0";
/// Octets of `oci-layout`. It has one short member, and may have others.
const MAX_MARKER_BYTES: usize = 64 * 1024;
/// Octets that are read at once to hash a blob.
const CHUNK_BYTES: usize = 64 * 1024;

/// An OCI image layout.
///
/// Can be used by many threads at once. `index.json` is read once, when the
/// layout is opened.
#[derive(Debug)]
pub struct Layout {
    source: Source,
    index: Index,
    limits: Limits,
    provider: Provider,
    graph: OnceLock<Graph>,
}

impl Layout {
    /// Opens the layout at `path`: a directory, or else a tar archive.
    ///
    /// # Errors
    /// Where `path` is neither, the files `oci-layout` or `index.json` are
    /// missing or malformed, the archive has entries that no layout has (links,
    /// names that lead out of it, a name twice), or a bound is reached.
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, LayoutError> {
        let path = path.as_ref();
        let failed =
            |error| LayoutError::io(format!("`{}` cannot be opened", path.display()), error);
        let name = format!("`{}`", path.display());
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Self::new(Source::Directory(Directory::new(path)), &name, limits);
        }
        // Opening a pipe would wait for its writer.
        if !metadata.is_file() {
            return Err(LayoutError::malformed(format!(
                "{name} is neither a directory nor a file"
            )));
        }
        let file = File::open(path).map_err(failed)?;
        Self::from_archive(TarArchive::new(file, limits), &name, limits)
    }

    /// Opens a tar archive that can be read at any place. What is not a tar
    /// archive, compressed ones included, is an error.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_tar(
        archive: impl Read + Seek + Send + 'static,
        limits: &Limits,
    ) -> Result<Self, LayoutError> {
        Self::from_archive(TarArchive::new(archive, limits), "the archive", limits)
    }

    /// Reads a tar archive from a stream, for example standard input, to its
    /// end. Blobs of the size of a manifest or an envelope are kept, in memory
    /// or, if there are many, in a temporary file without a name; larger ones
    /// pass by.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_tar_reader(stream: impl Read, limits: &Limits) -> Result<Self, LayoutError> {
        Self::from_archive(
            TarArchive::from_stream(stream, limits),
            "the archive",
            limits,
        )
    }

    fn from_archive(
        archive: Result<TarArchive, TarError>,
        name: &str,
        limits: &Limits,
    ) -> Result<Self, LayoutError> {
        let archive = archive.map_err(|error| match error {
            TarError::NotTar(problem) => LayoutError::malformed(format!(
                "{name} is neither the directory of an OCI layout nor a tar archive of one: \
                 {problem}"
            )),
            TarError::Malformed(problem) => {
                LayoutError::malformed(format!("{name} is not read as a tar archive: {problem}"))
            }
            TarError::Limit(problem) => LayoutError::limit(format!("{name}: {problem}")),
            TarError::Io(error) => LayoutError::io(format!("{name} cannot be read"), error),
        })?;
        Self::new(Source::Tar(archive), name, limits)
    }

    fn new(source: Source, name: &str, limits: &Limits) -> Result<Self, LayoutError> {
        check_marker(&source, name)?;
        let index = source
            .read(Object::Index, limits.manifest_bytes)
            .map_err(|error| incomplete(error, Object::Index, name))?;
        let index = Index::parse(&index, limits).map_err(|error| {
            Error::with_source(
                error.kind(),
                format!("`index.json` of {name} is not read: {error}"),
                error,
            )
        })?;
        Ok(Self {
            source,
            index,
            limits: limits.clone(),
            provider: Provider::preferred(),
            graph: OnceLock::new(),
        })
    }

    /// What `index.json` lists.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The descriptor of the artifact that `reference` names: a tag, which is
    /// the value of an `org.opencontainers.image.ref.name` annotation in
    /// `index.json`, or a digest.
    ///
    /// Where two entries have the tag, the later one counts. A digest that
    /// `index.json` does not list is that of a blob of unknown type: its media
    /// type is then `application/octet-stream`. The specification is silent on
    /// both, and this is what other tools do.
    ///
    /// What the layout has of the artifact is checked against the digest; it need
    /// not have it, when `index.json` lists it (image-spec, image-layout,
    /// "Blobs").
    ///
    /// # Errors
    /// [`LayoutError::NotFound`] where there is no such tag or digest.
    pub fn resolve(&self, reference: &str) -> Result<Descriptor, LayoutError> {
        match LayoutReference::parse(reference)? {
            LayoutReference::Tag(tag) => self.listed(self.tagged(&tag)?),
            LayoutReference::Digest(digest) => {
                let text = digest.to_string();
                let listed = self
                    .index
                    .descriptors()
                    .filter(|entry| entry.digest == text);
                match listed.last() {
                    Some(descriptor) => self.listed(descriptor),
                    None => self.blob(digest),
                }
            }
        }
    }

    /// Reads what `descriptor` names, at most `max_bytes`, and checks its size
    /// and digest.
    ///
    /// # Errors
    /// [`LayoutError::NotFound`] where the layout does not have it;
    /// [`LayoutError::Failed`] where it is larger, or is something else.
    pub fn read(&self, descriptor: &Descriptor, max_bytes: usize) -> Result<Vec<u8>, LayoutError> {
        let digest = digest_of(descriptor)?;
        let expected = usize::try_from(descriptor.size).map_err(|_| {
            LayoutError::malformed(format!(
                "the descriptor of `{digest}` has the size {}",
                descriptor.size
            ))
        })?;
        if expected > max_bytes {
            return Err(LayoutError::limit(format!(
                "`{digest}` has {expected} octets by its descriptor, the limit is {max_bytes}"
            )));
        }
        // A blob longer than stated is not read beyond that.
        let bytes = self.source.open(Object::Blob(digest), |content, size| {
            if usize::try_from(size) != Ok(expected) {
                return Err(LayoutError::malformed(format!(
                    "blob `{digest}` has {size} octets in the layout and {expected} by its \
                     descriptor"
                )));
            }
            let mut bytes = Vec::with_capacity(expected);
            content
                .take(size)
                .read_to_end(&mut bytes)
                .map_err(|error| {
                    LayoutError::io(format!("blob `{digest}` cannot be read"), error)
                })?;
            Ok(bytes)
        })?;
        if !digest.verify(&self.provider, &bytes) {
            return Err(mismatch(digest));
        }
        Ok(bytes)
    }

    /// The signatures of `subject`: manifests that `index.json` lists, directly
    /// or in an index below it (the index under a referrers tag too), that are
    /// signature manifests and have this subject, in the order of the lists.
    ///
    /// The whole layout is looked at once, for every subject.
    #[must_use]
    pub fn referrers(&self, subject: &Descriptor) -> Referrers {
        self.graph
            .get_or_init(|| Graph::new(self))
            .referrers(subject)
    }

    /// Everything whose subject is `subject`, of every type, by the same search.
    #[must_use]
    pub fn all_referrers(&self, subject: &Descriptor) -> Referrers {
        self.graph
            .get_or_init(|| Graph::new(self))
            .all_referrers(subject)
    }

    /// Calls `take` with the content of a blob, unchecked and without a bound.
    #[cfg(feature = "http")]
    pub(in crate::io) fn with_blob<T>(
        &self,
        digest: Digest,
        take: impl FnOnce(&mut dyn Read) -> T,
    ) -> Result<T, LayoutError> {
        let object = Object::Blob(digest);
        self.source.open(object, |content, _| Ok(take(content)))
    }

    fn tagged(&self, tag: &str) -> Result<&Descriptor, LayoutError> {
        let entry = self
            .index
            .entries
            .iter()
            .rfind(|entry| entry.ref_name.as_deref() == Some(tag))
            .ok_or_else(|| {
                LayoutError::not_found(format!(
                    "the layout has no tag `{}`; {}",
                    excerpt(tag),
                    self.known_tags()
                ))
            })?;
        entry.descriptor.as_ref().map_err(|problem| {
            LayoutError::malformed(format!(
                "the entry of `index.json` with the tag `{}` is malformed: {problem}",
                excerpt(tag)
            ))
        })
    }

    fn known_tags(&self) -> String {
        const SHOWN: usize = 10;
        let mut tags: Vec<String> = self
            .index
            .entries
            .iter()
            .filter_map(|entry| entry.ref_name.as_deref())
            .take(SHOWN + 1)
            .map(|tag| format!("`{}`", excerpt(tag)))
            .collect();
        if tags.len() > SHOWN {
            tags.truncate(SHOWN);
            tags.push("…".into());
        }
        match tags.as_slice() {
            [] => "it has none, use a digest".into(),
            tags => format!("it has {}", tags.join(", ")),
        }
    }

    /// A descriptor of `index.json`, after a look at what the layout has of it.
    fn listed(&self, descriptor: &Descriptor) -> Result<Descriptor, LayoutError> {
        let is_document = media_type::is_manifest(&descriptor.media_type)
            || media_type::is_index(&descriptor.media_type);
        if is_document {
            match self.read(descriptor, self.limits.manifest_bytes) {
                Ok(_) | Err(LayoutError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(descriptor.clone())
    }

    /// The descriptor of a blob that nothing describes.
    fn blob(&self, digest: Digest) -> Result<Descriptor, LayoutError> {
        let size = self.source.open(Object::Blob(digest), |content, size| {
            if size > self.limits.artifact_bytes {
                return Err(LayoutError::limit(format!(
                    "blob `{digest}` has {size} octets, the limit is {} (`artifact_bytes`)",
                    self.limits.artifact_bytes
                )));
            }
            let mut hasher = self.provider.hasher(digest.algorithm());
            let mut content = content.take(size);
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let count = content.read(&mut chunk).map_err(|error| {
                    LayoutError::io(format!("blob `{digest}` cannot be read"), error)
                })?;
                match chunk.get(..count) {
                    None | Some([]) => break,
                    Some(read) => hasher.update(read),
                }
            }
            if Digest::from(hasher.finish()) == digest {
                Ok(size)
            } else {
                Err(mismatch(digest))
            }
        })?;
        Ok(Descriptor {
            media_type: media_type::OCTET_STREAM.into(),
            digest: digest.to_string(),
            size: i64::try_from(size).map_err(|_| mismatch(digest))?,
            ..Descriptor::default()
        })
    }
}

/// `oci-layout` must be there, with the version that is known here.
fn check_marker(source: &Source, name: &str) -> Result<(), LayoutError> {
    let bytes = source
        .read(Object::Marker, MAX_MARKER_BYTES)
        .map_err(|error| incomplete(error, Object::Marker, name))?;
    let marker = oci_spec::image::OciLayout::from_reader(bytes.as_slice()).map_err(|_| {
        LayoutError::malformed(format!(
            "`oci-layout` of {name} is not JSON with an `imageLayoutVersion`"
        ))
    })?;
    match marker.image_layout_version().as_str() {
        LAYOUT_VERSION => Ok(()),
        other => Err(LayoutError::malformed(format!(
            "{name} is an OCI layout of version `{}`; `{LAYOUT_VERSION}` is known",
            excerpt(other)
        ))),
    }
}

/// A file that every layout has is missing: no layout, and not a thing in it
/// that was not found.
fn incomplete(error: LayoutError, object: Object, name: &str) -> LayoutError {
    match error {
        LayoutError::NotFound(_) => LayoutError::malformed(format!(
            "{name} is not an OCI layout: {object} is missing at its top level"
        )),
        LayoutError::Failed(error) => LayoutError::Failed(error),
    }
}

fn digest_of(descriptor: &Descriptor) -> Result<Digest, LayoutError> {
    Digest::parse(&descriptor.digest).map_err(|error| {
        LayoutError::Failed(Error::with_source(
            ErrorKind::Artifact,
            format!(
                "`{}` cannot be read from the layout: {error}",
                excerpt(&descriptor.digest)
            ),
            error,
        ))
    })
}

fn mismatch(digest: Digest) -> LayoutError {
    LayoutError::malformed(format!(
        "the content of blob `{digest}` has another digest: the layout is damaged or was changed"
    ))
}
