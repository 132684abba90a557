//! A time-stamping authority with everything around it: its HTTP server is a process
//! of its own in which `openssl ts` makes the stamps, an `openssl ocsp` answers for
//! its root, and CRLs come over HTTP for its intermediate authority.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::server::{Answer, Server};

/// Where the process of the server finds its files.
const FOLDER: &str = "TSA_FOLDER";

const CONFIG: &str = "
[ca]
default_ca = of_root
[of_root]
database = of_root.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
default_crl_days = 1
policy = names
unique_subject = no
crlnumber = of_root.number
[of_intermediate]
database = of_intermediate.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
default_crl_days = 1
policy = names
unique_subject = no
crlnumber = of_intermediate.number
[names]
countryName = optional
stateOrProvinceName = optional
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
authorityInfoAccess = OCSP;URI:OCSP_URL
[stamper]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
crlDistributionPoints = URI:CRL_URL
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
";

/// What `openssl ts` does at each path of the server.
const STAMPING: &str = "
serial = tsa.serial
crypto_device = builtin
default_policy = 1.2.3.4
ess_cert_id_chain = yes
signer_digest = sha256
ess_cert_id_alg = sha256
signer_cert = stamper.pem
signer_key = stamper.key
certs = intermediate.pem
";

/// The authority, as long as this lives.
pub struct Tsa {
    folder: tempfile::TempDir,
    process: Child,
    port: u16,
    lists: Server,
    list: Arc<Mutex<Vec<u8>>>,
    responder: Arc<Mutex<Responder>>,
    _ocsp: Server,
}

/// A signing certificate with its key, all in PEM.
pub struct Signing {
    pub key: Vec<u8>,
    pub chain: Vec<u8>,
    pub root: Vec<u8>,
}

impl Tsa {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let list: Arc<Mutex<Vec<u8>>> = Arc::default();
        let served = Arc::clone(&list);
        let lists = Server::start(move |_| {
            Answer::new(200, "application/pkix-crl", served.lock().unwrap().clone())
        });
        let responder = Arc::new(Mutex::new(Responder::none()));
        let asked = Arc::clone(&responder);
        let ocsp = Server::start(move |request| {
            let body = asked.lock().unwrap().ask(&request.target, &request.body);
            Answer::new(200, "application/ocsp-response", body)
        });
        let config = CONFIG
            .replace("OCSP_URL", &format!("http://{}", ocsp.name()))
            .replace("CRL_URL", &lists.url("/intermediate.crl"));
        let mut stamping = String::new();
        for (section, digests) in [
            ("here", "sha256, sha384, sha512"),
            // Refuses what signatures are stamped with.
            ("picky", "sha1"),
        ] {
            stamping.push_str(&format!("[{section}]{STAMPING}digests = {digests}\n"));
        }
        fs::write(at.join("tsa.cnf"), config + &stamping).unwrap();
        for name in ["of_root", "of_intermediate"] {
            fs::write(at.join(format!("{name}.txt")), "").unwrap();
            fs::write(at.join(format!("{name}.number")), "01\n").unwrap();
        }
        issue(at, "root", "root", "root", "of_root", "/CN=tsa root");
        issue(
            at,
            "intermediate",
            "root",
            "intermediate",
            "of_root",
            "/CN=tsa intermediate",
        );
        issue(
            at,
            "stamper",
            "intermediate",
            "stamper",
            "of_intermediate",
            "/CN=tsa stamper",
        );
        let (process, port) = spawn(at);
        let tsa = Self {
            process,
            port,
            lists,
            list,
            responder,
            _ocsp: ocsp,
            folder,
        };
        tsa.publish();
        tsa
    }

    /// Where queries go; `/picky` refuses them.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The root certificate in PEM.
    pub fn root(&self) -> Vec<u8> {
        self.read("root.pem")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// What the server answers to `query`.
    pub fn ask(&self, query: &[u8]) -> Vec<u8> {
        exchange(
            self.port,
            "POST",
            "/here",
            "application/timestamp-query",
            query,
        )
    }

    /// Revokes `stamper` (a CRL says so) or `intermediate` (the responder does).
    pub fn revoke(&self, name: &str) {
        let section = match name {
            "stamper" => "of_intermediate",
            _ => "of_root",
        };
        self.openssl(&format!(
            "ca -batch -config tsa.cnf -name {section} {} -revoke {name}.pem",
            issuer(section)
        ));
        self.publish();
    }

    /// How often CRLs were asked for.
    pub fn lists_asked(&self) -> usize {
        self.lists.count("/")
    }

    /// How often the responder was asked.
    pub fn responder_asked(&self) -> usize {
        self._ocsp.count("/")
    }

    /// Takes the lists away, for who comes next.
    pub fn forget_lists(&self) {
        self.list.lock().unwrap().clear();
    }

    /// A code signing certificate of a root of its own.
    pub fn signing(&self, days: &str) -> Signing {
        issue(
            self.folder.path(),
            "code-root",
            "code-root",
            "root",
            "of_root",
            "/C=US/ST=WA/O=Acme/CN=code root",
        );
        let (start, end) = match days {
            "past" => ("20200101000000Z", "20210101000000Z"),
            _ => ("20200101000000Z", "20691231235959Z"),
        };
        certificate(
            self.folder.path(),
            "signer",
            "code-root",
            "signer",
            "of_root",
            "/C=US/ST=WA/O=Acme/CN=signer",
            (start, end),
        );
        let root = self.read("code-root.pem");
        Signing {
            key: self.read("signer.key"),
            chain: [self.read("signer.pem"), root.clone()].concat(),
            root,
        }
    }

    /// Publishes what the data bases say now.
    fn publish(&self) {
        let section = "of_intermediate";
        self.openssl(&format!(
            "ca -gencrl -config tsa.cnf -name {section} {} -out list.pem",
            issuer(section)
        ));
        self.openssl("crl -in list.pem -outform DER -out list.der");
        *self.list.lock().unwrap() = self.read("list.der");
        *self.responder.lock().unwrap() = Responder::start(self.folder.path());
    }

    fn openssl(&self, command: &str) {
        openssl(self.folder.path(), command.split_whitespace());
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn issuer(section: &str) -> &'static str {
    match section {
        "of_root" => "-cert root.pem -keyfile root.key",
        _ => "-cert intermediate.pem -keyfile intermediate.key",
    }
}

fn openssl<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl: {errors}");
}

