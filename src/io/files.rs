//! Files that are read and written whole.

use std::fs::File;
use std::io::{ErrorKind as Kind, Read, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// What is in a file of at most `most` octets; `None` where there is none.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::LimitExceeded`] where it
/// is longer.
pub fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "cannot be read", error)),
    };
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(bound.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| failed(path, "cannot be read", error))?;
    if bytes.len() > most {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("`{}` has more than {most} octets", path.display()),
        ));
    }
    Ok(Some(bytes))
}

/// The same for a file that must be there.
///
/// # Errors
/// As of [`read`], and where there is none.
pub fn read_existing(path: &Path, most: usize) -> Result<Vec<u8>, Error> {
    read(path, most)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Io,
            format!("`{}` does not exist", path.display()),
        )
    })
}

/// Writes a file so that whoever looks sees all of it or what was there before,
/// also after a crash: into a temporary file of the same directory, to the disk,
/// then in place.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".notation-verify-")
            .tempfile_in(directory)?;
        file.write_all(bytes)?;
        keep(file, path)
    };
    written().map_err(|error| failed(path, "cannot be written", error))
}

/// Puts a temporary file that is complete in place, to stay: its directory is that of
/// `path`.
pub(in crate::io) fn keep(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    file.as_file().sync_all()?;
    readable_by_others(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// Temporary files are the owner's alone; what is written here is public, and a
/// signing service may run as somebody else.
#[cfg(unix)]
fn readable_by_others(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// The new name is on the disk when the directory is.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The error of something that was done to `path`, in the words of `what`.
pub(super) fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::with_source(
        ErrorKind::Io,
        format!("`{}` {what}: {error}", path.display()),
        error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read(&path, 10).unwrap().is_none());
        assert!(read_existing(&path, 10).is_err());
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(read_existing(&path, 3).unwrap(), b"two");
        let error = read(&path, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        // Nothing is left beside it.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_whole(&folder.path().join("no/a"), b"").is_err());
        assert!(read(folder.path(), 10).is_err());
    }
}
