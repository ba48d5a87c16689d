//! One record of OpenClaw's (wire.md §6.1, §6.4): what it comes to here, or why it is skipped. Pure.

use std::net::IpAddr;

use access::locality::network_of;
use access::pairing::{Ask, Device, Pending, Token};
use protocol::node::{NodeSurface, PendingNodeSurface, Surface};
use protocol::pairing::{ApprovedVia, Network, Origin, PairingReason};
use protocol::{DeviceId, PublicKey, Role, Scopes, Secret};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::keys::hash_code;
use crate::store::{ImportedDevice, ImportedToken};

type Record = Map<String, Value>;

/// What the records do not say.
pub struct Context<'a> {
    /// Unix epoch, milliseconds.
    pub now_ms: u64,
    /// Our stamp for the shared secret that vouched for a token, by OpenClaw's word for it.
    pub issuer: &'a (dyn Fn(&str) -> String + Sync),
}

/// What was taken of a record, and which parts of it were not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<T> {
    pub taken: T,
    pub without: Vec<String>,
}

impl<T> Reading<T> {
    /// As a remark.
    pub fn left_out(&self) -> Option<String> {
        (!self.without.is_empty()).then(|| format!("without {}", self.without.join(", ")))
    }
}

/// Reads a paired device. `node` is its record from the time when nodes were paired by themselves.
pub fn device(
    device_id: &str,
    record: &Record,
    node: Option<&Record>,
    context: &Context<'_>,
) -> Result<Reading<ImportedDevice>, String> {
    let mut fields = Fields { record, without: Vec::new() };
    let key = proven_key(device_id, record)?;
    let created_at_ms = fields.required_ms("createdAtMs")?;
    let approved_at_ms = fields.required_ms("approvedAtMs")?;
    let roles = fields.roles()?;
    let role = fields.text("role").as_deref().and_then(Role::parse).or(roles.first().copied());
    let role = role.ok_or("it has no role that there is here")?;
    let scopes = match fields.scopes("approvedScopes")? {
        Some(approved) => approved,
        None => fields.scopes("scopes")?.unwrap_or_default(),
    };
    let (tokens, brought) = tokens(&mut fields, context, created_at_ms)?;
    let own = record.get("nodeSurface").and_then(Value::as_object);
    let former = node.filter(|_| roles.contains(&Role::Node));
    let surface_record = own.or(former);
    let at = |name: &str| surface_record.and_then(|surface| surface.get(name)).and_then(Value::as_u64);
    let pending_surface = record.get("pendingNodeSurface").and_then(Value::as_object).and_then(pending_surface);
    if record.get("pendingNodeSurface").is_some_and(|value| !value.is_null()) && pending_surface.is_none() {
        fields.without.push("what it offers beyond that, which it offers again when it connects".to_owned());
    }
    let approved_via = fields.text("approvedVia").as_deref().and_then(ApprovedVia::parse);
    let device = Device {
        device_id: DeviceId::claimed(device_id),
        public_key: key.to_base64url(),
        display_name: fields.text("displayName"),
        operator_label: fields.text("operatorLabel"),
        platform: fields.text("platform").unwrap_or_default(),
        device_family: fields.text("deviceFamily"),
        client_id: fields.text("clientId").unwrap_or_else(|| "unknown".to_owned()),
        client_mode: fields.text("clientMode").unwrap_or_else(|| "unknown".to_owned()),
        role,
        roles,
        scopes,
        remote_ip: fields.text("remoteIp"),
        // Before there was a word for it, a person had approved.
        approved_via: approved_via.unwrap_or(ApprovedVia::Owner),
        created_at_ms,
        approved_at_ms,
        last_seen_at_ms: fields.ms("lastSeenAtMs"),
        last_seen_reason: fields.text("lastSeenReason"),
        tokens,
        last_connected_at_ms: at("lastConnectedAtMs"),
        last_disconnected_at_ms: at("lastDisconnectedAtMs"),
        surface: surface_record.map(|surface| node_surface(surface, created_at_ms, approved_at_ms)),
        pending_surface,
        // Their records do not say.
        approval: None,
        last_seen_address: None,
        expires_at_ms: None,
        withheld: Scopes::default(),
    };
    Ok(Reading { taken: ImportedDevice { device, tokens: brought }, without: fields.without })
}

