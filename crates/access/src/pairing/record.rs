//! The stored records.

use protocol::node::{NodeSurface, PendingNodeSurface};
use protocol::pairing::{Approval, ApprovedVia, Approver, BlockedDevice, Known, TokenSummary, shown_name};
use protocol::{DeviceId, Role, Scopes};

use super::Ask;

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub request_id: String,
    /// The newest ask. Its scopes are everything asked for so far.
    pub ask: Ask,
    pub roles: Vec<Role>,
    pub is_repair: bool,
    /// When it was first asked, Unix epoch milliseconds.
    pub ts: u64,
    pub refreshed_at_ms: Option<u64>,
    pub attempts: u32,
}

/// A device that was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub device_id: DeviceId,
    pub public_key: String,
    pub display_name: Option<String>,
    pub operator_label: Option<String>,
    pub platform: String,
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    pub role: Role,
    pub roles: Vec<Role>,
    /// Everything that was approved.
    pub scopes: Scopes,
    pub remote_ip: Option<String>,
    pub approved_via: ApprovedVia,
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
    pub last_seen_at_ms: Option<u64>,
    /// What it did when it was last seen: `connect`, or what a node gave as its reason.
    pub last_seen_reason: Option<String>,
    pub tokens: Vec<Token>,
    /// What may be used of it as a node.
    pub surface: Option<NodeSurface>,
    /// What it offers beyond that, until a person has looked at it. It does not run out, because a node
    /// that nobody looks at would never be asked about again.
    pub pending_surface: Option<PendingNodeSurface>,
    /// As a node, Unix epoch milliseconds.
    pub last_connected_at_ms: Option<u64>,
    pub last_disconnected_at_ms: Option<u64>,
    /// On whose word it was last let in; unknown for what an older gateway stored.
    pub approval: Option<Approval>,
    /// Where it was when it was last seen.
    pub last_seen_address: Option<String>,
    /// When what was approved ends by itself, Unix epoch milliseconds; never where it is `None`. It stays when that
    /// time has come, so that people see why the device is out.
    pub expires_at_ms: Option<u64>,
    /// What it asked for and whoever approved it left out. It is not asked about again.
    pub withheld: Scopes,
}

/// That the owner wants to hear nothing more of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it was called when it was blocked.
    pub name: Option<String>,
    /// Set where new devices from there stay out too.
    pub address: Option<String>,
    /// Unix epoch milliseconds.
    pub blocked_at_ms: u64,
    pub by: Option<Approver>,
    /// How often it was refused since then, or a new device from its address.
    pub knocks: u64,
    /// Unix epoch milliseconds.
    pub last_knock_at_ms: Option<u64>,
}

impl Block {
    /// The record as people see it.
    pub fn shown(&self, device_id: &DeviceId) -> BlockedDevice {
        BlockedDevice {
            device_id: device_id.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            blocked_at_ms: self.blocked_at_ms,
            by: self.by.clone(),
            knocks: self.knocks,
            last_knock_at_ms: self.last_knock_at_ms,
        }
    }
}

/// The token of a device in one role. The token itself is derived from the generation and never
/// stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub role: Role,
    /// Random; a new one makes every earlier token of this device and role worthless.
    pub generation: String,
    /// Normalized.
    pub scopes: Scopes,
    /// Which shared secret vouched for a browser's token; it dies with that secret.
    pub issuer: Option<String>,
    pub created_at_ms: u64,
    pub rotated_at_ms: Option<u64>,
    pub revoked_at_ms: Option<u64>,
    pub last_used_at_ms: Option<u64>,
}

impl Token {
    pub fn is_live(&self) -> bool {
        self.revoked_at_ms.is_none()
    }

    /// When the current token came to be, Unix epoch milliseconds.
    pub fn issued_at_ms(&self) -> u64 {
        self.rotated_at_ms.unwrap_or(self.created_at_ms)
    }

    pub(super) fn summary(&self) -> TokenSummary {
        TokenSummary {
            role: self.role,
            scopes: self.scopes.clone(),
            created_at_ms: self.created_at_ms,
            rotated_at_ms: self.rotated_at_ms,
            revoked_at_ms: self.revoked_at_ms,
            last_used_at_ms: self.last_used_at_ms,
        }
    }
}

impl Device {
    /// The live token of a role the device is approved for.
    pub fn live_token(&self, role: Role) -> Option<&Token> {
        let token = self.tokens.iter().find(|token| token.role == role && token.is_live())?;
        self.roles.contains(&role).then_some(token)
    }

    /// Whether its time is up and nobody has acted upon it yet.
    pub fn runs_out(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_some_and(|end_ms| end_ms <= now_ms) && self.tokens.iter().any(Token::is_live)
    }

    /// Whether its time was up. It has to ask anew, for everything, and a person decides.
    pub fn has_run_out(&self) -> bool {
        self.expires_at_ms.is_some() && !self.tokens.iter().any(Token::is_live)
    }

    /// What it was let in as, for whoever decides what more it may do.
    pub(super) fn known(&self) -> Known {
        Known {
            name: self.shown_name(),
            platform: self.platform.clone(),
            device_family: self.device_family.clone(),
            client_id: self.client_id.clone(),
            roles: self.roles.iter().copied().filter(|role| self.live_token(*role).is_some()).collect(),
            expires_at_ms: self.expires_at_ms,
        }
    }

    /// What people see it called.
    pub fn shown_name(&self) -> String {
        shown_name(self.display_name.as_deref(), self.operator_label.as_deref(), &self.client_id, &self.platform)
    }

    /// Whether people see it as a node.
    pub fn is_node(&self) -> bool {
        self.surface.is_some() || self.pending_surface.is_some() || self.roles.contains(&Role::Node)
    }

    pub(super) fn token_mut(&mut self, role: Role) -> Option<&mut Token> {
        self.tokens.iter_mut().find(|token| token.role == role)
    }
}
