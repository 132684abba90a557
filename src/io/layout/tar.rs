//! A layout as a tar archive.
//!
//! Nothing is extracted: one pass notes where the files of the layout are, and
//! they are read in place. A stream has no place to come back to, so the blobs
//! that can be manifests or envelopes are kept while it passes.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use super::entries::{Entries, Seekable, Stream, TarError};
use super::error::LayoutError;
use super::source::Object;
use crate::limits::Limits;
use crate::oci::Digest;

/// Octets of a stream that are kept in memory; more goes to a temporary file
/// without a name. Signatures and manifests rarely need so much.
const SPOOL_MEMORY_BYTES: usize = 8 * 1024 * 1024;

/// A tar archive with the places of the files of its layout.
pub(super) struct TarArchive {
    content: Mutex<Box<dyn ReadSeek>>,
    places: Places,
    /// Octets of the largest file that is kept.
    largest: u64,
}

pub(super) trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

#[derive(Default)]
struct Places {
    marker: Option<Place>,
    index: Option<Place>,
    blobs: HashMap<Digest, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    /// Where the content starts; `None` where it was too large to keep.
    offset: Option<u64>,
    size: u64,
}

impl TarArchive {
    /// Looks through an archive that can be read at any place.
    pub(super) fn new(
        mut content: impl Read + Seek + Send + 'static,
        limits: &Limits,
    ) -> Result<Self, TarError> {
        let mut places = Places::default();
        let mut entries = Entries::new(Seekable::new(&mut content)?, limits);
        while let Some(entry) = entries.next()? {
            let place = Place {
                offset: Some(entry.offset),
                size: entry.size,
            };
            places.add(entry.object, place)?;
        }
        Ok(Self {
            content: Mutex::new(Box::new(content)),
            places,
            largest: u64::MAX,
        })
    }

    /// Reads an archive once, from its start to its end, and keeps what a
    /// verification can need.
    pub(super) fn from_stream(stream: impl Read, limits: &Limits) -> Result<Self, TarError> {
        let largest = limits.manifest_bytes.max(limits.envelope_bytes);
        let largest = u64::try_from(largest).unwrap_or(u64::MAX);
        let mut places = Places::default();
        let mut kept = tempfile::spooled_tempfile(SPOOL_MEMORY_BYTES);
        let mut end = 0_u64;
        let mut entries = Entries::new(Stream::new(stream, limits.tar_stream_bytes), limits);
        while let Some(entry) = entries.next()? {
            let mut place = Place {
                offset: None,
                size: entry.size,
            };
            if entry.size <= largest {
                let after = end.saturating_add(entry.size);
                if after > limits.artifact_bytes {
                    return Err(TarError::Limit(format!(
                        "the small blobs have more than {} octets (`artifact_bytes`); write the \
                         archive to a file, which is read in place",
                        limits.artifact_bytes
                    )));
                }
                entries.copy_content(&mut kept)?;
                place.offset = Some(end);
                end = after;
            }
            places.add(entry.object, place)?;
        }
        kept.flush().map_err(TarError::Io)?;
        Ok(Self {
            content: Mutex::new(Box::new(kept)),
            places,
            largest,
        })
    }

    /// See [`Source::open`](super::source::Source::open).
    pub(super) fn open<T>(
        &self,
        object: Object,
        take: impl FnOnce(&mut dyn Read, u64) -> Result<T, LayoutError>,
    ) -> Result<T, LayoutError> {
        let place = self
            .places
            .get(object)
            .ok_or_else(|| LayoutError::not_found(format!("{object} is not in the archive")))?;
        let Some(offset) = place.offset else {
            return Err(LayoutError::limit(format!(
                "{object} has {} octets, the limit is {} in a stream; write the archive to a file",
                place.size, self.largest
            )));
        };
        // A panic while it was locked left no half-done state: each use seeks.
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content
            .seek(SeekFrom::Start(offset))
            .map_err(|error| LayoutError::io(format!("{object} cannot be read"), error))?;
        take(&mut content.by_ref().take(place.size), place.size)
    }
}

impl fmt::Debug for TarArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TarArchive")
            .field("blobs", &self.places.blobs.len())
            .finish_non_exhaustive()
    }
}

impl Places {
    fn get(&self, object: Object) -> Option<Place> {
        match object {
            Object::Marker => self.marker,
            Object::Index => self.index,
            Object::Blob(digest) => self.blobs.get(&digest).copied(),
        }
    }

    /// Two entries with one name: readers disagree which of them counts.
    fn add(&mut self, object: Object, place: Place) -> Result<(), TarError> {
        let before = match object {
            Object::Marker => self.marker.replace(place),
            Object::Index => self.index.replace(place),
            Object::Blob(digest) => self.blobs.insert(digest, place),
        };
        match before {
            None => Ok(()),
            Some(_) => Err(TarError::Malformed(format!("it has {object} twice"))),
        }
    }
}
