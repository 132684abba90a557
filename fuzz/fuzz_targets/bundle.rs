//! Evidence bundles that somebody changed: recordings edited with all digests
//! right again, then octets of the file. The leaf is revoked: its authority signed
//! good answers before that, which expired since, and bad ones after it. Whatever
//! the file says, there is no panic, no trust as of now, and as of the claimed
//! moment only trust that the genuine answers of that moment give.
#![no_main]
#![allow(dead_code)]

#[path = "../../tests/authority/mod.rs"]
mod authority;
#[path = "../../tests/layouts/mod.rs"]
mod layouts;
#[path = "../../tests/bundle/world.rs"]
mod world;

use std::io::Cursor;
use std::sync::LazyLock;

use authority::List;
use libfuzzer_sys::fuzz_target;
use notation_verifier::io::Bundle;
use notation_verifier::io::bundle::{Claims, Replay};
use notation_verifier::outcome::{Action, Check, CheckResult, Verdict};
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::{Limits, Report, Time, Verifier};
use serde_json::Value;
use world::{
    CRL_A, CRL_B, EXPIRES, ISSUED, Image, LATER, Net, OCSP_A, Parts, SCOPE, again, bad, good,
    record, replace, time, verifier,
};

/// 2024-12-01 and 2025-01-31: when the good answers hold.
const FROM: i64 = 1_733_011_200;
const UNTIL: i64 = 1_738_281_600;

static IMAGE: LazyLock<Image> = LazyLock::new(|| Image::new("one"));
static OTHER: LazyLock<Image> = LazyLock::new(|| Image::new("other"));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| verifier("strict"));

/// Everything that the authority ever signed about the leaf, and what it did not.
static POOL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let revoking = List {
        this_update: "20241216000000Z",
        ..List::numbered(2)
    };
    vec![
        good(),
        bad(),
        list().sign(),
        revoking.leaf("20241215000000Z", 1).sign(),
        OTHER.envelope.clone(),
        b"{}".to_vec(),
        br#"{"schemaVersion":2,"manifests":[]}"#.to_vec(),
    ]
});

/// Bundles of good answers: by OCSP, and by lists.
static BASES: LazyLock<[Parts; 2]> = LazyLock::new(|| {
    let lists = [(CRL_A, list().sign()), (CRL_B, list().sign())];
    [Net::new(&[(OCSP_A, good())]), Net::new(&lists)].map(|net| {
        let (report, archive) = record("strict", &IMAGE, &IMAGE.target.digest, &net);
        assert_eq!(report.verdict(), Verdict::Trusted);
        Parts::of(&archive)
    })
});

fn list() -> List {
    List {
        this_update: ISSUED,
        next_update: Some(EXPIRES),
        ..List::numbered(1)
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let base = &BASES[usize::from(input.octet() & 1)];
    let mut edits = Vec::new();
    let mut archive = base.clone().forge(|parts, manifest| {
        while let Some(kind) = input.next() {
            match kind % 8 {
                7 => edits.push((input.number(), input.octet())),
                kind => edit(kind, &mut input, parts, manifest),
            }
        }
    });
    for (at, flip) in edits {
        let at = at % archive.len();
        archive[at] ^= flip;
    }
    let mut limits = Limits::default();
    limits.bundle_exchanges = 100;
    limits.bundle_bytes = 1 << 20;
    if let Ok(bundle) = Bundle::from_tar(Cursor::new(archive), &limits) {
        look_at(&bundle);
    }
});

fn look_at(bundle: &Bundle) {
    let digest = &IMAGE.target.digest;
    assert!(bundle.image(SCOPE, "v1", Claims::Refuse).is_err());
    for (reference, claims) in [
        (digest.as_str(), Claims::Refuse),
        (digest, Claims::Accept),
        ("v1", Claims::Accept),
    ] {
        if let Ok(replay) = bundle.image(SCOPE, reference, claims) {
            judge(&replay, claims, |replay, now| {
                again("strict", replay.clone(), reference, now)
            });
        }
    }
    judge(&bundle.evidence(Claims::Accept), Claims::Accept, at_hand);
}

