//! The time, as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in Unix epoch milliseconds. Tests hold one that they can move.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// A clock that stands still until it is moved.
    pub fn fixed(now_ms: u64) -> Self {
        Self { fixed: Some(Arc::new(AtomicU64::new(now_ms))) }
    }

    pub fn advance_ms(&self, by: u64) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(by, Ordering::SeqCst);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place that everything else takes the time from")]
    pub fn now_ms(&self) -> u64 {
        match &self.fixed {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// A moment in Unix epoch milliseconds, in the spelling of RFC 3339, in UTC.
pub fn rfc3339(at_ms: u64) -> String {
    moment(at_ms).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The same without the parts of a second.
pub fn rfc3339_seconds(at_ms: u64) -> String {
    moment(at_ms).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn moment(at_ms: u64) -> chrono::DateTime<chrono::Utc> {
    i64::try_from(at_ms).ok().and_then(chrono::DateTime::from_timestamp_millis).unwrap_or_default()
}
