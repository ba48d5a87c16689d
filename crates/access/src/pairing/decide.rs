//! One function per event.

use protocol::event::Decision;
use protocol::method::Terms;
use protocol::pairing::{Approval, ApprovedVia, Approver};
use protocol::refusal::ApproveRefusal;
use protocol::{Refusal, Role, Scopes};

use super::{Ask, Decider, Device, DevicePairing, Dropped, Effect, Pending, Step, Token, nodes};

/// What a token that is made now is derived from, and which secret vouches for it.
pub(super) struct NewToken<'a> {
    pub generation: &'a str,
    pub issuer: Option<&'a str>,
}

/// On whose word a device is let in, and on what terms.
struct Word {
    via: ApprovedVia,
    by: Option<Approver>,
    terms: Terms,
}

/// Forgets a request that nobody decided in time, and ends an approval whose time is up.
pub(super) fn sweep(mut state: DevicePairing, now_ms: u64) -> Step {
    let mut effects = Vec::new();
    if let Some(expired) = state.pending.take_if(|pending| pending.expires_at_ms() <= now_ms) {
        effects.push(Effect::Drop { request_id: expired.request_id, why: Dropped::Expired });
    }
    if let Some(device) = state.paired.as_mut().filter(|device| device.runs_out(now_ms)) {
        let ended_at_ms = device.expires_at_ms.unwrap_or(now_ms);
        for token in &mut device.tokens {
            token.revoked_at_ms.get_or_insert(ended_at_ms);
        }
        // Whoever lets the device in again is not shown what was once approved of it.
        device.surface = None;
        effects.push(Effect::EndSockets);
        effects.extend(device.pending_surface.take().as_ref().map(nodes::rejected));
    }
    if !effects.is_empty() {
        effects.push(Effect::ListChanged);
    }
    (state, effects)
}

/// Records a request. It keeps its id as long as it does not ask for more than before; a wider one
/// replaces it, so that an id never stands for more than what was shown under it.
pub(super) fn ask(mut state: DevicePairing, ask: Ask, request_id: String, now_ms: u64) -> Step {
    let is_repair = state.paired.is_some();
    let mut effects = Vec::new();
    let pending = match state.pending.take() {
        Some(known) if covers(&known, &ask) => {
            let before = known.digest();
            let refreshed = refresh(known, ask, now_ms);
            if refreshed.digest() != before {
                effects.push(Effect::ListChanged);
            }
            refreshed
        }
        known => {
            let mut merged = Pending {
                request_id,
                roles: vec![ask.role],
                ask,
                is_repair,
                ts: now_ms,
                refreshed_at_ms: None,
                attempts: 1,
            };
            if let Some(old) = known {
                merged.ask.scopes = old.ask.scopes.merged_with(&merged.ask.scopes);
                merged.roles = merge_roles(&old.roles, &merged.roles);
                merged.attempts = old.attempts.saturating_add(1);
                // Who waits hears why before everyone hears that.
                effects.push(Effect::Drop { request_id: old.request_id.clone(), why: Dropped::Superseded });
                effects.push(Effect::Resolve { request_id: old.request_id, decision: Decision::Rejected });
            }
            effects.push(Effect::Announce(Box::new(merged.shown(state.paired.as_ref()))));
            merged
        }
    };
    state.pending = Some(pending);
    (state, effects)
}

fn covers(known: &Pending, ask: &Ask) -> bool {
    let offers_more = match (&known.ask.node, &ask.node) {
        (Some(shown), Some(offered)) => !shown.surface.covers(&offered.surface),
        (None, Some(_)) => true,
        (Some(_) | None, None) => false,
    };
    known.ask.role == ask.role && known.ask.scopes.allow_all(ask.role, &ask.scopes) && !offers_more
}

fn refresh(known: Pending, newer: Ask, now_ms: u64) -> Pending {
    let scopes = known.ask.scopes;
    // A request that once showed the secret stays one that did; the key proves it is the same device.
    let has_secret = known.ask.has_secret || newer.has_secret;
    Pending {
        ask: Ask { scopes, has_secret, ..newer },
        refreshed_at_ms: Some(now_ms),
        attempts: known.attempts.saturating_add(1),
        ..known
    }
}

fn merge_roles(first: &[Role], second: &[Role]) -> Vec<Role> {
    let mut roles = first.to_vec();
    roles.extend(second.iter().filter(|role| !first.contains(role)));
    roles
}

