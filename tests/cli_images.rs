//! The command on references: one image, many images, reports, early ends. As a
//! process, against a registry in the test.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "evidence/server.rs"]
mod server;
mod signed;
#[path = "signed/server.rs"]
mod stored;
#[allow(dead_code, reason = "the other suite needs more of it")]
mod tokens;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use server::Server;
use signed::{Store, write_configuration};
use tempfile::TempDir;

/// Time for what happens at once, on any machine.
const SOON: Duration = Duration::from_secs(60);

/// A registry with a signed, an unsigned and a wrongly signed image, and a signed
/// index of signed images and one with an unsigned image.
struct World {
    server: Server,
    scratch: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        Self::with_policy(signed::POLICY)
    }

    fn with_policy(policy: &str) -> Self {
        let mut store = Store::default();
        let good = store.signed_image("good");
        let unsigned = store.image("unsigned");
        let wrong = store.image("wrong");
        store.sign_as(&wrong, &good);
        let good_index = store.index(&[(&good, "linux/amd64")]);
        store.sign(&good_index);
        let bad_index = store.index(&[(&good, "linux/amd64"), (&unsigned, "linux/arm64")]);
        store.sign(&bad_index);
        for (tag, descriptor) in [
            ("good", good),
            ("unsigned", unsigned),
            ("wrong", wrong),
            ("good-index", good_index),
            ("bad-index", bad_index),
        ] {
            store.tags.insert(tag.to_owned(), descriptor);
        }
        let scratch = tempfile::tempdir().unwrap();
        write_configuration(&scratch.path().join("config"), policy);
        Self {
            server: stored::serve(store.clone()),
            scratch,
            store,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// `tag` of the repository `app`.
    fn reference(&self, tag: &str) -> String {
        self.of("app", tag)
    }

    fn of(&self, repository: &str, tag: &str) -> String {
        format!("127.0.0.1:{}/{repository}:{tag}", self.server.port())
    }

    fn digest(&self, tag: &str) -> &str {
        &self.store.tags[tag].digest
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notation-verify"));
        command
            .env_clear()
            .env("HOME", self.scratch.path())
            .current_dir(self.scratch.path())
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn verify(&self, words: &[&str]) -> Output {
        let words = [&["verify", "--config", "config"], words].concat();
        self.run(&words)
    }

    /// The same with references of `tags` in front.
    fn verify_tags(&self, tags: &[&str], more: &[&str]) -> Output {
        let references: Vec<String> = tags.iter().map(|tag| self.reference(tag)).collect();
        let mut words: Vec<&str> = references.iter().map(String::as_str).collect();
        words.extend(more);
        self.verify(&words)
    }

    fn verify_from(&self, list: &str, more: &[&str]) -> Output {
        fs::write(self.path("list"), list).unwrap();
        self.verify(&[&["--from", "list"], more].concat())
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn valid(document: &[u8], schema: &str) -> Value {
    let document: Value = serde_json::from_slice(document)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(document)));
    let report: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    let registry = jsonschema::Registry::new()
        .add("json-schema:///report.schema.json", report)
        .unwrap()
        .prepare()
        .unwrap();
    let validator = jsonschema::options()
        .with_registry(&registry)
        .build(&schema)
        .unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {document:#}");
    document
}

fn batch(document: &[u8]) -> Value {
    valid(document, include_str!("../docs/batch.schema.json"))
}

/// Status of each image, in the order of the input.
fn statuses(document: &Value) -> Vec<&str> {
    let mut images: Vec<_> = document["images"].as_array().unwrap().iter().collect();
    images.sort_by_key(|image| image["index"].as_u64());
    images
        .iter()
        .map(|image| image["status"].as_str().unwrap())
        .collect()
}

#[test]
fn one_reference_is_shown_in_full() {
    let world = World::new();
    let output = world.verify_tags(&["good"], &[]);
    let shown = out(&output);
    assert_eq!(code(&output), 0, "{shown}{}", err(&output));
    assert!(shown.starts_with("TRUSTED  127.0.0.1:"), "{shown}");
    for expected in [
        world.digest("good"),
        "Signature 1 of 1: trusted",
        "certificates:",
    ] {
        assert!(shown.contains(expected), "`{expected}` in {shown}");
    }
    // Manifest, referrers, signature manifest, envelope; no ping, no token.
    assert_eq!(world.server.hits(), 4, "{:?}", world.server.asked());

    for (tag, expected, status) in [
        ("unsigned", 1, "unsigned"),
        ("wrong", 1, "rejected"),
        ("missing", 3, "lookup-failed"),
    ] {
        let output = world.verify_tags(&[tag], &["--output", "json"]);
        let document = valid(&output.stdout, include_str!("../docs/report.schema.json"));
        assert_eq!(code(&output), expected, "{document:#}");
        assert_eq!(document["status"], status);
    }
    let digest = format!(
        "127.0.0.1:{}/app@{}",
        world.server.port(),
        world.digest("good")
    );
    let before = world.server.hits();
    assert_eq!(code(&world.verify(&[&digest])), 0);
    assert_eq!(world.server.hits() - before, 4);
}

#[test]
fn many_references_are_one_line_each_with_reasons() {
    let world = World::new();
    let tags = ["good", "unsigned", "wrong", "missing"];
    let output = world.verify_tags(&tags, &[]);
    let shown = out(&output);
    assert_eq!(code(&output), 1, "{shown}");
    let good = world.reference("good");
    for expected in [
        format!("TRUSTED  {good}  is {}", world.digest("good")),
        format!("UNSIGNED  {}", world.reference("unsigned")),
        "  do:  sign it, or copy its signatures along with it".to_owned(),
        format!("REJECTED  {}", world.reference("wrong")),
        "  why: the signature is of another artifact".to_owned(),
        format!("LOOK-UP FAILED  {}", world.reference("missing")),
        "4 images: 1 rejected, 1 unsigned, 1 lookup-failed, 1 verified".to_owned(),
    ] {
        assert!(shown.contains(&expected), "`{expected}` in {shown}");
    }
    assert!(!shown.contains("checks:"), "{shown}");
    // No terminal: plain lines, no colours.
    assert!(
        err(&output).contains("4 of 4 images, 3 not trusted"),
        "{}",
        err(&output)
    );
    assert!(!(shown + &err(&output)).contains('\u{1b}'));

    let output = world.verify_tags(&tags, &["--output", "json"]);
    let document = batch(&output.stdout);
    assert_eq!(
        statuses(&document),
        ["verified", "unsigned", "rejected", "lookup-failed"]
    );
    assert_eq!(document["summary"]["total"], 4);
    assert_eq!(document["summary"]["stopped"], Value::Null);
}

#[test]
fn the_worst_image_decides_the_exit_code() {
    let world = World::new();
    let cases: [(&[&str], i32); 6] = [
        (&["good", "good-index"], 0),
        (&["good", "unsigned"], 1),
        (&["good", "wrong"], 1),
        (&["good", "missing"], 3),
        (&["missing", "wrong", "good"], 1),
        (&["missing", "unsigned"], 1),
    ];
    for (tags, expected) in cases {
        let output = world.verify_tags(tags, &[]);
        assert_eq!(code(&output), expected, "{tags:?}: {}", out(&output));
    }

    // One repository is exempt, another has no statement.
    let world = World::with_policy("{}");
    let port = world.server.port();
    let policy = format!(
        r#"{{"version": "1.0", "trustPolicies": [
        {{"name": "exempt", "registryScopes": ["127.0.0.1:{port}/exempt"],
          "signatureVerification": {{"level": "skip"}}}},
        {{"name": "test", "registryScopes": ["127.0.0.1:{port}/app"],
          "signatureVerification": {{"level": "strict", "override": {{"revocation": "skip"}}}},
          "trustStores": ["ca:test"], "trustedIdentities": ["*"]}}]}}"#
    );
    write_configuration(&world.path("config"), &policy);
    let exempt = world.of("exempt", "x");
    let nowhere = world.of("nowhere", "x");
    let good = world.reference("good");
    let cases: [(&[&str], i32, &[&str]); 4] = [
        (&[&exempt, &exempt], 4, &["skipped"]),
        (&[&exempt, &good], 4, &["skipped", "verified"]),
        (&[&nowhere, &exempt], 3, &["error", "skipped"]),
        (&[&nowhere, &good], 3, &["error", "verified"]),
    ];
    for (references, expected, found) in cases {
        let shown = out(&world.verify(references));
        assert!(
            !shown.contains("because:"),
            "nothing is said twice: {shown}"
        );
        let output = world.verify(&[references, &["--output", "json"]].concat());
        assert_eq!(code(&output), expected, "{references:?}");
        assert_eq!(statuses(&batch(&output.stdout)), found);
    }
    assert!(
        world
            .server
            .asked()
            .iter()
            .all(|one| one.target.contains("/app/"))
    );
}

