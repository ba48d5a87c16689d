//! What a node offers, and what approving it takes (wire.md §7.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::role::{ADMIN, PAIRING, Risk, WRITE};

/// What a node offers: its surface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    #[serde(default)]
    pub caps: Vec<String>,
    #[serde(default)]
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: BTreeMap<String, bool>,
}

impl Surface {
    /// Whether everything in `other` is also here.
    pub fn covers(&self, other: &Self) -> bool {
        let granted = |(name, wanted): (&String, &bool)| !wanted || self.permissions.get(name) == Some(&true);
        other.caps.iter().all(|cap| self.caps.contains(cap))
            && other.commands.iter().all(|command| self.commands.contains(command))
            && other.permissions.iter().all(granted)
    }

    /// Whether both offer the same, in whatever order they say so.
    pub fn is_same(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }

    /// The part of this surface that `limit` also has.
    #[must_use]
    pub fn within(&self, limit: &Self) -> Self {
        let common =
            |ours: &[String], theirs: &[String]| ours.iter().filter(|one| theirs.contains(one)).cloned().collect();
        let permissions = self.permissions.iter();
        Self {
            caps: common(&self.caps, &limit.caps),
            commands: common(&self.commands, &limit.commands),
            permissions: permissions
                .map(|(name, wanted)| (name.clone(), *wanted && limit.permissions.get(name) == Some(&true)))
                .collect(),
        }
    }

    /// What somebody must hold to approve it: running programs takes an admin (wire.md §7.3).
    pub fn required_approve_scopes(&self) -> Vec<String> {
        let more = if self.commands.iter().any(|command| is_host_command(command)) {
            Some(ADMIN)
        } else if self.commands.is_empty() {
            None
        } else {
            Some(WRITE)
        };
        [Some(PAIRING), more].into_iter().flatten().map(str::to_owned).collect()
    }
}

/// Commands that reach into the node's host: its programs, its files, its browser (wire.md §7.3).
pub const HOST_COMMANDS: [&str; 9] = [
    "system.run",
    "system.run.prepare",
    "system.which",
    "system.execApprovals.get",
    "system.execApprovals.set",
    "browser.proxy",
    "browser.proxy.upload.v1",
    "fs.listDir",
    "terminal.upload",
];

pub fn is_host_command(command: &str) -> bool {
    HOST_COMMANDS.contains(&command)
}

/// What a command lets its caller do on the node, as a phrase for the person who decides.
pub fn describe_command(command: &str) -> (&'static str, Risk) {
    match command {
        "system.run" | "system.run.prepare" => ("Run programs there", Risk::High),
        "system.execApprovals.get" | "system.execApprovals.set" => ("Change which programs may run there", Risk::High),
        "browser.proxy" | "browser.proxy.upload.v1" => ("Use the browser there", Risk::High),
        "fs.listDir" | "terminal.upload" => ("Reach files there", Risk::High),
        "system.which" => ("See which programs are installed", Risk::Low),
        "system.notify" => ("Show a notification", Risk::Low),
        "device.info" | "device.status" | "device.health" => ("Describe the device", Risk::Low),
        "location.get" => ("Tell where the device is", Risk::High),
        "camera.snap" | "camera.clip" | "camera.list" => ("Use the camera", Risk::High),
        "screen.snapshot" | "screen.record" | "desktop.stream" => ("See the screen", Risk::High),
        _ => ("Something this gateway does not know", Risk::Medium),
    }
}

/// What a device that asks to be a node offers; an approval that shows it covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Of the program.
    pub version: String,
    #[serde(flatten)]
    pub surface: Surface,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(commands: &[&str]) -> Surface {
        Surface { commands: commands.iter().map(|&command| command.to_owned()).collect(), ..Surface::default() }
    }

    #[track_caller]
    fn check_scopes(commands: &[&str], expected: &[&str]) {
        assert_eq!(surface(commands).required_approve_scopes(), expected);
    }

    #[test]
    fn running_programs_takes_an_admin_to_approve() {
        check_scopes(&[], &["operator.pairing"]);
        check_scopes(&["location.get"], &["operator.pairing", "operator.write"]);
        check_scopes(&["location.get", "system.which"], &["operator.pairing", "operator.admin"]);
    }

    #[test]
    fn a_permission_is_covered_only_if_it_was_granted() {
        let granted =
            |value| Surface { permissions: BTreeMap::from([("camera".to_owned(), value)]), ..Surface::default() };
        assert!(granted(true).covers(&granted(true)));
        assert!(granted(true).covers(&granted(false)));
        assert!(!granted(false).covers(&granted(true)));
        assert_eq!(granted(true).within(&granted(false)), granted(false));
    }

    #[test]
    fn what_is_common_keeps_the_order_declared() {
        let declared = surface(&["system.which", "system.run", "x"]);
        assert_eq!(
            declared.within(&surface(&["system.run", "system.which"])),
            surface(&["system.which", "system.run"])
        );
    }
}
