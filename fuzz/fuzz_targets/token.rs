//! Octets as a time-stamp token, and as the content and a signed attribute of a
//! token that is really signed: no panic, and a stamp says what was signed.
#![no_main]

#[path = "../../tests/tokens/mod.rs"]
#[allow(dead_code)]
mod tokens;

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::limits::Limits;
use notation_verifier::outcome::Reason;
use notation_verifier::timestamp::Token;
use notation_verifier::x509::Certificate;

fuzz_target!(|data: &[u8]| {
    look_at(data);

    let signer = tokens::signer(&tokens::attributes(data));
    look_at(&tokens::token(data, &[tokens::CERTIFICATE], &[&signer]));

    let content = tokens::info(b"", "20240315102100Z");
    let mut attributes = tokens::attributes(&content);
    attributes.push(data.to_vec());
    let signer = tokens::signer(&attributes);
    look_at(&tokens::token(&content, &[tokens::CERTIFICATE], &[&signer]));
    attributes[2] = tokens::attribute(tokens::SIGNING_CERTIFICATE_V2, data);
    attributes.pop();
    let signer = tokens::signer(&attributes);
    look_at(&tokens::token(&content, &[tokens::CERTIFICATE], &[&signer]));
});

fn look_at(octets: &[u8]) {
    let (provider, limits) = (Provider::preferred(), Limits::default());
    let token = match Token::parse(octets, &provider, &limits) {
        Ok(token) => token,
        Err(rejection) => {
            assert!(
                matches!(
                    rejection.reason,
                    Reason::TimestampInvalid | Reason::LimitExceeded
                ),
                "{rejection:?}"
            );
            return;
        }
    };
    let info = token.info();
    let _ = (token.covers(b""), info.policy(), format!("{token:?}"));
    assert!(token.verify(&[]).is_err());
    let anchor = Certificate::parse(tokens::CERTIFICATE, &provider, &limits).unwrap();
    if let Ok(stamp) = token.verify(std::slice::from_ref(&anchor)) {
        assert_eq!(stamp.chain().leaf(), &anchor);
        assert_eq!(
            (stamp.time(), stamp.accuracy()),
            (info.time(), info.accuracy())
        );
        assert!(stamp.earliest() <= stamp.time() && stamp.time() <= stamp.latest());
        let _ = stamp.to_string();
    }
}
