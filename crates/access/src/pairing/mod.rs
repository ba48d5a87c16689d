//! The pairing state machine of one device: what it was granted, what it asks for, and how people's
//! decisions change both (wire.md §6.2).
//!
//! **Invariant:** [`step`] is the only way from one state to the next. It returns the new state and
//! the effects that the server carries out after the new state is stored.

mod block;
mod decide;
mod nodes;
mod record;
mod undo;

#[cfg(test)]
mod terms_tests;
#[cfg(test)]
mod tests;

use protocol::event::Decision;
use protocol::method::Terms;
use protocol::node::{NodeDecision, Offer, PendingNode};
use protocol::pairing::{ApprovedVia, Approver, PairedDevice, PairingReason, PendingRequest};
use protocol::{DeviceId, PAIRING_LIFETIME_MS, Refusal, Role, Scopes};

use decide::NewToken;
pub use record::{Block, Device, Pending, Token};
pub use undo::Undoable;

/// Everything stored about one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DevicePairing {
    pub paired: Option<Device>,
    pub pending: Option<Pending>,
    /// A device that is blocked is neither paired nor waits.
    pub blocked: Option<Block>,
}

/// What a device asks for, with all a person needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub device_id: DeviceId,
    pub public_key: String,
    pub display_name: Option<String>,
    pub platform: String,
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    pub role: Role,
    pub scopes: Scopes,
    pub reason: PairingReason,
    pub has_secret: bool,
    /// Whether the request came from this machine itself; then no address is shown.
    pub is_direct_local: bool,
    pub origin: protocol::pairing::Origin,
    pub user_agent: Option<String>,
    /// What it offers, if it wants to be a node: only commands that it may offer at all.
    pub node: Option<Offer>,
}

/// What a node that is let in offers at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub display_name: Option<String>,
    pub platform: String,
    pub device_family: Option<String>,
    /// Only commands that it may offer at all.
    pub offer: Offer,
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    pub scopes: Scopes,
    /// The device that decides, if it is one.
    pub device_id: Option<DeviceId>,
    /// Whether it got in by its own device credential alone. Without admin it then only sees itself.
    pub by_device_credential: bool,
    /// Whether it is the owner of the state directory.
    pub is_owner: bool,
    /// Where it decides from, for the record.
    pub from: Option<protocol::pairing::Origin>,
}

impl Decider {
    fn is_admin(&self) -> bool {
        self.scopes.contains(protocol::role::ADMIN)
    }

    /// An admin is told what is wrong; others hear only that they may not (wire.md §7.2).
    pub fn told(&self, what_is_wrong: Refusal, denied: Refusal) -> Refusal {
        if self.is_admin() { what_is_wrong } else { denied }
    }

    /// Whether another device's affairs are none of its business.
    pub fn is_confined_to_itself(&self) -> bool {
        self.by_device_credential && !self.is_admin()
    }

    /// Who it is, for the record.
    pub fn approver(&self) -> Approver {
        match &self.device_id {
            Some(device_id) => Approver::Device { device_id: device_id.clone() },
            None if self.is_owner => Approver::Owner,
            None => Approver::Program,
        }
    }

    fn may_touch(&self, device: &DeviceId) -> bool {
        !self.is_confined_to_itself() || self.device_id.as_ref() == Some(device)
    }
}

