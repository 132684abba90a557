//! The entries of a tar archive (POSIX `pax`, ustar, GNU), strictly and bounded.
//!
//! Header fields are decoded by `tar`; the walk from header to header is done
//! here, because that crate reads long names and extended headers whole, however
//! long they claim to be, and lets pass what no layout needs: links, devices,
//! sparse files, two names for one entry.

use std::io::{self, Read, Seek, SeekFrom, Write};

use tar::{EntryType, Header};

use super::source::Object;
use crate::limits::Limits;
use crate::oci::excerpt;

const BLOCK: usize = 512;
const BLOCK_BYTES: u64 = 512;
/// Octets of a name, or of an extended header. `PATH_MAX` of Linux is 4096; an
/// extended header also has times and attributes.
const MAX_NAME_BYTES: usize = 4096;
const MAX_EXTENDED_BYTES: usize = 64 * 1024;

/// Why an archive is not read.
#[derive(Debug)]
pub(super) enum TarError {
    /// It is no archive at all, or one that is compressed.
    NotTar(String),
    /// It is malformed, or has what a layout must not have.
    Malformed(String),
    /// A bound was reached.
    Limit(String),
    /// Reading failed.
    Io(io::Error),
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What `Stream` says where it ends the stream.
            io::ErrorKind::FileTooLarge => Self::Limit(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

/// A file of a layout in an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) object: Object,
    /// Where its content starts in the archive.
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Something to read an archive from.
pub(super) trait Input: Read {
    /// Goes `count` octets on, or fails where the archive ends before.
    fn skip(&mut self, count: u64) -> Result<(), TarError>;
}

/// An archive of known length, in which skipping costs nothing.
pub(super) struct Seekable<'a, R> {
    inner: &'a mut R,
    left: u64,
}

impl<'a, R: Read + Seek> Seekable<'a, R> {
    pub(super) fn new(inner: &'a mut R) -> io::Result<Self> {
        let left = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        Ok(Self { inner, left })
    }
}

impl<R: Read + Seek> Read for Seekable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(read);
        Ok(count)
    }
}

impl<R: Read + Seek> Input for Seekable<'_, R> {
    fn skip(&mut self, count: u64) -> Result<(), TarError> {
        let offset = i64::try_from(count).map_err(|_| ends_early())?;
        self.left = self.left.checked_sub(count).ok_or_else(ends_early)?;
        self.inner.seek(SeekFrom::Current(offset))?;
        Ok(())
    }
}

/// An archive that comes as a stream.
pub(super) struct Stream<R> {
    inner: io::Take<R>,
    max_bytes: u64,
}

impl<R: Read> Stream<R> {
    pub(super) fn new(inner: R, max_bytes: u64) -> Self {
        Self {
            inner: inner.take(max_bytes),
            max_bytes,
        }
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.inner.limit() == 0 {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!(
                    "it has more than {} octets (`tar_stream_bytes`)",
                    self.max_bytes
                ),
            ));
        }
        self.inner.read(buffer)
    }
}

impl<R: Read> Input for Stream<R> {
    fn skip(&mut self, count: u64) -> Result<(), TarError> {
        let skipped = io::copy(&mut self.by_ref().take(count), &mut io::sink())?;
        if skipped == count {
            Ok(())
        } else {
            Err(ends_early())
        }
    }
}

/// The entries that are files of a layout, one after the other.
pub(super) struct Entries<I> {
    input: I,
    /// Where `input` stands.
    position: u64,
    /// Octets of the current entry that are not read, padding included.
    rest: u64,
    /// Octets of its content that are not read.
    content: u64,
    headers: usize,
    max_headers: usize,
}

/// What extended headers say about the entry that follows.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    present: bool,
}

impl<I: Input> Entries<I> {
    pub(super) fn new(input: I, limits: &Limits) -> Self {
        Self {
            input,
            position: 0,
            rest: 0,
            content: 0,
            headers: 0,
            max_headers: limits.tar_entries,
        }
    }

