//! A proxy in front of a registry that hurts what passes through it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The manifest of the image.
    Image,
    Referrers,
    /// The list of referrers under a tag.
    List,
    /// The manifest of a signature.
    Signature,
    Envelope,
    Token,
    Other,
}

/// One request that came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub what: What,
    /// The how-manieth of its kind, from 1.
    pub nth: usize,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// An answer of the registry, or one that was made up.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.into(),
        }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Status line and headers; `length` is what the answer claims to be.
    fn head(&self, length: Option<u64>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = length {
            head += &format!("Content-Length: {length}\r\n");
        }
        head += "\r\n";
        head.into_bytes()
    }
}

/// How a request is answered.
pub enum Act {
    /// As the registry does.
    Pass,
    /// As the registry does, with changes.
    Edit(Box<dyn FnOnce(&mut Answer)>),
    Answer(Answer),
    /// After a while.
    Delay(Duration, Box<Act>),
    /// Nothing, until the client leaves.
    Hang,
    /// The connection ends without an answer.
    Reset,
    /// The registry does what is asked, and its answer is lost.
    Lose,
    /// The registry's answer with its true length, but only this many octets of
    /// the body.
    Truncate(usize),
    /// The registry's answer that claims to be longer, or shorter.
    Claim(u64),
    /// In chunks, as many octets each, and no length.
    Chunked(usize),
    /// In chunks, and the connection ends before the last.
    Unfinished,
    /// The registry's answer, an octet each time.
    Drip(Duration),
    /// This head, and then octets without end.
    Endless(Answer),
    /// These octets, whatever they are.
    Raw(Vec<u8>),
    /// The registry's answer, and then the connection ends without a word.
    Close,
}

type Answers = dyn Fn(&Asked) -> Act + Send + Sync;

/// The most octets of an endless answer: a client that takes them all has no bound.
pub const ENDLESS: u64 = 256 << 20;

struct Shared {
    /// Host and port of the registry, if there is one behind.
    upstream: Option<String>,
    /// The digest of the image that the test asks for, and its tag.
    image: Vec<String>,
    answers: Box<Answers>,
    asked: Mutex<Vec<Asked>>,
    counts: Mutex<BTreeMap<What, usize>>,
    sent: AtomicU64,
    stopped: AtomicBool,
}

