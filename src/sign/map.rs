//! [`PayloadMap`]: which payload file is for which image. The step that makes
//! payloads writes it, the step that attaches signatures reads it, and between
//! them it may travel with the files to another machine.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, quote};
use crate::limits::Limits;
use crate::oci::{Digest, Reference, media_type};
use crate::wire::{Descriptor, json};

/// The version of the document that is written and read here.
const VERSION: u64 = 1;
/// Octets of a file's name: what file systems take.
const MAX_NAME_BYTES: usize = 255;

/// Images and their payload files, in the order in which they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadMap {
    entries: Vec<MapEntry>,
}

/// One image and its payload file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// Where the image is, by digest.
    pub reference: Reference,
    /// What the payload names: media type, digest and size.
    pub target: Descriptor,
    /// The name of the payload file, beside the map. Images with the same digest
    /// in several repositories share one.
    pub payload: String,
}

/// The name of the payload file for `digest`.
#[must_use]
pub fn payload_file_name(digest: &Digest) -> String {
    format!(
        "{}-{}.payload.json",
        digest.algorithm().as_str(),
        digest.hex()
    )
}

impl PayloadMap {
    /// A map with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an image.
    pub fn push(&mut self, entry: MapEntry) {
        self.entries.push(entry);
    }

    /// The images.
    #[must_use]
    pub fn entries(&self) -> &[MapEntry] {
        &self.entries
    }

