//! Making signatures: payloads, the bytes that a key signs, envelopes, signature
//! manifests. No private key is needed here, and nothing is read or sent.
//!
//! A key in an HSM or a signing service signs [`ToBeSigned::bytes`], and
//! [`ToBeSigned::assemble`] makes the envelope, which is verified before it is
//! given out:
//!
//! ```text
//! descriptor ─► payload ─► ToBeSigned ─► (the key signs) ─► envelope ─► manifest
//! ```
//!
//! With a time-stamp of an RFC 3161 authority, [`ToBeSigned::stamping`] has the
//! query, and makes the envelope once the answer is verified.
//!
//! [`local`] has keys in memory, for tests and small users.

pub mod attach;
mod cose;
mod jws;
pub mod local;
pub mod manifest;
pub mod map;
pub mod payload;
pub mod prune;
mod stamp;

pub use stamp::{StampProgress, Stamped, Stamping};

use std::borrow::Cow;
use std::sync::Arc;

use crate::checks::{ChainCache, integrity};
use crate::crypto::{Provider, SignatureAlgorithm};
use crate::envelope::{MediaType, Payload, Signed, SigningScheme};
use crate::error::{Error, ErrorKind, quote};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::time::Time;
use crate::timestamp::Token;
use crate::x509::Chain;

/// What makes a signature: a key, wherever it is.
pub trait Signer {
    /// The certificate chain in DER, the signing certificate first, the
    /// self-signed one last.
    fn certificates(&self) -> &[Vec<u8>];

    /// Signs `message`, hashing it as `algorithm` says. ECDSA signatures are `r`
    /// and `s` one after the other, each as long as the curve's field (RFC 9053
    /// section 2.1, RFC 7518 section 3.4).
    ///
    /// # Errors
    /// Why the key cannot.
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// What a signature should say.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The format of the envelope.
    pub media_type: MediaType,
    /// The payload: see [`payload`].
    pub payload: &'a [u8],
    /// The certificate chain in DER, the signing certificate first.
    pub certificates: &'a [Vec<u8>],
    /// Whose word the signing time is.
    pub scheme: SigningScheme,
    /// The signing time, or the authentic signing time. Fractions of a second are
    /// dropped (signature-envelope-jws, "Protected Headers": they should not be
    /// used).
    pub signing_time: Time,
    /// When the signature should no longer be taken; after the signing time.
    pub expiry: Option<Time>,
    /// What made the signature, for example `acme-signer/1.2`. Not signed.
    pub signing_agent: Option<&'a str>,
}

/// A signature that lacks only the key's part.
#[derive(Clone, Debug)]
pub struct ToBeSigned {
    bytes: Vec<u8>,
    chain: Arc<Chain>,
    frame: Frame,
    agent: Option<String>,
    provider: Provider,
    limits: Limits,
}

/// The signed parts of an envelope, encoded.
#[derive(Clone, Debug)]
enum Frame {
    Cose(cose::Frame),
    Jws(jws::Frame),
}

/// The signed attributes, checked.
struct Attributes {
    algorithm: SignatureAlgorithm,
    scheme: SigningScheme,
    time: Time,
    expiry: Option<Time>,
}

