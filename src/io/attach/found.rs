//! What a repository has already.

use crate::error::{Error, ErrorKind};
use crate::io::registry::RegistryHost;
use crate::limits::Limits;
use crate::oci::SignatureManifest;
use crate::oci::media_type::OCI_EMPTY;
use crate::registry::Publication;
use crate::session::{Need, NeedId, Reply, Request};
use crate::sign::manifest::SignatureManifestDocument;
use crate::wire::Descriptor;

/// The digest of the signature manifest by which `subject` has the envelope of
/// `document` already: by the same manifest, or by one that another tool made for
/// the same envelope.
///
/// # Errors
/// Where that cannot be known: a list that could not be read is not an empty one.
pub(super) fn attached(
    host: &RegistryHost,
    subject: &Descriptor,
    document: &SignatureManifestDocument,
    limits: &Limits,
) -> Result<Option<String>, Error> {
    let ours = &document.descriptor.digest;
    match list(host, &subject.digest, ours, limits)? {
        List::HasIt => Ok(Some(ours.clone())),
        List::Others(others) => same_envelope(host, subject, document, &others, limits),
    }
}

/// Whether the registry lists what was published.
///
/// # Errors
/// Where that cannot be known.
pub(super) fn listed(
    host: &RegistryHost,
    publication: &Publication,
    limits: &Limits,
) -> Result<bool, Error> {
    let ours = &publication.descriptor.digest;
    let list = list(host, &publication.subject, ours, limits)?;
    Ok(matches!(list, List::HasIt))
}

enum List {
    HasIt,
    Others(Vec<Descriptor>),
}

/// The signatures of `subject`, as far as the one with the digest `ours`.
fn list(host: &RegistryHost, subject: &str, ours: &str, limits: &Limits) -> Result<List, Error> {
    let mut others = Vec::new();
    let mut page = None;
    for _ in 0..limits.referrer_pages {
        let request = Request::Referrers {
            subject: subject.to_owned(),
            page: page.take(),
        };
        match fetch(host, request, limits.manifest_bytes) {
            Reply::Referrers {
                descriptors, next, ..
            } => {
                // Others do not find what is listed under the type of the config.
                let signatures = descriptors
                    .into_iter()
                    .filter(|one| one.artifact_type.as_deref() != Some(OCI_EMPTY));
                for one in signatures {
                    if one.digest == ours {
                        return Ok(List::HasIt);
                    }
                    others.push(one);
                }
                page = next;
            }
            Reply::NotFound => {}
            Reply::Failed(why) => {
                return Err(failed(format!("the signatures cannot be listed: {why}")));
            }
            _ => return Err(failed("the registry did not answer with a list")),
        }
        if page.is_none() {
            return Ok(List::Others(others));
        }
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!(
            "more than {} pages of referrers are listed (`referrer_pages`)",
            limits.referrer_pages
        ),
    ))
}

fn same_envelope(
    host: &RegistryHost,
    subject: &Descriptor,
    document: &SignatureManifestDocument,
    others: &[Descriptor],
    limits: &Limits,
) -> Result<Option<String>, Error> {
    if others.len() > limits.signatures {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the image has more than {} signatures (`signatures`): remove those that nobody \
                 needs",
                limits.signatures
            ),
        ));
    }
    for other in others {
        let request = Request::Manifest(other.clone());
        match fetch(host, request, limits.manifest_bytes) {
            Reply::Content { bytes, .. } => {
                // One that is no signature of this image does not count as one.
                if let Ok(manifest) = SignatureManifest::parse(&bytes, subject, limits)
                    && manifest.envelope.digest == document.envelope.digest
                {
                    return Ok(Some(other.digest.clone()));
                }
            }
            // Listed and gone: normal in a registry.
            Reply::NotFound => {}
            Reply::Failed(why) => {
                return Err(failed(format!(
                    "whether the signature is attached already cannot be known: {why}"
                )));
            }
            _ => return Err(failed("the registry did not answer with a manifest")),
        }
    }
    Ok(None)
}

/// What a repository has under `request`.
pub(in crate::io) fn fetch(host: &RegistryHost, request: Request, max_bytes: usize) -> Reply {
    host.get(&Need {
        id: NeedId(0),
        request,
        max_bytes,
    })
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, message)
}
