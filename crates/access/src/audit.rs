//! What is worth remembering of a decision: who, about whom, from where, and what was displayed.
//!
//! What devices do by themselves (asking, being forgotten, getting a token renewed) is no decision.

use protocol::DeviceId;
use protocol::audit::{AuditAction, AuditAuthor, AuditGrant, Audited};
use protocol::pairing::{ApprovedVia, Approver};

use crate::pairing::{Decider, Device, DevicePairing, PairingEvent};

/// The record of what is about to happen to a device. What it holds afterwards is added by [`with_grant`].
pub fn of(before: &DevicePairing, device_id: &DeviceId, event: &PairingEvent) -> Option<Audited> {
    let audited = match event {
        PairingEvent::Grant { ask, via, .. } => {
            let mut audited = Audited::new(AuditAction::Approved, AuditAuthor::Policy { via: *via });
            audited.from = Some(ask.origin.clone());
            let name = name_of(before).or_else(|| ask.display_name.clone());
            return Some(audited.about(device_id.clone(), name));
        }
        PairingEvent::Approve { decider, digest, .. } => {
            let mut audited = displayed(by(AuditAction::Approved, decider), before);
            audited.digest.clone_from(digest);
            audited
        }
        PairingEvent::Reject { decider, .. } => displayed(by(AuditAction::Rejected, decider), before),
        PairingEvent::Undo { decider, .. } => by(AuditAction::Undone, decider),
        PairingEvent::Remove { decider } => by(AuditAction::Removed, decider),
        PairingEvent::Rename { label: name, decider } | PairingEvent::RenameNode { name, decider } => {
            by(AuditAction::Renamed, decider).noting(name.trim())
        }
        PairingEvent::Rotate { role, decider, .. } => by(AuditAction::TokenRotated, decider).noting(role),
        PairingEvent::Revoke { role, decider } => by(AuditAction::TokenRevoked, decider).noting(role),
        PairingEvent::ApproveNode { decider, .. } => offered(by(AuditAction::NodeApproved, decider), before),
        PairingEvent::RejectNode { decider, .. } => offered(by(AuditAction::NodeRejected, decider), before),
        PairingEvent::RemoveNode { decider } => by(AuditAction::NodeRemoved, decider),
        PairingEvent::Block { decider, .. } => displayed(by(AuditAction::Blocked, decider), before),
        PairingEvent::Unblock { decider } => by(AuditAction::Unblocked, decider),
        PairingEvent::Supersede { by } => {
            let newer = by.as_str().get(..8).unwrap_or_default();
            let by = AuditAuthor::Policy { via: ApprovedVia::Silent };
            Audited::new(AuditAction::Removed, by).noting(format!("superseded by {newer}"))
        }
        PairingEvent::Ask { .. }
        | PairingEvent::Declare { .. }
        | PairingEvent::Sweep
        | PairingEvent::Reissue { .. } => return None,
    };
    Some(audited.about(device_id.clone(), name_of(before)))
}

/// Adds what came of it.
#[must_use]
pub fn with_grant(mut audited: Audited, after: &DevicePairing) -> Audited {
    let grants = [AuditAction::Approved, AuditAction::TokenRotated, AuditAction::NodeApproved];
    let device = after.paired.as_ref().filter(|_| grants.contains(&audited.action));
    audited.granted = device.map(|device| AuditGrant { roles: device.roles.clone(), scopes: device.scopes.clone() });
    if audited.action == AuditAction::Blocked {
        audited.note = after.blocked.as_ref().and_then(|block| block.address.clone());
    }
    audited
}

/// Who decides, for the record; the store adds what a device is called.
pub fn author(decider: &Decider) -> AuditAuthor {
    match decider.approver() {
        Approver::Owner => AuditAuthor::Owner,
        Approver::Program => AuditAuthor::Program,
        Approver::Device { device_id } => AuditAuthor::Device { device_id, name: None },
    }
}

/// Something that somebody decides.
pub fn by(action: AuditAction, decider: &Decider) -> Audited {
    let mut audited = Audited::new(action, author(decider));
    audited.from.clone_from(&decider.from);
    audited
}

fn displayed(mut audited: Audited, before: &DevicePairing) -> Audited {
    audited.shown = before.pending.as_ref().map(|pending| Box::new(pending.shown(before.paired.as_ref())));
    audited
}

fn offered(mut audited: Audited, before: &DevicePairing) -> Audited {
    audited.offered = before.paired.as_ref().and_then(|device| device.pending_surface.clone()).map(Box::new);
    audited
}

fn name_of(before: &DevicePairing) -> Option<String> {
    let paired = before.paired.as_ref().map(|device: &Device| device.shown(None).shown_name());
    let pending = || before.pending.as_ref().map(|pending| pending.shown(None).shown_name());
    paired.or_else(pending).or_else(|| before.blocked.as_ref().and_then(|block| block.name.clone()))
}