#[test]
fn images_come_from_lists_documents_and_standard_input() {
    let world = World::new();
    let (good, unsigned) = (world.reference("good"), world.reference("unsigned"));
    let output = world.verify_from(
        &format!("# images\n\n{good}\r\n{good}\n"),
        &["--output", "json"],
    );
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(statuses(&batch(&output.stdout)), ["verified"]);
    assert_eq!(world.server.hits(), 4, "twice in the list, once verified");

    let info = format!(
        r#"{{"repos": [{{"repo": "team/app", "images": [
            {{"manifest": {{"digest": "old.example/team/app@{}"}},
              "platforms": [{{"digest": "old.example/team/app@{}"}}, {{"simpleTags": ["x"]}}]}}]}}]}}"#,
        world.digest("good-index"),
        world.digest("good"),
    );
    let registry = format!("127.0.0.1:{}", world.server.port());
    let moved = [
        "--registry-override",
        &registry,
        "--repo-prefix",
        "staging/",
    ];
    let more = [&moved[..], &["--output", "json"]].concat();
    let output = world.verify_from(&info, &more);
    let document = batch(&output.stdout);
    assert_eq!(code(&output), 0, "{document:#}");
    assert_eq!(statuses(&document), ["verified", "verified"]);
    assert!(
        document["images"][0]["name"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{registry}/staging/team/app@"))
    );
    let warnings = document["warnings"].to_string();
    assert!(warnings.contains("1 entries have no digest"), "{warnings}");

    let mut child = world
        .command(&["verify", "--config", "config", "--from", "-", &good])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{unsigned}\n{good}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(
        out(&output).contains("2 images: 1 unsigned, 1 verified"),
        "{}",
        out(&output)
    );
}

