//! Who we are at which registry.

use crate::io::run::Run;
use crate::registry::docker_config::Credential;

/// Where credentials come from. Closures of the same signature are sources too:
/// `|registry: &str| -> Result<Option<Credential>, String>`.
///
/// It is asked once for each registry, before the registry asks for credentials
/// first, and again where they are refused. What it gives goes to that registry and
/// to its token server, and nowhere else.
pub trait Credentials: Send + Sync {
    /// The credential for `registry`, the part of a reference before the first `/`;
    /// `None` where there is none, and the registry is asked anonymously.
    ///
    /// # Errors
    /// Why it cannot be had, for a person. It must not have a secret in it.
    fn find(&self, registry: &str) -> Result<Option<Credential>, String>;

    /// The same for sources that wait for others: what takes long ends when `run`
    /// does.
    ///
    /// # Errors
    /// As [`Credentials::find`].
    fn find_in(&self, registry: &str, run: &Run) -> Result<Option<Credential>, String> {
        let _ = run;
        self.find(registry)
    }
}

impl<F> Credentials for F
where
    F: Fn(&str) -> Result<Option<Credential>, String> + Send + Sync,
{
    fn find(&self, registry: &str) -> Result<Option<Credential>, String> {
        self(registry)
    }
}

/// Nobody: every registry is asked anonymously.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn find(&self, _registry: &str) -> Result<Option<Credential>, String> {
        Ok(None)
    }
}

/// The same credential for every registry that is asked: the user name and the
/// password of a command line.
#[derive(Clone, Debug)]
pub struct OneCredential(pub Credential);

impl Credentials for OneCredential {
    fn find(&self, _registry: &str) -> Result<Option<Credential>, String> {
        Ok(Some(self.0.clone()))
    }
}

impl OneCredential {
    /// `NOTATION_USERNAME` and `NOTATION_PASSWORD` of the environment, where they are
    /// set: the names of the reference command.
    ///
    /// # Errors
    /// Where one is set without the other.
    pub fn from_environment() -> Result<Option<Self>, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(variable("NOTATION_USERNAME"), variable("NOTATION_PASSWORD"))
    }

    fn of(username: Option<String>, password: Option<String>) -> Result<Option<Self>, String> {
        match (username, password) {
            (Some(username), Some(password)) => {
                Ok(Some(Self(Credential::password(username, password))))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(
                "`NOTATION_USERNAME` is set and `NOTATION_PASSWORD` is not: set both or neither"
                    .to_owned(),
            ),
            (None, Some(_)) => Err(
                "`NOTATION_PASSWORD` is set and `NOTATION_USERNAME` is not: set both or neither"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variables_or_neither() {
        let of = |username: Option<&str>, password: Option<&str>| {
            OneCredential::of(username.map(Into::into), password.map(Into::into))
        };
        assert!(of(None, None).unwrap().is_none());
        let found = of(Some("u"), Some("p")).unwrap().unwrap();
        assert_eq!(found.0, Credential::password("u", "p"));
        assert!(of(Some("u"), None).is_err());
        assert!(of(None, Some("hunter2")).is_err_and(|why| !why.contains("hunter2")));
    }
}
