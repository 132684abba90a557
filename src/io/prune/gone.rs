//! Images of a repository that are gone, and whose referrers are listed still:
//! [`gone_images`].

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::io::parallel;
use crate::io::registry::RegistryClient;
use crate::io::run::Run;
use crate::oci::media_type::OCI_MANIFEST;
use crate::oci::{Digest, Reference};

/// What was found in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GoneImages {
    /// The repository.
    pub repository: Reference,
    /// How many lists of referrers clients keep there under tags.
    pub lists: usize,
    /// The images of those lists that are gone, by digest: for
    /// [`prune`](super::prune), which looks at each again.
    pub images: Vec<Reference>,
}

impl GoneImages {
    /// An entry of `repositories` of the command's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "repository": self.repository.scope(),
            "lists": self.lists,
            "gone": self.images.len(),
        })
    }
}

/// Finds the images that are gone of the repository of `repository`, by the tags under
/// which clients keep lists of referrers; `concurrency` of them are looked at at the
/// same time. Registries that keep the lists themselves have no such tags, and no way
/// to ask.
///
/// # Errors
/// [`ErrorKind::Usage`] where `repository` has a tag or digest, [`ErrorKind::Io`] where
/// the tags, or whether an image is there, could not be looked up.
pub fn gone_images(
    client: &RegistryClient,
    repository: &Reference,
    concurrency: usize,
    run: &Run,
) -> Result<GoneImages, Error> {
    if repository.identifier().is_some() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{repository}` is an image and no repository: leave out its tag or digest"),
        ));
    }
    let failed = |why: String| Error::new(ErrorKind::Io, why);
    let host = client.host(repository).in_run(run.clone());
    let subjects = host.subjects_of_tags().map_err(failed)?;
    let subjects: BTreeSet<String> = subjects.iter().map(ToString::to_string).collect();
    let subjects: Vec<String> = subjects.into_iter().collect();
    let mut images = Vec::new();
    for chunk in subjects.chunks(concurrency.max(1)) {
        let there = parallel::map(chunk, |subject| host.has(subject, Some(OCI_MANIFEST)));
        for (subject, there) in chunk.iter().zip(there) {
            if !there.map_err(failed)? {
                let digest = Digest::parse(subject).map_err(|why| failed(why.to_string()))?;
                images.push(repository.with_digest(digest));
            }
        }
    }
    Ok(GoneImages {
        repository: repository.clone(),
        lists: subjects.len(),
        images,
    })
}
