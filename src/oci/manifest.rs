//! Manifests: what is needed of any, and [`SignatureManifest`].

use std::collections::BTreeMap;

use super::json::{self, Annotations, Count, RawDescriptor, malformed};
use super::media_type::{NOTARY_SIGNATURE, OCI_EMPTY, OCI_MANIFEST};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::Descriptor;

/// The head of an image manifest: what it is, and what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its own media type, where it states one.
    pub media_type: Option<String>,
    /// The type of the artifact, where it states one.
    pub artifact_type: Option<String>,
    /// The media type of its config.
    pub config_media_type: String,
    /// The manifest that this one says something about.
    pub subject: Option<Descriptor>,
}

impl Manifest {
    /// Parses the head of an image manifest, OCI or Docker.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`] where it is malformed,
    /// [`ErrorKind::LimitExceeded`] where it is too long.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let raw: RawHead = json::parse("manifest", bytes, limits)?;
        raw.check()
            .map_err(|problem| malformed("manifest", &problem))
    }

    /// Whether this is a signature manifest, in one of its two forms
    /// (signature-specification, "OCI Signatures"): the artifact type with the
    /// empty config, or no artifact type and the type of the config.
    #[must_use]
    pub fn is_signature(&self) -> bool {
        match self.artifact_type.as_deref() {
            Some(NOTARY_SIGNATURE) => self.config_media_type == OCI_EMPTY,
            Some(_) => false,
            None => self.config_media_type == NOTARY_SIGNATURE,
        }
    }

    /// Whether this refers to `subject`: media type, digest and size.
    #[must_use]
    pub fn refers_to(&self, subject: &Descriptor) -> bool {
        self.subject
            .as_ref()
            .is_some_and(|stated| stated.same_content(subject))
    }
}

/// A signature manifest, checked: it leads from an artifact to one envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureManifest {
    /// Where the envelope is. Its media type says whether it is COSE or JWS, or
    /// that it is neither: that is judged with the envelope.
    pub envelope: Descriptor,
    /// The manifest's annotations. They are not signed.
    pub annotations: BTreeMap<String, String>,
}

impl SignatureManifest {
    /// Parses a signature manifest for `subject`.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`] where it is malformed, is not a signature
    /// manifest, has another subject or not exactly one layer;
    /// [`ErrorKind::LimitExceeded`] where it or the envelope is too long.
    pub fn parse(bytes: &[u8], subject: &Descriptor, limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "signature manifest";
        let raw: RawHead = json::parse(WHAT, bytes, limits)?;
        let refuse = |problem: &str| malformed(WHAT, problem);

        let layers = raw.layers.0;
        let head = raw.check().map_err(|problem| refuse(&problem))?;
        if head.media_type.as_deref() != Some(OCI_MANIFEST) {
            return Err(refuse(&format!("its `mediaType` is not `{OCI_MANIFEST}`")));
        }
        if !head.is_signature() {
            return Err(refuse(&format!(
                "it has neither the `artifactType` `{NOTARY_SIGNATURE}` with a config of type \
                 `{OCI_EMPTY}`, nor no `artifactType` and a config of type `{NOTARY_SIGNATURE}`"
            )));
        }
        match &head.subject {
            None => return Err(refuse("it has no `subject`")),
            Some(stated) if !stated.same_content(subject) => {
                return Err(refuse(&format!(
                    "its `subject` is `{}` ({}, {} octets) and not `{}` ({}, {} octets)",
                    json::excerpt(&stated.digest),
                    json::excerpt(&stated.media_type),
                    stated.size,
                    json::excerpt(&subject.digest),
                    json::excerpt(&subject.media_type),
                    subject.size,
                )));
            }
            Some(_) => {}
        }
        if layers != 1 {
            return Err(refuse(&format!(
                "it has {layers} layers, a signature has exactly one"
            )));
        }
        let body: RawBody = json::parse(WHAT, bytes, limits)?;
        let [envelope] = body.layers;
        let envelope = envelope.check().map_err(|problem| refuse(&problem))?;
        let fits = usize::try_from(envelope.size).is_ok_and(|size| size <= limits.envelope_bytes);
        if !fits {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "the signature envelope `{}` has {} octets, the limit is {} (`envelope_bytes`)",
                    json::excerpt(&envelope.digest),
                    envelope.size,
                    limits.envelope_bytes
                ),
            ));
        }
        Ok(Self {
            envelope,
            annotations: body.annotations.0,
        })
    }
}

/// The first look at a manifest: layers are counted and not kept.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHead {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: RawDescriptor,
    #[serde(default)]
    layers: Count,
    subject: Option<RawDescriptor>,
}

impl RawHead {
    fn check(self) -> Result<Manifest, String> {
        check_schema_version(self.schema_version)?;
        Ok(Manifest {
            media_type: self.media_type,
            // Go tools write an absent type as an empty text.
            artifact_type: self.artifact_type.filter(|text| !text.is_empty()),
            config_media_type: self.config.check()?.media_type,
            subject: self.subject.map(RawDescriptor::check).transpose()?,
        })
    }
}

/// 2, or nothing: a later version of the image specification may leave it out
/// (manifest, "Image Manifest Property Descriptions").
pub(super) fn check_schema_version(version: Option<u64>) -> Result<(), String> {
    match version {
        None | Some(2) => Ok(()),
        Some(other) => Err(format!("its `schemaVersion` is {other} and not 2")),
    }
}

