//! The log: one line per event on standard error, in JSON where no person reads along.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

/// Starts logging. Secrets have no way into it: their type shows nothing.
pub fn start(verbose: bool) {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    // When nobody reads the log any more, a complaint about that would be a panic.
    let log = fmt().with_max_level(level).with_target(false).with_writer(std::io::stderr).log_internal_errors(false);
    // A second start in the same process keeps the first one's log.
    let _ = if std::io::stderr().is_terminal() {
        log.try_init()
    } else {
        log.with_ansi(false).json().flatten_event(true).try_init()
    };
}
