//! [`Signed`]: an envelope whose signature was verified.

use std::sync::Arc;

use super::attributes::Attribute;
use super::payload::Payload;
use super::{Content, MediaType, PAYLOAD_MEDIA_TYPE, SigningScheme, plugin};
use crate::crypto::SignatureAlgorithm;
use crate::outcome::Rejection;
use crate::time::Time;
use crate::x509::Chain;

/// The content of an envelope whose signature was verified with the key of its
/// signing certificate, and whose signed attributes follow the rules.
///
/// Whether that certificate is to be trusted is another question.
#[derive(Clone, Debug)]
pub struct Signed {
    pub(super) media_type: MediaType,
    pub(super) chain: Arc<Chain>,
    pub(super) content: Content,
    pub(super) timestamp_token: Option<Vec<u8>>,
    pub(super) signing_agent: Option<String>,
}

impl Signed {
    /// The format of the envelope.
    #[must_use]
    pub const fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// The chain whose first certificate's key made the signature.
    #[must_use]
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// The algorithm of the signature, which is that of the signing key.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.chain.algorithm()
    }

    /// The signing scheme.
    #[must_use]
    pub const fn scheme(&self) -> SigningScheme {
        self.content.attributes.scheme
    }

    /// When the signer says that it signed; not authenticated. Only with
    /// [`SigningScheme::X509`].
    #[must_use]
    pub fn signing_time(&self) -> Option<Time> {
        (self.scheme() == SigningScheme::X509).then_some(self.content.attributes.time)
    }

    /// When the signing authority says that the signature was made. Only with
    /// [`SigningScheme::SigningAuthority`].
    #[must_use]
    pub fn authentic_signing_time(&self) -> Option<Time> {
        (self.scheme() == SigningScheme::SigningAuthority).then_some(self.content.attributes.time)
    }

    /// Until when the signer wants the signature to be used.
    #[must_use]
    pub const fn expiry(&self) -> Option<Time> {
        self.content.attributes.expiry
    }

    /// The signed attributes that are not standard ones.
    #[must_use]
    pub fn extended_attributes(&self) -> &[Attribute] {
        &self.content.attributes.extended
    }

    /// The media type of the payload.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        PAYLOAD_MEDIA_TYPE
    }

    /// The payload as it was signed: JSON, where [`Signed::payload`] agrees.
    #[must_use]
    pub fn payload_bytes(&self) -> &[u8] {
        &self.content.payload
    }

    /// The payload decoded.
    ///
    /// # Errors
    /// [`PayloadMalformed`](crate::outcome::Reason::PayloadMalformed) where it is not what the specification says.
    pub fn payload(&self) -> Result<Payload, Rejection> {
        Payload::parse(&self.content.payload)
    }

    /// The octets of the primitive signature. A time-stamp covers these.
    #[must_use]
    pub fn signature_bytes(&self) -> &[u8] {
        &self.content.signature
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
    /// [`PluginRequired`](crate::outcome::Reason::PluginRequired) where one is named, but not as a critical,
    /// non-empty text.
    pub fn verification_plugin(&self) -> Result<Option<&str>, Rejection> {
        plugin::name(self.extended_attributes())
    }

    /// The lowest version of that plugin, a semantic version.
    ///
    /// # Errors
    /// [`PluginRequired`](crate::outcome::Reason::PluginRequired) where it is there, but not as a critical
    /// text that is a semantic version.
    pub fn verification_plugin_min_version(&self) -> Result<Option<&str>, Rejection> {
        plugin::min_version(self.extended_attributes())
    }
}
