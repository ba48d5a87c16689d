//! One-time codes in the store: their hashes, whose they are, and what came of them (wire.md §10).

use access::bootstrap::{BootstrapToken, Presentation};
use async_trait::async_trait;
use protocol::audit::Audited;
use protocol::event::SetupCompleted;
use protocol::method::SetupStatus;
use protocol::{BootstrapProfile, DeviceId, SETUP_OUTCOME_LIFETIME_MS};
use sqlx::{FromRow, SqliteConnection};

use super::rows::{Reader, sql_json, sql_ms};
use super::{SqliteStore, StoreError, audit};

/// A code that was just made. The code itself is nowhere but in the hands of who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    pub code_hash: String,
    pub setup_id: String,
    pub profile: BootstrapProfile,
    /// Unix epoch, milliseconds.
    pub expires_at_ms: u64,
}

/// A join URL that was just made for a setup code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJoinCode {
    pub code_hash: String,
    pub setup_id: String,
    pub target: JoinTarget,
}

/// Where a join URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinTarget {
    /// The gateway's normalized address.
    pub url: String,
    /// SHA-256 of its certificate in hex, if no authority vouches for that.
    pub tls_fingerprint: Option<String>,
}

/// A join URL that was just used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentJoinCode {
    pub setup_id: String,
    pub target: JoinTarget,
    /// When the setup code that it is good for expires. Unix epoch, milliseconds.
    pub expires_at_ms: u64,
}

/// One-time codes. Each method is one transaction.
#[async_trait]
pub trait CodeStore: Send + Sync {
    /// Stores a code that was made, and who had it made.
    async fn add_code(&self, code: &NewCode, made: Audited, now_ms: u64) -> Result<(), StoreError>;

    /// Binds the code to who shows it first. `None` where it is not good for that; then nothing changes.
    async fn claim_code(
        &self,
        code_hash: &str,
        shown: &Presentation,
        now_ms: u64,
    ) -> Result<Option<BootstrapProfile>, StoreError>;

    /// Spends a code that the device has claimed, and writes down who used it. False, and nothing written, if that
    /// was done before.
    async fn redeem_code(
        &self,
        code_hash: &str,
        device_id: &DeviceId,
        used: Audited,
        now_ms: u64,
    ) -> Result<bool, StoreError>;

    /// Notes that the device which spent the code is in. The result is what its maker is told.
    async fn complete_setup(
        &self,
        code_hash: &str,
        device_name: Option<&str>,
        now_ms: u64,
    ) -> Result<Option<SetupCompleted>, StoreError>;

    /// What came of a setup code, as long as that is remembered.
    async fn find_setup(&self, setup_id: &str, now_ms: u64) -> Result<SetupStatus, StoreError>;

    async fn add_join_code(&self, code: &NewJoinCode) -> Result<(), StoreError>;

    /// Spends a join code: the setup it belongs to gets a new code, and its old one is worth nothing any
    /// more. `None` if the join code is unknown or spent, or its setup is used or too old.
    async fn redeem_join_code(
        &self,
        code_hash: &str,
        new_code_hash: &str,
        now_ms: u64,
    ) -> Result<Option<SpentJoinCode>, StoreError>;
}

#[derive(FromRow)]
struct CodeRow {
    setup_id: String,
    profile: String,
    expires_at_ms: i64,
    device_id: Option<String>,
    role: Option<String>,
    scopes: Option<String>,
    redeemed_at_ms: Option<i64>,
    device_name: Option<String>,
    completed_at_ms: Option<i64>,
}

