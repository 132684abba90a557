//! [`RegistryHosts`]: registries for many images.

use super::client::RegistryClient;
use crate::error::Error;
use crate::io::batch::Hosts;
use crate::io::drive::Host;
use crate::io::evidence::{EvidenceFetcher, WithEvidence};
use crate::io::run::Run;
use crate::oci::Reference;
use crate::session::ImageRequest;

/// The registries of a batch: one client, one source of evidence, one run. The
/// scope of each image is its repository.
#[derive(Clone, Debug)]
pub struct RegistryHosts {
    client: RegistryClient,
    evidence: EvidenceFetcher,
    run: Run,
}

impl RegistryHosts {
    /// All of them together.
    #[must_use]
    pub const fn new(client: RegistryClient, evidence: EvidenceFetcher, run: Run) -> Self {
        Self {
            client,
            evidence,
            run,
        }
    }
}

impl Hosts for RegistryHosts {
    fn host(&self, image: &ImageRequest) -> Result<Box<dyn Host + '_>, Error> {
        let repository = Reference::parse(&image.scope)?;
        let host = self.client.host(&repository).in_run(self.run.clone());
        Ok(Box::new(WithEvidence::new(host, self.evidence.clone())))
    }
}
