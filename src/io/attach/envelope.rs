//! Where envelopes are: [`EnvelopeAt`].

use std::path::{Path, PathBuf};

use crate::envelope::Payload;
use crate::error::{Error, ErrorKind};
use crate::io::files;
use crate::limits::Limits;

/// What signing services add to the name of a payload.
const SUFFIXES: [&str; 3] = [".sig", ".cose", ".jws"];

/// Where an envelope is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeAt {
    /// In this file.
    File(PathBuf),
    /// Made of the payload in this file: in its place, or beside it in a file with
    /// `.sig`, `.cose` or `.jws` after its name.
    Payload(PathBuf),
}

impl EnvelopeAt {
    /// Reads it.
    ///
    /// # Errors
    /// Where it is missing or too long, where the payload was not signed yet, or
    /// where several files could be meant.
    pub fn read(&self, limits: &Limits) -> Result<Vec<u8>, Error> {
        match self {
            Self::File(path) => files::read_existing(path, limits.envelope_bytes),
            Self::Payload(path) => of_payload(path, limits),
        }
    }
}

fn of_payload(path: &Path, limits: &Limits) -> Result<Vec<u8>, Error> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let mut found = Vec::new();
    for suffix in SUFFIXES {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let beside = PathBuf::from(name);
        if let Some(envelope) = files::read(&beside, limits.envelope_bytes)? {
            found.push((beside, envelope));
        }
    }
    let in_place = files::read(path, limits.envelope_bytes)?
        .filter(|bytes| Payload::parse(bytes).is_err())
        .map(|envelope| (path.to_owned(), envelope));
    found.extend(in_place);
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((_, envelope)), None) => Ok(envelope),
        (None, _) if path.exists() => Err(usage(format!(
            "`{}` is a payload that was not signed yet, and there is no envelope beside it",
            path.display()
        ))),
        (None, _) => Err(usage(format!(
            "there is no envelope: neither `{0}` nor `{0}.sig`, `{0}.cose` or `{0}.jws` exists",
            path.display()
        ))),
        (Some((one, _)), Some((other, _))) => Err(usage(format!(
            "`{}` and `{}` could both be the envelope: remove one of them",
            one.display(),
            other.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &[u8] = br#"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c","size":1}}"#;

    #[test]
    fn the_envelope_is_in_place_or_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.payload.json");
        let limits = Limits::default();
        let read = || {
            EnvelopeAt::Payload(path.clone())
                .read(&limits)
                .map_err(|error| error.to_string())
        };
        let beside = |suffix: &str| folder.path().join(format!("a.payload.json{suffix}"));
        assert!(read().unwrap_err().contains("there is no envelope"));
        std::fs::write(&path, PAYLOAD).unwrap();
        assert!(read().unwrap_err().contains("not signed yet"));
        for suffix in SUFFIXES {
            std::fs::write(beside(suffix), suffix).unwrap();
            assert_eq!(read().unwrap(), suffix.as_bytes());
            std::fs::remove_file(beside(suffix)).unwrap();
        }
        std::fs::write(&path, b"\xd2envelope").unwrap();
        assert_eq!(read().unwrap(), b"\xd2envelope");
        std::fs::write(beside(".sig"), "x").unwrap();
        assert!(read().unwrap_err().contains("could both be"));
        let file = EnvelopeAt::File(beside(".sig"));
        assert_eq!(file.read(&limits).unwrap(), b"x");
        let small = Limits {
            envelope_bytes: 0,
            ..Limits::default()
        };
        assert!(file.read(&small).is_err());
    }
}
