//! Time-stamp tokens that `openssl ts` makes here, under authorities that
//! `openssl ca` makes here.
//!
//! Without the `openssl` command the suite is skipped, loudly;
//! `REQUIRE_OPENSSL=1` forbids that.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::timestamp::{Timestamp, Token};
use notation_verifier::x509::{Certificate, parse_certificates};

const MESSAGE: &[u8] = b"a signature of an envelope";

const CONFIG: &str = "
[ca]
default_ca = authority
[authority]
database = DIR/index.txt
new_certs_dir = DIR
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[intermediate_for_servers]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
extendedKeyUsage = serverAuth
[stamper]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
";

/// What differs between two tokens.
#[derive(Clone, Copy)]
struct Stamp<'a> {
    signer: &'a str,
    /// Certificates that the token carries besides the signer's.
    chain: &'a [&'a str],
    /// `-cert` in the request: the signer's certificate is in the token.
    with_certificate: bool,
    /// Hash function of the imprint.
    imprint: &'a str,
    /// Hash function of `signing-certificate`: `sha1` is version 1.
    reference: &'a str,
    /// Hash function of the signature.
    digest: &'a str,
    /// Lines of the configuration: accuracy, ordering, name.
    more: &'a str,
}

const STAMP: Stamp<'_> = Stamp {
    signer: "leaf",
    chain: &["intermediate"],
    with_certificate: true,
    imprint: "sha256",
    reference: "sha256",
    digest: "sha256",
    more: "",
};

struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    /// `None` without `openssl`.
    fn open() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            let required = std::env::var("REQUIRE_OPENSSL").is_ok_and(|value| value == "1");
            assert!(!required, "there is no `openssl` and REQUIRE_OPENSSL=1");
            println!("SKIPPED: there is no `openssl`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        fs::write(folder.path().join("ca.cnf"), CONFIG.replace("DIR", path)).unwrap();
        fs::write(folder.path().join("index.txt"), "").unwrap();
        fs::write(folder.path().join("message"), MESSAGE).unwrap();
        let workshop = Self { folder };
        workshop.authority("root", "root", "root", "EC");
        workshop.authority("intermediate", "root", "intermediate", "EC");
        workshop.authority("leaf", "intermediate", "stamper", "EC");
        Some(workshop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, command: &str) {
        let output = Command::new("openssl")
            .args(command.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A certificate `name` that is valid today.
    fn authority(&self, name: &str, issuer: &str, extensions: &str, key: &str) {
        self.certificate(
            name,
            issuer,
            extensions,
            key,
            "20200101000000Z",
            "20691231235959Z",
        );
    }

    fn certificate(
        &self,
        name: &str,
        issuer: &str,
        extensions: &str,
        key: &str,
        start: &str,
        end: &str,
    ) {
        let option = match key {
            "RSA" => "rsa_keygen_bits:2048",
            "RSA-1024" => "rsa_keygen_bits:1024",
            "P-384" => "ec_paramgen_curve:P-384",
            _ => "ec_paramgen_curve:P-256",
        };
        let algorithm = if key.starts_with("RSA") { "RSA" } else { "EC" };
        self.run(&format!(
            "genpkey -algorithm {algorithm} -pkeyopt {option} -out {name}.key"
        ));
        self.run(&format!(
            "req -new -key {name}.key -subj /CN={name} -out {name}.csr"
        ));
        let by = if name == issuer {
            format!("-selfsign -keyfile {name}.key")
        } else {
            format!("-cert {issuer}.pem -keyfile {issuer}.key")
        };
        self.run(&format!(
            "ca -batch -config ca.cnf {by} -in {name}.csr -startdate {start} -enddate {end} \
             -extensions {extensions} -notext -out {name}.pem"
        ));
    }

    /// The token that `openssl ts` makes.
    fn token(&self, stamp: &Stamp<'_>) -> Vec<u8> {
        let mut chain = String::new();
        for name in stamp.chain {
            chain.push_str(&fs::read_to_string(self.path(&format!("{name}.pem"))).unwrap());
        }
        fs::write(self.path("chain.pem"), chain).unwrap();
        let mut config = format!(
            "[tsa]\ndefault_tsa = here\n[here]\nserial = {}\ncrypto_device = builtin\n\
             default_policy = 1.2.3.4\ndigests = sha1, sha256, sha384, sha512\n\
             ess_cert_id_chain = yes\nsigner_digest = {}\ness_cert_id_alg = {}\n{}\n",
            self.path("serial").display(),
            stamp.digest,
            stamp.reference,
            stamp.more
        );
        write!(
            config,
            "signer_cert = {0}.pem\nsigner_key = {0}.key\n",
            stamp.signer
        )
        .unwrap();
        if !stamp.chain.is_empty() {
            config.push_str("certs = chain.pem\n");
        }
        fs::write(self.path("ts.cnf"), config).unwrap();
        self.run(&format!(
            "ts -query -data message -{} {} -out request",
            stamp.imprint,
            if stamp.with_certificate { "-cert" } else { "" }
        ));
        self.run("ts -reply -config ts.cnf -section here -queryfile request -token_out -out token");
        fs::read(self.path("token")).unwrap()
    }

    fn certificates(&self, name: &str) -> Vec<Certificate> {
        let file = fs::read(self.path(&format!("{name}.pem"))).unwrap();
        parse_certificates(&file, &Provider::preferred(), &Limits::default()).unwrap()
    }

    fn verify(&self, stamp: &Stamp<'_>) -> Result<Timestamp, String> {
        verify(&self.token(stamp), &self.certificates("root"))
    }
}

fn verify(token: &[u8], anchors: &[Certificate]) -> Result<Timestamp, String> {
    Token::parse(token, &Provider::preferred(), &Limits::default())
        .and_then(|token| {
            token.covers(MESSAGE)?;
            token.verify(anchors)
        })
        .map_err(|rejection| rejection.detail)
}

#[track_caller]
fn refused(found: Result<Timestamp, String>, because: &str) {
    let detail = found.unwrap_err();
    assert!(detail.contains(because), "{detail}");
}

#[test]
fn tokens_of_openssl() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let started = SystemTime::now();
    good_tokens(&workshop, started);
    bad_tokens(&workshop);
    bad_authorities(&workshop);
    unordered_authorities(&workshop);
}

fn good_tokens(workshop: &Workshop, started: SystemTime) {
    let stamp = workshop.verify(&STAMP).unwrap();
    let since = started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let since = i64::try_from(since).unwrap();
    assert!((since..since + 600).contains(&stamp.time().unix_seconds()));
    assert_eq!(stamp.accuracy(), Duration::ZERO);
    let names: Vec<String> = stamp
        .chain()
        .certificates()
        .iter()
        .map(|certificate| certificate.subject().to_string())
        .collect();
    assert_eq!(names, ["CN=leaf", "CN=intermediate", "CN=root"]);

    let all = "accuracy = secs:1, millisecs:500, microsecs:100\nordering = yes\n\
               tsa_name = yes\nclock_precision_digits = 3\n";
    let stamp = workshop.verify(&Stamp { more: all, ..STAMP }).unwrap();
    assert_eq!(stamp.accuracy(), Duration::from_micros(1_500_100));

    for hash in ["sha384", "sha512"] {
        workshop
            .verify(&Stamp {
                imprint: hash,
                ..STAMP
            })
            .unwrap();
        workshop
            .verify(&Stamp {
                reference: hash,
                ..STAMP
            })
            .unwrap();
        workshop
            .verify(&Stamp {
                digest: hash,
                ..STAMP
            })
            .unwrap();
    }
    // With the root in the token.
    let chain = &["intermediate", "root"];
    workshop.verify(&Stamp { chain, ..STAMP }).unwrap();

    for key in ["RSA", "P-384"] {
        workshop.authority(key, "intermediate", "stamper", key);
        workshop
            .verify(&Stamp {
                signer: key,
                ..STAMP
            })
            .unwrap();
    }
    workshop.authority("direct", "root", "stamper", "EC");
    let signer = "direct";
    workshop
        .verify(&Stamp {
            signer,
            chain: &[],
            ..STAMP
        })
        .unwrap();
}

fn bad_tokens(workshop: &Workshop) {
    let sha1 = "only SHA-256, SHA-384 and SHA-512 are accepted";
    refused(
        workshop.verify(&Stamp {
            imprint: "sha1",
            ..STAMP
        }),
        sha1,
    );
    refused(
        workshop.verify(&Stamp {
            digest: "sha1",
            ..STAMP
        }),
        sha1,
    );
    refused(
        workshop.verify(&Stamp {
            reference: "sha1",
            ..STAMP
        }),
        "lacks the signed attribute signing-certificate-v2",
    );
    refused(
        workshop.verify(&Stamp {
            with_certificate: false,
            ..STAMP
        }),
        "signer is not in the time-stamp",
    );
    refused(
        workshop.verify(&Stamp {
            chain: &[],
            ..STAMP
        }),
        "does not lead to a certificate",
    );
    fs::write(workshop.path("message"), "a signature of another envelope").unwrap();
    refused(workshop.verify(&STAMP), "is of something else");
    fs::write(workshop.path("message"), MESSAGE).unwrap();
}

fn bad_authorities(workshop: &Workshop) {
    workshop.authority("stranger", "stranger", "root", "EC");
    refused(
        verify(&workshop.token(&STAMP), &workshop.certificates("stranger")),
        "does not lead to a certificate",
    );

    for (name, start, end) in [
        ("expired", "20200101000000Z", "20210101000000Z"),
        ("future", "20680101000000Z", "20690101000000Z"),
    ] {
        workshop.certificate(name, "intermediate", "stamper", "EC", start, end);
        refused(
            workshop.verify(&Stamp {
                signer: name,
                ..STAMP
            }),
            "and the time-stamp is of",
        );
    }
    workshop.authority("RSA-1024", "intermediate", "stamper", "RSA-1024");
    refused(
        workshop.verify(&Stamp {
            signer: "RSA-1024",
            ..STAMP
        }),
        "an RSA key of 1024 bits",
    );
    workshop.authority("servers", "root", "intermediate_for_servers", "EC");
    workshop.authority("below", "servers", "stamper", "EC");
    let chain = &["servers"];
    refused(
        workshop.verify(&Stamp {
            signer: "below",
            chain,
            ..STAMP
        }),
        "is not for time-stamping",
    );
}

/// Two authorities of one name: a chain is found where there is one, whatever
/// stands beside it.
fn unordered_authorities(workshop: &Workshop) {
    let copy = |from: &str, to: &str| {
        for suffix in ["key", "pem"] {
            let (from, to) = (format!("{from}.{suffix}"), format!("{to}.{suffix}"));
            fs::copy(workshop.path(&from), workshop.path(&to)).unwrap();
        }
    };
    // Another intermediate of the same name, under a stranger.
    copy("intermediate", "first");
    workshop.authority("intermediate", "stranger", "intermediate", "EC");
    copy("intermediate", "second");
    for chain in [&["first", "second"], &["second", "first"]] {
        let stamp = workshop.verify(&Stamp { chain, ..STAMP }).unwrap();
        assert_eq!(
            stamp.chain().certificates().get(1),
            workshop.certificates("first").first()
        );
    }
    refused(
        workshop.verify(&Stamp {
            chain: &["second"],
            ..STAMP
        }),
        "does not lead to a certificate",
    );
    let stranger = workshop.certificates("stranger");
    let token = workshop.token(&Stamp {
        chain: &["second"],
        ..STAMP
    });
    refused(
        verify(&token, &stranger),
        "was not issued by the next certificate",
    );
}
