//! [`Signed`]: an envelope whose signature was verified.

use super::attributes::{Attribute, Attributes};
use super::payload::Payload;
use super::{MediaType, PAYLOAD_MEDIA_TYPE, SigningScheme, quoted};
use crate::crypto::SignatureAlgorithm;
use crate::outcome::{Reason, Rejection};
use crate::time::Time;

const VERIFICATION_PLUGIN: &str = "io.cncf.notary.verificationPlugin";
const VERIFICATION_PLUGIN_MIN_VERSION: &str = "io.cncf.notary.verificationPluginMinVersion";

/// The content of an envelope whose signature was verified with the key of its
/// signing certificate, and whose signed attributes follow the rules.
///
/// Whether that certificate is to be trusted is another question.
#[derive(Clone, Debug)]
pub struct Signed {
    pub(super) media_type: MediaType,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) attributes: Attributes,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) timestamp_token: Option<Vec<u8>>,
    pub(super) signing_agent: Option<String>,
}

impl Signed {
    /// The format of the envelope.
    #[must_use]
    pub const fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// The algorithm of the signature, which is that of the signing key.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The signing scheme.
    #[must_use]
    pub const fn scheme(&self) -> SigningScheme {
        self.attributes.scheme
    }

    /// When the signer says that it signed; not authenticated. Only with
    /// [`SigningScheme::X509`].
    #[must_use]
    pub fn signing_time(&self) -> Option<Time> {
        (self.scheme() == SigningScheme::X509).then_some(self.attributes.time)
    }

    /// When the signing authority says that the signature was made. Only with
    /// [`SigningScheme::SigningAuthority`].
    #[must_use]
    pub fn authentic_signing_time(&self) -> Option<Time> {
        (self.scheme() == SigningScheme::SigningAuthority).then_some(self.attributes.time)
    }

    /// Until when the signer wants the signature to be used.
    #[must_use]
    pub const fn expiry(&self) -> Option<Time> {
        self.attributes.expiry
    }

    /// The signed attributes that are not standard ones.
    #[must_use]
    pub fn extended_attributes(&self) -> &[Attribute] {
        &self.attributes.extended
    }

    /// The media type of the payload.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        PAYLOAD_MEDIA_TYPE
    }

    /// The payload as it was signed: JSON, where [`Signed::payload`] agrees.
    #[must_use]
    pub fn payload_bytes(&self) -> &[u8] {
        &self.payload
    }

    /// The payload decoded.
    ///
    /// # Errors
    /// [`Reason::PayloadMalformed`] where it is not what the specification says.
    pub fn payload(&self) -> Result<Payload, Rejection> {
        Payload::parse(&self.payload)
    }

    /// The octets of the primitive signature. A time-stamp covers these.
    #[must_use]
    pub fn signature_bytes(&self) -> &[u8] {
        &self.signature
    }

    /// The RFC 3161 token in the envelope. Not covered by the signature.
    #[must_use]
    pub fn timestamp_token(&self) -> Option<&[u8]> {
        self.timestamp_token.as_deref()
    }

    /// The program that says that it made the signature. Not covered by the
    /// signature: for display only.
    #[must_use]
    pub fn signing_agent(&self) -> Option<&str> {
        self.signing_agent.as_deref()
    }

    /// The plugin that the signer wants verifiers to use
    /// (signature-specification, "Extended attributes for Notation Plugins").
    ///
    /// # Errors
    /// [`Reason::PluginRequired`] where one is named, but not as a critical,
    /// non-empty text.
    pub fn verification_plugin(&self) -> Result<Option<&str>, Rejection> {
        self.critical_text(VERIFICATION_PLUGIN)
    }

    /// The lowest version of that plugin, a semantic version.
    ///
    /// # Errors
    /// [`Reason::PluginRequired`] where it is there, but not as a critical
    /// text that is a semantic version.
    pub fn verification_plugin_min_version(&self) -> Result<Option<&str>, Rejection> {
        let version = self.critical_text(VERIFICATION_PLUGIN_MIN_VERSION)?;
        match version {
            Some(text) if !is_semantic_version(text) => Err(plugin_rejection(format!(
                "`{VERIFICATION_PLUGIN_MIN_VERSION}` is {}, which is no semantic version",
                quoted(text)
            ))),
            _ => Ok(version),
        }
    }

    fn critical_text(&self, name: &str) -> Result<Option<&str>, Rejection> {
        let Some(attribute) = self
            .extended_attributes()
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
    use super::is_semantic_version;

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
