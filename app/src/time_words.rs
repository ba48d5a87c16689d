//! Spans of time in the words a person would use.

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// "4:06", rounded up so that it ends at 0:00 and not a second before.
pub fn clock(span_ms: u64) -> String {
    let seconds = span_ms.div_ceil(SECOND_MS);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// "3 minutes", in the largest unit that fits.
pub fn span(span_ms: u64) -> String {
    let (count, unit) = match span_ms {
        MINUTE_MS..HOUR_MS => (span_ms / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => (span_ms / HOUR_MS, "hour"),
        DAY_MS.. => (span_ms / DAY_MS, "day"),
        _ => (span_ms / SECOND_MS, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// "3 minutes ago", or "just now" below a minute.
pub fn ago(then_ms: u64, now_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) {
        ..MINUTE_MS => "just now".to_owned(),
        past_ms => format!("{} ago", span(past_ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_minutes_and_two_digits_of_seconds() {
        assert_eq!([0, 1, 6_000, 246_000].map(clock), ["0:00", "0:01", "0:06", "4:06"]);
    }

    #[track_caller]
    fn check(past_ms: u64, expected: &str) {
        assert_eq!(ago(1_000_000_000, 1_000_000_000 + past_ms), expected);
    }

    #[test]
    fn the_past_is_told_in_its_largest_unit() {
        check(0, "just now");
        check(59_999, "just now");
        check(60_000, "1 minute ago");
        check(2 * HOUR_MS, "2 hours ago");
        check(50 * HOUR_MS, "2 days ago");
        assert_eq!(ago(5, 1), "just now");
        assert_eq!(span(12_345), "12 seconds");
    }
}
