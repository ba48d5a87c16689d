//! Nodes: what they offer, what was approved of it, and how they are asked to do it (wire.md §7.3, §7.4,
//! §9).

mod invoke;
mod pairing;
mod surface;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DeviceId;

pub use invoke::{
    DEFAULT_INVOKE_TIMEOUT_MS, InvokeCancel, InvokeParams, InvokeProgressParams, InvokeRequest, InvokeResultParams,
    Invoked, NodeError,
};
pub use pairing::{
    ApprovedNode, NodeDecision, NodePairingList, NodeResolved, NodeSurface, PairedNode, PendingNode, PendingNodeSurface,
};
pub use surface::{HOST_COMMANDS, Offer, Surface, describe_command, is_host_command};

/// How far the approval of a node's surface has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    Approved,
    /// Nothing of it was ever approved.
    PendingApproval,
    /// It offers more than was approved.
    PendingReapproval,
}

/// A node as `node.list` and `node.describe` show it (wire.md §7.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    pub node_id: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    /// What can be used now: declared, approved and allowed.
    #[serde(flatten)]
    pub surface: Surface,
    pub session_host: bool,
    pub node_plugin_tools: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_stats: Option<HostStats>,
    pub approval_state: ApprovalState,
    /// Only for callers who may pair, as the two that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_declared_caps: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_declared_commands: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_disconnected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at_ms: Option<u64>,
    pub paired: bool,
    pub connected: bool,
}

/// The result of `node.list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeList {
    /// The gateway's clock, Unix epoch milliseconds.
    pub ts: u64,
    pub nodes: Vec<NodeView>,
}

/// What a node says of its machine (`node.host.stats`, wire.md §8.3). Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStats {
    pub cpu_count: u32,
    /// Over one, five and fifteen minutes.
    pub load_average: [f64; 3],
    pub memory_total_bytes: u64,
    pub memory_free_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_total_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_available_bytes: Option<u64>,
    /// Set by the gateway, Unix epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<u64>,
}

impl HostStats {
    /// Whether these can be the numbers of a machine.
    pub fn is_plausible(&self) -> bool {
        self.cpu_count > 0
            && self.load_average.iter().all(|load| load.is_finite() && *load >= 0.0)
            && self.memory_total_bytes > 0
            && self.memory_free_bytes <= self.memory_total_bytes
    }
}

/// Parameters of `node.pair.remove` and `node.describe`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRef {
    pub node_id: DeviceId,
}

/// Parameters of `node.rename`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenameNodeParams {
    pub node_id: DeviceId,
    pub display_name: String,
}

/// Parameters of `node.event`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeEventParams {
    pub event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(default, rename = "payloadJSON", skip_serializing_if = "Option::is_none")]
    pub payload_json: Option<String>,
}

/// Parameters of `node.pending.ack`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingAckParams {
    pub ids: Vec<String>,
}

/// Parameters of `node.pluginSurface.refresh`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PluginSurfaceParams {
    pub surface: String,
}

/// Parameters of `node.pluginTools.update`; their shape was checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PluginToolsParams {
    pub tools: Vec<Value>,
}

/// Parameters of `node.skills.update`; their shape was checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SkillsParams {
    pub skills: Vec<Value>,
}
