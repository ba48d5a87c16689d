//! What the store does once in a while: taking over another gateway's devices, giving everything up, copying itself.

use std::path::Path;

use access::pairing::{Device, Pending};
use async_trait::async_trait;
use protocol::audit::{AuditAction, AuditAuthor, AuditGrant, Audited};
use protocol::method::RevokedDevice;
use protocol::{DeviceId, Role};
use sqlx::SqliteConnection;

use super::rows::sql_ms;
use super::sqlite::{save_device, save_pending};
use super::{SqliteStore, StoreError, audit};

/// A device of another gateway, with the tokens that it got there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedDevice {
    pub device: Device,
    pub tokens: Vec<ImportedToken>,
}

/// A token that another gateway gave out. It is good until the device's token of this role has another generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedToken {
    pub role: Role,
    pub generation: String,
    /// SHA-256 in hex.
    pub token_hash: String,
}

/// Why a device of another gateway is not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptOut {
    /// It is paired here already.
    Known,
    /// The owner wants to hear nothing of it.
    Blocked,
    /// It was paired here and then removed, at this time (Unix epoch, milliseconds).
    Removed { at_ms: u64 },
}

/// What was given up.
#[derive(Debug, Default)]
pub struct Renounced {
    pub revoked: Vec<RevokedDevice>,
    /// The requests that waited.
    pub requests: Vec<(DeviceId, String)>,
    /// How many one-time codes there were.
    pub codes: u64,
}

/// Rare work on the whole store. Each method is one transaction.
#[async_trait]
pub trait RecoveryStore: Send + Sync {
    /// The hash of the token that the device brought along in this role, if that still counts.
    async fn find_imported_token(
        &self,
        device_id: &DeviceId,
        role: Role,
        generation: &str,
    ) -> Result<Option<String>, StoreError>;

    /// Why [`RecoveryStore::import_device`] would not take this device over; `None` if it would.
    async fn find_kept_out(&self, device_id: &DeviceId) -> Result<Option<KeptOut>, StoreError>;

    /// Takes a device over. If something is returned, that is why not, and nothing was changed.
    async fn import_device(&self, imported: &ImportedDevice, now_ms: u64) -> Result<Option<KeptOut>, StoreError>;

    /// Takes a request over. False, and nothing changed, if it is known already or its device has one.
    async fn import_request(&self, pending: &Pending) -> Result<bool, StoreError>;

    /// Revokes every token, and deletes every request, code, node approval, push subscription and passkey. The records of the devices stay;
    /// `keep` stays approved, but gets a new token.
    async fn renounce(&self, keep: Option<&DeviceId>, now_ms: u64) -> Result<Renounced, StoreError>;

    /// Writes a consistent copy, while the store is in use, to a file that is empty or not there yet.
    async fn copy_to(&self, file: &Path) -> Result<(), StoreError>;
}

