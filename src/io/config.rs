//! [`ConfigDirectory`]: trust policies and trust stores where Notation keeps
//! them (trust-store-trust-policy, "Trust Store" and "Trust Policy").

mod store;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::crypto::Provider;
use crate::error::ErrorKind;
use crate::limits::Limits;
use crate::policy::{BlobPolicy, DocumentKind, OciPolicy, Place, PolicyError, too_large};
use crate::trust::{StoreError, StoreName, TrustStore};
use crate::x509::Certificate;

const OCI_POLICY: &str = "trustpolicy.oci.json";
/// The name from before there were blob policies; still read.
const OLD_OCI_POLICY: &str = "trustpolicy.json";
const BLOB_POLICY: &str = "trustpolicy.blob.json";

/// A Notation configuration directory.
///
/// Nothing is kept: each call reads the file system anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDirectory {
    path: PathBuf,
}

/// The trust stores that a policy names, and what a person should look at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadedStores {
    /// The stores. One that cannot be used says so when it is needed.
    pub stores: TrustStore,
    /// What was passed over.
    pub warnings: Vec<StoreWarning>,
}

/// Something in a trust store that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreWarning {
    /// The store.
    pub store: StoreName,
    /// The name of the directory or file in it.
    pub item: String,
    /// Why it does not count: lower case, no full stop.
    pub reason: &'static str,
}

impl ConfigDirectory {
    /// The directory at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory of the user who runs this process, as the reference finds
    /// it: `$XDG_CONFIG_HOME/notation`, else `~/.config/notation`; on macOS
    /// `~/Library/Application Support/notation`; on Windows `%AppData%\notation`.
    ///
    /// `None` where the environment names no such directory, or
    /// `XDG_CONFIG_HOME` is not absolute: a directory that depends on where a
    /// program was started is no place for trust.
    #[must_use]
    pub fn platform_default() -> Option<Self> {
        user_config_directory(|name| std::env::var_os(name).map(PathBuf::from))
            .map(|directory| Self::at(directory.join("notation")))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The OCI trust policy: `trustpolicy.oci.json`, or, only where that does
    /// not exist, `trustpolicy.json`.
    ///
    /// # Errors
    /// Where there is neither, the file is a symbolic link or no ordinary file,
    /// cannot be read, is larger than [`Limits::policy_bytes`], or breaks a rule.
    pub fn oci_policy(&self, limits: &Limits) -> Result<OciPolicy, PolicyError> {
        const KIND: DocumentKind = DocumentKind::Oci;
        let contents = match self.read_policy(KIND, OCI_POLICY, limits)? {
            Some(contents) => contents,
            None => self
                .read_policy(KIND, OLD_OCI_POLICY, limits)?
                .ok_or_else(|| self.missing(KIND, OCI_POLICY))?,
        };
        OciPolicy::parse(&contents, limits)
    }

    /// The blob trust policy: `trustpolicy.blob.json`.
    ///
    /// # Errors
    /// As [`oci_policy`](Self::oci_policy).
    pub fn blob_policy(&self, limits: &Limits) -> Result<BlobPolicy, PolicyError> {
        const KIND: DocumentKind = DocumentKind::Blob;
        let contents = self
            .read_policy(KIND, BLOB_POLICY, limits)?
            .ok_or_else(|| self.missing(KIND, BLOB_POLICY))?;
        BlobPolicy::parse(&contents, limits)
    }

    /// The trust stores `names`, usually
    /// [`Statement::trust_stores`](crate::policy::Statement::trust_stores).
    ///
    /// Never fails: what a store that cannot be used means is decided by the
    /// level of the policy, when the store is needed.
    #[must_use]
    pub fn trust_store_for<'a>(
        &self,
        names: impl IntoIterator<Item = &'a StoreName>,
        provider: &Provider,
        limits: &Limits,
    ) -> LoadedStores {
        let mut warnings = Vec::new();
        let mut stores = TrustStore::builder();
        for name in names {
            if stores.has(name) {
                continue;
            }
            match store::read(&self.path, name, provider, limits, &mut warnings) {
                Ok(certificates) => stores.insert(name.clone(), certificates),
                Err(error) => stores.insert_unusable(name.clone(), error),
            }
        }
        LoadedStores {
            stores: stores.build(),
            warnings,
        }
    }

