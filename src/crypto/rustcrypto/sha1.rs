//! Signatures with SHA-1; see [`crate::crypto::sha1`].

use super::{ecdsa, rsa};
use crate::crypto::SignatureError;
use crate::crypto::sha1::{OUTPUT_LEN, Sha1Error};
use crate::crypto::spki::KeyParts;

/// Octets of the longest field element: P-521.
const MAX_FIELD_LEN: usize = 66;

pub(in crate::crypto) fn verify(
    spki: &[u8],
    digest: &[u8; OUTPUT_LEN],
    signature: &[u8],
) -> Result<(), Sha1Error> {
    let verified = match KeyParts::from_der(spki).map_err(Sha1Error::Key)? {
        KeyParts::Rsa(parts) => rsa::Key::new(&parts)
            .map_err(Sha1Error::Key)?
            .verify_sha1(digest, signature),
        KeyParts::Ec(curve, point) => {
            // The backend refuses a digest of less than half the field, so it
            // gets the same number with zeros in front (FIPS 186-5 section 6.4.2
            // takes all bits of a short digest).
            let mut padded = [0; MAX_FIELD_LEN];
            let short = padded.get_mut(..curve.field_len()).unwrap_or_default();
            for (to, from) in short.iter_mut().rev().zip(digest.iter().rev()) {
                *to = *from;
            }
            ecdsa::verify_der_digest(curve, point, short, signature).map_err(Sha1Error::Key)?
        }
        KeyParts::Ed25519(_) => {
            return Err(Sha1Error::Signature(SignatureError::UnsupportedScheme));
        }
    };
    if verified {
        Ok(())
    } else {
        Err(Sha1Error::Signature(SignatureError::Mismatch))
    }
}
