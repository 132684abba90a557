//! What a repository has already.

use crate::error::{Error, ErrorKind};
use crate::io::registry::RegistryHost;
use crate::limits::Limits;
use crate::oci::SignatureManifest;
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
    let mut others = Vec::new();
    let mut page = None;
    for _ in 0..limits.referrer_pages {
        let request = Request::Referrers {
            subject: subject.digest.clone(),
            page: page.take(),
        };
        match fetch(host, request, limits.manifest_bytes) {
            Reply::Referrers {
                descriptors, next, ..
            } => {
                let mut ours = descriptors.iter();
                if ours.any(|one| one.digest == document.descriptor.digest) {
                    return Ok(Some(document.descriptor.digest.clone()));
                }
                others.extend(descriptors);
                page = next;
            }
            Reply::NotFound => {}
            Reply::Failed(why) => {
                return Err(failed(format!("the signatures cannot be listed: {why}")));
            }
            _ => return Err(failed("the registry did not answer with a list")),
        }
        if page.is_none() {
            return same_envelope(host, subject, document, &others, limits);
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
