//! Extension: what the gateway remembers of a decision about a device, for whoever asks later.

use serde::{Deserialize, Serialize};

use super::{Network, Origin, PairedDevice, PairingReason};
use crate::DeviceId;
use crate::role::{Role, Scopes};

/// On whose word a device was last let in, and what was known of it then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Absent where a rule or a one-time code answered for a person; `approvedVia` says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Approver>,
    pub reason: PairingReason,
    /// Whether the device had shown the gateway's token or password.
    pub has_secret: bool,
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Approver {
    /// The owner of the state directory, at the command line on the gateway's machine.
    Owner,
    /// A program that showed the gateway's token or password and no device key.
    Program,
    #[serde(rename_all = "camelCase")]
    Device { device_id: DeviceId },
}

/// Result of `device.pair.explain`: all there is to know about a paired device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub device: PairedDevice,
    /// Absent for devices that an older gateway let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What the device that approved it is called, if one did and is still paired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_address: Option<String>,
    /// As a node, Unix epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_disconnected_at_ms: Option<u64>,
    /// Oldest first.
    pub connections: Vec<LiveConnection>,
}

/// One connection of a device that is open now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveConnection {
    pub role: Role,
    pub scopes: Scopes,
    /// The version that the client claims to be.
    pub version: String,
    pub address: String,
    pub network: Network,
    pub encrypted: bool,
    /// The page's origin, if it is a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Unix epoch, milliseconds.
    pub connected_at_ms: u64,
}

/// A device that the owner wants to hear nothing more of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockedDevice {
    pub device_id: DeviceId,
    /// What it was called when it was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Set where new devices from there stay out too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Unix epoch, milliseconds.
    pub blocked_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Approver>,
    /// How often it was refused since then, or a new device from its address.
    #[serde(default)]
    pub knocks: u64,
    /// Unix epoch, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_knock_at_ms: Option<u64>,
}
