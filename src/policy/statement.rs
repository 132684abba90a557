//! [`Statement`]: what one statement asks of a signature, and the rules that
//! both documents share.

use std::collections::HashSet;

use super::document::{RawDocument, RawStatement};
use super::error::{DocumentKind, Place, PolicyError};
use super::identities::Identities;
use super::level::{Actions, DeclaredLevel, Level, VerifyTimestamp};
use crate::limits::Limits;
use crate::outcome::{Action, Check};
use crate::trust::{StoreKind, StoreName, StoreNameError};

/// A statement that verifies. Those at level `skip` are none of these.
#[derive(Clone, Debug)]
pub struct Statement {
    name: String,
    level: Level,
    customized: bool,
    actions: Actions,
    verify_timestamp: VerifyTimestamp,
    stores: Vec<StoreName>,
    identities: Identities,
}

impl Statement {
    /// The name, unique in its document.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The level that the statement starts from.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Whether the statement overrides actions of its level.
    #[must_use]
    pub const fn is_customized(&self) -> bool {
        self.customized
    }

    /// What is done with a failure of `check`, overrides applied.
    #[must_use]
    pub const fn action(&self, check: Check) -> Action {
        self.actions.of(check)
    }

    /// When a time-stamp countersignature is verified.
    #[must_use]
    pub const fn verify_timestamp(&self) -> VerifyTimestamp {
        self.verify_timestamp
    }

    /// The stores of every kind, in the order of the document, each once.
    #[must_use]
    pub fn trust_stores(&self) -> &[StoreName] {
        &self.stores
    }

    /// The stores of `kind`, in the order of the document.
    pub fn trust_stores_of(&self, kind: StoreKind) -> impl Iterator<Item = &StoreName> {
        self.stores.iter().filter(move |store| store.kind() == kind)
    }

    /// Who may sign.
    #[must_use]
    pub const fn identities(&self) -> &Identities {
        &self.identities
    }
}

/// The statement that applies to an artifact.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// It is at level `skip`: nothing is verified, nothing is known.
    Skip {
        /// The name of the statement.
        statement: &'a str,
    },
    /// It verifies.
    Verify(&'a Statement),
}

impl<'a> Selection<'a> {
    /// The name of the statement.
    #[must_use]
    pub fn statement_name(&self) -> &'a str {
        match self {
            Self::Skip { statement } => statement,
            Self::Verify(statement) => statement.name(),
        }
    }
}

/// A statement of either sort, as a document keeps it.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Skip { name: String },
    Verify(Statement),
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Skip { name } => name,
            Self::Verify(statement) => statement.name(),
        }
    }

    pub(crate) fn selection(&self) -> Selection<'_> {
        match self {
            Self::Skip { name } => Selection::Skip { statement: name },
            Self::Verify(statement) => Selection::Verify(statement),
        }
    }

    pub(crate) const fn is_skip(&self) -> bool {
        matches!(self, Self::Skip { .. })
    }
}

/// What both documents ask of themselves before their statements are read.
pub(crate) fn check_document(
    kind: DocumentKind,
    document: &RawDocument,
) -> Result<(), PolicyError> {
    const VERSION: &str = "1.0";
    const ALLOWED: &str = "write `\"version\": \"1.0\"`";
    let place = Place::document(kind);
    if document.version.is_empty() {
        return Err(place.field("version").error(
            "policy-version-missing",
            "there is no version",
            ALLOWED,
        ));
    }
    if document.version != VERSION {
        return Err(place
            .field("version")
            .error("policy-version-unsupported", "is not supported", ALLOWED)
            .with_value(document.version.as_str()));
    }
    if document.statements.is_empty() {
        return Err(place.field("trustPolicies").error(
            "policy-no-statements",
            "there is no statement",
            "write at least one",
        ));
    }
    Ok(())
}

/// Reads statements one after the other; names are unique among them.
pub(crate) struct Statements<'a> {
    kind: DocumentKind,
    limits: &'a Limits,
    names: HashSet<String>,
}

impl<'a> Statements<'a> {
    pub(crate) fn new(kind: DocumentKind, limits: &'a Limits) -> Self {
        Self {
            kind,
            limits,
            names: HashSet::new(),
        }
    }

    /// The rules of a statement that do not depend on the document's kind.
    pub(crate) fn read(&mut self, index: usize, raw: &RawStatement) -> Result<Entry, PolicyError> {
        let place = Place::document(self.kind).statement(index, &raw.name);
        if raw.name.is_empty() {
            return Err(place.field("name").error(
                "policy-name-missing",
                "there is no name",
                "give each statement a name of its own",
            ));
        }
        if !self.names.insert(raw.name.clone()) {
            return Err(place
                .field("name")
                .error(
                    "policy-duplicate-name",
                    "is the name of another statement too",
                    "give each statement a name of its own",
                )
                .with_value(raw.name.as_str()));
        }
        match DeclaredLevel::parse(&raw.level, place)? {
            DeclaredLevel::Skip => skip(raw, place),
            DeclaredLevel::Verify(level) => self.verify(raw, level, place),
        }
    }

    fn verify(
        &self,
        raw: &RawStatement,
        level: Level,
        place: Place<'_>,
    ) -> Result<Entry, PolicyError> {
        let actions = Actions::new(level, &raw.overrides, place)?;
        let verify_timestamp = VerifyTimestamp::parse(&raw.verify_timestamp, place)?;
        for (field, texts) in [
            ("trustStores", &raw.stores),
            ("trustedIdentities", &raw.identities),
        ] {
            if texts.is_empty() {
                return Err(place.field(field).error(
                    "policy-stores-or-identities-missing",
                    "is empty, and the level verifies",
                    "name at least one trust store and one trusted identity, \
                     or use the level `skip`",
                ));
            }
        }
        Ok(Entry::Verify(Statement {
            name: raw.name.clone(),
            level,
            customized: !raw.overrides.is_empty(),
            actions,
            verify_timestamp,
            stores: stores(&raw.stores, place)?,
            identities: Identities::parse(&raw.identities, place, self.limits)?,
        }))
    }
}

/// A statement that verifies nothing says nothing else.
fn skip(raw: &RawStatement, place: Place<'_>) -> Result<Entry, PolicyError> {
    if !raw.overrides.is_empty() {
        return Err(place.field("signatureVerification.override").error(
            "policy-skip-override",
            "the level `skip` has nothing to override",
            "remove the overrides, or use another level",
        ));
    }
    VerifyTimestamp::parse(&raw.verify_timestamp, place)?;
    for (field, texts) in [
        ("trustStores", &raw.stores),
        ("trustedIdentities", &raw.identities),
    ] {
        if !texts.is_empty() {
            return Err(place.field(field).error(
                "policy-skip-with-stores",
                "is given, and the level `skip` does not use it",
                "remove trust stores and trusted identities, or use another level",
            ));
        }
    }
    Ok(Entry::Skip {
        name: raw.name.clone(),
    })
}

fn stores(texts: &[String], place: Place<'_>) -> Result<Vec<StoreName>, PolicyError> {
    let mut seen = HashSet::new();
    let mut stores = Vec::new();
    for text in texts {
        let store = StoreName::parse(text).map_err(|error| {
            let category = match error {
                StoreNameError::Separator => "policy-store-malformed",
                StoreNameError::Kind => "policy-store-type",
                StoreNameError::Name => "policy-store-name",
            };
            place
                .field("trustStores")
                .error(category, error.to_string(), error.allowed())
                .with_value(text.as_str())
        })?;
        if seen.insert(text) {
            stores.push(store);
        }
    }
    Ok(stores)
}
