//! Rows to records and back.

use access::pairing::{Ask, Device, Pending, Token};
use protocol::pairing::{ApprovedVia, PairingReason};
use protocol::{DeviceId, Role};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;

use super::StoreError;

#[derive(FromRow)]
pub(super) struct DeviceRow {
    device_id: String,
    public_key: String,
    display_name: Option<String>,
    operator_label: Option<String>,
    platform: String,
    device_family: Option<String>,
    client_id: String,
    client_mode: String,
    role: String,
    roles: String,
    scopes: String,
    remote_ip: Option<String>,
    approved_via: String,
    created_at_ms: i64,
    approved_at_ms: i64,
    last_seen_at_ms: Option<i64>,
    last_seen_reason: Option<String>,
    node_surface: Option<String>,
    pending_node_surface: Option<String>,
    last_connected_at_ms: Option<i64>,
    last_disconnected_at_ms: Option<i64>,
    approval: Option<String>,
    last_seen_address: Option<String>,
    expires_at_ms: Option<i64>,
    withheld_scopes: Option<String>,
}

/// A device and its tokens as one row; the tokens are a JSON list of [`TokenRow`]s.
#[derive(FromRow)]
pub(super) struct DeviceWithTokens {
    #[sqlx(flatten)]
    device: DeviceRow,
    tokens: String,
}

#[derive(FromRow, Deserialize)]
pub(super) struct TokenRow {
    pub(super) device_id: String,
    role: String,
    generation: String,
    scopes: String,
    issuer: Option<String>,
    created_at_ms: i64,
    rotated_at_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
    last_used_at_ms: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct PendingRow {
    request_id: String,
    device_id: String,
    public_key: String,
    display_name: Option<String>,
    platform: String,
    device_family: Option<String>,
    client_id: String,
    client_mode: String,
    role: String,
    roles: String,
    scopes: String,
    reason: String,
    has_secret: bool,
    is_direct_local: bool,
    is_repair: bool,
    origin: String,
    user_agent: Option<String>,
    node_offer: Option<String>,
    attempts: i64,
    ts: i64,
    refreshed_at_ms: Option<i64>,
}

/// Names the row that a damaged value stands in.
pub(super) struct Reader<'a> {
    pub(super) table: &'static str,
    pub(super) key: &'a str,
}

impl Reader<'_> {
    pub(super) fn damaged(&self, problem: impl std::fmt::Display) -> StoreError {
        StoreError::Damaged { table: self.table, key: self.key.to_owned(), problem: problem.to_string() }
    }

    pub(super) fn json<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.damaged(error))
    }

    pub(super) fn optional_json<T: DeserializeOwned>(&self, text: Option<&str>) -> Result<Option<T>, StoreError> {
        text.map(|text| self.json(text)).transpose()
    }

    pub(super) fn role(&self, text: &str) -> Result<Role, StoreError> {
        Role::parse(text).ok_or_else(|| self.damaged(format!("unknown role `{text}`")))
    }

    pub(super) fn ms(&self, value: i64) -> Result<u64, StoreError> {
        u64::try_from(value).map_err(|error| self.damaged(error))
    }

    pub(super) fn optional_ms(&self, value: Option<i64>) -> Result<Option<u64>, StoreError> {
        value.map(|value| self.ms(value)).transpose()
    }
}

impl DeviceWithTokens {
    pub(super) fn into_device(self) -> Result<Device, StoreError> {
        let reader = Reader { table: "device_tokens", key: &self.device.device_id };
        let tokens: Vec<TokenRow> = reader.json(&self.tokens)?;
        let tokens = tokens.into_iter().map(TokenRow::into_token).collect::<Result<_, _>>()?;
        self.device.into_device(tokens)
    }
}

impl DeviceRow {
    pub(super) fn key(&self) -> &str {
        &self.device_id
    }

    pub(super) fn into_device(self, tokens: Vec<Token>) -> Result<Device, StoreError> {
        let reader = Reader { table: "devices", key: &self.device_id };
        let approved_via = ApprovedVia::parse(&self.approved_via);
        Ok(Device {
            role: reader.role(&self.role)?,
            roles: reader.json(&self.roles)?,
            scopes: reader.json(&self.scopes)?,
            approved_via: approved_via.ok_or_else(|| reader.damaged("unknown approval"))?,
            created_at_ms: reader.ms(self.created_at_ms)?,
            approved_at_ms: reader.ms(self.approved_at_ms)?,
            last_seen_at_ms: reader.optional_ms(self.last_seen_at_ms)?,
            last_connected_at_ms: reader.optional_ms(self.last_connected_at_ms)?,
            last_disconnected_at_ms: reader.optional_ms(self.last_disconnected_at_ms)?,
            surface: reader.optional_json(self.node_surface.as_deref())?,
            pending_surface: reader.optional_json(self.pending_node_surface.as_deref())?,
            approval: reader.optional_json(self.approval.as_deref())?,
            expires_at_ms: reader.optional_ms(self.expires_at_ms)?,
            withheld: reader.optional_json(self.withheld_scopes.as_deref())?.unwrap_or_default(),
            last_seen_address: self.last_seen_address,
            last_seen_reason: self.last_seen_reason,
            device_id: DeviceId::claimed(self.device_id.clone()),
            public_key: self.public_key,
            display_name: self.display_name,
            operator_label: self.operator_label,
            platform: self.platform,
            device_family: self.device_family,
            client_id: self.client_id,
            client_mode: self.client_mode,
            remote_ip: self.remote_ip,
            tokens,
        })
    }
}

impl TokenRow {
    pub(super) fn into_token(self) -> Result<Token, StoreError> {
        let reader = Reader { table: "device_tokens", key: &self.device_id };
        Ok(Token {
            role: reader.role(&self.role)?,
            scopes: reader.json(&self.scopes)?,
            created_at_ms: reader.ms(self.created_at_ms)?,
            rotated_at_ms: reader.optional_ms(self.rotated_at_ms)?,
            revoked_at_ms: reader.optional_ms(self.revoked_at_ms)?,
            last_used_at_ms: reader.optional_ms(self.last_used_at_ms)?,
            generation: self.generation,
            issuer: self.issuer,
        })
    }
}

impl PendingRow {
    pub(super) fn into_pending(self) -> Result<Pending, StoreError> {
        let reader = Reader { table: "pending_requests", key: &self.request_id };
        let reason = PairingReason::parse(&self.reason).ok_or_else(|| reader.damaged("unknown reason"))?;
        let ask = Ask {
            role: reader.role(&self.role)?,
            scopes: reader.json(&self.scopes)?,
            origin: reader.json(&self.origin)?,
            device_id: DeviceId::claimed(self.device_id),
            public_key: self.public_key,
            display_name: self.display_name,
            platform: self.platform,
            device_family: self.device_family,
            client_id: self.client_id,
            client_mode: self.client_mode,
            reason,
            has_secret: self.has_secret,
            is_direct_local: self.is_direct_local,
            user_agent: self.user_agent,
            node: reader.optional_json(self.node_offer.as_deref())?,
        };
        Ok(Pending {
            ask,
            roles: reader.json(&self.roles)?,
            is_repair: self.is_repair,
            ts: reader.ms(self.ts)?,
            refreshed_at_ms: reader.optional_ms(self.refreshed_at_ms)?,
            attempts: u32::try_from(self.attempts).map_err(|error| reader.damaged(error))?,
            request_id: self.request_id.clone(),
        })
    }
}

/// Milliseconds as SQL knows them. They fit for the next 292 million years.
pub(super) fn sql_ms(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A list or record as stored text.
pub(super) fn sql_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))
}
