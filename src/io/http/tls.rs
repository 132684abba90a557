//! TLS: who is believed, and who we say that we are.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use crate::error::quote;
use crate::registry::Secret;

/// Octets of a file with certificates or a key. The roots of a system have 300 KiB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Which authorities are believed to name servers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Whether the roots of the system count. Default: they do.
    pub system_roots: SystemRoots,
    /// Files with more roots, in PEM or DER.
    pub ca_files: Vec<PathBuf>,
    /// More roots, each a text in PEM (with one or more) or one in DER.
    pub ca_certificates: Vec<Vec<u8>>,
    /// What this client shows to registries that ask who it is.
    pub client_certificate: Option<ClientCertificate>,
}

/// Whether the roots of the system count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemRoots {
    /// They do, beside those that are named.
    #[default]
    Use,
    /// Only those that are named do.
    Ignore,
}

/// A certificate of this client and its key. It is shown to the registries of the
/// references that are verified, and to no other server: not to those that they
/// redirect to, nor to token servers of other origins.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, and those between it and the root, in PEM.
    pub chain: Vec<u8>,
    /// The key in PEM (PKCS #8, PKCS #1 or SEC 1), not encrypted.
    pub key: Secret,
}

impl ClientCertificate {
    /// Reads both files.
    ///
    /// # Errors
    /// Why one cannot be read, for a person.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, String> {
        let key_text = String::from_utf8(read(key)?)
            .map_err(|_| format!("the key `{}` is not in PEM", key.display()))?;
        Ok(Self {
            chain: read(chain)?,
            key: key_text.into(),
        })
    }
}

/// Whether a connection may show the client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    Show,
    Hide,
}

/// Options and what was made of them, when it was first needed.
#[derive(Debug, Default)]
pub struct Tls {
    options: TlsOptions,
    with_identity: OnceLock<Result<Arc<ClientConfig>, String>>,
    without: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    pub fn new(options: TlsOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// `Hide`, where there is nothing to show: one pool is enough then.
    pub const fn identity(&self, wanted: Identity) -> Identity {
        match self.options.client_certificate {
            Some(_) => wanted,
            None => Identity::Hide,
        }
    }

    fn config(&self, identity: Identity) -> Result<Arc<ClientConfig>, String> {
        let (made, certificate) = match identity {
            Identity::Show => (
                &self.with_identity,
                self.options.client_certificate.as_ref(),
            ),
            Identity::Hide => (&self.without, None),
        };
        made.get_or_init(|| build(&self.options, certificate).map(Arc::new))
            .clone()
    }
}

fn build(
    options: &TlsOptions,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider()?)
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|error| format!("TLS cannot be used: {error}"))?
        .with_root_certificates(roots(options)?);
    let Some(certificate) = certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(&certificate.chain)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or("the client certificate is not in PEM")?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key.reveal().as_bytes()).map_err(|_| {
        "the key of the client certificate is no unencrypted private key in PEM".to_owned()
    })?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("the client certificate cannot be used: {error}"))
}

/// The cryptography of TLS. On processors that graviola does not have, that which
/// the program has installed for all of its TLS.
fn provider() -> Result<Arc<CryptoProvider>, String> {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    if graviola::util::is_cpu_supported() {
        return Ok(Arc::new(rustls_graviola::default_provider()));
    }
    CryptoProvider::get_default().cloned().ok_or_else(|| {
        "there is no cryptography for TLS on this processor: a program that embeds this library \
         can install a provider of rustls for the process"
            .to_owned()
    })
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for path in &options.ca_files {
        let bytes = read(path)?;
        add(&mut roots, &bytes, &format!("`{}`", path.display()))?;
    }
    for bytes in &options.ca_certificates {
        add(&mut roots, bytes, "what was given as a root")?;
    }
    if options.system_roots == SystemRoots::Use {
        // One odd certificate of a system does not spoil the rest.
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
    }
    if roots.is_empty() {
        return Err(
            "no certificate authority is known: this system has none, and no file with one is \
             named (`ca_files`, --ca-file)"
                .to_owned(),
        );
    }
    Ok(roots)
}

/// Adds certificates that somebody named: each must be one.
fn add(roots: &mut RootCertStore, bytes: &[u8], name: &str) -> Result<(), String> {
    let mut certificates = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{name} is malformed: {error}"))?;
    if certificates.is_empty() {
        certificates.push(CertificateDer::from(bytes.to_vec()));
    }
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|_| format!("{name} has no certificate, or a malformed one"))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = quote(&path.display().to_string());
    let file = std::fs::File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{shown}: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(format!("{shown} has more than {MAX_FILE_BYTES} octets"));
    }
    Ok(bytes)
}

/// Adds TLS to connections for https.
#[derive(Debug)]
pub struct TlsConnector {
    tls: Arc<Tls>,
    identity: Identity,
    route: Route,
}

/// How a client reaches its servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Direct,
    ThroughProxy,
}

impl TlsConnector {
    pub const fn new(tls: Arc<Tls>, identity: Identity, route: Route) -> Self {
        Self {
            tls,
            identity,
            route,
        }
    }

    /// A proxy with TLS of its own is not shown who we are. The connection to it is
    /// the one that has no proxy any more.
    fn identity_for(&self, details: &ConnectionDetails<'_>) -> Identity {
        match self.route {
            Route::ThroughProxy if details.config.proxy().is_none() => Identity::Hide,
            _ => self.identity,
        }
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let other = |why: String| ureq::Error::Other(why.into());
        let config = self.tls.config(self.identity_for(details)).map_err(other)?;
        let host = details.uri.host().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| other(format!("{} is no name that TLS knows", quote(host))))?;
        let mut connection = ClientConnection::new(config, name)
            .map_err(|error| ureq::Error::Io(io::Error::other(error)))?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(TlsTransport {
            buffers,
            stream: StreamOwned::new(connection, socket),
        })))
    }
}

pub struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output();
        self.stream
            .write_all(output.get(..amount).unwrap_or(output))?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").finish_non_exhaustive()
    }
}
