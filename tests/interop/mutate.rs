//! Changes to bytes and trees, each named for the report.

use super::node::Node;
use super::random::Random;

/// Changes a few octets of `bytes`.
pub(crate) fn bytes(random: &mut Random, bytes: &mut Vec<u8>) -> &'static str {
    let at = random.below(bytes.len());
    let length = 1 + random.below(16);
    let end = bytes.len().min(at + length);
    match random.below(10) {
        0..=3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
            "bit flipped"
        }
        4 | 5 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.next() as u8;
            }
            "octet replaced"
        }
        6 => {
            bytes.drain(at..end);
            "octets deleted"
        }
        7 => {
            let copy: Vec<u8> = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
            "octets repeated"
        }
        8 => {
            let new: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            bytes.splice(at..at, new);
            "octets inserted"
        }
        _ => {
            bytes.truncate(at);
            "cut off"
        }
    }
}

/// Changes one place of a tree. Places near the root come up more often: that
/// is where the specification's fields are.
pub(crate) fn tree(random: &mut Random, node: &mut Node) -> &'static str {
    match node {
        Node::Map(entries) if !entries.is_empty() && random.below(4) > 0 => {
            let at = random.below(entries.len());
            if random.one_in(2) && matches!(entries[at].1, Node::Map(_) | Node::List(_)) {
                return tree(random, &mut entries[at].1);
            }
            map_entry(random, entries, at)
        }
        Node::List(items) if !items.is_empty() && random.below(4) > 0 => {
            let at = random.below(items.len());
            if random.one_in(2) {
                return tree(random, &mut items[at]);
            }
            list_item(random, items, at)
        }
        Node::Map(entries) => {
            let entry = (name(random), value(random));
            let at = random.below(entries.len() + 1);
            entries.insert(at, entry);
            "member added"
        }
        Node::List(items) => {
            let at = random.below(items.len() + 1);
            items.insert(at, value(random));
            "item added"
        }
        Node::Tag(tag, inner) => {
            if random.one_in(3) {
                *tag = random.below(30) as u64;
                return "tag changed";
            }
            if random.one_in(3) {
                let inner = std::mem::replace(inner.as_mut(), Node::Null);
                *node = inner;
                return "tag dropped";
            }
            tree(random, inner)
        }
        Node::Text(text) if random.below(3) > 0 => change_text(random, text),
        Node::Bytes(content) if random.below(3) > 0 => bytes(random, content),
        Node::Int(number) if random.below(3) > 0 => {
            *number += *random.pick(&[1, -1, 60, -60, 1 << 31, 1 << 40, -(1 << 34)]);
            "number changed"
        }
        other => {
            *other = value(random);
            "value replaced"
        }
    }
}

fn map_entry(random: &mut Random, entries: &mut Vec<(Node, Node)>, at: usize) -> &'static str {
    match random.below(10) {
        0 | 1 => {
            entries.remove(at);
            "member dropped"
        }
        2 => {
            let copy = entries[at].clone();
            let to = random.below(entries.len() + 1);
            entries.insert(to, copy);
            "member repeated"
        }
        3 => {
            let mut copy = entries[at].clone();
            tree(random, &mut copy.1);
            let to = random.below(entries.len() + 1);
            entries.insert(to, copy);
            "member repeated with another value"
        }
        4 => {
            match &mut entries[at].0 {
                Node::Text(text) => {
                    change_text(random, text);
                }
                key => *key = name(random),
            }
            "member renamed"
        }
        5 => {
            entries[at].0 = name(random);
            "member renamed"
        }
        6 => {
            entries[at].1 = value(random);
            "value replaced"
        }
        7 => {
            let other = random.below(entries.len());
            let value = entries[at].1.clone();
            entries[at].1 = std::mem::replace(&mut entries[other].1, value);
            "values swapped"
        }
        _ => tree(random, &mut entries[at].1),
    }
}

fn list_item(random: &mut Random, items: &mut Vec<Node>, at: usize) -> &'static str {
    match random.below(5) {
        0 => {
            items.remove(at);
            "item dropped"
        }
        1 => {
            let copy = items[at].clone();
            let to = random.below(items.len() + 1);
            items.insert(to, copy);
            "item repeated"
        }
        2 => {
            let other = random.below(items.len());
            items.swap(at, other);
            "items swapped"
        }
        3 => {
            items[at] = value(random);
            "item replaced"
        }
        _ => tree(random, &mut items[at]),
    }
}

