//! The JSON of descriptors, manifests and indexes.
//!
//! The types of `oci-spec` describe these documents too, and are not used to
//! read them: they take any number of elements into types of 400 octets each
//! (a manifest of 4 MiB becomes 50 MiB), refuse a whole index for one bad digest
//! or an incomplete platform in it, and do not take `"manifests": null`, which
//! the common Go tools write for an empty layout. Its digest grammar and its
//! `oci-layout` type are used.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use super::{digest, media_type};
use crate::error::{Error, ErrorKind};
use crate::limits::{Limits, MAX_ANNOTATIONS};
use crate::wire::{self, Descriptor};

/// Parses a document of `what` that is at most `max_bytes` long. Names of
/// members are case-sensitive and may not be repeated.
pub(super) fn parse<T: DeserializeOwned>(
    what: &str,
    bytes: &[u8],
    limits: &Limits,
) -> Result<T, Error> {
    if bytes.len() > limits.manifest_bytes {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the {what} has {} octets, the limit is {} (`manifest_bytes`)",
                bytes.len(),
                limits.manifest_bytes
            ),
        ));
    }
    // The cause may quote the document: keep its beginning.
    wire::json::from_slice(bytes).map_err(|error| malformed(what, &excerpt(&error.to_string())))
}

/// The error of a malformed document.
pub(super) fn malformed(what: &str, problem: &str) -> Error {
    Error::new(
        ErrorKind::Artifact,
        format!("the {what} is malformed: {problem}"),
    )
}

/// The beginning of an untrusted text, on one line, for an error.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 120;
    let mut shown: String = text
        .chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Octets of a digest. `sha512` needs 135; the grammar has no bound.
const MAX_DIGEST_BYTES: usize = 256;

/// A descriptor as it is written. Members that decide nothing are passed over.
#[derive(Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    size: Option<i64>,
    artifact_type: Option<String>,
    pub(super) annotations: Option<RawRefName>,
    pub(super) platform: Option<RawPlatform>,
}

/// The one annotation of a descriptor that decides something.
#[derive(Clone, serde::Deserialize)]
pub(super) struct RawRefName {
    // `oci_spec::image::ANNOTATION_REF_NAME`; an attribute takes no constant.
    #[serde(rename = "org.opencontainers.image.ref.name")]
    pub(super) ref_name: Option<String>,
}

/// A platform; like Go's types, without what it does not state.
#[derive(Clone, serde::Deserialize)]
pub(super) struct RawPlatform {
    #[serde(default)]
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) os: String,
    pub(super) variant: Option<String>,
}

impl RawDescriptor {
    /// The descriptor, once its values meet the image specification
    /// (descriptor, "Properties"). Annotations stay behind: they are neither
    /// compared nor signed.
    pub(super) fn check(self) -> Result<Descriptor, String> {
        if self.digest.len() > MAX_DIGEST_BYTES || !digest::is_grammatical(&self.digest) {
            return Err(match self.digest.as_str() {
                "" => "a descriptor has no digest".into(),
                text => format!("`{}` is not a digest", excerpt(text)),
            });
        }
        let Some(size) = self.size else {
            return Err(format!(
                "the descriptor of `{}` has no size",
                excerpt(&self.digest)
            ));
        };
        if size < 0 {
            return Err(format!(
                "the descriptor of `{}` has the negative size {size}",
                excerpt(&self.digest)
            ));
        }
        // Go tools write an absent type as an empty text.
        let artifact_type = self.artifact_type.filter(|text| !text.is_empty());
        for text in [Some(&self.media_type), artifact_type.as_ref()]
            .into_iter()
            .flatten()
        {
            if !media_type::is_well_formed(text) {
                return Err(format!(
                    "the descriptor of `{}` has `{}` for a media type",
                    excerpt(&self.digest),
                    excerpt(text)
                ));
            }
        }
        Ok(Descriptor {
            media_type: self.media_type,
            digest: self.digest,
            size,
            artifact_type,
            annotations: BTreeMap::new(),
        })
    }
}

/// How many elements an array has, without keeping one. `null` is an array
/// without elements, as the Go tools write it.
#[derive(Default)]
pub(super) struct Count(pub(super) usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }

        deserializer.deserialize_any(Elements)
    }
}

/// Annotations, at most [`MAX_ANNOTATIONS`].
#[derive(Default)]
pub(super) struct Annotations(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with texts as values")
            }

            fn visit_unit<E>(self) -> Result<Annotations, E> {
                Ok(Annotations::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if pairs.len() == MAX_ANNOTATIONS {
                        return Err(A::Error::custom(format_args!(
                            "it has more than {MAX_ANNOTATIONS} annotations"
                        )));
                    }
                    if let Some(_twice) = pairs.insert(key, value) {
                        return Err(A::Error::custom("an annotation is repeated"));
                    }
                }
                Ok(Annotations(pairs))
            }
        }

        deserializer.deserialize_any(Pairs)
    }
}
