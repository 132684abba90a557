//! What is listed for an artifact, and which of it can be a signature.

use std::collections::VecDeque;

use crate::oci::media_type::{self, NOTARY_SIGNATURE, OCI_EMPTY};
use crate::wire::Descriptor;

/// The referrers that are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Listed {
    signatures: VecDeque<Descriptor>,
    unknown: VecDeque<Descriptor>,
    /// How many unknown ones there were.
    unknown_count: usize,
}

impl Listed {
    /// Adds a page of the list. Of those whose type is not told, `most` are kept on
    /// all pages; how many of this page are not is returned.
    pub(super) fn add(&mut self, page: Vec<Descriptor>, most: usize) -> usize {
        let mut passed_over = 0;
        for descriptor in page {
            if descriptor.artifact_type.as_deref() == Some(NOTARY_SIGNATURE) {
                self.signatures.push_back(descriptor);
            } else if is_unknown(&descriptor) {
                if self.unknown_count < most {
                    self.unknown_count += 1;
                    self.unknown.push_back(descriptor);
                } else {
                    passed_over += 1;
                }
            }
        }
        passed_over
    }

    /// The next one that is listed as a signature.
    pub(super) fn next_signature(&mut self) -> Option<Descriptor> {
        self.signatures.pop_front()
    }

    /// The next one that only its manifest tells something of: after all others,
    /// since most images need none of them.
    pub(super) fn next_unknown(&mut self) -> Option<Descriptor> {
        self.unknown.pop_front()
    }
}

/// Whether the list does not tell what this manifest is. The type of the empty
/// config is none either: a registry that states it read the config where it should
/// have read the manifest's `artifactType` (distribution-spec, "Listing Referrers";
/// image-spec, "Guidelines for Artifact Usage").
pub(super) fn is_unknown(referrer: &Descriptor) -> bool {
    media_type::is_manifest(&referrer.media_type)
        && matches!(referrer.artifact_type.as_deref(), None | Some(OCI_EMPTY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::media_type::{OCI_INDEX, OCI_MANIFEST};

    fn descriptor(media_type: &str, artifact_type: Option<&str>, size: i64) -> Descriptor {
        Descriptor {
            media_type: media_type.to_owned(),
            digest: String::new(),
            size,
            artifact_type: artifact_type.map(str::to_owned),
            annotations: [].into(),
        }
    }

    #[test]
    fn signatures_come_first_and_the_rest_is_bounded() {
        let mut listed = Listed::default();
        let page = vec![
            descriptor(OCI_MANIFEST, None, 1),
            descriptor(OCI_MANIFEST, Some("application/sbom"), 2),
            descriptor(OCI_INDEX, None, 3),
            descriptor(OCI_MANIFEST, Some(NOTARY_SIGNATURE), 4),
            descriptor(OCI_MANIFEST, Some(OCI_EMPTY), 5),
        ];
        assert_eq!(listed.add(page, 2), 0);
        let page = vec![
            descriptor(OCI_MANIFEST, None, 6),
            descriptor(OCI_MANIFEST, Some(NOTARY_SIGNATURE), 7),
        ];
        assert_eq!(listed.add(page, 2), 1);
        let mut sizes = Vec::new();
        while let Some(one) = listed.next_signature() {
            sizes.push(one.size);
        }
        while let Some(one) = listed.next_unknown() {
            sizes.push(one.size);
        }
        assert_eq!(sizes, [4, 7, 1, 5]);
    }
}
