//! Which signatures of an image nobody needs any more: [`decide`].
//!
//! A signature goes where a newer one does all that it did, and nowhere else: who is
//! in doubt keeps it. The rules, each as a line of [`decide`]:
//!
//! - Where one signature could not be judged, none goes: it may be the one that counts.
//! - Only a valid signature replaces others: every check passed, none merely logged.
//! - It must be newer: the earliest time that it states comes after the latest time
//!   that the other one states (its own and that of its time-stamp). At the same time
//!   both stay.
//! - It must be of the same signer ([`Signer`]), except with [`Signers::Any`]: others
//!   may trust another signer and not this one.
//! - A valid signature is replaced only by one that is valid at least as long.
//! - A damaged envelope says nothing and is of nobody: it goes where there is a valid
//!   signature.
//! - What this program does not understand stays: others may.

use crate::crypto::Provider;
use crate::envelope::{Signed, SigningScheme};
use crate::limits::Limits;
use crate::outcome::{Check, CheckResult, Outcome, Reason, Rejection, Verdict};
use crate::report::{Report, SignatureReport, SignatureResult};
use crate::time::Time;
use crate::timestamp::Token;

/// A signature, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The digest of its manifest.
    pub digest: String,
    /// What a verification found.
    pub standing: Standing,
    /// What an intact envelope says.
    pub facts: Option<Facts>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every check that the policy asks for passed.
    Valid,
    /// The envelope is intact, and the policy does not accept it, or not without
    /// reserve; the text says why.
    Invalid(String),
    /// The envelope is damaged: no verifier can take it for a signature.
    Broken(String),
    /// It is nothing that this program can judge; another one may.
    Foreign(String),
    /// It could not be judged this time.
    Unsettled(String),
}

/// What an intact envelope says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose it is.
    pub signer: Signer,
    /// The earliest and the latest of the times of signing that it states: its own,
    /// and that of its time-stamp where it has one.
    pub earliest: Time,
    /// See `earliest`.
    pub latest: Time,
    /// When it ends, by its expiry or with its certificates; `None` is never.
    pub ends: Option<Time>,
}

/// Whose a signature is: renewed certificates are the same signer's, as long as they
/// lead to the same root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The scheme, which says in which kind of trust store the root is looked for.
    pub scheme: SigningScheme,
    /// SHA-256 of the root certificate in lower-case hexadecimal.
    pub root: String,
    /// The subject of the signing certificate, RFC 4514 text.
    pub subject: String,
}

/// Whose newer signatures count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signers {
    /// Those of the same signer.
    #[default]
    Same,
    /// Those of everybody whom the policy trusts.
    Any,
}

/// What is to become of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays; the text says why.
    Stays(String),
    /// It can go.
    Goes {
        /// The digest of the valid signature that makes it needless; `None` where the
        /// image itself is gone.
        replaced_by: Option<String>,
        /// Why, for a person.
        why: String,
    },
}

/// What is to become of each of `signatures`, which are all that the image has.
///
/// # Errors
/// Where one of them could not be judged: why, for a person. Then all of them stay.
pub fn decide(signatures: &[Judged], signers: Signers, now: Time) -> Result<Vec<Fate>, String> {
    for one in signatures {
        if let Standing::Unsettled(why) = &one.standing {
            return Err(format!("`{}` could not be judged: {why}", one.digest));
        }
    }
    // The newest one first.
    let mut keepers: Vec<(&Judged, &Facts)> = signatures
        .iter()
        .filter(|one| one.standing == Standing::Valid)
        .filter_map(|one| Some((one, one.facts.as_ref()?)))
        // A clock that is wrong makes nothing newer.
        .filter(|(_, facts)| facts.latest <= now)
        .collect();
    keepers.sort_by(|(one, a), (other, b)| {
        b.earliest
            .cmp(&a.earliest)
            .then_with(|| one.digest.cmp(&other.digest))
    });
    Ok(signatures
        .iter()
        .map(|one| fate(one, &keepers, signers))
        .collect())
}

