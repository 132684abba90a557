//! Evidence that is at hand before anything is fetched.
//!
//! What is given here is not trusted more than what a server answers: the check
//! judges it all the same. It only has to be offered where it fits, since a list
//! that does not fit cannot answer, and would stand in the way of one that does.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::freshness::is_current;
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind, quote};
use crate::evidence::{Content, EvidenceRequest, ListKind};
use crate::limits::{Limits, PRELOADED_BYTES, PRELOADED_FILES};
use crate::time::Time;
use crate::wire::pem;
use crate::x509::{CertId, Certificate, OcspResponse, RevocationList};

/// Endings of the names of files that are read from directories.
const ENDINGS: &[&str] = &["crl", "pem", "der", "ors", "ocsp"];

/// CRLs and OCSP responses that are at hand. Clones share the content.
#[derive(Clone, Debug, Default)]
pub struct Preloaded {
    /// By address.
    mapped: HashMap<String, Content>,
    /// By the DER of the issuer's name.
    lists: HashMap<Vec<u8>, Vec<Content>>,
    /// By the serial number of the certificates that they are about.
    responses: HashMap<Vec<u8>, Vec<Content>>,
    files: usize,
    bytes: usize,
}

/// What fits a request.
#[derive(Debug)]
pub(super) struct Found {
    pub content: Content,
    /// When it was issued; the newest is offered.
    this_update: Time,
    next_update: Option<Time>,
}

impl Found {
    pub fn is_current(&self, moment: Time) -> bool {
        is_current(self.next_update, moment)
    }
}

impl Preloaded {
    /// Adds the CRL or OCSP response in the file `path`, in DER or PEM, or those
    /// in the files of the directory `path` whose names end in `.crl`, `.pem`,
    /// `.der`, `.ors` or `.ocsp`. Returns what was passed over in a directory.
    ///
    /// A complete CRL answers for the addresses that it names itself
    /// (`issuingDistributionPoint`), or, where it names none and has no
    /// restriction, for all addresses of the authority that signed it. A delta
    /// CRL without that extension answers for all delta addresses of its
    /// authority. Other CRLs need [`Preloaded::add_for_url`]. An OCSP response
    /// answers for the certificates that it is about, at any responder.
    ///
    /// # Errors
    /// Where a file cannot be read, is too large, or, unless it is one of a
    /// directory, is neither a CRL nor an OCSP response.
    pub fn add(&mut self, path: &Path, limits: &Limits) -> Result<Vec<String>, Error> {
        if !path.is_dir() {
            let octets = self.read(path, limits)?;
            self.add_octets(&octets)
                .map_err(|why| neither(path, &why))?;
            return Ok(Vec::new());
        }
        let mut warnings = Vec::new();
        for path in files_of(path)? {
            let octets = self.read(&path, limits)?;
            if let Err(why) = self.add_octets(&octets) {
                warnings.push(neither(&path, &why).to_string());
            }
        }
        Ok(warnings)
    }

    /// Adds the CRL in the file `path` as what is at the address `url`, whatever
    /// it says of itself.
    ///
    /// # Errors
    /// Where the file cannot be read, is too large, or is no CRL.
    pub fn add_for_url(&mut self, url: &str, path: &Path, limits: &Limits) -> Result<(), Error> {
        let octets = self.read(path, limits)?;
        let content = list_of(&octets).map_err(|why| neither(path, &why))?;
        self.mapped.insert(url.to_owned(), content);
        Ok(())
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mapped.is_empty() && self.lists.is_empty() && self.responses.is_empty()
    }

    /// What fits `request`: the newest, if there are several.
    pub(super) fn find(
        &self,
        request: &EvidenceRequest,
        provider: &Provider,
        limits: &Limits,
    ) -> Option<Found> {
        match request {
            EvidenceRequest::Crl { url, kind, issuer } => {
                if let Some(content) = self.mapped.get(url) {
                    let list = content.revocation_list().ok()?;
                    return Some(Found::list(content, list));
                }
                if self.lists.is_empty() {
                    return None;
                }
                let issuer = Certificate::parse(issuer, provider, limits).ok()?;
                self.lists
                    .get(issuer.subject().der())?
                    .iter()
                    .filter_map(|content| Some((content, content.revocation_list().ok()?)))
                    .filter(|(_, list)| answers(list, url, *kind))
                    // Authorities may share a name.
                    .filter(|(_, list)| list.is_signed_by(&issuer).is_ok())
                    .map(|(content, list)| Found::list(content, list))
                    .max_by_key(|found| found.this_update)
            }
            EvidenceRequest::Ocsp { request, .. } => {
                if self.responses.is_empty() {
                    return None;
                }
                let id = CertId::of_request(request)?;
                self.responses
                    .get(id.serial_number())?
                    .iter()
                    .filter_map(|content| Found::response(content, &id))
                    .max_by_key(|found| found.this_update)
            }
        }
    }