pub(super) fn approve(
    state: DevicePairing,
    request_id: &str,
    digest: Option<&str>,
    terms: &Terms,
    decider: &Decider,
    generation: &str,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let denied = || decider.told(Refusal::RequestUnknown, Refusal::ApprovalDenied);
    let pending = state.pending.as_ref().filter(|pending| pending.request_id == request_id).ok_or_else(denied)?;
    let only_operator = pending.roles.iter().all(|role| *role == Role::Operator);
    if !decider.may_touch(&pending.ask.device_id) || !(only_operator || decider.is_admin()) {
        return Err(Refusal::ApprovalDenied);
    }
    if digest.is_some_and(|shown| shown != pending.digest()) {
        return Err(Refusal::RequestChanged);
    }
    let terms = checked(terms, pending)?;
    let granted = terms.scopes.as_ref().unwrap_or(&pending.ask.scopes);
    if let Some(scope) = decider.scopes.first_missing(Role::Operator, &operator_part(granted)) {
        return Err(Refusal::ApproverLacksScope { scope: scope.to_owned() });
    }
    let (mut ask, roles) = (pending.ask.clone(), pending.roles.clone());
    if digest.is_none() {
        // Whoever shows no digest was not shown what the node offers; that waits for a decision of its own.
        ask.node = None;
    }
    let word = Word { via: ApprovedVia::Owner, by: Some(decider.approver()), terms };
    let (mut state, mut effects) = admit(state, &ask, &roles, word, &NewToken { generation, issuer: None }, now_ms)?;
    // Who got less than it asked for has its answer, too.
    if let Some(answered) = state.pending.take() {
        effects.retain(|effect| *effect != Effect::ListChanged);
        effects.push(Effect::Resolve { request_id: answered.request_id, decision: Decision::Approved });
    }
    Ok((state, effects))
}

/// The terms, if they make sense for this request.
fn checked(terms: &Terms, pending: &Pending) -> Result<Terms, Refusal> {
    let refuse = |refusal| Err(Refusal::Approve(refusal));
    let asked = &pending.ask.scopes;
    if let Some(scopes) = &terms.scopes {
        let is_node = pending.roles.contains(&Role::Node);
        if let Some(scope) = scopes.iter().find(|scope| !asked.contains(scope) && !asked.allow(Role::Operator, scope)) {
            return refuse(ApproveRefusal::NotAsked { scope: scope.to_owned() });
        }
        if is_node && !scopes.same_set(asked) {
            return refuse(ApproveRefusal::NodeIsWhole);
        }
        if scopes.is_empty() && !asked.is_empty() {
            return refuse(ApproveRefusal::NothingLeft);
        }
    }
    let label = terms.label.as_deref().map(str::trim);
    if label == Some("") {
        return Err(Refusal::LabelRequired);
    }
    Ok(Terms { label: label.map(str::to_owned), ..terms.clone() })
}

pub(super) fn grant(
    state: DevicePairing,
    ask: &Ask,
    roles: &[Role],
    via: ApprovedVia,
    token: &NewToken<'_>,
    now_ms: u64,
) -> Result<Step, Refusal> {
    // What it offers as a node is decided when it declares that.
    let word = Word { via, by: None, terms: Terms::default() };
    admit(state, &Ask { node: None, ..ask.clone() }, roles, word, token, now_ms)
}

