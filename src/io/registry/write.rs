//! What is written to registries, blobs and manifests with a subject, and what is
//! deleted there.

use std::sync::Arc;

use super::attempts::Ended;
use super::host::RegistryHost;
use crate::oci::Digest;
use crate::registry::{
    Deleted, Listed, Publication, Publish, PublishStep, ReferrersOrder, Upload, UploadStep,
    Withdrawal, delete_manifest, deleted,
};

/// How far a manifest is that is published.
#[derive(Debug)]
pub enum Published {
    /// It is in the repository, and was seen on the list or promised to be on it.
    Done(Listed),
    /// It is on the list under a tag, which others write too: look again after a
    /// wait, with [`RegistryHost::go_on`].
    Settle(Box<Publish>),
}

impl RegistryHost {
    /// Brings a blob into the repository.
    ///
    /// # Errors
    /// Why it is not there now, for a person.
    pub fn upload(&self, digest: Digest, content: &Arc<[u8]>, new: IsNew) -> Result<(), String> {
        let content = Arc::clone(content);
        let mut step = match new {
            IsNew::Likely => Upload::start(self.endpoint(), digest, content),
            IsNew::Unlikely => Upload::look_first(self.endpoint(), digest, content),
        };
        loop {
            step = match step {
                UploadStep::Done(_) => return Ok(()),
                UploadStep::Failed(why) => return Err(why),
                UploadStep::Again(upload, request) => match self.send(&request) {
                    Ok(response) => {
                        upload.receive(&response, |origin| self.client().allows_plain_http(origin))
                    }
                    Err(Ended::Stopped(why)) => return Err(why),
                    Err(Ended::Why(why)) => upload.lost(why),
                },
            };
        }
    }

    /// Brings a manifest with a subject into the repository. What it names must be
    /// there already.
    ///
    /// # Errors
    /// Why it is not there, or not listed, for a person.
    pub fn publish(&self, publication: Publication) -> Result<Published, String> {
        let order = self.client().referrers_order(self.endpoint());
        let limits = self.client().limits();
        self.drive(Publish::start(self.endpoint(), publication, order, limits))
    }

    /// Takes manifests off the list of their subject, where clients keep that.
    pub(in crate::io) fn withdraw(&self, withdrawal: Withdrawal) -> Result<Published, String> {
        let order = self.client().referrers_order(self.endpoint());
        let limits = self.client().limits();
        self.drive(Publish::withdraw(
            self.endpoint(),
            withdrawal,
            order,
            limits,
        ))
    }

    /// Deletes a manifest.
    pub(in crate::io) fn delete(&self, digest: Digest) -> Result<Deleted, String> {
        let request = delete_manifest(self.endpoint(), digest);
        let response = self.send(&request).map_err(|why| why.to_string())?;
        deleted(&request, &response)
    }

    /// Goes on after the wait that [`Published::Settle`] asks for.
    ///
    /// # Errors
    /// As of [`RegistryHost::publish`].
    pub fn go_on(&self, publish: Publish) -> Result<Published, String> {
        self.drive(publish.settled())
    }

    fn drive(&self, mut step: PublishStep) -> Result<Published, String> {
        loop {
            step = match step {
                PublishStep::Done(listed) => return Ok(Published::Done(listed)),
                PublishStep::Failed(why) => return Err(why),
                PublishStep::Settle(publish) => return Ok(Published::Settle(publish)),
                PublishStep::Again(publish, request) => match self.send(&request) {
                    Ok(response) => publish.receive(&response),
                    Err(Ended::Stopped(why)) => return Err(why),
                    Err(Ended::Why(why)) => publish.lost(why),
                },
            };
        }
    }

    /// Whether the registry is known to list referrers by itself, or not known not
    /// to.
    #[must_use]
    pub fn referrers_order(&self) -> ReferrersOrder {
        self.client().referrers_order(self.endpoint())
    }
}

/// Whether a blob is there most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsNew {
    /// Upload it without asking first.
    Likely,
    /// Ask first.
    Unlikely,
}
