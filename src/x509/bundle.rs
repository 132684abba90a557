//! Files of certificates.

use super::{Certificate, malformed};
use crate::crypto::Provider;
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::wire::der::Reader;
use crate::wire::pem;

/// The certificates in the contents of a file: PEM blocks, or, where there is no
/// PEM block, DER certificates one after the other.
///
/// Every PEM block must be a certificate, whatever its label says: a private
/// key in a trust store is a mistake that somebody should see. An empty file has
/// no certificates.
///
/// # Errors
/// Where one of them is malformed.
pub fn parse_certificates(
    contents: &[u8],
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<Certificate>, Rejection> {
    let blocks = pem::blocks(contents);
    if !blocks.is_empty() {
        return blocks
            .iter()
            .map(|block| {
                Certificate::parse(&block.contents, provider, limits).map_err(|mut rejection| {
                    if block.label != "CERTIFICATE" {
                        rejection.detail = format!(
                            "a PEM block is labelled `{}` and is no certificate",
                            block.label.escape_debug()
                        );
                    }
                    rejection
                })
            })
            .collect();
    }
    let mut rest = Reader::new(contents);
    let mut certificates = Vec::new();
    while !rest.is_empty() {
        let element = rest.element().map_err(|error| {
            malformed("the certificate file (no PEM block, read as DER)", error)
        })?;
        certificates.push(Certificate::parse(element.raw(), provider, limits)?);
    }
    Ok(certificates)
}
