//! What the authority says is bad, or its certificates are.

use std::sync::{Arc, Mutex};

use notation_verifier::ErrorKind;
use notation_verifier::envelope::{MediaType, SigningScheme};
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::{Signer as _, SigningRequest, ToBeSigned};
use notation_verifier::{Limits, Provider, Time};

use crate::certificates::there_is_openssl;
use crate::server::{Answer, Server};
use crate::world::{World, now, options};

pub const REPLY: &str = "application/timestamp-reply";

/// A server before the authority that changes queries, and what comes of them.
fn between(
    world: &Arc<World>,
    change_query: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    change_reply: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let world = Arc::clone(world);
    Server::start(move |asked| {
        let reply = world.tsa.ask(&change_query(asked.body.clone()));
        Answer::new(200, REPLY, change_reply(reply))
    })
}

/// What signing with `server` as the authority ends with.
#[track_caller]
fn refused(world: &World, server: &Server, because: &str) {
    let authority = world.authority(&server.url("/"), options());
    let error = world.sign(&authority).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signing, "{error}");
    assert!(error.to_string().contains(because), "{error}");
    // An answer that is bad is bad the next time too.
    assert_eq!(server.count("/"), 1);
}

/// The elements in a sequence, all with lengths below 128.
fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &sequence[2..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (element, others) = rest.split_at(2 + usize::from(rest[1]));
        found.push(element.to_vec());
        rest = others;
    }
    found
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    let contents = elements.concat();
    [
        &[0x30, u8::try_from(contents.len()).unwrap()],
        &contents[..],
    ]
    .concat()
}

/// Version, imprint, nonce, certReq.
fn without(query: &[u8], position: usize) -> Vec<u8> {
    let mut parts = elements(query);
    assert_eq!(parts.len(), 4);
    parts.remove(position);
    sequence(&parts)
}

fn same(octets: Vec<u8>) -> Vec<u8> {
    octets
}

#[test]
fn an_answer_to_something_else_is_refused() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let flip = |query: Vec<u8>| {
        let mut parts = elements(&query);
        *parts[1].last_mut().unwrap() ^= 1;
        sequence(&parts)
    };
    let of_another = between(&world, flip, same);
    refused(&world, &of_another, "of something else than what was asked");
    let no_nonce = between(&world, |query| without(&query, 2), same);
    refused(&world, &no_nonce, "lacks the nonce");
    let other_nonce = |query: Vec<u8>| {
        let mut parts = elements(&query);
        *parts[2].last_mut().unwrap() ^= 1;
        sequence(&parts)
    };
    let other_nonce = between(&world, other_nonce, same);
    refused(&world, &other_nonce, "another nonce");
    let no_certificates = between(&world, |query| without(&query, 3), same);
    refused(&world, &no_certificates, "is not in the time-stamp");
}

/// Somebody hands out again what the authority answered before, to the same query
/// but for the nonce.
#[test]
fn an_old_answer_is_refused() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let first: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let replay = between(&world, same, move |reply| {
        first.lock().unwrap().get_or_insert(reply).clone()
    });
    let authority = world.authority(&replay.url("/"), options());
    let (limits, provider) = (Limits::default(), Provider::preferred());
    let request = SigningRequest {
        media_type: MediaType::Jws,
        payload: &world.payload,
        certificates: world.signer.certificates(),
        scheme: SigningScheme::X509,
        signing_time: now(),
        expiry: None,
        signing_agent: None,
    };
    let to_be_signed = ToBeSigned::new(&request, &provider, &limits).unwrap();
    // As a remote key would.
    let signature = world
        .signer
        .sign(to_be_signed.algorithm(), to_be_signed.bytes())
        .unwrap();
    authority.stamp(&to_be_signed, &signature, now()).unwrap();
    let error = authority
        .stamp(&to_be_signed, &signature, now())
        .unwrap_err();
    assert!(error.to_string().contains("another nonce"), "{error}");
    assert_eq!(replay.count("/"), 2);

    // A signature that is none is not worth a query.
    let other = world.signer.sign(to_be_signed.algorithm(), b"x").unwrap();
    let error = authority.stamp(&to_be_signed, &other, now()).unwrap_err();
    assert!(error.to_string().contains("is not a good one"), "{error}");
    assert_eq!(replay.count("/"), 2);
}

