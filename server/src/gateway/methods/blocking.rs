//! `device.pair.block`, `unblock` and `blocked`: extensions (docs/protocol.md, "Blocked devices").

use access::pairing::PairingEvent;
use protocol::Refusal;
use protocol::method::{BlockParams, BlockedList, DeviceRef};
use protocol::pairing::BlockedDevice;
use protocol::refusal::BlockRefusal;
use serde_json::{Value, json};

use super::devices::{apply, decider};
use crate::gateway::connection::Connection;
use crate::state::AppState;

pub async fn block(state: &AppState, caller: &Connection, params: BlockParams) -> Result<BlockedDevice, Refusal> {
    let BlockParams { device_id, address } = params;
    let event = PairingEvent::Block { device_id: device_id.clone(), with_address: address, decider: decider(caller) };
    let block = apply(state, &device_id, event).await?.blocked.ok_or(Refusal::StoreUnavailable)?;
    tracing::info!(
        conn.id = %caller.id,
        device.id = device_id.as_str().get(..8),
        address = block.address,
        "A device was blocked"
    );
    Ok(block.shown(&device_id))
}

pub async fn unblock(state: &AppState, caller: &Connection, params: DeviceRef) -> Result<Value, Refusal> {
    let device_id = params.device_id;
    apply(state, &device_id, PairingEvent::Unblock { decider: decider(caller) }).await?;
    tracing::info!(conn.id = %caller.id, device.id = device_id.as_str().get(..8), "A device may ask again");
    Ok(json!({"deviceId": device_id}))
}

pub async fn list(state: &AppState, caller: &Connection) -> Result<BlockedList, Refusal> {
    if decider(caller).is_confined_to_itself() {
        return Err(Refusal::Block(BlockRefusal::Denied));
    }
    state.flush_knocks().await.map_err(|error| error.refusal())?;
    let blocks = state.store.list_blocks().await.map_err(|error| error.refusal())?;
    Ok(BlockedList { blocked: blocks.iter().map(|(device_id, block)| block.shown(device_id)).collect() })
}
