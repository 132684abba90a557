//! Signature envelopes: COSE and JWS become one neutral [`Envelope`], and
//! verifying it is the only way to a [`Signed`].
//!
//! Payload and signed attributes cannot be read from an [`Envelope`]: every
//! verification level enforces integrity, so the types do too.

mod attributes;
pub mod cose;
mod jws;
pub(crate) mod names;
mod payload;
mod plugin;
mod signed;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::crypto::{PublicKey, SignatureAlgorithm, SignatureError};
use crate::limits::Limits;
use crate::outcome::{Reason, Rejection};
use crate::x509::{Certificate, Chain};

use self::attributes::Attributes;

pub use attributes::{Attribute, AttributeKey};
pub use payload::Payload;
pub use signed::Signed;

/// The media type of the payload, the only one of the specification
/// (signature-specification, "Payload").
pub const PAYLOAD_MEDIA_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

/// The two envelope formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `application/cose` (signature-envelope-cose).
    Cose,
    /// `application/jose+json` (signature-envelope-jws).
    Jws,
}

impl MediaType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cose, Self::Jws];

    /// The format of a media type, which is compared as it stands: no
    /// parameters, no other case.
    ///
    /// # Errors
    /// [`Reason::EnvelopeMediaType`] for every other text.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        Self::ALL
            .into_iter()
            .find(|media_type| media_type.as_str() == text)
            .ok_or_else(|| {
                Rejection::new(
                    Reason::EnvelopeMediaType,
                    format!(
                        "the signature envelope's media type {} is not supported",
                        quoted(text)
                    ),
                )
                .remedy("use `application/cose` or `application/jose+json`")
            })
    }

    /// The media type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cose => "application/cose",
            Self::Jws => "application/jose+json",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The signing schemes (signing-scheme).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningScheme {
    /// `notary.x509`: the signing time is the signer's own word.
    X509,
    /// `notary.x509.signingAuthority`: an authority vouches for the time.
    SigningAuthority,
}

impl SigningScheme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::X509, Self::SigningAuthority];

    /// The name in envelopes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X509 => "notary.x509",
            Self::SigningAuthority => "notary.x509.signingAuthority",
        }
    }
}

impl fmt::Display for SigningScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A well-formed envelope whose signature is not verified yet.
///
/// What the signature does not cover can be read; for the rest see
/// [`Envelope::verify`].
#[derive(Debug)]
pub struct Envelope<'a> {
    certificates: Vec<Cow<'a, [u8]>>,
    timestamp_token: Option<Cow<'a, [u8]>>,
    signing_agent: Option<Cow<'a, str>>,
    body: Body<'a>,
}

#[derive(Debug)]
enum Body<'a> {
    Cose(cose::Sign1<'a>),
    Jws(jws::Flattened),
}

impl<'a> Envelope<'a> {
    /// Decodes an envelope of `media_type`.
    ///
    /// # Errors
    /// Where the media type is not one of the two, `bytes` are not an envelope
    /// of that format, there is no certificate chain, or a bound is exceeded.
    pub fn parse(media_type: &str, bytes: &'a [u8], limits: &Limits) -> Result<Self, Rejection> {
        let media_type = MediaType::parse(media_type)?;
        at_most("the signature envelope", bytes.len(), limits.envelope_bytes)?;
        match media_type {
            MediaType::Cose => {
                let message = cose::Sign1::parse(bytes, limits)?;
                Ok(Self {
                    certificates: message.certificates(limits)?,
                    timestamp_token: message.timestamp_token(),
                    signing_agent: message.signing_agent(),
                    body: Body::Cose(message),
                })
            }
            MediaType::Jws => {
                let (unprotected, message) = jws::parse(bytes, limits)?;
                Ok(Self {
                    certificates: unprotected.certificates,
                    timestamp_token: unprotected.timestamp_token,
                    signing_agent: unprotected.signing_agent,
                    body: Body::Jws(message),
                })
            }
        }
    }

