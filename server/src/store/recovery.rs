//! What the store does once in a while: taking over another gateway's devices, giving everything up, copying itself.

use std::path::Path;

use access::pairing::{Device, Pending};
use async_trait::async_trait;
use protocol::method::RevokedDevice;
use protocol::{DeviceId, Role};

use super::rows::sql_ms;
use super::sqlite::{save_device, save_pending};
use super::{SqliteStore, StoreError};

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

    /// Takes a device over. False, and nothing changed, if it is known already.
    async fn import_device(&self, imported: &ImportedDevice) -> Result<bool, StoreError>;

    /// Takes a request over. False, and nothing changed, if it is known already or its device has one.
    async fn import_request(&self, pending: &Pending) -> Result<bool, StoreError>;

    /// Revokes every token, and deletes every request, code, node approval and push subscription. The records of the devices stay;
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

    async fn import_device(&self, imported: &ImportedDevice) -> Result<bool, StoreError> {
        let ImportedDevice { device, tokens } = imported;
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        let known: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM devices WHERE device_id = ?")
            .bind(device.device_id.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        if known.is_some() {
            return Ok(false);
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
        transaction.commit().await?;
        self.recent.device_changed(&device.device_id, Some(device));
        Ok(true)
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
            "UPDATE devices SET node_surface = NULL, pending_node_surface = NULL, pending_node_request_id = NULL \
             WHERE device_id <> ?",
        )
        .bind(keep)
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
        // The key they were made for is about to be another one, or is one already.
        for statement in ["DELETE FROM imported_tokens", "DELETE FROM push_subscriptions"] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
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
