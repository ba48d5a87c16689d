//! Taking an approval back: the device is again exactly what it was (docs/protocol.md, "Undoing an approval").

use protocol::Refusal;
use protocol::Role;
use protocol::pairing::Approver;
use protocol::refusal::ApproveRefusal;

use super::decide::gone;
use super::{Decider, Device, DevicePairing, Dropped, Effect, Step, Token, nodes};

/// An approval, as whoever takes it back has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// The device before it; `None` if it was new.
    pub before: Option<Device>,
    /// The device as the approval left it.
    pub after: Device,
}

impl Undoable {
    fn approved_by(&self) -> Option<&Approver> {
        self.after.approval.as_ref()?.by.as_ref()
    }
}

/// Goes back to what was before the approval. Somebody's later decision about the device is never undone with it:
/// a revocation least of all.
pub(super) fn undo(mut state: DevicePairing, undoable: Undoable, decider: &Decider) -> Result<Step, Refusal> {
    let refuse = |refusal| Err(Refusal::Approve(refusal));
    let is_own = undoable.approved_by() == Some(&decider.approver());
    if !decider.may_touch(&undoable.after.device_id) || !(is_own || decider.is_admin()) {
        return refuse(ApproveRefusal::UndoDenied);
    }
    let Some(now) = state.paired.take_if(|now| is_as_approved(now, &undoable.after)) else {
        return refuse(ApproveRefusal::UndoChanged);
    };
    let Some(before) = undoable.before else {
        let mut effects = gone(&now);
        effects.extend(state.pending.take().map(|pending| {
            let (request_id, why) = (pending.request_id, Dropped::Removed);
            Effect::Drop { request_id, why }
        }));
        return Ok((state, effects));
    };
    let was_renamed = now.operator_label != undoable.after.operator_label;
    let mut effects = Vec::new();
    let is_node_no_more = now.roles.contains(&Role::Node) && !before.roles.contains(&Role::Node);
    if before.pending_surface != now.pending_surface {
        effects.extend(now.pending_surface.as_ref().map(nodes::rejected));
    }
    let device = Device {
        tokens: before.tokens.iter().map(|token| returned(token, &now)).collect(),
        operator_label: if was_renamed { now.operator_label } else { before.operator_label },
        last_seen_at_ms: now.last_seen_at_ms,
        last_seen_reason: now.last_seen_reason,
        last_seen_address: now.last_seen_address,
        last_connected_at_ms: now.last_connected_at_ms,
        last_disconnected_at_ms: now.last_disconnected_at_ms,
        ..before
    };
    if device.tokens.iter().any(Token::is_live) {
        effects.push(Effect::NarrowSockets);
    } else {
        effects.push(Effect::CloseSockets { role: None });
    }
    effects.push(Effect::ListChanged);
    if is_node_no_more {
        effects.push(nodes::removed());
    }
    state.paired = Some(device);
    Ok((state, effects))
}

/// Whether nobody has decided anything about the device since. What it says of itself does not matter, nor a name.
fn is_as_approved(now: &Device, after: &Device) -> bool {
    let grants = |device: &Device| {
        let mut tokens: Vec<_> = device
            .tokens
            .iter()
            .map(|token| (token.role, token.generation.clone(), token.scopes.clone(), token.revoked_at_ms))
            .collect();
        tokens.sort_by_key(|(role, ..)| *role);
        let approved_at_ms = device.approved_at_ms;
        (
            device.roles.clone(),
            device.scopes.clone(),
            device.withheld.clone(),
            device.expires_at_ms,
            approved_at_ms,
            tokens,
        )
    };
    grants(now) == grants(after)
}

/// A token as it was. A device that has come in by its new one goes on with that: it has thrown the old one away.
fn returned(before: &Token, now: &Device) -> Token {
    let Some(new) = now.tokens.iter().find(|token| token.role == before.role) else {
        return before.clone();
    };
    let is_used = new.last_used_at_ms != before.last_used_at_ms;
    let generation = if is_used { &new.generation } else { &before.generation };
    Token { generation: generation.clone(), last_used_at_ms: new.last_used_at_ms, ..before.clone() }
}
