//! `device.scopes.*`: a device that is in asks for more, and waits for a person (wire.md §7.2). It is the same
//! kind of request as a wider `connect`, and goes through the same `pairing::step`.

use access::admission::Asker;
use access::pairing::{Ask, Device, PairingEvent};
use protocol::event::Decision;
use protocol::handshake::AuthMethod;
use protocol::method::RequestRef;
use protocol::operations::{UpgradeParams, Upgraded};
use protocol::pairing::PairingReason;
use protocol::refusal::UpgradeRefusal;
use protocol::role::OPERATOR_SCOPES;
use protocol::{DeviceId, Refusal, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::gateway::connection::{Connection, Introduction};
use crate::gateway::effects;
use crate::gateway::registry::Wake;
use crate::state::AppState;

/// Asks a person for more.
pub async fn request(state: &AppState, caller: &Connection, params: UpgradeParams) -> Result<Value, Refusal> {
    let device_id = caller.device_id.as_ref().ok_or(Refusal::Upgrade(UpgradeRefusal::DeviceRequired))?;
    let device = paired(state, device_id).await?;
    let scopes = params.scopes;
    if let Some(unknown) = scopes.iter().find(|scope| !OPERATOR_SCOPES.contains(scope)) {
        return Err(Refusal::Upgrade(UpgradeRefusal::ScopeUnknown { scope: unknown.to_owned() }));
    }
    if !caller.scopes.iter().all(|held| scopes.contains(held)) {
        return Err(Refusal::Upgrade(UpgradeRefusal::LeavesOut));
    }
    let Introduction { client, user_agent, attribution, is_encrypted, page, .. } = &caller.introduction;
    let asker = Asker {
        device_id,
        public_key: &device.public_key,
        client,
        user_agent: user_agent.as_deref(),
        attribution,
        is_encrypted: *is_encrypted,
        page: page.as_deref(),
    };
    let ask = Ask {
        has_secret: matches!(caller.method, AuthMethod::Token | AuthMethod::Password),
        ..asker.ask(Role::Operator, scopes.normalized(), PairingReason::ScopeUpgrade)
    };
    let event = PairingEvent::Ask { ask: Box::new(ask), request_id: Uuid::new_v4().to_string() };
    let applied = effects::apply(state, device_id, event).await.map_err(|error| error.refusal())?;
    let pending = applied.pending.ok_or(Refusal::StoreUnavailable)?;
    Ok(json!({"requestId": pending.request_id}))
}

/// Answers when a person has decided, when the request has run out, or when the caller is gone.
pub async fn wait(state: &AppState, caller: &Connection, params: RequestRef) -> Result<Upgraded, Refusal> {
    let gone = || Refusal::Upgrade(UpgradeRefusal::Gone);
    let device_id = caller.device_id.as_ref().ok_or(Refusal::Upgrade(UpgradeRefusal::DeviceRequired))?;
    // Listen before looking, so that no decision slips by.
    let mut decisions = state.registry.wait_for(device_id);
    let asked_by = state.store.find_device_of_request(&params.request_id).await.map_err(|error| error.refusal())?;
    if asked_by.as_ref() != Some(device_id) {
        return Err(gone());
    }
    loop {
        tokio::select! {
            biased;
            Some((request_id, wake)) = decisions.recv() => {
                if request_id == params.request_id {
                    return outcome(state, device_id, request_id, &wake).await;
                }
            }
            _ = caller.closed() => return Err(gone()),
            () = state.stopping.cancelled() => return Err(Refusal::GatewayStopping),
        }
    }
}

async fn outcome(state: &AppState, device_id: &DeviceId, request_id: String, wake: &Wake) -> Result<Upgraded, Refusal> {
    match wake {
        Wake::Approved { .. } => {
            let device = paired(state, device_id).await?;
            let token = device.live_token(Role::Operator).ok_or(Refusal::Upgrade(UpgradeRefusal::Gone))?;
            Ok(Upgraded {
                status: Decision::Approved,
                request_id,
                device_token: Some(state.server_key.device_token(device_id, token)),
                scopes: Some(token.scopes.clone()),
            })
        }
        Wake::Rejected => Ok(Upgraded { status: Decision::Rejected, request_id, device_token: None, scopes: None }),
        Wake::Dropped(_) => Err(Refusal::Upgrade(UpgradeRefusal::Gone)),
    }
}

/// The device, if it is in as an operator.
async fn paired(state: &AppState, device_id: &DeviceId) -> Result<Device, Refusal> {
    let device = state.store.find_device(device_id).await.map_err(|error| error.refusal())?;
    let device = device.filter(|device| device.live_token(Role::Operator).is_some());
    device.ok_or(Refusal::Upgrade(UpgradeRefusal::DeviceRequired))
}
