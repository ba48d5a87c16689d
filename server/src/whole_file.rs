//! Files that are replaced in one step.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// How the name begins of what will replace this file. One that is left behind belongs to a program that died.
pub fn unfinished(path: &Path) -> String {
    format!(".{}.unfinished-", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Replaces a file; after a crash there is the old content or the new, never half. Without `permissions` it is
/// for its owner alone. It belongs to whom the old one, or else the folder, belongs to: what root writes for
/// somebody stays theirs.
pub fn replace(path: &Path, content: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(&unfinished(path)).tempfile_in(folder)?;
    let owner = path.metadata().or_else(|_| folder.metadata())?;
    if owner.uid() != file.as_file().metadata()?.uid() {
        // Only root may give files away; anybody else keeps what they write.
        let _ = fchown(file.as_file(), Some(owner.uid()), Some(owner.gid()));
    }
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}