#[async_trait]
impl RecoveryStore for SqliteStore {
    async fn find_imported_token(
        &self,
        device_id: &DeviceId,
        role: Role,
        generation: &str,
    ) -> Result<Option<String>, StoreError> {
        let sql = "SELECT token_hash FROM imported_tokens WHERE device_id = ? AND role = ? AND generation = ?";
        let found: Option<(String,)> = sqlx::query_as(sql)
            .bind(device_id.as_str())
            .bind(role.as_str())
            .bind(generation)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(|(token_hash,)| token_hash))
    }

    async fn find_kept_out(&self, device_id: &DeviceId) -> Result<Option<KeptOut>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        kept_out(&mut connection, device_id).await
    }

    async fn import_device(&self, imported: &ImportedDevice, now_ms: u64) -> Result<Option<KeptOut>, StoreError> {
        let ImportedDevice { device, tokens } = imported;
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        let why = kept_out(&mut transaction, &device.device_id).await?;
        if why.is_some() {
            return Ok(why);
        }
        save_device(&mut transaction, &device.device_id, Some(device)).await?;
        for token in tokens {
            sqlx::query(
                "INSERT OR REPLACE INTO imported_tokens (device_id, role, generation, token_hash) VALUES (?, ?, ?, ?)",
            )
            .bind(device.device_id.as_str())
            .bind(token.role.as_str())
            .bind(&token.generation)
            .bind(&token.token_hash)
            .execute(&mut *transaction)
            .await?;
        }
        let name = device.shown(None).shown_name();
        let mut taken = Audited::new(AuditAction::Migrated, AuditAuthor::Owner);
        taken.granted = Some(AuditGrant { roles: device.roles.clone(), scopes: device.scopes.clone() });
        let seq = audit::append(&mut transaction, taken.about(device.device_id.clone(), Some(name)), now_ms).await?;
        transaction.commit().await?;
        self.recent.device_changed(&device.device_id, Some(device));
        self.audited(Some(seq));
        Ok(None)
    }

    async fn import_request(&self, pending: &Pending) -> Result<bool, StoreError> {
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        let known: Option<(i64,)> =
            sqlx::query_as("SELECT 1 FROM pending_requests WHERE device_id = ? OR request_id = ?")
                .bind(pending.ask.device_id.as_str())
                .bind(&pending.request_id)
                .fetch_optional(&mut *transaction)
                .await?;
        if known.is_some() {
            return Ok(false);
        }
        save_pending(&mut transaction, &pending.ask.device_id, Some(pending)).await?;
        transaction.commit().await?;
        self.recent.forget([&pending.ask.device_id]);
        Ok(true)
    }

    async fn renounce(&self, keep: Option<&DeviceId>, now_ms: u64) -> Result<Renounced, StoreError> {
        let keep = keep.map(DeviceId::as_str).unwrap_or_default();
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        let revoked: Vec<(String, String)> = sqlx::query_as(
            "SELECT device_id, coalesce(operator_label, display_name, client_id) FROM devices WHERE device_id <> ?1 \
             AND EXISTS (SELECT 1 FROM device_tokens WHERE device_tokens.device_id = devices.device_id \
             AND revoked_at_ms IS NULL) ORDER BY approved_at_ms DESC, device_id",
        )
        .bind(keep)
        .fetch_all(&mut *transaction)
        .await?;
        sqlx::query("UPDATE device_tokens SET revoked_at_ms = ?2 WHERE device_id <> ?1 AND revoked_at_ms IS NULL")
            .bind(keep)
            .bind(sql_ms(now_ms))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE device_tokens SET generation = lower(hex(randomblob(16))), rotated_at_ms = ?2 \
             WHERE device_id = ?1 AND revoked_at_ms IS NULL",
        )
        .bind(keep)
        .bind(sql_ms(now_ms))
        .execute(&mut *transaction)
        .await?;
        // Whoever lets a node in again is not shown what was once approved of it.
        sqlx::query(
            "UPDATE devices SET node_surface = NULL, pending_node_surface = NULL, pending_node_request_id = NULL, \
             expires_at_ms = CASE WHEN expires_at_ms <= ?2 THEN expires_at_ms END WHERE device_id <> ?1",
        )
        .bind(keep)
        .bind(sql_ms(now_ms))
        .execute(&mut *transaction)
        .await?;
        let requests: Vec<(String, String)> =
            sqlx::query_as("DELETE FROM pending_requests RETURNING device_id, request_id")
                .fetch_all(&mut *transaction)
                .await?;
        let mut codes = 0;
        // The codes of join URLs go first, because they hang on the others.
        for statement in ["DELETE FROM join_codes", "DELETE FROM bootstrap_tokens", "DELETE FROM owner_links"] {
            codes += sqlx::query(statement).execute(&mut *transaction).await?.rows_affected();
        }
        // The key they were made for is about to be another one, or is one already; and nobody knows who added a passkey.
        for statement in ["DELETE FROM imported_tokens", "DELETE FROM push_subscriptions", "DELETE FROM passkeys"] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        let seq = audit::append(&mut transaction, panicked(&revoked, requests.len(), codes), now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        self.recent.forget_all();
        let revoked = revoked.into_iter();
        let requests = requests.into_iter();
        Ok(Renounced {
            revoked: revoked.map(|(id, name)| RevokedDevice { device_id: DeviceId::claimed(id), name }).collect(),
            requests: requests.map(|(id, request_id)| (DeviceId::claimed(id), request_id)).collect(),
            codes,
        })
    }

    async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO ?").bind(file.to_string_lossy()).execute(&self.pool).await?;
        Ok(())
    }
}

async fn kept_out(connection: &mut SqliteConnection, device_id: &DeviceId) -> Result<Option<KeptOut>, StoreError> {
    let (is_known, is_blocked, removed_at_ms): (bool, bool, Option<i64>) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM devices WHERE device_id = ?1), \
         EXISTS (SELECT 1 FROM blocked_devices WHERE device_id = ?1), \
         (SELECT removed_at_ms FROM removed_devices WHERE device_id = ?1)",
    )
    .bind(device_id.as_str())
    .fetch_one(connection)
    .await?;
    Ok(if is_known {
        Some(KeptOut::Known)
    } else if is_blocked {
        Some(KeptOut::Blocked)
    } else {
        removed_at_ms.map(|at_ms| KeptOut::Removed { at_ms: at_ms.unsigned_abs() })
    })
}

/// Notes when a device was removed here, or that it is back.
pub(super) async fn note_removal(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
    removed_at_ms: Option<u64>,
) -> Result<(), StoreError> {
    let change = match removed_at_ms {
        Some(at_ms) => sqlx::query("INSERT OR REPLACE INTO removed_devices (device_id, removed_at_ms) VALUES (?, ?)")
            .bind(device_id.as_str())
            .bind(sql_ms(at_ms)),
        None => sqlx::query("DELETE FROM removed_devices WHERE device_id = ?").bind(device_id.as_str()),
    };
    change.execute(connection).await?;
    Ok(())
}

/// How many devices a panic names; more are counted.
const NAMED: usize = 20;

/// What a panic came to, for the record.
fn panicked(revoked: &[(String, String)], requests: usize, codes: u64) -> Audited {
    let named: Vec<&str> = revoked.iter().take(NAMED).map(|(_, name)| name.as_str()).collect();
    let more = revoked.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let devices = if named.is_empty() { "no device".to_owned() } else { format!("{}{more}", named.join(", ")) };
    let note = format!("revoked: {devices}; requests dropped: {requests}; codes made worthless: {codes}");
    Audited::new(AuditAction::Panic, AuditAuthor::Owner).noting(note)
}
