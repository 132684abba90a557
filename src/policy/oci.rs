//! [`OciPolicy`]: the trust policy for artifacts in registries and layouts,
//! selected by repository.

use std::collections::HashMap;

use super::document::{self, RawDocument};
use super::error::{DocumentKind, Place, PolicyError};
use super::scope;
use super::statement::{Entry, Selection, Statements, check_document};
use crate::error::{ErrorKind, quote};
use crate::limits::Limits;

const KIND: DocumentKind = DocumentKind::Oci;

/// A valid OCI trust policy.
#[derive(Clone, Debug)]
pub struct OciPolicy {
    entries: Vec<Entry>,
    /// Position in `entries`.
    by_scope: HashMap<String, usize>,
    global: Option<usize>,
}

impl OciPolicy {
    /// Reads a document and checks every rule of version 1.0.
    ///
    /// # Errors
    /// The first rule that is broken, with the statement and the field, or
    /// [`Limits::policy_bytes`] exceeded.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, PolicyError> {
        let raw = document::read(KIND, bytes, limits)?;
        check_document(KIND, &raw)?;
        let mut statements = Statements::new(KIND, limits);
        let entries = raw
            .statements
            .iter()
            .enumerate()
            .map(|(index, statement)| statements.read(index, statement))
            .collect::<Result<Vec<_>, _>>()?;
        let by_scope = scopes(&raw)?;
        let policy = Self {
            global: by_scope.get(scope::GLOBAL).copied(),
            entries,
            by_scope,
        };
        policy.refuse_global_skip()?;
        Ok(policy)
    }

    /// The statement for an artifact, by its reference: repository, `@` and
    /// digest, for example `registry.example.com/app@sha256:…`.
    ///
    /// A tag names no one artifact for ever; resolve it, and use the digest or
    /// [`select_for_scope`](Self::select_for_scope).
    ///
    /// # Errors
    /// Where the reference has no digest, the repository is malformed
    /// ([`ErrorKind::Usage`]), or no statement applies
    /// ([`ErrorKind::PolicyNotApplicable`]).
    pub fn select_for_reference(
        &self,
        artifact_reference: &str,
    ) -> Result<Selection<'_>, PolicyError> {
        let Some((repository, _digest)) = artifact_reference.rsplit_once('@') else {
            return Err(Place::document(KIND)
                .error(
                    "reference-invalid",
                    "is no reference with a digest",
                    "write registry, repository and digest, \
                     for example `registry.example.com/app@sha256:…`",
                )
                .with_value(artifact_reference)
                .with_kind(ErrorKind::Usage));
        };
        self.select_for_scope(repository)
    }

    /// The statement for the repository `scope`: the one that names it, else
    /// the one with the global scope.
    ///
    /// # Errors
    /// Where the scope is malformed ([`ErrorKind::Usage`]) or no statement
    /// applies ([`ErrorKind::PolicyNotApplicable`]).
    pub fn select_for_scope(&self, scope: &str) -> Result<Selection<'_>, PolicyError> {
        let place = Place::document(KIND);
        scope::check(scope, place).map_err(|error| error.with_kind(ErrorKind::Usage))?;
        self.by_scope
            .get(scope)
            .copied()
            .or(self.global)
            .and_then(|index| self.entries.get(index))
            .map(Entry::selection)
            .ok_or_else(|| {
                place
                    .error(
                        "policy-not-applicable",
                        "is in the `registryScopes` of no statement",
                        "add the repository to a statement, or a statement with the scope `*`",
                    )
                    .with_value(scope)
                    .with_kind(ErrorKind::PolicyNotApplicable)
            })
    }

    /// Every statement, in the order of the document.
    pub fn statements(&self) -> impl Iterator<Item = Selection<'_>> {
        self.entries.iter().map(Entry::selection)
    }

    /// `skip` for every artifact would be a policy that verifies nothing
    /// (trust-store-trust-policy, "Signature Verification details").
    fn refuse_global_skip(&self) -> Result<(), PolicyError> {
        let Some(index) = self.global else {
            return Ok(());
        };
        match self.entries.get(index) {
            Some(entry) if entry.is_skip() => Err(Place::document(KIND)
                .statement(index, entry.name())
                .field("signatureVerification.level")
                .error(
                    "policy-skip-global",
                    "is not allowed with the scope `*`",
                    "name the repositories that are not verified",
                )
                .with_value("skip")),
            _ => Ok(()),
        }
    }
}

/// The scopes of all statements; each is in one statement, once.
fn scopes(document: &RawDocument) -> Result<HashMap<String, usize>, PolicyError> {
    let mut by_scope: HashMap<String, usize> = HashMap::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let place = Place::document(KIND)
            .statement(index, &statement.name)
            .field("registryScopes");
        if statement.scopes.is_empty() {
            return Err(place.error(
                "policy-scopes-empty",
                "there is no scope",
                "name at least one repository, or `*` for all",
            ));
        }
        let has_global = statement.scopes.iter().any(|scope| scope == scope::GLOBAL);
        if has_global && statement.scopes.len() > 1 {
            return Err(place
                .error(
                    "policy-scope-wildcard-mixed",
                    "stands beside other scopes",
                    "let `*` stand alone, or name repositories only",
                )
                .with_value(scope::GLOBAL));
        }
        for scope in &statement.scopes {
            if scope != scope::GLOBAL {
                scope::check(scope, place)?;
            }
            if let Some(earlier) = by_scope.insert(scope.clone(), index) {
                let earlier = document
                    .statements
                    .get(earlier)
                    .map_or("", |statement| statement.name.as_str());
                return Err(place
                    .error(
                        "policy-scope-duplicate",
                        format!("is a scope of statement {} already", quote(earlier)),
                        "let each scope stand in one statement, once",
                    )
                    .with_value(scope.as_str()));
            }
        }
    }
    Ok(by_scope)
}
