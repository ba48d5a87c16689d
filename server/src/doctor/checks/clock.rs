//! Whether all clocks say the same.

use crate::doctor::Finding;
use crate::doctor::facts::{Entry, Facts, Running};

/// How far clocks may differ, in milliseconds. A signature is good for as long (wire.md §3.3).
const TOLERANCE_MS: u64 = 2 * 60 * 1000;

/// How many files a finding names.
const NAMED: usize = 4;

pub fn skew(facts: &Facts) -> Vec<Finding> {
    let mut evidence = Vec::new();
    if let Running::Answers(answer) = &facts.gateway {
        let apart = answer.its_clock_ms.abs_diff(answer.our_clock_ms);
        if apart > TOLERANCE_MS {
            let way = if answer.its_clock_ms > answer.our_clock_ms { "ahead of" } else { "behind" };
            evidence.push(format!("the gateway's clock is {} s {way} this one", apart / 1000));
        }
    }
    let is_future = |entry: &&Entry| entry.changed_at_ms > facts.now_ms.saturating_add(TOLERANCE_MS);
    let future = facts.entries.iter().filter(is_future).take(NAMED);
    evidence.extend(future.map(|entry| {
        let ahead = entry.changed_at_ms.saturating_sub(facts.now_ms) / 1000;
        format!("{} was changed {ahead} s in the future", entry.path.display())
    }));
    if evidence.is_empty() {
        return Vec::new();
    }
    vec![
        Finding::warning("The clock of this machine is wrong, or was.")
            .because(
                "Devices sign the time; a signature that is two minutes off is refused, and codes expire too soon.",
            )
            .seen(evidence)
            .fix("timedatectl set-ntp true"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;

    #[test]
    fn two_minutes_are_tolerated_and_more_is_not() {
        let check = |its: i64, file: i64, expected: usize| {
            let mut facts = healthy::facts();
            let mut answer = healthy::answer();
            answer.its_clock_ms = answer.our_clock_ms.saturating_add_signed(its);
            facts.gateway = Running::Answers(Box::new(answer));
            facts.entries[0].changed_at_ms = facts.now_ms.saturating_add_signed(file);
            let found: usize = skew(&facts).iter().map(|finding| finding.evidence.len()).sum();
            assert_eq!(found, expected, "{its} {file}");
        };
        check(120_000, 120_000, 0);
        check(-120_001, 0, 1);
        check(120_001, 120_001, 2);
        check(0, -9_999_999, 0);
    }
}
