//! Never again: the owner wants to hear nothing more of a device (docs/protocol.md, "Blocked devices").

use std::net::IpAddr;

use protocol::event::Decision;
use protocol::pairing::Network;
use protocol::refusal::BlockRefusal;
use protocol::{DeviceId, PublicKey, Refusal};

use super::decide::gone;
use super::{Ask, Block, Decider, DevicePairing, Dropped, Effect, Pending, Step};
use crate::locality::network_of;

/// Refuses what a blocked device asks for, also if it was blocked after somebody looked.
pub(super) fn admitted(state: DevicePairing, ask: &Ask) -> Result<DevicePairing, Refusal> {
    match state.blocked {
        Some(_) => Err(Refusal::Block(BlockRefusal::Device { device_id: ask.device_id.clone() })),
        None => Ok(state),
    }
}

/// Takes everything from the device and lets it ask for nothing more. Blocking again with its address adds that.
pub(super) fn block(
    mut state: DevicePairing,
    device_id: &DeviceId,
    with_address: bool,
    decider: &Decider,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let refuse = |refusal| Err(Refusal::Block(refusal));
    if decider.is_confined_to_itself() {
        return refuse(BlockRefusal::Denied);
    }
    if decider.device_id.as_ref() == Some(device_id) {
        return refuse(BlockRefusal::Itself);
    }
    let is_known = state.paired.is_some() || state.pending.is_some() || state.blocked.is_some();
    if !is_known && !PublicKey::could_have(device_id) {
        return refuse(BlockRefusal::NoDevice);
    }
    let address = match (with_address, blockable_address(&state)) {
        (false, _) => None,
        (true, Some(address)) => Some(address),
        (true, None) => return refuse(BlockRefusal::NoAddress),
    };
    let name = state.paired.as_ref().and_then(|device| device.operator_label.clone().or(device.display_name.clone()));
    let name = name.or_else(|| state.pending.as_ref().and_then(|pending| pending.ask.display_name.clone()));
    let mut effects = Vec::new();
    if let Some(Pending { request_id, .. }) = state.pending.take() {
        // Who waits hears why before everyone hears that.
        effects.push(Effect::Drop { request_id: request_id.clone(), why: Dropped::Blocked });
        effects.push(Effect::Resolve { request_id, decision: Decision::Rejected });
    }
    match state.paired.take() {
        Some(device) => effects.extend(gone(&device)),
        // A connection needs no pairing where the gateway's secret is enough.
        None => effects.extend([Effect::CloseSockets { role: None }, Effect::ListChanged]),
    }
    let known = state.blocked.take();
    state.blocked = Some(Block {
        name: name.or_else(|| known.as_ref().and_then(|known| known.name.clone())),
        address: address.or_else(|| known.as_ref().and_then(|known| known.address.clone())),
        blocked_at_ms: known.as_ref().map_or(now_ms, |known| known.blocked_at_ms),
        by: Some(decider.approver()),
        knocks: known.as_ref().map_or(0, |known| known.knocks),
        last_knock_at_ms: known.and_then(|known| known.last_knock_at_ms),
    });
    Ok((state, effects))
}

/// From where the device asks, if blocking that does not lock this machine out.
fn blockable_address(state: &DevicePairing) -> Option<String> {
    let asked_from = state.pending.as_ref().map(|pending| &pending.ask.origin.address);
    let device = state.paired.as_ref();
    let seen_at = device.and_then(|device| device.last_seen_address.as_ref().or(device.remote_ip.as_ref()));
    let known = state.blocked.as_ref().and_then(|block| block.address.as_ref());
    let address = asked_from.or(seen_at).or(known)?;
    let is_elsewhere = address.parse::<IpAddr>().is_ok_and(|address| network_of(address) != Network::ThisMachine);
    is_elsewhere.then(|| address.clone())
}

pub(super) fn unblock(mut state: DevicePairing, decider: &Decider) -> Result<Step, Refusal> {
    if decider.is_confined_to_itself() {
        return Err(Refusal::Block(BlockRefusal::Denied));
    }
    match state.blocked.take() {
        Some(_) => Ok((state, vec![Effect::ListChanged])),
        None => Err(Refusal::Block(BlockRefusal::NotBlocked)),
    }
}
