//! Who owns the state directory and what is in it.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::config::{Environment, Paths};
use crate::doctor::facts::{Entry, Me};

/// Folders of the state directory that hold something of the gateway, or of an OpenClaw installation's pairings.
const FOLDERS: [&str; 7] = ["backups", "devices", "identity", "logs", "nodes", "quarantine", "state"];

/// More files than a state directory has; beyond them nobody looks.
const MAX_ENTRIES: usize = 2000;

/// Who we are, and whose the files should be: ours, and for root the owner's of the state directory.
pub fn me(paths: &Paths, env: &Environment) -> Me {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let owner = |path: &Path| path.metadata().ok().map(|found| (found.uid(), found.gid()));
    let (owner_uid, group) = if uid == 0 {
        let sudo_user = env.get("SUDO_UID").and_then(|uid| uid.parse::<u32>().ok());
        let of_state = owner(&paths.state_dir).filter(|(uid, _)| *uid != 0);
        // `sudo` has made the directory in somebody's home.
        let of_home = paths.state_dir.parent().and_then(owner).filter(|(uid, _)| Some(*uid) == sudo_user);
        of_state.or(of_home).unwrap_or((uid, gid))
    } else {
        (uid, gid)
    };
    Me { uid, wanted_uid: owner_uid, wanted_gid: group }
}

/// The state directory, what lies in it, and what lies in the folders that matter. Links are not followed.
pub fn entries(paths: &Paths) -> Vec<Entry> {
    let mut found: Vec<Entry> = entry(&paths.state_dir).into_iter().collect();
    found.extend(inside(&paths.state_dir));
    for folder in FOLDERS {
        let folder = paths.state_dir.join(folder);
        if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            found.extend(inside(&folder));
        }
    }
    found.truncate(MAX_ENTRIES);
    found
}

fn inside(folder: &Path) -> Vec<Entry> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Entry> = files.flatten().take(MAX_ENTRIES).filter_map(|file| entry(&file.path())).collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn entry(path: &Path) -> Option<Entry> {
    let found = path.symlink_metadata().ok().filter(|found| !found.is_symlink())?;
    Some(Entry {
        path: path.to_owned(),
        uid: found.uid(),
        mode: found.permissions().mode() & 0o7777,
        is_folder: found.is_dir(),
        changed_at_ms: changed_at_ms(&found),
    })
}

fn changed_at_ms(found: &Metadata) -> u64 {
    let since = found.modified().ok().and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
}
