//! Servers of all kinds, and what the fetcher makes of them.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use notation_verifier::evidence::{EvidenceReply, EvidenceRequest};
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions};
use notation_verifier::io::{Budget, Cancel, Run};
use notation_verifier::{Limits, Provider};

use crate::made::{crl, crl_request, in_seconds, ocsp_request, ocsp_response, sized_crl};
use crate::server::{Server, reply};
use crate::{cause, content, fetcher, local, with};

/// Far longer than anything here takes, and far shorter than what is hung.
const GENEROUS: Duration = Duration::from_secs(60);

fn good() -> Vec<u8> {
    crl(Some(in_seconds(3600)))
}

#[test]
fn a_list_is_fetched_by_get() {
    let server = Server::with("200 OK", good());
    assert_eq!(content(&fetcher(), &server.url("/a.crl")), good());
    let asked = server.asked();
    assert_eq!(asked[0].method, "GET");
    assert_eq!(asked[0].target, "/a.crl");
    assert!(!asked[0].head.contains("accept-encoding"));
}

#[test]
fn short_ocsp_requests_go_into_the_address_and_long_ones_are_posted() {
    let body = ocsp_response(in_seconds(3600));
    let server = Server::with("200 OK", body.clone());
    let request = ocsp_request(server.url("/o"));
    let reply = fetcher().get(&request, usize::MAX);
    assert_eq!(reply, EvidenceReply::Content(body.into()));
    let asked = &server.asked()[0];
    assert_eq!(asked.method, "GET");
    assert!(asked.target.starts_with("/o/ME"), "{}", asked.target);
    assert!(!asked.target[3..].contains(['/', '+', '=']));

    let long = EvidenceRequest::Ocsp {
        url: server.url("/o"),
        request: vec![0x30; 300],
    };
    let _ = fetcher().get(&long, usize::MAX);
    let asked = &server.asked()[1];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/o")
    );
    assert!(
        asked
            .head
            .contains("content-type: application/ocsp-request")
    );
    assert_eq!(asked.body, vec![0x30; 300]);
}

#[test]
fn a_responder_that_refuses_get_is_asked_by_post() {
    let body = ocsp_response(in_seconds(3600));
    let answer = body.clone();
    let server = Server::start(move |asked, stream| {
        let status = match asked.method.as_str() {
            "POST" => "200 OK",
            _ => "405 Method Not Allowed",
        };
        let _ = stream.write_all(&reply(status, &[], &answer));
    });
    let got = fetcher().get(&ocsp_request(server.url("")), usize::MAX);
    assert_eq!(got, EvidenceReply::Content(body.into()));
    assert_eq!(server.hits(), 2);
}

