//! A tar archive, as a file and as a stream: no panic, one answer for both, and
//! nothing is handed out that is not what its digest says.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use notation_verifier::crypto::Provider;
use notation_verifier::io::layout::Layout;
use notation_verifier::limits::Limits;
use notation_verifier::oci::{Digest, SignatureManifest};

fuzz_target!(|archive: &[u8]| {
    let mut limits = Limits::default();
    limits.referrers = 100;
    limits.manifest_bytes = 1 << 16;
    limits.envelope_bytes = 1 << 16;
    let stream = Layout::from_tar_reader(archive, &limits);
    let file = Layout::from_tar(Cursor::new(archive.to_vec()), &limits);
    let (Ok(stream), Ok(file)) = (&stream, &file) else {
        assert!(stream.is_err() && file.is_err());
        return;
    };
    assert_eq!(stream.index(), file.index());
    let tags: Vec<&str> = file
        .index()
        .entries
        .iter()
        .filter_map(|entry| entry.ref_name.as_deref())
        .collect();
    for tag in tags {
        let subject = file.resolve(tag);
        assert_eq!(subject.is_ok(), stream.resolve(tag).is_ok());
        let Ok(subject) = subject else { continue };
        let found = file.referrers(&subject).signatures;
        assert_eq!(found, stream.referrers(&subject).signatures);
        for signature in found {
            let Ok(bytes) = file.read(&signature, limits.manifest_bytes) else {
                continue;
            };
            let digest = Digest::parse(&signature.digest).expect("it was read by it");
            assert!(digest.verify(&Provider::PORTABLE, &bytes));
            if let Ok(manifest) = SignatureManifest::parse(&bytes, &subject, &limits) {
                let _ = file.read(&manifest.envelope, limits.envelope_bytes);
            }
        }
    }
});
