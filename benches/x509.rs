//! Certificates, a chain of three, and trusted identities.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at what it does not expect"
)]

#[path = "../tests/shared/mod.rs"]
mod shared;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::x509::{Chain, TrustedSubject, parse_certificates};

fn certificates(criterion: &mut Criterion) {
    let Some(folder) = shared::folder("corpus/testkeys") else {
        return;
    };
    let limits = Limits::default();
    let provider = Provider::preferred();
    for algorithm in ["ES256", "PS256"] {
        let pem = std::fs::read(folder.join(format!("chain-{algorithm}.pem"))).unwrap();
        let parsed = parse_certificates(&pem, &provider, &limits).unwrap();
        let der: Vec<u8> = parsed.iter().flat_map(|one| one.der().to_vec()).collect();
        let parse = || parse_certificates(black_box(&der), &provider, &limits).unwrap();
        let mut group = criterion.benchmark_group(algorithm);
        group.bench_function("parse three certificates", |bencher| bencher.iter(parse));
        group.bench_function("parse and check the chain", |bencher| {
            bencher.iter(|| Chain::code_signing(parse(), &limits).unwrap());
        });
        let identity = "C=US,ST=WA,O=acme-rockets.io";
        let subject = TrustedSubject::parse(identity, &limits).unwrap();
        group.bench_function("parse an identity", |bencher| {
            bencher.iter(|| TrustedSubject::parse(black_box(identity), &limits).unwrap());
        });
        group.bench_function("match an identity", |bencher| {
            bencher.iter(|| black_box(&subject).matches(parsed[0].subject()));
        });
        group.finish();
    }
}

criterion_group!(benches, certificates);
criterion_main!(benches);
