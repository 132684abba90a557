//! Options about registries.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use notation_verifier::io::registry::{
    ClientCertificate, Credential, Credentials, DockerLogin, HostPattern, OneCredential,
    RegistryClient, RegistryOptions,
};
use notation_verifier::oci::Reference;
use notation_verifier::registry::Scheme;
use notation_verifier::{Error, ErrorKind, Limits};

/// Octets of a password. Tokens of clouds reach 4 KiB.
const MAX_PASSWORD_BYTES: u64 = 64 * 1024;

#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub struct RegistryArgs {
    /// The user name for the registry [default: NOTATION_USERNAME and
    /// NOTATION_PASSWORD, else what `docker login` left].
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read the password from standard input, up to its end.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// A token server that may see the credentials, where it has another name than
    /// the registry: `host`, `host:port` or `*.domain`. May be given several times.
    #[arg(long, value_name = "HOST")]
    pub allow_realm: Vec<HostPattern>,
    /// Ask the registries of the references without TLS. Registries on this machine
    /// are asked so anyway.
    #[arg(long, conflicts_with = "https")]
    pub plain_http: bool,
    /// Ask registries on this machine with TLS too.
    #[arg(long)]
    pub https: bool,
    /// A file with more authorities that may name registries (PEM). May be given
    /// several times.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// The certificate chain that this client shows to registries (PEM).
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Its key (PEM, not encrypted).
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

impl RegistryArgs {
    /// The client for the registries of `references`.
    pub fn client<'a>(
        &self,
        references: impl IntoIterator<Item = &'a Reference>,
        limits: &Limits,
    ) -> Result<RegistryClient, Error> {
        self.client_with(references, self.credential()?, limits)
    }

    /// The client for the registries of `references`, of which the credential that was
    /// given is for `registry` alone. The others get what `docker login` left.
    ///
    /// # Errors
    /// Where there is a credential, and it is not said for which of several registries.
    pub fn client_of_several(
        &self,
        references: &[&Reference],
        registry: Option<&str>,
        limits: &Limits,
    ) -> Result<RegistryClient, Error> {
        let references = references.iter().copied();
        let known: std::collections::BTreeSet<&str> =
            references.clone().map(Reference::registry).collect();
        if let Some(registry) = registry
            && !known.contains(registry)
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("--credential-for names `{registry}`, which is no registry of this run"),
            ));
        }
        let Some(credential) = self.credential()? else {
            return self.client_with(references, None::<OneCredential>, limits);
        };
        let registry = match (registry, known.len()) {
            (Some(registry), _) => registry.to_owned(),
            (None, 0 | 1) => return self.client_with(references, Some(credential), limits),
            (None, _) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "there is a user name and password, and there are two registries: say which \
                     one they are for (--credential-for REGISTRY); the other gets what `docker \
                     login` left",
                ));
            }
        };
        let login = DockerLogin::default();
        let only = move |asked: &str| {
            if asked == registry {
                Ok(Some(credential.0.clone()))
            } else {
                login.find(asked)
            }
        };
        self.client_with(references, Some(only), limits)
    }

    fn client_with<'a>(
        &self,
        references: impl IntoIterator<Item = &'a Reference>,
        credentials: Option<impl Credentials + 'static>,
        limits: &Limits,
    ) -> Result<RegistryClient, Error> {
        let mut options = RegistryOptions::default();
        options.limits = limits.clone();
        options.tls.ca_files.clone_from(&self.ca_file);
        if let (Some(chain), Some(key)) = (&self.client_cert, &self.client_key) {
            options.tls.client_certificate = Some(ClientCertificate::read(chain, key).map_err(io)?);
        }
        options.allowed_realms.clone_from(&self.allow_realm);
        if self.https {
            options.loopback = Scheme::Https;
        }
        if let Some(credentials) = credentials {
            options.credentials = Arc::new(credentials);
        }
        if self.plain_http {
            let mut known = std::collections::BTreeSet::new();
            for reference in references {
                if known.insert(reference.registry()) {
                    options.plain_http.push(reference.registry().parse()?);
                }
            }
        }
        Ok(RegistryClient::new(options))
    }

    fn credential(&self) -> Result<Option<OneCredential>, Error> {
        let Some(username) = &self.username else {
            return OneCredential::from_environment()
                .map_err(|why| Error::new(ErrorKind::Usage, why));
        };
        let mut password = String::new();
        let mut input = std::io::stdin().lock().take(MAX_PASSWORD_BYTES + 1);
        input.read_to_string(&mut password).map_err(|error| {
            Error::with_source(
                ErrorKind::Io,
                format!("the password cannot be read from standard input: {error}"),
                error,
            )
        })?;
        // What `echo` and files have at the end is not of the password.
        let password = password.trim_end_matches(['\r', '\n']);
        if password.is_empty() || password.len() > 64 * 1024 {
            return Err(Error::new(
                ErrorKind::Usage,
                "the password on standard input is empty, or longer than 64 KiB",
            ));
        }
        let credential = Credential::password(username.as_str(), password);
        Ok(Some(OneCredential(credential)))
    }

    /// Whether standard input is for the password.
    pub const fn reads_stdin(&self) -> bool {
        self.password_stdin
    }
}

fn io(why: String) -> Error {
    Error::new(ErrorKind::Io, why)
}
