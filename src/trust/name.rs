//! [`StoreName`]: `type:name`, as trust policies write it.

use std::fmt;

/// What the certificates of a store are trusted for
/// (trust-store-trust-policy, "Trust Store").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreKind {
    /// Certificate authorities: anchors for the signing scheme `notary.x509`.
    Ca,
    /// Signing authorities: anchors for `notary.x509.signingAuthority`.
    SigningAuthority,
    /// Time-stamping authorities.
    Tsa,
}

impl StoreKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Ca, Self::SigningAuthority, Self::Tsa];

    /// The name in policies and the name of the directory: `ca`,
    /// `signingAuthority` or `tsa`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Tsa => "tsa",
        }
    }

    /// The kind called `name`. Case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A store of certificates: its kind and its name.
///
/// The name is always usable as the name of one directory, so that a policy
/// cannot reach out of the trust store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName {
    kind: StoreKind,
    name: String,
}

/// Why a text is not a [`StoreName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreNameError {
    /// There is no colon between type and name.
    #[error("has no `:` between store type and store name")]
    Separator,
    /// The type is none of [`StoreKind::ALL`].
    #[error("has an unknown store type")]
    Kind,
    /// The name has a character that is not allowed, or is empty, `.` or `..`.
    #[error("has a store name that cannot be used")]
    Name,
}

impl StoreNameError {
    /// What would be accepted in its place.
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Separator => "write `type:name`, for example `ca:acme-rockets`",
            Self::Kind => "use `ca`, `signingAuthority` or `tsa`",
            Self::Name => {
                "use letters, digits, `_`, `.` and `-` (a-z, A-Z, 0-9), and neither `.` nor `..` alone"
            }
        }
    }
}

impl StoreName {
    /// The store `name` of `kind`.
    ///
    /// # Errors
    /// [`StoreNameError::Name`] where the name cannot be that of a directory
    /// on every platform.
    pub fn new(kind: StoreKind, name: impl Into<String>) -> Result<Self, StoreNameError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        // `.` and `..` consist of allowed characters and are no names.
        if name.is_empty() || name == "." || name == ".." || !name.bytes().all(allowed) {
            return Err(StoreNameError::Name);
        }
        Ok(Self { kind, name })
    }

    /// Reads `type:name`.
    ///
    /// # Errors
    /// Where the separator is missing or a part is not allowed.
    pub fn parse(text: &str) -> Result<Self, StoreNameError> {
        let (kind, name) = text.split_once(':').ok_or(StoreNameError::Separator)?;
        let kind = StoreKind::from_name(kind).ok_or(StoreNameError::Kind)?;
        Self::new(kind, name)
    }

    /// What the store is for.
    #[must_use]
    pub const fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The name without the type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_name_are_read() {
        for kind in StoreKind::ALL {
            let text = format!("{kind}:a-B_9.x");
            let parsed = StoreName::parse(&text);
            assert_eq!(parsed.as_ref().map(StoreName::kind), Ok(kind));
            assert_eq!(parsed.map(|name| name.to_string()), Ok(text));
        }
    }

    #[test]
    fn a_name_never_leaves_its_directory() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "/a",
            "a b",
            "a\n",
            "a\0",
            "acm\u{e9}",
            "a:b",
            "C:",
        ] {
            assert_eq!(
                StoreName::parse(&format!("ca:{name}")),
                Err(StoreNameError::Name),
                "{name:?}"
            );
        }
        // Dots beside other characters, or three of them, are ordinary.
        for name in ["...", ".a", "a..b"] {
            assert!(StoreName::parse(&format!("ca:{name}")).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn separator_and_kind_are_exact() {
        assert_eq!(StoreName::parse("ca"), Err(StoreNameError::Separator));
        for text in [":a", "CA:a", " ca:a", "signingauthority:a"] {
            assert_eq!(StoreName::parse(text), Err(StoreNameError::Kind), "{text}");
        }
    }
}
