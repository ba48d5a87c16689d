//! How a node is asked to do something, and how it answers (wire.md §9.5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DeviceId;

/// How long a node may take for a command if the caller says nothing, in milliseconds (wire.md §9.5).
pub const DEFAULT_INVOKE_TIMEOUT_MS: u64 = 30_000;

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