#[test]
fn an_input_without_images_is_an_error_and_never_success() {
    let world = World::new();
    let cases = [
        ("", 2, "names no image"),
        ("# only\n", 2, "names no image"),
        ("{\"repos\": []}", 2, "names no image"),
        ("[]", 2, "JSON array"),
        ("not a reference", 2, "line 1"),
        ("registry.example/app", 2, "needs a digest or a tag"),
    ];
    for (list, expected, words) in cases {
        let output = world.verify_from(list, &[]);
        assert_eq!(code(&output), expected, "{list}");
        assert!(err(&output).contains(words), "{list}: {}", err(&output));
        let output = world.verify_from(list, &["--output", "json"]);
        let document = batch(&output.stdout);
        assert_eq!(code(&output), expected);
        assert!(
            document["error"]["message"]
                .as_str()
                .unwrap()
                .contains(words)
        );
    }
    let output = world.verify(&["--from", "missing"]);
    assert_eq!(code(&output), 3);
    assert!(
        err(&output).contains("`missing` cannot be read"),
        "{}",
        err(&output)
    );
    assert_eq!(world.server.hits(), 0);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let world = World::new();
    let cases: [&[&str]; 15] = [
        &[],
        &["registry.example/app"],
        &["app:1"],
        &["a.example/b:1", "--scope", "a/b"],
        &["a.example/b:1", "--concurrency", "0"],
        &["a.example/b:1", "--registry-override", "b.example"],
        &["a.example/b:1", "--username", "me"],
        &["a.example/b:1", "--password-stdin"],
        &["a.example/b:1", "--client-cert", "x"],
        &["a.example/b:1", "--report", "x.txt"],
        &["a.example/b:1", "--platforms", "some"],
        &[
            "--from",
            "list",
            "--oci-layout",
            "x",
            "--scope",
            "a/b",
            "v1",
        ],
        &["--from", "-", "--username", "me", "--password-stdin"],
        &[
            "--envelope",
            "x",
            "--descriptor",
            "y",
            "--scope",
            "a/b",
            "c.example/d:1",
        ],
        &["--oci-layout", "x", "--scope", "a/b", "v1", "v2"],
    ];
    for words in cases {
        let output = world.verify(words);
        assert_eq!(code(&output), 2, "{words:?}: {}", err(&output));
    }
    for words in [
        &["list"][..],
        &["inspect"],
        &["list", "app"],
        &["inspect", "a.example/b"],
    ] {
        assert_eq!(code(&world.run(words)), 2, "{words:?}");
    }
}

