//! Roles and scopes in few words, and what a request adds to what a device has.

use protocol::role::{ADMIN, APPROVALS, PAIRING, QUESTIONS, READ, Risk, TALK_SECRETS, WRITE, describe_scope};
use protocol::{Role, Scopes};

/// What the widest scopes come down to, the strongest first.
const SHORT: [(&str, &str); 6] = [
    (PAIRING, "pair devices"),
    (WRITE, "send"),
    (READ, "see"),
    (APPROVALS, "approve runs"),
    (QUESTIONS, "answer questions"),
    (TALK_SECRETS, "voice keys"),
];

/// A device's authority in a few words: "everything", "see, send".
pub fn summary(role: Role, scopes: &Scopes) -> String {
    if role == Role::Node {
        return "offers its commands".to_owned();
    }
    if scopes.contains(ADMIN) {
        return "everything".to_owned();
    }
    let known = SHORT.iter().filter(|(scope, _)| scopes.allow(role, scope)).map(|(_, words)| *words);
    let others = scopes.iter().filter(|scope| SHORT.iter().all(|(known, _)| known != scope));
    let words: Vec<&str> = known.chain(others).collect();
    if words.is_empty() { "nothing yet".to_owned() } else { words.join(", ") }
}

/// One thing a device asks to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub scope: String,
    pub sentence: &'static str,
    pub risk: Risk,
    /// The device has it already.
    pub is_held: bool,
}

/// What a request asks for, the riskiest first, each marked with whether it is new.
pub fn asks(role: Role, asked: &Scopes, held: &Scopes) -> Vec<Ask> {
    let mut asks: Vec<Ask> = asked
        .iter()
        .map(|scope| {
            let (sentence, risk) = describe_scope(scope);
            Ask { scope: scope.to_owned(), sentence, risk, is_held: held.allow(role, scope) }
        })
        .collect();
    asks.sort_by_key(|ask| match ask.risk {
        Risk::High => 0,
        Risk::Medium => 1,
        Risk::Low => 2,
    });
    asks
}

/// How many lines a card spends on what is asked, before it folds the rest away.
const LINES: usize = 3;

/// Parts what a card shows at once from what it folds away, so that its decision stays near. Up to four are shown:
/// "and 1 more" would take the line that it saves. Admin says it all by itself.
pub fn fold(mut asks: Vec<Ask>) -> (Vec<Ask>, Vec<Ask>) {
    let shown = match asks.iter().position(|ask| ask.scope == ADMIN) {
        Some(at) => {
            asks[..=at].rotate_right(1);
            asks[0].sentence = "Everything an owner can do";
            1
        }
        None if asks.len() > LINES + 1 => LINES,
        None => asks.len(),
    };
    let folded = asks.split_off(shown);
    (asks, folded)
}

#[cfg(test)]
mod tests {
    use protocol::role::OWNER_SCOPES;

    use super::*;

    #[track_caller]
    fn check(role: Role, scopes: &[&str], expected: &str) {
        assert_eq!(summary(role, &scopes.iter().copied().collect()), expected);
    }

    #[test]
    fn authority_comes_down_to_a_few_words() {
        check(Role::Operator, &[ADMIN, PAIRING, READ], "everything");
        check(Role::Operator, &[WRITE], "send, see");
        check(Role::Operator, &[READ, PAIRING], "pair devices, see");
        check(Role::Operator, &["operator.future"], "operator.future");
        check(Role::Operator, &[], "nothing yet");
        check(Role::Node, &[], "offers its commands");
    }

    #[test]
    fn an_upgrade_marks_what_the_device_has_already() {
        let asks = asks(Role::Operator, &Scopes::from([READ, ADMIN]), &Scopes::from([WRITE]));
        let told: Vec<_> = asks.iter().map(|ask| (ask.scope.as_str(), ask.is_held)).collect();
        assert_eq!(told, [(ADMIN, false), (READ, true)]);
    }

    #[track_caller]
    fn check_fold(scopes: &[&str], shown: &[&str], count_folded: usize) {
        let asks = asks(Role::Operator, &scopes.iter().copied().collect(), &Scopes::default());
        let (told, folded) = fold(asks);
        let told: Vec<_> = told.iter().map(|ask| ask.scope.as_str()).collect();
        assert_eq!((told.as_slice(), folded.len()), (shown, count_folded));
    }

    #[test]
    fn a_long_list_is_folded_behind_its_riskiest_and_admin_stands_for_all() {
        check_fold(&[], &[], 0);
        check_fold(&[READ, WRITE, QUESTIONS, PAIRING], &[PAIRING, WRITE, QUESTIONS, READ], 0);
        check_fold(&[READ, WRITE, QUESTIONS, PAIRING, APPROVALS], &[PAIRING, APPROVALS, WRITE], 2);
        check_fold(&[PAIRING, ADMIN], &[ADMIN], 1);
        check_fold(&OWNER_SCOPES, &[ADMIN], 6);
    }
}
