//! JSON from callers: what is to be verified. Members that are not known are
//! refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use notation::oci::Reference;
use notation::registry::{Endpoint, Origin, Scheme};
use notation::session::{self, ImageRequest, Platforms};
use notation::verifier::{EnvelopeRequest, Scope};
use notation::wire::Descriptor;
use notation::{Error, Time};
use serde::Deserialize;

use crate::options::usage;

/// What of an index counts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OfIndex {
    #[default]
    Named,
    All,
}

impl From<OfIndex> for Platforms {
    fn from(given: OfIndex) -> Self {
        match given {
            OfIndex::Named => Self::Named,
            OfIndex::All => Self::All,
        }
    }
}

/// An artifact whose signatures are to be found.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Image {
    /// `registry/repository:tag` or `registry/repository@digest`; with `scope`, tag or
    /// digest alone.
    reference: String,
    scope: Option<String>,
    name: Option<String>,
    user_metadata: Option<BTreeMap<String, String>>,
    max_signatures: Option<usize>,
    all_signatures: Option<bool>,
    platforms: Option<OfIndex>,
    pub at: Option<String>,
    /// For whole calls.
    pub timeout_ms: Option<u64>,
    /// For sessions.
    pub plain_http: Option<bool>,
}

/// What images of a list have where they do not say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageDefaults {
    user_metadata: Option<BTreeMap<String, String>>,
    max_signatures: Option<usize>,
    all_signatures: Option<bool>,
    platforms: Option<OfIndex>,
}

/// An artifact in an OCI image layout.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InLayout {
    pub path: PathBuf,
    reference: String,
    scope: String,
    name: Option<String>,
    #[serde(default)]
    user_metadata: BTreeMap<String, String>,
    max_signatures: Option<usize>,
    #[serde(default)]
    all_signatures: bool,
    #[serde(default)]
    platforms: OfIndex,
    pub at: Option<String>,
}

/// A blob and its detached signature.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Blob {
    #[serde(default)]
    name: String,
    envelope_media_type: String,
    policy_name: Option<String>,
    media_type: Option<String>,
    #[serde(default)]
    user_metadata: BTreeMap<String, String>,
    pub at: Option<String>,
}

/// An envelope at hand.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Envelope {
    envelope_media_type: String,
    reference: Option<String>,
    scope: Option<String>,
    target: Target,
    #[serde(default)]
    user_metadata: BTreeMap<String, String>,
    pub at: Option<String>,
    #[serde(skip)]
    descriptor: Descriptor,
}

/// A descriptor, as OCI writes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    media_type: String,
    digest: String,
    size: i64,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl From<Target> for Descriptor {
    fn from(target: Target) -> Self {
        Self {
            media_type: target.media_type,
            digest: target.digest,
            size: target.size,
            artifact_type: target.artifact_type,
            annotations: target.annotations,
        }
    }
}

impl Image {
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.reference)
    }

    /// The same with `defaults` for what it leaves out.
    pub fn with(mut self, defaults: &ImageDefaults) -> Self {
        self.user_metadata = self
            .user_metadata
            .or_else(|| defaults.user_metadata.clone());
        self.max_signatures = self.max_signatures.or(defaults.max_signatures);
        self.all_signatures = self.all_signatures.or(defaults.all_signatures);
        self.platforms = self.platforms.or(defaults.platforms);
        self
    }

    /// Where the image's repository is, unless the caller has one of its own.
    pub fn endpoint(&self) -> Result<Option<Endpoint>, Error> {
        if self.scope.is_some() {
            return Ok(None);
        }
        let reference = Reference::parse(&self.reference)?;
        let plain = self
            .plain_http
            .unwrap_or_else(|| Origin::of_registry(&reference, Scheme::Http).is_loopback());
        let scheme = if plain { Scheme::Http } else { Scheme::Https };
        Ok(Some(Endpoint::new(&reference, scheme)))
    }

    pub fn at(self, now: Time) -> Result<ImageRequest, Error> {
        let name = self.name().to_owned();
        let (scope, reference) = match self.scope {
            Some(scope) => (scope, self.reference),
            None => {
                let reference = Reference::parse(&self.reference)?;
                let named = reference.identifier().ok_or_else(|| {
                    usage(format!(
                        "the reference `{}` names no image: add a tag or a digest",
                        self.reference
                    ))
                })?;
                (reference.scope(), named)
            }
        };
        Ok(ImageRequest {
            name,
            scope,
            reference,
            user_metadata: self.user_metadata.unwrap_or_default(),
            max_signatures: self.max_signatures,
            all_signatures: self.all_signatures.unwrap_or_default(),
            platforms: self.platforms.unwrap_or_default().into(),
            now,
        })
    }
}

impl InLayout {
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            format!(
                "{} ({} in {})",
                self.scope,
                self.reference,
                self.path.display()
            )
        })
    }

    pub fn at(self, now: Time) -> ImageRequest {
        ImageRequest {
            name: self.name(),
            scope: self.scope,
            reference: self.reference,
            user_metadata: self.user_metadata,
            max_signatures: self.max_signatures,
            all_signatures: self.all_signatures,
            platforms: self.platforms.into(),
            now,
        }
    }
}

impl Blob {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn at(self, envelope: &[u8], now: Time) -> session::BlobRequest {
        session::BlobRequest {
            name: self.name,
            policy_name: self.policy_name,
            envelope_media_type: self.envelope_media_type,
            envelope: envelope.to_vec(),
            media_type: self.media_type,
            user_metadata: self.user_metadata,
            now,
        }
    }
}

impl Envelope {
    pub fn name(&self) -> &str {
        self.reference
            .as_deref()
            .or(self.scope.as_deref())
            .unwrap_or_default()
    }

    pub fn at<'a>(
        &'a mut self,
        envelope: &'a [u8],
        now: Time,
    ) -> Result<EnvelopeRequest<'a>, Error> {
        self.descriptor = std::mem::take(&mut self.target).into();
        let scope = match (&self.reference, &self.scope) {
            (Some(reference), None) => Scope::Reference(reference),
            (None, Some(scope)) => Scope::Repository(scope),
            _ => return Err(usage("give either `reference` or `scope`")),
        };
        Ok(EnvelopeRequest {
            scope,
            media_type: &self.envelope_media_type,
            envelope,
            target: &self.descriptor,
            user_metadata: &self.user_metadata,
            now,
        })
    }
}
