//! Pages of devices, what is known of one of them, and what a code would lead to.

use protocol::DeviceId;
use protocol::method::{DevicePage, ListedDevice};
use protocol::operations::{SetupConcern, SetupOutlook, ShutOut};
use protocol::pairing::{Approval, Approver, Explanation, LiveConnection, PairingReason};
use serde_json::Value;

use super::{flag, id, network, number, origin, paired_device, role, scopes, text};

fn rows<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The result of `device.pair.page`.
pub fn device_page(value: &Value) -> DevicePage {
    let amount = |key| number(value, key).unwrap_or_default();
    let listed = |value: &Value| {
        Some(ListedDevice { device: paired_device(value)?, last_seen_address: text(value, "lastSeenAddress") })
    };
    DevicePage {
        devices: rows(value, "devices").iter().filter_map(listed).collect(),
        offset: amount("offset"),
        matching: amount("matching"),
        paired: amount("paired"),
        connected: amount("connected"),
        unused: amount("unused"),
    }
}

/// The result of `device.pair.explain`.
pub fn explanation(value: &Value) -> Option<Explanation> {
    Some(Explanation {
        device: value.get("device").and_then(paired_device)?,
        approval: value.get("approval").and_then(approval),
        approved_by_name: text(value, "approvedByName"),
        last_seen_address: text(value, "lastSeenAddress"),
        last_connected_at_ms: number(value, "lastConnectedAtMs"),
        last_disconnected_at_ms: number(value, "lastDisconnectedAtMs"),
        connections: rows(value, "connections").iter().filter_map(connection).collect(),
    })
}

fn approval(value: &Value) -> Option<Approval> {
    Some(Approval {
        by: value.get("by").and_then(approver),
        reason: text(value, "reason").as_deref().and_then(PairingReason::parse)?,
        has_secret: flag(value, "hasSecret"),
        origin: value.get("origin").and_then(origin)?,
        user_agent: text(value, "userAgent"),
    })
}

fn approver(value: &Value) -> Option<Approver> {
    match text(value, "kind").as_deref()? {
        "owner" => Some(Approver::Owner),
        "program" => Some(Approver::Program),
        "device" => Some(Approver::Device { device_id: id(value).unwrap_or(DeviceId::claimed("")) }),
        _ => None,
    }
}

fn connection(value: &Value) -> Option<LiveConnection> {
    Some(LiveConnection {
        role: role(value)?,
        scopes: scopes(value, "scopes"),
        version: text(value, "version").unwrap_or_default(),
        address: text(value, "address")?,
        network: network(value)?,
        encrypted: flag(value, "encrypted"),
        page: text(value, "page"),
        connected_at_ms: number(value, "connectedAtMs").unwrap_or_default(),
    })
}

/// What a code would lead to, in the result of `status`.
pub fn setup_outlook(status: &Value) -> SetupOutlook {
    let Some(setup) = status.pointer("/gateway/setup") else { return SetupOutlook::default() };
    let concern = |value: &Value| {
        let shuts_out = match text(value, "shutsOut").as_deref()? {
            "everyone" => ShutOut::Everyone,
            "browsers" => ShutOut::Browsers,
            _ => ShutOut::Elsewhere,
        };
        Some(SetupConcern { shuts_out, sentence: text(value, "sentence")?, next_step: text(value, "nextStep")? })
    };
    SetupOutlook { url: text(setup, "url"), concerns: rows(setup, "concerns").iter().filter_map(concern).collect() }
}
