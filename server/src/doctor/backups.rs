//! The last good copy of the store, to go back to.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::config::Paths;

/// A copy of the store that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGood {
    pub path: PathBuf,
    /// Unix epoch milliseconds.
    pub made_at_ms: u64,
}

/// Where copies of the store lie.
pub fn folder(paths: &Paths) -> PathBuf {
    paths.state_dir.join("backups")
}

/// Copies of the store, newest first. Whether one is sound is for the caller to find out.
pub fn candidates(paths: &Paths) -> Vec<LastGood> {
    let Ok(files) = std::fs::read_dir(folder(paths)) else { return Vec::new() };
    let mut found: Vec<LastGood> = files.flatten().filter_map(|file| candidate(&file.path())).collect();
    found.sort_by_key(|copy| std::cmp::Reverse(copy.made_at_ms));
    found
}

fn candidate(path: &Path) -> Option<LastGood> {
    if path.extension()? != "sqlite" {
        return None;
    }
    let changed = path.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(LastGood { path: path.to_owned(), made_at_ms: u64::try_from(changed.as_millis()).ok()? })
}
