//! [`Checked`]: content that goes through and is held against its digest on the way.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read};

use crate::crypto::{Hasher, Provider};
use crate::io::registry::Flow;
use crate::oci::Digest;

/// Reads content of a known digest and size. The last octets come out only once all
/// of it was seen to have that digest, so nobody ever gets all of something else.
pub(super) struct Checked<'a> {
    digest: Digest,
    size: u64,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    inner: &'a mut dyn Read,
    /// `None` once the digest was compared.
    hasher: Option<Box<dyn Hasher>>,
    left: u64,
    problem: Option<String>,
}

impl<'a> Checked<'a> {
    pub(super) fn new(
        inner: &'a mut dyn Read,
        digest: Digest,
        size: u64,
        provider: &Provider,
    ) -> Self {
        Self {
            digest,
            size,
            state: RefCell::new(State {
                inner,
                hasher: Some(provider.hasher(digest.algorithm())),
                left: size,
                problem: None,
            }),
        }
    }

    /// Why this is not the content, where that was seen.
    pub(super) fn problem(&self) -> Option<String> {
        self.state.borrow().problem.clone()
    }

    /// Reads all of it.
    pub(super) fn read_through(&self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while Flow::read(self, &mut buffer)? > 0 {}
        Ok(())
    }
}

impl Flow for Checked<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if let Some(problem) = &state.problem {
            return Err(io::Error::other(problem.clone()));
        }
        if state.hasher.is_none() || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(state.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or(&mut []);
        let count = if room.is_empty() {
            0
        } else {
            read(state.inner, room)?
        };
        if count == 0 && state.left > 0 {
            // The connection, or the file, ended: not the content's fault.
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("`{}` ended before all of it had come", self.digest),
            ));
        }
        if let Some(hasher) = &mut state.hasher {
            hasher.update(room.get(..count).unwrap_or(&[]));
        }
        state.left = state
            .left
            .saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        if state.left == 0 {
            let more = read(state.inner, &mut [0])? > 0;
            let same = state
                .hasher
                .take()
                .is_some_and(|hasher| Digest::from(hasher.finish()) == self.digest);
            if more || !same {
                let what = if more {
                    format!("more than the {} octets that it should have", self.size)
                } else {
                    "another digest".to_owned()
                };
                let problem = format!(
                    "what is at the source as `{}` has {what}: it is damaged, or was changed",
                    self.digest
                );
                state.problem = Some(problem.clone());
                return Err(io::Error::other(problem));
            }
        }
        Ok(count)
    }
}

fn read(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Read for &Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Flow::read(*self, buffer)
    }
}

impl fmt::Debug for Checked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::HashAlgorithm;

    /// What comes out, and how it ends.
    fn through(content: &[u8], digest_of: &[u8], size: u64) -> (Vec<u8>, io::Result<()>) {
        let provider = Provider::preferred();
        let digest = Digest::of(&provider, HashAlgorithm::Sha256, digest_of);
        let mut inner = content;
        let checked = Checked::new(&mut inner, digest, size, &provider);
        let mut out = Vec::new();
        let mut buffer = [0; 7];
        loop {
            match Flow::read(&checked, &mut buffer) {
                Ok(0) => return (out, Ok(())),
                Ok(count) => out.extend_from_slice(&buffer[..count]),
                Err(error) => {
                    assert!(Flow::read(&checked, &mut buffer).is_err());
                    return (out, Err(error));
                }
            }
        }
    }

    #[test]
    fn only_the_content_comes_out_whole() {
        let content: Vec<u8> = (0..100).collect();
        for length in [0, 1, 6, 7, 8, 14, 99, 100] {
            let content = &content[..length];
            let size = u64::try_from(length).unwrap();
            let (out, end) = through(content, content, size);
            assert_eq!(out, content);
            end.unwrap();
            // Another digest: the last octets are held back.
            let (out, end) = through(content, b"other", size);
            assert!(end.unwrap_err().to_string().contains("another digest"));
            assert!(out.len() < length.max(1));
            // Too long, too short.
            if length > 0 {
                let (out, end) = through(content, content, size - 1);
                assert!(end.is_err());
                assert!(out.len() < length.max(2) - 1 || length == 1);
            }
            let (_, end) = through(content, content, size + 1);
            assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