#[test]
fn slow_servers_are_waited_for_and_hung_ones_are_not() {
    let slow = Server::start(|_, stream| {
        for part in reply("200 OK", &[], &good()).chunks(40) {
            thread::sleep(Duration::from_millis(20));
            let _ = stream.write_all(part);
        }
    });
    let patient = with(|options| options.crl_timeout = GENEROUS);
    assert_eq!(content(&patient, &slow.url("")), good());

    let impatient = with(|options| {
        options.crl_timeout = Duration::from_millis(300);
        options.ocsp_timeout = Duration::from_millis(250);
    });
    let started = Instant::now();
    let hung = Server::hung();
    assert_eq!(cause(&impatient, &hung.url("")), "time-out after 0.3 s");
    let ocsp = impatient.get(&ocsp_request(hung.url("")), usize::MAX);
    let expected = EvidenceReply::Unavailable("time-out after 0.25 s".to_owned());
    assert_eq!(ocsp, expected);

    // An octet now and then, for the header as for the body.
    let drip = |octets: Vec<u8>| {
        Server::start(move |_, stream| {
            for octet in &octets {
                if stream.write_all(&[*octet]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
        })
    };
    let header = drip(b"HTTP/1.1 200 OK\r\nx: ".repeat(1000));
    assert_eq!(cause(&impatient, &header.url("")), "time-out after 0.3 s");
    let body = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n");
        while stream.write_all(b"0").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(cause(&impatient, &body.url("")), "time-out after 0.3 s");

    // Takes connections into its queue and does nothing with them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    assert_eq!(cause(&impatient, &url), "time-out after 0.3 s");
    assert!(started.elapsed() < GENEROUS);
}

#[test]
fn the_time_of_the_run_comes_before_that_of_an_answer() {
    let hung = Server::hung();
    let fetcher = with(|options| options.crl_timeout = GENEROUS);
    let budget = Budget::of(Duration::from_millis(200));
    let run = fetcher.in_run(Run::default().with_budget(budget));
    assert_eq!(
        cause(&run, &hung.url("/a")),
        "time-out: the 0.2 s for the whole run are over"
    );
    // Nothing is left for the next address, and it is not asked.
    let good = Server::with("200 OK", good());
    assert!(cause(&run, &good.url("/")).contains("whole run"));
    assert_eq!(good.hits(), 0);
    // That says nothing about the address: the next run asks.
    assert_eq!(content(&fetcher, &good.url("/")), self::good());
}

#[test]
fn a_cancelled_run_ends_while_an_authority_hangs() {
    let hung = Server::hung();
    let cancel = Cancel::new();
    let fetcher = with(|options| options.crl_timeout = 10 * GENEROUS);
    let run = fetcher.in_run(Run::default().with_cancel(cancel.clone()));
    let started = Instant::now();
    thread::scope(|scope| {
        let waits = scope.spawn(|| cause(&run, &hung.url("/a")));
        while hung.hits() == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
        assert_eq!(waits.join().unwrap(), "the run was cancelled");
    });
    assert!(started.elapsed() < GENEROUS);
}

#[test]
fn answers_are_bounded_before_they_are_kept() {
    let mut limits = Limits::default();
    limits.evidence_bytes = 10_000;
    let fetcher = EvidenceFetcher::new(local(), Provider::preferred(), &limits);
    let too_large = "the answer has more than the allowed 10000 octets";
    let announced = Server::raw("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n");
    assert_eq!(cause(&fetcher, &announced.url("")), too_large);
    let endless = |head: &'static str, part: &'static str| {
        Server::start(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(part.as_bytes()).is_ok() {}
        })
    };
    let chunked = endless(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "10\r\n0123456789abcdef\r\n",
    );
    assert_eq!(cause(&fetcher, &chunked.url("")), too_large);
    let closing = endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef");
    assert_eq!(cause(&fetcher, &closing.url("")), too_large);
    let header = endless("HTTP/1.1 200 OK\r\n", "x: 0123456789abcdef\r\n");
    assert!(!cause(&fetcher, &header.url("")).is_empty());
    let exact = Server::with("200 OK", vec![0; 10_000]);
    assert_eq!(content(&fetcher, &exact.url("")).len(), 10_000);
    // A caller may take less than what is kept for others.
    let kept = sized_crl(Some(in_seconds(3600)), 5_000);
    let server = Server::with("200 OK", kept);
    assert!(content(&fetcher, &server.url("")).len() > 5_000);
    let less = fetcher.get(&crl_request(server.url("")), 5_000);
    assert!(matches!(less, EvidenceReply::Unavailable(why) if why.contains("at most 5000")));
}

#[test]
fn redirects_are_followed_within_bounds() {
    let server = Server::start(|asked, stream| {
        let to = |status, location: &str| reply(status, &[("location", location)], b"");
        let answer = match asked.target.as_str() {
            "/list" => reply("200 OK", &[], &good()),
            "/permanent" => to("301 Moved Permanently", "/temporary"),
            "/temporary" => to("307 Temporary Redirect", "list"),
            "/loop" => to("302 Found", "/pool"),
            "/pool" => to("302 Found", "/loop"),
            "/tls" => to("302 Found", "https://crl.example/list"),
            "/ftp" => to("302 Found", "ftp://crl.example/list"),
            "/user" => to("302 Found", "http://user:secret@127.0.0.1/"),
            "/bad" => to("302 Found", "http://a b/"),
            "/nowhere" => reply("302 Found", &[], b""),
            "/gone" => to("302 Found", "/missing"),
            "/missing" => reply("404 Not Found", &[], b""),
            endless => to("302 Found", &format!("{endless}x")),
        };
        let _ = stream.write_all(&answer);
    });
    let fetcher = fetcher();
    assert_eq!(content(&fetcher, &server.url("/permanent")), good());
    for (path, expected) in [
        ("/loop", "redirects in a loop"),
        ("/endless", "redirects more than 5 times"),
        ("/tls", "only http addresses are asked, not `https`"),
        ("/ftp", "only http addresses are asked, not `ftp`"),
        ("/user", "the address has a user name"),
        ("/bad", "`Location` is malformed"),
        ("/nowhere", "the status 302 (Found)"),
        (
            "/gone",
            "/missing`: the server answered with the status 404",
        ),
    ] {
        let why = cause(&fetcher, &server.url(path));
        assert!(why.contains(expected), "{path}: {why}");
    }
}

#[test]
fn a_redirected_request_stays_what_it_is() {
    let body = ocsp_response(in_seconds(3600));
    let answer = body.clone();
    let server = Server::start(move |asked, stream| {
        let answer = match (asked.method.as_str(), asked.target.as_str()) {
            ("POST", "/a") => reply("308 Permanent Redirect", &[("location", "/b")], b""),
            ("POST", "/b") if asked.body == [0x30; 300] => reply("200 OK", &[], &answer),
            _ => reply("400 Bad Request", &[], b""),
        };
        let _ = stream.write_all(&answer);
    });
    let request = EvidenceRequest::Ocsp {
        url: server.url("/a"),
        request: vec![0x30; 300],
    };
    let got = fetcher().get(&request, usize::MAX);
    assert_eq!(got, EvidenceReply::Content(body.into()));
}

#[test]
fn statuses_other_than_200_are_no_answer() {
    for (status, expected) in [
        ("404 Not Found", "the status 404 (Not Found)"),
        (
            "429 Too Many Requests",
            "the status 429 (Too Many Requests)",
        ),
        ("500 Oops", "the status 500 (Internal Server Error)"),
        ("503 Service Unavailable", "the status 503"),
        ("204 No Content", "the status 204"),
        ("206 Partial Content", "the status 206"),
        ("599 Odd", "the status 599"),
    ] {
        let server = Server::with(status, Vec::new());
        let why = cause(&fetcher(), &server.url(""));
        assert!(why.contains(expected), "{status}: {why}");
        assert_eq!(server.hits(), 1);
    }
}

#[test]
fn lies_about_the_answer_are_noticed() {
    let list = good();
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let lying = |length: usize| Server::raw([head(length).into_bytes(), good()].concat());
    // More than there is.
    let why = cause(&fetcher(), &lying(list.len() + 1).url(""));
    assert!(!why.is_empty());
    // Less than there is: what comes is cut, and no list.
    let cut = content(&fetcher(), &lying(list.len() - 1).url(""));
    assert_eq!(cut, list[..list.len() - 1]);
    for raw in [
        "",
        "garbage\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: 3, 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc",
    ] {
        let server = Server::raw(raw);
        match fetcher().get(&crl_request(server.url("")), usize::MAX) {
            EvidenceReply::Unavailable(why) => assert!(!why.is_empty(), "{raw:?}"),
            other => panic!("{raw:?}: {other:?}"),
        }
    }
    let compressed = Server::start(|_, stream| {
        let headers = [("content-encoding", "gzip")];
        let _ = stream.write_all(&reply("200 OK", &headers, b"abc"));
    });
    assert_eq!(
        cause(&fetcher(), &compressed.url("")),
        "the answer is compressed, which was not asked for"
    );
}

#[test]
fn hosts_that_are_not_there_are_named_as_the_cause() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        cause(&fetcher(), &format!("http://{free}/")),
        "the connection was refused"
    );
    assert!(!cause(&fetcher(), "http://does-not-exist.invalid/").is_empty());
    for bad in [
        "",
        "http://",
        "ldap://a/b",
        "https://127.0.0.1/",
        "http://u@127.0.0.1/",
        "a b",
    ] {
        assert!(!cause(&fetcher(), bad).is_empty(), "{bad}");
    }
}

#[test]
fn addresses_of_one_chain_are_asked_at_the_same_time() {
    // Each answer waits until all three were asked.
    let all = Arc::new(Barrier::new(3));
    let server = Server::start(move |_, stream: &mut TcpStream| {
        all.wait();
        let _ = stream.write_all(&reply("200 OK", &[], &good()));
    });
    let fetcher = with(|options: &mut FetchOptions| options.crl_timeout = GENEROUS);
    let requests = ["/a", "/b", "/c"].map(|path| crl_request(server.url(path)));
    let requests: Vec<_> = requests.iter().map(|one| (one, usize::MAX)).collect();
    let replies = fetcher.get_all(&requests);
    assert_eq!(replies.len(), 3);
    for reply in replies {
        assert_eq!(reply, EvidenceReply::Content(good().into()));
    }
}
