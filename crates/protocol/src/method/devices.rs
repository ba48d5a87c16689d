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
    #[serde(flatten)]
    pub terms: Terms,
}

/// Extension: what whoever approves makes of a request. Without terms it is approved as it was asked, until
/// somebody revokes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Only these of the scopes that were asked for. The device is not asked about the others again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// The name that the owner gives it, 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How long all that the device may do lasts, in milliseconds; 0 is until it is revoked. Where this is absent, a
    /// device that is in keeps the end that was set for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// Parameters of methods that are about one request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRef {
    pub request_id: String,
}

/// Parameters of `device.pair.reject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectParams {
    pub request_id: String,
    /// Extension: the digest of what was shown. A rejection with a stale one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Result of `device.pair.undo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    pub request_id: String,
    pub device_id: DeviceId,
    /// What the device is now; absent where it is not paired any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PairedDevice>,
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
    /// Extension, only for clients of ours: until when `device.pair.undo` takes this back, Unix epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_until_ms: Option<u64>,
    /// Extension, only for clients of ours: this would have taken a passkey, and there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey_advised: Option<bool>,
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
