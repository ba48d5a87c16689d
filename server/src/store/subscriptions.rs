//! Push subscriptions in the store.
//!
//! **Invariant:** a subscription is its device's. It goes when the device goes, or is no operator any more.

use access::pairing::Device;
use async_trait::async_trait;
use protocol::{DeviceId, Role};
use sqlx::{FromRow, SqliteConnection};

use super::rows::{Reader, sql_ms};
use super::{SqliteStore, StoreError};

/// How many subscriptions a device may have: browsers forget them without a word. The oldest makes room.
pub const MAX_SUBSCRIPTIONS_PER_DEVICE: i64 = 4;

/// A browser that is told while no page is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub endpoint: String,
    pub device_id: DeviceId,
    /// The browser's P-256 key and its secret, in base64url.
    pub p256dh: String,
    pub auth: String,
    /// The gateway's key that it subscribed to, in base64url.
    pub server_key: String,
    /// The origin of the page that subscribed.
    pub page: Option<String>,
    pub created_at_ms: u64,
}

/// Who is told while no page is open. Each method is one transaction.
#[async_trait]
pub trait SubscriptionStore: Send + Sync {
    /// Adds one, or replaces the one with its endpoint.
    async fn add_subscription(&self, subscription: &Subscription) -> Result<(), StoreError>;

    /// Newest first.
    async fn list_subscriptions(&self) -> Result<Vec<Subscription>, StoreError>;

    /// False if there was none of that device, or of any.
    async fn remove_subscription(&self, endpoint: &str, device_id: Option<&DeviceId>) -> Result<bool, StoreError>;
}

#[derive(FromRow)]
struct Row {
    endpoint: String,
    device_id: String,
    p256dh: String,
    auth: String,
    server_key: String,
    page: Option<String>,
    created_at_ms: i64,
}

impl Row {
    fn into_subscription(self) -> Result<Subscription, StoreError> {
        let reader = Reader { table: "push_subscriptions", key: &self.device_id };
        Ok(Subscription {
            created_at_ms: reader.ms(self.created_at_ms)?,
            device_id: DeviceId::claimed(self.device_id),
            endpoint: self.endpoint,
            p256dh: self.p256dh,
            auth: self.auth,
            server_key: self.server_key,
            page: self.page,
        })
    }
}

#[async_trait]
impl SubscriptionStore for SqliteStore {
    async fn add_subscription(&self, subscription: &Subscription) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT OR REPLACE INTO push_subscriptions (endpoint, device_id, p256dh, auth, server_key, page, created_at_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&subscription.endpoint)
        .bind(subscription.device_id.as_str())
        .bind(&subscription.p256dh)
        .bind(&subscription.auth)
        .bind(&subscription.server_key)
        .bind(&subscription.page)
        .bind(sql_ms(subscription.created_at_ms))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM push_subscriptions WHERE rowid IN (SELECT rowid FROM push_subscriptions WHERE device_id = ? \
             ORDER BY created_at_ms DESC, rowid DESC LIMIT -1 OFFSET ?)",
        )
        .bind(subscription.device_id.as_str())
        .bind(MAX_SUBSCRIPTIONS_PER_DEVICE)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn list_subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM push_subscriptions ORDER BY created_at_ms DESC, rowid DESC")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(Row::into_subscription).collect()
    }

    async fn remove_subscription(&self, endpoint: &str, device_id: Option<&DeviceId>) -> Result<bool, StoreError> {
        let sql = "DELETE FROM push_subscriptions WHERE endpoint = ?1 AND (?2 IS NULL OR device_id = ?2)";
        let done = sqlx::query(sql).bind(endpoint).bind(device_id.map(DeviceId::as_str)).execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }
}

/// Ends the subscriptions of a device that is gone, or is no operator any more.
pub(super) async fn end_subscriptions(
    connection: &mut SqliteConnection,
    device_id: &DeviceId,
    device: Option<&Device>,
) -> Result<(), StoreError> {
    if device.is_some_and(|device| device.live_token(Role::Operator).is_some()) {
        return Ok(());
    }
    sqlx::query("DELETE FROM push_subscriptions WHERE device_id = ?")
        .bind(device_id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
