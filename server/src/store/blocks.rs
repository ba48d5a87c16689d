//! Blocked devices in the store.

use std::collections::HashSet;
use std::sync::Arc;

use access::admission::Blocked;
use access::pairing::Block;
use async_trait::async_trait;
use protocol::DeviceId;
use sqlx::{FromRow, SqliteConnection};

use super::rows::{Reader, sql_json, sql_ms};
use super::{SqliteStore, StoreError};

/// Who stays out. Blocking and unblocking are events of the pairing machine.
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Whether a device is blocked, or its address. Every connect asks it.
    async fn find_block(&self, device_id: &DeviceId, address: &str) -> Result<Blocked, StoreError>;

    /// Newest first.
    async fn list_blocks(&self) -> Result<Vec<(DeviceId, Block)>, StoreError>;
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
}

impl BlockRow {
    fn into_block(self) -> Result<(DeviceId, Block), StoreError> {
        let reader = Reader { table: "blocked_devices", key: &self.device_id };
        let block = Block {
            blocked_at_ms: reader.ms(self.blocked_at_ms)?,
            by: reader.optional_json(self.blocked_by.as_deref())?,
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
        "INSERT INTO blocked_devices (device_id, name, address, blocked_at_ms, blocked_by) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(device_id.as_str())
    .bind(&block.name)
    .bind(&block.address)
    .bind(sql_ms(block.blocked_at_ms))
    .bind(block.by.as_ref().map(sql_json).transpose()?)
    .execute(connection)
    .await?;
    Ok(())
}
