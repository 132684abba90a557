//! The JSON of a trust policy document, read into plain fields: types are
//! checked here, rules elsewhere.
//!
//! As in the reference, `null` stands for an absent member or an empty text,
//! and members that are not known are ignored.

use serde_json::{Map, Value};

use super::error::{DocumentKind, Place, PolicyError};
use crate::error::ErrorKind;
use crate::limits::Limits;
use crate::wire::json;

/// A document whose members have the right types.
pub(crate) struct RawDocument {
    pub(crate) version: String,
    pub(crate) statements: Vec<RawStatement>,
}

/// One item of `trustPolicies`; what is absent is empty.
pub(crate) struct RawStatement {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) global: bool,
    pub(crate) level: String,
    pub(crate) overrides: Vec<(String, String)>,
    pub(crate) verify_timestamp: String,
    pub(crate) stores: Vec<String>,
    pub(crate) identities: Vec<String>,
}

/// Reads `bytes` as a document of `kind`.
pub(crate) fn read(
    kind: DocumentKind,
    bytes: &[u8],
    limits: &Limits,
) -> Result<RawDocument, PolicyError> {
    let place = Place::document(kind);
    if bytes.len() > limits.policy_bytes {
        return Err(too_large(kind, limits));
    }
    if json::count_values(bytes) > limits.policy_values {
        return Err(too_many_values(kind, limits));
    }
    let value = parse_json(bytes).map_err(|problem| {
        place.error(
            "policy-malformed",
            problem,
            "write one JSON object, without comments, byte order mark or text after it",
        )
    })?;
    let mut members = Members::of(value, place)?;
    let version = members.text(place.field("version"), "version")?;
    let statements = members
        .array(place.field("trustPolicies"), "trustPolicies")?
        .into_iter()
        .enumerate()
        .map(|(index, value)| statement(kind, index, value))
        .collect::<Result<_, _>>()?;
    Ok(RawDocument {
        version,
        statements,
    })
}

/// A document of more than [`Limits::policy_bytes`].
pub(crate) fn too_large(kind: DocumentKind, limits: &Limits) -> PolicyError {
    Place::document(kind)
        .error(
            "policy-too-large",
            format!("the document is larger than {} bytes", limits.policy_bytes),
            "make it smaller, or raise the limit `policy_bytes`",
        )
        .with_kind(ErrorKind::LimitExceeded)
}

fn too_many_values(kind: DocumentKind, limits: &Limits) -> PolicyError {
    Place::document(kind)
        .error(
            "policy-too-large",
            format!("the document has more than {} values", limits.policy_values),
            "make it smaller, or raise the limit `policy_values`",
        )
        .with_kind(ErrorKind::LimitExceeded)
}

/// The one place that knows the JSON parser.
fn parse_json(bytes: &[u8]) -> Result<Value, String> {
    json::parse(bytes).map_err(|error| format!("the document is not JSON: {error}"))
}

fn statement(kind: DocumentKind, index: usize, value: Value) -> Result<RawStatement, PolicyError> {
    let place = Place::document(kind).statement(index, "");
    let mut members = Members::of(value, place)?;
    let name = members.text(place.field("name"), "name")?;
    let place = place.statement(index, &name);
    let mut verification = {
        let place = place.field("signatureVerification");
        Members::of(members.take("signatureVerification"), place)?
    };
    // Each document has its own way of being selected, and ignores the other's.
    let (scopes, global) = match kind {
        DocumentKind::Oci => (
            members.texts(place.field("registryScopes"), "registryScopes")?,
            false,
        ),
        DocumentKind::Blob => (
            Vec::new(),
            members.boolean(place.field("globalPolicy"), "globalPolicy")?,
        ),
    };
    Ok(RawStatement {
        scopes,
        global,
        level: verification.text(place.field("signatureVerification.level"), "level")?,
        overrides: overrides(
            verification.take("override"),
            place.field("signatureVerification.override"),
        )?,
        verify_timestamp: verification.text(
            place.field("signatureVerification.verifyTimestamp"),
            "verifyTimestamp",
        )?,
        stores: members.texts(place.field("trustStores"), "trustStores")?,
        identities: members.texts(place.field("trustedIdentities"), "trustedIdentities")?,
        name,
    })
}

fn overrides(value: Value, place: Place<'_>) -> Result<Vec<(String, String)>, PolicyError> {
    Members::of(value, place)?
        .0
        .into_iter()
        .map(|(check, action)| Ok((check, text(action, place)?)))
        .collect()
}

/// The members of an object, each taken once.
struct Members(Map<String, Value>);

impl Members {
    fn of(value: Value, place: Place<'_>) -> Result<Self, PolicyError> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            Value::Null => Ok(Self(Map::new())),
            other => Err(wrong_type(place, &other, "an object")),
        }
    }

    fn take(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or(Value::Null)
    }

    fn text(&mut self, place: Place<'_>, name: &str) -> Result<String, PolicyError> {
        text(self.take(name), place)
    }

    fn texts(&mut self, place: Place<'_>, name: &str) -> Result<Vec<String>, PolicyError> {
        self.array(place, name)?
            .into_iter()
            .map(|item| text(item, place))
            .collect()
    }

    fn array(&mut self, place: Place<'_>, name: &str) -> Result<Vec<Value>, PolicyError> {
        match self.take(name) {
            Value::Array(items) => Ok(items),
            Value::Null => Ok(Vec::new()),
            other => Err(wrong_type(place, &other, "an array")),
        }
    }

    fn boolean(&mut self, place: Place<'_>, name: &str) -> Result<bool, PolicyError> {
        match self.take(name) {
            Value::Bool(value) => Ok(value),
            Value::Null => Ok(false),
            other => Err(wrong_type(place, &other, "`true` or `false`")),
        }
    }
}

fn text(value: Value, place: Place<'_>) -> Result<String, PolicyError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        other => Err(wrong_type(place, &other, "a text in quotation marks")),
    }
}

fn wrong_type(place: Place<'_>, found: &Value, wanted: &'static str) -> PolicyError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    place.error(
        "policy-malformed",
        format!("there is {found} where the format has {wanted}"),
        format!("write {wanted}"),
    )
}
