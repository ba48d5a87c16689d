//! Reads what the gateway says, by name.
//!
//! Derived deserialization of the same records was an eighth of the bundle. This reads only what it finds: a record
//! that lacks what makes it one is left out, and the rest of a list stays.

mod devices;

use protocol::event::PairPending;
use protocol::node::{NodeSurface, Offer, PendingNodeSurface, Surface};
use protocol::operations::Reach;
use protocol::pairing::{
    ApprovedVia, BlockedDevice, Evidence, Known, Network, Origin, PairedDevice, PairingCounts, PairingList,
    PairingReason, PendingRequest, TokenSummary,
};
use protocol::{Challenge, DeviceId, Fingerprint, Role, Scopes, WireError};
use serde_json::Value;

pub use devices::{device_page, explanation, setup_outlook};

pub fn pairing_list(value: &Value) -> PairingList {
    let rows = |key| value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    PairingList {
        pending: rows("pending").iter().filter_map(pending_request).collect(),
        paired: rows("paired").iter().filter_map(paired_device).collect(),
        counts: value.get("counts").map(|counts| PairingCounts {
            paired: number(counts, "paired").unwrap_or_default(),
            connected: number(counts, "connected").unwrap_or_default(),
        }),
    }
}

pub fn pending_request(value: &Value) -> Option<PendingRequest> {
    Some(PendingRequest {
        request_id: text(value, "requestId")?,
        device_id: id(value)?,
        public_key: text(value, "publicKey")?,
        display_name: text(value, "displayName"),
        platform: text(value, "platform").unwrap_or_default(),
        device_family: text(value, "deviceFamily"),
        client_id: text(value, "clientId").unwrap_or_default(),
        client_mode: text(value, "clientMode").unwrap_or_default(),
        role: role(value)?,
        roles: roles(value),
        scopes: scopes(value, "scopes"),
        remote_ip: text(value, "remoteIp"),
        silent: flag(value, "silent"),
        is_repair: flag(value, "isRepair"),
        ts: number(value, "ts").unwrap_or_default(),
        evidence: value.get("evidence").and_then(evidence),
    })
}

fn evidence(value: &Value) -> Option<Evidence> {
    Some(Evidence {
        digest: text(value, "digest")?,
        reason: text(value, "reason").as_deref().and_then(PairingReason::parse)?,
        expires_at_ms: number(value, "expiresAtMs")?,
        attempts: number(value, "attempts").and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        has_secret: flag(value, "hasSecret"),
        origin: value.get("origin").and_then(origin)?,
        approved_scopes: scopes(value, "approvedScopes"),
        user_agent: text(value, "userAgent"),
        node: value
            .get("node")
            .map(|node| Offer { version: text(node, "version").unwrap_or_default(), surface: surface(node) }),
        known: value.get("known").and_then(known),
    })
}

fn known(value: &Value) -> Option<Known> {
    Some(Known {
        name: text(value, "name")?,
        platform: text(value, "platform").unwrap_or_default(),
        device_family: text(value, "deviceFamily"),
        client_id: text(value, "clientId").unwrap_or_default(),
        roles: roles(value),
        expires_at_ms: number(value, "expiresAtMs"),
    })
}

/// The devices that are blocked. By whom is left to the command line.
pub fn blocked_list(value: &Value) -> Vec<BlockedDevice> {
    let rows = value.get("blocked").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |value: &Value| {
        Some(BlockedDevice {
            device_id: id(value)?,
            name: text(value, "name"),
            address: text(value, "address"),
            blocked_at_ms: number(value, "blockedAtMs").unwrap_or_default(),
            by: None,
            knocks: number(value, "knocks").unwrap_or_default(),
            last_knock_at_ms: number(value, "lastKnockAtMs"),
        })
    };
    rows.iter().filter_map(read).collect()
}

/// From where the gateway says that it can be reached, in the result of `status`.
pub fn reach(status: &Value) -> Vec<Reach> {
    let ways = status.pointer("/gateway/reachableFrom").and_then(Value::as_array).map(Vec::as_slice);
    let way = |way| Some(Reach { network: network(way)?, how: text(way, "how")? });
    ways.unwrap_or_default().iter().filter_map(way).collect()
}

pub fn network(value: &Value) -> Option<Network> {
    Some(match value.get("network").and_then(Value::as_str)? {
        "this-machine" => Network::ThisMachine,
        "lan" => Network::Lan,
        "tailnet" => Network::Tailnet,
        _ => Network::Public,
    })
}

pub fn origin(value: &Value) -> Option<Origin> {
    Some(Origin {
        address: text(value, "address")?,
        network: network(value)?,
        resolved: text(value, "resolved").unwrap_or_default(),
        encrypted: flag(value, "encrypted"),
        page: text(value, "page"),
    })
}

