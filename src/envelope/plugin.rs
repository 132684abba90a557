//! The signed attributes that name a verification plugin
//! (signature-specification, "Extended attributes for Notation Plugins").

use super::attributes::Attribute;
use super::quoted;
use crate::outcome::{Reason, Rejection};

const NAME: &str = "io.cncf.notary.verificationPlugin";
const MIN_VERSION: &str = "io.cncf.notary.verificationPluginMinVersion";

/// The plugin's name.
pub(super) fn name(attributes: &[Attribute]) -> Result<Option<&str>, Rejection> {
    critical_text(attributes, NAME)
}

/// The lowest version that will do.
pub(super) fn min_version(attributes: &[Attribute]) -> Result<Option<&str>, Rejection> {
    let version = critical_text(attributes, MIN_VERSION)?;
    match version {
        Some(text) if !is_semantic_version(text) => Err(plugin_rejection(format!(
            "`{MIN_VERSION}` is {}, which is no semantic version",
            quoted(text)
        ))),
        _ => Ok(version),
    }
}

fn critical_text<'a>(
    attributes: &'a [Attribute],
    name: &str,
) -> Result<Option<&'a str>, Rejection> {
    let Some(attribute) = attributes
        .iter()
        .find(|attribute| attribute.key.as_text() == Some(name))
    else {
        return Ok(None);
    };
    if !attribute.critical {
        return Err(plugin_rejection(format!(
            "the signed attribute `{name}` is not marked critical, and must be"
        )));
    }
    match attribute.value.as_str() {
        None => Err(plugin_rejection(format!(
            "the signed attribute `{name}` is not a text"
        ))),
        Some(text) if text.trim().is_empty() => Err(plugin_rejection(format!(
            "the signed attribute `{name}` is empty"
        ))),
        text => Ok(text),
    }
}

fn plugin_rejection(detail: String) -> Rejection {
    Rejection::new(Reason::PluginRequired, detail)
}

/// Semantic Versioning 2.0.0, section 2, 9 and 10.
fn is_semantic_version(text: &str) -> bool {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre_release) = match rest.split_once('-') {
        Some((core, pre_release)) => (core, Some(pre_release)),
        None => (rest, None),
    };
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let is_identifier = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre_release.is_none_or(|text| {
            text.split('.')
                .all(|part| is_identifier(part) && (!all_digits(part) || is_number(part)))
        })
        && build.is_none_or(|text| text.split('.').all(is_identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantic_versions() {
        for good in [
            "0.0.0",
            "1.2.3",
            "10.20.30-alpha.1+b",
            "1.0.0--",
            "1.0.0+001",
            "1.0.0-0.3.7",
            "1.0.0-x-y-z.0a",
        ] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2",
            "v1.2.3",
            "1.2.3.4",
            "01.2.3",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3 ",
            "1.2.-3",
            "1.2.3+a+b",
        ] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
