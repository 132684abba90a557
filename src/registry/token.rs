//! Bearer tokens (distribution's token specification): where to ask for one, and
//! the answer.

use http::Uri;
use serde::Deserialize;

use super::endpoint::{Origin, Scheme};
use super::secret::Secret;
use super::text::percent_encode;
use crate::error::quote;
use crate::wire;

/// Octets of the answer of a token server. Tokens with many claims have 10 KiB.
pub const MAX_REPLY_BYTES: usize = 256 * 1024;
/// Octets of a token: it goes into a header of each request.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// Octets of what a challenge may put into the address.
const MAX_PARAMETER_BYTES: usize = 4 * 1024;
/// Seconds that a token is valid where the answer does not say (token
/// specification, "Token Response Fields", `expires_in`).
const DEFAULT_SECONDS: u64 = 60;
/// The longest that a token is used: one that lasts longer is asked for again.
const MAX_SECONDS: u64 = 24 * 60 * 60;

/// Who gets a credential at the server that a registry names for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// The server may see the credentials of the registry.
    WithCredentials,
    /// It may be asked without credentials only.
    Anonymously,
}

/// Whether the token server that `registry` names may be asked, and may see
/// credentials. `listed` says which other servers may, beside those below.
///
/// A registry that was taken over, or an answer that was, could otherwise name any
/// server and read the password there (CVE-2026-48978).
///
/// # Errors
/// Why it may not be asked at all, for a person: it has no TLS where the registry
/// has, or is an address where the registry is another.
pub fn realm(
    registry: &Origin,
    realm: &str,
    listed: impl Fn(&Origin) -> bool,
) -> Result<(Uri, Trusted), String> {
    let refused = |why: &str| {
        format!(
            "the registry names the token server {}, which is not asked: {why}",
            quote(realm)
        )
    };
    if realm.len() > MAX_PARAMETER_BYTES {
        return Err(refused("the address is too long"));
    }
    let uri: Uri = realm.parse().map_err(|_| refused("that is no address"))?;
    let origin = Origin::of(&uri).map_err(|why| refused(&why))?;
    if origin == *registry {
        return Ok((uri, Trusted::WithCredentials));
    }
    let listed = listed(&origin);
    if origin.scheme() == Scheme::Http
        && (registry.scheme() == Scheme::Https || !(origin.is_loopback() || listed))
    {
        return Err(refused("it would be asked without TLS"));
    }
    if listed || well_known(registry, &origin) {
        return Ok((uri, Trusted::WithCredentials));
    }
    let beside = registry.is_loopback() && origin.is_loopback();
    if origin.is_address() && !beside || origin.host().starts_with("metadata.") {
        return Err(refused(
            "it is an address inside a network and none of the registry",
        ));
    }
    Ok((uri, Trusted::Anonymously))
}

/// Registries whose token server has another name, as their operators document.
fn well_known(registry: &Origin, realm: &Origin) -> bool {
    let pair = match registry.host() {
        "registry-1.docker.io" | "index.docker.io" => "auth.docker.io",
        "registry.gitlab.com" => "gitlab.com",
        _ => return false,
    };
    realm.scheme() == Scheme::Https && realm.port() == 443 && realm.host() == pair
}

/// The address for a token by GET. A `scope` may have several parts with spaces
/// between them.
///
/// # Errors
/// Where the service is too long.
pub fn url(realm: &Uri, service: Option<&str>, scope: &str) -> Result<String, String> {
    let mut url = realm.to_string();
    let mut separator = if url.contains('?') { '&' } else { '?' };
    let mut add = |name: &str, value: &str| {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&percent_encode(value));
        separator = '&';
    };
    if let Some(service) = service {
        add("service", bounded(service)?);
    }
    // Several are members of their own (distribution's token specification).
    for scope in scope.split(' ') {
        add("scope", scope);
    }
    Ok(url)
}

/// The form for a token by POST, with an identity token (OAuth 2, RFC 6749
/// section 6).
///
/// # Errors
/// Where the service is too long.
pub fn refresh_form(
    service: Option<&str>,
    scope: &str,
    identity_token: &Secret,
) -> Result<Secret, String> {
    Ok(Secret::new(format!(
        "grant_type=refresh_token&client_id=notation-verifier&service={}&scope={}&refresh_token={}",
        percent_encode(bounded(service.unwrap_or_default())?),
        percent_encode(scope),
        percent_encode(identity_token.reveal()),
    )))
}

fn bounded(service: &str) -> Result<&str, String> {
    if service.len() > MAX_PARAMETER_BYTES {
        return Err("the name of the registry's service is too long".to_owned());
    }
    Ok(service)
}

/// A token and for how many seconds it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// For `Authorization: Bearer`.
    pub token: Secret,
    /// Seconds from when the answer came, from 1 to a day.
    pub seconds: u64,
}

