//! What a node offers, and what people make of it (wire.md §9.3). Being a device comes first; this is
//! about what may be used of it.

use protocol::node::{NodeDecision, NodeSurface, Offer, PendingNode, PendingNodeSurface};
use protocol::pairing::ApprovedVia;
use protocol::refusal::NodeRefusal;
use protocol::{Refusal, Role};

use super::{Decider, Declaration, Device, DevicePairing, Effect, Step};

/// A node says what it offers. What was approved before stays usable; what is new waits for a person,
/// under an id that never stands for more than what was shown under it.
pub(super) fn declare(mut state: DevicePairing, declared: Declaration, request_id: String, now_ms: u64) -> Step {
    let Some(device) = state.paired.as_mut().filter(|device| device.live_token(Role::Node).is_some()) else {
        return (state, Vec::new());
    };
    let waiting = device.pending_surface.take();
    let rejected = |old: &PendingNodeSurface| Effect::ResolveNode {
        request_id: old.request_id.clone(),
        decision: NodeDecision::Rejected,
    };
    if let Some(approved) = device.surface.as_mut().filter(|approved| approved.surface.covers(&declared.offer.surface))
    {
        approved.version = declared.offer.version;
        approved.display_name = declared.display_name;
        return (state, waiting.iter().map(rejected).collect());
    }
    if device.surface.is_none() && device.approved_via == ApprovedVia::Bootstrap {
        // The one-time code that let the device in was made for a node.
        accept(device, declared.offer, now_ms);
        let decided = Effect::ResolveNode { request_id, decision: NodeDecision::Approved };
        return (state, waiting.iter().map(rejected).chain([decided]).collect());
    }
    if let Some(known) = waiting.as_ref().filter(|known| known.surface == declared.offer.surface) {
        let (display_name, version) = (declared.display_name, declared.offer.version);
        device.pending_surface = Some(PendingNodeSurface { display_name, version, ..known.clone() });
        return (state, Vec::new());
    }
    let mut effects: Vec<Effect> = waiting.iter().map(rejected).collect();
    device.pending_surface = Some(PendingNodeSurface {
        request_id,
        display_name: declared.display_name,
        version: declared.offer.version,
        platform: declared.platform,
        device_family: declared.device_family,
        surface: declared.offer.surface,
        silent: device.approved_via == ApprovedVia::Silent && device.surface.is_none(),
        ts: now_ms,
    });
    effects.extend(device.shown_pending_node().map(|shown| Effect::AnnounceNode(Box::new(shown))));
    (state, effects)
}

pub(super) fn approve(
    mut state: DevicePairing,
    request_id: &str,
    decider: &Decider,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let (device, pending) = take_pending(&mut state, request_id, decider)?;
    let required = pending.surface.required_approve_scopes();
    if let Some(scope) = required.iter().find(|scope| !decider.scopes.allow(Role::Operator, scope)) {
        return Err(Refusal::MissingScope { scope: scope.clone() });
    }
    accept(device, Offer { version: pending.version, surface: pending.surface }, now_ms);
    let decision = NodeDecision::Approved;
    Ok((state, vec![Effect::ResolveNode { request_id: request_id.to_owned(), decision }]))
}

pub(super) fn reject(mut state: DevicePairing, request_id: &str, decider: &Decider) -> Result<Step, Refusal> {
    take_pending(&mut state, request_id, decider)?;
    let decision = NodeDecision::Rejected;
    Ok((state, vec![Effect::ResolveNode { request_id: request_id.to_owned(), decision }]))
}

/// Forgets the node. A device that was nothing else is forgotten with it (wire.md §7.3).
pub(super) fn remove(mut state: DevicePairing, decider: &Decider) -> Result<Step, Refusal> {
    let device = state.paired.as_mut().filter(|device| device.is_node()).ok_or(Refusal::Node(NodeRefusal::Unknown))?;
    if !decider.may_touch(&device.device_id) {
        return Err(Refusal::Node(NodeRefusal::Unknown));
    }
    device.surface = None;
    device.pending_surface = None;
    device.roles.retain(|role| *role != Role::Node);
    device.tokens.retain(|token| token.role != Role::Node);
    if let Some(other) = device.roles.first() {
        device.role = *other;
    } else {
        state.paired = None;
    }
    Ok((state, vec![removed(), Effect::CloseSockets { role: Some(Role::Node) }, Effect::ListChanged]))
}

/// A node's name is its device's name, so that no two lists disagree.
pub(super) fn rename(mut state: DevicePairing, name: &str, decider: &Decider) -> Result<Step, Refusal> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Refusal::LabelRequired);
    }
    let device = state.paired.as_mut().filter(|device| device.is_node()).ok_or(Refusal::Node(NodeRefusal::Unknown))?;
    if !decider.may_touch(&device.device_id) {
        return Err(Refusal::RenameDenied);
    }
    device.operator_label = Some(name.to_owned());
    Ok((state, vec![Effect::ListChanged]))
}

/// A node is gone, whatever it was asked (wire.md §7.3).
pub(super) fn removed() -> Effect {
    Effect::ResolveNode { request_id: String::new(), decision: NodeDecision::Removed }
}

/// Makes an offer what may be used of the node: exactly that, no more and no less.
pub(super) fn accept(device: &mut Device, offer: Offer, now_ms: u64) {
    device.surface = Some(NodeSurface {
        display_name: device.display_name.clone(),
        version: offer.version,
        surface: offer.surface,
        created_at_ms: device.surface.as_ref().map_or(now_ms, |known| known.created_at_ms),
        approved_at_ms: now_ms,
    });
    device.pending_surface = None;
}

/// Takes the request out, if it is the one meant and the decider may see it.
fn take_pending<'a>(
    state: &'a mut DevicePairing,
    request_id: &str,
    decider: &Decider,
) -> Result<(&'a mut Device, PendingNodeSurface), Refusal> {
    let device = state.paired.as_mut().filter(|device| decider.may_touch(&device.device_id));
    let device = device.ok_or(Refusal::RequestUnknown)?;
    let pending = device.pending_surface.take_if(|pending| pending.request_id == request_id);
    Ok((device, pending.ok_or(Refusal::RequestUnknown)?))
}

impl Device {
    /// What waits, as people see it.
    pub fn shown_pending_node(&self) -> Option<PendingNode> {
        let pending = self.pending_surface.as_ref()?;
        Some(PendingNode {
            request_id: pending.request_id.clone(),
            node_id: self.device_id.clone(),
            client_id: self.client_id.clone(),
            client_mode: self.client_mode.clone(),
            display_name: self.operator_label.clone().or(pending.display_name.clone()),
            platform: pending.platform.clone(),
            version: pending.version.clone(),
            device_family: pending.device_family.clone(),
            required_approve_scopes: pending.surface.required_approve_scopes(),
            surface: pending.surface.clone(),
            remote_ip: self.remote_ip.clone(),
            silent: pending.silent,
            ts: pending.ts,
        })
    }
}
