//! What `docker login` left: the file, and helpers that run as programs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use notation_verifier::io::registry::{Credential, Credentials as _, DockerLogin, RegistryClient};
use notation_verifier::io::{Cancel, Run};
use notation_verifier::report::ArtifactStatus;

use crate::server::{Answer, Server};
use crate::world::{World, options, verify};

fn login(directory: &Path) -> DockerLogin {
    DockerLogin {
        directory: Some(directory.to_owned()),
    }
}

#[test]
fn the_file_of_docker_login_is_used() {
    let world = World::signed();
    let server = Server::start(move |asked| {
        if asked.header("authorization") == Some("Basic dXNlcjpodW50ZXIy") {
            return world.answer(asked);
        }
        Answer::status(401).with("www-authenticate", "Basic realm=\"x\"")
    });
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"dXNlcjpodW50ZXIy"}}}}}}"#,
        server.name()
    );
    fs::write(folder.path().join("config.json"), config).unwrap();
    let mut options = options();
    options.credentials = Arc::new(login(folder.path()));
    let report = verify(&RegistryClient::new(options), &server);
    assert_eq!(report.status(), ArtifactStatus::Verified);
}

#[test]
fn no_file_is_nobody_and_a_bad_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let login = login(folder.path());
    assert_eq!(login.find("a.example"), Ok(None));
    let path = folder.path().join("config.json");
    fs::write(&path, "{\"auths\": {\"a.example\": \"hunter2\"}}").unwrap();
    let error = login.find("a.example").unwrap_err();
    assert!(
        error.contains("config.json") && !error.contains("hunter2"),
        "{error}"
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(login.find("a.example").is_err());
}

/// Helpers are programs on the search path, and a test cannot change its own: this
/// one runs itself again with another one.
#[test]
#[cfg(unix)]
fn credential_helpers_are_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    const INNER: &str = "NOTATION_TEST_HELPERS";
    if let Ok(folder) = std::env::var(INNER) {
        helpers_in(Path::new(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    script(
        "good",
        r#"read -r server || true
[ "$1" = get ] || exit 3
printf '{"ServerURL":"%s","Username":"user at %s","Secret":"hunter2"}' "$server" "$server""#,
    );
    script("token", r#"printf '{"Username":"<token>","Secret":"it"}'"#);
    script(
        "none",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    script(
        "broken",
        "echo 'hunter2 is locked' >&2; echo 'hunter2 is locked'; exit 1",
    );
    script("chatty", "yes hunter2");
    script("silent", "exec sleep 600");
    script("odd", "echo hunter2");
    let config = r#"{
        "auths": {"none.example": {"auth": "dTpw"}},
        "credHelpers": {
            "good.example": "good", "token.example": "token", "none.example": "none",
            "broken.example": "broken", "chatty.example": "chatty", "silent.example": "silent",
            "odd.example": "odd", "missing.example": "missing"
        },
        "credsStore": "good"
    }"#;
    fs::write(folder.path().join("config.json"), config).unwrap();
    let path = std::env::var("PATH").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "login::credential_helpers_are_asked",
            "--nocapture",
        ])
        .env(INNER, folder.path())
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(unix)]
fn helpers_in(folder: &Path) {
    let login = login(folder);
    let user = |server: &str| {
        Ok(Some(Credential::password(
            format!("user at {server}"),
            "hunter2",
        )))
    };
    assert_eq!(login.find("good.example"), user("good.example"));
    // The store, under the name that Docker Hub has there.
    assert_eq!(login.find("docker.io"), user("https://index.docker.io/v1/"));
    assert_eq!(login.find("any.example:5000"), user("any.example:5000"));
    assert_eq!(
        login.find("token.example"),
        Ok(Some(Credential::IdentityToken("it".into())))
    );
    assert_eq!(
        login.find("none.example"),
        Ok(Some(Credential::password("u", "p")))
    );
    for bad in ["broken", "chatty", "odd", "missing"] {
        let error = login.find(&format!("{bad}.example")).unwrap_err();
        assert!(
            error.contains(&format!("docker-credential-{bad}")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    let cancel = Cancel::new();
    let run = Run::default().with_cancel(cancel.clone());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| login.find_in("silent.example", &run));
        std::thread::sleep(Duration::from_millis(200));
        cancel.cancel();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(error.contains("cancelled"), "{error}");
    });
}
