//! A layout as a directory.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::LayoutError;
use super::source::Object;

/// The directory of a layout. No symbolic link below it is followed, so nothing
/// outside it is read.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// See [`Source::open`](super::source::Source::open).
    pub(super) fn open<T>(
        &self,
        object: Object,
        take: impl FnOnce(&mut dyn Read, u64) -> Result<T, LayoutError>,
    ) -> Result<T, LayoutError> {
        let (path, seen) = self.find(object)?;
        let failed = |error| LayoutError::io(format!("`{}` cannot be read", path.display()), error);
        let mut file = File::open(&path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        if !opened.is_file() || !same_file(&seen, &opened) {
            return Err(LayoutError::malformed(format!(
                "`{}` was replaced while it was opened",
                path.display()
            )));
        }
        take(&mut file, opened.len())
    }

    /// The path of `object`, when it is a regular file under real directories.
    fn find(&self, object: Object) -> Result<(PathBuf, Metadata), LayoutError> {
        let names = object.path();
        let mut path = self.root.clone();
        let mut left = names.len();
        for name in names {
            path.push(name);
            left = left.saturating_sub(1);
            let metadata = fs::symlink_metadata(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => LayoutError::not_found(format!(
                    "{object} is not in the layout `{}`",
                    self.root.display()
                )),
                _ => LayoutError::io(format!("`{}` cannot be read", path.display()), error),
            })?;
            let kind = metadata.file_type();
            if kind.is_symlink() {
                return Err(LayoutError::malformed(format!(
                    "`{}` is a symbolic link; a layout is read without following links, copy it \
                     with the links resolved",
                    path.display()
                )));
            }
            match left {
                0 if kind.is_file() => return Ok((path, metadata)),
                0 => {
                    return Err(LayoutError::malformed(format!(
                        "`{}` is not a regular file",
                        path.display()
                    )));
                }
                _ if kind.is_dir() => {}
                _ => {
                    return Err(LayoutError::malformed(format!(
                        "`{}` is not a directory",
                        path.display()
                    )));
                }
            }
        }
        Err(LayoutError::not_found(format!("{object} has no path")))
    }
}

/// Whether the file that was looked at is the one that was opened: between the
/// two it could have become a link.
#[cfg(unix)]
fn same_file(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

/// Elsewhere the standard library has no stable identity of a file; making a
/// link there needs a privilege.
#[cfg(not(unix))]
fn same_file(seen: &Metadata, opened: &Metadata) -> bool {
    seen.len() == opened.len()
}
