//! HTTP messages as far as registries need them.

use std::sync::Arc;

/// What is asked of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Its content.
    #[default]
    Get,
    /// Whether it has content.
    Head,
    /// To begin something.
    Post,
    /// To take content.
    Put,
    /// To be gone.
    Delete,
}

/// What to do where a request gets no answer, or one that may be a better one the
/// next time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// Send it again: that is the same as once.
    #[default]
    Safe,
    /// It may have been done, or be undone by now: only who sent it knows what next.
    StartOver,
}

/// A request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// What is asked. Redirects are followed where that is content.
    pub method: Method,
    /// Absolute address. Credentials go to the registry's own origin alone, whatever
    /// server this is on.
    pub url: String,
    /// Names in lower case, with their values.
    pub headers: Vec<(&'static str, String)>,
    /// The most octets that the body of a successful answer may have; stop reading
    /// there.
    pub max_bytes: usize,
    /// What the address is to take.
    pub body: Option<Arc<[u8]>>,
    /// As many octets as it is to take in place of `body`, which who sends it has:
    /// the content of an upload that is not in memory.
    pub streamed: Option<u64>,
    /// Whether it may be sent again.
    pub retry: Retry,
}

impl HttpRequest {
    /// A request without headers and body.
    pub(super) fn new(method: Method, url: String, max_bytes: usize) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            max_bytes,
            body: None,
            streamed: None,
            retry: Retry::Safe,
        }
    }
}

/// An answer, after redirects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Names in any case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body; of an answer that is no success the beginning is enough.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(one, _)| one.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of the header `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(one, _)| one.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The media type of the body: `Content-Type` without parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next().unwrap_or_default().trim();
        (!media_type.is_empty()).then_some(media_type)
    }
}
