//! The answer to `connect`: what the connection may do, and what the client needs to know (wire.md §2.5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::role::Scopes;
use crate::secret::Secret;
use crate::{MAX_BUFFERED_BYTES, MAX_PAYLOAD, Role, TICK_INTERVAL_MS};

/// The payload of the answer to `connect` (wire.md §2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloOk {
    #[serde(rename = "type")]
    pub kind: String,
    pub protocol: u32,
    pub server: ServerIdentity,
    pub features: Features,
    pub snapshot: Snapshot,
    pub auth: HelloAuth,
    pub policy: TransportPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerIdentity {
    pub version: String,
    pub conn_id: String,
}

/// What works here: names of methods and events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    pub methods: Vec<String>,
    pub events: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub presence: Vec<Value>,
    pub health: Value,
    pub state_version: StateVersion,
    pub uptime_ms: u64,
    /// Only for admins, as the two that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateVersion {
    pub presence: u64,
    pub health: u64,
}

/// What the connection may do, and the device token to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloAuth {
    pub method: AuthMethod,
    pub role: Role,
    pub scopes: Scopes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// Unix epoch, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<u64>,
    /// Tokens for further roles that a setup code gave the device (wire.md §10.3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_tokens: Vec<DeviceTokenGiven>,
    /// Extension: scopes that were asked for and now wait for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_scopes: Option<Scopes>,
    /// Extension: the request they wait in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_request_id: Option<String>,
}

/// A device token for another role than that of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceTokenGiven {
    pub device_token: Secret,
    pub role: Role,
    pub scopes: Scopes,
    /// Unix epoch, milliseconds.
    pub issued_at_ms: u64,
}

/// What let a connection in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    Token,
    Password,
    DeviceToken,
    BootstrapToken,
    None,
    /// Extension: the device's signature alone.
    DeviceKey,
    /// Extension: the owner's unix socket.
    Owner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransportPolicy {
    /// Bytes.
    pub max_payload: usize,
    /// Bytes.
    pub max_buffered_bytes: usize,
    pub tick_interval_ms: u64,
}

impl Default for TransportPolicy {
    fn default() -> Self {
        Self { max_payload: MAX_PAYLOAD, max_buffered_bytes: MAX_BUFFERED_BYTES, tick_interval_ms: TICK_INTERVAL_MS }
    }
}
