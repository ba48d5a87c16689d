//! What waits for a person, without a look at all who are in; and who is not needed any more.

use std::collections::HashMap;

use access::pairing::{Device, Token};
use protocol::DeviceId;
use sqlx::SqlitePool;

use super::rows::{DeviceRow, PendingRow, TokenRow, sql_ms};
use super::{Pairings, StoreError};

pub(super) async fn list(pool: &SqlitePool) -> Result<Pairings, StoreError> {
    let mut connection = pool.acquire().await?;
    // Those that offer something, and those that ask for more.
    let rows: Vec<DeviceRow> = sqlx::query_as(
        "SELECT * FROM devices WHERE pending_node_request_id IS NOT NULL \
         OR device_id IN (SELECT device_id FROM pending_requests) ORDER BY approved_at_ms DESC, device_id",
    )
    .fetch_all(&mut *connection)
    .await?;
    let tokens: Vec<TokenRow> = sqlx::query_as(
        "SELECT * FROM device_tokens WHERE device_id IN (SELECT device_id FROM devices \
         WHERE pending_node_request_id IS NOT NULL OR device_id IN (SELECT device_id FROM pending_requests)) \
         ORDER BY role",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tokens_by_device: HashMap<String, Vec<Token>> = HashMap::new();
    for row in tokens {
        tokens_by_device.entry(row.device_id.clone()).or_default().push(row.into_token()?);
    }
    let read = |row: DeviceRow| {
        let tokens = tokens_by_device.remove(row.key()).unwrap_or_default();
        row.into_device(tokens)
    };
    let concerned: Vec<Device> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    let rows: Vec<PendingRow> = sqlx::query_as("SELECT * FROM pending_requests ORDER BY ts DESC, request_id")
        .fetch_all(&mut *connection)
        .await?;
    let with_device = |row: PendingRow| {
        let pending = row.into_pending()?;
        let device = concerned.iter().find(|device| device.device_id == pending.ask.device_id).cloned();
        Ok((pending, device))
    };
    let pending = rows.into_iter().map(with_device).collect::<Result<_, StoreError>>()?;
    let paired = concerned.iter().filter(|device| device.pending_surface.is_some()).cloned().collect();
    Ok(Pairings { pending, paired })
}

pub(super) async fn find_superseded(
    pool: &SqlitePool,
    device_id: &DeviceId,
    until_ms: u64,
) -> Result<Vec<DeviceId>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT other.device_id FROM devices AS own JOIN devices AS other \
         ON lower(other.client_id) = lower(own.client_id) AND lower(other.client_mode) = lower(own.client_mode) \
         AND lower(coalesce(other.display_name, '')) = lower(coalesce(own.display_name, '')) \
         WHERE own.device_id = ? AND other.device_id <> own.device_id AND other.approved_via = 'silent' \
         AND other.operator_label IS NULL AND other.approved_at_ms < ?",
    )
    .bind(device_id.as_str())
    .bind(sql_ms(until_ms))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(device_id,)| DeviceId::claimed(device_id)).collect())
}
