//! [`nv_verifier`] and the builder that makes one from memory.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};

use notation::io::ConfigDirectory;
use notation::io::evidence::{EvidenceFetcher, FetchOptions};
use notation::outcome::Check;
use notation::policy::Selection;
use notation::trust::{StoreName, TrustStoreBuilder};
use notation::{BlobPolicy, Error, ErrorKind, Limits, OciPolicy, Time, TrustStore, Verifier};
use serde_json::{Value, json};

use crate::clock;
use crate::error::nv_error;
use crate::ffi::{Out, Text, free, guard, guard_or, handle, no_text, nv_str, octets, text};
use crate::options::{VerifierOptions, moment, parse, usage};
use crate::registry::Registries;
use crate::status::{NV_DONE, NV_ERROR_STATE, nv_status};

/// Trust policies, trust stores, bounds, and what verifications share: chains of
/// certificates, revocation evidence. Make one for a whole process and use it
/// from as many threads as you like. The caller owns it.
pub struct nv_verifier {
    verifier: Verifier,
    fetching: FetchOptions,
    fetcher: EvidenceFetcher,
    registries: Registries,
    at: Option<Time>,
    warnings: Vec<String>,
    description: OnceLock<Text>,
}

// Handles that threads may share.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<nv_verifier>();
    shared::<crate::report::nv_report>();
    shared::<crate::session::nv_session>();
    shared::<crate::resolve::nv_descriptor>();
    shared::<crate::resolve::nv_thumbprints>();
    shared::<crate::signing::nv_signing_report>();
    shared::<nv_verifier_builder>();
};

/// The moment of one verification.
pub(crate) struct Moment {
    pub time: Time,
    /// Whether the caller named it.
    pub given: bool,
}

impl nv_verifier {
    fn new(
        verifier: Verifier,
        options: &VerifierOptions,
        store_warnings: Vec<String>,
    ) -> Result<Self, Error> {
        let (fetching, warnings) = options.fetching(verifier.limits())?;
        let provider = *verifier.provider();
        Ok(Self {
            fetcher: EvidenceFetcher::new(fetching.clone(), provider, verifier.limits()),
            registries: Registries::new(options.registries(verifier.limits())?),
            at: options.moment()?,
            warnings: store_warnings.into_iter().chain(warnings).collect(),
            fetching,
            verifier,
            description: OnceLock::new(),
        })
    }

    pub(crate) fn core(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn registries(&self) -> &Registries {
        &self.registries
    }

    /// When a request is judged: as it says, else as the options say, else now.
    pub(crate) fn moment(&self, requested: Option<&str>) -> Result<Moment, Error> {
        let given = match requested {
            Some(text) => Some(moment(text)?),
            None => self.at,
        };
        Ok(Moment {
            time: given.unwrap_or_else(clock::now),
            given: given.is_some(),
        })
    }

    /// What fetches evidence for a verification at `moment`. One for another
    /// moment than the verifier's has caches of its own: what is current differs.
    pub(crate) fn fetcher(&self, moment: &Moment) -> EvidenceFetcher {
        let wanted = moment.given.then_some(moment.time);
        if wanted == self.at {
            return self.fetcher.clone();
        }
        let mut options = self.fetching.clone();
        options.moment = wanted;
        EvidenceFetcher::new(options, *self.verifier.provider(), self.verifier.limits())
    }

    /// What was given beforehand, for sessions: at whichever moment.
    pub(crate) fn evidence(&self) -> EvidenceFetcher {
        self.fetcher.clone()
    }

    /// What a person should know beside a verdict.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.warnings.iter().cloned()
    }

    fn description(&self) -> nv_str {
        self.description
            .get_or_init(|| Text::new(self.describe().to_string()))
            .lend()
    }

    fn describe(&self) -> Value {
        let oci = self.verifier.oci_policy().map(OciPolicy::statements);
        let blob = self.verifier.blob_policy().map(BlobPolicy::statements);
        let trust = self.verifier.trust_store();
        let stores: serde_json::Map<String, Value> = trust
            .names()
            .map(|name| (name.to_string(), store(trust, name)))
            .collect();
        json!({
            "cryptography": self.verifier.provider().name,
            "policies": {
                "oci": oci.map(|all| all.map(|one| statement(&one)).collect::<Vec<_>>()),
                "blob": blob.map(|all| all.map(|one| statement(&one)).collect::<Vec<_>>()),
            },
            "trustStores": stores,
            "warnings": self.warnings,
        })
    }
}

