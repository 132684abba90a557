//! The payload of media type `application/vnd.cncf.notary.payload.v1+json`
//! (signature-specification, "Payload").

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::outcome::{Reason, Rejection};
use crate::wire::json::{self, keep};
use crate::wire::{Descriptor, base64};

/// A decoded payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The descriptor of the signed artifact. Its annotations are the signed
    /// user metadata.
    pub target_artifact: Descriptor,
}

impl Payload {
    /// Decodes a payload. Unknown members are ignored; of members with one name
    /// the last counts; a member that is `null` is not there.
    ///
    /// # Errors
    /// [`Reason::PayloadMalformed`] where `bytes` are not JSON, `targetArtifact`
    /// or one of its `mediaType`, `digest` and `size` is missing, or a member
    /// has the wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        json::from_slice(bytes).map_err(|error| {
            Rejection::new(
                Reason::PayloadMalformed,
                format!("the signed payload is not a payload of the specification: {error}"),
            )
        })
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `targetArtifact`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
                let mut target = None;
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "targetArtifact" => keep(&mut target, map.next_value::<Option<Target>>()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let target = target.ok_or_else(|| missing("targetArtifact"))?;
                Ok(Payload {
                    target_artifact: target.into_descriptor()?,
                })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The descriptor in a payload, with the checks of an OCI descriptor's form.
/// Whether something is missing is asked of the last one only.
#[derive(Default)]
struct Target {
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<Size>,
    artifact_type: Option<String>,
    annotations: Option<Annotations>,
}

impl Target {
    fn into_descriptor<E: serde::de::Error>(self) -> Result<Descriptor, E> {
        Ok(Descriptor {
            media_type: self.media_type.ok_or_else(|| missing("mediaType"))?,
            digest: self.digest.ok_or_else(|| missing("digest"))?,
            size: self.size.ok_or_else(|| missing("size"))?.0,
            artifact_type: self.artifact_type,
            annotations: self.annotations.unwrap_or_default().0,
        })
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Target;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a descriptor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Target, A::Error> {
                let mut target = Target::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "mediaType" => keep(&mut target.media_type, map.next_value()?),
                        "digest" => keep(&mut target.digest, map.next_value()?),
                        "size" => keep(&mut target.size, map.next_value()?),
                        "artifactType" => keep(&mut target.artifact_type, map.next_value()?),
                        "annotations" => keep(&mut target.annotations, map.next_value()?),
                        "urls" => {
                            map.next_value::<Option<Vec<Option<String>>>>()?;
                        }
                        "data" => {
                            let data = map.next_value::<Option<String>>()?;
                            if data.is_some_and(|data| base64::decode_standard(&data).is_none()) {
                                return Err(A::Error::custom("`data` is not base64"));
                            }
                        }
                        "platform" => {
                            map.next_value::<Option<Platform>>()?;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(target)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn missing<E: serde::de::Error>(name: &str) -> E {
    E::custom(format!("`{name}` is missing"))
}

/// An integer, written as one: no fraction, no exponent.
struct Size(i64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Integer;

        impl Visitor<'_> for Integer {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer of 64 bits, without fraction or exponent")
            }

            fn visit_i64<E>(self, size: i64) -> Result<Size, E> {
                Ok(Size(size))
            }

            fn visit_u64<E: serde::de::Error>(self, size: u64) -> Result<Size, E> {
                i64::try_from(size)
                    .map(Size)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(size), &self))
            }
        }

        deserializer.deserialize_i64(Integer)
    }
}

#[derive(Default)]
struct Annotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations whose values are texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut annotations = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Option<String>>()? {
                    annotations.insert(key, value.unwrap_or_default());
                }
                Ok(Annotations(annotations))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The `platform` of a descriptor: only its form is checked.
struct Platform;

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Platform;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a platform")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Platform, A::Error> {
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "architecture" | "os" | "os.version" | "variant" => {
                            map.next_value::<Option<String>>()?;
                        }
                        "os.features" => {
                            map.next_value::<Option<Vec<Option<String>>>>()?;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Platform)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTOR: &str = r#""mediaType":"m","digest":"sha256:ab","size":3"#;

    fn parse(text: &str) -> Result<Descriptor, Rejection> {
        Payload::parse(text.as_bytes()).map(|payload| payload.target_artifact)
    }

    #[test]
    fn descriptor_is_read() {
        let text = format!(
            r#" {{"x":[{{}}],"targetArtifact":{{{DESCRIPTOR},"artifactType":"t","urls":["u"],
            "data":"YQ==","platform":{{"os":"linux","os.features":["f"],"x":1}},"X":1e999,
            "annotations":{{"a":"1","b":null,"a":"2"}}}}}} "#
        );
        let descriptor = parse(&text).unwrap();
        assert_eq!(descriptor.media_type, "m");
        assert_eq!(descriptor.digest, "sha256:ab");
        assert_eq!(descriptor.size, 3);
        assert_eq!(descriptor.artifact_type.as_deref(), Some("t"));
        let annotations: Vec<_> = descriptor.annotations.into_iter().collect();
        assert_eq!(
            annotations,
            [("a".into(), "2".into()), ("b".into(), String::new())]
        );
    }

    #[test]
    fn last_member_counts() {
        let twice = format!(
            r#"{{"targetArtifact":{{"mediaType":"x"}},"targetArtifact":{{"size":1,{DESCRIPTOR}}}}}"#
        );
        assert_eq!(parse(&twice).unwrap().size, 3);
    }

    #[test]
    fn other_forms_are_refused() {
        let with = |member: &str| format!(r#"{{"targetArtifact":{{{DESCRIPTOR},{member}}}}}"#);
        let cases = [
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            format!("{{{DESCRIPTOR}}}"),
            format!(r#"{{"TargetArtifact":{{{DESCRIPTOR}}}}}"#),
            r#"{"targetArtifact":null}"#.to_owned(),
            r#"{"targetArtifact":[]}"#.to_owned(),
            r#"{"targetArtifact":{"mediaType":"m","digest":"d"}}"#.to_owned(),
            r#"{"targetArtifact":{"mediaType":null,"digest":"d","size":1}}"#.to_owned(),
            with(r#""size":3.0"#),
            with(r#""size":3e0"#),
            with(r#""size":"3""#),
            with(r#""size":9223372036854775808"#),
            with(r#""annotations":{"a":1}"#),
            with(r#""annotations":[]"#),
            with(r#""artifactType":1"#),
            with(r#""urls":"u""#),
            with(r#""data":"YQ""#),
            with(r#""platform":{"os":1}"#),
            format!(r#"{{"targetArtifact":{{{DESCRIPTOR}}}}} x"#),
            format!("\u{feff}{{\"targetArtifact\":{{{DESCRIPTOR}}}}}"),
            "[".repeat(9_000),
        ];
        for case in cases {
            let rejection = parse(&case).unwrap_err();
            assert_eq!(rejection.reason, Reason::PayloadMalformed, "{case}");
        }
    }
}
