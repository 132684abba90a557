//! Names of artifacts: in a registry [`Reference`], in a layout
//! [`LayoutReference`].

use std::fmt;
use std::str::FromStr;

use super::digest::Digest;
use crate::error::{Error, ErrorKind};

/// Octets of a whole reference. The parts are at most 255 (name, with the
/// registry), 128 (tag) and 135 (digest) octets.
const MAX_REFERENCE_BYTES: usize = 1024;
/// Octets of registry and repository together: what clients accept
/// (distribution-spec, "Pulling manifests").
const MAX_NAME_BYTES: usize = 255;
/// Octets of a tag (distribution-spec, "Pulling manifests").
const MAX_TAG_BYTES: usize = 128;
/// Octets of a name in a layout. The image specification gives no bound.
const MAX_REF_NAME_BYTES: usize = 1024;

/// `registry/repository[:tag][@digest]`.
///
/// The registry is always written: no registry and no tag is assumed, because a
/// trust policy's scope is compared with what is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses a reference.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parts(text).map_err(|problem| usage(text, &problem))
    }

    fn parts(text: &str) -> Result<Self, String> {
        if text.len() > MAX_REFERENCE_BYTES {
            return Err(format!("it is longer than {MAX_REFERENCE_BYTES} octets"));
        }
        if text.contains("://") {
            return Err("leave out the scheme".into());
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (
                name,
                Some(Digest::parse(digest).map_err(|error| error.to_string())?),
            ),
            None => (text, None),
        };
        let (registry, path) = name
            .split_once('/')
            .ok_or("it needs a registry and a repository, with a `/` between them")?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        check_registry(registry)?;
        check_repository(repository)?;
        if registry.len() + 1 + repository.len() > MAX_NAME_BYTES {
            return Err(format!(
                "registry and repository are longer than {MAX_NAME_BYTES} octets"
            ));
        }
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        Ok(Self {
            registry: registry.into(),
            repository: repository.into(),
            tag: tag.map(Into::into),
            digest,
        })
    }

    /// The host, with its port where one is written.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// `registry/repository`: what the scopes of a trust policy name.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag, where one is written. A digest beside it decides.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, where one is written.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What names the manifest in its repository: the digest, else the tag.
    #[must_use]
    pub fn identifier(&self) -> Option<String> {
        match self.digest {
            Some(digest) => Some(digest.to_string()),
            None => self.tag.clone(),
        }
    }

    /// Whether `text` can be a tag.
    #[must_use]
    pub fn is_tag(text: &str) -> bool {
        check_tag(text).is_ok()
    }

    /// The same repository, by digest alone.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            tag: None,
            digest: Some(digest),
        }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// What names an artifact in an OCI layout: the part after the layout's path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LayoutReference {
    /// The value of an `org.opencontainers.image.ref.name` annotation. The image
    /// specification puts no restriction on it.
    Tag(String),
    /// A digest. What looks like one is never taken for a tag.
    Digest(Digest),
}

impl LayoutReference {
    /// Parses a tag or a digest. The separators of `path:tag` and `path@digest`
    /// may come with it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is empty or too long, or starts like a
    /// digest and is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parts(text).map_err(|problem| usage(text, &problem))
    }

    fn parts(text: &str) -> Result<Self, String> {
        if let Some(digest) = text.strip_prefix('@') {
            return Digest::parse(digest)
                .map(Self::Digest)
                .map_err(|error| error.to_string());
        }
        let text = text.strip_prefix(':').unwrap_or(text);
        if text.is_empty() {
            return Err("it is empty; give a tag or a digest".into());
        }
        if text.len() > MAX_REF_NAME_BYTES {
            return Err(format!("it is longer than {MAX_REF_NAME_BYTES} octets"));
        }
        match Digest::parse(text) {
            Ok(digest) => Ok(Self::Digest(digest)),
            Err(error)
                if ["sha256:", "sha384:", "sha512:"]
                    .iter()
                    .any(|prefix| text.starts_with(prefix)) =>
            {
                Err(error.to_string())
            }
            Err(_) => Ok(Self::Tag(text.into())),
        }
    }

    /// Splits `path:tag` or `path@digest`. The last separator counts, so that a
    /// path may have colons in it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where a part is missing or malformed.
    pub fn split(text: &str) -> Result<(&str, Self), Error> {
        let missing = || {
            usage(
                text,
                "it needs a path and a tag or digest: `path:tag` or `path@sha256:…`",
            )
        };
        let (path, reference) = text
            .rsplit_once('@')
            .or_else(|| text.rsplit_once(':'))
            .ok_or_else(missing)?;
        // `C:\layout` is a path without a tag.
        let drive_letter = path.len() == 1 && reference.starts_with(['\\', '/']);
        if path.is_empty() || reference.is_empty() || drive_letter {
            return Err(missing());
        }
        // With its separator: after `@` only a digest will do.
        Ok((path, Self::parse(text.get(path.len()..).unwrap_or(text))?))
    }
}

impl FromStr for LayoutReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for LayoutReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

fn usage(text: &str, problem: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!(
            "`{}` is not a reference: {problem}",
            super::json::excerpt(text)
        ),
    )
}