fn fate(one: &Judged, keepers: &[(&Judged, &Facts)], signers: Signers) -> Fate {
    let valid = "it is valid, and no newer one does all that it does";
    let (what, stays) = match &one.standing {
        Standing::Valid => ("it is valid".to_owned(), valid.to_owned()),
        Standing::Invalid(why) => (
            format!("it is not valid ({why})"),
            format!("there is no newer valid one of this signer; it is not valid itself: {why}"),
        ),
        Standing::Broken(why) => {
            return match keepers.first() {
                Some((keeper, _)) => goes(keeper, &format!("it is damaged ({why})"), "valid"),
                None => Fate::Stays(format!("there is no valid one; it is damaged: {why}")),
            };
        }
        Standing::Foreign(why) | Standing::Unsettled(why) => return Fate::Stays(why.clone()),
    };
    let Some(facts) = &one.facts else {
        return Fate::Stays(stays);
    };
    let is_valid = one.standing == Standing::Valid;
    let replaces = |keeper: &Facts| {
        keeper.earliest > facts.latest
            && (signers == Signers::Any || keeper.signer == facts.signer)
            && (!is_valid || outlasts(keeper.ends, facts.ends))
    };
    match keepers.iter().find(|(_, keeper)| replaces(keeper)) {
        Some((keeper, _)) => goes(keeper, &what, "valid and newer"),
        None => Fate::Stays(stays),
    }
}

fn goes(keeper: &Judged, what: &str, keeper_is: &str) -> Fate {
    Fate::Goes {
        replaced_by: Some(keeper.digest.clone()),
        why: format!("{what}, and `{}` is {keeper_is}", keeper.digest),
    }
}

/// Whether what ends at `one` is of use at least as long as what ends at `other`.
fn outlasts(one: Option<Time>, other: Option<Time>) -> bool {
    match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one >= other,
    }
}

/// The signatures of a verification that looked at all of them.
///
/// # Errors
/// Where it did not: why, for a person.
pub fn judged(
    report: &Report,
    provider: &Provider,
    limits: &Limits,
) -> Result<Vec<Judged>, String> {
    if report.level() == "skip" {
        return Err(format!(
            "trust policy statement `{}` exempts the image: nothing says which of its signatures \
             are valid",
            report.statement()
        ));
    }
    if let Some(why) = report.lookup_failures().first() {
        return Err(why.clone());
    }
    report
        .signatures()
        .iter()
        .map(|one| {
            let digest = one.manifest_digest().ok_or("a signature has no manifest")?;
            Ok(Judged {
                digest: digest.to_owned(),
                standing: standing(one),
                facts: one.signed().map(|signed| facts(signed, provider, limits)),
            })
        })
        .collect()
}

fn standing(one: &SignatureReport) -> Standing {
    match one.result() {
        SignatureResult::Unavailable(why) => Standing::Unsettled(why.clone()),
        SignatureResult::Unusable(why) if why.reason == Reason::ContentMismatch => {
            Standing::Unsettled(why.detail.clone())
        }
        SignatureResult::Unusable(why) => Standing::Foreign(format!(
            "it is no signature manifest that this program can judge: {}",
            why.detail
        )),
        SignatureResult::Evaluated { outcome, .. } => of_outcome(outcome),
    }
}

fn of_outcome(outcome: &Outcome) -> Standing {
    let failures: Vec<&Rejection> = outcome
        .findings()
        .iter()
        .filter_map(|finding| finding.rejection())
        .collect();
    let of = |class: Class| {
        let mut all = failures.iter();
        all.find(|why| Class::of(why.reason) == class)
    };
    if let Some(why) = of(Class::Unsettled) {
        return Standing::Unsettled(why.detail.clone());
    }
    if let Some(why) = of(Class::Foreign) {
        return Standing::Foreign(format!("this program cannot judge it: {}", why.detail));
    }
    if let Some(why) = of(Class::Broken) {
        return Standing::Broken(why.detail.clone());
    }
    if let Some(why) = failures.first() {
        return Standing::Invalid(why.detail.clone());
    }
    let passed = |check| {
        let finding = outcome.finding(check);
        finding.is_some_and(|one| matches!(one.result, CheckResult::Passed(_)))
    };
    // A policy may skip revocation; who made the signature is never taken on trust.
    let vouched = [Check::Authenticity, Check::TrustedIdentity, Check::Expiry];
    if outcome.verdict() == Verdict::Trusted && vouched.into_iter().all(passed) {
        Standing::Valid
    } else {
        Standing::Invalid("the policy does not check all of it".to_owned())
    }
}

