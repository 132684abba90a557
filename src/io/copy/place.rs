//! [`Place`]: where an image is, to read from.

use std::io::Read;

use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::layout::{Layout, LayoutError};
use crate::io::registry::{RegistryClient, RegistryHost};
use crate::io::resolve::find_name;
use crate::io::run::Run;
use crate::limits::Limits;
use crate::oci::{Digest, Reference};
use crate::registry::Endpoint;
use crate::wire::Descriptor;

/// An image that is read.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In a registry, by tag or digest.
    Registry(&'a RegistryClient, &'a Reference),
    /// In a layout, by tag or digest.
    Layout(&'a Layout, &'a str),
}

/// The same, ready to be asked.
pub(super) enum Reader<'a> {
    Registry(Box<RegistryHost>, &'a Reference),
    Layout(&'a Layout, &'a str),
}

impl<'a> Place<'a> {
    pub(super) fn reader(&self, run: &Run) -> Reader<'a> {
        match *self {
            Self::Registry(client, reference) => {
                let host = client.host(reference).in_run(run.clone());
                Reader::Registry(Box::new(host), reference)
            }
            Self::Layout(layout, reference) => Reader::Layout(layout, reference),
        }
    }

    /// The tag by which the image is named.
    pub(super) fn tag(&self) -> Option<String> {
        match self {
            Self::Registry(_, reference) => reference.tag().map(str::to_owned),
            Self::Layout(_, reference) => {
                let name = reference.trim_start_matches(':');
                (!name.starts_with('@') && Digest::parse(name).is_err()).then(|| name.to_owned())
            }
        }
    }
}

impl Reader<'_> {
    /// What the image's tag or digest names there.
    pub(super) fn resolve(
        &self,
        limits: &Limits,
        provider: &Provider,
    ) -> Result<Descriptor, Error> {
        let failed = |why: String| Error::new(ErrorKind::Io, why);
        match self {
            Self::Layout(layout, reference) => Ok(layout.resolve(reference)?),
            Self::Registry(host, reference) => {
                let name = reference.identifier().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Usage,
                        format!("`{reference}` needs a digest or a tag"),
                    )
                })?;
                find_name(host, &name, provider, limits)
                    .map_err(failed)?
                    .ok_or_else(|| failed(format!("`{reference}` is not there")))
            }
        }
    }

    /// The manifest that `descriptor` names; `None` where it is not there.
    pub(super) fn manifest(
        &self,
        descriptor: &Descriptor,
        limits: &Limits,
    ) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Registry(host, _) => host.manifest(descriptor),
            Self::Layout(layout, _) => match layout.read(descriptor, limits.manifest_bytes) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(LayoutError::NotFound(_)) => Ok(None),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    /// All referrers of `subject`.
    pub(super) fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, String> {
        match self {
            Self::Registry(host, _) => host.all_referrers(&subject.digest),
            Self::Layout(layout, _) => {
                let found = layout.all_referrers(subject);
                match found.problems.first() {
                    None => Ok(found.signatures),
                    Some(problem) => Err(problem.to_string()),
                }
            }
        }
    }

    /// Calls `take` with the content of a blob, unchecked; `None` where it is not
    /// there.
    pub(super) fn with_blob<T>(
        &self,
        digest: Digest,
        take: impl FnOnce(&mut dyn Read) -> T,
    ) -> Result<Option<T>, String> {
        match self {
            Self::Registry(host, _) => host.with_blob(digest, take),
            Self::Layout(layout, _) => match layout.with_blob(digest, take) {
                Ok(taken) => Ok(Some(taken)),
                Err(LayoutError::NotFound(_)) => Ok(None),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    /// Whether a blob is there: a registry says so, that of a layout is read.
    pub(super) fn has_blob(&self, blob: &Descriptor, provider: &Provider) -> Result<bool, String> {
        let digest = Digest::parse(&blob.digest).map_err(|error| error.to_string())?;
        match self {
            Self::Registry(host, _) => host.has(&blob.digest, None),
            Self::Layout(..) => {
                let size = u64::try_from(blob.size).unwrap_or_default();
                let read = self.with_blob(digest, |content| {
                    let checked = super::Checked::new(content, digest, size, provider);
                    let read = checked.read_through();
                    read.map_err(|error| checked.problem().unwrap_or_else(|| error.to_string()))
                })?;
                read.map_or(Ok(false), |read| read.map(|()| true))
            }
        }
    }

    /// The repository, where it is in a registry.
    pub(super) const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Registry(host, _) => Some(host.endpoint()),
            Self::Layout(..) => None,
        }
    }
}
