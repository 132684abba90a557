//! The revocation of time-stamping authorities, end to end: tokens that `openssl ts`
//! makes, CRLs that `openssl ca` makes for each level of the authority, served over
//! HTTP by servers that are good, slow, hung and lying. The signer itself is never
//! revoked.
#![cfg(feature = "http")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at what it does not expect"
)]

#[path = "live/authority.rs"]
mod authority;
#[path = "shared/random.rs"]
mod random;
#[path = "evidence/server.rs"]
mod server;
#[path = "shared/signing.rs"]
mod signing;
#[path = "live/source.rs"]
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notation_verifier::io::ConfigDirectory;
use notation_verifier::io::bundle::{Bundle, Claims, Recording};
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, PrivateAddresses};
use notation_verifier::outcome::Verdict;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::{Descriptor, base64};
use notation_verifier::{Limits, Provider, Report, Time, Verifier};
use serde_json::Value;

use authority::{Authority, there_is_openssl};
use source::{Answers, Source};

/// Serial numbers of the time-stamping authority's certificates.
const INTERMEDIATE: &str = "10";
const STAMPER: &str = "20";

struct World {
    signer: Authority,
    /// Serves the lists of the root, about the intermediate.
    root: Source,
    /// Serves the lists of the intermediate, about the stamper.
    intermediate: Source,
    envelope: Vec<u8>,
    target: Descriptor,
    now: Time,
}

impl World {
    fn new() -> Self {
        let signer = Authority::new(2048, None, None);
        let (root, intermediate) = (Source::start(), Source::start());
        let mut world = Self {
            envelope: Vec::new(),
            target: Descriptor {
                media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
                digest: format!("sha256:{}", "ab".repeat(32)),
                size: 42,
                ..Descriptor::default()
            },
            now: now(),
            signer,
            root,
            intermediate,
        };
        world.make_authority();
        // A time-stamp is right to a second, and all of that second must be after
        // the certificates began.
        std::thread::sleep(Duration::from_secs(3));
        let envelope = world.signer.sign(&world.target, world.now);
        let mut envelope: Value = serde_json::from_slice(&envelope).unwrap();
        let signature = base64::decode_url(envelope["signature"].as_str().unwrap()).unwrap();
        let token = world.token(&signature);
        envelope["header"]["io.cncf.notary.timestampSignature"] =
            base64::encode_standard(&token).into();
        world.envelope = envelope.to_string().into_bytes();
        world.now = now();
        world
    }

    fn path(&self, name: &str) -> String {
        self.signer.path(name).to_string_lossy().into_owned()
    }

    fn make_authority(&self) {
        let (root, intermediate) = (
            self.root.server.url("/root.crl"),
            self.intermediate.server.url("/intermediate.crl"),
        );
        let configuration = format!(
            "[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=tsa root\n\
             [root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             [intermediate]\nbasicConstraints=critical,CA:TRUE,pathlen:0\n\
             keyUsage=critical,keyCertSign,cRLSign\ncrlDistributionPoints=URI:{root}\n\
             [stamper]\nkeyUsage=critical,digitalSignature\n\
             extendedKeyUsage=critical,timeStamping\ncrlDistributionPoints=URI:{intermediate}\n\
             [of_root]\ndatabase=of_root.txt\ncrlnumber=of_root.number\ndefault_md=sha256\n\
             [of_intermediate]\ndatabase=of_intermediate.txt\ncrlnumber=of_intermediate.number\n\
             default_md=sha256\n\
             [tsa]\ndefault_tsa=here\n[here]\nserial={}\ncrypto_device=builtin\n\
             default_policy=1.2.3.4\ndigests=sha256\ness_cert_id_chain=yes\nsigner_digest=sha256\n\
             ess_cert_id_alg=sha256\nsigner_cert=tsa-stamper.pem\nsigner_key=tsa-stamper.key\n\
             certs=tsa-intermediate.pem\n",
            self.path("tsa.serial")
        );
        fs::write(self.path("tsa.cnf"), configuration).unwrap();
        for name in ["root", "intermediate", "stamper"] {
            self.openssl(&format!(
                "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tsa-{name}.key"
            ));
        }
        self.openssl(
            "req -x509 -new -key tsa-root.key -config tsa.cnf -extensions root -days 30 \
             -out tsa-root.pem",
        );
        for (name, issuer, serial) in [
            ("intermediate", "root", INTERMEDIATE),
            ("stamper", "intermediate", STAMPER),
        ] {
            self.openssl(&format!(
                "req -new -key tsa-{name}.key -subj /CN=tsa-{name} -config tsa.cnf \
                 -out tsa-{name}.csr"
            ));
            self.openssl(&format!(
                "x509 -req -in tsa-{name}.csr -CA tsa-{issuer}.pem -CAkey tsa-{issuer}.key \
                 -set_serial 0x{serial} -days 20 -extfile tsa.cnf -extensions {name} \
                 -out tsa-{name}.pem"
            ));
        }
        for name in ["of_root", "of_intermediate"] {
            fs::write(self.path(&format!("{name}.number")), "01\n").unwrap();
            fs::write(
                self.path(&format!("{name}.txt.attr")),
                "unique_subject = no\n",
            )
            .unwrap();
        }
    }

