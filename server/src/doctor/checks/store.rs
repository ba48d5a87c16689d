//! The pairing store, and the one that OpenClaw left.

use std::collections::BTreeSet;

use crate::clock::rfc3339;
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
            .seen([format!(
                "the last good copy is {}, with {} devices, as of {}",
                copy.file.display(),
                copy.devices,
                rfc3339(copy.at_ms)
            )])
            .fix(format!("moves {store} to {} and puts the copy in its place", facts.paths.quarantine.display()))
            .repaired_by(Repair::RescueStore),
        Some(_) => finding.fix("openclaw gateway stop, then: openclaw doctor --fix"),
        None => finding.fix("openclaw backup restore FILE"),
    }]
}

pub fn openclaw(facts: &Facts) -> Vec<Finding> {
    let none = BTreeSet::new();
    let (known, removed) = match &facts.store {
        StoreState::Sound { devices, removed, damaged: _ } => (devices, removed),
        StoreState::Missing => (&none, &none),
        StoreState::Forbidden | StoreState::Broken { .. } => return Vec::new(),
    };
    let missing = facts.openclaw.devices.iter().filter(|id| !known.contains(*id) && !removed.contains(*id)).count();
    let mut found = Vec::new();
    if !facts.openclaw.unreadable.is_empty() {
        found.push(
            Finding::note("Some of what OpenClaw left here cannot be taken over.")
                .because(
                    "Devices that are known only by that have to be approved again. The files are left as they are.",
                )
                .seen(facts.openclaw.unreadable.iter().map(|(place, reason)| format!("{place}: {reason}")))
                .fix("openclaw migrate (takes over what can be read, and says what cannot)"),
        );
    }
    if missing == 0 {
        return found;
    }
    let files = facts.openclaw.files.iter().map(|file| file.display().to_string());
    let seen = files.chain([format!("{missing} of its devices are missing here")]);
    found.push(if facts.openclaw.was_taken_over {
        Finding::note("Devices that were paired with OpenClaw are not known here any more.")
            .because("Its state was taken over before, so they were removed since; only you can bring them back.")
            .seen(seen)
            .fix("openclaw migrate")
    } else {
        Finding::warning("Devices that were paired with OpenClaw are not known here.")
            .because("They would have to be approved again, though their keys and pairings are here to be taken over.")
            .seen(seen)
            .fix("openclaw migrate")
            .repaired_by(Repair::Migrate)
    });
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
    use crate::backup::last_good;
    use crate::doctor::Severity;
    use crate::doctor::checks::healthy;

    #[test]
    fn a_damaged_store_is_restored_only_while_nobody_uses_it() {
        let mut facts = healthy::facts();
        let copy = last_good::Copy { file: "/b.sqlite".into(), at_ms: 1, devices: 2 };
        facts.store = StoreState::Broken { why: "malformed".to_owned(), last_good: Some(copy) };
        assert_eq!(unreadable(&facts)[0].repair, None);
        facts.gateway = Running::Stopped;
        assert_eq!(unreadable(&facts)[0].repair, Some(Repair::RescueStore));
        facts.store = StoreState::Broken { why: "malformed".to_owned(), last_good: None };
        assert_eq!(unreadable(&facts)[0].fix, "openclaw backup restore FILE");
    }

    #[test]
    fn rows_that_cannot_be_read_are_named() {
        let mut facts = healthy::facts();
        facts.store = StoreState::Sound {
            devices: BTreeSet::new(),
            removed: BTreeSet::new(),
            damaged: vec!["device d1".to_owned()],
        };
        assert_eq!(rows(&facts)[0].evidence, ["device d1"]);
    }

    #[test]
    fn devices_of_openclaw_are_offered_until_they_are_known() {
        let mut facts = healthy::facts();
        facts.openclaw.devices = BTreeSet::from(["d1".to_owned(), "d2".to_owned()]);
        assert_eq!(openclaw(&facts)[0].repair, Some(Repair::Migrate));
        facts.openclaw.was_taken_over = true;
        assert_eq!((openclaw(&facts)[0].severity, &openclaw(&facts)[0].repair), (Severity::Note, &None));
        facts.openclaw.devices.remove("d2");
        assert_eq!(openclaw(&facts), []);
        facts.store = StoreState::Missing;
        assert_eq!(openclaw(&facts).len(), 1);
        // What was removed here is nothing to talk about.
        let removed = facts.openclaw.devices.clone();
        facts.store = StoreState::Sound { devices: BTreeSet::new(), removed, damaged: Vec::new() };
        assert_eq!(openclaw(&facts), []);
        facts.openclaw.devices.clear();
        facts.openclaw.unreadable.push(("/f".to_owned(), "is no table".to_owned()));
        assert_eq!(openclaw(&facts)[0].evidence, ["/f: is no table"]);
    }
}