    /// The next file of the layout. Other regular files and directories are
    /// passed over (image-spec, image-layout: unknown files are no error).
    pub(super) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extended = Extended::default();
        while let Some(header) = self.next_header()? {
            let size = entry_size(&header)?;
            match header.entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    let name = extended.name.take().unwrap_or_else(|| name_of(&header));
                    let size = extended.size.unwrap_or(size);
                    extended = Extended::default();
                    if let Some(entry) = self.file(&name, size)? {
                        return Ok(Some(entry));
                    }
                }
                EntryType::Directory => {
                    let name = extended.name.take().unwrap_or_else(|| name_of(&header));
                    let size = extended.size.unwrap_or(size);
                    extended = Extended::default();
                    self.directory(&name, size)?;
                }
                EntryType::GNULongName => {
                    let mut name = self.extension(size, MAX_NAME_BYTES)?;
                    let end = name.iter().position(|byte| *byte == 0);
                    name.truncate(end.unwrap_or(name.len()));
                    extended.set_name(name)?;
                }
                EntryType::XHeader => {
                    let records = self.extension(size, MAX_EXTENDED_BYTES)?;
                    extended.add_records(&records)?;
                }
                EntryType::XGlobalHeader => {
                    let records = self.extension(size, MAX_EXTENDED_BYTES)?;
                    let mut global = Extended::default();
                    global.add_records(&records)?;
                    if global.name.is_some() || global.size.is_some() {
                        return Err(TarError::Malformed(
                            "a global header names all entries, or gives them one size".into(),
                        ));
                    }
                }
                other => return Err(unwanted(other, &header)),
            }
        }
        if extended.present {
            return Err(TarError::Malformed(
                "it ends with an extended header that belongs to no entry".into(),
            ));
        }
        Ok(None)
    }

    /// Copies the content of the entry that [`next`](Self::next) returned.
    pub(super) fn copy_content(&mut self, to: &mut impl Write) -> Result<(), TarError> {
        let count = std::mem::take(&mut self.content);
        let copied = io::copy(&mut self.input.by_ref().take(count), to)?;
        self.position = self.position.saturating_add(copied);
        self.rest = self.rest.saturating_sub(copied);
        if copied == count {
            Ok(())
        } else {
            Err(ends_early())
        }
    }

    /// The next header; `None` at the end of the archive.
    fn next_header(&mut self) -> Result<Option<Header>, TarError> {
        let rest = std::mem::take(&mut self.rest);
        self.input.skip(rest)?;
        self.position = self.position.saturating_add(rest);

        let Some(block) = self.block()? else {
            // Two empty blocks should mark the end; some writers leave them out.
            return Ok(None);
        };
        if is_empty(&block) {
            return match self.block()? {
                Some(block) if !is_empty(&block) => Err(TarError::Malformed(
                    "it goes on after its end: an empty block is followed by another".into(),
                )),
                _ => Ok(None),
            };
        }
        self.headers += 1;
        if self.headers > self.max_headers {
            return Err(TarError::Limit(format!(
                "it has more than {} entries (`tar_entries`)",
                self.max_headers
            )));
        }
        let header = Header::from_byte_slice(&block).clone();
        if !header
            .cksum()
            .is_ok_and(|stated| stated == checksum(&block))
        {
            return Err(match self.headers {
                1 => TarError::NotTar(guess(&block).into()),
                _ => TarError::Malformed("the checksum of a header is wrong".into()),
            });
        }
        Ok(Some(header))
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(free @ [_, ..]) = block.get_mut(filled..) {
            match self.input.read(free) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) if self.headers == 0 => return Err(TarError::NotTar(guess(&block).into())),
                Ok(0) => return Err(ends_early()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position = self.position.saturating_add(BLOCK_BYTES);
        Ok(Some(block))
    }

    /// Notes that the content of an entry of `size` octets comes next.
    fn expect_content(&mut self, size: u64) -> Result<(), TarError> {
        self.content = size;
        self.rest = size
            .checked_next_multiple_of(BLOCK_BYTES)
            .ok_or_else(ends_early)?;
        Ok(())
    }

    /// The content of an extension header, at most `max_bytes`.
    fn extension(&mut self, size: u64, max_bytes: usize) -> Result<Vec<u8>, TarError> {
        if usize::try_from(size).is_ok_and(|size| size <= max_bytes) {
            self.expect_content(size)?;
            let mut bytes = Vec::new();
            self.copy_content(&mut bytes)?;
            Ok(bytes)
        } else {
            Err(TarError::Limit(format!(
                "an extended header has {size} octets, the limit is {max_bytes}"
            )))
        }
    }

    fn file(&mut self, name: &[u8], size: u64) -> Result<Option<Entry>, TarError> {
        let path = components(name)?;
        // How old formats write a directory.
        if name.ends_with(b"/") {
            self.directory(name, size)?;
            return Ok(None);
        }
        self.expect_content(size)?;
        Ok(object(&path).map(|object| Entry {
            object,
            offset: self.position,
            size,
        }))
    }

    fn directory(&mut self, name: &[u8], size: u64) -> Result<(), TarError> {
        let path = components(name)?;
        if object(&path).is_some() {
            return Err(TarError::Malformed(format!(
                "`{}` is a directory and should be a file",
                shown(name)
            )));
        }
        // Readers disagree whether such content is there.
        if size != 0 {
            return Err(TarError::Malformed(format!(
                "the directory `{}` has content",
                shown(name)
            )));
        }
        Ok(())
    }
}

impl Extended {
    fn set_name(&mut self, name: Vec<u8>) -> Result<(), TarError> {
        self.present = true;
        match self.name.replace(name) {
            None => Ok(()),
            Some(_) => Err(TarError::Malformed("an entry has two names".into())),
        }
    }