#[test]
fn the_first_failure_can_end_the_run() {
    let world = World::new();
    let tags = ["good", "unsigned", "wrong", "good-index"];
    let more = ["--fail-fast", "--concurrency", "1", "--output", "json"];
    let output = world.verify_tags(&tags, &more);
    let document = batch(&output.stdout);
    assert_eq!(code(&output), 1);
    assert_eq!(
        statuses(&document),
        ["verified", "unsigned", "not-done", "not-done"]
    );
    assert_eq!(document["summary"]["stopped"], "failure");
}

#[test]
fn the_time_of_the_run_covers_everything_and_what_was_done_is_reported() {
    let world = World::new();
    let good = world.reference("good");
    let list = format!("{good}\n{}\n", world.of("hang", "x"));
    let reports = ["--timeout", "4", "--report", "r.json", "--report", "r.xml"];
    let output = world.verify_from(&list, &reports);
    assert_eq!(code(&output), 3, "{}", out(&output));
    assert!(out(&output).contains("--timeout"), "{}", out(&output));
    let document = batch(&fs::read(world.path("r.json")).unwrap());
    assert_eq!(statuses(&document), ["verified", "not-done"]);
    assert_eq!(document["summary"]["stopped"], "time-over");
    let text = fs::read_to_string(world.path("r.xml")).unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(junit(&xml), [2, 0, 1, 0]);
}

/// Tests, failures, errors, skipped; and what CI servers need to be there.
fn junit(document: &roxmltree::Document<'_>) -> [usize; 4] {
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suites: Vec<_> = root.children().filter(|one| one.is_element()).collect();
    assert_eq!(suites.len(), 1);
    let suite = suites[0];
    assert_eq!(suite.tag_name().name(), "testsuite");
    assert_eq!(suite.attribute("name"), Some("notation-verify"));
    let timestamp = suite.attribute("timestamp").unwrap();
    assert_eq!(timestamp.len(), "2026-01-01T00:00:00".len(), "{timestamp}");
    let counts = ["tests", "failures", "errors", "skipped"].map(|name| {
        for element in [root, suite] {
            assert!(element.attribute("time").unwrap().parse::<f64>().unwrap() >= 0.0);
        }
        assert_eq!(root.attribute(name), suite.attribute(name));
        suite.attribute(name).unwrap().parse().unwrap()
    });
    let cases: Vec<_> = suite
        .children()
        .filter(|one| one.has_tag_name("testcase"))
        .collect();
    let mut seen = [cases.len(), 0, 0, 0];
    for case in cases {
        for name in ["name", "classname", "time"] {
            assert!(!case.attribute(name).unwrap().is_empty(), "{name}");
        }
        let ends: Vec<_> = case.children().filter(|one| one.is_element()).collect();
        assert!(ends.len() <= 1);
        for end in ends {
            let place = ["failure", "error", "skipped"]
                .iter()
                .position(|name| end.has_tag_name(*name))
                .unwrap();
            seen[place + 1] += 1;
            assert!(!end.attribute("message").unwrap().is_empty());
            assert!(!end.attribute("type").unwrap().is_empty());
        }
    }
    assert_eq!(seen, counts);
    counts
}

