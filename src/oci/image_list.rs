//! [`ImageList`]: which images a run is about, from a list or an image-info file.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use super::json::excerpt;
use super::{Digest, Reference};
use crate::error::{Error, ErrorKind, quote};
use crate::limits::Limits;
use crate::wire;

/// Repositories that are named as having entries without a digest.
const MAX_NAMED: usize = 10;

/// Images of registries, each once, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct ImageList {
    references: Vec<Reference>,
    seen: HashSet<Reference>,
    repeated: usize,
    without_digest: usize,
    repositories_without: BTreeSet<String>,
}

/// Where the images of a file are now, if not where the file says.
#[derive(Clone, Debug, Default)]
pub struct Relocation {
    /// This registry instead of the one that is written.
    pub registry: Option<String>,
    /// This text before the repository, as it is: `staging/` has its slash.
    pub repository_prefix: Option<String>,
}

impl Relocation {
    /// `reference` where it is now.
    ///
    /// # Errors
    /// Where that is not a reference any more.
    pub fn apply(&self, reference: &Reference) -> Result<Reference, Error> {
        if self.registry.is_none() && self.repository_prefix.is_none() {
            return Ok(reference.clone());
        }
        let registry = self.registry.as_deref().unwrap_or(reference.registry());
        let prefix = self.repository_prefix.as_deref().unwrap_or_default();
        let mut text = format!("{registry}/{prefix}{}", reference.repository());
        if let Some(tag) = reference.tag() {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = reference.digest() {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        Reference::parse(&text)
    }
}

impl ImageList {
    /// A list with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one image. A digest decides whether two are the same, a tag where
    /// there is none.
    pub fn push(&mut self, reference: Reference) {
        let key = match reference.digest() {
            Some(digest) => reference.with_digest(digest),
            None => reference.clone(),
        };
        if self.seen.insert(key) {
            self.references.push(reference);
        } else {
            self.repeated += 1;
        }
    }

    /// Adds one image by its reference, which needs a tag or a digest.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is no such reference,
    /// [`ErrorKind::LimitExceeded`] where there are too many.
    pub fn add_reference(&mut self, text: &str, limits: &Limits) -> Result<(), Error> {
        self.add(&String::new, text, &Relocation::default(), limits)
    }

    /// Adds the images of a file: one reference a line (empty lines and lines
    /// that start with `#` are passed over), or the JSON document of an image
    /// build (`image-info.json`) with every manifest list and platform in it that
    /// has a digest. `name` is what a person calls the file.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the file is malformed, has a reference that is
    /// none, or names no image at all; [`ErrorKind::LimitExceeded`] where it is
    /// too long or names too many.
    pub fn add_file(
        &mut self,
        name: &str,
        bytes: &[u8],
        relocation: &Relocation,
        limits: &Limits,
    ) -> Result<(), Error> {
        if bytes.len() > limits.image_list_bytes {
            return Err(limit(
                name,
                &format!(
                    "it has more than {} octets (`image_list_bytes`)",
                    limits.image_list_bytes
                ),
            ));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|_| unusable(name, "it is not UTF-8 text; save it as UTF-8"))?;
        let known = self.references.len() + self.repeated;
        match text.trim_start().chars().next() {
            Some('{') => self.add_image_info(name, text, relocation, limits)?,
            Some('[') => {
                return Err(unusable(
                    name,
                    "it is a JSON array; give a list with one reference a line, or image-info.json",
                ));
            }
            _ => self.add_lines(name, text, relocation, limits)?,
        }
        if self.references.len() + self.repeated == known {
            return Err(unusable(
                name,
                if self.without_digest > 0 {
                    "it names no image: none of its entries has a digest"
                } else {
                    "it names no image"
                },
            ));
        }
        Ok(())
    }

    fn add_lines(
        &mut self,
        name: &str,
        text: &str,
        relocation: &Relocation,
        limits: &Limits,
    ) -> Result<(), Error> {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = || format!("{name}, line {}", number + 1);
            self.add(&place, line, relocation, limits)?;
        }
        Ok(())
    }

    fn add_image_info(
        &mut self,
        name: &str,
        text: &str,
        relocation: &Relocation,
        limits: &Limits,
    ) -> Result<(), Error> {
        let values = wire::json::count_values(text.as_bytes());
        if values > limits.image_list_values {
            return Err(limit(
                name,
                &format!(
                    "it has more than {} values (`image_list_values`)",
                    limits.image_list_values
                ),
            ));
        }
        let info: RawInfo = wire::json::from_text(text).map_err(|error| {
            unusable(
                name,
                &format!("it is no image-info: {}", excerpt(&error.to_string())),
            )
        })?;
        let repositories = info
            .repos
            .ok_or_else(|| unusable(name, "it is no image-info: it has no `repos`"))?;
        for repository in repositories {
            let path = repository.repo.unwrap_or_default();
            for image in repository.images.unwrap_or_default() {
                let platforms = image.platforms.unwrap_or_default();
                for entry in image.manifest.into_iter().chain(platforms) {
                    match entry.digest.filter(|digest| !digest.is_empty()) {
                        Some(digest) => {
                            self.add_digest(name, &path, &digest, relocation, limits)?;
                        }
                        None => self.pass_over(&path),
                    }
                }
            }
        }
        Ok(())
    }

    /// `registry/repository@sha256:…`, or a digest alone, of the repository `path`
    /// in the registry that the caller names.
    fn add_digest(
        &mut self,
        name: &str,
        path: &str,
        digest: &str,
        relocation: &Relocation,
        limits: &Limits,
    ) -> Result<(), Error> {
        let place = || format!("{name}, repository {}", quote(path));
        if Digest::parse(digest).is_err() {
            return self.add(&place, digest, relocation, limits);
        }
        let Some(registry) = &relocation.registry else {
            return Err(unusable(
                &place(),
                &format!(
                    "{} does not say in which registry it is: name that (--registry-override)",
                    quote(digest)
                ),
            ));
        };
        self.add(
            &place,
            &format!("{registry}/{path}@{digest}"),
            relocation,
            limits,
        )
    }

    fn add(
        &mut self,
        place: &dyn Fn() -> String,
        text: &str,
        relocation: &Relocation,
        limits: &Limits,
    ) -> Result<(), Error> {
        let reference = Reference::parse(text)
            .and_then(|reference| relocation.apply(&reference))
            .map_err(|error| unusable(&place(), &error.to_string()))?;
        if reference.identifier().is_none() {
            return Err(unusable(
                &place(),
                &format!("{} needs a digest or a tag", quote(text)),
            ));
        }
        self.push(reference);
        if self.references.len() > limits.image_list_images {
            return Err(limit(
                &place(),
                &format!(
                    "there are more than {} images (`image_list_images`)",
                    limits.image_list_images
                ),
            ));
        }
        Ok(())
    }

    fn pass_over(&mut self, repository: &str) {
        self.without_digest += 1;
        if self.repositories_without.len() < MAX_NAMED {
            self.repositories_without.insert(excerpt(repository));
        }
    }

    /// The images.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// How often an image was named again.
    #[must_use]
    pub const fn repeated(&self) -> usize {
        self.repeated
    }

    /// What a person should know of what was passed over.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        if self.without_digest == 0 {
            return Vec::new();
        }
        let named: Vec<&str> = self
            .repositories_without
            .iter()
            .map(String::as_str)
            .collect();
        vec![format!(
            "{} entries have no digest and were passed over, in {}",
            self.without_digest,
            named.join(", ")
        )]
    }

    /// The images alone.
    #[must_use]
    pub fn into_references(self) -> Vec<Reference> {
        self.references
    }
}

