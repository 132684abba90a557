//! The authority answers as it should.

use notation_verifier::envelope::MediaType;
use notation_verifier::outcome::Verdict;

use crate::certificates::there_is_openssl;
use crate::world::{World, now, options};

#[test]
fn a_signature_gets_a_time_stamp_that_verifies() {
    if !there_is_openssl() {
        return;
    }
    let world = World::new();
    let authority = world.authority(&world.tsa.url("/"), options());
    for media_type in [MediaType::Cose, MediaType::Jws] {
        let before = now();
        let stamped = world.sign_as(media_type, &authority).unwrap();
        let time = stamped.timestamp.time();
        assert!(before <= time && time <= now(), "{time}");
        let names: Vec<String> = stamped
            .timestamp
            .chain()
            .certificates()
            .iter()
            .map(|one| one.subject().to_string())
            .collect();
        assert_eq!(
            names,
            ["CN=tsa stamper", "CN=tsa intermediate", "CN=tsa root"]
        );
        // Somebody was asked about both, over both ways.
        for part in [
            "certificate 0 is not revoked (CRL",
            "certificate 1 is not revoked (OCSP",
        ] {
            assert!(stamped.revocation.contains(part), "{}", stamped.revocation);
        }
        let report = world.verify(media_type, &stamped.envelope);
        assert_eq!(report.verdict(), Verdict::Trusted, "{:#}", report.to_json());
        assert!(report.to_json().to_string().contains("was time-stamped at"));
    }
    // What is known of the authority is kept for the next signature.
    let asked = (world.tsa.lists_asked(), world.tsa.responder_asked());
    world.sign(&authority).unwrap();
    assert_eq!(
        asked,
        (world.tsa.lists_asked(), world.tsa.responder_asked())
    );
    assert!(asked.0 > 0 && asked.1 > 0);
}
