//! A server whose behaviour can be changed: good, slow, hung, lying.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "not every suite needs every helper; a test stops at what it does not expect"
)]

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::authority::Responder;
use crate::server::{Asked, Server, reply};

/// How a server answers.
pub(crate) enum Answers {
    With(Vec<u8>),
    From(Responder),
    Slowly(Vec<u8>),
    NotAtAll,
    Status(&'static str),
}

/// The server.
pub(crate) struct Source {
    pub(crate) server: Server,
    answers: Arc<Mutex<Arc<Answers>>>,
}

impl Source {
    pub(crate) fn start() -> Self {
        let answers = Arc::new(Mutex::new(Arc::new(Answers::Status("404 Not Found"))));
        let current = Arc::clone(&answers);
        let server = Server::start(move |asked: &Asked, stream| {
            let answers = Arc::clone(&current.lock().unwrap());
            let octets = match &*answers {
                Answers::With(body) => reply("200 OK", &[], body),
                Answers::From(responder) => responder.ask(asked.raw.as_bytes(), &asked.body),
                Answers::Slowly(body) => {
                    let octets = reply("200 OK", &[], body);
                    for part in octets.chunks(octets.len() / 8 + 1) {
                        thread::sleep(Duration::from_millis(60));
                        let _ = stream.write_all(part);
                    }
                    return;
                }
                Answers::NotAtAll => return thread::sleep(Duration::from_secs(600)),
                Answers::Status(status) => reply(status, &[], b""),
            };
            let _ = stream.write_all(&octets);
        });
        Self { server, answers }
    }

    pub(crate) fn set(&self, answers: Answers) {
        *self.answers.lock().unwrap() = Arc::new(answers);
    }
}