/// A host name, IPv4 address or `[IPv6 address]`, with an optional port.
fn check_registry(text: &str) -> Result<(), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let octets = address.parse::<std::net::Ipv6Addr>();
            octets.map_err(|_| "the registry is not an IPv6 address in brackets")?;
            match rest.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if rest.is_empty() => (None, None),
                None => return Err("the registry has text after the `]`".into()),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    if host.is_some_and(|host| !host.split('.').all(is_host_label)) {
        return Err("the registry is not a host name".into());
    }
    if port.is_some_and(|port| !is_port(port)) {
        return Err("the registry's port is not a number from 1 to 65535".into());
    }
    Ok(())
}

fn is_host_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, components separated by `/`
/// (distribution-spec, "Pulling manifests").
fn check_repository(text: &str) -> Result<(), String> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("the repository must be lower case".into());
    }
    if text.split('/').all(is_repository_component) {
        Ok(())
    } else {
        Err(
            "the repository has an empty part, or other characters than letters, \
             digits, `.`, `_`, `-` and `/` where they may stand"
                .into(),
        )
    }
}

fn is_repository_component(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let mut separators = bytes
        .split(alphanumeric)
        .filter(|separator| !separator.is_empty());
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && separators.all(|separator| {
            matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
        })
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn check_tag(text: &str) -> Result<(), String> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let well_formed = bytes.len() <= MAX_TAG_BYTES
        && bytes.first().is_some_and(word)
        && bytes.iter().all(|byte| word(byte) || b".-".contains(byte));
    if well_formed {
        Ok(())
    } else {
        Err(format!(
            "the tag is not 1 to {MAX_TAG_BYTES} letters, digits, `_`, `.` and `-`, \
             starting with a letter, a digit or `_`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn parses_every_form() {
        let long = format!("r.example/{}", "a".repeat(245));
        let tag = format!("r.example/a:{}", "t".repeat(128));
        for text in [
            "registry.example/net-monitor",
            "registry.example:5000/a/b__c/d.e---f:v1",
            "localhost/x:_",
            "local/net-monitor",
            "127.0.0.1:80/x",
            "[::1]:5000/x:1.0-rc.1",
            "[2001:db8::1]/x",
            &format!("registry.example/a@{DIGEST}"),
            &format!("registry.example:5000/a:v1@{DIGEST}"),
            &long,
            &tag,
        ] {
            let reference = Reference::parse(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(reference.to_string(), text);
        }
        let reference = Reference::parse(&format!("r.example:5000/a/b:v1@{DIGEST}")).unwrap();
        assert_eq!(reference.registry(), "r.example:5000");
        assert_eq!(reference.repository(), "a/b");
        assert_eq!(reference.scope(), "r.example:5000/a/b");
        assert_eq!(reference.tag(), Some("v1"));
        assert_eq!(reference.digest().unwrap().to_string(), DIGEST);
    }

    #[test]
    fn refuses_malformed_references() {
        let long_name = format!("r.example/{}", "a".repeat(246));
        let long_tag = format!("r.example/a:{}", "t".repeat(129));
        let long = "a".repeat(100_000);
        for text in [
            "",
            "name",
            "/x",
            "r.example/",
            "https://r.example/x",
            "r.example/X",
            "r.example/a//b",
            "r.example/a/",
            "r.example/-a",
            "r.example/a___b",
            "r.example/a._b",
            "r.example/a..b",
            "r.example/../b",
            "r.example/a:",
            "r.example/a:.x",
            "r.example/a:v1:v2",
            "r.example/a@",
            "r.example/a@sha256",
            "r.example/a@sha256:",
            "r.example/a@sha256:1234",
            "r.example/a@@sha256:1234",
            "-r.example/a",
            "r..example/a",
            "r.example:/a",
            "r.example:0/a",
            "r.example:65536/a",
            "r.example:+80/a",
            "r.example:80:80/a",
            "user@r.example/a",
            "[::1/a",
            "[::1]x/a",
            "[zz]/a",
            "r example/a",
            "r.example/a b",
            &long_name,
            &long_tag,
            &long,
        ] {
            let error = Reference::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().len() < 400, "{error}");
        }
    }

    #[test]
    fn layout_references() {
        let tag = |text: &str| LayoutReference::Tag(text.into());
        let digest = LayoutReference::Digest(Digest::parse(DIGEST).unwrap());
        for (text, expected) in [
            ("v1", tag("v1")),
            (":v1", tag("v1")),
            (
                "registry.example:5000/hello:v1",
                tag("registry.example:5000/hello:v1"),
            ),
            (DIGEST, digest.clone()),
            (&format!("@{DIGEST}"), digest.clone()),
        ] {
            assert_eq!(LayoutReference::parse(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            ":",
            "@",
            "@v1",
            "sha256:12",
            "@sha256:12",
            &"a".repeat(1025),
        ] {
            assert!(LayoutReference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn splits_path_and_reference() {
        let at = format!("dir/with:colon@{DIGEST}");
        assert_eq!(LayoutReference::split(&at).unwrap().0, "dir/with:colon");
        let (path, reference) = LayoutReference::split("dir:v1").unwrap();
        assert_eq!((path, reference.to_string().as_str()), ("dir", "v1"));
        let (path, _) = LayoutReference::split("C:\\layout:v1").unwrap();
        assert_eq!(path, "C:\\layout");
        for text in ["dir", "C:\\layout", ":v1", "dir:", "@sha256:12", "dir@v1"] {
            assert!(LayoutReference::split(text).is_err(), "{text}");
        }
    }
}
