//! What goes wrong between a client and a registry, and what may be said then.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::bomb;
use super::proxy::{Act, Answer, Asked, What};

const VERIFIED: &str = "verified";
const REJECTED: &str = "rejected";
/// Could not be evaluated.
const FAILED: &str = "lookup-failed";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY_INDEX: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// What an answer may name.
pub struct Places {
    /// The proxy's own address: host and port.
    pub proxy: String,
    /// A server that is no part of the registry, and notes what it is told.
    pub stranger: String,
    /// Octets of another image's manifest, and of a signature of that image.
    pub other_manifest: Vec<u8>,
}

type Rule = fn(&Places, &Asked) -> Act;

/// One way to go wrong.
pub struct Fault {
    pub name: &'static str,
    /// The statuses of an image with one good signature that may be reported.
    pub good: &'static [&'static str],
    /// The most requests that the proxy may see.
    pub requests: usize,
    /// Whether the client runs out of patience, so that it is given little.
    pub short: bool,
    /// Whether the stranger may be asked at all; credentials it never gets.
    pub stranger: Stranger,
    rule: Rule,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// Not asked.
    Never,
    /// Asked without credentials.
    WithoutCredentials,
}

impl Fault {
    pub fn answers(&self, places: Arc<Places>) -> impl Fn(&Asked) -> Act + Send + Sync + 'static {
        let rule = self.rule;
        move |asked| rule(&places, asked)
    }

    const fn requests(mut self, most: usize) -> Self {
        self.requests = most;
        self
    }

    const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    const fn stranger(mut self) -> Self {
        self.stranger = Stranger::WithoutCredentials;
        self
    }
}

/// Requests of an ordinary verification with every one repeated, and some to spare.
const FEW: usize = 30;

