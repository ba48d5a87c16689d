//! Roles, scopes and commands in few words, and what a request adds to what a device has.

use std::borrow::Cow;

use protocol::node::{Surface, describe_command};
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

/// What a device that is in may do already, in all its roles; in `role` where nothing says which those are.
pub fn has(roles: &[Role], role: Role, scopes: &Scopes) -> String {
    let roles = if roles.is_empty() { &[role] } else { roles };
    roles.iter().map(|role| summary(*role, scopes)).collect::<Vec<_>>().join("; ")
}

/// One thing a device asks to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The scope, or the commands of a node, as programs name them.
    pub name: String,
    pub sentence: Cow<'static, str>,
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
            Ask { name: scope.to_owned(), sentence: sentence.into(), risk, is_held: held.allow(role, scope) }
        })
        .collect();
    riskiest_first(&mut asks);
    asks
}

/// What a node offers to do, the riskiest first; commands that come down to the same are one line.
pub fn offers(offered: &Surface, held: &Surface) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for command in &offered.commands {
        let is_held = held.commands.contains(command);
        let (sentence, risk) = match describe_command(command) {
            // Of what nobody here knows, the name says more than anything.
            (_, Risk::Medium) => (Cow::from(format!("{command}, which this gateway does not know")), Risk::Medium),
            (sentence, risk) => (Cow::from(sentence), risk),
        };
        match asks.iter_mut().find(|ask| ask.sentence == sentence && ask.is_held == is_held) {
            Some(same) => same.name = format!("{}, {command}", same.name),
            None => asks.push(Ask { name: command.clone(), sentence, risk, is_held }),
        }
    }
    riskiest_first(&mut asks);
    asks
}

/// What a node may be asked to do, as one line.
pub fn offer_summary(surface: &Surface) -> String {
    let mut line = String::new();
    for ask in offers(surface, surface) {
        let words = if ask.risk == Risk::Medium { ask.name.as_str() } else { &ask.sentence };
        if line.is_empty() {
            line.push_str(words);
        } else {
            let (first, rest) = words.split_at_checked(1).unwrap_or((words, ""));
            line = format!("{line}, {}{rest}", first.to_ascii_lowercase());
        }
    }
    if line.is_empty() { "nothing yet".to_owned() } else { line }
}

/// What an approval takes that `scopes` do not allow, in words: whom to ask instead.
pub fn who_may_approve(required: &[String], scopes: &Scopes) -> Option<&'static str> {
    let missing = required.iter().find(|scope| !scopes.allow(Role::Operator, scope))?;
    Some(match missing.as_str() {
        ADMIN => "Only a device with full rights may approve this.",
        WRITE => "Only a device that may send may approve this.",
        _ => "This device may not approve this.",
    })
}

fn riskiest_first(asks: &mut [Ask]) {
    asks.sort_by_key(|ask| match ask.risk {
        Risk::High => 0,
        Risk::Medium => 1,
        Risk::Low => 2,
    });
}

/// How many lines a card spends on what is asked, before it folds the rest away.
const LINES: usize = 3;

/// Parts what a card shows at once from what it folds away, so that its decision stays near. Up to four are shown:
/// "and 1 more" would take the line that it saves. Admin says it all by itself.
pub fn fold(mut asks: Vec<Ask>) -> (Vec<Ask>, Vec<Ask>) {
    let shown = match asks.iter().position(|ask| ask.name == ADMIN) {
        Some(at) => {
            asks[..=at].rotate_right(1);
            asks[0].sentence = "Everything an owner can do".into();
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
        let told: Vec<_> = asks.iter().map(|ask| (ask.name.as_str(), ask.is_held)).collect();
        assert_eq!(told, [(ADMIN, false), (READ, true)]);
    }

    #[track_caller]
    fn check_fold(scopes: &[&str], shown: &[&str], count_folded: usize) {
        let asks = asks(Role::Operator, &scopes.iter().copied().collect(), &Scopes::default());
        let (told, folded) = fold(asks);
        let told: Vec<_> = told.iter().map(|ask| ask.name.as_str()).collect();
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

    fn surface(commands: &[&str]) -> Surface {
        Surface { commands: commands.iter().map(|&command| command.to_owned()).collect(), ..Surface::default() }
    }

    #[test]
    fn commands_that_come_down_to_the_same_are_one_line_and_new_ones_are_marked() {
        let offered = surface(&["system.which", "system.run.prepare", "x.y", "system.run", "camera.snap"]);
        let told: Vec<_> = offers(&offered, &surface(&["system.which"]))
            .into_iter()
            .map(|ask| (ask.sentence.into_owned(), ask.name, ask.is_held))
            .collect();
        let line = |sentence: &str, name: &str, is_held| (sentence.to_owned(), name.to_owned(), is_held);
        let expected = [
            line("Run programs there", "system.run.prepare, system.run", false),
            line("Use the camera", "camera.snap", false),
            line("x.y, which this gateway does not know", "x.y", false),
            line("See which programs are installed", "system.which", true),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_node_comes_down_to_one_line() {
        assert_eq!(offer_summary(&surface(&[])), "nothing yet");
        assert_eq!(
            offer_summary(&surface(&["system.which", "x.y", "system.run"])),
            "Run programs there, x.y, see which programs are installed"
        );
    }

    #[test]
    fn says_whom_to_ask_where_this_browser_may_not_approve() {
        let required = surface(&["system.run"]).required_approve_scopes();
        assert_eq!(who_may_approve(&required, &Scopes::from([ADMIN])), None);
        let told = who_may_approve(&required, &Scopes::from([PAIRING, WRITE]));
        assert_eq!(told, Some("Only a device with full rights may approve this."));
    }
}
