//! How long to wait before the next attempt to reach the gateway.

/// A gateway that says it restarts is back in a moment; so is one that only changed its rules.
const QUICK_MS: u64 = 300;
const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 30_000;

/// The wait after `failures` attempts in vain and a socket that closed with `code`. It doubles up to half a minute,
/// and `chance` (0 to 1) spreads it over three quarters to five quarters of that, so that many pages do not
/// come back in the same instant.
pub fn delay_ms(failures: u32, code: u16, chance: f64) -> u64 {
    if failures == 0 && matches!(code, 1012 | 4001) {
        return QUICK_MS;
    }
    let full = FIRST_MS.saturating_mul(1 << failures.min(5)).min(LONGEST_MS);
    let quarter = full / 4;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "half of at most thirty seconds, and chance is not negative"
    )]
    let spread = (chance.clamp(0.0, 1.0) * (quarter * 2) as f64) as u64;
    full - quarter + spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failures: u32, code: u16, expected_ms: u64) {
        assert_eq!(delay_ms(failures, code, 0.5), expected_ms);
    }

    #[test]
    fn waits_twice_as_long_each_time_up_to_half_a_minute() {
        check(0, 1006, 1_000);
        check(1, 1006, 2_000);
        check(4, 1006, 16_000);
        check(5, 1006, 30_000);
        check(400, 1006, 30_000);
    }

    #[test]
    fn an_announced_restart_is_tried_quickly_but_only_once() {
        check(0, 1012, 300);
        check(0, 4001, 300);
        check(1, 1012, 2_000);
    }

    #[test]
    fn chance_moves_it_by_a_quarter() {
        assert_eq!((delay_ms(0, 1006, 0.0), delay_ms(0, 1006, 1.0)), (750, 1_250));
    }
}
