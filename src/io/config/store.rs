//! One named store: `truststore/x509/TYPE/NAME/*.{pem,crt,cer}`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use super::{ReadError, StoreWarning, read_regular_file};
use crate::crypto::Provider;
use crate::error::quote;
use crate::limits::Limits;
use crate::trust::{StoreError, StoreErrorKind, StoreName, anchor, store};
use crate::x509::Certificate;

/// The certificates of `name` below the configuration directory `config`.
pub(super) fn read(
    config: &Path,
    name: &StoreName,
    provider: &Provider,
    limits: &Limits,
    warnings: &mut Vec<StoreWarning>,
) -> Result<Vec<Certificate>, StoreError> {
    let directory = config
        .join("truststore")
        .join("x509")
        .join(name.kind().as_str())
        .join(name.name());
    check_directory(&directory, name)?;
    let mut certificates = Vec::new();
    let mut passed_over: Option<String> = None;
    let mut bytes_left = limits.trust_store_bytes;
    for item in items(&directory, name, limits)? {
        let path = directory.join(&item);
        let item = item.to_string_lossy();
        let reason = if is_certificate_name(&item) {
            if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                let contents = read_file(&path, &item, name, limits)?;
                bytes_left = bytes_left
                    .checked_sub(contents.len())
                    .ok_or_else(|| too_large(name, limits))?;
                let file = anchor::parse(name, Some(&item), &contents, provider, limits)?;
                certificates.extend(file);
                continue;
            }
            "directories in a store are ignored"
        } else if path.is_dir() {
            "directories in a store are ignored"
        } else {
            "only files whose names end in `.pem`, `.crt` or `.cer` are read"
        };
        passed_over.get_or_insert_with(|| format!(" ({} does not count: {reason})", quote(&item)));
        warnings.push(StoreWarning {
            store: name.clone(),
            item: item.into_owned(),
            reason,
        });
    }
    if certificates.is_empty() {
        return Err(store::empty(name, &passed_over.unwrap_or_default()));
    }
    Ok(certificates)
}

/// A store is a directory, and no link to one: what is trusted stands where an
/// administrator looks for it.
fn check_directory(path: &Path, name: &StoreName) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(StoreError::new(
            StoreErrorKind::NotDirectory,
            name,
            format!(
                "is no directory (symbolic links are not followed): {}",
                quote(&path.to_string_lossy())
            ),
            "put a directory with the certificates there",
        )),
        Err(error) => Err(match ReadError::from(error) {
            ReadError::Io(error) => unreadable(name, path, &error),
            _ => store::missing(name),
        }),
    }
}

/// The names in a directory, sorted by their octets.
fn items(path: &Path, name: &StoreName, limits: &Limits) -> Result<Vec<OsString>, StoreError> {
    let failed = |error: io::Error| unreadable(name, path, &error);
    let mut items = Vec::new();
    for item in fs::read_dir(path).map_err(failed)? {
        if items.len() >= limits.trust_store_files {
            return Err(StoreError::new(
                StoreErrorKind::Limit,
                name,
                format!("has more than {} files", limits.trust_store_files),
                "remove files, or raise the limit `trust_store_files`",
            ));
        }
        items.push(item.map_err(failed)?.file_name());
    }
    items.sort();
    Ok(items)
}

fn is_certificate_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        ["pem", "crt", "cer"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn read_file(
    path: &Path,
    item: &str,
    name: &StoreName,
    limits: &Limits,
) -> Result<Vec<u8>, StoreError> {
    read_regular_file(path, limits.trust_store_file_bytes).map_err(|error| match error {
        ReadError::NotRegular => StoreError::new(
            StoreErrorKind::NotRegularFile,
            name,
            format!(
                "has {}, which is no ordinary file (symbolic links are not followed)",
                quote(item)
            ),
            "put the certificate file itself there",
        ),
        ReadError::TooLarge => anchor::too_large(name, Some(item), limits),
        ReadError::NotFound => unreadable(name, path, &io::ErrorKind::NotFound.into()),
        ReadError::Io(error) => unreadable(name, path, &error),
    })
}

fn unreadable(name: &StoreName, path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unreadable,
        name,
        format!(
            "cannot be read at {}: {error}",
            quote(&path.to_string_lossy())
        ),
        "make the directory and its files readable for this user",
    )
}

fn too_large(name: &StoreName, limits: &Limits) -> StoreError {
    StoreError::new(
        StoreErrorKind::Limit,
        name,
        format!("has more than {} bytes in files", limits.trust_store_bytes),
        "remove files, or raise the limit `trust_store_bytes`",
    )
}
