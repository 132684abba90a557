//! The driving loop: fetches what a [`Session`] needs until it is done.

use std::collections::BTreeMap;
use std::io::Read;

use crate::crypto::{HashAlgorithm, Provider};
use crate::error::Error;
use crate::report::Report;
use crate::session::{Need, Reply, Request, Session, Step};
use crate::wire::Descriptor;

use super::layout::{Layout, LayoutError};

/// Answers the needs of a session.
pub trait Host {
    /// Fetches what `need` asks for, reading at most its `max_bytes`.
    fn fetch(&mut self, need: &Need) -> Reply;

    /// Fetches all of `needs`, at the same time where that is possible, and
    /// answers in their order.
    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        needs.iter().map(|need| self.fetch(need)).collect()
    }
}

impl<H: Host + ?Sized> Host for Box<H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        self.as_mut().fetch(need)
    }

    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        self.as_mut().fetch_all(needs)
    }
}

/// Drives `session` to its report.
///
/// # Errors
/// Where the session refuses an answer.
pub fn drive(mut session: Session, host: &mut dyn Host) -> Result<Report, Error> {
    loop {
        match session.step() {
            Step::Done(report) => return Ok(*report),
            Step::Needs(needs) => {
                let mut replies = host.fetch_all(&needs).into_iter();
                for need in needs {
                    let reply = replies.next().unwrap_or_else(|| {
                        Reply::Failed("the host did not answer the request".to_owned())
                    });
                    session.supply(need.id, reply)?;
                }
            }
        }
    }
}

/// Answers from an OCI image layout. It has no evidence about revocation.
#[derive(Debug)]
pub struct LayoutHost<'a> {
    layout: &'a Layout,
    /// What the session resolved, with the media type that its tag was listed
    /// with: another entry may list the same digest with another one.
    artifact: Option<Descriptor>,
    /// The same of manifests that an index lists.
    listed: BTreeMap<String, Descriptor>,
}

impl<'a> LayoutHost<'a> {
    /// A host that answers from `layout`.
    #[must_use]
    pub const fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            artifact: None,
            listed: BTreeMap::new(),
        }
    }
}

impl Host for LayoutHost<'_> {
    fn fetch(&mut self, need: &Need) -> Reply {
        let answer = match &need.request {
            Request::Resolve { reference } => self.layout.resolve(reference).map(|artifact| {
                self.artifact = Some(artifact.clone());
                Reply::Resolved(artifact)
            }),
            Request::Referrers { subject, .. } => self.referrers(subject),
            Request::Manifest(descriptor) | Request::Envelope(descriptor) => {
                self.layout.read(descriptor, need.max_bytes).map(|bytes| {
                    let digest = descriptor.digest.clone();
                    self.listed.insert(digest, descriptor.clone());
                    Reply::Content {
                        media_type: None,
                        bytes,
                    }
                })
            }
            Request::BlobDigest(_) | Request::Evidence(_) => {
                return Reply::Failed("an image layout does not have it".to_owned());
            }
        };
        answer.unwrap_or_else(|error| match error {
            LayoutError::NotFound(_) => Reply::NotFound,
            LayoutError::Failed(error) => Reply::Failed(error.to_string()),
        })
    }
}

impl LayoutHost<'_> {
    fn referrers(&self, subject: &str) -> Result<Reply, LayoutError> {
        let found = match &self.artifact {
            Some(artifact) if artifact.digest == subject => self.layout.referrers(artifact),
            _ => match self.listed.get(subject) {
                Some(descriptor) => self.layout.referrers(descriptor),
                None => self.layout.referrers(&self.layout.resolve(subject)?),
            },
        };
        Ok(Reply::Referrers {
            descriptors: found.signatures,
            next: None,
            problems: found.problems.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Answers with the digest of a blob that is read as a stream, once.
#[derive(Debug)]
pub struct BlobHost<'a, R> {
    reader: R,
    provider: &'a Provider,
    /// 0 is no bound.
    most: u64,
}

impl<'a, R: Read> BlobHost<'a, R> {
    /// A host that hashes `reader` with `provider`; `most` octets are read at
    /// most, 0 is no bound.
    #[must_use]
    pub const fn new(reader: R, provider: &'a Provider, most: u64) -> Self {
        Self {
            reader,
            provider,
            most,
        }
    }

    fn digest(&mut self, algorithm: HashAlgorithm) -> std::io::Result<Reply> {
        let mut hasher = self.provider.hasher(algorithm);
        let mut buffer = vec![0; 64 * 1024];
        let mut size = 0_u64;
        loop {
            let read = match self.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            size = size.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if self.most != 0 && size > self.most {
                return Ok(Reply::Failed(format!(
                    "it has more than {} octets (`blob_bytes`)",
                    self.most
                )));
            }
            hasher.update(buffer.get(..read).unwrap_or(&[]));
        }
        Ok(Reply::BlobDigest {
            digest: hasher.finish(),
            size,
        })
    }
}

impl<R: Read> Host for BlobHost<'_, R> {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::BlobDigest(algorithm) => self
                .digest(*algorithm)
                .unwrap_or_else(|error| Reply::Failed(error.to_string())),
            _ => Reply::Failed("a blob on its own does not have it".to_owned()),
        }
    }
}