/// What a failure says of the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nothing: it may pass the next time, or with another configuration.
    Unsettled,
    /// That something is asked for, or used, which this program does not have.
    Foreign,
    /// That no verifier can accept the envelope.
    Broken,
    /// That it is not valid.
    Invalid,
}

impl Class {
    /// What is new among the reasons is not understood here.
    const fn of(reason: Reason) -> Self {
        match reason {
            Reason::ContentMismatch
            | Reason::RevocationUnknown
            | Reason::TimestampRevocation
            | Reason::TrustStoreUnusable
            | Reason::TimestampTrustStore => Self::Unsettled,
            Reason::EnvelopeMalformed
            | Reason::ProtectedHeaderMalformed
            | Reason::PayloadMalformed
            | Reason::SignatureMismatch
            | Reason::CertChainMissing
            | Reason::CertMalformed => Self::Broken,
            Reason::NotTrusted
            | Reason::TrustStoreNoneConfigured
            | Reason::IdentityNotTrusted
            | Reason::IdentityNoneConfigured
            | Reason::IdentitySubjectUnusable
            | Reason::SignatureExpired
            | Reason::CertOutsideValidity
            | Reason::TimestampOutsideValidity
            | Reason::TimestampMissing
            | Reason::TimestampInvalid
            | Reason::CertRevoked
            | Reason::TargetMismatch => Self::Invalid,
            _ => Self::Foreign,
        }
    }
}

