//! [`Time`]: an instant, as envelopes and certificates state it.
//!
//! The core reads no clock: "now" is an argument. COSE can state instants far
//! outside the years 0 to 9999 (`1(9223372036854775807)` is well-formed and
//! means "never"), which calendar libraries refuse, so this is its own type.

use std::fmt;
use std::time::Duration;

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    seconds: i64,
    nanoseconds: u32,
}

const SECONDS_PER_DAY: i64 = 86_400;
const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

impl Time {
    /// The instant `seconds` after (or, negative, before) the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self {
            seconds,
            nanoseconds: 0,
        }
    }

    /// The same with a fraction; `nanoseconds` above 999,999,999 are cut to that.
    #[must_use]
    pub const fn from_unix_parts(seconds: i64, nanoseconds: u32) -> Self {
        Self {
            seconds,
            nanoseconds: if nanoseconds > 999_999_999 {
                999_999_999
            } else {
                nanoseconds
            },
        }
    }

    /// The instant of a floating-point number of seconds (RFC 8949 section
    /// 3.4.2), or `None` where it is not finite or not representable.
    #[must_use]
    #[allow(clippy::as_conversions)] // in range: checked on the line before
    pub fn from_unix_f64(seconds: f64) -> Option<Self> {
        let whole = seconds.floor();
        // 2^63 is exact in f64; every f64 below it fits i64.
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
            return None;
        }
        let nanoseconds = ((seconds - whole) * 1e9) as u32;
        Some(Self::from_unix_parts(whole as i64, nanoseconds))
    }

    /// Whole seconds since the Unix epoch (rounded down).
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Time::unix_seconds`].
    #[must_use]
    pub const fn subsec_nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// This instant moved by `seconds`, stopping at the ends of the range.
    #[must_use]
    pub const fn saturating_add_seconds(self, seconds: i64) -> Self {
        Self {
            seconds: self.seconds.saturating_add(seconds),
            nanoseconds: self.nanoseconds,
        }
    }

    /// The instant of a date and time of day in UTC, or `None` where there is no
    /// such one. Years 0 to 9999, no leap seconds.
    #[must_use]
    pub const fn from_civil(
        year: i64,
        month: i64,
        day: i64,
        hour: i64,
        minute: i64,
        second: i64,
    ) -> Option<Self> {
        if year < 0
            || year > 9_999
            || month < 1
            || month > 12
            || day < 1
            || day > days_in_month(year, month)
            || hour < 0
            || hour > 23
            || minute < 0
            || minute > 59
            || second < 0
            || second > 59
        {
            return None;
        }
        Some(Self::from_unix(
            days_from_civil(year, month, day) * SECONDS_PER_DAY
                + hour * 3_600
                + minute * 60
                + second,
        ))
    }

    /// This instant moved by `duration`, stopping at the end of the range.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let nanoseconds = self.nanoseconds + duration.subsec_nanos();
        let carry = i64::from(nanoseconds >= NANOSECONDS_PER_SECOND);
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            seconds: self.seconds.saturating_add(seconds).saturating_add(carry),
            nanoseconds: nanoseconds % NANOSECONDS_PER_SECOND,
        }
    }

    /// This instant moved back by `duration`, stopping at the start of the range.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let nanoseconds = self.nanoseconds + NANOSECONDS_PER_SECOND - duration.subsec_nanos();
        let borrow = i64::from(nanoseconds < NANOSECONDS_PER_SECOND);
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            seconds: self.seconds.saturating_sub(seconds).saturating_sub(borrow),
            nanoseconds: nanoseconds % NANOSECONDS_PER_SECOND,
        }
    }

    /// Parses an RFC 3339 `date-time`: `T` and `Z` in capitals, a full stop
    /// before the fraction, no leap second. Digits past nanoseconds are cut.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, length: usize| -> Option<i64> {
            let digits = bytes.get(from..from + length)?;
            digits.iter().try_fold(0_i64, |value, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| value * 10 + i64::from(digit - b'0'))
            })
        };
        let mark = |at: usize, expected: u8| (bytes.get(at) == Some(&expected)).then_some(());

        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        mark(4, b'-')?;
        mark(7, b'-')?;
        mark(10, b'T')?;
        mark(13, b':')?;
        mark(16, b':')?;
        let whole = Self::from_civil(year, month, day, hour, minute, second)?;

        let mut at = 19;
        let mut nanoseconds = 0;
        if mark(at, b'.').is_some() {
            at += 1;
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at == start {
                return None;
            }
            let mut scale = 100_000_000;
            for digit in bytes.get(start..at)?.iter().take(9) {
                nanoseconds += u32::from(digit - b'0') * scale;
                scale /= 10;
            }
        }
        let offset = match bytes.get(at)? {
            b'Z' if bytes.len() == at + 1 => 0,
            sign @ (b'+' | b'-') if bytes.len() == at + 6 => {
                let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
                mark(at + 3, b':')?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let offset = hours * 3_600 + minutes * 60;
                if *sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        Some(Self {
            seconds: whole.seconds - offset,
            nanoseconds,
        })
    }
}

/// RFC 3339 in UTC where the year has four digits, otherwise seconds since the
/// Unix epoch as `@SECONDS`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(SECONDS_PER_DAY);
        let rest = self.seconds.rem_euclid(SECONDS_PER_DAY);
        // 0000-01-01 is day -719528, 9999-12-31 is day 2932896.
        if !(-719_528..=2_932_896).contains(&days) {
            return write!(f, "@{}", self.seconds);
        }
        let (year, month, day) = civil_from_days(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            rest / 3_600,
            rest / 60 % 60,
            rest % 60
        )?;
        if self.nanoseconds != 0 {
            let fraction = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted
/// in eras of 400 years that start in March.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_and_stop_at_the_ends() {
        let at = Time::from_unix_parts(10, 400_000_000);
        let step = Duration::from_millis(2_700);
        assert_eq!(
            at.saturating_add(step),
            Time::from_unix_parts(13, 100_000_000)
        );
        assert_eq!(
            at.saturating_sub(step),
            Time::from_unix_parts(7, 700_000_000)
        );
        assert_eq!(
            at.saturating_sub(Duration::from_millis(400)),
            Time::from_unix(10)
        );
        assert_eq!(
            at.saturating_add(Duration::from_millis(600)),
            Time::from_unix(11)
        );
        assert_eq!(at.saturating_add(step).saturating_sub(step), at);
        assert!(at.saturating_add(Duration::MAX) > Time::from_unix(i64::MAX - 1));
        let low = at
            .saturating_sub(Duration::MAX)
            .saturating_sub(Duration::MAX);
        assert_eq!(low.unix_seconds(), i64::MIN);
    }

    #[test]
    fn round_trips_every_day_of_eight_centuries() {
        let mut day = days_from_civil(1600, 1, 1);
        let end = days_from_civil(2400, 1, 1);
        while day < end {
            let time = Time::from_unix(day * SECONDS_PER_DAY + 3_661);
            assert_eq!(Time::parse_rfc3339(&time.to_string()), Some(time));
            day += 1;
        }
        assert_eq!(
            Time::from_unix(951_782_400).to_string(),
            "2000-02-29T00:00:00Z"
        );
        assert_eq!(
            Time::from_unix(i64::MAX).to_string(),
            "@9223372036854775807"
        );
    }

    #[test]
    fn accepts_fraction_and_offset_and_refuses_the_rest() {
        assert_eq!(
            Time::parse_rfc3339("1970-01-01T01:00:00.25+01:00"),
            Some(Time::from_unix_parts(0, 250_000_000))
        );
        for bad in [
            "",
            "2024-03-15",
            "2024-03-15T10:20:30",
            "2024-03-15t10:20:30Z",
            "2024-03-15T10:20:30z",
            "2024-03-15 10:20:30Z",
            "2024-03-15T10:20:30,5Z",
            "2024-03-15T10:20:30.Z",
            "2024-03-15T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-03-15T1:20:30Z",
            "2024-03-15T10:20:30+24:00",
            "2024-03-15T10:20:30+0100",
            "2024-03-15T10:20:30Z ",
            "+024-03-15T10:20:30Z",
        ] {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn floats_that_are_no_instant_are_refused() {
        assert_eq!(
            Time::from_unix_f64(1.5),
            Some(Time::from_unix_parts(1, 500_000_000))
        );
        assert_eq!(
            Time::from_unix_f64(-0.5),
            Some(Time::from_unix_parts(-1, 500_000_000))
        );
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            assert_eq!(Time::from_unix_f64(bad), None);
        }
    }
}
