//! How a verifier's whole calls ask registries: options, credentials from the
//! program.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notation::io::registry::{
    ClientCertificate, Credential, Credentials, DockerLogin, HostPattern, NoCredentials,
    RegistryClient, RegistryOptions, SystemRoots,
};
use notation::registry::Scheme;
use notation::{Error, Limits};
use serde::Deserialize;

use crate::error::nv_error;
use crate::ffi::{guard, handle, text};
use crate::options::usage;
use crate::status::{NV_DONE, NV_ERROR_ARGUMENT, NV_ERROR_STATE, nv_status};
use crate::verifier::nv_verifier;

/// The member `registry` of a verifier's options.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RegistrySettings {
    plain_http: Vec<String>,
    loopback_https: bool,
    ca_files: Vec<PathBuf>,
    ignore_system_roots: bool,
    client_certificate: Option<ClientFiles>,
    credentials: CredentialSource,
    docker_config: Option<PathBuf>,
    allowed_realms: Vec<String>,
    concurrency: Option<usize>,
    referrers_per_second: Option<u32>,
    attempts: Option<u32>,
    attempt_timeout_ms: Option<u64>,
    longest_pause_ms: Option<u64>,
    max_redirects: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientFiles {
    chain: PathBuf,
    key: PathBuf,
}

/// Where credentials come from, unless the program has a callback.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum CredentialSource {
    #[default]
    Docker,
    None,
}

impl RegistrySettings {
    pub fn options(&self, limits: &Limits) -> Result<RegistryOptions, Error> {
        let patterns = |texts: &[String]| {
            let parsed = texts.iter().map(|text| text.parse::<HostPattern>());
            parsed.collect::<Result<Vec<_>, _>>()
        };
        let mut options = RegistryOptions::default();
        options.plain_http = patterns(&self.plain_http)?;
        options.allowed_realms = patterns(&self.allowed_realms)?;
        if self.loopback_https {
            options.loopback = Scheme::Https;
        }
        options.tls.ca_files.clone_from(&self.ca_files);
        if self.ignore_system_roots {
            options.tls.system_roots = SystemRoots::Ignore;
        }
        options.tls.client_certificate = match &self.client_certificate {
            Some(files) => Some(ClientCertificate::read(&files.chain, &files.key).map_err(usage)?),
            None => None,
        };
        options.credentials = match self.credentials {
            CredentialSource::Docker => Arc::new(DockerLogin {
                directory: self.docker_config.clone(),
            }),
            CredentialSource::None => Arc::new(NoCredentials),
        };
        let pace = &mut options.pace;
        if let Some(most) = self.concurrency {
            pace.concurrency = most;
        }
        if let Some(most) = self.referrers_per_second {
            pace.referrers_per_second = most;
        }
        if let Some(most) = self.attempts {
            pace.attempts = most;
        }
        if let Some(most) = self.attempt_timeout_ms {
            pace.attempt_timeout = Duration::from_millis(most);
        }
        if let Some(most) = self.longest_pause_ms {
            pace.longest_pause = Duration::from_millis(most);
        }
        if let Some(most) = self.max_redirects {
            options.max_redirects = most;
        }
        options.limits = limits.clone();
        Ok(options)
    }
}

/// The registry client of a verifier, made when it is first needed.
pub(crate) struct Registries {
    options: RegistryOptions,
    client: Mutex<Option<RegistryClient>>,
    callback: Mutex<Option<Callback>>,
}

impl Registries {
    pub fn new(options: RegistryOptions) -> Self {
        Self {
            options,
            client: Mutex::new(None),
            callback: Mutex::new(None),
        }
    }

    pub fn client(&self) -> RegistryClient {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client
            .get_or_insert_with(|| {
                let mut options = self.options.clone();
                let callback = self.callback.lock();
                if let Some(callback) = &*callback.unwrap_or_else(PoisonError::into_inner) {
                    options.credentials = Arc::new(callback.clone());
                }
                RegistryClient::new(options)
            })
            .clone()
    }

    fn call_for_credentials(&self, callback: Callback) -> Result<(), nv_error> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_some() {
            return Err(nv_error::new(
                NV_ERROR_STATE,
                "the verifier has asked registries already: set the callback before that",
            ));
        }
        *self.callback.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
        Ok(())
    }
}

