//! HTTP servers in the test process that answer as badly as a test wants.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Header lines, in lower case.
    pub(crate) head: String,
    /// The same as they came, to hand them on.
    pub(crate) raw: String,
    pub(crate) body: Vec<u8>,
}

/// A server on a port of its own. Requests are answered on threads of their own.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that hands each request and its connection to `answer`.
    pub(crate) fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::start_at(0, answer)
    }

    /// The same at a port.
    pub(crate) fn start_at(
        port: u16,
        answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let stopped = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let (log, stop) = (Arc::clone(&asked), Arc::clone(&stopped));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(mut stream), log) = (stream, Arc::clone(&log)) else {
                    continue;
                };
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    if let Some(request) = read_request(&mut stream) {
                        log.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Self {
            address,
            asked,
            stopped,
        }
    }

    /// A server that answers everything with `status` and `body`.
    pub(crate) fn with(status: &'static str, body: Vec<u8>) -> Self {
        Self::start(move |_, stream| {
            let _ = stream.write_all(&reply(status, &[], &body));
        })
    }

    /// A server that sends `octets`, whatever is asked, and closes.
    pub(crate) fn raw(octets: impl Into<Vec<u8>>) -> Self {
        let octets = octets.into();
        Self::start(move |_, stream| {
            let _ = stream.write_all(&octets);
        })
    }

    /// A server that takes requests and never answers.
    pub(crate) fn hung() -> Self {
        Self::start(|_, _| thread::sleep(Duration::from_secs(600)))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn hits(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

/// An answer with a right length.
pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut octets = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in headers {
        octets.extend(format!("{name}: {value}\r\n").bytes());
    }
    octets.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    octets.extend(body);
    octets
}

fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => octets.extend(buffer.get(..read)?),
        }
    };
    let mut body = octets.split_off(end);
    let raw = String::from_utf8(octets).ok()?;
    let mut first = raw.lines().next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let head = raw.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    while body.len() < length {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => body.extend(buffer.get(..read)?),
        }
    }
    Some(Asked {
        method,
        target,
        head,
        raw,
        body,
    })
}
