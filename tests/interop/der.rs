//! A tree of DER elements, to change certificates below their lengths.

use super::mutate;
use super::random::Random;

#[derive(Clone, Debug)]
pub(crate) struct Element {
    tag: u8,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Octets(Vec<u8>),
    /// Constructed, or an OCTET STRING that holds DER, as extensions do.
    Elements(Vec<Element>),
}

impl Element {
    /// Reads one element that is all of `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (element, rest) = Self::read_first(bytes)?;
        rest.is_empty().then_some(element)
    }

    fn read_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&tag, rest) = bytes.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let octets = usize::from(first - 0x80);
            if octets == 0 || octets > 3 || rest.len() < octets {
                return None;
            }
            length = rest[..octets]
                .iter()
                .fold(0, |length, octet| length << 8 | usize::from(*octet));
            rest = &rest[octets..];
        }
        if rest.len() < length {
            return None;
        }
        let (content, rest) = rest.split_at(length);
        let inner = (tag & 0x20 != 0 || tag == 0x04)
            .then(|| Self::read_all(content))
            .flatten();
        let body = inner.map_or_else(|| Body::Octets(content.to_vec()), Body::Elements);
        Some((Self { tag, body }, rest))
    }

    fn read_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut elements = Vec::new();
        while !bytes.is_empty() {
            let (element, rest) = Self::read_first(bytes)?;
            elements.push(element);
            bytes = rest;
        }
        Some(elements)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let content = match &self.body {
            Body::Octets(octets) => octets.clone(),
            Body::Elements(elements) => {
                let mut content = Vec::new();
                for element in elements {
                    element.write(&mut content);
                }
                content
            }
        };
        out.push(self.tag);
        let length = content.len();
        match length {
            0..0x80 => out.push(length as u8),
            0x80..0x100 => out.extend([0x81, length as u8]),
            _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend(content);
    }

    /// The elements of a SEQUENCE.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.body {
            Body::Elements(elements) => elements,
            Body::Octets(_) => &[],
        }
    }

    /// Changes one place.
    pub(crate) fn change(&mut self, random: &mut Random) -> &'static str {
        match &mut self.body {
            Body::Elements(elements) if !elements.is_empty() => {
                let at = random.below(elements.len());
                match random.below(16) {
                    0 => {
                        elements.remove(at);
                        "element dropped"
                    }
                    1 => {
                        let copy = elements[at].clone();
                        let to = random.below(elements.len() + 1);
                        elements.insert(to, copy);
                        "element repeated"
                    }
                    2 => {
                        let other = random.below(elements.len());
                        elements.swap(at, other);
                        "elements swapped"
                    }
                    3 if elements[at].tag < 0x20 => {
                        elements[at].tag = *random.pick(TAGS);
                        "tag changed"
                    }
                    _ => elements[at].change(random),
                }
            }
            Body::Octets(octets) if random.below(4) > 0 && !octets.is_empty() => {
                let at = random.below(octets.len());
                octets[at] ^= 1 << random.below(8);
                "bit flipped"
            }
            Body::Octets(octets) if self.tag == 0x01 => {
                *octets = vec![*random.pick(&[0, 1, 0xff])];
                "boolean changed"
            }
            Body::Octets(octets) => mutate::bytes(random, octets),
            Body::Elements(elements) => {
                elements.push(Self {
                    tag: *random.pick(TAGS),
                    body: Body::Octets(vec![1]),
                });
                "element added"
            }
        }
    }
}

/// BOOLEAN, INTEGER, BIT STRING, NULL, OID, the string types, both times.
const TAGS: &[u8] = &[
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a, 0x1c, 0x1e, 0x80,
];
