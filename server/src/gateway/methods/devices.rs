//! `device.pair.*` and `device.token.*` (wire.md §7.2).

use std::collections::HashSet;
use std::sync::Arc;

use access::pairing::{Decider, Device, DevicePairing, PairingEvent, Undoable};
use access::roster;
use access::step_up::Act;
use protocol::handshake::AuthMethod;
use protocol::method::{
    ApproveParams, Approved, DevicePage, DevicePageParams, DeviceRef, ListParams, ListedDevice, OnlyWaiting, Purpose,
    RejectParams, RenameParams, RequestRef, Rotated, TokenDelivery, TokenParams, Undone,
};
use protocol::pairing::{Network, PairingCounts, PairingList};
use protocol::refusal::ApproveRefusal;
use protocol::role::ADMIN;
use protocol::{DeviceId, Refusal, Role, Scopes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::gateway::connection::Connection;
use crate::gateway::{effects, step_up};
use crate::state::AppState;

/// Everything that waits or is in, or only what waits; a device without admin rights sees only itself.
pub async fn list(state: &AppState, caller: &Connection, params: ListParams) -> Result<PairingList, Refusal> {
    let decider = decider(caller);
    let pairings = match params.only {
        None => {
            state.flush_seen().await.map_err(|error| error.refusal())?;
            state.store.list_pairings().await.map_err(|error| error.refusal())?
        }
        Some(OnlyWaiting::Waiting) => Arc::new(state.store.list_waiting().await.map_err(|error| error.refusal())?),
    };
    let connected = state.registry.connected_devices();
    let is_visible = |device: &DeviceId| !decider.is_confined_to_itself() || decider.device_id.as_ref() == Some(device);
    let now_ms = state.clock.now_ms();
    let pending: Vec<_> = pairings
        .pending
        .iter()
        .filter(|(pending, _)| pending.expires_at_ms() > now_ms && is_visible(&pending.ask.device_id))
        .map(|(pending, device)| {
            let mut shown = pending.shown(device.as_ref());
            shown.evidence = shown.evidence.filter(|_| caller.is_extended);
            shown
        })
        .collect();
    let paired = pairings
        .paired
        .iter()
        .filter(|device| is_visible(&device.device_id))
        .map(|device| device.shown(Some(connected.contains(&device.device_id))))
        .collect();
    let shown: Vec<String> = pending.iter().map(|pending| pending.request_id.clone()).collect();
    if !shown.is_empty() {
        state.store.mark_seen(&shown, now_ms).await.map_err(|error| error.refusal())?;
    }
    let counts = match params.only {
        None => None,
        Some(OnlyWaiting::Waiting) => Some(count(state, caller, &connected).await?),
    };
    Ok(PairingList { pending, paired, counts })
}

/// How many devices the caller could see, and how many of them are connected.
async fn count(state: &AppState, caller: &Connection, connected: &HashSet<DeviceId>) -> Result<PairingCounts, Refusal> {
    let decider = decider(caller);
    if decider.is_confined_to_itself() {
        let is_connected = decider.device_id.as_ref().is_some_and(|own| connected.contains(own));
        return Ok(PairingCounts { paired: 1, connected: u64::from(is_connected) });
    }
    let stored = state.store.count_pairings().await.map_err(|error| error.refusal())?;
    Ok(PairingCounts { paired: stored.paired, connected: amount(connected.len()) })
}

/// A part of the devices that are in: those that were searched for, sorted, and not more than a page shows.
pub async fn page(state: &AppState, caller: &Connection, params: DevicePageParams) -> Result<DevicePage, Refusal> {
    state.flush_seen().await.map_err(|error| error.refusal())?;
    let pairings = state.store.list_pairings().await.map_err(|error| error.refusal())?;
    let connected = state.registry.connected_devices();
    let facts = roster::Facts {
        connected: &connected,
        own: caller.device_id.as_ref(),
        is_confined: decider(caller).is_confined_to_itself(),
        now_ms: state.clock.now_ms(),
    };
    let found = roster::page(&pairings.paired, &params, facts);
    let listed = |device: &&Device| ListedDevice {
        device: device.shown(Some(connected.contains(&device.device_id))),
        last_seen_address: device.last_seen_address.clone(),
    };
    Ok(DevicePage {
        devices: found.devices.iter().map(listed).collect(),
        offset: amount(found.offset),
        matching: amount(found.matching),
        paired: amount(found.paired),
        connected: amount(found.connected),
        unused: amount(found.unused),
    })
}

fn amount(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub async fn approve(state: &AppState, caller: &Connection, params: ApproveParams) -> Result<Approved, Refusal> {
    let decider = decider(caller);
    let unknown = decider.told(Refusal::RequestUnknown, Refusal::ApprovalDenied);
    let device_id = device_of(state, &params.request_id).await?.ok_or(unknown)?;
    let may_touch = !decider.is_confined_to_itself() || decider.device_id.as_ref() == Some(&device_id);
    let mut passkey_advised = None;
    if !caller.is_owner
        && may_touch
        && let Some(waiting) = waiting(state, &device_id, &params).await?
    {
        // Who cannot give that anyway hears so below.
        if caller.scopes.contains(ADMIN) || !waiting.scopes.contains(ADMIN) {
            step_up::demand(state, caller, waiting.act(), waiting.purpose(&params.request_id)).await?;
        }
        let is_advised = caller.is_extended && step_up::is_advised(state, waiting.act()).await?;
        passkey_advised = is_advised.then_some(true);
    }
    let event = PairingEvent::Approve {
        request_id: params.request_id.clone(),
        digest: params.digest,
        terms: params.terms,
        decider,
        generation: Uuid::new_v4().to_string(),
    };
    let (before, after) = effects::change(state, &device_id, event).await.map_err(|error| error.refusal())?;
    let device = after.paired.ok_or(Refusal::RequestUnknown)?;
    let shown = device.shown(None);
    let undoable = Undoable { before: before.paired, after: device };
    let undo_until_ms = state.approvals.add(params.request_id.clone(), undoable, state.clock.now_ms());
    let undo_until_ms = caller.is_extended.then_some(undo_until_ms);
    Ok(Approved { request_id: params.request_id, device: shown, undo_until_ms, passkey_advised })
}

/// What is about to be approved, as far as a passkey may be asked for it.
pub struct Waiting {
    digest: String,
    scopes: Scopes,
    from: Network,
}

impl Waiting {
    pub fn act(&self) -> Act<'_> {
        Act::Approve { scopes: &self.scopes, from: self.from }
    }

    fn purpose(&self, request_id: &str) -> Purpose {
        Purpose::Approve { request_id: request_id.to_owned(), digest: self.digest.clone() }
    }
}

/// Looks at the request that is meant. `None` if it waits no longer or is not what was displayed; then approving it is
/// refused anyway. A digest pins it until that, because it is over the address, too.
pub async fn waiting(
    state: &AppState,
    device_id: &DeviceId,
    params: &ApproveParams,
) -> Result<Option<Waiting>, Refusal> {
    let pairing = state.store.find_pairing(device_id).await.map_err(|error| error.refusal())?;
    let found = pairing.pending.filter(|pending| pending.request_id == params.request_id);
    Ok(found.and_then(|pending| {
        let digest = pending.digest();
        let scopes = params.terms.scopes.as_ref().unwrap_or(&pending.ask.scopes).clone();
        let is_displayed = params.digest.as_ref().is_none_or(|shown| *shown == digest);
        is_displayed.then_some(Waiting { digest, scopes, from: pending.ask.origin.network })
    }))
}

/// Takes an approval of the last half minute back.
pub async fn undo(state: &AppState, caller: &Connection, params: RequestRef) -> Result<Undone, Refusal> {
    let request_id = params.request_id;
    let found = state.approvals.find(&request_id, state.clock.now_ms());
    let undoable = Box::new(found.ok_or(Refusal::Approve(ApproveRefusal::UndoTooLate))?);
    // Whether the device has come in by its new token is part of what is decided.
    state.flush_seen().await.map_err(|error| error.refusal())?;
    let device_id = undoable.after.device_id.clone();
    let device = apply(state, &device_id, PairingEvent::Undo { undoable, decider: decider(caller) }).await?.paired;
    state.approvals.forget(&request_id);
    tracing::info!(
        conn.id = %caller.id,
        request.id = request_id,
        device.id = device_id.as_str().get(..8),
        "An approval was undone"
    );
    Ok(Undone { request_id, device_id, device: device.map(|device| device.shown(None)) })
}

pub async fn reject(state: &AppState, caller: &Connection, params: RejectParams) -> Result<Value, Refusal> {
    let decider = decider(caller);
    let unknown = decider.told(Refusal::RequestUnknown, Refusal::RejectionDenied);
    let device_id = device_of(state, &params.request_id).await?.ok_or(unknown)?;
    let RejectParams { request_id, digest } = params;
    apply(state, &device_id, PairingEvent::Reject { request_id: request_id.clone(), digest, decider }).await?;
    Ok(json!({"requestId": request_id, "deviceId": device_id}))
}

pub async fn remove(state: &AppState, caller: &Connection, params: DeviceRef) -> Result<Value, Refusal> {
    apply(state, &params.device_id, PairingEvent::Remove { decider: decider(caller) }).await?;
    Ok(json!({"deviceId": params.device_id}))
}

pub async fn rename(state: &AppState, caller: &Connection, params: RenameParams) -> Result<Value, Refusal> {
    let event = PairingEvent::Rename { label: params.label.clone(), decider: decider(caller) };
    apply(state, &params.device_id, event).await?;
    Ok(json!({"deviceId": params.device_id, "label": params.label.trim()}))
}

pub async fn rotate(state: &AppState, caller: &Connection, params: TokenParams) -> Result<Rotated, Refusal> {
    let role = Role::parse(&params.role).ok_or(Refusal::RotationDenied)?;
    let event = PairingEvent::Rotate {
        role: params.role,
        scopes: params.scopes,
        decider: decider(caller),
        generation: Uuid::new_v4().to_string(),
    };
    let pairing = apply(state, &params.device_id, event).await?;
    let device = pairing.paired.ok_or(Refusal::RotationDenied)?;
    let token = device.live_token(role).ok_or(Refusal::RotationDenied)?;
    let is_own = by_device_credential(caller) && caller.device_id.as_ref() == Some(&params.device_id);
    Ok(Rotated {
        token: is_own.then(|| state.server_key.device_token(&params.device_id, token)),
        scopes: token.scopes.clone(),
        rotated_at_ms: token.issued_at_ms(),
        token_delivery: if is_own { TokenDelivery::InBand } else { TokenDelivery::WithheldCrossDevice },
        device_id: params.device_id,
        role,
    })
}

pub async fn revoke(state: &AppState, caller: &Connection, params: TokenParams) -> Result<Value, Refusal> {
    let event = PairingEvent::Revoke { role: params.role.clone(), decider: decider(caller) };
    let pairing = apply(state, &params.device_id, event).await?;
    let tokens = pairing.paired.map(|device| device.tokens).unwrap_or_default();
    let revoked_at_ms = tokens.iter().find(|token| token.role.as_str() == params.role).and_then(|t| t.revoked_at_ms);
    Ok(json!({"deviceId": params.device_id, "role": params.role, "revokedAtMs": revoked_at_ms}))
}

async fn device_of(state: &AppState, request_id: &str) -> Result<Option<DeviceId>, Refusal> {
    state.store.find_device_of_request(request_id).await.map_err(|error| error.refusal())
}

pub async fn apply(state: &AppState, device_id: &DeviceId, event: PairingEvent) -> Result<DevicePairing, Refusal> {
    effects::apply(state, device_id, event).await.map_err(|error| error.refusal())
}

pub fn decider(caller: &Connection) -> Decider {
    Decider {
        scopes: caller.scopes.clone(),
        device_id: caller.device_id.clone(),
        by_device_credential: by_device_credential(caller),
        is_owner: caller.is_owner,
        from: Some(caller.introduction.origin()),
    }
}

fn by_device_credential(caller: &Connection) -> bool {
    matches!(caller.method, AuthMethod::DeviceToken | AuthMethod::DeviceKey)
}