    /// Reads `length key=value\n` records (POSIX.1, pax Extended Header).
    fn add_records(&mut self, records: &[u8]) -> Result<(), TarError> {
        self.present = true;
        let malformed = || TarError::Malformed("an extended header is malformed".into());
        let mut rest = records;
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ');
            let (length, _) = rest
                .split_at_checked(space.ok_or_else(malformed)?)
                .ok_or_else(malformed)?;
            let length: usize = decimal(length).ok_or_else(malformed)?;
            let (record, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
            let record = record
                .get(space.map_or(0, |space| space + 1)..)
                .and_then(|record| record.strip_suffix(b"\n"))
                .ok_or_else(malformed)?;
            let equals = record.iter().position(|byte| *byte == b'=');
            let (key, value) = record
                .split_at_checked(equals.ok_or_else(malformed)?)
                .ok_or_else(malformed)?;
            let value = value.get(1..).ok_or_else(malformed)?;
            match key {
                b"path" if value.len() <= MAX_NAME_BYTES => self.set_name(value.into())?,
                b"path" => {
                    return Err(TarError::Limit(format!(
                        "a name has {} octets, the limit is {MAX_NAME_BYTES}",
                        value.len()
                    )));
                }
                b"size" => {
                    let size = decimal(value).ok_or_else(malformed)?;
                    if self.size.replace(size).is_some() {
                        return Err(TarError::Malformed("an entry has two sizes".into()));
                    }
                }
                b"linkpath" => {
                    return Err(TarError::Malformed(
                        "it has links; a layout has none, copy it with the links resolved".into(),
                    ));
                }
                _ if key.starts_with(b"GNU.sparse.") => return Err(sparse()),
                _ => {}
            }
            rest = after;
        }
        Ok(())
    }
}

/// The parts of a name, without `.`; nothing that leads out of the archive.
fn components(name: &[u8]) -> Result<Vec<&[u8]>, TarError> {
    let odd = |problem: &str| {
        Err(TarError::Malformed(format!(
            "the name `{}` {problem}",
            shown(name)
        )))
    };
    if name.is_empty() {
        return odd("is empty");
    }
    if name.starts_with(b"/") {
        return odd("is absolute");
    }
    if name.contains(&0) {
        return odd("has a zero octet");
    }
    let parts: Vec<&[u8]> = name
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.contains(&b"..".as_slice()) {
        return odd("leads out of the archive");
    }
    Ok(parts)
}

fn object(path: &[&[u8]]) -> Option<Object> {
    let path: Option<Vec<&str>> = path
        .iter()
        .map(|part| std::str::from_utf8(part).ok())
        .collect();
    Object::from_path(&path?)
}

fn name_of(header: &Header) -> Vec<u8> {
    header.path_bytes().into_owned()
}

/// The size field: octal, or base 256 with nothing above 64 bits.
fn entry_size(header: &Header) -> Result<u64, TarError> {
    let bad = || TarError::Malformed("the size of an entry is not a number".into());
    let [first, second, third, fourth, ..] = header.as_old().size;
    let base_256 = first & 0x80 != 0;
    if base_256 && [first, second, third, fourth] != [0x80, 0, 0, 0] {
        return Err(bad());
    }
    header.entry_size().map_err(|_| bad())
}

/// The sum of a header's octets, its checksum counted as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    block
        .iter()
        .enumerate()
        .map(|(at, byte)| match at {
            148..156 => u32::from(b' '),
            _ => u32::from(*byte),
        })
        .sum()
}

fn is_empty(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

fn decimal<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// What the first block of something that is no tar archive looks like.
fn guess(block: &[u8; BLOCK]) -> &'static str {
    match block {
        [0x1f, 0x8b, ..] => "it is compressed with gzip; decompress it first (`gunzip`)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            "it is compressed with zstd; decompress it first (`unzstd`)"
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            "it is compressed with xz; decompress it first (`unxz`)"
        }
        [b'B', b'Z', b'h', ..] => "it is compressed with bzip2; decompress it first (`bunzip2`)",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive",
        _ => "it is no tar archive",
    }
}

fn unwanted(kind: EntryType, header: &Header) -> TarError {
    let name = name_of(header);
    let name = shown(&name);
    match kind {
        EntryType::Link | EntryType::Symlink | EntryType::GNULongLink => TarError::Malformed(
            format!("`{name}` is a link; a layout has none, copy it with the links resolved"),
        ),
        EntryType::GNUSparse => sparse(),
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            TarError::Malformed(format!("`{name}` is a device or a pipe"))
        }
        other => TarError::Malformed(format!(
            "`{name}` is an entry of the unknown type {}",
            other.as_byte()
        )),
    }
}

fn sparse() -> TarError {
    TarError::Malformed("it has sparse entries; write it without them".into())
}

fn ends_early() -> TarError {
    TarError::Malformed("it ends within an entry".into())
}

fn shown(name: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(name))
}
