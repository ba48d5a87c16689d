//! Nodes: what they offer, what was approved of it, and how they are asked to do it (wire.md §7.3, §7.4,
//! §9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DeviceId;
use crate::role::{ADMIN, PAIRING, Risk, WRITE};

/// How long a node may take for a command if the caller says nothing, in milliseconds (wire.md §9.5).
pub const DEFAULT_INVOKE_TIMEOUT_MS: u64 = 30_000;

/// What a node offers: its surface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    #[serde(default)]
    pub caps: Vec<String>,
    #[serde(default)]
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: BTreeMap<String, bool>,
}

impl Surface {
    /// Whether everything in `other` is also here.
    pub fn covers(&self, other: &Self) -> bool {
        let granted = |(name, wanted): (&String, &bool)| !wanted || self.permissions.get(name) == Some(&true);
        other.caps.iter().all(|cap| self.caps.contains(cap))
            && other.commands.iter().all(|command| self.commands.contains(command))
            && other.permissions.iter().all(granted)
    }

    /// Whether both offer the same, in whatever order they say so.
    pub fn is_same(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }

    /// The part of this surface that `limit` also has.
    #[must_use]
    pub fn within(&self, limit: &Self) -> Self {
        let common =
            |ours: &[String], theirs: &[String]| ours.iter().filter(|one| theirs.contains(one)).cloned().collect();
        let permissions = self.permissions.iter();
        Self {
            caps: common(&self.caps, &limit.caps),
            commands: common(&self.commands, &limit.commands),
            permissions: permissions
                .map(|(name, wanted)| (name.clone(), *wanted && limit.permissions.get(name) == Some(&true)))
                .collect(),
        }
    }

    /// What somebody must hold to approve it: running programs takes an admin (wire.md §7.3).
    pub fn required_approve_scopes(&self) -> Vec<String> {
        let more = if self.commands.iter().any(|command| is_host_command(command)) {
            Some(ADMIN)
        } else if self.commands.is_empty() {
            None
        } else {
            Some(WRITE)
        };
        [Some(PAIRING), more].into_iter().flatten().map(str::to_owned).collect()
    }
}

/// Commands that reach into the node's host: its programs, its files, its browser (wire.md §7.3).
pub const HOST_COMMANDS: [&str; 9] = [
    "system.run",
    "system.run.prepare",
    "system.which",
    "system.execApprovals.get",
    "system.execApprovals.set",
    "browser.proxy",
    "browser.proxy.upload.v1",
    "fs.listDir",
    "terminal.upload",
];

pub fn is_host_command(command: &str) -> bool {
    HOST_COMMANDS.contains(&command)
}

/// What a command lets its caller do on the node, as a phrase for the person who decides.
pub fn describe_command(command: &str) -> (&'static str, Risk) {
    match command {
        "system.run" | "system.run.prepare" => ("Run programs there", Risk::High),
        "system.execApprovals.get" | "system.execApprovals.set" => ("Change which programs may run there", Risk::High),
        "browser.proxy" | "browser.proxy.upload.v1" => ("Use the browser there", Risk::High),
        "fs.listDir" | "terminal.upload" => ("Reach files there", Risk::High),
        "system.which" => ("See which programs are installed", Risk::Low),
        "system.notify" => ("Show a notification", Risk::Low),
        "device.info" | "device.status" | "device.health" => ("Describe the device", Risk::Low),
        "location.get" => ("Tell where the device is", Risk::High),
        "camera.snap" | "camera.clip" | "camera.list" => ("Use the camera", Risk::High),
        "screen.snapshot" | "screen.record" | "desktop.stream" => ("See the screen", Risk::High),
        _ => ("Something this gateway does not know", Risk::Medium),
    }
}

/// What a device that asks to be a node offers; an approval that shows it covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Of the program.
    pub version: String,
    #[serde(flatten)]
    pub surface: Surface,
}

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

/// Result of `node.pair.approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedNode {
    pub request_id: String,
    pub node: PairedNode,
}

/// Parameters of `node.invoke`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokeParams {
    pub node_id: DeviceId,
    pub command: String,
    /// Chosen by the caller; the node can tell a repetition by it.
    pub idempotency_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Result of `node.invoke`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoked {
    pub ok: bool,
    pub node_id: DeviceId,
    pub command: String,
    pub payload: Value,
    /// The node's own text, if it answered with text.
    #[serde(rename = "payloadJSON")]
    pub payload_json: Option<String>,
}

/// The payload of `node.invoke.request`, which a node gets (wire.md §9.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokeRequest {
    pub id: String,
    pub node_id: DeviceId,
    pub command: String,
    #[serde(rename = "paramsJSON")]
    pub params_json: Option<String>,
    /// What is left of the caller's patience.
    pub timeout_ms: u64,
    pub idempotency_key: String,
}

/// The payload of `node.invoke.cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokeCancel {
    pub invoke_id: String,
    pub node_id: DeviceId,
}

/// Parameters of `node.invoke.result`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokeResultParams {
    pub id: String,
    /// As sent; it has to be the node's own.
    pub node_id: String,
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(default, rename = "payloadJSON", skip_serializing_if = "Option::is_none")]
    pub payload_json: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeError>,
}

/// Why a node did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeError {
    #[serde(default = "unknown_code")]
    pub code: String,
    #[serde(default = "unknown_message")]
    pub message: String,
}

impl NodeError {
    /// For a node that only says that it failed.
    pub fn without_reason() -> Self {
        Self { code: unknown_code(), message: unknown_message() }
    }
}

fn unknown_code() -> String {
    "NODE_ERROR".to_owned()
}

fn unknown_message() -> String {
    "the node gave no reason".to_owned()
}

/// Parameters of `node.invoke.progress`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokeProgressParams {
    pub invoke_id: String,
    pub node_id: String,
    pub seq: u64,
    pub chunk: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(commands: &[&str]) -> Surface {
        Surface { commands: commands.iter().map(|&command| command.to_owned()).collect(), ..Surface::default() }
    }

    #[track_caller]
    fn check_scopes(commands: &[&str], expected: &[&str]) {
        assert_eq!(surface(commands).required_approve_scopes(), expected);
    }

    #[test]
    fn running_programs_takes_an_admin_to_approve() {
        check_scopes(&[], &["operator.pairing"]);
        check_scopes(&["location.get"], &["operator.pairing", "operator.write"]);
        check_scopes(&["location.get", "system.which"], &["operator.pairing", "operator.admin"]);
    }

    #[test]
    fn a_permission_is_covered_only_if_it_was_granted() {
        let granted =
            |value| Surface { permissions: BTreeMap::from([("camera".to_owned(), value)]), ..Surface::default() };
        assert!(granted(true).covers(&granted(true)));
        assert!(granted(true).covers(&granted(false)));
        assert!(!granted(false).covers(&granted(true)));
        assert_eq!(granted(true).within(&granted(false)), granted(false));
    }

    #[test]
    fn what_is_common_keeps_the_order_declared() {
        let declared = surface(&["system.which", "system.run", "x"]);
        assert_eq!(
            declared.within(&surface(&["system.run", "system.which"])),
            surface(&["system.which", "system.run"])
        );
    }
}
