//! [`Verifier`]: policies, trust stores, cryptography and bounds, shared by all
//! verifications of a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::checks::{self, ChainCache, Facts, Target};
use crate::crypto::Provider;
use crate::envelope::Signed;
use crate::error::{Error, ErrorKind};
use crate::evidence::{Evidence, EvidenceReply, EvidenceSource};
use crate::limits::Limits;
use crate::outcome::{Outcome, Rejection};
use crate::policy::{BlobPolicy, OciPolicy, Selection};
use crate::report::{Report, SignatureReport, SignatureResult, Subject};
use crate::session::{BlobRequest, ImageRequest, Session};
use crate::time::Time;
use crate::trust::TrustStore;
use crate::wire::Descriptor;

/// Everything that verifications share. Cheap to clone; clones share one cache
/// of chains. Use one for a whole process, from as many threads as you like.
///
/// ```
/// use notation_verifier::{Limits, OciPolicy, TrustStore, Verifier};
///
/// let policy = br#"{"version":"1.0","trustPolicies":[{"name":"all","registryScopes":["*"],
///     "signatureVerification":{"level":"strict"},"trustStores":["ca:acme"],
///     "trustedIdentities":["*"]}]}"#;
/// let limits = Limits::default();
/// let verifier = Verifier::builder()
///     .oci_policy(OciPolicy::parse(policy, &limits)?)
///     .trust_store(TrustStore::default())
///     .build();
/// # let _ = verifier;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    provider: Provider,
    limits: Limits,
    oci_policy: Option<OciPolicy>,
    blob_policy: Option<BlobPolicy>,
    trust: TrustStore,
    chains: ChainCache,
    /// Chains of time-stamping authorities.
    authorities: ChainCache,
}

/// Collects the parts of a [`Verifier`].
#[derive(Debug)]
#[must_use]
pub struct VerifierBuilder {
    provider: Provider,
    limits: Limits,
    oci_policy: Option<OciPolicy>,
    blob_policy: Option<BlobPolicy>,
    trust: TrustStore,
}

impl VerifierBuilder {
    /// The trust policy for artifacts of registries and layouts.
    pub fn oci_policy(mut self, policy: OciPolicy) -> Self {
        self.oci_policy = Some(policy);
        self
    }

    /// The trust policy for blobs.
    pub fn blob_policy(mut self, policy: BlobPolicy) -> Self {
        self.blob_policy = Some(policy);
        self
    }

    /// The trust stores that the policies name.
    pub fn trust_store(mut self, trust: TrustStore) -> Self {
        self.trust = trust;
        self
    }

    /// Bounds other than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Cryptography other than [`Provider::preferred`].
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// The verifier.
    #[must_use]
    pub fn build(self) -> Verifier {
        Verifier {
            inner: Arc::new(Inner {
                chains: ChainCache::new(self.limits.cached_chains),
                authorities: ChainCache::new(self.limits.cached_chains),
                provider: self.provider,
                limits: self.limits,
                oci_policy: self.oci_policy,
                blob_policy: self.blob_policy,
                trust: self.trust,
            }),
        }
    }
}

/// What selects the statement of an OCI trust policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The artifact's reference with tag or digest; its repository is the scope.
    Reference(&'a str),
    /// The scope itself, `registry/repository`: for artifacts that are not in a
    /// registry.
    Repository(&'a str),
}

impl<'a> Scope<'a> {
    /// The text that the caller gave.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Reference(text) | Self::Repository(text) => text,
        }
    }
}

/// An envelope at hand, and the artifact that it should be of.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeRequest<'a> {
    /// What selects the policy statement.
    pub scope: Scope<'a>,
    /// The envelope's media type: `application/cose` or `application/jose+json`.
    pub media_type: &'a str,
    /// The envelope.
    pub envelope: &'a [u8],
    /// The artifact's descriptor.
    pub target: &'a Descriptor,
    /// Annotations that the signed payload must have.
    pub user_metadata: &'a BTreeMap<String, String>,
    /// The moment of verification.
    pub now: Time,
}

