//! The file of one payload.

use std::path::Path;

use super::OtherContent;
use crate::error::{Error, ErrorKind};
use crate::io::files;
use crate::limits::Limits;
use crate::sign::attach::{checked_manifest, envelope_media_type};
use crate::sign::manifest::ManifestForm;
use crate::verifier::Verifier;
use crate::wire::Descriptor;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// It was there.
    Kept,
    /// An envelope of the payload was there.
    Signed,
}

/// Writes `payload`, which names `target`, unless it is there already, signed or
/// not.
///
/// # Errors
/// Where the file cannot be read or written, or holds something else.
pub(super) fn ensure(
    path: &Path,
    payload: &[u8],
    target: &Descriptor,
    other_content: OtherContent,
    limits: &Limits,
) -> Result<Outcome, Error> {
    // A file that is too long for an envelope is something else.
    let found = match files::read(path, limits.envelope_bytes) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::LimitExceeded => Some(Vec::new()),
        Err(error) => return Err(error),
    };
    match found {
        None => {}
        Some(bytes) if bytes == payload => return Ok(Outcome::Kept),
        Some(bytes) if is_signed(&bytes, payload, target, limits) => return Ok(Outcome::Signed),
        Some(_) if other_content == OtherContent::Replace => {}
        Some(_) => {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`{}` holds neither the payload nor a signature of it: remove it, or have it \
                     replaced (--replace)",
                    path.display()
                ),
            ));
        }
    }
    files::write_whole(path, payload)?;
    Ok(Outcome::Written)
}

/// Whether `bytes` is an intact envelope of exactly this payload: user metadata
/// counts.
fn is_signed(bytes: &[u8], payload: &[u8], target: &Descriptor, limits: &Limits) -> bool {
    let verifier = Verifier::builder().limits(limits.clone()).build();
    let media_type = envelope_media_type(bytes);
    verifier
        .integrity(media_type, bytes)
        .is_ok_and(|signed| signed.payload_bytes() == payload)
        && checked_manifest(
            target,
            media_type,
            bytes,
            ManifestForm::default(),
            &verifier,
        )
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_twice_or_over_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.payload.json");
        let limits = Limits::default();
        let target = Descriptor::default();
        let ensure = |payload: &[u8], other| ensure(&path, payload, &target, other, &limits);
        assert_eq!(
            ensure(b"one", OtherContent::Refuse).unwrap(),
            Outcome::Written
        );
        let made = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(ensure(b"one", OtherContent::Refuse).unwrap(), Outcome::Kept);
        let error = ensure(b"two", OtherContent::Refuse).unwrap_err();
        assert!(error.to_string().contains("--replace"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(
            std::fs::metadata(&path).unwrap().modified().unwrap(),
            made,
            "the file was not touched"
        );
        assert_eq!(
            ensure(b"two", OtherContent::Replace).unwrap(),
            Outcome::Written
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
    }
}
