//! `config.json` of the Docker tools: where `docker login` keeps who you are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::secret::Secret;
use crate::wire;

/// Octets of the file. One with a hundred registries has 20 KiB.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Registries in the file.
const MAX_ENTRIES: usize = 10_000;
/// Octets of what a credential helper prints.
pub const MAX_HELPER_BYTES: usize = 64 * 1024;
/// What a helper gives for a user name where the secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// The name that `docker login` keeps Docker Hub under.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who you are at a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password.
    Password {
        /// User name.
        username: String,
        /// Password, or a token that is used as one.
        password: Secret,
    },
    /// A token that is exchanged for others (OAuth 2, refresh token).
    IdentityToken(Secret),
    /// A token that the registry itself takes.
    RegistryToken(Secret),
}

impl Credential {
    /// A user name and a password.
    #[must_use]
    pub fn password(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::Password {
            username: username.into(),
            password: password.into(),
        }
    }
}

/// Where the credential for a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In the file.
    Here(Credential),
    /// With the program `docker-credential-NAME`, under `server`; where that has
    /// none, `otherwise`.
    Helper {
        /// The last part of the program's name.
        name: String,
        /// What to ask it for.
        server: String,
        /// What the file has.
        otherwise: Option<Credential>,
    },
    /// Nowhere.
    Nowhere,
}

/// The parts of `config.json` that say who you are.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    auths: BTreeMap<String, RawAuth>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

impl DockerConfig {
    /// Parses the file.
    ///
    /// # Errors
    /// Where it is none; what is in it is not shown.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bad = |why: &str| format!("the Docker configuration is malformed: {why}");
        if bytes.len() > MAX_BYTES {
            return Err(bad(&format!("it has more than {MAX_BYTES} octets")));
        }
        // The cause may quote a secret.
        let raw: RawConfig = wire::json::from_slice(bytes).map_err(|_| {
            bad("it is not JSON, or `auths`, `credHelpers` or `credsStore` are not as they should be")
        })?;
        let auths = raw.auths.unwrap_or_default();
        let helpers = raw.cred_helpers.unwrap_or_default();
        if auths.len() > MAX_ENTRIES || helpers.len() > MAX_ENTRIES {
            return Err(bad(&format!("it names more than {MAX_ENTRIES} registries")));
        }
        Ok(Self {
            auths,
            helpers,
            store: raw.creds_store.filter(|name| !name.is_empty()),
        })
    }

    /// Where the credential for `registry` is, the part of a reference before the
    /// first `/`. The name is compared as a whole: a part of it, or another port,
    /// is another registry.
    ///
    /// # Errors
    /// Where the entry cannot be read, or the helper's name could be a path.
    pub fn find(&self, registry: &str) -> Result<Stored, String> {
        let bad =
            |why: &str| format!("the Docker configuration for `{registry}` is malformed: {why}");
        let here = match self.entry(registry) {
            Some(entry) => entry.credential().map_err(bad)?,
            None => None,
        };
        let server = match registry {
            "docker.io" => DOCKER_HUB,
            other => other,
        };
        let helper = self
            .helpers
            .get(server)
            .or_else(|| self.helpers.get(registry))
            .filter(|name| !name.is_empty())
            .or(self.store.as_ref());
        let Some(name) = helper else {
            return Ok(here.map_or(Stored::Nowhere, Stored::Here));
        };
        // It becomes the name of a program.
        let harmless = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !harmless {
            return Err(bad(
                "the name of its credential helper has other characters than letters, digits, `-`, `_` and `.`",
            ));
        }
        Ok(Stored::Helper {
            name: name.clone(),
            server: server.to_owned(),
            otherwise: here,
        })
    }

    fn entry(&self, registry: &str) -> Option<&RawAuth> {
        if registry == "docker.io"
            && let Some(entry) = self.auths.get(DOCKER_HUB)
        {
            return Some(entry);
        }
        self.auths.get(registry).or_else(|| {
            // Older tools wrote addresses.
            self.auths
                .iter()
                .find(|(key, _)| host_of(key) == registry)
                .map(|(_, entry)| entry)
        })
    }
}

/// `https://registry.example/v2/` is the entry of `registry.example`.
fn host_of(key: &str) -> &str {
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    rest.split('/').next().unwrap_or_default()
}

/// What a credential helper printed for `get`.
///
/// # Errors
/// Where it is no credential; what it printed is not shown.
pub fn parse_helper_reply(bytes: &[u8]) -> Result<Option<Credential>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Reply {
        #[serde(default)]
        username: String,
        #[serde(default)]
        secret: String,
    }
    if bytes.len() > MAX_HELPER_BYTES {
        return Err(format!("it printed more than {MAX_HELPER_BYTES} octets"));
    }
    let reply: Reply = wire::json::from_slice(bytes)
        .map_err(|_| "it printed no JSON with `Username` and `Secret`".to_owned())?;
    Ok(match (reply.username, reply.secret) {
        (username, secret) if username.is_empty() && secret.is_empty() => None,
        (username, secret) if username == TOKEN_USER => {
            Some(Credential::IdentityToken(secret.into()))
        }
        (username, secret) => Some(Credential::password(username, secret)),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawConfig {
    auths: Option<BTreeMap<String, RawAuth>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct RawAuth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// Its parts are secrets.
impl std::fmt::Debug for RawAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawAuth(…)")
    }
}

impl RawAuth {
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Credential::RegistryToken(token.into())));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credential::IdentityToken(token.into())));
        }
        if let Some(auth) = given(&self.auth) {
            let (username, password) =
                decode(&auth).ok_or("its `auth` is not `user:password` in base64")?;
            return Ok(Some(Credential::password(username, password)));
        }
        Ok(given(&self.username).map(|username| {
            Credential::password(username, self.password.clone().unwrap_or_default())
        }))
    }
}

