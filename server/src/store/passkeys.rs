//! Passkeys in the store.

use async_trait::async_trait;
use protocol::Refusal;
use protocol::audit::Audited;
use protocol::method::{KnownCredential, MAX_PASSKEYS, Passkey};
use protocol::refusal::StepUpRefusal;
use sqlx::FromRow;

use super::audit::append;
use super::rows::{Reader, sql_json, sql_ms};
use super::{SqliteStore, StoreError};
use crate::passkey::counts_on;

/// A passkey with what its proofs are checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasskey {
    pub passkey: Passkey,
    /// A COSE key.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    pub transports: Vec<String>,
}

impl StoredPasskey {
    /// As browsers are told of it.
    pub fn known(&self) -> KnownCredential {
        KnownCredential { id: self.passkey.id.clone(), transports: self.transports.clone() }
    }
}

/// The owner's passkeys. Each method is one transaction, with its entry in the audit.
#[async_trait]
pub trait PasskeyStore: Send + Sync {
    /// The oldest first.
    async fn list_passkeys(&self) -> Result<Vec<StoredPasskey>, StoreError>;

    /// Refused if it is there already, or there are too many.
    async fn add_passkey(&self, passkey: &StoredPasskey, made: Audited) -> Result<(), StoreError>;

    /// False if there is none.
    async fn remove_passkey(&self, id: &str, removed: Audited, now_ms: u64) -> Result<bool, StoreError>;

    /// Notes that it was shown and how it counts now. False, and nothing changed, if it counted as far already or is
    /// gone: of two proofs at the same time one counts.
    async fn use_passkey(&self, id: &str, count: u32, used: Audited, now_ms: u64) -> Result<bool, StoreError>;
}

#[derive(FromRow)]
struct Row {
    credential_id: String,
    host: String,
    name: String,
    public_key: Vec<u8>,
    sign_count: i64,
    transports: String,
    created_at_ms: i64,
    last_used_at_ms: Option<i64>,
}

impl Row {
    fn into_passkey(self) -> Result<StoredPasskey, StoreError> {
        let key = self.credential_id.clone();
        let reader = Reader { table: "passkeys", key: &key };
        let damaged = |problem: String| StoreError::Damaged { table: "passkeys", key: key.clone(), problem };
        Ok(StoredPasskey {
            sign_count: u32::try_from(self.sign_count).map_err(|error| damaged(error.to_string()))?,
            transports: serde_json::from_str(&self.transports).map_err(|error| damaged(error.to_string()))?,
            passkey: Passkey {
                id: self.credential_id,
                name: self.name,
                host: self.host,
                created_at_ms: reader.ms(self.created_at_ms)?,
                last_used_at_ms: reader.optional_ms(self.last_used_at_ms)?,
            },
            public_key: self.public_key,
        })
    }
}

#[async_trait]
impl PasskeyStore for SqliteStore {
    async fn list_passkeys(&self) -> Result<Vec<StoredPasskey>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM passkeys ORDER BY created_at_ms, rowid").fetch_all(&self.pool).await?;
        rows.into_iter().map(Row::into_passkey).collect()
    }

    async fn add_passkey(&self, stored: &StoredPasskey, made: Audited) -> Result<(), StoreError> {
        let StoredPasskey { passkey, public_key, sign_count, transports } = stored;
        let refuse = |refusal| Err(StoreError::Refused(Refusal::StepUp(refusal)));
        let mut transaction = self.begin_write().await?;
        let (count, is_known): (i64, bool) =
            sqlx::query_as("SELECT count(*), coalesce(max(credential_id = ?), 0) FROM passkeys")
                .bind(&passkey.id)
                .fetch_one(&mut *transaction)
                .await?;
        if is_known {
            return refuse(StepUpRefusal::PasskeyKnown);
        }
        if count.unsigned_abs() >= MAX_PASSKEYS as u64 {
            return refuse(StepUpRefusal::TooMany);
        }
        sqlx::query(
            "INSERT INTO passkeys (credential_id, host, name, public_key, sign_count, transports, created_at_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&passkey.id)
        .bind(&passkey.host)
        .bind(&passkey.name)
        .bind(public_key)
        .bind(i64::from(*sign_count))
        .bind(sql_json(transports)?)
        .bind(sql_ms(passkey.created_at_ms))
        .execute(&mut *transaction)
        .await?;
        let seq = append(&mut transaction, made, passkey.created_at_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(())
    }

    async fn remove_passkey(&self, id: &str, removed: Audited, now_ms: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let done =
            sqlx::query("DELETE FROM passkeys WHERE credential_id = ?").bind(id).execute(&mut *transaction).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let seq = append(&mut transaction, removed, now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(true)
    }

    async fn use_passkey(&self, id: &str, count: u32, used: Audited, now_ms: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let before: Option<(i64,)> = sqlx::query_as("SELECT sign_count FROM passkeys WHERE credential_id = ?")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let before = before.and_then(|(before,)| u32::try_from(before).ok());
        if !before.is_some_and(|before| counts_on(before, count)) {
            return Ok(false);
        }
        sqlx::query("UPDATE passkeys SET sign_count = ?, last_used_at_ms = ? WHERE credential_id = ?")
            .bind(i64::from(count))
            .bind(sql_ms(now_ms))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let seq = append(&mut transaction, used, now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(true)
    }
}
