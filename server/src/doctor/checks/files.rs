//! Who owns the state directory, and who can read it.

use std::path::Path;

use crate::doctor::facts::{Entry, Facts};
use crate::doctor::{Change, Finding};
use crate::owner::chown;

/// How many files a finding names.
const NAMED: usize = 8;

/// Permissions of others on a file.
const OTHERS: u32 = 0o077;

/// Folders of the state directory that hold keys, pairings or addresses.
const PRIVATE_FOLDERS: [&str; 7] = ["backups", "devices", "identity", "logs", "nodes", "quarantine", "state"];

/// Files in the state directory that do.
const PRIVATE_FILES: [&str; 2] = ["openclaw.json", "exec-approvals.json"];

pub fn owner(facts: &Facts) -> Vec<Finding> {
    let me = &facts.me;
    let foreign: Vec<&Entry> = facts.entries.iter().filter(|entry| entry.uid != me.wanted_uid).collect();
    let Some(first) = foreign.first() else { return Vec::new() };
    let folder = &facts.paths.state_dir;
    let finding = Finding::error(format!(
        "{} should belong to user {}, but belongs to user {}.",
        first.path.display(),
        me.wanted_uid,
        first.uid
    ))
    .because("The gateway and its commands cannot read or change what belongs to somebody else.")
    .seen(named(&foreign, |entry| format!("user {}", entry.uid)));
    vec![if me.is_root() {
        let paths = foreign.iter().map(|entry| entry.path.clone()).collect();
        let repair = Change::Own { folder: folder.clone(), paths, uid: me.wanted_uid, gid: me.wanted_gid };
        finding.fix(format!("gives it to user {}", me.wanted_uid)).repaired_by(repair)
    } else {
        finding.fix(chown(me.wanted_uid, me.wanted_gid, folder))
    }]
}

pub fn modes(facts: &Facts) -> Vec<Finding> {
    let me = &facts.me;
    let may_change = |entry: &&Entry| me.is_root() || entry.uid == me.uid;
    let is_open = |entry: &&Entry| entry.mode & OTHERS != 0 && is_private(facts, &entry.path);
    let open: Vec<&Entry> = facts.entries.iter().filter(is_open).filter(may_change).collect();
    let Some(first) = open.first() else { return Vec::new() };
    let paths: Vec<String> = open.iter().map(|entry| entry.path.display().to_string()).collect();
    let chmod = format!("chmod go-rwx {}", paths.join(" "));
    let closed = |entry: &&Entry| (entry.path.clone(), entry.mode & !OTHERS);
    let repair = Change::Protect { folder: facts.paths.state_dir.clone(), modes: open.iter().map(closed).collect() };
    vec![
        Finding::warning(format!("Other users of this machine have permissions on {}.", first.path.display()))
            .because("It holds keys, secrets or pairings; whoever can read them can come in as somebody else.")
            .seen(named(&open, |entry| format!("mode {:o}", entry.mode)))
            .fix(chmod)
            .repaired_by(repair),
    ]
}

fn is_private(facts: &Facts, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(&facts.paths.state_dir) else { return false };
    let Some(top) = inside.components().next() else { return true };
    let is_named = |name: &&str| top.as_os_str().to_str() == Some(name);
    PRIVATE_FOLDERS.iter().chain(&PRIVATE_FILES).any(is_named)
}

fn named(entries: &[&Entry], what: impl Fn(&Entry) -> String) -> Vec<String> {
    let mut lines: Vec<String> =
        entries.iter().take(NAMED).map(|entry| format!("{}: {}", entry.path.display(), what(entry))).collect();
    if entries.len() > NAMED {
        lines.push(format!("and {} more", entries.len() - NAMED));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Repair;
    use crate::doctor::checks::healthy;

    #[test]
    fn what_belongs_to_root_is_told_with_the_command_and_repaired_by_root() {
        let mut facts = healthy::facts();
        facts.entries[2].uid = 0;
        let found = owner(&facts);
        assert_eq!(found[0].fix, "sudo chown -R 1000:1000 /home/ada/.openclaw");
        assert_eq!(found[0].evidence, ["/home/ada/.openclaw/state/gateway.sqlite: user 0"]);
        assert!(!found[0].fixable);
        facts.me.uid = 0;
        let Some(Repair::Change(Change::Own { paths, uid, .. })) = &owner(&facts)[0].repair else {
            panic!("no repair")
        };
        assert_eq!((paths.len(), *uid), (1, 1000));
    }

    #[test]
    fn only_what_holds_secrets_must_be_closed() {
        let mut facts = healthy::facts();
        facts.entries[1].mode = 0o644;
        let Some(Repair::Change(Change::Protect { modes: changed, .. })) = &modes(&facts)[0].repair else {
            panic!("no repair")
        };
        assert_eq!(changed[..], [(facts.entries[1].path.clone(), 0o600)]);
        facts.entries[1].path = "/home/ada/.openclaw/workspace".into();
        assert_eq!(modes(&facts), []);
        // What is not ours is told by its owner, not changed.
        facts.entries[2].mode = 0o644;
        facts.entries[2].uid = 0;
        assert_eq!(modes(&facts), []);
    }
}
