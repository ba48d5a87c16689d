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
        StoreState::Sound { devices, damaged: _ } => devices,
        StoreState::Missing => &none,
        StoreState::Forbidden | StoreState::Broken { .. } => return Vec::new(),
    };
    let missing = facts.openclaw.devices.difference(known).count();
    let unreadable = facts.openclaw.unreadable.iter().map(|file| {
        Finding::note(format!("OpenClaw's pairings in {} cannot be read.", file.display()))
            .because("Devices that only this file knows have to be approved again. The file is left as it is.")
            .seen([format!("{} is no table of devices", file.display())])
            .fix("openclaw migrate (takes over what can be read, and says what cannot)")
    });
    let mut found: Vec<Finding> = unreadable.collect();
    if missing == 0 {
        return found;
    }
    let files = facts.openclaw.files.iter().map(|file| file.display().to_string());
    found.push(
        Finding::warning("Devices that were paired with OpenClaw are not known here.")
            .because("They would have to be approved again, though their keys and pairings are here to be taken over.")
            .seen(files.chain([format!("{missing} of its devices are missing here")]))
            .fix("openclaw migrate"),
    );
    found
}

/// Rows that no gateway can read.
pub fn rows(facts: &Facts) -> Vec<Finding> {
    let StoreState::Sound { damaged, .. } = &facts.store else { return Vec::new() };
    if damaged.is_empty() {
        return Vec::new();
    }
    let fix =
        "openclaw backup restore FILE, or for each device: openclaw devices remove <deviceId>, and let it ask again";
    vec![
        Finding::error("Some rows of the pairing store cannot be read.")
            .because("Their devices cannot come in, and lists that show them fail.")
            .seen(damaged.iter().cloned())
            .fix(fix),
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
    fn rows_that_cannot_be_read_are_named() {
        let mut facts = healthy::facts();
        facts.store = StoreState::Sound { devices: BTreeSet::new(), damaged: vec!["device d1".to_owned()] };
        assert_eq!(rows(&facts)[0].evidence, ["device d1"]);
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
        facts.openclaw.devices.clear();
        facts.openclaw.unreadable.push("/f".into());
        assert!(openclaw(&facts)[0].what.contains("cannot be read"));
    }
}
