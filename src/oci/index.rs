//! Image indexes: `index.json` of a layout, multi-platform images, and the
//! answers of the referrers API.

use super::json::{self, Count, RawDescriptor, malformed};
use super::manifest::check_schema_version;
use super::{Digest, media_type};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wire::Descriptor;

/// An image index, or a Docker manifest list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its own media type, where it states one.
    pub media_type: Option<String>,
    /// What it lists, in its order, malformed entries included.
    pub entries: Vec<IndexEntry>,
    /// The manifest that it says something about, where that is well-formed.
    pub subject: Option<Descriptor>,
}

/// One entry of an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// What the entry names; or what is wrong with it: one bad entry does not
    /// hide the others.
    pub descriptor: Result<Descriptor, String>,
    /// The annotation `org.opencontainers.image.ref.name`. It means something in
    /// the `index.json` of a layout only (image-spec, image-layout).
    pub ref_name: Option<String>,
    /// What the image runs on, in a multi-platform image.
    pub platform: Option<Platform>,
}

/// What an image runs on (image-spec, image-index).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `linux`, `windows`, …
    pub os: String,
    /// The variant of the processor, for example `v7`.
    pub variant: Option<String>,
}

impl Index {
    /// Parses an image index, the answer of a referrers API, or a Docker
    /// manifest list.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`] where it is malformed as a whole,
    /// [`ErrorKind::LimitExceeded`] where it is too long or lists too much.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "index";
        // Counted before it is kept.
        let counted: RawCount = json::parse(WHAT, bytes, limits)?;
        if counted.manifests.0 > limits.referrers {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "the index lists {} manifests, the limit is {} (`referrers`)",
                    counted.manifests.0, limits.referrers
                ),
            ));
        }
        let raw: RawIndex = json::parse(WHAT, bytes, limits)?;
        check_schema_version(raw.schema_version).map_err(|problem| malformed(WHAT, &problem))?;
        if let Some(text) = &raw.media_type
            && !media_type::is_index(text)
        {
            return Err(malformed(
                WHAT,
                &format!("its `mediaType` is `{}`", json::excerpt(text)),
            ));
        }
        Ok(Self {
            media_type: raw.media_type,
            subject: raw.subject.and_then(|subject| subject.check().ok()),
            entries: raw
                .manifests
                .unwrap_or_default()
                .into_iter()
                .map(IndexEntry::from)
                .collect(),
        })
    }

    /// The well-formed descriptors, in order.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries
            .iter()
            .filter_map(|entry| entry.descriptor.as_ref().ok())
    }

    /// What can be a referrer of `artifact_type`: descriptors of that type, and
    /// those that state none. A registry need not filter (distribution-spec,
    /// "Listing Referrers"), and an index under a referrers tag may have been
    /// written by a client that did not know of the member. The type of the empty
    /// config tells nothing either: some registries state it in place of the
    /// manifest's `artifactType`.
    pub fn referrers(&self, artifact_type: &str) -> impl Iterator<Item = &Descriptor> {
        self.descriptors().filter(move |descriptor| {
            descriptor
                .artifact_type
                .as_deref()
                .is_none_or(|stated| stated == artifact_type || stated == media_type::OCI_EMPTY)
        })
    }

    /// The images of a multi-platform image: entries that are manifests and say
    /// what they run on.
    pub fn platform_manifests(&self) -> impl Iterator<Item = (&Descriptor, &Platform)> {
        self.entries.iter().filter_map(|entry| {
            let descriptor = entry.descriptor.as_ref().ok()?;
            let platform = entry.platform.as_ref()?;
            media_type::is_manifest(&descriptor.media_type).then_some((descriptor, platform))
        })
    }
}

/// The tag under which a registry without a referrers API keeps the referrers of
/// `digest` (distribution-spec, "Referrers Tag Schema"): algorithm and encoded
/// part cut to 32 and 64 characters, with a `-` between them and for each
/// character that no tag can have.
#[must_use]
pub fn referrers_tag(digest: &str) -> String {
    let (algorithm, encoded) = digest.split_once(':').unwrap_or((digest, ""));
    let cut = |text: &str, length: usize| -> String {
        text.chars()
            .take(length)
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => c,
                _ => '-',
            })
            .collect()
    };
    format!("{}-{}", cut(algorithm, 32), cut(encoded, 64))
}

/// The digest whose referrers are under `tag`, where it is such a tag and was not cut:
/// an SHA-256 digest.
#[must_use]
pub fn referrers_subject(tag: &str) -> Option<Digest> {
    let (algorithm, encoded) = tag.split_once('-')?;
    let digest = Digest::parse(&format!("{algorithm}:{encoded}")).ok()?;
    (referrers_tag(&digest.to_string()) == tag && algorithm == "sha256").then_some(digest)
}

