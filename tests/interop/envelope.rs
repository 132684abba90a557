//! Valid envelopes taken apart, changed and put together again, signed anew
//! where the change is under the signature.

use std::path::PathBuf;

use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};

use super::der::Element;
use super::mutate;
use super::node::Node;
use super::random::Random;
use super::reference::Server;

pub(crate) const COSE: &str = "application/cose";

/// COSE header label x5chain (RFC 9360).
const X5CHAIN: Node = Node::Int(33);

/// A valid envelope and the case that it is of.
pub(crate) struct Sample {
    pub(crate) case: PathBuf,
    pub(crate) media_type: String,
    pub(crate) envelope: Vec<u8>,
}

/// One mutant of `sample`, and what was done to it. Certificates of `stranger`
/// may be put in.
pub(crate) fn mutant(
    random: &mut Random,
    sample: &Sample,
    stranger: &Sample,
    server: &mut Server,
) -> (Vec<u8>, String) {
    let mut parts = Parts::read(sample);
    let done = match random.below(30) {
        0..8 => {
            let mut envelope = sample.envelope.clone();
            let done = mutate::bytes(random, &mut envelope);
            return (envelope, format!("octets of the envelope: {done}"));
        }
        8..10 => format!("envelope: {}", mutate::tree(random, &mut parts.outer)),
        10..16 => {
            let done = parts.change_protected(random);
            parts.sign(random, sample, server);
            format!("protected header: {done}")
        }
        16..21 => {
            let mut payload = parts.payload();
            let done = change_payload(random, &mut payload);
            parts.set_payload(random, payload);
            parts.sign(random, sample, server);
            format!("payload: {done}")
        }
        21..24 => format!("unprotected header: {}", parts.change_unprotected(random)),
        24 | 25 => {
            let mut chain = parts.chain();
            let done = change_chain(random, &mut chain, Parts::read(stranger).chain());
            parts.set_chain(random, chain);
            format!("chain: {done}")
        }
        _ => {
            let mut chain = parts.chain();
            let done = change_certificate(random, sample, &mut chain, server);
            parts.set_chain(random, chain);
            done
        }
    };
    (parts.write(random), done)
}

/// An envelope's outermost tree: a tagged list for COSE, a map for JWS.
struct Parts {
    cose: bool,
    outer: Node,
}

impl Parts {
    fn read(sample: &Sample) -> Self {
        let cose = sample.media_type == COSE;
        let outer = if cose {
            read_cbor(&sample.envelope)
        } else {
            read_json(&sample.envelope)
        };
        Self { cose, outer }
    }

    fn write(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.cose {
            let loose = random.one_in(10).then_some(random);
            self.outer.to_cbor(&mut bytes, loose);
        } else {
            let mut text = String::new();
            self.outer.to_json(&mut text);
            bytes = text.into_bytes();
        }
        bytes
    }

    /// The field at `index` of COSE_Sign1, or the member `name` of a JWS.
    fn field(&mut self, index: usize, name: &str) -> &mut Node {
        match &mut self.outer {
            Node::Tag(_, inner) => match inner.as_mut() {
                Node::List(items) => &mut items[index],
                other => panic!("COSE_Sign1 is {other:?}"),
            },
            Node::Map(entries) => {
                let mut entries = entries.iter_mut();
                let entry = entries.find(|(key, _)| *key == Node::text(name));
                &mut entry.unwrap().1
            }
            other => panic!("an envelope is {other:?}"),
        }
    }

    fn octets(&mut self, index: usize, name: &str) -> Vec<u8> {
        match self.field(index, name) {
            Node::Bytes(bytes) => bytes.clone(),
            Node::Text(text) => Base64UrlUnpadded::decode_vec(text).unwrap(),
            other => panic!("{name} is {other:?}"),
        }
    }

    fn set_octets(&mut self, random: &mut Random, index: usize, name: &str, octets: Vec<u8>) {
        *self.field(index, name) = if self.cose {
            Node::Bytes(octets)
        } else {
            Node::Text(match random.below(40) {
                0 => Base64Url::encode_string(&octets),
                1 => Base64::encode_string(&octets),
                2 => Base64UrlUnpadded::encode_string(&octets) + "\n",
                _ => Base64UrlUnpadded::encode_string(&octets),
            })
        };
    }

