//! Connections whose waits end when the run does.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    Transport,
};

use super::resolve::wait_for;
use super::scope;
use super::tls::{Identity, Route, Tls, TlsConnector};
use crate::io::run::SLICE;

/// Makes connections: through a proxy where the client has one, and with TLS where
/// the address asks for it.
pub fn connector(tls: &Arc<Tls>, identity: Identity, route: Route) -> impl Connector<()> {
    ().chain(ConnectProxyConnector::default())
        .chain(TcpConnector)
        .chain(TlsConnector::new(Arc::clone(tls), identity, route))
}

#[derive(Debug)]
struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let addresses: Vec<SocketAddr> = details.addrs.iter().copied().collect();
        let stream = connect(addresses, *details.timeout.after)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SLICE))?;
        stream.set_write_timeout(Some(SLICE))?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(TcpTransport { stream, buffers })))
    }
}

/// Connects to the first address that answers.
fn connect(addresses: Vec<SocketAddr>, time: Duration) -> Result<TcpStream, ureq::Error> {
    /// A connection that takes longer than this does not come.
    const MOST: Duration = Duration::from_secs(120);
    let time = time.min(MOST);
    wait_for(time, Timeout::Connect, move || {
        let start = Instant::now();
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        let mut rest = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            let left = time.saturating_sub(start.elapsed());
            // The first addresses of many get less, so that all have their turn.
            let share = if rest > 1 { left / 2 } else { left };
            rest -= 1;
            if share.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(&address, share) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    })
}

struct TcpTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output();
        let mut rest = output.get(..amount).unwrap_or(output);
        while !rest.is_empty() {
            let written = sliced(timeout, || self.stream.write(rest))?;
            if written == 0 {
                return Err(io::Error::from(ErrorKind::WriteZero).into());
            }
            rest = rest.get(written..).unwrap_or(&[]);
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let input = self.buffers.input_append_buf();
        let read = sliced(timeout, || self.stream.read(input))?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        let probe = || -> io::Result<bool> {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            // Octets that nobody asked for spoil a connection as its end does.
            Ok(matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock))
        };
        probe().unwrap_or(false)
    }
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTransport")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// Calls `work`, which waits for at most a slice, until something comes of it.
fn sliced(
    timeout: NextTimeout,
    mut work: impl FnMut() -> io::Result<usize>,
) -> Result<usize, ureq::Error> {
    let start = Instant::now();
    loop {
        scope::check_io()?;
        match work() {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                let most =
                    scope::patience().map_or(*timeout.after, |most| most.min(*timeout.after));
                if start.elapsed() >= most {
                    return Err(ureq::Error::Timeout(timeout.reason));
                }
            }
            result => return Ok(result?),
        }
    }
}