impl Verifier {
    /// Starts with nothing configured, default bounds and the fastest
    /// cryptography there is.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder {
            provider: Provider::preferred(),
            limits: Limits::default(),
            oci_policy: None,
            blob_policy: None,
            trust: TrustStore::default(),
        }
    }

    /// The bounds in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The cryptography in use.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.inner.provider
    }

    /// The trust policy for artifacts, where there is one.
    #[must_use]
    pub fn oci_policy(&self) -> Option<&OciPolicy> {
        self.inner.oci_policy.as_ref()
    }

    /// The trust policy for blobs, where there is one.
    #[must_use]
    pub fn blob_policy(&self) -> Option<&BlobPolicy> {
        self.inner.blob_policy.as_ref()
    }

    /// The trust stores.
    #[must_use]
    pub fn trust_store(&self) -> &TrustStore {
        &self.inner.trust
    }

    /// Starts the verification of an artifact whose signatures are yet to be
    /// found: see [`Session`].
    ///
    /// # Errors
    /// Where no policy statement applies.
    pub fn verify_image(&self, request: ImageRequest) -> Result<Session, Error> {
        Session::for_image(self, request)
    }

    /// Starts the verification of a blob with its detached signature.
    ///
    /// # Errors
    /// Where no policy statement applies.
    pub fn verify_blob(&self, request: BlobRequest) -> Result<Session, Error> {
        Session::for_blob(self, request)
    }

    /// Starts the verification of an envelope at hand, for hosts that fetch
    /// evidence themselves; [`verify_envelope`](Self::verify_envelope) is the same
    /// with a source that is called.
    ///
    /// # Errors
    /// Where no policy statement applies.
    pub fn envelope_session(&self, request: &EnvelopeRequest<'_>) -> Result<Session, Error> {
        Session::for_envelope(self, request)
    }

    /// Verifies an envelope against a descriptor. `evidence` is asked for OCSP
    /// answers and CRLs where the checks need them;
    /// [`NoEvidence`](crate::evidence::NoEvidence) has none.
    ///
    /// # Errors
    /// Where no policy statement applies.
    pub fn verify_envelope(
        &self,
        request: &EnvelopeRequest<'_>,
        evidence: &mut dyn EvidenceSource,
    ) -> Result<Report, Error> {
        let subject = Subject::Artifact(request.scope.as_str().to_owned());
        let statement = match self.select_oci(request.scope)? {
            Selection::Skip { statement } => {
                return Ok(Report::skipped(subject, statement, request.now));
            }
            Selection::Verify(statement) => statement,
        };
        let mut report = Report::start(subject, statement, request.now);
        report.target = Some(request.target.clone());
        let result = match self.integrity(request.media_type, request.envelope) {
            Err(rejection) => SignatureResult::integrity_failed(statement, rejection),
            Ok(signed) => {
                let facts = Facts {
                    signed: &signed,
                    statement,
                    trust: &self.inner.trust,
                    target: Target::Artifact(request.target),
                    user_metadata: request.user_metadata,
                    now: request.now,
                    stamped: None,
                    authorities: &self.inner.authorities,
                    provider: &self.inner.provider,
                    limits: &self.inner.limits,
                };
                let outcome = run_checks(&facts, evidence);
                SignatureResult::Evaluated {
                    outcome,
                    signed: Some(Box::new(signed)),
                }
            }
        };
        report.signatures.push(SignatureReport {
            manifest_digest: None,
            envelope_digest: None,
            media_type: Some(request.media_type.to_owned()),
            result,
        });
        Ok(report)
    }

    /// Verifies the integrity of an envelope and nothing else: well-formed,
    /// certificate rules, signature. For looking at what is in it; it says
    /// nothing about trust. The chain is kept for the next signature of the same
    /// signer.
    ///
    /// # Errors
    /// Why the envelope, its certificates or its signature is bad.
    pub fn integrity(&self, media_type: &str, bytes: &[u8]) -> Result<Signed, Rejection> {
        checks::integrity::verify(
            media_type,
            bytes,
            &self.inner.provider,
            &self.inner.chains,
            &self.inner.limits,
        )
    }

    pub(crate) fn authorities(&self) -> &ChainCache {
        &self.inner.authorities
    }

    pub(crate) fn select_oci(&self, scope: Scope<'_>) -> Result<Selection<'_>, Error> {
        let policy = self.inner.oci_policy.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::TrustPolicy,
                "no trust policy for OCI artifacts is configured: create `trustpolicy.oci.json` \
                 in the configuration directory, or give the verifier one",
            )
        })?;
        match scope {
            Scope::Reference(reference) => policy.select_for_reference(reference),
            Scope::Repository(repository) => policy.select_for_scope(repository),
        }
        .map_err(Into::into)
    }

    pub(crate) fn select_blob(&self, name: Option<&str>) -> Result<Selection<'_>, Error> {
        let policy = self.inner.blob_policy.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::TrustPolicy,
                "no trust policy for blobs is configured: create `trustpolicy.blob.json` in the \
                 configuration directory, or give the verifier one",
            )
        })?;
        policy.select(name).map_err(Into::into)
    }
}

/// Runs the checks, round after round of evidence. Past the bound of rounds
/// everything is unavailable, and the checks come to a result with that.
fn run_checks(facts: &Facts<'_>, source: &mut dyn EvidenceSource) -> Outcome {
    let mut evidence = Evidence::none();
    let mut round = 0;
    loop {
        match checks::run(facts, &evidence) {
            Ok(findings) => return Outcome::new(findings),
            Err(requests) => {
                let (mut replies, why) = if round < facts.limits.evidence_rounds {
                    (source.fetch_all(&requests), "it was not answered")
                } else {
                    let why = "too many rounds of evidence were needed (`evidence_rounds`)";
                    (Vec::new(), why)
                };
                // A source that answers less than it was asked is not asked again.
                replies.resize(requests.len(), EvidenceReply::Unavailable(why.to_owned()));
                for (request, reply) in requests.into_iter().zip(replies) {
                    evidence.insert(request, reply);
                }
                round += 1;
            }
        }
    }
}
