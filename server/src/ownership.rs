//! Root at work in somebody else's state directory, after `sudo` or `docker exec -u root`: files that root
//! makes there would lock out the gateway of whom it belongs to, so root works as that user.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};

/// Whom a process has to work as, so that what it writes to a directory can be read by the directory's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

/// Becomes the owner of the state directory, if this is root and that is somebody else. A directory that is not
/// there yet will belong to the owner of the nearest one above it. To be called before there are threads.
pub fn work_as_owner_of(state_dir: &Path) -> io::Result<()> {
    let nearest = state_dir.ancestors().find_map(|folder| folder.metadata().ok());
    let owner = nearest.map(|found| Owner { uid: found.uid(), gid: found.gid() });
    match other_owner(geteuid().as_raw(), owner) {
        Some(owner) => become_user(owner),
        None => Ok(()),
    }
}

fn other_owner(uid: u32, owner: Option<Owner>) -> Option<Owner> {
    owner.filter(|owner| uid == 0 && owner.uid != 0)
}

/// The group goes first: whoever is not root any more cannot change it.
#[cfg(target_os = "linux")]
fn become_user(Owner { uid, gid }: Owner) -> io::Result<()> {
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// Elsewhere a process can only be started as another user.
#[cfg(not(target_os = "linux"))]
fn become_user(Owner { uid, .. }: Owner) -> io::Result<()> {
    Err(io::Error::other(format!(
        "the state directory belongs to user {uid}; run this as that user: sudo -u '#{uid}' …"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_gives_way_and_only_to_somebody_else() {
        let [root, alice] = [Owner { uid: 0, gid: 0 }, Owner { uid: 1000, gid: 100 }];
        assert_eq!(other_owner(0, Some(alice)), Some(alice));
        assert_eq!(other_owner(0, Some(root)), None);
        assert_eq!(other_owner(1000, Some(root)), None);
        assert_eq!(other_owner(1000, Some(alice)), None);
        assert_eq!(other_owner(0, None), None);
    }
}
