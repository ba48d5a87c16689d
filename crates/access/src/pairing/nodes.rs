//! What a node offers, and what people make of it (wire.md §9.3). Being a device comes first; this is
//! about what may be used of it.

use protocol::node::{NodeDecision, NodeSurface, Offer, PendingNode, PendingNodeSurface};
use protocol::pairing::ApprovedVia;
use protocol::refusal::NodeRefusal;
use protocol::{Refusal, Role};

use super::{Decider, Declaration, Device, DevicePairing, Effect, Step};

impl Declaration {
    /// Whether all of it was approved, and is stored as it is said now: then there is nothing to write down.
    pub fn is_known(&self, device: &Device) -> bool {
        let is_the_same = |approved: &NodeSurface| {
            self.is_within(approved)
                && approved.version == self.offer.version
                && approved.display_name == self.display_name
        };
        device.pending_surface.is_none() && device.surface.as_ref().is_some_and(is_the_same)
    }

    /// Whether a person has approved everything that is offered.
    fn is_within(&self, approved: &NodeSurface) -> bool {
        approved.surface.covers(&self.offer.surface)
    }
}

/// A node says what it offers. What was approved before stays usable; what is new waits for a person,
/// under an id that never stands for more than what was shown under it.
pub(super) fn declare(mut state: DevicePairing, declared: Declaration, request_id: String, now_ms: u64) -> Step {
    let Some(device) = state.paired.as_mut().filter(|device| device.live_token(Role::Node).is_some()) else {
        return (state, Vec::new());
    };
    let waiting = device.pending_surface.take();
    if let Some(approved) = device.surface.as_mut().filter(|approved| declared.is_within(approved)) {
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
    if let Some(known) = waiting.as_ref().filter(|known| known.surface.is_same(&declared.offer.surface)) {
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

/// Takes a request back, so that nobody goes on looking at it.
pub(super) fn rejected(old: &PendingNodeSurface) -> Effect {
    Effect::ResolveNode { request_id: old.request_id.clone(), decision: NodeDecision::Rejected }
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

#[cfg(test)]
mod tests {
    use super::super::{PairingEvent, Token, step};
    use super::*;
    use protocol::node::Surface;
    use protocol::{DeviceId, Scopes};

    const NOW: u64 = 1_000_000;

    fn declaration(version: &str, commands: &[&str]) -> Declaration {
        let commands = commands.iter().map(|&command| command.to_owned()).collect();
        Declaration {
            display_name: Some("Shed".to_owned()),
            platform: "linux".to_owned(),
            device_family: None,
            offer: Offer { version: version.to_owned(), surface: Surface { commands, ..Surface::default() } },
        }
    }

    /// A node of which `device.info` and `system.which` were approved in version 1.
    fn node() -> Device {
        let token = Token {
            role: Role::Node,
            generation: "g".to_owned(),
            scopes: Scopes::default(),
            issuer: None,
            created_at_ms: NOW,
            rotated_at_ms: None,
            revoked_at_ms: None,
            last_used_at_ms: None,
        };
        let mut device = Device {
            device_id: DeviceId::claimed("d1"),
            public_key: "key".to_owned(),
            display_name: Some("Shed".to_owned()),
            operator_label: None,
            platform: "linux".to_owned(),
            device_family: None,
            client_id: "node-host".to_owned(),
            client_mode: "node".to_owned(),
            role: Role::Node,
            roles: vec![Role::Node],
            scopes: Scopes::default(),
            remote_ip: None,
            approved_via: ApprovedVia::Owner,
            created_at_ms: NOW,
            approved_at_ms: NOW,
            last_seen_at_ms: None,
            last_seen_reason: None,
            tokens: vec![token],
            surface: None,
            pending_surface: None,
            last_connected_at_ms: None,
            last_disconnected_at_ms: None,
            approval: None,
            last_seen_address: None,
            expires_at_ms: None,
            withheld: Scopes::default(),
        };
        accept(&mut device, declaration("1", &["device.info", "system.which"]).offer, NOW);
        device
    }

    fn declared(device: Device, declaration: Declaration) -> (Device, Vec<Effect>) {
        let state = DevicePairing { paired: Some(device), ..DevicePairing::default() };
        let event = PairingEvent::Declare { declaration: Box::new(declaration), request_id: "r1".to_owned() };
        let (state, effects) = step(state, event, NOW + 1).unwrap();
        (state.paired.unwrap(), effects)
    }

    #[track_caller]
    fn check_known(device: &Device, declaration: Declaration, expected: bool) {
        assert_eq!(declaration.is_known(device), expected);
        let is_unchanged = declared(device.clone(), declaration) == (device.clone(), Vec::new());
        assert_eq!(is_unchanged, expected);
    }

    #[test]
    fn a_declaration_is_known_exactly_if_it_changes_nothing() {
        let unnamed = Declaration { display_name: None, ..declaration("1", &["device.info"]) };
        let (waits, _) = declared(node(), declaration("1", &["system.run"]));
        assert!(waits.pending_surface.is_some());
        let never_approved = Device { surface: None, ..node() };

        check_known(&node(), declaration("1", &["device.info", "system.which"]), true);
        check_known(&node(), declaration("1", &["device.info"]), true);
        check_known(&node(), declaration("1", &["device.info", "system.run"]), false);
        check_known(&node(), declaration("2", &["device.info"]), false);
        check_known(&node(), unnamed, false);
        check_known(&waits, declaration("1", &["device.info"]), false);
        check_known(&never_approved, declaration("1", &["device.info"]), false);
    }
}
