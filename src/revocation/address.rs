//! Addresses in certificates: only HTTP is asked (trust-store-trust-policy,
//! "CRLs": "support only HTTP CRL URLs"; the reference does the same for OCSP).

/// Whether `url` can be asked.
///
/// # Errors
/// Why not, for a person.
pub(super) fn check(url: &str) -> Result<(), String> {
    if let Some(bad) = url
        .chars()
        .find(|c| !matches!(c, '!'..='~') || "\"<>\\^`{|}".contains(*c))
    {
        return Err(format!("the address has the character {bad:?}"));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("only http addresses are asked".to_owned());
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(format!(
            "only http addresses are asked, and this one is `{scheme}`"
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    if host.is_empty() || host.contains('@') {
        return Err("the address has no host, or a user name".to_owned());
    }
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return Err("the address has a malformed port".to_owned());
    }
    let mut escapes = rest.split('%').skip(1);
    if !escapes.all(|after| {
        after.len() >= 2 && after.bytes().take(2).all(|octet| octet.is_ascii_hexdigit())
    }) {
        return Err("the address has a malformed escape".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_http_is_asked() {
        for good in [
            "http://a",
            "HTTP://a/b",
            "http://a:80/b?c=%20#d",
            "http://[::1]/x",
            "http://[::1]:8080",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a",
            "https://a/b",
            "ldap:///cn=a?b",
            "ldap://a/cn=x",
            "http:a",
            "http://",
            "http:///b",
            "http://:80/",
            "http://u@a/",
            "http://a:b/",
            "http://a:65536/",
            "http://a/%",
            "http://a/%2",
            "http://a/%zz",
            "http://a b/",
            "http://a/\n",
            "http://a/\u{7f}",
            "http://\u{e9}/",
            "file:///etc/passwd",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
