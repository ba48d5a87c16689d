//! Blocked devices in the store.

use std::collections::HashSet;
use std::sync::Arc;

use access::admission::Blocked;
use access::pairing::Block;
use async_trait::async_trait;
use protocol::DeviceId;
use protocol::refusal::BlockRefusal;
use sqlx::{FromRow, SqliteConnection};

use super::rows::{Reader, sql_json, sql_ms};
use super::{SqliteStore, StoreError};

/// Who stays out. Blocking and unblocking are events of the pairing machine.
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Whether a device is blocked, or its address. Every connect asks it.
    async fn find_block(&self, device_id: &DeviceId, address: &str) -> Result<Blocked, StoreError>;

    /// Writes down that blocked devices were refused, or new ones from their addresses.
    async fn record_knocks(&self, knocks: &[Knock]) -> Result<(), StoreError>;

    /// Newest first.
    async fn list_blocks(&self) -> Result<Vec<(DeviceId, Block)>, StoreError>;
}

/// What a blocked device, or a blocked address, has tried lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knock {
    /// A device's id, or an address.
    pub who: BlockedBy,
    pub times: u64,
    /// Unix epoch milliseconds.
    pub last_at_ms: u64,
}

/// What the block that refused somebody is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BlockedBy {
    Device(DeviceId),
    Address(String),
}

impl BlockedBy {
    /// Whom a refusal keeps out, if it does.
    pub fn in_refusal(refusal: &BlockRefusal) -> Option<Self> {
        match refusal {
            BlockRefusal::Device { device_id } => Some(Self::Device(device_id.clone())),
            BlockRefusal::Address { address } => Some(Self::Address(address.clone())),
            BlockRefusal::Denied
            | BlockRefusal::Itself
            | BlockRefusal::NoDevice
            | BlockRefusal::NoAddress
            | BlockRefusal::NotBlocked => None,
        }
    }
}

/// Everything that is blocked, to look up quickly.
#[derive(Debug, Default)]
pub(super) struct BlockIndex {
    devices: HashSet<String>,
    addresses: HashSet<String>,
}

impl BlockIndex {
    fn find(&self, device_id: &DeviceId, address: &str) -> Blocked {
        if self.devices.contains(device_id.as_str()) {
            Blocked::Device
        } else if self.addresses.contains(address) {
            Blocked::Address
        } else {
            Blocked::No
        }
    }
}

#[derive(FromRow)]
struct BlockRow {
    device_id: String,
    name: Option<String>,
    address: Option<String>,
    blocked_at_ms: i64,
    blocked_by: Option<String>,
    knocks: i64,
    last_knock_at_ms: Option<i64>,
}

impl BlockRow {
    fn into_block(self) -> Result<(DeviceId, Block), StoreError> {
        let reader = Reader { table: "blocked_devices", key: &self.device_id };
        let block = Block {
            blocked_at_ms: reader.ms(self.blocked_at_ms)?,
            by: reader.optional_json(self.blocked_by.as_deref())?,
            knocks: u64::try_from(self.knocks).map_err(|error| reader.damaged(error))?,
            last_knock_at_ms: reader.optional_ms(self.last_knock_at_ms)?,
            name: self.name,
            address: self.address,
        };
        Ok((DeviceId::claimed(self.device_id), block))
    }
}

#[async_trait]
impl BlockStore for SqliteStore {
    async fn find_block(&self, device_id: &DeviceId, address: &str) -> Result<Blocked, StoreError> {
        let stamp = match self.recent.blocks() {
            Ok(index) => return Ok(index.find(device_id, address)),
            Err(stamp) => stamp,
        };
        let mut index = BlockIndex::default();
        for (device_id, block) in self.list_blocks().await? {
            index.devices.insert(device_id.as_str().to_owned());
            index.addresses.extend(block.address);
        }
        let index = Arc::new(index);
        self.recent.remember_blocks(stamp, &index);
        Ok(index.find(device_id, address))
    }

    async fn record_knocks(&self, knocks: &[Knock]) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        for knock in knocks {
            let (device_id, address) = match &knock.who {
                BlockedBy::Device(device_id) => (Some(device_id.as_str()), None),
                BlockedBy::Address(address) => (None, Some(address.as_str())),
            };
            sqlx::query(
                "UPDATE blocked_devices SET knocks = knocks + ?, last_knock_at_ms = max(coalesce(last_knock_at_ms, 0), ?) \
                 WHERE device_id = ? OR address = ?",
            )
            .bind(sql_ms(knock.times))
            .bind(sql_ms(knock.last_at_ms))
            .bind(device_id)
            .bind(address)
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn list_blocks(&self) -> Result<Vec<(DeviceId, Block)>, StoreError> {
        let rows: Vec<BlockRow> =
            sqlx::query_as("SELECT * FROM blocked_devices ORDER BY blocked_at_ms DESC, device_id")
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(BlockRow::into_block).collect()
    }
}

pub(super) async fn load_block(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
) -> Result<Option<Block>, StoreError> {
    let row: Option<BlockRow> = sqlx::query_as("SELECT * FROM blocked_devices WHERE device_id = ?")
        .bind(device_id.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(BlockRow::into_block).transpose()?.map(|(_, block)| block))
}

pub(super) async fn save_block(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
    block: Option<&Block>,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM blocked_devices WHERE device_id = ?")
        .bind(device_id.as_str())
        .execute(&mut *connection)
        .await?;
    let Some(block) = block else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO blocked_devices (device_id, name, address, blocked_at_ms, blocked_by, knocks, last_knock_at_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(device_id.as_str())
    .bind(&block.name)
    .bind(&block.address)
    .bind(sql_ms(block.blocked_at_ms))
    .bind(block.by.as_ref().map(sql_json).transpose()?)
    .bind(sql_ms(block.knocks))
    .bind(block.last_knock_at_ms.map(sql_ms))
    .execute(connection)
    .await?;
    Ok(())
}
