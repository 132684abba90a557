//! The programs around the tests: built once into the target directory, and then
//! used by every suite.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Kind;

/// Where they are, and an authority for the servers.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    /// Certificates, keys, htpasswd.
    pub authority: PathBuf,
    /// The parent of a configuration folder `notation`.
    pub configuration: PathBuf,
}

/// `None` where Go or Debian's registry is missing: the suite says so and ends.
/// `REQUIRE_REGISTRIES=1` makes that a failure.
///
/// Building takes minutes where nothing is in Go's cache, so it is only done when it
/// is required, or where it was done before. `REQUIRE_REGISTRIES=0` skips in any case.
pub fn programs() -> Option<Programs> {
    static PROGRAMS: OnceLock<Option<Programs>> = OnceLock::new();
    PROGRAMS.get_or_init(find).clone()
}

fn find() -> Option<Programs> {
    let wish = std::env::var("REQUIRE_REGISTRIES").unwrap_or_default();
    let required = wish == "1";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registries");
    let missing = if wish == "0" {
        Some("the wish to run registries (`REQUIRE_REGISTRIES=0`)")
    } else if !runs("go", "version") {
        Some("`go`")
    } else if !runs("docker-registry", "--version") {
        Some("`docker-registry`, a package of Debian,")
    } else if !required && !folder.join("done").is_file() {
        Some("what `REQUIRE_REGISTRIES=1` builds")
    } else {
        None
    };
    if let Some(missing) = missing {
        assert!(!required, "{missing} is not there and REQUIRE_REGISTRIES=1");
        println!("SKIPPED: {missing} is not there, no registry is run");
        return None;
    }
    std::fs::create_dir_all(&folder).unwrap();
    // Several suites may run at once.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    build(&tests.join("registries"), ".", &folder.join("registries"));
    build(
        &tests.join("registries/distribution"),
        ".",
        &folder.join("distribution"),
    );
    build(
        &tests.join("interop/reference-command"),
        "github.com/notaryproject/notation/cmd/notation",
        &folder.join("notation"),
    );
    let programs = Programs {
        authority: folder.join("authority"),
        configuration: folder.join("configuration"),
        folder,
    };
    programs.make("authority", &programs.authority);
    programs.make("notation", &programs.configuration.join("notation"));
    File::create(programs.folder.join("done")).unwrap();
    Some(programs)
}

fn runs(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).output();
    output.is_ok_and(|output| output.status.success())
}

/// Go itself knows what is new.
fn build(module: &Path, package: &str, program: &Path) {
    let status = Command::new("go")
        .args([
            "build",
            "-mod=mod",
            "-buildvcs=false",
            "-ldflags=-s -w",
            "-o",
        ])
        .arg(program)
        .arg(package)
        .current_dir(module)
        .status()
        .unwrap();
    assert!(status.success(), "{} does not build", module.display());
}

impl Programs {
    /// Certificates live for months; they are made again on each day.
    fn make(&self, what: &str, folder: &Path) {
        let day = std::time::Duration::from_secs(24 * 60 * 60);
        let fresh = std::fs::metadata(folder)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|made| made.elapsed().is_ok_and(|age| age < day));
        if fresh {
            return;
        }
        let _ = std::fs::remove_dir_all(folder);
        let status = self.registries().arg(what).arg(folder).status().unwrap();
        assert!(status.success(), "`registries {what}` failed");
    }

    /// The program of this folder.
    pub fn registries(&self) -> Command {
        Command::new(self.folder.join("registries"))
    }

    /// A registry that is configured with a file.
    pub fn distribution(&self, kind: Kind) -> Command {
        let mut command = match kind {
            Kind::Debian => Command::new("docker-registry"),
            _ => Command::new(self.folder.join("distribution")),
        };
        command
            .env("OTEL_TRACES_EXPORTER", "none")
            .env_remove("REGISTRY_HTTP_ADDR");
        command
    }

    /// The reference command.
    pub fn notation(&self) -> Command {
        Command::new(self.folder.join("notation"))
    }

    pub fn notation_path(&self) -> PathBuf {
        self.folder.join("notation")
    }
}
