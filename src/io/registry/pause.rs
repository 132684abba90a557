//! How long to wait before the next attempt.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, SystemTime};

use super::options::Pace;

/// The pause that a `Retry-After` header asks for (RFC 9110 section 10.2.3): in
/// seconds, or until a date.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A date that has passed asks for no pause.
    Some(date.duration_since(now).unwrap_or_default())
}

/// The pause after attempt number `attempt`, from 1 on: it doubles each time, and
/// has a random half so that many who failed together do not come back together.
pub fn back_off(pace: &Pace, attempt: u32) -> Duration {
    let doubled = 1_u32
        .checked_shl(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let whole = pace
        .first_pause
        .saturating_mul(doubled)
        .min(pace.longest_pause);
    let half = whole / 2;
    half + jitter(half)
}

/// A part of `most`, of any size.
pub fn jitter(most: Duration) -> Duration {
    // Each of these has keys of its own, of which the system's randomness is a part.
    let random = RandomState::new().hash_one(0_u8);
    let thousandths = u32::try_from(random % 1001).unwrap_or(0);
    most.saturating_mul(thousandths) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pace = Pace {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(1),
            ..Pace::default()
        };
        for (attempt, whole) in [(1, 100), (2, 200), (3, 400), (5, 1000), (200, 1000)] {
            let whole = Duration::from_millis(whole);
            for _ in 0..50 {
                let pause = back_off(&pace, attempt);
                assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
            }
        }
        let different: std::collections::HashSet<_> = (0..50).map(|_| back_off(&pace, 5)).collect();
        assert!(different.len() > 5);
    }

    #[test]
    fn pauses_that_were_asked_for() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }
}