/// What can happen to a device's pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingEvent {
    /// A device asks. `request_id` is used if this becomes a new request.
    Ask {
        ask: Box<Ask>,
        request_id: String,
    },
    /// A rule of the owner's, or a one-time code, answers for a person.
    Grant {
        ask: Box<Ask>,
        /// What the device becomes; the scopes of the ask are for all of these.
        roles: Vec<Role>,
        via: ApprovedVia,
        generation: String,
        issuer: Option<String>,
    },
    Approve {
        request_id: String,
        digest: Option<String>,
        terms: Terms,
        decider: Decider,
        generation: String,
    },
    Reject {
        request_id: String,
        digest: Option<String>,
        decider: Decider,
    },
    /// Somebody takes an approval back.
    Undo {
        undoable: Box<Undoable>,
        decider: Decider,
    },
    Remove {
        decider: Decider,
    },
    Rename {
        label: String,
        decider: Decider,
    },
    Rotate {
        role: String,
        scopes: Option<Scopes>,
        decider: Decider,
        generation: String,
    },
    Revoke {
        role: String,
        decider: Decider,
    },
    /// A node says what it offers. `request_id` is used if a person has to look at it.
    Declare {
        declaration: Box<Declaration>,
        request_id: String,
    },
    ApproveNode {
        request_id: String,
        decider: Decider,
    },
    RejectNode {
        request_id: String,
        decider: Decider,
    },
    RemoveNode {
        decider: Decider,
    },
    RenameNode {
        name: String,
        decider: Decider,
    },
    /// Somebody wants to hear nothing more of the device.
    Block {
        /// Said again, because a device that is not stored has no record to say it.
        device_id: DeviceId,
        /// Whether new devices from its address stay out too.
        with_address: bool,
        decider: Decider,
    },
    Unblock {
        decider: Decider,
    },
    /// Another device was let in without asking that is the same to people: a browser that forgets its key, or a
    /// command line with a new home each time.
    Supersede {
        by: DeviceId,
    },
    /// Time has passed.
    Sweep,
    /// The token of a role must be replaced, because it was issued under a secret that is gone.
    Reissue {
        role: Role,
        scopes: Scopes,
        generation: String,
        issuer: Option<String>,
    },
}

/// What the server has to do once the new state is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell those who may pair that somebody asks.
    Announce(Box<PendingRequest>),
    /// Tell them how a request ended, and those who wait for it.
    Resolve { request_id: String, decision: Decision },
    /// Tell those who wait that their request was replaced or ran out.
    Drop { request_id: String, why: Dropped },
    /// Tell those who may pair that a node offers something nobody has approved.
    AnnounceNode(Box<PendingNode>),
    /// Tell them, and the node, how that ended.
    ResolveNode { request_id: String, decision: NodeDecision },
    /// Tell everyone who may pair that a device has a new name (wire.md §7.2).
    Renamed,
    /// Tell our own clients that their list is out of date; the others never hear of these changes.
    ListChanged,
    /// Throw this device out; with a role, only out of that.
    CloseSockets { role: Option<Role> },
    /// The device has a new token in this role; it may come back at once.
    RenewSockets { role: Role },
    /// What was approved of the device has ended by itself.
    EndSockets,
    /// The device may do less than before; it comes back with that.
    NarrowSockets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    Superseded,
    Expired,
    /// The device was removed, and its request with it.
    Removed,
    Blocked,
    /// Too many others wait; the oldest that nobody has looked at goes first.
    CrowdedOut,
}

/// The next state, and what follows from it.
pub type Step = (DevicePairing, Vec<Effect>);

/// Applies one event. On refusal nothing changes.
pub fn step(state: DevicePairing, event: PairingEvent, now_ms: u64) -> Result<Step, Refusal> {
    let (state, mut effects) = decide::sweep(state, now_ms);
    let (state, more) = match event {
        PairingEvent::Ask { ask, request_id } => decide::ask(block::admitted(state, &ask)?, *ask, request_id, now_ms),
        PairingEvent::Grant { ask, roles, via, generation, issuer } => {
            let token = NewToken { generation: &generation, issuer: issuer.as_deref() };
            decide::grant(block::admitted(state, &ask)?, &ask, &roles, via, &token, now_ms)?
        }
        PairingEvent::Approve { request_id, digest, terms, decider, generation } => {
            decide::approve(state, &request_id, digest.as_deref(), &terms, &decider, &generation, now_ms)?
        }
        PairingEvent::Reject { request_id, digest, decider } => {
            decide::reject(state, &request_id, digest.as_deref(), &decider)?
        }
        PairingEvent::Undo { undoable, decider } => undo::undo(state, *undoable, &decider)?,
        PairingEvent::Remove { decider } => decide::remove(state, &decider)?,
        PairingEvent::Rename { label, decider } => decide::rename(state, &label, &decider)?,
        PairingEvent::Rotate { role, scopes, decider, generation } => {
            decide::rotate(state, &role, scopes, &decider, generation, now_ms)?
        }
        PairingEvent::Revoke { role, decider } => decide::revoke(state, &role, &decider, now_ms)?,
        PairingEvent::Declare { declaration, request_id } => nodes::declare(state, *declaration, request_id, now_ms),
        PairingEvent::ApproveNode { request_id, decider } => nodes::approve(state, &request_id, &decider, now_ms)?,
        PairingEvent::RejectNode { request_id, decider } => nodes::reject(state, &request_id, &decider)?,
        PairingEvent::RemoveNode { decider } => nodes::remove(state, &decider)?,
        PairingEvent::RenameNode { name, decider } => nodes::rename(state, &name, &decider)?,
        PairingEvent::Block { device_id, with_address, decider } => {
            block::block(state, &device_id, with_address, &decider, now_ms)?
        }
        PairingEvent::Unblock { decider } => block::unblock(state, &decider)?,
        PairingEvent::Supersede { .. } => decide::supersede(state),
        PairingEvent::Sweep => (state, Vec::new()),
        PairingEvent::Reissue { role, scopes, generation, issuer } => {
            decide::reissue(state, role, &scopes, &generation, issuer.as_deref(), now_ms)
        }
    };
    effects.extend(more);
    Ok((state, effects))
}

