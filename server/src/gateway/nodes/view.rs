//! Nodes as operators see them (wire.md §7.3, §7.4).

use access::pairing::Device;
use access::surface::{Platform, effective};
use protocol::Role;
use protocol::node::{ApprovalState, NodePairingList, NodeView, PairedNode, Surface};

use crate::gateway::connection::Connection;
use crate::state::AppState;

/// What was approved and what waits, newest first.
pub fn pairings<'a>(devices: impl Iterator<Item = &'a Device>) -> NodePairingList {
    let mut list = NodePairingList::default();
    for device in devices {
        list.pending.extend(device.shown_pending_node());
        list.paired.extend(paired(device));
    }
    list.pending.sort_by_key(|pending| std::cmp::Reverse(pending.ts));
    list.paired.sort_by_key(|paired| std::cmp::Reverse(paired.approved_at_ms));
    list
}

/// A node whose surface was approved.
pub fn paired(device: &Device) -> Option<PairedNode> {
    let approved = device.surface.as_ref()?;
    Some(PairedNode {
        node_id: device.device_id.clone(),
        client_id: device.client_id.clone(),
        client_mode: device.client_mode.clone(),
        display_name: name(device),
        platform: device.platform.clone(),
        version: approved.version.clone(),
        device_family: device.device_family.clone(),
        surface: approved.surface.clone(),
        remote_ip: device.remote_ip.clone(),
        created_at_ms: approved.created_at_ms,
        approved_at_ms: approved.approved_at_ms,
        last_connected_at_ms: device.last_connected_at_ms,
        last_disconnected_at_ms: device.last_disconnected_at_ms,
        last_seen_at_ms: device.last_seen_at_ms,
        last_seen_reason: device.last_seen_reason.clone(),
    })
}

/// A node with everything that is known of it now. What waits is shown only to those who may decide.
pub fn view(state: &AppState, device: &Device, may_pair: bool) -> NodeView {
    let connection = state.registry.node(&device.device_id);
    let live = connection.as_ref().and_then(|connection| connection.node.as_ref());
    // What a node says of itself is shown once somebody has approved it.
    let said = live.filter(|_| device.surface.is_some()).map(|node| node.said().clone()).unwrap_or_default();
    let shown = device.pending_surface.as_ref().filter(|_| may_pair);
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    let connected_at_ms = connection.as_ref().map(|connection| connection.introduction.connected_at_ms);
    NodeView {
        node_id: device.device_id.clone(),
        display_name: name(device),
        platform: device.platform.clone(),
        version: version(device, connection.as_deref()),
        client_id: device.client_id.clone(),
        client_mode: device.client_mode.clone(),
        device_family: device.device_family.clone(),
        remote_ip: device.remote_ip.clone(),
        surface: usable(state, device, connection.as_deref()),
        session_host: false,
        node_plugin_tools: said.plugin_tools,
        path_env: live.and_then(|node| node.path_env.clone()),
        host_stats: said.host_stats,
        approval_state: match (&device.surface, &device.pending_surface) {
            (Some(_), None) => ApprovalState::Approved,
            (Some(_), Some(_)) => ApprovalState::PendingReapproval,
            (None, _) => ApprovalState::PendingApproval,
        },
        pending_request_id: shown.map(|pending| pending.request_id.clone()),
        pending_declared_caps: shown.map(|pending| sorted(&pending.surface.caps)),
        pending_declared_commands: shown.map(|pending| sorted(&pending.surface.commands)),
        connected_at_ms,
        last_connected_at_ms: connected_at_ms.or(device.last_connected_at_ms),
        last_disconnected_at_ms: device.last_disconnected_at_ms,
        last_seen_at_ms: device.last_seen_at_ms.max(connected_at_ms),
        last_seen_reason: device.last_seen_reason.clone().or(connected_at_ms.map(|_| "connect".to_owned())),
        approved_at_ms: device.surface.as_ref().map(|approved| approved.approved_at_ms),
        paired: device.live_token(Role::Node).is_some(),
        connected: connection.is_some(),
    }
}

/// What can be used: of a live node what it declares now, of one that is away what was approved. Either way only what may be
/// offered at all.
fn usable(state: &AppState, device: &Device, connection: Option<&Connection>) -> Surface {
    let Some(approved) = device.surface.as_ref() else {
        return Surface::default();
    };
    let config = state.config();
    let commands = &config.policy.commands;
    let Some((connection, live)) = connection.and_then(|c| Some((c, c.node.as_ref()?))) else {
        let platform = Platform::of(&device.platform, device.device_family.as_deref());
        return commands.permitted(platform, &approved.surface);
    };
    let platform = Platform::of_client(&connection.introduction.client);
    effective(commands, platform, &live.declared, Some(approved))
}

fn version(device: &Device, connection: Option<&Connection>) -> Option<String> {
    let live = connection.map(|connection| connection.introduction.client.version.clone());
    live.or_else(|| Some(device.surface.as_ref()?.version.clone()))
        .or_else(|| Some(device.pending_surface.as_ref()?.version.clone()))
}

/// The owner's name for it counts for more than its own.
fn name(device: &Device) -> Option<String> {
    device.operator_label.clone().or_else(|| device.display_name.clone())
}
