//! OCI content descriptors, as payloads and manifests state them.

use std::collections::BTreeMap;

/// A content descriptor (OCI image specification, "OCI Content Descriptors").
///
/// The digest stays the text that was signed or written: comparing a signed
/// descriptor with the artifact's needs equality of texts, and code that fetches
/// by digest parses it first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// `algorithm:hex` of the content.
    pub digest: String,
    /// Octets of the content.
    pub size: i64,
    /// Type of an artifact, where the content is a manifest of one.
    pub artifact_type: Option<String>,
    /// Annotations; in a signed payload the user metadata.
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Whether both name the same content: media type, digest and size, as the
    /// specification compares them. Annotations do not matter.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.media_type == other.media_type
            && self.digest == other.digest
            && self.size == other.size
    }
}