    fn openssl(&self, command: &str) {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        self.signer.openssl(&arguments);
    }

    /// The token over `message`.
    fn token(&self, message: &[u8]) -> Vec<u8> {
        fs::write(self.path("message"), message).unwrap();
        self.openssl("ts -query -data message -sha256 -cert -out request");
        self.openssl(
            "ts -reply -config tsa.cnf -section here -queryfile request -token_out -out token",
        );
        fs::read(self.path("token")).unwrap()
    }

    /// The list of `issuer` about the certificate `serial`, which is good (`V`) or
    /// revoked (`R`, `R,reason`), due again after `seconds`.
    fn list(&self, issuer: &str, serial: &str, status: &str, seconds: i64) -> Vec<u8> {
        let revoked = match status.strip_prefix('R') {
            Some(reason) => format!("250102030405Z{reason}"),
            None => String::new(),
        };
        let letter = &status[..1];
        let line = format!("{letter}\t401231235959Z\t{revoked}\t{serial}\tunknown\t/CN=x\n");
        fs::write(self.path(&format!("of_{issuer}.txt")), line).unwrap();
        let digits = |time: Time| time.to_string().replace(['-', ':', 'T'], "");
        self.openssl(&format!(
            "ca -gencrl -config tsa.cnf -name of_{issuer} -cert tsa-{issuer}.pem \
             -keyfile tsa-{issuer}.key -crl_lastupdate {} -crl_nextupdate {} -out {issuer}.crl",
            digits(self.now.saturating_add_seconds(seconds.min(0) - 3600)),
            digits(self.now.saturating_add_seconds(seconds)),
        ));
        self.openssl(&format!(
            "crl -in {issuer}.crl -outform DER -out {issuer}.crl.der"
        ));
        fs::read(self.path(&format!("{issuer}.crl.der"))).unwrap()
    }

    fn of_root(&self, status: &str, seconds: i64) -> Vec<u8> {
        self.list("root", INTERMEDIATE, status, seconds)
    }

    fn of_intermediate(&self, status: &str, seconds: i64) -> Vec<u8> {
        self.list("intermediate", STAMPER, status, seconds)
    }

    /// Both servers are good.
    fn restore(&self) {
        self.root.set(Answers::With(self.of_root("V", 3600)));
        self.intermediate
            .set(Answers::With(self.of_intermediate("V", 3600)));
    }

    fn verifier(&self, level: &str) -> Verifier {
        let folder = self.signer.configuration(level);
        let store = folder.join("truststore/x509/tsa/acme");
        fs::create_dir_all(&store).unwrap();
        fs::copy(self.path("tsa-root.pem"), store.join("root.pem")).unwrap();
        trust_time_stamps(&folder.join("trustpolicy.oci.json"));
        ConfigDirectory::at(folder)
            .oci_verifier(Provider::preferred(), Limits::default())
            .unwrap()
            .verifier
    }

    fn request<'a>(
        &'a self,
        metadata: &'a BTreeMap<String, String>,
        at: Time,
    ) -> EnvelopeRequest<'a> {
        EnvelopeRequest {
            scope: Scope::Repository("registry.example/app"),
            media_type: "application/jose+json",
            envelope: &self.envelope,
            target: &self.target,
            user_metadata: metadata,
            now: at,
        }
    }

    fn verify(&self, level: &str, patience: Duration) -> Report {
        let (metadata, mut fetcher) = (BTreeMap::new(), fetcher(patience));
        self.verifier(level)
            .verify_envelope(&self.request(&metadata, self.now), &mut fetcher)
            .unwrap()
    }

    #[track_caller]
    fn trusted(&self) {
        let report = self.verify("strict", PATIENT);
        assert_eq!(report.verdict(), Verdict::Trusted, "{:#}", report.to_json());
    }

    #[track_caller]
    fn rejected(&self, patience: Duration, because: &[&str]) {
        let report = self.verify("strict", patience);
        let text = report.to_json().to_string();
        assert_eq!(report.verdict(), Verdict::Rejected, "{text}");
        for because in because {
            assert!(text.contains(because), "`{because}` is not in {text}");
        }
        // Permissive only says so.
        let report = self.verify("permissive", patience);
        assert_eq!(report.verdict(), Verdict::Trusted);
        let text = report.to_json().to_string();
        assert!(
            because.iter().all(|because| text.contains(because)),
            "{text}"
        );
    }
}

