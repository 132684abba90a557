//! The files that a case needs, laid out as a configuration directory.

use std::path::{Path, PathBuf};

use super::case::Case;

/// A configuration directory that goes away with it.
pub struct World {
    _guard: tempfile::TempDir,
    pub config: PathBuf,
}

impl World {
    pub fn build(case: &Case) -> std::io::Result<Self> {
        let guard = tempfile::tempdir()?;
        // One level down, so that `../outside` of a store stays in the guard.
        let config = guard.path().join("notation");
        std::fs::create_dir_all(config.join("truststore/x509"))?;
        write_policy(case, &config)?;
        write_stores(case, &config.join("truststore/x509"))?;
        Ok(Self {
            _guard: guard,
            config,
        })
    }
}

fn write_policy(case: &Case, config: &Path) -> std::io::Result<()> {
    let blob = case.kind == "blob" || case.policy_type.as_deref() == Some("blob");
    let path = config.join(if blob {
        "trustpolicy.blob.json"
    } else {
        "trustpolicy.oci.json"
    });
    let source = case
        .trust_policy_file
        .as_deref()
        .map(|name| case.file(name));
    match case.trust_policy_fs.as_deref() {
        Some("missing") => return Ok(()),
        Some("directory") => return std::fs::create_dir(path),
        Some("symlink") => {
            let real = config.join("real-policy.json");
            if let Some(source) = source {
                std::fs::copy(source, &real)?;
            }
            return symlink(&real, &path);
        }
        _ => {}
    }
    match (source, &case.trust_policy) {
        (Some(source), _) => {
            std::fs::copy(source, path)?;
        }
        (None, Some(policy)) => std::fs::write(path, policy.to_string())?,
        (None, None) => {}
    }
    Ok(())
}

fn write_stores(case: &Case, root: &Path) -> std::io::Result<()> {
    for (store, files) in &case.trust_stores {
        let (kind, name) = store.split_once(':').unwrap_or(("ca", store));
        let directory = root.join(kind).join(name);
        std::fs::create_dir_all(&directory)?;
        for file in files {
            let source = case.file(file);
            if let Some(name) = source.file_name() {
                std::fs::copy(&source, directory.join(name))?;
            }
        }
    }
    for object in &case.trust_store_fs {
        let path = root.join(&object.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match (object.kind.as_str(), &object.source, &object.target) {
            ("dir", ..) => std::fs::create_dir_all(&path)?,
            ("file", Some(source), _) => {
                std::fs::copy(case.file(source), &path)?;
            }
            ("symlink", _, Some(target)) => symlink(Path::new(target), &path)?,
            (kind, ..) => {
                return Err(std::io::Error::other(format!("unknown object `{kind}`")));
            }
        }
    }
    Ok(())
}

/// Copies a layout: running a case must not change it.
pub fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(&std::fs::read_link(entry.path())?, &target)?;
        } else if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("symbolic links need Unix here"))
}
