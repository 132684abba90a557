//! JSON from callers: how a verifier is to be made. Members that are not known
//! are refused, so that a misspelt option is not a silent default.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use notation::io::evidence::{DirectoryOptions, FetchOptions, HostPattern, Mode, PrivateAddresses};
use notation::io::registry::RegistryOptions;
use notation::{Error, ErrorKind, Limits, Provider, Time};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::registry::RegistrySettings;

/// Octets of a JSON parameter. Evidence and envelopes come as raw octets, so
/// what is left is short.
const MAX_JSON: usize = 1024 * 1024;
/// Octets of a list of images: a hundred thousand with all their members.
const MAX_LIST: usize = 64 * 1024 * 1024;

/// Parses the JSON parameter `name`; nothing at all is `{}`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Error> {
    bounded(text, name, MAX_JSON)
}

/// The same for a list of images.
pub(crate) fn parse_list<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Error> {
    bounded(text, name, MAX_LIST)
}

fn bounded<T: DeserializeOwned>(text: &str, name: &str, most: usize) -> Result<T, Error> {
    if text.len() > most {
        return Err(usage(format!(
            "`{name}` has more than {most} octets of JSON"
        )));
    }
    let text = if text.is_empty() { "{}" } else { text };
    // The parser would take an array for the members in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(usage(format!("`{name}`: it is no JSON object")));
    }
    serde_json::from_str(text).map_err(|error| usage(format!("`{name}`: {error}")))
}

pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

/// A moment in a request or in options.
pub(crate) fn moment(text: &str) -> Result<Time, Error> {
    Time::parse_rfc3339(text).ok_or_else(|| {
        usage("the member `at` is no time of the form 2026-01-31T12:00:00Z (RFC 3339)")
    })
}