/// Merges an approved ask into the device, with what it offers as a node, and gives it new tokens for the roles it asked for. Whatever
/// request of this device waited is answered by that, if it is covered.
fn admit(
    mut state: DevicePairing,
    ask: &Ask,
    roles: &[Role],
    word: Word,
    token: &NewToken<'_>,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let Word { via, by, terms } = word;
    if let Some(stray) = ask.scopes.iter().find(|scope| !roles.iter().any(|role| belongs(*role, scope))) {
        return Err(Refusal::ScopeOutsideRoles { scope: stray.to_owned() });
    }
    let granted = terms.scopes.as_ref().unwrap_or(&ask.scopes);
    let known = state.paired.take();
    // Of a device whose time was up nothing lasts but who it is.
    let held = known.as_ref().filter(|device| !device.has_run_out());
    let scopes = held.map(|device| device.scopes.clone()).unwrap_or_default().merged_with(granted);
    let left_out = held.map(|device| device.withheld.clone()).unwrap_or_default().merged_with(&ask.scopes);
    let mut device = Device {
        device_id: ask.device_id.clone(),
        public_key: ask.public_key.clone(),
        display_name: ask.display_name.clone(),
        operator_label: terms.label.or_else(|| known.as_ref().and_then(|device| device.operator_label.clone())),
        platform: ask.platform.clone(),
        device_family: ask.device_family.clone(),
        client_id: ask.client_id.clone(),
        client_mode: ask.client_mode.clone(),
        role: ask.role,
        roles: merge_roles(held.map(|device| device.roles.as_slice()).unwrap_or_default(), roles),
        withheld: left_out.iter().filter(|scope| !roles.iter().any(|role| scopes.allow(*role, scope))).collect(),
        expires_at_ms: match terms.expires_in_ms {
            Some(0) => None,
            Some(lasts_ms) => Some(now_ms.saturating_add(lasts_ms)),
            // More is not longer: who is in keeps the end that was set.
            None => held.and_then(|device| device.expires_at_ms),
        },
        remote_ip: (!ask.is_direct_local).then(|| ask.origin.address.clone()),
        approved_via: known.as_ref().map_or(via, |device| device.approved_via.merged_with(via)),
        created_at_ms: known.as_ref().map_or(now_ms, |device| device.created_at_ms),
        approved_at_ms: now_ms,
        last_seen_at_ms: known.as_ref().and_then(|device| device.last_seen_at_ms),
        last_seen_reason: known.as_ref().and_then(|device| device.last_seen_reason.clone()),
        last_connected_at_ms: known.as_ref().and_then(|device| device.last_connected_at_ms),
        last_disconnected_at_ms: known.as_ref().and_then(|device| device.last_disconnected_at_ms),
        last_seen_address: known.as_ref().and_then(|device| device.last_seen_address.clone()),
        approval: Some(Approval {
            by,
            reason: ask.reason,
            has_secret: ask.has_secret,
            origin: ask.origin.clone(),
            user_agent: ask.user_agent.clone(),
        }),
        surface: known.as_ref().and_then(|device| device.surface.clone()),
        pending_surface: known.as_ref().and_then(|device| device.pending_surface.clone()),
        tokens: known.as_ref().map(|device| device.tokens.clone()).unwrap_or_default(),
        scopes,
    };
    if let Some(offer) = ask.node.as_ref().filter(|_| roles.contains(&Role::Node)) {
        nodes::accept(&mut device, offer.clone(), now_ms);
    }
    for role in roles {
        mint(&mut device, *role, granted, token, now_ms);
    }
    let mut effects = Vec::new();
    let answered = state.pending.take_if(|pending| covers_pending(&device, pending));
    if let Some(answered) = answered {
        effects.push(Effect::Resolve { request_id: answered.request_id, decision: Decision::Approved });
    } else {
        effects.push(Effect::ListChanged);
    }
    state.paired = Some(device);
    Ok((state, effects))
}

fn covers_pending(device: &Device, pending: &Pending) -> bool {
    pending.roles.iter().all(|role| device.roles.contains(role) && device.live_token(*role).is_some())
        && device.scopes.allow_all(pending.ask.role, &pending.ask.scopes)
}

/// Gives the device a new token for a role: what the old one allowed and what is new.
fn mint(device: &mut Device, role: Role, scopes: &Scopes, new: &NewToken<'_>, now_ms: u64) {
    let old = device.tokens.iter().position(|token| token.role == role).map(|index| device.tokens.remove(index));
    let held = old.as_ref().filter(|token| token.is_live()).map(|token| token.scopes.clone()).unwrap_or_default();
    let own_part: Scopes = scopes.iter().filter(|scope| belongs(role, scope)).collect();
    device.tokens.push(Token {
        role,
        generation: new.generation.to_owned(),
        scopes: held.merged_with(&own_part).normalized(),
        issuer: new.issuer.map(str::to_owned),
        created_at_ms: old.as_ref().map_or(now_ms, |token| token.created_at_ms),
        rotated_at_ms: old.as_ref().map(|_| now_ms),
        revoked_at_ms: None,
        last_used_at_ms: old.and_then(|token| token.last_used_at_ms),
    });
}

/// `operator.*` scopes belong to operators, all others to nodes.
fn belongs(role: Role, scope: &str) -> bool {
    (role == Role::Operator) == scope.starts_with("operator.")
}

fn operator_part(scopes: &Scopes) -> Scopes {
    scopes.iter().filter(|scope| belongs(Role::Operator, scope)).collect()
}

pub(super) fn reject(
    mut state: DevicePairing,
    request_id: &str,
    digest: Option<&str>,
    decider: &Decider,
) -> Result<Step, Refusal> {
    let denied = || decider.told(Refusal::RequestUnknown, Refusal::RejectionDenied);
    let pending = state.pending.take_if(|pending| pending.request_id == request_id).ok_or_else(denied)?;
    if !decider.may_touch(&pending.ask.device_id) {
        return Err(Refusal::RejectionDenied);
    }
    if digest.is_some_and(|shown| shown != pending.digest()) {
        return Err(Refusal::RequestChanged);
    }
    Ok((state, vec![Effect::Resolve { request_id: pending.request_id, decision: Decision::Rejected }]))
}

