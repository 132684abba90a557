//! Which signatures of an image can go: [`Plan`].

use std::collections::{BTreeMap, BTreeSet};

use super::{PruneOptions, PrunedSignature, SignatureState};
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::drive::drive;
use crate::io::evidence::WithEvidence;
use crate::io::registry::RegistryHost;
use crate::io::resolve::find;
use crate::limits::Limits;
use crate::oci::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_MANIFEST};
use crate::oci::{Digest, Manifest, Reference, SignatureManifest};
use crate::session::{ImageRequest, Platforms};
use crate::sign::prune::{Fate, decide, judged};
use crate::wire::Descriptor;

/// What is to be done about one image.
pub(super) struct Plan {
    /// The digest of the image.
    pub subject: String,
    /// Its media types as its signatures state them, where it is gone.
    pub gone: Option<BTreeSet<String>>,
    pub signatures: Vec<PrunedSignature>,
    /// What is to be deleted, as the list has it.
    pub going: Vec<Descriptor>,
    /// For whose sake.
    pub kept: BTreeSet<String>,
}

impl Plan {
    /// Looks at the image. `reference` is by digest afterwards.
    pub(super) fn make(
        options: &PruneOptions,
        host: &RegistryHost,
        reference: &mut Reference,
    ) -> Result<Self, Error> {
        let verifier = &options.verifier;
        let found = find(host, reference, verifier.provider(), verifier.limits())?;
        let descriptor = match (found, reference.digest()) {
            (Some((named, descriptor)), _) => {
                *reference = named;
                descriptor
            }
            (None, Some(digest)) => return Self::of_gone(options, host, digest),
            (None, None) => {
                let message = format!(
                    "`{reference}` does not exist: the signatures of an image that is gone are \
                     found by its digest"
                );
                return Err(Error::new(ErrorKind::Artifact, message));
            }
        };
        Self::of_image(options, host, reference, &descriptor.digest)
    }

    fn of_image(
        options: &PruneOptions,
        host: &RegistryHost,
        reference: &Reference,
        digest: &str,
    ) -> Result<Self, Error> {
        let incomplete = |why: String| {
            failed(format!(
                "nothing goes, because not everything could be looked at: {why}"
            ))
        };
        let limits = options.verifier.limits();
        let session = options.verifier.verify_image(ImageRequest {
            name: reference.to_string(),
            scope: reference.scope(),
            reference: digest.to_owned(),
            user_metadata: BTreeMap::new(),
            // An image with very many signatures is what this is for.
            max_signatures: Some(limits.referrers),
            all_signatures: true,
            platforms: Platforms::Named,
            now: options.now,
        })?;
        let mut with_evidence = WithEvidence::new(host.clone(), options.evidence.clone());
        let report = drive(session, &mut with_evidence)?;
        let all = judged(&report, options.verifier.provider(), limits).map_err(incomplete)?;
        let listed = host.all_referrers(digest).map_err(incomplete)?;
        // Who came meanwhile, or was passed over, may be the one that counts.
        for one in listed.iter().filter(|one| is_signature(one)) {
            if all.iter().all(|judged| judged.digest != one.digest) {
                return Err(incomplete(format!("`{}` was not judged", one.digest)));
            }
        }
        let fates = decide(&all, options.signers, options.now).map_err(incomplete)?;
        let mut plan = Self::new(digest);
        for (one, fate) in all.iter().zip(fates) {
            let signed_at = one.facts.as_ref().map(|facts| facts.earliest);
            let descriptor = listed.iter().find(|listed| listed.digest == one.digest);
            let (state, why, replaced_by) = match (fate, descriptor) {
                (Fate::Stays(why), _) => (SignatureState::Stays, why, None),
                (Fate::Goes { .. }, None) => {
                    return Err(incomplete(format!("`{}` is not listed", one.digest)));
                }
                (Fate::Goes { why, replaced_by }, Some(descriptor)) => {
                    plan.going.push(descriptor.clone());
                    plan.kept.extend(replaced_by.clone());
                    (SignatureState::Goes, why, replaced_by)
                }
            };
            plan.signatures.push(PrunedSignature {
                digest: one.digest.clone(),
                signed_at,
                state,
                why,
                replaced_by,
            });
        }
        Ok(plan)
    }