fn unusable(name: &str, problem: &str) -> Error {
    Error::new(ErrorKind::Usage, at(name, problem))
}

fn limit(name: &str, problem: &str) -> Error {
    Error::new(ErrorKind::LimitExceeded, at(name, problem))
}

fn at(name: &str, problem: &str) -> String {
    if name.is_empty() {
        problem.to_owned()
    } else {
        format!("{name}: {problem}")
    }
}

/// What is needed of an image-info; it has much more.
#[derive(Deserialize)]
struct RawInfo {
    repos: Option<Vec<RawRepository>>,
}

#[derive(Deserialize)]
struct RawRepository {
    repo: Option<String>,
    images: Option<Vec<RawImage>>,
}

#[derive(Deserialize)]
struct RawImage {
    manifest: Option<RawEntry>,
    platforms: Option<Vec<RawEntry>>,
}

#[derive(Deserialize)]
struct RawEntry {
    digest: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn read_to(text: &str, relocation: &Relocation) -> Result<ImageList, String> {
        let mut list = ImageList::new();
        list.add_file("`f`", text.as_bytes(), relocation, &Limits::default())
            .map(|()| list)
            .map_err(|error| error.to_string())
    }

    fn read(text: &str) -> Result<ImageList, String> {
        read_to(text, &Relocation::default())
    }

    fn texts(list: &ImageList) -> Vec<String> {
        list.references().iter().map(ToString::to_string).collect()
    }

    fn elsewhere() -> Relocation {
        Relocation {
            registry: Some("other.example:5000".into()),
            repository_prefix: Some("staging/".into()),
        }
    }

