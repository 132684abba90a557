//! PEM (RFC 7468): the blocks of a text.
//!
//! Lax, as RFC 7468 lets parsers be and as the reference is: text before and
//! between blocks, RFC 1421 headers, any white space at line ends and within the
//! base64. A block that is cut or not base64 is passed over.

use super::base64;

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What stands after `BEGIN`: `CERTIFICATE`.
    pub(crate) label: String,
    /// The decoded octets.
    pub(crate) contents: Vec<u8>,
}

/// The blocks of `text`, in order. What they hold is smaller than `text`.
pub(crate) fn blocks(text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Open<'_>> = None;
    for line in text.split(|octet| *octet == b'\n') {
        let line = line.trim_ascii_end();
        if let Some(label) = boundary(line, b"-----BEGIN ") {
            // A block that never ended is forgotten.
            open = Some(Open::new(label));
        } else if line.starts_with(b"-----END ") {
            let finished = open
                .take()
                .filter(|block| boundary(line, b"-----END ") == Some(block.label))
                .and_then(Open::finish);
            blocks.extend(finished);
        } else if let Some(block) = &mut open {
            block.take_line(line);
        }
    }
    blocks
}

/// The label of a line `PREFIX label-----`.
fn boundary<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(prefix)?.strip_suffix(b"-----")
}

struct Open<'a> {
    label: &'a [u8],
    base64: Vec<u8>,
}

impl<'a> Open<'a> {
    const fn new(label: &'a [u8]) -> Self {
        Self {
            label,
            base64: Vec::new(),
        }
    }

    fn take_line(&mut self, line: &[u8]) {
        // `Name: value` before the data is an RFC 1421 header; a colon later is
        // no base64 and spoils the block.
        if self.base64.is_empty() && line.contains(&b':') {
            return;
        }
        self.base64
            .extend(line.iter().filter(|octet| !octet.is_ascii_whitespace()));
    }

    fn finish(self) -> Option<Block> {
        let digits = std::str::from_utf8(&self.base64).ok()?;
        Some(Block {
            label: String::from_utf8_lossy(self.label).into_owned(),
            contents: base64::decode_standard(digits)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<(String, Vec<u8>)> {
        blocks(text.as_bytes())
            .into_iter()
            .map(|block| (block.label, block.contents))
            .collect()
    }

    #[test]
    fn text_headers_and_line_ends_around_blocks() {
        let text = "subject: x\r\n-----BEGIN A-----  \r\nX-Note: y\r\n\r\nAQ\t I\r\nD\r\n-----END A-----\r\n\
                    between\n-----BEGIN B C-----\nBA==\n-----END B C-----";
        assert_eq!(
            contents(text),
            [("A".to_owned(), vec![1, 2, 3]), ("B C".to_owned(), vec![4])]
        );
    }

    #[test]
    fn broken_blocks_are_passed_over() {
        let good = "-----BEGIN A-----\nAQID\n-----END A-----\n";
        for bad in [
            "-----BEGIN A-----\nAQID\n",
            "-----BEGIN A-----\nAQI*\n-----END A-----\n",
            "-----BEGIN A-----\nAQI\n-----END A-----\n",
            "-----BEGIN A-----\nAQID\n-----END B-----\n",
            " -----BEGIN A-----\nAQID\n-----END A-----\n",
            "-----END A-----\n",
            "-----BEGIN A\nAQID\n-----END A-----\n",
        ] {
            assert_eq!(contents(bad).len(), 0, "{bad}");
            assert_eq!(contents(&format!("{bad}{good}")).len(), 1, "{bad}");
        }
        assert_eq!(contents("").len(), 0);
    }
}