impl ToBeSigned {
    /// Checks `request` and encodes what the key is to sign.
    ///
    /// # Errors
    /// [`ErrorKind::Signing`] where the payload is not one of the Notary Project,
    /// the chain breaks a rule for signing certificates or is not valid at the
    /// signing time, or the expiry is not after it.
    pub fn new(
        request: &SigningRequest<'_>,
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Self, Error> {
        if request.payload.len() > limits.payload_bytes {
            let (size, most) = (request.payload.len(), limits.payload_bytes);
            return Err(refused(format!(
                "the payload has {size} octets, more than the limit of {most} (`payload_bytes`)"
            )));
        }
        Payload::parse(request.payload).map_err(because("the payload cannot be signed"))?;
        let certificates: Vec<Cow<'_, [u8]>> = request
            .certificates
            .iter()
            .map(|der| Cow::Borrowed(der.as_slice()))
            .collect();
        let chain = ChainCache::new(0)
            .get_or_parse(&certificates, provider, limits)
            .map_err(because("the certificate chain cannot be used for signing"))?;

        let time = Time::from_unix(request.signing_time.unix_seconds());
        let expiry = request
            .expiry
            .map(|expiry| Time::from_unix(expiry.unix_seconds()));
        if let Some((certificate, position)) = chain.first_outside_validity(time) {
            return Err(refused(format!(
                "certificate {position} of the chain ({}) is not valid at the signing time {time}: \
                 it is from {} to {}",
                certificate.subject(),
                certificate.not_before(),
                certificate.not_after()
            )));
        }
        if let Some(expiry) = expiry.filter(|expiry| *expiry <= time) {
            return Err(refused(format!(
                "the expiry {expiry} is not after the signing time {time}"
            )));
        }

        let attributes = Attributes {
            algorithm: chain.algorithm(),
            scheme: request.scheme,
            time,
            expiry,
        };
        let (frame, bytes) = match request.media_type {
            MediaType::Cose => {
                let (frame, bytes) = cose::frame(&attributes, request.payload)?;
                (Frame::Cose(frame), bytes)
            }
            MediaType::Jws => {
                let (frame, bytes) = jws::frame(&attributes, request.payload);
                (Frame::Jws(frame), bytes)
            }
        };
        Ok(Self {
            bytes,
            chain,
            frame,
            agent: request.signing_agent.map(str::to_owned),
            provider: *provider,
            limits: limits.clone(),
        })
    }

    /// What the key signs, not hashed yet: the `Sig_structure` of RFC 9052 section
    /// 4.4, or the JWS signing input of RFC 7515 section 5.1.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The algorithm to sign with: the key's (signature-specification, "Algorithm
    /// Selection").
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.chain.algorithm()
    }

    /// The envelope with `signature`, and with a time-stamp token over the
    /// signature where there is one. The token's own signature and its authority
    /// are for the caller to verify: [`Stamping`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Signing`] where the signature is not one of the signing
    /// certificate's key over [`ToBeSigned::bytes`], or the token is not of the
    /// signature.
    pub fn assemble(&self, signature: &[u8], token: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        if let Some(token) = token {
            Token::parse(token, &self.provider, &self.limits)
                .and_then(|token| token.covers(signature))
                .map_err(because("the time-stamp cannot be used"))?;
        }
        let unsigned = Unsigned {
            chain: &self.chain,
            token,
            agent: self.agent.as_deref(),
        };
        let (media_type, envelope) = match &self.frame {
            Frame::Cose(frame) => (MediaType::Cose, frame.envelope(signature, &unsigned)?),
            Frame::Jws(frame) => (MediaType::Jws, frame.envelope(signature, &unsigned)),
        };
        self.verify(media_type, &envelope)
            .map_err(because("the signature is not a good one"))?;
        Ok(envelope)
    }

    fn verify(&self, media_type: MediaType, envelope: &[u8]) -> Result<Signed, Rejection> {
        integrity::verify(
            media_type.as_str(),
            envelope,
            &self.provider,
            &ChainCache::new(0),
            &self.limits,
        )
    }
}

/// What an envelope holds and the key does not sign.
struct Unsigned<'a> {
    chain: &'a Chain,
    token: Option<&'a [u8]>,
    agent: Option<&'a str>,
}

/// Signs `request` with `signer`: [`ToBeSigned`], the key, the envelope. The
/// request's certificates are the signer's.
///
/// # Errors
/// As of [`ToBeSigned::new`], [`Signer::sign`] and [`ToBeSigned::assemble`].
pub fn sign(
    request: &SigningRequest<'_>,
    signer: &dyn Signer,
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let request = SigningRequest {
        certificates: signer.certificates(),
        ..*request
    };
    let to_be_signed = ToBeSigned::new(&request, provider, limits)?;
    let signature = signer.sign(to_be_signed.algorithm(), to_be_signed.bytes())?;
    to_be_signed.assemble(&signature, None)
}

/// The thumbprints of a certificate chain, the signing certificate's first:
/// SHA-256 over the DER, in lower-case hexadecimal (signature-specification,
/// `io.cncf.notary.x509chain.thumbprint#S256`).
#[must_use]
pub fn thumbprints(chain: &Chain) -> Vec<String> {
    chain
        .certificates()
        .iter()
        .map(|certificate| certificate.sha256().to_hex())
        .collect()
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Signing, message)
}

/// The error `what`, for the reason of a rejection.
fn because(what: &'static str) -> impl Fn(Rejection) -> Error {
    move |rejection| refused(format!("{what}: {}", rejection.detail))
}

fn not_encoded(error: &dyn std::fmt::Display) -> Error {
    refused(format!(
        "the envelope cannot be encoded: {}",
        quote(&error.to_string())
    ))
}
