//! The known classes of differences from the reference.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use super::envelope::COSE;
use super::node::Node;
use super::ours;
use super::reference::Verdict;

/// A class of differences: every predicate that is given must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(crate) id: String,
    /// Why this verifier is right to differ.
    #[allow(dead_code, reason = "for readers of the file")]
    why: String,
    /// What this verifier does.
    here: Here,
    /// The reason of the rejection here.
    reason: Option<String>,
    /// A part of the rejection's words here.
    detail: Option<String>,
    /// Parts of the reference's words, one of which is there.
    reference: Option<Vec<String>>,
    /// What the envelope is like.
    envelope: Option<Envelope>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Here {
    Accepts,
    Rejects,
    Either,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Envelope {
    /// A JSON object has two members of one name, or one whose name is known
    /// in other letter case only.
    JsonNames,
}

/// Both verdicts on one mutant.
pub(crate) struct Difference<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) mutant: &'a [u8],
    pub(crate) ours: &'a ours::Verdict,
    pub(crate) theirs: &'a Verdict,
}

impl Exception {
    pub(crate) fn read() -> Vec<Self> {
        serde_json::from_str(include_str!("exceptions.json")).expect("interop/exceptions.json")
    }

    pub(crate) fn covers(&self, difference: &Difference<'_>) -> bool {
        let words = match (difference.ours, difference.theirs) {
            (Err((reason, detail)), Verdict::Accepts) => {
                self.here != Here::Accepts
                    && self.reason.as_ref().is_none_or(|wanted| wanted == reason)
                    && self
                        .detail
                        .as_ref()
                        .is_none_or(|part| detail.contains(part.as_str()))
            }
            (Ok(()), Verdict::Rejects(error)) => {
                self.here != Here::Rejects
                    && self
                        .reference
                        .as_ref()
                        .is_none_or(|parts| parts.iter().any(|part| error.contains(part.as_str())))
            }
            _ => false,
        };
        words
            && match self.envelope {
                None => true,
                Some(Envelope::JsonNames) => odd_names(difference.media_type, difference.mutant),
            }
    }
}

/// Names that the specification gives to members of JSON objects.
const NAMES: &[&str] = &[
    "payload",
    "protected",
    "header",
    "signature",
    "x5c",
    "alg",
    "cty",
    "crit",
    "io.cncf.notary.signingScheme",
    "io.cncf.notary.signingTime",
    "io.cncf.notary.authenticSigningTime",
    "io.cncf.notary.expiry",
    "io.cncf.notary.signingAgent",
    "io.cncf.notary.timestampSignature",
    "targetArtifact",
    "mediaType",
    "digest",
    "size",
    "annotations",
];

fn odd_names(media_type: &str, mutant: &[u8]) -> bool {
    let mut objects = Vec::new();
    if media_type == COSE {
        let Ok(value) = ciborium::from_reader::<ciborium::Value, _>(mutant) else {
            return false;
        };
        let mut tree = Node::from_cbor(&value);
        while let Node::Tag(_, inner) = tree {
            tree = *inner;
        }
        if let Node::List(items) = tree
            && let Some(Node::Bytes(payload)) = items.get(2)
        {
            objects.extend(serde_json::from_slice(payload));
        }
    } else if let Ok(outer) = serde_json::from_slice::<Node>(mutant) {
        if let Node::Map(entries) = &outer {
            for (_, value) in entries {
                objects.extend(inside(value));
            }
        }
        objects.push(outer);
    }
    objects.iter().any(any_odd)
}

/// The JSON in a base64url text, however it is padded or broken.
fn inside(value: &Node) -> Option<Node> {
    let Node::Text(text) = value else {
        return None;
    };
    let text: String = text.chars().filter(|c| !"\r\n=".contains(*c)).collect();
    let bytes = Base64UrlUnpadded::decode_vec(&text)
        .or_else(|_| Base64::decode_vec(&text))
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn any_odd(node: &Node) -> bool {
    match node {
        Node::List(items) => items.iter().any(any_odd),
        Node::Map(entries) => {
            let mut seen = Vec::new();
            for (key, value) in entries {
                let Node::Text(name) = key else { continue };
                let folded = name.to_lowercase();
                let misspelt = NAMES
                    .iter()
                    .any(|known| known.to_lowercase() == folded && known != name);
                if misspelt || seen.contains(&folded) || any_odd(value) {
                    return true;
                }
                seen.push(folded);
            }
            false
        }
        _ => false,
    }
}

/// The signing certificate of an envelope that can be read.
pub(crate) fn leaf(media_type: &str, mutant: &[u8]) -> Option<Vec<u8>> {
    if media_type != COSE {
        let outer: serde_json::Value = serde_json::from_slice(mutant).ok()?;
        let text = outer["header"]["x5c"][0].as_str()?;
        return Base64::decode_vec(text).ok();
    }
    let value: ciborium::Value = ciborium::from_reader(mutant).ok()?;
    let Node::Tag(_, message) = Node::from_cbor(&value) else {
        return None;
    };
    let Node::List(items) = *message else {
        return None;
    };
    match items.get(1)?.get(&Node::Int(33))? {
        Node::List(chain) => match chain.first()? {
            Node::Bytes(der) => Some(der.clone()),
            _ => None,
        },
        _ => None,
    }
}
