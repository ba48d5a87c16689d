//! Putting a backup back. Everything is checked and written beside its place before the first file changes; what
//! is replaced is moved aside under a name of its own.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::archive::Verified;
use super::{STORE, contents, free_name};
use crate::clock::stamp;
use crate::config::Paths;

/// A file that has another content now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    pub file: PathBuf,
    /// Where the one before is, if there was one.
    pub before: Option<PathBuf>,
}

/// Puts every file of the backup in its place. The caller holds the state directory.
pub fn restore(verified: &Verified, paths: &Paths, now_ms: u64) -> anyhow::Result<Vec<Replaced>> {
    let mut steps = Vec::new();
    for (name, path) in contents(paths) {
        if verified.manifest.files.iter().any(|file| file.name == name) {
            // A link stays a link: what it leads to is replaced.
            let target = path.canonicalize().unwrap_or(path);
            steps.push((name, prepare(&verified.file(name), &target)?, target));
        }
    }
    let suffix = format!(".before-restore-{}", stamp(now_ms));
    let mut replaced = Vec::new();
    for (name, draft, target) in steps {
        let before = free_name(&target, &suffix);
        let had_one = target.exists();
        if had_one {
            // A second name first: whatever happens now, there is always a whole file under the first one.
            std::fs::hard_link(&target, &before)
                .with_context(|| format!("{} cannot be kept as {}", target.display(), before.display()))?;
        }
        if name == STORE {
            move_journal(&target, &before)?;
        }
        draft.persist(&target).with_context(|| format!("{} cannot be written", target.display()))?;
        sync_folder(&target)?;
        replaced.push(Replaced { file: target, before: had_one.then_some(before) });
    }
    Ok(replaced)
}

/// The new content beside its place, on the disk.
fn prepare(from: &Path, target: &Path) -> anyhow::Result<tempfile::NamedTempFile> {
    let folder = target.parent().unwrap_or_else(|| Path::new("."));
    let prepare = || -> std::io::Result<tempfile::NamedTempFile> {
        std::fs::create_dir_all(folder)?;
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        std::io::copy(&mut std::fs::File::open(from)?, &mut draft)?;
        draft.as_file().sync_all()?;
        Ok(draft)
    };
    prepare().with_context(|| format!("{} cannot be written to; nothing was changed", folder.display()))
}

/// What `SQLite` keeps beside a store belongs to that store and would spoil another.
fn move_journal(store: &Path, before: &Path) -> anyhow::Result<()> {
    for suffix in ["-wal", "-shm"] {
        let named = |file: &Path| {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        match std::fs::rename(named(store), named(before)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be moved", named(store).display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn sync_folder(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(file.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
}