#[test]
fn a_refusal_is_told() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    // What OpenSSL refuses, in its words.
    let picky = world.authority(&world.tsa.url("/picky"), options());
    let error = world.sign(&picky).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signing);
    for part in [
        "rejected",
        "badAlg",
        "it says: `Message digest algorithm is not supported",
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    // Granted, it says, and gives nothing; waiting; numbers that nobody knows.
    for (reply, because) in [
        (&[0x30, 5, 0x30, 3, 2, 1, 0][..], "and gives none"),
        (&[0x30, 5, 0x30, 3, 2, 1, 3], "waiting"),
        (&[0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 5, 0x20], "badRequest"),
        (&[0x30, 5, 0x30, 3, 2, 1, 9], "the status 9"),
        (b"", "is malformed"),
        (b"<html></html>", "is malformed"),
    ] {
        let server = between(&world, same, |_| reply.to_vec());
        refused(&world, &server, because);
    }
    // The token is good, and the authority says that it is none.
    let refusing = between(&world, same, |mut reply| {
        let number = reply.windows(5).position(|five| five == [0x30, 3, 2, 1, 0]);
        reply[number.unwrap() + 4] = 2;
        reply
    });
    refused(&world, &refusing, "gives no time-stamp: rejected");
}

#[test]
fn a_reply_that_was_cut_or_changed_is_refused() {
    if !there_is_openssl() {
        return;
    }
    let world = Arc::new(World::new());
    let length = Mutex::new(0);
    let cut = between(&world, same, move |mut reply| {
        let mut length = length.lock().unwrap();
        *length = (*length + 97) % reply.len();
        reply.truncate(*length);
        reply
    });
    let authority = world.authority(&cut.url("/"), options());
    for _ in 0..20 {
        let error = world.sign(&authority).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signing, "{error}");
    }
    assert_eq!(cut.count("/"), 20);

    let longer = between(&world, same, |reply| [&reply[..], &[5, 0]].concat());
    refused(&world, &longer, "is malformed");
    // One octet after the other: the token's signature is at the end.
    let position = Mutex::new(0);
    let changed = between(&world, same, move |mut reply| {
        let mut position = position.lock().unwrap();
        *position += 1;
        let at = reply.len() - *position;
        reply[at] ^= 0x40;
        reply
    });
    let authority = world.authority(&changed.url("/"), options());
    for _ in 0..40 {
        let error = world.sign(&authority).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signing, "{error}");
    }
    assert_eq!(changed.count("/"), 40);
}

#[test]
fn an_authority_that_is_not_trusted_gets_no_place() {
    if !there_is_openssl() {
        return;
    }
    let (world, other) = (World::new(), World::new());
    // A namesake with another key, and a stranger.
    for (root, because) in [
        (&other.tsa.root(), "does not verify with the issuer's key"),
        (&world.signing.root, "does not lead to"),
    ] {
        let authority = world.believing(&world.tsa.url("/"), root, options());
        let error = world.sign(&authority).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signing);
        assert!(error.to_string().contains(because), "{error}");
    }
    // It would do beside the right one.
    let both = [other.tsa.root(), world.tsa.root()].concat();
    let authority = world.believing(&world.tsa.url("/"), &both, options());
    world.sign(&authority).unwrap();
}

#[test]
fn an_authority_that_is_revoked_gets_no_place() {
    if !there_is_openssl() {
        return;
    }
    for (name, by) in [("stamper", "CRL"), ("intermediate", "OCSP")] {
        let world = World::new();
        let authority = world.authority(&world.tsa.url("/"), options());
        world.sign(&authority).unwrap();
        world.tsa.revoke(name);
        // Who knows the old answers uses them until they expire.
        world.sign(&authority).unwrap();
        let authority = world.authority(&world.tsa.url("/"), options());
        let error = world.sign(&authority).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signing);
        let text = error.to_string();
        for part in [&format!("`CN=tsa {name}`) is revoked at")[..], by] {
            assert!(text.contains(part), "{text}");
        }
    }
    // Nobody says anything.
    let world = World::new();
    world.tsa.forget_lists();
    let error = world.sign(&world.authority(&world.tsa.url("/"), options()));
    let text = error.unwrap_err().to_string();
    assert!(text.contains("could not be determined"), "{text}");
}

/// The signing certificate is not valid any more: whoever verifies would refuse the
/// time-stamp.
#[test]
fn a_time_stamp_after_the_certificates_is_of_no_use() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    let signing = world.tsa.signing("past");
    let (limits, provider) = (Limits::default(), Provider::preferred());
    let signer = LocalSigner::from_pem(&signing.key, &signing.chain, &limits).unwrap();
    let request = SigningRequest {
        media_type: MediaType::Cose,
        payload: &world.payload,
        certificates: &[],
        scheme: SigningScheme::X509,
        signing_time: Time::parse_rfc3339("2020-06-01T00:00:00Z").unwrap(),
        expiry: None,
        signing_agent: None,
    };
    let authority = world.authority(&world.tsa.url("/"), options());
    let made = authority.sign(&request, &signer, now(), &provider, &limits);
    let text = made.unwrap_err().to_string();
    assert!(
        text.contains("CN=signer") && text.contains("2021-01-01T00:00:00Z only"),
        "{text}"
    );
}