    fn change_protected(&mut self, random: &mut Random) -> &'static str {
        let mut octets = self.octets(0, "protected");
        let done = if random.one_in(8) {
            mutate::bytes(random, &mut octets)
        } else {
            let mut tree = if self.cose {
                read_cbor(&octets)
            } else {
                read_json(&octets)
            };
            let mut done = mutate::tree(random, &mut tree);
            if random.one_in(3) {
                done = mutate::tree(random, &mut tree);
            }
            octets.clear();
            if self.cose {
                let loose = random.one_in(6).then_some(&mut *random);
                tree.to_cbor(&mut octets, loose);
            } else {
                let mut text = String::new();
                tree.to_json(&mut text);
                octets = text.into_bytes();
            }
            done
        };
        self.set_octets(random, 0, "protected", octets);
        done
    }

    fn payload(&mut self) -> Vec<u8> {
        self.octets(2, "payload")
    }

    fn set_payload(&mut self, random: &mut Random, payload: Vec<u8>) {
        self.set_octets(random, 2, "payload", payload);
    }

    fn change_unprotected(&mut self, random: &mut Random) -> &'static str {
        mutate::tree(random, self.field(1, "header"))
    }

    /// The certificates in DER, leaf first.
    fn chain(&mut self) -> Vec<Vec<u8>> {
        let label = if self.cose {
            X5CHAIN
        } else {
            Node::text("x5c")
        };
        let Some(Node::List(items)) = self.field(1, "header").get(&label) else {
            panic!("no chain");
        };
        items
            .iter()
            .map(|item| match item {
                Node::Bytes(der) => der.clone(),
                Node::Text(text) => Base64::decode_vec(text).unwrap(),
                other => panic!("a certificate is {other:?}"),
            })
            .collect()
    }

    fn set_chain(&mut self, random: &mut Random, chain: Vec<Vec<u8>>) {
        if self.cose {
            let mut items: Vec<Node> = chain.into_iter().map(Node::Bytes).collect();
            let value = match items.len() {
                // RFC 9360: a single certificate stands alone.
                1 if random.one_in(4) => items.remove(0),
                _ => Node::List(items),
            };
            self.field(1, "header").set(&X5CHAIN, value);
        } else {
            let items = chain
                .iter()
                .map(|der| {
                    Node::Text(match random.below(60) {
                        0 => Base64UrlUnpadded::encode_string(der),
                        1 => Base64::encode_string(der) + "\n",
                        _ => Base64::encode_string(der),
                    })
                })
                .collect();
            let label = Node::text("x5c");
            self.field(1, "header").set(&label, Node::List(items));
        }
    }

    /// Signs what is there, most of the time: then only the change is wrong.
    fn sign(&mut self, random: &mut Random, sample: &Sample, server: &mut Server) {
        if random.one_in(8) {
            return;
        }
        let message = if self.cose {
            // RFC 9052 section 4.4.
            let structure = Node::List(vec![
                Node::text("Signature1"),
                self.field(0, "protected").clone(),
                Node::Bytes(Vec::new()),
                self.field(2, "payload").clone(),
            ]);
            let mut bytes = Vec::new();
            structure.to_cbor(&mut bytes, None);
            bytes
        } else {
            let (Node::Text(protected), Node::Text(payload)) = (
                self.field(0, "protected").clone(),
                self.field(2, "payload").clone(),
            ) else {
                return;
            };
            format!("{protected}.{payload}").into_bytes()
        };
        let signature = server.sign(&sample.case, &message);
        *self.field(3, "signature") = if self.cose {
            Node::Bytes(signature)
        } else {
            Node::Text(Base64UrlUnpadded::encode_string(&signature))
        };
    }
}

fn read_cbor(bytes: &[u8]) -> Node {
    let value: ciborium::Value = ciborium::from_reader(bytes).unwrap();
    Node::from_cbor(&value)
}

fn read_json(bytes: &[u8]) -> Node {
    serde_json::from_slice(bytes).unwrap()
}

fn change_payload(random: &mut Random, payload: &mut Vec<u8>) -> &'static str {
    if random.one_in(6) {
        return mutate::bytes(random, payload);
    }
    let mut tree = read_json(payload);
    let done = match tree.get(&Node::text("targetArtifact")).cloned() {
        Some(mut target) if random.below(4) > 0 => {
            let done = mutate::tree(random, &mut target);
            tree.set(&Node::text("targetArtifact"), target);
            done
        }
        _ => mutate::tree(random, &mut tree),
    };
    let mut text = String::new();
    tree.to_json(&mut text);
    if random.one_in(20) {
        text.insert_str(0, random.text(&[" ", "\u{feff}", "\n\t", "{}"]));
    }
    if random.one_in(20) {
        text.push_str(random.text(&[" ", "\0", "{}", "x", ","]));
    }
    *payload = text.into_bytes();
    done
}

fn change_chain(
    random: &mut Random,
    chain: &mut Vec<Vec<u8>>,
    theirs: Vec<Vec<u8>>,
) -> &'static str {
    let at = random.below(chain.len());
    match random.below(9) {
        0 => {
            chain.remove(at);
            "certificate dropped"
        }
        1 => {
            let copy = chain[at].clone();
            let to = random.below(chain.len() + 1);
            chain.insert(to, copy);
            "certificate repeated"
        }
        2 => {
            let other = random.below(chain.len());
            chain.swap(at, other);
            "certificates swapped"
        }
        3 => {
            chain.reverse();
            "chain reversed"
        }
        4 => {
            *chain = theirs;
            "another chain"
        }
        5 => {
            chain[at] = random.pick(&theirs).clone();
            "certificate of another chain"
        }
        6 => {
            chain.extend(theirs);
            "another chain appended"
        }
        7 => {
            chain[at].push(random.next() as u8);
            "octet after a certificate"
        }
        _ => {
            mutate::bytes(random, &mut chain[at]);
            "octets of a certificate"
        }
    }
}

/// Changes the content of a certificate and has its issuer sign it again.
fn change_certificate(
    random: &mut Random,
    sample: &Sample,
    chain: &mut [Vec<u8>],
    server: &mut Server,
) -> String {
    // The last one is mostly the anchor: changed, it is merely not trusted.
    let at = match chain.len() {
        1 => 0,
        length => random.below(length - 1),
    };
    let mut tbs = Element::read(&chain[at]).unwrap().elements()[0].clone();
    let done = tbs.change(random);
    let mut bytes = Vec::new();
    tbs.write(&mut bytes);
    let issuer = (at + 1).min(chain.len() - 1);
    chain[at] = server.sign_certificate(&sample.case, issuer, &bytes);
    format!("certificate {at} of {}: {done}", chain.len())
}
