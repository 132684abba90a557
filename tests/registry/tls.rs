//! TLS: private authorities, wrong ones, client certificates, proxies.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use notation_verifier::io::Run;
use notation_verifier::io::registry::{
    ClientCertificate, Credential, Proxies, ProxySettings, RegistryClient, RegistryOptions,
    SystemRoots,
};
use notation_verifier::registry::Scheme;
use notation_verifier::report::ArtifactStatus;

use crate::certificates::{Asks, Authority, there_is_openssl};
use crate::server::{Answer, Server};
use crate::world::{World, image, lookup_failure, options, verify, verify_in};

fn believing(authority: &Authority) -> RegistryOptions {
    let mut options = options();
    options.loopback = Scheme::Https;
    options.tls.system_roots = SystemRoots::Ignore;
    options.tls.ca_files = vec![authority.path("ca.pem")];
    options
}

fn authority() -> Authority {
    named("an authority")
}

fn named(name: &str) -> Authority {
    let authority = Authority::new(name);
    authority.issue("server", "IP:127.0.0.1,DNS:registry.example", "serverAuth");
    authority.issue("client", "DNS:client", "clientAuth");
    authority
}

fn signed(authority: &Authority, asks: Asks) -> Server {
    let world = World::signed();
    Server::with_tls(authority.server("server", asks), move |asked| {
        world.answer(asked)
    })
}

#[test]
fn a_private_authority_is_believed_where_it_is_named() {
    if !there_is_openssl() {
        return;
    }
    let authority = authority();
    let server = signed(&authority, Asks::Nobody);
    let by_file = RegistryClient::new(believing(&authority));
    let mut options = believing(&authority);
    options.tls.ca_files.clear();
    options.tls.ca_certificates = vec![authority.read("ca.pem")];
    let by_octets = RegistryClient::new(options);
    let mut options = believing(&authority);
    options.tls.system_roots = SystemRoots::Use;
    let beside_the_system = RegistryClient::new(options);
    for client in [by_file, by_octets, beside_the_system] {
        for _ in 0..3 {
            assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
        }
    }
    assert!(server.connections() <= 9, "{}", server.connections());
}

#[test]
fn others_are_not_believed_and_a_person_is_told_why() {
    if !there_is_openssl() {
        return;
    }
    let (known, other) = (authority(), named("another authority"));
    let namesake = authority();
    known.issue("elsewhere", "DNS:elsewhere.example", "serverAuth");
    let world = World::signed();
    let elsewhere = Server::with_tls(known.server("elsewhere", Asks::Nobody), move |asked| {
        world.answer(asked)
    });
    let missing = {
        let mut options = believing(&known);
        options.tls.ca_files = vec![known.path("missing.pem")];
        options
    };
    let no_certificate = {
        let mut options = believing(&known);
        options.tls.ca_files = vec![known.path("ca.key")];
        options
    };
    let nobody = {
        let mut options = believing(&known);
        options.tls.ca_files.clear();
        options
    };
    for (options, server, expected) in [
        (
            believing(&known),
            &signed(&other, Asks::Nobody),
            "no authority that is known here",
        ),
        (
            believing(&known),
            &signed(&namesake, Asks::Nobody),
            "another authority of that name",
        ),
        (believing(&known), &elsewhere, "it is for another name"),
        (missing, &signed(&known, Asks::Nobody), "missing.pem"),
        (no_certificate, &signed(&known, Asks::Nobody), "ca.key"),
        (
            nobody,
            &signed(&known, Asks::Nobody),
            "no certificate authority is known",
        ),
    ] {
        let client = RegistryClient::new(options);
        let failure = lookup_failure(&verify(&client, server));
        assert!(failure.contains(expected), "{expected}: {failure}");
        assert_eq!(server.asked().len(), 0);
        assert_eq!(client.statistics().retries, 0, "{failure}");
    }
}

/// As most servers do that get TLS where they speak plain HTTP.
#[test]
fn plain_http_in_place_of_tls_is_named() {
    if !there_is_openssl() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let authority = authority();
    let client = RegistryClient::new(believing(&authority));
    let report = verify_in(&client, &image(&address.to_string()), Run::default());
    let failure = lookup_failure(&report);
    assert!(failure.contains("does not speak TLS"), "{failure}");
    assert_eq!(client.statistics().retries, 0);
}

