//! One tree for JSON and CBOR that keeps what parsers usually lose: the order
//! of members, and several members of one name.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::random::Random;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Tag(u64, Box<Node>),
}

impl Node {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn entries(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &Self) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find_map(|(name, value)| (name == key).then_some(value)),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, key: &Self, value: Self) {
        if let Some(entries) = self.entries() {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key.clone(), value)),
            }
        }
    }

    pub(crate) fn from_cbor(value: &ciborium::Value) -> Self {
        use ciborium::Value;
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Integer(value) => Self::Int((*value).into()),
            Value::Float(value) => Self::Float(*value),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from_cbor).collect()),
            Value::Map(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (Self::from_cbor(key), Self::from_cbor(value)))
                    .collect(),
            ),
            Value::Tag(tag, value) => Self::Tag(*tag, Box::new(Self::from_cbor(value))),
            _ => Self::Null,
        }
    }

    /// JSON text. What JSON has no word for becomes a number or a text.
    pub(crate) fn to_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Float(value) if value.is_finite() => out.push_str(&format!("{value:e}")),
            Self::Float(_) => out.push_str("1e999"),
            Self::Text(text) => out.push_str(&serde_json::to_string(text).unwrap()),
            Self::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                out.push_str(&serde_json::to_string(&text).unwrap());
            }
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.to_json(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    match key {
                        Self::Text(_) | Self::Bytes(_) => key.to_json(out),
                        Self::Int(number) => out.push_str(&format!("\"{number}\"")),
                        _ => out.push_str("\"\""),
                    }
                    out.push(':');
                    value.to_json(out);
                }
                out.push('}');
            }
            Self::Tag(_, value) => value.to_json(out),
        }
    }

    /// CBOR, shortest form; now and then, with `loose`, a longer form or an
    /// indefinite length.
    pub(crate) fn to_cbor(&self, out: &mut Vec<u8>, loose: Option<&mut Random>) {
        match loose {
            Some(random) => self.cbor(out, &mut |most| random.below(40) < most),
            None => self.cbor(out, &mut |_| false),
        }
    }

    fn cbor(&self, out: &mut Vec<u8>, loose: &mut dyn FnMut(usize) -> bool) {
        match self {
            Self::Null => out.push(0xf6),
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Int(value) => {
                let (major, number) = match u64::try_from(*value) {
                    Ok(number) => (0, number),
                    Err(_) => (1, u64::try_from(-1 - value).unwrap_or(u64::MAX)),
                };
                head(out, major, number, loose(1));
            }
            Self::Float(value) => {
                out.push(0xfb);
                out.extend(value.to_be_bytes());
            }
            Self::Text(text) => string(out, 3, text.as_bytes(), loose),
            Self::Bytes(bytes) => string(out, 2, bytes, loose),
            Self::List(items) => {
                let endless = loose(1);
                start(out, 4, items.len(), endless, loose);
                for item in items {
                    item.cbor(out, loose);
                }
                if endless {
                    out.push(0xff);
                }
            }
            Self::Map(entries) => {
                let endless = loose(1);
                start(out, 5, entries.len(), endless, loose);
                for (key, value) in entries {
                    key.cbor(out, loose);
                    value.cbor(out, loose);
                }
                if endless {
                    out.push(0xff);
                }
            }
            Self::Tag(tag, value) => {
                head(out, 6, *tag, loose(1));
                value.cbor(out, loose);
            }
        }
    }
}

/// JSON, with every member of an object in its place.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Int(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Int(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = members.next_entry::<String, Node>()? {
                    entries.push((Node::Text(name), value));
                }
                Ok(Node::Map(entries))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

fn start(
    out: &mut Vec<u8>,
    major: u8,
    count: usize,
    endless: bool,
    loose: &mut dyn FnMut(usize) -> bool,
) {
    if endless {
        out.push(major << 5 | 31);
    } else {
        head(out, major, count as u64, loose(1));
    }
}

fn string(out: &mut Vec<u8>, major: u8, bytes: &[u8], loose: &mut dyn FnMut(usize) -> bool) {
    if loose(1) {
        out.push(major << 5 | 31);
        head(out, major, bytes.len() as u64, false);
        out.extend(bytes);
        out.push(0xff);
    } else {
        head(out, major, bytes.len() as u64, loose(1));
        out.extend(bytes);
    }
}

fn head(out: &mut Vec<u8>, major: u8, number: u64, long: bool) {
    let major = major << 5;
    match number {
        0..24 if !long => out.push(major | number as u8),
        0..0x100 if !long => out.extend([major | 24, number as u8]),
        0..0x1_0000 if !long => {
            out.push(major | 25);
            out.extend((number as u16).to_be_bytes());
        }
        0..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend((number as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(number.to_be_bytes());
        }
    }
}
