//! What an error of the client means, for a person.

use std::io::{self, ErrorKind};

use rustls::{CertificateError, Error as TlsError};
use ureq::http::Uri;

use crate::error::quote;
use crate::io::run::Stopped;

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// The time that the request had is over.
    TimedOut,
    /// The run does not go on.
    Stopped(Stopped),
    /// The connection failed, or the answer was cut off: another attempt may do
    /// better.
    Passing(String),
    /// Another attempt would fail as this one did.
    Lasting(String),
}

/// What `error` means for a request to `uri`.
pub fn trouble(error: ureq::Error, uri: &Uri) -> Trouble {
    let host = || quote(uri.host().unwrap_or_default());
    match error {
        ureq::Error::Timeout(_) => Trouble::TimedOut,
        ureq::Error::Io(error) => of_io(error),
        ureq::Error::HostNotFound => Trouble::Passing(format!("the host {} was not found", host())),
        ureq::Error::ConnectionFailed => {
            Trouble::Passing(format!("no connection to the host {}", host()))
        }
        ureq::Error::ConnectProxyFailed(why) => Trouble::Passing(format!("no connection: {why}")),
        ureq::Error::Protocol(error) => {
            Trouble::Lasting(format!("the answer is not HTTP as it should be: {error}"))
        }
        // Words of our own.
        ureq::Error::Other(why) => Trouble::Lasting(why.to_string()),
        other => Trouble::Lasting(other.to_string()),
    }
}

fn of_io(error: io::Error) -> Trouble {
    if let Some(inner) = error.get_ref() {
        if let Some(stopped) = inner.downcast_ref::<Stopped>() {
            return Trouble::Stopped(*stopped);
        }
        if let Some(tls) = inner.downcast_ref::<TlsError>() {
            return Trouble::Lasting(of_tls(tls));
        }
    }
    Trouble::Passing(match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => return Trouble::TimedOut,
        ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the server broke the connection".to_owned()
        }
        ErrorKind::UnexpectedEof => {
            "the connection ended before the answer was complete".to_owned()
        }
        _ => error.to_string(),
    })
}

fn of_tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(why) => {
            let why = match why {
                CertificateError::UnknownIssuer => {
                    "no authority that is known here issued it: name its root (`ca_files`, \
                     --ca-file)"
                        .to_owned()
                }
                CertificateError::BadSignature => {
                    "it names an authority that is known here, and another authority of that name \
                     issued it, or it was changed: name its root (`ca_files`, --ca-file)"
                        .to_owned()
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "it has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet".to_owned()
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    "it is for another name".to_owned()
                }
                other => other.to_string(),
            };
            format!("the server's certificate is not accepted: {why}")
        }
        TlsError::InvalidMessage(_) => {
            "the server does not speak TLS: is plain HTTP meant (`plain_http`, --plain-http)?"
                .to_owned()
        }
        TlsError::AlertReceived(alert) => {
            format!("the server refuses the TLS connection: {alert:?}")
        }
        other => format!("TLS failed: {other}"),
    }
}
