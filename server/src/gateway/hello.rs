//! The answer to a `connect` that was let in (wire.md §2.5).

use protocol::event::Event;
use protocol::handshake::{DeviceTokenGiven, Features, HelloAuth, ServerIdentity, Snapshot, TransportPolicy};
use protocol::role::ADMIN;
use protocol::{HelloOk, Method, PROTOCOL_VERSION};

use super::admit::Admitted;
use super::methods::status;
use crate::state::AppState;

pub fn compose(state: &AppState, connection_id: &str, admitted: &Admitted) -> HelloOk {
    let Admitted { grant, paired, pending_request } = admitted;
    let token = paired.as_ref().and_then(|device| Some((device, device.live_token(grant.role)?)));
    let is_admin = grant.scopes.contains(ADMIN);
    let sees_others = Event::Presence.reaches(grant.role, &grant.scopes);
    HelloOk {
        kind: "hello-ok".to_owned(),
        protocol: PROTOCOL_VERSION,
        server: ServerIdentity { version: crate::VERSION.to_owned(), conn_id: connection_id.to_owned() },
        features: Features {
            methods: Method::ALL.iter().filter(|m| m.is_advertised()).map(|m| m.name().to_owned()).collect(),
            events: Event::ALL.iter().map(|event| event.name().to_owned()).collect(),
        },
        snapshot: Snapshot {
            presence: if sees_others { state.registry.announced_presence().to_vec() } else { Vec::new() },
            health: status::health(state),
            state_version: state.registry.state_version(),
            uptime_ms: state.uptime_ms(),
            config_path: is_admin.then(|| state.paths.config_file.display().to_string()),
            state_dir: is_admin.then(|| state.paths.state_dir.display().to_string()),
            auth_mode: is_admin.then(|| state.config().policy.auth_mode.as_str().to_owned()),
        },
        auth: HelloAuth {
            method: grant.method,
            role: grant.role,
            scopes: grant.scopes.clone(),
            device_token: token.map(|(device, token)| state.server_key.device_token(&device.device_id, token)),
            issued_at_ms: token.map(|(_, token)| token.issued_at_ms()),
            device_tokens: other_tokens(state, admitted),
            pending_scopes: grant
                .pending
                .as_ref()
                .map(|ask| ask.scopes.iter().filter(|scope| !grant.scopes.allow(grant.role, scope)).collect()),
            pending_request_id: pending_request.clone(),
        },
        policy: TransportPolicy::default(),
    }
}

/// The token of another role that the same code gave the device (wire.md §10.3).
fn other_tokens(state: &AppState, admitted: &Admitted) -> Vec<DeviceTokenGiven> {
    let other = admitted.paired.as_ref().zip(admitted.grant.issues_token_also_for);
    let token = other.and_then(|(device, role)| Some((device, device.live_token(role)?)));
    let given = token.map(|(device, token)| DeviceTokenGiven {
        device_token: state.server_key.device_token(&device.device_id, token),
        role: token.role,
        scopes: token.scopes.clone(),
        issued_at_ms: token.issued_at_ms(),
    });
    given.into_iter().collect()
}