#[test]
fn reports_are_written_whole_in_each_format() {
    let world = World::new();
    for name in ["r.json", "r.xml", "page", "old.html"] {
        fs::write(world.path(name), "what was there before").unwrap();
    }
    let tags = ["good", "unsigned", "wrong", "missing", "bad-index"];
    let reports = [
        "--platforms",
        "all",
        "--report",
        "r.json",
        "--report",
        "r.xml",
        "--report",
        "html=page",
    ];
    let output = world.verify_tags(&tags, &reports);
    assert_eq!(code(&output), 1, "{}", err(&output));

    let document = batch(&fs::read(world.path("r.json")).unwrap());
    assert_eq!(
        statuses(&document),
        [
            "verified",
            "unsigned",
            "rejected",
            "lookup-failed",
            "rejected"
        ]
    );
    let text = fs::read_to_string(world.path("r.xml")).unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(junit(&xml), [5, 3, 1, 0]);
    let failure = xml
        .descendants()
        .find(|one| one.has_tag_name("failure") && one.attribute("type") == Some("unsigned"))
        .unwrap();
    assert!(failure.text().unwrap().contains("do:  sign it"));

    let page = fs::read_to_string(world.path("page")).unwrap();
    for expected in [
        "Not all images are trusted",
        "linux/arm64",
        "Certificates",
        "CN=self-signed",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(page.find("Needs attention").unwrap() < page.find("<h2>Trusted").unwrap());
    // Nothing from elsewhere, and no program.
    for forbidden in [
        "<script",
        "src=",
        "href=",
        "url(",
        "@import",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // No temporary file is left behind.
    let mut names: Vec<_> = fs::read_dir(world.scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["config", "old.html", "page", "r.json", "r.xml"]);

    // One image, and an image in a layout, have reports too.
    let output = world.verify_tags(&["good"], &["--report", "one.xml"]);
    assert_eq!(code(&output), 0);
    let text = fs::read_to_string(world.path("one.xml")).unwrap();
    assert_eq!(
        junit(&roxmltree::Document::parse(&text).unwrap()),
        [1, 0, 0, 0]
    );
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let world = World::new();
    let output = world.verify_tags(&["good", "good-index"], &["--report", "nowhere/r.json"]);
    assert_eq!(code(&output), 3, "{}", err(&output));
    assert!(err(&output).contains("nowhere/r.json"), "{}", err(&output));
    assert_eq!(world.server.hits(), 0, "it is noticed before the run");
    let output = world.verify_tags(&["good", "good-index"], &["--report", "json=config"]);
    assert_eq!(code(&output), 3, "{}", err(&output));
}

#[test]
fn what_is_in_names_is_text_in_every_report() {
    let world = World::new();
    let name = "<script>alert(1)<\u{2f}script>&\"'".replace('\u{2f}', "");
    let layout = world.path(&name);
    world.store.write(&layout);
    let words = [
        "--oci-layout",
        layout.to_str().unwrap(),
        "--scope",
        "registry.example/app",
        "<b>no such tag</b>",
        "--report",
        "r.xml",
        "--report",
        "r.html",
        "--report",
        "r.json",
    ];
    let output = world.verify(&words);
    assert_eq!(code(&output), 3, "{}", err(&output));
    let text = fs::read_to_string(world.path("r.xml")).unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(junit(&xml), [1, 0, 1, 0]);
    let case = xml.descendants().find(|one| one.has_tag_name("testcase"));
    let shown = case.unwrap().attribute("name").unwrap();
    assert!(shown.contains(&name), "{shown}");
    let page = fs::read_to_string(world.path("r.html")).unwrap();
    assert!(
        !page.contains("<script") && !page.contains("<b>no"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;alert(1)"));
    let document = batch(&fs::read(world.path("r.json")).unwrap());
    assert_eq!(statuses(&document), ["lookup-failed"]);
}

/// A browser that runs without a screen.
fn browser() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .arg("--version")
                .output()
                .is_ok_and(|output| output.status.success())
        });
    if found.is_none() {
        assert!(
            std::env::var_os("REQUIRE_BROWSER").is_none(),
            "REQUIRE_BROWSER is set and there is no browser"
        );
        println!("skipped: there is no browser (chromium)");
    }
    found
}

/// What `browser` does with `page`, with a profile of its own.
fn browse(browser: &str, page: &Path, what: &str) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,1600",
            what,
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", err(&output));
    output
}

