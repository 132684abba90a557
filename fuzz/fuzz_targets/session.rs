//! A whole verification against a host that brings what the fuzzer likes: it
//! ends within its bounds, what is trusted was really verified, a failed look-up
//! is never "unsigned", and less evidence never makes more trust.
#![no_main]

mod host;

use host::{Host, Input, Without};
use libfuzzer_sys::fuzz_target;
use notation_verifier::Verifier;
use notation_verifier::outcome::{Action, Check, CheckResult, Verdict};
use notation_verifier::report::{ArtifactStatus, Report};
use notation_verifier::session::{Session, Step};

fuzz_target!(|data: &[u8]| {
    let input = Input::read(data);
    let Some(verifier) = input.verifier() else {
        return;
    };
    let run = |without| {
        let session = input.session(&verifier)?;
        Some(drive(&input, &verifier, session, without))
    };
    let Some((report, host)) = run(Without::Nothing) else {
        return;
    };
    holds(&report, &host);
    let document = report.to_json();
    assert_eq!(document["status"], report.status().as_str());
    if host.evidence_asked == 0 || report.status() != ArtifactStatus::Rejected {
        return;
    }
    for without in [Without::Evidence, Without::Crls] {
        if let Some((less, host)) = run(without) {
            holds(&less, &host);
            assert_ne!(
                less.status(),
                ArtifactStatus::Verified,
                "{report:?} {less:?}"
            );
        }
    }
});

fn drive<'a>(
    input: &'a Input<'a>,
    verifier: &Verifier,
    mut session: Session,
    without: Without,
) -> (Report, Host<'a>) {
    let limits = verifier.limits();
    let mut host = Host::new(input, without);
    let one = 2 + limits.referrer_pages + 2 * limits.signatures + limits.evidence_rounds;
    // What an index lists begins when the index is there.
    let most = one + 2 * limits.index_nesting;
    for _ in 0..=most {
        let mut needs = match session.step() {
            Step::Done(report) => return (*report, host),
            Step::Needs(needs) => needs,
        };
        assert!(!needs.is_empty());
        if input.reversed {
            needs.reverse();
        }
        for need in needs {
            let reply = host.answer(&need, limits);
            session.supply(need.id, reply).expect("it was asked for");
            session
                .supply(need.id, host::nonsense())
                .expect_err("only once");
        }
    }
    panic!("more than {most} rounds");
}

/// What holds for every report.
fn holds(report: &Report, host: &Host<'_>) {
    let trusted = report
        .signatures()
        .iter()
        .filter(|signature| signature.verdict() == Verdict::Trusted);
    let mut count = 0;
    for signature in trusted {
        count += 1;
        let outcome = signature.outcome().expect("trusted and not evaluated");
        for finding in outcome.findings() {
            let passed = matches!(finding.result, CheckResult::Passed(_));
            assert!(passed || finding.action != Action::Enforce, "{finding:?}");
            let always = [Check::Integrity, Check::TargetDescriptor].contains(&finding.check);
            assert!(passed || !always, "{finding:?}");
        }
        let payload = signature
            .signed()
            .expect("trusted and not signed")
            .payload();
        let signed = payload.expect("trusted without a payload").target_artifact;
        match (report.target(), report.blob()) {
            (Some(target), None) => {
                assert!(signed.same_content(target));
                assert!(host.is_served(target), "{target:?}");
            }
            (None, Some((digest, size))) => {
                assert!(signed.digest.ends_with(&digest.to_hex()));
                assert_eq!(u64::try_from(signed.size), Ok(size));
            }
            other => panic!("{other:?}"),
        }
    }
    if let Some(platforms) = report.platforms() {
        let mut images = 0;
        for one in platforms.manifests() {
            if let Some(child) = one.report() {
                images += 1;
                assert!(child.platforms().is_none());
                holds(child, host);
                let verified = child.status() == ArtifactStatus::Verified;
                assert!(verified || report.status() != ArtifactStatus::Verified);
            }
        }
        assert!(images <= host::MAX_CHILDREN);
        assert!(images > 0 || report.status() != ArtifactStatus::Verified);
    }
    match report.own_status() {
        ArtifactStatus::Verified => assert!(count > 0),
        // The host knows of a failure, and not of whose it was.
        ArtifactStatus::Unsigned if host.lists_children() => {}
        ArtifactStatus::Unsigned => assert!(!host.failed && host.signatures_listed == 0),
        ArtifactStatus::Rejected => assert!(count == 0 && !report.signatures().is_empty()),
        ArtifactStatus::LookupFailed => assert_eq!(count, 0),
        ArtifactStatus::Skipped => assert_eq!(host.asked, 0),
    }
}