    /// Parses a map.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is malformed, contradicts itself, or names a
    /// file that is not beside it; [`ErrorKind::LimitExceeded`] where it is too
    /// long or names too many images.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let too_much = |bound: &str, most: usize| {
            let message = format!("the payload map has more than {most} {bound}");
            Error::new(ErrorKind::LimitExceeded, message)
        };
        if bytes.len() > limits.image_list_bytes {
            let bound = "octets (`image_list_bytes`)";
            return Err(too_much(bound, limits.image_list_bytes));
        }
        if json::count_values(bytes) > limits.image_list_values {
            let bound = "values (`image_list_values`)";
            return Err(too_much(bound, limits.image_list_values));
        }
        let raw: RawMap = json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if raw.version != VERSION {
            return Err(malformed(&format!(
                "its version is {} and not {VERSION}: make it again with this program",
                raw.version
            )));
        }
        if raw.images.len() > limits.image_list_images {
            let bound = "images (`image_list_images`)";
            return Err(too_much(bound, limits.image_list_images));
        }
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for (raw, number) in raw.images.into_iter().zip(1_usize..) {
            let entry = raw
                .check()
                .map_err(|problem| malformed(&format!("image {number}: {problem}")))?;
            if !seen.insert(entry.reference.clone()) {
                return Err(malformed(&format!(
                    "image {number}: `{}` is named twice",
                    entry.reference
                )));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The map as a document: JSON with one member a line.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where it cannot be encoded.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let raw = RawMap {
            version: VERSION,
            images: self.entries.iter().map(RawEntry::of).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&raw).map_err(|error| {
            let message = format!("the payload map cannot be encoded: {error}");
            Error::new(ErrorKind::Internal, message)
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn malformed(problem: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("the payload map is malformed: {problem}"),
    )
}

#[derive(Deserialize, Serialize)]
struct RawMap {
    version: u64,
    images: Vec<RawEntry>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    reference: String,
    media_type: String,
    digest: String,
    size: i64,
    payload: String,
}

impl RawEntry {
    fn of(entry: &MapEntry) -> Self {
        Self {
            reference: entry.reference.to_string(),
            media_type: entry.target.media_type.clone(),
            digest: entry.target.digest.clone(),
            size: entry.target.size,
            payload: entry.payload.clone(),
        }
    }

    fn check(self) -> Result<MapEntry, String> {
        let reference = Reference::parse(&self.reference).map_err(|error| error.to_string())?;
        let digest = reference
            .digest()
            .ok_or_else(|| format!("{} has no digest", quote(&self.reference)))?;
        if digest.to_string() != self.digest {
            return Err(format!(
                "{} has another digest than {}",
                quote(&self.reference),
                quote(&self.digest)
            ));
        }
        if !media_type::is_well_formed(&self.media_type) {
            return Err(format!("{} is not a media type", quote(&self.media_type)));
        }
        if self.size < 0 {
            return Err(format!("the size {} is negative", self.size));
        }
        if !is_plain_name(&self.payload) {
            return Err(format!(
                "{} is not the name of a file beside the map",
                quote(&self.payload)
            ));
        }
        Ok(MapEntry {
            reference: reference.with_digest(digest),
            target: Descriptor {
                media_type: self.media_type,
                digest: self.digest,
                size: self.size,
                ..Descriptor::default()
            },
            payload: self.payload,
        })
    }
}

/// A name without a way to another directory or device, on any system: a map that
/// somebody else wrote must not choose which files are read.
fn is_plain_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const DIGEST: &str = "sha256:bc98dbeb275bf014bba4b52239d305360487f9356feb36fb4583a568b729ce2c";

    fn entry() -> Value {
        json!({
            "reference": format!("reg.example/app@{DIGEST}"),
            "mediaType": media_type::OCI_MANIFEST,
            "digest": DIGEST,
            "size": 394,
            "payload": "sha256-bc.payload.json",
        })
    }

    fn parse(images: &Value) -> Result<PayloadMap, String> {
        let document = json!({"version": 1, "images": images, "unknown": []});
        PayloadMap::parse(document.to_string().as_bytes(), &Limits::default())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let map = parse(&json!([entry()])).unwrap();
        let [only] = map.entries() else {
            panic!("{map:?}");
        };
        assert_eq!(only.target.digest, DIGEST);
        assert_eq!(only.reference.scope(), "reg.example/app");
        let written = map.to_json().unwrap();
        assert_eq!(
            PayloadMap::parse(&written, &Limits::default()).unwrap(),
            map
        );
        let empty = PayloadMap::new().to_json().unwrap();
        assert!(
            PayloadMap::parse(&empty, &Limits::default())
                .unwrap()
                .entries()
                .is_empty()
        );
    }

    #[test]
    fn names_come_from_the_digest() {
        let name = payload_file_name(&Digest::parse(DIGEST).unwrap());
        assert_eq!(name, format!("{}.payload.json", DIGEST.replace(':', "-")));
        assert!(is_plain_name(&name));
    }

    #[test]
    fn contradictions_and_foreign_files_are_refused() {
        let with = |member: &str, value: Value| {
            let mut changed = entry();
            changed[member] = value;
            json!([changed])
        };
        for (images, expected) in [
            (json!([entry(), entry()]), "image 2: `reg.example/app@"),
            (with("reference", "reg.example/app:v1".into()), "no digest"),
            (with("reference", "app".into()), "not a reference"),
            (
                with("digest", DIGEST.replace('b', "c").into()),
                "another digest",
            ),
            (with("mediaType", "x".into()), "not a media type"),
            (with("size", (-1).into()), "negative"),
            (with("size", "1".into()), "malformed"),
            (with("payload", "".into()), "beside the map"),
            (with("payload", "../x".into()), "beside the map"),
            (with("payload", "/etc/passwd".into()), "beside the map"),
            (with("payload", "a\\b".into()), "beside the map"),
            (with("payload", "C:x".into()), "beside the map"),
            (with("payload", "..".into()), "beside the map"),
            (with("payload", "x".repeat(256).into()), "beside the map"),
            (json!({}), "malformed"),
        ] {
            let error = parse(&images).unwrap_err();
            assert!(error.contains(expected), "{images}: {error}");
        }
        let later = json!({"version": 2, "images": []}).to_string();
        let error = PayloadMap::parse(later.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("version is 2"), "{error}");
    }

    #[test]
    fn maps_are_bounded() {
        let limits = Limits {
            image_list_bytes: 1000,
            image_list_images: 1,
            image_list_values: 20,
            ..Limits::default()
        };
        let mut other = entry();
        other["reference"] = format!("reg.example/b@{DIGEST}").into();
        let two = json!({"version": 1, "images": [entry(), other]}).to_string();
        let values = json!({"version": 1, "images": [], "x": vec![1; 20]}).to_string();
        for (text, bound) in [
            (two, "image_list_images"),
            (" ".repeat(1001), "image_list_bytes"),
            (values, "image_list_values"),
        ] {
            let error = PayloadMap::parse(text.as_bytes(), &limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            assert!(error.to_string().contains(bound), "{error}");
        }
    }
}
