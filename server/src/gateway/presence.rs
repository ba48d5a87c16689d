//! Who is here: the presence list and its announcements (wire.md §8.3).

use std::time::Duration;

use protocol::event::Event;
use serde_json::{Map, Value, json};

use super::connection::Connection;
use crate::state::AppState;

/// How long an announcement waits for others who come or go in the same moment.
const GATHERING: Duration = Duration::from_millis(100);

/// How much longer it waits for each connection, so that a thousand devices coming back at once are not a
/// thousand announcements to a thousand listeners.
const GATHERING_PER_CONNECTION: Duration = Duration::from_millis(1);

/// The longest list; beyond it the newest are named. The gateway itself is always the first.
const MAX_ENTRIES: usize = 256;

/// Announces who is here whenever that changes, until the gateway stops. Our own pages are also told to look
/// at their lists again, because those say of each device whether it is here.
pub async fn announce_changes(state: AppState) {
    loop {
        tokio::select! {
            () = state.registry.presence_changed() => {}
            () = state.stopping.cancelled() => return,
        }
        let connections = u32::try_from(state.registry.count()).unwrap_or(u32::MAX);
        tokio::select! {
            () = tokio::time::sleep(GATHERING + GATHERING_PER_CONNECTION.saturating_mul(connections)) => {}
            () = state.stopping.cancelled() => return,
        }
        let (known, now) = (state.registry.announced_presence(), list(&state));
        // The first is the gateway itself, which never changes but for its clock.
        if known.get(1..) != now.get(1..) {
            state.registry.broadcast_presence(now);
        }
        state.registry.broadcast(Event::DevicePairChanged, None::<&()>, Some(&json!({})));
    }
}

/// The gateway, then everyone who is connected, newest first. Command lines and probes come and go too
/// quickly to be named.
pub fn list(state: &AppState) -> Vec<Value> {
    let mut connections = state.registry.connections();
    connections.retain(|connection| !is_passing(connection));
    // By id where two came at once, so that the same people always make the same list.
    connections.sort_by(|one, other| {
        let came = |connection: &Connection| connection.introduction.connected_at_ms;
        came(other).cmp(&came(one)).then_with(|| one.id.cmp(&other.id))
    });
    connections.truncate(MAX_ENTRIES);
    std::iter::once(gateway(state)).chain(connections.iter().map(|connection| entry(connection))).collect()
}

fn is_passing(connection: &Connection) -> bool {
    let mode = connection.introduction.client.mode.as_str();
    connection.is_owner || mode == "cli" || mode == "probe"
}

fn gateway(state: &AppState) -> Value {
    let host = &state.host_name;
    json!({
        "host": host,
        "version": crate::VERSION,
        "platform": std::env::consts::OS,
        "mode": "gateway",
        "reason": "self",
        "text": format!("Gateway: {host} · app {} · mode gateway · reason self", crate::VERSION),
        "ts": state.clock.now_ms(),
    })
}

fn entry(connection: &Connection) -> Value {
    let introduction = &connection.introduction;
    let client = &introduction.client;
    let mut entry = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            entry.insert(name.to_owned(), value.into());
        }
    };
    put("host", client.display_name.as_deref());
    put("clientId", Some(&client.id));
    let attribution = &introduction.attribution;
    let ip = (!attribution.is_direct_local()).then(|| attribution.client.to_string());
    put("ip", ip.as_deref());
    put("version", Some(&client.version));
    put("platform", Some(&client.platform));
    put("deviceFamily", client.device_family.as_deref());
    put("modelIdentifier", client.model_identifier.as_deref());
    put("mode", Some(&client.mode));
    put("timeZone", client.time_zone.as_deref());
    let device_id = connection.device_id.as_ref().map(protocol::DeviceId::as_str);
    put("deviceId", device_id);
    put("instanceId", client.instance_id.as_deref().or(device_id));
    put("reason", Some("connect"));
    let name = client.display_name.as_deref().unwrap_or("unknown");
    put("text", Some(&format!("Node: {name} · mode {}", client.mode)));
    entry.insert("roles".to_owned(), json!([connection.role]));
    if !connection.scopes.is_empty() {
        entry.insert("scopes".to_owned(), json!(connection.scopes));
    }
    entry.insert("onlineSince".to_owned(), introduction.connected_at_ms.into());
    entry.insert("ts".to_owned(), introduction.connected_at_ms.into());
    Value::Object(entry)
}
