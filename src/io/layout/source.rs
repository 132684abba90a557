//! Where the files of a layout come from: [`Source`].

use std::fmt;
use std::io::Read;

use super::directory::Directory;
use super::error::LayoutError;
use super::tar::TarArchive;
use crate::oci::Digest;

/// A file of a layout. Paths are made from these and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// `oci-layout`.
    Marker,
    /// `index.json`.
    Index,
    /// `blobs/algorithm/hex`.
    Blob(Digest),
}

impl Object {
    /// The names of directories and file, from the top of the layout.
    pub(super) fn path(self) -> Vec<String> {
        match self {
            Self::Marker => vec!["oci-layout".into()],
            Self::Index => vec!["index.json".into()],
            Self::Blob(digest) => vec![
                "blobs".into(),
                digest.algorithm().as_str().into(),
                digest.hex(),
            ],
        }
    }

    /// What a path names, where it names a file of a layout.
    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        match path {
            ["oci-layout"] => Some(Self::Marker),
            ["index.json"] => Some(Self::Index),
            ["blobs", algorithm, hex] => Digest::parse(&format!("{algorithm}:{hex}"))
                .ok()
                .map(Self::Blob),
            _ => None,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marker => f.write_str("`oci-layout`"),
            Self::Index => f.write_str("`index.json`"),
            Self::Blob(digest) => write!(f, "blob `{digest}`"),
        }
    }
}

/// A directory or a tar archive.
#[derive(Debug)]
pub(super) enum Source {
    Directory(Directory),
    Tar(TarArchive),
}

impl Source {
    /// Calls `take` with the content of `object` and its size in octets.
    pub(super) fn open<T>(
        &self,
        object: Object,
        take: impl FnOnce(&mut dyn Read, u64) -> Result<T, LayoutError>,
    ) -> Result<T, LayoutError> {
        match self {
            Self::Directory(directory) => directory.open(object, take),
            Self::Tar(archive) => archive.open(object, take),
        }
    }

    /// Reads all of `object`, at most `max_bytes`. The size is known, and checked,
    /// before anything is read or allocated.
    pub(super) fn read(&self, object: Object, max_bytes: usize) -> Result<Vec<u8>, LayoutError> {
        self.open(object, |content, size| {
            let expected = usize::try_from(size).unwrap_or(usize::MAX);
            if expected > max_bytes {
                return Err(LayoutError::limit(format!(
                    "{object} has {size} octets, the limit is {max_bytes}"
                )));
            }
            let mut bytes = Vec::with_capacity(expected);
            // One octet more than there should be shows a file that grows.
            content
                .take(size.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|error| LayoutError::io(format!("{object} cannot be read"), error))?;
            if bytes.len() != expected {
                return Err(LayoutError::malformed(format!(
                    "{object} changed its size while it was read"
                )));
            }
            Ok(bytes)
        })
    }
}
