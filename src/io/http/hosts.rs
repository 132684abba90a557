//! Patterns of hosts.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, quote};

/// `host`, `host:port`, `*.domain` or `*.domain:port`. An asterisk stands for
/// one or more labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    /// Without the asterisk and its dot.
    name: String,
    below: bool,
    port: Option<u16>,
}

impl HostPattern {
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        let host = normal(host);
        if self.below {
            host.strip_suffix(&self.name)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.name
        }
    }
}

/// Names are compared without case and without the dot of the root.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

impl FromStr for HostPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || {
            Error::new(
                ErrorKind::Usage,
                format!(
                    "{} is not a host: write `crl.example.com`, `crl.example.com:8080` or \
                     `*.example.com`, without scheme and path",
                    quote(text)
                ),
            )
        };
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address are inside brackets.
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().map_err(|_| malformed())?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        let (name, below) = match host.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (host, false),
        };
        let name = normal(name);
        let literal = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inner| !below && inner.parse::<Ipv6Addr>().is_ok());
        let labels = name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        });
        if literal || labels {
            Ok(Self { name, below, port })
        } else {
            Err(malformed())
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_hosts_ports_and_domains() {
        let matches = |pattern: &str, host: &str, port| {
            pattern.parse::<HostPattern>().unwrap().matches(host, port)
        };
        assert!(matches("crl.example.com", "CRL.example.com.", 80));
        assert!(!matches("crl.example.com", "xcrl.example.com", 80));
        assert!(!matches("example.com", "crl.example.com", 80));
        assert!(matches("a.example:8080", "a.example", 8080));
        assert!(!matches("a.example:8080", "a.example", 80));
        assert!(matches("*.example.com", "a.b.example.com", 80));
        assert!(!matches("*.example.com", "example.com", 80));
        assert!(!matches("*.example.com", ".example.com", 80));
        assert!(!matches("*.example.com", "evil-example.com", 80));
        assert!(!matches("*.example.com", "a.example.com.evil.test", 80));
        assert!(matches("[::1]", "[::1]", 80));
        assert!(matches("127.0.0.1:81", "127.0.0.1", 81));
        for bad in [
            "", "*", "*.", "a..b", "http://a", "a/b", "a:b", "a:1:2", "*.[::1]", "a b",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
    }
}
