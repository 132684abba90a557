//! [`Target`]: where an image goes.

use std::path::Path;
use std::time::{Duration, Instant};

use super::place::{Place, Reader};
use super::report::ItemResult;
use super::{Checked, CopyOptions};
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::layout::{Layout, LayoutWriter};
use crate::io::registry::{Poured, Published, RegistryClient, RegistryHost};
use crate::oci::closure::{Blob, Node};
use crate::oci::{Digest, Reference};
use crate::registry::{Brought, Endpoint, Publication, Publish};

/// Where an image goes.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A repository of a registry; without tag and digest the tag of the source is
    /// taken.
    Registry(&'a RegistryClient, &'a Reference),
    /// The layout in this directory, which is made where it is missing, and the tag
    /// there; without one that of the source is taken.
    Layout(&'a Path, Option<&'a str>),
}

impl Target<'_> {
    /// The tag that the image is to have.
    pub(super) fn tag(&self, from: &Place<'_>) -> Option<String> {
        match self {
            Self::Registry(_, reference) => match (reference.tag(), reference.digest()) {
                (Some(tag), _) => Some(tag.to_owned()),
                (None, Some(_)) => None,
                (None, None) => from.tag().filter(|tag| Reference::is_tag(tag)),
            },
            Self::Layout(_, tag) => tag.map(str::to_owned).or_else(|| from.tag()),
        }
    }

    /// Whether a digest that it names is that of the image.
    pub(super) fn check(&self, digest: &str) -> Result<(), Error> {
        let Self::Registry(_, reference) = self else {
            return Ok(());
        };
        match reference.digest() {
            Some(named) if named.to_string() != digest => Err(Error::new(
                ErrorKind::Usage,
                format!("the destination `{reference}` does not name `{digest}`, which is copied"),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn writer(&self, from: &Reader<'_>, options: &CopyOptions) -> Result<Writer, Error> {
        Ok(match self {
            Self::Registry(client, reference) => {
                let host = client.host(reference).in_run(options.run.clone());
                let host = host.for_writing();
                Writer::Registry(Box::new(match from.endpoint() {
                    Some(endpoint) => host.reading(endpoint),
                    None => host,
                }))
            }
            Self::Layout(path, _) => Writer::Layout(
                Box::new(LayoutWriter::open(path, &options.limits)?),
                Box::new(Layout::open(path, &options.limits)?),
            ),
        })
    }
}

/// A target that is written to.
pub(super) enum Writer {
    Registry(Box<RegistryHost>),
    /// With what it has, as of the beginning.
    Layout(Box<LayoutWriter>, Box<Layout>),
}

/// How far a manifest is.
pub(super) enum Put {
    Done(ItemResult),
    /// It is on a list that others write too: look again after that wait.
    Settle(Box<Publish>, Duration),
}

impl Writer {
    /// Brings a blob there.
    pub(super) fn blob(&self, from: &Reader<'_>, blob: &Blob, options: &CopyOptions) -> ItemResult {
        let mut is_missing = false;
        let copied = match self {
            Self::Registry(host) => upload(host, from, blob, &mut is_missing),
            Self::Layout(writer, layout) => store(writer, layout, from, blob, &mut is_missing),
        };
        match copied {
            Ok(result) => result,
            Err(_) if is_missing && blob.is_foreign => ItemResult::Foreign,
            Err(why) if is_missing => ItemResult::Missing(why),
            Err(why) => ItemResult::of_failure(why, &options.run),
        }
    }

    /// Brings a manifest there; what it names is there already. `is_listed` says that
    /// its subject's list of referrers has it.
    pub(super) fn manifest(&self, node: &Node, is_listed: bool, options: &CopyOptions) -> Put {
        let put = match self {
            Self::Registry(host) => put(host, node, is_listed),
            Self::Layout(writer, layout) => keep(writer, layout, node).map(Put::Done),
        };
        put.unwrap_or_else(|why| Put::Done(ItemResult::of_failure(why, &options.run)))
    }
}

const MISSING: &str = "the source does not have it";

fn parts(blob: &Blob) -> Result<(Digest, u64), String> {
    let digest = Digest::parse(&blob.descriptor.digest).map_err(|error| error.to_string())?;
    let size = u64::try_from(blob.descriptor.size).map_err(|error| error.to_string())?;
    Ok((digest, size))
}

/// Through this process and its memory, a little at a time.
fn upload(
    host: &RegistryHost,
    from: &Reader<'_>,
    blob: &Blob,
    is_missing: &mut bool,
) -> Result<ItemResult, String> {
    let (digest, size) = parts(blob)?;
    let provider = Provider::preferred();
    let endpoint = host.endpoint();
    let other = from
        .endpoint()
        .filter(|other| other.origin() == endpoint.origin() && *other != endpoint)
        .map(Endpoint::repository);
    let brought = host.bring(digest, size, other, &mut |pour| {
        let read = from.with_blob(digest, |content| {
            let checked = Checked::new(content, digest, size, &provider);
            let poured = pour(&checked);
            // Another attempt would read the same.
            checked.problem().map_or(poured, Poured::Failed)
        });
        match read {
            Ok(Some(poured)) => poured,
            Ok(None) => {
                *is_missing = true;
                Poured::Failed(MISSING.to_owned())
            }
            Err(why) => Poured::Failed(why),
        }
    })?;
    Ok(match brought {
        Brought::Before => ItemResult::Present,
        Brought::Mounted => ItemResult::Mounted,
        Brought::Uploaded => ItemResult::Copied,
    })
}

fn store(
    writer: &LayoutWriter,
    layout: &Layout,
    from: &Reader<'_>,
    blob: &Blob,
    is_missing: &mut bool,
) -> Result<ItemResult, String> {
    /// A connection that breaks is not the end.
    const ATTEMPTS: usize = 5;
    let (digest, size) = parts(blob)?;
    let provider = Provider::preferred();
    // What is there is read: a damaged file is written over.
    let there = Reader::Layout(layout, "");
    if there.has_blob(&blob.descriptor, &provider) == Ok(true) {
        return Ok(ItemResult::Present);
    }
    let mut attempt = 1;
    loop {
        let written = from.with_blob(digest, |content| {
            let checked = Checked::new(content, digest, size, &provider);
            let written = writer.write(digest, &mut &checked);
            written.map_err(|error| match checked.problem() {
                Some(problem) => (problem, true),
                None => (error.to_string(), matches!(from, Reader::Layout(..))),
            })
        })?;
        match written {
            Some(Ok(())) => return Ok(ItemResult::Copied),
            Some(Err((why, lasting))) if lasting || attempt == ATTEMPTS => return Err(why),
            Some(Err(_)) => attempt += 1,
            None => {
                *is_missing = true;
                return Err(MISSING.to_owned());
            }
        }
    }
}

fn put(host: &RegistryHost, node: &Node, is_listed: bool) -> Result<Put, String> {
    let descriptor = &node.descriptor;
    let is_there = host.has(&descriptor.digest, Some(&descriptor.media_type))?;
    let Some(subject) = &node.subject else {
        if is_there {
            return Ok(Put::Done(ItemResult::Present));
        }
        host.put(&descriptor.digest, descriptor, &node.bytes)?;
        return Ok(Put::Done(ItemResult::Copied));
    };
    if is_there && is_listed {
        return Ok(Put::Done(ItemResult::Present));
    }
    let begun = Instant::now();
    let published = host.publish(Publication {
        subject: subject.clone(),
        bytes: node.bytes.clone(),
        descriptor: descriptor.clone(),
    })?;
    Ok(match published {
        Published::Done(_) => Put::Done(ItemResult::Copied),
        Published::Settle(publish) => Put::Settle(publish, begun.elapsed()),
    })
}

fn keep(writer: &LayoutWriter, layout: &Layout, node: &Node) -> Result<ItemResult, String> {
    let digest = Digest::parse(&node.descriptor.digest).map_err(|error| error.to_string())?;
    if layout.read(&node.descriptor, node.bytes.len()).is_ok() {
        return Ok(ItemResult::Present);
    }
    writer
        .write(digest, &mut &*node.bytes)
        .map(|()| ItemResult::Copied)
        .map_err(|error| error.to_string())
}