fn statement(selection: &Selection<'_>) -> Value {
    const NAMED: [Check; 5] = [
        Check::Integrity,
        Check::Authenticity,
        Check::AuthenticTimestamp,
        Check::Expiry,
        Check::Revocation,
    ];
    match selection {
        Selection::Skip { statement } => json!({
            "name": statement, "level": "skip", "enforcement": {}, "trustStores": [],
        }),
        Selection::Verify(statement) => {
            let enforcement: serde_json::Map<String, Value> = NAMED
                .iter()
                .map(|check| {
                    let action = statement.action(*check).as_str();
                    (check.as_str().to_owned(), action.into())
                })
                .collect();
            let stores: Vec<String> = statement
                .trust_stores()
                .iter()
                .map(ToString::to_string)
                .collect();
            json!({
                "name": statement.name(),
                "level": statement.level().as_str(),
                "enforcement": enforcement,
                "trustStores": stores,
            })
        }
    }
}

fn store(trust: &TrustStore, name: &StoreName) -> Value {
    match trust.get(name) {
        Ok(certificates) => json!({
            "certificates": certificates
                .iter()
                .map(|one| notation::report::certificate(&one.summary(None)))
                .collect::<Vec<_>>(),
            "error": Value::Null,
        }),
        Err(rejection) => json!({ "certificates": [], "error": rejection.detail }),
    }
}

/// Collects trust policies and trust stores from memory. One call at a time. The
/// caller owns it.
pub struct nv_verifier_builder {
    parts: Mutex<Parts>,
}

struct Parts {
    options: VerifierOptions,
    limits: Limits,
    oci_policy: Option<OciPolicy>,
    blob_policy: Option<BlobPolicy>,
    stores: TrustStoreBuilder,
}

impl nv_verifier_builder {
    fn parts(&self) -> Result<MutexGuard<'_, Parts>, nv_error> {
        lock(&self.parts, "builder")
    }
}

/// The state behind a handle that one call at a time may use.
pub(crate) fn lock<'a, T>(state: &'a Mutex<T>, what: &str) -> Result<MutexGuard<'a, T>, nv_error> {
    state.try_lock().map_err(|error| {
        let why = match error {
            TryLockError::WouldBlock => "another call is using it: one call at a time",
            TryLockError::Poisoned(_) => "an earlier call failed inside: free it",
        };
        nv_error::new(NV_ERROR_STATE, format!("the {what} cannot be used: {why}"))
    })
}

/// Makes a verifier from a Notation configuration directory: the trust policies
/// that are there (one for OCI artifacts, one for blobs, or both) and every trust
/// store that they name. With `path_len` 0 it is the directory of the user who
/// runs the process.
///
/// `options` is a JSON object, or nothing. All members can be left out:
///
///     {"cryptography": "preferred" | "portable",
///      "at": "2026-01-31T12:00:00Z",       judge as of this moment, not of now
///      "limits": {"signatures": 100, ...},   bounds, see the Rust type `Limits`
///      "revocation": {
///        "mode": "online" | "cache-only" | "offline",
///        "ocspTimeoutMs": 2000, "crlTimeoutMs": 5000, "maxRedirects": 5,
///        "cacheDirectory": "...", "preload": ["file or directory", ...],
///        "preloadForUrl": {"http://...": "file"},
///        "allowedHosts": ["*.example.com", ...], "allowPrivateAddresses": false},
///      "registry": {
///        "plainHttp": ["host:5000", ...], "loopbackHttps": false,
///        "caFiles": ["file", ...], "ignoreSystemRoots": false,
///        "clientCertificate": {"chain": "file", "key": "file"},
///        "credentials": "docker" | "none", "dockerConfig": "directory",
///        "allowedRealms": ["host", ...], "concurrency": 16,
///        "referrersPerSecond": 50, "attempts": 5, "attemptTimeoutMs": 30000,
///        "longestPauseMs": 60000, "maxRedirects": 5}}
///
/// `revocation` and `registry` are for whole calls; with a session the host fetches, apart
/// from what `preload` and `preloadForUrl` have: that is used first, and the session has
/// no need for it.
/// Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_from_directory(
    path: *const c_char,
    path_len: usize,
    options: *const c_char,
    options_len: usize,
    verifier: *mut *mut nv_verifier,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (path, options, out) = unsafe {
            (
                text(path, path_len, "path")?,
                text(options, options_len, "options")?,
                Out::new(verifier, "verifier")?,
            )
        };
        let options: VerifierOptions = parse(options, "options")?;
        let directory = if path.is_empty() {
            ConfigDirectory::platform_default().ok_or_else(|| {
                usage(
                    "there is no configuration directory: set HOME or XDG_CONFIG_HOME, or name one",
                )
            })?
        } else {
            ConfigDirectory::at(path)
        };
        if !directory.path().is_dir() {
            return Err(usage(format!(
                "the configuration directory `{}` does not exist",
                directory.path().display()
            ))
            .into());
        }
        let configured = directory.verifier(options.provider(), options.limits())?;
        let warnings = configured.warnings.iter().map(ToString::to_string);
        let warnings = warnings.collect();
        out.give(nv_verifier::new(configured.verifier, &options, warnings)?);
        Ok(NV_DONE)
    })
}