    fn read(&mut self, path: &Path, limits: &Limits) -> Result<Vec<u8>, Error> {
        let octets = read(path, limits.evidence_bytes)?;
        self.files += 1;
        self.bytes = self.bytes.saturating_add(octets.len());
        if self.files > PRELOADED_FILES || self.bytes > PRELOADED_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "more than {PRELOADED_FILES} files or {PRELOADED_BYTES} octets of evidence \
                     are given beforehand: give only what belongs to the signers"
                ),
            ));
        }
        Ok(octets)
    }

    fn add_octets(&mut self, octets: &[u8]) -> Result<(), String> {
        if let Ok(response) = OcspResponse::parse(octets) {
            let content = Content::from(octets.to_vec());
            for single in &response.responses {
                self.responses
                    .entry(single.id.serial_number().to_vec())
                    .or_default()
                    .push(content.clone());
            }
            return Ok(());
        }
        let content = list_of(octets)?;
        if let Ok(list) = content.revocation_list() {
            let issuer = list.issuer().to_vec();
            self.lists.entry(issuer).or_default().push(content.clone());
        }
        Ok(())
    }
}

impl Found {
    fn list(content: &Content, list: &RevocationList) -> Self {
        Self {
            content: content.clone(),
            this_update: list.this_update(),
            next_update: list.next_update(),
        }
    }

    fn response(content: &Content, id: &CertId<'_>) -> Option<Self> {
        let response = OcspResponse::parse(content.bytes()).ok()?;
        let single = response
            .responses
            .iter()
            .filter(|single| single.id.may_be(id))
            .max_by_key(|single| single.this_update)?;
        Some(Self {
            content: content.clone(),
            this_update: single.this_update,
            next_update: single.next_update,
        })
    }
}

/// Whether `list` says of itself that it is the one at `url`.
fn answers(list: &RevocationList, url: &str, kind: ListKind) -> bool {
    let own = match list.delta_indicator() {
        Some(_) => ListKind::Delta,
        None => ListKind::Complete,
    };
    own == kind
        && match list.issuing_distribution_point() {
            None => true,
            // The extension of a delta list has the address of the complete one.
            Some(point) => {
                kind == ListKind::Complete
                    && point
                        .name
                        .is_some_and(|name| name.urls().any(|listed| listed == url))
            }
        }
}

/// The list in `octets`, DER or PEM.
fn list_of(octets: &[u8]) -> Result<Content, String> {
    let block = pem::blocks(octets)
        .into_iter()
        .find(|block| block.label == "X509 CRL");
    let content = Content::from(block.map_or_else(|| octets.to_vec(), |block| block.contents));
    match content.revocation_list() {
        Ok(_) => Ok(content),
        Err(error) => Err(error.to_string()),
    }
}

fn neither(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!(
            "{} is neither a CRL nor a successful OCSP response: {why}",
            quote(&path.to_string_lossy())
        ),
    )
}

/// The files of a directory that may hold evidence, in the order of their names.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    for entry in entries.take(PRELOADED_FILES) {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let wanted = path.extension().is_some_and(|ending| {
            ENDINGS
                .iter()
                .any(|known| ending.eq_ignore_ascii_case(known))
        });
        if wanted && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn read(path: &Path, most: usize) -> Result<Vec<u8>, Error> {
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bound.saturating_add(1)).read_to_end(&mut octets))
        .map_err(|error| unreadable(path, error))?;
    if octets.len() > most {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "{} has more than {most} octets (`evidence_bytes`)",
                quote(&path.to_string_lossy())
            ),
        ));
    }
    Ok(octets)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::with_source(
        ErrorKind::Io,
        format!("{} cannot be read: {error}", quote(&path.to_string_lossy())),
        error,
    )
}
