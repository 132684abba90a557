//! A trusted identity is text that means what it says, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notation_verifier::limits::Limits;
use notation_verifier::x509::TrustedSubject;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    match TrustedSubject::parse(text, &limits) {
        Ok(subject) => {
            assert!(!text.contains("=#"));
            assert!(subject.attributes().count() >= 3);
            assert!(subject.overlaps(&subject));
            let written = subject.to_string();
            assert!(written.len() <= text.len() * 8);
            assert_eq!(TrustedSubject::parse(&written, &limits), Ok(subject));
        }
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});