#[test]
fn a_client_certificate_is_shown_to_the_registry_alone() {
    if !there_is_openssl() {
        return;
    }
    let authority = authority();
    let world = World::signed();
    let storage = Server::with_tls(authority.server("server", Asks::Whoever), move |asked| {
        world.answer(asked)
    });
    let (world, url) = (World::signed(), storage.url(""));
    let server = Server::with_tls(authority.server("server", Asks::Everybody), move |asked| {
        if asked.path().contains("/blobs/") {
            return Answer::status(307).with("location", format!("{url}{}", asked.path()));
        }
        world.answer(asked)
    });
    let failure = lookup_failure(&verify(
        &RegistryClient::new(believing(&authority)),
        &server,
    ));
    assert!(failure.contains("refuses the TLS connection"), "{failure}");

    let mut options = believing(&authority);
    let shown =
        ClientCertificate::read(&authority.path("client.pem"), &authority.path("client.key"));
    options.tls.client_certificate = Some(shown.unwrap());
    assert!(!format!("{options:?}").contains("PRIVATE"));
    let client = RegistryClient::new(options.clone());
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    assert!(server.asked().iter().all(|asked| asked.certificate));
    assert_eq!(storage.asked().len(), 1);
    assert!(!storage.asked()[0].certificate);

    let shown = ClientCertificate::read(&authority.path("client.pem"), &authority.path("ca.pem"));
    options.tls.client_certificate = Some(shown.unwrap());
    let failure = lookup_failure(&verify(&RegistryClient::new(options), &server));
    assert!(failure.contains("no unencrypted private key"), "{failure}");
}

/// GHSA-vh4v-2xq2-g5cg (redirect), CVE-2026-48978 (bearer realm): nothing leads out of
/// TLS, with or without credentials.
#[test]
fn nothing_leads_out_of_tls() {
    if !there_is_openssl() {
        return;
    }
    let authority = authority();
    let plain = World::signed().serve();
    for kind in ["redirect", "realm", "link"] {
        let (world, url, name) = (World::signed(), plain.url(""), plain.name());
        let server =
            Server::with_tls(
                authority.server("server", Asks::Nobody),
                move |asked| match kind {
                    "redirect" => {
                        Answer::status(307).with("location", format!("{url}{}", asked.path()))
                    }
                    "realm" => Answer::status(401).with(
                        "www-authenticate",
                        format!("Bearer realm=\"http://{name}/token\""),
                    ),
                    _ if asked.path().contains("/referrers/") => world
                        .answer(asked)
                        .with("link", format!("<{url}{}>; rel=next", asked.path())),
                    _ => world.answer(asked),
                },
            );
        for credential in [None, Some(Credential::password("user", "hunter2"))] {
            let mut options = believing(&authority);
            options.credentials = Arc::new(move |_: &str| Ok(credential.clone()));
            let report = verify(&RegistryClient::new(options), &server);
            // A good signature before the bad link counts.
            let expected = if kind == "link" {
                ArtifactStatus::Verified
            } else {
                ArtifactStatus::LookupFailed
            };
            assert_eq!(report.status(), expected, "{kind}");
        }
    }
    assert_eq!(plain.asked().len(), 0);
}

/// A proxy that connects everything to one server, and what it was asked.
fn proxy(target: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let mut stream = stream;
                let mut head = Vec::new();
                let mut one = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read(&mut one).unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(one[0]);
                }
                log.lock().unwrap().push(String::from_utf8(head).unwrap());
                let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let (mut up, mut down) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut up, &mut down));
                let (mut from, mut to) = (server, stream);
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    (port, heads)
}