pub(super) fn remove(mut state: DevicePairing, decider: &Decider) -> Result<Step, Refusal> {
    let unknown = if decider.is_confined_to_itself() { Refusal::RemovalDenied } else { Refusal::DeviceUnknown };
    let device = state.paired.take().ok_or(unknown)?;
    if !decider.may_touch(&device.device_id) {
        return Err(Refusal::RemovalDenied);
    }
    let mut effects = gone(&device);
    if let Some(pending) = state.pending.take() {
        effects.push(Effect::Drop { request_id: pending.request_id, why: Dropped::Removed });
    }
    Ok((state, effects))
}

/// Forgets a device that came in without asking. What a person has approved or named stays.
pub(super) fn supersede(mut state: DevicePairing) -> Step {
    let is_nobodys = |device: &Device| device.approved_via == ApprovedVia::Silent && device.operator_label.is_none();
    let effects = match state.paired.take_if(|device| is_nobodys(device)) {
        Some(device) => gone(&device),
        None => Vec::new(),
    };
    (state, effects)
}

/// What follows when a device is not paired any more.
pub(super) fn gone(device: &Device) -> Vec<Effect> {
    let mut effects = vec![Effect::CloseSockets { role: None }, Effect::ListChanged];
    effects.extend(device.pending_surface.as_ref().map(nodes::rejected));
    if device.is_node() {
        effects.push(nodes::removed());
    }
    effects
}

pub(super) fn rename(mut state: DevicePairing, label: &str, decider: &Decider) -> Result<Step, Refusal> {
    let label = label.trim();
    if label.is_empty() {
        return Err(Refusal::LabelRequired);
    }
    let device = state.paired.as_mut().ok_or(Refusal::DeviceUnknown)?;
    if !decider.may_touch(&device.device_id) {
        return Err(Refusal::RenameDenied);
    }
    device.operator_label = Some(label.to_owned());
    Ok((state, vec![Effect::Renamed]))
}

pub(super) fn rotate(
    mut state: DevicePairing,
    role: &str,
    scopes: Option<Scopes>,
    decider: &Decider,
    generation: String,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let role = Role::parse(role).ok_or(Refusal::RotationDenied)?;
    let device = state.paired.as_mut().ok_or(Refusal::RotationDenied)?;
    let approved = device.scopes.clone();
    let id = device.device_id.clone();
    let is_approved_role = device.roles.contains(&role);
    let token = device.token_mut(role).filter(|token| token.is_live() && is_approved_role);
    let token = token.ok_or(Refusal::RotationDenied)?;
    let scopes = scopes.map_or_else(|| token.scopes.clone(), |asked| asked.normalized());
    let allowed = decider.may_touch(&id)
        && (role == Role::Operator || decider.is_admin())
        && approved.allow_all(role, &scopes)
        && (role == Role::Node || decider.scopes.allow_all(Role::Operator, &scopes));
    if !allowed {
        return Err(Refusal::RotationDenied);
    }
    token.generation = generation;
    token.scopes = scopes;
    token.rotated_at_ms = Some(now_ms);
    token.issuer = None;
    Ok((state, vec![Effect::RenewSockets { role }, Effect::ListChanged]))
}

pub(super) fn revoke(mut state: DevicePairing, role: &str, decider: &Decider, now_ms: u64) -> Result<Step, Refusal> {
    let role = Role::parse(role).ok_or(Refusal::RevocationDenied)?;
    let device = state.paired.as_mut().ok_or(Refusal::RevocationDenied)?;
    let id = device.device_id.clone();
    let token = device.token_mut(role).ok_or(Refusal::RevocationDenied)?;
    let holds_as_much = role == Role::Node || decider.scopes.allow_all(Role::Operator, &token.scopes);
    let allowed = decider.may_touch(&id) && holds_as_much && (role == Role::Operator || decider.is_admin());
    if !allowed {
        return Err(Refusal::RevocationDenied);
    }
    token.revoked_at_ms.get_or_insert(now_ms);
    if !device.tokens.iter().any(Token::is_live) {
        // A person was faster than the time that was set.
        device.expires_at_ms = None;
    }
    let mut effects = vec![Effect::CloseSockets { role: Some(role) }, Effect::ListChanged];
    if role == Role::Node {
        // Whoever lets the device in again is not shown what was once approved of it.
        device.surface = None;
        effects.extend(device.pending_surface.take().as_ref().map(super::nodes::rejected));
    }
    Ok((state, effects))
}

pub(super) fn reissue(
    mut state: DevicePairing,
    role: Role,
    scopes: &Scopes,
    generation: &str,
    issuer: Option<&str>,
    now_ms: u64,
) -> Step {
    // What was revoked since the device was looked at stays revoked.
    if let Some(device) = state.paired.as_mut().filter(|device| device.live_token(role).is_some()) {
        mint(device, role, scopes, &NewToken { generation, issuer }, now_ms);
    }
    (state, Vec::new())
}
