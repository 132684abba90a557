//! [`Content`]: everything that a manifest or an index leads to.

use std::collections::BTreeMap;

use super::json::{self, Annotations, Count, RawDescriptor, malformed};
use super::manifest::check_schema_version;
use super::{Index, media_type};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::Descriptor;

/// What a manifest or an index leads to, whole: all that must be where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What an index lists.
    pub manifests: Vec<Descriptor>,
    /// The config and the layers of a manifest.
    pub blobs: Vec<Descriptor>,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
    /// The type that a list of referrers has for it: its artifact type, or else the
    /// media type of its config (distribution-spec, "Listing Referrers").
    pub artifact_type: Option<String>,
    /// Its own annotations, which a list of referrers has too.
    pub annotations: BTreeMap<String, String>,
}

impl Content {
    /// Parses what a descriptor calls `media_type`. Content of a type that is not
    /// known here leads nowhere.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`] where it is malformed, or is by its own words, or could
    /// be taken for, something else than `media_type`; [`ErrorKind::LimitExceeded`]
    /// where it is too long or names too much.
    pub fn parse(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        if media_type::is_index(media_type) {
            Self::of_index(media_type, bytes, limits)
        } else if media_type::is_manifest(media_type) {
            Self::of_manifest(media_type, bytes, limits)
        } else {
            Ok(Self::default())
        }
    }

    fn of_index(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "index";
        let refuse = |problem: &str| malformed(WHAT, problem);
        let index = Index::parse(bytes, limits)?;
        let raw: RawMore = json::parse(WHAT, bytes, limits)?;
        // Who takes it for a manifest sees another image (CVE-2021-41190).
        if raw.layers.0 > 0 || raw.config.is_some() {
            return Err(refuse("it has layers or a config like a manifest"));
        }
        same_type(media_type, index.media_type.as_deref()).map_err(|why| refuse(&why))?;
        let manifests: Result<Vec<_>, _> = index
            .entries
            .into_iter()
            .map(|entry| entry.descriptor)
            .collect();
        Ok(Self {
            manifests: manifests.map_err(|why| refuse(&why))?,
            blobs: Vec::new(),
            subject: raw.subject(WHAT)?,
            artifact_type: raw.artifact_type.filter(|text| !text.is_empty()),
            annotations: raw.annotations.0,
        })
    }

    fn of_manifest(media_type: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "manifest";
        let refuse = |problem: &str| malformed(WHAT, problem);
        // Counted before they are kept.
        let counted: RawMore = json::parse(WHAT, bytes, limits)?;
        if counted.layers.0 > limits.layers {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "the manifest has {} layers, the limit is {} (`layers`)",
                    counted.layers.0, limits.layers
                ),
            ));
        }
        if counted.manifests.0 > 0 {
            return Err(refuse("it lists manifests like an index"));
        }
        check_schema_version(counted.schema_version).map_err(|why| refuse(&why))?;
        same_type(media_type, counted.media_type.as_deref()).map_err(|why| refuse(&why))?;
        let raw: RawBlobs = json::parse(WHAT, bytes, limits)?;
        let blobs: Result<Vec<_>, _> = std::iter::once(raw.config)
            .chain(raw.layers.unwrap_or_default())
            .map(RawDescriptor::check)
            .collect();
        let blobs = blobs.map_err(|why| refuse(&why))?;
        let config = blobs.first().map(|config| config.media_type.clone());
        Ok(Self {
            manifests: Vec::new(),
            blobs,
            subject: counted.subject(WHAT)?,
            artifact_type: counted
                .artifact_type
                .filter(|text| !text.is_empty())
                .or(config),
            annotations: counted.annotations.0,
        })
    }
}

/// Whether a layer is one that registries do not have, because its licence forbids
/// to hand it on (image-spec, layer, "Non-Distributable Layers"; Docker's foreign
/// layers).
#[must_use]
pub fn is_foreign_layer(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
}

/// Whether registries keep content of this type as a manifest and not as a blob. Of
/// types that are not known here, the name says it: build caches list layers in an
/// index.
#[must_use]
pub fn is_kept_as_manifest(media_type: &str) -> bool {
    media_type::is_manifest(media_type)
        || media_type::is_index(media_type)
        || media_type.contains(".manifest.")
        || media_type.contains(".index.")
}

