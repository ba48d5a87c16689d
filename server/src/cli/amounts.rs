//! Times and numbers as people say them.

/// How long ago something was, both on the gateway's clock.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) / 1000 {
        0..=4 => "just now".to_owned(),
        seconds => format!("{} ago", duration(seconds)),
    }
}

/// How soon something will be.
pub fn ahead(now_ms: u64, then_ms: u64) -> String {
    match then_ms.saturating_sub(now_ms) / 1000 {
        0 => "now".to_owned(),
        seconds => format!("in {}", duration(seconds)),
    }
}

/// A length of time in its largest unit, rounded down.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        86_400..=172_799 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `1 device`, `2 devices`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let minute = 60_000;
        for (then, expected) in [
            (100 * minute, "just now"),
            (100 * minute - 42_000, "42 s ago"),
            (98 * minute, "2 min ago"),
            (40 * minute, "1 h ago"),
        ] {
            assert_eq!(ago(100 * minute, then), expected);
        }
        assert_eq!(ago(3 * 86_400_000, 0), "3 days ago");
        assert_eq!(ago(0, 5 * minute), "just now");
        assert_eq!(ahead(0, 4 * minute + 59_000), "in 4 min");
        assert_eq!(ahead(9, 3), "now");
        assert_eq!(duration(90_000), "1 day");
    }
}
