//! What CRLs say about a certificate (trust-store-trust-policy, "Revocation
//! Checking with CRL"; RFC 5280 section 6.3).

use super::delta::{self, Deltas};
use super::scope::covers;
use super::{Answer, Attempt, Context, Method, Pending, Revocation, Status, Subject, address};
use crate::evidence::{Content, EvidenceReply, EvidenceRequest, ListKind};
use crate::time::Time;
use crate::x509::{
    Certificate, DistributionPoint, ReasonFlags, RevocationList, RevocationReason, Usage,
};

/// How far the clock of an authority may be ahead of ours, in seconds: what
/// OpenSSL's `ocsp` command allows.
pub(super) const CLOCK_LEEWAY: i64 = 300;

impl Subject<'_> {
    /// The status by CRLs: every distribution point is asked, and each address of
    /// one in turn until one answers.
    ///
    /// Points that do not answer at all are tolerated where others do and cover
    /// all reasons ("each location download is attempted in sequential order,
    /// until a 200 response is received for any"). A list that was received and
    /// cannot be used is not: it may be the one that has the certificate.
    pub(super) fn by_crl(self, attempts: &mut Vec<Attempt>) -> Result<Status, Pending> {
        let points = match self.certificate.crl_distribution_points() {
            Ok(points) => points,
            Err(error) => {
                attempts.push(attempt(String::new(), Answer::Unknown(error.to_string())));
                return Ok(Status::Unknown);
            }
        };
        let addresses: usize = points.iter().map(|point| point.urls().count()).sum();
        if addresses == 0 {
            return Ok(Status::NotRevocable);
        }
        let limit = self.context.limits.revocation_addresses;
        if addresses > limit {
            let why =
                format!("the certificate has {addresses} CRL addresses, the limit is {limit}");
            attempts.push(attempt(String::new(), Answer::Unknown(why)));
            return Ok(Status::Unknown);
        }

        let mut pending = Vec::new();
        let mut covered = ReasonFlags::NONE;
        let mut unusable = false;
        for point in points.iter().filter(|point| point.urls().count() > 0) {
            let found = match self.by_point(point, attempts) {
                Ok(found) => found,
                Err(requests) => {
                    pending.extend(requests);
                    continue;
                }
            };
            match found {
                Point::Answered(Answer::Revoked(revocation), _) => {
                    return Ok(Status::Revoked(revocation));
                }
                Point::Answered(Answer::Good, reasons) => covered = covered | reasons,
                Point::Answered(Answer::Unknown(_), _) => unusable = true,
                Point::Silent => {}
            }
        }
        if !pending.is_empty() {
            return Err(pending);
        }
        if unusable || covered == ReasonFlags::NONE {
            return Ok(Status::Unknown);
        }
        if covered != ReasonFlags::ALL {
            let why = "the lists that were received do not cover all reasons of revocation";
            let last = attempts.last().map(|last| last.url.clone());
            attempts.push(attempt(
                last.unwrap_or_default(),
                Answer::Unknown(why.to_owned()),
            ));
            return Ok(Status::Unknown);
        }
        Ok(Status::Good)
    }

    fn by_point(
        self,
        point: &DistributionPoint<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Point, Pending> {
        for url in point.urls() {
            let content = match self.fetched(url, ListKind::Complete)? {
                Ok(content) => content,
                Err(why) => {
                    attempts.push(attempt(url.to_owned(), Answer::Unknown(why)));
                    continue;
                }
            };
            let (answer, reasons) = match self.by_list(&content, point)? {
                Ok((answer, reasons)) => (answer, reasons),
                Err(why) => (Answer::Unknown(why), ReasonFlags::NONE),
            };
            attempts.push(attempt(url.to_owned(), answer.clone()));
            return Ok(Point::Answered(answer, reasons));
        }
        Ok(Point::Silent)
    }

    /// The body of the list at `url`, or why there is none.
    pub(super) fn fetched(
        self,
        url: &str,
        kind: ListKind,
    ) -> Result<Result<Content, String>, Pending> {
        if let Err(why) = address::check(url) {
            return Ok(Err(why));
        }
        let request = EvidenceRequest::Crl {
            url: url.to_owned(),
            kind,
            issuer: self.issuer.der().to_vec(),
        };
        match self.evidence.get(&request) {
            None => Err(vec![request]),
            Some(EvidenceReply::Unavailable(why)) => Ok(Err(why.clone())),
            Some(EvidenceReply::Content(content)) => {
                let limit = self.context.limits.evidence_bytes;
                if content.bytes().len() > limit {
                    return Ok(Err(format!("the list is larger than the limit of {limit}")));
                }
                Ok(Ok(content.clone()))
            }
        }
    }

    fn by_list(
        self,
        content: &Content,
        point: &DistributionPoint<'_>,
    ) -> Result<Result<(Answer, ReasonFlags), String>, Pending> {
        let base = match content.revocation_list() {
            Ok(base) => base,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (found, reasons) = match self.read_base(base, Some(point)) {
            Ok(read) => read,
            Err(why) => return Ok(Err(why)),
        };
        if let Found::Revoked(revocation) = found {
            return Ok(Ok((Answer::Revoked(revocation), reasons)));
        }
        Ok(match self.deltas(base)? {
            Deltas::None => Ok((found.answer(), reasons)),
            Deltas::List(content) => content
                .revocation_list()
                .map_err(ToString::to_string)
                .and_then(|delta| self.read_delta(base, delta))
                .map(|newer| (found.updated(newer).answer(), reasons))
                .map_err(|why| format!("the delta list cannot be used: {why}")),
            Deltas::Unavailable(why) => Err(format!("the delta list could not be had: {why}")),
        })
    }

    /// What `base` alone says.
    fn read_base(
        self,
        base: &RevocationList,
        point: Option<&DistributionPoint<'_>>,
    ) -> Result<(Found, ReasonFlags), String> {
        authentic(base, self.issuer, self.context.now)?;
        if base.delta_indicator().is_some() {
            return Err("it is a delta list, where a complete one is expected".to_owned());
        }
        if point.is_some_and(|point| !point.is_issued_by(self.certificate.issuer().der())) {
            return Err(
                "the distribution point names another issuer of lists, which is not supported"
                    .to_owned(),
            );
        }
        let reasons = covers(base, self.certificate, point)?;
        let found = self.look_up(base)?;
        Ok((found, reasons))
    }

    fn read_delta(self, base: &RevocationList, delta: &RevocationList) -> Result<Found, String> {
        authentic(delta, self.issuer, self.context.now)?;
        delta::goes_with(delta, base)?;
        self.look_up(delta)
    }

    /// Looks the certificate up in an authentic list. A permanent revocation
    /// counts also where the list has expired: "If the CRL is expired and the
    /// certificate is listed in the CRL for any reason other than certificate
    /// hold, the certificate is considered revoked".
    fn look_up(self, list: &RevocationList) -> Result<Found, String> {
        let mut found = Found::NotListed;
        for entry in list.entries(self.certificate.serial_number()) {
            if list.names_issuers() {
                // Then an entry is of the issuer that the last one before it
                // names. Indirect lists are optional in the specification.
                return Err(
                    "the list has entries of several issuers, which is not supported".to_owned(),
                );
            }
            let revocation = Revocation {
                date: entry.revocation_date,
                reason: entry.reason,
                invalidity_date: entry.invalidity_date,
            };
            if revocation.is_after_signing(self.context) {
                continue;
            }
            found = found.updated(match entry.reason {
                Some(RevocationReason::CERTIFICATE_HOLD) => Found::Held(revocation),
                Some(RevocationReason::REMOVE_FROM_CRL) => Found::Removed(entry.revocation_date),
                _ => return Ok(Found::Revoked(revocation)),
            });
        }
        current(list, self.context.now)?;
        Ok(found)
    }
}

/// What came of one distribution point.
enum Point {
    /// An answer, for these reasons.
    Answered(Answer, ReasonFlags),
    /// No address gave anything.
    Silent,
}

/// What lists say about one serial number.
#[derive(Clone, Copy)]
enum Found {
    NotListed,
    /// For good.
    Revoked(Revocation),
    /// For the time being.
    Held(Revocation),
    /// Not any more, since then.
    Removed(Time),
}

impl Found {
    /// `self` followed by a later entry of the same or a newer list. Between a
    /// hold and its removal the later date counts, and at the same date the later
    /// entry.
    fn updated(self, later: Self) -> Self {
        match (self.date(), later.date()) {
            (Some(earlier), Some(date)) if earlier > date => match later {
                Self::Revoked(_) => later,
                _ => self,
            },
            (_, Some(_)) => later,
            (_, None) => self,
        }
    }

    const fn date(&self) -> Option<Time> {
        match self {
            Self::NotListed => None,
            Self::Revoked(revocation) | Self::Held(revocation) => Some(revocation.date),
            Self::Removed(date) => Some(*date),
        }
    }

    const fn answer(self) -> Answer {
        match self {
            Self::Revoked(revocation) | Self::Held(revocation) => Answer::Revoked(revocation),
            Self::NotListed | Self::Removed(_) => Answer::Good,
        }
    }
}

/// Whether `issuer` signed `list` and may do so, and all of it is understood.
fn authentic(list: &RevocationList, issuer: &Certificate, now: Time) -> Result<(), String> {
    if list.issuer() != issuer.subject().der() {
        return Err(format!(
            "the list is issued by somebody else than `{}`",
            issuer.subject()
        ));
    }
    // RFC 5280 section 6.3.3 step f.
    if issuer
        .key_usage()
        .is_some_and(|usage| !usage.has(Usage::CrlSign))
    {
        return Err(format!(
            "the key of `{}` may not sign lists (its keyUsage lacks cRLSign)",
            issuer.subject()
        ));
    }
    list.is_signed_by(issuer)
        .map_err(|mismatch| format!("the list is not from `{}`: {mismatch}", issuer.subject()))?;
    if list.this_update() > now.saturating_add_seconds(CLOCK_LEEWAY) {
        return Err(format!(
            "the list is dated {}, and it is {now}",
            list.this_update()
        ));
    }
    if let Some(oid) = list.unknown_critical_extension() {
        return Err(format!(
            "the list has the critical extension `{oid}`, which is not supported"
        ));
    }
    Ok(())
}

/// Whether `list` has not expired. A list without an end could be replayed for
/// ever; RFC 5280 section 5.1.2.5 asks for one.
fn current(list: &RevocationList, now: Time) -> Result<(), String> {
    match list.next_update() {
        None => Err("the list does not say when the next one is due (nextUpdate)".to_owned()),
        Some(next) if now > next => Err(format!("the list expired at {next}, and it is {now}")),
        Some(_) => Ok(()),
    }
}

fn attempt(url: String, answer: Answer) -> Attempt {
    Attempt {
        method: Method::Crl,
        url,
        answer,
    }
}

/// What the complete list `list` says about `certificate`, issued by `issuer`,
/// for hosts that have lists of their own: as if it came from a distribution
/// point of the certificate without a name. Delta lists are not looked for.
#[must_use]
pub fn judge(
    list: &RevocationList,
    certificate: &Certificate,
    issuer: &Certificate,
    context: &Context<'_>,
) -> Answer {
    let evidence = crate::evidence::Evidence::none();
    let subject = Subject {
        certificate,
        issuer,
        context,
        evidence: &evidence,
    };
    let points = certificate.crl_distribution_points().unwrap_or_default();
    let point = points.first();
    match subject.read_base(list, point) {
        Ok((found, _)) => found.answer(),
        Err(why) => Answer::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: i64) -> Revocation {
        Revocation {
            date: Time::from_unix(date),
            reason: None,
            invalidity_date: None,
        }
    }

    fn revoked(entries: &[Found]) -> bool {
        let found = entries
            .iter()
            .fold(Found::NotListed, |found, entry| found.updated(*entry));
        matches!(found.answer(), Answer::Revoked(_))
    }

    #[test]
    fn the_later_of_hold_and_removal_counts() {
        let held = |date| Found::Held(at(date));
        let removed = |date| Found::Removed(Time::from_unix(date));
        assert!(!revoked(&[]));
        assert!(revoked(&[held(1)]));
        assert!(!revoked(&[removed(1)]));
        assert!(!revoked(&[held(1), removed(2)]));
        assert!(!revoked(&[removed(2), held(1)]));
        assert!(revoked(&[removed(1), held(2)]));
        assert!(revoked(&[held(2), removed(1)]));
        // A delta list that takes a hold back may keep the date of the hold.
        assert!(!revoked(&[held(1), removed(1)]));
        assert!(revoked(&[held(1), removed(2), Found::Revoked(at(0))]));
        assert!(revoked(&[held(1), Found::NotListed]));
    }
}
