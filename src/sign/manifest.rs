//! The manifest that makes an envelope a referrer of its artifact
//! (signature-specification, "OCI Signatures").

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::thumbprints;
use crate::crypto::{HashAlgorithm, Provider};
use crate::envelope::Signed;
use crate::oci::media_type;
use crate::time::Time;
use crate::wire::Descriptor;

/// The certificates of a signature, for those who look for one.
const THUMBPRINTS: &str = "io.cncf.notary.x509chain.thumbprint#S256";
/// When the manifest was made (OCI image specification, "Pre-Defined Annotation
/// Keys").
const CREATED: &str = "org.opencontainers.image.created";
/// The config of every signature manifest: an empty JSON object.
pub const CONFIG: &[u8] = b"{}";

/// The two forms of a signature manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestForm {
    /// OCI 1.1: `artifactType` says that it is a signature.
    #[default]
    ArtifactType,
    /// For registries that refuse it: the media type of the config says so.
    ConfigMediaType,
}

/// A signature manifest and what it names, to be pushed before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureManifestDocument {
    /// The manifest.
    pub bytes: Vec<u8>,
    /// Its descriptor, as a list of referrers has it.
    pub descriptor: Descriptor,
    /// The descriptor of [`CONFIG`].
    pub config: Descriptor,
    /// The descriptor of the envelope.
    pub envelope: Descriptor,
}

/// The manifest of the signature `signed`, whose envelope is `envelope`, as a
/// referrer of `subject`. That the signature is of `subject` is the caller's to
/// check.
#[must_use]
pub fn signature_manifest(
    subject: &Descriptor,
    signed: &Signed,
    envelope: &[u8],
    created: Time,
    form: ManifestForm,
    provider: &Provider,
) -> SignatureManifestDocument {
    let config_type = match form {
        ManifestForm::ArtifactType => media_type::OCI_EMPTY,
        ManifestForm::ConfigMediaType => media_type::NOTARY_SIGNATURE,
    };
    let config = descriptor(config_type, CONFIG, provider);
    let envelope = descriptor(signed.media_type().as_str(), envelope, provider);
    let thumbprints = Value::from(thumbprints(signed.chain())).to_string();
    let annotations: BTreeMap<String, String> = [
        (THUMBPRINTS.to_owned(), thumbprints),
        (CREATED.to_owned(), created.to_string()),
    ]
    .into();
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": plain(&config),
        "layers": [plain(&envelope)],
        "subject": plain(subject),
        "annotations": annotations,
    });
    if let (ManifestForm::ArtifactType, Some(members)) = (form, manifest.as_object_mut()) {
        let artifact_type = media_type::NOTARY_SIGNATURE.into();
        members.insert("artifactType".to_owned(), artifact_type);
    }
    let bytes = manifest.to_string().into_bytes();
    SignatureManifestDocument {
        descriptor: Descriptor {
            artifact_type: Some(media_type::NOTARY_SIGNATURE.to_owned()),
            annotations,
            ..descriptor(media_type::OCI_MANIFEST, &bytes, provider)
        },
        bytes,
        config,
        envelope,
    }
}

fn descriptor(media_type: &str, bytes: &[u8], provider: &Provider) -> Descriptor {
    let algorithm = HashAlgorithm::Sha256;
    let digest = provider.hash(algorithm, bytes);
    Descriptor {
        media_type: media_type.to_owned(),
        digest: format!("{}:{}", algorithm.as_str(), digest.to_hex()),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        ..Descriptor::default()
    }
}

fn plain(descriptor: &Descriptor) -> Value {
    json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    })
}
