//! Signs fuzzer input, so that what lies behind the signature is reached too.

use std::sync::{Arc, LazyLock};

use notation_verifier::crypto::Provider;
use notation_verifier::envelope::{Envelope, Signed};
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Reason, Rejection};
use notation_verifier::x509::{Certificate, Chain};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// A self-signed certificate for signing code with [`KEY`].
pub const CERTIFICATE: &[u8] = include_bytes!("../../../tests/keys/code-signing.der");

const KEY: [u8; 32] = [7; 32];

static CHAIN: LazyLock<Arc<Chain>> = LazyLock::new(|| {
    let limits = Limits::default();
    let certificate = Certificate::parse(CERTIFICATE, &Provider::preferred(), &limits).unwrap();
    Arc::new(Chain::code_signing(vec![certificate], &limits).unwrap())
});

pub fn sign(message: &[u8]) -> Vec<u8> {
    let key = SigningKey::from_slice(&KEY).unwrap();
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

/// Decodes and verifies an envelope that [`sign`] signed: the signature is never
/// what is wrong.
pub fn open(media_type: &str, bytes: &[u8]) -> Result<Signed, Rejection> {
    let opened = Envelope::parse(media_type, bytes, &Limits::default())
        .and_then(|envelope| envelope.verify(Arc::clone(&CHAIN)));
    if let Err(rejection) = &opened {
        assert_ne!(rejection.reason, Reason::SignatureMismatch, "{rejection}");
    }
    opened
}

/// Reads everything that a verified envelope offers.
pub fn look_at(signed: &Signed) {
    let times = [signed.signing_time(), signed.authentic_signing_time()];
    let [time] = times.into_iter().flatten().collect::<Vec<_>>()[..] else {
        panic!("{times:?}");
    };
    assert!(signed.expiry().is_none_or(|expiry| expiry > time));
    let _ = signed.verification_plugin();
    let _ = signed.verification_plugin_min_version();
    let _ = signed.payload();
    for attribute in signed.extended_attributes() {
        assert!(!attribute.value.to_string().is_empty());
    }
}

/// What holds for every envelope that is decoded.
pub fn look_at_unverified(media_type: &str, bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(envelope) = Envelope::parse(media_type, bytes, &limits) else {
        return;
    };
    assert!((1..=limits.chain_certificates).contains(&envelope.certificates().len()));
    assert_eq!(envelope.media_type().as_str(), media_type);
    // The chain is that of another envelope, or the signature is not ours.
    if let Ok(signed) = envelope.verify(Arc::clone(&CHAIN)) {
        look_at(&signed);
    }
}