    #[test]
    fn a_list_has_one_reference_a_line_each_once() {
        let text = format!(
            "\u{feff}# images\r\n\r\n reg.example/a:1 \r\nreg.example/a@{A}\nreg.example/a:2@{A}\n\
             reg.example/a:1\nreg.example/b@{A}"
        );
        let list = read(&text).unwrap();
        let expected = [
            "reg.example/a:1".to_owned(),
            format!("reg.example/a@{A}"),
            format!("reg.example/b@{A}"),
        ];
        assert_eq!(texts(&list), expected);
        assert_eq!(list.repeated(), 2);
        assert!(list.warnings().is_empty());
    }

    #[test]
    fn an_image_info_names_lists_and_platforms() {
        let text = format!(
            r#"{{"schemaVersion": "2.0", "repos": [
                {{"repo": "dotnet/runtime", "unknown": {{"x": [1]}}, "images": [
                    {{"manifest": {{"digest": "reg.example/dotnet/runtime@{A}", "sharedTags": ["9"]}},
                     "platforms": [
                        {{"digest": "reg.example/dotnet/runtime@{B}", "simpleTags": ["9-amd64"]}},
                        {{"simpleTags": ["9-arm"]}}, {{"digest": null}}, {{"digest": ""}}]}},
                    {{"platforms": [{{"digest": "reg.example/dotnet/runtime@{B}"}}]}},
                    {{"manifest": null}}, {{}}]}},
                {{"repo": "none", "images": null}}, {{}}]}}"#
        );
        let list = read(&text).unwrap();
        let expected = [A, B].map(|digest| format!("reg.example/dotnet/runtime@{digest}"));
        assert_eq!(texts(&list), expected);
        assert_eq!(list.repeated(), 1);
        assert_eq!(
            list.warnings(),
            ["3 entries have no digest and were passed over, in dotnet/runtime"]
        );

        let moved = read_to(&text, &elsewhere()).unwrap();
        let expected =
            [A, B].map(|digest| format!("other.example:5000/staging/dotnet/runtime@{digest}"));
        assert_eq!(texts(&moved), expected);
    }

    #[test]
    fn a_digest_alone_needs_a_registry() {
        let text = format!(
            r#"{{"repos":[{{"repo":"runtime","images":[{{"manifest":{{"digest":"{A}"}}}}]}}]}}"#
        );
        let error = read(&text).unwrap_err();
        assert!(error.contains("--registry-override"), "{error}");
        let list = read_to(&text, &elsewhere()).unwrap();
        assert_eq!(
            texts(&list),
            [format!("other.example:5000/staging/runtime@{A}")]
        );
    }

    #[test]
    fn what_names_no_image_is_an_error() {
        let none = r#"{"repos":[{"repo":"a","images":[{"platforms":[{}]}]}]}"#;
        for (text, expected) in [
            ("", "`f`: it names no image"),
            (" \n# nothing\n", "`f`: it names no image"),
            ("{\"repos\": []}", "`f`: it names no image"),
            ("{}", "it has no `repos`"),
            ("{\"repos\": {}}", "no image-info"),
            ("{\"repos\": [", "no image-info"),
            (none, "none of its entries has a digest"),
            ("[\"reg.example/a:1\"]", "JSON array"),
            (
                "reg.example/a:1\nreg.example/b",
                "line 2: `reg.example/b` needs",
            ),
            (
                "reg.example/a:1\n\nalpine:3",
                "line 3: `alpine:3` is not a reference",
            ),
            ("http://reg.example/a:1", "leave out the scheme"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let mut list = ImageList::new();
        let utf16 = b"\xff\xfer\0e\0g\0";
        let error = list
            .add_file("`f`", utf16, &Relocation::default(), &Limits::default())
            .unwrap_err();
        assert!(error.to_string().contains("UTF-8"), "{error}");
    }

    #[test]
    fn an_override_that_makes_no_reference_is_an_error() {
        for (registry, prefix) in [
            (Some("a b"), None),
            (None, Some("UPPER/")),
            (Some(""), None),
        ] {
            let relocation = Relocation {
                registry: registry.map(Into::into),
                repository_prefix: prefix.map(Into::into),
            };
            let error = read_to("reg.example/a:1", &relocation).unwrap_err();
            assert!(error.contains("line 1"), "{error}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let limits = Limits {
            image_list_bytes: 100,
            image_list_images: 2,
            image_list_values: 10,
            ..Limits::default()
        };
        let three = "r.example/a:1\nr.example/a:2\nr.example/a:3";
        let values = format!("{{\"repos\":[{}]}}", "[],".repeat(10));
        for (text, expected) in [
            (three, "image_list_images"),
            (&"#".repeat(101), "image_list_bytes"),
            (&values, "image_list_values"),
        ] {
            let error = ImageList::new()
                .add_file("`f`", text.as_bytes(), &Relocation::default(), &limits)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
