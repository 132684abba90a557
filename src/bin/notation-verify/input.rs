//! What the command reads: clock, files, descriptors, configuration.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use notation_verifier::io::{ConfigDirectory, Layout};
use notation_verifier::wire::{Descriptor, json};
use notation_verifier::{Error, ErrorKind, Limits, Time};

/// The machine's clock.
pub fn now() -> Time {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(elapsed) => Time::from_unix(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)),
        // A clock before 1970: everything is not yet valid, which fails closed.
        Err(_) => Time::from_unix(0),
    }
}

/// The configuration directory that was asked for, or the platform's.
pub fn config(path: Option<&Path>) -> Result<ConfigDirectory, Error> {
    match path {
        Some(path) if !path.is_dir() => Err(Error::new(
            ErrorKind::Usage,
            format!("the configuration directory `{}` does not exist", path.display()),
        )),
        Some(path) => Ok(ConfigDirectory::at(path)),
        None => ConfigDirectory::platform_default().ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                "there is no configuration directory: set HOME or XDG_CONFIG_HOME, or give --config",
            )
        }),
    }
}

/// A layout: a directory, a tar file, or `-` for a tar archive on standard input.
pub fn layout(path: &Path, limits: &Limits) -> Result<Layout, Error> {
    if path == Path::new("-") {
        Ok(Layout::from_tar_reader(std::io::stdin().lock(), limits)?)
    } else {
        Ok(Layout::open(path, limits)?)
    }
}

/// A file of at most `most` octets; the size is checked before it is read.
pub fn file(path: &Path, most: usize) -> Result<Vec<u8>, Error> {
    let unreadable = |error: std::io::Error| {
        Error::with_source(
            ErrorKind::Io,
            format!("`{}` cannot be read: {error}", path.display()),
            error,
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    all_of(file, &format!("`{}`", path.display()), most)
}

/// All that `reader` gives, at most `most` octets; `name` is what a person calls it.
pub fn all_of(reader: impl Read, name: &str, most: usize) -> Result<Vec<u8>, Error> {
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    reader
        .take(bound.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Error::with_source(
                ErrorKind::Io,
                format!("{name} cannot be read: {error}"),
                error,
            )
        })?;
    if bytes.len() > most {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("{name} has more than {most} octets"),
        ));
    }
    Ok(bytes)
}

/// A descriptor in JSON, as `oras` and registries print them.
pub fn descriptor(path: &Path, limits: &Limits) -> Result<Descriptor, Error> {
    let bytes = file(path, limits.manifest_bytes)?;
    let malformed = |what: &str| {
        Error::new(
            ErrorKind::Usage,
            format!(
                "`{}` is not a descriptor: {what}; it has the form \
                 {{\"mediaType\": \"…\", \"digest\": \"sha256:…\", \"size\": 123}}",
                path.display()
            ),
        )
    };
    let document = json::parse(&bytes).map_err(|error| malformed(&error.to_string()))?;
    let text = |member: &str| {
        document
            .get(member)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
            .ok_or_else(|| malformed(&format!("`{member}` is missing or not a text")))
    };
    Ok(Descriptor {
        media_type: text("mediaType")?,
        digest: text("digest")?,
        size: document
            .get("size")
            .and_then(serde_json::Value::as_i64)
            .ok_or_else(|| malformed("`size` is missing or not a whole number"))?,
        ..Descriptor::default()
    })
}

/// The media type of an envelope file: from its name, else from its first octet
/// (a COSE envelope starts with tag 18, a JWS one is a JSON object).
pub fn envelope_media_type(path: &Path, bytes: &[u8]) -> &'static str {
    const COSE: &str = "application/cose";
    const JWS: &str = "application/jose+json";
    let name = path.to_string_lossy();
    let name = name.strip_suffix(".sig").unwrap_or(&name);
    if name.ends_with(".cose") {
        COSE
    } else if name.ends_with(".jws") || bytes.first() == Some(&b'{') {
        JWS
    } else {
        COSE
    }
}
