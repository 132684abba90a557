//! What a registry has under a reference: [`resolve`].

use super::registry::RegistryHost;
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::oci::{Digest, Reference};
use crate::session::{Need, NeedId, Reply, Request, resolved};
use crate::wire::Descriptor;

/// The reference by digest, and the descriptor (media type, digest, size) of the
/// manifest or index that `reference` names, from bytes that were hashed here. The
/// host is that of the reference's repository.
///
/// # Errors
/// [`ErrorKind::Usage`] where the reference has neither tag nor digest,
/// [`ErrorKind::Artifact`] where the registry says that there is no such image,
/// [`ErrorKind::Io`] where the look-up failed: that says nothing of the image.
pub fn resolve(
    host: &RegistryHost,
    reference: &Reference,
    provider: &Provider,
    limits: &Limits,
) -> Result<(Reference, Descriptor), Error> {
    let name = reference.identifier().ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("`{reference}` needs a digest or a tag"),
        )
    })?;
    let reply = host.get(&Need {
        id: NeedId(0),
        request: Request::Resolve {
            reference: name.clone(),
        },
        max_bytes: limits.manifest_bytes,
    });
    if matches!(reply, Reply::NotFound) {
        let message = format!("`{reference}` does not exist");
        return Err(Error::new(ErrorKind::Artifact, message));
    }
    let (descriptor, _) =
        resolved(&name, reply, provider).map_err(|why| Error::new(ErrorKind::Io, why))?;
    let digest = Digest::parse(&descriptor.digest)
        .map_err(|error| Error::new(ErrorKind::Artifact, error.to_string()))?;
    Ok((reference.with_digest(digest), descriptor))
}
