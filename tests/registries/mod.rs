//! Real registries as processes: what the suites about registries share.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

pub mod bomb;
pub mod command;
pub mod faults;
pub mod ours;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod push;
pub mod reference;
pub mod scenarios;

use std::path::{Path, PathBuf};

use process::Process;
use programs::Programs;

/// The account of `registries authority`.
pub const USERNAME: &str = "robot";
pub const PASSWORD: &str = "open, sesame: 1+1=2";

/// Repositories below this need no account where there is a token server.
pub const PUBLIC: &str = "public/";

/// The registries that the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// olareg v0.1.2: referrers API.
    Olareg,
    /// The registry of go-containerregistry v0.20.6: referrers API, in which an
    /// image manifest is listed under the type of its config.
    Ggcr,
    /// distribution v3.0.0: tags.
    Distribution,
    /// Debian's package of distribution v2: tags.
    Debian,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Olareg, Self::Ggcr, Self::Distribution, Self::Debian];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Olareg => "olareg",
            Self::Ggcr => "ggcr",
            Self::Distribution => "distribution",
            Self::Debian => "docker-registry",
        }
    }

    pub const fn has_referrers_api(self) -> bool {
        matches!(self, Self::Olareg | Self::Ggcr)
    }
}

/// Who may pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Anyone,
    Htpasswd,
    Tokens,
}

/// How a registry is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    pub tls: bool,
    pub access: Access,
}

impl Security {
    pub const OPEN: Self = Self {
        tls: false,
        access: Access::Anyone,
    };

    pub const ALL: [Self; 6] = {
        const fn with(tls: bool, access: Access) -> Security {
            Security { tls, access }
        }
        [
            with(false, Access::Anyone),
            with(false, Access::Htpasswd),
            with(false, Access::Tokens),
            with(true, Access::Anyone),
            with(true, Access::Htpasswd),
            with(true, Access::Tokens),
        ]
    };
}

/// A running registry, and its token server if it has one.
pub struct Registry {
    pub kind: Kind,
    pub security: Security,
    /// Host and port.
    pub address: String,
    authority: PathBuf,
    tokens: Option<Process>,
    process: Process,
    folder: tempfile::TempDir,
}

impl Registry {
    pub fn start(programs: &Programs, kind: Kind, security: Security) -> Self {
        Self::start_with(programs, kind, security, &[])
    }

    /// With more arguments for `registries serve`; for the others, `keeps` is a registry
    /// that deletes nothing.
    pub fn start_with(programs: &Programs, kind: Kind, security: Security, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = programs.authority.clone();
        let file = |name: &str| authority.join(name).display().to_string();
        let tls = [("-cert", file("server.pem")), ("-key", file("server.key"))];
        let tokens = (security.access == Access::Tokens).then(|| {
            let mut command = programs.registries();
            command.arg("token");
            for (name, value) in [
                ("-htpasswd", file("htpasswd")),
                ("-sign-cert", file("token.pem")),
                ("-sign-key", file("token.key")),
            ] {
                command.args([name, &value]);
            }
            if security.tls {
                command.args(tls.iter().flat_map(|(name, value)| [*name, value]));
            }
            Process::start("token server", command, &folder.path().join("token.log"))
        });
        let scheme = if security.tls { "https" } else { "http" };
        let realm = tokens
            .as_ref()
            .map(|server| format!("{scheme}://{}/token", server.address));
        let command = if kind.has_referrers_api() {
            let mut command = programs.registries();
            command.args(["serve", "-kind", kind.name()]).args(more);
            if security.tls {
                command.args(tls.iter().flat_map(|(name, value)| [*name, value]));
            }
            match &realm {
                Some(realm) => {
                    command.args(["-token-realm", realm, "-token-roots", &file("token.pem")]);
                }
                None if security.access == Access::Htpasswd => {
                    command.args(["-htpasswd", &file("htpasswd")]);
                }
                None => {}
            }
            command
        } else {
            let configuration = folder.path().join("config.yml");
            let mut text = distribution(folder.path(), security, realm.as_deref(), file);
            if more.contains(&"keeps") {
                text = text.replace("enabled: true", "enabled: false");
            }
            std::fs::write(&configuration, text).unwrap();
            let mut command = programs.distribution(kind);
            command.arg("serve").arg(&configuration);
            command
        };
        let process = Process::start(kind.name(), command, &folder.path().join("log"));
        Self {
            kind,
            security,
            address: process.address.clone(),
            authority,
            tokens,
            process,
            folder,
        }
    }

    /// The file of the authority that its certificate is from.
    pub fn ca(&self) -> PathBuf {
        self.authority.join("ca.pem")
    }

    /// `https://…` or `http://…`.
    pub fn url(&self) -> String {
        let scheme = if self.security.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Host and port of the token server.
    pub fn token_address(&self) -> Option<&str> {
        self.tokens.as_ref().map(|server| server.address.as_str())
    }

    pub fn reference(&self, repository: &str, tag_or_digest: &str) -> String {
        let separator = if tag_or_digest.contains(':') {
            '@'
        } else {
            ':'
        };
        format!("{}/{repository}{separator}{tag_or_digest}", self.address)
    }

    /// The end of what the registry wrote.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The process, to look at how it is doing.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// A configuration file of distribution, the same for versions 2 and 3.
fn distribution(
    folder: &Path,
    security: Security,
    realm: Option<&str>,
    file: impl Fn(&str) -> String,
) -> String {
    let mut text = format!(
        "version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: true\nstorage:\n  \
         filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  \
         addr: 127.0.0.1:0\n",
        folder.join("storage").display()
    );
    if security.tls {
        text += &format!(
            "  tls:\n    certificate: {}\n    key: {}\n",
            file("server.pem"),
            file("server.key")
        );
    }
    match realm {
        Some(realm) => {
            text += &format!(
                "auth:\n  token:\n    realm: {realm}\n    service: registry.example\n    \
                 issuer: token.registry.example\n    rootcertbundle: {}\n",
                file("token.pem")
            );
        }
        None if security.access == Access::Htpasswd => {
            text += &format!(
                "auth:\n  htpasswd:\n    realm: Registry\n    path: {}\n",
                file("htpasswd")
            );
        }
        None => {}
    }
    text
}