impl CodeRow {
    fn reader(&self) -> Reader<'_> {
        Reader { table: "bootstrap_tokens", key: &self.setup_id }
    }

    fn profile(&self) -> Result<BootstrapProfile, StoreError> {
        BootstrapProfile::parse(&self.profile).ok_or_else(|| self.reader().damaged("unknown profile"))
    }

    fn token(&self) -> Result<BootstrapToken, StoreError> {
        let reader = self.reader();
        let bound = match (&self.device_id, &self.role, &self.scopes) {
            (Some(device_id), Some(role), Some(scopes)) => Some(Presentation {
                device_id: DeviceId::claimed(device_id.clone()),
                role: reader.role(role)?,
                scopes: reader.json(scopes)?,
            }),
            _ => None,
        };
        Ok(BootstrapToken {
            profile: self.profile()?,
            expires_at_ms: reader.ms(self.expires_at_ms)?,
            bound,
            redeemed_at_ms: reader.optional_ms(self.redeemed_at_ms)?,
        })
    }

    /// How it ended, and whether the device is known to have heard of it.
    fn outcome(&self) -> Result<Option<(SetupCompleted, bool)>, StoreError> {
        let reader = self.reader();
        let (Some(device_id), Some(redeemed_at_ms)) = (&self.device_id, reader.optional_ms(self.redeemed_at_ms)?)
        else {
            return Ok(None);
        };
        let completed_at_ms = reader.optional_ms(self.completed_at_ms)?;
        let completed = SetupCompleted {
            setup_id: self.setup_id.clone(),
            device_id: DeviceId::claimed(device_id.clone()),
            device_name: self.device_name.clone(),
            access: self.profile()?.access(),
            ts: completed_at_ms.unwrap_or(redeemed_at_ms),
        };
        Ok(Some((completed, completed_at_ms.is_some())))
    }
}

