//! A certificate is what its octets say, or an error that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::x509::{
    Certificate, IdentityErrorKind, Name, TrustedSubject, check_identity_subject,
    parse_certificates,
};

fuzz_target!(|octets: &[u8]| {
    let (provider, limits) = (Provider::PORTABLE, Limits::default());
    if let Ok(certificates) = parse_certificates(octets, &provider, &limits) {
        let held: usize = certificates.iter().map(|one| one.der().len()).sum();
        assert!(held <= octets.len());
    }
    let certificate = match Certificate::parse(octets, &provider, &limits) {
        Ok(certificate) => certificate,
        Err(rejection) => {
            assert!(!rejection.to_string().contains('\n'));
            return;
        }
    };
    assert_eq!(certificate.der(), octets);
    for part in [
        certificate.tbs(),
        certificate.spki(),
        certificate.signature(),
        certificate.subject().der(),
        certificate.issuer().der(),
        certificate.subject_key_id().unwrap_or_default(),
        certificate.authority_key_id().unwrap_or_default(),
        certificate.public_key_octets(),
    ] {
        assert!(part.len() < octets.len());
    }
    for extension in certificate.extensions() {
        assert_eq!(certificate.extension(extension.oid), Some(extension));
    }
    let urls = [
        certificate.ocsp_urls(),
        certificate.crl_urls(),
        certificate.freshest_crl_urls(),
    ];
    assert!(urls.iter().flatten().all(|url| url.is_ascii()));
    let _ = certificate.key();
    let summary = certificate.summary(None);
    assert!(!summary.subject.contains(['\n', '\0', '\u{1b}']));
    name(certificate.subject(), &limits);
    name(certificate.issuer(), &limits);
});

/// The text of a name is bounded, and as a trusted identity it matches the name.
fn name(name: &Name, limits: &Limits) {
    let text = name.to_string();
    assert!(text.len() <= name.der().len() * 8);
    assert_eq!(Name::parse(name.der(), limits).as_ref(), Ok(name));
    match TrustedSubject::parse(&text, limits) {
        Ok(subject) => {
            assert!(subject.matches(name), "{text}");
            assert!(check_identity_subject(name).is_ok());
        }
        Err(error) => assert_ne!(error.kind(), IdentityErrorKind::Syntax, "{text}: {error}"),
    }
}
