//! What a stored decision sets in motion. Called only after the commit.

use std::time::Instant;

use access::pairing::{DevicePairing, Effect, PairingEvent};
use protocol::event::{Decision, Event, PairResolved};
use protocol::node::{NodeDecision, NodeResolved};
use protocol::{Close, DeviceId};
use serde_json::json;

use super::registry::Wake;
use crate::state::AppState;
use crate::store::StoreError;

/// Stores what happened to a device, then does what follows from it. The result is the new state.
pub async fn apply(state: &AppState, device_id: &DeviceId, event: PairingEvent) -> Result<DevicePairing, StoreError> {
    Ok(change(state, device_id, event).await?.1)
}

/// The same; the result is the state before and after.
pub async fn change(
    state: &AppState,
    device_id: &DeviceId,
    event: PairingEvent,
) -> Result<(DevicePairing, DevicePairing), StoreError> {
    let is_decision = !matches!(event, PairingEvent::Ask { .. } | PairingEvent::Declare { .. } | PairingEvent::Sweep);
    let applied = state.store.apply(device_id, event, state.clock.now_ms()).await?;
    if is_decision {
        state.last_good.note_change();
    }
    carry_out(state, applied.effects).await;
    Ok((applied.before, applied.pairing))
}

/// Carries out all effects, in order.
async fn carry_out(state: &AppState, effects: Vec<(DeviceId, Effect)>) {
    for (device_id, effect) in effects {
        carry_out_one(state, device_id, effect).await;
    }
}

async fn carry_out_one(state: &AppState, device_id: DeviceId, effect: Effect) {
    let registry = &state.registry;
    match effect {
        Effect::Announce(shown) => {
            state.notifier.asked(&shown, state.clock.now_ms());
            let mut official = shown.clone();
            official.evidence = None;
            let told = registry.broadcast(Event::DevicePairRequested, Some(&official), Some(&shown));
            if told > 0 {
                let marked = state.store.mark_seen(std::slice::from_ref(&shown.request_id), state.clock.now_ms()).await;
                if let Err(error) = marked {
                    tracing::warn!(%error, "A request was shown, but that could not be written down");
                }
            }
        }
        Effect::Resolve { request_id, decision } => {
            let wake = match decision {
                Decision::Approved => Wake::Approved { at: Instant::now() },
                Decision::Rejected => Wake::Rejected,
            };
            state.notifier.decided(&device_id, &request_id);
            registry.wake(&device_id, &request_id, &wake);
            tracing::info!(request.id = request_id, device.id = device_id.as_str().get(..8), ?decision, "Decided");
            let resolved =
                PairResolved { request_id: request_id.clone(), device_id, decision, ts: state.clock.now_ms() };
            registry.broadcast(Event::DevicePairResolved, Some(&resolved), None::<&()>);
            if decision == Decision::Approved {
                registry.close_upgraded(&request_id);
            }
        }
        Effect::Drop { request_id, why } => {
            state.notifier.dropped(&device_id, &request_id, why);
            registry.wake(&device_id, &request_id, &Wake::Dropped(why));
        }
        Effect::AnnounceNode(node) => {
            registry.broadcast(Event::NodePairRequested, Some(&*node), None::<&()>);
        }
        Effect::ResolveNode { request_id, decision } => {
            tracing::info!(request.id = request_id, node.id = device_id.as_str().get(..8), ?decision, "Decided");
            let resolved = NodeResolved { request_id, node_id: device_id, decision, ts: state.clock.now_ms() };
            // As the reference: a node that was turned down goes on as it was.
            if decision == NodeDecision::Approved {
                registry.tell_node(&resolved.node_id, Event::NodePairResolved, &resolved);
            }
            registry.broadcast(Event::NodePairResolved, Some(&resolved), None::<&()>);
        }
        Effect::Renamed => {
            registry.broadcast(Event::DevicePairChanged, Some(&json!({})), None::<&()>);
        }
        Effect::ListChanged => {
            registry.broadcast(Event::DevicePairChanged, None::<&()>, Some(&json!({})));
        }
        Effect::CloseSockets { role } => registry.throw_out(&device_id, role, &Close::device_removed()),
        Effect::RenewSockets { role } => registry.throw_out(&device_id, Some(role), &Close::token_rotated()),
        Effect::EndSockets => {
            tracing::info!(device.id = device_id.as_str().get(..8), "The time of a device was up");
            registry.throw_out(&device_id, None, &Close::approval_ended());
        }
        Effect::NarrowSockets => registry.narrow(&device_id),
    }
}