fn same_type(expected: &str, stated: Option<&str>) -> Result<(), String> {
    match stated {
        Some(other) if other != expected => Err(format!(
            "its `mediaType` is `{}`, and it is listed as `{expected}`",
            json::excerpt(other)
        )),
        _ => Ok(()),
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMore {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Count,
    #[serde(default)]
    manifests: Count,
    subject: Option<RawDescriptor>,
    #[serde(default)]
    annotations: Annotations,
}

impl RawMore {
    fn subject(&self, what: &str) -> Result<Option<Descriptor>, Error> {
        let subject = self.subject.clone().map(RawDescriptor::check).transpose();
        subject.map_err(|why| malformed(what, &why))
    }
}

#[derive(serde::Deserialize)]
struct RawBlobs {
    config: RawDescriptor,
    layers: Option<Vec<RawDescriptor>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST};
    use serde_json::{Value, json};

    const A: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";
    const B: &str = "sha256:12bb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";

    fn parse(media_type: &str, value: &Value) -> Result<Content, Error> {
        Content::parse(media_type, value.to_string().as_bytes(), &Limits::default())
    }

    fn manifest() -> Value {
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_EMPTY, "digest": A, "size": 2},
            "layers": [{"mediaType": "a/b", "digest": B, "size": 1, "urls": ["https://a"]}],
            "subject": {"mediaType": OCI_MANIFEST, "digest": A, "size": 3},
            "annotations": {"k": "v"}})
    }

    fn index() -> Value {
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX,
            "manifests": [{"mediaType": OCI_MANIFEST, "digest": A, "size": 2}]})
    }

    #[test]
    fn everything_that_is_named() {
        let content = parse(OCI_MANIFEST, &manifest()).unwrap();
        assert_eq!(content.blobs.len(), 2);
        assert_eq!(content.subject.unwrap().size, 3);
        assert_eq!(content.artifact_type.as_deref(), Some(OCI_EMPTY));
        assert_eq!(content.annotations["k"], "v");
        let mut typed = manifest();
        typed["artifactType"] = NOTARY_SIGNATURE.into();
        let content = parse(OCI_MANIFEST, &typed).unwrap();
        assert_eq!(content.artifact_type.as_deref(), Some(NOTARY_SIGNATURE));
        let content = parse(OCI_INDEX, &index()).unwrap();
        assert_eq!((content.manifests.len(), content.artifact_type), (1, None));
        let other = parse("application/other", &json!([1])).unwrap();
        assert_eq!(other, Content::default());
    }

    #[test]
    fn one_document_is_one_thing() {
        for (kind, mut value, member, bad) in [
            (OCI_MANIFEST, manifest(), "manifests", json!([{}])),
            (OCI_MANIFEST, manifest(), "mediaType", json!("a/b")),
            (OCI_MANIFEST, manifest(), "config", Value::Null),
            (OCI_MANIFEST, manifest(), "layers", json!([{}])),
            (OCI_MANIFEST, manifest(), "subject", json!({})),
            (OCI_MANIFEST, manifest(), "schemaVersion", json!(1)),
            (OCI_INDEX, index(), "layers", json!([{}])),
            (OCI_INDEX, index(), "config", json!({})),
            (OCI_INDEX, index(), "mediaType", json!(OCI_MANIFEST)),
            (OCI_INDEX, index(), "manifests", json!([{}])),
        ] {
            value[member] = bad;
            assert!(parse(kind, &value).is_err(), "{value}");
        }
        assert!(parse(OCI_INDEX, &manifest()).is_err());
        assert!(parse(OCI_MANIFEST, &index()).is_err());
        let many = vec![json!({}); Limits::default().layers + 1];
        let mut value = manifest();
        value["layers"] = many.into();
        let error = parse(OCI_MANIFEST, &value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn kinds_by_their_names() {
        for foreign in [
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ] {
            assert!(is_foreign_layer(foreign));
            assert!(!is_kept_as_manifest(foreign));
        }
        assert!(!is_foreign_layer("application/vnd.oci.image.layer.v1.tar"));
        assert!(!is_kept_as_manifest(
            "application/vnd.oci.image.layer.v1.tar"
        ));
        assert!(is_kept_as_manifest(OCI_INDEX));
        assert!(is_kept_as_manifest(
            "application/vnd.oci.artifact.manifest.v1+json"
        ));
    }
}