#[derive(serde::Deserialize)]
struct RawCount {
    /// Required (image-spec, image-index): any other object with an answer of 200
    /// would read as a list without signatures.
    manifests: Count,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawIndex {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
}

impl From<RawDescriptor> for IndexEntry {
    fn from(raw: RawDescriptor) -> Self {
        let mut raw = raw;
        Self {
            ref_name: raw.annotations.take().and_then(|known| known.ref_name),
            platform: raw.platform.take().map(|platform| Platform {
                architecture: platform.architecture,
                os: platform.os,
                variant: platform.variant,
            }),
            descriptor: raw.check(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const DIGEST: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";

    fn parse(value: &Value) -> Result<Index, Error> {
        Index::parse(value.to_string().as_bytes(), &Limits::default())
    }

    fn entry() -> Value {
        json!({"mediaType": media_type::OCI_MANIFEST, "digest": DIGEST, "size": 394})
    }

    #[test]
    fn empty_lists() {
        for manifests in [json!([]), Value::Null] {
            let index = parse(&json!({"schemaVersion": 2, "manifests": manifests})).unwrap();
            assert!(index.entries.is_empty());
        }
        for no_list in [json!({}), json!({"schemaVersion": 2, "errors": []})] {
            let error = parse(&no_list).unwrap_err().to_string();
            assert!(error.contains("missing field `manifests`"), "{error}");
        }
    }

    #[test]
    fn one_bad_entry_does_not_hide_the_others() {
        let mut bad = entry();
        bad["size"] = (-1).into();
        let mut unknown = entry();
        unknown["x"] = json!([{"y": 1}]);
        let index = parse(&json!({"manifests": [bad, entry(), unknown, {}]})).unwrap();
        assert_eq!(index.entries.len(), 4);
        assert_eq!(index.descriptors().count(), 2);
        assert!(
            index.entries[0]
                .descriptor
                .as_ref()
                .unwrap_err()
                .contains("-1")
        );
    }

    #[test]
    fn names_and_platforms() {
        let mut tagged = entry();
        tagged["annotations"] = json!({"org.opencontainers.image.ref.name": "v1", "x": "y"});
        let mut arm = entry();
        arm["platform"] = json!({"architecture": "arm", "os": "linux", "variant": "v7"});
        let index = parse(&json!({"manifests": [tagged, arm]})).unwrap();
        assert_eq!(index.entries[0].ref_name.as_deref(), Some("v1"));
        let platforms: Vec<_> = index.platform_manifests().collect();
        assert_eq!(platforms.len(), 1);
        assert_eq!(platforms[0].1.variant.as_deref(), Some("v7"));
    }

    #[test]
    fn filters_by_artifact_type() {
        let mut signature = entry();
        signature["artifactType"] = media_type::NOTARY_SIGNATURE.into();
        let mut sbom = entry();
        sbom["artifactType"] = "application/sbom".into();
        let mut empty = entry();
        empty["artifactType"] = media_type::OCI_EMPTY.into();
        let index = parse(&json!({"manifests": [signature, sbom, entry(), empty]})).unwrap();
        assert_eq!(index.referrers(media_type::NOTARY_SIGNATURE).count(), 3);
    }

    #[test]
    fn bounded_and_strict() {
        let many = Value::Array(vec![json!({}); Limits::default().referrers + 1]);
        let error = parse(&json!({"manifests": many})).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        for bad in [
            json!({"manifests": {}}),
            json!({"manifests": "x"}),
            json!({"manifests": [1]}),
            json!({"mediaType": media_type::OCI_MANIFEST, "manifests": []}),
            json!({"schemaVersion": 1, "manifests": []}),
            json!([]),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_of_referrers() {
        assert_eq!(referrers_tag(DIGEST), DIGEST.replace(':', "-"));
        let long = format!("sha512:{}", "a".repeat(128));
        assert_eq!(referrers_tag(&long), format!("sha512-{}", "a".repeat(64)));
        assert_eq!(
            referrers_tag(
                "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise\
                 +overall+truncation:alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLots\
                 AndLotsOfCharactersToExcerciseEncodedTruncation"
            ),
            "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSectionToShowHyphen\
             ReplacementAndLotsAndLot"
        );
        let subject = referrers_subject(&referrers_tag(DIGEST)).unwrap();
        assert_eq!(subject.to_string(), DIGEST);
        let tag = referrers_tag(DIGEST);
        for other in [
            "v1",
            "sha256-",
            &format!("{tag}0"),
            &format!("{tag}.sig"),
            &tag.to_uppercase(),
            &tag.replace('-', ":"),
            // Cut, or not to be told from one that was cut.
            &referrers_tag(&long),
            &format!("sha512-{}", "a".repeat(128)),
        ] {
            assert_eq!(referrers_subject(other), None, "{other}");
        }
    }
}
