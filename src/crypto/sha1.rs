//! SHA-1, for revocation services only.
//!
//! OCSP names a certificate by SHA-1 hashes (RFC 6960 section 4.1.1; many
//! responders know no other), and old authorities still sign CRLs and OCSP
//! responses with it, which the reference implementation accepts. No signature
//! over an artifact or a certificate of a chain is verified here.

use sha1::{Digest as _, Sha1};

use super::rustcrypto;
use super::{KeyError, SignatureError};

/// Octets of a digest.
pub(crate) const OUTPUT_LEN: usize = 20;

/// Hashes `bytes`.
pub(crate) fn hash(bytes: &[u8]) -> [u8; OUTPUT_LEN] {
    Sha1::digest(bytes).into()
}

/// Verifies RSASSA-PKCS1-v1_5 or ECDSA (a DER `SEQUENCE`) with SHA-1, after the
/// kind of the key in `spki`, the DER of a `SubjectPublicKeyInfo`.
///
/// The key is loaded each time: such signatures are rare, and a revocation list
/// is verified once.
pub(crate) fn verify(spki: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Sha1Error> {
    rustcrypto::verify_sha1(spki, &hash(message), signature)
}

/// Why a signature with SHA-1 did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sha1Error {
    /// The key cannot be used.
    Key(KeyError),
    /// The signature does not verify.
    Signature(SignatureError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_the_vector_of_fips_180() {
        assert_eq!(
            hash(b"abc"),
            [
                0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
                0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d
            ]
        );
    }
}