    /// The certificates of one store, `type:name`: files in the order of their
    /// names (as octets), certificates as they stand in the files.
    ///
    /// # Errors
    /// Where that is no name of a store, or the store cannot be used.
    pub fn load_store(
        &self,
        store: &str,
        provider: &Provider,
        limits: &Limits,
    ) -> Result<Vec<Certificate>, StoreError> {
        let name = StoreName::parse(store).map_err(|error| StoreError::name(store, error))?;
        store::read(&self.path, &name, provider, limits, &mut Vec::new())
    }

    /// The contents of a policy file, or `None` where there is none.
    fn read_policy(
        &self,
        kind: DocumentKind,
        name: &str,
        limits: &Limits,
    ) -> Result<Option<Vec<u8>>, PolicyError> {
        let path = self.path.join(name);
        let place = Place::document(kind);
        match read_regular_file(&path, limits.policy_bytes) {
            Ok(contents) => Ok(Some(contents)),
            Err(ReadError::NotFound) => Ok(None),
            Err(ReadError::NotRegular) => Err(place
                .error(
                    "policy-not-regular-file",
                    "is no ordinary file (symbolic links are not followed)",
                    "put the file itself there",
                )
                .with_value(path.to_string_lossy())),
            Err(ReadError::TooLarge) => {
                Err(too_large(kind, limits).with_value(path.to_string_lossy()))
            }
            Err(ReadError::Io(error)) => Err(place
                .error(
                    "policy-unreadable",
                    format!("cannot be read: {error}"),
                    "make the file readable for this user",
                )
                .with_value(path.to_string_lossy())
                .with_kind(ErrorKind::Io)),
        }
    }

    fn missing(&self, kind: DocumentKind, name: &str) -> PolicyError {
        Place::document(kind)
            .error(
                "policy-missing",
                "does not exist",
                "create the file, or name another configuration directory",
            )
            .with_value(self.path.join(name).to_string_lossy())
    }
}

/// Why a file was not read.
pub(crate) enum ReadError {
    NotFound,
    /// A symbolic link, a directory, a device, a pipe.
    NotRegular,
    TooLarge,
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // `NotADirectory`: a part of the path is a file.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            _ => Self::Io(error),
        }
    }
}

/// Reads an ordinary file of at most `max` bytes. The size is looked at before
/// anything is read, and the bound holds for a file that grows meanwhile.
pub(crate) fn read_regular_file(path: &Path, max: usize) -> Result<Vec<u8>, ReadError> {
    // Before opening: opening a pipe would wait for somebody to write.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(ReadError::NotRegular);
    }
    let file = fs::File::open(path)?;
    let length = usize::try_from(file.metadata()?.len())
        .ok()
        .filter(|length| *length <= max)
        .ok_or(ReadError::TooLarge)?;
    let mut contents = Vec::with_capacity(length);
    let bound = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut contents)?;
    if contents.len() > max {
        return Err(ReadError::TooLarge);
    }
    Ok(contents)
}

/// The directory for users' configuration, by the rules of this platform.
fn user_config_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
    if cfg!(windows) {
        set("AppData")
    } else if cfg!(target_vendor = "apple") {
        set("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        match set("XDG_CONFIG_HOME") {
            Some(path) => Some(path).filter(|path| path.is_absolute()),
            None => set("HOME").map(|home| home.join(".config")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(variables: &[(&str, &str)]) -> Option<PathBuf> {
        user_config_directory(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| PathBuf::from(value))
        })
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    #[test]
    fn xdg_directory_comes_before_the_home_directory() {
        let home = ("HOME", "/home/a");
        assert_eq!(directory(&[home]), Some("/home/a/.config".into()));
        for (set, expected) in [
            ("/x", Some("/x")),
            ("", Some("/home/a/.config")),
            ("x", None),
        ] {
            assert_eq!(
                directory(&[home, ("XDG_CONFIG_HOME", set)]),
                expected.map(PathBuf::from),
                "{set:?}"
            );
        }
        assert_eq!(directory(&[]), None);
    }
}