    /// The image answered 404, which is believed once every way to ask for it did.
    fn of_gone(options: &PruneOptions, host: &RegistryHost, digest: Digest) -> Result<Self, Error> {
        let limits = options.verifier.limits();
        let provider = options.verifier.provider();
        let mut plan = Self::new(&digest.to_string());
        let mut media_types = BTreeSet::from([OCI_MANIFEST.to_owned()]);
        let listed = host.all_referrers(&plan.subject).map_err(failed)?;
        for descriptor in listed {
            if !is_signature(&descriptor) && !is_untold(&descriptor) {
                continue;
            }
            let stays = match read(host, &descriptor, provider, limits).map_err(failed)? {
                None => Some("it is listed and does not exist".to_owned()),
                Some(bytes) => match stated_subject(&bytes, limits) {
                    // Something else of the image's.
                    Ok(None) => continue,
                    Ok(Some(subject)) if subject.digest == plan.subject => {
                        let checked = SignatureManifest::parse(&bytes, &subject, limits);
                        media_types.insert(subject.media_type);
                        checked.err().map(|error| error.to_string())
                    }
                    Ok(Some(subject)) => Some(format!("it is of `{}`", subject.digest)),
                    Err(error) => Some(error.to_string()),
                },
            };
            let (state, why) = match stays {
                Some(why) => (SignatureState::Stays, why),
                None => (SignatureState::Goes, "its image is gone".to_owned()),
            };
            plan.signatures.push(PrunedSignature {
                digest: descriptor.digest.clone(),
                signed_at: None,
                state,
                why,
                replaced_by: None,
            });
            if state == SignatureState::Goes {
                plan.going.push(descriptor);
            }
        }
        plan.gone = Some(media_types);
        plan.check_gone(host).map_err(failed)?;
        Ok(plan)
    }

    fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            gone: None,
            signatures: Vec::new(),
            going: Vec::new(),
            kept: BTreeSet::new(),
        }
    }

    fn check_gone(&self, host: &RegistryHost) -> Result<(), String> {
        // A registry may hide a manifest from who does not accept its type.
        for media_type in self.gone.iter().flatten() {
            if host.has(&self.subject, Some(media_type))? {
                return Err(format!(
                    "the registry says that `{}` is gone, and then that it is there: nothing goes",
                    self.subject
                ));
            }
        }
        Ok(())
    }

    /// Whether it still holds: what is to go is a signature manifest of the image, and
    /// what it goes for is there and listed; or the image is gone. Gives the digests
    /// of what is there.
    pub(super) fn check(
        &self,
        options: &PruneOptions,
        host: &RegistryHost,
    ) -> Result<BTreeSet<String>, String> {
        let limits = options.verifier.limits();
        let provider = options.verifier.provider();
        self.check_gone(host)?;
        let listed = if self.kept.is_empty() {
            Vec::new()
        } else {
            host.all_referrers(&self.subject)?
        };
        for kept in &self.kept {
            let descriptor = listed.iter().find(|one| one.digest == *kept);
            let is_there = match descriptor {
                Some(one) => read(host, one, provider, limits)?.is_some(),
                None => false,
            };
            if !is_there {
                return Err(format!(
                    "`{kept}`, for whose sake others were to go, is not there any more: nothing \
                     more goes"
                ));
            }
        }
        let mut there = BTreeSet::new();
        for one in &self.going {
            let Some(bytes) = read(host, one, provider, limits)? else {
                continue;
            };
            let of_this = stated_subject(&bytes, limits)
                .ok()
                .flatten()
                .filter(|subject| subject.digest == self.subject)
                .is_some_and(|subject| SignatureManifest::parse(&bytes, &subject, limits).is_ok());
            if !of_this {
                return Err(format!(
                    "`{}` is no signature manifest of `{}`: nothing goes",
                    one.digest, self.subject
                ));
            }
            there.insert(one.digest.clone());
        }
        Ok(there)
    }
}

fn is_signature(descriptor: &Descriptor) -> bool {
    descriptor.artifact_type.as_deref() == Some(NOTARY_SIGNATURE)
}

/// Whether only the manifest tells what it is, see `session::listed`.
fn is_untold(descriptor: &Descriptor) -> bool {
    matches!(descriptor.artifact_type.as_deref(), None | Some(OCI_EMPTY))
}

/// A manifest that is what its descriptor says; `None` where it is not there.
fn read(
    host: &RegistryHost,
    descriptor: &Descriptor,
    provider: &Provider,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, String> {
    let digest = &descriptor.digest;
    let fits = usize::try_from(descriptor.size).is_ok_and(|size| size <= limits.manifest_bytes);
    let parsed = Digest::parse(digest).map_err(|why| why.to_string())?;
    if !fits {
        return Err(format!(
            "`{digest}` is listed with {} octets, the limit is {} (`manifest_bytes`)",
            descriptor.size, limits.manifest_bytes
        ));
    }
    let bytes = host.manifest(descriptor)?;
    match bytes {
        Some(bytes) if !parsed.verify(provider, &bytes) => {
            Err(format!("other octets came for the manifest `{digest}`"))
        }
        bytes => Ok(bytes),
    }
}

/// The subject of a signature manifest; `None` where it is something else.
fn stated_subject(bytes: &[u8], limits: &Limits) -> Result<Option<Descriptor>, Error> {
    let manifest = Manifest::parse(bytes, limits)?;
    Ok(manifest.subject.clone().filter(|_| manifest.is_signature()))
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::Io, why)
}