/// How a verifier is made.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VerifierOptions {
    cryptography: Cryptography,
    limits: LimitOptions,
    revocation: RevocationOptions,
    registry: RegistrySettings,
    at: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Cryptography {
    #[default]
    Preferred,
    Portable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct RevocationOptions {
    mode: RevocationMode,
    ocsp_timeout_ms: Option<u64>,
    crl_timeout_ms: Option<u64>,
    max_redirects: Option<usize>,
    cache_directory: Option<PathBuf>,
    preload: Vec<PathBuf>,
    preload_for_url: BTreeMap<String, PathBuf>,
    allowed_hosts: Vec<String>,
    allow_private_addresses: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RevocationMode {
    #[default]
    Online,
    CacheOnly,
    Offline,
}

impl VerifierOptions {
    pub fn provider(&self) -> Provider {
        match self.cryptography {
            Cryptography::Preferred => Provider::preferred(),
            Cryptography::Portable => Provider::PORTABLE,
        }
    }

    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        self.limits.apply(&mut limits);
        limits
    }

    /// How registries are asked.
    pub fn registries(&self, limits: &Limits) -> Result<RegistryOptions, Error> {
        self.registry.options(limits)
    }

    pub fn moment(&self) -> Result<Option<Time>, Error> {
        self.at.as_deref().map(moment).transpose()
    }

    /// What fetches revocation evidence, and what a person should know of the
    /// files that were given.
    pub fn fetching(&self, limits: &Limits) -> Result<(FetchOptions, Vec<String>), Error> {
        let given = &self.revocation;
        let mut options = FetchOptions::default();
        options.mode = match given.mode {
            RevocationMode::Online => Mode::Online,
            RevocationMode::CacheOnly => Mode::CacheOnly,
            RevocationMode::Offline => Mode::Offline,
        };
        if let Some(timeout) = given.ocsp_timeout_ms {
            options.ocsp_timeout = Duration::from_millis(timeout);
        }
        if let Some(timeout) = given.crl_timeout_ms {
            options.crl_timeout = Duration::from_millis(timeout);
        }
        if let Some(most) = given.max_redirects {
            options.max_redirects = most;
        }
        options.directory = given.cache_directory.as_ref().map(DirectoryOptions::new);
        options.egress.allowed_hosts = given
            .allowed_hosts
            .iter()
            .map(|host| host.parse::<HostPattern>())
            .collect::<Result<_, _>>()?;
        if given.allow_private_addresses {
            options.egress.private_addresses = PrivateAddresses::Allow;
        }
        options.moment = self.moment()?;
        let mut warnings = Vec::new();
        for path in &given.preload {
            warnings.extend(options.preloaded.add(path, limits)?);
        }
        for (url, path) in &given.preload_for_url {
            options.preloaded.add_for_url(url, path, limits)?;
        }
        Ok((options, warnings))
    }
}

macro_rules! limits {
    ($($name:ident: $type:ty,)+) => {
        /// Bounds that differ from the default ones: the fields of `Limits`.
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase", deny_unknown_fields)]
        struct LimitOptions { $($name: Option<$type>,)+ }

        impl LimitOptions {
            fn apply(&self, limits: &mut Limits) {
                $(if let Some(value) = self.$name {
                    limits.$name = value;
                })+
            }
        }
    };
}

limits! {
    envelope_bytes: usize,
    protected_header_bytes: usize,
    header_parameters: usize,
    payload_bytes: usize,
    manifest_bytes: usize,
    policy_bytes: usize,
    policy_values: usize,
    policy_identities: usize,
    trust_store_file_bytes: usize,
    trust_store_bytes: usize,
    trust_store_files: usize,
    certificate_bytes: usize,
    chain_certificates: usize,
    token_bytes: usize,
    signatures: usize,
    referrer_pages: usize,
    referrers: usize,
    artifact_bytes: u64,
    evidence_bytes: usize,
    ocsp_response_bytes: usize,
    revocation_addresses: usize,
    evidence_rounds: usize,
    tar_entries: usize,
    tar_stream_bytes: u64,
    blob_bytes: u64,
    cached_chains: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_not_known_are_refused() {
        for text in [
            r#"{"revocatoin": {}}"#,
            r#"{"revocation": {"mod": "offline"}}"#,
            r#"{"limits": {"signature": 1}}"#,
            r#"{"registry": {"plainHttps": []}}"#,
            r#"{"cryptography": "best"}"#,
            r#"[]"#,
            r#"{} {}"#,
        ] {
            let error = parse::<VerifierOptions>(text, "options").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(error.to_string().starts_with("`options`: "), "{error}");
        }
    }

    #[test]
    fn options_arrive() {
        let text = r#"{"cryptography": "portable", "limits": {"signatures": 3},
            "revocation": {"mode": "cache-only", "ocspTimeoutMs": 7, "allowedHosts": ["*.a.example"]},
            "at": "2026-01-31T12:00:00Z"}"#;
        let options: VerifierOptions = parse(text, "options").unwrap();
        assert_eq!(options.provider().name, "portable");
        assert_eq!(options.limits().signatures, 3);
        assert_eq!(
            options.limits().envelope_bytes,
            Limits::default().envelope_bytes
        );
        let (fetching, warnings) = options.fetching(&Limits::default()).unwrap();
        assert_eq!(fetching.mode, Mode::CacheOnly);
        assert_eq!(fetching.ocsp_timeout, Duration::from_millis(7));
        assert_eq!(fetching.egress.allowed_hosts.len(), 1);
        assert_eq!(warnings, Vec::<String>::new());
        assert!(options.moment().unwrap().is_some());
        assert!(parse::<VerifierOptions>("", "options").is_ok());
        let bad: VerifierOptions = parse(r#"{"at": "soon"}"#, "options").unwrap();
        assert!(bad.moment().is_err());
        let long = format!("{{\"at\": \"{}\"}}", "0".repeat(MAX_JSON));
        assert!(parse::<VerifierOptions>(&long, "options").is_err());
    }
}