fn facts(signed: &Signed, provider: &Provider, limits: &Limits) -> Facts {
    let chain = signed.chain();
    let stated = signed.signing_time().or(signed.authentic_signing_time());
    // Whether anybody vouches for the time-stamp does not matter: a time that is
    // not true can only keep a signature.
    let token = signed.timestamp_token().and_then(|token| {
        let token = Token::parse(token, provider, limits).ok()?;
        token.covers(signed.signature_bytes()).ok()?;
        let (time, accuracy) = (token.info().time(), token.info().accuracy());
        Some((time.saturating_sub(accuracy), time.saturating_add(accuracy)))
    });
    let times = stated.map(|time| (time, time)).into_iter().chain(token);
    let (earliest, latest) = times
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        .unwrap_or((Time::from_unix(i64::MIN), Time::from_unix(i64::MAX)));
    let certificates = chain.certificates().iter();
    let ends_with_certificates = signed.scheme() == SigningScheme::X509 && token.is_none();
    let certificates = certificates
        .map(|one| one.not_after())
        .filter(|_| ends_with_certificates);
    Facts {
        signer: Signer {
            scheme: signed.scheme(),
            root: chain.root().sha256().to_hex(),
            subject: chain.leaf().subject().to_string(),
        },
        earliest,
        latest,
        ends: certificates.chain(signed.expiry()).min(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn signer(name: &str) -> Signer {
        Signer {
            scheme: SigningScheme::X509,
            root: "00".to_owned(),
            subject: name.to_owned(),
        }
    }

    fn one(digest: &str, standing: Standing, age: i64) -> Judged {
        let time = Time::from_unix(NOW - age);
        Judged {
            digest: digest.to_owned(),
            standing,
            facts: Some(Facts {
                signer: signer("CN=a"),
                earliest: time,
                latest: time,
                ends: None,
            }),
        }
    }

    fn valid(digest: &str, age: i64) -> Judged {
        one(digest, Standing::Valid, age)
    }

    fn invalid(digest: &str, age: i64) -> Judged {
        one(digest, Standing::Invalid("expired".to_owned()), age)
    }

    fn broken(digest: &str) -> Judged {
        Judged {
            facts: None,
            ..one(digest, Standing::Broken("cut off".to_owned()), 0)
        }
    }

    fn with(mut judged: Judged, change: impl FnOnce(&mut Facts)) -> Judged {
        change(judged.facts.as_mut().unwrap());
        judged
    }

    /// Who goes, and for whom.
    fn going(signatures: &[Judged], signers: Signers) -> Vec<(String, String)> {
        let fates = decide(signatures, signers, Time::from_unix(NOW)).unwrap();
        assert_eq!(fates.len(), signatures.len());
        let pairs = signatures.iter().zip(fates);
        pairs
            .filter_map(|(one, fate)| match fate {
                Fate::Goes { replaced_by, .. } => Some((one.digest.clone(), replaced_by.unwrap())),
                Fate::Stays(_) => None,
            })
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
        expected.iter().map(own).collect()
    }

    #[test]
    fn the_newest_valid_one_stays() {
        let all = [valid("old", 30), valid("new", 10), valid("middle", 20)];
        let expected = pairs(&[("old", "new"), ("middle", "new")]);
        assert_eq!(going(&all, Signers::Same), expected);
        assert_eq!(going(&all[..1], Signers::Same), []);
        assert_eq!(going(&[], Signers::Any), []);
    }

    #[test]
    fn equals_stay() {
        let all = [valid("one", 10), valid("two", 10)];
        assert_eq!(going(&all, Signers::Any), []);
        // Of two newest ones the first by digest is named.
        let all = [valid("b", 10), valid("a", 10), valid("c", 11)];
        assert_eq!(going(&all, Signers::Same), pairs(&[("c", "a")]));
    }

    #[test]
    fn what_is_not_valid_replaces_nothing() {
        let all = [valid("old", 30), invalid("new", 10), broken("broken")];
        assert_eq!(
            going(&all, Signers::Any),
            pairs(&[("broken", "old")]),
            "a newer one that is not valid stays too"
        );
        let all = [invalid("old", 30), invalid("new", 10), broken("broken")];
        assert_eq!(going(&all, Signers::Any), []);
        let all = [invalid("old", 30), valid("new", 10), broken("broken")];
        let expected = pairs(&[("old", "new"), ("broken", "new")]);
        assert_eq!(going(&all, Signers::Same), expected);
    }

    #[test]
    fn one_that_is_not_judged_keeps_all() {
        let unsettled = one("u", Standing::Unsettled("no answer".to_owned()), 50);
        for position in 0..3 {
            let mut all = vec![valid("old", 30), valid("new", 10)];
            all.insert(position, unsettled.clone());
            let why = decide(&all, Signers::Any, Time::from_unix(NOW)).unwrap_err();
            assert!(why.contains("`u`") && why.contains("no answer"), "{why}");
        }
        // One that nobody here understands is no reason to keep the others.
        let foreign = one("f", Standing::Foreign("a plugin".to_owned()), 50);
        let all = [foreign, valid("old", 30), valid("new", 10)];
        assert_eq!(going(&all, Signers::Any), pairs(&[("old", "new")]));
    }

    #[test]
    fn another_signer_is_another_matter() {
        let changes: [fn(&mut Facts); 3] = [
            |facts| facts.signer.subject = "CN=b".to_owned(),
            |facts| facts.signer.root = "01".to_owned(),
            |facts| facts.signer.scheme = SigningScheme::SigningAuthority,
        ];
        for change in changes {
            for old in [valid("old", 30), invalid("old", 30)] {
                let all = [with(old, change), valid("new", 10)];
                assert_eq!(going(&all, Signers::Same), []);
                assert_eq!(going(&all, Signers::Any), pairs(&[("old", "new")]));
            }
        }
    }

    /// The earliest time of the one comes after the latest of the other.
    #[test]
    fn newer_by_every_time_that_is_stated() {
        let at = |age: i64| Time::from_unix(NOW - age);
        for (earliest, latest, expected) in [
            (40, 11, true),
            (40, 10, false),
            (40, 5, false),
            (5, 5, false),
        ] {
            let old = with(valid("old", 30), |facts| {
                facts.earliest = at(earliest);
                facts.latest = at(latest);
            });
            let gone = going(&[old, valid("new", 10)], Signers::Same);
            assert_eq!(gone == pairs(&[("old", "new")]), expected, "{latest}");
        }
        let new = with(valid("new", 10), |facts| facts.earliest = at(30));
        assert_eq!(going(&[valid("old", 30), new], Signers::Same), []);
    }

    #[test]
    fn a_time_to_come_makes_nothing_newer() {
        let all = [valid("old", 30), valid("future", -1)];
        assert_eq!(going(&all, Signers::Any), []);
        let all = [valid("old", 30), valid("now", 0)];
        assert_eq!(going(&all, Signers::Any), pairs(&[("old", "now")]));
    }

    #[test]
    fn valid_ones_are_replaced_by_what_lasts_as_long() {
        let until = |judged: Judged, ends: Option<i64>| {
            with(judged, |facts| facts.ends = ends.map(Time::from_unix))
        };
        for (old, new, expected) in [
            (None, None, true),
            (None, Some(9), false),
            (Some(9), None, true),
            (Some(9), Some(9), true),
            (Some(9), Some(8), false),
        ] {
            let all = [until(valid("old", 30), old), until(valid("new", 10), new)];
            let gone = going(&all, Signers::Same);
            assert_eq!(
                gone == pairs(&[("old", "new")]),
                expected,
                "{old:?} {new:?}"
            );
            // What is not valid has no time left that could be lost.
            let all = [until(invalid("old", 30), old), until(valid("new", 10), new)];
            assert_eq!(going(&all, Signers::Same), pairs(&[("old", "new")]));
        }
        // An older keeper that lasts is found behind a newer one that does not.
        let all = [
            valid("old", 30),
            until(valid("short", 10), Some(9)),
            valid("long", 20),
        ];
        assert_eq!(going(&all, Signers::Same), pairs(&[("old", "long")]));
    }

    /// Every small set of signatures: whoever replaces another one stays, and is valid;
    /// where there was a valid one, there is one.
    #[test]
    fn a_replacement_is_never_replaced() {
        let makes: [fn(&str, i64) -> Judged; 2] = [valid, invalid];
        let mut kinds = Vec::new();
        for age in [10, 20, 30] {
            for ends in [None, Some(5), Some(6)] {
                for subject in ["CN=a", "CN=b"] {
                    for make in makes {
                        kinds.push(with(make("", age), |facts| {
                            facts.ends = ends.map(Time::from_unix);
                            facts.signer.subject = subject.to_owned();
                        }));
                    }
                }
            }
        }
        kinds.push(broken(""));
        let mut looked_at = 0;
        for one in &kinds {
            for two in &kinds {
                for three in &kinds {
                    let all: Vec<Judged> = [one, two, three]
                        .into_iter()
                        .zip(["x", "y", "z"])
                        .map(|(judged, digest)| Judged {
                            digest: digest.to_owned(),
                            ..judged.clone()
                        })
                        .collect();
                    for signers in [Signers::Same, Signers::Any] {
                        let gone = going(&all, signers);
                        for (_, by) in &gone {
                            assert!(gone.iter().all(|(digest, _)| digest != by), "{all:?}");
                            let by = all.iter().find(|one| one.digest == *by).unwrap();
                            assert_eq!(by.standing, Standing::Valid);
                        }
                        let was = |judged: &&Judged| judged.standing == Standing::Valid;
                        let left = |judged: &&Judged| {
                            gone.iter().all(|(digest, _)| *digest != judged.digest)
                        };
                        if all.iter().any(|one| was(&one)) {
                            assert!(all.iter().filter(was).any(|one| left(&one)), "{all:?}");
                        }
                        looked_at += 1;
                    }
                }
            }
        }
        assert_eq!(looked_at, 37 * 37 * 37 * 2);
    }
}