/// Parses the answer of a token server.
///
/// # Errors
/// Why it has no token, for a person; what the server sent is not shown.
pub fn parse(body: &[u8]) -> Result<Token, String> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
    }
    if body.len() > MAX_REPLY_BYTES {
        return Err(format!("its answer has more than {MAX_REPLY_BYTES} octets"));
    }
    let answer: Answer = wire::json::from_slice(body)
        .map_err(|_| "its answer is no JSON object with a token".to_owned())?;
    let token = [answer.token, answer.access_token]
        .into_iter()
        .flatten()
        .find(|token| !token.is_empty())
        .ok_or("its answer has neither `token` nor `access_token`")?;
    if token.len() > MAX_TOKEN_BYTES {
        return Err(format!("its token has more than {MAX_TOKEN_BYTES} octets"));
    }
    // Anything else would not be one value of one header.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its token has characters that no header can have".to_owned());
    }
    let seconds = match answer.expires_in {
        None | Some(0) => DEFAULT_SECONDS,
        Some(seconds) => seconds.min(MAX_SECONDS),
    };
    Ok(Token {
        token: Secret::new(token),
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(&text.parse().unwrap()).unwrap()
    }

    fn trusted(registry: &str, name: &str) -> Result<Trusted, String> {
        let listed = |origin: &Origin| origin.host() == "listed.example";
        realm(&origin(registry), name, listed).map(|(_, trusted)| trusted)
    }

    /// CVE-2026-48978 (bearer realm), CVE-2025-27403 (token to a foreign host).
    #[test]
    fn credentials_go_to_no_realm_that_is_not_allowed() {
        let registry = "https://reg.example";
        for good in [
            "https://reg.example/token",
            "https://REG.example:443/token",
            "https://listed.example/t",
        ] {
            assert_eq!(
                trusted(registry, good),
                Ok(Trusted::WithCredentials),
                "{good}"
            );
        }
        for other in [
            "https://auth.reg.example/token",
            "https://reg.example:8443/token",
            "https://reg.example.attacker.example/token",
            "https://auth.docker.io/token",
            "https://example/token",
        ] {
            assert_eq!(
                trusted(registry, other),
                Ok(Trusted::Anonymously),
                "{other}"
            );
        }
        for refused in [
            "http://reg.example/token",
            "http://listed.example/token",
            "http://localhost/token",
            "https://169.254.169.254/token",
            "https://10.0.0.1/token",
            "https://[fd00:ec2::254]/token",
            "https://127.0.0.1/token",
            "https://2852039166/token",
            "https://metadata.google.internal/token",
            "https://user:password@reg.example/token",
            "ftp://reg.example/",
            "/token",
            "",
            "not a url",
        ] {
            assert!(trusted(registry, refused).is_err(), "{refused}");
        }
        let azure = "https://evil.azurecr.io.attacker.example";
        assert_eq!(
            trusted(azure, "https://evil.azurecr.io/oauth2/token"),
            Ok(Trusted::Anonymously)
        );
    }

    #[test]
    fn known_pairs_and_loopback() {
        assert_eq!(
            trusted(
                "https://registry-1.docker.io",
                "https://auth.docker.io/token"
            ),
            Ok(Trusted::WithCredentials)
        );
        assert!(
            trusted(
                "https://registry-1.docker.io",
                "http://auth.docker.io/token"
            )
            .is_err()
        );
        // Another port belongs to somebody else.
        let local = "http://127.0.0.1:5000";
        assert_eq!(
            trusted(local, "http://127.0.0.1:5001/t"),
            Ok(Trusted::Anonymously)
        );
        assert_eq!(
            trusted(local, "http://127.0.0.1:5000/t"),
            Ok(Trusted::WithCredentials)
        );
        assert!(trusted(local, "http://10.0.0.1:5001/t").is_err());
        assert!(trusted(local, "http://auth.example/t").is_err());
        assert_eq!(
            trusted("http://reg.example", "http://listed.example"),
            Ok(Trusted::WithCredentials)
        );
    }

    #[test]
    fn addresses_and_forms() {
        let realm: Uri = "https://a.example/token?x=1".parse().unwrap();
        assert_eq!(
            url(&realm, Some("reg & co"), "repository:a/b:pull").unwrap(),
            "https://a.example/token?x=1&service=reg%20%26%20co&scope=repository%3Aa%2Fb%3Apull"
        );
        let realm: Uri = "https://a.example/token".parse().unwrap();
        assert_eq!(
            url(&realm, None, "s").unwrap(),
            "https://a.example/token?scope=s"
        );
        assert_eq!(
            url(&realm, None, "s t").unwrap(),
            "https://a.example/token?scope=s&scope=t"
        );
        let form = refresh_form(Some("x"), "y z", &Secret::new("a=b")).unwrap();
        assert!(
            form.reveal()
                .ends_with("&service=x&scope=y%20z&refresh_token=a%3Db")
        );
        assert!(url(&realm, Some(&"x".repeat(5000)), "s").is_err());
    }

    #[test]
    fn answers() {
        let seconds = |body: &str| parse(body.as_bytes()).map(|token| token.seconds);
        assert_eq!(seconds(r#"{"token":"a"}"#), Ok(60));
        assert_eq!(seconds(r#"{"access_token":"a","expires_in":300}"#), Ok(300));
        assert_eq!(
            seconds(r#"{"token":"","access_token":"a","expires_in":0}"#),
            Ok(60)
        );
        assert_eq!(
            seconds(r#"{"token":"a","expires_in":9999999999}"#),
            Ok(86_400)
        );
        let both = parse(br#"{"token":"a","access_token":"b"}"#).unwrap();
        assert_eq!(both.token.reveal(), "a");
        let long = format!(r#"{{"token":"{}"}}"#, "a".repeat(MAX_TOKEN_BYTES + 1));
        for bad in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"token":null}"#,
            r#"{"token":7}"#,
            r#"{"token":"a\r\nX: y"}"#,
            r#"{"token":"a b"}"#,
            r#"{"token":"a","expires_in":-1}"#,
            "<html>",
            &long,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:.40}");
        }
    }
}
