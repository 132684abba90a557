//! Registry scopes: repositories without scheme, tag or digest, or `*`
//! (trust-store-trust-policy, "OCI Trust Policy Constraints").

use super::error::{Place, PolicyError};

/// The scope of every artifact.
pub(crate) const GLOBAL: &str = "*";

const ALLOWED: &str = "write registry and repository without scheme, tag, digest or asterisk, \
     for example `registry.example.com/team/app`";

/// Whether `scope` is the name of one repository.
///
/// The grammar is that of the distribution specification's reference
/// implementation for a host name, an optional port and a repository.
pub(crate) fn check(scope: &str, place: Place<'_>) -> Result<(), PolicyError> {
    if scope.len() > GLOBAL.len() && scope.contains(GLOBAL) {
        return Err(place
            .error(
                "policy-scope-wildcard-partial",
                "has an asterisk inside a scope",
                ALLOWED,
            )
            .with_value(scope));
    }
    match scope.split_once('/') {
        Some((registry, repository)) if is_registry(registry) && is_repository(repository) => {
            Ok(())
        }
        _ => Err(place
            .error(
                "policy-scope-invalid",
                "is not a registry and a repository",
                ALLOWED,
            )
            .with_value(scope)),
    }
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label)
        && port
            .is_none_or(|port| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_repository(text: &str) -> bool {
    text.split('/').all(is_component)
}

/// Lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let is_joint =
        |joint: &str| matches!(joint, "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-');
    let alphanumeric = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.split(alphanumeric).all(is_joint)
}

#[cfg(test)]
mod tests {
    use super::super::error::DocumentKind;
    use super::*;

    fn category(scope: &str) -> Option<&'static str> {
        check(scope, Place::document(DocumentKind::Oci))
            .err()
            .map(|error| error.category())
    }

    #[test]
    fn repositories_are_scopes() {
        for scope in [
            "registry.example.com/a",
            "localhost/x",
            "domain:1234/rep",
            "REGISTRY.example.com:5000/a/b/c",
            "127.0.0.1:5000/x",
            "a-b.c/a.b_c__d-e---f/0",
        ] {
            assert_eq!(category(scope), None, "{scope}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for scope in [
            "",
            "*",
            "a",
            "/a",
            "a/",
            "a//b",
            "a/b/",
            "https://a/b",
            "a:/b",
            "a:x/b",
            ":5/b",
            "a:5:5/b",
            "-a/b",
            "a-/b",
            "a..b/c",
            "a_b/c",
            "a/B",
            "a/b:v1",
            "a/b@x",
            "a/___b",
            "a/b___c",
            "a/.b",
            "a/b.",
            "a/b..c",
            "a/b._c",
            "a/b\n",
            " a/b",
            "a/\u{e9}",
            "[::1]/a",
            "a/-b",
            "a/b-",
        ] {
            assert_eq!(category(scope), Some("policy-scope-invalid"), "{scope}");
        }
        for scope in ["**", "a/*", "*/a", "*.a/b", "ex*test"] {
            assert_eq!(
                category(scope),
                Some("policy-scope-wildcard-partial"),
                "{scope}"
            );
        }
    }
}
