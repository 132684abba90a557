//! Which envelopes a payload map is about: [`attachments_of_map`].

use std::path::Path;

use super::{Attachment, EnvelopeAt};
use crate::error::{Error, ErrorKind};
use crate::io::files;
use crate::limits::Limits;
use crate::sign::map::PayloadMap;

/// What the map at `path` says is to be attached: envelopes are in place of the
/// payloads beside the map, or beside those.
///
/// # Errors
/// [`ErrorKind::Io`] where the map cannot be read, [`ErrorKind::Usage`] where it is
/// malformed, [`ErrorKind::LimitExceeded`] where it is too long.
pub fn attachments_of_map(path: &Path, limits: &Limits) -> Result<Vec<Attachment>, Error> {
    let bytes = files::read_existing(path, limits.image_list_bytes)?;
    let map = PayloadMap::parse(&bytes, limits).map_err(|error| {
        let kind = match error.kind() {
            ErrorKind::LimitExceeded => ErrorKind::LimitExceeded,
            _ => ErrorKind::Usage,
        };
        Error::with_source(kind, format!("`{}`: {error}", path.display()), error)
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    Ok(map
        .entries()
        .iter()
        .map(|entry| Attachment {
            reference: entry.reference.clone(),
            target: Some(entry.target.clone()),
            envelope: EnvelopeAt::Payload(folder.join(&entry.payload)),
        })
        .collect())
}
