//! Parameters and results of `device.pair.*` and `device.token.*` (wire.md §7.2).

use serde::{Deserialize, Serialize};

use crate::pairing::{BlockedDevice, PairedDevice};
use crate::role::{Role, Scopes};
use crate::{DeviceId, Secret};

/// Parameters of `device.pair.approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApproveParams {
    pub request_id: String,
    /// Extension: the digest of what was shown. An approval with a stale one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Parameters of `device.pair.reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRef {
    pub request_id: String,
}

/// Parameters of `device.pair.remove`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRef {
    pub device_id: DeviceId,
}

/// Parameters of `device.pair.block`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockParams {
    pub device_id: DeviceId,
    /// Whether new devices from the address it asked from last stay out too.
    #[serde(default)]
    pub address: bool,
}

/// Result of `device.pair.blocked`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedList {
    pub blocked: Vec<BlockedDevice>,
}

/// Parameters of `device.pair.rename`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenameParams {
    pub device_id: DeviceId,
    pub label: String,
}

/// Parameters of `device.token.rotate` and `device.token.revoke`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenParams {
    pub device_id: DeviceId,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
}

/// Result of `device.pair.approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    pub request_id: String,
    pub device: PairedDevice,
}

/// Result of `device.token.rotate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    pub device_id: DeviceId,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    pub scopes: Scopes,
    pub rotated_at_ms: u64,
    pub token_delivery: TokenDelivery,
}

/// Whether a rotated token travels in the answer: only to the very device it belongs to (wire.md §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenDelivery {
    InBand,
    WithheldCrossDevice,
}
