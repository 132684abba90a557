//! The signed attributes of a signer (RFC 5652 section 5.3).

use const_oid::ObjectIdentifier;

use super::{Problem, invalid, too_many};
use crate::limits::Limits;
use crate::outcome::Rejection;
use crate::wire::ber::write_header;
use crate::wire::der::{Element, tag};

/// The signed attributes, and what was signed of them.
#[derive(Clone)]
pub(super) struct SignedAttributes {
    attributes: Vec<Attribute>,
    to_be_signed: Vec<u8>,
}

#[derive(Clone)]
struct Attribute {
    oid: Box<[u8]>,
    /// The contents of `attrValues`.
    values: Box<[u8]>,
}

impl SignedAttributes {
    /// Reads the contents of `[0] IMPLICIT SignedAttributes`.
    pub(super) fn parse(element: &Element<'_>, limits: &Limits) -> Result<Self, Problem> {
        let mut attributes = Vec::new();
        let mut encodings = Vec::new();
        let mut set = element.reader();
        while !set.is_empty() {
            if attributes.len() == limits.token_attributes {
                let count = limits.token_attributes.saturating_add(1);
                return Err(too_many("signed attributes", count, limits.token_attributes).into());
            }
            let attribute = set.expect(tag::SEQUENCE, "an attribute that is no sequence")?;
            let mut fields = attribute.reader();
            let oid = fields
                .expect(tag::OBJECT_IDENTIFIER, "an attribute without type")?
                .oid()?;
            let values = fields.expect(tag::SET, "an attribute without values")?;
            fields.finish()?;
            attributes.push(Attribute {
                oid: oid.into(),
                values: values.value().into(),
            });
            encodings.push(attribute.raw());
        }
        // "A separate encoding of the signedAttrs field is performed", DER with
        // the tag of SET OF, whatever the order in the token (RFC 5652 section
        // 5.4; X.690 section 11.6).
        encodings.sort_unstable();
        let mut to_be_signed = Vec::with_capacity(element.raw().len());
        write_header(tag::SET, element.value().len(), &mut to_be_signed);
        to_be_signed.extend(encodings.into_iter().flatten());
        Ok(Self {
            attributes,
            to_be_signed,
        })
    }

    /// What the signature is over.
    pub(super) fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The one value of the one attribute `oid`, or `None` where there is no
    /// such attribute; `name` is for people. RFC 5652 sections 11.1 to 11.3 and
    /// RFC 5035 section 3 allow neither a second value nor a second attribute.
    pub(super) fn single(
        &self,
        oid: ObjectIdentifier,
        name: &str,
    ) -> Result<Option<Element<'_>>, Rejection> {
        let mut found = self
            .attributes
            .iter()
            .filter(|attribute| *attribute.oid == *oid.as_bytes());
        let Some(attribute) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(invalid(format!(
                "the time-stamp has the signed attribute {name} twice"
            )));
        }
        Element::only(&attribute.values).map(Some).map_err(|error| {
            invalid(format!(
                "the time-stamp's signed attribute {name} must have one value: {error}"
            ))
        })
    }

    /// The same where the attribute must be there.
    pub(super) fn required(
        &self,
        oid: ObjectIdentifier,
        name: &str,
    ) -> Result<Element<'_>, Rejection> {
        self.single(oid, name)?
            .ok_or_else(|| invalid(format!("the time-stamp lacks the signed attribute {name}")))
    }
}