    /// The format.
    #[must_use]
    pub const fn media_type(&self) -> MediaType {
        match self.body {
            Body::Cose(_) => MediaType::Cose,
            Body::Jws(_) => MediaType::Jws,
        }
    }

    /// The certificate chain in DER as the envelope orders it, the signing
    /// certificate first. At least one; not parsed yet.
    #[must_use]
    pub fn certificates(&self) -> &[Cow<'a, [u8]>] {
        &self.certificates
    }

    /// Verifies the signature with the key of the chain's signing certificate,
    /// and that the signed attributes follow the rules of the specification.
    ///
    /// `chain` is that of [`Envelope::certificates`].
    ///
    /// # Errors
    /// [`Reason::AlgorithmMismatch`] where the protected header does not name
    /// the algorithm of the key; [`Reason::SignatureMismatch`] where the
    /// signature does not verify; another reason where a signed attribute breaks
    /// a rule, or `chain` is of another envelope.
    pub fn verify(self, chain: Arc<Chain>) -> Result<Signed, Rejection> {
        let ders = chain.certificates().iter().map(Certificate::der);
        if !ders.eq(self.certificates.iter().map(AsRef::as_ref)) {
            return Err(Rejection::new(
                Reason::CertChainInvalid,
                "the certificate chain is not the one in the envelope",
            ));
        }
        let key = chain
            .leaf()
            .key()
            .map_err(|error| Rejection::new(Reason::KeyUnsupported, error.to_string()))?;
        let media_type = self.media_type();
        let timestamp_token = self.timestamp_token.map(Cow::into_owned);
        let signing_agent = self.signing_agent.map(Cow::into_owned);
        let content = self.body.open(key, chain.algorithm())?;
        Ok(Signed {
            media_type,
            chain,
            content,
            timestamp_token,
            signing_agent,
        })
    }
}

impl Body<'_> {
    /// Verifies the signature and applies the rules of the specification.
    fn open(self, key: &PublicKey, algorithm: SignatureAlgorithm) -> Result<Content, Rejection> {
        match self {
            Self::Cose(message) => message.open(key, algorithm),
            Self::Jws(message) => message.open(key, algorithm),
        }
    }
}

/// What a verified message holds.
#[derive(Clone, Debug)]
struct Content {
    attributes: Attributes,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Verifies a primitive signature with the signing certificate's key.
fn verify_primitive(
    key: &PublicKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Rejection> {
    key.verify(algorithm.scheme(), message, signature)
        .map_err(|error| match error {
            SignatureError::Mismatch => Rejection::new(
                Reason::SignatureMismatch,
                "the signature does not verify: the payload, the signed attributes or the \
                 signature were changed, or another key signed",
            ),
            SignatureError::UnsupportedScheme => Rejection::new(
                Reason::AlgorithmMismatch,
                format!(
                    "the signing certificate's key cannot be used with `{}`",
                    algorithm.as_str()
                ),
            ),
        })
}

fn at_most(what: &str, size: usize, limit: usize) -> Result<(), Rejection> {
    if size <= limit {
        return Ok(());
    }
    Err(Rejection::new(
        Reason::LimitExceeded,
        format!("{what} has {size} bytes, more than the limit of {limit}"),
    ))
}

fn too_many(what: &str, limit: usize) -> Rejection {
    Rejection::new(
        Reason::LimitExceeded,
        format!("there are more than {limit} {what}, which is the limit"),
    )
}

fn too_many_certificates(limit: usize) -> Rejection {
    too_many("certificates in the chain", limit)
}

fn too_many_parameters(limit: usize) -> Rejection {
    too_many("header parameters", limit)
}

fn no_certificates(member: &str) -> Rejection {
    Rejection::new(
        Reason::CertChainMissing,
        format!("the envelope has no certificate chain: `{member}` is missing or empty"),
    )
}

/// `text` in backticks, without control characters, cut where it is long.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown = String::from("`");
    for (at, character) in text.chars().enumerate() {
        if at == SHOWN {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}
