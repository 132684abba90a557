//! Verification for each algorithm and provider, a key's loading, and hashing.
//!
//! `verify` uses a key again and again, as a verifier that keeps keys does;
//! `load and verify` is what a single signature costs.
#![allow(missing_docs, reason = "criterion's macros make public items")]

#[path = "../tests/shared/random.rs"]
mod random;
#[path = "../tests/shared/signing.rs"]
mod signing;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use notation_verifier::crypto::{Curve, HashAlgorithm, KeyKind, Provider, Scheme};
use random::Random;
use signing::{HASHES, SigningKey};

fn providers() -> impl Iterator<Item = Provider> {
    [Some(Provider::PORTABLE), Provider::fast()]
        .into_iter()
        .flatten()
}

/// The six algorithms of the specification, and what certificates use besides.
fn keys(random: &mut Random) -> Vec<(SigningKey, Scheme)> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    vec![
        (SigningKey::rsa(2048), Scheme::RsaPss(Sha256)),
        (SigningKey::rsa(3072), Scheme::RsaPss(Sha384)),
        (SigningKey::rsa(4096), Scheme::RsaPss(Sha512)),
        (
            SigningKey::ec(Curve::P256, random),
            Scheme::EcdsaFixed(Sha256),
        ),
        (
            SigningKey::ec(Curve::P384, random),
            Scheme::EcdsaFixed(Sha384),
        ),
        (
            SigningKey::ec(Curve::P521, random),
            Scheme::EcdsaFixed(Sha512),
        ),
        (SigningKey::rsa(1024), Scheme::RsaPkcs1(Sha256)),
        (SigningKey::rsa(2048), Scheme::RsaPkcs1(Sha256)),
        (SigningKey::rsa(4096), Scheme::RsaPkcs1(Sha256)),
        (
            SigningKey::ec(Curve::P224, random),
            Scheme::EcdsaDer(Sha256),
        ),
        (SigningKey::ed25519(random), Scheme::Ed25519),
    ]
}

fn name(kind: KeyKind, scheme: Scheme) -> String {
    let key = match kind {
        KeyKind::Rsa { bits } => format!("RSA {bits}"),
        KeyKind::Ec(curve) => format!("{curve:?}"),
        KeyKind::Ed25519 => "Ed25519".to_owned(),
    };
    match scheme {
        Scheme::RsaPss(hash) => format!("{key} PSS {}", hash.as_str()),
        Scheme::RsaPkcs1(hash) => format!("{key} PKCS1 {}", hash.as_str()),
        Scheme::EcdsaFixed(hash) | Scheme::EcdsaDer(hash) => format!("{key} {}", hash.as_str()),
        Scheme::Ed25519 => key,
    }
}

fn signatures(criterion: &mut Criterion) {
    let mut random = Random(1);
    let message = random.octets(256);
    for (key, scheme) in keys(&mut random) {
        let signature = key.sign(scheme, &message, &mut random);
        let spki = key.spki();
        let mut group = criterion.benchmark_group(name(key.kind(), scheme));
        for provider in providers() {
            let Ok(public) = provider.load_key(&spki) else {
                continue;
            };
            group.bench_function(BenchmarkId::new("verify", provider.name), |bencher| {
                bencher.iter(|| public.verify(scheme, black_box(&message), black_box(&signature)));
            });
            group.bench_function(
                BenchmarkId::new("load and verify", provider.name),
                |bencher| {
                    bencher.iter(|| {
                        provider
                            .load_key(black_box(&spki))
                            .map(|public| public.verify(scheme, &message, &signature))
                    });
                },
            );
        }
        group.finish();
    }
}

fn hashes(criterion: &mut Criterion) {
    let mut random = Random(2);
    for length in [1_024_u32, 1 << 20] {
        let bytes = random.octets(usize::try_from(length).unwrap_or_default());
        let mut group = criterion.benchmark_group(format!("hash {length}"));
        group.throughput(Throughput::Bytes(length.into()));
        for (provider, algorithm) in
            providers().flat_map(|provider| HASHES.map(|algorithm| (provider, algorithm)))
        {
            group.bench_function(
                BenchmarkId::new(algorithm.as_str(), provider.name),
                |bencher| {
                    bencher.iter(|| provider.hash(algorithm, black_box(&bytes)));
                },
            );
        }
        group.finish();
    }
}

criterion_group!(benches, signatures, hashes);
criterion_main!(benches);
