//! [`BlobPolicy`]: the trust policy for blobs, selected by name.

use std::collections::HashMap;

use super::document;
use super::error::{DocumentKind, Place, PolicyError};
use super::statement::{Entry, Selection, Statements, check_document};
use crate::error::{ErrorKind, quote};
use crate::limits::Limits;

const KIND: DocumentKind = DocumentKind::Blob;

/// A valid blob trust policy.
#[derive(Clone, Debug)]
pub struct BlobPolicy {
    entries: Vec<Entry>,
    /// Position in `entries`.
    by_name: HashMap<String, usize>,
    global: Option<usize>,
}

impl BlobPolicy {
    /// Reads a document and checks every rule of version 1.0.
    ///
    /// # Errors
    /// The first rule that is broken, with the statement and the field, or
    /// [`Limits::policy_bytes`] exceeded.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, PolicyError> {
        let raw = document::read(KIND, bytes, limits)?;
        check_document(KIND, &raw)?;
        let mut statements = Statements::new(KIND, limits);
        let mut policy = Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
            global: None,
        };
        for (index, statement) in raw.statements.iter().enumerate() {
            let entry = statements.read(index, statement)?;
            if statement.global {
                policy.set_global(index, &entry)?;
            }
            policy.by_name.insert(entry.name().to_owned(), index);
            policy.entries.push(entry);
        }
        Ok(policy)
    }

    /// The statement called `name`, or, without a name, the global one. A name
    /// that no statement has does not fall back to the global one.
    ///
    /// # Errors
    /// [`ErrorKind::PolicyNotApplicable`] where there is no such statement.
    pub fn select(&self, name: Option<&str>) -> Result<Selection<'_>, PolicyError> {
        let found = match name {
            // As the reference: blanks are taken for a forgotten name.
            Some(name) if name.trim().is_empty() => None,
            Some(name) => self.by_name.get(name).copied(),
            None => self.global,
        };
        found
            .and_then(|index| self.entries.get(index))
            .map(Entry::selection)
            .ok_or_else(|| not_applicable(name))
    }

    /// Every statement, in the order of the document.
    pub fn statements(&self) -> impl Iterator<Item = Selection<'_>> {
        self.entries.iter().map(Entry::selection)
    }

    fn set_global(&mut self, index: usize, entry: &Entry) -> Result<(), PolicyError> {
        let place = Place::document(KIND)
            .statement(index, entry.name())
            .field("globalPolicy");
        if let Some(earlier) = self.global.and_then(|earlier| self.entries.get(earlier)) {
            return Err(place.error(
                "policy-global-duplicate",
                format!("statement {} is global already", quote(earlier.name())),
                "set `globalPolicy` in one statement only",
            ));
        }
        // trust-store-trust-policy, "Blob Trust Policy Constraints".
        if entry.is_skip() {
            return Err(place.error(
                "policy-skip-global",
                "the global statement must not be at level `skip`",
                "use another level, or do not make it the global one",
            ));
        }
        self.global = Some(index);
        Ok(())
    }
}

fn not_applicable(name: Option<&str>) -> PolicyError {
    let place = Place::document(KIND);
    match name {
        Some(name) => place
            .error(
                "policy-not-applicable",
                "is the name of no statement",
                "use the name of a statement as it is written there",
            )
            .with_value(name),
        None => place.error(
            "policy-not-applicable",
            "there is no global statement, and none is asked for by name",
            "name a statement, or set `globalPolicy` in one",
        ),
    }
    .with_kind(ErrorKind::PolicyNotApplicable)
}