/// Reads a request that waits.
pub fn request(request_id: &str, record: &Record, now_ms: u64) -> Result<Pending, String> {
    let mut fields = Fields { record, without: Vec::new() };
    if !is_request_id(request_id) {
        return Err("its id is none".to_owned());
    }
    let device_id = fields.text("deviceId").ok_or("it names no device")?;
    let key = proven_key(&device_id, record)?;
    let ts = fields.required_ms("ts")?;
    let roles = fields.roles()?;
    let role = fields.text("role").as_deref().and_then(Role::parse).or(roles.first().copied());
    let is_repair = record.get("isRepair").is_some_and(|flag| flag == true || flag == 1);
    let remote = fields.text("remoteIp");
    let address: Option<IpAddr> = remote.as_deref().and_then(|text| text.parse().ok());
    let pending = Pending {
        request_id: request_id.to_owned(),
        ask: Ask {
            device_id: DeviceId::claimed(device_id),
            public_key: key.to_base64url(),
            display_name: fields.text("displayName"),
            platform: fields.text("platform").unwrap_or_default(),
            device_family: fields.text("deviceFamily"),
            client_id: fields.text("clientId").unwrap_or_else(|| "unknown".to_owned()),
            client_mode: fields.text("clientMode").unwrap_or_else(|| "unknown".to_owned()),
            role: role.ok_or("it asks for no role that there is here")?,
            scopes: fields.scopes("scopes")?.unwrap_or_default(),
            reason: if is_repair { PairingReason::ScopeUpgrade } else { PairingReason::NotPaired },
            // OpenClaw lets nobody ask who does not show it.
            has_secret: true,
            is_direct_local: remote.is_none(),
            origin: Origin {
                network: address.map_or(Network::ThisMachine, network_of),
                address: remote.unwrap_or_else(|| "127.0.0.1".to_owned()),
                resolved: "as OpenClaw noted it".to_owned(),
                encrypted: false,
                page: fields.text("browserOrigin"),
            },
            user_agent: None,
            node: None,
        },
        roles,
        is_repair,
        ts,
        refreshed_at_ms: fields.ms("refreshedAtMs"),
        attempts: 1,
    };
    if pending.expires_at_ms() <= now_ms {
        return Err("it has run out; the device asks again when it connects".to_owned());
    }
    Ok(pending)
}

/// The key of a record, if its id belongs to it: nobody else's id can be claimed by a record.
fn proven_key(device_id: &str, record: &Record) -> Result<PublicKey, String> {
    let text = record.get("publicKey").and_then(Value::as_str).ok_or("it has no public key")?;
    let key = PublicKey::parse(text).ok_or("its public key is none")?;
    if key.device_id().as_str() == device_id { Ok(key) } else { Err("its id does not belong to its key".to_owned()) }
}

fn tokens(
    fields: &mut Fields<'_>,
    context: &Context<'_>,
    created_at_ms: u64,
) -> Result<(Vec<Token>, Vec<ImportedToken>), String> {
    let (mut tokens, mut brought) = (Vec::new(), Vec::new());
    let stored = match fields.record.get("tokens") {
        None | Some(Value::Null) => return Ok((tokens, brought)),
        Some(Value::Object(stored)) => stored,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err("its tokens cannot be read".to_owned());
        }
    };
    for (name, value) in stored {
        let read = Role::parse(name).zip(value.as_object()).zip(value.get("token").and_then(Value::as_str));
        let Some(((role, record), token)) = read.filter(|(_, token)| !token.trim().is_empty()) else {
            fields.without.push(format!("its token as `{name}`"));
            continue;
        };
        let mut token_fields = Fields { record, without: Vec::new() };
        let generation = Uuid::new_v4().to_string();
        let issuer = value.pointer("/issuer/generation").and_then(Value::as_str).map(context.issuer);
        brought.push(ImportedToken {
            role,
            generation: generation.clone(),
            token_hash: hash_code(&Secret::new(token)),
        });
        tokens.push(Token {
            role,
            generation,
            scopes: token_fields.scopes("scopes")?.unwrap_or_default().normalized(),
            issuer,
            created_at_ms: token_fields.ms("createdAtMs").unwrap_or(created_at_ms),
            rotated_at_ms: token_fields.ms("rotatedAtMs"),
            revoked_at_ms: token_fields.revoked_at(context.now_ms),
            last_used_at_ms: token_fields.ms("lastUsedAtMs"),
        });
        fields.without.append(&mut token_fields.without);
    }
    tokens.sort_by_key(|token| token.role);
    Ok((tokens, brought))
}