#[test]
fn the_page_opens_in_a_browser() {
    let Some(browser) = browser() else { return };
    let world = World::new();
    let tags = ["good", "unsigned", "wrong", "missing", "bad-index"];
    let more = ["--platforms", "all", "--report", "page.html"];
    assert_eq!(code(&world.verify_tags(&tags, &more)), 1);
    let page = world.path("page.html");
    let dom = out(&browse(browser, &page, "--dump-dom"));
    // What the parser of the browser made of it, not what was written.
    for expected in [
        "<h1>Not all images are trusted</h1>",
        "<b>1</b> unsigned",
        "<b>2</b> rejected",
        "<dt>Do</dt>",
        "sign it, or copy its signatures along with it",
    ] {
        assert!(dom.contains(expected), "`{expected}` in {dom}");
    }
    assert_eq!(dom.matches("<details class=\"image\"").count(), 5);
    assert_eq!(
        dom.matches("</details>").count(),
        5 + 2,
        "and two platforms"
    );
    assert!(!dom.contains("<script"));

    let name = "<script>document.title='x'<b>&\"'";
    let layout = world.path(name);
    world.store.write(&layout);
    let words = [
        "--oci-layout",
        layout.to_str().unwrap(),
        "--scope",
        "registry.example/app",
        "unsigned",
        "--report",
        "text.html",
    ];
    assert_eq!(code(&world.verify(&words)), 1);
    let dom = out(&browse(browser, &world.path("text.html"), "--dump-dom"));
    assert!(!dom.contains("<script"), "{dom}");
    assert!(
        dom.contains("&lt;script&gt;document.title='x'&lt;b&gt;&amp;\"'"),
        "{dom}"
    );
    assert!(dom.contains("<title>Not all images are trusted: image signatures</title>"));

    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page.png");
    let _ = fs::remove_file(&picture);
    let shot = format!("--screenshot={}", picture.display());
    browse(browser, &page, &shot);
    let bytes = fs::read(&picture).unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_reports_what_was_done() {
    for signal in ["-INT", "-TERM"] {
        let world = World::new();
        let (good, hang) = (world.reference("good"), world.of("hang", "x"));
        let words = [
            "verify",
            "--config",
            "config",
            "--concurrency",
            "1",
            "--report",
            "r.json",
            &good,
            &hang,
            "a.example/b:1",
        ];
        let child = world.command(&words).spawn().unwrap();
        let begun = Instant::now();
        while !world
            .server
            .asked()
            .iter()
            .any(|one| one.target.contains("/hang/"))
        {
            assert!(begun.elapsed() < SOON);
            std::thread::sleep(Duration::from_millis(10));
        }
        let killed = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 6, "{}", err(&output));
        assert!(
            out(&output).contains("it was interrupted"),
            "{}",
            out(&output)
        );
        let document = batch(&fs::read(world.path("r.json")).unwrap());
        assert_eq!(statuses(&document), ["verified", "not-done", "not-done"]);
        assert_eq!(document["summary"]["stopped"], "cancelled");
    }

    for command in ["list", "inspect"] {
        let world = World::new();
        let child = world
            .command(&[command, &world.of("hang", "x")])
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while world.server.hits() == 0 {
            assert!(begun.elapsed() < SOON);
            std::thread::sleep(Duration::from_millis(10));
        }
        let killed = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 6, "{}", err(&output));
    }
}

#[test]
fn credentials_come_from_standard_input_or_the_environment() {
    let world = World::new();
    let private = world.of("private", "good");
    let words = ["verify", "--config", "config", &private];
    let refused = world.run(&words);
    assert_eq!(code(&refused), 3, "{}", out(&refused));
    assert!(out(&refused).contains("COULD NOT EVALUATE"));

    let mut child = world
        .command(&[&words[..], &["--username", "user", "--password-stdin"]].concat())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"password\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));

    let output = world
        .command(&words)
        .env("NOTATION_USERNAME", "user")
        .env("NOTATION_PASSWORD", "password")
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", out(&output));
    for bad in ["user", ""] {
        let output = world
            .command(&words)
            .env("NOTATION_USERNAME", bad)
            .env(
                "NOTATION_PASSWORD",
                if bad.is_empty() { "password" } else { "" },
            )
            .output()
            .unwrap();
        assert_eq!(code(&output), 2, "{}", err(&output));
        assert!(!err(&output).contains("`password`"));
    }
}