/// The second look at a signature manifest, which has one layer.
#[derive(serde::Deserialize)]
struct RawBody {
    layers: [RawDescriptor; 1],
    #[serde(default)]
    annotations: Annotations,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const IMAGE: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";
    const BLOB: &str = "sha256:12bb4817bfb95241ef8a6acec599cee9717a8dddf8e9ac5581a17da62b3f8a28";

    fn subject() -> Descriptor {
        Descriptor {
            media_type: OCI_MANIFEST.into(),
            digest: IMAGE.into(),
            size: 394,
            ..Descriptor::default()
        }
    }

    fn legacy() -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": NOTARY_SIGNATURE, "digest": BLOB, "size": 2},
            "layers": [{"mediaType": "application/cose", "digest": BLOB, "size": 1414}],
            "subject": {"mediaType": OCI_MANIFEST, "digest": IMAGE, "size": 394},
            "annotations": {"a": "b"},
        })
    }

    fn current() -> Value {
        let mut value = legacy();
        value["artifactType"] = NOTARY_SIGNATURE.into();
        value["config"]["mediaType"] = OCI_EMPTY.into();
        value
    }

    fn parse(value: &Value) -> Result<SignatureManifest, Error> {
        SignatureManifest::parse(value.to_string().as_bytes(), &subject(), &Limits::default())
    }

    fn refused(edit: impl Fn(&mut Value)) -> Error {
        let mut value = legacy();
        edit(&mut value);
        parse(&value).expect_err(&value.to_string())
    }

    #[test]
    fn both_forms() {
        for value in [legacy(), current()] {
            let manifest = parse(&value).unwrap();
            assert_eq!(manifest.envelope.digest, BLOB);
            assert_eq!(manifest.envelope.size, 1414);
            assert_eq!(manifest.annotations["a"], "b");
        }
        let mut without = legacy();
        without["artifactType"] = "".into();
        without["annotations"] = Value::Null;
        assert!(parse(&without).unwrap().annotations.is_empty());
    }

    #[test]
    fn forms_do_not_mix() {
        refused(|value| value["artifactType"] = NOTARY_SIGNATURE.into());
        refused(|value| value["artifactType"] = "application/foo".into());
        refused(|value| value["config"]["mediaType"] = OCI_EMPTY.into());
        let mut value = current();
        value["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
        assert!(parse(&value).is_err());
    }

    #[test]
    fn subject_is_the_one_asked_for() {
        refused(|value| {
            value.as_object_mut().unwrap().remove("subject");
        });
        refused(|value| value["subject"]["digest"] = BLOB.into());
        refused(|value| value["subject"]["size"] = 393.into());
        refused(|value| value["subject"]["mediaType"] = "application/x".into());
        refused(|value| value["subject"] = "x".into());
    }

    #[test]
    fn exactly_one_layer() {
        refused(|value| value["layers"] = json!([]));
        refused(|value| value["layers"] = Value::Null);
        let error = refused(|value| {
            let layer = value["layers"][0].clone();
            value["layers"] = json!([layer, layer]);
        });
        assert!(error.to_string().contains("2 layers"), "{error}");
    }

    #[test]
    fn sizes_are_bounded_before_anything_is_read() {
        let error = refused(|value| value["layers"][0]["size"] = (1_i64 << 30).into());
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        for size in [
            json!(-1),
            json!("1"),
            json!(1.5),
            json!(1e3),
            json!(u64::MAX),
        ] {
            let error = refused(|value| value["layers"][0]["size"] = size.clone());
            assert_eq!(error.kind(), ErrorKind::Artifact);
        }
        let error = SignatureManifest::parse(
            &[b' '; 64],
            &subject(),
            &Limits {
                manifest_bytes: 63,
                ..Limits::default()
            },
        );
        assert_eq!(error.unwrap_err().kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn document_rules() {
        refused(|value| value["schemaVersion"] = 1.into());
        refused(|value| value["mediaType"] = "application/vnd.oci.image.index.v1+json".into());
        refused(|value| {
            value.as_object_mut().unwrap().remove("mediaType");
        });
        refused(|value| value["layers"][0]["digest"] = "sha256:../../x".into());
        refused(|value| value["config"] = Value::Null);
        refused(|value| {
            value["annotations"] = (0..=MAX)
                .map(|i| (i.to_string(), Value::from("")))
                .collect();
        });
        for text in ["", "[]", "{", "{}x", "\u{feff}{}"] {
            assert!(
                SignatureManifest::parse(text.as_bytes(), &subject(), &Limits::default()).is_err()
            );
        }
        let doubled = legacy()
            .to_string()
            .replacen("\"size\"", "\"size\":1,\"size\"", 1);
        assert!(
            SignatureManifest::parse(doubled.as_bytes(), &subject(), &Limits::default()).is_err()
        );
    }

    const MAX: usize = crate::limits::MAX_ANNOTATIONS;

    #[test]
    fn deep_nesting_ends() {
        let deep = format!("{{\"x\":{}", "[".repeat(1_000_000));
        assert!(SignatureManifest::parse(deep.as_bytes(), &subject(), &Limits::default()).is_err());
    }
}