fn issue(folder: &Path, name: &str, by: &str, extensions: &str, section: &str, subject: &str) {
    let validity = ("20200101000000Z", "20691231235959Z");
    certificate(folder, name, by, extensions, section, subject, validity);
}

fn certificate(
    folder: &Path,
    name: &str,
    by: &str,
    extensions: &str,
    section: &str,
    subject: &str,
    (start, end): (&str, &str),
) {
    let run = |command: &str| openssl(folder, command.split_whitespace());
    run(&format!(
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"
    ));
    let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
    openssl(
        folder,
        [
            "req", "-new", "-key", &key, "-subj", subject, "-out", &request,
        ],
    );
    let by = if name == by {
        format!("-selfsign -keyfile {name}.key")
    } else {
        format!("-cert {by}.pem -keyfile {by}.key")
    };
    run(&format!(
        "ca -batch -config tsa.cnf -name {section} {by} -in {request} -startdate {start} \
         -enddate {end} -extensions {extensions} -notext -out {name}.pem"
    ));
}

/// An `openssl ocsp` for what the root issued.
struct Responder {
    process: Option<Child>,
    port: u16,
}

impl Responder {
    const fn none() -> Self {
        Self {
            process: None,
            port: 0,
        }
    }

    fn start(folder: &Path) -> Self {
        let mut process = Command::new("openssl")
            .args("ocsp -index of_root.txt -port 0 -rsigner root.pem".split(' '))
            .args("-rkey root.key -CA root.pem -nmin 60 -ignore_err".split(' '))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // `ACCEPT [::]:44689 PID=21690`
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("ACCEPT"));
        let line = line.expect("the responder says where it is");
        let address = line.split(' ').nth(1).unwrap();
        let port = address.rsplit(':').next().unwrap().trim().parse().unwrap();
        Self {
            process: Some(process),
            port,
        }
    }

    fn ask(&self, target: &str, body: &[u8]) -> Vec<u8> {
        let method = if body.is_empty() { "GET" } else { "POST" };
        exchange(self.port, method, target, "application/ocsp-request", body)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The body of the answer of a server on this machine.
fn exchange(port: u16, method: &str, target: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("localhost", port)).unwrap();
    let head = format!(
        "{method} {target} HTTP/1.0\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    answer.split_off(end.map_or(answer.len(), |end| end + 4))
}

/// The server of the authority in `folder`, and its port. It ends with this process.
fn spawn(folder: &Path) -> (Child, u16) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tsa::server_process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let port = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("LISTENING ")?.1.trim().parse().ok());
    // The harness says now and then that it takes long, and ends where nobody reads.
    std::thread::spawn(move || lines.for_each(drop));
    (process, port.expect("the server says where it is"))
}

#[test]
#[ignore = "not a test: the process of the time-stamping server"]
fn server_process() {
    let folder = PathBuf::from(std::env::var(FOLDER).expect("other tests start this"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("LISTENING {}", listener.local_addr().unwrap().port());
    std::thread::spawn(|| {
        // Closed when the process ends that started this one.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let _ = stamp(&mut stream.unwrap(), &folder);
    }
}

/// Answers one query as RFC 3161 section 3.4 has it.
fn stamp(stream: &mut TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut kind) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        match line.trim().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", text)) => length = text.parse().unwrap(),
            Some(("content-type", text)) => kind = text.to_owned(),
            _ => {}
        }
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query)?;
    if !first.starts_with("POST ") || kind != "application/timestamp-query" {
        return stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    }
    let section = first
        .split(['/', ' '])
        .nth(2)
        .filter(|name| !name.is_empty());
    fs::write(folder.join("query"), &query)?;
    openssl(
        folder,
        [
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-section",
            section.unwrap_or("here"),
            "-queryfile",
            "query",
            "-out",
            "reply",
        ],
    );
    let reply = fs::read(folder.join("reply"))?;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        reply.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply)
}