#[test]
fn an_index_and_its_platforms_can_be_one_verdict() {
    let world = World::new();
    for (tag, all, expected) in [
        ("good-index", "named", 0),
        ("good-index", "all", 0),
        ("bad-index", "named", 0),
        ("bad-index", "all", 1),
    ] {
        let output = world.verify_tags(&[tag], &["--platforms", all]);
        let shown = out(&output);
        assert_eq!(code(&output), expected, "{tag} {all}: {shown}");
        assert_eq!(shown.contains("Platforms:"), all == "all", "{shown}");
        if expected == 1 {
            assert!(
                shown.contains("why: linux/arm64: the artifact was found"),
                "{shown}"
            );
            assert!(shown.contains("TRUSTED  linux/amd64"), "{shown}");
        }
        let output = world.verify_tags(&[tag], &["--platforms", all, "--output", "json"]);
        let document = valid(&output.stdout, include_str!("../docs/report.schema.json"));
        assert_eq!(document["platforms"].is_object(), all == "all");
    }
}

#[test]
fn signatures_are_listed_as_a_tree() {
    let mut world = World::new();
    let mut store = world.store.clone();
    let good = store.tags["good"].clone();
    store.sign_badly(&good);
    world.server = stored::serve(store.clone());
    store.write(&world.path("layout"));

    let remote = world.reference("good");
    for source in [
        &["list", &remote][..],
        &["list", "--oci-layout", "layout", "good"],
    ] {
        let output = world.run(source);
        let shown = out(&output);
        assert_eq!(code(&output), 0, "{shown}{}", err(&output));
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].starts_with(&good.digest), "{shown}");
        assert_eq!(lines[2], "└── application/vnd.cncf.notary.signature");
        assert!(lines[3].starts_with("    ├── sha256:"), "{shown}");
        assert!(shown.contains("├── signed by CN=self-signed"), "{shown}");
        assert!(shown.contains("BROKEN: "), "{shown}");

        let output = world.run(&[source, &["--output", "json"]].concat());
        let document = valid(&output.stdout, include_str!("../docs/list.schema.json"));
        let states: Vec<_> = document["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["intact", "broken"]);
    }
    let output = world.run(&["list", &world.reference("unsigned")]);
    assert_eq!(code(&output), 0);
    assert!(
        out(&output).ends_with("└── no signature\n"),
        "{}",
        out(&output)
    );
    let output = world.run(&["list", &world.reference("missing"), "--output", "json"]);
    assert_eq!(code(&output), 3);
    let document = valid(&output.stdout, include_str!("../docs/list.schema.json"));
    assert_eq!(document["error"]["kind"], "artifact");
}

#[test]
fn inspect_works_on_references() {
    let world = World::new();
    let output = world.run(&["inspect", &world.reference("good")]);
    let shown = out(&output);
    assert_eq!(code(&output), 0, "{shown}{}", err(&output));
    assert!(shown.contains("integrity: verified"), "{shown}");
    let output = world.run(&["inspect", &world.reference("good"), "--output", "json"]);
    let document = valid(&output.stdout, include_str!("../docs/inspect.schema.json"));
    assert_eq!(document["signatures"][0]["integrity"], true);
    assert_eq!(document["signatures"][0]["timestamp"], Value::Null);
    let output = world.run(&["inspect", &world.reference("missing")]);
    assert_eq!(code(&output), 3);
}

