//! The same by the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use notation_verifier::envelope::MediaType;
use notation_verifier::outcome::Verdict;

use crate::certificates::there_is_openssl;
use crate::world::World;

struct Desk {
    world: World,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let world = World::new();
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { world, folder };
        for (name, contents) in [
            ("key.pem", &desk.world.signing.key),
            ("chain.pem", &desk.world.signing.chain),
            ("code-root.pem", &desk.world.signing.root),
            ("root.pem", &desk.world.tsa.root()),
            ("a.payload.json", &desk.world.payload),
        ] {
            fs::write(desk.path(name), contents).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, arguments: &[&str]) -> Output {
        let payload = self.path("a.payload.json");
        Command::new(env!("CARGO_BIN_EXE_notation-verify"))
            .args(["sign", "--key", "key.pem", "--certificates", "chain.pem"])
            .args(arguments)
            .arg(payload)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn stamped(&self, url: &str, root: &str, more: &[&str]) -> Output {
        let arguments = ["--timestamp-url", url, "--timestamp-root-cert", root];
        self.sign(&[&arguments[..], more].concat())
    }
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn payload_files_are_signed_and_stamped() {
    if !there_is_openssl() {
        return;
    }
    let desk = Desk::new();
    let url = desk.world.tsa.url("/");
    for (format, media_type) in [("cose", MediaType::Cose), ("jws", MediaType::Jws)] {
        let more = ["--media-type", format, "--allow-private-addresses"];
        let output = desk.stamped(&url, "root.pem", &more);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{errors}");
        assert!(
            text.contains("time-stamped at") && text.contains("by `CN=tsa stamper`"),
            "{text}"
        );
        let envelope = fs::read(desk.path(&format!("a.payload.json.{format}"))).unwrap();
        let report = desk.world.verify(media_type, &envelope);
        assert_eq!(report.verdict(), Verdict::Trusted, "{:#}", report.to_json());
    }
}

#[test]
fn without_the_time_stamp_there_is_no_envelope() {
    if !there_is_openssl() {
        return;
    }
    let desk = Desk::new();
    let url = desk.world.tsa.url("/");
    let picky = desk.world.tsa.url("/picky");
    let allow = "--allow-private-addresses";
    // Loopback is no address that a certificate may send us to, unless somebody says
    // so; the authority itself was named by a person.
    for (url, root, more, code, because) in [
        (&url, "root.pem", None, 1, "egress rules do not allow"),
        (&picky, "root.pem", Some(allow), 1, "badAlg"),
        (&url, "code-root.pem", Some(allow), 1, "does not lead to"),
        (&url, "chain.pem", Some(allow), 3, "--timestamp-root-cert"),
        (&url, "missing.pem", Some(allow), 3, "missing.pem"),
        (
            &"tsa".to_owned(),
            "root.pem",
            Some(allow),
            2,
            "give an address",
        ),
    ] {
        let more: Vec<&str> = more.into_iter().collect();
        let output = desk.stamped(url, root, &more);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{because}: {errors}");
        assert!(errors.contains(because), "{errors}");
        assert!(!exists(&desk.path("a.payload.json.cose")));
    }
    // One option needs the other.
    for alone in [
        ["--timestamp-url", &url],
        ["--timestamp-root-cert", "root.pem"],
    ] {
        assert_eq!(desk.sign(&alone).status.code(), Some(2));
    }
}
