//! The media types that decide something in a verification.

/// An OCI image manifest. Signature manifests have this type
/// (signature-specification, "OCI Signatures").
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index; also the answer of the referrers API.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The empty JSON object as the config of an artifact (image-spec, manifest,
/// "Guidance for an Empty Descriptor").
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The artifact type of a Notary Project signature; in the older form the media
/// type of its config.
pub const NOTARY_SIGNATURE: &str = "application/vnd.cncf.notary.signature";
/// A signature envelope in JWS JSON serialisation.
pub const JWS_ENVELOPE: &str = "application/jose+json";
/// A signature envelope in COSE.
pub const COSE_ENVELOPE: &str = "application/cose";
/// Anything: what a blob is that no manifest or index describes.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Whether `media_type` is one manifest, of an image or of an artifact.
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}

/// Whether `media_type` is a list of manifests.
#[must_use]
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_MANIFEST_LIST)
}

/// Whether `text` is a media type: `type/subtype`, each a restricted name
/// (RFC 6838 section 4.2), without parameters.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_restricted_name(kind) && is_restricted_name(subtype))
}

fn is_restricted_name(text: &str) -> bool {
    text.len() <= 127
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restricted_names() {
        let longest = "a".repeat(127);
        for good in [
            OCI_MANIFEST,
            OCI_EMPTY,
            JWS_ENVELOPE,
            "a/b",
            &format!("{longest}/{longest}"),
        ] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "",
            "application",
            "/",
            "a/",
            "/b",
            "foo/.bar",
            "a/b/c",
            "a/b; charset=utf-8",
            &format!("{longest}x/b"),
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