#[test]
fn inspect_shows_what_a_time_stamp_says_and_whose_it_is() {
    let world = World::new();
    let envelope = signed::stamped(&world.store.tags["good"], |signature| {
        let content = tokens::info(signature, "20240203040506Z");
        let signer = tokens::signer(&tokens::attributes(&content));
        tokens::token(&content, &[tokens::CERTIFICATE], &[&signer])
    });
    fs::write(world.path("stamped.cose"), envelope).unwrap();
    let words = ["inspect", "--envelope", "stamped.cose"];
    let output = world.run(&words);
    let shown = out(&output);
    assert_eq!(code(&output), 0, "{shown}{}", err(&output));
    for expected in [
        "time-stamp:",
        "time 2024-02-03T04:05:06Z",
        "CN=time-stamping of tests",
        "it is of this signature",
    ] {
        assert!(shown.contains(expected), "`{expected}` in {shown}");
    }
    let output = world.run(&[&words[..], &["--output", "json"]].concat());
    let document = valid(&output.stdout, include_str!("../docs/inspect.schema.json"));
    let stamp = &document["signatures"][0]["timestamp"];
    assert_eq!(stamp["time"], "2024-02-03T04:05:06Z");
    assert_eq!(stamp["consistent"], true);
    assert_eq!(stamp["certificates"].as_array().unwrap().len(), 1);

    // The authority's signature is broken: what it says is shown with that.
    let envelope = signed::stamped(&world.store.tags["good"], |signature| {
        let content = tokens::info(signature, "20240203040506Z");
        let other = tokens::info(signature, "20250203040506Z");
        let signer = tokens::signer(&tokens::attributes(&other));
        tokens::token(&content, &[tokens::CERTIFICATE], &[&signer])
    });
    fs::write(world.path("stamped.cose"), envelope).unwrap();
    let output = world.run(&[&words[..], &["--output", "json"]].concat());
    let document = valid(&output.stdout, include_str!("../docs/inspect.schema.json"));
    let stamp = &document["signatures"][0]["timestamp"];
    assert_eq!(stamp["time"], "2024-02-03T04:05:06Z");
    assert_eq!(stamp["consistent"], false);
    assert!(stamp["detail"].is_string(), "{stamp}");
}

#[test]
fn one_bundle_repeats_many_images_without_the_registry() {
    let world = World::new();
    let images: Vec<String> = ["good", "unsigned", "wrong", "good-index", "bad-index"]
        .iter()
        .map(|tag| {
            let port = world.server.port();
            format!("127.0.0.1:{port}/app@{}", world.digest(tag))
        })
        .collect();
    let list = images.join("\n");
    let json = ["--output", "json", "--platforms", "all"];
    let saving = [&json[..], &["--save-evidence", "evidence.tar"]].concat();
    let before = world.verify_from(&list, &saving);
    let hits = world.server.hits();
    assert!(hits > 0);
    let again = [&json[..], &["--evidence", "evidence.tar"]].concat();
    let after = world.verify_from(&list, &again);
    assert_eq!(world.server.hits(), hits);
    assert_eq!(code(&before), code(&after), "{}", err(&after));
    let (before, after) = (batch(&before.stdout), batch(&after.stdout));
    let expected = ["verified", "unsigned", "rejected", "verified"];
    assert_eq!(statuses(&before)[..4], expected);
    assert_eq!(statuses(&before), statuses(&after));
    // One of them alone, and one that is not in it.
    let one = world.verify(&["--evidence", "evidence.tar", &images[0]]);
    assert_eq!(code(&one), 0, "{}", err(&one));
    let claimed = ["--evidence", "evidence.tar", "--evidence-time", "recorded"];
    let one = world.verify(&[&claimed[..], &[&images[0]]].concat());
    assert_eq!(code(&one), 5, "{}", err(&one));
    let many = world.verify(&[&claimed[..], &[&images[0], &images[3]]].concat());
    assert_eq!(code(&many), 5, "{}", err(&many));
    let other = images[0].replace("/app@", "/other@");
    let none = world.verify(&["--evidence", "evidence.tar", &other]);
    assert_eq!(code(&none), 2, "{}", out(&none));
    // A tag is the registry's to tell.
    let tag = world.reference("good");
    let output = world.verify(&["--evidence", "evidence.tar", &tag]);
    assert_eq!(code(&output), 2, "{}", out(&output));
    assert_eq!(world.server.hits(), hits);
}
