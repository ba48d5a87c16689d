//! The log: one line per event on standard error, in JSON where no person reads along, and in the state
//! directory for `logs.tail`.

use std::io::IsTerminal;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use crate::log_file;

/// Logs to the file alone: what a command does while no gateway runs. Without the file nothing is logged, and
/// the reason is returned; it must not keep an owner from their devices.
pub fn start_quietly(file: &Path) -> std::io::Result<WorkerGuard> {
    let (to_file, guard) = log_file::open(file)?;
    // A second start in the same process keeps the first one's log.
    let _ = registry().with(LevelFilter::INFO).with(to_file).try_init();
    Ok(guard)
}

/// Starts logging. Secrets have no way into it: their type shows nothing. What is returned has to be held
/// until the end; with it goes the last line to the file.
#[must_use]
pub fn start(verbose: bool, file: &Path) -> Option<WorkerGuard> {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    // When nobody reads the log any more, a complaint about that would be a panic.
    let lines = fmt::layer().with_target(false).with_writer(std::io::stderr).log_internal_errors(false);
    let to_stderr = if std::io::stderr().is_terminal() {
        lines.boxed()
    } else {
        lines.with_ansi(false).json().flatten_event(true).boxed()
    };
    let (to_file, guard, problem) = match log_file::open(file) {
        Ok((layer, guard)) => (Some(layer), Some(guard), None),
        Err(error) => (None, None, Some(error)),
    };
    // A second start in the same process keeps the first one's log.
    let _ = registry().with(level).with(to_stderr).with(to_file).try_init();
    if let Some(error) = problem {
        tracing::warn!("The log goes to standard error only, because {} cannot be written: {error}", file.display());
    }
    guard
}
