//! Certificates for TLS, made with OpenSSL for each run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Whether there is an OpenSSL that can do what is needed. `REQUIRE_OPENSSL=1`
/// makes it an error if not.
pub fn there_is_openssl() -> bool {
    let version = Command::new("openssl").arg("version").output();
    let found = version.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3"));
    let required = std::env::var("REQUIRE_OPENSSL").is_ok_and(|value| value == "1");
    assert!(
        found || !required,
        "there is no OpenSSL 3 and REQUIRE_OPENSSL=1"
    );
    if !found {
        println!("SKIPPED: there is no OpenSSL 3");
    }
    found
}

/// An authority in a directory of its own.
pub struct Authority {
    folder: tempfile::TempDir,
}

/// Who a server asks for a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nobody,
    /// Those who have one show it.
    Whoever,
    /// Only those who have one come in.
    Everybody,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Self { folder };
        authority.key("ca");
        authority.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        ]);
        authority
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn key(&self, name: &str) {
        let file = format!("{name}.key");
        self.openssl(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            &file,
        ]);
    }

    /// A certificate with these names (`IP:127.0.0.1`, `DNS:localhost`).
    pub fn issue(&self, name: &str, names: &str, usage: &str) {
        self.key(name);
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        let extensions = format!("{name}.ext");
        std::fs::write(
            self.path(&extensions),
            format!("subjectAltName={names}\nextendedKeyUsage={usage}\n"),
        )
        .unwrap();
        let subject = format!("/CN={name}");
        self.openssl(&[
            "req", "-new", "-key", &key, "-out", &request, "-subj", &subject,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-days",
            "1",
            "-extfile",
            &extensions,
            "-out",
            &format!("{name}.pem"),
        ]);
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    /// The TLS of a server with the certificate `name`.
    pub fn server(&self, name: &str, asks: Asks) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls_graviola::default_provider());
        let chain: Vec<CertificateDer<'static>> =
            vec![CertificateDer::from_pem_slice(&self.read(&format!("{name}.pem"))).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&self.read(&format!("{name}.key"))).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks == Asks::Nobody {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(&self.read("ca.pem")).unwrap())
                .unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if asks == Asks::Whoever {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        };
        Arc::new(builder.with_single_cert(chain, key).unwrap())
    }
}