/// Starts a verifier from memory; `options` as for `nv_verifier_from_directory`.
/// Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_new(
    options: *const c_char,
    options_len: usize,
    builder: *mut *mut nv_verifier_builder,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (options, out) = unsafe {
            (
                text(options, options_len, "options")?,
                Out::new(builder, "builder")?,
            )
        };
        let options: VerifierOptions = parse(options, "options")?;
        out.give(nv_verifier_builder {
            parts: Mutex::new(Parts {
                limits: options.limits(),
                options,
                oci_policy: None,
                blob_policy: None,
                stores: TrustStore::builder(),
            }),
        });
        Ok(NV_DONE)
    })
}

/// Sets the trust policy for OCI artifacts, a document of the form of
/// `trustpolicy.oci.json`. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_set_oci_policy(
    builder: *mut nv_verifier_builder,
    document: *const u8,
    document_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (builder, document) = unsafe {
            (
                handle(builder, "builder")?,
                octets(document, document_len, "document")?,
            )
        };
        let mut parts = builder.parts()?;
        parts.oci_policy = Some(OciPolicy::parse(document, &parts.limits).map_err(Error::from)?);
        Ok(NV_DONE)
    })
}

/// Sets the trust policy for blobs, a document of the form of
/// `trustpolicy.blob.json`. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_set_blob_policy(
    builder: *mut nv_verifier_builder,
    document: *const u8,
    document_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (builder, document) = unsafe {
            (
                handle(builder, "builder")?,
                octets(document, document_len, "document")?,
            )
        };
        let mut parts = builder.parts()?;
        parts.blob_policy = Some(BlobPolicy::parse(document, &parts.limits).map_err(Error::from)?);
        Ok(NV_DONE)
    })
}

/// Adds certificates to the trust store `store`, named as trust policies name it
/// ("ca:acme", "signingAuthority:acme", "tsa:acme"): PEM, or DER certificates one
/// after the other. May be called several times for one store. Returns `NV_DONE`
/// or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_add_certificates(
    builder: *mut nv_verifier_builder,
    store: *const c_char,
    store_len: usize,
    certificates: *const u8,
    certificates_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (builder, store, certificates) = unsafe {
            (
                handle(builder, "builder")?,
                text(store, store_len, "store")?,
                octets(certificates, certificates_len, "certificates")?,
            )
        };
        let mut parts = builder.parts()?;
        let name = StoreName::parse(store).map_err(|_| {
            usage(format!(
                "`{store}` is no name of a trust store: it has the form `ca:name`, \
                 `signingAuthority:name` or `tsa:name`"
            ))
        })?;
        let provider = parts.options.provider();
        let stores = parts.stores.clone().add_pem(
            name.kind(),
            name.name(),
            certificates,
            &provider,
            &parts.limits,
        );
        parts.stores = stores.map_err(store_error)?;
        Ok(NV_DONE)
    })
}

fn store_error(error: notation::trust::StoreError) -> Error {
    let message = error.to_string();
    Error::with_source(ErrorKind::TrustStore, message, error)
}

/// Makes a verifier of what was collected. The builder stays, and is still the
/// caller's to free. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_build(
    builder: *mut nv_verifier_builder,
    verifier: *mut *mut nv_verifier,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (builder, out) =
            unsafe { (handle(builder, "builder")?, Out::new(verifier, "verifier")?) };
        let parts = builder.parts()?;
        let mut made = Verifier::builder()
            .provider(parts.options.provider())
            .limits(parts.limits.clone())
            .trust_store(parts.stores.clone().build());
        if let Some(policy) = &parts.oci_policy {
            made = made.oci_policy(policy.clone());
        }
        if let Some(policy) = &parts.blob_policy {
            made = made.blob_policy(policy.clone());
        }
        out.give(nv_verifier::new(made.build(), &parts.options, Vec::new())?);
        Ok(NV_DONE)
    })
}

/// Frees `*builder` and sets it to NULL. NULL and a pointer to NULL are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_builder_free(builder: *mut *mut nv_verifier_builder) {
    // SAFETY: a builder of this library, as the header asks.
    unsafe { free(builder) };
}

/// What the verifier goes by, as JSON: statements of the policies with their
/// levels, trust stores with their certificates or why they cannot be used, what
/// was passed over. It lives as long as the verifier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_description_json(verifier: *const nv_verifier) -> nv_str {
    // SAFETY: NULL, or a verifier that the caller keeps.
    let verifier = unsafe { verifier.as_ref() };
    guard_or(no_text(), || {
        verifier.map_or(no_text(), nv_verifier::description)
    })
}

/// Frees `*verifier` and sets it to NULL. NULL and a pointer to NULL are fine.
/// Sessions and reports that were made with it stay usable; calls that are using
/// it must have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_free(verifier: *mut *mut nv_verifier) {
    // SAFETY: a verifier of this library, as the header asks.
    unsafe { free(verifier) };
}
