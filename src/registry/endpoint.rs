//! Where a repository is: [`Origin`] and [`Endpoint`].

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

use super::text::percent_encode;
use crate::error::quote;
use crate::oci::Reference;

/// How to talk to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// With TLS.
    #[default]
    Https,
    /// Without: everybody on the way can read and change what is said.
    Http,
}

impl Scheme {
    /// `https` or `http`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// Scheme, host and port: what a credential is for. Two of them are the same
/// server only where all three are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// In lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an absolute address.
    ///
    /// # Errors
    /// Why there is none, for a person: another scheme, no host, a user name.
    pub fn of(uri: &Uri) -> Result<Self, String> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let scheme = if scheme.eq_ignore_ascii_case("https") {
            Scheme::Https
        } else if scheme.eq_ignore_ascii_case("http") {
            Scheme::Http
        } else {
            return Err(format!("{} is neither https nor http", quote(scheme)));
        };
        let authority = uri.authority().ok_or("the address has no host")?;
        if authority.as_str().contains('@') {
            return Err("the address has a user name".to_owned());
        }
        if authority.host().is_empty() {
            return Err("the address has no host".to_owned());
        }
        // `host:` and `host:x` have no port that the parser takes.
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str().len() == authority.host().len() => scheme.default_port(),
            None => return Err("the address has no port after its colon".to_owned()),
        };
        Ok(Self {
            scheme,
            host: authority.host().to_ascii_lowercase(),
            port,
        })
    }

    /// The registry of `reference`, spoken to with `scheme`.
    #[must_use]
    pub fn of_registry(reference: &Reference, scheme: Scheme) -> Self {
        // Docker Hub answers at another name than its own.
        let registry = match reference.registry() {
            "docker.io" => "registry-1.docker.io",
            registry => registry,
        };
        // The colons of an IPv6 address are inside brackets.
        let (host, port) = match registry.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (registry, None),
        };
        Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or_else(|| scheme.default_port()),
        }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.0/8`, `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    /// The host as an address, where it is one and no name. Forms that only some
    /// resolvers take for an address (`0x7f.1`, `2130706433`) count as such too.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.address().is_some()
            || self.host.starts_with('[')
            || self
                .host
                .trim_end_matches('.')
                .rsplit('.')
                .next()
                .is_some_and(|last| {
                    last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit())
                })
    }

    fn address(&self) -> Option<IpAddr> {
        let bare = self
            .host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.host.parse().ok(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    origin: Origin,
    repository: String,
}

impl Endpoint {
    /// The repository of `reference`, spoken to with `scheme`.
    #[must_use]
    pub fn new(reference: &Reference, scheme: Scheme) -> Self {
        Self {
            origin: Origin::of_registry(reference, scheme),
            repository: reference.repository().to_owned(),
        }
    }

    /// The registry's server.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The repository in the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What a token must allow so that everything here can be read
    /// (distribution's token specification, "Resource Scope").
    #[must_use]
    pub fn pull_scope(&self) -> String {
        format!("repository:{}:pull", self.repository)
    }

    /// The same so that everything here can be written too.
    #[must_use]
    pub fn push_scope(&self) -> String {
        format!("repository:{}:pull,push", self.repository)
    }

    /// The same so that manifests can be deleted too.
    #[must_use]
    pub fn delete_scope(&self) -> String {
        format!("repository:{}:pull,push,delete", self.repository)
    }

    /// The address of a path of the registry.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The path of a manifest.
    pub(super) fn manifest(&self, reference: &str) -> String {
        format!("/v2/{}/manifests/{reference}", self.repository)
    }

    /// The path of a blob.
    pub(super) fn blob(&self, digest: &str) -> String {
        format!("/v2/{}/blobs/{digest}", self.repository)
    }

    /// The path where uploads of blobs begin.
    pub(super) fn uploads(&self) -> String {
        format!("/v2/{}/blobs/uploads/", self.repository)
    }

    /// The path of the list of tags.
    pub(super) fn tags(&self) -> String {
        format!("/v2/{}/tags/list", self.repository)
    }

    /// The path of the referrers of a digest.
    pub(super) fn referrers(&self, digest: &str) -> String {
        format!("/v2/{}/referrers/{digest}", self.repository)
    }

    /// The same with the filter that the registry may apply.
    pub(super) fn filtered_referrers(&self, digest: &str, artifact_type: &str) -> String {
        let path = self.referrers(digest);
        format!("{path}?artifactType={}", percent_encode(artifact_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<Origin, String> {
        Origin::of(&text.parse().unwrap())
    }

    #[test]
    fn scheme_host_and_port_make_an_origin() {
        let same = [
            "https://a.example",
            "https://a.example:443/x",
            "HTTPS://A.Example/?q",
        ];
        for text in same {
            assert_eq!(
                origin(text).unwrap().to_string(),
                "https://a.example",
                "{text}"
            );
        }
        // CVE-2025-27403 (token to a foreign host): a name that only looks alike
        // is another server.
        for other in [
            "http://a.example",
            "https://a.example:444",
            "https://a.example.",
            "https://a.example.attacker.example",
            "https://b.a.example",
        ] {
            assert_ne!(origin(other), origin("https://a.example"), "{other}");
        }
        assert_eq!(
            origin("http://[::1]:5000/").unwrap().to_string(),
            "http://[::1]:5000"
        );
        for bad in [
            "ftp://a.example",
            "https://u@a.example",
            "https://u:p@a/",
            "/x",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_and_this_machine() {
        for loopback in ["localhost", "127.0.0.1", "127.9.9.9:5000", "[::1]:5000"] {
            let origin = origin(&format!("http://{loopback}")).unwrap();
            assert!(origin.is_loopback(), "{loopback}");
        }
        for other in [
            "localhost.example",
            "128.0.0.1",
            "[::2]",
            "127.0.0.1.example",
        ] {
            let origin = origin(&format!("http://{other}")).unwrap();
            assert!(!origin.is_loopback(), "{other}");
        }
        for address in [
            "169.254.169.254",
            "[fd00::1]",
            "2130706433",
            "0x7f.0x1",
            "10.1",
        ] {
            let origin = origin(&format!("http://{address}")).unwrap();
            assert!(origin.is_address(), "{address}");
        }
        for name in ["a.example", "1.example", "localhost"] {
            let origin = origin(&format!("http://{name}")).unwrap();
            assert!(!origin.is_address(), "{name}");
        }
    }

    #[test]
    fn registries_have_an_origin() {
        let of = |text: &str, scheme| {
            let reference = Reference::parse(text).unwrap();
            Origin::of_registry(&reference, scheme).to_string()
        };
        assert_eq!(
            of("docker.io/library/x", Scheme::Https),
            "https://registry-1.docker.io"
        );
        assert_eq!(
            of("Reg.example:5000/x", Scheme::Https),
            "https://reg.example:5000"
        );
        assert_eq!(of("[::1]:5000/x", Scheme::Http), "http://[::1]:5000");
        assert_eq!(of("[::1]/x", Scheme::Http), "http://[::1]");
        assert_eq!(of("localhost:80/x", Scheme::Http), "http://localhost");
    }
}
