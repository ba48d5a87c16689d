//! What was approved of a node, what waits for a person, and what became of it (wire.md §6.4, §7.3).

use serde::{Deserialize, Serialize};

use super::Surface;
use crate::DeviceId;

/// The surface that was approved, as it is stored and shown (`nodeSurface`, wire.md §6.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSurface {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub version: String,
    #[serde(flatten)]
    pub surface: Surface,
    /// Unix epoch milliseconds, as the others.
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
}

/// A surface that waits for a person (`pendingNodeSurface`, wire.md §6.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingNodeSurface {
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub version: String,
    pub platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(flatten)]
    pub surface: Surface,
    /// Whether the device itself was let in without asking anybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// When it was declared, Unix epoch milliseconds.
    pub ts: u64,
}

/// A node whose surface waits, as `node.pair.list` and `node.pair.requested` show it (wire.md §7.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingNode {
    pub request_id: String,
    pub node_id: DeviceId,
    pub client_id: String,
    pub client_mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(flatten)]
    pub surface: Surface,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub required_approve_scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Unix epoch milliseconds.
    pub ts: u64,
}

/// A node whose surface was approved, as `node.pair.list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairedNode {
    pub node_id: DeviceId,
    pub client_id: String,
    pub client_mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(flatten)]
    pub surface: Surface,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_disconnected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<String>,
}

/// The result of `node.pair.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePairingList {
    /// Newest first.
    pub pending: Vec<PendingNode>,
    pub paired: Vec<PairedNode>,
}

/// Result of `node.pair.approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedNode {
    pub request_id: String,
    pub node: PairedNode,
}

/// The payload of `node.pair.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeResolved {
    /// Empty when a node was removed.
    pub request_id: String,
    pub node_id: DeviceId,
    pub decision: NodeDecision,
    /// Unix epoch milliseconds.
    pub ts: u64,
}

/// How the request of a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeDecision {
    Approved,
    Rejected,
    Removed,
}
