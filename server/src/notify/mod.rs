//! Telling the owner that somebody asks, while no page is open: Web Push to the browsers that subscribed, and a message
//! to `gateway.notify.url`.
//!
//! **Invariant:** nothing here holds the gateway up. Whoever decides about requests leaves a notice in a short queue
//! and goes on; what others do with it, or fail to do, happens in tasks of its own.

mod deliver;
mod due;
mod message;
mod seal;
mod vapid;

use std::sync::{Mutex, MutexGuard, PoisonError};

use access::pairing::Dropped;
use protocol::DeviceId;
use protocol::pairing::PendingRequest;
use tokio::sync::{Semaphore, mpsc};

use crate::state::AppState;
use due::{Due, Told};

pub use deliver::{Outcome, may_dial, push, tell_url};
pub use message::Notice;
pub use seal::{Recipient, SealError};
pub use vapid::VapidKey;

/// How many notices may wait. [`due`] lets few out, so more means that nothing goes out at all.
const MAX_QUEUED: usize = 32;

/// How many messages are under way at once. Each takes some kilobytes, and most of a second.
const MAX_UNDER_WAY: usize = 16;

/// Where notices are left, and what was told already.
#[derive(Debug)]
pub struct Notifier {
    told: Mutex<Told>,
    queue: mpsc::Sender<Notice>,
    /// Taken by whoever delivers.
    inbox: Mutex<Option<mpsc::Receiver<Notice>>>,
    under_way: Semaphore,
}

impl Default for Notifier {
    fn default() -> Self {
        let (queue, inbox) = mpsc::channel(MAX_QUEUED);
        Self { told: Mutex::default(), queue, inbox: Mutex::new(Some(inbox)), under_way: Semaphore::new(MAX_UNDER_WAY) }
    }
}

impl Notifier {
    /// Somebody asks. Called only after the commit.
    pub fn asked(&self, request: &PendingRequest, now_ms: u64) {
        let due = lock(&self.told).ask(&request.device_id, &request.request_id, now_ms);
        if due == Due::Now
            && let Some(notice) = Notice::of(request)
        {
            self.leave(notice);
        }
    }

    /// A request ended without a decision.
    pub fn dropped(&self, device_id: &DeviceId, request_id: &str, why: Dropped) {
        let mut told = lock(&self.told);
        match why {
            Dropped::Superseded => told.supersede(device_id),
            Dropped::Expired | Dropped::Removed | Dropped::Blocked | Dropped::CrowdedOut => {
                told.end(device_id, request_id);
            }
        }
    }

    pub fn decided(&self, device_id: &DeviceId, request_id: &str) {
        lock(&self.told).end(device_id, request_id);
    }

    /// Time has passed: those who came in a crowd may be told of.
    pub fn sweep(&self, now_ms: u64) {
        let held_back = lock(&self.told).take_held_back(now_ms);
        if let Some(count) = held_back {
            self.leave(Notice::Crowd { count });
        }
    }

    /// Nobody waits any more.
    pub fn forget_all(&self) {
        lock(&self.told).clear();
    }

    fn leave(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            tracing::warn!("Nobody is told of a request by a push: too many wait to be sent");
        }
    }
}

/// A poisoned lock only means that another task panicked while it held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Delivers what is left in the queue, until the gateway stops.
pub async fn deliver_all(state: AppState) {
    let inbox = lock(&state.notifier.inbox).take();
    let Some(mut inbox) = inbox else { return };
    loop {
        tokio::select! {
            Some(notice) = inbox.recv() => deliver::deliver(&state, &notice).await,
            () = state.stopping.cancelled() => return,
        }
    }
}
