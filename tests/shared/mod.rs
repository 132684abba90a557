//! Where the test data that this project shares with its siblings lies.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::path::{Path, PathBuf};

use notation_verifier::outcome::{Action, Check};
use notation_verifier::policy::Selection;
use serde_json::{Value, json};

/// The folder `name` of the shared data: `../shared`, or what `NOTATION_SHARED`
/// names. `None` skips the suite, loudly; `REQUIRE_SHARED=1` forbids that.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NOTATION_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "`{}` is missing and REQUIRE_SHARED=1",
        folder.display()
    );
    println!("SKIPPED: `{}` is missing", folder.display());
    None
}

/// The files of `folder` that end in `.extension`, in the order of their names.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// The folders in `folder`, in the order of their names.
pub(crate) fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What a statement does with each check, as corpus and vectors write it.
pub(crate) fn enforcement(selection: Selection<'_>) -> Value {
    let action = |check| match selection {
        Selection::Skip { .. } => Action::Skip.as_str(),
        Selection::Verify(statement) => statement.action(check).as_str(),
    };
    json!({
        "integrity": action(Check::Integrity),
        "authenticity": action(Check::Authenticity),
        "authenticTimestamp": action(Check::AuthenticTimestamp),
        "expiry": action(Check::Expiry),
        "revocation": action(Check::Revocation),
    })
}