impl Pending {
    /// When the request is forgotten, Unix epoch milliseconds.
    pub fn expires_at_ms(&self) -> u64 {
        self.refreshed_at_ms.unwrap_or(self.ts) + PAIRING_LIFETIME_MS
    }

    /// The record as people see it. `device` is what is stored of the device that asks.
    pub fn shown(&self, device: Option<&Device>) -> PendingRequest {
        let ask = &self.ask;
        let held = device.filter(|device| !device.has_run_out());
        let mut shown = PendingRequest {
            request_id: self.request_id.clone(),
            device_id: ask.device_id.clone(),
            public_key: ask.public_key.clone(),
            display_name: ask.display_name.clone(),
            platform: ask.platform.clone(),
            device_family: ask.device_family.clone(),
            client_id: ask.client_id.clone(),
            client_mode: ask.client_mode.clone(),
            role: ask.role,
            roles: self.roles.clone(),
            scopes: ask.scopes.clone(),
            remote_ip: (!ask.is_direct_local).then(|| ask.origin.address.clone()),
            silent: false,
            is_repair: self.is_repair,
            ts: self.ts,
            evidence: None,
        };
        shown.evidence = Some(protocol::pairing::Evidence {
            digest: shown.digest(ask.node.as_ref()),
            reason: ask.reason,
            expires_at_ms: self.expires_at_ms(),
            attempts: self.attempts,
            has_secret: ask.has_secret,
            origin: ask.origin.clone(),
            approved_scopes: held.map(|device| device.scopes.clone()).unwrap_or_default(),
            user_agent: ask.user_agent.clone(),
            node: ask.node.clone(),
            known: device.map(Device::known),
        });
        shown
    }

    /// What an approval has to repeat; see [`PendingRequest::digest`].
    pub fn digest(&self) -> String {
        self.shown(None).evidence.map(|evidence| evidence.digest).unwrap_or_default()
    }
}

impl Device {
    /// The record as people see it.
    pub fn shown(&self, is_connected: Option<bool>) -> PairedDevice {
        PairedDevice {
            device_id: self.device_id.clone(),
            public_key: self.public_key.clone(),
            display_name: self.display_name.clone(),
            operator_label: self.operator_label.clone(),
            platform: Some(self.platform.clone()).filter(|platform| !platform.is_empty()),
            device_family: self.device_family.clone(),
            client_id: self.client_id.clone(),
            client_mode: self.client_mode.clone(),
            role: self.role,
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            remote_ip: self.remote_ip.clone(),
            approved_via: self.approved_via,
            created_at_ms: self.created_at_ms,
            approved_at_ms: self.approved_at_ms,
            last_seen_at_ms: self.last_seen_at_ms,
            last_seen_reason: self.last_seen_reason.clone(),
            connected: is_connected,
            tokens: self.tokens.iter().map(Token::summary).collect(),
            node_surface: self.surface.clone(),
            pending_node_surface: self.pending_surface.clone(),
            expires_at_ms: self.expires_at_ms,
            withheld_scopes: self.withheld.clone(),
        }
    }
}
