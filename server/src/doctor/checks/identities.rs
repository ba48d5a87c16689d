//! Keys and the tokens that belong to them.

use crate::doctor::facts::{Facts, Login, Running, Whose};
use crate::doctor::{Change, Finding};

pub fn damaged(facts: &Facts) -> Vec<Finding> {
    let damaged = facts.identities.iter().filter_map(|file| file.damage.as_ref().map(|damage| (file, damage)));
    let found = damaged.map(|(file, damage)| {
        let path = file.path.display();
        let (why, after) = match file.whose {
            Whose::CommandLine | Whose::Node | Whose::OpenClaw => (
                "Nothing that needs this key can connect.",
                "a new key is made when it is needed, and has to be approved once",
            ),
            Whose::Gateway => ("The gateway does not start.", "the gateway makes a new one, and every pairing stays"),
            Whose::ServerKey => (
                "The gateway does not start.",
                "the gateway makes a new one; every pairing stays, and devices get new tokens when they come back",
            ),
        };
        Finding::error(format!("The file of {} is damaged: {path}.", file.whose.words()))
            .because(why)
            .seen([damage.clone()])
            .fix(format!("mv {path} {path}.aside ({after})"))
            .repaired_by(Change::MoveAside(vec![file.path.clone()]))
    });
    found.collect()
}

pub fn stale(facts: &Facts) -> Vec<Finding> {
    facts.logins.iter().filter_map(|login| mismatched(login).or_else(|| unknown(facts, login))).collect()
}

/// A token beside a key that it does not belong to.
fn mismatched(login: &Login) -> Option<Finding> {
    let key = login.key_device_id.as_ref().filter(|key| **key != login.device_id)?;
    let file = login.file.display();
    Some(
        Finding::error(format!("The token in {file} is for another device key than the one beside it."))
            .because("The gateway sees a known device with an unknown key, or a new device each time, and refuses it.")
            .seen([format!("the token is for device {}", login.device_id), format!("the key is device {key}")])
            .fix(format!("mv {file} {file}.aside"))
            .repaired_by(Change::MoveAside(vec![login.file.clone()])),
    )
}

/// A token for a device that was removed.
fn unknown(facts: &Facts, login: &Login) -> Option<Finding> {
    let known = match &facts.gateway {
        Running::Answers(answer) => &answer.devices,
        Running::Stopped | Running::Silent { .. } | Running::Foreign { .. } => return None,
    };
    if !login.is_for_us || known.contains(&login.device_id) {
        return None;
    }
    Some(
        Finding::warning(
            "A program of this machine has a token for a device that the gateway does not know.".to_owned(),
        )
        .because("It was removed, or the gateway lost its pairings; it has to be approved again when it connects.")
        .seen([format!("{}: device {}", login.file.display(), login.device_id)])
        .fix("let it connect, then: openclaw devices list, openclaw devices approve <requestId>"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::IdentityFile;

    fn login(device_id: &str, key: &str) -> Login {
        let (device_id, key_device_id) = (device_id.to_owned(), Some(key.to_owned()));
        Login { file: "/f".into(), device_id, key_device_id, is_for_us: true }
    }

    #[test]
    fn a_damaged_key_is_moved_aside_and_pairings_stay() {
        let mut facts = healthy::facts();
        for whose in [Whose::CommandLine, Whose::Node, Whose::Gateway, Whose::ServerKey, Whose::OpenClaw] {
            let damage = Some("no key".to_owned());
            facts.identities = vec![IdentityFile { path: "/k".into(), whose, damage }];
            let found = damaged(&facts);
            assert_eq!(found[0].repair, Some(Change::MoveAside(vec!["/k".into()]).into()), "{whose:?}");
        }
        facts.identities[0].damage = None;
        assert_eq!(damaged(&facts), []);
    }

    #[test]
    fn a_token_for_another_key_or_a_forgotten_device_is_found() {
        let mut facts = healthy::facts();
        let fixable = |facts: &Facts| stale(facts).first().map(|finding| finding.fixable);
        facts.logins = vec![login("d1", "d1")];
        assert_eq!(fixable(&facts), None);
        facts.logins = vec![login("d1", "d2")];
        assert_eq!(fixable(&facts), Some(true));
        facts.logins = vec![login("gone", "gone")];
        assert_eq!(fixable(&facts), Some(false));
        facts.logins[0].is_for_us = false;
        assert_eq!(fixable(&facts), None);
        facts.logins[0].is_for_us = true;
        facts.gateway = Running::Stopped;
        assert_eq!(fixable(&facts), None);
    }
}
