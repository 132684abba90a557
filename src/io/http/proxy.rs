//! Which proxy stands between this machine and a server.

use std::env;
use std::fmt;
use std::net::IpAddr;

use ureq::Proxy;

use crate::registry::{Origin, Scheme};

/// Where the proxies come from.
#[derive(Clone, Debug, Default)]
pub enum Proxies {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capital or small
    /// letters.
    #[default]
    Environment,
    /// There are none.
    Direct,
    /// These.
    These(ProxySettings),
}

/// Proxies as the environment names them. Servers on this machine are always asked
/// directly.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ProxySettings {
    /// For https: `http://proxy.example:3128`, with `user:password@` before the
    /// host where it wants that.
    pub https: Option<String>,
    /// The same for plain HTTP.
    pub http: Option<String>,
    /// Hosts that are asked directly, with commas between them: `a.example` and all
    /// names below it, `.example` for the names below it alone, an address, a
    /// network `10.0.0.0/8`, each with a port where only that is meant; `*` is all.
    pub no_proxy: String,
}

/// Proxies can have passwords.
impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl Proxies {
    /// What they are now.
    pub fn settings(&self) -> ProxySettings {
        let variable = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .find_map(|name| env::var(name).ok())
                .filter(|value| !value.is_empty())
        };
        match self {
            Self::Environment => {
                let all = variable("ALL_PROXY");
                ProxySettings {
                    https: variable("HTTPS_PROXY").or_else(|| all.clone()),
                    http: variable("HTTP_PROXY").or(all),
                    no_proxy: variable("NO_PROXY").unwrap_or_default(),
                }
            }
            Self::Direct => ProxySettings::default(),
            Self::These(settings) => settings.clone(),
        }
    }
}

impl ProxySettings {
    /// Whether a proxy stands before the server.
    pub fn applies_to(&self, origin: &Origin) -> bool {
        self.text(origin.scheme()).is_some()
            && !origin.is_loopback()
            && !self.is_direct(origin.host(), origin.port())
    }

    const fn text(&self, scheme: Scheme) -> Option<&String> {
        match scheme {
            Scheme::Https => self.https.as_ref(),
            Scheme::Http => self.http.as_ref(),
        }
    }

    /// The proxy for servers of `scheme`.
    ///
    /// # Errors
    /// Why it cannot be used, for a person. Its address may have a password and is
    /// not shown.
    pub fn proxy(&self, scheme: Scheme) -> Result<Option<Proxy>, String> {
        let Some(text) = self.text(scheme) else {
            return Ok(None);
        };
        let kind = text.split_once("://").map_or("http", |(kind, _)| kind);
        if !kind.eq_ignore_ascii_case("http") && !kind.eq_ignore_ascii_case("https") {
            return Err(format!(
                "the proxy for {} is neither an http nor an https one: others are not supported",
                scheme.as_str()
            ));
        }
        Proxy::new(text).map(Some).map_err(|_| {
            format!(
                "the proxy for {} is not an address such as `http://proxy.example:3128`",
                scheme.as_str()
            )
        })
    }

    fn is_direct(&self, host: &str, port: u16) -> bool {
        self.no_proxy
            .split([',', ' ', '\t'])
            .filter(|entry| !entry.is_empty())
            .any(|entry| matches_entry(entry, host, port))
    }
}

fn matches_entry(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let bare = |text: &str| -> Option<IpAddr> {
        text.trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    };
    let address = bare(host);
    if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
        return bare(network)
            .zip(bits.parse().ok())
            .is_some_and(|(network, bits)| is_in_network(address, network, bits));
    }
    if let Some(only) = bare(entry) {
        return address == Some(only);
    }
    let (name, only_port) = match entry.rsplit_once(':') {
        Some((name, text)) => match text.parse::<u16>() {
            Ok(only) => (name, Some(only)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    if only_port.is_some_and(|only| only != port) {
        return false;
    }
    if let Some(only) = bare(name) {
        return address == Some(only);
    }
    let name = name.strip_prefix('*').unwrap_or(name).to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(&name) && host.len() > name.len(),
        None => {
            host == name
                || host
                    .strip_suffix(&name)
                    .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        }
    }
}

fn is_in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (one, other, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (
            u128::from(one.to_bits()),
            u128::from(other.to_bits()),
            32_u32,
        ),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let Some(rest) = width.checked_sub(bits) else {
        return false;
    };
    one.checked_shr(rest) == other.checked_shr(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(no_proxy: &str, host: &str) -> bool {
        let settings = ProxySettings {
            no_proxy: no_proxy.to_owned(),
            ..ProxySettings::default()
        };
        settings.is_direct(host, 443)
    }

    #[test]
    fn who_is_asked_directly() {
        for (list, host) in [
            ("*", "a.example"),
            ("a.example", "A.example"),
            ("a.example", "b.a.example"),
            (".a.example", "b.a.example"),
            ("*.a.example", "b.a.example"),
            ("x, a.example:443", "a.example"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:443", "10.1.2.3"),
            ("0.0.0.0/0", "1.1.1.1"),
            ("fd00::/8", "[fd12::1]"),
            ("fd12::1", "[fd12::1]"),
            ("[fd12::1]:443", "[fd12::1]"),
        ] {
            assert!(direct(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("", "a.example"),
            ("a.example", "xa.example"),
            ("a.example", "a.example.org"),
            (".a.example", "a.example"),
            ("a.example:80", "a.example"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("10.0.0.0/8", "10.example"),
            ("10.0.0.0/8", "[fd12::1]"),
            ("fd00::/8", "10.0.0.1"),
            ("a.example:x", "a.example"),
        ] {
            assert!(!direct(list, host), "{list} {host}");
        }
    }

    #[test]
    fn proxies_are_chosen_by_scheme() {
        let settings = ProxySettings {
            https: Some("http://user:pass@proxy.example:3128".to_owned()),
            ..ProxySettings::default()
        };
        let origin = |text: &str| Origin::of(&text.parse().unwrap()).unwrap();
        assert!(settings.applies_to(&origin("https://a.example")));
        assert!(!settings.applies_to(&origin("http://a.example")));
        assert!(!settings.applies_to(&origin("https://localhost:5000")));
        assert!(!settings.applies_to(&origin("https://127.0.0.1")));
        let proxy = settings.proxy(Scheme::Https).unwrap().unwrap();
        assert_eq!(proxy.port(), 3128);
        assert!(!format!("{settings:?}").contains("pass"));
        for bad in [
            "socks5://user:hunter2@p:1",
            "ftp://hunter2",
            "http://hunter2 x",
        ] {
            let settings = ProxySettings {
                https: Some(bad.to_owned()),
                ..ProxySettings::default()
            };
            let error = settings.proxy(Scheme::Https).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