/// What a credential callback answers with; it is there until the callback returns.
/// An answer that is given replaces an earlier one; with none the registry is asked
/// anonymously.
pub struct nv_credential {
    answer: Mutex<Result<Option<Credential>, String>>,
}

/// Asks the program who it is at the registry `registry` ("registry.example:5000", with
/// a NUL after it): it answers with one of `nv_credential_set_...`, or not at all. It is
/// called from any thread, also from several at once, for each registry before it is
/// asked for credentials first, and again where they were refused. What it answers goes
/// to that registry and its token server and nowhere else.
pub type nv_credential_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        registry: *const c_char,
        registry_len: usize,
        credential: *mut nv_credential,
    ),
>;

#[derive(Clone)]
struct Callback {
    function: unsafe extern "C" fn(*mut c_void, *const c_char, usize, *mut nv_credential),
    context: *mut c_void,
}

// SAFETY: the header asks for a function and a context that any thread may use.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Credentials for Callback {
    fn find(&self, registry: &str) -> Result<Option<Credential>, String> {
        let mut credential = nv_credential {
            answer: Mutex::new(Ok(None)),
        };
        let name = format!("{registry}\0");
        // SAFETY: the program gave a function of this type, which must return; what it
        // is lent lives until then.
        unsafe {
            (self.function)(
                self.context,
                name.as_ptr().cast(),
                registry.len(),
                &raw mut credential,
            );
        }
        credential
            .answer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl nv_credential {
    fn set(&self, answer: Result<Option<Credential>, String>) -> nv_status {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        NV_DONE
    }
}

/// Lets the program say who it is at each registry, for whole calls. Without it the
/// option `credentials` decides. To be set before the verifier asks a registry first.
/// `context` is handed to `callback` and must live as long as the verifier and every
/// call that uses it. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_verifier_set_credential_callback(
    verifier: *mut nv_verifier,
    callback: nv_credential_fn,
    context: *mut c_void,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let verifier = unsafe { handle(verifier, "verifier") }?;
        let function =
            callback.ok_or_else(|| nv_error::new(NV_ERROR_ARGUMENT, "`callback` is NULL"))?;
        let callback = Callback { function, context };
        verifier.registries().call_for_credentials(callback)?;
        Ok(NV_DONE)
    })
}

/// Answers with a user name and a password. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_credential_set_password(
    credential: *mut nv_credential,
    username: *const c_char,
    username_len: usize,
    password: *const c_char,
    password_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (credential, username, password) = unsafe {
            (
                handle(credential, "credential")?,
                text(username, username_len, "username")?,
                text(password, password_len, "password")?,
            )
        };
        Ok(credential.set(Ok(Some(Credential::password(username, password)))))
    })
}

/// Answers with an identity token, which is exchanged for others (a refresh token of
/// OAuth 2). Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_credential_set_identity_token(
    credential: *mut nv_credential,
    token: *const c_char,
    token_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (credential, token) = unsafe {
            (
                handle(credential, "credential")?,
                text(token, token_len, "token")?,
            )
        };
        Ok(credential.set(Ok(Some(Credential::IdentityToken(token.into())))))
    })
}

/// Answers with a token that the registry itself takes. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_credential_set_registry_token(
    credential: *mut nv_credential,
    token: *const c_char,
    token_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (credential, token) = unsafe {
            (
                handle(credential, "credential")?,
                text(token, token_len, "token")?,
            )
        };
        Ok(credential.set(Ok(Some(Credential::RegistryToken(token.into())))))
    })
}

/// Answers that there should be a credential and it cannot be had, and why, without any
/// secret: the look-up then fails. Returns `NV_DONE` or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nv_credential_set_failed(
    credential: *mut nv_credential,
    why: *const c_char,
    why_len: usize,
    error: *mut *mut nv_error,
) -> nv_status {
    guard(error, || {
        // SAFETY: the parameters are what the header asks for.
        let (credential, why) = unsafe {
            (
                handle(credential, "credential")?,
                text(why, why_len, "why")?,
            )
        };
        Ok(credential.set(Err(why.to_owned())))
    })
}
