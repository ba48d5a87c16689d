//! What must survive a restart: devices, their token generations, requests that wait, one-time codes, and what was
//! decided.
//!
//! **Invariant:** a change is committed before anybody hears of it. Nothing above the trait may assume
//! that it is the only writer.

mod audit;
mod blocks;
mod codes;
pub mod crowding;
mod passkeys;
mod recent;
mod recovery;
mod rescue;
mod rows;
mod sqlite;
mod subscriptions;
mod waiting;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use access::DevicePairing;
use access::pairing::{Device, Effect, PairingEvent, Pending};
use async_trait::async_trait;
use protocol::{DeviceId, Refusal, Role};

pub use audit::AuditStore;
pub use blocks::{BlockStore, BlockedBy, Knock};
pub use codes::{CodeStore, JoinTarget, NewCode, NewJoinCode, SpentJoinCode};
pub use passkeys::{PasskeyStore, StoredPasskey};
pub use recovery::{ImportedDevice, ImportedToken, KeptOut, RecoveryStore, Renounced};
pub use rescue::{Rescue, check};
pub use sqlite::SqliteStore;
pub use subscriptions::{MAX_SUBSCRIPTIONS_PER_DEVICE, Subscription, SubscriptionStore};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The rules say no; nothing was changed.
    #[error("{}", .0.message())]
    Refused(Refusal),
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the store's layout could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file is no database any more.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// A row that this version cannot read.
    #[error("the row of `{key}` in {table} is damaged: {problem}")]
    Damaged { table: &'static str, key: String, problem: String },
}

impl StoreError {
    /// What to tell the peer. Failures of the store itself are logged, not explained.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::Database(_) | Self::Migration(_) | Self::Unreadable(_) | Self::Damaged { .. } => {
                tracing::error!(error = %self, "The pairing store failed");
                Refusal::StoreUnavailable
            }
        }
    }
}

/// A stored change: the state before and after, and what has to be done now, device by device.
#[derive(Debug)]
pub struct Applied {
    pub before: DevicePairing,
    pub pairing: DevicePairing,
    pub effects: Vec<(DeviceId, Effect)>,
}

/// Everything that waits or is in.
#[derive(Debug, Default)]
pub struct Pairings {
    /// Newest first, each with what is stored of its device.
    pub pending: Vec<(Pending, Option<Device>)>,
    pub paired: Vec<Device>,
}

/// A sign of life of a device; written behind, a moment later. What is `None` stays as it was.
#[derive(Debug, Clone)]
pub struct Seen {
    pub device_id: DeviceId,
    pub role: Role,
    pub at_ms: u64,
    /// `connect`, `disconnect`, or what a node gave as its reason.
    pub reason: String,
    pub display_name: Option<String>,
    pub platform: Option<String>,
    pub device_family: Option<String>,
    pub node_connected_at_ms: Option<u64>,
    pub node_disconnected_at_ms: Option<u64>,
    pub address: Option<String>,
}

impl Seen {
    pub fn new(device_id: DeviceId, role: Role, at_ms: u64, reason: impl Into<String>) -> Self {
        Self {
            device_id,
            role,
            at_ms,
            reason: reason.into(),
            display_name: None,
            platform: None,
            device_family: None,
            node_connected_at_ms: None,
            node_disconnected_at_ms: None,
            address: None,
        }
    }

    /// This and what was seen before it, as one.
    #[must_use]
    pub fn after(self, earlier: Self) -> Self {
        Self {
            display_name: self.display_name.or(earlier.display_name),
            platform: self.platform.or(earlier.platform),
            device_family: self.device_family.or(earlier.device_family),
            node_connected_at_ms: self.node_connected_at_ms.or(earlier.node_connected_at_ms),
            node_disconnected_at_ms: self.node_disconnected_at_ms.or(earlier.node_disconnected_at_ms),
            address: self.address.or(earlier.address),
            ..self
        }
    }
}

/// The store. Method names say what they do; each is one transaction.
#[async_trait]
pub trait Store: CodeStore + BlockStore + RecoveryStore + AuditStore + SubscriptionStore + PasskeyStore {
    /// The device, if it was approved. One query, because every connect asks it.
    async fn find_device(&self, device_id: &DeviceId) -> Result<Option<Device>, StoreError>;

    /// Everything that is stored of one device.
    async fn find_pairing(&self, device_id: &DeviceId) -> Result<DevicePairing, StoreError>;

    async fn find_device_of_request(&self, request_id: &str) -> Result<Option<DeviceId>, StoreError>;

    /// The node whose offer waits under this id.
    async fn find_node_of_request(&self, request_id: &str) -> Result<Option<DeviceId>, StoreError>;

    /// Runs one event through the pairing machine and stores the outcome, or changes nothing. A decision is written
    /// down with it.
    async fn apply(&self, device_id: &DeviceId, event: PairingEvent, now_ms: u64) -> Result<Applied, StoreError>;

    /// The requests and nodes' offers that wait, as in [`Store::list_pairings`], without the devices that want nothing.
    async fn list_waiting(&self) -> Result<Pairings, StoreError>;

    /// The devices that came in without asking, before `until_ms`, and are the same to people as this one: kind, mode
    /// and name.
    async fn find_superseded(&self, device_id: &DeviceId, until_ms: u64) -> Result<Vec<DeviceId>, StoreError>;

    async fn list_pairings(&self) -> Result<Arc<Pairings>, StoreError>;

    async fn count_pairings(&self) -> Result<Counts, StoreError>;

    /// The devices whose requests ran out by `now_ms`.
    async fn find_expired_requests(&self, now_ms: u64) -> Result<Vec<DeviceId>, StoreError>;

    /// The devices whose approval has ended by `now_ms`, and that nobody has acted upon yet.
    async fn find_ended_approvals(&self, now_ms: u64) -> Result<Vec<DeviceId>, StoreError>;

    /// Notes that these requests were shown to somebody who may decide.
    async fn mark_seen(&self, request_ids: &[String], now_ms: u64) -> Result<(), StoreError>;

    async fn record_seen(&self, seen: &[Seen]) -> Result<(), StoreError>;

    /// Finishes what is under way and closes the files.
    async fn close(&self);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub pending: u64,
    pub paired: u64,
}
