//! What every part of the server shares: cheap handles, nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use protocol::{DeviceId, Role};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backup::last_good::LastGood;
use crate::clock::Clock;
use crate::config::live::Live;
use crate::config::{Config, Paths};
use crate::gateway::attempts::Attempts;
use crate::gateway::limits::{RateLimiter, Unauthenticated, WriteLimiter};
use crate::gateway::minting::Minting;
use crate::gateway::nodes::invoke::Invocations;
use crate::gateway::recent_approvals::RecentApprovals;
use crate::gateway::registry::Registry;
use crate::http::passed_on::RecentlyPassedOn;
use crate::http::plain::PlainSessions;
use crate::keys::ServerKey;
use crate::notify::Notifier;
use crate::store::{BlockedBy, Knock, Seen, Store, StoreError};
use crate::system::SystemProbe;
use crate::tailscale::Exposed;

/// How a gateway ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Stop,
    /// It starts again, with the same arguments.
    Restart,
}

#[derive(Clone)]
pub struct AppState {
    pub config: watch::Receiver<Arc<Config>>,
    pub live: Arc<Live>,
    pub paths: Arc<Paths>,
    pub store: Arc<dyn Store>,
    pub registry: Arc<Registry>,
    pub limiter: Arc<RateLimiter>,
    pub unauthenticated: Arc<Unauthenticated>,
    pub passed_on: Arc<RecentlyPassedOn>,
    pub minting: Arc<Minting>,
    /// Who came lately, and what became of it.
    pub attempts: Arc<Attempts>,
    pub write_limiter: Arc<WriteLimiter>,
    pub system: Arc<SystemProbe>,
    /// The gateway's own key.
    pub identity: Arc<client::Identity>,
    pub server_key: ServerKey,
    pub clock: Clock,
    pub started: Instant,
    /// The port that was really bound, which tests leave to the operating system.
    pub port: u16,
    /// Cancelled when the gateway stops.
    pub stopping: CancellationToken,
    /// How the owner wants it to end, once the owner does.
    pub ending: Arc<watch::Sender<Option<Ending>>>,
    /// Where Tailscale leads here, once it does.
    pub exposed: Arc<OnceLock<Exposed>>,
    pub tasks: TaskTracker,
    pub seen: Arc<SeenLog>,
    pub knocks: Arc<KnockLog>,
    pub approvals: Arc<RecentApprovals>,
    pub invocations: Arc<Invocations>,
    pub last_good: Arc<LastGood>,
    pub plain_sessions: Arc<PlainSessions>,
    pub notifier: Arc<Notifier>,
    /// What this machine calls itself.
    pub host_name: Arc<str>,
}

impl AppState {
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Writes down who got in since the last time.
    pub async fn flush_seen(&self) -> Result<(), StoreError> {
        let seen = self.seen.take();
        if seen.is_empty() { Ok(()) } else { self.store.record_seen(&seen).await }
    }

    /// Writes down who knocked in vain since the last time.
    pub async fn flush_knocks(&self) -> Result<(), StoreError> {
        let knocks = self.knocks.take();
        if knocks.is_empty() { Ok(()) } else { self.store.record_knocks(&knocks).await }
    }
}

/// How often those were refused lately who are blocked. It is written behind, so that whoever knocks all day costs no
/// write to disk for each knock.
#[derive(Debug, Default)]
pub struct KnockLog(Mutex<HashMap<BlockedBy, (u64, u64)>>);

impl KnockLog {
    pub fn add(&self, who: BlockedBy, at_ms: u64) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (times, last_at_ms) = log.entry(who).or_default();
        *times += 1;
        *last_at_ms = at_ms;
    }

    fn take(&self) -> Vec<Knock> {
        let log = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        log.into_iter().map(|(who, (times, last_at_ms))| Knock { who, times, last_at_ms }).collect()
    }
}

/// Who came, went or gave a sign of life lately. It is written behind, so that a connect costs no write to disk.
#[derive(Debug, Default)]
pub struct SeenLog(Mutex<HashMap<(DeviceId, Role), Seen>>);

impl SeenLog {
    pub fn add(&self, seen: Seen) {
        let key = (seen.device_id.clone(), seen.role);
        let mut log = self.lock();
        let seen = match log.remove(&key) {
            Some(earlier) => seen.after(earlier),
            None => seen,
        };
        log.insert(key, seen);
    }

    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(DeviceId, Role), Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
