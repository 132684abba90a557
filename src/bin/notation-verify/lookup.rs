//! Which signatures an image has and what is in them, for `inspect` and `list`.
//! Integrity is verified, trust is not looked at.

use std::time::Duration;

use notation_verifier::envelope::Signed;
use notation_verifier::io::{Budget, Cancel, Host, LayoutHost, Run, drive};
use notation_verifier::oci::{ImageList, LayoutReference};
use notation_verifier::outcome::{Check, Rejection};
use notation_verifier::report::{SignatureReport, SignatureResult};
use notation_verifier::session::{ImageRequest, Platforms};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Error, ErrorKind, Limits, OciPolicy, Verifier};

use crate::registry::RegistryArgs;
use crate::{input, interrupt};

/// A policy under which every signature is looked at and nothing is fetched but
/// signatures. What it says of trust is thrown away.
const LOOK_AT_ALL: &str = r#"{"version": "1.0", "trustPolicies": [{
    "name": "inspection", "registryScopes": ["*"],
    "signatureVerification": {"level": "audit", "override": {"revocation": "skip"}},
    "trustStores": ["ca:none"], "trustedIdentities": ["*"]}]}"#;

/// One signature that was found.
pub struct Entry {
    pub manifest_digest: Option<String>,
    pub envelope_digest: Option<String>,
    pub media_type: Option<String>,
    pub content: Content,
}

/// How far a signature could be read.
pub enum Content {
    /// Its integrity is verified.
    Signed(Box<Signed>),
    /// Its manifest, envelope or integrity is bad.
    Broken(Rejection),
    /// It could not be fetched.
    Unavailable(String),
}

/// An image and its signatures.
pub struct Found {
    pub name: String,
    pub artifact: Descriptor,
    pub entries: Vec<Entry>,
    /// What could not be looked at, or was not.
    pub problems: Vec<String>,
    /// Whether something could not be, so that there may be more.
    pub incomplete: bool,
}

/// The signatures of an image in a layout.
pub fn in_layout(path: &std::path::Path, reference: &str) -> Result<Found, Error> {
    let limits = Limits::default();
    LayoutReference::parse(reference)?;
    let layout = input::layout(path, &limits)?;
    look(
        &mut LayoutHost::new(&layout),
        format!("{reference} in {}", path.display()),
        "layout.example/image".to_owned(),
        reference.trim_start_matches(['@', ':']).to_owned(),
    )
}

/// The signatures of an image in a registry.
pub fn in_registry(
    reference: &str,
    registry: &RegistryArgs,
    timeout: Option<Duration>,
) -> Result<Found, Error> {
    let limits = Limits::default();
    let mut list = ImageList::new();
    list.add_reference(reference, &limits)?;
    let client = registry.client(list.references(), &limits)?;
    let cancel = Cancel::new();
    interrupt::on_signal(&cancel)?;
    let mut run = Run::default().with_cancel(cancel);
    if let Some(timeout) = timeout {
        run = run.with_budget(Budget::of(timeout));
    }
    let parsed = list
        .references()
        .first()
        .ok_or_else(|| Error::new(ErrorKind::Usage, "give a reference"))?;
    let named = parsed.identifier().unwrap_or_default();
    look(
        &mut client.host(parsed).in_run(run),
        reference.to_owned(),
        parsed.scope(),
        named,
    )
}

fn look(
    host: &mut dyn Host,
    name: String,
    scope: String,
    reference: String,
) -> Result<Found, Error> {
    let policy = OciPolicy::parse(LOOK_AT_ALL.as_bytes(), &Limits::default())?;
    let verifier = Verifier::builder().oci_policy(policy).build();
    let session = verifier.verify_image(ImageRequest {
        name: name.clone(),
        scope,
        reference,
        user_metadata: [].into(),
        max_signatures: None,
        all_signatures: true,
        platforms: Platforms::Named,
        now: input::now(),
    })?;
    let report = drive(session, host)?;
    let failures = report.lookup_failures();
    let Some(artifact) = report.target().cloned() else {
        return Err(Error::new(ErrorKind::Artifact, failures.join("; ")));
    };
    if report.signatures().is_empty() && !failures.is_empty() {
        return Err(Error::new(ErrorKind::Artifact, failures.join("; ")));
    }
    let problems = failures.iter().chain(report.warnings()).cloned().collect();
    Ok(Found {
        name,
        artifact,
        entries: report.signatures().iter().map(Entry::of).collect(),
        problems,
        incomplete: !failures.is_empty(),
    })
}

impl Entry {
    fn of(signature: &SignatureReport) -> Self {
        let content = match signature.result() {
            SignatureResult::Evaluated {
                signed: Some(signed),
                ..
            } => Content::Signed(signed.clone()),
            SignatureResult::Evaluated { outcome, .. } => {
                let why = outcome
                    .finding(Check::Integrity)
                    .and_then(|finding| finding.rejection());
                match why {
                    Some(rejection) => Content::Broken(rejection.clone()),
                    None => Content::Unavailable("it was not looked at".to_owned()),
                }
            }
            SignatureResult::Unusable(rejection) => Content::Broken(rejection.clone()),
            SignatureResult::Unavailable(why) => Content::Unavailable(why.clone()),
        };
        Self {
            manifest_digest: signature.manifest_digest().map(str::to_owned),
            envelope_digest: signature.envelope_digest().map(str::to_owned),
            media_type: signature.media_type().map(str::to_owned),
            content,
        }
    }

    /// The content, where its integrity is verified.
    pub fn signed(&self) -> Option<&Signed> {
        match &self.content {
            Content::Signed(signed) => Some(signed),
            Content::Broken(_) | Content::Unavailable(_) => None,
        }
    }

    /// What is wrong, where something is.
    pub fn problem(&self) -> Option<&str> {
        match &self.content {
            Content::Signed(_) => None,
            Content::Broken(rejection) => Some(&rejection.detail),
            Content::Unavailable(why) => Some(why),
        }
    }
}
