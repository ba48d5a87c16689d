//! The pairing store, and the one that OpenClaw left.

use std::collections::BTreeSet;

use crate::doctor::facts::{Facts, Running, StoreState};
use crate::doctor::{Finding, Repair};

pub fn unreadable(facts: &Facts) -> Vec<Finding> {
    let StoreState::Broken { why, last_good } = &facts.store else { return Vec::new() };
    let store = facts.paths.store_file.display();
    let finding = Finding::error(format!("The pairing store {store} is damaged."))
        .because("The gateway cannot say who is paired, so it lets nobody in and does not start.")
        .seen([why.clone()]);
    let is_stopped = matches!(facts.gateway, Running::Stopped);
    vec![match last_good {
        Some(copy) if is_stopped => finding
            .seen([format!("the last good copy is {}", copy.path.display())])
            .fix(format!("moves {store} aside and puts {} in its place", copy.path.display()))
            .repaired_by(Repair::RestoreStore(copy.clone())),
        Some(_) => finding.fix("openclaw gateway stop, then: openclaw doctor --fix"),
        None => finding.fix("openclaw backup restore FILE"),
    }]
}

pub fn openclaw(facts: &Facts) -> Vec<Finding> {
    let none = BTreeSet::new();
    let known = match &facts.store {
        StoreState::Sound { devices } => devices,
        StoreState::Missing => &none,
        StoreState::Forbidden | StoreState::Broken { .. } => return Vec::new(),
    };
    let missing = facts.openclaw.devices.difference(known).count();
    if missing == 0 {
        return Vec::new();
    }
    let files = facts.openclaw.files.iter().map(|file| file.display().to_string());
    vec![
        Finding::warning("Devices that were paired with OpenClaw are not known here.")
            .because("They would have to be approved again, though their keys and pairings are here to be taken over.")
            .seen(files.chain([format!("{missing} of its devices are missing here")]))
            .fix("openclaw migrate"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::backups::LastGood;
    use crate::doctor::checks::healthy;

    #[test]
    fn a_damaged_store_is_restored_only_while_nobody_uses_it() {
        let mut facts = healthy::facts();
        let copy = LastGood { path: "/b.sqlite".into(), made_at_ms: 1 };
        facts.store = StoreState::Broken { why: "malformed".to_owned(), last_good: Some(copy.clone()) };
        assert_eq!(unreadable(&facts)[0].repair, None);
        facts.gateway = Running::Stopped;
        assert_eq!(unreadable(&facts)[0].repair, Some(Repair::RestoreStore(copy)));
        facts.store = StoreState::Broken { why: "malformed".to_owned(), last_good: None };
        assert_eq!(unreadable(&facts)[0].fix, "openclaw backup restore FILE");
    }

    #[test]
    fn devices_of_openclaw_are_offered_until_they_are_known() {
        let mut facts = healthy::facts();
        facts.openclaw.devices = BTreeSet::from(["d1".to_owned(), "d2".to_owned()]);
        assert_eq!(openclaw(&facts)[0].fix, "openclaw migrate");
        facts.openclaw.devices.remove("d2");
        assert_eq!(openclaw(&facts), []);
        facts.store = StoreState::Missing;
        assert_eq!(openclaw(&facts).len(), 1);
    }
}
