//! Configuration directories as they should not be, and the bounds on reading
//! them.

#![cfg(all(unix, feature = "io"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use notation_verifier::crypto::Provider;
use notation_verifier::error::{Error, ErrorKind};
use notation_verifier::io::ConfigDirectory;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::{Reason, Rejection};
use notation_verifier::trust::{StoreError, StoreKind, StoreName, TrustStore};
use notation_verifier::x509::Certificate;

const POLICY: &str = r#"{"version":"1.0","trustPolicies":[{"name":"NAME","registryScopes":["*"],
    "signatureVerification":{"level":"strict"},"trustStores":["ca:a"],"trustedIdentities":["*"]}]}"#;

/// A certificate that may stand in every store.
const ROOT: &[u8] = include_bytes!("demo/config/truststore/x509/ca/demo/demo-root-ca.pem");

struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn file(&self, path: &str, contents: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(path), contents).unwrap();
        self
    }

    /// A file of `size` bytes that takes no room on disk.
    fn sparse(&self, path: &str, size: u64) -> &Self {
        File::create(self.path(path))
            .unwrap()
            .set_len(size)
            .unwrap();
        self
    }

    fn config(&self) -> ConfigDirectory {
        ConfigDirectory::at(self.root.path())
    }

    fn load(&self, store: &str, limits: &Limits) -> Result<Vec<Certificate>, StoreError> {
        self.config()
            .load_store(store, &Provider::preferred(), limits)
    }

    fn category(&self, store: &str) -> &'static str {
        self.load(store, &Limits::default())
            .map_or_else(|error| error.category(), |_| "")
    }
}

fn store(name: &str) -> String {
    format!("truststore/x509/{name}")
}

#[test]
fn the_newer_policy_file_comes_first() {
    let world = World::new();
    let limits = Limits::default();
    let name = || {
        let policy = world.config().oci_policy(&limits)?;
        let selection = policy.select_for_scope("a/b")?;
        Ok::<_, notation_verifier::policy::PolicyError>(selection.statement_name().to_owned())
    };
    let error = name().unwrap_err();
    assert_eq!(error.category(), "policy-missing");
    assert!(error.to_string().contains("trustpolicy.oci.json"));
    world.file("trustpolicy.json", POLICY.replace("NAME", "old"));
    assert_eq!(name().unwrap(), "old");
    world.file("trustpolicy.oci.json", POLICY.replace("NAME", "new"));
    assert_eq!(name().unwrap(), "new");
    // A newer file that cannot be used does not bring the older one back.
    world.file("trustpolicy.oci.json", "");
    assert_eq!(name().unwrap_err().category(), "policy-malformed");
    assert_eq!(
        world.config().blob_policy(&limits).unwrap_err().category(),
        "policy-missing"
    );
}

#[test]
fn policy_files_are_ordinary_files() {
    let limits = Limits::default();
    for blob in [false, true] {
        let world = World::new();
        let name = if blob { "blob" } else { "oci" };
        let path = world.path(&format!("trustpolicy.{name}.json"));
        let category = || {
            let config = world.config();
            let error = if blob {
                config.blob_policy(&limits).unwrap_err()
            } else {
                config.oci_policy(&limits).unwrap_err()
            };
            error.category()
        };
        fs::create_dir(&path).unwrap();
        assert_eq!(category(), "policy-not-regular-file");
        fs::remove_dir(&path).unwrap();
        world.file("elsewhere.json", POLICY);
        symlink("elsewhere.json", &path).unwrap();
        assert_eq!(category(), "policy-not-regular-file");
        fs::remove_file(&path).unwrap();
        symlink("nowhere", &path).unwrap();
        assert_eq!(category(), "policy-not-regular-file");
    }
}

