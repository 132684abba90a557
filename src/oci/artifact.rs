//! Manifests of artifacts that are layers with annotations.

use std::collections::BTreeMap;

use super::json::{self, Annotations, Count, RawDescriptor, malformed};
use super::manifest::check_schema_version;
use super::media_type::OCI_MANIFEST;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::Descriptor;

/// An artifact manifest, whole. The digests of its layers are not looked at here:
/// who reads a layer holds it against them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactManifest {
    /// The type of the artifact, where it states one.
    pub artifact_type: Option<String>,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
    /// What it is made of, each with its annotations.
    pub layers: Vec<Descriptor>,
    /// Its own annotations.
    pub annotations: BTreeMap<String, String>,
}

impl ArtifactManifest {
    /// Parses an image manifest with at most `most` layers.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`] where it is malformed,
    /// [`ErrorKind::LimitExceeded`] where it is too long or has more layers.
    pub fn parse(bytes: &[u8], most: usize, limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "artifact manifest";
        // Counted before they are kept.
        let counted: RawCount = json::parse(WHAT, bytes, limits)?;
        let count = counted.layers.0;
        if count > most {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the {WHAT} has {count} layers, the limit is {most}"),
            ));
        }
        let raw: Raw = json::parse(WHAT, bytes, limits)?;
        raw.check().map_err(|problem| malformed(WHAT, &problem))
    }
}

#[derive(serde::Deserialize)]
struct RawCount {
    #[serde(default)]
    layers: Count,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    layers: Option<Vec<RawLayer>>,
    subject: Option<RawDescriptor>,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLayer {
    media_type: String,
    digest: String,
    size: i64,
    #[serde(default)]
    annotations: Annotations,
}

impl Raw {
    fn check(self) -> Result<ArtifactManifest, String> {
        check_schema_version(self.schema_version)?;
        if self.media_type.as_deref() != Some(OCI_MANIFEST) {
            return Err(format!("its `mediaType` is not `{OCI_MANIFEST}`"));
        }
        let layers = self.layers.unwrap_or_default().into_iter();
        Ok(ArtifactManifest {
            artifact_type: self.artifact_type.filter(|text| !text.is_empty()),
            subject: self.subject.map(RawDescriptor::check).transpose()?,
            layers: layers
                .map(|layer| Descriptor {
                    media_type: layer.media_type,
                    digest: layer.digest,
                    size: layer.size,
                    artifact_type: None,
                    annotations: layer.annotations.0,
                })
                .collect(),
            annotations: self.annotations.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(value: &Value) -> Result<ArtifactManifest, Error> {
        ArtifactManifest::parse(value.to_string().as_bytes(), 2, &Limits::default())
    }

    fn manifest() -> Value {
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "a/b",
            "layers": [{"mediaType": "c/d", "digest": "sha256:00", "size": 1,
                "annotations": {"k": "v"}}],
            "annotations": {"a": "b"}})
    }

    #[test]
    fn layers_keep_their_annotations() {
        let parsed = parse(&manifest()).unwrap();
        assert_eq!(parsed.artifact_type.as_deref(), Some("a/b"));
        assert_eq!(parsed.layers[0].annotations["k"], "v");
        assert_eq!(parsed.annotations["a"], "b");
        let mut empty = manifest();
        empty["layers"] = Value::Null;
        assert!(parse(&empty).unwrap().layers.is_empty());
    }

    #[test]
    fn bounded_and_strict() {
        let mut many = manifest();
        many["layers"] = json!([many["layers"][0], many["layers"][0], many["layers"][0]]);
        assert_eq!(parse(&many).unwrap_err().kind(), ErrorKind::LimitExceeded);
        for (member, bad) in [
            ("schemaVersion", json!(1)),
            ("mediaType", json!("a/b")),
            ("layers", json!([{}])),
            ("layers", json!({})),
            ("annotations", json!({"a": 1})),
            (
                "subject",
                json!({"digest": "sha256:00", "size": -1, "mediaType": "a/b"}),
            ),
        ] {
            let mut changed = manifest();
            changed[member] = bad;
            assert!(parse(&changed).is_err(), "{changed}");
        }
    }
}
