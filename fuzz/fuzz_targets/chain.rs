//! What is accepted as a chain meets the certificate requirements.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::x509::{Chain, Purpose, Usage, parse_certificates};

fuzz_target!(|octets: &[u8]| {
    let limits = Limits::default();
    let Ok(certificates) = parse_certificates(octets, &Provider::PORTABLE, &limits) else {
        return;
    };
    if let Ok(chain) = Chain::code_signing(certificates.clone(), &limits) {
        check(&chain);
        assert!(!chain.leaf().has_purpose(Purpose::Any));
        assert!(!chain.leaf().has_purpose(Purpose::TimeStamping));
        assert!(Chain::time_stamping(certificates.clone(), &limits).is_err());
    }
    if let Ok(chain) = Chain::time_stamping(certificates, &limits) {
        check(&chain);
        assert!(chain.leaf().has_purpose(Purpose::TimeStamping));
    }
});

fn check(chain: &Chain) {
    let certificates = chain.certificates();
    for pair in certificates.windows(2) {
        let [subject, issuer] = pair else { continue };
        assert_eq!(subject.issuer(), issuer.subject());
        assert_eq!(subject.is_issued_by_signature(issuer), Ok(()));
        let basic = issuer.basic_constraints().expect("basic constraints");
        assert!(basic.ca && basic.critical);
        let usage = issuer.key_usage().expect("key usage");
        assert!(usage.has(Usage::KeyCertSign));
    }
    let root = chain.root();
    assert_eq!(root.issuer(), root.subject());
    assert_eq!(root.is_issued_by_signature(root), Ok(()));
    let usage = chain.leaf().key_usage().expect("key usage");
    assert!(usage.has(Usage::DigitalSignature) && !usage.has(Usage::KeyCertSign));
    assert_eq!(chain.leaf().signing_algorithm(), Ok(chain.algorithm()));
}
