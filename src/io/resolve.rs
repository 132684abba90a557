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
    find(host, reference, provider, limits)?.ok_or_else(|| {
        let message = format!("`{reference}` does not exist");
        Error::new(ErrorKind::Artifact, message)
    })
}

/// The same; `None` is nothing.
pub(super) fn find(
    host: &RegistryHost,
    reference: &Reference,
    provider: &Provider,
    limits: &Limits,
) -> Result<Option<(Reference, Descriptor)>, Error> {
    let name = reference.identifier().ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("`{reference}` needs a digest or a tag"),
        )
    })?;
    let found = find_name(host, &name, provider, limits);
    let Some(descriptor) = found.map_err(|why| Error::new(ErrorKind::Io, why))? else {
        return Ok(None);
    };
    let digest = Digest::parse(&descriptor.digest)
        .map_err(|error| Error::new(ErrorKind::Artifact, error.to_string()))?;
    Ok(Some((reference.with_digest(digest), descriptor)))
}

/// What the repository has under `name`, a tag or a digest; `None` is nothing.
///
/// # Errors
/// Why the look-up failed, for a person.
pub(super) fn find_name(
    host: &RegistryHost,
    name: &str,
    provider: &Provider,
    limits: &Limits,
) -> Result<Option<Descriptor>, String> {
    let reply = host.get(&Need {
        id: NeedId(0),
        request: Request::Resolve {
            reference: name.to_owned(),
        },
        max_bytes: limits.manifest_bytes,
    });
    match reply {
        Reply::NotFound => Ok(None),
        reply => resolved(name, reply, provider).map(|(descriptor, _)| Some(descriptor)),
    }
}