const fn fault(name: &'static str, good: &'static [&'static str], rule: Rule) -> Fault {
    Fault {
        name,
        good,
        requests: FEW,
        short: false,
        stranger: Stranger::Never,
        rule,
    }
}

fn status(status: u16) -> Act {
    Act::Answer(Answer::new(
        status,
        &[("Content-Type", "application/json")],
        "{}",
    ))
}

fn later(status: u16, seconds: &str) -> Act {
    Act::Answer(Answer::new(status, &[("Retry-After", seconds)], ""))
}

fn page(mut headers: Vec<(&str, &str)>, body: impl Into<Vec<u8>>) -> Act {
    headers.push(("Content-Type", INDEX));
    Act::Answer(Answer::new(200, &headers, body))
}

fn edit(change: impl FnOnce(&mut Answer) + 'static) -> Act {
    Act::Edit(Box::new(change))
}

/// Replaces text in the body.
fn replace(from: &'static str, to: &'static str) -> Act {
    edit(move |answer| {
        let text = String::from_utf8(answer.body.clone()).unwrap();
        answer.body = text.replace(from, to).into_bytes();
    })
}

/// Changes the number behind the last `"size":`.
fn resize(to: &'static str) -> Act {
    edit(move |answer| {
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let Some(at) = text.rfind("\"size\":") else {
            return;
        };
        let at = at + "\"size\":".len();
        let end = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap() + at;
        answer.body = format!("{}{to}{}", &text[..at], &text[end..]).into_bytes();
    })
}

/// One kind of request goes wrong each time.
macro_rules! each {
    ($what:ident, $act:expr) => {
        |_, asked| match asked.what {
            What::$what => $act,
            _ => Act::Pass,
        }
    };
}

/// One kind of request goes wrong the first time.
macro_rules! once {
    ($what:ident, $act:expr) => {
        |_, asked| match asked.what {
            What::$what if asked.nth == 1 => $act,
            _ => Act::Pass,
        }
    };
}

/// Everything asks for a token of the realm, but for the token itself.
fn challenge(places: &Places, asked: &Asked, realm: &str, token: impl FnOnce() -> Act) -> Act {
    let _ = places;
    match asked.what {
        What::Token => token(),
        _ if asked.header("authorization") == Some("Bearer good") => Act::Pass,
        _ => Act::Answer(Answer::new(
            401,
            &[(
                "WWW-Authenticate",
                &format!("Bearer realm=\"{realm}\",service=\"registry.example\""),
            )],
            "",
        )),
    }
}

fn good_token() -> Act {
    Act::Answer(Answer::new(
        200,
        &[("Content-Type", "application/json")],
        r#"{"token":"good","expires_in":300}"#,
    ))
}

/// Everything asks for a token that the proxy itself gives out.
fn own_tokens(places: &Places, asked: &Asked, token: impl FnOnce() -> Act) -> Act {
    let realm = format!("http://{}/token", places.proxy);
    challenge(places, asked, &realm, token)
}

fn redirect(to: String) -> Act {
    Act::Answer(Answer::new(307, &[("Location", &to)], ""))
}

/// Sends one kind of request to the same path at the stranger, who passes it on.
fn to_stranger(places: &Places, asked: &Asked) -> Act {
    redirect(format!("http://{}{}", places.stranger, asked.target))
}

/// Asks for a name and password.
fn basic(asked: &Asked, then: impl FnOnce() -> Act) -> Act {
    if asked.header("authorization").is_some() {
        return then();
    }
    Act::Answer(Answer::new(
        401,
        &[("WWW-Authenticate", "Basic realm=\"Registry\"")],
        "",
    ))
}

fn next_page(asked: &Asked, places: &Places, body: &str) -> Act {
    let path = asked.target.split('?').next().unwrap();
    let link = format!(
        "<http://{}{path}?n={}>; rel=\"next\"",
        places.proxy, asked.nth
    );
    page(vec![("Link", &link)], body)
}

pub const FAULTS: &[Fault] = &[
    // Nothing is wrong: the table would show nothing if this did not verify.
    fault("nothing", &[VERIFIED], |_, _| Act::Pass),
    fault("connection-ends-after-each", &[VERIFIED], |_, _| Act::Close),
    fault("chunked", &[VERIFIED], |_, _| Act::Chunked(7)),
    fault("delays", &[VERIFIED], |_, _| {
        Act::Delay(Duration::from_millis(200), Box::new(Act::Pass))
    }),
    // The image's manifest.
    fault("image-500", &[FAILED], each!(Image, status(500))),
    fault("image-500-once", &[VERIFIED], once!(Image, status(500))),
    fault("image-503-once", &[VERIFIED], once!(Image, later(503, "0"))),
    fault("image-429-once", &[VERIFIED], once!(Image, later(429, "1"))),
    fault("image-429-storm", &[FAILED], each!(Image, later(429, "0"))).short(),
    fault(
        "image-429-hour",
        &[FAILED],
        each!(Image, later(429, "3600")),
    )
    .short(),
    fault(
        "image-429-odd",
        &[FAILED],
        each!(Image, later(429, "Wed, 99 Nov 2099 99:99:99 GMT, -5")),
    )
    .short(),
    fault("image-403", &[FAILED], each!(Image, status(403))),
    fault("image-404", &[FAILED], each!(Image, status(404))),
    fault("image-418", &[FAILED], each!(Image, status(418))),
    fault(
        "image-204",
        &[FAILED],
        each!(Image, Act::Answer(Answer::new(204, &[], ""))),
    ),
    fault("image-reset", &[FAILED], each!(Image, Act::Reset)),
    fault(
        "image-reset-once",
        &[VERIFIED, FAILED],
        once!(Image, Act::Reset),
    ),
    fault(
        "image-truncated",
        &[FAILED],
        each!(Image, Act::Truncate(40)),
    ),
    fault(
        "image-truncated-once",
        &[VERIFIED, FAILED],
        once!(Image, Act::Truncate(40)),
    ),
    fault("image-unfinished", &[FAILED], each!(Image, Act::Unfinished)),
    fault("image-claims-less", &[FAILED], each!(Image, Act::Claim(20))),
    fault(
        "image-claims-more",
        &[FAILED],
        each!(Image, Act::Claim(100_000)),
    )
    .short(),
    fault(
        "image-claims-huge",
        &[FAILED],
        each!(Image, Act::Claim(u64::MAX)),
    )
    .short(),
    fault(
        "image-other-octets",
        &[FAILED, REJECTED],
        |places, asked| match asked.what {
            What::Image => Act::Answer(Answer::new(
                200,
                &[("Content-Type", MANIFEST)],
                places.other_manifest.clone(),
            )),
            _ => Act::Pass,
        },
    ),
    fault(
        "image-one-octet-changed",
        &[FAILED, REJECTED],
        each!(Image, edit(|answer| answer.body[20] ^= 1)),
    ),
    fault(
        "image-other-digest",
        &[VERIFIED, FAILED],
        each!(
            Image,
            edit(|answer| {
                answer.set(
                    "Docker-Content-Digest",
                    format!("sha256:{}", "0".repeat(64)),
                );
            })
        ),
    ),
    fault(
        "image-html",
        &[FAILED],
        each!(
            Image,
            Act::Answer(Answer::new(
                200,
                &[("Content-Type", "text/html")],
                "<html>Sign in to this network</html>",
            ))
        ),
    ),
    fault(
        "image-wrong-type",
        &[VERIFIED, FAILED],
        each!(
            Image,
            edit(|answer| answer.set("Content-Type", "text/plain"))
        ),
    ),
    fault(
        "image-type-of-index",
        &[FAILED, REJECTED],
        each!(Image, edit(|answer| answer.set("Content-Type", INDEX))),
    ),
    fault(
        "image-endless",
        &[FAILED],
        each!(
            Image,
            Act::Endless(Answer::new(200, &[("Content-Type", MANIFEST)], ""))
        ),
    ),
    fault(
        "image-huge-header",
        &[FAILED],
        each!(
            Image,
            edit(|answer| answer.set("X-Filler", "x".repeat(4 << 20)))
        ),
    ),
    fault(
        "image-many-headers",
        &[VERIFIED, FAILED],
        each!(
            Image,
            edit(|answer| {
                let filler = (0..20_000).map(|number| (format!("X-Filler-{number}"), "x".into()));
                answer.headers.extend(filler);
            })
        ),
    ),
    fault(
        "image-endless-head",
        &[FAILED],
        each!(Image, Act::Raw(ENDLESS_HEAD.clone())),
    ),
    fault(
        "image-no-http",
        &[FAILED],
        each!(Image, Act::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
    ),
    fault("image-hangs", &[FAILED], each!(Image, Act::Hang)).short(),
    fault(
        "image-drips",
        &[FAILED],
        each!(Image, Act::Drip(Duration::from_millis(500))),
    )
    .short(),
    fault(
        "image-bomb",
        &[FAILED],
        each!(
            Image,
            edit(|answer| {
                answer.set("Content-Encoding", "gzip");
                answer.body = BOMB.clone();
            })
        ),
    ),
    fault(
        "image-informational",
        &[VERIFIED, FAILED],
        |_, asked| match asked.what {
            What::Image if asked.nth == 1 => Act::Raw(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()),
            _ => Act::Pass,
        },
    ),
    // The list of referrers.
    fault("referrers-500", &[FAILED], each!(Referrers, status(500))),
    fault(
        "referrers-502-once",
        &[VERIFIED],
        once!(Referrers, status(502)),
    ),
    fault("referrers-401", &[FAILED], each!(Referrers, status(401))),
    fault("referrers-403", &[FAILED], each!(Referrers, status(403))),
    fault(
        "referrers-429-storm",
        &[FAILED],
        each!(Referrers, later(429, "0")),
    )
    .short(),
    fault("referrers-429-twice", &[VERIFIED], |_, asked| {
        match asked.what {
            What::Referrers if asked.nth <= 2 => later(429, "0"),
            _ => Act::Pass,
        }
    }),
    fault("referrers-reset", &[FAILED], each!(Referrers, Act::Reset)),
    fault("referrers-hangs", &[FAILED], each!(Referrers, Act::Hang)).short(),
    fault(
        "referrers-nothing",
        &[FAILED],
        each!(Referrers, page(vec![], "")),
    ),
    fault(
        "referrers-truncated-json",
        &[FAILED],
        each!(
            Referrers,
            edit(|answer| {
                let half = answer.body.len() / 2;
                answer.body.truncate(half);
            })
        ),
    ),
    fault(
        "referrers-html",
        &[FAILED],
        each!(
            Referrers,
            Act::Answer(Answer::new(
                200,
                &[("Content-Type", "text/html")],
                "<html></html>"
            ))
        ),
    ),
    fault(
        "referrers-no-list",
        &[FAILED],
        each!(Referrers, page(vec![], r#"{"schemaVersion":2}"#)),
    ),
    fault(
        "referrers-wrong-type",
        &[VERIFIED, FAILED],
        each!(
            Referrers,
            edit(|answer| answer.set("Content-Type", "application/json"))
        ),
    ),
    fault(
        "referrers-endless-empty-pages",
        &[FAILED],
        |places, asked| match asked.what {
            What::Referrers => next_page(asked, places, EMPTY_INDEX),
            _ => Act::Pass,
        },
    )
    .requests(1_200),
    fault(
        "referrers-endless-pages",
        &[FAILED],
        |places, asked| match asked.what {
            What::Referrers => next_page(asked, places, &others(5)),
            _ => Act::Pass,
        },
    )
    .requests(1_200),
    fault("referrers-link-loop", &[FAILED], |_, asked| {
        match asked.what {
            What::Referrers => page(
                vec![("Link", &format!("<{}>; rel=\"next\"", asked.target))],
                EMPTY_INDEX,
            ),
            _ => Act::Pass,
        }
    })
    .requests(1_200),
    fault(
        "referrers-link-elsewhere",
        &[FAILED],
        |places, asked| match asked.what {
            What::Referrers => page(
                vec![(
                    "Link",
                    &format!("<http://{}{}>; rel=next", places.stranger, asked.target),
                )],
                EMPTY_INDEX,
            ),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-link-without-scheme",
        &[FAILED],
        |places, asked| match asked.what {
            What::Referrers => page(
                vec![(
                    "Link",
                    &format!("<//{}{}>; rel=next", places.stranger, asked.target),
                )],
                EMPTY_INDEX,
            ),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-link-garbage",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => page(vec![("Link", "<<<;rel=\"next")], EMPTY_INDEX),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-link-to-file",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => page(
                vec![("Link", "<file:///etc/passwd>; rel=next")],
                EMPTY_INDEX,
            ),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-two-hundred-thousand",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => page(vec![], MANY.clone()),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-endless",
        &[FAILED],
        each!(
            Referrers,
            Act::Endless(Answer::new(200, &[("Content-Type", INDEX)], ""))
        ),
    ),
    fault(
        "referrers-bomb",
        &[FAILED],
        each!(
            Referrers,
            edit(|answer| {
                answer.set("Content-Encoding", "gzip");
                answer.body = BOMB.clone();
            })
        ),
    ),
    fault(
        "referrers-redirect",
        &[VERIFIED, FAILED],
        |places, asked| match asked.what {
            What::Referrers => basic(asked, || to_stranger(places, asked)),
            _ => basic(asked, || Act::Pass),
        },
    )
    .stranger(),
    fault(
        "referrers-404-and-tag-500",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => status(404),
            What::List => status(500),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-404-and-tag-html",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => status(404),
            What::List => Act::Answer(Answer::new(
                200,
                &[("Content-Type", "text/html")],
                "<html></html>",
            )),
            _ => Act::Pass,
        },
    ),
    fault(
        "referrers-404-and-tag-429",
        &[FAILED],
        |_, asked| match asked.what {
            What::Referrers => status(404),
            What::List => later(429, "0"),
            _ => Act::Pass,
        },
    )
    .short(),
    fault(
        "referrers-negative-size",
        &[FAILED, REJECTED],
        each!(Referrers, resize("-1")),
    ),
    fault(
        "referrers-huge-size",
        &[FAILED, REJECTED],
        each!(Referrers, resize("9223372036854775807")),
    ),
    fault(
        "referrers-lying-size",
        &[FAILED, REJECTED],
        each!(Referrers, resize("7")),
    ),
    fault(
        "referrers-odd-digest",
        &[FAILED, REJECTED],
        each!(Referrers, replace("sha256:", "sha256:../../../")),
    ),
    // The signature's manifest.
    fault("signature-404", &[FAILED], each!(Signature, status(404))),
    fault("signature-500", &[FAILED], each!(Signature, status(500))),
    fault(
        "signature-503-once",
        &[VERIFIED],
        once!(Signature, later(503, "0")),
    ),
    fault("signature-reset", &[FAILED], each!(Signature, Act::Reset)),
    fault(
        "signature-truncated",
        &[FAILED],
        each!(Signature, Act::Truncate(100)),
    ),
    fault(
        "signature-other-octets",
        &[FAILED, REJECTED],
        |places, asked| match asked.what {
            What::Signature => Act::Answer(Answer::new(
                200,
                &[("Content-Type", MANIFEST)],
                places.other_manifest.clone(),
            )),
            _ => Act::Pass,
        },
    ),
    fault(
        "signature-endless",
        &[FAILED, REJECTED],
        each!(
            Signature,
            Act::Endless(Answer::new(200, &[("Content-Type", MANIFEST)], ""))
        ),
    ),
    fault("signature-hangs", &[FAILED], each!(Signature, Act::Hang)).short(),
    // The envelope.
    fault("envelope-404", &[FAILED], each!(Envelope, status(404))),
    fault("envelope-500", &[FAILED], each!(Envelope, status(500))),
    fault(
        "envelope-500-once",
        &[VERIFIED],
        once!(Envelope, status(500)),
    ),
    fault("envelope-reset", &[FAILED], each!(Envelope, Act::Reset)),
    fault(
        "envelope-truncated",
        &[FAILED],
        each!(Envelope, Act::Truncate(100)),
    ),
    fault(
        "envelope-one-octet-changed",
        &[FAILED, REJECTED],
        each!(Envelope, edit(|answer| answer.body[200] ^= 1)),
    ),
    fault(
        "envelope-empty",
        &[FAILED, REJECTED],
        each!(Envelope, edit(|answer| answer.body.clear())),
    ),
    fault(
        "envelope-endless",
        &[FAILED, REJECTED],
        each!(Envelope, Act::Endless(Answer::new(200, &[], ""))),
    ),
    fault(
        "envelope-drips",
        &[FAILED],
        each!(Envelope, Act::Drip(Duration::from_millis(500))),
    )
    .short(),
    // As real registries do: blobs are elsewhere.
    fault(
        "envelope-redirect",
        &[VERIFIED],
        |places, asked| match asked.what {
            What::Envelope => basic(asked, || to_stranger(places, asked)),
            _ => basic(asked, || Act::Pass),
        },
    )
    .stranger(),
    // Back to the same server: it may see the password again.
    fault("envelope-redirect-here", &[VERIFIED], |_, asked| {
        basic(asked, || match asked.what {
            What::Envelope if !asked.target.contains("moved") => {
                redirect(format!("{}?moved=1", asked.target))
            }
            _ => Act::Pass,
        })
    }),
    // The same port, by another name: that is another server.
    fault(
        "envelope-redirect-to-other-name",
        &[VERIFIED],
        |places, asked| {
            let host = asked.header("host").unwrap_or_default();
            let (_, port) = places.proxy.split_once(':').unwrap();
            match asked.what {
                What::Envelope if host.starts_with("localhost") => {
                    // A client that sends it all the same does not get the envelope.
                    match asked.header("authorization") {
                        Some(_) => status(410),
                        None => Act::Pass,
                    }
                }
                What::Envelope => basic(asked, || {
                    redirect(format!("http://localhost:{port}{}", asked.target))
                }),
                _ => basic(asked, || Act::Pass),
            }
        },
    ),
    fault(
        "envelope-redirect-to-tls",
        &[FAILED],
        |places, asked| match asked.what {
            What::Envelope => basic(asked, || {
                redirect(format!("https://{}{}", places.stranger, asked.target))
            }),
            _ => basic(asked, || Act::Pass),
        },
    )
    .stranger(),
    fault(
        "envelope-redirect-asks-for-password",
        &[FAILED],
        |places, asked| match asked.what {
            What::Envelope => basic(asked, || {
                redirect(format!("http://{}/password", places.stranger))
            }),
            _ => basic(asked, || Act::Pass),
        },
    )
    .stranger(),
    fault(
        "envelope-redirect-loop",
        &[FAILED],
        |_, asked| match asked.what {
            What::Envelope => redirect(asked.target.clone()),
            _ => Act::Pass,
        },
    )
    .requests(100),
    fault(
        "envelope-redirect-to-file",
        &[FAILED],
        each!(Envelope, redirect("file:///etc/passwd".to_owned())),
    ),
    fault(
        "envelope-redirect-to-ftp",
        &[FAILED],
        each!(Envelope, redirect("ftp://127.0.0.1/x".to_owned())),
    ),
    fault(
        "envelope-redirect-to-nowhere",
        &[FAILED],
        each!(Envelope, Act::Answer(Answer::new(307, &[], ""))),
    ),
    fault(
        "envelope-redirect-to-closed-port",
        &[FAILED],
        each!(Envelope, redirect("http://127.0.0.1:1/x".to_owned())),
    ),
    // Names, passwords and tokens.
    fault("basic", &[VERIFIED], |_, asked| basic(asked, || Act::Pass)),
    fault("basic-refused", &[FAILED], |_, asked| {
        basic(asked, || {
            Act::Answer(Answer::new(
                401,
                &[("WWW-Authenticate", "Basic realm=\"Registry\"")],
                "",
            ))
        })
    }),
    fault("challenge-missing", &[FAILED], |_, _| status(401)),
    fault("challenge-garbage", &[FAILED], |_, _| {
        Act::Answer(Answer::new(
            401,
            &[("WWW-Authenticate", "Bearer realm=\"")],
            "",
        ))
    }),
    fault("challenge-unknown", &[FAILED], |_, _| {
        Act::Answer(Answer::new(
            401,
            &[("WWW-Authenticate", "Negotiate abc")],
            "",
        ))
    }),
    fault("challenge-huge", &[FAILED], |_, _| {
        let filler = format!("Bearer realm=\"{}\"", "x".repeat(30_000));
        Act::Answer(Answer::new(401, &[("WWW-Authenticate", &filler)], ""))
    }),
    fault("token", &[VERIFIED], |places, asked| {
        own_tokens(places, asked, good_token)
    }),
    fault("token-500", &[FAILED], |places, asked| {
        own_tokens(places, asked, || status(500))
    }),
    fault("token-503-once", &[VERIFIED], |places, asked| {
        own_tokens(places, asked, || match asked.nth {
            1 => later(503, "0"),
            _ => good_token(),
        })
    }),
    fault("token-401", &[FAILED], |places, asked| {
        own_tokens(places, asked, || status(401))
    }),
    fault("token-missing", &[FAILED], |places, asked| {
        own_tokens(places, asked, || status(200))
    }),
    fault("token-html", &[FAILED], |places, asked| {
        own_tokens(places, asked, || {
            Act::Answer(Answer::new(
                200,
                &[("Content-Type", "text/html")],
                "<html></html>",
            ))
        })
    }),
    fault("token-endless", &[FAILED], |places, asked| {
        own_tokens(places, asked, || Act::Endless(Answer::new(200, &[], "")))
    }),
    fault("token-with-line-break", &[FAILED], |places, asked| {
        own_tokens(places, asked, || {
            Act::Answer(Answer::new(
                200,
                &[("Content-Type", "application/json")],
                r#"{"token":"good\r\nX-Evil: 1"}"#,
            ))
        })
    }),
    fault("token-not-accepted", &[FAILED], |places, asked| {
        own_tokens(places, asked, || {
            Act::Answer(Answer::new(
                200,
                &[("Content-Type", "application/json")],
                r#"{"token":"bad","expires_in":300}"#,
            ))
        })
    }),
    fault(
        "token-of-one-second",
        &[VERIFIED, FAILED],
        |places, asked| {
            own_tokens(places, asked, || {
                Act::Answer(Answer::new(
                    200,
                    &[("Content-Type", "application/json")],
                    r#"{"token":"good","expires_in":1}"#,
                ))
            })
        },
    ),
    fault("token-reset", &[FAILED], |places, asked| {
        own_tokens(places, asked, || Act::Reset)
    }),
    fault("token-hangs", &[FAILED], |places, asked| {
        own_tokens(places, asked, || Act::Hang)
    })
    .short(),
    fault("token-redirect", &[VERIFIED, FAILED], |places, asked| {
        own_tokens(places, asked, || to_stranger(places, asked))
    })
    .stranger(),
    fault("realm-elsewhere", &[VERIFIED, FAILED], |places, asked| {
        let realm = format!("http://{}/token", places.stranger);
        challenge(places, asked, &realm, good_token)
    })
    .stranger(),
    fault("realm-with-name", &[FAILED], |places, asked| {
        let realm = format!("http://{}@{}/token", places.proxy, places.stranger);
        challenge(places, asked, &realm, good_token)
    }),
    fault("realm-of-metadata", &[FAILED], |places, asked| {
        challenge(places, asked, "http://169.254.169.254/token", good_token)
    }),
    fault("realm-file", &[FAILED], |places, asked| {
        challenge(places, asked, "file:///etc/passwd", good_token)
    }),
    fault("realm-garbage", &[FAILED], |places, asked| {
        challenge(places, asked, "::::", good_token)
    }),
];

/// 256 MiB of zeros.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| bomb::of(1 << 28));
static MANY: LazyLock<String> = LazyLock::new(|| others(200_000));
static ENDLESS_HEAD: LazyLock<Vec<u8>> = LazyLock::new(endless_head);

/// A list of referrers of which none is a signature.
fn others(count: usize) -> String {
    let entry = format!(
        r#"{{"mediaType":"{MANIFEST}","digest":"sha256:{}","size":2,"artifactType":"x/y"}}"#,
        "a".repeat(64)
    );
    let entries = vec![entry; count].join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}]}}"#)
}

fn endless_head() -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    while head.len() < 16 << 20 {
        head.extend_from_slice(
            b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
        );
    }
    head
}