/// As of now there is no trust; as of the claimed moment there is only where the
/// answers of that moment give it.
fn judge(replay: &Replay, claims: Claims, verify: impl Fn(&Replay, i64) -> Report) {
    let now = verify(replay, LATER);
    holds(&now);
    assert_ne!(now.verdict(), Verdict::Trusted, "{now:?}");
    let Ok(moment) = replay.claimed_moment(time(LATER)) else {
        return;
    };
    assert_eq!(claims, Claims::Accept);
    let then = verify(replay, moment.unix_seconds());
    holds(&then);
    if then.verdict() == Verdict::Trusted {
        let moment: Time = then.verified_at();
        assert!(
            moment >= time(FROM - 300) && moment <= time(UNTIL),
            "{moment}"
        );
    }
}

fn at_hand(replay: &Replay, now: i64) -> Report {
    let request = EnvelopeRequest {
        scope: Scope::Repository(SCOPE),
        media_type: "application/jose+json",
        envelope: &IMAGE.envelope,
        target: &IMAGE.target,
        user_metadata: &Default::default(),
        now: time(now),
    };
    VERIFIER
        .verify_envelope(&request, &mut replay.clone())
        .unwrap()
}

/// Who is trusted was verified, and is the image that was signed.
fn holds(report: &Report) {
    for signature in report.signatures() {
        if signature.verdict() != Verdict::Trusted {
            continue;
        }
        for finding in signature.outcome().unwrap().findings() {
            let passed = matches!(finding.result, CheckResult::Passed(_));
            assert!(passed || finding.action != Action::Enforce, "{finding:?}");
            let always = [Check::Integrity, Check::TargetDescriptor].contains(&finding.check);
            assert!(passed || !always, "{finding:?}");
        }
        let signed = signature.signed().unwrap().payload().unwrap();
        let target = report.target().unwrap();
        assert!(signed.target_artifact.same_content(target));
        let known = [&IMAGE.target.digest, &OTHER.target.digest];
        assert!(known.contains(&&target.digest), "{target:?}");
    }
}

/// One edit of a recording.
fn edit(kind: u8, input: &mut Input<'_>, parts: &mut Parts, manifest: &mut Value) {
    if kind == 0 {
        let (name, value) = (input.text(), input.text());
        manifest["annotations"][name] = value.into();
        return;
    }
    let Some(layers) = manifest["layers"].as_array_mut() else {
        return;
    };
    let at = usize::from(input.octet()) % layers.len().max(1);
    let Some(layer) = layers.get_mut(at) else {
        return;
    };
    match kind {
        1 => {
            layers.remove(at);
        }
        2 => {
            let copy = layer.clone();
            layers.push(copy);
        }
        3 => {
            let (name, value) = (input.text(), input.text());
            layer["annotations"][name] = value.into();
        }
        4 => {
            let body = &POOL[usize::from(input.octet()) % POOL.len()];
            replace(parts, layer, body);
        }
        5 => {
            let body = input.take().to_vec();
            replace(parts, layer, &body);
        }
        _ => {
            let name = input.text();
            if let Some(annotations) = layer["annotations"].as_object_mut() {
                annotations.remove(&name);
            }
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn octet(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    fn number(&mut self) -> usize {
        usize::from(self.octet()) << 8 | usize::from(self.octet())
    }

    fn take(&mut self) -> &'a [u8] {
        let length = usize::from(self.octet()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// A text, with one octet for the long names that occur.
    fn text(&mut self) -> String {
        const NAMES: [&str; 20] = [
            "request",
            "reply",
            "time",
            "url",
            "ocsp-request",
            "digest",
            "page",
            "next",
            "problems",
            "media-type",
            "cause",
            "as-of",
            "scope",
            "reference",
            "name",
            "content",
            "resolved",
            "referrers",
            "not-found",
            "failed",
        ];
        let taken = self.take();
        match taken {
            [0xff, name] => {
                let name = NAMES[usize::from(*name) % NAMES.len()];
                match NAMES.iter().position(|one| *one == name) {
                    Some(..15) => format!("notation-verifier.{name}"),
                    _ => name.to_owned(),
                }
            }
            taken => String::from_utf8_lossy(taken).into_owned(),
        }
    }
}