#[test]
fn a_policy_of_100_mb_is_refused_before_it_is_read() {
    let world = World::new();
    world.sparse("trustpolicy.oci.json", 100_000_000);
    let error = world.config().oci_policy(&Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(error.category(), "policy-too-large");
    if let Some(peak) = peak_memory() {
        assert!(peak < 64 << 20, "{peak} bytes");
    }
}

/// Bytes of memory that this process had at its peak.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[test]
fn only_certificate_files_count() {
    let world = World::new();
    for file in ["a.pem", "B.CRT", "c.cer", ".pem"] {
        world.file(&store(&format!("ca/a/{file}")), ROOT);
    }
    world
        .file(&store("ca/a/notes.txt"), "text")
        .file(&store("ca/a/pem"), "text")
        .file(&store("ca/a/sub.pem/deep.pem"), "text");
    // A link that is not named as a certificate is as any other file.
    symlink("nowhere", world.path(&store("ca/a/..data"))).unwrap();
    let loaded = world.config().trust_store_for(
        &[StoreName::parse("ca:a").unwrap()],
        &Provider::preferred(),
        &Limits::default(),
    );
    let certificates = loaded.stores.get(&StoreName::parse("ca:a").unwrap());
    assert_eq!(certificates.unwrap().len(), 4);
    let items: Vec<_> = loaded
        .warnings
        .iter()
        .map(|warning| warning.item.as_str())
        .collect();
    assert_eq!(items, ["..data", "notes.txt", "pem", "sub.pem"]);
}

#[test]
fn links_and_strangers_are_refused() {
    let world = World::new();
    world.file(&store("ca/real/root.pem"), ROOT);
    assert_eq!(world.category("ca:real"), "");
    symlink("real", world.path(&store("ca/link"))).unwrap();
    assert_eq!(world.category("ca:link"), "trust-store-not-directory");
    world.file(&store("ca/file"), ROOT);
    assert_eq!(world.category("ca:file"), "trust-store-not-directory");
    fs::create_dir(world.path(&store("ca/links"))).unwrap();
    symlink("../real/root.pem", world.path(&store("ca/links/root.pem"))).unwrap();
    assert_eq!(world.category("ca:links"), "trust-store-not-regular-file");
    world.file(&store("ca/text/a.pem"), "no certificate");
    assert_eq!(world.category("ca:text"), "trust-store-malformed");
    world.file(&store("ca/empty/a.pem"), "");
    assert_eq!(world.category("ca:empty"), "trust-store-empty");
    for name in ["ca:..", "ca:.", "ca:../ca/real", "ca:", "ca"] {
        assert_eq!(world.category(name), "trust-store-name", "{name}");
    }
    assert_eq!(world.category("root:real"), "trust-store-type");
}

/// Reading a socket or a pipe would wait for ever. (Elsewhere temporary
/// directories have names that are too long for a socket.)
#[cfg(target_os = "linux")]
#[test]
fn sockets_are_refused() {
    let world = World::new();
    let path = world.path(&store("ca/socket/a.pem"));
    let _socket = std::os::unix::net::UnixListener::bind(path).unwrap();
    assert_eq!(world.category("ca:socket"), "trust-store-not-regular-file");
}

#[test]
fn store_sizes_and_counts_are_bounded() {
    let world = World::new();
    world.sparse(&store("ca/file/a.pem"), 100_000_000);
    world
        .file(&store("ca/many/a.pem"), ROOT)
        .file(&store("ca/many/b.pem"), ROOT);
    let mut limits = Limits::default();
    let limited = |store: &str, limits: &Limits| {
        let error = world.load(store, limits).unwrap_err();
        assert_eq!(error.category(), "trust-store-limit", "{error}");
        let error = Error::from(error);
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        error.to_string()
    };
    assert!(limited("ca:file", &limits).contains("trust_store_file_bytes"));
    assert_eq!(world.load("ca:many", &limits).unwrap().len(), 2);
    limits.trust_store_bytes = ROOT.len();
    assert!(limited("ca:many", &limits).contains("trust_store_bytes"));
    limits.trust_store_files = 1;
    assert!(limited("ca:many", &limits).contains("trust_store_files"));
}

#[test]
fn stores_in_memory_have_the_rules_of_files() {
    let (provider, limits) = (Provider::preferred(), Limits::default());
    let builder = TrustStore::builder()
        .add_pem(StoreKind::Ca, "a", ROOT, &provider, &limits)
        .unwrap();
    let name = |text: &str| StoreName::parse(text).unwrap();
    let stores = builder.clone().build();
    let root = stores.get(&name("ca:a")).unwrap()[0].clone();

    let stores = builder
        .add(StoreKind::Tsa, "t", vec![root.clone()])
        .unwrap()
        .add(StoreKind::Ca, "a", vec![root.clone()])
        .unwrap()
        .add_unusable(
            StoreKind::Ca,
            "broken",
            Rejection::new(Reason::TrustStoreUnusable, "broken"),
        )
        .unwrap()
        .build();
    assert_eq!(stores.get(&name("ca:a")).unwrap().len(), 2);
    assert_eq!(stores.contains(&[name("ca:a")], &root), Ok(true));
    assert_eq!(stores.contains(&[], &root), Ok(false));

    // One store that cannot be used spoils the answer, in any order.
    for stores_of_policy in [["ca:a", "ca:broken"], ["ca:broken", "ca:a"]] {
        let names = stores_of_policy.map(name);
        let rejection = stores.contains(&names, &root).unwrap_err();
        assert_eq!(rejection.detail, "broken");
    }
    for (missing, reason) in [
        ("ca:none", Reason::TrustStoreUnusable),
        ("signingAuthority:a", Reason::TrustStoreUnusable),
        ("tsa:a", Reason::TimestampTrustStore),
    ] {
        assert_eq!(stores.get(&name(missing)).unwrap_err().reason, reason);
    }
    for (kind, name, certificates, category) in [
        (StoreKind::Ca, "a", Vec::new(), "trust-store-empty"),
        (StoreKind::Ca, "..", vec![root], "trust-store-name"),
    ] {
        let error = TrustStore::builder()
            .add(kind, name, certificates)
            .unwrap_err();
        assert_eq!(error.category(), category);
    }
}

#[test]
fn a_broken_store_is_kept_for_the_check_that_needs_it() {
    let world = World::new();
    world.file(&store("ca/good/root.pem"), ROOT);
    let names = ["ca:good", "ca:absent", "tsa:absent", "ca:good"]
        .map(|name| StoreName::parse(name).unwrap());
    let loaded = world
        .config()
        .trust_store_for(&names, &Provider::preferred(), &Limits::default());
    assert_eq!(loaded.stores.names().count(), 3);
    assert_eq!(loaded.stores.get(&names[0]).unwrap().len(), 1);
    let rejection = loaded.stores.get(&names[1]).unwrap_err();
    assert_eq!(rejection.reason, Reason::TrustStoreUnusable);
    assert!(rejection.detail.contains("`ca:absent`"));
    assert!(rejection.remedy.is_some());
    assert_eq!(
        loaded.stores.get(&names[2]).unwrap_err().reason,
        Reason::TimestampTrustStore
    );
}

#[test]
fn a_directory_that_is_not_there_has_nothing() {
    let config = ConfigDirectory::at(Path::new("/nonexistent/notation"));
    assert_eq!(
        config
            .oci_policy(&Limits::default())
            .unwrap_err()
            .category(),
        "policy-missing"
    );
}
