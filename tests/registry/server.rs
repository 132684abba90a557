//! A registry in the test process that answers as badly as a test wants, with
//! connections that stay open, and TLS where a test wants that.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One request that came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the client showed a certificate.
    pub certificate: bool,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub manner: Manner,
}

/// How an answer is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    Well,
    /// After this time.
    Late(Duration),
    /// The length is a lie, and the connection ends after the body.
    Stating(u64),
    /// The connection ends before anything is sent.
    Reset,
    /// Nothing is ever sent.
    Never,
    /// The head, and then an octet now and then without end.
    Dripping,
    /// The body again and again, in chunks, without end.
    Endless,
}

impl Answer {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into(),
            manner: Manner::Well,
        }
    }

    pub fn status(status: u16) -> Self {
        Self::new(status, "text/plain", "")
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn sent(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// A server on a port of its own.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Box<dyn Fn(&Asked) -> Answer + Send + Sync>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
    stopped: AtomicBool,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, answer)
    }

    pub fn with_tls(
        config: Arc<ServerConfig>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(config), answer)
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            most_inside: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (server, tls) = (Arc::clone(&server), tls.clone());
                thread::spawn(move || server.serve(stream, tls));
            }
        });
        Self {
            address,
            scheme,
            shared,
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many requests had a path that starts so.
    pub fn count(&self, start: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked
            .iter()
            .filter(|one| one.target.starts_with(start))
            .count()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most requests that were there at the same time.
    pub fn most_inside(&self) -> usize {
        self.shared.most_inside.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        stream.set_nodelay(true).unwrap();
        let Some(config) = tls else {
            self.connections.fetch_add(1, Ordering::SeqCst);
            self.converse(stream, false);
            return;
        };
        let mut stream = stream;
        let mut connection = ServerConnection::new(config).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut stream).is_err() {
                return;
            }
        }
        self.connections.fetch_add(1, Ordering::SeqCst);
        let certificate = connection.peer_certificates().is_some();
        self.converse(StreamOwned::new(connection, stream), certificate);
    }

    fn converse(&self, mut stream: impl Read + Write, certificate: bool) {
        while let Some(mut asked) = read_request(&mut stream) {
            asked.certificate = certificate;
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_inside.fetch_max(inside, Ordering::SeqCst);
            self.asked.lock().unwrap().push(asked.clone());
            let answer = (self.answer)(&asked);
            let open = self.send(&mut stream, &answer);
            self.inside.fetch_sub(1, Ordering::SeqCst);
            if !matches!(open, Ok(true)) {
                return;
            }
        }
    }

    /// Sends an answer; whether the connection stays open.
    fn send(&self, stream: &mut impl Write, answer: &Answer) -> io::Result<bool> {
        let length = u64::try_from(answer.body.len()).unwrap();
        let stated = match answer.manner {
            Manner::Reset => return Ok(false),
            Manner::Never => {
                while !self.stopped.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                }
                return Ok(false);
            }
            Manner::Late(time) => {
                thread::sleep(time);
                length
            }
            Manner::Stating(length) => length,
            Manner::Dripping => length.max(1_000),
            Manner::Well | Manner::Endless => length,
        };
        let mut octets = format!("HTTP/1.1 {} Some\r\n", answer.status).into_bytes();
        for (name, value) in &answer.headers {
            octets.extend(format!("{name}: {value}\r\n").bytes());
        }
        if answer.manner == Manner::Endless {
            octets.extend(b"transfer-encoding: chunked\r\n\r\n");
            stream.write_all(&octets)?;
            loop {
                stream.write_all(format!("{length:x}\r\n").as_bytes())?;
                stream.write_all(&answer.body)?;
                stream.write_all(b"\r\n")?;
            }
        }
        octets.extend(format!("content-length: {stated}\r\n\r\n").bytes());
        if answer.manner == Manner::Dripping {
            stream.write_all(&octets)?;
            while !self.stopped.load(Ordering::SeqCst) {
                stream.write_all(b" ")?;
                stream.flush()?;
                thread::sleep(Duration::from_millis(50));
            }
            return Ok(false);
        }
        octets.extend(&answer.body);
        stream.write_all(&octets)?;
        stream.flush()?;
        Ok(stated == length)
    }
}

fn read_request(stream: &mut impl Read) -> Option<Asked> {
    let mut octets = Vec::new();
    let mut one = [0];
    while !octets.ends_with(b"\r\n\r\n") {
        match stream.read(&mut one) {
            Ok(1) => octets.push(one[0]),
            _ => return None,
        }
    }
    let text = String::from_utf8(octets).ok()?;
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        target,
        headers,
        body,
        certificate: false,
    })
}
