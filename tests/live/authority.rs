//! A certificate authority made with OpenSSL: certificates, CRLs, an OCSP
//! responder, and signatures of its signer.
#![allow(dead_code, reason = "not every suite needs every helper")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use notation_verifier::Time;
use notation_verifier::crypto::{HashAlgorithm, Scheme};
use notation_verifier::wire::{Descriptor, base64};
use serde_json::json;

use crate::random::Random;
use crate::signing::SigningKey;

/// The serial number of the signing certificate.
pub(crate) const SERIAL: &str = "1000";
/// Another certificate of the authority.
pub(crate) const OTHER_SERIAL: &str = "2000";

/// Whether there is an OpenSSL that can do what is needed. `REQUIRE_OPENSSL=1`
/// makes it an error if not.
pub(crate) fn there_is_openssl() -> bool {
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
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    key: PathBuf,
}

impl Authority {
    /// An authority with the key of `bits`, whose signing certificates name the
    /// addresses `ocsp` and `crl`.
    pub(crate) fn new(bits: usize, ocsp: Option<&str>, crl: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = key(bits);
        let mut leaf =
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n".to_owned();
        if let Some(url) = ocsp {
            leaf.push_str(&format!("authorityInfoAccess=OCSP;URI:{url}\n"));
        }
        if let Some(url) = crl {
            leaf.push_str(&format!("crlDistributionPoints=URI:{url}\n"));
        }
        let configuration = format!(
            "[req]\ndistinguished_name=name\nprompt=no\n\
             [name]\nC=US\nST=WA\nO=Acme\nCN=Root\n\
             [root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             [leaf]\n{leaf}\
             [responder]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning\nnoCheck=ignored\n\
             [ca]\ndefault_ca=authority\n\
             [authority]\ndatabase=index.txt\ndefault_md=sha256\ncrlnumber=number\ndefault_crl_days=1\n"
        );
        fs::write(folder.path().join("openssl.cnf"), configuration).unwrap();
        fs::write(folder.path().join("number"), "01\n").unwrap();
        fs::write(
            folder.path().join("index.txt.attr"),
            "unique_subject = no\n",
        )
        .unwrap();
        let authority = Self { folder, key };
        let key = authority.key.to_string_lossy().into_owned();
        authority.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &key,
            "-config",
            "openssl.cnf",
            "-extensions",
            "root",
            "-days",
            "30",
            "-out",
            "root.pem",
        ]);
        authority.issue("leaf", SERIAL, 2048);
        authority.issue("responder", "3000", 4096);
        authority.set("V", "V");
        authority
    }

    fn issue(&self, name: &str, serial: &str, bits: usize) {
        let (leaf_key, key) = (key(bits), self.key.to_string_lossy());
        let subject = format!("/C=US/ST=WA/O=Acme/CN={name}");
        let (request, certificate) = (format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&[
            "req",
            "-new",
            "-key",
            &leaf_key.to_string_lossy(),
            "-subj",
            &subject,
            "-config",
            "openssl.cnf",
            "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "root.pem",
            "-CAkey",
            &key,
            "-set_serial",
            &format!("0x{serial}"),
            "-days",
            "20",
            "-extfile",
            "openssl.cnf",
            "-extensions",
            name,
            "-out",
            &certificate,
        ]);
    }

    /// Sets the status of the signing certificate and of another one: `V`, or
    /// `R` with or without a reason, as in `R,keyCompromise`.
    pub(crate) fn set(&self, leaf: &str, other: &str) {
        let line = |status: &str, serial: &str| {
            let revoked = status
                .strip_prefix('R')
                .map(|reason| format!("250102030405Z{reason}"));
            let (letter, revoked) = (&status[..1], revoked.unwrap_or_default());
            format!("{letter}\t401231235959Z\t{revoked}\t{serial}\tunknown\t/CN={serial}\n")
        };
        let lines = line(leaf, SERIAL) + &line(other, OTHER_SERIAL);
        fs::write(self.path("index.txt"), lines).unwrap();
    }

    /// The CRL of the statuses that are set, in DER, due again after `seconds`.
    pub(crate) fn crl(&self, now: Time, seconds: i64) -> Vec<u8> {
        self.list(now, seconds, None)
    }

    /// Adds sections to the configuration of OpenSSL.
    pub(crate) fn sections(&self, text: &str) {
        let path = self.path("openssl.cnf");
        let configuration = fs::read_to_string(&path).unwrap();
        fs::write(path, configuration + text).unwrap();
    }

    /// The same with the extensions of a section. Lists are numbered one after the
    /// other.
    pub(crate) fn list(&self, now: Time, seconds: i64, extensions: Option<&str>) -> Vec<u8> {
        let digits = |time: Time| time.to_string().replace(['-', ':', 'T'], "");
        let last = digits(now.saturating_add_seconds(seconds.min(0) - 3600));
        let next = digits(now.saturating_add_seconds(seconds));
        let key = self.key.to_string_lossy();
        let mut arguments = vec![
            "ca",
            "-gencrl",
            "-config",
            "openssl.cnf",
            "-cert",
            "root.pem",
            "-keyfile",
            &key,
            "-crl_lastupdate",
            &last,
            "-crl_nextupdate",
            &next,
            "-out",
            "crl.pem",
        ];
        if let Some(section) = extensions {
            arguments.extend(["-crlexts", section]);
        }
        self.openssl(&arguments);
        self.openssl(&[
            "crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der",
        ]);
        fs::read(self.path("crl.der")).unwrap()
    }

    /// An OCSP response about `serial`, in DER.
    pub(crate) fn response(&self, serial: &str) -> Vec<u8> {
        let key = key(4096);
        self.openssl(&[
            "ocsp",
            "-index",
            "index.txt",
            "-rsigner",
            "responder.pem",
            "-rkey",
            &key.to_string_lossy(),
            "-CA",
            "root.pem",
            "-issuer",
            "root.pem",
            "-serial",
            &format!("0x{serial}"),
            "-nmin",
            "60",
            "-no_nonce",
            "-respout",
            "response.der",
        ]);
        fs::read(self.path("response.der")).unwrap()
    }

    /// Starts OpenSSL's responder for the statuses that are set now.
    pub(crate) fn responder(&self) -> Responder {
        let mut process = Command::new("openssl")
            .args([
                "ocsp",
                "-index",
                "index.txt",
                "-port",
                "0",
                "-rsigner",
                "responder.pem",
                "-rkey",
            ])
            .arg(key(4096))
            .args(["-CA", "root.pem", "-nmin", "60", "-ignore_err"])
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        // `ACCEPT [::]:44689 PID=21690`
        while !line.starts_with("ACCEPT") {
            line.clear();
            assert_ne!(
                lines.read_line(&mut line).unwrap(),
                0,
                "the responder ended"
            );
        }
        let address = line.split(' ').nth(1).unwrap();
        let port = address.rsplit(':').next().unwrap().trim().parse().unwrap();
        Responder { process, port }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    }

    /// A configuration directory that trusts this authority, at `level`.
    pub(crate) fn configuration(&self, level: &str) -> PathBuf {
        let folder = self.path(&format!("config-{level}"));
        let store = folder.join("truststore/x509/ca/acme");
        fs::create_dir_all(&store).unwrap();
        fs::copy(self.path("root.pem"), store.join("root.pem")).unwrap();
        let policy = json!({"version": "1.0", "trustPolicies": [{
            "name": "all", "registryScopes": ["*"],
            "signatureVerification": {"level": level},
            "trustStores": ["ca:acme"], "trustedIdentities": ["*"]}]});
        fs::write(folder.join("trustpolicy.oci.json"), policy.to_string()).unwrap();
        let mut policy = policy;
        let statement = policy["trustPolicies"][0].as_object_mut().unwrap();
        statement.remove("registryScopes");
        statement.insert("globalPolicy".to_owned(), true.into());
        fs::write(folder.join("trustpolicy.blob.json"), policy.to_string()).unwrap();
        folder
    }

    /// A JWS envelope over `target`, signed at `now`.
    pub(crate) fn sign(&self, target: &Descriptor, now: Time) -> Vec<u8> {
        let protected = json!({
            "alg": "PS256", "cty": "application/vnd.cncf.notary.payload.v1+json",
            "crit": ["io.cncf.notary.signingScheme"],
            "io.cncf.notary.signingScheme": "notary.x509",
            "io.cncf.notary.signingTime": now.to_string()});
        let payload = json!({"targetArtifact": {
            "mediaType": target.media_type, "digest": target.digest, "size": target.size}});
        let encode = |value: &serde_json::Value| base64::encode_url(value.to_string().as_bytes());
        let (protected, payload) = (encode(&protected), encode(&payload));
        let signature = SigningKey::rsa(2048).sign(
            Scheme::RsaPss(HashAlgorithm::Sha256),
            format!("{protected}.{payload}").as_bytes(),
            &mut Random(1),
        );
        let chain = ["leaf.pem", "root.pem"].map(|name| {
            let pem = fs::read_to_string(self.path(name)).unwrap();
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            lines.collect::<String>()
        });
        json!({"payload": payload, "protected": protected, "header": {"x5c": chain},
            "signature": base64::encode_url(&signature)})
        .to_string()
        .into_bytes()
    }
}

/// OpenSSL's responder, as long as this lives.
pub(crate) struct Responder {
    process: Child,
    port: u16,
}

impl Responder {
    /// Hands on a request and gives the whole answer.
    pub(crate) fn ask(&self, head: &[u8], body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("localhost", self.port)).unwrap();
        stream.write_all(head).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn key(bits: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/keys/rsa-{bits}.pem"))
}
