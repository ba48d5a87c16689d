//! The devices as OpenClaw's own JSON files, which its `doctor --fix` takes over (wire.md §6.4).

use access::pairing::{Device, Pending};
use protocol::Secret;
use protocol::method::{Exported, ExportedFile};
use serde_json::{Map, Value, json};

use super::shared_generation;
use crate::state::AppState;
use crate::store::StoreError;

pub async fn export(state: &AppState) -> Result<Exported, StoreError> {
    let pairings = state.store.list_pairings().await?;
    let devices = keyed(&pairings.paired, |device| (device.device_id.to_string(), paired(state, device)));
    let nodes = pairings.paired.iter().filter_map(|device| Some((device.device_id.to_string(), node(device)?)));
    let requests = keyed(&pairings.pending, |(request, _)| (request.request_id.clone(), pending(request)));
    let mut files = vec![
        file("devices/paired.json", &devices),
        file("devices/pending.json", &requests),
        file("nodes/paired.json", &nodes.collect::<Map<_, _>>().into()),
    ];
    // The key of the command line is written as OpenClaw writes its own.
    let identity = std::fs::read_to_string(&state.paths.identity_file).ok();
    files
        .extend(identity.map(|text| ExportedFile { path: "identity/device.json".to_owned(), text: Secret::new(text) }));
    Ok(Exported { files, devices: pairings.paired.len(), requests: pairings.pending.len() })
}

fn keyed<T>(records: &[T], shown: impl Fn(&T) -> (String, Value)) -> Value {
    records.iter().map(shown).collect::<Map<_, _>>().into()
}

fn file(path: &str, content: &Value) -> ExportedFile {
    ExportedFile { path: path.to_owned(), text: Secret::new(format!("{content:#}\n")) }
}

/// The public record with what is private in it: the tokens, and what was approved.
fn paired(state: &AppState, device: &Device) -> Value {
    let mut record = json!(device.shown(None));
    record["approvedScopes"] = json!(device.scopes);
    // Of these OpenClaw knows nothing.
    for ours in ["expiresAtMs", "withheldScopes"] {
        record.as_object_mut().and_then(|fields| fields.remove(ours));
    }
    let tokens = device.tokens.iter().map(|token| {
        let mut shown = json!({
            "token": state.server_key.device_token(&device.device_id, token).reveal(),
            "role": token.role,
            "scopes": token.scopes,
            "createdAtMs": token.created_at_ms,
        });
        let times = [
            ("rotatedAtMs", token.rotated_at_ms),
            ("revokedAtMs", token.revoked_at_ms),
            ("lastUsedAtMs", token.last_used_at_ms),
        ];
        for (name, at) in times {
            if let Some(at) = at {
                shown[name] = at.into();
            }
        }
        if let Some(issuer) = &token.issuer {
            shown["issuer"] = json!({"kind": "shared-gateway-auth", "generation": generation(state, issuer)});
        }
        (token.role.as_str().to_owned(), shown)
    });
    record["tokens"] = tokens.collect::<Map<_, _>>().into();
    if let Some(surface) = record.get_mut("nodeSurface") {
        for (name, at) in [
            ("lastConnectedAtMs", device.last_connected_at_ms),
            ("lastDisconnectedAtMs", device.last_disconnected_at_ms),
        ] {
            if let Some(at) = at {
                surface[name] = at.into();
            }
        }
    }
    record
}

/// OpenClaw's word for the shared secret that vouched for a token. A secret that is gone vouches for nothing there
/// either.
fn generation(state: &AppState, issuer: &str) -> String {
    let config = state.config();
    for (mode, secret) in [("token", &config.token), ("password", &config.password)] {
        if let Some(secret) = secret.as_ref().filter(|secret| state.server_key.issuer(secret) == issuer) {
            return shared_generation(mode, secret.reveal());
        }
    }
    issuer.strip_prefix("openclaw:").unwrap_or(issuer).to_owned()
}

/// A node as the versions knew it that paired nodes by themselves.
fn node(device: &Device) -> Option<Value> {
    let surface = device.surface.as_ref()?;
    let mut record = json!(surface);
    record["nodeId"] = json!(device.device_id);
    record["platform"] = json!(device.platform);
    if let Some(at) = device.last_connected_at_ms {
        record["lastConnectedAtMs"] = at.into();
    }
    Some(record)
}

fn pending(request: &Pending) -> Value {
    let mut record = json!(request.shown(None));
    if let Some(fields) = record.as_object_mut() {
        fields.remove("evidence");
    }
    if let Some(at) = request.refreshed_at_ms {
        record["refreshedAtMs"] = at.into();
    }
    record
}
