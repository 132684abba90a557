//! Exchanges with a registry that answers anything: no panic, every request stays
//! on its server and in its repository, and it ends.
//!
//! A first octet chooses the request; then come answers: the status (two octets),
//! the lengths of headers and body (two octets each), headers as lines, body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::limits::Limits;
use notation_verifier::oci::Reference;
use notation_verifier::registry::{
    Endpoint, Exchange, HttpResponse, Progress, ReferrersOrder, Scheme,
};
use notation_verifier::session::{Need, NeedId, Reply, Request};

const SUBJECT: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const MAX_BYTES: usize = 60_000;

fuzz_target!(|data: &[u8]| {
    let Some((choice, mut rest)) = data.split_first() else {
        return;
    };
    let reference = Reference::parse("reg.example/a/b").unwrap();
    let endpoint = Endpoint::new(&reference, Scheme::Https);
    let order = match choice % 3 {
        0 => ReferrersOrder::ApiFirst,
        1 => ReferrersOrder::TagFirst,
        _ => ReferrersOrder::TagOnly,
    };
    let mut request = if choice / 3 % 2 == 0 {
        Request::Referrers {
            subject: SUBJECT.to_owned(),
            page: None,
        }
    } else {
        Request::Resolve {
            reference: "v1".to_owned(),
        }
    };
    // Pages of one list: each takes at least an answer.
    while let Some((reply, after)) = exchange(&endpoint, &request, order, rest) {
        rest = after;
        match reply {
            Reply::Referrers {
                next: Some(next), ..
            } => {
                request = Request::Referrers {
                    subject: SUBJECT.to_owned(),
                    page: Some(next),
                };
            }
            Reply::Content { bytes, .. } => return assert!(bytes.len() <= MAX_BYTES),
            _ => return,
        }
    }
});

fn exchange<'a>(
    endpoint: &Endpoint,
    request: &Request,
    order: ReferrersOrder,
    mut rest: &'a [u8],
) -> Option<(Reply, &'a [u8])> {
    let need = Need {
        id: NeedId(0),
        request: request.clone(),
        max_bytes: MAX_BYTES,
    };
    let mut progress = Exchange::start(endpoint, &need, order, &Limits::default())?;
    let mut requests = 0;
    loop {
        let (exchange, asked) = match progress {
            Progress::Done(reply) => return Some((reply, rest)),
            Progress::Again(exchange, asked) => (exchange, asked),
        };
        requests += 1;
        assert!(requests <= 2, "{}", asked.url);
        assert!(
            asked.url.starts_with("https://reg.example/v2/a/b/"),
            "{}",
            asked.url
        );
        assert_eq!(asked.max_bytes, MAX_BYTES);
        let (answer, after) = answer(rest)?;
        rest = after;
        let _ = exchange.learn(&answer);
        let failure = answer.status != 200 && answer.status != 404;
        progress = exchange.receive(answer);
        if let (true, Progress::Done(reply)) = (failure, &progress) {
            // Only two statuses say that nothing is wrong; a registry may say in
            // other words that it has no such API or tag.
            assert!(matches!(reply, Reply::Failed(_) | Reply::NotFound));
        }
    }
}

fn answer(data: &[u8]) -> Option<(HttpResponse, &[u8])> {
    let (status, data) = number(data)?;
    let (headers, data) = number(data)?;
    let (body, data) = number(data)?;
    let (headers, data) = data.split_at_checked(usize::from(headers))?;
    let (body, data) = data.split_at_checked(usize::from(body))?;
    let headers = String::from_utf8_lossy(headers)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let response = HttpResponse {
        status,
        headers,
        body: body.to_vec(),
    };
    Some((response, data))
}

fn number(data: &[u8]) -> Option<(u16, &[u8])> {
    let (octets, rest) = data.split_first_chunk()?;
    Some((u16::from_be_bytes(*octets), rest))
}
