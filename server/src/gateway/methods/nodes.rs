//! `node.pair.*`, `node.list`, `node.describe` and `node.rename`, for operators (wire.md §7.3, §7.4).

use access::pairing::{Device, PairingEvent};
use protocol::method::RequestRef;
use protocol::node::{ApprovedNode, NodeList, NodePairingList, NodeRef, RenameNodeParams};
use protocol::refusal::NodeRefusal;
use protocol::role::PAIRING;
use protocol::{DeviceId, Refusal, Role};
use serde_json::{Value, json};

use super::devices::{apply, decider};
use crate::gateway::connection::Connection;
use crate::gateway::nodes::view;
use crate::state::AppState;

/// What waits and what was approved; a device without admin rights sees only itself.
pub async fn pairings(state: &AppState, caller: &Connection) -> Result<NodePairingList, Refusal> {
    let pairings = all(state).await?;
    let decider = decider(caller);
    let is_visible =
        |device: &&Device| !decider.is_confined_to_itself() || decider.device_id.as_ref() == Some(&device.device_id);
    Ok(view::pairings(pairings.paired.iter().filter(is_visible)))
}

pub async fn approve(state: &AppState, caller: &Connection, params: RequestRef) -> Result<ApprovedNode, Refusal> {
    let node_id = node_of(state, &params.request_id).await?;
    let event = PairingEvent::ApproveNode { request_id: params.request_id.clone(), decider: decider(caller) };
    let pairing = apply(state, &node_id, event).await?;
    let node = pairing.paired.as_ref().and_then(view::paired).ok_or(Refusal::RequestUnknown)?;
    Ok(ApprovedNode { request_id: params.request_id, node })
}

pub async fn reject(state: &AppState, caller: &Connection, params: RequestRef) -> Result<Value, Refusal> {
    let node_id = node_of(state, &params.request_id).await?;
    let event = PairingEvent::RejectNode { request_id: params.request_id.clone(), decider: decider(caller) };
    apply(state, &node_id, event).await?;
    Ok(json!({"requestId": params.request_id, "nodeId": node_id}))
}

pub async fn remove(state: &AppState, caller: &Connection, params: NodeRef) -> Result<Value, Refusal> {
    apply(state, &params.node_id, PairingEvent::RemoveNode { decider: decider(caller) }).await?;
    Ok(json!({"nodeId": params.node_id}))
}

pub async fn rename(state: &AppState, caller: &Connection, params: RenameNodeParams) -> Result<Value, Refusal> {
    let event = PairingEvent::RenameNode { name: params.display_name.clone(), decider: decider(caller) };
    apply(state, &params.node_id, event).await?;
    Ok(json!({"nodeId": params.node_id, "displayName": params.display_name.trim()}))
}

pub async fn list(state: &AppState, caller: &Connection) -> Result<NodeList, Refusal> {
    let may_pair = caller.scopes.allow(Role::Operator, PAIRING);
    let pairings = all(state).await?;
    let nodes = pairings.paired.iter().filter(|device| device.is_node());
    Ok(NodeList { ts: state.clock.now_ms(), nodes: nodes.map(|device| view::view(state, device, may_pair)).collect() })
}

pub async fn describe(state: &AppState, caller: &Connection, params: NodeRef) -> Result<Value, Refusal> {
    let may_pair = caller.scopes.allow(Role::Operator, PAIRING);
    state.flush_seen().await.map_err(|error| error.refusal())?;
    let device = state.store.find_device(&params.node_id).await.map_err(|error| error.refusal())?;
    let device = device.filter(Device::is_node).ok_or(Refusal::Node(NodeRefusal::Unknown))?;
    let mut shown = json!(view::view(state, &device, may_pair));
    shown["ts"] = state.clock.now_ms().into();
    Ok(shown)
}

async fn all(state: &AppState) -> Result<std::sync::Arc<crate::store::Pairings>, Refusal> {
    state.flush_seen().await.map_err(|error| error.refusal())?;
    state.store.list_pairings().await.map_err(|error| error.refusal())
}

async fn node_of(state: &AppState, request_id: &str) -> Result<DeviceId, Refusal> {
    let found = state.store.find_node_of_request(request_id).await.map_err(|error| error.refusal())?;
    found.ok_or(Refusal::RequestUnknown)
}
