//! The approvals of the last half minute, which can still be undone. They are not stored: after a restart nobody
//! remembers what was clicked a moment before it, and removing a device is always possible.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use access::pairing::Undoable;
use protocol::UNDO_LIFETIME_MS;

/// How many are remembered, the newest: more than anybody clicks in that time, and little to keep.
const CAPACITY: usize = 256;

#[derive(Debug, Default)]
pub struct RecentApprovals(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    request_id: String,
    at_ms: u64,
    undoable: Undoable,
}

impl RecentApprovals {
    /// Remembers one. The result is until when it can be undone, Unix epoch milliseconds.
    pub fn add(&self, request_id: String, undoable: Undoable, now_ms: u64) -> u64 {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.at_ms + UNDO_LIFETIME_MS >= now_ms);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(Entry { request_id, at_ms: now_ms, undoable });
        now_ms + UNDO_LIFETIME_MS
    }

    /// The approval of a request, if it is recent enough to be undone.
    pub fn find(&self, request_id: &str, now_ms: u64) -> Option<Undoable> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |entry: &&Entry| entry.request_id == request_id && entry.at_ms + UNDO_LIFETIME_MS >= now_ms;
        entries.iter().find(is_meant).map(|entry| entry.undoable.clone())
    }

    pub fn forget(&self, request_id: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.request_id != request_id);
    }
}
