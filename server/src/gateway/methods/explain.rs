//! `device.pair.explain`: an extension that tells all there is to know about one device.

use protocol::method::DeviceRef;
use protocol::pairing::{Approver, Explanation, LiveConnection};
use protocol::{DeviceId, Refusal};

use super::devices::decider;
use crate::gateway::connection::Connection;
use crate::state::AppState;

pub async fn explain(state: &AppState, caller: &Connection, params: DeviceRef) -> Result<Explanation, Refusal> {
    let device_id = params.device_id;
    let decider = decider(caller);
    if decider.is_confined_to_itself() && decider.device_id.as_ref() != Some(&device_id) {
        return Err(Refusal::MissingScope { scope: protocol::role::ADMIN.to_owned() });
    }
    state.flush_seen().await.map_err(|error| error.refusal())?;
    let found = state.store.find_device(&device_id).await.map_err(|error| error.refusal())?;
    let device = found.ok_or(Refusal::DeviceUnknown)?;
    let connections = connections(state, &device_id);
    let approver = match device.approval.as_ref().and_then(|approval| approval.by.as_ref()) {
        Some(Approver::Device { device_id }) => {
            state.store.find_device(device_id).await.map_err(|error| error.refusal())?
        }
        Some(Approver::Owner | Approver::Program) | None => None,
    };
    Ok(Explanation {
        approved_by_name: approver.map(|device| device.shown(None).shown_name()),
        approval: device.approval.clone(),
        last_seen_address: device.last_seen_address.clone(),
        last_connected_at_ms: device.last_connected_at_ms,
        last_disconnected_at_ms: device.last_disconnected_at_ms,
        device: device.shown(Some(!connections.is_empty())),
        connections,
    })
}

/// The open connections of a device, oldest first.
fn connections(state: &AppState, device_id: &DeviceId) -> Vec<LiveConnection> {
    let all = state.registry.connections();
    let own = all.iter().filter(|connection| connection.device_id.as_ref() == Some(device_id));
    let mut shown: Vec<LiveConnection> = own
        .map(|connection| {
            let introduction = &connection.introduction;
            LiveConnection {
                role: connection.role,
                scopes: connection.scopes.clone(),
                version: introduction.client.version.clone(),
                address: introduction.attribution.client.to_string(),
                network: introduction.attribution.network(),
                encrypted: introduction.is_encrypted,
                page: introduction.page.clone(),
                connected_at_ms: introduction.connected_at_ms,
            }
        })
        .collect();
    shown.sort_by_key(|connection| connection.connected_at_ms);
    shown
}