fn node_surface(record: &Record, created_at_ms: u64, approved_at_ms: u64) -> NodeSurface {
    let at = |name: &str| record.get(name).and_then(Value::as_u64);
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    NodeSurface {
        display_name: text("displayName"),
        version: text("version").unwrap_or_default(),
        surface: surface(record),
        created_at_ms: at("createdAtMs").unwrap_or(created_at_ms),
        approved_at_ms: at("approvedAtMs").unwrap_or(approved_at_ms),
    }
}

fn pending_surface(record: &Record) -> Option<PendingNodeSurface> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(PendingNodeSurface {
        request_id: text("requestId").filter(|id| is_request_id(id))?,
        display_name: text("displayName"),
        version: text("version").unwrap_or_default(),
        platform: text("platform").unwrap_or_default(),
        device_family: text("deviceFamily"),
        surface: surface(record),
        // Whether it could be approved without a person is for this gateway to say.
        silent: false,
        ts: record.get("ts").and_then(Value::as_u64)?,
    })
}

fn surface(record: &Record) -> Surface {
    let list = |name: &str| {
        let items = record.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let permissions = record.get("permissions").and_then(Value::as_object).into_iter().flatten();
    Surface {
        caps: list("caps"),
        commands: list("commands"),
        permissions: permissions.filter_map(|(name, value)| Some((name.clone(), value.as_bool()?))).collect(),
    }
}

/// What official clients accept as the id of a request (wire.md §6.2).
fn is_request_id(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    (1..=128).contains(&text.len())
        && text.bytes().all(is_plain)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// Reads fields, and notes which of those that nobody needs could not be read.
struct Fields<'a> {
    record: &'a Record,
    without: Vec<String>,
}

impl Fields<'_> {
    fn text(&mut self, name: &str) -> Option<String> {
        match self.record.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                self.without.push(name.to_owned());
                None
            }
        }
    }

    fn ms(&mut self, name: &str) -> Option<u64> {
        let value = self.record.get(name).filter(|value| !value.is_null())?;
        let ms = value.as_u64();
        if ms.is_none() {
            self.without.push(name.to_owned());
        }
        ms
    }

    fn required_ms(&self, name: &str) -> Result<u64, String> {
        let value = self.record.get(name).and_then(Value::as_u64);
        value.ok_or_else(|| format!("its {name} is missing or no number"))
    }

    /// A token that was revoked at a time nobody can read was revoked all the same.
    fn revoked_at(&self, now_ms: u64) -> Option<u64> {
        let value = self.record.get("revokedAtMs").filter(|value| !value.is_null())?;
        Some(value.as_u64().unwrap_or(now_ms))
    }

    /// The roles it was approved for; those that there are not here are left out.
    fn roles(&mut self) -> Result<Vec<Role>, String> {
        let names = match self.record.get("roles") {
            None | Some(Value::Null) => self.record.get("role").cloned().into_iter().collect(),
            Some(Value::Array(names)) => names.clone(),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                return Err("its roles are no list".to_owned());
            }
        };
        let mut roles = Vec::new();
        for name in names {
            match name.as_str().and_then(Role::parse) {
                Some(role) if roles.contains(&role) => {}
                Some(role) => roles.push(role),
                None => self.without.push(format!("its role {name}")),
            }
        }
        Ok(roles)
    }

    fn scopes(&self, name: &str) -> Result<Option<Scopes>, String> {
        let items = match self.record.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                return Err(format!("its {name} is no list"));
            }
        };
        let scopes: Option<Scopes> = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(Scopes::from_iter);
        scopes.map(Some).ok_or_else(|| format!("its {name} holds something that is no scope"))
    }
}

#[cfg(test)]
mod tests;