#[test]
fn a_proxy_stands_between() {
    if !there_is_openssl() {
        return;
    }
    let authority = authority();
    let server = signed(&authority, Asks::Nobody);
    let (port, heads) = proxy(server.port());
    let mut settings = ProxySettings::default();
    settings.https = Some(format!("http://me:hunter2@127.0.0.1:{port}"));
    let mut options = believing(&authority);
    options.proxies = Proxies::These(settings.clone());
    let client = RegistryClient::new(options.clone());
    // A name that nobody can resolve: that is the proxy's matter.
    let reference = image("registry.example");
    let report = verify_in(&client, &reference, Run::default());
    assert_eq!(report.status(), ArtifactStatus::Verified, "{report:#?}");
    let heads = heads.lock().unwrap().clone();
    assert!(!heads.is_empty() && heads.len() <= 3);
    for head in heads {
        assert!(
            head.starts_with("CONNECT registry.example:443 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains("Proxy-Authorization: Basic bWU6aHVudGVyMg=="),
            "{head}"
        );
    }
    for asked in server.asked() {
        assert_eq!(asked.header("proxy-authorization"), None);
    }
    assert!(!format!("{client:?}").contains("hunter2"));

    // This machine is asked directly, and so are those that are listed.
    assert_eq!(verify(&client, &server).status(), ArtifactStatus::Verified);
    settings.no_proxy = "other.example,registry.example".to_owned();
    options.proxies = Proxies::These(settings);
    options.pace.attempts = 1;
    let direct = RegistryClient::new(options);
    lookup_failure(&verify_in(&direct, &reference, Run::default()));
}

#[test]
fn a_proxy_that_cannot_be_used_is_a_failure_and_not_passed_by() {
    for text in [
        "socks5://hunter2@127.0.0.1:1",
        "http://[hunter2",
        "http://127.0.0.1:1",
    ] {
        let mut options = options();
        let mut settings = ProxySettings::default();
        settings.https = Some(text.to_owned());
        options.proxies = Proxies::These(settings);
        options.pace.attempts = 1;
        let client = RegistryClient::new(options);
        let report = verify_in(&client, &image("registry.example"), Run::default());
        let failure = lookup_failure(&report);
        assert!(!failure.contains("hunter2"), "{failure}");
    }
}

/// Authorities that the system believes: here those of `SSL_CERT_FILE`, in a process
/// of its own, which is how a program is given them.
#[cfg(feature = "cli")]
#[test]
fn authorities_of_the_system() {
    if !there_is_openssl() {
        return;
    }
    let (ours, others) = (authority(), named("another authority"));
    let server = signed(&ours, Asks::Nobody);
    let reference = image(&format!("127.0.0.1:{}", server.port())).to_string();
    for (believed, code, says) in [(&ours, 0, "\"signatures\""), (&others, 3, "certificate")] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_notation-verify"))
            .args(["list", "--https", "--output", "json", &reference])
            .env("SSL_CERT_FILE", believed.path("ca.pem"))
            .env_remove("SSL_CERT_DIR")
            .env("DOCKER_CONFIG", believed.path("nothing"))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert!(printed.contains(says), "{printed}");
    }
}

/// How often a host is asked for referrers; this machine has no such limit, and a
/// proxy makes another host of it.
#[test]
fn look_ups_of_referrers_have_a_rate() {
    const IMAGES: u32 = 6;
    if !there_is_openssl() {
        return;
    }
    let authority = authority();
    let server = signed(&authority, Asks::Nobody);
    let (port, _) = proxy(server.port());
    let mut settings = ProxySettings::default();
    settings.https = Some(format!("http://127.0.0.1:{port}"));
    let mut options = believing(&authority);
    options.proxies = Proxies::These(settings);
    options.pace.referrers_per_second = 10;
    let client = RegistryClient::new(options);
    let start = std::time::Instant::now();
    thread::scope(|scope| {
        for _ in 0..IMAGES {
            scope.spawn(|| {
                let reference = image("registry.example");
                let report = verify_in(&client, &reference, Run::default());
                assert_eq!(report.status(), ArtifactStatus::Verified, "{report:#?}");
            });
        }
    });
    // It cannot be shorter: a tenth of a second before each but the first.
    assert!(start.elapsed() >= std::time::Duration::from_millis(100) * (IMAGES - 1));
    assert_eq!(u64::from(IMAGES), client.statistics().referrers);
}
