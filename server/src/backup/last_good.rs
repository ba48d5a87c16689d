//! Copies of the store that the gateway makes by itself: the newest after every decision, and one for each of the
//! last days. The newest is what a store that cannot be read is replaced with.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::clock::stamp;
use crate::config::Paths;
use crate::state::AppState;
use crate::store;

/// How many days have a copy of their own.
const KEPT_DAYS: usize = 3;

/// How often it is looked whether a new day has begun.
const INTERVAL: Duration = Duration::from_hours(1);

/// How long it rests after a copy, in terms of what that took, so that a large store is not copied all the time.
const REST: u32 = 10;

const NEWEST: &str = "last-good.sqlite";
const DRAFT: &str = "last-good.new";
const DAY_PREFIX: &str = "day-";
const SUFFIX: &str = ".sqlite";

/// A sound copy of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub file: PathBuf,
    /// When it was made, Unix epoch milliseconds.
    pub at_ms: u64,
    /// How many devices are paired in it.
    pub devices: u64,
}

/// Whether something was decided that no copy knows of yet.
#[derive(Debug, Default)]
pub struct LastGood {
    is_stale: AtomicBool,
    changed: Notify,
}

impl LastGood {
    /// To be called after each commit of a decision.
    pub fn note_change(&self) {
        self.is_stale.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::SeqCst)
    }
}

/// The newest copy that can be read, for `doctor` and for a store that cannot. Copies that are damaged themselves
/// are passed over.
pub async fn newest_sound(paths: &Paths) -> Option<Copy> {
    for file in newest_first(&paths.backups) {
        if let Ok(counts) = store::check(&file).await {
            return Some(Copy { at_ms: written_at_ms(&file), devices: counts.paired, file });
        }
    }
    None
}

/// Makes a copy when the gateway starts, after each decision, and every day, until the gateway stops.
pub async fn keep(state: AppState) {
    let mut looks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = state.last_good.changed.notified() => {}
            () = state.stopping.cancelled() => return,
        }
        let began = Instant::now();
        save_or_warn(&state).await;
        tokio::select! {
            () = tokio::time::sleep(began.elapsed() * REST) => {}
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Makes a copy; where that fails the log says so, and the gateway goes on.
pub async fn save_or_warn(state: &AppState) {
    if let Err(error) = save(state).await {
        tracing::warn!("The store could not be copied to {}: {error:#}", state.paths.backups.display());
    }
}

async fn save(state: &AppState) -> anyhow::Result<()> {
    let folder = &state.paths.backups;
    crate::start::private_folder(folder)?;
    state.last_good.is_stale.store(false, Ordering::SeqCst);
    // Always the same name, which only the holder of the state directory uses: what a process that was killed has
    // left is replaced by the next one.
    let draft = folder.join(DRAFT);
    let journal = folder.join(format!("{DRAFT}-journal"));
    for left in [&draft, &journal] {
        match std::fs::remove_file(left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    state.store.copy_to(&draft).await?;
    file.sync_all()?;
    let newest = folder.join(NEWEST);
    std::fs::rename(&draft, &newest)?;
    let day = stamp(state.clock.now_ms());
    let today = folder.join(format!("{DAY_PREFIX}{}{SUFFIX}", day.get(..8).unwrap_or(&day)));
    if !today.exists() {
        // Another link to the same copy: the next one is a new file, so this one stays as it is.
        std::fs::hard_link(&newest, &today)?;
        for old in days(folder).into_iter().skip(KEPT_DAYS) {
            std::fs::remove_file(old)?;
        }
    }
    Ok(())
}

/// The copies of single days, newest first.
fn days(folder: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_day = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(DAY_PREFIX) && name.ends_with(SUFFIX)
    };
    let mut days: Vec<PathBuf> = names.filter(is_day).collect();
    days.sort_by(|a, b| b.cmp(a));
    days
}

fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![folder.join(NEWEST)];
    files.extend(days(folder));
    files.retain(|file| file.is_file());
    files
}

fn written_at_ms(file: &Path) -> u64 {
    let modified = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