const PATIENT: Duration = Duration::from_secs(30);
const IMPATIENT: Duration = Duration::from_millis(400);

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap())
}

fn fetcher(patience: Duration) -> EvidenceFetcher {
    let mut options = FetchOptions::default();
    options.egress.private_addresses = PrivateAddresses::Allow;
    options.crl_timeout = patience;
    EvidenceFetcher::new(options, Provider::preferred(), &Limits::default())
}

fn trust_time_stamps(policy: &Path) {
    let mut document: Value = serde_json::from_slice(&fs::read(policy).unwrap()).unwrap();
    document["trustPolicies"][0]["trustStores"] = serde_json::json!(["ca:acme", "tsa:acme"]);
    fs::write(policy, document.to_string()).unwrap();
}

#[test]
fn the_chain_of_a_time_stamp_is_looked_up() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    world.restore();
    world.trusted();
    assert_eq!(
        (world.root.server.hits(), world.intermediate.server.hits()),
        (1, 1)
    );

    // The stamper, and the intermediate authority above it.
    for status in ["R", "R,keyCompromise"] {
        world
            .intermediate
            .set(Answers::With(world.of_intermediate(status, 3600)));
        world.rejected(PATIENT, &["revoked", "tsa-stamper"]);
        world.restore();
        world.root.set(Answers::With(world.of_root(status, 3600)));
        world.rejected(PATIENT, &["revoked", "tsa-intermediate"]);
        world.restore();
    }
    world.trusted();

    let stranger = World::new();
    for (source, url, expired, foreign) in [
        (
            &world.root,
            "/root.crl",
            world.of_root("V", -60),
            stranger.of_root("V", 3600),
        ),
        (
            &world.intermediate,
            "/intermediate.crl",
            world.of_intermediate("V", -60),
            stranger.of_intermediate("V", 3600),
        ),
    ] {
        world.restore();
        let good = match url {
            "/root.crl" => world.of_root("V", 3600),
            _ => world.of_intermediate("V", 3600),
        };
        source.set(Answers::Slowly(good.clone()));
        world.trusted();
        source.set(Answers::NotAtAll);
        world.rejected(IMPATIENT, &["time-out after 0.4 s", url]);
        source.set(Answers::Status("503 Service Unavailable"));
        world.rejected(PATIENT, &["the status 503", url]);
        source.set(Answers::With(expired));
        world.rejected(PATIENT, &["expired", url]);
        source.set(Answers::With(foreign));
        world.rejected(PATIENT, &["is not from", url]);
        source.set(Answers::With(good[..good.len() - 1].to_vec()));
        world.rejected(PATIENT, &[url]);
    }
}

#[test]
fn a_bundle_has_the_evidence_of_the_time_stamp_too() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    for (status, verdict) in [("V", Verdict::Trusted), ("R", Verdict::Rejected)] {
        world.restore();
        world.root.set(Answers::With(world.of_root(status, 3600)));
        let (verifier, metadata) = (world.verifier("strict"), BTreeMap::new());
        let recording = Recording::new(Provider::preferred(), &Limits::default());
        let mut recorder = recording.at_hand("envelope", world.now, fetcher(PATIENT));
        let request = world.request(&metadata, world.now);
        let before = verifier.verify_envelope(&request, &mut recorder).unwrap();
        assert_eq!(before.verdict(), verdict, "{:#}", before.to_json());
        let file = world.path("evidence.tar");
        recording.write(&file, world.now).unwrap();

        let hits = (world.root.server.hits(), world.intermediate.server.hits());
        let bundle = Bundle::open(&file, &Limits::default()).unwrap();
        let mut replay = bundle.evidence(Claims::Refuse);
        let after = verifier.verify_envelope(&request, &mut replay).unwrap();
        assert_eq!(before.to_json(), after.to_json());
        let later = world.request(&metadata, world.now.saturating_add_seconds(7200));
        let late = verifier.verify_envelope(&later, &mut replay).unwrap();
        assert_eq!(late.verdict(), Verdict::Rejected);
        assert_eq!(
            hits,
            (world.root.server.hits(), world.intermediate.server.hits())
        );
    }
}
