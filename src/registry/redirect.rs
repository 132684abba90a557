//! Where a redirect leads (RFC 3986 section 5.2), and what may go there.

use http::Uri;

use super::endpoint::{Origin, Scheme};
use crate::error::quote;

/// What becomes of the `Authorization` of a request that is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// The same server is asked again.
    Keep,
    /// Another one is: scheme, host or port are different.
    Drop,
}

/// Where the answer from `base` with the `Location` header `location` leads, and
/// what becomes of the credentials. Nothing leads from https to http, and nothing
/// to http where `plain_http` does not allow the server.
///
/// # Errors
/// Why it may not be followed, for a person. Queries are not shown: those of
/// storage services are as good as a password.
pub fn follow(
    base: &Uri,
    location: &str,
    plain_http: impl Fn(&Origin) -> bool,
) -> Result<(Uri, Authorization), String> {
    let next = target(base, location)?;
    let refused = |why: &str| {
        format!(
            "it redirects to {}, and {why}",
            quote(&without_query(&next))
        )
    };
    let from = Origin::of(base)?;
    let to = Origin::of(&next).map_err(|why| refused(&why))?;
    if to.scheme() == Scheme::Http {
        if from.scheme() == Scheme::Https {
            return Err(refused("that would leave TLS"));
        }
        if to != from && !plain_http(&to) {
            return Err(refused("plain HTTP is not allowed for that host"));
        }
    }
    let authorization = if from == to {
        Authorization::Keep
    } else {
        Authorization::Drop
    };
    Ok((next, authorization))
}

/// An address as errors show it.
#[must_use]
pub fn without_query(uri: &Uri) -> String {
    let text = uri.to_string();
    match text.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        None => text,
    }
}

/// The target of the `Location` header `location` in an answer from `base`.
///
/// # Errors
/// Why there is none, for a person.
pub fn target(base: &Uri, location: &str) -> Result<Uri, String> {
    let malformed = || "the redirect's `Location` is malformed".to_owned();
    // A fragment is for the reader of the answer and is never sent.
    let location = location.split('#').next().unwrap_or_default().trim();
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().ok_or_else(malformed)?;
    let path = base.path();
    let absolute = if has_scheme(location) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{path}{location}")
    } else if location.is_empty() {
        let query = base.path_and_query().map_or("/", |both| both.as_str());
        format!("{scheme}://{authority}{query}")
    } else {
        let folder = path.rfind('/').and_then(|end| path.get(..=end));
        format!("{scheme}://{authority}{}{location}", folder.unwrap_or("/"))
    };
    absolute.parse::<Uri>().map_err(|_| malformed())
}

/// Whether `reference` starts with `scheme:`.
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GHSA-vh4v-2xq2-g5cg (redirect): Authorization is dropped when scheme, host or
    /// port changes.
    #[test]
    fn credentials_stay_with_their_origin() {
        let base: Uri = "https://a.example/v2/x".parse().unwrap();
        let follow = |location| follow(&base, location, |_| true).map(|(_, what)| what);
        for same in ["/y", "z", "https://a.example:443/y", "https://A.EXAMPLE/y"] {
            assert_eq!(follow(same), Ok(Authorization::Keep), "{same}");
        }
        for other in [
            "https://b.example/y",
            "https://a.example:444/y",
            "https://a.example.attacker.example/",
            "https://b.a.example/",
            "//b.example/y",
        ] {
            assert_eq!(follow(other), Ok(Authorization::Drop), "{other}");
        }
        for refused in [
            "http://a.example/y",
            "http://a.example:443/y",
            "ftp://a.example/y",
            "https://user@a.example/y",
        ] {
            assert!(follow(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn plain_http_stays_where_it_is_allowed() {
        let base: Uri = "http://localhost:5000/x".parse().unwrap();
        let follow = |location| follow(&base, location, Origin::is_loopback);
        assert_eq!(follow("/y").unwrap().1, Authorization::Keep);
        assert_eq!(
            follow("http://127.0.0.1:81/y").unwrap().1,
            Authorization::Drop
        );
        assert_eq!(
            follow("https://a.example/y").unwrap().1,
            Authorization::Drop
        );
        let refused = follow("http://169.254.169.254/latest?secret").unwrap_err();
        assert_eq!(
            refused,
            "it redirects to `http://169.254.169.254/latest?…`, and plain HTTP is not allowed for \
             that host"
        );
    }

    #[test]
    fn references_are_resolved() {
        let base: Uri = "http://a.example:8080/b/c?d".parse().unwrap();
        for (location, expected) in [
            ("http://x.example/y", "http://x.example/y"),
            ("https://x.example/y#z", "https://x.example/y"),
            ("//x.example/y", "http://x.example/y"),
            ("/y?z", "http://a.example:8080/y?z"),
            ("y", "http://a.example:8080/b/y"),
            ("?z", "http://a.example:8080/b/c?z"),
            ("", "http://a.example:8080/b/c?d"),
            ("y/z:1", "http://a.example:8080/b/y/z:1"),
        ] {
            assert_eq!(target(&base, location).unwrap().to_string(), expected);
        }
        for bad in ["http://", "http://[", "http://a b/", "//"] {
            assert!(target(&base, bad).is_err(), "{bad}");
        }
    }
}
