//! Decoding an envelope, and decoding and verifying one whose chain is known,
//! in both formats. The envelopes are golden cases with P-256 and three
//! certificates.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops at what it does not expect"
)]

#[path = "../tests/shared/mod.rs"]
mod shared;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use notation_verifier::crypto::Provider;
use notation_verifier::envelope::Envelope;
use notation_verifier::limits::Limits;
use notation_verifier::x509::{Certificate, Chain};

fn envelopes(criterion: &mut Criterion) {
    let Some(cases) = shared::folder("corpus/cases") else {
        return;
    };
    let limits = Limits::default();
    let provider = Provider::preferred();
    for (name, file, media_type) in [
        (
            "COSE",
            "alg-es256-cose-x509/signature.cose",
            "application/cose",
        ),
        (
            "JWS",
            "alg-es256-jws-x509/signature.jws",
            "application/jose+json",
        ),
    ] {
        let bytes = std::fs::read(cases.join(file)).unwrap();
        let parse = || Envelope::parse(media_type, black_box(&bytes), &limits).unwrap();
        let certificates = parse()
            .certificates()
            .iter()
            .map(|der| Certificate::parse(der, &provider, &limits).unwrap())
            .collect();
        let chain = Arc::new(Chain::code_signing(certificates, &limits).unwrap());
        let mut group = criterion.benchmark_group(name);
        group.bench_function("decode", |bencher| bencher.iter(parse));
        group.bench_function("verify, known chain", |bencher| {
            bencher.iter(|| {
                let signed = parse().verify(Arc::clone(&chain)).unwrap();
                signed.payload().unwrap()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, envelopes);
criterion_main!(benches);
