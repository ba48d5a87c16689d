//! `health` and `status`, in the shapes that official clients read (wire.md §12.2).

use protocol::Refusal;
use serde_json::{Value, json};

use crate::config::SecretSource;
use crate::gateway::{exposure, outlook};
use crate::state::AppState;

/// The gateway carries no agents, channels or plugins, and says so.
pub fn health(state: &AppState) -> Value {
    json!({
        "ok": true,
        "ts": state.clock.now_ms(),
        "durationMs": 0,
        "plugins": {"loaded": [], "errors": []},
        "configReload": {"hotReloadStatus": if state.live.is_watching() { "active" } else { "stopped" }},
        "channels": {},
        "channelOrder": [],
        "channelLabels": {},
        "heartbeatSeconds": 0,
        "defaultAgentId": "main",
        "agents": [],
        "sessions": {"path": "", "count": 0, "recent": []},
    })
}

/// The official shape, and under `gateway` what an owner wants to know of ours.
pub async fn status(state: &AppState) -> Result<Value, Refusal> {
    let counts = state.store.count_pairings().await.map_err(|error| error.refusal())?;
    let config = state.config();
    Ok(json!({
        "runtimeVersion": crate::VERSION,
        "heartbeat": {"defaultAgentId": "main", "agents": []},
        "channelSummary": [],
        "queuedSystemEvents": [],
        "sessions": {
            "paths": [], "count": 0, "defaults": {"model": null, "contextTokens": null}, "recent": [], "byAgent": [],
        },
        "gateway": {
            "version": crate::VERSION,
            "pid": std::process::id(),
            "uptimeMs": state.uptime_ms(),
            "port": state.port,
            "host": config.bind.local_host(),
            "bind": config.bind.as_str(),
            "authMode": config.policy.auth_mode.as_str(),
            "authSource": state.live.secret_source().map(SecretSource::as_str),
            "bySecret": state.registry.connections().iter().filter(|one| one.came_by_secret()).count(),
            "connections": state.registry.count(),
            "connectedDevices": state.registry.connected_devices().len(),
            "pending": counts.pending,
            "paired": counts.paired,
            "reachableFrom": exposure::reachable(state),
            "setup": outlook::outlook(state),
        },
    }))
}
