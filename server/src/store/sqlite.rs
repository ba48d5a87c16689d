//! The embedded store: `SQLite` in WAL mode, one file in the state directory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::DevicePairing;
use access::pairing::{Device, Effect, PairingEvent, Pending, Token, step};
use async_trait::async_trait;
use protocol::{DeviceId, PAIRING_LIFETIME_MS};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::audit;
use super::blocks::{load_block, save_block};
use super::codes;
use super::crowding::make_room;
use super::recent::Recent;
use super::recovery::note_removal;
use super::rows::{DeviceRow, DeviceWithTokens, PendingRow, TokenRow, sql_json, sql_ms};
use super::subscriptions::end_subscriptions;
use super::waiting;
use super::{Applied, Counts, Pairings, Seen, Store, StoreError};

/// One connection writes while another reads; more would only cost memory.
const MAX_CONNECTIONS: u32 = 2;

/// How long a writer waits for another process, for instance a command line that works offline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
    pub(super) recent: Recent,
    /// Held from the start of a change until it is remembered, so that of two commits the later one is
    /// also remembered later. The file takes one writer at a time anyway.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// The number of the newest entry of the audit since the store was opened.
    pub(super) audit_news: tokio::sync::watch::Sender<u64>,
}

impl SqliteStore {
    /// Opens the file, creates it if it is missing, and brings its layout up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Every commit reaches the disk before it is acknowledged, also if the power fails.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", "-512");
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            // A file does not go away between two questions as a server might.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        // A store that a newer gateway has added to is opened all the same: migrations only ever add.
        sqlx::migrate!("./migrations").set_ignore_missing(true).run(&pool).await?;
        let audit_news = tokio::sync::watch::Sender::new(0);
        Ok(Self { pool, recent: Recent::new(), changing: tokio::sync::Mutex::new(()), audit_news })
    }

    /// A transaction that takes the write lock at once, so that it never has to be tried again.
    pub(super) async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn find_device(&self, device_id: &DeviceId) -> Result<Option<Device>, StoreError> {
        let stamp = match self.recent.find(device_id) {
            Ok(device) => return Ok(Some(device)),
            Err(stamp) => stamp,
        };
        let row: Option<DeviceWithTokens> = sqlx::query_as(
            "SELECT *, (SELECT json_group_array(json_object('device_id', device_id, 'role', role, 'generation', generation, \
             'scopes', scopes, 'issuer', issuer, 'created_at_ms', created_at_ms, 'rotated_at_ms', rotated_at_ms, \
             'revoked_at_ms', revoked_at_ms, 'last_used_at_ms', last_used_at_ms)) FROM device_tokens \
             WHERE device_tokens.device_id = devices.device_id) AS tokens FROM devices WHERE device_id = ?",
        )
        .bind(device_id.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let device = row.map(DeviceWithTokens::into_device).transpose()?;
        if let Some(device) = &device {
            self.recent.remember(stamp, device);
        }
        Ok(device)
    }

    async fn find_pairing(&self, device_id: &DeviceId) -> Result<DevicePairing, StoreError> {
        let mut connection = self.pool.acquire().await?;
        load(&mut connection, device_id).await
    }

    async fn find_device_of_request(&self, request_id: &str) -> Result<Option<DeviceId>, StoreError> {
        let found: Option<(String,)> = sqlx::query_as("SELECT device_id FROM pending_requests WHERE request_id = ?")
            .bind(request_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(|(device_id,)| DeviceId::claimed(device_id)))
    }

    async fn find_node_of_request(&self, request_id: &str) -> Result<Option<DeviceId>, StoreError> {
        let found: Option<(String,)> =
            sqlx::query_as("SELECT device_id FROM devices WHERE pending_node_request_id = ?")
                .bind(request_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.map(|(device_id,)| DeviceId::claimed(device_id)))
    }

    async fn apply(&self, device_id: &DeviceId, event: PairingEvent, now_ms: u64) -> Result<Applied, StoreError> {
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        let before = load(&mut transaction, device_id).await?;
        let is_turned_away = matches!(
            event,
            PairingEvent::Reject { .. }
                | PairingEvent::Remove { .. }
                | PairingEvent::Block { .. }
                | PairingEvent::Supersede { .. }
                | PairingEvent::Undo { .. }
        );
        let audited = access::audit::of(&before, device_id, &event);
        let (after, effects) = step(before.clone(), event, now_ms).map_err(StoreError::Refused)?;
        let mut effects: Vec<(DeviceId, Effect)> =
            effects.into_iter().map(|effect| (device_id.clone(), effect)).collect();
        // First, while the store still knows what everyone is called.
        let audited = match audited {
            Some(audited) => {
                Some(audit::append(&mut transaction, access::audit::with_grant(audited, &after), now_ms).await?)
            }
            None => None,
        };
        if before.paired != after.paired {
            save_device(&mut transaction, device_id, after.paired.as_ref()).await?;
            if before.paired.is_none() || after.paired.is_none() {
                note_removal(&mut transaction, device_id, after.paired.is_none().then_some(now_ms)).await?;
            }
        }
        if before.pending != after.pending {
            save_pending(&mut transaction, device_id, after.pending.as_ref()).await?;
            if let Some(pending) = &after.pending {
                effects.extend(make_room(&mut transaction, pending).await?);
            }
        }
        let is_block_changed = before.blocked != after.blocked;
        if is_block_changed {
            save_block(&mut transaction, device_id, after.blocked.as_ref()).await?;
        }
        if is_turned_away {
            codes::revoke_codes_of(&mut transaction, device_id).await?;
        }
        transaction.commit().await?;
        if is_block_changed {
            self.recent.blocks_changed();
        }
        self.recent.device_changed(device_id, after.paired.as_ref());
        self.audited(audited);
        Ok(Applied { before, pairing: after, effects })
    }

    async fn list_waiting(&self) -> Result<Pairings, StoreError> {
        if let Ok(all) = self.recent.pairings() {
            let offering = all.paired.iter().filter(|device| device.pending_surface.is_some());
            return Ok(Pairings { pending: all.pending.clone(), paired: offering.cloned().collect() });
        }
        waiting::list(&self.pool).await
    }

    async fn find_superseded(&self, device_id: &DeviceId, until_ms: u64) -> Result<Vec<DeviceId>, StoreError> {
        waiting::find_superseded(&self.pool, device_id, until_ms).await
    }

    async fn list_pairings(&self) -> Result<Arc<Pairings>, StoreError> {
        let stamp = match self.recent.pairings() {
            Ok(pairings) => return Ok(pairings),
            Err(stamp) => stamp,
        };
        let mut connection = self.pool.acquire().await?;
        let tokens: Vec<TokenRow> =
            sqlx::query_as("SELECT * FROM device_tokens ORDER BY role").fetch_all(&mut *connection).await?;
        let mut tokens_by_device: HashMap<String, Vec<Token>> = HashMap::new();
        for row in tokens {
            tokens_by_device.entry(row.device_id.clone()).or_default().push(row.into_token()?);
        }
        let devices: Vec<DeviceRow> = sqlx::query_as("SELECT * FROM devices ORDER BY approved_at_ms DESC, device_id")
            .fetch_all(&mut *connection)
            .await?;
        let paired: Vec<Device> = devices
            .into_iter()
            .map(|row| {
                let tokens = tokens_by_device.remove(row.key()).unwrap_or_default();
                row.into_device(tokens)
            })
            .collect::<Result<_, _>>()?;
        let rows: Vec<PendingRow> = sqlx::query_as("SELECT * FROM pending_requests ORDER BY ts DESC, request_id")
            .fetch_all(&mut *connection)
            .await?;
        let known: HashMap<&DeviceId, &Device> = paired.iter().map(|device| (&device.device_id, device)).collect();
        let pending = rows
            .into_iter()
            .map(|row| {
                let pending = row.into_pending()?;
                let device = known.get(&pending.ask.device_id).map(|device| (*device).clone());
                Ok((pending, device))
            })
            .collect::<Result<_, StoreError>>()?;
        let pairings = Arc::new(Pairings { pending, paired });
        self.recent.remember_pairings(stamp, &pairings);
        Ok(pairings)
    }

    async fn count_pairings(&self) -> Result<Counts, StoreError> {
        let (pending, paired): (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM pending_requests), (SELECT count(*) FROM devices)")
                .fetch_one(&self.pool)
                .await?;
        Ok(Counts { pending: pending.unsigned_abs(), paired: paired.unsigned_abs() })
    }

    async fn find_expired_requests(&self, now_ms: u64) -> Result<Vec<DeviceId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT device_id FROM pending_requests WHERE coalesce(refreshed_at_ms, ts) + ? <= ?")
                .bind(sql_ms(PAIRING_LIFETIME_MS))
                .bind(sql_ms(now_ms))
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(device_id,)| DeviceId::claimed(device_id)).collect())
    }

    async fn find_ended_approvals(&self, now_ms: u64) -> Result<Vec<DeviceId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT device_id FROM devices WHERE expires_at_ms <= ? AND EXISTS (SELECT 1 FROM device_tokens \
             WHERE device_tokens.device_id = devices.device_id AND revoked_at_ms IS NULL)",
        )
        .bind(sql_ms(now_ms))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(device_id,)| DeviceId::claimed(device_id)).collect())
    }

    async fn mark_seen(&self, request_ids: &[String], now_ms: u64) -> Result<(), StoreError> {
        for request_id in request_ids {
            sqlx::query("UPDATE pending_requests SET seen_at_ms = ? WHERE request_id = ? AND seen_at_ms IS NULL")
                .bind(sql_ms(now_ms))
                .bind(request_id)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    async fn record_seen(&self, seen: &[Seen]) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        for one in seen {
            sqlx::query(
                "UPDATE devices SET last_seen_at_ms = ?, last_seen_reason = ?, display_name = coalesce(?, display_name), \
                 platform = coalesce(?, platform), device_family = coalesce(?, device_family), \
                 last_connected_at_ms = coalesce(?, last_connected_at_ms), \
                 last_disconnected_at_ms = coalesce(?, last_disconnected_at_ms), \
                 last_seen_address = coalesce(?, last_seen_address) WHERE device_id = ?",
            )
            .bind(sql_ms(one.at_ms))
            .bind(&one.reason)
            .bind(&one.display_name)
            .bind(&one.platform)
            .bind(&one.device_family)
            .bind(one.node_connected_at_ms.map(sql_ms))
            .bind(one.node_disconnected_at_ms.map(sql_ms))
            .bind(&one.address)
            .bind(one.device_id.as_str())
            .execute(&mut *transaction)
            .await?;
            sqlx::query("UPDATE device_tokens SET last_used_at_ms = ? WHERE device_id = ? AND role = ?")
                .bind(sql_ms(one.at_ms))
                .bind(one.device_id.as_str())
                .bind(one.role.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.recent.forget(seen.iter().map(|one| &one.device_id));
        Ok(())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn load(connection: &mut SqliteConnection, device_id: &DeviceId) -> Result<DevicePairing, StoreError> {
    let device: Option<DeviceRow> = sqlx::query_as("SELECT * FROM devices WHERE device_id = ?")
        .bind(device_id.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let paired = match device {
        None => None,
        Some(row) => {
            let tokens: Vec<TokenRow> = sqlx::query_as("SELECT * FROM device_tokens WHERE device_id = ? ORDER BY role")
                .bind(device_id.as_str())
                .fetch_all(&mut *connection)
                .await?;
            let tokens = tokens.into_iter().map(TokenRow::into_token).collect::<Result<_, _>>()?;
            Some(row.into_device(tokens)?)
        }
    };
    let pending: Option<PendingRow> = sqlx::query_as("SELECT * FROM pending_requests WHERE device_id = ?")
        .bind(device_id.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let blocked = load_block(connection, device_id).await?;
    Ok(DevicePairing { paired, pending: pending.map(PendingRow::into_pending).transpose()?, blocked })
}

pub(super) async fn save_device(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
    device: Option<&Device>,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM devices WHERE device_id = ?").bind(device_id.as_str()).execute(&mut *connection).await?;
    end_subscriptions(connection, device_id, device).await?;
    let Some(device) = device else {
        let forget = sqlx::query("DELETE FROM imported_tokens WHERE device_id = ?");
        forget.bind(device_id.as_str()).execute(&mut *connection).await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO devices (device_id, public_key, display_name, operator_label, platform, device_family, client_id, \
         client_mode, role, roles, scopes, remote_ip, approved_via, created_at_ms, approved_at_ms, last_seen_at_ms, \
         last_seen_reason, node_surface, pending_node_surface, pending_node_request_id, last_connected_at_ms, \
         last_disconnected_at_ms, approval, last_seen_address, expires_at_ms, withheld_scopes) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(device_id.as_str())
    .bind(&device.public_key)
    .bind(&device.display_name)
    .bind(&device.operator_label)
    .bind(&device.platform)
    .bind(&device.device_family)
    .bind(&device.client_id)
    .bind(&device.client_mode)
    .bind(device.role.as_str())
    .bind(sql_json(&device.roles)?)
    .bind(sql_json(&device.scopes)?)
    .bind(&device.remote_ip)
    .bind(device.approved_via.as_str())
    .bind(sql_ms(device.created_at_ms))
    .bind(sql_ms(device.approved_at_ms))
    .bind(device.last_seen_at_ms.map(sql_ms))
    .bind(&device.last_seen_reason)
    .bind(device.surface.as_ref().map(sql_json).transpose()?)
    .bind(device.pending_surface.as_ref().map(sql_json).transpose()?)
    .bind(device.pending_surface.as_ref().map(|pending| pending.request_id.as_str()))
    .bind(device.last_connected_at_ms.map(sql_ms))
    .bind(device.last_disconnected_at_ms.map(sql_ms))
    .bind(device.approval.as_ref().map(sql_json).transpose()?)
    .bind(&device.last_seen_address)
    .bind(device.expires_at_ms.map(sql_ms))
    .bind((!device.withheld.is_empty()).then(|| sql_json(&device.withheld)).transpose()?)
    .execute(&mut *connection)
    .await?;
    for token in &device.tokens {
        sqlx::query(
            "INSERT INTO device_tokens (device_id, role, generation, scopes, issuer, created_at_ms, rotated_at_ms, \
             revoked_at_ms, last_used_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(device_id.as_str())
        .bind(token.role.as_str())
        .bind(&token.generation)
        .bind(sql_json(&token.scopes)?)
        .bind(&token.issuer)
        .bind(sql_ms(token.created_at_ms))
        .bind(token.rotated_at_ms.map(sql_ms))
        .bind(token.revoked_at_ms.map(sql_ms))
        .bind(token.last_used_at_ms.map(sql_ms))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes a device's request. One that is only refreshed stays "seen".
pub(super) async fn save_pending(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
    pending: Option<&Pending>,
) -> Result<(), StoreError> {
    let kept = pending.map(|pending| pending.request_id.as_str()).unwrap_or_default();
    sqlx::query("DELETE FROM pending_requests WHERE device_id = ? AND request_id <> ?")
        .bind(device_id.as_str())
        .bind(kept)
        .execute(&mut *connection)
        .await?;
    let Some(pending) = pending else {
        return Ok(());
    };
    let ask = &pending.ask;
    sqlx::query(
        "INSERT INTO pending_requests (request_id, device_id, public_key, display_name, platform, device_family, \
         client_id, client_mode, role, roles, scopes, reason, has_secret, is_direct_local, is_repair, address, origin, \
         user_agent, node_offer, attempts, ts, refreshed_at_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (request_id) DO UPDATE SET display_name = excluded.display_name, platform = excluded.platform, \
         device_family = excluded.device_family, client_id = excluded.client_id, client_mode = excluded.client_mode, \
         reason = excluded.reason, has_secret = excluded.has_secret, is_direct_local = excluded.is_direct_local, \
         address = excluded.address, origin = excluded.origin, user_agent = excluded.user_agent, \
         node_offer = excluded.node_offer, \
         attempts = excluded.attempts, refreshed_at_ms = excluded.refreshed_at_ms",
    )
    .bind(&pending.request_id)
    .bind(device_id.as_str())
    .bind(&ask.public_key)
    .bind(&ask.display_name)
    .bind(&ask.platform)
    .bind(&ask.device_family)
    .bind(&ask.client_id)
    .bind(&ask.client_mode)
    .bind(ask.role.as_str())
    .bind(sql_json(&pending.roles)?)
    .bind(sql_json(&ask.scopes)?)
    .bind(ask.reason.as_str())
    .bind(ask.has_secret)
    .bind(ask.is_direct_local)
    .bind(pending.is_repair)
    .bind(&ask.origin.address)
    .bind(sql_json(&ask.origin)?)
    .bind(&ask.user_agent)
    .bind(ask.node.as_ref().map(sql_json).transpose()?)
    .bind(i64::from(pending.attempts))
    .bind(sql_ms(pending.ts))
    .bind(pending.refreshed_at_ms.map(sql_ms))
    .execute(&mut *connection)
    .await?;
    Ok(())
}