pub struct Proxy {
    pub address: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy in front of `upstream`, or a server of its own where that is `None`.
    /// `image` are the references by which the image is asked for.
    pub fn start(
        upstream: Option<&str>,
        image: &[&str],
        answers: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").unwrap(),
            upstream,
            image,
            answers,
        )
    }

    /// The same on a socket that is there already, for answers that name it.
    pub fn on(
        listener: TcpListener,
        upstream: Option<&str>,
        image: &[&str],
        answers: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            upstream: upstream.map(str::to_owned),
            image: image.iter().map(|one| (*one).to_owned()).collect(),
            answers: Box::new(answers),
            asked: Mutex::default(),
            counts: Mutex::default(),
            sent: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let server = Arc::clone(&server);
                thread::spawn(move || server.connection(&stream));
            }
        });
        Self { address, shared }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Octets of bodies and heads that clients took.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    /// Serves a connection until one side has enough.
    fn connection(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(mut asked) = read_request(&mut reader) {
            asked.what = self.what(&asked.target);
            {
                let mut counts = self.counts.lock().unwrap();
                let count = counts.entry(asked.what).or_default();
                *count += 1;
                asked.nth = *count;
            }
            self.asked.lock().unwrap().push(asked.clone());
            let act = (self.answers)(&asked);
            let mut writer = Counted {
                stream,
                sent: &self.sent,
            };
            if !matches!(self.answer(&asked, act, &mut writer), Ok(true)) {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn what(&self, target: &str) -> What {
        let path = target.split('?').next().unwrap();
        let last = path.rsplit('/').next().unwrap();
        if path.contains("/referrers/") {
            What::Referrers
        } else if path.contains("/blobs/") {
            What::Envelope
        } else if path.contains("/manifests/sha256-") {
            What::List
        } else if path.contains("/manifests/") {
            if self.image.iter().any(|image| image == last) {
                What::Image
            } else {
                What::Signature
            }
        } else if path == "/token" {
            What::Token
        } else {
            What::Other
        }
    }

    /// Whether the connection goes on.
    fn answer(&self, asked: &Asked, act: Act, writer: &mut Counted<'_>) -> std::io::Result<bool> {
        let body_of = |answer: &Answer| match &*asked.method {
            "HEAD" => Vec::new(),
            _ => answer.body.clone(),
        };
        match act {
            Act::Delay(time, act) => {
                thread::sleep(time);
                return self.answer(asked, *act, writer);
            }
            Act::Pass | Act::Close => {
                let answer = self.upstream(asked)?;
                writer.all(&answer.head(length_of(asked, &answer)))?;
                writer.all(&body_of(&answer))?;
                return Ok(matches!(act, Act::Pass));
            }
            Act::Edit(edit) => {
                let mut answer = self.upstream(asked)?;
                let length = answer.body.len();
                edit(&mut answer);
                if answer.body.len() != length {
                    answer
                        .headers
                        .retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
                }
                writer.all(&answer.head(length_of(asked, &answer)))?;
                writer.all(&body_of(&answer))?;
                return Ok(true);
            }
            Act::Answer(answer) => {
                writer.all(&answer.head(Some(answer.body.len() as u64)))?;
                writer.all(&body_of(&answer))?;
                return Ok(true);
            }
            Act::Hang => {
                // Until the client closes its side.
                let mut octet = [0];
                let mut stream = writer.stream;
                while matches!(stream.read(&mut octet), Ok(read) if read > 0) {}
            }
            Act::Reset => {}
            Act::Lose => drop(self.upstream(asked)?),
            Act::Truncate(length) => {
                let answer = self.upstream(asked)?;
                writer.all(&answer.head(Some(answer.body.len().max(length + 1) as u64)))?;
                writer.all(&answer.body[..length.min(answer.body.len())])?;
            }
            Act::Claim(length) => {
                let answer = self.upstream(asked)?;
                writer.all(&answer.head(Some(length)))?;
                writer.all(&body_of(&answer))?;
            }
            Act::Chunked(size) => {
                let mut answer = self.upstream(asked)?;
                answer.set("Transfer-Encoding", "chunked");
                writer.all(&answer.head(None))?;
                for chunk in answer.body.chunks(size) {
                    writer.all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                    writer.all(chunk)?;
                    writer.all(b"\r\n")?;
                }
                writer.all(b"0\r\n\r\n")?;
                return Ok(true);
            }
            Act::Unfinished => {
                let mut answer = self.upstream(asked)?;
                answer.set("Transfer-Encoding", "chunked");
                writer.all(&answer.head(None))?;
                writer.all(format!("{:x}\r\n", answer.body.len()).as_bytes())?;
                writer.all(&answer.body)?;
                writer.all(b"\r\n")?;
            }
            Act::Drip(pause) => {
                let answer = self.upstream(asked)?;
                writer.all(&answer.head(length_of(asked, &answer)))?;
                for octet in body_of(&answer) {
                    thread::sleep(pause);
                    writer.all(&[octet])?;
                }
            }
            Act::Endless(answer) => {
                writer.all(&answer.head(None))?;
                let block = [b' '; 64 * 1024];
                let mut sent = 0;
                while sent < ENDLESS {
                    writer.all(&block)?;
                    sent += block.len() as u64;
                }
            }
            Act::Raw(octets) => writer.all(&octets)?,
        }
        Ok(false)
    }

    /// The registry's answer. It is asked without credentials, and without keeping
    /// the connection.
    fn upstream(&self, asked: &Asked) -> std::io::Result<Answer> {
        let Some(upstream) = &self.upstream else {
            return Ok(Answer::new(404, &[], ""));
        };
        let mut stream = TcpStream::connect(upstream)?;
        // The name by which it was asked: addresses of uploads lead here again.
        let host = asked.header("host").unwrap_or(upstream);
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            asked.method, asked.target
        );
        for (name, value) in &asked.headers {
            let lower = name.to_ascii_lowercase();
            if !["host", "connection", "authorization", "accept-encoding"].contains(&&*lower) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head += "Connection: close\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        stream.write_all(&asked.body)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let mut answer = Answer {
            status: status.unwrap_or(502),
            headers: read_headers(&mut reader).unwrap_or_default(),
            body: Vec::new(),
        };
        if asked.method != "HEAD" {
            let chunked = answer.header("transfer-encoding").is_some();
            if chunked {
                answer.body = read_chunks(&mut reader)?;
            } else {
                reader.read_to_end(&mut answer.body)?;
            }
            answer.headers.retain(|(name, _)| {
                !["content-length", "transfer-encoding"].contains(&&*name.to_ascii_lowercase())
            });
        }
        answer
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
        Ok(answer)
    }
}

/// The length to write: that of the body, or for HEAD what the registry wrote.
fn length_of(asked: &Asked, answer: &Answer) -> Option<u64> {
    (asked.method != "HEAD").then_some(answer.body.len() as u64)
}

/// A connection that counts.
struct Counted<'a> {
    stream: &'a TcpStream,
    sent: &'a AtomicU64,
}

impl Counted<'_> {
    fn all(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(octets)?;
        self.sent.fetch_add(octets.len() as u64, Ordering::SeqCst);
        Ok(())
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = read_headers(reader)?;
    let mut asked = Asked {
        what: What::Other,
        nth: 0,
        method,
        target,
        headers,
        body: Vec::new(),
    };
    if let Some(length) = asked.header("content-length") {
        asked.body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}

fn read_headers(reader: &mut impl BufRead) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            return Some(headers);
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        if size == 0 {
            return Ok(body);
        }
        let start = body.len();
        body.resize(start + size + 2, 0);
        reader.read_exact(&mut body[start..])?;
        body.truncate(start + size);
    }
}
