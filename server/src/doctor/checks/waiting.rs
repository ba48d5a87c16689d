//! Requests that nobody sees.

use crate::doctor::Finding;
use crate::doctor::facts::{Facts, Running};

pub fn unseen(facts: &Facts) -> Vec<Finding> {
    let Running::Answers(answer) = &facts.gateway else { return Vec::new() };
    let Some(newest) = answer.waiting.iter().max_by_key(|request| request.asked_at_ms) else { return Vec::new() };
    if answer.has_decider {
        return Vec::new();
    }
    let evidence = answer.waiting.iter().map(|request| {
        let ago = answer.its_clock_ms.saturating_sub(request.asked_at_ms) / 1000;
        format!("{} asked {ago} s ago, request {}", request.name, request.request_id)
    });
    vec![
        Finding::warning("Devices wait for approval, and nobody is connected who could see them.")
            .because("A request is forgotten after a few minutes, and the device has to ask again.")
            .seen(evidence)
            .fix(format!("openclaw devices approve {}", newest.request_id)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::Waiting;

    #[test]
    fn requests_are_told_unless_somebody_sees_them() {
        let mut facts = healthy::facts();
        let mut answer = healthy::answer();
        let request = |id: &str, at: u64| Waiting { request_id: id.to_owned(), asked_at_ms: at, ..Waiting::default() };
        answer.waiting = vec![request("old", 1), request("new", 2)];
        facts.gateway = Running::Answers(Box::new(answer.clone()));
        assert_eq!(unseen(&facts)[0].fix, "openclaw devices approve new");
        answer.has_decider = true;
        facts.gateway = Running::Answers(Box::new(answer));
        assert_eq!(unseen(&facts), []);
    }
}
