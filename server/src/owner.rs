//! Whose the state directory is. Root works in it as its owner, so that nothing there ever belongs to root by
//! accident; and somebody else is told at once, with the command that changes it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::advised::Advised;
use crate::config::{Environment, Paths};

/// The command that gives a folder and everything in it to a user.
pub fn chown(uid: u32, gid: u32, folder: &Path) -> String {
    format!("sudo chown -R {uid}:{gid} {}", folder.display())
}

/// Where root was started on somebody else's state directory, as by `sudo` or `docker exec`: starts this program
/// again as that user, with the same words. Does not return then, unless that user may not run it.
pub fn step_down(env: &Environment) -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Ok(paths) = Paths::resolve(env) else { return Ok(()) };
    // A folder that is not there yet will belong to the owner of the nearest one above it.
    let Some(found) = paths.state_dir.ancestors().find_map(|folder| folder.metadata().ok()) else { return Ok(()) };
    if found.uid() == 0 {
        return Ok(());
    }
    let (uid, gid) = (found.uid(), found.gid());
    let failed = |error: io::Error| {
        let sentence =
            format!("{} belongs to user {uid}, and root cannot act as that user: {error}", paths.state_dir.display());
        anyhow::Error::new(Advised::new(sentence, format!("run it as that user: sudo -u '#{uid}' openclaw …")))
    };
    let program = std::env::current_exe().map_err(failed)?;
    Err(failed(Command::new(program).args(std::env::args_os().skip(1)).uid(uid).gid(gid).exec()))
}

/// Refuses to work with files of somebody else, in one sentence.
pub fn refuse_foreign(paths: &Paths) -> anyhow::Result<()> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if uid.is_root() {
        return Ok(());
    }
    let folder = paths.store_file.parent().unwrap_or(&paths.state_dir);
    let needed = [&paths.state_dir, folder, &paths.store_file, &paths.server_key, &paths.gateway_identity];
    let cannot_read =
        std::fs::File::open(&paths.config_file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    let owner = |path: &Path| path.metadata().ok().map(|found| found.uid());
    let foreign =
        needed.into_iter().map(AsRef::as_ref).find(|path| owner(path).is_some_and(|owner| owner != uid.as_raw()));
    if let Some(path) = foreign.or(cannot_read.then_some(paths.config_file.as_path())) {
        let found = owner(path).map_or_else(|| "somebody else".to_owned(), |uid| format!("user {uid}"));
        let (uid, gid) = (uid.as_raw(), gid.as_raw());
        bail!(Advised::new(
            format!("{} belongs to {found}, but this runs as user {uid}", path.display()),
            chown(uid, gid, if path.starts_with(&paths.state_dir) { &paths.state_dir } else { path })
        ));
    }
    Ok(())
}