fn decode(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(wire::base64::decode_standard(auth.trim())?).ok()?;
    let (username, password) = text.split_once(':')?;
    // Old tools filled the octets up.
    let password = password.trim_end_matches('\0');
    (!username.is_empty()).then(|| (username.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{
        "auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
            "plain.example": {"auth": "dTpwOnE="},
            "port.example:5000": {"username": "u", "password": "p"},
            "https://url.example/v2/": {"auth": "dTpw"},
            "token.example": {"auth": "dTpw", "identitytoken": "it"},
            "registry-token.example": {"registrytoken": "rt"},
            "kept.example": {},
            "bad.example": {"auth": "???"}
        },
        "credHelpers": {"helped.example": "acme", "path.example": "../sh"},
        "HttpHeaders": {"User-Agent": "x"}
    }"#;

    fn find(registry: &str) -> Result<Stored, String> {
        let config = DockerConfig::parse(CONFIG.as_bytes()).unwrap();
        config.find(registry)
    }

    fn here(username: &str, password: &str) -> Result<Stored, String> {
        Ok(Stored::Here(Credential::password(username, password)))
    }

    #[test]
    fn entries_are_found_by_their_whole_name() {
        assert_eq!(find("docker.io"), here("hub", "pw"));
        assert_eq!(find("plain.example"), here("u", "p:q"));
        assert_eq!(find("port.example:5000"), here("u", "p"));
        assert_eq!(find("url.example"), here("u", "p"));
        assert_eq!(
            find("token.example"),
            Ok(Stored::Here(Credential::IdentityToken("it".into())))
        );
        assert_eq!(
            find("registry-token.example"),
            Ok(Stored::Here(Credential::RegistryToken("rt".into())))
        );
        // CVE-2025-27403 (token to a foreign host): nothing but the exact host.
        for nowhere in [
            "kept.example",
            "other.example",
            "port.example",
            "plain.example:443",
            "plain.example.attacker.example",
            "example",
            "a.plain.example",
            "",
        ] {
            assert_eq!(find(nowhere), Ok(Stored::Nowhere), "{nowhere}");
        }
        assert!(find("bad.example").unwrap_err().contains("`auth`"));
    }

    #[test]
    fn helpers() {
        let helper = |name: &str, server: &str, otherwise| {
            Ok(Stored::Helper {
                name: name.to_owned(),
                server: server.to_owned(),
                otherwise,
            })
        };
        assert_eq!(
            find("helped.example"),
            helper("acme", "helped.example", None)
        );
        assert!(find("path.example").is_err());
        let config = br#"{"credsStore": "desktop", "auths": {"a.example": {"auth": "dTpw"}}}"#;
        let config = DockerConfig::parse(config).unwrap();
        let find = |registry| config.find(registry);
        assert_eq!(find("docker.io"), helper("desktop", DOCKER_HUB, None));
        let otherwise = Some(Credential::password("u", "p"));
        assert_eq!(find("a.example"), helper("desktop", "a.example", otherwise));
    }

    #[test]
    fn helper_replies() {
        let parse = |text: &str| parse_helper_reply(text.as_bytes());
        assert_eq!(
            parse(r#"{"ServerURL":"x","Username":"u","Secret":"p"}"#),
            Ok(Some(Credential::password("u", "p")))
        );
        assert_eq!(
            parse(r#"{"Username":"<token>","Secret":"t"}"#),
            Ok(Some(Credential::IdentityToken("t".into())))
        );
        assert_eq!(parse(r#"{"ServerURL":"x"}"#), Ok(None));
        for bad in [
            "",
            "no",
            r#"{"Username":7}"#,
            &" ".repeat(MAX_HELPER_BYTES + 1),
        ] {
            assert!(parse(bad).is_err(), "{bad:.20}");
        }
    }

    #[test]
    fn malformed_files_and_hidden_secrets() {
        for bad in [
            "",
            "[]",
            r#"{"auths": []}"#,
            r#"{"auths": {"a": {"auth": 7}}}"#,
            r#"{"credHelpers": {"a": 1}}"#,
            r#"{"credsStore": {}}"#,
            &" ".repeat(MAX_BYTES + 1),
        ] {
            assert!(DockerConfig::parse(bad.as_bytes()).is_err(), "{bad:.20}");
        }
        let nothing = r#"{"auths": null, "credHelpers": null, "credsStore": ""}"#;
        let nothing = DockerConfig::parse(nothing.as_bytes()).unwrap();
        assert_eq!(nothing.find("a.example").unwrap(), Stored::Nowhere);
        let config = DockerConfig::parse(CONFIG.as_bytes()).unwrap();
        let shown = format!("{config:?}{:?}", config.find("plain.example"));
        assert!(!shown.contains("p:q") && !shown.contains("dTpw"), "{shown}");
    }
}