#[async_trait]
impl CodeStore for SqliteStore {
    async fn add_code(&self, code: &NewCode, made: Audited, now_ms: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        forget_old(&mut transaction, now_ms).await?;
        sqlx::query("INSERT INTO bootstrap_tokens (code_hash, setup_id, profile, expires_at_ms) VALUES (?, ?, ?, ?)")
            .bind(&code.code_hash)
            .bind(&code.setup_id)
            .bind(code.profile.as_str())
            .bind(sql_ms(code.expires_at_ms))
            .execute(&mut *transaction)
            .await?;
        let made = Audited { setup_id: Some(code.setup_id.clone()), ..made };
        let seq = audit::append(&mut transaction, made, now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(())
    }

    async fn claim_code(
        &self,
        code_hash: &str,
        shown: &Presentation,
        now_ms: u64,
    ) -> Result<Option<BootstrapProfile>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let row: Option<CodeRow> = sqlx::query_as("SELECT * FROM bootstrap_tokens WHERE code_hash = ?")
            .bind(code_hash)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let Some(bound) = row.token()?.shown_by(shown, now_ms) else {
            return Ok(None);
        };
        if let (None, Some(bound)) = (&row.device_id, &bound.bound) {
            sqlx::query("UPDATE bootstrap_tokens SET device_id = ?, role = ?, scopes = ? WHERE code_hash = ?")
                .bind(bound.device_id.as_str())
                .bind(bound.role.as_str())
                .bind(sql_json(&bound.scopes)?)
                .bind(code_hash)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        Ok(Some(bound.profile))
    }

    async fn redeem_code(
        &self,
        code_hash: &str,
        device_id: &DeviceId,
        used: Audited,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let redeemed: Option<(String,)> = sqlx::query_as(
            "UPDATE bootstrap_tokens SET redeemed_at_ms = ?1 \
             WHERE code_hash = ?2 AND device_id = ?3 AND redeemed_at_ms IS NULL AND expires_at_ms > ?1 \
             RETURNING setup_id",
        )
        .bind(sql_ms(now_ms))
        .bind(code_hash)
        .bind(device_id.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((setup_id,)) = redeemed else {
            return Ok(false);
        };
        let used = Audited { setup_id: Some(setup_id), ..used };
        let seq = audit::append(&mut transaction, used, now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(true)
    }

    async fn complete_setup(
        &self,
        code_hash: &str,
        device_name: Option<&str>,
        now_ms: u64,
    ) -> Result<Option<SetupCompleted>, StoreError> {
        let row: Option<CodeRow> = sqlx::query_as(
            "UPDATE bootstrap_tokens SET completed_at_ms = ?, device_name = ? \
             WHERE code_hash = ? AND redeemed_at_ms IS NOT NULL RETURNING *",
        )
        .bind(sql_ms(now_ms))
        .bind(device_name)
        .bind(code_hash)
        .fetch_optional(&self.pool)
        .await?;
        let outcome = row.map(|row| row.outcome()).transpose()?.flatten();
        Ok(outcome.map(|(completed, _)| completed))
    }

    async fn find_setup(&self, setup_id: &str, now_ms: u64) -> Result<SetupStatus, StoreError> {
        let mut transaction = self.begin_write().await?;
        forget_old(&mut transaction, now_ms).await?;
        let row: Option<CodeRow> = sqlx::query_as("SELECT * FROM bootstrap_tokens WHERE setup_id = ?")
            .bind(setup_id)
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let outcome = row.map(|row| row.outcome()).transpose()?.flatten();
        Ok(match outcome {
            None => SetupStatus::default(),
            Some((completed, true)) => SetupStatus { completion: Some(completed), ..SetupStatus::default() },
            Some((completed, false)) => SetupStatus { delivery_uncertain: Some(completed), ..SetupStatus::default() },
        })
    }

    async fn add_join_code(&self, code: &NewJoinCode) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO join_codes (code_hash, setup_id, url, tls_fingerprint) VALUES (?, ?, ?, ?)")
            .bind(&code.code_hash)
            .bind(&code.setup_id)
            .bind(&code.target.url)
            .bind(&code.target.tls_fingerprint)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn redeem_join_code(
        &self,
        code_hash: &str,
        new_code_hash: &str,
        now_ms: u64,
    ) -> Result<Option<SpentJoinCode>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let spent: Option<(String, String, Option<String>)> =
            sqlx::query_as("DELETE FROM join_codes WHERE code_hash = ? RETURNING setup_id, url, tls_fingerprint")
                .bind(code_hash)
                .fetch_optional(&mut *transaction)
                .await?;
        let Some((setup_id, url, tls_fingerprint)) = spent else {
            return Ok(None);
        };
        let renewed: Option<(i64,)> = sqlx::query_as(
            "UPDATE bootstrap_tokens SET code_hash = ? \
             WHERE setup_id = ? AND device_id IS NULL AND redeemed_at_ms IS NULL AND expires_at_ms > ? \
             RETURNING expires_at_ms",
        )
        .bind(new_code_hash)
        .bind(&setup_id)
        .bind(sql_ms(now_ms))
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let Some((expires_at_ms,)) = renewed else {
            return Ok(None);
        };
        let expires_at_ms = Reader { table: "bootstrap_tokens", key: &setup_id }.ms(expires_at_ms)?;
        Ok(Some(SpentJoinCode { setup_id, target: JoinTarget { url, tls_fingerprint }, expires_at_ms }))
    }
}

/// Makes the codes worthless that a device holds and has not spent: a person said no to it.
pub(super) async fn revoke_codes_of(connection: &mut SqliteConnection, device_id: &DeviceId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM bootstrap_tokens WHERE device_id = ? AND redeemed_at_ms IS NULL")
        .bind(device_id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Codes that ran out, and outcomes that nobody asks for any more.
async fn forget_old(connection: &mut SqliteConnection, now_ms: u64) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM bootstrap_tokens WHERE (redeemed_at_ms IS NULL AND expires_at_ms <= ?1) \
         OR coalesce(completed_at_ms, redeemed_at_ms) + ?2 <= ?1",
    )
    .bind(sql_ms(now_ms))
    .bind(sql_ms(SETUP_OUTCOME_LIFETIME_MS))
    .execute(connection)
    .await?;
    Ok(())
}
