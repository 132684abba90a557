//! Where a redirect leads (RFC 3986 section 5.2).

use ureq::http::Uri;

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