pub fn paired_device(value: &Value) -> Option<PairedDevice> {
    let rows = |key| value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(PairedDevice {
        device_id: id(value)?,
        public_key: text(value, "publicKey").unwrap_or_default(),
        display_name: text(value, "displayName"),
        operator_label: text(value, "operatorLabel"),
        platform: text(value, "platform"),
        device_family: text(value, "deviceFamily"),
        client_id: text(value, "clientId").unwrap_or_default(),
        client_mode: text(value, "clientMode").unwrap_or_default(),
        role: role(value)?,
        roles: roles(value),
        scopes: scopes(value, "scopes"),
        remote_ip: text(value, "remoteIp"),
        approved_via: text(value, "approvedVia").as_deref().and_then(ApprovedVia::parse)?,
        created_at_ms: number(value, "createdAtMs").unwrap_or_default(),
        approved_at_ms: number(value, "approvedAtMs").unwrap_or_default(),
        last_seen_at_ms: number(value, "lastSeenAtMs"),
        last_seen_reason: text(value, "lastSeenReason"),
        connected: value.get("connected").and_then(Value::as_bool),
        tokens: rows("tokens").iter().filter_map(token).collect(),
        node_surface: value.get("nodeSurface").and_then(node_surface),
        pending_node_surface: value.get("pendingNodeSurface").and_then(pending_node_surface),
        expires_at_ms: number(value, "expiresAtMs"),
        withheld_scopes: scopes(value, "withheldScopes"),
    })
}

fn token(value: &Value) -> Option<TokenSummary> {
    Some(TokenSummary {
        role: role(value)?,
        scopes: scopes(value, "scopes"),
        created_at_ms: number(value, "createdAtMs").unwrap_or_default(),
        rotated_at_ms: number(value, "rotatedAtMs"),
        revoked_at_ms: number(value, "revokedAtMs"),
        last_used_at_ms: number(value, "lastUsedAtMs"),
    })
}

fn node_surface(value: &Value) -> Option<NodeSurface> {
    Some(NodeSurface {
        display_name: text(value, "displayName"),
        version: text(value, "version")?,
        surface: surface(value),
        created_at_ms: number(value, "createdAtMs").unwrap_or_default(),
        approved_at_ms: number(value, "approvedAtMs").unwrap_or_default(),
    })
}

fn pending_node_surface(value: &Value) -> Option<PendingNodeSurface> {
    Some(PendingNodeSurface {
        request_id: text(value, "requestId")?,
        display_name: text(value, "displayName"),
        version: text(value, "version").unwrap_or_default(),
        platform: text(value, "platform").unwrap_or_default(),
        device_family: text(value, "deviceFamily"),
        surface: surface(value),
        silent: flag(value, "silent"),
        ts: number(value, "ts").unwrap_or_default(),
    })
}

fn surface(value: &Value) -> Surface {
    let permissions = value.get("permissions").and_then(Value::as_object);
    Surface {
        caps: texts(value, "caps"),
        commands: texts(value, "commands"),
        permissions: permissions
            .into_iter()
            .flatten()
            .filter_map(|(name, granted)| Some((name.clone(), granted.as_bool()?)))
            .collect(),
    }
}

pub fn pair_pending(value: &Value) -> Option<PairPending> {
    let fingerprint = value.get("fingerprint")?;
    Some(PairPending {
        request_id: text(value, "requestId")?,
        device_id: id(value)?,
        reason: text(value, "reason").as_deref().and_then(PairingReason::parse)?,
        expires_at_ms: number(value, "expiresAtMs")?,
        now_ms: number(value, "nowMs")?,
        fingerprint: Fingerprint {
            emoji: texts(fingerprint, "emoji"),
            words: texts(fingerprint, "words"),
            hex: text(fingerprint, "hex")?,
        },
        role: role(value)?,
        scopes: scopes(value, "scopes"),
    })
}

pub fn challenge(value: &Value) -> Option<Challenge> {
    Some(Challenge { nonce: text(value, "nonce")?, ts: number(value, "ts")? })
}

pub fn error(value: &Value) -> Option<WireError> {
    Some(WireError {
        code: text(value, "code")?,
        message: text(value, "message")?,
        details: value.get("details").cloned(),
        retryable: value.get("retryable").and_then(Value::as_bool),
        retry_after_ms: number(value, "retryAfterMs"),
    })
}

pub fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

pub fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

pub fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

pub fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn scopes(value: &Value, key: &str) -> Scopes {
    texts(value, key).into_iter().collect()
}

pub fn id(value: &Value) -> Option<DeviceId> {
    text(value, "deviceId").map(DeviceId::claimed)
}

fn role(value: &Value) -> Option<Role> {
    Role::parse(value.get("role")?.as_str()?)
}

fn roles(value: &Value) -> Vec<Role> {
    texts(value, "roles").iter().filter_map(|name| Role::parse(name)).collect()
}

#[cfg(test)]
mod tests;