fn change_text(random: &mut Random, text: &mut String) -> &'static str {
    match random.below(8) {
        0 => {
            *text = text.to_uppercase();
            "text in capitals"
        }
        1 => {
            text.push(' ');
            "text with a space"
        }
        2 => {
            text.pop();
            "text cut"
        }
        3 => {
            *text = TEXTS[random.below(TEXTS.len())].to_owned();
            "text replaced"
        }
        4 => {
            text.insert(0, '\u{feff}');
            "text with a byte order mark"
        }
        _ => {
            let mut chars: Vec<char> = text.chars().collect();
            if chars.is_empty() {
                return "text kept";
            }
            let at = random.below(chars.len());
            chars[at] =
                *random.pick(&['a', 'Z', '0', '9', '-', ':', '.', '+', '\0', 'é', ' ', '/']);
            *text = chars.into_iter().collect();
            "character replaced"
        }
    }
}

/// A name as the formats know them, or none that they know.
fn name(random: &mut Random) -> Node {
    match random.below(4) {
        0 => Node::Int(*random.pick(&[1, 2, 3, 4, 5, 6, 7, 33, 34, 35, 0, -1, 258, 1 << 33])),
        1 => Node::Text(format!("x{}", random.below(10))),
        _ => Node::text(random.text(NAMES)),
    }
}

/// Some value, often one that has a meaning somewhere in an envelope.
pub(crate) fn value(random: &mut Random) -> Node {
    match random.below(14) {
        0 => Node::Null,
        1 => Node::Bool(random.one_in(2)),
        2 => Node::Int(*random.pick(&[
            0,
            1,
            -1,
            23,
            24,
            -7,
            -35,
            -37,
            -38,
            1 << 31,
            i128::from(i64::MAX),
        ])),
        3 => Node::Int(1_600_000_000 + random.below(2_000_000_000) as i128),
        4 => Node::Float(*random.pick(&[
            0.0,
            0.5,
            1.7e9,
            1.7e9 + 0.25,
            1e300,
            f64::NAN,
            f64::INFINITY,
        ])),
        5 => Node::Text(String::new()),
        6 | 7 => Node::text(random.text(TEXTS)),
        8 => Node::text(random.text(NAMES)),
        9 => Node::Bytes((0..random.below(40)).map(|_| random.next() as u8).collect()),
        10 => {
            let count = random.below(3);
            Node::List((0..count).map(|_| value(random)).collect())
        }
        11 => {
            let count = random.below(3);
            Node::Map((0..count).map(|_| (name(random), value(random))).collect())
        }
        12 => Node::List((0..random.below(4)).map(|_| name(random)).collect()),
        _ => {
            let tag = *random.pick(&[0, 1, 2, 3, 18, 24, 55799]);
            Node::Tag(tag, Box::new(value(random)))
        }
    }
}

/// Names of members in envelopes and payloads, with a few near misses.
const NAMES: &[&str] = &[
    "io.cncf.notary.signingScheme",
    "io.cncf.notary.signingTime",
    "io.cncf.notary.authenticSigningTime",
    "io.cncf.notary.expiry",
    "io.cncf.notary.verificationPlugin",
    "io.cncf.notary.verificationPluginMinVersion",
    "io.cncf.notary.signingAgent",
    "io.cncf.notary.timestampSignature",
    "io.cncf.notary.SigningTime",
    "io.cncf.notary.unknown",
    "alg",
    "cty",
    "crit",
    "x5c",
    "b64",
    "kid",
    "Alg",
    "payload",
    "protected",
    "header",
    "signature",
    "signatures",
    "Payload",
    "targetArtifact",
    "TargetArtifact",
    "mediaType",
    "digest",
    "size",
    "annotations",
    "artifactType",
    "urls",
    "data",
    "platform",
];

const TEXTS: &[&str] = &[
    "notary.x509",
    "notary.x509.signingAuthority",
    "Notary.X509",
    "application/vnd.cncf.notary.payload.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/json",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "none",
    "HS256",
    "2024-01-02T03:04:05Z",
    "2024-01-02T03:04:05.5Z",
    "2024-01-02T03:04:05+01:00",
    "2024-01-02t03:04:05z",
    "2024-01-02T03:04:05",
    "2024-02-30T03:04:05Z",
    "2024-01-02T24:00:00Z",
    "2024-01-02T03:04:60Z",
    "2065-01-02T03:04:05Z",
    "0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "1.0.0",
    "AAAA",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "x",
];
